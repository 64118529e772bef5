"""The layers of the NumPy engine, each with its buffers for n samples and T timesteps.

Letters in shapes: T timesteps, n samples, F features, U units, N rows (samples, or samples times
timesteps), O outputs, Q quantiles. Time comes first, so that a timestep lies in one piece.
"""

from functools import partial
from itertools import islice

import numpy as np

from skrnn._network.cells import CELLS
from skrnn._network.quantiles import increments
from skrnn._numpy_engine.activations import ACTIVATIONS, softmax, softmax_backward
from skrnn._numpy_engine.dropout import with_per_gate_dropout
from skrnn._numpy_engine.projected_tokens import with_projected_input


class Recurrent:
    """One direction of one recurrent layer; `backwards` runs from the last timestep to the first.

    `weights` are kernel, recurrent kernel and bias, flat, and `gradient`, of the same shape, takes
    their gradient. `shape` is (T, n, F, U). `unrolled` is the class of its UnrolledCell.
    """

    def __init__(
        self,
        spec,
        weights,
        shape,
        activation,
        keep_activations,
        gradient,
        *,
        backwards,
        unrolled,
    ):
        timesteps, n_samples, features, units = shape
        self.features, self.order = features, -1 if backwards else 1
        matrix = weights.reshape(-1, spec.gates * units)  # (K, gates * U): [W; R; b]
        if gradient is not None:
            gradient = gradient.reshape(matrix.shape)
        rows = np.zeros((timesteps + 1, len(matrix), n_samples), weights.dtype)
        rows[:, -1] = 1  # an input's own bias is added to its product, and is times zero here
        self.cell = unrolled(
            *(spec, matrix, rows, features, ACTIVATIONS[activation], keep_activations, gradient)
        )
        self.input = rows[:-1, :features].swapaxes(1, 2)  # (T, n, F)
        self.output = self.cell.state[1:][:: self.order].swapaxes(1, 2)  # (T, n, U)
        self.final = self.cell.state[-1].T
        self.dropout_mask = None

    def forward(self, x, mask, recurrent_states=None, dropout_mask=None):
        """Return a view of the hidden states (T, n, U) for x (T, n, F), in the order of x.

        `mask` (T, n) is False where a timestep is skipped. `recurrent_states`, (n, U) each, are the
        initial ones; None: zeros. `dropout_mask` has factors of the input of every timestep,
        (n, F), or of the rows of each gate, (gates, n, K).
        """
        cell = self.cell
        by_gate = dropout_mask is not None and dropout_mask.ndim == 3
        self.dropout_mask = None if by_gate else dropout_mask
        self.mask = mask if mask is None else mask[:: self.order]
        self.read(x)
        if by_gate:
            cell.factors = dropout_mask.swapaxes(1, 2)
        elif dropout_mask is not None:
            self.input *= dropout_mask
        if recurrent_states is not None or not cell.keep_activations:
            first = cell.states_at(0)
            for state, start in zip(first, recurrent_states or [0] * len(first), strict=True):
                state[...] = start
        cell.begin_forward()
        if mask is None:
            for step in cell.steps:
                step()
        else:
            for t, skipped in enumerate(~self.mask):
                cell.steps[t]()
                cell.restore(t, skipped)
        return self.output

    def read(self, x):
        """Copy x to where the cell reads it."""
        np.copyto(self.input, x[:: self.order])

    def backward(self, grad_last, grad_sequence, *, to_input):
        """Write the gradient of the weights, and return that of the input, (T, n, F), if asked.

        `grad_last` (n, U) is with respect to the final hidden state, `grad_sequence` (T, n, U) to
        all of them.
        """
        cell, grad_h = self.cell, self.cell.grad_h
        cell.begin_backward()
        np.copyto(grad_h, 0 if grad_last is None else grad_last.T)
        if grad_sequence is not None:
            grad_sequence = grad_sequence[:: self.order].swapaxes(1, 2)
        for block, views in cell.blocks:
            mask = None if self.mask is None else self.mask[block]
            cell.prepare(views, None if mask is None else mask[:, np.newaxis])
            skipped = None if mask is None else ~mask
            steps = cell.steps_back[block]
            if grad_sequence is None and mask is None:
                for step in reversed(steps):
                    step()
                continue
            for t in range(len(steps) - 1, -1, -1):
                if grad_sequence is not None:
                    grad_h += grad_sequence[block.start + t]
                passed_on = None if skipped is None else grad_h * skipped[t]
                steps[t]()
                if passed_on is not None:
                    grad_h += passed_on
        cell.end_backward()
        return self.input_gradient() if to_input else None

    def input_gradient(self):
        """Return the gradient of the input, (T, n, F)."""
        grad_x = self.cell.input_gradient()
        if self.dropout_mask is not None:
            grad_x *= self.dropout_mask
        return grad_x[:: self.order]


