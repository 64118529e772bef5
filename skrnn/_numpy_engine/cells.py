"""The steps of the NumPy engine's cells, forward and backward, over buffers made once a fit.

A cell holds the buffers of one direction of one layer for n samples and T timesteps. A small
network spends its time not in products but between them; so a step is a function made once for its
timestep, which knows all that it reads and writes, and gives each NumPy function its output by
position. The backward pass prepares, for a block of timesteps at once, the factors by which a step
multiplies what comes from the timestep after it.

Samples come last, so that the units of each gate lie in one piece. Letters in shapes: T timesteps,
n samples, F features, U units, K entries of a row. One sample has no axis n in the views of single
steps.
"""

from functools import partial

import numpy as np
from numpy import add, divide, dot, exp, multiply, subtract

from skrnn._numpy_engine.activations import ACTIVATIONS, ONE

# What one block of timesteps writes stays in the cache.
BLOCK_BYTES = 2**18
# With fewer numbers one call for all gates costs less than what it computes in vain.
FEW_NUMBERS = 2**13


def steps_of(array, n_steps):
    """Return a view of each step of an array (T, ..., n), or `n_steps` views of its only one."""
    views = list(array[..., 0] if array.shape[-1] == 1 else array)
    return views * n_steps if len(views) < n_steps else views


def nothing():
    """Do what the first timestep does for the one before it."""


