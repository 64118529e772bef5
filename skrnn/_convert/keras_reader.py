"""KerasNetwork: a fitted Keras model as the parameters and the learned state of an estimator."""

import inspect
import sys
from dataclasses import dataclass

import numpy as np

from skrnn._convert.keras_config import parts_of, unusual_settings
from skrnn._convert.keras_parts import (
    read_dtype,
    read_hidden,
    read_input,
    read_input_scaling,
    read_output,
    read_output_scaling,
    read_pooling,
    read_recurrent,
    read_shape,
    read_spatial_dropout,
    read_states,
)
from skrnn._data.scaling import Scaling
from skrnn._network.architecture import Architecture
from skrnn._network.config import Settings, read_settings
from skrnn._network.keras_names import OPTIMIZERS, canonical_loss
from skrnn._network.parameters import describe
from skrnn._utils.declared_parameters import with_parameters

# What `loss="auto"` stands for behind each output activation; behind another: the default.
AUTO_LOSSES = {
    "linear": "mean_squared_error",
    "sigmoid": "binary_crossentropy",
    "softmax": "sparse_categorical_crossentropy",
}
DEFAULT_LOSS = "poisson"


@dataclass(frozen=True, eq=False)
class KerasNetwork:
    """What an estimator takes over from a Keras model.

    Parameters
    ----------
    estimator : estimator
        Not fitted, with these parameters.
    architecture : Architecture
    settings : Settings
    scaling : Scaling
    weights, optimizer_state, states : list of ndarray
        Of the layers; of the optimizer; of a stateful network. Empty where there are none.
    """

    estimator: object
    architecture: Architecture
    settings: Settings
    scaling: Scaling
    weights: list
    optimizer_state: list
    states: list


def read_network(estimator, model, parts, losses):
    """Read a Keras model as an estimator's network, or name the layer that it cannot have.

    Parameters
    ----------
    estimator : type
    model : keras.Model
    parts : tuple of Part
    losses : dict of set
        The losses that fit each output activation that the estimator has.

    Returns
    -------
    KerasNetwork
    """
    layers = parts_of(model, parts)
    weighted = [*layers["embedding"], *layers["recurrent"], *layers["dense"]]
    parameters = {
        **read_dtype(weighted),
        **read_input(layers),
        **read_spatial_dropout(layers["spatial_dropout"]),
        **read_recurrent(layers["recurrent"]),
        **read_hidden(layers["dense"][:-1]),
    }
    masked = parameters.get("mask_value") is not None
    parameters |= read_pooling(layers["pooling"], masked=masked)
    activation, outputs = read_output(layers["dense"][-1], losses)
    if layers.get("reshape"):
        outputs = read_shape(layers["reshape"][0], parameters)
    weights = [np.array(weight) for layer in weighted for weight in layer.get_weights()]
    of_two = activation == "softmax" and outputs == (2,)
    if of_two:
        weights[-2:] = _as_one_sigmoid(*weights[-2:])
        activation, outputs = "sigmoid", (1,)
    timesteps, features = (*model.input_shape[1:], 1)[:2]
    scaling = Scaling(
        *read_input_scaling(layers["input_scaling"], features),
        *read_output_scaling(layers.get("output_scaling"), outputs),
    )
    training, loss, optimizer_state = _read_training(model, activation, losses[activation])
    if of_two or scaling.y_mean is not None:
        optimizer_state = []  # of other gradients
    parameters |= training | {"standardize": _standardized(scaling)}
    if parameters["stateful"]:
        parameters["batch_size"] = model.input_shape[0]
    params = with_parameters(estimator, parameters)
    architecture = describe(
        params,
        vocab_size=params.vocab_size,
        timesteps=timesteps,
        features=features,
        masked=timesteps is None or params.mask_value is not None,
        batch_size=params.batch_size,
        outputs=outputs,
        output_activation=activation,
    )
    settings = read_settings(params.optimizer, params.learning_rate, loss, params.batch_size)
    states = read_states(layers["recurrent"]) if architecture.stateful else []
    return KerasNetwork(params, architecture, settings, scaling, weights, optimizer_state, states)


def _as_one_sigmoid(kernel, bias):
    """Return the sigmoid layer of one unit that is a softmax of two: of their difference."""
    return kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1]


def _standardized(scaling):
    """Return the parameter `standardize` that fits a Scaling."""
    if scaling.y_mean is None:
        return False if scaling.x_mean is None else "X"
    return "y" if scaling.x_mean is None else True


def _read_training(model, activation, fitting):
    """Return the parameters of a compiled model's training, its loss, the optimizer's variables.

    What `compile` set stands where it is known by name and fits; else the estimator's default.
    """
    parameters, optimizer_state = _read_optimizer(model)
    loss, auto = _read_loss(model, fitting), AUTO_LOSSES.get(activation)
    if loss is None:
        loss, optimizer_state = auto or DEFAULT_LOSS, []
    return parameters | {"loss": "auto" if loss == auto else loss}, loss, optimizer_state


def _read_optimizer(model):
    """Return the parameters of a compiled optimizer, and its variables; nothing if unknown."""
    optimizer = model.optimizer if model.compiled else None
    kind = type(optimizer).__name__
    known = getattr(sys.modules["keras"].optimizers, kind, None) is type(optimizer)
    if not known or kind.lower() not in OPTIMIZERS:
        return {}, []
    config, rate = unusual_settings(optimizer), optimizer.get_config()["learning_rate"]
    config = {key: config[key] for key in config if key not in ("name", "learning_rate")}
    if not isinstance(rate, float):
        return {}, []  # a schedule
    parameters = {
        "optimizer": {"name": kind.lower(), **config} if config else kind.lower(),
        "learning_rate": float(str(np.float32(rate))),  # 0.001 rather than 0.0010000000474974513
    }
    try:
        read_settings(**parameters, loss="", batch_size=1)
    except ValueError:
        return {}, []
    if not optimizer.built:
        return parameters, []  # compiled and never trained
    return parameters, [np.array(variable.numpy()) for variable in optimizer.variables]


def _read_loss(model, fitting):
    """Return Keras's full name of a compiled loss, None if it is unknown or does not fit."""
    loss = model.loss if model.compiled else None
    losses = sys.modules["keras"].losses
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None)
    if isinstance(loss, losses.Loss):
        kind = type(loss)
        plain = unusual_settings(loss).keys() <= {"name", "dtype"}
        if plain and getattr(losses, kind.__name__, None) is kind:
            name = inspect.signature(kind.__init__).parameters["name"].default
    elif name is None or (callable(loss) and getattr(losses, name, None) is not loss):
        return None
    return canonical_loss(name) if canonical_loss(name) in fitting else None
