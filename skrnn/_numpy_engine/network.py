"""A network of the NumPy engine: an Architecture's layers over one flat vector of weights."""

from math import prod

import numpy as np

from skrnn._network.cells import CELLS
from skrnn._numpy_engine.dense import Dense, activations
from skrnn._numpy_engine.inputs import read
from skrnn._numpy_engine.pooling import POOLINGS
from skrnn._numpy_engine.recurrent import RecurrentLayer


class Network:
    """All layers of an Architecture, with arrays for n samples of T timesteps.

    `weights` is every weight array in Keras's order, flat. `gradient` receives that of the weights
    from the first trained layer on, where frozen layers leave it unchanged; None: the weights
    need none. With `logits` the output is without the output activation. With `to_input` the
    backward pass computes the gradient of x.

    Letters in shapes: T timesteps, n samples, F features, U units, N rows (samples, or samples
    times timesteps), O outputs.
    """

    def __init__(
        self,
        architecture,
        weights,
        n_samples,
        timesteps,
        gradient=None,
        *,
        logits=False,
        to_input=False,
    ):
        self.architecture, self.table = architecture, None
        pieces = iter(_pieces(architecture, weights, gradient))
        if architecture.vocab_size is not None:
            table, grad = next(pieces)
            self.table = table.reshape(architecture.vocab_size, architecture.embedding_dim)
            to_input = to_input or grad is not None
        self.recurrent, width = [], architecture.input_width
        for cell_type, units in zip(architecture.cell_types, architecture.units, strict=True):
            shape = architecture.n_steps(timesteps), n_samples, width, units
            arrays = next(pieces)
            backward = to_input or arrays[1] is not None
            layer = RecurrentLayer(
                *(architecture, CELLS[cell_type], shape, *arrays),
                backward=backward,
                to_input=to_input,
            )
            self.recurrent.append(layer)
            width, to_input = units * len(layer.directions), backward
        self.dense, sizes = [], (*architecture.dense_sizes, prod(architecture.output_shape))
        functions = activations(architecture, logits=logits)
        for size, function in zip(sizes, functions, strict=True):
            arrays = next(pieces)
            self.dense.append(Dense(*arrays, size, function, to_input=to_input))
            to_input = to_input or arrays[1] is not None

    def recur(self, x, states=(), generator=None):
        """Return the hidden states of the last recurrent layer, (T, n, U), or (T / s, n, U).

        x is (n, T, F), or (n, T) of token ids; masked timesteps are NaN or -1. `states` are the
        recurrent states of all layers and directions, empty for zeros; without a generator nothing
        is dropped.
        """
        batch = self.batch = read(self.architecture, self.table, x, generator)
        hidden, states = batch.x, iter(states)
        for layer in self.recurrent:
            hidden = layer.forward(hidden, batch.mask, states, generator)
        return hidden

    def forward(self, x, states=(), generator=None):
        """Return the output, (N, O); N counts timesteps first. Parameters as in `recur`."""
        architecture, hidden = self.architecture, self.recur(x, states, generator)
        if architecture.return_sequences:
            y, self.unpool = (
                hidden.reshape(-1, hidden.shape[2]),
                lambda grad: grad.reshape(hidden.shape),
            )
        elif architecture.pooling == "last":
            y, self.unpool = self.recurrent[-1].last(), lambda grad: grad[np.newaxis]
        else:
            y, self.unpool = POOLINGS[architecture.pooling](hidden, self.batch.mask)
        if architecture.n_static:
            y = np.concatenate([y, self.batch.static], axis=1)
        for layer in self.dense:
            y = layer.forward(y)
        return y

    def backward(self, grad):
        """Write the gradient of all weights but those of an Embedding, given that of the output.

        Returns the gradient of each timestep's features or embedded token, (T, n, F), and that of
        the static features; None, None where all layers before the trained ones are frozen.
        """
        architecture, grad_static = self.architecture, None
        for layer in reversed(self.dense):
            grad = layer.backward(grad)
            if grad is None:  # all layers before it are frozen
                return None, None
        if architecture.n_static:
            grad, grad_static = np.split(grad, [-architecture.n_static], axis=1)
        grad = self.unpool(grad)
        for layer in reversed(self.recurrent):
            grad = layer.backward(grad)
            if grad is None:
                return None, None
        return self.batch.backward(grad), grad_static

    def input_gradient(self, grad):
        """Return the gradient of x as `recur` reads it, (n, T, F), given that of the output.

        It is zero at masked timesteps. Static features have theirs at the first timestep.
        """
        grad_x, grad_static = self.backward(grad)
        grad_x = grad_x.swapaxes(0, 1)
        if grad_static is None:
            return grad_x
        constant = np.zeros((*grad_x.shape[:2], self.architecture.n_static), grad_x.dtype)
        constant[:, 0] = grad_static
        return np.concatenate([grad_x, constant], axis=2)

    def recurrent_states(self):
        """Return copies of the final states of all recurrent layers."""
        return [state for layer in self.recurrent for state in layer.final_states()]


def _pieces(architecture, weights, gradient):
    """Yield the weights of each layer that has some, and where their gradient goes, or None."""
    start, offset = 0, 0 if gradient is None else len(weights) - len(gradient)
    for layer in architecture.layers():
        stop = start + layer.n_parameters
        trained = gradient is not None and layer.name not in architecture.frozen_layers
        if layer.weights:
            into = gradient[start - offset : stop - offset] if trained else None
            yield weights[start:stop], into
        start = stop
