"""Recurrent dropout in the NumPy engine: cells whose gates each read their rows through a mask."""

import numpy as np

from skrnn._numpy_engine.cells import CELLS, GRU


class Dropped:
    """Mixed into a cell: with `factors` set, gate k reads its rows multiplied by factors[k].

    So Keras does it where `recurrent_dropout` is above zero: each gate drops other inputs and
    states, the same ones at every timestep.
    """

    factors = None  # (gates, K, n)
    # Where `d` holds what belongs to gate k's product with the input, and with the state.
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

    def way_back(self, d, out):
        by_gate, out = self.by_gate(d), out.reshape(self.units, self.n_samples)

        def back():
            into = np.matmul(self.state_matrices, by_gate)  # (gates, U, n)
            into *= self.factors[:, self.features : self.features + self.units]
            np.sum(into, axis=0, out=out)

        return back

    def end_backward(self):
        gradient, features = self.gradient.reshape(-1, self.gates, self.units), self.features
        rows, d = self.gathered()
        rows = rows.reshape(len(rows), -1, self.n_samples)  # (K, T, n)
        d = d.reshape(-1, self.units, d.shape[1])  # (..., U, T n)
        for k in range(self.gates):
            kept = (rows * self.factors[k][:, np.newaxis]).reshape(len(rows), -1)
            gradient[:features, k] = kept[:features] @ d[self.of_input[k]].T
            gradient[features:, k] = kept[features:] @ d[self.of_state[k]].T

    def input_gradient(self):
        d = self.flat.reshape(self.n_steps, -1, self.units, self.n_samples).swapaxes(2, 3)
        factors = self.factors.swapaxes(1, 2)
        return sum(
            (d[:, self.of_input[k]] @ self.input_matrices[k]) * factors[k, :, : self.features]
            for k in range(self.gates)
        )


class DroppedGRU(Dropped, GRU):
    """The input's product is taken for all timesteps at once, and has a bias of its own."""

    of_input, of_state = (1, 2, 0), (1, 2, 3)

    def begin_forward(self):
        super().begin_forward()
        features = self.features
        x, factors = self.rows[:-1, :features], self.factors[:, :features]
        for k, matrix in enumerate(self.gate_matrices):
            self.projected[:, k] = matrix[:, :features] @ (x * factors[k])
            self.projected[:, k] += matrix[:, features + self.units, np.newaxis]

    def projection(self, t, out):
        rows, by_gate, features = (
            self.rows[t, self.features :],
            self.by_gate(out),
            self.features,
        )

        def project():
            of_state = rows * self.factors[:, features:]
            np.matmul(self.gate_matrices[:, :, features:], of_state, out=by_gate)

        return project

    def end_backward(self):
        super().end_backward()
        of_bias = self.gradient.reshape(-1, self.gates, self.units)[self.features + self.units]
        of_bias[...] = self.d.sum(axis=(0, 3))[list(self.of_input)]


DROPPED_CELLS = {
    name: DroppedGRU if cell is GRU else type(f"Dropped{cell.__name__}", (Dropped, cell), {})
    for name, cell in CELLS.items()
}