class Cell:
    """What the cells share: one matrix of weights [W; R; b], and the rows [x, h, 1].

    Parameters
    ----------
    matrix : ndarray of shape (K, gates * U)
        A view of the layer's weights, which lie one after the other.
    rows : ndarray of shape (T + 1, K, n)
        Row t of a sample holds the input of timestep t, the state before it, and the constants of
        the bias.
    units : int
    activation : str
    kept : bool
        Whether what every timestep computes is kept: for the backward pass, and for masks.
    gradient : ndarray of shape (K, gates * U), or None
        Where the backward pass writes the gradient of the matrix; None: there is none.
    """

    gates = n_states = 1
    constants = (1.0,)  # what the bias rows of the matrix are multiplied with
    logistic = ()  # the gates behind a logistic function

    def __init__(self, matrix, rows, units, activation, kept, gradient):
        self.matrix, self.units, self.gradient = matrix, units, gradient
        self.n_steps, self.n_samples = rows.shape[0] - 1, rows.shape[2]
        self.features = rows.shape[1] - units - len(self.constants)
        self.dtype, self.kept, self.one = rows.dtype, kept, ONE[rows.dtype]
        self.activation = ACTIVATIONS[activation]
        self.rows, self.row_steps = rows, steps_of(rows, self.n_steps)
        self.state = rows[:, self.features : self.features + units]  # (T + 1, U, n)
        self.state_steps = steps_of(self.state, self.n_steps)
        self.spare = steps_of(self.buffer(1), 1)[0]
        self.signed = matrix
        if self.logistic:  # 1 / (1 + exp(-z)): the product gives -z
            sign = np.where(np.isin(np.arange(self.gates), self.logistic), -1, 1)
            self.signs = np.tile(np.repeat(sign, units).astype(self.dtype), (len(matrix), 1))
            self.signed = np.empty_like(matrix)
        self.make_forward()
        self.steps = [self.forward_step(t) for t in range(self.n_steps)]
        if gradient is not None:
            self.make_backward()

    def buffer(self, n_steps, *widths):
        """Return an array (n_steps, [widths,] U, n)."""
        return np.zeros((n_steps, *widths, self.units, self.n_samples), self.dtype)

    def kept_steps(self, n_steps):
        """Return for how many steps a buffer is needed of which the last one suffices."""
        return n_steps if self.kept else 1

    def begin_forward(self):
        """Take the present weights, and what can be computed for all timesteps at once."""
        if self.logistic:
            multiply(self.matrix, self.signs, self.signed)

    def projection(self, t, out):
        """Return a function that writes the product of the rows of timestep t and the weights."""
        return partial(dot, self.signed.T, self.row_steps[t], out)

    def way_back(self, d, out):
        """Return a function that turns the gradient of the product into that of the state."""
        return partial(dot, self.recurrent, d, out)

    def back(self, t, d, out):
        """Return `way_back` of timestep t; no one asks for the gradient of the first state."""
        return self.way_back(d, out) if t else nothing

    def restore(self, t, gone):
        """Carry the states over timestep t where `gone` (n,) says that it is absent."""
        np.copyto(self.state[t + 1], self.state[t], where=gone)

    def states(self):
        """Return views (n, U) of the states, the hidden state first, before and after the steps."""
        return [self.state[0].T], [self.state[-1].T]

    def make_backward(self):
        """Make the buffers, views and steps of the backward pass; subclasses make `d` first."""
        self.dh = self.buffer(1)[0]
        self.dh_step = self.dh[:, 0] if self.n_samples == 1 else self.dh
        self.flat = self.d.reshape(self.n_steps, -1, self.n_samples)  # (T, gates * U, n)
        self.d_steps = steps_of(self.flat, self.n_steps)
        self.recurrent = self.matrix[self.features : self.features + self.units]  # (U, gates * U)
        # What is summed over timesteps and samples, and as (..., T n): views where that lies so,
        # else buffers that `gathered` fills.
        self.summed = [self.rows[:-1].swapaxes(0, 1), self.flat.swapaxes(0, 1)]
        self.columns = [part.reshape(len(part), -1) for part in self.summed]
        size = max(1, BLOCK_BYTES // self.d[0].nbytes)
        blocks = [slice(max(0, stop - size), stop) for stop in range(self.n_steps, 0, -size)]
        self.blocks = [(block, self.block_views(block)) for block in blocks]
        self.steps_back = [self.backward_step(t) for t in range(self.n_steps)]

    def begin_backward(self):
        """Begin at the last timestep."""

    def end_backward(self):
        """Write the gradient of the matrix."""
        rows, d = self.gathered()
        dot(rows, d.T, self.gradient)

    def gathered(self):
        """Return the rows (K, T n) and `d` (gates * U, T n)."""
        if self.n_samples > 1:
            for columns, part in zip(self.columns, self.summed, strict=True):
                np.copyto(columns.reshape(part.shape), part)
        return self.columns

    def input_gradient(self):
        """Return the gradient with respect to the input, (T, n, F), once `gathered` was called."""
        dx = dot(self.columns[1].T, self.matrix[: self.features].T)
        return dx.reshape(self.n_steps, self.n_samples, -1)


class SimpleRNN(Cell):
    """Elman (1990): h = f([x, h, 1] [W; R; b])."""

    def make_forward(self):
        self.before = self.buffer(self.kept_steps(self.n_steps))  # what enters the activation
        self.before_steps = steps_of(self.before, self.n_steps)

    def forward_step(self, t):
        before, after = self.before_steps[t], self.state_steps[t + 1]
        project, activate = self.projection(t, before), self.activation.value

        def step():
            project()
            activate(before, after)

        return step

    def make_backward(self):
        self.d = self.buffer(self.n_steps)
        super().make_backward()

    def block_views(self, block):
        return self.before[block], self.state[1:][block], self.d[block]

    def prepare(self, views, gone):
        """Write what dh is to be multiplied with."""
        before, after, d = views
        self.activation.derivative(before, after, d)
        if gone is not None:
            np.copyto(d, 0, where=gone)

    def backward_step(self, t):
        d, dh = self.d_steps[t], self.dh_step
        back = self.back(t, d, dh)

        def step():
            multiply(d, dh, d)
            back()

        return step


class LSTM(Cell):
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000)."""

    gates, logistic = 4, (0, 1, 3)  # input, forget, candidate, output
    n_states = 2

    def make_forward(self):
        kept = self.kept_steps(self.n_steps)
        self.memory = self.buffer(self.kept_steps(self.n_steps + 1))
        memories = steps_of(self.memory, self.n_steps + 1)
        self.gate = self.buffer(kept, 4)
        self.shown = self.buffer(kept)  # f(c)
        self.shown_steps = steps_of(self.shown, self.n_steps)
        self.before = self.buffer(kept if self.activation.needs_input else 1, 4)
        flat = (-1, 4 * self.units, self.n_samples)
        self.views = [
            (before, before4, gate, gate4, *after)
            for before, before4, gate, gate4, *after in zip(
                steps_of(self.before.reshape(flat), self.n_steps),
                steps_of(self.before, self.n_steps),
                steps_of(self.gate.reshape(flat), self.n_steps),
                steps_of(self.gate, self.n_steps),
                memories[: self.n_steps],
                memories[1 : self.n_steps + 1],
                self.shown_steps,
                self.state_steps[1:],
                strict=True,
            )
        ]

    def restore(self, t, gone):
        super().restore(t, gone)
        np.copyto(self.memory[t + 1], self.memory[t], where=gone)

    def states(self):
        first, last = super().states()
        return [*first, self.memory[0].T], [*last, self.memory[-1].T]

    def forward_step(self, t):
        before, before4, gate, gate4, c, c_next, shown, h_next = self.views[t]
        (i, f, g, o), before_g = gate4, before4[2]
        project, activate = self.projection(t, before), self.activation.value
        one, spare = self.one, self.spare
        if gate.size < FEW_NUMBERS:
            logistic = [(before, gate)]
        else:
            logistic = [(before4[:2], gate4[:2]), (before4[3], o)]

        def step():
            project()
            for z, s in logistic:
                exp(z, s)
                add(s, one, s)
                divide(one, s, s)
            activate(before_g, g)
            multiply(f, c, c_next)
            multiply(i, g, spare)
            add(c_next, spare, c_next)
            activate(c_next, shown)
            multiply(o, shown, h_next)

        return step

    def make_backward(self):
        self.d = self.buffer(self.n_steps, 4)
        self.d_memory = steps_of(self.d[:, :3], self.n_steps)  # (3, U, n)
        self.d_output = steps_of(self.d[:, 3], self.n_steps)
        self.dc = np.zeros_like(self.spare)
        super().make_backward()

    def begin_backward(self):
        self.dc.fill(0)

    def block_views(self, block):
        gate, d, shown = self.gate[block], self.d[block], self.shown[block]
        before = self.before[block] if self.activation.needs_input else gate
        memories = self.memory[:-1][block], self.memory[1:][block]
        crosswise = d[:, 0:3:2], gate[:, 2::-2]  # input and candidate: each meets the other
        gates = [gate[:, k] for k in (1, 2, 3)]
        d_gates = [d[:, k] for k in (1, 2, 3)]
        return gate, *gates, before[:, 2], *memories, shown, d, *d_gates, *crosswise

    def prepare(self, views, gone):
        """Write what dc (input, forget, candidate) and dh (output) are to be multiplied with.

        `shown` then holds what dh adds to dc, and the forget gate what dc hands on.
        """
        gate, f, g, o, before, c_before, c, shown, d, d_f, d_g, d_o, d_ig, gate_gi = views
        subtract(self.one, gate, d)
        multiply(d, gate, d)
        self.activation.derivative(before, g, d_g)
        multiply(d_ig, gate_gi, d_ig)
        multiply(d_f, c_before, d_f)
        multiply(d_o, shown, d_o)
        self.activation.derivative(c, shown, shown)
        multiply(shown, o, shown)
        if gone is not None:
            np.copyto(d, 0, where=gone[:, np.newaxis])
            np.copyto(shown, 0, where=gone)
            np.copyto(f, 1, where=gone)

    def backward_step(self, t):
        d, d_o = self.d_memory[t], self.d_output[t]
        shown, f = self.shown_steps[t], self.views[t][3][1]
        dh, dc, spare = self.dh_step, self.dc, self.spare
        back = self.back(t, self.d_steps[t], dh)

        def step():
            multiply(dh, shown, spare)
            add(dc, spare, dc)
            multiply(d, dc, d)
            multiply(d_o, dh, d_o)
            multiply(dc, f, dc)
            back()

        return step


class GRU(Cell):
    """Cho et al. (2014), the reset gate after the recurrent product: Keras's `reset_after=True`."""

    gates, logistic = 3, (0, 1)  # update, reset, candidate
    constants = (0.0, 1.0)  # the input's bias is added to the projected input

    def make_forward(self):
        kept = self.kept_steps(self.n_steps)
        flat = (-1, 3 * self.units, self.n_samples)
        self.projected = self.buffer(self.n_steps, 3)
        self.inner = self.buffer(kept, 3)  # update, reset, and the candidate's recurrent part
        self.before = self.buffer(kept if self.activation.needs_input else 1)
        self.candidate = self.buffer(kept)
        self.views = [
            (x[:2], x[2], inner_flat, inner[:2], *inner, before, candidate)
            for x, inner_flat, inner, before, candidate in zip(
                steps_of(self.projected, self.n_steps),
                steps_of(self.inner.reshape(flat), self.n_steps),
                steps_of(self.inner, self.n_steps),
                steps_of(self.before, self.n_steps),
                steps_of(self.candidate, self.n_steps),
                strict=True,
            )
        ]
        self.state_rows = [row[self.features :] for row in self.row_steps]
        self.state_matrix = self.signed[self.features :].T  # [R; b], for [h, 0, 1]

    def begin_forward(self):
        super().begin_forward()
        features = self.features
        projected = self.projected.reshape(self.n_steps, -1, self.n_samples)  # (T, 3U, n)
        np.matmul(self.signed[:features].T, self.rows[:-1, :features], projected)
        add(projected, self.signed[features + self.units][:, np.newaxis], projected)

    def projection(self, t, out):
        return partial(dot, self.state_matrix, self.state_rows[t], out)

    def forward_step(self, t):
        x_gates, x_candidate, inner, gates, z, r, q, before, g = self.views[t]
        h, h_next, spare, one = self.state_steps[t], self.state_steps[t + 1], self.spare, self.one
        project, activate = self.projection(t, inner), self.activation.value

        def step():
            project()
            add(gates, x_gates, gates)
            exp(gates, gates)
            add(gates, one, gates)
            divide(one, gates, gates)
            multiply(r, q, before)
            add(before, x_candidate, before)
            activate(before, g)
            subtract(h, g, spare)
            multiply(spare, z, spare)
            add(spare, g, h_next)

        return step

    def make_backward(self):
        # Candidate, update, reset, and the candidate's recurrent part: the first three are the
        # gradient of the projected input, the last three that of the recurrent product.
        self.d = self.buffer(self.n_steps, 4)
        self.d4_steps = steps_of(self.d, self.n_steps)
        self.carried = np.empty_like(self.spare)
        super().make_backward()

    def block_views(self, block):
        inner, d, g = self.inner[block], self.d[block], self.candidate[block]
        before = self.before[block] if self.activation.needs_input else g
        gates = [inner[:, k] for k in range(3)]
        return *gates, g, before, self.state[:-1][block], d, [d[:, k] for k in range(4)]

    def prepare(self, views, gone):
        """Write what dh is to be multiplied with; the update gate is what dh hands on."""
        z, r, q, g, before, h, d, (d_g, d_z, d_r, d_q) = views
        closed = subtract(self.one, z)
        self.activation.derivative(before, g, d_g)
        multiply(d_g, closed, d_g)
        subtract(h, g, d_z)
        multiply(closed, z, closed)
        multiply(d_z, closed, d_z)
        multiply(d_g, r, d_q)
        subtract(self.one, r, closed)
        multiply(closed, q, closed)
        multiply(d_q, closed, d_r)
        if gone is not None:
            np.copyto(d, 0, where=gone[:, np.newaxis])
            np.copyto(z, 0, where=gone)

    def backward_step(self, t):
        d, z, dh, carried = self.d4_steps[t], self.views[t][4], self.dh_step, self.carried
        back = self.back(t, self.d_steps[t][self.units :], carried)

        def step():
            multiply(d, dh, d)
            multiply(dh, z, dh)
            back()
            add(dh, carried, dh)

        return step

    def end_backward(self):
        features, units = self.features, self.units
        (rows, d), out = self.gathered(), self.gradient
        dot(rows[features:], d[units:].T, out[features:])
        of_input = dot(rows[:features], d[: 3 * units].T)
        of_bias = dot(d[: 3 * units], rows[-1])  # the last row is one
        for target, source in ((out[:features], of_input), (out[features + units], of_bias)):
            target[..., : 2 * units] = source[..., units:]
            target[..., 2 * units :] = source[..., :units]

    def input_gradient(self):
        units, W, d = self.units, self.matrix[: self.features], self.columns[1]
        dx = dot(d[units : 3 * units].T, W[:, : 2 * units].T)
        dx += dot(d[:units].T, W[:, 2 * units :].T)
        return dx.reshape(self.n_steps, self.n_samples, -1)


CELLS = {"simple_rnn": SimpleRNN, "gru": GRU, "lstm": LSTM}
