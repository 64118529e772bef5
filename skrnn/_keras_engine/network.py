"""The Keras network of an Architecture."""

from functools import partial

import keras
import numpy as np

from skrnn._keras_engine.custom import call_network, frozen_outside
from skrnn._keras_engine.quantiles import ordered_quantiles, pinball
from skrnn._keras_engine.recurrent_layers import (
    input_projected_class,
    layer_class,
    projecting_pays,
)
from skrnn._network.architecture import POOLINGS
from skrnn._network.cells import CELLS
from skrnn._network.keras_names import QUANTILE_LOSS


def build_network(
    architecture, scaling=None, mask_value=None, *, input_projected=False, cudnn=None, seed=0
):
    """Build the Keras model of an architecture, with Keras's default weights from fixed seeds.

    Without a Scaling the model reads standardized values, with absent timesteps as NaN or as token
    id -1. With a Scaling it reads raw values, with absent timesteps also as `mask_value`, and
    returns outputs in the units of y. `input_projected` layers are faster, but only for training
    under XLA. `cudnn` selects the LSTM and GRU layers of cuDNN if there is a GPU. None: only if no
    timesteps are masked, as cuDNN masks only the end of a sample. `seed` is for a CustomNetwork.
    """
    cudnn = not architecture.masked if cudnn is None else cudnn
    inputs, x, static = _inputs(architecture, raw=scaling is not None)
    if scaling is not None:
        x = _standardized(x, architecture, scaling, mask_value)
        static = _normalized(static, scaling.static_mean, scaling.static_scale, "static_")
    x, mask = _masked(x, architecture)
    seeds = iter(range(10_000))
    x = _spatial_dropout(x, architecture, seeds)
    x, mask = _segmented(x, mask, architecture)
    if architecture.network is not None:
        x, _ = call_network(architecture, inputs, x, mask, seed)
    for i in range(len(architecture.units)):
        layer = recurrent_layer(
            architecture, i, seeds, input_projected=input_projected, cudnn=cudnn
        )
        x = layer(x, mask=mask)
    x = _pooled(x, mask, architecture)
    if static is not None:
        x = keras.layers.Concatenate(dtype=architecture.dtype, name="joined")([x, static])
    x = _head(x, architecture, seeds)
    if scaling is not None and scaling.y_mean is not None:
        constants = scaling.y_scale, scaling.y_mean
        if architecture.quantiles:
            constants = (array[..., np.newaxis] for array in constants)
        x = keras.layers.Rescaling(*constants, dtype=architecture.variable_dtype, name="raw")(x)
    model = keras.Model(inputs, x, name="skrnn")
    for name in frozen_outside(architecture):
        model.get_layer(name).trainable = False
    return model


def build_hidden(architecture, return_sequences, return_state, *, cudnn=False):
    """Build the Keras model up to the last recurrent layer, with that layer's two flags."""
    if architecture.network is not None:
        return build_custom(architecture)[0]
    inputs, x, _ = _inputs(architecture, raw=False)
    x, mask = _segmented(*_masked(x, architecture), architecture)
    last = len(architecture.units) - 1
    seeds = iter(range(10_000))
    for i in range(last):
        x = recurrent_layer(architecture, i, seeds, cudnn=cudnn)(x, mask=mask)
    layer = recurrent_layer(architecture, last, seeds, return_sequences, return_state, cudnn=cudnn)
    return keras.Model(inputs, layer(x, mask=mask), name="skrnn_hidden")


def build_custom(architecture):
    """Return the Keras model up to the tensor of a CustomNetwork, and records of its layers."""
    inputs, x, _ = _inputs(architecture, raw=False)
    x, layers = call_network(architecture, inputs, *_masked(x, architecture))
    return keras.Model(inputs, x, name="skrnn_hidden"), layers


def recurrent_layer(
    architecture,
    i,
    seeds,
    return_sequences=None,
    return_state=False,
    *,
    input_projected=False,
    cudnn=False,
):
    """Return the i-th recurrent layer, wrapped in Bidirectional if the network is bidirectional."""
    if return_sequences is None:
        return_sequences = architecture.keeps_steps(i)
    cell_type = architecture.cell_types[i]
    name = f"{cell_type}_{i + 1}"
    # All seeds are set, because an unseeded layer would draw from Python's global stream.
    layer = _layer_class(architecture, i, input_projected)(
        architecture.units[i],
        activation=architecture.activation,
        kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
        recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
        kernel_regularizer=_regularizer(architecture.kernel_l2),
        recurrent_regularizer=_regularizer(architecture.recurrent_l2),
        dropout=architecture.dropout,
        recurrent_dropout=architecture.recurrent_dropout,
        return_sequences=return_sequences,
        return_state=return_state,
        stateful=architecture.stateful,
        seed=next(seeds),
        dtype=architecture.dtype,
        name=name,
        **({"use_cudnn": "auto" if cudnn else False} if CELLS[cell_type].cudnn else {}),
    )
    if not architecture.bidirectional:
        return layer
    with keras.saving.custom_object_scope({type(layer).__name__: type(layer)}):  # it copies layers
        return keras.layers.Bidirectional(layer, dtype=architecture.dtype, name=name)


