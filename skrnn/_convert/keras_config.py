"""The layers of a Keras model: their order, kinds and settings, read without importing Keras."""

import inspect
import sys
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from skrnn._network.architecture import CELLS, POOLINGS
from skrnn._network.keras_names import ACTIVATIONS

POOLING_NAMES = {keras_class: name for name, keras_class in POOLINGS.items()}
CELL_TYPES = {cell.keras_class: cell_type for cell_type, cell in CELLS.items()}

# Settings that decide how a layer begins or how fast it runs, not what it computes.
FREE_SETTINGS = {"dtype", "name", "seed", "unit_forget_bias", "unroll", "use_cudnn"}
# Settings that Keras takes as `**kwargs`, with their defaults.
HIDDEN_SETTINGS = {"trainable": True, "zero_output_for_mask": False}


class Part(NamedTuple):
    """A part of a network: the layers that it may hold, and how many of them."""

    name: str
    kinds: tuple
    most: int | None = None


CLASSIFIER_PARTS = (
    Part("mask", ("Masking",), 1),
    Part("input_scaling", ("Normalization", "Rescaling")),
    Part("embedding", ("Embedding",), 1),
    Part("spatial_dropout", ("SpatialDropout1D",), 1),
    Part("recurrent", (*CELL_TYPES, "Bidirectional")),
    Part("pooling", tuple(POOLING_NAMES), 1),
    Part("dense", ("Dense",)),
)
REGRESSOR_PARTS = (
    *CLASSIFIER_PARTS,
    Part("reshape", ("Reshape",), 1),
    Part("output_scaling", ("Rescaling",)),
)


def refusal(layer, reason):
    """Return the error that names a layer which cannot be taken over."""
    return ValueError(
        f"`from_keras` cannot take over {layer.name!r} ({type(layer).__name__}): {reason}"
    )


def parts_of(model, parts):
    """Return the layers of a Keras model by the part that they belong to.

    Parameters
    ----------
    model : keras.Model
    parts : tuple of Part
        In the order in which they must come.

    Returns
    -------
    dict of list
    """
    left, found = _chain(model), {}
    for part in parts:
        n_layers = 0
        while left[n_layers:] and kind_of(left[n_layers]) in part.kinds and n_layers != part.most:
            n_layers += 1
        found[part.name], left = left[:n_layers], left[n_layers:]
    if left:
        order = "; ".join(" or ".join(part.kinds) for part in parts)
        raise refusal(left[0], f"no estimator has it there. In this order it reads {order}.")
    for name, kinds in (("recurrent", "SimpleRNN, GRU, LSTM or Bidirectional"), ("dense", "Dense")):
        if not found[name]:
            raise ValueError(f"`model` must have a layer {kinds} for `from_keras`, got none.")
    return found


def kind_of(layer):
    """Return the name of Keras's own class of a layer, None for other classes."""
    name = type(layer).__name__
    return name if getattr(sys.modules["keras"].layers, name, None) is type(layer) else None


def read_settings_of(layer, *wanted):
    """Return the wanted settings of a layer; refuse others that are not as by default."""
    others = unusual_settings(layer)
    for setting, value in others.items():
        if setting not in (*wanted, *FREE_SETTINGS) and not setting.endswith("_initializer"):
            raise refusal(layer, f"no estimator has `{setting}={value!r}`.")
    config = layer.get_config()
    return {setting: config[setting] for setting in wanted if setting in config}


def unusual_settings(thing):
    """Return what differs from the defaults in the config of a layer, loss or optimizer."""
    signature = inspect.signature(type(thing).__init__).parameters
    defaults = HIDDEN_SETTINGS | {name: entry.default for name, entry in signature.items()}
    return {
        setting: value
        for setting, value in thing.get_config().items()
        if not np.array_equal(value, defaults.get(setting))
    }


def read_activation(layer, activation):
    """Return the name of an activation from a layer's config."""
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise refusal(layer, "its `activation` must be one that Keras knows by name.")
    return activation


def common_setting(layers, setting, values):
    """Return the value that all layers of a part share."""
    for layer, value in zip(layers, values, strict=True):
        if value != values[0]:
            raise refusal(
                layer,
                f"it has `{setting}={value!r}` and {layers[0].name!r} has {values[0]!r}; an "
                "estimator has one for all of them.",
            )
    return values[0]


def _chain(model):
    """Return the layers of a model in which each reads the output of the one before."""
    keras = sys.modules.get("keras")  # whoever has a model has imported it
    if keras is None or not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a keras.Sequential or a functional keras.Model, got "
            f"{type(model).__name__}. A file is read by `keras.models.load_model`."
        )
    if not model.built:
        raise ValueError(
            "`model` must have weights: begin it with keras.Input(shape), or fit it, first."
        )
    if isinstance(model, keras.Sequential):
        return list(model.layers)
    if not hasattr(model, "operations"):
        raise TypeError(
            f"`model` must be a keras.Sequential or a functional model, got {type(model).__name__}."
        )
    for before, after in pairwise(model.operations):
        if after.input is not before.output:
            raise refusal(
                after,
                f"it must read the output of {before.name!r} alone. Only a chain of layers can be "
                "taken over; `model_` of an estimator is none where timesteps are masked.",
            )
    if len(model.outputs) != 1:
        raise ValueError(f"`model` must have one output, got {len(model.outputs)}.")
    return list(model.operations[1:])
