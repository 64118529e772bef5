"""Records of networks, and the check that the parts of a fitted network fit together."""

from math import prod

import numpy as np

from skrnn._data.scaling import Scaling
from skrnn._network.architecture import Architecture
from skrnn._network.config import Settings
from skrnn._network.keras_names import QUANTILE_LOSS
from skrnn._network.learning_rate import SCHEDULES, RateSchedule
from skrnn._network.quantiles import check_quantiles
from skrnn._numpy_engine import optimizers as numpy_optimizers
from skrnn._preprocessing.vocabulary import UNKNOWN
from skrnn._utils.records import record_codec, require

# The variables of Keras's LossScaleOptimizer, which precede those of the optimizer inside it.
N_SCALING_VARIABLES = 4


def check_network(network):
    """Refuse a fitted network with parts of the right types that do not fit its Architecture."""
    fitted = network._network
    architecture, scaling = fitted.architecture, fitted.scaling
    _check_architecture(architecture, fitted.asked_vocab_size)
    weights = [(weight.shape, architecture.variable_dtype) for weight in architecture.weights()]
    _check_arrays(network.weights_, weights, "`weights_`")
    has_loss = fitted.settings.loss == QUANTILE_LOSS
    require(has_loss == bool(architecture.quantiles), "the loss")
    zeros = [(state.shape, state.dtype) for state in architecture.zero_states()]
    _check_arrays(getattr(network, "states_", []), zeros, "`states_`")
    shape = (architecture.timesteps, architecture.features)
    require(network.input_shape_ == shape, "`input_shape_`")
    n_static, columns = architecture.n_static, fitted.static_columns
    require(network.n_features_in_ - n_static in shape, "`n_features_in_`")
    distinct = len(set(columns)) == len(columns) == n_static
    require(distinct and all(c < network.n_features_in_ for c in columns), "the static features")
    expected_shapes = {
        "x": (architecture.features,),
        "y": architecture.outputs,
        "static": (n_static,),
    }
    for name, expected in expected_shapes.items():
        constants = [getattr(scaling, f"{name}_{what}") for what in ("mean", "scale")]
        unscaled = all(constant is None for constant in constants)
        fitting = unscaled or all(np.shape(constant) == expected for constant in constants)
        require(fitting, "the standardization")
    if network.optimizer_state_:  # None or empty: training cannot continue
        _check_optimizer_state(network.optimizer_state_, architecture, fitted.settings)
    _check_schedule(fitted.settings, network.n_epochs_)
    lengths = {len(values) for values in network.history_.values()}
    require(lengths <= {network.n_epochs_}, "`history_`")


def _check_architecture(architecture, asked_vocab_size):
    layers_agree = len(architecture.cell_types) == len(architecture.units)
    custom = architecture.network is not None
    layers_agree &= custom != bool(architecture.units)
    plain = architecture.segment == 1 and architecture.pooling == "last"
    layers_agree &= not custom or (plain and not architecture.stateful)
    embedded = architecture.vocab_size is not None
    embedding_agrees = embedded == (architecture.embedding_dim is not None)
    weighted = [layer.name for layer in architecture.layers() if layer.weights]
    frozen = list(architecture.frozen_layers)
    in_order = frozen == [name for name in weighted if name in frozen]
    require(in_order and frozen != weighted, "the frozen layers")
    fixed = not architecture.stateful or architecture.batch_size is not None
    require(layers_agree and embedding_agrees and fixed, "the architecture")
    whole = architecture.timesteps is None or architecture.timesteps % architecture.segment == 0
    require(whole and not (architecture.segment > 1 and architecture.return_sequences), "`segment`")
    quantiles = architecture.quantiles
    require(not quantiles or quantiles == check_quantiles(quantiles), "`quantiles`")
    flagged = list(architecture.flagged)
    in_order = flagged == sorted({i for i in flagged if i < architecture.features})
    require(in_order and (architecture.fills_missing or not flagged), "the flags")
    require(not (architecture.fills_missing and embedded), "the flags")
    learned = asked_vocab_size == "auto"
    require(not learned or (embedded and architecture.vocab_size > UNKNOWN), "the vocabulary")


def _check_schedule(settings, n_epochs):
    schedule = settings.schedule
    if schedule is None:
        return
    names = [name for name, _ in schedule.config]
    complete = names == sorted(SCHEDULES[schedule.name]) and settings.learning_rate is not None
    require(complete and schedule.begun <= n_epochs, "the schedule")


def _check_optimizer_state(variables, architecture, settings):
    """Refuse optimizer variables of other shapes; Keras checks those of its own optimizers."""
    if architecture.dtype == "mixed_float16":
        scaling, variables = variables[:N_SCALING_VARIABLES], variables[N_SCALING_VARIABLES:]
        require(variables and all(array.ndim == 0 for array in scaling), "`optimizer_state_`")
    if not numpy_optimizers.takes(settings.optimizer, settings.optimizer_config):
        require(all(array.ndim == 0 for array in variables[:2]), "`optimizer_state_`")
        return
    entries = architecture.trained_weights()
    n_weights = sum(prod(entry.shape) for entry in entries)
    weights = np.zeros(n_weights, architecture.variable_dtype)
    embedded = architecture.trains_embedding
    optimizer = numpy_optimizers.Optimizer(settings, weights, entries, embedded)
    fresh = [(array.shape, array.dtype) for array in optimizer.dump()]
    _check_arrays(variables, fresh, "`optimizer_state_`")


def _check_arrays(arrays, expected, what):
    found = [(array.shape, array.dtype) for array in arrays]
    require(found == [(tuple(shape), np.dtype(dtype)) for shape, dtype in expected], what)


def _decode_architecture(embedding_trainable=True, **fields):
    """Return an Architecture; in older files only the Embedding can be frozen."""
    if not embedding_trainable:
        fields["frozen_layers"] = ("embedding",)
    return record_codec(Architecture).decode(**fields)


NETWORKS = {kind.__name__: record_codec(kind) for kind in (RateSchedule, Settings, Scaling)}
NETWORKS["Architecture"] = record_codec(Architecture)._replace(decode=_decode_architecture)