def _regularizer(l2):
    return keras.regularizers.L2(l2) if l2 else None


def _layer_class(architecture, i, input_projected):
    cell_type, units = architecture.cell_types[i], architecture.units[i]
    features = architecture.recurrent_layers()[i].weights[0].shape[0]
    # Recurrent dropout has a mask for each gate, which only the cell's own step applies.
    input_projected = input_projected and not architecture.recurrent_dropout
    if input_projected and projecting_pays(cell_type, features, units):
        return input_projected_class(cell_type)
    return layer_class(cell_type)


def cudnn_takes(architecture):
    """Whether cuDNN supports every recurrent layer, with masks only at the end of samples.

    The layers of a CustomNetwork select it themselves.
    """
    known = all(CELLS[cell_type].cudnn for cell_type in architecture.cell_types)
    return known and architecture.activation == "tanh" and not architecture.recurrent_dropout


def inner_layers(model):
    """Return the recurrent layers of a model, with the two directions of a Bidirectional."""
    inner = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Bidirectional):
            inner += [layer.forward_layer, layer.backward_layer]
        elif isinstance(layer, keras.layers.RNN):
            inner.append(layer)
    return inner


def state_variables(model):
    """Return the variables that hold the states of a stateful model; [] for other models."""
    return [state for layer in inner_layers(model) if layer.stateful for state in layer.states]


def seed_variables(model):
    """Return the seed variables of dropout, one for each recurrent layer's generator."""
    known = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in known]


def loss_function(name, config, quantiles):
    """Return the function of targets and outputs that returns the loss of each sample."""
    if name == QUANTILE_LOSS:
        return partial(pinball, quantiles=quantiles)
    return partial(keras.losses.get(name), **dict(config))


def make_optimizer(name, config, *, dtype="float32"):
    """Return a Keras optimizer; it scales the loss if gradients are in float16."""
    optimizer = keras.optimizers.get({"class_name": name, "config": dict(config, name=name)})
    if dtype == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def optimizer_settings(name):
    """Return the names of the settings of a Keras optimizer."""
    return set(make_optimizer(name, {}).get_config()) - {"name"}


def _inputs(architecture, *, raw):
    """Return the model's input, the features of the timesteps, and the static features.

    Static features are a second input if X is `raw`, else the last features of each timestep.
    """
    tokens, dtype = architecture.vocab_size is not None, architecture.variable_dtype
    features = architecture.features if raw else architecture.width_read
    n_static = architecture.n_static
    steps = architecture.batch_size, architecture.timesteps
    if n_static and not raw:
        both = keras.Input(batch_shape=(*steps, features + n_static), dtype=dtype, name="joint")
        x, static = both[:, :, :features], both[:, 0, features:]
        if tokens:
            ops = keras.ops
            x = ops.cast(ops.where(ops.isnan(x), -1.0, x), "int32")[:, :, 0]
        return both, x, static
    x = keras.Input(
        batch_shape=steps + (() if tokens else (features,)),
        dtype="int32" if tokens else dtype,
        name="tokens" if tokens else "sequences",
    )
    if not n_static:
        return x, x, None
    static = keras.Input(batch_shape=(steps[0], n_static), dtype=dtype, name="static")
    return [x, static], x, static


def _standardized(x, architecture, scaling, mask_value):
    """Return raw input in the form of the inner network: standardized, absent as NaN or -1."""
    ops = keras.ops
    if architecture.vocab_size is not None:
        return x if mask_value is None else ops.where(ops.equal(x, mask_value), -1, x)
    if mask_value is not None and not np.isnan(mask_value):
        mask = ops.any(ops.not_equal(x, mask_value), axis=-1, keepdims=True)
        x = ops.where(mask, x, float("nan"))
    read = _normalized(x, scaling.x_mean, scaling.x_scale)
    return _flagged(x, read, architecture) if architecture.fills_missing else read


def _flagged(x, read, architecture):
    """Return standardized values with 0 where x is missing, and the flags of missing values."""
    ops, dtype = keras.ops, architecture.variable_dtype
    missing = ops.isnan(x)
    read = ops.where(missing, 0.0, read)
    if architecture.flagged:
        flags = ops.cast(ops.take(missing, list(architecture.flagged), axis=-1), dtype)
        read = keras.layers.Concatenate(dtype=dtype, name="flagged")([read, flags])
    if architecture.masked:  # absent timesteps stay absent
        read = ops.where(ops.all(missing, axis=-1, keepdims=True), float("nan"), read)
    return read


