"""Losses of the NumPy engine: their values and derivatives, with Keras's definitions.

Letters in shapes: N samples (or samples times timesteps), O outputs, Q quantiles.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skrnn._network.keras_names import QUANTILE_LOSS
from skrnn._numpy_engine.activations import softmax

EPSILON = 1e-7  # keras.config.epsilon()
LOG_2 = float(np.log(np.float32(2)))  # Keras's, also in float64


class Loss(NamedTuple):
    """A loss, a sum of functions of one truth and one prediction each.

    With `of` set, `prediction` is what enters that activation, and so is that of the derivative:
    Keras takes the two together in a graph, too.
    """

    value: Callable  # (truth, prediction) -> the terms of each row's loss, (N, terms)
    slope: Callable  # (truth, prediction) -> the derivative of a row's loss, like the prediction
    of: str | None = None
    mean: bool = True  # whether a sample's loss is the mean over its outputs, not their sum


def of_error(value, slope):
    """Return the Loss of a function of the error, and its derivative."""
    return Loss(
        lambda truth, prediction: value(prediction - truth),
        lambda truth, prediction: slope(prediction - truth),
    )


def huber(error):
    size = np.abs(error)
    return np.where(size <= 1, 0.5 * error * error, size - 0.5)


def one_hot(truth, logits):
    return truth == np.arange(logits.shape[1])


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def pinball(quantiles):
    """Koenker and Bassett 1978, DOI 10.2307/1913643; the prediction is (N, O * Q)."""

    def error(truth, prediction):
        n_outputs, levels = truth.shape[1], np.asarray(quantiles, prediction.dtype)
        return prediction - np.repeat(truth, len(levels), axis=1), np.tile(levels, n_outputs)

    def value(truth, prediction):
        e, levels = error(truth, prediction)
        return np.maximum(e, 0) - levels * e

    def slope(truth, prediction):
        e, levels = error(truth, prediction)
        return (e > 0) - levels

    return Loss(value, slope)


LOSSES = {
    "binary_crossentropy": Loss(
        lambda truth, logits: np.logaddexp(logits, 0) - truth * logits,
        lambda truth, logits: 0.5 * np.tanh(0.5 * logits) + 0.5 - truth,
        of="sigmoid",
    ),
    "categorical_crossentropy": Loss(
        lambda truth, logits: -truth * log_softmax(logits),
        lambda truth, logits: softmax(logits) - truth,
        of="softmax",
        mean=False,
    ),
    "huber": of_error(huber, lambda e: np.clip(e, -1, 1)),
    "log_cosh": of_error(lambda e: e + np.logaddexp(-2 * e, 0) - LOG_2, np.tanh),
    "mean_absolute_error": of_error(np.abs, np.sign),
    "mean_squared_error": of_error(np.square, lambda e: 2 * e),
    "poisson": Loss(
        lambda truth, prediction: prediction - truth * np.log(prediction + EPSILON),
        lambda truth, prediction: 1 - truth / (prediction + EPSILON),
    ),
    "sparse_categorical_crossentropy": Loss(
        lambda truth, logits: -log_softmax(logits) * one_hot(truth, logits),
        lambda truth, logits: softmax(logits) - one_hot(truth, logits),
        of="softmax",
        mean=False,
    ),
}


def loss_of(name, quantiles):
    """Return the Loss of a network, None if it is not here; with quantiles, that of all of them."""
    return pinball(quantiles) if name == QUANTILE_LOSS else LOSSES.get(name)
