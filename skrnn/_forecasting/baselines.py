"""Baseline forecasts that need no model, and the errors by which models compare with them."""

import numpy as np


def naive(values, n_steps, season):
    """Repeat the last value."""
    return np.full(n_steps, _known(values)[-1])


def seasonal_naive(values, n_steps, season):
    """Repeat the last season; where it is missing or not yet over, the last value."""
    last = values[-season:] if len(values) >= season else values[-1:]
    last = np.where(np.isnan(last), _known(values)[-1], last)
    return np.resize(last, n_steps)


def drift(values, n_steps, season):
    """Continue the line from the first value to the last."""
    rows = np.flatnonzero(~np.isnan(values))
    first, last = values[rows[0]], values[rows[-1]]
    slope = (last - first) / max(rows[-1] - rows[0], 1)
    return last + slope * (np.arange(1, n_steps + 1) + len(values) - 1 - rows[-1])


BASELINES = {"naive": naive, "seasonal_naive": seasonal_naive, "drift": drift}


def _known(values):
    return values[~np.isnan(values)]


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
    """Return MAE, RMSE, sMAPE (in percent, at most 200) and MASE over the rows that have a truth.

    `scale` is the `seasonal_scale` of each row's series.
    """
    counted = ~np.isnan(truth)
    truth, forecast, scale = truth[counted], forecast[counted], scale[counted]
    errors = np.abs(truth - forecast)
    sizes = np.abs(truth) + np.abs(forecast)
    relative = np.divide(2 * errors, sizes, out=np.zeros_like(errors), where=sizes > 0)
    return {
        "MAE": errors.mean(),
        "RMSE": np.sqrt((errors**2).mean()),
        "sMAPE": 100 * relative.mean(),
        "MASE": (errors / scale).mean(),
    }


def interval_score(truth, lower, upper, level):
    """Return the interval score of each truth: width, and what misses cost; lower is better.

    Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 43, with alpha = 1 -
    `level` / 100. NaN where there is no truth.
    """
    missed = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return upper - lower + 2 / (1 - level / 100) * missed