def _normalized(x, mean, scale, prefix=""):
    """Return (x - mean) / deviation; unchanged if the mean is None."""
    if mean is None:
        return x
    dtype = x.dtype
    units = _units(scale, dtype)
    if (units != 1).any():
        x = keras.layers.Rescaling(1 / units, dtype=dtype, name=f"{prefix}units")(x)
    return keras.layers.Normalization(
        mean=mean / units, variance=(scale / units) ** 2, dtype=dtype, name=f"{prefix}standardized"
    )(x)


def _units(scale, dtype):
    """Return 1, or a power of two near the deviation if Normalization cannot represent it.

    Normalization replaces a deviation below 1e-7 by 1e-7, and the square of a large one overflows
    float32. Division by a power of two is exact.
    """
    limit = -np.finfo(dtype).minexp
    exponents = np.frexp(scale)[1].clip(-limit, limit)
    return np.where((scale > 1e-6) & (scale < 1e18), 1.0, np.ldexp(1.0, exponents))


def _masked(x, architecture):
    """Return the input of the recurrent layers, and the mask of valid timesteps."""
    ops, mask = keras.ops, None
    tokens = architecture.vocab_size is not None
    if architecture.masked and tokens:
        mask = ops.greater_equal(x, 0)
        x = ops.maximum(x, 0)
    elif architecture.masked:
        known = ops.logical_not(ops.isnan(x))
        mask = ops.any(known, axis=-1)
        x = ops.where(known, x, 0.0)
    if tokens:
        x = keras.layers.Embedding(
            architecture.vocab_size,
            architecture.embedding_dim,
            embeddings_initializer=keras.initializers.RandomUniform(seed=0),
            dtype=architecture.dtype,
            name=architecture.embedding_name,
        )(x)
    return x, mask


def _spatial_dropout(x, architecture, seeds):
    """Return the input of the first recurrent layer, with features dropped in training."""
    if not architecture.spatial_dropout:
        return x
    return keras.layers.SpatialDropout1D(
        architecture.spatial_dropout,
        seed=next(seeds),
        dtype=architecture.dtype,
        name="spatial_dropout",
    )(x)


def _segmented(x, mask, architecture):
    """Return x with each segment joined to one step, absent timesteps as zeros, and its mask."""
    segment = architecture.segment
    if segment == 1:
        return x, mask
    n_steps = architecture.n_steps(architecture.timesteps) or -1
    if mask is not None:
        if architecture.vocab_size is not None:  # absent timesteps were embedded as id 0
            x = keras.ops.where(keras.ops.expand_dims(mask, -1), x, 0.0)
        mask = keras.layers.Reshape((n_steps, segment), name="segment_masks")(mask)
        mask = keras.ops.any(mask, axis=-1)
    shape = n_steps, architecture.input_width
    return keras.layers.Reshape(shape, dtype=architecture.dtype, name="segments")(x), mask


def _pooled(x, mask, architecture):
    """Return one vector for all present timesteps; unchanged with `pooling="last"`.

    For a sample without present timesteps it is the initial state, which all its steps hold.
    """
    if architecture.pooling == "last":
        return x
    layer_class = getattr(keras.layers, POOLINGS[architecture.pooling])
    layer = layer_class("channels_last", dtype=architecture.dtype, name="pooling")
    if mask is None:
        return layer(x)
    ops = keras.ops
    empty = ops.logical_not(ops.any(mask, axis=1, keepdims=True))
    mask = ops.logical_or(mask, empty)
    if architecture.pooling == "mean":
        return layer(x, mask=mask)
    return layer(ops.where(ops.expand_dims(mask, -1), x, -np.inf))  # the layer ignores masks


def _head(x, architecture, seeds):
    """Return the output of the Dense layers, with quantiles in ascending order."""
    for layer in architecture.head_layers():
        if layer.kind == "Stack":
            return ordered_quantiles(x, architecture)
        if layer.kind == "Reshape":
            return keras.layers.Reshape(
                architecture.outputs, dtype=architecture.variable_dtype, name=layer.name
            )(x)
        activation, dtype = architecture.dense_activation, architecture.dtype
        if layer.name == "output":
            activation, dtype = architecture.output_activation, architecture.variable_dtype
        x = keras.layers.Dense(
            layer.output_shape[-1],
            activation=activation,
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            dtype=dtype,
            name=layer.name,
        )(x)
    return x
