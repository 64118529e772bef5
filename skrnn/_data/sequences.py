"""Sequences: validated X, held as a view of what the caller passed and read block by block."""

from dataclasses import dataclass

import numpy as np

ROWS_AT_ONCE = 65536


@dataclass(frozen=True)
class Sequences:
    """Samples as a network reads them, without a copy of the caller's array where strides allow.

    Parameters
    ----------
    values : ndarray of shape (n_samples, timesteps, features), or (n_samples, timesteps)
        Numbers, or token ids. Lists of sequences are padded at the end with NaN, or with -1.
    lengths : ndarray of shape (n_samples,) or None
        The true lengths of a padded list; None for an array.
    mask_value : int, float or None
        The value whose timesteps are skipped, as the user gave it.
    flat : bool
        Whether X was an array of shape (n_samples, timesteps), its columns the timesteps.
    listed : bool
        Whether X was a list. Where all of it has one length it is held as an array, without
        `lengths`, but what belongs to its timesteps may still be padded further.
    """

    values: np.ndarray
    lengths: np.ndarray | None = None
    mask_value: float | int | None = None
    flat: bool = False
    listed: bool = False

    def __len__(self):
        return len(self.values)

    @property
    def tokens(self):
        return self.values.ndim == 2

    @property
    def timesteps(self):
        return self.values.shape[1]

    @property
    def features(self):
        return 1 if self.tokens else self.values.shape[2]

    @property
    def masked(self):
        return self.lengths is not None or self.mask_value is not None

    @property
    def vocab_size(self):
        """One more than the largest token id; padding and what is out of vocabulary have one."""
        return max(int(self.values.max()) + 1, 2)

    def present(self, index=slice(None)):
        """Return a boolean (n_samples, timesteps) array, True where a timestep is to be read."""
        values = self.values[index]
        if not self.masked:
            return np.ones(values.shape[:2], dtype=bool)
        return ~(absent_tokens if self.tokens else absent_steps)(values, self.mask_value)

    def ends_in_padding(self):
        """Whether each sample begins with a timestep, and none is missing but at its end."""
        at_once = max(1, ROWS_AT_ONCE // self.timesteps)
        for start in range(0, len(self), at_once):
            present = self.present(slice(start, start + at_once))
            if not present[:, 0].all() or (present[:, 1:] > present[:, :-1]).any():
                return False
        return True

    def spans(self, by_timestep):
        """Return which timesteps of each sample need to be read, or None for all.

        Parameters
        ----------
        by_timestep : bool
            Whether each timestep has an output; then only what pads a list can be left out.

        Returns
        -------
        ndarray of int32 of shape (n_samples, 2), or None
            Where they begin, and end.
        """
        if not self.masked or (by_timestep and self.lengths is None):
            return None
        spans = np.zeros((len(self), 2), np.int32)
        if by_timestep:
            spans[:, 1] = self.lengths
        else:
            at_once = max(1, ROWS_AT_ONCE // self.timesteps)
            for start in range(0, len(self), at_once):
                index = slice(start, start + at_once)
                present = self.present(index)
                spans[index, 0] = present.argmax(axis=1)
                spans[index, 1] = self.timesteps - present[:, ::-1].argmax(axis=1)
                spans[index][~present.any(axis=1)] = 0, 1
        return None if (spans == (0, self.timesteps)).all() else spans

    def block(self, index, scaling, dtype, steps=slice(None)):
        """Return samples and timesteps, standardized, absent steps as NaN or -1, in one array."""
        values = self.values[index, steps]
        if self.tokens:
            gone = absent_tokens(values, self.mask_value) if self.masked else False
            return np.where(gone, -1, values).astype(np.int32)
        block = scaling.standardize_x(values).astype(dtype)
        if self.masked:
            block[absent_steps(values, self.mask_value)] = np.nan
        return block


def absent_steps(values, mask_value):
    """Return True for each timestep whose features are all NaN, or all equal to `mask_value`."""
    if values.dtype.kind in "iu":
        return (values == mask_value).all(axis=-1)
    gone = np.isnan(values).all(axis=-1)
    if mask_value is None or np.isnan(mask_value):
        return gone
    with np.errstate(over="ignore"):  # beyond the range of a small dtype no value is equal
        mask_value = values.dtype.type(mask_value)
    return gone | (values == mask_value).all(axis=-1)


def absent_tokens(ids, mask_value):
    """Return True for each id that is padding, -1, or equal to `mask_value`."""
    return (ids == -1) if mask_value is None else (ids == -1) | (ids == mask_value)


def padded(items, timesteps):
    """Return arrays of unequal lengths as one, padded with zeros at the end of each."""
    full = np.zeros((len(items), timesteps, *items[0].shape[1:]), dtype=np.result_type(*items))
    for row, item in zip(full, items, strict=True):
        row[: len(item)] = item
    return full


def unpadded(array, lengths):
    """Return a 1-D object array of the items cut to their lengths; lengths None: the array."""
    if lengths is None:
        return array
    return as_objects([item[:length] for item, length in zip(array, lengths, strict=True)])


def as_objects(items):
    """Return arrays as a 1-D object array, also where their shapes are equal."""
    objects = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        objects[i] = item
    return objects


def underlying_rows(values):
    """Return the rows below an array of windows, and how many rows one window starts after another.

    Window i is `rows[i * step : i * step + timesteps]`. For overlapping windows the rows are a
    view of their one buffer, so that a look at every row costs no copy of every window.

    Parameters
    ----------
    values : ndarray of shape (n_samples, timesteps, features)

    Returns
    -------
    rows : ndarray of shape (n_rows, features)
    step : int
    """
    n_samples, timesteps, features = values.shape
    if timesteps == 1:
        return values[:, 0], 1
    sample_stride, row_stride, feature_stride = values.strides
    step, rest = divmod(sample_stride, row_stride) if row_stride > 0 else (0, 0)
    if n_samples == 1:
        step, rest = timesteps, 0
    if rest or not 0 < step <= timesteps:
        return values.reshape(n_samples * timesteps, features), timesteps
    rows = np.lib.stride_tricks.as_strided(
        values,
        shape=((n_samples - 1) * step + timesteps, features),
        strides=(row_stride, feature_stride),
        writeable=False,
    )
    return rows, step


def binary_unit(size):
    """Return the power of two at or below a magnitude, or an array of them.

    What is divided by it keeps every digit, and can be squared and summed.
    """
    return np.ldexp(1.0, np.maximum(np.frexp(size)[1] - 1, -1022))


def moments(sequences, weights):
    """Return what all timesteps weigh, and each feature's weighted mean and deviation over them.

    Only those that are present count. A row that stands in several windows counts once in each.

    Parameters
    ----------
    sequences : Sequences
        Numbers, not token ids.
    weights : ndarray of shape (n_samples,) or (n_samples, timesteps)
        Zero for what is to be left out.

    Returns
    -------
    weight : float
    mean, deviation : ndarray of shape (features,)
    """
    rows, step = underlying_rows(sequences.values)
    if weights.ndim == 2 and step != sequences.timesteps:
        rows, step = underlying_rows(np.ascontiguousarray(sequences.values))

    def weighted_mean(function):
        total, weight = np.zeros(sequences.features), 0.0
        for block, count in _counted_rows(rows, step, sequences, weights):
            total += count @ function(block)
            weight += count.sum()
        return weight, total / weight if weight else total

    _, size = weighted_mean(lambda block: np.abs(block) * 2.0**-64)  # its sum cannot overflow
    unit = binary_unit(size)
    weight, mean = weighted_mean(lambda block: block / unit)
    _, variance = weighted_mean(lambda block: (block / unit - mean) ** 2)
    return weight, mean * unit, np.sqrt(variance) * unit


def _counted_rows(rows, step, sequences, weights):
    """Yield blocks of rows in float64, each with the weight of the windows that hold a row."""
    timesteps = sequences.timesteps
    samples_at_once = max(1, ROWS_AT_ONCE // step)
    for start in range(0, len(sequences), samples_at_once):
        weight = weights[start : start + samples_at_once]
        block = rows[start * step : (start + len(weight) - 1) * step + timesteps]
        if step == timesteps:
            count = weight.ravel() if weight.ndim == 2 else np.repeat(weight, timesteps)
            count = count.astype(np.float64)
        else:
            change = np.zeros(len(block) + 1)
            starts = np.arange(len(weight)) * step
            change[starts] += weight
            change[starts + timesteps] -= weight
            count = np.maximum(np.cumsum(change)[:-1], 0.0)
        if sequences.masked:
            count = np.where(absent_steps(block, sequences.mask_value), 0.0, count)
        left_out = count == 0
        if left_out.any():  # NaN and what is too large to square count for nothing
            block = np.where(left_out[:, np.newaxis], 0.0, block)
        yield block.astype(np.float64), count


def merged_moments(parts):
    """Return the mean and deviation of all that the `moments` of some parts tell of.

    The deviation of what is constant is given as 1. Sums of squares are joined as by Chan, Golub
    and LeVeque (1983), doi:10.1080/00031305.1983.10483115.

    Parameters
    ----------
    parts : list of (weight, mean, deviation)

    Returns
    -------
    mean, deviation : ndarray of shape (features,)
    """
    weights, means, deviations = map(np.array, zip(*parts, strict=True))
    if len(parts) == 1:
        [mean], [deviation] = means, deviations
    else:
        shares = weights / weights.sum() if weights.any() else weights
        unit = binary_unit(np.maximum(np.abs(means), deviations).max(axis=0))
        mean = shares @ (means / unit)
        variance = shares @ ((deviations / unit) ** 2 + (means / unit - mean) ** 2)
        mean, deviation = mean * unit, np.sqrt(variance) * unit
    # A sum of equal numbers is exact only to rounding, which must not pass for a spread.
    rounding = 10 * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(deviation > rounding, deviation, 1.0)
