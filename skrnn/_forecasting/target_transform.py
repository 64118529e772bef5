"""TargetTransform: converts the values of series to those that a network learns, and back."""

import warnings
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from sklearn.base import BaseEstimator

from skrnn._preprocessing.time_index import first_few
from skrnn._utils.field_types import Array64, Positive64, Size
from skrnn._utils.numeric_checks import check_real

# Least deviation of a window of a series with deviation 1. Otherwise a constant window would
# magnify what follows it without limit: on daily exchange rates, one of them pegged for years, to
# ten times the squared error.
LEAST_SPREAD = 0.1
Invertible = Annotated[BaseEstimator, lambda fitted: hasattr(fitted, "inverse_transform")]


@dataclass(frozen=True, eq=False)
class TargetTransform:
    """A transformer, differences and standardization, fitted to the training rows of all series."""

    transformer: Invertible | None  # fitted to one column of values
    # rows from a value to the value subtracted from it, for each difference taken, in order
    lags: tuple[Size, ...]
    means: Array64  # of each series, transformed and differenced
    deviations: Positive64

    @property
    def n_before(self):
        """Number of rows before a forecast that undo the differences."""
        return sum(self.lags)

    def transform(self, values, k):
        """Return the values of series k as the network reads them; the first `n_before` are NaN."""
        changed = differenced(transformed(self.transformer, values), self.lags)
        return (changed - self.means[k]) / self.deviations[k]

    def known_before(self, values, series, n_known):
        """Return the last `n_before` values before each forecast, given those of all series."""
        if not self.lags:
            return np.empty((len(series), 0))
        rows = [last_values(values[k], n, self.lags) for k, n in zip(series, n_known, strict=True)]
        return np.reshape(rows, (len(series), self.n_before))

    def inverse_transform(self, outputs, before, series):
        """Return forecasts of shape (n_origins, n_steps) in the unit of the series.

        `before` holds the last `n_before` values before each forecast, `series` its series.
        """
        changes = outputs * self.deviations[series, np.newaxis] + self.means[series, np.newaxis]
        changes = integrated(transformed(self.transformer, before), changes, self.lags)
        return untransformed(self.transformer, changes)


def fit_target_transform(values, times, *, transformer, lags, standardized):
    """Fit a TargetTransform to the training values of each series.

    `times` are for messages. `transformer` is fitted in place. With `standardized` each series is
    scaled to mean 0 and deviation 1.
    """
    if transformer is not None:
        every = np.concatenate(values)
        every = every[~np.isnan(every)]
        with np.errstate(divide="ignore", invalid="ignore"):  # check_transformed refuses these
            transformer.fit(every.reshape(-1, 1))
        check_transformed(transformer, values, times)
        _check_inverse(transformer, every)
    n_series = len(values)
    level = TargetTransform(transformer, lags, np.zeros(n_series), np.ones(n_series))
    return standardize_series(level, values) if standardized else level


def standardize_series(level, values):
    """Return a TargetTransform that scales series to mean 0 and deviation 1."""
    means, deviations = np.empty(len(values)), np.empty(len(values))
    for k, rows in enumerate(values):
        changed = differenced(transformed(level.transformer, rows), level.lags)
        means[k], deviations[k] = _moments(changed[~np.isnan(changed)])
    return replace(level, means=means, deviations=deviations)


def _moments(values):
    """Return mean and deviation; a deviation within rounding error becomes 1."""
    if len(values) == 0:
        return 0.0, 1.0
    deviation = values.std()
    rounding = 10 * np.finfo(np.float64).eps * np.abs(values).max()
    return values.mean(), deviation if deviation > rounding else 1.0


def check_transformed(transformer, values, times):
    """Refuse values that a fitted transformer does not map to finite numbers."""
    for rows, index in zip(values, times, strict=True):
        broken = ~np.isfinite(transformed(transformer, rows)) & ~np.isnan(rows)
        if broken.any():
            raise ValueError(
                f"`transformer` must give finite numbers, got NaN or infinity from the values at "
                f"{first_few(index[broken])}. Logarithms need positive values: choose another one, "
                "or shift the values."
            )


