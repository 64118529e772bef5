"""KerasChain: the layers of a Keras model that is one chain, in the form of an estimator."""

import inspect
import sys
from numbers import Real
from typing import NamedTuple

import numpy as np

CELL_LAYERS = "SimpleRNN", "GRU", "LSTM", "Bidirectional"
# Layers that do not change predictions.
TRAINING_LAYERS = "Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "Identity"
ACTIVATION_LAYERS = {"ReLU": "relu", "Softmax": "softmax"}  # with their default settings
# Operations that find masked timesteps in the `model_` of an estimator: for numbers, for tokens.
OWN_OPERATIONS = {"Isnan": "NotEqual", "GreaterEqual": "Equal"}


class KerasChain(NamedTuple):
    """The layers of a model, in order."""

    layers: list
    wiring: tuple | None = None  # for the `model_` of an estimator that masks timesteps
    mask_value: float | None = None  # of such an estimator


class Call(NamedTuple):
    """A layer or operation in a functional model, with the Calls that it reads."""

    kind: str
    arguments: tuple
    mask: object = None
    settings: tuple = ()

    def wiring(self):
        """Return the call without names, to compare it with a call in another model."""
        parts = (*self.arguments, self.mask)
        read = [part.wiring() if isinstance(part, Call) else repr(part) for part in parts]
        return (self.kind, self.settings, *read)


def read_chain(model):
    """Return a model as a KerasChain; refuse models that are not a chain."""
    keras = sys.modules.get("keras")  # a user with a model has imported it already
    is_model = keras is not None and isinstance(model, keras.Model)
    sequential = is_model and isinstance(model, keras.Sequential)
    if not sequential and not (is_model and hasattr(model, "operations")):
        raise TypeError(
            "`model` must be a keras.Sequential or a functional keras.Model, got "
            f"{type(model).__name__}. Read a file with `keras.models.load_model`."
        )
    if not model.built:
        raise ValueError(
            "`model` must have weights, got a model that is not built. Start it with "
            "keras.Input(shape), or fit it first."
        )
    for one, tensors in (("input", model.inputs), ("output", model.outputs)):
        if len(tensors) != 1:
            raise ValueError(
                f"`model` must have one {one}, got {len(tensors)}. To store an estimator, such as "
                "one with `static_features`, use `skrnn.save`."
            )
    layers = [layer for layer in model.layers if kind_of(layer) != "InputLayer"]
    for layer in layers:
        if kind_of(layer) is None:
            raise refusal(layer, "no estimator has a layer of this class.")
    if sequential:
        return KerasChain(_as_parts(layers))
    calls = _calls(model)
    kinds = {call.kind: call for call in calls.values()}
    if "Softplus" in kinds:  # as an operation; the activation is part of a layer
        raise ValueError(
            "`model` must predict one number for each output, got quantiles, with a softplus of "
            "their increments. To store an estimator with `loss='quantile'`, use `skrnn.save`."
        )
    own = OWN_OPERATIONS.keys() & kinds.keys()
    if not own:
        _check_chain(model, layers, calls)
        return KerasChain(_as_parts(layers))
    [kind] = own
    marked = kinds.get(OWN_OPERATIONS[kind])  # a timestep that equals `mask_value`
    mask_value = marked.arguments[1] if marked else np.nan if kind == "Isnan" else None
    return KerasChain(layers, wiring_of(model), mask_value)


def kind_of(layer):
    """Return the name of a layer's class if it is Keras's own, None for other classes."""
    name = type(layer).__name__
    return name if getattr(sys.modules["keras"].layers, name, None) is type(layer) else None


def refusal(layer, reason):
    """Return the error for a layer that cannot be converted, with its name."""
    return ValueError(
        f"`from_keras` cannot convert {layer.name!r} ({type(layer).__name__}): {reason}"
    )


def wiring_of(model):
    """Return how a functional model computes its output, without the names of its layers."""
    return _calls(model)[_output_name(model)].wiring()


def _output_name(model):
    return np.ravel(model.get_config()["output_layers"])[0]


