"""Buffer: the rows of all series one after another, and the windows that a network reads."""

from dataclasses import dataclass

import numpy as np

from skrnn._forecasting.calendar import calendar_features
from skrnn._forecasting.target_transform import Level, last_values, window_levels
from skrnn._preprocessing.time_index import ticks_of
from skrnn._preprocessing.windows import sliding_windows

ORIGINS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Plan:
    """What the windows of a forecaster hold, as fitted.

    Parameters
    ----------
    timesteps : int
        Rows of a window.
    outputs : int
        Steps that the network forecasts at once; `exog` stands beside the window as many rows on.
    steps : int
        Steps of a forecast.
    by_window : bool
        Whether each window is brought to its own level and spread.
    calendar : tuple of str
    level : Level
    static : ndarray of shape (n_series, n_static)
    dtype : dtype
        Of the windows.
    """

    timesteps: int
    outputs: int
    steps: int
    by_window: bool
    calendar: tuple
    level: Level
    static: np.ndarray
    dtype: type

    @property
    def reach(self):
        """Rows that a series must have for a forecast."""
        return self.timesteps + self.level.lag


@dataclass(frozen=True, eq=False)
class Buffer:
    """Rows of all series, one after another.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        As the network reads them, but for the level of a window.
    own : ndarray of shape (n_rows, n_own)
        Calendar and static columns.
    exog : ndarray of shape (n_rows, n_exog)
    ticks : ndarray of int of shape (n_rows,)
        Times, as numbers that sort like them.
    bounds : ndarray of shape (n_series + 1,)
        First row of each series, then n_rows.
    """

    values: np.ndarray
    own: np.ndarray
    exog: np.ndarray
    ticks: np.ndarray
    bounds: np.ndarray


def make_buffer(plan, panel):
    """Lay out the series of a Panel, in the order in which they were fitted."""
    made = {}
    for times in panel.times:
        if id(times) not in made:
            made[id(times)] = calendar_features(times, plan.calendar)
    own = [
        np.hstack([made[id(times)], np.broadcast_to(row, (len(times), len(row)))])
        for times, row in zip(panel.times, plan.static, strict=True)
    ]
    return Buffer(
        values=np.concatenate([plan.level.forward(row, k) for k, row in enumerate(panel.values)]),
        own=np.concatenate(own),
        exog=np.concatenate(panel.exog),
        ticks=np.concatenate([ticks_of(times) for times in panel.times]),
        bounds=np.append(0, np.cumsum(panel.lengths)),
    )


def origins(first, last, stride):
    """Return where forecasts of each series begin, `stride` rows apart, the last one at `last`.

    Parameters
    ----------
    first, last : ndarray of shape (n_series,)
        Rows known at the first and the last forecast; a series with last < first has none.

    Returns
    -------
    series, stops : ndarray of int of shape (n_origins,)
        The series of each forecast, and how many of its rows are known.
    """
    stops = [
        np.arange(stop, start - 1, -stride)[::-1] for start, stop in zip(first, last, strict=True)
    ]
    counts = [len(part) for part in stops]
    return np.repeat(np.arange(len(stops)), counts), np.concatenate(stops).astype(int)


def training_windows(plan, buffer, series, stops):
    """Return the windows before the origins and what follows them, ordered by its time.

    Windows with a missing target are left out.

    Returns
    -------
    X : ndarray of shape (n_windows, timesteps, n_features)
        A view of the buffer where the rows are those of one series.
    y : ndarray of shape (n_windows, outputs)
    """
    rows = buffer.bounds[series] + stops
    y = sliding_windows(buffer.values[:, np.newaxis], plan.outputs)[rows, :, 0]
    whole = np.flatnonzero(~np.isnan(y).any(axis=1))
    chosen = whole[np.argsort(buffer.ticks[rows[whole] + plan.outputs - 1], kind="stable")]
    rows, y = rows[chosen], y[chosen]
    X = sliding_windows(_features(plan, buffer), plan.timesteps)[_as_slice(rows - plan.timesteps)]
    seen = ~np.isnan(X[:, :, 0]).all(axis=1)
    if not seen.all():
        X, y = X[seen], y[seen]
    if len(y) == 0:
        raise ValueError(
            f"`series` and `exog` must leave a window with {plan.outputs} steps behind it that are "
            "all known, got a missing value in each. Fill them in, lower `steps`, or set "
            '`strategy="recursive"`, which needs one step.'
        )
    if plan.by_window:
        X = X.copy()
        levels, spreads = leveled(X)
        y = (y - levels) / spreads
    return X, y.astype(plan.dtype)


