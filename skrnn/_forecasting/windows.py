"""Windows: the columns that a network reads of all series, alike in training and forecasts."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np

from skrnn._forecasting.calendar import CYCLES, calendar_features, year_columns
from skrnn._forecasting.gaps import (
    FILLS,
    carried_forward,
    filled,
    gap_columns,
    rows_before,
    rows_since_known,
)
from skrnn._forecasting.linear_model import by_series
from skrnn._forecasting.target_transform import TargetTransform, window_levels
from skrnn._preprocessing.time_index import ticks_of
from skrnn._preprocessing.windows import sliding_windows
from skrnn._utils.field_types import Array64, Size, Table64


@dataclass(frozen=True, eq=False)
class WindowSpec:
    """The content of a forecaster's windows, as fitted."""

    timesteps: Size  # rows of a window
    outputs: Size  # steps forecast at once; each row holds the `exog` of as many rows later
    steps: Size  # of a forecast
    # "level": windows minus their mean; "window": also divided by their deviation
    scale: Literal["window", "level"] | None
    calendar: tuple[Annotated[str, CYCLES.__contains__], ...]
    year: bool  # whether the linear part reads the time of the year
    level: TargetTransform
    static: Table64  # (n_series, n_static)
    dtype: Annotated[type, (np.float32, np.float64).__contains__]  # of the windows
    # treatment of missing values; None: they are refused
    fill: Literal["linear", "seasonal", "mask"] | None
    static_names: list = field(default_factory=list)  # of `static`; older files have none
    static_categories: dict[Any, list] = field(default_factory=dict)  # of some of `static_names`
    fill_season: Size = 1
    reads_gaps: bool = False  # whether the network reads `gap_columns`
    # means in training, for missing rows of `exog` before the first known one
    exog_means: Array64 = field(default_factory=lambda: np.empty(0))

    @property
    def min_history(self):
        """Number of rows that a series must have for a forecast."""
        return self.timesteps + self.level.n_before


@dataclass(frozen=True, eq=False)
class SeriesBuffer:
    """Rows of all series, one after another; columns of shared times are stored once."""

    values: np.ndarray  # (n_rows,), transformed, not yet scaled by window; NaN where missing
    filled: np.ndarray  # (n_rows,), with gaps filled; "linear" reads a gap up to its end
    ages: np.ndarray  # (n_rows,), rows since the last known value
    raw: list  # the values of each series as they came
    exog: np.ndarray  # (n_rows, n_exog), columns known in advance
    past: np.ndarray  # (n_rows, n_past), columns of `exog` that are known until the cutoff only
    bounds: np.ndarray  # the first row of each series, then n_rows
    calendar: np.ndarray  # (n_times, 2 * len(calendar))
    year: np.ndarray  # (n_times, 4), where the linear part reads it, else (n_times, 0)
    ticks: np.ndarray  # (n_times,), times as numbers in the same order
    shifts: np.ndarray  # (n_series,), from the rows of a series to the rows of its times


def make_buffer(spec, panel):
    """Lay out the series of a Panel, in the order in which they were fitted."""
    distinct = {id(times): times for times in panel.times}
    firsts = dict(zip(distinct, np.cumsum([0, *map(len, distinct.values())]), strict=False))
    bounds = np.append(0, np.cumsum(panel.lengths))
    values, exog = np.empty(bounds[-1]), _exog_without_gaps(spec, panel, bounds)
    for k, rows in enumerate(panel.values):
        values[bounds[k] : bounds[k + 1]] = spec.level.transform(rows, k)
    whole, ages = _without_gaps(spec, panel, bounds, values)
    return SeriesBuffer(
        values=values,
        filled=whole,
        ages=ages,
        raw=panel.values,
        exog=exog[:, ~panel.is_past] if panel.past_exog else exog,
        past=exog[:, panel.is_past],
        bounds=bounds,
        calendar=np.concatenate([calendar_features(t, spec.calendar) for t in distinct.values()]),
        year=np.concatenate(
            [year_columns(t) if spec.year else np.empty((len(t), 0)) for t in distinct.values()]
        ),
        ticks=np.concatenate([ticks_of(times) for times in distinct.values()]),
        shifts=np.array([firsts[id(times)] for times in panel.times]) - bounds[:-1],
    )


