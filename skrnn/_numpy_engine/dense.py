"""The Dense layers of the NumPy engine; the last may return quantiles in ascending order.

Letters in shapes: N rows (samples, or samples times timesteps), O outputs, Q quantiles.
"""

from functools import partial

import numpy as np
from scipy.special import expit

from skrnn._network.quantiles import increments
from skrnn._numpy_engine.activations import ACTIVATIONS, softmax, softmax_backward


class Dense:
    """A Dense layer.

    `weights` are kernel and bias, flat, and `gradient` receives their gradient; None: it is not
    needed. `functions` are as `activations` returns them. `to_input` is whether `backward` returns
    the gradient of x.
    """

    def __init__(self, weights, gradient, n_outputs, functions, *, to_input):
        self.kernel, self.bias = _kernel_and_bias(weights, n_outputs)
        self.gradients = None if gradient is None else _kernel_and_bias(gradient, n_outputs)
        self.functions, self.to_input = functions, to_input

    def forward(self, x):
        """Return the output (N, O) for x (N, F)."""
        self.x, self.before = x, np.dot(x, self.kernel) + self.bias
        self.output = self.before if self.functions is None else self.functions[0](self.before)
        return self.output

    def backward(self, grad):
        """Write the gradient of the weights; return that of x, or None."""
        if self.functions is not None:
            grad = self.functions[1](self.before, self.output, grad)
        if self.gradients is not None:
            of_kernel, of_bias = self.gradients
            np.dot(self.x.T, grad, of_kernel)
            np.add.reduce(grad, axis=0, out=of_bias)
        return np.dot(grad, self.kernel.T) if self.to_input else None


def _kernel_and_bias(flat, n_outputs):
    matrix = flat.reshape(-1, n_outputs)
    return matrix[:-1], matrix[-1]


def activations(architecture, *, logits=False):
    """Return for each layer a pair: (before -> output), (before, output, grad -> grad of before).

    None: the layer has no activation, like the last one with `logits`.
    """
    pairs = [_pair(architecture.dense_activation)] * len(architecture.dense_sizes)
    if architecture.quantiles:
        by_quantile = [partial(f, architecture.quantiles) for f in (ascending, ascending_backward)]
        return [*pairs, by_quantile]
    return [*pairs, _pair("linear" if logits else architecture.output_activation)]


def outputs_of(architecture, weights, x):
    """Return the output (N, ...) of all Dense layers for their input (N, F)."""
    functions = activations(architecture)
    last = weights[-2 * len(functions) :]
    for kernel, bias, pair in zip(last[::2], last[1::2], functions, strict=True):
        x = x @ kernel + bias
        x = x if pair is None else pair[0](x)
    return x.reshape(len(x), *architecture.output_shape)


def _pair(name):
    if name == "linear":
        return None
    if name == "softmax":
        return softmax, softmax_backward
    value, slope = ACTIVATIONS[name]
    return value, lambda before, output, grad: grad * slope(before, output)


def ascending(quantiles, raw):
    """Return quantiles (N, O * Q) in ascending order, whatever the raw outputs (N, Q * O) are.

    The raw ones are all outputs of the first quantile, then all of the next one. That of the median
    stays; the others become increments, which are added up from the median outward.
    """
    raw, factors, median = _by_quantile(quantiles, raw)
    steps = np.logaddexp(raw, 0) * factors  # (N, Q, O)
    steps[:, median] = raw[:, median]
    above = np.cumsum(steps[:, median:], axis=1)
    below = np.cumsum(steps[:, median::-1], axis=1)[:, :0:-1]
    return np.concatenate([below, above], axis=1).swapaxes(1, 2).reshape(len(raw), -1)


def ascending_backward(quantiles, raw, output, grad):
    """Return the gradient of the raw outputs: an increment counts in all quantiles beyond it."""
    raw, factors, median = _by_quantile(quantiles, raw)
    slopes = expit(raw) * factors
    slopes[:, median] = 1
    grad = grad.reshape(len(raw), -1, len(quantiles)).swapaxes(1, 2)  # (N, Q, O)
    below = np.cumsum(grad[:, :median], axis=1)
    above = np.cumsum(grad[:, :median:-1], axis=1)[:, ::-1]
    sums = np.concatenate([below, grad.sum(axis=1, keepdims=True), above], axis=1)
    return (sums * slopes).reshape(len(raw), -1)


def _by_quantile(quantiles, raw):
    factors, median = increments(quantiles)
    factors = factors.astype(raw.dtype)[:, np.newaxis]
    return raw.reshape(len(raw), len(quantiles), -1), factors, median
