"""What the first recurrent layer reads of a batch, and the gradient of an Embedding's vectors.

Letters in shapes: T timesteps, n samples, F features, s timesteps of a segment.
"""

from typing import NamedTuple

import numpy as np

from skrnn._numpy_engine.dropout import drawn


class Batch(NamedTuple):
    """A batch as it is read; None where it has nothing of the kind."""

    x: np.ndarray  # (T, n, F), or segments, (T / s, n, s F)
    mask: np.ndarray | None  # which steps there are, (T, n) or (T / s, n)
    present: np.ndarray | None  # which timesteps there are, (T, n)
    ids: np.ndarray | None  # of tokens, (T, n)
    static: np.ndarray | None
    factors: np.ndarray | None  # of spatial dropout, (n, F)


def read(architecture, table, x, generator):
    """Return the Batch for x (n, T, F), or token ids (n, T); absent timesteps are NaN or -1."""
    tokens, n_static = table is not None, architecture.n_static
    static = present = ids = factors = None
    if n_static:
        static, x = x[:, 0, -n_static:], x[:, :, :-n_static]
        if tokens:
            x = np.where(np.isnan(x), -1, x)[:, :, 0].astype(np.int32)
    x = x.swapaxes(0, 1)
    if architecture.masked:
        present = x >= 0 if tokens else ~np.isnan(x[:, :, 0])
    if tokens:
        ids = x if present is None else np.maximum(x, 0)
        x = table.take(ids, axis=0)
    if present is not None:
        x = np.where(present[:, :, np.newaxis], x, 0)
    if generator is not None and architecture.spatial_dropout:
        shape = x.shape[1:]
        factors = drawn(generator, shape, architecture.spatial_dropout, x.dtype)
        x = x * factors
    mask, segment = present, architecture.segment
    if segment > 1:
        timesteps, n_samples, _ = x.shape
        x = x.reshape(timesteps // segment, segment, n_samples, -1).swapaxes(1, 2)
        x = x.reshape(timesteps // segment, n_samples, -1)
        mask = None if mask is None else mask.reshape(-1, segment, n_samples).any(axis=1)
    return Batch(x, mask, present, ids, static, factors)


def timestep_gradient(batch, grad, segment):
    """Return the gradient of what each timestep holds, (T, n, F), given that of x."""
    n_steps, n_samples, _ = grad.shape
    grad = grad.reshape(n_steps, n_samples, segment, -1).swapaxes(1, 2)
    grad = grad.reshape(n_steps * segment, n_samples, -1)
    if batch.present is not None:
        grad = np.where(batch.present[:, :, np.newaxis], grad, 0)
    return grad if batch.factors is None else grad * batch.factors


def vector_gradient(batch, grad):
    """Return the gradient of each position's vector, (T n, E), given that of x."""
    grad = timestep_gradient(batch, grad, len(batch.ids) // len(grad))
    return grad.reshape(batch.ids.size, -1)
