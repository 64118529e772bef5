"""Pooling in the NumPy engine: one vector of the hidden states of all timesteps.

Letters in shapes: T timesteps, n samples, U units. Samples come last, as in the cells.
"""

import numpy as np


def counted(gone):
    """Return which timesteps count, (T, 1, n); all of them in a sample that has none.

    There the hidden states are those before the first step, and so is what is pooled.

    Parameters
    ----------
    gone : ndarray of bool of shape (T, n)
    """
    return ~(gone & ~gone.all(axis=0))[:, np.newaxis]


class Mean:
    """The mean of the timesteps that are there."""

    def forward(self, states, gone):
        """Return the pooled states (U, n).

        Parameters
        ----------
        states : ndarray of shape (T, U, n)
        gone : ndarray of bool of shape (T, n), or None
        """
        self.shape = states.shape
        if gone is None:
            self.share = states.dtype.type(1 / len(states))
            return states.sum(axis=0) * self.share
        kept = counted(gone)
        self.share = (kept / kept.sum(axis=0)).astype(states.dtype)  # (T, 1, n)
        return (states * self.share).sum(axis=0)

    def backward(self, d):
        """Return the gradient of the states, (T, U, n), for that of the pooled ones."""
        shared = d * self.share
        return shared if shared.ndim == 3 else np.broadcast_to(shared, self.shape)


class Max:
    """The largest of the timesteps that are there, unit by unit; `forward` as in Mean."""

    def forward(self, states, gone):
        self.states = states
        if gone is not None:
            self.states = np.where(counted(gone), states, states.dtype.type(-np.inf))
        self.largest = self.states.max(axis=0)
        return self.largest

    def backward(self, d):
        """Return the gradient of the states, (T, U, n); equal ones share it, as in TensorFlow."""
        winners = self.states == self.largest
        return winners * (d / winners.sum(axis=0, dtype=d.dtype))


POOLINGS = {"mean": Mean, "max": Max}
