"""Recurrent dropout in the NumPy engine: cells whose gates each have a dropout mask."""

from functools import cache

import numpy as np

from skrnn._network.cells.gru import UnrolledGRU
from skrnn._network.cells.unrolled import no_op


class PerGateDropout:
    """Mixin of an UnrolledCell: gate k reads its rows multiplied by `factors[k]`.

    As in Keras with `recurrent_dropout`, each gate drops other inputs and states, the same ones at
    every timestep.
    """

    factors = None  # (gates, K, n)
    # The places in `grad` of gate k's product with the input, and with the state.
    of_input = of_state = range(4)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        by_gate = len(self.matrix), self.gates, self.units
        self.gate_matrices = self.signed.reshape(by_gate).transpose(1, 2, 0)  # (gates, U, K)
        W, R, _ = np.split(
            self.matrix.reshape(by_gate), [self.features, self.features + self.units]
        )
        self.input_matrices = W.transpose(1, 2, 0)  # (gates, U, F)
        self.state_matrices = R.swapaxes(0, 1)  # (gates, U, U)

    def by_gate(self, array):
        """Return a view (gates, U, n) of one timestep of all gates."""
        return array.reshape(self.gates, self.units, self.n_samples)

    def projection(self, t, out):
        rows, by_gate = self.rows[t], self.by_gate(out)

        def project():
            np.matmul(self.gate_matrices, rows * self.factors, out=by_gate)

        return project

    def recurrent_grad(self, t, grad, out):
        if t == 0:
            return no_op
        by_gate, out = self.by_gate(grad), out.reshape(self.units, self.n_samples)

        def back():
            into = np.matmul(self.state_matrices, by_gate)  # (gates, U, n)
            into *= self.factors[:, self.features : self.features + self.units]
            np.sum(into, axis=0, out=out)

        return back

    def end_backward(self):
        features = self.features
        matrix_grad = self.matrix_grad.reshape(-1, self.gates, self.units)
        rows, grad = self.gathered()
        rows = rows.reshape(len(rows), -1, self.n_samples)  # (K, T, n)
        grad = grad.reshape(-1, self.units, grad.shape[1])  # (..., U, T n)
        for k in range(self.gates):
            dropped = (rows * self.factors[k][:, np.newaxis]).reshape(len(rows), -1)
            matrix_grad[:features, k] = dropped[:features] @ grad[self.of_input[k]].T
            matrix_grad[features:, k] = dropped[features:] @ grad[self.of_state[k]].T

    def input_gradient(self):
        grad = self.flat.reshape(self.n_steps, -1, self.units, self.n_samples).swapaxes(2, 3)
        factors = self.factors.swapaxes(1, 2)
        return sum(
            (grad[:, self.of_input[k]] @ self.input_matrices[k]) * factors[k, :, : self.features]
            for k in range(self.gates)
        )


class PerGateDropoutGRU(PerGateDropout, UnrolledGRU):
    """Its input is projected for all timesteps at once, with a bias of its own."""

    of_input, of_state = (1, 2, 0), (1, 2, 3)

    def begin_forward(self):
        super().begin_forward()
        features = self.features
        x, factors = self.rows[:-1, :features], self.factors[:, :features]
        for k, matrix in enumerate(self.gate_matrices):
            self.projected[:, k] = matrix[:, :features] @ (x * factors[k])
            self.projected[:, k] += matrix[:, features + self.units, np.newaxis]

    def projection(self, t, out):
        features, by_gate = self.features, self.by_gate(out)
        rows = self.rows[t, features:]

        def project():
            of_state = rows * self.factors[:, features:]
            np.matmul(self.gate_matrices[:, :, features:], of_state, out=by_gate)

        return project

    def end_backward(self):
        super().end_backward()
        matrix_grad = self.matrix_grad.reshape(-1, self.gates, self.units)
        of_bias = self.grad.sum(axis=(0, 3))[list(self.of_input)]
        matrix_grad[self.features + self.units] = of_bias


@cache
def with_per_gate_dropout(unrolled):
    """Return the class of an UnrolledCell whose gates each have a dropout mask."""
    if unrolled is UnrolledGRU:
        return PerGateDropoutGRU
    return type(f"PerGateDropout{unrolled.__name__}", (PerGateDropout, unrolled), {})