def _without_gaps(spec, panel, bounds, values):
    """Return the transformed rows of all series with gaps filled, and ages of their last values."""
    gapped = [k for k, rows in enumerate(panel.values) if np.isnan(rows).any()]
    if spec.fill not in FILLS or not gapped:
        return values, np.broadcast_to(np.int32(0), len(values))
    whole, ages = values.copy(), np.zeros(len(values), dtype=np.int32)
    for k in gapped:
        part, rows = slice(bounds[k], bounds[k + 1]), panel.values[k]
        whole[part] = spec.level.transform(filled(rows, spec.fill, spec.fill_season), k)
        ages[part] = rows_since_known(rows)
    return whole, ages


def _exog_without_gaps(spec, panel, bounds):
    """Return the rows of `exog` of all series, with missing ones replaced by the one before."""
    rows = np.concatenate(panel.exog)
    if spec.fill in FILLS and np.isnan(rows).any():
        for part in map(slice, bounds[:-1], bounds[1:]):
            rows[part] = carried_forward(rows[part])
        rows = np.where(np.isnan(rows), spec.exog_means, rows)
    return rows


def carry_open_gaps(spec, buffer, windows, series, n_known):
    """Fill, in place, the gaps in windows that are open at the origins.

    `windows`, (n_origins, n_rows), hold rows of `buffer.filled`, which reads the end of a gap.
    """
    places = open_gaps(spec, buffer, series, n_known)
    n_before, n_rows = spec.level.n_before, windows.shape[1]
    for k, origins in by_series(series[places]):
        chosen = places[origins]
        rows = rows_before(
            buffer.raw[k], n_known[chosen], n_rows + n_before, spec.fill, spec.fill_season
        )
        windows[chosen] = spec.level.transform(rows, k)[:, n_before:]


def open_gaps(spec, buffer, series, n_known):
    """Return the places of origins with an open gap whose filling in the buffer reads its end."""
    if spec.fill != "linear":
        return np.empty(0, dtype=int)
    return np.flatnonzero(buffer.ages[buffer.bounds[series] + n_known - 1])


def values_before(spec, values, series, n_known):
    """Return the last values before forecasts, (n_origins, n_before), that undo the differences."""
    level = spec.level
    if spec.fill not in FILLS:
        return level.known_before(values, series, n_known)
    found = np.empty((len(series), level.n_before))
    for k, origins in by_series(series):
        found[origins] = rows_before(
            values[k], n_known[origins], level.n_before, spec.fill, spec.fill_season
        )
    return found


def known_columns(spec, buffer, series, rows, last=None):
    """Return the known columns of windows at rows of series, (*rows.shape, n_known).

    These are the calendar, static columns, `exog`, and `exog` some rows later, which keeps its last
    values after the last row. Columns known until the cutoff keep their values after the rows
    `last`, and no later row of them is read.
    """
    later = np.minimum(rows + spec.outputs, buffer.bounds[series + 1] - 1)
    times = rows + buffer.shifts[series]
    static = np.broadcast_to(spec.static[series], (*rows.shape, spec.static.shape[1]))
    until = rows if last is None else np.minimum(rows, last)
    exog = buffer.exog[rows], buffer.past[until], buffer.exog[later]
    return np.concatenate([buffer.calendar[times], static, *exog], axis=-1)


def window_columns(spec, values, known, ages):
    """Return the columns of a window, (..., n_features); the first column is `values`.

    `ages` are the rows since the last known value, which it may read too.
    """
    parts = [values[..., np.newaxis], known] + [gap_columns(ages)] * spec.reads_gaps
    columns = np.concatenate(parts, axis=-1).astype(spec.dtype)
    columns[np.isnan(columns).any(axis=-1)] = np.nan  # a step that is skipped
    return columns


def scale_windows(X, scale):
    """Subtract the level of each window of X, and with "window" divide by its spread, in place.

    Return both, (n_windows, 1); they are 0 and 1 where windows are not scaled.
    """
    levels, spreads = np.zeros((len(X), 1)), np.ones((len(X), 1))
    if scale is None:
        return levels, spreads
    means, deviations = window_levels(X[:, :, 0])
    levels[:, 0] = means
    if scale == "window":
        spreads[:, 0] = deviations
    X[:, :, 0] = (X[:, :, 0] - levels) / spreads
    return levels, spreads


