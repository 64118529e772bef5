"""Pooling in the NumPy engine: one vector from the hidden states of all timesteps.

Functions map states (T, n, U) and a mask (T, n) or None to the pooled ones (n, U); those backward
map these, and the gradient of the pooled ones, to that of the states. Letters in shapes:
T timesteps, n samples, U units.
"""

import numpy as np


def counted(mask):
    """Return which timesteps are pooled, (T, n, 1), given a mask (T, n).

    In a sample without any it is all of them: its hidden states are those before the first step.
    """
    return (mask | ~mask.any(axis=0))[:, :, np.newaxis]


def shares(states, mask):
    """Return the share of each timestep in the mean."""
    pooled = np.ones((len(states), 1, 1)) if mask is None else counted(mask)
    return (pooled / pooled.sum(axis=0)).astype(states.dtype)


def mean(states, mask):
    return (states * shares(states, mask)).sum(axis=0)


def mean_backward(states, mask, pooled, grad):
    return grad * shares(states, mask)


def largest(states, mask):
    if mask is not None:
        states = np.where(counted(mask), states, -np.inf)
    return states.max(axis=0)


def largest_backward(states, mask, pooled, grad):
    """Equal ones share the gradient, as in TensorFlow."""
    winners = states == pooled
    if mask is not None:
        winners &= counted(mask)
    return winners * (grad / winners.sum(axis=0, dtype=grad.dtype))


POOLINGS = {"mean": (mean, mean_backward), "max": (largest, largest_backward)}
