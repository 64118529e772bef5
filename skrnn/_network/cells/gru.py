"""The gated recurrent unit of Cho et al. (2014), as Keras has it with `reset_after=True`.

The reset gate acts after the recurrent product, which has a bias of its own.
"""

from functools import partial

import numpy as np
from numpy import add, divide, dot, exp, multiply, subtract

from skrnn._network.cells.spec import CellSpec, OnnxOperator
from skrnn._network.cells.unrolled import UnrolledCell, steps_of


def step(sigmoid, act, gates, states):
    ((x_z, x_r, x_g), (h_z, h_r, h_g)), (h,) = gates, states
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    return (z * h + (1 - z) * act(x_g + r * h_g),)


class UnrolledGRU(UnrolledCell):
    """Its forward and backward passes; letters as in UnrolledCell."""

    logistic = (0, 1)  # update and reset, but not the candidate

    def make_forward(self):
        n_steps = self.kept_steps
        self.projected = self.buffer(self.n_steps, 3)
        self.inner = self.buffer(n_steps, 3)  # update, reset, and the candidate's recurrent part
        self.before = self.buffer(n_steps if self.activation.needs_input else 1)
        self.candidate = self.buffer(n_steps)
        flat = self.inner.reshape(-1, 3 * self.units, self.n_samples)
        z, r, q = self.inner.swapaxes(0, 1)
        parts = self.projected[:, :2], self.projected[:, 2], flat, self.inner[:, :2], z, r, q
        parts = *parts, self.before, self.candidate
        self.views = list(zip(*(steps_of(part, self.n_steps) for part in parts), strict=True))
        self.state_rows = steps_of(self.rows[:, self.features :], self.n_steps)
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
        self.grad = self.buffer(self.n_steps, 4)
        self.grad4_steps = steps_of(self.grad, self.n_steps)
        self.through_gates = np.empty_like(self.spare)
        super().make_backward()

    def block_views(self, block):
        inner, grad, g = self.inner[block], self.grad[block], self.candidate[block]
        before = self.before[block] if self.activation.needs_input else g
        h = self.state[:-1][block]
        return *inner.swapaxes(0, 1), g, before, h, grad, grad.swapaxes(0, 1)

    def prepare(self, views, mask):
        """Write the factors of grad_h; the update gate is that of the next grad_h."""
        z, r, q, g, before, h, grad, (grad_g, grad_z, grad_r, grad_q) = views
        closed = subtract(self.one, z)
        self.activation.derivative(before, g, grad_g)
        multiply(grad_g, closed, grad_g)
        subtract(h, g, grad_z)
        multiply(closed, z, closed)
        multiply(grad_z, closed, grad_z)
        multiply(grad_g, r, grad_q)
        subtract(self.one, r, closed)
        multiply(closed, q, closed)
        multiply(grad_q, closed, grad_r)
        if mask is not None:
            skipped = ~mask
            np.copyto(grad, 0, where=skipped[:, np.newaxis])
            np.copyto(z, 0, where=skipped)

    def backward_step(self, t):
        grad, z, grad_h = self.grad4_steps[t], self.views[t][4], self.grad_h_step
        through_gates = self.through_gates
        back = self.recurrent_grad(t, self.grad_steps[t][self.units :], through_gates)

        def step():
            multiply(grad, grad_h, grad)
            multiply(grad_h, z, grad_h)
            back()
            add(grad_h, through_gates, grad_h)

        return step

    def end_backward(self):
        features, units = self.features, self.units
        (rows, grad), out = self.gathered(), self.matrix_grad
        dot(rows[features:], grad[units:].T, out[features:])
        of_input = dot(rows[:features], grad[: 3 * units].T)
        of_bias = dot(grad[: 3 * units], rows[-1])  # the last row is one
        for target, source in ((out[:features], of_input), (out[features + units], of_bias)):
            target[..., : 2 * units] = source[..., units:]
            target[..., 2 * units :] = source[..., :units]

    def input_gradient(self):
        units, W, grad = self.units, self.matrix[: self.features], self.columns[1]
        dx = dot(grad[units : 3 * units].T, W[:, : 2 * units].T)
        dx += dot(grad[:units].T, W[:, 2 * units :].T)
        return dx.reshape(self.n_steps, self.n_samples, -1)


GRU = CellSpec(
    gates=3,
    states=1,
    step=step,
    unrolled=UnrolledGRU,
    bias_rows=(2,),
    keras_class="GRU",
    cudnn=True,
    onnx=OnnxOperator("GRU", (0, 1, 2), ("sigmoid", None), {"linear_before_reset": 1}),
)
