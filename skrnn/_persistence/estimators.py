"""Records of estimators: the classes that a file may hold, with their attributes."""

from collections.abc import Callable
from functools import cache
from inspect import signature
from math import prod
from typing import Annotated, Literal, get_type_hints

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, RobustScaler, StandardScaler

from skrnn._estimators.classifier import RNNClassifier
from skrnn._estimators.fitted_network import FittedNetwork
from skrnn._estimators.regressor import RNNRegressor
from skrnn._network.keras_objects import as_parameter
from skrnn._persistence.custom_networks import importable
from skrnn._persistence.networks import check_network
from skrnn._preprocessing.sequence_reshaper import SequenceReshaper
from skrnn._preprocessing.sequence_vectorizer import SequenceVectorizer
from skrnn._preprocessing.vocabulary import FIRST
from skrnn._preprocessing.window_transformer import WindowTransformer
from skrnn._utils.declared_parameters import REQUESTS, plain_requests, restore_requests
from skrnn._utils.field_types import Array64, Count, Size, fits
from skrnn._utils.records import Codec, check_fields, require
from skrnn._utils.sklearn_private import CURVE_SCORER, set_curve_scorer

# Parameters that have another name in older files.
RENAMED_PARAMETERS = {"SequenceVectorizer": {"oov": "oov_token"}}
# Values of parameters that older files lack, where they differ from the defaults.
ADDED_PARAMETERS = {
    "RNNForecaster": {
        "baseline": None,
        "network_weight": 1.0,
        "segment": 1,
        "early_stopping": False,
    }
}

COMMON = {
    "n_features_in_": Size,
    "feature_names_in_": Annotated[
        np.ndarray, lambda names: names.ndim == 1 and fits(names.tolist(), list[str])
    ],
    "_sklearn_output_config": dict[Literal["transform"], Literal["default", "pandas", "polars"]],
    "_sklearn_version": str,
}
# A file stores the fields of a FittedNetwork as attributes of its estimator.
FITTED = {
    f"_{name}": kind for name, kind in get_type_hints(FittedNetwork, include_extras=True).items()
}
OF_SOME = ("_asked_vocab_size", "_target_shape", "_static_columns")
NOT_IN_EVERY_NETWORK = {
    "fit_settings_": dict[str, int | float | None],
    "states_": list[np.ndarray],
    "_asked_vocab_size": FITTED["_asked_vocab_size"],
    "_static_columns": FITTED["_static_columns"],
}
NETWORK = {
    "n_features_in_": Size,
    "input_shape_": tuple,
    "engine_": Literal["keras", "native", "numpy"],
    "weights_": list[np.ndarray],
    "optimizer_state_": list[np.ndarray] | None,
    "history_": dict[str, list[float]],
    "n_epochs_": Count,
    "n_outputs_": Size,
    **{name: kind for name, kind in FITTED.items() if name not in OF_SOME},
}
WINDOWS = {
    "n_features_in_": Size,
    "time_dtype_": np.dtype | ExtensionDtype | None,
    "freq_": pd.tseries.offsets.BaseOffset | pd.Timedelta | Size | None,
    "means_": Array64,
    "tails_": dict,
}
SHAPES = {
    "n_features_in_": Size,
    "input_shape_": tuple[Size, ...],
    "output_shape_": tuple[Size, Size],
}
IDS = {"vocabulary_": dict, "max_length_": Size}
Floats = Annotated[np.ndarray, lambda array: array.dtype.kind == "f"]
COUNTED = {"n_samples_seen_": int | float | np.generic | np.ndarray}
FUNCTIONS = {"func": Callable | None, "inverse_func": Callable | None}
TARGETS = {
    "regressor": BaseEstimator | None,
    "transformer": BaseEstimator | None,
    "regressor_": BaseEstimator,
    "transformer_": BaseEstimator,
    "_training_dim": Size,
}
FIXED = {"estimator": BaseEstimator, "estimator_": BaseEstimator}
TUNED = {"estimator_": BaseEstimator, "best_threshold_": float | np.generic}
TUNED |= {"best_score_": float | np.generic}
TUNED_BY = {"estimator": BaseEstimator, "scoring": str, "cv_results_": dict}
UFUNCS = {
    name: getattr(np, name)
    for name in "log exp log1p expm1 log2 exp2 sqrt square arcsinh sinh".split()
}


