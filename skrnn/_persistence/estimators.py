"""Records of estimators: which classes a file may hold, with which attributes."""

import inspect
from math import prod
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from skrnn._data.scaling import Scaling
from skrnn._estimators.classifier import RNNClassifier
from skrnn._estimators.regressor import RNNRegressor
from skrnn._network.architecture import Architecture
from skrnn._network.config import Settings
from skrnn._persistence.networks import (
    NETWORKS,
    are_sizes,
    check_network,
    check_parts,
    is_a,
    is_bool,
    is_number,
    is_size,
    is_text_of,
    is_vector,
    or_none,
)
from skrnn._persistence.pandas import TIMES
from skrnn._persistence.records import VALUES, Entry, require
from skrnn._preprocessing.sequence_vectorizer import SequenceVectorizer
from skrnn._preprocessing.vocabulary import FIRST
from skrnn._preprocessing.window_transformer import WindowTransformer

REQUESTS = "_metadata_request"
# Parameters that older files hold under another name.
RENAMED_PARAMETERS = {"SequenceVectorizer": {"oov": "oov_token"}}


def _are_arrays(value):
    return isinstance(value, list) and all(isinstance(item, np.ndarray) for item in value)


def _is_count(value):
    return isinstance(value, Integral) and value >= 0


def _is_history(value):
    lists = isinstance(value, dict) and all(isinstance(values, list) for values in value.values())
    return lists and all(is_number(number) for values in value.values() for number in values)


def _is_output_config(value):
    known = {"transform": ["default", "pandas", "polars"]}
    return isinstance(value, dict) and all(value[name] in known[name] for name in value)


def _is_names(value):
    return is_a(np.ndarray)(value) and value.ndim == 1 and all(map(is_a(str), value.tolist()))


COMMON = {
    "n_features_in_": is_size,
    "feature_names_in_": _is_names,
    "_sklearn_output_config": _is_output_config,
    "_sklearn_version": is_a(str),
}
NETWORK = {
    "input_shape_": is_a(tuple),
    "engine_": is_text_of("keras", "numpy"),
    "weights_": _are_arrays,
    "optimizer_state_": or_none(_are_arrays),
    "history_": _is_history,
    "n_epochs_": _is_count,
    "n_outputs_": is_size,
    "_architecture": is_a(Architecture),
    "_settings": is_a(Settings),
    "_scaling": is_a(Scaling),
    "_asked_engine": is_text_of("auto", "keras", "numpy"),
    "_mask_value": or_none(is_number),
    "_standardize": lambda value: is_bool(value) or is_text_of("X", "y")(value),
}
# What not every fitted network has.
OPTIONAL = {
    "states_": _are_arrays,
    "_asked_vocab_size": or_none(lambda value: is_size(value) or is_text_of("auto")(value)),
}
WINDOWS = {
    "time_dtype_": or_none(is_a(np.dtype, pd.api.extensions.ExtensionDtype)),
    "freq_": or_none(is_a(pd.tseries.offsets.BaseOffset, pd.Timedelta)),
    "means_": is_vector,
    "tails_": is_a(dict),
}

IDS = {"vocabulary_": is_a(dict), "max_length_": is_size}


def _take_estimator_apart(estimator):
    parts = dict(estimator.__getstate__())
    parts.pop("_skl_callbacks", None)  # they watch a fit
    if REQUESTS in parts:
        methods = vars(parts[REQUESTS]).items()
        parts[REQUESTS] = {name: dict(m.requests) for name, m in methods if name != "owner"}
    return parts


def estimator_entry(kind, checks, check=lambda estimator: None):
    """Return the Entry of an estimator's class.

    A parameter that a file lacks was added after it was written, and has its default.

    Parameters
    ----------
    kind : type
    checks : dict of str to callable
        The attributes that the class may have beside its parameters, and what tells a right value.
    check : callable
        Refuses an estimator whose parts do not fit together.
    """

    def put_together(**parts):
        signature = inspect.signature(kind).parameters.values()
        defaults = {parameter.name: parameter.default for parameter in signature}
        requests = parts.pop(REQUESTS, {})
        for old, new in RENAMED_PARAMETERS.get(kind.__name__, {}).items():
            if old in parts and new not in parts:
                parts[new] = parts.pop(old)
        unknown = parts.keys() - defaults - checks.keys() - COMMON.keys()
        require(not unknown, f"the attribute {', '.join(sorted(unknown))} of {kind.__name__}")
        check_parts(parts, COMMON | checks)
        estimator = kind.__new__(kind)
        estimator.__setstate__(defaults | parts)
        check(estimator)
        return _with_requests(estimator, requests)

    return Entry(kind, _take_estimator_apart, put_together)


def _with_requests(estimator, requests):
    """Put back what `set_fit_request` and its siblings asked for."""
    if requests:
        routing = estimator.get_metadata_routing()
        for method, asked in requests.items():
            known = getattr(routing, method).requests
            require(asked.keys() <= known.keys(), f"the metadata of `{method}`")
            for name, alias in asked.items():
                getattr(routing, method).add_request(param=name, alias=alias)
        setattr(estimator, REQUESTS, routing)
    return estimator


