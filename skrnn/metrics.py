"""Scorers of the labels or numbers of all timesteps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.pipeline import Pipeline

from skrnn._estimators.base import BaseRNN
from skrnn._training.metrics import read_metric

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sklearn.base import BaseEstimator

    from skrnn._types import Array, ArrayLike, Metric

__all__ = ["flat_scorer"]


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
    >>> scores.min() > 0.9
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
        network, X = _network_and_input(estimator, X)
        truth, outputs, weights = network._flat(X, y, sample_weight)
        weights = {} if sample_weight is None else {"sample_weight": weights}
        classes = getattr(network, "classes_", None)
        value = self.metric.value(truth, *network._responses(outputs), classes, **weights)
        return -value if self.metric.sign < 0 else value

    def __repr__(self) -> str:
        return f"flat_scorer({self.metric.name!r})"


def _network_and_input(estimator: Any, X: Any) -> tuple[Any, Array | Any]:
    """Return the network at the end of a pipeline or search, and X as it gets it."""
    outer = estimator
    while not isinstance(estimator, BaseRNN):
        if isinstance(estimator, Pipeline):
            X = estimator[:-1].transform(X) if len(estimator) > 1 else X
            estimator = estimator[-1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            raise TypeError(
                "`estimator` must be an RNNRegressor or RNNClassifier, or a pipeline or search "
                f"that ends in one, got {type(outer).__name__}. Use scikit-learn's `make_scorer`."
            )
    return estimator, X
