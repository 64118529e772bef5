"""Reads the loss and the optimizer of a compiled Keras model as an estimator's parameters."""

import numpy as np

from skrnn._network.config import read_settings
from skrnn._network.keras_objects import name_and_settings

# The loss that `loss="auto"` selects for each output activation; the default for all others.
AUTO_LOSSES = {
    "linear": "mean_squared_error",
    "sigmoid": "binary_crossentropy",
    "softmax": "sparse_categorical_crossentropy",
}
DEFAULT_LOSS = "poisson"


def read_training(model, activation, fitting):
    """Return the training parameters of a compiled model, its loss, its optimizer's variables.

    The loss and optimizer of `compile` are used if they are known and fit; else the defaults are.
    """
    parameters, optimizer_state = _read_optimizer(model)
    loss, auto = _read_loss(model, fitting), AUTO_LOSSES.get(activation)
    if loss is None:
        loss, optimizer_state = auto or DEFAULT_LOSS, []
    return parameters | {"loss": "auto" if loss == auto else loss}, loss, optimizer_state


def _read_optimizer(model):
    """Return the parameters of a compiled optimizer, and its variables; nothing if unknown."""
    optimizer = model.optimizer if model.compiled else None
    name, settings = name_and_settings(optimizer)
    rate = settings.pop("learning_rate", None)
    parameters = {
        "optimizer": {"name": name, **settings} if settings else name,
        "learning_rate": rate,
    }
    try:
        read_settings(**parameters, loss="", batch_size=1)
    except (TypeError, ValueError):  # another optimizer, or one with a schedule
        return {}, []
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    trained = [id(variable) for variable in getattr(inner, "_trainable_variables", ())]
    # An optimizer never used, or used before layers were frozen, starts from scratch.
    if trained != [id(variable) for variable in model.trainable_variables]:
        return parameters, []
    return parameters, [np.array(v.numpy()) for v in optimizer.variables if optimizer.built]


def _read_loss(model, fitting):
    """Return Keras's full name of a compiled loss, None if it is unknown or does not fit."""
    name, settings = name_and_settings(model.loss if model.compiled else None)
    return name if name in fitting and not settings else None
