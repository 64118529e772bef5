"""Windows of series: read-only views of one buffer, and `make_windows`."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from skrnn._preprocessing.frequency import read_step
from skrnn._preprocessing.time_columns import FLAT, with_time_index
from skrnn._preprocessing.time_grid import run_bounds, step_name
from skrnn._preprocessing.time_index import has_time_index, plain_index, read_time_index
from skrnn._utils.numeric_checks import as_array, check_numbers, check_real

if TYPE_CHECKING:
    from skrnn._types import Array, ArrayLike, Column, Columns, Frequency

CHECKED_AT_ONCE = 100_000  # rows, so that checking them needs little memory


def check_finite(rows, *, name="X", bounds=None, unseen=0):
    """Refuse NaN and infinity in rows of one or more runs.

    `bounds` holds the first row of each run, then n_rows. The last `unseen` rows of each run may be
    NaN, because no window holds them.
    """
    broken = np.concatenate(
        [
            start + np.flatnonzero(~np.isfinite(rows[start : start + CHECKED_AT_ONCE]).all(axis=1))
            for start in range(0, len(rows), CHECKED_AT_ONCE)
        ]
    )
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
        f"{broken[first]}. Fill it in, or drop the row: no window crosses a row that is missing "
        "from a regular time index."
    )


def padded_buffer(rows, timesteps, horizon, pad, tail):
    """Lay out one run so that its windows are the slices `buffer[t : t + timesteps]`.

    The window of row t holds rows t - horizon - timesteps + 1 to t - horizon. `pad` is the value of
    unknown rows before the run. `tail` holds the known rows just before it; those before its first
    window are ignored. The buffer has n_rows + timesteps - 1 rows.
    """
    n_rows, n_features = rows.shape
    timesteps, horizon = int(timesteps), int(horizon)  # small NumPy integers would overflow
    buffer = np.empty((n_rows + timesteps - 1, n_features), dtype=rows.dtype)
    before = timesteps + horizon - 1
    tail = tail[max(len(tail) - before, 0) :]
    unknown = before - len(tail)
    buffer[:unknown] = pad
    known = buffer[unknown:before]  # shorter than the tail if the run is shorter than horizon
    known[:] = tail[: len(known)]
    buffer[before:] = rows[: max(n_rows - horizon, 0)]
    return buffer


def sliding_windows(rows, timesteps):
    """Return a read-only view of shape (n_rows - timesteps + 1, timesteps, n_features)."""
    timesteps = int(timesteps)
    return np.lib.stride_tricks.sliding_window_view(rows, timesteps, axis=0).transpose(0, 2, 1)


def make_windows(
    series: ArrayLike,
    timesteps: int,
    horizon: int = 1,
    *,
    stride: int = 1,
    target: str | int | ArrayLike | None = None,
    n_outputs: int = 1,
    freq: Frequency = None,
    time_column: Column = None,
    series_column: Columns = None,
) -> tuple[Array, Array]:
    """Make the complete windows of a series, with the targets that follow them.

    Use it outside pipelines. In a pipeline use :class:`WindowTransformer`, which keeps the number
    of rows. For a series that does not fit into memory use :func:`window_blocks`.

    Parameters
    ----------
    series : array-like, Series or DataFrame of shape (n_rows,) or (n_rows, n_features)
        Rows in time order. A time index is a DatetimeIndex, PeriodIndex, TimedeltaIndex, or a
        (series, time) MultiIndex, in which times may be whole numbers and the levels before the
        last name a series. With a time index, windows with inputs or targets across a gap or the
        border of a series are dropped. Frames and series of Polars and pyarrow are read as those of
        pandas.
    timesteps : int
        Number of rows in a window. Cover at least one season, then tune.
    horizon : int, default=1
        Distance from the last row of a window to its target; 0 is that last row itself.
    stride : int, default=1
        Distance from the first row of a window to the first row of the next one. Raise it for fewer
        windows.
    target : None, str, int, list or array of shape (n_rows,) or (n_rows, n_targets), default=None
        Target values: all columns (None), a column by name or else by position, a list of columns,
        or an array aligned with the rows.
    n_outputs : int, default=1
        Number of consecutive target values, the first one `horizon` rows after the window. Raise it
        to predict several steps at once.
    freq : str, DateOffset, timedelta or int, default=None
        Step from row to row, such as "h" or "MS"; a row that is more than one step later follows a
        gap. None: the frequency of the index, or else the coarsest step whose grid contains every
        time of all series. It is of the calendar (days, business days, weeks, months) or fixed. Set
        it where missing rows hide the true step.
    time_column : str, default=None
        Column, or level of the index, that holds the times: dates, periods, durations or whole
        numbers. It becomes the index and is not a feature. None: times are in the index.
    series_column : str or list of str, default=None
        Column that holds the name of each row's series; a list of columns forms a name of several
        parts. It needs `time_column`. None: all rows are one series, or series are in the index.

    Returns
    -------
    X : ndarray of shape (n_windows, timesteps, n_features)
        ``X[i]`` holds rows ``i * stride`` to ``i * stride + timesteps - 1``. It is a read-only view
        of `series`, without a copy, if `series` is one contiguous run of floats.
    y : ndarray of shape (n_windows,), (n_windows, n_outputs), (n_windows, n_columns) or \