class RecurrentOfTokens(Recurrent):
    """A Recurrent whose x are Tokens: each distinct one is projected once."""

    def __init__(self, spec, weights, shape, activation, keep_activations, gradient, **settings):
        timesteps, n_samples, features, units = shape
        kernel, weights = np.split(weights, [features * spec.gates * units])
        self.kernel = kernel.reshape(features, -1)  # (E, gates * U)
        into, gradient = np.split(gradient, [kernel.size])
        self.kernel_grad = into.reshape(self.kernel.shape)
        shape = timesteps, n_samples, 0, units
        super().__init__(spec, weights, shape, activation, keep_activations, gradient, **settings)

    def read(self, tokens):
        self.tokens = tokens
        self.cell.set_inputs(tokens.vectors @ self.kernel, tokens.places[:: self.order])

    def input_gradient(self):
        tokens, kernel = self.tokens, self.kernel
        grad = self.cell.inputs_grad()[:: self.order].swapaxes(1, 2)  # (T, n, gates * U)
        grad = grad.reshape(-1, kernel.shape[1])
        np.dot(tokens.vectors.T, tokens.sum(grad), self.kernel_grad)
        return np.dot(grad, kernel.T).reshape(*tokens.places.shape, -1)


class Stack:
    """All recurrent layers, one direction or two.

    `weights` and `gradients` have a flat array for each layer and direction. With `of_tokens` the
    first layer reads Tokens.
    """

    def __init__(
        self,
        architecture,
        weights,
        gradients,
        timesteps,
        n_samples,
        keep_activations,
        of_tokens=False,
    ):
        directions = (False, True) if architecture.bidirectional else (False,)
        flats, into, self.layers = iter(weights), iter(gradients), []
        per_gate_dropout = architecture.recurrent_dropout > 0 and gradients[0] is not None
        width = architecture.input_width
        for cell_type, units in zip(architecture.cell_types, architecture.units, strict=True):
            shape, spec = (timesteps, n_samples, width, units), CELLS[cell_type]
            recurrent, unrolled = Recurrent, spec.unrolled
            if of_tokens and not self.layers:
                recurrent, unrolled = RecurrentOfTokens, with_projected_input(unrolled)
            elif per_gate_dropout:
                unrolled = with_per_gate_dropout(unrolled)
            layer = []
            for backwards in directions:
                direction = recurrent(
                    *(spec, next(flats), shape, architecture.activation),
                    *(keep_activations, next(into)),
                    backwards=backwards,
                    unrolled=unrolled,
                )
                layer.append(direction)
            self.layers.append(layer)
            width = units * len(directions)

    def forward(self, x, mask, recurrent_states=(), dropout_masks=None):
        """Return the hidden states of the last layer, (T, n, U), twice as wide if bidirectional.

        `recurrent_states` are those of all layers and directions, empty for zeros; `dropout_masks`
        iterates over what `Recurrent.forward` takes.
        """
        recurrent_states, self.mask = iter(recurrent_states) if recurrent_states else None, mask
        for layer in self.layers:
            outputs = []
            for direction in layer:
                begin = (
                    None
                    if recurrent_states is None
                    else [*islice(recurrent_states, direction.cell.spec.states)]
                )
                dropout_mask = None if dropout_masks is None else next(dropout_masks)
                outputs.append(direction.forward(x, mask, begin, dropout_mask))
            x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
            if len(outputs) == 2 and mask is not None:
                x[~mask] = 0  # as Keras's Bidirectional; one direction repeats its state there
        return x

    def last(self):
        """Return the final hidden state of the last layer, (n, U)."""
        forwards, *backwards = self.layers[-1]
        if not backwards:
            return forwards.final
        return np.concatenate([forwards.final, backwards[0].final], axis=1)

    def recurrent_states(self):
        """Return copies of the final states of all layers and directions."""
        return [
            state.copy()
            for layer in self.layers
            for direction in layer
            for state in direction.cell.states_at(-1)
        ]

    def backward(self, grad_last, grad_sequence, *, to_input):
        """Write all gradients; return that of x, or None without `to_input`."""
        for i in range(len(self.layers) - 1, -1, -1):
            layer, into, start = self.layers[i], None, 0
            if len(layer) == 2 and self.mask is not None and grad_sequence is not None:
                grad_sequence[~self.mask] = 0
            for direction in layer:
                part = slice(start, start + direction.cell.units)
                grad = direction.backward(
                    None if grad_last is None else grad_last[:, part],
                    None if grad_sequence is None else grad_sequence[:, :, part],
                    to_input=to_input or i > 0,
                )
                into, start = grad if into is None else into + grad, part.stop
            grad_last, grad_sequence = None, into
        return grad_sequence


