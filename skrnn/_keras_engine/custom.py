"""The call of a user's function on a network's inputs, the checks of its result, its layers."""

import random
import re
import threading
import warnings
from contextlib import contextmanager
from math import prod
from weakref import WeakSet

import keras
import numpy as np

from skrnn._network.custom_network import output_words

# Keras's warning if a layer does not pass on the mask.
DROPPED_MASK = "Layer '.*' .* was passed an input with a mask attached to it"
# Measured on an x86-64 core: the time that XLA saves in a step of a recurrent layer, and the time
# that it loses in a multiply-add of a convolution, because it computes the gradient slowly.
SECONDS_OF_A_STEP, SECONDS_OF_A_MULTIPLY_ADD = 170e-6, 1e-9
CONVOLUTIONS = tuple(
    kind for name, kind in vars(keras.layers).items() if re.search("Conv[123]D", name)
)
PROBABILITIES = "softmax", "sigmoid"
_lock = threading.RLock()  # for settings and random streams of the whole process
_used = WeakSet()  # layers that are part of a network


@contextmanager
def no_mask_warnings():
    """Silence warnings of dropped masks when layers are called again: the first fit has warned."""
    with _lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", DROPPED_MASK)
        yield


@contextmanager
def _settings_for(dtype, seed):
    """Set the dtype and the default seeds of layers that are created inside the context.

    Keras draws default seeds from Python's random stream, which is restored afterwards.
    """
    with _lock:
        policy, stream = keras.config.dtype_policy(), random.getstate()
        try:
            keras.config.set_dtype_policy(dtype)
            random.seed(seed)
            yield
        finally:
            random.setstate(stream)
            keras.config.set_dtype_policy(policy)


def call_network(architecture, inputs, x, mask, seed=0):
    """Return the tensor of the CustomNetwork, and the records of its layers.

    `inputs` are the inputs of the Keras model; x is computed from the first one. `seed` is used for
    all layers without a seed.
    """
    custom = architecture.network
    x = x if mask is None else _with_mask(x, mask, architecture)
    with _settings_for(architecture.dtype, seed):
        try:
            output = custom(x, mask)
        except Exception as error:
            given = f" and `network_params={custom.params!r}`" if custom.params else ""
            raise ValueError(
                f"`network` must return {output_words(architecture)} for inputs of shape "
                f"{x.shape}{given}, got {type(error).__name__}: {error}"
            ) from error
    _check_output(output, architecture)
    layers = _layers_between(keras.tree.flatten(inputs)[0], x, output)
    _check_fresh(layers)
    records = _records(layers, architecture)
    if custom.layers and [record[3] for record in custom.layers] != [r[3] for r in records]:
        raise ValueError(
            "`network` must create the same layers at each call with the same parameters, got "
            "weights with other shapes than in `fit`. Let it depend only on its arguments, and fit "
            "again if it was changed."
        )
    for layer, (name, *_) in zip(layers, records, strict=True):
        if name in architecture.frozen_layers:
            layer.trainable = False
    return output, records


def warn_of_second_head(model, architecture):
    """Warn if a CustomNetwork, a Keras model here, ends in class probabilities of its own."""
    last, n_outputs = model, prod(architecture.output_shape)
    while hasattr(last, "layers"):
        last = (getattr(last, "operations", None) or last.layers)[-1]
    last = getattr(last, "layer", last)  # of TimeDistributed
    activation = getattr(last, "activation", last)
    name = getattr(activation, "__name__", type(activation).__name__).lower()
    width = model.output.shape[-1]
    if name in PROBABILITIES and width in (n_outputs, max(n_outputs, 2)):
        warnings.warn(
            "`network` must return the features that the output layer reads, got an output of "
            f"width {width} with its own {name}. The estimator adds another Dense layer with "
            f"{architecture.output_activation} after it. Return the tensor before that layer.",
            UserWarning,
            stacklevel=2,
        )


def frozen_outside(architecture):
    """Return the names of frozen layers outside the CustomNetwork, which freezes its own layers."""
    own = {layer.name for layer in architecture.custom_layers()}
    return [name for name in architecture.frozen_layers if name not in own]


