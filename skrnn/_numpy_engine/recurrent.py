"""A recurrent layer of the NumPy engine: its states over time, and the gradient through them.

The equations of a cell type are its Passes. Letters in shapes: T timesteps, n samples, F features,
U units, G gates as the passes get them. Row t is the vector that the weights multiply at timestep
t, [x, h, 1], so K = F + U + 1.
"""

from functools import reduce
from itertools import islice
from operator import add

import numpy as np

from skrnn._numpy_engine.activations import ACTIVATIONS
from skrnn._numpy_engine.dropout import input_gradient, matrix_gradient, product, recurrent_factors
from skrnn._numpy_engine.plain import passes_of


class Recurrent:
    """One direction of a layer, with the arrays and their views for n samples of T timesteps.

    `shape` is (T, n, F, U). `weights` are kernel, recurrent kernel and bias, flat. `gradient`, of
    the same shape, receives their gradient; None: it is not needed. With `order` -1 the last
    timestep is read first. `backward` is whether there is a backward pass.
    """

    def __init__(self, spec, activation, shape, weights, gradient, order, *, backward):
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
        n_kept = n_steps if backward else 1
        kept = np.empty((n_kept, n_samples, self.passes.kept, units), weights.dtype).swapaxes(1, 2)
        self.gates = np.empty((n_kept, n_samples, n_gates * units), weights.dtype)
        by_gate = self._by_gate(self.gates)
        at = [[state[t] for state in self.states] for t in range(n_steps + 1)]
        of_step = [list(array) * (n_steps // n_kept) for array in (self.gates, by_gate, kept)]
        self.steps = list(zip(rows[:-1], *of_step, at[:-1], at[1:], strict=True))
        if backward:
            self._prepare_backward(by_gate, kept)

    def _by_gate(self, gates):
        """Return a view (T, G, n, U) of gates (T, n, G U)."""
        return gates.reshape(*gates.shape[:2], -1, self.sizes[1]).swapaxes(1, 2)

    def _prepare_backward(self, by_gate, kept):
        """Make the views that the backward pass reads and writes."""
        self.grad_gates, self.columns = np.empty_like(self.gates), self.matrix.T
        grads = self._by_gate(self.grad_gates)
        self.steps_back = list(zip(self.grad_gates, grads, strict=True))
        before, after = ([state[s:][: len(grads)] for state in self.states] for s in (0, 1))
        gates, kept, out = (part.swapaxes(0, 1) for part in (by_gate, kept, grads))
        self.for_slopes = gates, before, after, kept, out

    def forward(self, x, mask, states, factors):
        """Return a view of the hidden states (T, n, U) for x (T, n, F), in the order of x.

        `states` are the initial ones, (n, U) each, empty for zeros. A timestep where `mask` (T, n)
        is False leaves them unchanged. `factors` of dropout are (D, n, K), or None.
        """
        self.factors, self.valid = factors, None
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
        return self.states[0][1:][:: self.order]

    def backward(self, grad, *, to_input):
        """Write the gradient of the weights, and return that of x, (T, n, F), if asked.

        `grad` (k, n, U) is with respect to the last k hidden states that `forward` computed, in the
        order of x.
        """
        grads = [np.zeros(state.shape[1:], state.dtype) for state in self.states]
        slopes = self.passes.slopes(self.act, *self.for_slopes)
        grad, n_steps = grad[:: self.order], len(self.steps_back)
        for t in reversed(range(n_steps)):
            if t >= n_steps - len(grad):
                grads[0] = grads[0] + grad[t - n_steps]
            grads = self._back(t, [slope[t] for slope in slopes], grads)
        if self.gradient is not None:
            matrix_gradient(self.rows[:-1], self.grad_gates, self.factors, self.grad_matrix)
            if self.spec.apart:
                _gather(self.spec, self.grad_matrix, self.gradient, self.sizes)
        if not to_input:
            return None
        return self._through_product(self.grad_gates, slice(self.sizes[0]))[:: self.order]

    def _back(self, t, slopes, grads):
        """Write the gradient of the gates at timestep t, and return those of the states before."""
        of_gates, by_gate = self.steps_back[t]
        earlier = self.passes.back(self.act, slopes, by_gate, grads)
        if self.valid is not None:
            of_gates *= self.valid[t]
        of_product = self._through_product(of_gates, slice(self.sizes[0], -1))
        earlier[0] = of_product if earlier[0] is None else earlier[0] + of_product
        if self.valid is None:
            return earlier
        return [np.where(self.valid[t], *pair) for pair in zip(earlier, grads, strict=True)]

    def _through_product(self, grad, place):
        """Return the gradient of a part of the rows, given that of their products."""
        factors = None if self.factors is None else self.factors[:, :, place]
        return input_gradient(self.columns[:, place], grad, factors)


class RecurrentLayer:
    """A recurrent layer in one direction, or in two directions with joined outputs.

    Parameters are those of Recurrent; `weights` and `gradient` hold both directions one after the
    other. `to_input` is whether `backward` returns the gradient of x.
    """

    def __init__(self, architecture, spec, shape, weights, gradient, *, backward, to_input):
        self.architecture, self.to_input = architecture, to_input
        orders = (1, -1) if architecture.bidirectional else (1,)
        gradients = [None] * 2 if gradient is None else np.split(gradient, len(orders))
        self.directions = [
            Recurrent(spec, architecture.activation, shape, *arrays, backward=backward)
            for arrays in zip(np.split(weights, len(orders)), gradients, orders, strict=False)
        ]

    def forward(self, x, mask, states, generator):
        """Return the hidden states (T, n, U), twice as wide with two directions.

        `states` is an iterator over the initial states, empty for zeros. Without a generator
        nothing is dropped.
        """
        self.mask, outputs = mask, []
        for each in self.directions:
            shape = x.shape[1], *each.sizes
            factors = recurrent_factors(self.architecture, generator, each.spec, *shape)
            first = [*islice(states, each.spec.states)]
            outputs.append(each.forward(x, mask, first, factors))
        if len(outputs) == 1:
            return outputs[0]
        hidden = np.concatenate(outputs, axis=2)
        if mask is not None:
            hidden[~mask] = 0  # as Keras's Bidirectional; one direction repeats its state there
        return hidden

    def final_states(self):
        """Return copies of the states after the last timestep, in all directions."""
        return [state[-1].copy() for each in self.directions for state in each.states]

    def last(self):
        """Return the hidden state after the last timestep, (n, U), of both directions."""
        finals = [each.states[0][-1] for each in self.directions]
        return finals[0] if len(finals) == 1 else np.concatenate(finals, axis=1)

    def backward(self, grad):
        """Write the gradient of the weights; return that of x, (T, n, F), or None.

        `grad` (k, n, U) is that of all hidden states, or that of `last` with k = 1.
        """
        if len(self.directions) == 1:
            return self.directions[0].backward(grad, to_input=self.to_input)
        if self.mask is not None and len(grad) == len(self.mask):
            grad = grad * self.mask[:, :, np.newaxis]
        parts = zip(self.directions, np.split(grad, 2, axis=2), strict=True)
        grads = [each.backward(part, to_input=self.to_input) for each, part in parts]
        return reduce(add, grads) if self.to_input else None


def _matrix(spec, flat, units):
    """Return flat weights as one matrix (K, gates U): W, R, and one or two rows of b."""
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
