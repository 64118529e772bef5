"""Attributions of forecasts, as a DataFrame of the rows that the forecasts read."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skrnn._attribution.forecast_step import ForecastStep
from skrnn._attribution.path_integral import path_integrals
from skrnn._attribution.plain_network import MOST_AT_ONCE
from skrnn._attribution.window_network import WindowNetwork
from skrnn._forecasting.windows import make_buffer
from skrnn._preprocessing.time_index import first_few


def attribute_forecasts(forecaster, series, exog, baseline, target):
    """Return a DataFrame of attributions, and for each series the gap in their sum."""
    check_is_fitted(forecaster)
    explained = forecast_steps(forecaster, series, exog, target)
    starts = _starts(explained, baseline)
    found = [_attribute(one, start) for one, start in zip(explained, starts, strict=True)]
    frames = [_frame(one, parts) for one, (parts, _) in zip(explained, found, strict=True)]
    return _joined(explained, frames), np.array([gap for _, gap in found])


def forecast_steps(forecaster, series, exog, target):
    """Return the ForecastStep of each series to explain."""
    fitted = forecaster._for_series(series, exog, None)
    step, asked = _read_target(target, fitted)
    panel, places, n_known = fitted._ahead(
        lambda panel, series, n_known, n_steps: (panel, series, n_known),
        fitted._panel.future_times(fitted._model.plan.outputs),
        exog,
    )
    places, n_known = places[asked], n_known[asked]
    steps = {}
    for model, chosen in fitted._model.for_lengths(n_known):
        _check_model(model)
        buffer = make_buffer(model.plan, panel)
        networks = [WindowNetwork(regressor, model.plan) for regressor in model.regressors]
        for k, n_rows in zip(places[chosen], n_known[chosen], strict=True):
            _check_rows(model, panel, k, n_rows)
            steps[k] = ForecastStep(model, panel, buffer, k, n_rows, step, networks)
    return [steps[k] for k in places]


def _read_target(target, fitted):
    """Return the step to explain, from 0, and the places of the series."""
    step, *label = target if isinstance(target, tuple) else (target,)
    step, outputs = 1 if step is None else step, fitted._model.plan.outputs
    whole = isinstance(step, Integral) and not isinstance(step, bool)
    if not whole or not 1 <= step <= outputs:
        more = ", because later ones are fed back" if outputs < fitted._model.plan.steps else ""
        raise ValueError(
            f"`target` must be a step of the forecast, from 1 to {outputs}{more}, or a tuple of it "
            f"and the name of a series, got {target!r}. Pass 1 for the first step."
        )
    if not label:
        return int(step) - 1, slice(None)
    name, labels = label[0] if len(label) == 1 else tuple(label), fitted._panel.labels
    if name not in labels:
        raise ValueError(
            f"`target` must name a series of the forecast, {first_few(labels)}, got {name!r}. "
            "Choose among these."
        )
    return int(step) - 1, [labels.index(name)]


def _check_model(model):
    """Refuse a forecast with an unknown gradient."""
    if model.plan.level.transformer is not None:
        raise ValueError(
            "`estimator` must have `transformer=None`, because the derivative of a transformer is "
            f"not known, got {model.plan.level.transformer!r}. Fit without one: the forecast then "
            "uses logarithms where they help."
        )


def _check_rows(model, panel, k, n_known):
    """Refuse missing values in the rows that a forecast reads."""
    first = n_known - model.min_history
    values, exog = panel.values[k][first:n_known], panel.exog[k][first:]
    if np.isnan(values).any() or np.isnan(exog).any():
        raise ValueError(
            f"`X` must have no missing value in the {model.min_history} rows that a forecast reads "
            f"of the series {panel.labels[k]!r}, because filled values cannot be explained, got "
            "NaN. Fill them in first."
        )


def _starts(explained, baseline):
    """Return the rows that those of each forecast are compared with."""
    rows = [one.known_rows for one in explained]
    if baseline is None:
        return [
            np.where(np.isnan(row), np.nan, _means(one))
            for one, row in zip(explained, rows, strict=True)
        ]
    expected, categories = (
        _joined(explained, list(map(_frame, explained, rows))),
        explained[0].panel.exog_categories,
    )
    same = isinstance(baseline, pd.DataFrame) and baseline.index.equals(expected.index)
    if not same or list(baseline.columns) != list(expected.columns) or categories:
        remedy = " Leave it out: `exog` has categories." if categories else ""
        raise ValueError(
            "`baseline` must be a DataFrame with the rows and columns of the result, "
            f"{expected.shape}, got {type(baseline).__name__}. Change the values of the result of "
            f"`integrated_gradients` without a `baseline`.{remedy}"
        )
    found, first = [], 0
    for one, row in zip(explained, rows, strict=True):
        start, n_rows = row.copy(), len(_frame(one, row))
        start[:n_rows] = baseline.to_numpy(dtype=float)[first : first + n_rows]
        first += n_rows
        if not np.isfinite(start[~np.isnan(row)]).all():
            raise ValueError(
                "`baseline` must hold a number wherever the result does, got NaN. Fill it in."
            )
        found.append(np.where(np.isnan(row), np.nan, start))
    return found


def _means(one):
    """Return the means of a series and of its `exog` over all known rows."""
    panel, k, known = one.panel, one.k, slice(one.n_known)
    of_exog = np.nanmean(panel.exog[k][known], axis=0) if panel.exog[k].shape[1] else []
    return np.array([np.nanmean(panel.values[k][known]), *of_exog])


def _attribute(one, start):
    """Return the attributions of a forecast, in the form of its rows, and their gap."""
    at_once = min([MOST_AT_ONCE, *(network.at_once for network in one.networks)])
    found = path_integrals(one, start[np.newaxis], one.known_rows[np.newaxis], at_once)
    parts = np.where(np.isnan(one.known_rows), np.nan, found.parts[0])
    return parts, found.gaps[0] / max(found.sizes[0], np.finfo(float).tiny)


def _frame(one, rows):
    """Return numbers of the rows of a forecast as a DataFrame, with those of a category summed."""
    panel, first = one.panel, one.n_known - one.n_rows
    rows = rows if panel.future_exog else rows[: one.n_rows]
    value = "value" if panel.form == "wide" or panel.name is None else panel.name
    times = panel.times[one.k][first : first + len(rows)]
    names = [value, *panel.exog_sources]
    columns = {}
    for name, column in zip(names, rows.T, strict=True):
        columns[name] = columns[name] + column if name in columns else column
    return pd.DataFrame(columns, index=times)


def _joined(explained, frames):
    """Return the DataFrames of all series as one, with their names in a level before the times."""
    panel = explained[0].panel
    if panel.form == "series":
        return frames[0]
    names = panel.level_names
    if panel.form == "wide":
        names = [*(panel.name if isinstance(panel.name, tuple) else [panel.name]), *names]
    return pd.concat(frames, keys=[panel.labels[one.k] for one in explained], names=names)
