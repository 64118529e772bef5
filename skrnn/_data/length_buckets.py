"""Batches of samples of similar length, and the timesteps that a batch needs."""

import numpy as np

BATCHES_AT_ONCE = 16  # sorted by length together: similar in length, but still mixed


def bucket_by_length(order, lengths, n_batch, rng):
    """Return an order whose batches hold samples of similar length, in random order.

    The order is split into at least four runs of up to 16 batches, each sorted by length. An
    incomplete batch stays at the end.
    """
    n_batches = len(order) // n_batch
    at_once = min(BATCHES_AT_ONCE, n_batches // 4)
    if at_once < 2:
        return order
    whole, rest = np.split(order, [n_batches * n_batch])
    runs = np.split(whole, range(at_once * n_batch, len(whole), at_once * n_batch))
    runs = [run[np.argsort(lengths[run], kind="stable")] for run in runs]
    batches = rng.permutation(np.concatenate(runs).reshape(n_batches, n_batch))
    return np.concatenate([batches.ravel(), rest])


def trimmed_slice(spans, timesteps):
    """Return the slice of timesteps that samples with these spans need.

    Its length is rounded up, by at most a half: a network has buffers for each length.
    """
    first, stop = spans[:, 0].min(), spans[:, 1].max()
    power = 1 << (int(stop - first) - 1).bit_length()  # of two, not below what is needed
    length = power * 3 // 4 if stop - first <= power * 3 // 4 else power
    if length >= timesteps:
        return slice(0, timesteps)
    first = min(first, timesteps - length)
    return slice(first, first + length)