def encode_estimator(estimator):
    """Return the parameters and attributes of an estimator by their names in a file."""
    state = BaseEstimator.__getstate__(estimator)
    state = {name: as_parameter(value) for name, value in state.items()}
    state.pop("_skl_callbacks", None)  # callbacks belong to a fit
    if "network" in state:
        state["network"] = importable(state["network"])
    if "_network" in state:
        network = state.pop("_network")
        state |= {name: getattr(network, name[1:]) for name in FITTED}
        if network.target_shape is None:
            del state["_target_shape"]
    return plain_requests(state)


def decode_estimator(kind, state):
    """Return an estimator of a class, given what `encode_estimator` returned.

    A parameter that a file lacks was added after the file was written, and gets its default.
    """
    requests = state.pop(REQUESTS, {})
    found = {name[1:]: state.pop(name) for name in FITTED if name in state}
    if found:
        state["_network"] = FittedNetwork(**found)
    estimator = kind.__new__(kind)
    BaseEstimator.__setstate__(estimator, _defaults(kind) | state)
    for method, asked in requests.items():
        known = getattr(estimator.get_metadata_routing(), method).requests
        require(asked.keys() <= known.keys(), f"the metadata of `{method}`")
    restore_requests(estimator, requests)
    return estimator


@cache
def _defaults(kind):
    return {name: parameter.default for name, parameter in signature(kind).parameters.items()}


def estimator_codec(kind, learned, optional=None, check=None):
    """Return the Codec of an estimator's class.

    `learned` and `optional` are the types of the attributes that all of its fitted estimators have,
    and that only some have. `check` refuses an estimator with attributes that do not fit together.
    """
    kinds = COMMON | learned | (optional or {})
    names = {*_defaults(kind), *kinds, REQUESTS}

    def decode(**state):
        for old, new in RENAMED_PARAMETERS.get(kind.__name__, {}).items():
            if old in state and new not in state:
                state[new] = state.pop(old)
        for name, value in ADDED_PARAMETERS.get(kind.__name__, {}).items():
            state.setdefault(name, value)
        unknown = ", ".join(sorted(state.keys() - names))
        require(not unknown, f"the attribute {unknown} of {kind.__name__}")
        check_fields(state, kinds)
        n_learned = len(learned.keys() & state.keys())
        require(n_learned in (0, len(learned)), "a partly fitted estimator")
        estimator = decode_estimator(kind, state)
        if n_learned and check:
            check(estimator)
        return estimator

    return Codec(kind, encode_estimator, decode)


def _check_regressor(regressor):
    check_network(regressor)
    architecture = regressor._network.architecture
    outputs = architecture.outputs
    require((regressor._network.target_shape or (1,)) == outputs, "`_target_shape`")
    require(regressor.n_outputs_ == prod(architecture.output_shape), "`n_outputs_`")


def _check_classifier(classifier):
    check_network(classifier)
    network, classes = classifier._network, classifier.classes_
    outputs = network.architecture.outputs
    n_classes = 2 if outputs == (1,) else outputs[0]
    require(not network.architecture.quantiles, "`quantiles`")
    require(len(outputs) == 1 and classes.shape == (n_classes,), "`classes_`")
    require(np.array_equal(np.unique(classes), classes), "`classes_`")
    require(classifier.n_outputs_ == outputs[0], "`n_outputs_`")
    rows, activation = network.target_shape, network.architecture.output_activation
    require(rows is None or (rows == outputs and activation == "softmax"), "`_target_shape`")


def _check_windows(windows):
    n_features = windows.n_features_in_
    require(windows.means_.shape == (n_features,), "`means_`")
    for time, tail in windows.tails_.values():
        require(isinstance(time, (pd.Timestamp, pd.Period, pd.Timedelta, int)), "`tails_`")
        require(tail.dtype.kind == "f" and tail.shape == (len(tail), n_features), "`tails_`")


def _check_reshaper(reshaper):
    shape, (timesteps, features) = reshaper.input_shape_, reshaper.output_shape_
    order = (features, timesteps) if reshaper.channels_first else (timesteps, features)
    require(shape in ((timesteps * features,), order), "`input_shape_`")
    require(
        reshaper.n_features_in_ == (shape[0] if len(shape) == 1 else features), "`n_features_in_`"
    )


