"""LSTM-FCN on three sets: convolutions next to an LSTM, written as one function of Keras layers.

The network is that of Karim, Majumdar, Darabi and Harford (2019), "Multivariate LSTM-FCNs for time
series classification", doi:10.1016/j.neunet.2019.04.014, without its squeeze-and-excite blocks, and
with their LSTM of 8 units, dropout of 0.8 and Keras's BatchNormalization. Where all sequences have
one length, the LSTM reads a feature at each step, as theirs does. They train 2,000 epochs, lower
the learning rate where the training loss no longer falls, and keep the weights of the lowest one.

How settings are chosen was written down before any of them was tried, and is the same for each set.
A search runs GridSearchCV over GRID, with a fixed seed, on five stratified folds of the training
part (on two such splits of the smallest one). Of the candidates whose accuracy is within one
standard error of the highest, the one with the lowest log loss is chosen: with so few rows,
accuracies are equal or differ by chance. GRID holds filters, and how the learning rate changes. The
epochs are as many as the folds can afford, 500 to 900 steps of the optimizer.

Then the chosen networks are trained on the whole training part and predict the test part, once for
each of five seeds (`--choose` leaves this out). Each seed has three networks. The accuracies of
single networks are printed, and those of their averaged probabilities.

    python examples/benchmarks/quality/lstm_fcn.py FOLDER [NAMES] [--choose]
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import basic_motions
import italy_power_demand
import keras
import numpy as np
from classifying import read_cases
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold

from skrnn import RNNClassifier

layers, ops = keras.layers, keras.ops
GRID = {
    "network_params": [{"filters": 32}, {"filters": 64}],
    "learning_rate": [
        0.001,
        {"schedule": "plateau", "initial_learning_rate": 0.001, "patience": 10, "min_lr": 0.0001},
        {"schedule": "cosine", "initial_learning_rate": 0.003},
    ],
}
N_SEEDS, N_NETWORKS = 5, 3


def lstm_fcn(inputs, mask=None, units=8, filters=64, dropout=0.8, transposed=False):
    """Return the last state of an LSTM and the mean over time of three convolutions.

    A `transposed` LSTM takes one step for each feature, which reads the feature's whole course.
    """
    x = inputs
    for size, width in ((filters, 8), (2 * filters, 5), (filters, 3)):
        x = layers.Conv1D(size, width, padding="same", kernel_initializer="he_uniform")(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x, mask=mask))
        if mask is not None:  # else padding would be read from the second convolution on
            x = ops.where(ops.expand_dims(mask, -1), x, 0.0)
    x = layers.GlobalAveragePooling1D()(x, mask=mask)
    steps = layers.Permute((2, 1))(inputs) if transposed else inputs
    state = layers.LSTM(units)(steps, mask=None if transposed else mask)
    return layers.Concatenate()([layers.Dropout(dropout)(state), x])


class Task(NamedTuple):
    """A data set, and what its candidates share."""

    read: callable
    epochs: int
    batch_size: int
    n_repeats: int  # of five folds
    transposed: bool
    must_reach: float  # mean accuracy in the test

    def estimator(self):
        """Return a network with the settings that all candidates share."""
        settings = {"epochs": self.epochs, "batch_size": self.batch_size}
        return RNNClassifier(network=lstm_fcn, random_state=0, **settings)

    def choose(self, folder):
        """Search folds of the training part, print each candidate, and return the chosen one."""
        shape = {"transposed": True} if self.transposed else {}
        grid = GRID | {"network_params": [p | shape for p in GRID["network_params"]]}
        folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=self.n_repeats, random_state=0)
        scoring = ["accuracy", "neg_log_loss"]
        search = GridSearchCV(
            self.estimator(), grid, scoring=scoring, cv=folds, refit=choice, error_score="raise"
        )
        results = search.fit(*self.read(folder, "train")).cv_results_
        columns = "mean_test_accuracy", "mean_test_neg_log_loss", "mean_fit_time", "params"
        for accuracy, score, seconds, params in zip(*(results[c] for c in columns), strict=True):
            print(f"  accuracy {accuracy:.4f}, log loss {-score:.4f}, {seconds:.1f} s, {params}")
        print(f"  chosen: {search.best_params_}", flush=True)
        return search.best_params_

    def test(self, folder, chosen):
        """Train on the whole training part, and print the accuracies of each seed in the test."""
        train, (X, y) = self.read(folder, "train"), self.read(folder, "test")
        network, found = self.estimator().set_params(**chosen), []
        for seed in range(N_SEEDS):
            start, probabilities = time.process_time(), []
            for k in range(N_NETWORKS):
                fitted = clone(network).set_params(random_state=seed * N_NETWORKS + k).fit(*train)
                probabilities.append(fitted.predict_proba(X))
            every = [*probabilities, np.mean(probabilities, axis=0)]
            *single, averaged = (
                accuracy_score(y, fitted.classes_[each.argmax(axis=1)]) for each in every
            )
            found.append((np.mean(single), averaged))
            seconds = time.process_time() - start
            listed = ", ".join(f"{accuracy:.4f}" for accuracy in single)
            print(f"  seed {seed}: {listed}; averaged {averaged:.4f}; {seconds:.0f} s", flush=True)
        single, averaged = np.mean(found, axis=0)
        print(
            f"  mean of single networks {single:.4f}, of averages {averaged:.4f}, which must reach "
            f"{self.must_reach}",
            flush=True,
        )


def choice(results):
    """Return the candidate with the lowest log loss of those about as accurate as the best."""
    accuracy, error = results["mean_test_accuracy"], results["std_test_accuracy"]
    n_folds = sum(name.endswith("_test_accuracy") and name.startswith("split") for name in results)
    best = accuracy.argmax()
    near = accuracy >= accuracy[best] - error[best] / np.sqrt(n_folds)
    return int(np.where(near, results["mean_test_neg_log_loss"], -np.inf).argmax())


def read_vowels(folder, part):
    return read_cases(folder / "japanese_vowels" / f"japanese_vowels_{part}.csv")


TASKS = {
    "season": Task(italy_power_demand.read, 200, 16, 2, transposed=True, must_reach=0.965),
    "vowels": Task(read_vowels, 60, 16, 1, transposed=False, must_reach=0.985),
    "motions": Task(basic_motions.read, 120, 8, 1, transposed=True, must_reach=1.0),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(TASKS)}; all if none")
    parser.add_argument(
        "--choose", action="store_true", help="search the folds, and leave out the test"
    )
    options = parser.parse_args()
    for name in options.names or TASKS:
        print(name, flush=True)
        task = TASKS[name]
        chosen = task.choose(options.folder)
        if not options.choose:
            task.test(options.folder, chosen)


if __name__ == "__main__":
    main()
