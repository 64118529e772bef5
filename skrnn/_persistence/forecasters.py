"""Records of forecasters: their series, and the model learned from them."""

from dataclasses import replace
from typing import get_type_hints

import numpy as np
import pandas as pd

from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.adaptive import Arrived
from skrnn._forecasting.anchors import ANCHORS, Candidate, Layout
from skrnn._forecasting.categories import n_columns
from skrnn._forecasting.conformal import Residuals, no_residuals
from skrnn._forecasting.error_units import network_ends
from skrnn._forecasting.forecaster import RNNForecaster, without_derived
from skrnn._forecasting.gaps import FILLS
from skrnn._forecasting.global_model import GlobalModel
from skrnn._forecasting.linear_model import (
    UNITS,
    Baseline,
    SeriesScales,
    season_columns,
)
from skrnn._forecasting.panel import Panel, decode_panel, encode_panel
from skrnn._forecasting.target_transform import TargetTransform
from skrnn._forecasting.windows import WindowSpec
from skrnn._persistence.estimators import encode_estimator, estimator_codec
from skrnn._preprocessing.time_grid import run_bounds
from skrnn._preprocessing.time_index import TIME_TYPES, TimeIndex, check_order, is_counted
from skrnn._utils.field_types import Array64, Count, Positive64, Table64, fits
from skrnn._utils.records import Codec, check_fields, record_codec, require

PANEL = get_type_hints(Panel, include_extras=True)
PLAN, LEVEL, MODEL = map(record_codec, (WindowSpec, TargetTransform, GlobalModel))
CANDIDATE = get_type_hints(Candidate, include_extras=True)
LEARNED = {"_panel": Panel, "_model": GlobalModel, "scales_": Positive64}


def _decode_panel(times, times_of, values, exog, **fields):
    check_fields(fields, PANEL)
    labels, step = fields["labels"], fields["step"]
    require(len(labels) > 0 and len(set(labels)) == len(labels), "the names of the series")
    require(fields["form"] != "series" or len(labels) == 1, "the names of the series")
    n_levels = len(fields["level_names"])
    in_levels = [label for label in labels if type(label) is tuple and len(label) == n_levels - 1]
    named = n_levels == 1 if fields["form"] in ("series", "wide") else n_levels > 1
    require(named and (n_levels < 3 or in_levels == labels), "the names of the index")
    for index in times:
        _check_times(index, times[0], step)
    require(all(type(place) is int for place in times_of), "the times of the series")
    n_rows = sum(len(times[place]) for place in times_of)
    require(fits(values, Array64) and values.shape == (n_rows,), "the values of the series")
    categories = fields.get("exog_categories", {})
    _check_categories(categories, fields["exog_names"])
    require(set(fields.get("past_exog", [])) <= set(fields["exog_names"]), "the columns of `exog`")
    shape = (n_rows, sum(n_columns(fields["exog_names"], categories)))
    require(fits(exog, Table64) and exog.shape == shape, "the rows of `exog`")
    panel = decode_panel(times, times_of, values, exog, **fields)
    ends = np.array([rows[[0, -1]] for rows in panel.values])
    require(len(times_of) == len(labels) and np.isfinite(ends).all(), "the values of the series")
    return panel


def _check_categories(categories, names):
    """Refuse categories of columns that do not exist, and duplicate categories."""
    require(set(categories) <= set(names), "the categories of a column")
    for items in categories.values():
        require(items and len(set(items)) == len(items), "the categories of a column")


def _check_times(times, first, step):
    """Refuse times that do not follow each other at the step, or are of another type."""
    timed = isinstance(times, TIME_TYPES) or (isinstance(times, pd.Index) and is_counted(times))
    require(timed and len(times), "the times")
    require(is_counted(times) == (type(step) is int), "the step of the series")
    require(type(step) is not int or step > 0, "the step of the series")
    alike = is_counted(times) and is_counted(first)
    require(alike or times.dtype == first.dtype, "the times of the series")
    if isinstance(times, pd.RangeIndex):
        require(times.step == step or len(times) == 1, "the step of the series")
        return
    index = TimeIndex(times, np.array([0, len(times)]), [None])
    check_order(index)
    require(len(run_bounds(index, step, len(times))) == 2, "the step of the series")


def _complete(forecaster):
    """Set the attributes that a file does not store, once the series and the model are checked."""
    panel, scales = forecaster._panel, forecaster.scales_
    _check_model(forecaster._model, panel)
    gaps = any(np.isnan(rows).any() for rows in (*panel.values, *panel.exog))
    require(forecaster._model.plan.fill or not gaps, "the values of the series")
    require(scales.shape == (len(panel),), "`scales_`")
    forecaster._set_fitted(panel, forecaster._model, scales)


