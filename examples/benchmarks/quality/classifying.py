"""Accuracy of a network compared with simpler models, in the test or by cross-validation."""

import numpy as np
import pandas as pd
from choosing import Trial
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skrnn import RNNClassifier


def accuracies(network, simple, train, test, folds=None):
    """Return the accuracy of a network, and a dict with those of models without a network.

    Parameters
    ----------
    network : estimator
    simple : dict of str to estimator
    train, test : tuple of X and y
    folds : cross-validation splitter, default=None
        The mean over these folds of `train` is returned instead, and `test` is not touched.
    """

    def accuracy(estimator):
        if folds is None:
            return clone(estimator).fit(*train).score(*test)
        return cross_val_score(estimator, *train, cv=folds, error_score="raise").mean()

    return accuracy(network), {name: accuracy(estimator) for name, estimator in simple.items()}


def out_of_the_box(title, measure, must_reach):
    """Return the Trials of RNNClassifier() row by row and in segments: there is nothing to choose.

    Parameters
    ----------
    title : str
    measure : callable
        As in Trial.
    must_reach : float
        Accuracy in segments.
    """
    of_both = {"seeded": "random_state", "n_seeds": 5, "best": max}

    def trial(name, segment):
        estimator = RNNClassifier(segment=segment)
        full_title = f"{title}, accuracy without any setting, {name}"
        return Trial(full_title, measure, estimator, {name: {}}, name, must_reach, **of_both)

    return {"row_by_row": trial("row by row", 1), "segments": trial("segments", "auto")}


def read_cases(path):
    """Return the cases of a table with a row for each timestep, (T, F) each, and their labels."""
    cases = pd.read_csv(path).groupby("case")
    X = [rows.filter(regex="^c[0-9]+$").to_numpy() for _, rows in cases]
    return X, cases["label"].first().to_numpy()


def logistic_on_summaries():
    """Return a logistic regression on mean, deviation, first and last timestep of each case."""
    summarize = FunctionTransformer(summaries)
    return make_pipeline(summarize, StandardScaler(), LogisticRegression(max_iter=1000))


def summaries(X):
    return np.stack([np.concatenate([x.mean(axis=0), x.std(axis=0), x[0], x[-1]]) for x in X])
