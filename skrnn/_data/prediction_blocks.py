"""Predictions block by block, so that they need little memory."""

import numpy as np

from skrnn._data.sequences import padded, trimmed_slice


def predict_blocks(
    compute, architecture, sequences, scaling, at_once, states, *, by_timestep, pool=None
):
    """Return the arrays of a prediction, and the recurrent states after it.

    `compute` (X, states) -> the arrays of at most `at_once` samples, and the states after them. A
    `pool` of threads computes blocks at the same time; None: each block has the states of the one
    before. With `by_timestep` the first array has a value for each timestep.
    """
    indices, steps = _blocks(sequences, architecture.segment, at_once, by_timestep)

    def block(index, steps, states=()):
        X = sequences.block(index, scaling, architecture.dtype, steps)
        arrays, states = compute(X, states)
        if by_timestep and X.shape[1] < sequences.timesteps:
            arrays[0] = padded(arrays[0], architecture.n_steps(sequences.timesteps))
        return arrays, states

    if pool is not None:
        blocks = [arrays for arrays, _ in pool.map(block, indices, steps)]
    else:
        blocks = []
        for index, read in zip(indices, steps, strict=True):
            arrays, states = block(index, read, states)
            blocks.append(arrays)
    return [_in_order(parts, indices) for parts in zip(*blocks, strict=True)], states


def _blocks(sequences, segment, at_once, by_timestep):
    """Return the samples of each block of a prediction, and the timesteps that they need.

    Samples of unequal lengths are sorted by length, so that short ones stay among themselves.
    """
    starts = range(0, len(sequences), at_once)
    spans = sequences.spans(by_timestep)
    if spans is None:
        return [slice(start, start + at_once) for start in starts], [slice(None)] * len(starts)
    order = np.argsort(spans[:, 1] - spans[:, 0], kind="stable")
    indices = [order[start : start + at_once] for start in starts]
    timesteps = sequences.timesteps
    return indices, [trimmed_slice(spans[index], timesteps, segment) for index in indices]


def _in_order(parts, indices):
    """Return the parts of a prediction as one array, in the order of the samples."""
    if isinstance(indices[0], slice):
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    array = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    for index, part in zip(indices, parts, strict=True):
        array[index] = part
    return array