def _check_vectorizer(vectorizer):
    tokens, ids = vectorizer.vocabulary_.keys(), list(vectorizer.vocabulary_.values())
    require(set(map(type, tokens)) <= {str}, "`vocabulary_`")
    require(ids == list(range(FIRST, FIRST + len(ids))), "`vocabulary_`")


def _scaler_codec(kind, names):
    """Return the Codec of a scaler whose arrays hold one number for each feature, or are None."""

    def check(scaler):
        for array in (getattr(scaler, name) for name in names.split()):
            shape = None if array is None else array.shape
            require(shape in (None, (scaler.n_features_in_,)), "a scaler's array")

    learned = {"n_features_in_": Size} | dict.fromkeys(names.split(), Floats | None)
    return estimator_codec(kind, learned, COUNTED, check)


_PIPELINE = estimator_codec(Pipeline, {"steps": list})


def _encode_pipeline(pipeline):
    state = encode_estimator(pipeline)
    if state["memory"] is not None:
        raise ValueError("its `memory` is a folder whose files can run code. Set it to None.")
    names = [name for name, _ in pipeline.steps]
    if len(set(names)) < len(names):
        raise ValueError(f"its steps must have distinct names, got {names}. Rename some of them.")
    return state | {"steps": dict(pipeline.steps)}


def _decode_pipeline(steps, memory, **state):
    require(fits(steps, dict[str, BaseEstimator | Literal["passthrough"] | None]), "the steps")
    require(memory is None, "`memory`")
    return _PIPELINE.decode(steps=list(steps.items()), memory=memory, **state)


_TUNED = estimator_codec(TunedThresholdClassifierCV, TUNED, TUNED_BY)


def _encode_tuned(tuned):
    state = encode_estimator(tuned)
    state.pop(CURVE_SCORER, None)  # scikit-learn makes it of `scoring`
    if not isinstance(tuned.scoring, str):
        raise ValueError(
            "its `scoring` must be a string. Set one, or save the fitted threshold only, as "
            "`FixedThresholdClassifier(tuned.estimator_, threshold=tuned.best_threshold_)`."
        )
    return state


def _decode_tuned(**state):
    tuned = _TUNED.decode(**state)
    if hasattr(tuned, "estimator_"):
        set_curve_scorer(tuned)
    return tuned


def _encode_ufunc(ufunc):
    if UFUNCS.get(ufunc.__name__) is not ufunc:
        raise ValueError(
            f"{ufunc.__name__} is not among {', '.join(UFUNCS)}. Use one of these, or a function "
            "of your own in a module."
        )
    return {"name": ufunc.__name__}


ESTIMATORS = {
    "RNNRegressor": estimator_codec(
        RNNRegressor,
        NETWORK | {"_target_shape": tuple[Size, ...]},
        NOT_IN_EVERY_NETWORK,
        _check_regressor,
    ),
    "RNNClassifier": estimator_codec(
        RNNClassifier,
        NETWORK | {"classes_": np.ndarray},
        NOT_IN_EVERY_NETWORK | {"_target_shape": tuple[Size, ...]},
        _check_classifier,
    ),
    "WindowTransformer": estimator_codec(WindowTransformer, WINDOWS, check=_check_windows),
    "SequenceReshaper": estimator_codec(SequenceReshaper, SHAPES, check=_check_reshaper),
    "SequenceVectorizer": estimator_codec(SequenceVectorizer, IDS, check=_check_vectorizer),
    "StandardScaler": _scaler_codec(StandardScaler, "mean_ var_ scale_"),
    "MinMaxScaler": _scaler_codec(MinMaxScaler, "scale_ min_ data_min_ data_max_ data_range_"),
    "RobustScaler": _scaler_codec(RobustScaler, "center_ scale_"),
    "Pipeline": Codec(Pipeline, _encode_pipeline, _decode_pipeline),
    "TransformedTargetRegressor": estimator_codec(
        TransformedTargetRegressor, {}, FUNCTIONS | TARGETS
    ),
    "FixedThresholdClassifier": estimator_codec(FixedThresholdClassifier, {}, FIXED),
    "TunedThresholdClassifierCV": Codec(TunedThresholdClassifierCV, _encode_tuned, _decode_tuned),
    # TransformedTargetRegressor makes a FunctionTransformer of its functions.
    "FunctionTransformer": estimator_codec(FunctionTransformer, {}, FUNCTIONS),
    "ufunc": Codec(np.ufunc, _encode_ufunc, lambda name: UFUNCS[name]),
}