def _with_mask(x, mask, architecture):
    """Return x with zeros at masked timesteps, and the mask attached unless it is an argument."""
    mask = keras.ops.expand_dims(mask, -1)
    if architecture.network.takes_mask:
        return keras.ops.where(mask, x, 0.0)
    compute_dtype = keras.dtype_policies.get(architecture.dtype).compute_dtype
    # Keras converts a number to float32 before float64.
    absent = float(np.finfo("float32" if compute_dtype == "float64" else compute_dtype).min)
    x = keras.ops.where(mask, x, absent)
    return keras.layers.Masking(absent, dtype=architecture.dtype, name="absent")(x)


def _check_output(output, architecture):
    words = output_words(architecture)
    if not isinstance(output, keras.KerasTensor):
        raise ValueError(
            f"`network` must return {words}, got an object of type {type(output).__name__}. Return "
            "the output of its last layer."
        )
    lead = (architecture.timesteps,) if architecture.return_sequences else ()
    shape = tuple(output.shape)
    if len(shape) != 2 + len(lead) or shape[1:-1] != lead or shape[-1] is None:
        remedy = "Reduce it over time, with GlobalAveragePooling1D or `return_sequences=False`."
        if lead:
            remedy = "With `return_sequences=True` return a vector for each timestep of X."
        raise ValueError(f"`network` must return {words}, got the shape {shape}. {remedy}")
    if not keras.backend.is_float_dtype(output.dtype):
        raise ValueError(
            f"`network` must return floating-point numbers, got a tensor of {output.dtype}. Cast "
            "it to float."
        )


def _layers_between(source, x, output):
    """Return the layers from x to the output."""
    try:
        whole = keras.Model(source, output)
    except ValueError as error:
        raise ValueError(
            f"`network` must return a tensor computed only from its inputs, got another: {error}"
        ) from error
    before = set(map(id, keras.Model(source, x).layers))
    return [layer for layer in whole.layers if id(layer) not in before]


def _check_fresh(layers):
    for layer in layers:
        if layer in _used:
            raise ValueError(
                f"`network` must create its layers at each call, got {layer.name!r} of another "
                "call. Create the layer inside the function."
            )
    _used.update(layers)


def _records(layers, architecture):
    """Return a record of each layer: name, kind, output shape, shapes of weights."""
    records, counts = [], {}
    for layer in layers:
        kind = type(layer).__name__
        inner = getattr(layer, "layer", None) or getattr(layer, "forward_layer", None)
        kind = f"{kind}({type(inner).__name__})" if inner is not None else kind
        for weight in layer.weights:
            if weight.dtype != architecture.variable_dtype:
                raise ValueError(
                    f"`network` must create layers with weights in {architecture.variable_dtype}, "
                    f"like `dtype`, got {weight.dtype} in {layer.name!r} ({kind}). Create the "
                    "layer without a `dtype`."
                )
        weights = tuple((tuple(w.shape), bool(w.trainable)) for w in layer.weights)
        shape = tuple(keras.tree.flatten(layer.output)[0].shape)
        records.append((_name(layer, counts), kind, shape, weights))
    return tuple(records)


def _name(layer, counts):
    """Return a layer's name; a number added by Keras becomes its number in this network."""
    stem = re.sub(r"_\d+$", "", layer.name)
    if stem.replace("_", "") != type(layer).__name__.lower():
        return layer.name
    counts[stem] = counts.get(stem, 0) + 1
    return f"{stem}_{counts[stem]}"


def compiling_pays(model, batch_size, timesteps):
    """Whether TensorFlow trains a CustomNetwork faster with XLA than without."""
    n_steps, multiply_adds = 0, 0
    for layer in _inner_layers(model):
        if isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional)):
            n_steps += keras.tree.flatten(layer.input)[0].shape[1] or timesteps
        elif isinstance(layer, CONVOLUTIONS):
            positions = prod(size or timesteps for size in layer.output.shape[1:-1])
            kernels = sum(prod(weight.shape) for weight in layer.weights if len(weight.shape) > 1)
            multiply_adds += batch_size * positions * kernels
    return n_steps * SECONDS_OF_A_STEP > multiply_adds * SECONDS_OF_A_MULTIPLY_ADD


def _inner_layers(model):
    for layer in model.layers:
        yield from _inner_layers(layer) if isinstance(layer, keras.Model) else [layer]