def forecast_origins(first, last, stride):
    """Return where forecasts of each series start, `stride` rows apart, the last one at `last`.

    `first` and `last` are the numbers of known rows at the first and the last forecast of each
    series. A series with last < first has no forecast. The result is the series of each forecast
    and its number of known rows.
    """
    n_known = [
        np.arange(stop, start - 1, -stride)[::-1] for start, stop in zip(first, last, strict=True)
    ]
    counts = [len(part) for part in n_known]
    return np.repeat(np.arange(len(counts)), counts), np.concatenate(n_known).astype(int)


class Windows(NamedTuple):
    """Training windows and their targets, ordered by the time of the last target."""

    X: np.ndarray  # (n_windows, timesteps, features), a view if the rows are of one series
    y: np.ndarray  # (n_windows, outputs), in the unit of each window
    spreads: np.ndarray  # (n_windows, 1), that unit
    origins: np.ndarray  # the place of each among the given origins


def training_windows(spec, buffer, series, n_known, targets=None):
    """Return the Windows before the origins, without those that have a missing target.

    `targets`, (n_origins, outputs), replace the rows after each origin as targets.
    """
    rows = buffer.bounds[series] + n_known
    y = targets
    if y is None:
        y = sliding_windows(buffer.values[:, np.newaxis], spec.outputs)[rows, :, 0]
    complete = np.flatnonzero(~np.isnan(y).any(axis=1))
    last_ticks = buffer.ticks[(rows + spec.outputs - 1 + buffer.shifts[series])[complete]]
    chosen = complete[np.argsort(last_ticks, kind="stable")]
    X = _windows_before(spec, buffer, series[chosen], rows[chosen])
    origins = series[chosen], n_known[chosen]
    if spec.scale is not None or len(open_gaps(spec, buffer, *origins)):
        X = X.copy()
    carry_open_gaps(spec, buffer, X[:, :, 0], *origins)
    seen = ~np.isnan(X[:, :, 0]).all(axis=1)
    if not seen.all():
        X, chosen = X[seen], chosen[seen]
    if len(chosen) == 0:
        raise ValueError(
            f"`series` and `exog` must leave a window with {spec.outputs} known target steps after "
            "it, got a missing value in each. Fill them in, lower `steps`, or set "
            '`strategy="recursive"`, which needs one step.'
        )
    y = y[chosen]
    levels, spreads = scale_windows(X, spec.scale)
    y = (y if targets is not None else y - levels) / spreads
    return Windows(X, y.astype(spec.dtype), spreads, chosen)


def _windows_before(spec, buffer, series, rows):
    """Return the windows before rows of series, as a view where they overlap much."""
    n_rows = len(buffer.values)
    if len(rows) * spec.timesteps < n_rows:
        rows = rows[:, np.newaxis] + np.arange(-spec.timesteps, 0)
        known = known_columns(spec, buffer, series[:, np.newaxis], rows)
        return window_columns(spec, buffer.filled[rows], known, buffer.ages[rows])
    of_rows = np.repeat(np.arange(len(buffer.shifts), dtype=np.int32), np.diff(buffer.bounds))
    known = known_columns(spec, buffer, of_rows, np.arange(n_rows))
    columns = window_columns(spec, buffer.filled, known, buffer.ages)
    return sliding_windows(columns, spec.timesteps)[_as_slice(rows - spec.timesteps)]


def _as_slice(starts):
    """Return evenly spaced positions as a slice, so that indexing makes a view."""
    strides = np.unique(np.diff(starts))
    if len(strides) == 1 and strides[0] > 0:
        return slice(int(starts[0]), int(starts[-1]) + 1, int(strides[0]))
    return starts


def linear_columns(buffer, series, rows, last):
    """Return the columns that a linear model reads next to the values, (n_origins, n_columns).

    `rows`, (n_origins, 1 + outputs), go from the row before the forecast to the last row to
    forecast. The model reads the calendar of the first, and the `exog` of the others. Columns known
    until the cutoff are read at the rows `last`, (n_origins,), which are the last known ones.
    """
    before = rows[:, 0] + buffer.shifts[series]
    ahead = buffer.exog[rows[:, 1:]].reshape(len(rows), -1)
    return np.hstack([buffer.calendar[before], buffer.year[before], buffer.past[last], ahead])
