"""Sequences: validated X, as a view of the caller's array that is read block by block."""

from dataclasses import dataclass, replace

import numpy as np

ROWS_AT_ONCE = 65536


@dataclass(frozen=True)
class Sequences:
    """Samples in the form that a network reads, without a copy of the caller's array if possible.

    `values` has the shape (n_samples, timesteps, features), or (n_samples, timesteps) for token
    ids. Lists of sequences are padded at the end with NaN, or with -1. A list of equal lengths is
    stored as an array, without `lengths`; its targets and weights may still be padded further.
    `static` holds the features that are constant in time, and `static_columns` their positions in
    X. With `fills_missing`, NaN is a missing feature, except in absent timesteps. The features
    `flagged` get a flag in blocks: 1 where they are missing.
    """

    values: np.ndarray
    lengths: np.ndarray | None = None  # the true lengths of a padded list
    mask_value: float | int | None = None
    flat: bool = False  # whether X was (n_samples, timesteps)
    is_list: bool = False  # whether X was a list
    static: np.ndarray | None = None  # (n_samples, static features)
    static_columns: tuple = ()
    fills_missing: bool = False
    flagged: tuple = ()

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
    def n_static(self):
        return len(self.static_columns)

    @property
    def absent(self):
        """Value of masked timesteps in a block: NaN, or -1 if there are only token ids."""
        return -1 if self.tokens and not self.n_static else np.nan

    @property
    def masked(self):
        return self.lengths is not None or self.mask_value is not None

    @property
    def vocab_size(self):
        """One more than the largest token id, but at least 2, for padding and out of vocabulary."""
        return max(int(self.values.max()) + 1, 2)

    def part(self, index):
        """Return the samples at an index."""
        lengths = None if self.lengths is None else self.lengths[index]
        static = self.static[index] if self.n_static else None
        return replace(self, values=self.values[index], lengths=lengths, static=static)

    def mask(self, index=slice(None)):
        """Return a boolean (n_samples, timesteps) array, True where a timestep is valid."""
        values = self.values[index]
        if not self.masked:
            return np.ones(values.shape[:2], dtype=bool)
        return (token_mask if self.tokens else step_mask)(values, self.mask_value)

    def padded_to(self, segment):
        """Return sequences of any length, each padded in front to a multiple of `segment`."""
        lengths = self.lengths
        if lengths is None:
            lengths = np.full(len(self), self.timesteps)
        n_front = -lengths % segment
        if not n_front.any():
            return self
        positions = np.arange((lengths + n_front).max()) - n_front[:, np.newaxis]  # (B, T)
        inside = (positions >= 0) & (positions < lengths[:, np.newaxis])
        rows = np.arange(len(self))[:, np.newaxis]
        values = self.values[rows, np.where(inside, positions, 0)]
        if not self.tokens:
            values = values.astype(np.result_type(values, np.float32))
        values[~inside] = -1 if self.tokens else np.nan
        return replace(self, values=values, lengths=lengths + n_front)

    def ends_in_padding(self, segment=1):
        """Whether each sample starts with a valid segment and is masked only at its end."""
        at_once = max(1, ROWS_AT_ONCE // self.timesteps)
        for start in range(0, len(self), at_once):
            mask = self.mask(slice(start, start + at_once))
            mask = mask.reshape(len(mask), -1, segment).any(axis=2)
            if not mask[:, 0].all() or (mask[:, 1:] > mask[:, :-1]).any():
                return False
        return True

    def spans(self, by_timestep):
        """Return the start and stop of the timesteps to read in each sample, or None for all.

        If each timestep has an output, only the padding of a list can be skipped.
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
                mask = self.mask(index)
                spans[index, 0] = mask.argmax(axis=1)
                spans[index, 1] = self.timesteps - mask[:, ::-1].argmax(axis=1)
                spans[index][~mask.any(axis=1)] = 0, 1
        return None if (spans == (0, self.timesteps)).all() else spans

    def block(self, index, scaling, dtype, steps=slice(None)):
        """Return standardized samples as one array; masked timesteps are NaN or -1."""
        values = self.values[index, steps]
        if self.tokens:
            mask = token_mask(values, self.mask_value) if self.masked else True
            block = np.where(mask, values, self.absent)
            if not self.n_static:
                return block.astype(np.int32)
            block = block[:, :, np.newaxis].astype(dtype)
        else:
            block = scaling.standardize_x(values).astype(dtype)
            if self.fills_missing:
                missing = np.isnan(values)
                flags = missing[..., list(self.flagged)].astype(dtype)
                block = np.concatenate([np.where(missing, 0, block), flags], axis=2)
            if self.masked:
                block[~step_mask(values, self.mask_value)] = np.nan
        if not self.n_static:
            return block
        static = scaling.standardize_static(self.static[index]).astype(dtype)[:, np.newaxis]
        shape = *block.shape[:2], self.n_static
        return np.concatenate([block, np.broadcast_to(static, shape)], axis=2)


def step_mask(values, mask_value):
    """Return False for each timestep with NaN, or with `mask_value`, in all features."""
    if values.dtype.kind in "iu":
        return (values != mask_value).any(axis=-1)
    mask = ~np.isnan(values).all(axis=-1)
    if mask_value is None or np.isnan(mask_value):
        return mask
    with np.errstate(over="ignore"):  # out of range of a small dtype: infinity, which is not in X
        mask_value = values.dtype.type(mask_value)
    return mask & (values != mask_value).any(axis=-1)


def token_mask(ids, mask_value):
    """Return False for each id that is padding, -1, or equal to `mask_value`."""
    return (ids != -1) if mask_value is None else (ids != -1) & (ids != mask_value)


def trimmed_slice(spans, timesteps, segment=1):
    """Return the slice of timesteps, in whole segments, that samples with these spans need.

    Its length is rounded up by at most a half, because a network has buffers for each length.
    """
    first, stop = spans[:, 0].min() // segment, -(-spans[:, 1].max() // segment)
    n_segments = timesteps // segment
    power = 1 << (int(stop - first) - 1).bit_length()  # the next power of two
    length = power * 3 // 4 if stop - first <= power * 3 // 4 else power
    if length >= n_segments:
        return slice(0, timesteps)
    first = min(first, n_segments - length)
    return slice(first * segment, (first + length) * segment)


def padded(items, timesteps, value=0, dtype=None):
    """Return arrays of unequal lengths as one array, padded with `value` at the end."""
    shape = (len(items), timesteps, *items[0].shape[1:])
    full = np.full(shape, value, np.result_type(*items) if dtype is None else dtype)
    for row, item in zip(full, items, strict=True):
        row[: len(item)] = item
    return full


def unpadded(array, lengths):
    """Return a 1-D object array of the rows cut to their lengths; the array if lengths is None."""
    if lengths is None:
        return array
    return as_objects([item[:length] for item, length in zip(array, lengths, strict=True)])


def as_objects(items):
    """Return arrays as a 1-D object array, even if their shapes are equal."""
    objects = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        objects[i] = item
    return objects


def underlying_rows(values):
    """Return the rows (n_rows, features) of an array of windows, and the step between windows.

    Window i is `rows[i * step : i * step + timesteps]`. For overlapping windows the rows are a view
    of their buffer. So all rows can be read without a copy of each window.
    """
    n_samples, timesteps, features = values.shape
    if values.flags.c_contiguous:
        return values.reshape(n_samples * timesteps, features), timesteps
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
    """Return the largest power of two that is not above a magnitude; elementwise for arrays.

    Division by it is exact, and the quotients can be squared and summed without overflow.
    """
    return np.ldexp(1.0, np.maximum(np.frexp(size)[1] - 1, -1022))


def moments(sequences, weights):
    """Return the total weight, and each feature's weighted mean and deviation over valid timesteps.

    A row in several windows counts once for each. `weights` has the shape (n_samples,) or
    (n_samples, timesteps). If features may be missing, each has its own total weight.
    """
    rows, step = underlying_rows(sequences.values)
    if weights.ndim == 2 and step != sequences.timesteps:
        rows, step = underlying_rows(np.ascontiguousarray(sequences.values))

    def weighted_mean(function):
        total, weight = np.zeros(sequences.features), 0.0
        for block, count in _counted_rows(rows, step, sequences, weights):
            values, of_each = function(block), count.sum()
            if sequences.fills_missing:
                known = ~np.isnan(values)
                values, of_each = np.where(known, values, 0.0), count @ known
            total += count @ values
            weight = weight + of_each
        return weight, np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)

    _, size = weighted_mean(lambda block: np.abs(block) * 2.0**-64)  # its sum cannot overflow
    unit = binary_unit(size)
    weight, mean = weighted_mean(lambda block: block / unit)
    _, variance = weighted_mean(lambda block: (block / unit - mean) ** 2)
    return weight, mean * unit, np.sqrt(variance) * unit


def _counted_rows(rows, step, sequences, weights):
    """Yield blocks of rows in float64, and for each row the total weight of its windows."""
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
            count = np.where(step_mask(block, sequences.mask_value), count, 0.0)
        ignored = count == 0
        if ignored.any():  # their values may be NaN, or too large to square
            block = np.where(ignored[:, np.newaxis], 0.0, block)
        yield block.astype(np.float64), count


def merged_moments(parts):
    """Return the overall mean and deviation of each feature from the `moments` of parts.

    The deviation of a constant feature is returned as 1. Sums of squares are merged as in Chan,
    Golub and LeVeque (1983), doi:10.1080/00031305.1983.10483115.
    """
    weights, means, deviations = map(np.array, zip(*parts, strict=True))
    if len(parts) == 1:
        [mean], [deviation] = means, deviations
    else:
        weights = weights.reshape(len(parts), -1)  # (n_parts, 1), or one for each feature
        totals = weights.sum(axis=0)
        shares = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
        unit = binary_unit(np.maximum(np.abs(means), deviations).max(axis=0))
        mean = (shares * (means / unit)).sum(axis=0)
        variance = (shares * ((deviations / unit) ** 2 + (means / unit - mean) ** 2)).sum(axis=0)
        mean, deviation = mean * unit, np.sqrt(variance) * unit
    # Sums of equal numbers have rounding errors, which must not count as a deviation.
    rounding = 10 * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(deviation > rounding, deviation, 1.0)