def _is_fitted(estimator, names):
    """Whether an estimator has learned; it must have all of these attributes then, else none."""
    present = names & vars(estimator).keys()
    require(present in (set(), names), "a half fitted estimator")
    return bool(present)


def _check_regressor(regressor):
    if _is_fitted(regressor, NETWORK.keys() | {"n_features_in_", "_target_shape"}):
        check_network(regressor)
        outputs = regressor._architecture.outputs
        require((regressor._target_shape or (1,)) == outputs, "`_target_shape`")
        require(regressor.n_outputs_ == prod(outputs), "`n_outputs_`")


def _check_classifier(classifier):
    if _is_fitted(classifier, NETWORK.keys() | {"n_features_in_", "classes_"}):
        check_network(classifier)
        outputs, classes = classifier._architecture.outputs, classifier.classes_
        n_classes = 2 if outputs == (1,) else outputs[0]
        require(len(outputs) == 1 and classes.shape == (n_classes,), "`classes_`")
        require(np.array_equal(np.unique(classes), classes), "`classes_`")
        require(classifier.n_outputs_ == outputs[0], "`n_outputs_`")


def _check_windows(windows):
    if not _is_fitted(windows, WINDOWS.keys() | {"n_features_in_"}):
        return
    n_features = windows.n_features_in_
    require(windows.means_.shape == (n_features,), "`means_`")
    for time, tail in windows.tails_.values():
        require(isinstance(time, (pd.Timestamp, pd.Period, pd.Timedelta)), "`tails_`")
        require(tail.dtype.kind == "f" and tail.shape == (len(tail), n_features), "`tails_`")


def _check_vectorizer(vectorizer):
    if _is_fitted(vectorizer, IDS.keys()):
        tokens, ids = vectorizer.vocabulary_.keys(), vectorizer.vocabulary_.values()
        require(all(type(token) is str for token in tokens), "`vocabulary_`")
        require(list(ids) == list(range(FIRST, FIRST + len(ids))), "`vocabulary_`")


def _scaler_entry(kind, names):
    """Return the Entry of a scaler that learns arrays of one number for each feature, or None."""

    def check(scaler):
        if _is_fitted(scaler, {"n_features_in_", *names}):
            for array in (getattr(scaler, name) for name in names):
                fits = array is None or array.shape == (scaler.n_features_in_,)
                require(fits and (array is None or array.dtype.kind == "f"), "a scaler's array")

    checks = dict.fromkeys(names, or_none(is_a(np.ndarray)))
    counted = {"n_samples_seen_": is_a(int, float, np.generic, np.ndarray)}
    return estimator_entry(kind, checks | counted, check)


is_estimator = is_a(BaseEstimator)
_PIPELINE = estimator_entry(Pipeline, {"steps": is_a(list)})


def _take_pipeline_apart(pipeline):
    parts = _take_estimator_apart(pipeline)
    if parts["memory"] is not None:
        raise ValueError("its `memory` is a folder whose files can run code. Set it to None.")
    names = [name for name, _ in pipeline.steps]
    if len(set(names)) < len(names):
        raise ValueError(f"its steps must have names of their own, got {names}.")
    return parts | {"steps": dict(pipeline.steps)}


def _pipeline(steps, memory, **parts):
    for name, step in steps.items():
        passes = step is None or (isinstance(step, str) and step == "passthrough")
        require(isinstance(name, str) and (passes or is_estimator(step)), f"the step {name!r}")
    require(memory is None, "`memory`")
    return _PIPELINE.put_together(steps=list(steps.items()), memory=memory, **parts)


ESTIMATORS = {
    "RNNRegressor": estimator_entry(
        RNNRegressor, NETWORK | OPTIONAL | {"_target_shape": are_sizes}, _check_regressor
    ),
    "RNNClassifier": estimator_entry(
        RNNClassifier, NETWORK | OPTIONAL | {"classes_": is_a(np.ndarray)}, _check_classifier
    ),
    "WindowTransformer": estimator_entry(WindowTransformer, WINDOWS, _check_windows),
    "SequenceVectorizer": estimator_entry(SequenceVectorizer, IDS, _check_vectorizer),
    "StandardScaler": _scaler_entry(StandardScaler, ("mean_", "var_", "scale_")),
    "MinMaxScaler": _scaler_entry(
        MinMaxScaler, ("scale_", "min_", "data_min_", "data_max_", "data_range_")
    ),
    "RobustScaler": _scaler_entry(RobustScaler, ("center_", "scale_")),
    "Pipeline": Entry(Pipeline, _take_pipeline_apart, _pipeline),
}
# All that a file may hold, but for what `_target_records` adds; a class joins by one entry.
TABLE = ESTIMATORS | NETWORKS | TIMES | VALUES
