"""The loss and the optimizer of a compiled Keras model as an estimator's parameters."""

import sys

import numpy as np

from skrnn._network.config import read_settings
from skrnn._network.keras_names import OPTIMIZERS, canonical_loss

# The loss that `loss="auto"` selects for each output activation; the default for all others.
AUTO_LOSSES = {
    "linear": "mean_squared_error",
    "sigmoid": "binary_crossentropy",
    "softmax": "sparse_categorical_crossentropy",
}
DEFAULT_LOSS = "poisson"


def read_training(model, activation, fitting):
    """Return the parameters of a compiled model's training, its loss, the optimizer's variables.

    What `compile` set is kept where it is known by name and fits; else the estimator's default.
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
    rate = optimizer.get_config()["learning_rate"]
    changed = {k: v for k, v in _changed_settings(optimizer).items() if k != "learning_rate"}
    if not isinstance(rate, float):
        return {}, []  # a schedule
    parameters = {
        "optimizer": {"name": kind.lower(), **changed} if changed else kind.lower(),
        "learning_rate": float(str(np.float32(rate))),  # 0.001 rather than 0.0010000000474974513
    }
    try:
        read_settings(**parameters, loss="", batch_size=1)
    except ValueError:
        return {}, []
    # One that is compiled and never trained has no variables.
    return parameters, [np.array(v.numpy()) for v in optimizer.variables if optimizer.built]


def _read_loss(model, fitting):
    """Return Keras's full name of a compiled loss, None if it is unknown or does not fit."""
    loss = model.loss if model.compiled else None
    losses = sys.modules["keras"].losses
    if isinstance(loss, losses.Loss):
        known = getattr(losses, type(loss).__name__, None) is type(loss)
        loss = type(loss)().name if known and not _changed_settings(loss) else None
    elif callable(loss):
        name = getattr(loss, "__name__", "")
        loss = name if getattr(losses, name, None) is loss else None
    name = canonical_loss(loss) if isinstance(loss, str) else None
    return name if name in fitting else None


def _changed_settings(thing):
    """Return the config of an optimizer or loss, as far as it is not that of a new one."""
    default = type(thing)().get_config()
    config = thing.get_config()
    return {key: config[key] for key in config if key != "name" and config[key] != default.get(key)}
