"""Windows over the rows of series: read-only views of one buffer, and make_windows."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from skrnn._preprocessing.time_index import (
    has_time_index,
    learn_frequency,
    read_time_index,
    run_bounds,
)
from skrnn._utils.numeric_checks import check_numbers

if TYPE_CHECKING:
    from skrnn._types import Array, ArrayLike

BLOCK = 100_000  # rows looked at together, so that checking them needs next to no memory


def broken_rows(rows):
    """Return the positions of the rows of `rows` that hold NaN or infinity."""
    starts = range(0, len(rows), BLOCK)
    return np.concatenate(
        [
            start + np.flatnonzero(~np.isfinite(rows[start : start + BLOCK]).all(axis=1))
            for start in starts
        ]
    )


def check_finite(rows, *, name="X", bounds=None, unseen=0):
    """Refuse NaN and infinity.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    name : str, default="X"
        Name of the rows in the message.
    bounds : ndarray of shape (n_runs + 1,), default=None
        First row of each run, then n_rows. None: one run.
    unseen : int, default=0
        How many rows at the end of each run may be NaN, because no window holds them.
    """
    broken = broken_rows(rows)
    infinite = np.isinf(rows[broken]).any(axis=1)
    ends = np.array([0, len(rows)]) if bounds is None else bounds
    run_ends = ends[np.searchsorted(ends, broken, side="right")]
    refused = infinite | (broken < run_ends - unseen)
    if not refused.any():
        return
    first = int(np.argmax(refused))
    kind = "infinity" if infinite[first] else "NaN"
    raise ValueError(
        f"Input {name} contains {kind}. Every value must be a finite number, got {kind} in row "
        f"{broken[first]}. Fill the gap or drop the row; rows dropped from a regular time index "
        "are known as a gap that no window crosses."
    )


def padded_buffer(rows, timesteps, horizon, pad, tail):
    """Lay out one run so that its windows are the slices `buffer[t : t + timesteps]`.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    timesteps, horizon : int
        The window of row t holds rows t - horizon - timesteps + 1 to t - horizon.
    pad : float or ndarray of shape (n_features,)
        Stands for each row of which nothing is known.
    tail : ndarray of shape (n_known, n_features)
        Rows just before the run; those beyond the reach of its windows are left out.

    Returns
    -------
    buffer : ndarray of shape (n_rows + timesteps - 1, n_features)
    """
    n_rows, n_features = rows.shape
    buffer = np.empty((n_rows + timesteps - 1, n_features), dtype=rows.dtype)
    before = timesteps + horizon - 1
    tail = tail[max(len(tail) - before, 0) :]
    unknown = before - len(tail)
    buffer[:unknown] = pad
    known = buffer[unknown:before]  # shorter than the tail where the run is shorter than horizon
    known[:] = tail[: len(known)]
    buffer[before:] = rows[: max(n_rows - horizon, 0)]
    return buffer


def sliding_windows(rows, timesteps):
    """View `rows` as (n_rows - timesteps + 1, timesteps, n_features), read-only."""
    return np.lib.stride_tricks.sliding_window_view(rows, timesteps, axis=0).transpose(0, 2, 1)


def make_windows(
    series: ArrayLike,
    timesteps: int,
    horizon: int = 1,
    *,
    stride: int = 1,
    target: str | int | ArrayLike | None = None,
    n_outputs: int = 1,
) -> tuple[Array, Array]:
    """Cut a series into windows and the targets that follow them.

    The row-dropping counterpart of :class:`WindowTransformer`: only complete windows are made.

    Parameters
    ----------
    series : array-like, Series or DataFrame of shape (n_rows,) or (n_rows, n_features)
        Rows in time order. With a time index (DatetimeIndex, PeriodIndex, TimedeltaIndex, or a
        (series, time) MultiIndex) windows whose inputs or targets cross a gap or the border of a
        series are dropped.
    timesteps : int
        Rows a window holds.
    horizon : int, default=1
        Distance from the last row of a window to its target; 0 is that last row itself.
    stride : int, default=1
        Distance from the first row of a window to the first row of the next one.
    target : None, str, int, list or array of shape (n_rows,) or (n_rows, n_targets), default=None
        What is to be predicted: all columns (None), the column of this name or else at this
        position, a list of such columns, or an array aligned with the rows.
    n_outputs : int, default=1
        Consecutive values of the target to be predicted, the first one `horizon` rows on.

    Returns
    -------
    X : ndarray of shape (n_windows, timesteps, n_features)
        ``X[i]`` holds rows ``i * stride`` to ``i * stride + timesteps - 1``. A read-only view of
        `series` where there is one run of rows and its values are floats already; nothing is
        copied then.
    y : ndarray of shape (n_windows,), (n_windows, n_outputs), (n_windows, n_columns) or \
