"""Level: from the values of series to those a network learns, and back."""

import warnings
from dataclasses import dataclass

import numpy as np

from skrnn._forecasting.time_steps import named

# Of a window, where its series has 1. What follows a window at rest would be blown up beyond
# measure: on daily exchange rates, one of them pegged for years, to ten times the squared error.
LEAST_SPREAD = 0.1


@dataclass(frozen=True, eq=False)
class Level:
    """What was learned from the training rows to bring series to one level.

    Parameters
    ----------
    transformer : transformer or None
        Fitted to one column of values.
    lag : int
        Differences are taken from the value so many rows before; 0: none are.
    means, deviations : ndarray of shape (n_series,)
        Of each series after these two.
    """

    transformer: object
    lag: int
    means: np.ndarray
    deviations: np.ndarray

    def forward(self, values, k):
        """Return the values of series k as the network reads them; the first `lag` are NaN."""
        changed = differenced(transformed(self.transformer, values), self.lag)
        return (changed - self.means[k]) / self.deviations[k]

    def backward(self, outputs, before, series):
        """Return forecasts in the unit of the series.

        Parameters
        ----------
        outputs : ndarray of shape (n_origins, n_steps)
        before : ndarray of shape (n_origins, lag)
            The last values of the series before each forecast.
        series : ndarray of shape (n_origins,)
            The series of each.
        """
        changes = outputs * self.deviations[series, np.newaxis] + self.means[series, np.newaxis]
        if self.lag:
            changes = integrated(transformed(self.transformer, before), changes)
        if self.transformer is None:
            return changes
        column = self.transformer.inverse_transform(changes.reshape(-1, 1))
        return np.asarray(column, dtype=np.float64).reshape(changes.shape)


def fit_level(values, times, *, transformer, lag, standardized):
    """Learn a Level.

    Parameters
    ----------
    values : list of ndarray of shape (n_rows,)
        Training rows of each series.
    times : list of pandas.Index
        Their times, for messages.
    transformer : transformer or None
        Unfitted, fitted in place to the values of all series.
    lag : int
    standardized : bool
        Whether each series is brought to mean 0 and deviation 1. If not, `means` are 0 and
        `deviations` 1.

    Returns
    -------
    Level
    """
    if transformer is not None:
        every = np.concatenate(values)
        with np.errstate(divide="ignore", invalid="ignore"):  # refused afterwards
            transformer.fit(every[~np.isnan(every)].reshape(-1, 1))
        check_transformed(transformer, values, times)
        _check_inverse(transformer, every[~np.isnan(every)])
    changed = [differenced(transformed(transformer, rows), lag) for rows in values]
    if not standardized:
        return Level(transformer, lag, np.zeros(len(values)), np.ones(len(values)))
    means = np.array([_mean(rows) for rows in changed])
    return Level(transformer, lag, means, np.array([_spread(rows) for rows in changed]))


def _mean(rows):
    present = rows[~np.isnan(rows)]
    return present.mean() if len(present) else 0.0


def _spread(rows):
    """Deviation of the values that are there; 1 where it is no more than rounding."""
    present = rows[~np.isnan(rows)]
    deviation = present.std() if len(present) else 0.0
    rounding = 10 * np.finfo(np.float64).eps * np.abs(present).max(initial=0.0)
    return deviation if deviation > rounding else 1.0


def check_transformed(transformer, values, times):
    """Refuse values of which a fitted transformer makes no finite number."""
    for rows, index in zip(values, times, strict=True):
        broken = ~np.isfinite(transformed(transformer, rows)) & ~np.isnan(rows)
        if broken.any():
            raise ValueError(
                f"`transformer` must give finite numbers, got others from the values at "
                f"{named(index[broken])}. Logarithms need positive values."
            )


def _check_inverse(transformer, values):
    """Warn where forecasts would not come back to the unit of the series."""
    some = values[:: max(len(values) // 10, 1)].reshape(-1, 1)
    back = np.asarray(transformer.inverse_transform(transformer.transform(some)))
    off = np.flatnonzero(~np.isclose(back, some).ravel())
    if len(off):
        value, returned = some[off[0], 0], back[off[0], 0]
        warnings.warn(
            f"`transformer` does not bring values back: of {value:g} its `inverse_transform` makes "
            f"{returned:g}, and forecasts are no better. Pass one with both ways, such as "
            "`FunctionTransformer(np.log, np.exp)`.",
            stacklevel=2,
        )


def transformed(transformer, values):
    """Return values of any shape through a fitted transformer of one column; NaN stays."""
    if transformer is None:
        return values
    result = np.full(values.shape, np.nan)
    present = ~np.isnan(values)
    if present.any():
        with np.errstate(divide="ignore", invalid="ignore"):  # refused afterwards
            column = transformer.transform(values[present].reshape(-1, 1))
        result[present] = np.asarray(column, dtype=np.float64).ravel()
    return result


def differenced(values, lag):
    """Return the change from the value `lag` rows before; the first `lag` are NaN."""
    if lag == 0:
        return values
    changes = np.full(len(values), np.nan)
    changes[lag:] = values[lag:] - values[:-lag]
    return changes


def integrated(before, changes):
    """Add up changes behind known values.

    Parameters
    ----------
    before : ndarray of shape (n_origins, lag)
        The last values; none is NaN.
    changes : ndarray of shape (n_origins, n_steps)
        Each from the value `lag` steps before.

    Returns
    -------
    ndarray of shape (n_origins, n_steps)
    """
    lag, n_steps = before.shape[1], changes.shape[1]
    path = np.concatenate([before, changes], axis=1)
    for start in range(lag, lag + n_steps, lag):
        part = slice(start, min(start + lag, lag + n_steps))
        path[:, part] += path[:, part.start - lag : part.stop - lag]
    return path[:, lag:]


def last_values(values, stop, lag):
    """Return the `lag` values before row `stop`.

    One that is missing is taken from so many rows before, as often as needed, or else from the
    last row that has one.
    """
    known = values[:stop]
    last = known[np.flatnonzero(~np.isnan(known))[-1]]
    found = np.full(lag, last)
    for j in range(lag):
        earlier = known[stop - lag + j :: -lag]
        present = np.flatnonzero(~np.isnan(earlier))
        if len(present):
            found[j] = earlier[present[0]]
    return found


def window_levels(windows):
    """Return the level and the spread of each window: the mean and the deviation of its values.

    Parameters
    ----------
    windows : ndarray of shape (n_windows, timesteps)
        NaN is a missing value.

    Returns
    -------
    levels, spreads : ndarray of shape (n_windows,)
        A spread is at least LEAST_SPREAD.
    """
    present = ~np.isnan(windows)
    count = np.maximum(present.sum(axis=1), 1)
    filled = np.where(present, windows, 0.0)
    means = filled.sum(axis=1) / count
    squares = np.where(present, (windows - means[:, np.newaxis]) ** 2, 0.0).sum(axis=1)
    return means, np.maximum(np.sqrt(squares / count), LEAST_SPREAD)
