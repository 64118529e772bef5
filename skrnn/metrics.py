"""Scores and cross-validated predictions with one target for each timestep."""

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

# Values for a class that is not in the training part of a fold.
FILLS = {"predict_proba": 0.0, "predict_log_proba": -np.inf}


def flat_scorer(name_or_metric: Metric) -> Callable[..., float]:
    """Make a scorer over all timesteps, for any search and cross-validation.

    Use it for estimators with `return_sequences=True`. scikit-learn's own scorers do not accept
    lists of sequences. They also read rows of labels 0 and 1 as multilabel targets: their accuracy
    counts a row only if all its timesteps are correct. This scorer puts the timesteps of all
    samples in one row, and drops padded and masked ones.

    Parameters
    ----------
    name_or_metric : str or callable
        A metric, as in the parameter `metrics` of the estimators. Pass the name of one of
        scikit-learn's scorers or metric functions, or of Keras's metrics; or a function of (y_true,
        y_pred). A metric to be minimized, such as "mean_absolute_error", is negated.

    Returns
    -------
    callable
        A scorer with the signature (estimator, X, y, sample_weight=None). The estimator must be an
        RNNClassifier or RNNRegressor, or a pipeline or search that ends in one. Without
        `return_sequences` the scorer returns the score over the samples.

    Raises
    ------
    ValueError
        If no metric has this name.
    TypeError
        If `name_or_metric` is not a name or function.

    See Also
    --------
    RNNClassifier.score : Accuracy over all timesteps.
    cross_val_predict : Predictions for all timesteps.

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
    """Predict the targets of all timesteps, each sample with a network fitted on the other folds.

    Use it in place of scikit-learn's function of the same name for estimators with
    `return_sequences=True`. For `predict_proba`, scikit-learn encodes y as one label per sample, so
    it fails if each timestep has a label.

    Parameters
    ----------
    estimator : estimator
        An RNNClassifier or RNNRegressor, or a pipeline or search that ends in one. It is cloned for
        each fold.
    X : array-like or list
        As in `fit` of the estimator.
    y : array-like or list
        As in `fit` of the estimator.
    groups : array-like of shape (n_samples,), default=None
        Groups of the samples, passed to the splitter. Needed by splitters such as `GroupKFold`.
    cv : int, splitter or iterable, default=None
        How to split, as in scikit-learn. None: 5 folds.
    n_jobs : int, default=None
        Number of folds to fit in parallel.
    params : dict, default=None
        Arguments of `fit`, such as `sample_weight`.
    method : str, default="predict_proba"
        Method of the estimator that makes the predictions. Use "predict" for labels or numbers.

    Returns
    -------
    ndarray
        Predictions. With `return_sequences`, probabilities have a column for each label of any
        fold, in order. If X is then a list of sequences, the result is a 1-D object array of
        arrays, one for each sequence. Without `return_sequences`, the result of scikit-learn's
        function.

    See Also
    --------
    flat_scorer : Scores over all timesteps.

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
    """Wraps a method of an estimator as `predict`, which returns (prediction, classes) pairs."""

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
    """Return rows of probabilities with a column for every class."""
    every = np.unique(np.concatenate(classes))
    full = []
    for row, own in zip(rows, classes, strict=True):
        columns = np.full((*row.shape[:-1], len(every)), fill, row.dtype)
        columns[..., np.searchsorted(every, own)] = row
        full.append(columns)
    return full


def _path(estimator: Any) -> list[Any]:
    """Return an estimator and the nested estimators in which it ends, down to the network."""
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
