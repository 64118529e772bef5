"""Parameters of the estimators, their constraints, and their checks, without Keras."""

from __future__ import annotations

from dataclasses import KW_ONLY, fields, replace
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from skrnn._network.architecture import POOLINGS, Architecture
from skrnn._network.cells import CELLS
from skrnn._network.custom_network import read_network
from skrnn._network.frozen_layers import read_frozen_layers
from skrnn._network.keras_names import (
    ACTIVATIONS,
    OPTIMIZERS,
    QUANTILE_LOSS,
    REGRESSION_LOSSES,
    SIGMOID_LOSSES,
    SOFTMAX_LOSSES,
    with_aliases,
)
from skrnn._network.keras_objects import KerasNames
from skrnn._network.learning_rate import DEFAULT_LEARNING_RATE, SCHEDULES
from skrnn._network.quantiles import DEFAULT_QUANTILES, settle_quantiles
from skrnn._network.segments import check_segment, settle_segment
from skrnn._preprocessing.vocabulary import UNKNOWN
from skrnn._utils.declared_parameters import declare_parameters, parameter
from skrnn._utils.sklearn_private import HasMethods, Interval, StrOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from skrnn._types import (
        ArrayLike,
        Callbacks,
        CellTypes,
        ClassWeight,
        Dtype,
        Engine,
        LearningRate,
        Loss,
        Metrics,
        Network,
        Optimizer,
        Pooling,
        RandomState,
        Sizes,
        Standardize,
        StaticFeatures,
        StrPath,
        ValidationSplit,
    )

AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
MOST_IDS_AS_FLOATS = 2**24  # float32 is exact for whole numbers up to here
SHARE = Interval(Real, 0, 1, closed="left")


@declare_parameters
class NetworkParameters:
    """The parameters that the regressor and the classifier share."""

    cell_type: CellTypes = parameter("lstm", StrOptions(set(CELLS)), tuple, list)
    hidden_size: Sizes = parameter(32, AT_LEAST_ONE, tuple, list)
    _: KW_ONLY
    standardize: Standardize = parameter(True, "boolean", StrOptions({"X", "y"}))
    bidirectional: bool = parameter(False, "boolean")
    activation: str = parameter("tanh", StrOptions(set(ACTIVATIONS)))
    dropout: float = parameter(0.0, SHARE)
    recurrent_dropout: float = parameter(0.0, SHARE)
    spatial_dropout: float = parameter(0.0, SHARE)
    kernel_l2: float = parameter(0.0, NOT_NEGATIVE)
    recurrent_l2: float = parameter(0.0, NOT_NEGATIVE)
    dense_sizes: Sizes = parameter((), AT_LEAST_ONE, tuple, list)
    dense_activation: str = parameter("relu", StrOptions(set(ACTIVATIONS)))
    return_sequences: bool = parameter(False, "boolean")
    pooling: Pooling = parameter("last", StrOptions({"last", *POOLINGS}))
    segment: int | Literal["auto"] = parameter(1, AT_LEAST_ONE, StrOptions({"auto"}))
    stateful: bool = parameter(False, "boolean")
    network: Network = parameter(None, callable, HasMethods("get_params"), None)
    network_params: dict[str, Any] | None = parameter(None, dict, None)
    vocab_size: int | Literal["auto"] | None = parameter(
        None, AT_LEAST_ONE, StrOptions({"auto"}), None
    )
    embedding_dim: int = parameter(100, AT_LEAST_ONE)
    embedding_init: ArrayLike | None = parameter(None, "array-like", None)
    embedding_trainable: bool = parameter(True, "boolean")
    mask_value: float | None = parameter(None, Real, None)
    missing: Literal["flag"] | None = parameter(None, StrOptions({"flag"}), None)
    static_features: StaticFeatures = parameter((), tuple, list)
    frozen_layers: Sequence[str] = parameter((), tuple, list)
    loss: Loss = parameter("auto", str)
    optimizer: Optimizer = parameter("adam", KerasNames(set(OPTIMIZERS)))
    learning_rate: LearningRate = parameter(
        DEFAULT_LEARNING_RATE,
        Interval(Real, 0, None, closed="neither"),
        StrOptions(set(SCHEDULES)),
        dict,
        callable,
        None,
    )
    epochs: int | Literal["auto"] = parameter("auto", AT_LEAST_ONE, StrOptions({"auto"}))
    batch_size: int = parameter(64, AT_LEAST_ONE)
    shuffle: bool = parameter(True, "boolean")
    patience: int | None = parameter(None, Interval(Integral, 0, None, closed="left"), None)
    min_delta: float = parameter(0.0, NOT_NEGATIVE)
    monitor: str = parameter("val_loss", str)
    metrics: Metrics = parameter((), str, callable, list, tuple)
    validation_fraction: float = parameter(0.0, SHARE)
    validation_split: ValidationSplit = parameter(
        None, StrOptions({"last", "stratified"}), HasMethods(["split", "get_n_splits"]), None
    )
    callbacks: Callbacks = parameter(None, list, tuple, HasMethods("on_epoch_end"), callable, None)
    engine: Engine = parameter("auto", StrOptions({"auto", "keras", "native", "numpy"}))
    device: str = parameter("auto", str)
    dtype: Dtype = parameter("float32", StrOptions({"float32", "float64", "mixed_float16"}))
    checkpoint_dir: StrPath | None = parameter(None, str, PathLike, None)
    checkpoint_every: int = parameter(1, AT_LEAST_ONE)
    warm_start: bool = parameter(False, "boolean")
    random_state: RandomState = parameter(None, "random_state")
    verbose: int = parameter(0, "verbose")


