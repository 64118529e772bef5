"""Scores and predictions of the labels or numbers of all timesteps, by cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn import model_selection
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skrnn._data.sequences import as_objects
from skrnn._estimators.base import BaseRNN
from skrnn._training.metrics import read_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from skrnn._types import Array, ArrayLike, Metric

__all__ = ["cross_val_predict", "flat_scorer"]

# Of a class that a fold does not know.
FILLS = {"predict_proba": 0.0, "predict_log_proba": -np.inf}


def flat_scorer(name_or_metric: Metric) -> Callable[..., float]:
    """Make a scorer of the targets of all timesteps, for any search and cross-validation.

    scikit-learn's own scorers take no lists of sequences, and read rows of labels that are 0 and 1
    as multilabel targets, whose accuracy counts a row only if all its timesteps are right. This one
    puts the timesteps of all samples in one row, and drops padded and masked ones.

    Parameters
    ----------
    name_or_metric : str or callable
        As an item of the parameter `metrics` of the estimators: a name of scikit-learn's scorers or
        metric functions, or of Keras's metrics; or a function of (y_true, y_pred). What is to be
        minimized, such as "mean_absolute_error", is negated.

    Returns
    -------
    callable
        A scorer with the signature (estimator, X, y, sample_weight=None). The estimator is an
        RNNClassifier or RNNRegressor, or a pipeline or search that ends in one. Without
        `return_sequences` its score is that of the samples.

    Raises
    ------
    ValueError
        If no metric has this name.
    TypeError
        If `name_or_metric` is not a name or function.

    See Also
    --------
    RNNClassifier.score : The accuracy of all timesteps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from skrnn import RNNClassifier
    >>> from skrnn.metrics import flat_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(length, 1)) for length in (5, 8, 6, 7) * 15]
    >>> y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    >>> tagger = RNNClassifier("gru", 8, return_sequences=True, epochs=60, random_state=0)
    >>> scores = cross_val_score(tagger, X, y, cv=3, scoring=flat_scorer("f1_macro"))
    >>> bool(scores.min() > 0.9)
    True
    """
    return _FlatScorer(name_or_metric)


class _FlatScorer:
    def __init__(self, name_or_metric):
        self.metric = read_metric(name_or_metric, "name_or_metric")

    def __call__(
        self,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        *outer, network = _path(estimator)
        for pipeline in outer:
            if isinstance(pipeline, Pipeline) and len(pipeline) > 1:
                X = pipeline[:-1].transform(X)
        truth, outputs, weights = network._flat(X, y, sample_weight)
        weights = {} if sample_weight is None else {"sample_weight": weights}
        classes = getattr(network, "classes_", None)
        value = self.metric.value(truth, *network._responses(outputs), classes, **weights)
        return -value if self.metric.sign < 0 else value

    def __repr__(self) -> str:
        return f"flat_scorer({self.metric.name!r})"


def cross_val_predict(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    cv: Any = None,
    n_jobs: int | None = None,
    params: Mapping[str, Any] | None = None,
    method: str = "predict_proba",
) -> Array:
    """Predict the targets of all timesteps, each sample by a network fitted on other folds.

    As scikit-learn's function of this name, which encodes y for `predict_proba` as one label for
    each sample, and so fails where each timestep has a label.

    Parameters
    ----------
    estimator : estimator
        An RNNClassifier or RNNRegressor, or a pipeline or search that ends in one. It is cloned.
    X : array-like or list
        As in `fit` of the estimator.
    y : array-like or list
        As in `fit` of the estimator.
    groups : array-like of shape (n_samples,), default=None
        Passed to the splitter.
    cv : int, splitter or iterable, default=None
        As in scikit-learn; None: 5 folds.
    n_jobs : int, default=None
        Folds at the same time.
    params : dict, default=None
        Arguments of `fit`, such as `sample_weight`.
    method : str, default="predict_proba"
        Method of the estimator.

    Returns
    -------
    ndarray
        With `return_sequences` a 1-D object array of arrays, one for each sequence, if X is a list
        of sequences; probabilities have a column for each label of any fold, in order. What
        scikit-learn returns otherwise.

    See Also
    --------
    flat_scorer : Scores of all timesteps.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> from skrnn.metrics import cross_val_predict
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(length, 1)) for length in (5, 8, 6, 7) * 5]
    >>> y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    >>> tagger = RNNClassifier("gru", 4, return_sequences=True, epochs=2, random_state=0)
    >>> probabilities = cross_val_predict(tagger, X, y, cv=3)
    >>> probabilities.shape, probabilities[1].shape
    ((20,), (8, 2))
    """
    options = {"groups": groups, "cv": cv, "n_jobs": n_jobs, "params": params}
    if not _path(estimator)[-1].return_sequences:
        return model_selection.cross_val_predict(estimator, X, y, method=method, **options)
    found = model_selection.cross_val_predict(_RowPredictor(estimator, method), X, y, **options)
    rows, classes = zip(*found, strict=True)
    if method in FILLS:
        rows = _aligned(rows, classes, FILLS[method])
    is_array = np.ndim(X) > 1 if hasattr(X, "shape") else not isinstance(X, (list, tuple))
    return np.stack(rows) if is_array else as_objects(rows)


class _RowPredictor(BaseEstimator):
    """Predicts by another method of an estimator: for each sample a pair with its classes."""

    def __init__(self, estimator, method):
        self.estimator, self.method = estimator, method

    def fit(self, X, y, **params):
        self.estimator_ = clone(self.estimator).fit(X, y, **params)
        return self

    def predict(self, X):
        classes = getattr(self.estimator_, "classes_", None)
        pairs = np.empty(len(X), dtype=object)
        for i, row in enumerate(getattr(self.estimator_, self.method)(X)):
            pairs[i] = row, classes
        return pairs

    def get_metadata_routing(self):
        return self.estimator.get_metadata_routing()

    def __sklearn_tags__(self):
        return get_tags(self.estimator)


def _aligned(rows, classes, fill):
    """Return rows of probabilities with the columns of all classes."""
    every = np.unique(np.concatenate(classes))
    full = []
    for row, own in zip(rows, classes, strict=True):
        columns = np.full((*row.shape[:-1], len(every)), fill, row.dtype)
        columns[..., np.searchsorted(every, own)] = row
        full.append(columns)
    return full


def _path(estimator: Any) -> list[Any]:
    """Return an estimator and what it ends in, down to the network."""
    path = [estimator]
    while not isinstance(path[-1], BaseRNN):
        last = path[-1]
        inner = last[-1] if isinstance(last, Pipeline) else None
        for name in ("best_estimator_", "estimator"):
            inner = getattr(last, name, None) if inner is None else inner
        if inner is None or isinstance(inner, str):
            raise TypeError(
                "`estimator` must be an RNNRegressor or RNNClassifier, or a pipeline or search "
                f"that ends in one, got {type(estimator).__name__}. Use scikit-learn's functions."
            )
        path.append(inner)
    return path