def _features(plan, buffer):
    """Return all that a window holds of each row, (n_rows, n_features)."""
    later = np.full_like(buffer.exog, np.nan)
    later[: -plan.outputs] = buffer.exog[plan.outputs :]
    columns = [buffer.values[:, np.newaxis], buffer.own, buffer.exog, later]
    return masked(np.hstack(columns).astype(plan.dtype))


def masked(features):
    """Make a row that is NaN in part NaN throughout: a step to be skipped."""
    features[np.isnan(features).any(axis=-1)] = np.nan
    return features


def leveled(X):
    """Bring the values in windows X to the level of each, in place; return levels and spreads."""
    levels, spreads = (moment[:, np.newaxis] for moment in window_levels(X[:, :, 0]))
    X[:, :, 0] = (X[:, :, 0] - levels) / spreads
    return levels, spreads


def _as_slice(starts):
    """Return evenly spaced positions as a slice, which makes a view of what it indexes."""
    gaps = np.unique(np.diff(starts))
    if len(gaps) == 1 and gaps[0] > 0:
        return slice(int(starts[0]), int(starts[-1]) + 1, int(gaps[0]))
    return starts


def forecasts(plan, regressor, buffer, panel, series, stops, n_steps):
    """Return forecasts in the unit of the series.

    What follows an origin in `panel` is not looked at, but for its `exog` and its times.

    Parameters
    ----------
    plan : Plan
    regressor : fitted regressor
    buffer : Buffer
        Of the panel; it holds the rows of `exog` that follow the last origin.
    panel : Panel
    series, stops : ndarray of int of shape (n_origins,)
        The series of each forecast, and how many of its rows are known.
    n_steps : int

    Returns
    -------
    ndarray of shape (n_origins, n_steps)
    """
    outputs = np.empty((len(series), n_steps))
    for start in range(0, len(series), ORIGINS_AT_ONCE):
        part = slice(start, start + ORIGINS_AT_ONCE)
        outputs[part] = _rolled(plan, regressor, buffer, series[part], stops[part], n_steps)
    lag = plan.level.lag
    before = [
        last_values(panel.values[k], stop, lag) for k, stop in zip(series, stops, strict=True)
    ]
    return plan.level.backward(outputs, np.reshape(before, (len(series), lag)), series)


def _rolled(plan, regressor, buffer, series, stops, n_steps):
    """Return what the network forecasts, its outputs fed back until there are `n_steps`."""
    T, H = plan.timesteps, plan.outputs
    n_blocks = -(-n_steps // H)
    path = np.empty((len(series), T + n_blocks * H))
    features, gone = _features_ahead(plan, buffer, series, stops, path)
    quick = getattr(regressor, "_predict_alike", regressor.predict)
    predict = regressor.predict
    for start in range(0, n_blocks * H, H):
        X = features[:, start : start + T].copy()
        levels, spreads = leveled(X) if plan.by_window else (0.0, 1.0)
        ahead = np.asarray(predict(X), dtype=np.float64).reshape(len(X), H) * spreads + levels
        part = slice(start + T, start + T + H)
        path[:, part] = ahead
        features[:, part, 0] = np.where(gone[:, part], np.nan, ahead)
        # What comes next differs in a few values: only what is not finite is looked at again.
        predict = quick if np.isfinite(ahead).all() else regressor.predict
    return path[:, T : T + n_steps]


def _features_ahead(plan, buffer, series, stops, path):
    """Return what windows hold of every row, and which rows are missing in `exog`.

    The known values go into `path`, (n_origins, n_rows); those to be forecast are zero as yet.
    """
    T, H = plan.timesteps, plan.outputs
    rows = buffer.bounds[series] + stops
    steps = np.arange(-T, path.shape[1] - T)
    # Beyond the last row the columns known in the future stand still.
    last = buffer.bounds[series + 1] - 1
    seen = np.minimum(rows[:, np.newaxis] + steps, last[:, np.newaxis])
    path[:, :T] = buffer.values[seen[:, :T]]
    path[:, T:] = 0.0
    exog = buffer.exog[seen]  # (n_origins, n_rows, n_exog)
    later = exog[:, np.minimum(np.arange(path.shape[1]) + H, path.shape[1] - 1)]
    columns = [path[:, :, np.newaxis], buffer.own[seen], exog, later]
    features = masked(np.concatenate(columns, axis=2).astype(plan.dtype))
    return features, np.isnan(features[:, :, 0])
