"""Metric: a function of true and predicted targets, and its name in a history."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature

import numpy as np
import sklearn.metrics
from sklearn.metrics import get_scorer, get_scorer_names

from skrnn._network.keras_names import LOSS_ALIASES
from skrnn._utils.sklearn_private import is_scorer, scorer_parts

# Names in `history_` that a metric must not have.
RESERVED = "loss", "seconds", "learning_rate"
# Keras's names, in snake case, of metrics with another name in scikit-learn.
KERAS_METRICS = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "binary_crossentropy": "log_loss",
    "categorical_crossentropy": "log_loss",
    "sparse_categorical_crossentropy": "log_loss",
    "mean_squared_logarithmic_error": "mean_squared_log_error",
}
# scikit-learn's convention: names with these endings are to be maximized, or minimized.
MAXIMIZED = re.compile("(accuracy|_?score|auc|precision|recall|f1|r2|jaccard)$")
MINIMIZED = re.compile("(error|loss|deviance|mse|mae|rmse)$")


@dataclass(frozen=True)
class Metric:
    """A metric, and the arguments it needs."""

    name: str
    function: Callable  # (y_true, y_pred) -> number
    of_probabilities: bool  # whether y_pred is probabilities, as for some scorers of scikit-learn
    sign: int  # 1: higher is better; -1: lower is better; 0: unknown
    of_sklearn: bool = False
    named: bool = False  # whether the user gave it by name

    @property
    def kind(self):
        """Return the group of a scikit-learn metric: "regression", "classification", "ranking"."""
        return getattr(_unwrapped(self.function), "__module__", "").split("_")[-1]

    def value(self, truth, predicted, probabilities, classes, **weights):
        """Return the value, or NaN; errors of the function name the metric."""
        function = self.function
        if self.of_sklearn and truth.ndim > 2:
            truth, predicted = (y.reshape(len(y), -1) for y in (truth, predicted))
        if self.of_probabilities:
            predicted = probabilities
            if truth.ndim == 1 and len(classes) == 2:
                predicted = probabilities[:, 1]
            if truth.ndim == 1 and "labels" in signature(_unwrapped(function)).parameters:
                function = partial(function, labels=classes)  # some may be missing in y_true
        try:
            value = function(truth, predicted, **weights)
        except Exception as error:
            raise ValueError(
                f"The metric must work with this y, but {self.name!r} failed: {error} Choose "
                "another one, or pass a function of (y_true, y_pred)."
            ) from error
        if np.ndim(value) != 0 or not np.isreal(value):
            raise TypeError(
                "The metric must return one number, got an object of type "
                f"{type(value).__name__} and shape {np.shape(value)} from {self.name!r}. Average "
                "it in a function of (y_true, y_pred)."
            )
        return float(value)


def read_metric(metric, argument="metrics"):
    """Return the Metric of a name, of a function (y_true, y_pred) or of a scorer."""
    if isinstance(metric, str):
        return replace(_named(metric, argument), named=True)
    if is_scorer(metric):
        function, sign, kwargs, of_probabilities = scorer_parts(metric)
        return _of_scorer(_name_of(function), function, sign, kwargs, of_probabilities)
    module = type(metric).__module__
    if not callable(metric) or isinstance(metric, type) or module.startswith("keras"):
        raise TypeError(
            f"`{argument}` must hold names of metrics, or functions of (y_true, y_pred) that "
            f"return a number, got {metric!r}. Pass Keras's metrics by name."
        )
    return _of_function(_name_of(metric), metric)


def read_metrics(metrics):
    """Return the Metrics of one metric, or of a list of them; refuse duplicate names."""
    items = metrics if isinstance(metrics, (list, tuple)) else [metrics]
    read = [read_metric(metric) for metric in items]
    names = [metric.name for metric in read]
    for name in names:
        if names.count(name) > 1 or name in RESERVED or name.startswith("val_"):
            why = "it is there twice" if names.count(name) > 1 else "`history_` uses this name"
            raise ValueError(
                f"`metrics` must have a unique name for each metric, got {name!r}: {why}. Rename "
                "the function."
            )
    return read


def read_monitor(monitor, metrics):
    """Return the sign of `monitor`: 1 if higher is better, -1 if lower is better."""
    known = {"loss": -1} | {metric.name: metric.sign for metric in metrics}
    name = monitor.removeprefix("val_")
    if name not in known:
        names = [prefix + name for name in known for prefix in ("val_", "")]
        raise ValueError(
            f"`monitor` must be among {', '.join(map(repr, names))}, got {monitor!r}. Add the "
            "metric to `metrics`."
        )
    if not known[name]:
        raise ValueError(
            "`monitor` must be a metric with a name that says whether higher is better, got "
            f"{monitor!r}. Rename the function: end it in `_score` to maximize it, in `_error` or "
            "`_loss` to minimize it."
        )
    return known[name]


def sign_of(name):
    """Return the sign of a metric, given only its name."""
    if name.startswith("neg_") or MAXIMIZED.search(name.lower()):
        return 1
    try:
        return read_metric(name).sign
    except ValueError:
        return -1 if MINIMIZED.search(name.lower()) else 0


def _named(name, argument):
    if name in get_scorer_names():
        return _of_scorer(name, *scorer_parts(get_scorer(name)))
    known = re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    known = KERAS_METRICS.get(known, known)
    known = LOSS_ALIASES.get(known, known)
    if known == "binary_accuracy":  # over each label of a multilabel target
        return Metric(name, _share_of_equal, False, 1)
    if known.removeprefix("sparse_") == "top_k_categorical_accuracy":
        return Metric(name, _share_in_top_5, True, 1)
    if known == "mean_absolute_percentage_error" != name:
        return Metric(name, _percentage_error, False, -1)
    if known in get_scorer_names():
        return _of_scorer(name, *scorer_parts(get_scorer(known)))
    ends = known.endswith(("_score", "_error", "_loss", "_deviance"))
    if not ends or known not in sklearn.metrics.__all__:
        raise ValueError(
            f"`{argument}` must name metrics of scikit-learn, such as 'accuracy', 'f1_macro', "
            "'roc_auc', 'r2' or 'mean_absolute_error', or of Keras, such as 'mae' or 'AUC', got "
            f"{name!r}. For another metric pass a function of (y_true, y_pred)."
        )
    return _of_function(name, getattr(sklearn.metrics, known))


def _of_scorer(name, function, sign, kwargs, of_probabilities):
    """Return a Metric with the value of a scorer, so higher is better."""
    if kwargs:
        function = partial(function, **kwargs)
    if sign < 0:
        function = partial(_negative, function)
    return Metric(name, function, of_probabilities, 1, of_sklearn=True)


def _of_function(name, function):
    """Return a Metric of a function; scorers give the sign and inputs of scikit-learn's own."""
    own = _unwrapped(function)
    for scorer in map(get_scorer, get_scorer_names()):
        of, sign, _, of_probabilities = scorer_parts(scorer)
        if of is own:
            return Metric(name, function, of_probabilities, sign, of_sklearn=True)
    of_sklearn = getattr(own, "__module__", "").startswith("sklearn.metrics")
    sign = 1 if MAXIMIZED.search(name.lower()) else -1 if MINIMIZED.search(name.lower()) else 0
    return Metric(name, function, False, sign, of_sklearn)


