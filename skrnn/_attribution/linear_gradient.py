"""The gradient of a Baseline's forecasts: of its linear maps, and of logarithms around them.

Letters in shapes: p points, n rows that the Baseline reads, H steps.
"""

import numpy as np

from skrnn._forecasting.linear_model import UNITS, distance_of_mean, make_inputs


def linear_gradient(baseline, history, series, direction):
    """Return the gradient of a weighted sum of the steps of a forecast, by the parts of a History.

    `direction` (H,) holds the weights. The result is the gradient of `recent` (p, n), `mean`,
    `first` (p,) and `known` (p, n_columns). No row may be missing. `known` starts with the columns
    of the seasons, and is standardized.
    """
    found = [np.zeros_like(part) for part in (history.recent, history.mean, history.first)]
    of_known = np.zeros_like(history.known)
    units = np.array([candidate.unit for candidate in baseline.chosen])
    for unit in UNITS:
        maps, shares = baseline.maps[units == unit], baseline.shares[units == unit]
        if not len(maps):
            continue
        inputs, last = make_inputs(baseline.scales, history, series, unit)
        moves = _moves_mean(baseline, inputs, unit)
        slopes = [_unit_slopes(baseline.scales, part, series, unit) for part in vars_of(history)]
        for weights, share in zip(maps, shares, strict=True):
            forecast = last + inputs @ weights  # (p, H)
            of_values = np.broadcast_to(share * direction, forecast.shape)
            of_steps = of_values * _value_slopes(baseline.scales, forecast, series, unit)
            parts, known = _of_map(of_steps @ weights.T, of_steps.sum(axis=1), history, *moves)
            for total, part, slope in zip(found, parts, slopes, strict=True):
                total += part * slope
            of_known += known
    return (*found, of_known)


def vars_of(history):
    return history.recent, history.mean, history.first


def _moves_mean(baseline, inputs, unit):
    """Return the number of rows that the mean of all stays near, and the points at which it moves.

    It is moved in `inputs`, in place, as in the Baseline.
    """
    near = max((part.season for part in baseline.chosen if part.anchor == "mean"), default=0)
    distance = distance_of_mean(inputs, baseline.min_history, max(near, 1))
    baseline._keep_mean_near(inputs, unit)
    after = distance_of_mean(inputs, baseline.min_history, max(near, 1))
    return near, ~np.isclose(distance, after, rtol=1e-12, atol=1e-12)


def _of_map(of_inputs, of_last, history, near, moved):
    """Return the gradient of rows, mean and first value in a unit, and of known columns.

    `of_inputs` (p, n_inputs) is the gradient of the inputs of a Layout. `of_last` (p,) is that of
    the last value, which is added to their map.
    """
    n_rows = history.recent.shape[1]
    rows, mean, slope = of_inputs[:, :n_rows].copy(), of_inputs[:, n_rows], of_inputs[:, n_rows + 1]
    if near:  # a mean that is moved follows the recent rows
        rows[:, -near:] += (np.where(moved, mean, 0) / near)[:, np.newaxis]
        mean = np.where(moved, 0, mean)
    slope = slope / np.maximum(history.n_known - 1, 1)
    rows[:, -1] += of_last - rows.sum(axis=1) - mean + slope
    return (rows, mean, -slope), of_inputs[:, n_rows + 3 :]


def _unit_slopes(scales, values, series, unit):
    """Return the derivative of `SeriesScales.to_unit`."""
    if unit == "values":
        return 1.0
    mean, deviation, scale, least = (
        part[series].reshape(-1, *(1,) * (values.ndim - 1))
        for part in (scales.means, scales.deviations, scales.log_deviations, scales.least)
    )
    raw = values * deviation + mean
    return np.where(raw > least, deviation / np.maximum(raw, least) / scale, 0)


def _value_slopes(scales, forecast, series, unit):
    """Return the derivative of `SeriesScales.from_unit`, (p, H)."""
    if unit == "values":
        return 1.0
    values = scales.from_unit(forecast, series, unit)
    mean, deviation, scale, lowest, highest = (
        part[series, np.newaxis]
        for part in (
            scales.means,
            scales.deviations,
            scales.log_deviations,
            scales.lowest,
            scales.highest,
        )
    )
    inside = (values > lowest) & (values < highest)
    return np.where(inside, (values * deviation + mean) * scale / deviation, 0)
