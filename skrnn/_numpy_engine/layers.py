"""The layers of the NumPy engine, each with its buffers for n samples and T timesteps.

Letters in shapes: T timesteps, n samples, F features, U units, N rows (samples, or samples times
timesteps). Time comes first, so that a timestep lies in one piece.
"""

from functools import partial
from itertools import islice

import numpy as np

from skrnn._numpy_engine.activations import ACTIVATIONS, softmax, softmax_backward
from skrnn._numpy_engine.cells import CELLS
from skrnn._numpy_engine.dropout import DROPPED_CELLS


class Recurrent:
    """One direction of one recurrent layer.

    Parameters
    ----------
    kind : type
        One of CELLS or DROPPED_CELLS.
    weights : ndarray of shape (n_weights,)
        Kernel, recurrent kernel and bias, one after the other.
    shape : (T, n, F, U)
    activation : str
    kept : bool
        As in Cell.
    gradient : ndarray of shape (n_weights,), or None
        Where the backward pass writes the gradient of the weights.
    backwards : bool
        Whether time runs from the last timestep to the first.
    """

    def __init__(self, kind, weights, shape, activation, kept, gradient, backwards):
        timesteps, n_samples, features, units = shape
        self.features, self.order = features, -1 if backwards else 1
        width = features + units + len(kind.constants)
        rows = np.zeros((timesteps + 1, width, n_samples), weights.dtype)
        rows[:, features + units :] = np.array(kind.constants)[:, np.newaxis]
        matrix_shape = width, kind.gates * units
        if gradient is not None:
            gradient = gradient.reshape(matrix_shape)
        matrix = weights.reshape(matrix_shape)
        self.cell = kind(matrix, rows, units, activation, kept, gradient)
        self.input = rows[:-1, :features].swapaxes(1, 2)  # (T, n, F)
        self.output = self.cell.state[1:][:: self.order].swapaxes(1, 2)  # (T, n, U)
        self.final = self.cell.states()[1][0]
        self.drop = None

    def forward(self, x, gone, recurrent_states=None, drop=None):
        """Run over all timesteps.

        Parameters
        ----------
        x : ndarray of shape (T, n, F)
        gone : ndarray of bool of shape (T, n), or None
            Which timesteps are skipped.
        recurrent_states : list of ndarray of shape (n, U), or None
            The states to begin with; None: zeros.
        drop : ndarray of shape (n, F), or (gates, n, K) for a dropped cell, or None
            What dropout multiplies the input of every timestep with, or the rows of each gate.

        Returns
        -------
        ndarray of shape (T, n, U)
            A view of the hidden states, in the order of the input.
        """
        cell = self.cell
        by_gate = drop is not None and drop.ndim == 3
        self.drop = None if by_gate else drop
        self.gone = gone if gone is None else gone[:: self.order]
        np.copyto(self.input, x if self.order == 1 else x[::-1])
        if by_gate:
            cell.factors = drop.swapaxes(1, 2)
        elif drop is not None:
            self.input *= drop
        if recurrent_states is not None or not cell.kept:
            first, _ = cell.states()
            for state, start in zip(first, recurrent_states or [0] * len(first), strict=True):
                state[...] = start
        cell.begin_forward()
        if gone is None:
            for step in cell.steps:
                step()
        else:
            for t, absent in enumerate(self.gone):
                cell.steps[t]()
                cell.restore(t, absent)
        return self.output

    def last(self):
        """Return views (n, U) of the final states, the hidden state first."""
        return self.cell.states()[1]

    def backward(self, d_last, d_sequence, *, to_input):
        """Write the gradient of the weights.

        Parameters
        ----------
        d_last : ndarray of shape (n, U), or None
            With respect to the final hidden state.
        d_sequence : ndarray of shape (T, n, U), or None
            With respect to every hidden state.
        to_input : bool

        Returns
        -------
        ndarray of shape (T, n, F), or None without `to_input`
        """
        cell, dh = self.cell, self.cell.dh
        cell.begin_backward()
        np.copyto(dh, 0 if d_last is None else d_last.T)
        if d_sequence is not None:
            d_sequence = d_sequence[:: self.order].swapaxes(1, 2)
        for block, views in cell.blocks:
            cell.prepare(views, None if self.gone is None else self.gone[block, np.newaxis])
            steps = cell.steps_back[block]
            if d_sequence is None and self.gone is None:
                for step in reversed(steps):
                    step()
                continue
            for t, step in zip(
                range(block.stop - 1, block.start - 1, -1), reversed(steps), strict=True
            ):
                if d_sequence is not None:
                    dh += d_sequence[t]
                kept = None if self.gone is None else dh * self.gone[t]
                step()
                if kept is not None:
                    dh += kept
        cell.end_backward()
        if not to_input:
            return None
        dx = cell.input_gradient()
        if self.drop is not None:
            dx *= self.drop
        return dx[:: self.order]


