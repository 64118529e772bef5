"""Samples: the data of one training or validation run, gathered in blocks on demand."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skrnn._data.scaling import Scaling
from skrnn._data.sequences import Sequences
from skrnn._data.targets import Targets

PIECE_BYTES = 2**26


@dataclass(frozen=True, eq=False)
class Dataset:
    """Checked X, y and weights, and the samples of a run."""

    sequences: Sequences
    targets: Targets
    weights: np.ndarray  # (n_samples,) or (n_samples, timesteps)
    positions: np.ndarray | None  # None: all samples
    groups: np.ndarray | None = None  # of each sample, for a splitter

    def __len__(self):
        return len(self.sequences) if self.positions is None else len(self.positions)

    def weight_and_count(self):
        """Return the total weight and the number of the samples of this run.

        If each timestep has a weight, it is the number of present timesteps.
        """
        index = slice(None) if self.positions is None else self.positions
        count = self.sequences.mask(index).sum() if self.weights.ndim == 2 else len(self)
        return self.weights[index].sum(dtype=np.float64), count

    def divided(self, weight):
        """Return a Dataset with all weights divided by `weight`."""
        return self if weight == 1 else replace(self, weights=self.weights / weight)

    def pieces(self, n_multiple=1):
        """Yield the Sequences of this run in pieces of bounded size, and their positions.

        All pieces except the last have a multiple of `n_multiple` samples. Contiguous samples are
        yielded as one view.
        """
        positions, sequences = self.positions, self.sequences
        if positions is None:
            positions = np.arange(len(sequences))
        if len(positions) == positions[-1] - positions[0] + 1:
            positions = slice(positions[0], positions[-1] + 1)
            yield sequences.part(positions), positions
            return
        at_once = max(1, PIECE_BYTES // max(1, sequences.values[:1].nbytes) // n_multiple)
        for start in range(0, len(positions), at_once * n_multiple):
            index = positions[start : start + at_once * n_multiple]
            yield sequences.part(index), index

    def arrays(self):
        """Return the arrays that the caller passed."""
        static = [self.sequences.static] if self.sequences.n_static else []
        groups = [] if self.groups is None else [self.groups]
        return [self.sequences.values, *static, self.targets.values, self.weights, *groups]

    def samples(self, network):
        """Return the Samples that an engine reads, standardized by a FittedNetwork."""
        scaling, dtype = network.scaling, network.architecture.variable_dtype
        values = scaling.standardize_y(self.targets.values, dtype)
        return Samples(self.sequences, values, self.weights, scaling, dtype, self.positions)


@dataclass(frozen=True, eq=False)
class Samples:
    """Sequences, encoded targets and weights, row by row."""

    sequences: Sequences
    targets: np.ndarray  # in the form of the loss, standardized
    weights: np.ndarray  # (n_samples,) or (n_samples, timesteps)
    scaling: Scaling  # applied to the sequences as they are gathered
    dtype: str
    positions: np.ndarray | None = None  # the samples of this run; None: all

    def __len__(self):
        return len(self.sequences) if self.positions is None else len(self.positions)

    @property
    def sample_bytes(self):
        """Number of bytes of one gathered sample."""
        itemsize = np.dtype(self.dtype).itemsize
        sequences = self.sequences
        features = sequences.features + len(sequences.flagged) + sequences.n_static
        return sequences.timesteps * features * itemsize

    @cached_property
    def spans(self):
        """`Sequences.spans` of the samples of this run."""
        spans = self.sequences.spans(by_timestep=self.weights.ndim == 2)
        return spans if spans is None or self.positions is None else spans[self.positions]

    @property
    def equally_weighted(self):
        """Whether no weights were given."""
        return self.weights.strides == (0,)

    def shuffle(self, order, rng):
        """Shuffle `order`, the order of the samples in an epoch, in place."""
        rng.shuffle(order)

    def block(self, order):
        """Return copies of X, targets and weights at the given positions of this run."""
        index = order if self.positions is None else self.positions[order]
        return (
            self.sequences.block(index, self.scaling, self.dtype),
            self.targets[index],
            self.weights[index].astype(self.dtype),
        )