@declare_parameters
class RegressorParameters(NetworkParameters):
    """The parameters of RNNRegressor."""

    _: KW_ONLY
    loss: Loss = parameter(
        "auto", KerasNames({"auto", QUANTILE_LOSS} | with_aliases(REGRESSION_LOSSES))
    )
    quantiles: Sequence[float] = parameter(DEFAULT_QUANTILES, "array-like")


@declare_parameters
class ClassifierParameters(NetworkParameters):
    """The parameters of RNNClassifier."""

    _: KW_ONLY
    loss: Loss = parameter(
        "auto", KerasNames({"auto"} | with_aliases(SIGMOID_LOSSES | SOFTMAX_LOSSES))
    )
    class_weight: ClassWeight = parameter(None, dict, StrOptions({"balanced"}), None)


def as_layers(value, length, name):
    """Return a parameter, one value or one value for each layer, as a tuple of `length`."""
    if isinstance(value, (tuple, list)):
        if len(value) != length:
            raise ValueError(
                f"`{name}` must be one value or one for each of the {length} recurrent layers, got "
                f"{len(value)} values: {value!r}. Pass {length} values, or one for all layers."
            )
        return tuple(value)
    return (value,) * length


def check_sizes(sizes, name):
    """Return layer sizes as a tuple of ints, each at least 1."""
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"`{name}` must hold whole numbers of at least 1, got {size!r}. Pass an int such as"
                " 32."
            )
    return tuple(map(int, sizes))


def check_mask_value(mask_value, vocab_size):
    """Refuse a `mask_value` that X cannot hold: infinity, or with token ids another value."""
    if mask_value is None:
        return
    if vocab_size is None:
        if np.isinf(mask_value):
            raise ValueError(
                f"`mask_value` must be a finite number or NaN, got {mask_value!r}. Mark absent "
                "timesteps with NaN, for example."
            )
    elif not isinstance(mask_value, Integral) or not 0 <= mask_value < vocab_size:
        raise ValueError(
            f"`mask_value` must be a token id in [0, {vocab_size}) if `vocab_size` is set, got "
            f"{mask_value!r}. Pad with a token id, usually 0."
        )


def settle_vocab_size(vocab_size, learned):
    """Return the size of the vocabulary: `learned` for "auto", which is None before `fit`."""
    if vocab_size != "auto":
        return vocab_size
    if learned is None or learned <= UNKNOWN:
        raise ValueError(
            "`vocab_size='auto'` is resolved during `fit`, from token ids and with new weights. "
            "Fit first, or pass a number."
        )
    return learned


def check_static_features(params, vocab_size):
    """Refuse parameters that static features do not work with."""
    if params.static_features and params.return_sequences:
        raise ValueError(
            "`static_features` must be empty with `return_sequences=True`, because they are joined "
            f"to the last state, got {params.static_features!r}. Leave out one of them."
        )
    if params.static_features and (vocab_size or 0) > MOST_IDS_AS_FLOATS:
        raise ValueError(
            f"`vocab_size` must be at most {MOST_IDS_AS_FLOATS} with `static_features`, got "
            f"{vocab_size}. Use smaller token ids, numbered from 2 without gaps."
        )


def check_missing(params, vocab_size):
    """Refuse `missing` with token ids, because no token id can be missing."""
    if params.missing is not None and vocab_size is not None:
        raise ValueError(
            f"`missing` must be None if `vocab_size` is set, got {params.missing!r}. Pad with a "
            "token id, usually 0, and pass it as `mask_value`."
        )


