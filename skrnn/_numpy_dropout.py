"""Recurrent dropout in the NumPy engine: cells whose gates each read their rows through a mask."""

import numpy as np

from skrnn._numpy_cells import CELLS, GRU


class Dropped:
    """Mixed into a cell: with `factors` set, gate k reads its rows multiplied by factors[k].

    So Keras does it where `recurrent_dropout` is above zero: each gate drops other inputs and
    states, the same ones at every timestep.
    """

    factors = None  # (gates, n, K)
    # Where `d` holds what belongs to gate k's product with the input, and with the state.
    of_input = of_state = range(4)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        by_gate = len(self.matrix), self.gates, self.units
        self.gate_matrices = self.scaled.reshape(by_gate).swapaxes(0, 1)  # (gates, K, U)
        W, R, _ = np.split(
            self.matrix.reshape(by_gate), [self.features, self.features + self.units]
        )
        self.input_matrices = W.transpose(1, 2, 0)  # (gates, U, F)
        self.state_matrices = R.transpose(1, 2, 0)  # (gates, U, U)

    def gates_first(self, array):
        """Return a view (gates, n, U) of one timestep of all gates."""
        return array.reshape(self.n_samples, self.gates, self.units).swapaxes(0, 1)

    def projection(self, t, out):
        rows, by_gate = self.rows[t], self.gates_first(out)

        def project():
            np.matmul(rows * self.factors, self.gate_matrices, out=by_gate)

        return project

    def way_back(self, d, out):
        by_gate, out = self.gates_first(d), out.reshape(self.n_samples, self.units)

        def back():
            into = np.matmul(by_gate, self.state_matrices)  # (gates, n, U)
            into *= self.factors[:, :, self.features : self.features + self.units]
            np.sum(into, axis=0, out=out)

        return back

    def end_backward(self):
        gradient = self.gradient.reshape(-1, self.gates, self.units)
        d, features = self.d_rows.reshape(len(self.d_rows), -1, self.units), self.features
        for k in range(self.gates):
            rows = (self.rows[:-1] * self.factors[k]).reshape(len(d), -1)  # (T n, K)
            gradient[:features, k] = rows[:, :features].T @ d[:, self.of_input[k]]
            gradient[features:, k] = rows[:, features:].T @ d[:, self.of_state[k]]

    def input_gradient(self):
        d = self.d.reshape(self.n_steps, self.n_samples, -1, self.units)
        return sum(
            (d[:, :, self.of_input[k]] @ self.input_matrices[k])
            * self.factors[k, :, : self.features]
            for k in range(self.gates)
        )


class DroppedGRU(Dropped, GRU):
    """The input's product is taken for all timesteps at once, and has a bias of its own."""

    of_input, of_state = (1, 2, 0), (1, 2, 3)

    def begin_forward(self):
        super().begin_forward()
        features = self.features
        x, factors = self.rows[:-1, :, :features], self.factors[:, :, :features]
        for k in range(self.gates):
            self.projected[:, :, k] = (x * factors[k]) @ self.gate_matrices[k, :features]
            self.projected[:, :, k] += self.gate_matrices[k, features + self.units]

    def projection(self, t, out):
        rows, by_gate, features = (
            self.rows[t, :, self.features :],
            self.gates_first(out),
            self.features,
        )

        def project():
            of_state = rows * self.factors[:, :, features:]
            np.matmul(of_state, self.gate_matrices[:, features:], out=by_gate)

        return project

    def end_backward(self):
        super().end_backward()
        of_bias = self.gradient.reshape(-1, self.gates, self.units)[self.features + self.units]
        of_bias[...] = self.d_rows.sum(axis=0).reshape(-1, self.units)[list(self.of_input)]


DROPPED_CELLS = {
    name: DroppedGRU if cell is GRU else type(f"Dropped{cell.__name__}", (Dropped, cell), {})
    for name, cell in CELLS.items()
}