def _check_model(model, panel):
    """Refuse a model that does not match the series."""
    plan, n_series = model.plan, len(panel)
    level = plan.level
    require(plan.outputs in (1, plan.steps), "the steps of a forecast")
    require(level.means.shape == level.deviations.shape == (n_series,), "the level of the series")
    require(np.isfinite([level.means, level.deviations]).all(), "the level of the series")
    require(model.scales.shape == (n_series,), "the scales of the series")
    require(len(plan.static) == n_series and np.isfinite(plan.static).all(), "the static columns")
    _check_categories(plan.static_categories, plan.static_names)
    n_static = sum(n_columns(plan.static_names, plan.static_categories))
    require(n_static in (0, plan.static.shape[1]), "the static columns")
    means = plan.exog_means
    n_means = len(panel.is_past) if len(means) or plan.fill in FILLS else 0
    require(means.shape == (n_means,) and np.isfinite(means).all(), "the means of `exog`")
    shorter = model.shorter
    if shorter is None:
        require((panel.lengths >= model.min_history).all(), "the length of a series")
    else:
        known = shorter.baseline is not None and not shorter.regressors
        require(known and shorter.min_history < model.min_history, "the model of short series")
        _check_model(shorter, panel)
    dated = isinstance(panel.times[0], (pd.DatetimeIndex, pd.PeriodIndex))
    require(dated or not (plan.calendar or plan.year), "the calendar")
    _check_residuals(model, n_series)
    _check_arrived(model.residuals.arrived, panel, plan.steps)
    require(model.shares.shape == (len(model.regressors),), "the shares of networks")
    require(((model.shares >= 0) & (model.shares <= 1)).all(), "the shares of networks")
    require(model.baseline is not None or len(model.regressors), "the networks")
    for regressor in model.regressors:
        _check_network(regressor, plan, panel.is_past)
    if model.baseline is not None:
        n_past, n_ahead = panel.is_past.sum(), (~panel.is_past).sum()
        n_known = 2 * len(plan.calendar) + 4 * plan.year + n_past + plan.outputs * n_ahead
        n_known += season_columns(np.zeros(1), model.baseline.seasons).shape[1]
        _check_baseline(model.baseline, n_series, n_known, plan.outputs)


def _check_residuals(model, n_series):
    """Refuse held-out errors that do not match the series and the model."""
    residuals, level = model.residuals, model.plan.level
    n_windows = len(residuals.errors)
    known = residuals.series >= (0 if residuals.signed else -1)
    require(residuals.errors.shape == (n_windows, model.plan.steps), "the residuals")
    require(not np.isinf(residuals.errors).any(), "the residuals")
    require(residuals.signed or not (residuals.errors < 0).any(), "the residuals")
    require(residuals.series.shape == (n_windows,), "the series of residuals")
    require((known & (residuals.series < n_series)).all(), "the series of residuals")
    require(residuals.sizes.shape == (n_series, model.plan.steps), "the sizes of residuals")
    require((residuals.sizes > 0).all(), "the sizes of residuals")
    require(residuals.floors.shape == (n_series, 2), "the floors of the series")
    require(residuals.kind != "transformed" or level.transformer is not None, "the residuals")
    require(residuals.ends in ((), network_ends(model)), "the quantiles of residuals")
    if residuals.kind == "logarithms":
        least = np.empty(0) if model.baseline is None else model.baseline.scales.least
        require(least.shape == (n_series,) and (least > 0).all(), "the unit of residuals")
        require(level.transformer is None and not level.lags, "the unit of residuals")


def _check_arrived(arrived, panel, steps):
    """Refuse errors of forecasts that do not match the series."""
    n_origins = len(arrived.errors)
    require(arrived.series.shape == arrived.n_known.shape == (n_origins,), "the arrived errors")
    require(arrived.errors.shape == (n_origins, steps), "the arrived errors")
    require(not np.isinf(arrived.errors).any(), "the arrived errors")
    known = (arrived.series >= 0) & (arrived.series < len(panel)) & (arrived.n_known > 0)
    require(known.all(), "the origins of arrived errors")
    require((arrived.n_known < panel.lengths[arrived.series]).all(), "the origins of errors")


def _check_network(regressor, plan, is_past):
    """Refuse a network that does not match the windows."""
    if isinstance(regressor, RNNRegressor):
        n_features = 1 + 2 * len(plan.calendar) + plan.static.shape[1]
        n_features += (2 - is_past.astype(int)).sum()  # columns known in advance count twice
        n_features += 2 * plan.reads_gaps
        shape = getattr(regressor, "input_shape_", None)
        require(shape == (plan.timesteps, n_features), "the network's input")
        require(regressor._network.architecture.outputs == (plan.outputs,), "the network's output")


