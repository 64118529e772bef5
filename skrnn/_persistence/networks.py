"""Records of networks: what Architecture, Settings and Scaling hold, and what must fit together."""

from numbers import Integral, Real

import numpy as np

from skrnn._data.scaling import Scaling
from skrnn._network.architecture import CELLS, POOLINGS, Architecture
from skrnn._network.config import Settings
from skrnn._network.keras_names import (
    ACTIVATIONS,
    OPTIMIZERS,
    REGRESSION_LOSSES,
    SIGMOID_LOSSES,
    SOFTMAX_LOSSES,
)
from skrnn._numpy_engine import optimizers as _numpy_optimizers
from skrnn._persistence.records import Entry, require
from skrnn._preprocessing.vocabulary import UNKNOWN

# The variables of Keras's LossScaleOptimizer, which come before those of the optimizer in it.
N_SCALING_SLOTS = 4
LOSSES = REGRESSION_LOSSES | SIGMOID_LOSSES | SOFTMAX_LOSSES


def is_a(*kinds):
    return lambda value: isinstance(value, kinds)


def is_text_of(*known):
    return lambda value: isinstance(value, str) and value in known


def or_none(check):
    return lambda value: value is None or check(value)


is_bool = is_a(bool, np.bool_)
is_number = is_a(Real)


def is_size(value):
    return isinstance(value, Integral) and not isinstance(value, bool) and value > 0


def are_sizes(value):
    return isinstance(value, tuple) and all(map(is_size, value))


def is_share(value):
    return is_number(value) and 0 <= value < 1


def is_penalty(value):
    return is_number(value) and 0 <= value < np.inf


def is_vector(value):
    return isinstance(value, np.ndarray) and value.dtype == np.float64


ARCHITECTURE = {
    "cell_types": lambda value: isinstance(value, tuple) and all(map(is_text_of(*CELLS), value)),
    "units": lambda value: are_sizes(value) and len(value) > 0,
    "bidirectional": is_bool,
    "activation": is_text_of(*ACTIVATIONS),
    "dropout": is_share,
    "recurrent_dropout": is_share,
    "return_sequences": is_bool,
    "dense_sizes": are_sizes,
    "dense_activation": is_text_of(*ACTIVATIONS),
    "timesteps": or_none(is_size),
    "features": is_size,
    "outputs": lambda value: are_sizes(value) and len(value) > 0,
    "output_activation": is_text_of(*ACTIVATIONS),
    "vocab_size": or_none(is_size),
    "embedding_dim": or_none(is_size),
    "masked": is_bool,
    "stateful": is_bool,
    "batch_size": or_none(is_size),
    "dtype": is_text_of("float32", "float64", "mixed_float16"),
    "pooling": is_text_of("last", *POOLINGS),
    "kernel_l2": is_penalty,
    "recurrent_l2": is_penalty,
    "spatial_dropout": is_share,
    "embedding_trainable": is_bool,
}
SETTINGS = {
    "loss": is_text_of(*LOSSES),
    "optimizer": is_text_of(*OPTIMIZERS),
    "optimizer_config": lambda value: (
        isinstance(value, tuple)
        and all(isinstance(name, str) and or_none(is_number)(setting) for name, setting in value)
    ),
    "learning_rate": or_none(is_number),
    "batch_size": is_size,
}
SCALING = dict.fromkeys(("x_mean", "x_scale", "y_mean", "y_scale"), or_none(is_vector))


def check_parts(parts, checks):
    """Refuse parts that are not what the table of checks says."""
    for name, check in checks.items():
        if name in parts:
            require(check(parts[name]), f"`{name}`")


def record_entry(kind, checks):
    """Return the Entry of a frozen record whose parts are checked by a table."""

    def put_together(**parts):
        check_parts(parts, checks)
        return kind(**parts)

    return Entry(kind, lambda record: dict(vars(record)), put_together)


def check_network(network):
    """Refuse a fitted network whose parts do not fit its Architecture.

    Parameters
    ----------
    network : BaseRNN
        With its learned attributes, each of the right kind.
    """
    architecture, scaling = network._architecture, network._scaling
    layers_agree = len(architecture.cell_types) == len(architecture.units)
    embedded = architecture.vocab_size is not None
    embedding_agrees = embedded == (architecture.embedding_dim is not None)
    embedding_agrees &= embedded or architecture.embedding_trainable
    require(layers_agree and embedding_agrees, "the architecture")
    folds = network._asked_vocab_size == "auto"
    require(not folds or (embedded and architecture.vocab_size > UNKNOWN), "the vocabulary")
    weights = [(weight.shape, architecture.variable_dtype) for weight in architecture.weights()]
    _check_arrays(network.weights_, weights, "`weights_`")
    _check_arrays(getattr(network, "states_", []), _states(architecture), "`states_`")
    shape = (architecture.timesteps, architecture.features)
    require(network.input_shape_ == shape, "`input_shape_`")
    require(network.n_features_in_ in shape, "`n_features_in_`")
    for name, expected in (("x", (architecture.features,)), ("y", architecture.outputs)):
        constants = [getattr(scaling, f"{name}_{what}") for what in ("mean", "scale")]
        absent = all(constant is None for constant in constants)
        fits = absent or all(np.shape(constant) == expected for constant in constants)
        require(fits, "the standardization")
    if network.optimizer_state_ is not None:
        _check_slots(network.optimizer_state_, architecture, network._settings)
    lengths = {len(values) for values in network.history_.values()}
    require(lengths <= {network.n_epochs_}, "`history_`")


def _states(architecture):
    """Return shape and dtype of each array that a stateful network carries."""
    if not architecture.stateful:
        return []
    require(architecture.batch_size is not None, "the architecture")
    directions = 2 if architecture.bidirectional else 1
    layers = zip(architecture.cell_types, architecture.units, strict=True)
    return [
        ((architecture.batch_size, units), architecture.variable_dtype)
        for cell_type, units in layers
        for _ in range(directions * CELLS[cell_type].states)
    ]


def _check_slots(optimizer_state, architecture, settings):
    """Refuse optimizer variables of other shapes; what Keras alone has, Keras checks.

    None are there after `from_keras`, if the model's cannot be gone on with.
    """
    if not optimizer_state:
        return
    if architecture.dtype == "mixed_float16":
        scaling, optimizer_state = (
            optimizer_state[:N_SCALING_SLOTS],
            optimizer_state[N_SCALING_SLOTS:],
        )
        require(optimizer_state and all(slot.ndim == 0 for slot in scaling), "`optimizer_state_`")
    if not _numpy_optimizers.takes(settings.optimizer, settings.optimizer_config):
        require(all(slot.ndim == 0 for slot in optimizer_state[:2]), "`optimizer_state_`")
        return
    shapes = [weight.shape for weight in architecture.trained_weights()]
    weights = np.zeros(architecture.n_trained, architecture.variable_dtype)
    optimizer = _numpy_optimizers.OPTIMIZERS[settings.optimizer](
        settings, weights, shapes, architecture.trains_embedding
    )
    fresh = [(slot.shape, slot.dtype) for slot in optimizer.dump()]
    _check_arrays(optimizer_state, fresh, "`optimizer_state_`")


def _check_arrays(arrays, expected, what):
    found = [(array.shape, array.dtype) for array in arrays]
    require(found == [(tuple(shape), np.dtype(dtype)) for shape, dtype in expected], what)


NETWORKS = {
    "Architecture": record_entry(Architecture, ARCHITECTURE),
    "Settings": record_entry(Settings, SETTINGS),
    "Scaling": record_entry(Scaling, SCALING),
}
