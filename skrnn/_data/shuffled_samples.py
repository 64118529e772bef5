"""Samples with values shuffled among the samples in which their timestep is present."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skrnn._data.sequences import padded, step_mask
from skrnn._data.timestep_targets import objects_as_list
from skrnn._data.validation import list_of_arrays, read_array
from skrnn._utils.numeric_checks import as_array


@dataclass(frozen=True)
class ShuffledSamples:
    """X as one array, which is returned in its original form after a shuffle."""

    values: np.ndarray  # (B, T, F)
    present: np.ndarray  # (B, T)
    mask_values: list
    given: object  # X
    lengths: np.ndarray | None  # of the sequences of a list

    @classmethod
    def read(cls, X, mask_values):
        """Read any form of X; each of `mask_values` marks absent timesteps."""
        given = objects_as_list(X)
        arrays = list_of_arrays(given)
        lengths = None if arrays is None else np.array([len(array) for array in arrays])
        if arrays is not None:
            values = padded(arrays, lengths.max())
        else:
            values = read_array(given) if mask_values else as_array(given, "`X`")
        values = values[:, :, np.newaxis] if values.ndim == 2 else values
        if values.ndim != 3 or not values.size:
            raise ValueError(
                "`X` must have the shape (n_samples, timesteps, features), or (n_samples, "
                "timesteps) for one feature, or be a list of sequences, got "
                f"{type(X).__name__} of shape {np.shape(X)}. Pass X as in `predict`."
            )
        if values.dtype.kind == "b":
            values = values.astype(np.int8)
        present = np.ones(values.shape[:2], dtype=bool)
        if lengths is not None:
            present &= np.arange(values.shape[1]) < lengths[:, np.newaxis]
        for mask_value in mask_values:
            present &= step_mask(values, mask_value)
        return cls(values, present, mask_values, given, lengths)

    def shuffled(self, rows, groups):
        """Return X with the values of each group taken from the samples in its column of `rows`."""
        values, own = self.values, np.arange(len(rows))
        for group in np.flatnonzero((rows != own[:, np.newaxis]).any(axis=0)):
            sources = _among_present(rows[:, group], self.present)
            taken = np.take_along_axis(self.values, sources[:, :, np.newaxis], axis=0)
            values = np.where(groups == group, taken, values)
        for mask_value in self.mask_values:
            values = _unmasked(values, mask_value, self.present)
        if self.lengths is None:
            return _in_form(values, self.given)
        sequences = zip(values, self.lengths, self.given, strict=True)
        return [_in_form(row[:length], item) for row, length, item in sequences]


def _in_form(values, given):
    """Return values in the given shape, and as a frame if a frame was given."""
    values, columns = values.reshape(np.shape(given)), getattr(given, "columns", None)
    return values if columns is None else pd.DataFrame(values, columns=list(columns))


def _among_present(sources, present):
    """Return the source sample of each timestep: the first along `sources` that has the timestep.

    `sources` is a permutation of samples, (B,). Following it until a sample has the timestep
    permutes these samples uniformly, and keeps timesteps of one sample together if possible.
    """
    own = np.arange(len(sources))[:, np.newaxis]
    sources = np.repeat(sources[:, np.newaxis], present.shape[1], axis=1)  # (B, T)
    while True:
        found = np.take_along_axis(present, sources, axis=0)
        if found[present].all():
            return np.where(present, sources, own)
        # Continue from absent timesteps; each round doubles the number of steps.
        sources = np.where(found, sources, np.take_along_axis(sources, sources, axis=0))


def _unmasked(values, mask_value, present):
    """Return values without present timesteps that equal `mask_value` after the shuffle."""
    lost = present & ~step_mask(values, mask_value)
    if lost.any():  # use the next larger number, which is not masked
        values = values.astype(np.result_type(values, np.float32))
        tiny = np.finfo(values.dtype).tiny  # after 0 it would be subnormal, and may be read as 0
        values[lost] = np.nextafter(values[lost], np.inf) + tiny
    return values