class Dense:
    """A Dense layer, its bias as the last row of one matrix; `shape` is (rows, inputs, outputs)."""

    def __init__(self, weights, gradient, shape, activation):
        n_rows, n_inputs, n_outputs = shape
        self.matrix = weights.reshape(n_inputs + 1, n_outputs)
        self.gradient = None if gradient is None else gradient.reshape(self.matrix.shape)
        self.rows = np.ones((n_rows, n_inputs + 1), weights.dtype)
        self.input = self.rows[:, :-1]
        self.before = np.empty((n_rows, n_outputs), weights.dtype)
        self.output, self.slope = np.empty_like(self.before), np.empty_like(self.before)
        self.columns, self.kernel = self.rows.T, self.matrix[:-1].T
        one = 0 if n_rows == 1 else slice(None)  # NumPy is quicker with one row as a vector
        self.project = partial(np.dot, self.rows[one], self.matrix, self.before[one])
        self.activation = activation

    def forward(self, x):
        """Return the output (N, n_outputs) for x (N, n_inputs)."""
        np.copyto(self.input, x)
        self.project()
        if self.activation == "linear":
            return self.before
        value = softmax if self.activation == "softmax" else ACTIVATIONS[self.activation].value
        value(self.before, self.output)
        return self.output

    def through_activation(self, grad):
        """Turn a gradient with respect to the output into one with respect to its input."""
        if self.activation == "linear":
            return grad
        if self.activation == "softmax":
            return softmax_backward(self.output, grad)
        ACTIVATIONS[self.activation].derivative(self.before, self.output, self.slope)
        return np.multiply(self.slope, grad, self.slope)

    def backward(self, grad):
        """Write the gradient of the weights, given grad (N, n_outputs) before the activation."""
        np.dot(self.columns, grad, self.gradient)
        return np.dot(grad, self.kernel)


class DenseOfQuantiles(Dense):
    """The output layer of quantiles, (N, O * Q), in ascending order whatever the weights are."""

    def __init__(self, weights, gradient, shape, activation, quantiles):
        super().__init__(weights, gradient, shape, activation)
        factors, self.median = increments(quantiles)
        self.factors = factors.astype(weights.dtype)
        n_rows, n_quantiles = shape[0], len(quantiles)
        # The units are all outputs of the first quantile, then all of the next one.
        units = n_rows, n_quantiles, -1
        self.raw, self.sums = (x.reshape(units).swapaxes(1, 2) for x in (self.before, self.slope))
        self.ordered = self.output.reshape(n_rows, -1, n_quantiles)
        self.outer = [
            *((q, q - 1) for q in range(self.median + 1, n_quantiles)),
            *((q, q + 1) for q in range(self.median - 1, -1, -1)),
        ]  # each quantile, and that from which its increment leads, the inner ones first

    def forward(self, x):
        super().forward(x)
        ordered, median = self.ordered, self.median
        np.logaddexp(self.raw, 0, ordered)
        np.multiply(ordered, self.factors, ordered)
        ordered[:, :, median] = self.raw[:, :, median]
        for outer, inner in self.outer:
            ordered[:, :, outer] += ordered[:, :, inner]
        return self.output

    def through_activation(self, grad):
        slope = (0.5 * np.tanh(0.5 * self.raw) + 0.5) * self.factors
        slope[:, :, self.median] = 1
        sums = self.sums  # of the gradients of a quantile and of those beyond it
        np.copyto(sums, grad.reshape(slope.shape))
        for outer, inner in reversed(self.outer):
            sums[:, :, inner] += sums[:, :, outer]
        sums *= slope
        return self.slope
