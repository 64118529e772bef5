"""Compilation of a network's Keras model with its loss, optimizer and metrics."""

import keras

from skrnn._keras_engine.network import make_optimizer
from skrnn._keras_engine.quantiles import Pinball
from skrnn._network.keras_names import QUANTILE_LOSS, canonical


def compile_model(model, architecture, settings):
    """Compile a model as its network was trained, with objects that Keras can save."""
    config = dict(settings.optimizer_config)
    if settings.learning_rate is not None:
        config["learning_rate"] = settings.learning_rate
    optimizer = make_optimizer(settings.optimizer, config, dtype=architecture.dtype)
    metrics = None if architecture.output_activation in ("linear", "softplus") else ["accuracy"]
    loss = _loss(settings.loss, settings.loss_config, architecture.quantiles)
    model.compile(optimizer, loss, metrics=metrics)


def _loss(name, config, quantiles):
    """Return Keras's object of a loss, which Keras can save, or a Pinball, which it cannot."""
    if name == QUANTILE_LOSS:
        return Pinball(quantiles)
    kinds = [kind for kind in vars(keras.losses).values() if isinstance(kind, type)]
    made = next(kind for kind in kinds if canonical(kind.__name__) == name)
    return made(**dict(config))