(n_windows, n_outputs, n_columns)
        The target `horizon` rows after the last row of each window; axes of length one are
        dropped.

    See Also
    --------
    WindowTransformer : One window for each row, as a pipeline step.
    window_blocks : The same windows, block by block.

    Examples
    --------
    >>> from skrnn import make_windows
    >>> X, y = make_windows(range(1, 14), 3)
    >>> X.shape, y.shape
    ((10, 3, 1), (10,))
    >>> X[0].tolist(), float(y[0])
    ([[1.0], [2.0], [3.0]], 4.0)
    """
    span = window_span(timesteps, horizon, stride, n_outputs)
    series = with_time_index(series, "series", time_column, series_column)
    index = read_time_index(series, "series")
    rows = read_rows(series)
    targets = read_targets(series, rows, target)
    starts = window_starts(index, len(rows), span, stride, freq)
    return cut_windows(rows, targets, starts, timesteps, span, n_outputs)


def cut_windows(rows, targets, starts, timesteps, span, n_outputs):
    """Return the windows that start at given rows, with the targets that follow them."""
    if isinstance(starts, range):
        starts = slice(starts.start, starts.stop, starts.step)  # for views
    X = sliding_windows(rows, timesteps)[starts]
    X.flags.writeable = False
    return X, _following(targets, starts, span - int(n_outputs), n_outputs)


def window_span(timesteps, horizon, stride, n_outputs):
    """Check the arguments, and return the rows from the first of a window to its last target."""
    for name, value, least in [
        ("timesteps", timesteps, 1),
        ("horizon", horizon, 0),
        ("stride", stride, 1),
        ("n_outputs", n_outputs, 1),
    ]:
        check_count(name, value, least)
    return sum(map(int, (timesteps, horizon, n_outputs))) - 1  # small NumPy integers would overflow


def window_starts(index, n_rows, span, stride, freq):
    """Return the first rows of the complete windows, as a range if all rows are one run."""
    step = read_step(index, freq, "series")
    bounds = run_bounds(index, step, n_rows)
    longest = int(np.diff(bounds).max())
    if longest < span:
        place = "" if len(bounds) == 2 else " in its longest run without a gap"
        place += "" if step is None else f", where the step is {step_name(step)}"
        other = "" if step is None else ", or pass another `freq`"
        raise ValueError(
            f"`series` must have at least {span} rows (timesteps + horizon + n_outputs - 1), got "
            f"{longest}{place}. Shorten the window, or pass more rows{other}."
        )
    starts = range(0, n_rows - span + 1, stride)
    if len(bounds) == 2:
        return starts
    starts = np.asarray(starts)
    run_ends = bounds[np.searchsorted(bounds, starts, side="right")]
    starts = starts[starts + span <= run_ends]
    if len(starts) == 0:
        raise ValueError(
            f"`stride` must leave at least one window within a run of rows, got {stride}. Lower it."
        )
    return starts


def check_count(name, value, least):
    if not isinstance(value, Integral) or isinstance(value, bool):
        got = type(value).__name__ if hasattr(value, "__len__") else repr(value)
        raise TypeError(f"`{name}` must be an int, got {got}. Pass a whole number.")
    if value < least:
        raise ValueError(f"`{name}` must be at least {least}, got {value}. Raise it.")


def check_values(rows, place):
    """Refuse rows that are not numbers, with a remedy for frames or arrays."""
    check_numbers(rows, place, *([FLAT] if hasattr(rows, "columns") else []))


def read_rows(series):
    """Return finite float rows (n_rows, n_features), without a copy of floats."""
    if getattr(series, "ndim", None) is None:
        series = as_array(series, "`series`")
    if series.ndim == 1:
        series = series.to_frame() if hasattr(series, "to_frame") else series.reshape(-1, 1)
    check_values(series, "`series`")
    rows = check_array(
        series, dtype=[np.float64, np.float32], ensure_all_finite=False, input_name="series"
    )
    check_finite(rows, name="series")
    return rows


def read_targets(series, rows, target):
    """Return the target values, (n_rows, n_columns)."""
    if target is None:
        return rows
    if isinstance(target, (str, tuple, Integral, list)):
        columns = target if isinstance(target, list) else [target]
        if not columns:
            raise ValueError(
                "`target` must name at least one column, got []. Pass a name, or None for all "
                "columns."
            )
        return rows[:, [_column_position(series, rows.shape[1], column) for column in columns]]
    check_real(target, "`target`")
    values = as_array(target, "`target`")
    if values.ndim not in (1, 2) or len(values) != len(rows):
        raise ValueError(
            f"`target` must be aligned with the {len(rows)} rows of `series`, got the shape "
            f"{values.shape}. Pass one value or one row of values for each row of `series`."
        )
    of_series = isinstance(getattr(target, "index", None), pd.MultiIndex)
    timed = has_time_index(series) and (of_series or has_time_index(target))
    if timed and not plain_index(series.index, "").equals(plain_index(target.index, "target")):
        raise ValueError(
            "`target` must have the same index as `series`, got a different one. Pass "
            "`target.reindex(series.index)`."
        )
    return values.reshape(len(values), -1)


def _column_position(series, n_features, column):
    names = list(getattr(series, "columns", [getattr(series, "name", None)]))
    if column in names:
        return names.index(column)
    if isinstance(column, Integral) and -n_features <= column < n_features:
        return int(column)
    raise ValueError(
        f"`target` must be the name of a column of `series`, or its position below {n_features}, "
        f"got {column!r}. To pass one value for each row, pass an array."
    )


def _following(targets, starts, distance, n_outputs):
    """Return a copy of the targets that start `distance` rows after `starts`."""
    ahead = sliding_windows(targets[distance:], n_outputs)[starts]  # (n, n_outputs, n_columns)
    infinite = ahead.dtype.kind == "f" and np.isinf(ahead).any()
    if infinite or pd.isna(ahead).any():
        raise ValueError(
            "`target` must be finite in all rows that windows predict, got NaN, None or infinity. "
            "Drop those rows or fill them in."
        )
    single = tuple(axis for axis in (1, 2) if ahead.shape[axis] == 1)
    return ahead.squeeze(axis=single).copy()
