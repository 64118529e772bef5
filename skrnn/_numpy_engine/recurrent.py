"""A recurrent layer in one direction: its states over time, and the gradient through them.

What is particular to a cell type are its Passes. Letters in shapes: T timesteps, t those of a
block, n samples, F features, U units, G gates as the passes get them. Row t has what is multiplied
by the weights at timestep t, [x, h, 1], so K = F + U + 1.
"""

import numpy as np

from skrnn._numpy_engine.activations import ACTIVATIONS
from skrnn._numpy_engine.dropout import input_gradient, matrix_gradient, product
from skrnn._numpy_engine.plain import passes_of

# The slopes of a block of timesteps fit into the processor's cache.
BLOCK_BYTES = 2**18


class Recurrent:
    """One direction of a layer, with the arrays and their views for n samples of T timesteps.

    `weights` are kernel, recurrent kernel and bias, flat, and `gradient`, of the same shape, takes
    their gradient; None: it is not needed. `backward` is whether there is a backward pass. `shape`
    is (T, n, F, U); an `order` of -1 reads the last timestep first.
    """

    def __init__(self, spec, activation, weights, shape, gradient, order, *, backward):
        n_steps, n_samples, features, units = shape
        self.spec, self.passes, self.order = spec, passes_of(spec), order
        self.act, self.factors = ACTIVATIONS[activation], None
        self.sizes, n_gates = (features, units), spec.gates + len(spec.apart)
        self.weights, self.gradient = _matrix(spec, weights, units), _matrix(spec, gradient, units)
        self.matrix, self.grad_matrix = self.weights, self.gradient
        if spec.apart:
            self.matrix = np.zeros((features + units + 1, n_gates * units), weights.dtype)
            self.grad_matrix = np.empty_like(self.matrix)
        rows = self.rows = np.zeros((n_steps + 1, n_samples, len(self.matrix)), weights.dtype)
        rows[:, :, -1] = 1
        self.input = rows[:-1, :, :features][::order]
        others = np.zeros((spec.states - 1, n_steps + 1, n_samples, units), weights.dtype)
        self.states = [rows[:, :, features:-1], *others]
        self.output = self.states[0][1:][::order]
        n_kept = n_steps if backward else 1
        kept = np.empty((n_kept, n_samples, self.passes.kept, units), weights.dtype).swapaxes(1, 2)
        self.gates = np.empty((n_kept, n_samples, n_gates * units), weights.dtype)
        by_gate = self.by_gate(self.gates)
        at = [[state[t] for state in self.states] for t in range(n_steps + 1)]
        of_step = [list(array) * (n_steps // n_kept) for array in (self.gates, by_gate, kept)]
        self.steps = list(zip(rows[:-1], *of_step, at[:-1], at[1:], strict=True))
        if backward:
            self._prepare_backward(by_gate, kept)

    def by_gate(self, gates):
        """Return a view (t, G, n, U) of gates (t, n, G U)."""
        return gates.reshape(*gates.shape[:2], -1, self.sizes[1]).swapaxes(1, 2)

    def _prepare_backward(self, by_gate, kept):
        """List the views that the backward pass reads and writes, block by block."""
        self.grad_gates = np.empty_like(self.gates)
        self.columns = self.matrix.T
        self.to_state = self.columns[:, self.sizes[0] : -1]  # (G U, U)
        grads, n_steps = self.by_gate(self.grad_gates), len(self.gates)
        self.steps_back = list(zip(self.grad_gates, grads, strict=True))
        size, self.blocks = max(1, BLOCK_BYTES // self.gates[0].nbytes), []
        for stop in range(n_steps, 0, -size):
            block = slice(max(0, stop - size), stop)
            before, after = ([state[s:][block] for state in self.states] for s in (0, 1))
            gates, of_kept, out = (part[block].swapaxes(0, 1) for part in (by_gate, kept, grads))
            self.blocks.append((block, (gates, before, after, of_kept, out)))

    def forward(self, x, mask, states, factors):
        """Return a view of the hidden states (T, n, U) for x (T, n, F), in the order of x.

        `states` are the initial ones, (n, U) each, empty for zeros. A timestep where `mask` (T, n)
        is False leaves them as they are. `factors` of dropout are (D, n, K), or None.
        """
        self.factors, self.valid = factors, None
        self.state_factors = None if factors is None else factors[:, :, self.sizes[0] : -1]
        if mask is not None:
            self.valid = mask[:: self.order, :, np.newaxis]
        if self.spec.apart:
            _spread(self.spec, self.weights, self.matrix, self.sizes)
        np.copyto(self.input, x)
        for array, state in zip(self.states, states or [0] * self.spec.states, strict=True):
            array[0] = state
        act, matrix, step = self.act, self.matrix, self.passes.forward
        for t, (row, products, gates, kept, before, after) in enumerate(self.steps):
            product(row, matrix, factors, products)
            step(act, gates, before, after, kept)
            if mask is not None:
                for state, earlier in zip(after, before, strict=True):
                    np.copyto(state, earlier, where=~self.valid[t])
        return self.output

    def backward(self, grad_last, grad_sequence, *, to_input):
        """Write the gradient of the weights, and return that of x, (T, n, F), if asked.

        `grad_last` (n, U) is with respect to the final hidden state, `grad_sequence` (T, n, U) to
        all of them; None: zeros.
        """
        grads = [np.zeros(state.shape[1:], state.dtype) for state in self.states]
        if grad_last is not None:
            grads[0] = grad_last
        if grad_sequence is not None:
            grad_sequence = grad_sequence[:: self.order]
        for block, views in self.blocks:
            slopes = self.passes.slopes(self.act, *views)
            for t in range(block.stop - 1, block.start - 1, -1):
                if grad_sequence is not None:
                    grads[0] = grads[0] + grad_sequence[t]
                grads = self._back(t, [slope[t - block.start] for slope in slopes], grads)
        if self.gradient is not None:
            matrix_gradient(self.rows[:-1], self.grad_gates, self.factors, self.grad_matrix)
        if self.gradient is not None and self.spec.apart:
            _gather(self.spec, self.grad_matrix, self.gradient, self.sizes)
        if not to_input:
            return None
        features, factors = self.sizes[0], self.factors
        factors = None if factors is None else factors[:, :, :features]
        grad_x = input_gradient(self.columns[:, :features], self.grad_gates, factors)
        return grad_x[:: self.order]

    def _back(self, t, slopes, grads):
        """Write the gradient of the gates at timestep t, and return those of the states before."""
        of_gates, by_gate = self.steps_back[t]
        earlier = self.passes.back(self.act, slopes, by_gate, grads)
        if self.valid is not None:
            of_gates *= self.valid[t]
        of_product = input_gradient(self.to_state, of_gates, self.state_factors)
        earlier[0] = of_product if earlier[0] is None else earlier[0] + of_product
        if self.valid is None:
            return earlier
        return [np.where(self.valid[t], *pair) for pair in zip(earlier, grads, strict=True)]


def _matrix(spec, flat, units):
    """Return flat weights as one matrix (K, gates U): W, R and b, of which there may be two."""
    return None if flat is None else flat.reshape(-1, spec.gates * units)


def _spread(spec, weights, matrix, sizes):
    """Write weights (K + 1, gates U) with two biases as a matrix (K, G U)."""
    (features, units), (of_input, of_state) = sizes, spec.places
    weights = weights.reshape(len(weights), spec.gates, units)
    matrix = matrix.reshape(len(matrix), -1, units)
    matrix[:features, of_input] = weights[:features]
    matrix[features:-1, of_state] = weights[features:-2]
    matrix[-1] = 0
    matrix[-1, of_input] += weights[-2]
    matrix[-1, of_state] += weights[-1]


def _gather(spec, grad_matrix, gradient, sizes):
    """Write the gradient of the weights, given that of the matrix."""
    (features, units), (of_input, of_state) = sizes, spec.places
    gradient = gradient.reshape(len(gradient), spec.gates, units)
    grad_matrix = grad_matrix.reshape(len(grad_matrix), -1, units)
    gradient[:features] = grad_matrix[:features, of_input]
    gradient[features:-2] = grad_matrix[features:-1, of_state]
    gradient[-2:] = grad_matrix[-1, [of_input, of_state]]
