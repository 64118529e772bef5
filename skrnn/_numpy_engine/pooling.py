"""Pooling in the NumPy engine: one vector from the hidden states of all timesteps.

Functions map states (T, n, U) and a mask (T, n) or None to the pooled ones (n, U), and a function
that maps their gradient to that of the states. Letters in shapes: T timesteps, n samples, U units.
"""

import numpy as np


def mean(states, mask):
    counted = _counted(states, mask)
    shares = (counted / counted.sum(axis=0)).astype(states.dtype)
    return (states * shares).sum(axis=0), lambda grad: grad * shares


def largest(states, mask):
    counted = _counted(states, mask)
    pooled = np.where(counted, states, -np.inf).max(axis=0)

    def backward(grad):
        winners = counted & (states == pooled)  # equal ones share it, as in TensorFlow
        return winners * (grad / winners.sum(axis=0, dtype=grad.dtype))

    return pooled, backward


def _counted(states, mask):
    """Return which timesteps are pooled, (T, n, 1), or (T, 1, 1) without a mask.

    In a sample without a valid timestep all of them are: its hidden states are the initial ones.
    """
    if mask is None:
        return np.ones((len(states), 1, 1), dtype=bool)
    return (mask | ~mask.any(axis=0))[:, :, np.newaxis]


POOLINGS = {"mean": mean, "max": largest}
