"""Baseline forecasts without a model, their intervals, and measures of forecast errors."""

import numpy as np

MOST_ERRORS = 1000  # origins, at most, for the intervals of baselines


def naive(values, n_known, n_steps, season):
    """Repeat the last value."""
    last = values[_latest_known(values)[n_known - 1]]
    return np.repeat(last[:, np.newaxis], n_steps, axis=1)


def seasonal_naive(values, n_known, n_steps, season):
    """Repeat the last season; where it is missing or not yet over, the last value."""
    last = naive(values, n_known, n_steps, season)
    ends = np.asarray(n_known)[:, np.newaxis]
    found = values[ends - season + np.arange(n_steps) % season] if season <= len(values) else last
    return np.where((ends < season) | np.isnan(found), last, found)


def drift(values, n_known, n_steps, season):
    """Continue the line from the first value to the last."""
    first, last = _first_known(values), _latest_known(values)[n_known - 1]
    slopes = (values[last] - values[first]) / np.maximum(last - first, 1)
    ahead = np.arange(n_steps) + (n_known - last)[:, np.newaxis]
    return values[last][:, np.newaxis] + slopes[:, np.newaxis] * ahead


# Each returns forecasts of `n_steps` rows of a series from origins, (n_origins, n_steps), at which
# `n_known`, (n_origins,), rows are known. Later rows of `values` are not read.
BASELINES = {"naive": naive, "seasonal_naive": seasonal_naive, "drift": drift}


def _known(values):
    return values[~np.isnan(values)]


def _first_known(values):
    return int(np.argmin(np.isnan(values)))


def _latest_known(values):
    """Return the last row with a value up to each row; the first one with a value before it."""
    rows = np.where(np.isnan(values), _first_known(values), np.arange(len(values)))
    return np.maximum.accumulate(rows)


def in_sample_errors(baseline, values, n_steps, season):
    """Return truth minus a baseline's forecasts within a series, (n_origins, n_steps).

    NaN where there is no truth. Origins are after the first season, with a row after each.
    """
    first = _first_known(values) + 1
    first = first + season - 1 if first + season - 1 < len(values) else first
    origins = np.arange(first, len(values))
    if len(origins) > MOST_ERRORS:
        origins = np.linspace(first, len(values) - 1, MOST_ERRORS).round().astype(int)
    rows = origins[:, np.newaxis] + np.arange(n_steps)
    truth = np.append(values, np.nan)[np.minimum(rows, len(values))]
    return truth - baseline(values, origins, n_steps, season)


def error_quantiles(errors, fractions):
    """Return quantiles of errors, (n_origins, n_steps), at each step: (n_fractions, n_steps).

    NaN does not count. A step without an error has the quantiles of the step before it.
    """
    counts = (~np.isnan(errors)).sum(axis=0)
    if not counts.any():
        return np.full((len(fractions), len(counts)), np.nan)
    steps = np.maximum.accumulate(np.where(counts > 0, np.arange(len(counts)), 0))
    places = np.multiply.outer(fractions, np.maximum(counts[steps] - 1, 0))
    ordered, below = np.sort(errors, axis=0), np.floor(places).astype(int)  # NaN last
    low, high = ordered[below, steps], ordered[np.ceil(places).astype(int), steps]
    return low + (places - below) * (high - low)


def seasonal_scale(values, season, if_constant=1.0):
    """Return the mean absolute error of the seasonal naive forecast within known rows.

    The denominator of MASE (Hyndman and Koehler 2006, doi:10.1016/j.ijforecast.2006.03.001). A
    series shorter than its season is measured from row to row; a constant one gives `if_constant`.
    """
    rounding = 10 * np.finfo(np.float64).eps * np.abs(_known(values)).max(initial=0.0)
    for lag in (season, 1):
        changes = np.abs(values[lag:] - values[:-lag])
        changes = changes[~np.isnan(changes)]
        if len(changes) and changes.mean() > rounding:
            return float(changes.mean())
    return if_constant


def error_measures(truth, forecast, scale):
    """Return MASE, MAE, RMSE and sMAPE (in percent, at most 200) over the rows with a known truth.

    `scale` is the `seasonal_scale` of each row's series.
    """
    counted = ~np.isnan(truth)
    truth, forecast, scale = truth[counted], forecast[counted], scale[counted]
    errors = np.abs(truth - forecast)
    sizes = np.abs(truth) + np.abs(forecast)
    relative = np.divide(2 * errors, sizes, out=np.zeros_like(errors), where=sizes > 0)
    return {
        "MASE": (errors / scale).mean(),
        "MAE": errors.mean(),
        "RMSE": np.sqrt((errors**2).mean()),
        "sMAPE": 100 * relative.mean(),
    }


def interval_score(truth, lower, upper, level):
    """Return the interval score of each truth: the width plus a penalty of misses; lower is better.

    Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 43, with alpha = 1 -
    `level` / 100. NaN where there is no truth.
    """
    missed = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return upper - lower + 2 / (1 - level / 100) * missed
