"""Gradients of a network's outputs with respect to its input, by NumPy."""

import numpy as np

from skrnn._numpy_engine.blas import one_blas_thread
from skrnn._numpy_engine.network import Network


def output_gradients(architecture, weights):
    """Return a function (x, directions) -> a value of each sample, (n,), and its gradient, like x.

    x (n, T, F) is what a network without an Embedding reads, absent timesteps NaN; at these the
    gradient is zero. Static features have theirs at the first timestep. The value is the sum of a
    sample's outputs times its `directions` (n, O), timestep by timestep if each has an output.
    """
    flat = np.concatenate(list(map(np.ravel, weights))).astype(architecture.variable_dtype)

    @np.errstate(all="ignore")
    def gradients(x, directions):
        network, n_samples = Network(architecture, flat, *x.shape[:2], to_input=True), len(x)
        with one_blas_thread():
            output = network.forward(x)  # (N, O), timesteps first
            n_steps = len(output) // n_samples
            grad = directions.reshape(n_samples, n_steps, -1).swapaxes(0, 1).reshape(output.shape)
            values = (grad * output).reshape(n_steps, n_samples, -1).sum(axis=(0, 2))
            return values, network.input_gradient(grad)

    return gradients
