"""UnrolledCell: a cell of the NumPy engine, with the buffers and steps of all timesteps.

It has the buffers of one direction of one layer for n samples and T timesteps. A small network
spends its time between the products, not in them. So each timestep has a function of its own, made
once, which knows every array that it reads and writes and passes each NumPy function its output by
position. The backward pass computes for a block of timesteps at once the factors by which a step
multiplies the gradient from the next timestep.

Samples come last, so the units of each gate are contiguous. Letters in shapes: T timesteps,
n samples, F features, U units, K entries of a row. With one sample the views of single steps have
no axis n.
"""

from functools import partial

import numpy as np
from numpy import dot, multiply

# The gradients of one block of timesteps fit into the processor's cache.
CACHED_BYTES = 2**18


def steps_of(array, n_steps):
    """Return a view of each step of an array (T, ..., n), or `n_steps` views of its only one."""
    views = list(array[..., 0] if array.shape[-1] == 1 else array)
    return views * n_steps if len(views) < n_steps else views


def no_op():
    """Do nothing: the gradient of the first state is not needed."""


class UnrolledCell:
    """The parts that all cells share: one matrix of weights [W; R; b], and the rows [x, h, 1].

    A subclass makes its buffers in `make_forward` and `make_backward`, a function for each timestep
    in `forward_step` and `backward_step`, and the factors of a block in `prepare`. The matrix is
    (K, gates * U). Row t of the rows, (T + 1, K, n), holds the input of timestep t, the state
    before it, and the constants of the bias rows. Without `keep_activations` the values of each
    timestep are overwritten; without `matrix_grad` there is no backward pass.
    """

    logistic = ()  # the gates behind a logistic function, computed as 1 / (1 + exp(-z))

    def __init__(self, spec, matrix, rows, features, activation, keep_activations, matrix_grad):
        self.spec, self.matrix, self.features = spec, matrix, features
        self.gates, self.units = spec.gates, matrix.shape[1] // spec.gates
        self.n_steps, self.n_samples, self.dtype = len(rows) - 1, rows.shape[2], rows.dtype
        self.activation, self.keep_activations = activation, keep_activations
        # The number of steps of a buffer whose last step is enough for the next one.
        self.kept_steps = self.n_steps if keep_activations else 1
        self.matrix_grad, self.one = matrix_grad, np.ones((), rows.dtype)
        self.rows, self.row_steps = rows, steps_of(rows, self.n_steps)
        self.state = rows[:, features : features + self.units]  # (T + 1, U, n)
        self.states = [self.state]
        self.state_steps = steps_of(self.state, self.n_steps)
        self.spare = steps_of(self.buffer(1), 1)[0]
        self.signed = matrix
        if self.logistic:  # the product gives -z
            sign = np.where(np.isin(np.arange(self.gates), self.logistic), -1, 1)
            self.signs = np.tile(np.repeat(sign, self.units).astype(self.dtype), (len(matrix), 1))
            self.signed = np.empty_like(matrix)
        self.make_forward()
        self.steps = list(map(self.forward_step, range(self.n_steps)))
        if matrix_grad is not None:
            self.make_backward()

    def buffer(self, n_steps, *widths):
        """Return an array (n_steps, [widths,] U, n)."""
        return np.zeros((n_steps, *widths, self.units, self.n_samples), self.dtype)

    def begin_forward(self):
        """Read the current weights, and compute what all timesteps share."""
        if self.logistic:
            multiply(self.matrix, self.signs, self.signed)

    def projection(self, t, out):
        """Return a function that writes the product of the rows of timestep t and the weights."""
        return partial(dot, self.signed.T, self.row_steps[t], out)

    def recurrent_grad(self, t, grad, out):
        """Return a function that writes the gradient of the state before timestep t.

        It reads `grad`, that of the product.
        """
        return partial(dot, self.recurrent, grad, out) if t else no_op

    def restore(self, t, skipped):
        """Keep the states from before timestep t where `skipped` (n,) is True."""
        for state in self.states:
            np.copyto(state[t + 1], state[t], where=skipped)

    def states_at(self, t):
        """Return views (n, U) of the states before timestep t, the hidden state first."""
        return [state[t].T for state in self.states]

    def make_backward(self):
        """Make the buffers, views and steps of the backward pass; a subclass makes `grad` first."""
        self.grad_h = self.buffer(1)[0]
        self.grad_h_step = self.grad_h[:, 0] if self.n_samples == 1 else self.grad_h
        self.flat = self.grad.reshape(self.n_steps, -1, self.n_samples)  # (T, gates * U, n)
        self.grad_steps = steps_of(self.flat, self.n_steps)
        self.recurrent = self.matrix[self.features : self.features + self.units]  # (U, gates * U)
        # The factors of the sum over timesteps and samples, and the same as (..., T n): views where
        # the layout allows it, else buffers that `gathered` fills.
        rows, grad = self.summed = self.rows[:-1].swapaxes(0, 1), self.flat.swapaxes(0, 1)
        self.columns = rows.reshape(len(rows), -1), grad.reshape(len(grad), -1)
        size, self.blocks = max(1, CACHED_BYTES // self.grad[0].nbytes), []
        for stop in range(self.n_steps, 0, -size):
            block = slice(max(0, stop - size), stop)
            self.blocks.append((block, self.block_views(block)))
        self.steps_back = list(map(self.backward_step, range(self.n_steps)))

    def begin_backward(self):
        """Begin at the last timestep."""

    def end_backward(self):
        """Write the gradient of the matrix."""
        rows, grad = self.gathered()
        dot(rows, grad.T, self.matrix_grad)

    def gathered(self):
        """Return the rows (K, T n) and `grad` (gates * U, T n)."""
        if self.n_samples > 1:
            for columns, part in zip(self.columns, self.summed, strict=True):
                np.copyto(columns.reshape(part.shape), part)
        return self.columns

    def input_gradient(self):
        """Return the gradient with respect to the input, (T, n, F), once `gathered` was called."""
        dx = dot(self.columns[1].T, self.matrix[: self.features].T)
        return dx.reshape(self.n_steps, self.n_samples, -1)