def _calls(model):
    """Return the Calls of a functional model, by the names of layers and operations."""
    nodes = {layer["name"]: layer for layer in model.get_config()["layers"]}
    calls = {}
    for operation in model.operations:  # each comes after its inputs
        node = nodes[operation.name]
        kind = node["class_name"]
        if kind == "InputLayer":
            calls[operation.name] = Call(kind, ())
            continue
        if len(node["inbound_nodes"]) != 1:
            raise refusal(operation, "it must be called only once.")
        [given] = node["inbound_nodes"]
        settings = dict(given["kwargs"])
        mask = settings.pop("mask", None)
        mask = None if mask is None else _read(mask, calls)
        if kind_of(operation) is None:
            own = node["config"]
            settings |= {k: np.ravel(own[k]).tolist() for k in ("axis", "keepdims") if k in own}
        given_settings = [(name, repr(value)) for name, value in settings.items() if value]
        arguments = tuple(_read(argument, calls) for argument in given["args"])
        calls[operation.name] = Call(kind, arguments, mask, tuple(given_settings))
    return calls


def _read(argument, calls):
    """Return the Call with an argument as its first output, or a constant."""
    if isinstance(argument, dict) and "keras_history" in argument.get("config", {}):
        name, _, output = argument["config"]["keras_history"]
        return calls[name] if output == 0 else (name, output)
    return float(argument) if isinstance(argument, Real) else repr(argument)


def _check_chain(model, layers, calls):
    """Refuse a layer that reads more than the previous layer and the mask that Keras passes."""
    inputs = model.operations[0]
    before, read, mask = inputs.name, calls[inputs.name], None
    for layer in layers:
        call = calls[layer.name]
        if call.arguments != (read,):
            raise refusal(
                layer, f"it must read only the output of {before!r}, in a single chain of layers."
            )
        if call.settings:
            given = ", ".join(f"{name}={value}" for name, value in call.settings)
            raise refusal(layer, f"it must be called on its input only, got {given[:80]}.")
        found, passed = (
            each.wiring() if isinstance(each, Call) else each for each in (call.mask, mask)
        )
        if "mask" in inspect.signature(layer.call).parameters and found != passed:
            raise refusal(layer, "its mask must come from a Masking or an Embedding before it.")
        before, read, mask = layer.name, call, _mask_after(layer, read, mask)
    if _output_name(model) != before:
        raise refusal(layers[-1], "it must be the last layer, and give the output of the model.")


def _mask_after(layer, read, mask):
    """Return the Call of the mask that Keras passes on after a layer."""
    if kind_of(layer) == "Masking":
        differs = Call("NotEqual", (read, float(layer.mask_value)))
        return Call("Any", (differs,), None, (("axis", "[-1]"), ("keepdims", "[False]")))
    if kind_of(layer) == "Embedding":
        return Call("NotEqual", (read, 0.0)) if layer.mask_zero else None
    shape = getattr(layer.output, "shape", ())
    return mask if layer.supports_masking and len(shape) == 3 else None


def _as_parts(layers):
    """Return the layers that affect predictions, with activations moved into Dense layers."""
    kept = []
    for layer in layers:
        inner = layer.layer if kind_of(layer) == "TimeDistributed" else layer
        kind, activation = kind_of(inner), _activation(inner)
        in_training = kind in TRAINING_LAYERS or activation == "linear"
        if in_training or (kind == "SpatialDropout1D" and _has_cells(kept)):
            continue
        if activation and kept and _output_activation(kept[-1]) == "linear":
            kept[-1] = _dense(kept[-1], kept[-1].name, activation)
        elif kind == "Dense" and inner is not layer:
            kept.append(_dense(inner, layer.name, _output_activation(inner)))
        else:
            kept.append(layer)
    return kept


def _has_cells(layers):
    return any(kind_of(layer) in CELL_LAYERS for layer in layers)


def _activation(layer):
    """Return the activation of a layer that does nothing else, or None."""
    kind = kind_of(layer)
    if kind == "Activation":
        return layer.get_config()["activation"]
    if kind not in ACTIVATION_LAYERS:
        return None
    default, config = (
        each.get_config() | {"name": "", "dtype": ""} for each in (type(layer)(), layer)
    )
    return ACTIVATION_LAYERS[kind] if config == default else None


def _output_activation(layer):
    return layer.get_config()["activation"] if kind_of(layer) == "Dense" else None


def _dense(layer, name, activation):
    """Return a copy of a Dense layer with another name and activation."""
    own = {"name": name, "activation": activation, "kernel_initializer": "zeros"}
    copy = type(layer).from_config(layer.get_config() | own)
    copy.build((None, layer.kernel.shape[0]))
    copy.set_weights(layer.get_weights())
    return copy
