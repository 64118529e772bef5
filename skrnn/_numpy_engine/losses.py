"""Losses of the NumPy engine: a value for every sample, and the gradient, as Keras defines them.

Letters in shapes: N samples (or samples times timesteps), O outputs, Q quantiles.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from skrnn._network.keras_names import QUANTILE_LOSS

EPSILON = 1e-7  # keras.config.epsilon()
LOG_2 = float(np.log(np.float32(2)))  # Keras's, also in float64


class Loss(NamedTuple):
    """A loss.

    The function maps (truth, prediction) to the loss of shape (N,), summed over the outputs, and
    its gradient of shape (N, O). With `of` set, `prediction` is what enters that activation, and
    the gradient is with respect to it: Keras takes the two together in a graph, too.
    """

    function: Callable
    of: str | None = None
    mean: bool = True  # whether a sample's loss is the mean over its outputs, not their sum


def mean_squared_error(truth, prediction):
    error = prediction - truth  # (N, O)
    return np.vecdot(error, error), error + error


def mean_absolute_error(truth, prediction):
    error = prediction - truth
    return np.abs(error).sum(axis=1), np.sign(error)


def huber(truth, prediction):
    error = prediction - truth
    size = np.abs(error)
    loss = np.where(size <= 1, 0.5 * error * error, size - 0.5)
    return loss.sum(axis=1), np.clip(error, -1, 1)


def log_cosh(truth, prediction):
    error = prediction - truth
    loss = error + np.logaddexp(-2 * error, 0) - LOG_2
    return loss.sum(axis=1), np.tanh(error)


def pinball(truth, prediction, quantiles):
    """Koenker and Bassett 1978, DOI 10.2307/1913643; the prediction is (N, O * Q)."""
    quantiles = np.asarray(quantiles, prediction.dtype)
    error = prediction.reshape(*truth.shape, -1) - truth[:, :, np.newaxis]  # (N, O, Q)
    gradient = (error > 0) - quantiles
    loss = np.maximum(error, 0) - quantiles * error
    return loss.sum(axis=(1, 2)), gradient.reshape(prediction.shape)


def poisson(truth, prediction):
    shifted = prediction + EPSILON
    loss = prediction - truth * np.log(shifted)
    return loss.sum(axis=1), 1 - truth / shifted


def binary_crossentropy(truth, logits):
    softplus = np.logaddexp(logits, 0)
    loss = softplus - truth * logits
    return loss.sum(axis=1), 0.5 * np.tanh(0.5 * logits) + 0.5 - truth


def categorical_crossentropy(truth, logits):
    log_shares = _log_softmax(logits)
    return -(truth * log_shares).sum(axis=1), np.exp(log_shares) - truth


def sparse_categorical_crossentropy(truth, logits):
    log_shares = _log_softmax(logits)
    places = np.arange(len(truth)), truth[:, 0].astype(np.intp)
    gradient = np.exp(log_shares)
    gradient[places] -= 1
    return -log_shares[places], gradient


def _log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


LOSSES = {
    "binary_crossentropy": Loss(binary_crossentropy, of="sigmoid"),
    "categorical_crossentropy": Loss(categorical_crossentropy, of="softmax", mean=False),
    "huber": Loss(huber),
    "log_cosh": Loss(log_cosh),
    "mean_absolute_error": Loss(mean_absolute_error),
    "mean_squared_error": Loss(mean_squared_error),
    "poisson": Loss(poisson),
    "sparse_categorical_crossentropy": Loss(
        sparse_categorical_crossentropy, of="softmax", mean=False
    ),
}


def loss_of(name, quantiles):
    """Return the Loss of a network; with quantiles it is that of all of them."""
    if name != QUANTILE_LOSS:
        return LOSSES.get(name)
    return Loss(partial(pinball, quantiles=quantiles))
