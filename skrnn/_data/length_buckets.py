"""Lengths: which samples make a batch, and which timesteps a batch needs to read."""

import numpy as np

# A batch's samples come from among those of so many batches: alike in length, yet mixed.
BATCHES_AT_ONCE = 16


def bucket_by_length(order, lengths, n_batch, rng):
    """Return an order whose batches hold samples of like length, and come in a random order.

    The order is cut into runs of up to 16 batches, of which there are at least four; each run is
    sorted by length. What fills no batch stays at the end.

    Parameters
    ----------
    order : ndarray of int of shape (n_samples,)
    lengths : ndarray of int of shape (n_samples,)
    n_batch : int
        Samples in a batch.
    rng : numpy.random.Generator
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
    """Return the slice of timesteps that holds all that is present in some samples.

    It is at most half longer than it must be: a network needs buffers for each number of timesteps.

    Parameters
    ----------
    spans : ndarray of int of shape (n_samples, 2)
        Where the present timesteps of each sample begin, and end.
    timesteps : int
    """
    first, stop = spans[:, 0].min(), spans[:, 1].max()
    power = 1 << (int(stop - first) - 1).bit_length()  # of two, not below what is needed
    length = power * 3 // 4 if stop - first <= power * 3 // 4 else power
    if length >= timesteps:
        return slice(0, timesteps)
    first = min(first, timesteps - length)
    return slice(first, first + length)