def describe(
    params,
    *,
    vocab_size,
    timesteps,
    features,
    masked,
    batch_size,
    outputs,
    output_activation,
    flagged=(),
):
    """Return the Architecture for an estimator's parameters and its data.

    `vocab_size` is resolved already. `batch_size` becomes part of a stateful network only.
    """
    check_missing(params, vocab_size)
    check_segment(params)
    check_static_features(params, vocab_size)
    check_mask_value(params.mask_value, vocab_size)
    network = read_network(params)
    cell_types, units = (), ()
    if network is None:
        cell_types, units = _read_layers(params.cell_type, params.hidden_size)
    if params.pooling != "last" and params.return_sequences:
        raise ValueError(
            "`pooling` must be 'last' with `return_sequences=True`, which gives every timestep an "
            f"output, got {params.pooling!r}. Leave out one of them."
        )
    tokens = vocab_size is not None
    own = {
        "cell_types": cell_types,
        "units": units,
        "dense_sizes": check_sizes(params.dense_sizes, "dense_sizes"),
        "timesteps": timesteps,
        "features": features,
        "outputs": tuple(outputs),
        "output_activation": output_activation,
        "vocab_size": int(vocab_size) if tokens else None,
        "embedding_dim": int(params.embedding_dim) if tokens else None,
        "frozen_layers": (),
        "masked": masked,
        "batch_size": batch_size if params.stateful else None,
        "n_static": len(params.static_features),
        "segment": settle_segment(params.segment, timesteps),
        "quantiles": settle_quantiles(params),
        "fills_missing": params.missing is not None,
        "flagged": flagged,
        "network": network,
    }
    # The other fields are parameters of the same names, in plain types.
    shared = {
        f.name: f.type(getattr(params, f.name)) for f in fields(Architecture) if f.name not in own
    }
    architecture = Architecture(**own, **shared)
    return replace(architecture, frozen_layers=read_frozen_layers(params, architecture))


def _read_layers(cells, sizes):
    """Return the cell type and the number of units of each recurrent layer."""
    n_layers = 1
    for value in (cells, sizes):
        if isinstance(value, (tuple, list)):
            n_layers = len(value)
    if n_layers == 0:
        raise ValueError(
            "`hidden_size` and `cell_type` must describe at least one layer, got (). Pass an int, "
            "or a tuple with one int for each layer."
        )
    cell_types = as_layers(cells, n_layers, "cell_type")
    for cell_type in cell_types:
        if not isinstance(cell_type, str) or cell_type not in CELLS:
            raise ValueError(
                f"`cell_type` must be among {sorted(CELLS)}, got {cell_type!r}. Use one of these "
                "names."
            )
    return cell_types, check_sizes(as_layers(sizes, n_layers, "hidden_size"), "hidden_size")


def describe_shape(
    params, input_shape, *, vocab_size, masked, outputs, output_activation, flagged=()
):
    """Return the Architecture for an input shape, without data.

    The shape is (timesteps, features), or (batch, timesteps, features) with a fixed batch size.
    With `vocab_size` it may also be (timesteps,).
    """
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    if vocab_size is not None and len(shape) == 1:
        shape = (*shape, 1)
    sizes = [size for size in shape if size is not None]
    if (
        len(shape) not in (2, 3)
        or shape[-1] is None
        or not all(isinstance(size, Integral) and size > 0 for size in sizes)
    ):
        raise ValueError(
            "`input_shape` must be (timesteps, features) or (batch, timesteps, features), of whole "
            f"numbers above 0, got {input_shape!r}. Use None for any number of timesteps."
        )
    if vocab_size is not None and shape[-1] != 1:
        raise ValueError(
            "`input_shape` must have one feature, the token id, if `vocab_size` is set, got "
            f"{input_shape!r}. Pass (timesteps, 1)."
        )
    batch_size = shape[0] if len(shape) == 3 else None
    if params.stateful and batch_size is None:
        raise ValueError(
            "`input_shape` must be (batch, timesteps, features) with `stateful=True`, got "
            f"{input_shape!r}. Add the batch size in front."
        )
    architecture = describe(
        params,
        vocab_size=vocab_size,
        timesteps=shape[-2],
        features=shape[-1],
        masked=masked,
        batch_size=batch_size,
        outputs=outputs,
        output_activation=output_activation,
        flagged=tuple(i for i in flagged if i < shape[-1]),
    )
    return replace(architecture, batch_size=batch_size)