(n_windows, n_outputs, n_columns)
        The target `horizon` rows after the last row of each window; axes of length one are left
        out.

    See Also
    --------
    WindowTransformer : As many windows as rows, for use in a pipeline.

    Examples
    --------
    >>> from skrnn import make_windows
    >>> X, y = make_windows(range(1, 14), 3)
    >>> X.shape, y.shape
    ((10, 3, 1), (10,))
    >>> X[0].tolist(), float(y[0])
    ([[1.0], [2.0], [3.0]], 4.0)
    """
    for name, value, least in [
        ("timesteps", timesteps, 1),
        ("horizon", horizon, 0),
        ("stride", stride, 1),
        ("n_outputs", n_outputs, 1),
    ]:
        check_count(name, value, least)
    index = read_time_index(series)
    rows = _read_rows(series)
    targets = _read_targets(series, rows, target)
    bounds = run_bounds(index, learn_frequency(index), len(rows))
    starts = _window_starts(bounds, timesteps + horizon + n_outputs - 1, stride)
    X = sliding_windows(rows, timesteps)[starts]
    X.flags.writeable = False
    y = _following(targets, starts, timesteps + horizon - 1, n_outputs)
    return X, y


def check_count(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool):
        got = type(value).__name__ if hasattr(value, "__len__") else repr(value)
        raise TypeError(f"`{name}` must be an int, got {got}. Pass a whole number of rows.")
    if value < least:
        raise ValueError(f"`{name}` must be at least {least}, got {value}. Raise it.")


def _read_rows(series):
    """Return the finite floating rows (n_rows, n_features), without a copy where none is needed."""
    if getattr(series, "ndim", None) is None:
        series = np.asarray(series)
    if series.ndim == 1:
        series = series.to_frame() if hasattr(series, "to_frame") else series.reshape(-1, 1)
    check_numbers(series, "`series`")
    rows = check_array(
        series, dtype=[np.float64, np.float32], ensure_all_finite=False, input_name="series"
    )
    check_finite(rows, name="series")
    return rows


def _read_targets(series, rows, target):
    """Return the values to be predicted, (n_rows, n_columns)."""
    if target is None:
        return rows
    if isinstance(target, (str, tuple, Integral, list)):
        columns = target if isinstance(target, list) else [target]
        if not columns:
            raise ValueError("`target` must name at least one column, got [].")
        return rows[:, [_column_position(series, rows.shape[1], column) for column in columns]]
    values = np.asarray(target)
    if values.ndim not in (1, 2) or len(values) != len(rows):
        raise ValueError(
            f"`target` must be aligned with the {len(rows)} rows of `series`, got the shape "
            f"{values.shape}. Pass one value or one row of values for each row."
        )
    if has_time_index(series) and has_time_index(target) and not series.index.equals(target.index):
        raise ValueError(
            "`target` must have the index of `series`, got another one. "
            "Pass `target.reindex(series.index)`."
        )
    return values.reshape(len(values), -1)


def _column_position(series, n_features, column):
    names = list(getattr(series, "columns", [getattr(series, "name", None)]))
    if column in names:
        return names.index(column)
    if isinstance(column, Integral) and -n_features <= column < n_features:
        return int(column)
    raise ValueError(
        f"`target` must name a column of `series` or its position below {n_features}, got "
        f"{column!r}. To pass one value for each row, pass an array."
    )


def _window_starts(bounds, span, stride):
    """First rows of the windows: a slice where all rows are one run, else an array."""
    n_rows, longest = int(bounds[-1]), int(np.diff(bounds).max())
    if longest < span:
        runs = "" if len(bounds) == 2 else " in its longest run without a gap"
        raise ValueError(
            f"`series` must have at least {span} rows (timesteps + horizon + n_outputs - 1), got "
            f"{longest}{runs}. Shorten the window or pass more rows."
        )
    if len(bounds) == 2:
        return slice(0, n_rows - span + 1, stride)
    starts = np.arange(0, n_rows - span + 1, stride)
    run_ends = bounds[np.searchsorted(bounds, starts, side="right")]
    starts = starts[starts + span <= run_ends]
    if len(starts) == 0:
        raise ValueError(
            f"`stride` must leave a window within a run of rows, got {stride}. Lower it."
        )
    return starts


def _following(targets, starts, distance, n_outputs):
    """Copy the targets `distance` rows after `starts`, and those after them."""
    ahead = sliding_windows(targets[distance:], n_outputs)[starts]  # (n, n_outputs, n_columns)
    infinite = ahead.dtype.kind == "f" and np.isinf(ahead).any()
    if infinite or pd.isna(ahead).any():
        raise ValueError(
            "`target` must be finite wherever a window points, got NaN, None or infinity. "
            "Drop those rows or fill them."
        )
    single = tuple(axis for axis in (1, 2) if ahead.shape[axis] == 1)
    return ahead.squeeze(axis=single).copy()
