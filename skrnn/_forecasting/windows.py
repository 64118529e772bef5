"""Windows: what a network reads of the rows of all series, in training and in a forecast alike."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from skrnn._estimators.regressor import unchecked_predict
from skrnn._forecasting.calendar import CYCLES, calendar_features
from skrnn._forecasting.target_transform import TargetTransform, last_values, window_levels
from skrnn._preprocessing.time_index import ticks_of
from skrnn._preprocessing.windows import sliding_windows
from skrnn._utils.field_types import Size, Table64

ORIGINS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class WindowSpec:
    """What the windows of a forecaster hold, as fitted."""

    timesteps: Size  # rows of a window
    outputs: Size  # steps forecast at once; each row holds the `exog` of so many rows later
    steps: Size  # of a forecast
    by_window: bool  # whether each window is standardized by its own mean and deviation
    calendar: tuple[Annotated[str, CYCLES.__contains__], ...]
    level: TargetTransform
    static: Table64  # (n_series, n_static)
    dtype: Annotated[type, (np.float32, np.float64).__contains__]  # of the windows

    @property
    def min_history(self):
        """Rows that a series must have for a forecast."""
        return self.timesteps + self.level.lag


@dataclass(frozen=True, eq=False)
class SeriesBuffer:
    """Rows of all series, one after another."""

    values: np.ndarray  # transformed, not yet standardized by window
    # (n_rows, n_known): calendar, static columns, `exog`, and `exog` some rows later
    known: np.ndarray
    ticks: np.ndarray  # times, as numbers that sort like them
    bounds: np.ndarray  # the first row of each series, then n_rows


def make_buffer(spec, panel):
    """Lay out the series of a Panel, in the order in which they were fitted."""
    distinct = {id(times): times for times in panel.times}  # series often share theirs
    calendars = {key: calendar_features(times, spec.calendar) for key, times in distinct.items()}
    known = []
    for times, static, exog in zip(panel.times, spec.static, panel.exog, strict=True):
        # Beyond the last row `exog` keeps its last values.
        later = np.minimum(np.arange(len(times)) + spec.outputs, len(times) - 1)
        constant = np.broadcast_to(static, (len(times), len(static)))
        known.append(np.hstack([calendars[id(times)], constant, exog, exog[later]]))
    values = [spec.level.transform(rows, k) for k, rows in enumerate(panel.values)]
    return SeriesBuffer(
        values=np.concatenate(values),
        known=np.concatenate(known),
        ticks=np.concatenate([ticks_of(times) for times in panel.times]),
        bounds=np.append(0, np.cumsum(panel.lengths)),
    )


def window_columns(spec, values, known):
    """Return what a window holds of each row, (..., n_features); its first column is `values`."""
    columns = np.concatenate([values[..., np.newaxis], known], axis=-1).astype(spec.dtype)
    columns[np.isnan(columns).any(axis=-1)] = np.nan  # a step to be skipped
    return columns


def standardize_windows(X):
    """Standardize the values in windows X in place; return the means and deviations."""
    levels, spreads = (moment[:, np.newaxis] for moment in window_levels(X[:, :, 0]))
    X[:, :, 0] = (X[:, :, 0] - levels) / spreads
    return levels, spreads


def forecast_origins(first, last, stride):
    """Return where forecasts of each series start, `stride` rows apart, the last one at `last`.

    `first` and `last` are the rows of each series known at its first and its last forecast; with
    last < first it has none. The result is the series of each forecast, and how many of its rows
    are known.
    """
    n_known = [
        np.arange(stop, start - 1, -stride)[::-1] for start, stop in zip(first, last, strict=True)
    ]
    counts = [len(part) for part in n_known]
    return np.repeat(np.arange(len(counts)), counts), np.concatenate(n_known).astype(int)


def training_windows(spec, buffer, series, n_known):
    """Return the windows before the origins and their targets, ordered by the targets' times.

    X is (n_windows, timesteps, features), a view where the rows are those of one series, and y
    (n_windows, outputs). Windows with a missing target are left out.
    """
    rows = buffer.bounds[series] + n_known
    y = sliding_windows(buffer.values[:, np.newaxis], spec.outputs)[rows, :, 0]
    complete = np.flatnonzero(~np.isnan(y).any(axis=1))
    last_ticks = buffer.ticks[rows[complete] + spec.outputs - 1]
    chosen = complete[np.argsort(last_ticks, kind="stable")]
    rows, y = rows[chosen], y[chosen]
    columns = window_columns(spec, buffer.values, buffer.known)
    X = sliding_windows(columns, spec.timesteps)[_as_slice(rows - spec.timesteps)]
    seen = ~np.isnan(X[:, :, 0]).all(axis=1)
    if not seen.all():
        X, y = X[seen], y[seen]
    if len(y) == 0:
        raise ValueError(
            f"`series` and `exog` must leave a window with {spec.outputs} target steps after it "
            "that are all known, got a missing value in each. Fill them in, lower `steps`, or set "
            '`strategy="recursive"`, which needs one step.'
        )
    if spec.by_window:
        X = X.copy()
        levels, spreads = standardize_windows(X)
        y = (y - levels) / spreads
    return X, y.astype(spec.dtype)


def _as_slice(starts):
    """Return evenly spaced positions as a slice, which makes a view of what it indexes."""
    gaps = np.unique(np.diff(starts))
    if len(gaps) == 1 and gaps[0] > 0:
        return slice(int(starts[0]), int(starts[-1]) + 1, int(gaps[0]))
    return starts


def rolling_forecasts(spec, regressor, panel, series, n_known, n_steps):
    """Return forecasts, (n_origins, n_steps), in the unit of the series; outputs are fed back.

    `series` and `n_known` are the series of each forecast, and how many of its rows are known.
    Later rows of the panel are not read, except for their `exog` and their times.
    """
    buffer = make_buffer(spec, panel)
    outputs = np.empty((len(series), n_steps))
    for start in range(0, len(series), ORIGINS_AT_ONCE):
        part = slice(start, start + ORIGINS_AT_ONCE)
        outputs[part] = _rolled(spec, regressor, buffer, series[part], n_known[part], n_steps)
    lag = spec.level.lag
    before = [last_values(panel.values[k], n, lag) for k, n in zip(series, n_known, strict=True)]
    return spec.level.inverse_transform(outputs, np.reshape(before, (len(series), lag)), series)


def _rolled(spec, regressor, buffer, series, n_known, n_steps):
    """Return transformed forecasts of some origins, (n_origins, n_steps)."""
    T, H = spec.timesteps, spec.outputs
    n_rows = T + -(-n_steps // H) * H
    # Rows of the buffer, (n_origins, n_rows). Beyond a series' last row `known` stays as it is.
    rows = (buffer.bounds[series] + n_known)[:, np.newaxis] + np.arange(-T, n_rows - T)
    rows = np.minimum(rows, buffer.bounds[series + 1][:, np.newaxis] - 1)
    path = np.zeros(rows.shape)
    path[:, :T] = buffer.values[rows[:, :T]]
    columns = window_columns(spec, path, buffer.known[rows])
    missing = np.isnan(columns[:, :, 0])
    predict = regressor.predict
    for start in range(0, n_rows - T, H):
        X = columns[:, start : start + T].copy()
        levels, spreads = standardize_windows(X) if spec.by_window else (0.0, 1.0)
        ahead = np.asarray(predict(X), dtype=np.float64).reshape(len(X), H) * spreads + levels
        part = slice(start + T, start + T + H)
        path[:, part] = ahead
        columns[:, part, 0] = np.where(missing[:, part], np.nan, ahead)
        # Later windows differ in these values only: where they are finite, X needs no check.
        predict = unchecked_predict(regressor) if np.isfinite(ahead).all() else regressor.predict
    return path[:, T : T + n_steps]
