"""What a user's function makes of a network's inputs: called, checked, and described."""

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

# Keras's warning where a layer does not hand on the mask.
DROPPED_MASK = "Layer '.*' .* was passed an input with a mask attached to it"
# What XLA saves on a CPU in a step of a recurrent layer, and takes longer for a multiply-add of a
# convolution, whose gradient it computes slowly: measured on a core of x86-64.
SECONDS_OF_A_STEP, SECONDS_OF_A_MULTIPLY_ADD = 170e-6, 1e-9
CONVOLUTIONS = tuple(
    kind for name, kind in vars(keras.layers).items() if re.search("Conv[123]D", name)
)
_lock = threading.RLock()  # for settings and streams of the whole process
_used = WeakSet()  # layers that are part of a network


@contextmanager
def no_mask_warnings():
    """Surround what calls the layers again: the first fit has warned."""
    with _lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", DROPPED_MASK)
        yield


@contextmanager
def _settings_for(dtype, seed):
    """Surround a function that creates layers: their dtype, and the seeds they draw by default.

    Keras draws them from Python's stream, which then is as it was before.
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

    `inputs` are those of the Keras model, the first of which x comes from; `seed` is that of all
    layers without one.
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
            "`network` must make the same layers whenever it is called with the same parameters: "
            "their weights have other shapes than when the network was fitted. Let it depend on "
            "its arguments only, and fit again where it was changed."
        )
    for layer, (name, *_) in zip(layers, records, strict=True):
        if name in architecture.frozen_layers:
            layer.trainable = False
    return output, records


def frozen_outside(architecture):
    """Return the names of frozen layers that are not those of the CustomNetwork, frozen above."""
    own = {layer.name for layer in architecture.custom_layers()}
    return [name for name in architecture.frozen_layers if name not in own]


def _with_mask(x, mask, architecture):
    """Return x as zeros where it is masked, with the mask attached unless it is an argument."""
    mask = keras.ops.expand_dims(mask, -1)
    if architecture.network.takes_mask:
        return keras.ops.where(mask, x, 0.0)
    compute_dtype = keras.dtype_policies.get(architecture.dtype).compute_dtype
    # Keras turns a number into float32 on its way to float64.
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
        remedy = "Reduce it over time, as by GlobalAveragePooling1D or `return_sequences=False`."
        if lead:
            remedy = "With `return_sequences=True` it needs a vector for each timestep of X."
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
            f"`network` must return a tensor that it computes from its inputs alone: {error}"
        ) from error
    before = set(map(id, keras.Model(source, x).layers))
    return [layer for layer in whole.layers if id(layer) not in before]


def _check_fresh(layers):
    for layer in layers:
        if layer in _used:
            raise ValueError(
                f"`network` must create its layers whenever it is called, got {layer.name!r} of "
                "another call. Create it inside the function."
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
                    f"`network` must make layers whose weights are {architecture.variable_dtype}, "
                    f"as `dtype` says, got {weight.dtype} in {layer.name!r} ({kind}). Create the "
                    "layer without a `dtype`."
                )
        weights = tuple((tuple(w.shape), bool(w.trainable)) for w in layer.weights)
        shape = tuple(keras.tree.flatten(layer.output)[0].shape)
        records.append((_name(layer, counts), kind, shape, weights))
    return tuple(records)


def _name(layer, counts):
    """Return a layer's name, where Keras has numbered it by its number in this network."""
    stem = re.sub(r"_\d+$", "", layer.name)
    if stem.replace("_", "") != type(layer).__name__.lower():
        return layer.name
    counts[stem] = counts.get(stem, 0) + 1
    return f"{stem}_{counts[stem]}"


def compiling_pays(model, batch_size, timesteps):
    """Whether XLA trains a CustomNetwork faster than TensorFlow does without it."""
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