def _check_baseline(baseline, n_series, n_known, outputs):
    """Refuse a baseline that does not match the series, or is inconsistent."""
    scales = vars(baseline.scales)
    logs = len(scales["log_deviations"]) > 0
    for name, array in scales.items():
        sized = array.shape == (n_series if name != "log_deviations" or logs else 0,)
        require(sized and np.isfinite(array).all(), f"the {name} of the baseline")
    require(baseline.outputs == outputs, "the outputs of the baseline")
    require(baseline.positions.shape == (n_series,), "the positions of the series")
    for array in (baseline.known_means, baseline.known_deviations):
        require(array.shape == (n_known,) and np.isfinite(array).all(), "the known columns")
    for part in baseline.candidates:
        require(set(part) == {*CANDIDATE, "penalty", "errors", "weight"}, "a candidate")
        check_fields(part, CANDIDATE | {"penalty": float, "errors": list[float], "weight": float})
        require(part["unit"] in UNITS and part["anchor"] in ANCHORS, "a candidate")
        require(logs or part["unit"] == "values" or part["weight"] == 0, "the unit of a candidate")
    n_chosen = len(baseline.chosen)
    layout = Layout(baseline.min_history, n_known, outputs)
    require(n_chosen and baseline.shares.shape == (n_chosen, 1), "the shares of candidates")
    require(baseline.maps.shape == (n_chosen, layout.n_inputs, outputs), "the ridges")
    require(np.isfinite(baseline.maps).all() and np.isfinite(baseline.shares).all(), "the ridges")
    reach = baseline.reach
    require(reach.shape in ((0, 2), (len(UNITS), 2)) and np.isfinite(reach).all(), "the reach")
    reads = max(candidate.n_rows for candidate in baseline.chosen)
    require(reads <= baseline.min_history, "the rows of a candidate")


def _encode_plan(plan):
    return vars(plan) | {"dtype": np.dtype(plan.dtype).name}


def _decode_plan(dtype, by_window=None, **fields):
    """Return a WindowSpec; older files have `by_window` for its `scale`."""
    require(dtype in ("float32", "float64"), "the dtype of the windows")
    fields.setdefault("fill", None)  # `_decode_forecaster` sets it from the fields of older files
    if by_window is not None:
        require(isinstance(by_window, bool) and not {"scale", "year"} & set(fields), "the windows")
        fields |= {"scale": "window" if by_window else None, "year": False}
    return PLAN.decode(dtype=getattr(np, dtype), **fields)


def _decode_level(lag=None, **fields):
    """Return a TargetTransform; older files have one `lag`, or 0."""
    if lag is not None:
        require(fits(lag, Count) and "lags" not in fields, "the level of the series")
        fields["lags"] = (lag,) if lag else ()
    return LEVEL.decode(**fields)


def _decode_model(regressor=None, **fields):
    """Return a GlobalModel; older files have one `regressor` and no other parts.

    The residuals of older files are absolute.
    """
    if regressor is not None:
        added = {"regressors": [regressor], "shares": np.ones(1), "baseline": None, "settings": {}}
        require(not set(added) & set(fields), "the networks")
        fields |= added
    if fits(fields.get("residuals"), Table64):
        errors, plan = fields["residuals"], fields["plan"]
        fields["residuals"] = replace(
            no_residuals(plan.steps, len(fields["scales"])),
            errors=errors,
            series=np.full(len(errors), -1),
            rows=plan.timesteps + fields["season"],
            signed=False,
        )
    return MODEL.decode(**fields)


_FORECASTER = estimator_codec(RNNForecaster, LEARNED, check=_complete)


def _encode_forecaster(forecaster):
    return without_derived(encode_estimator(forecaster))


def _decode_forecaster(**state):
    """Return an RNNForecaster; older files have `allow_missing` for `fill="mask"`."""
    if "allow_missing" in state:
        asked = state.pop("allow_missing")
        require(isinstance(asked, bool) and "fill" not in state, "`allow_missing`")
        state["fill"] = "mask" if asked else None
    if "_allow_missing" in state:
        allowed, model = state.pop("_allow_missing"), state["_model"]
        require(isinstance(allowed, bool) and isinstance(model, GlobalModel), "`_allow_missing`")
        require(model.plan.fill is None, "`_allow_missing`")
        plan = replace(model.plan, fill="mask" if allowed else None)
        state["_model"] = replace(model, plan=plan)
    return _FORECASTER.decode(**state)


FORECASTERS = {
    "Level": Codec(TargetTransform, LEVEL.encode, _decode_level),
    "Plan": Codec(WindowSpec, _encode_plan, _decode_plan),
    "SeriesScales": record_codec(SeriesScales),
    "Baseline": record_codec(Baseline),
    "Arrived": record_codec(Arrived),
    "Residuals": record_codec(Residuals),
    "GlobalModel": Codec(GlobalModel, MODEL.encode, _decode_model),
    "Panel": Codec(Panel, encode_panel, _decode_panel),
    "RNNForecaster": Codec(RNNForecaster, _encode_forecaster, _decode_forecaster),
}
