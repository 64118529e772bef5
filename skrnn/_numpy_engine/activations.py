"""Activations of the NumPy engine: values and derivatives, with Keras's definitions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import erf

# Klambauer et al. (2017), "Self-normalizing neural networks", arXiv:1706.02515.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
# NumPy takes an array of no dimensions twice as fast as a number, for small arrays.
ZERO, HALF, ONE = (
    {np.dtype(dtype): np.array(value, dtype) for dtype in ("float32", "float64")}
    for value in (0, 0.5, 1)
)
INVERSE_SQRT_2 = float(np.float32(0.5**0.5))  # TensorFlow's, also in float64


class Activation(NamedTuple):
    """An activation y = f(x)."""

    value: Callable  # (x, out) -> None
    derivative: Callable  # (x, y, out) -> None; `out` may be y
    needs_input: bool = False  # whether the derivative reads x


def tanh_derivative(x, y, out):
    np.multiply(y, y, out)
    np.subtract(ONE[out.dtype], out, out)


def relu(x, out):
    np.maximum(x, ZERO[x.dtype], out=out)


def relu_derivative(x, y, out):
    np.sign(y, out)  # y is not negative


def sigmoid(x, out):
    half = HALF[x.dtype]
    np.multiply(x, half, out)  # 0.5 * tanh(0.5 * x) + 0.5, which does not overflow
    np.tanh(out, out)
    np.multiply(out, half, out)
    np.add(out, half, out)


def sigmoid_derivative(x, y, out):
    np.multiply(y, ONE[y.dtype] - y, out)


def linear(x, out):
    np.copyto(out, x)


def linear_derivative(x, y, out):
    out[...] = 1


def elu(x, out):
    np.copyto(out, np.where(x > 0, x, np.expm1(np.minimum(x, 0))))


def elu_derivative(x, y, out):
    np.copyto(out, np.where(y > 0, 1, y + 1))


def selu(x, out):
    elu_below = SELU_ALPHA * np.expm1(np.minimum(x, 0))
    np.multiply(SELU_SCALE, np.where(x > 0, x, elu_below), out=out)


def selu_derivative(x, y, out):
    np.copyto(out, np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA))


def softplus(x, out):
    np.logaddexp(x, 0, out=out)


def softplus_derivative(x, y, out):
    np.negative(np.expm1(-y), out=out)


def hard_sigmoid(x, out):
    np.clip(x / 6 + 0.5, 0, 1, out=out)


def hard_sigmoid_derivative(x, y, out):
    np.multiply((y > 0) & (y < 1), 1 / 6, out=out)


def gelu(x, out):
    np.multiply(x, 0.5 * (1 + erf(x * INVERSE_SQRT_2)), out=out)


def gelu_derivative(x, y, out):
    scaled = x * INVERSE_SQRT_2
    density = np.exp(-scaled * scaled) * (INVERSE_SQRT_2 / np.pi**0.5)
    np.add(0.5 * (1 + erf(scaled)), x * density, out=out)


ACTIVATIONS = {
    "elu": Activation(elu, elu_derivative),
    "gelu": Activation(gelu, gelu_derivative, needs_input=True),
    "hard_sigmoid": Activation(hard_sigmoid, hard_sigmoid_derivative),
    "linear": Activation(linear, linear_derivative),
    "relu": Activation(relu, relu_derivative),
    "selu": Activation(selu, selu_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "softplus": Activation(softplus, softplus_derivative),
    "tanh": Activation(np.tanh, tanh_derivative),
}


def softmax(x, out):
    """Write the softmax over the last axis."""
    np.subtract(x, x.max(axis=-1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=-1, keepdims=True)


def softmax_backward(y, d):
    """Return the gradient with respect to a softmax's input, given d with respect to its output."""
    return y * (d - (d * y).sum(axis=-1, keepdims=True))
