"""Gaps: missing values of series, filled from the rows known at an origin."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def rows_since_known(values):
    """Return the number of rows since the last known value for each row, 0 where it is known."""
    rows = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    return rows - last


def carried_forward(values):
    """Return values (n_rows, ...) with missing ones replaced by the last; leading NaN stay."""
    rows = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1))
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, rows), axis=0)
    return np.take_along_axis(values, last, axis=0)


def interpolated(values, season):
    """Return values interpolated linearly between known ones; the last one is repeated."""
    known = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), known, values[known])


def seasonal(values, season):
    """Return values with missing ones replaced from the last season that has them, or the last."""
    n_cycles = -(-len(values) // season)
    cycles = np.full(n_cycles * season, np.nan)
    cycles[: len(values)] = values
    found = carried_forward(cycles.reshape(n_cycles, season)).ravel()[: len(values)]
    return np.where(np.isnan(found), carried_forward(values), found)


# Both read at least one known value. Only "linear" reads later rows, up to the end of a gap.
FILLS = {"linear": interpolated, "seasonal": seasonal}


def filled(values, fill, season):
    """Return the rows of a series with gaps filled, if `fill` is one of FILLS."""
    if fill not in FILLS or not np.isnan(values).any():
        return values
    return FILLS[fill](values, season)


def rows_before(values, n_known, n_rows, fill, season):
    """Return the `n_rows` before origins in a series, (n_origins, n_rows), filled as of each.

    `n_known` is the number of rows before each origin. Rows before the series are NaN.
    """
    whole = filled(values, fill, season)
    padded = np.concatenate([np.full(n_rows, np.nan), whole])
    rows = sliding_window_view(padded, n_rows)[n_known]
    if fill == "linear":  # a gap that is open at the origin has no end
        ages = rows_since_known(values)[n_known - 1]
        last = whole[n_known - 1 - ages]
        late = np.arange(n_rows) >= n_rows - ages[:, np.newaxis]
        rows = np.where(late, last[:, np.newaxis], rows)
    return rows


def gap_columns(ages):
    """Return the gap columns of a network: a flag and the age of the last value, (..., 2).

    An age in rows is scaled to age / (1 + age), which is below 1.
    """
    return np.stack([ages > 0, ages / (1.0 + ages)], axis=-1)
