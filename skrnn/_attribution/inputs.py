"""Inputs: samples and baselines as a network reads them, and attributions in the form of X."""

from dataclasses import dataclass

import numpy as np

from skrnn._attribution.plain_network import plain_network
from skrnn._data.sequences import Sequences
from skrnn._data.timestep_targets import objects_as_list
from skrnn._data.validation import naming
from skrnn._network.architecture import Architecture

BLOCK_BYTES = 2**24


@dataclass(frozen=True, eq=False)
class Inputs:
    """Samples, baselines, and the float64 network that reads them, with vectors for token ids."""

    estimator: object
    sequences: Sequences
    baselines: Sequences | None  # one, or one for each sample; None: the default baselines
    architecture: Architecture
    weights: list
    table: np.ndarray | None  # of an Embedding

    @classmethod
    def read(cls, estimator, X, baseline):
        """Read X, and a `baseline` like one sample or like X."""
        sequences, baselines = estimator._read_fitted(X), None
        if baseline is not None:
            with naming("baseline"):
                baselines = estimator._read_X(_like_samples(baseline, X, sequences), reset=False)
            _check_alike(baselines, sequences)
        return cls(estimator, sequences, baselines, *plain_network(estimator))

    def parts(self):
        """Yield slices of samples that take little memory."""
        timesteps, width = self.sequences.timesteps, self.architecture.features
        at_once = max(1, BLOCK_BYTES // (8 * timesteps * width))
        for start in range(0, len(self.sequences), at_once):
            yield slice(start, min(start + at_once, len(self.sequences)))

    def ends(self, part):
        """Return the network's input for baselines and samples, (n, T, F), absent steps NaN."""
        stop = self._block(self.sequences, part)
        if self.baselines is None:
            start = np.zeros_like(stop)
            if self.table is not None:
                start[:, :, : self.table.shape[1]] = self._mean_vector()
        else:
            several = len(self.baselines) > 1
            index = part if several else np.zeros(len(stop), dtype=int)
            start = self._block(self.baselines, index)
        absent = np.isnan(stop)
        if (np.isnan(start) & ~absent).any():
            sample, step, _ = np.argwhere(np.isnan(start) & ~absent)[0]
            raise ValueError(
                "`baseline` must have all timesteps that X has, got an absent one in timestep "
                f"{step}, present in sample {part.start + sample} of X. Pass other values, "
                "or leave `baseline=None`."
            )
        start[absent] = np.nan
        return start, stop

    def _mean_vector(self):
        """Return the mean of the vectors that are read, without that of the `mask_value`."""
        masked = self.estimator._network.mask_value
        return (self.table if masked is None else np.delete(self.table, masked, axis=0)).mean(
            axis=0
        )

    def _block(self, sequences, index):
        block = sequences.block(index, self.estimator._network.scaling, "float64")
        if self.table is None:
            return block
        ids, static = (block, None) if block.ndim == 2 else (block[:, :, 0], block[:, :, 1:])
        present = ids >= 0
        vectors = self.table[np.where(present, ids, 0).astype(int)]
        vectors[~present] = np.nan
        return vectors if static is None else np.concatenate([vectors, static], axis=2)

    def by_feature(self, parts):
        """Return attributions (n, T, F) of the features of X, and those of static features."""
        n_static, features = self.sequences.n_static, self.sequences.features
        static = parts[:, 0, parts.shape[2] - n_static :]
        parts = parts[:, :, : parts.shape[2] - n_static]
        if self.table is not None:
            return parts.sum(axis=2, keepdims=True), static
        values = parts[:, :, :features].copy()
        values[:, :, list(self.sequences.flagged)] += parts[:, :, features:]  # of the flags
        return values, static

    def in_form(self, X, values, static):
        """Return attributions (n, T, F), and (n, S) of static features, in the form of X."""
        sequences, mask = self.sequences, self.sequences.mask()
        if sequences.lengths is None:
            return _with_static(sequences, values, static, mask).reshape(np.shape(X))
        found = []
        for i, (item, stop) in enumerate(zip(objects_as_list(X), sequences.lengths, strict=True)):
            shape = np.shape(item)
            length = shape[0] - sequences.n_static if sequences.flat else shape[0]
            steps = slice(stop - length, stop)  # without the padding of a segment
            placed = _with_static(sequences, values[i, steps], static[i], mask[i, steps])
            found.append(placed.reshape(shape))
        return found if sequences.is_list else np.stack(found)


def _like_samples(baseline, X, sequences):
    """Return a baseline as samples; one in the form of a sample becomes a list or array of one."""
    one_d = sequences.flat or (sequences.is_list and np.ndim(objects_as_list(X)[0]) == 1)
    try:
        is_one = np.ndim(baseline) == (1 if one_d else 2)
    except ValueError:  # sequences of unequal lengths
        is_one = False
    is_one = is_one and not (one_d and len(baseline) and np.ndim(objects_as_list(baseline)[0]))
    if not is_one:
        return baseline
    baseline = np.asarray(baseline)
    if sequences.is_list and sequences.lengths is not None:
        lengths = [len(item) for item in objects_as_list(X)]
        if len(baseline) < max(lengths):
            raise ValueError(
                f"one sample must have the {max(lengths)} timesteps of the longest sequence in X, "
                f"got {len(baseline)}. Pass a longer one, or one for each sequence."
            )
        return [baseline[:length] for length in lengths]
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        return type(X)(baseline[np.newaxis], columns=X.columns)  # fitted names are compared
    return baseline[np.newaxis]


def _check_alike(baselines, sequences):
    """Refuse baselines other than one, or one for each sample, with the same timesteps."""
    if len(baselines) not in (1, len(sequences)):
        raise ValueError(
            f"`baseline` must be one sample, or hold one for each of the {len(sequences)} samples "
            f"of X, got {len(baselines)}. Pass one sample, or as many as X has."
        )
    lengths = [part.lengths for part in (baselines, sequences) if part.lengths is not None]
    same = len(lengths) != 2 or np.array_equal(*lengths)
    if baselines.timesteps != sequences.timesteps or not same:
        raise ValueError(
            "`baseline` must have as many timesteps as X in each sample. Cut or extend it."
        )


def _with_static(sequences, values, static, mask):
    """Return attributions (..., T, F) with those of static features, (..., S), at their columns.

    A column that repeats a static feature at each timestep gets equal parts at the present ones.
    """
    if not sequences.n_static:
        return values
    columns = list(sequences.static_columns)
    if sequences.flat:
        values = values[..., 0]  # (..., T)
    else:
        n_present = np.maximum(mask.sum(axis=-1), 1)
        static = static / n_present[..., np.newaxis]
        static = static[..., np.newaxis, :] * mask[..., np.newaxis]
    n_columns = values.shape[-1] + len(columns)
    found = np.empty((*values.shape[:-1], n_columns))
    found[..., [i for i in range(n_columns) if i not in columns]] = values
    found[..., columns] = static
    return found
