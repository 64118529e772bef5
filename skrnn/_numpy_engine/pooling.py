"""Pooling in the NumPy engine: one vector from the hidden states of all timesteps.

Letters in shapes: T timesteps, n samples, U units. Samples come last, as in the cells.
"""

import numpy as np


def counted(mask):
    """Return which timesteps are pooled, (T, 1, n), given a mask (T, n).

    In a sample without any it is all of them: its hidden states are those before the first step.
    """
    return (mask | ~mask.any(axis=0))[:, np.newaxis]


class Mean:
    """The mean over the valid timesteps."""

    def forward(self, states, mask):
        """Return the pooled states (U, n) of states (T, U, n), given a mask (T, n) or None."""
        self.shape = states.shape
        if mask is None:
            self.share = states.dtype.type(1 / len(states))
            return states.sum(axis=0) * self.share
        pooled = counted(mask)
        self.share = (pooled / pooled.sum(axis=0)).astype(states.dtype)  # (T, 1, n)
        return (states * self.share).sum(axis=0)

    def backward(self, grad):
        """Return the gradient of the states, (T, U, n), given that of the pooled ones."""
        shared = grad * self.share
        return shared if shared.ndim == 3 else np.broadcast_to(shared, self.shape)


class Max:
    """The maximum over the valid timesteps, unit by unit; `forward` as in Mean."""

    def forward(self, states, mask):
        self.states = states
        if mask is not None:
            self.states = np.where(counted(mask), states, states.dtype.type(-np.inf))
        self.largest = self.states.max(axis=0)
        return self.largest

    def backward(self, grad):
        """Return the gradient of the states, (T, U, n); equal ones share it, as in TensorFlow."""
        winners = self.states == self.largest
        return winners * (grad / winners.sum(axis=0, dtype=grad.dtype))


POOLING_CLASSES = {"mean": Mean, "max": Max}
