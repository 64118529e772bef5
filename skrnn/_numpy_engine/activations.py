"""Activations of the NumPy engine: values and derivatives, with Keras's definitions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import erf

from skrnn._network.cells.spec import ONE, logistic

# Klambauer et al. (2017), "Self-normalizing neural networks", arXiv:1706.02515.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
ZERO = np.zeros_like(ONE)
INVERSE_SQRT_2 = float(np.float32(0.5**0.5))  # TensorFlow's, also in float64


class Activation(NamedTuple):
    """An activation y = f(x)."""

    value: Callable  # x -> y
    slope: Callable  # (x, y) -> the derivative at x


def sigmoid(x):
    y = np.empty_like(x)
    logistic(x, y)
    return y


def gelu(x):
    return x * (0.5 * (1 + erf(x * INVERSE_SQRT_2)))


def gelu_slope(x, y):
    scaled = x * INVERSE_SQRT_2
    density = np.exp(-scaled * scaled) * (INVERSE_SQRT_2 / np.pi**0.5)
    return 0.5 * (1 + erf(scaled)) + x * density


def selu(x):
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


ACTIVATIONS = {
    "elu": Activation(
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x, y: np.where(y > 0, 1, y + 1),
    ),
    "gelu": Activation(gelu, gelu_slope),
    "hard_sigmoid": Activation(
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
        lambda x, y: ((y > 0) & (y < 1)) * y.dtype.type(1 / 6),
    ),
    "linear": Activation(lambda x: x, lambda x, y: np.ones_like(y)),
    "relu": Activation(lambda x: np.maximum(x, ZERO), lambda x, y: np.sign(y)),
    "selu": Activation(selu, lambda x, y: np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA)),
    "sigmoid": Activation(sigmoid, lambda x, y: y - y * y),
    "softplus": Activation(lambda x: np.logaddexp(x, 0), lambda x, y: -np.expm1(-y)),
    "tanh": Activation(np.tanh, lambda x, y: ONE - y * y),
}


def softmax(x):
    """Return the softmax over the last axis."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_backward(x, y, d):
    """Return the gradient with respect to a softmax's input, given d with respect to its output."""
    return y * (d - (d * y).sum(axis=-1, keepdims=True))