def _check_inverse(transformer, values):
    """Warn if forecasts would not return to the unit of the series."""
    some = values[:: max(len(values) // 10, 1)].reshape(-1, 1)
    back = _as_floats(transformer.inverse_transform(transformer.transform(some)))
    off = np.flatnonzero(~np.isclose(back, some).ravel())
    if len(off):
        value, returned = some[off[0], 0], back[off[0], 0]
        warnings.warn(
            f"`transformer` does not restore values: its `inverse_transform` turns {value:g} into "
            f"{returned:g}, and forecasts will be as far off. Pass one with both directions, such "
            "as `FunctionTransformer(np.log, np.exp)`.",
            stacklevel=2,
        )


def transformed(transformer, values):
    """Return values of any shape through a fitted transformer of one column; NaN stays."""
    if transformer is None:
        return values
    result = np.full(values.shape, np.nan)
    present = ~np.isnan(values)
    if present.any():
        with np.errstate(divide="ignore", invalid="ignore"):  # check_transformed refuses these
            column = transformer.transform(values[present].reshape(-1, 1))
        result[present] = _as_floats(column).ravel()
    return result


def untransformed(transformer, values):
    """Return values of any shape, inverted by a fitted transformer of one column."""
    if transformer is None:
        return values
    return _as_floats(transformer.inverse_transform(values.reshape(-1, 1))).reshape(values.shape)


def _as_floats(column):
    """Return the output of a transformer as an array of floats."""
    check_real(column, "The output of `transformer`")
    return np.asarray(column, dtype=np.float64)


def differenced(values, lags):
    """Return the changes from values some rows before, (..., n_rows), one lag after another.

    The first `sum(lags)` are NaN.
    """
    for lag in lags:
        changes = np.full(values.shape, np.nan)
        changes[..., lag:] = values[..., lag:] - values[..., :-lag]
        values = changes
    return values


def integrated(before, changes, lags):
    """Undo the differences in `changes`, (n_origins, n_steps), which follow known values.

    `before`, (n_origins, sum(lags)), holds the last `sum(lags)` known values, without NaN.
    """
    if not lags:
        return changes
    *inner, lag = lags
    known = differenced(before, inner)[:, sum(inner) :]  # (n_origins, lag)
    path = np.concatenate([known, changes], axis=1)
    n_rows = path.shape[1]
    for start in range(lag, n_rows, lag):
        part = slice(start, min(start + lag, n_rows))
        path[:, part] += path[:, part.start - lag : part.stop - lag]
    return integrated(before[:, lag:], path[:, lag:], inner)


def last_values(values, n_known, lags):
    """Return the last `sum(lags)` of the first `n_known` values.

    A missing value is replaced by the one `max(lags)` rows before, as often as needed, or else by
    the last known value.
    """
    n_before = sum(lags)
    known = values[:n_known]
    last = known[np.flatnonzero(~np.isnan(known))[-1]]
    found = np.full(n_before, last)
    for j in range(n_before):
        earlier = known[n_known - n_before + j :: -max(lags)]
        present = np.flatnonzero(~np.isnan(earlier))
        if len(present):
            found[j] = earlier[present[0]]
    return found


def window_levels(windows):
    """Return the mean and the deviation, at least LEAST_SPREAD, of windows (n_windows, timesteps).

    NaN is missing.
    """
    present = ~np.isnan(windows)
    count = np.maximum(present.sum(axis=1), 1)
    filled = np.where(present, windows, 0.0)
    means = filled.sum(axis=1) / count
    squares = np.where(present, (windows - means[:, np.newaxis]) ** 2, 0.0).sum(axis=1)
    return means, np.maximum(np.sqrt(squares / count), LEAST_SPREAD)