def _unwrapped(function):
    """Return the function inside nested partials."""
    while isinstance(function, partial):
        function = function.args[0] if function.func is _negative else function.func
    return function


def _name_of(function):
    function = _unwrapped(function)
    return getattr(function, "__name__", type(function).__name__)


def _negative(function, truth, predicted, **kwargs):
    return -function(truth, predicted, **kwargs)


def _share_of_equal(truth, predicted, sample_weight=None):
    equal = (truth == predicted).reshape(len(truth), -1).mean(axis=1)
    return np.average(equal, weights=sample_weight)


def _share_in_top_5(truth, probabilities, labels=None, sample_weight=None):
    """Return Keras's accuracy of the five most likely labels; rows of truth are one-hot."""
    if probabilities.ndim == 1:  # of the second of two labels
        return 1.0
    codes = truth.argmax(axis=-1) if truth.ndim > 1 else np.searchsorted(labels, truth)
    own = np.take_along_axis(probabilities, codes[:, np.newaxis], axis=-1)
    return np.average((probabilities > own).sum(axis=-1) < 5, weights=sample_weight)


def _percentage_error(truth, predicted, sample_weight=None):
    """Return Keras's value, in percent; scikit-learn's is a fraction."""
    weights = {"sample_weight": sample_weight}
    truth, predicted = (y.reshape(len(y), -1) for y in (truth, predicted))
    return 100 * sklearn.metrics.mean_absolute_percentage_error(truth, predicted, **weights)
