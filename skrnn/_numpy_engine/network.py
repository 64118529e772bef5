"""A network of the NumPy engine: an Architecture's layers over one flat vector of weights."""

from functools import partial
from itertools import pairwise
from math import prod

import numpy as np

from skrnn._numpy_engine.layers import Dense, DenseOfQuantiles, Stack
from skrnn._numpy_engine.pooling import POOLING_CLASSES
from skrnn._numpy_engine.tokens import Tokens

# A token is projected once if its vector is so long, and the tokens of a batch are so few.
LONG_VECTORS, MOST_DISTINCT = 48, 0.5


class Network:
    """All layers, with buffers for n samples of T timesteps.

    `weights` is every weight array in Keras's order, flat. `gradient` takes that of the trained
    weights, which are the last ones; without it the network only predicts. `catch_up` is called
    with the rows of a trained Embedding before they are read. With `projects_tokens` the first
    layer projects each distinct token of a batch once.
    """

    def __init__(
        self,
        architecture,
        weights,
        n_samples,
        timesteps,
        gradient=None,
        catch_up=None,
        projects_tokens=False,
    ):
        self.architecture, self.n_samples, self.weights = architecture, n_samples, weights
        self.tokens = architecture.vocab_size is not None
        self.trains_table = architecture.trains_embedding
        starts = _layer_starts(architecture)
        views = np.split(weights, starts)
        into = [None] * len(views)
        if gradient is not None:  # of a fixed Embedding it has nothing
            into = np.split(gradient, starts - len(weights) + len(gradient))
        if self.tokens:
            (table, *views), (_, *into) = views, into
            self.table = table.reshape(architecture.vocab_size, architecture.embedding_dim)
        self.n_steps = architecture.n_steps(timesteps)
        self.catch_up, self.batch_tokens = catch_up, None
        self.projects_tokens = projects_tokens
        if gradient is not None and self.trains_table:
            self.batch_tokens = Tokens(n_samples * timesteps, weights.dtype)
        n_head = len(architecture.dense_sizes) + 1
        keep_activations = gradient is not None or architecture.masked
        self.stack = Stack(
            *(architecture, views[:-n_head], into[:-n_head], self.n_steps, n_samples),
            keep_activations,
            of_tokens=projects_tokens,
        )
        pooled = architecture.pooling != "last"
        self.pool = POOLING_CLASSES[architecture.pooling]() if pooled else None
        self.n_rows = n_samples * (timesteps if architecture.return_sequences else 1)
        self.n_static, self.static = architecture.n_static, None
        self.head = self._make_head(views[-n_head:], into[-n_head:])

    def _make_head(self, views, into):
        """Return the Dense layers, the last of which is the output, given their weights."""
        architecture = self.architecture
        n_dense = len(architecture.dense_sizes)
        widths = (
            architecture.hidden_width + self.n_static,
            *architecture.dense_sizes,
            prod(architecture.output_shape),
        )
        activations = [architecture.dense_activation] * n_dense
        activations.append(architecture.output_activation)
        kinds = [Dense] * (n_dense + 1)
        if architecture.quantiles:
            kinds[-1] = partial(DenseOfQuantiles, quantiles=architecture.quantiles)
        return [
            kind(view, target, (self.n_rows, *sizes), activation)
            for kind, view, target, sizes, activation in zip(
                kinds, views, into, pairwise(widths), activations, strict=True
            )
        ]

    @property
    def size(self):
        """About how many numbers it holds: weights, and the gates of all steps."""
        per_step = self.architecture.gate_width
        return len(self.weights) + self.n_samples * self.n_steps * per_step

    def recur(self, x, recurrent_states=(), generator=None):
        """Return the hidden states of the last recurrent layer, (T, n, U), or (T / s, n, U).

        x is (n, T, F), or (n, T) of token ids; masked timesteps are NaN or -1. Empty
        `recurrent_states` are zeros; without a generator nothing is dropped.
        """
        architecture, mask = self.architecture, None
        if self.n_static:
            x = self._without_static(x)
        x = x.swapaxes(0, 1)  # (T, n, [F])
        if architecture.masked:
            mask = x >= 0 if self.tokens else ~np.isnan(x[:, :, 0])
            x = np.maximum(x, 0) if self.tokens else np.where(mask[:, :, np.newaxis], x, 0)
        if self.tokens:
            x = self._vectors(x)
        dropout_masks = self.feature_mask = None
        if generator is not None and architecture.spatial_dropout:
            shape = self.n_samples, architecture.timestep_width
            self.feature_mask = self._dropout_mask(generator, shape, architecture.spatial_dropout)
            x = x * self.feature_mask
        self.mask = mask
        if architecture.segment > 1:
            x, mask = self._in_segments(x, mask)
        if generator is not None and (architecture.dropout or architecture.recurrent_dropout):
            dropout_masks = self._dropout_masks(generator)
        return self.stack.forward(x, mask, recurrent_states, dropout_masks)

    def forward(self, x, recurrent_states=(), generator=None):
        """Return the output, (N, O); N counts timesteps first. Parameters as in `recur`."""
        states = self.recur(x, recurrent_states, generator)
        if self.pool is not None:
            y = self.pool.forward(states.swapaxes(1, 2), self.stack.mask).T
        elif self.architecture.return_sequences:
            y = states.reshape(self.n_rows, -1)
        else:
            y = self.stack.last()
        if self.n_static:
            y = np.concatenate([y, self.static], axis=1)
        for dense in self.head:
            y = dense.forward(y)
        return y

    def backward(self, grad):
        """Write the gradient of all weights but those of an Embedding.

        `grad` (N, O) is with respect to the input of the output layer's activation. The gradient of
        an Embedding is returned for each position of `batch_tokens`, or None without it.
        """
        *inner, last = self.head
        grad = last.backward(grad)
        for dense in reversed(inner):
            grad = dense.backward(dense.through_activation(grad))
        if self.n_static:
            grad = np.ascontiguousarray(grad[:, : -self.n_static])
        if self.pool is not None:
            grad_last, grad_sequence = None, self.pool.backward(grad.T).swapaxes(1, 2)
        elif self.architecture.return_sequences:
            grad_last, grad_sequence = None, grad.reshape(-1, self.n_samples, grad.shape[1])
        else:
            grad_last, grad_sequence = grad, None
        grad_x = self.stack.backward(grad_last, grad_sequence, to_input=self.trains_table)
        if not self.trains_table:
            return None
        if self.architecture.segment > 1:
            grad_x = self._in_timesteps(grad_x)
        if self.feature_mask is not None:
            grad_x = grad_x * self.feature_mask
        return grad_x.reshape(-1, grad_x.shape[-1])

    def _vectors(self, ids):
        """Return the vectors of ids (T, n), (T, n, E), or the Tokens."""
        tokens = self.batch_tokens
        if tokens is not None:
            self.catch_up(tokens.read(ids))
        if not self.projects_tokens:
            return self.table.take(ids, axis=0)
        tokens.vectors = self.table[tokens.distinct]
        return tokens

    def _without_static(self, x):
        """Return x without its static features, which are kept, and token ids as integers."""
        self.static, x = x[:, 0, -self.n_static :], x[:, :, : -self.n_static]
        if not self.tokens:
            return x
        return np.where(np.isnan(x), -1, x)[:, :, 0].astype(np.int32)

    def _in_segments(self, x, mask):
        """Return x (T, n, F) as (T / s, n, s F), and which segments have a timestep, (T / s, n)."""
        segment, n_samples = self.architecture.segment, self.n_samples
        if mask is not None:
            if self.tokens:  # absent ones have been read as the id 0
                x = np.where(mask[:, :, np.newaxis], x, 0)
            mask = mask.reshape(-1, segment, n_samples).any(axis=1)
        x = x.reshape(self.n_steps, segment, n_samples, -1).swapaxes(1, 2)
        return x.reshape(self.n_steps, n_samples, -1), mask

    def _in_timesteps(self, grad_x):
        """Return the gradient of segments as that of timesteps, (T, n, F)."""
        segment, n_samples = self.architecture.segment, self.n_samples
        grad_x = grad_x.reshape(self.n_steps, n_samples, segment, -1).swapaxes(1, 2)
        grad_x = grad_x.reshape(self.n_steps * segment, n_samples, -1)
        return grad_x if self.mask is None else np.where(self.mask[:, :, np.newaxis], grad_x, 0)

    def _dropout_mask(self, generator, shape, rate):
        """Return factors: zeros where dropout leaves out, else 1 / (1 - rate)."""
        drawn = generator.random(shape) < 1 - rate
        return (drawn / (1 - rate)).astype(self.architecture.dtype)

    def _dropout_masks(self, generator):
        """Yield the dropout mask of each layer and direction, as `Recurrent.forward` takes it."""
        architecture, n_samples = self.architecture, self.n_samples
        draw = partial(self._dropout_mask, generator)
        for direction in (direction for layer in self.stack.layers for direction in layer):
            cell = direction.cell
            if not architecture.recurrent_dropout:
                yield draw((n_samples, cell.features), architecture.dropout)
                continue
            of_input = draw((cell.gates, n_samples, cell.features), architecture.dropout)
            of_state = draw((cell.gates, n_samples, cell.units), architecture.recurrent_dropout)
            n_constants = len(cell.matrix) - cell.features - cell.units
            of_constants = np.ones((cell.gates, n_samples, n_constants), architecture.dtype)
            yield np.concatenate([of_input, of_state, of_constants], axis=2)  # (gates, n, K)


def repeats_tokens(architecture, X):
    """Whether to project each distinct token of batches like X once: few tokens, long vectors."""
    if architecture.drops or architecture.n_static or architecture.segment > 1:
        return False
    long_enough = architecture.trains_embedding and architecture.embedding_dim >= LONG_VECTORS
    return long_enough and MOST_DISTINCT * X.size >= len(np.unique(X))


def _layer_starts(architecture):
    """Return where the weights of each layer but the first begin; directions count as layers."""
    sizes = []
    for layer in architecture.layers():
        directions = 2 if layer.kind.startswith("Bidirectional") else 1
        if layer.weights:
            sizes += [layer.n_parameters // directions] * directions
    return np.cumsum(sizes[:-1])


def unflatten(flat, shapes):
    """Return views of a flat vector as arrays of these shapes."""
    parts, start = [], 0
    for shape in shapes:
        stop = start + prod(shape)
        parts.append(flat[start:stop].reshape(shape))
        start = stop
    return parts
