"""The input of the first recurrent layer for a batch, and the gradient of each timestep.

Letters in shapes: T timesteps, n samples, F features, s timesteps of a segment.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skrnn._numpy_engine.dropout import drawn


class Batch(NamedTuple):
    """A batch as it is read; None where it has nothing of the kind."""

    x: np.ndarray  # (T, n, F), or segments, (T / s, n, s F)
    mask: np.ndarray | None  # which steps there are, (T, n) or (T / s, n)
    ids: np.ndarray | None  # of tokens, (T, n)
    static: np.ndarray | None
    backward: Callable  # gradient of x -> gradient of what each timestep holds, (T, n, F)


def read(architecture, table, x, generator):
    """Return the Batch for x (n, T, F), or token ids (n, T); absent timesteps are NaN or -1."""
    tokens, n_static, segment = table is not None, architecture.n_static, architecture.segment
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
        factors = drawn(generator, x.shape[1:], architecture.spatial_dropout, x.dtype)
        x = x * factors

    def backward(grad):
        grad = grad if segment == 1 else _as_timesteps(grad, segment)
        if present is not None:
            grad = np.where(present[:, :, np.newaxis], grad, 0)
        return grad if factors is None else grad * factors

    mask = present
    if segment > 1:
        x = _as_segments(x, segment)
        mask = None if mask is None else _as_segments(mask[:, :, np.newaxis], segment).any(axis=2)
    return Batch(x, mask, ids, static, backward)


def _as_segments(x, segment):
    """Return the timesteps (T, n, F) of each segment side by side, (T / s, n, s F)."""
    timesteps, n_samples, _ = x.shape
    x = x.reshape(timesteps // segment, segment, n_samples, -1).swapaxes(1, 2)
    return x.reshape(timesteps // segment, n_samples, -1)


def _as_timesteps(x, segment):
    """Return segments (T / s, n, s F) as timesteps, (T, n, F)."""
    n_steps, n_samples, _ = x.shape
    x = x.reshape(n_steps, n_samples, segment, -1).swapaxes(1, 2)
    return x.reshape(n_steps * segment, n_samples, -1)
