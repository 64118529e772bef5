"""Samples: what one training or validation run reads, gathered in blocks on demand."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skrnn._scaling import Scaling
from skrnn._sequences import Sequences


@dataclass(frozen=True, eq=False)
class Samples:
    """Sequences, encoded targets and weights, row by row.

    Parameters
    ----------
    sequences : Sequences
    targets : ndarray of shape (n_samples, ...)
        As the loss wants them.
    weights : ndarray of shape (n_samples,) or (n_samples, timesteps)
    scaling : Scaling
        Applied to the sequences as they are gathered; the targets are standardized already.
    dtype : str
    positions : ndarray of int of shape (n_chosen,) or None
        Which samples belong to this run; None: all of them.
    """

    sequences: Sequences
    targets: np.ndarray
    weights: np.ndarray
    scaling: Scaling
    dtype: str
    positions: np.ndarray | None = None

    def __len__(self):
        return len(self.sequences) if self.positions is None else len(self.positions)

    @property
    def sample_bytes(self):
        """Bytes of one gathered sample."""
        itemsize = np.dtype(self.dtype).itemsize
        return self.sequences.timesteps * self.sequences.features * itemsize

    @cached_property
    def spans(self):
        """`Sequences.spans` of the samples of this run."""
        spans = self.sequences.spans(by_timestep=self.weights.ndim == 2)
        return spans if spans is None or self.positions is None else spans[self.positions]

    @property
    def of_unequal_lengths(self):
        """Whether they were a list of such sequences, and not an array padded to one length."""
        return self.sequences.lengths is not None and self.spans is not None

    def block(self, order):
        """Return copies of X, targets and weights at the given positions of this run."""
        index = order if self.positions is None else self.positions[order]
        return (
            self.sequences.block(index, self.scaling, self.dtype),
            self.targets[index],
            self.weights[index].astype(self.dtype),
        )


def counted_positions(weights, chosen=None):
    """Return where samples of positive weight stand, or None for all of them.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,) or (n_samples, timesteps)
    chosen : ndarray of int or None
        Positions to look among; None: all.
    """
    counted = weights > 0 if weights.ndim == 1 else (weights > 0).any(axis=1)
    if chosen is not None:
        return chosen[counted[chosen]]
    return None if counted.all() else np.flatnonzero(counted)