class Stack:
    """All recurrent layers, one direction or two.

    Parameters
    ----------
    architecture : Architecture
    weights, gradients : list of ndarray
        For each layer and direction its weights, flat, and where their gradient goes, or None.
    timesteps, n_samples : int
    kept : bool
    """

    def __init__(self, architecture, weights, gradients, timesteps, n_samples, kept):
        directions = (False, True) if architecture.bidirectional else (False,)
        flats, into, self.layers = iter(weights), iter(gradients), []
        dropped = architecture.recurrent_dropout and gradients[0] is not None
        kinds = DROPPED_CELLS if dropped else CELLS
        width = architecture.input_width
        for cell_type, units in zip(architecture.cell_types, architecture.units, strict=True):
            shape = (timesteps, n_samples, width, units)
            self.layers.append(
                [
                    Recurrent(
                        *(kinds[cell_type], next(flats), shape, architecture.activation, kept),
                        *(next(into), backwards),
                    )
                    for backwards in directions
                ]
            )
            width = units * len(directions)

    def forward(self, x, gone, recurrent_states=(), drops=None):
        """Return the hidden states of the last layer, (T, n, U), twice as wide if bidirectional.

        Parameters
        ----------
        x : ndarray of shape (T, n, F)
        gone : ndarray of bool of shape (T, n), or None
        recurrent_states : list of ndarray
            The states to begin with, of all layers and directions; empty: zeros.
        drops : iterator of ndarray, or None
            What dropout multiplies the input of each layer and direction with.
        """
        recurrent_states, self.gone = iter(recurrent_states) if recurrent_states else None, gone
        for layer in self.layers:
            outputs = []
            for direction in layer:
                begin = (
                    None
                    if recurrent_states is None
                    else [*islice(recurrent_states, direction.cell.n_states)]
                )
                drop = None if drops is None else next(drops)
                outputs.append(direction.forward(x, gone, begin, drop))
            x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
            if len(outputs) == 2 and gone is not None:
                x[gone] = 0  # as Keras's Bidirectional; one direction repeats its state there
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
            for state in direction.last()
        ]

    def backward(self, d_last, d_sequence, *, to_input):
        """Write all gradients; return that of x, or None without `to_input`."""
        for i in range(len(self.layers) - 1, -1, -1):
            d_sequence = self._layer_backward(
                self.layers[i], d_last, d_sequence, to_input=to_input or i > 0
            )
            d_last = None
        return d_sequence

    def _layer_backward(self, directions, d_last, d_sequence, *, to_input):
        forwards, *backwards = directions
        if not backwards:
            return forwards.backward(d_last, d_sequence, to_input=to_input)
        if self.gone is not None and d_sequence is not None:
            d_sequence[self.gone] = 0
        first, second = slice(forwards.cell.units), slice(forwards.cell.units, None)
        into = [
            direction.backward(
                None if d_last is None else d_last[:, part],
                None if d_sequence is None else d_sequence[:, :, part],
                to_input=to_input,
            )
            for direction, part in zip(directions, (first, second), strict=True)
        ]
        return into[0] + into[1] if to_input else None


class Dense:
    """A Dense layer, its bias as the last row of one matrix.

    Parameters
    ----------
    weights : ndarray of shape (n_weights,)
    gradient : ndarray of shape (n_weights,), or None
    shape : (n_rows, n_inputs, n_outputs)
    activation : str
    """

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

    def through_activation(self, d):
        """Turn a gradient with respect to the output into one with respect to its input."""
        if self.activation == "linear":
            return d
        if self.activation == "softmax":
            return softmax_backward(self.output, d)
        ACTIVATIONS[self.activation].derivative(self.before, self.output, self.slope)
        return np.multiply(self.slope, d, self.slope)

    def backward(self, d):
        """Write the gradient of the weights, given d (N, n_outputs) before the activation."""
        np.dot(self.columns, d, self.gradient)
        return np.dot(d, self.kernel)
