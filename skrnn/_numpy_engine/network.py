"""A network of the NumPy engine: an Architecture's layers over one flat vector of weights."""

from itertools import accumulate
from math import prod
from operator import or_

import numpy as np

from skrnn._numpy_engine.dense import Dense, activations
from skrnn._numpy_engine.inputs import read, timestep_gradient, vector_gradient
from skrnn._numpy_engine.pooling import POOLINGS
from skrnn._numpy_engine.stack import Stack


class Network:
    """All layers, with arrays for n samples of T timesteps.

    `weights` is every weight array in Keras's order, flat. `gradient` takes that of the weights
    from the first trained layer on, where frozen layers leave it as it is; without it there is none
    of weights. `to_input`: there is one of x. Letters in shapes: F features, U units, N rows
    (samples, or samples times timesteps), O outputs.
    """

    def __init__(
        self, architecture, weights, n_samples, timesteps, gradient=None, *, to_input=False
    ):
        self.architecture, self.table = architecture, None
        sizes, trained = zip(*_parts(architecture), strict=True)
        starts = np.cumsum(sizes[:-1])
        views, into = np.split(weights, starts), [None] * len(sizes)
        passes = [to_input] * len(sizes)  # whether a gradient goes back through a part
        if gradient is not None:
            pieces = np.split(gradient, np.maximum(starts - len(weights) + len(gradient), 0))
            into = [
                piece if trains else None for piece, trains in zip(pieces, trained, strict=True)
            ]
            passes = list(accumulate(trained, or_))
        if architecture.vocab_size is not None:
            (table, *views), (_, *into), (to_input, *passes) = views, into, passes
            self.table = table.reshape(architecture.vocab_size, architecture.embedding_dim)
        n_head, n_steps = len(architecture.dense_sizes) + 1, architecture.n_steps(timesteps)
        parts = [each[:-n_head] for each in (views, into, passes)]
        self.stack = Stack(architecture, *parts, n_steps, n_samples, to_input=to_input)
        sizes = *architecture.dense_sizes, prod(architecture.output_shape)
        functions, before = activations(architecture), passes[-n_head - 1 : -1]
        self.head = list(map(Dense, views[-n_head:], into[-n_head:], sizes, functions, before))

    def recur(self, x, states=(), generator=None):
        """Return the hidden states of the last recurrent layer, (T, n, U), or (T / s, n, U).

        x is (n, T, F), or (n, T) of token ids; masked timesteps are NaN or -1. `states` are the
        recurrent states of all layers and directions, empty for zeros; without a generator nothing
        is dropped.
        """
        batch = self.batch = read(self.architecture, self.table, x, generator)
        self.hidden = self.stack.forward(batch.x, batch.mask, states, generator)
        return self.hidden

    def forward(self, x, states=(), generator=None):
        """Return the output, (N, O); N counts timesteps first. Parameters as in `recur`."""
        architecture, hidden = self.architecture, self.recur(x, states, generator)
        if architecture.pooling != "last":
            pool, _ = POOLINGS[architecture.pooling]
            y = self.pooled = pool(hidden, self.batch.mask)
        elif architecture.return_sequences:
            y = hidden.reshape(-1, hidden.shape[2])
        else:
            y = self.stack.last()
        if architecture.n_static:
            y = np.concatenate([y, self.batch.static], axis=1)
        for dense in self.head:
            y = dense.forward(y)
        return y

    def backward(self, grad, *, of_output):
        """Write the gradient of all weights but those of an Embedding.

        `grad` (N, O) is that of the output, or else of what enters its activation. The gradient of
        the vectors of `batch.ids`, (T n, E), is returned; None without a trained Embedding.
        """
        grad_x, _ = self._through_layers(grad, of_output=of_output)
        return None if grad_x is None else vector_gradient(self.batch, grad_x)

    def input_gradient(self, grad):
        """Return the gradient of x as `recur` reads it, (n, T, F), given that of the output.

        It is zero at masked timesteps. Static features have theirs at the first timestep.
        """
        segment, n_static = self.architecture.segment, self.architecture.n_static
        grad_x, grad_static = self._through_layers(grad, of_output=True)
        grad_x = timestep_gradient(self.batch, grad_x, segment).swapaxes(0, 1)
        if not n_static:
            return grad_x
        constant = np.zeros((*grad_x.shape[:2], n_static), grad_x.dtype)
        constant[:, 0] = grad_static
        return np.concatenate([grad_x, constant], axis=2)

    def _through_layers(self, grad, *, of_output):
        """Write gradients of weights; return those of the layers' input and of static features."""
        architecture, batch, grad_static = self.architecture, self.batch, None
        for dense in reversed(self.head):
            if of_output or dense is not self.head[-1]:
                grad = dense.through_activation(grad)
            grad = dense.backward(grad)
            if grad is None:  # all before it is frozen
                return None, None
        if architecture.n_static:
            grad, grad_static = np.split(grad, [-architecture.n_static], axis=1)
        grad_last = grad_sequence = None
        if architecture.pooling != "last":
            _, back = POOLINGS[architecture.pooling]
            grad_sequence = back(self.hidden, batch.mask, self.pooled, grad)
        elif architecture.return_sequences:
            grad_sequence = grad.reshape(self.hidden.shape)
        else:
            grad_last = grad
        return self.stack.backward(grad_last, grad_sequence), grad_static


def _parts(architecture):
    """Return the size of each layer with weights, and whether it is trained, for each direction."""
    parts = []
    for layer in architecture.layers():
        directions = 2 if layer.kind.startswith("Bidirectional") else 1
        if layer.weights:
            trained = layer.name not in architecture.frozen_layers
            parts += [(layer.n_parameters // directions, trained)] * directions
    return parts


def unflatten(flat, shapes):
    """Return views of a flat vector as arrays of these shapes."""
    parts, start = [], 0
    for shape in shapes:
        stop = start + prod(shape)
        parts.append(flat[start:stop].reshape(shape))
        start = stop
    return parts
