"""Records of forecasters: their series, and what was learned from them."""

from typing import get_type_hints

import numpy as np
import pandas as pd

from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.forecaster import RNNForecaster, without_derived
from skrnn._forecasting.global_model import GlobalModel
from skrnn._forecasting.panel import Panel, decode_panel, encode_panel
from skrnn._forecasting.target_transform import TargetTransform
from skrnn._forecasting.windows import WindowSpec
from skrnn._persistence.estimators import encode_estimator, estimator_codec
from skrnn._preprocessing.time_grid import run_bounds
from skrnn._preprocessing.time_index import TIME_TYPES, TimeIndex, check_order, is_counted
from skrnn._utils.field_types import Array64, Positive64, Table64, fits
from skrnn._utils.records import Codec, check_fields, record_codec, require

PANEL = get_type_hints(Panel, include_extras=True)
PLAN = record_codec(WindowSpec)
LEARNED = {"_panel": Panel, "_model": GlobalModel, "_allow_missing": bool, "scales_": Positive64}


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
    shape = (n_rows, len(fields["exog_names"]))
    require(fits(exog, Table64) and exog.shape == shape, "the rows of `exog`")
    panel = decode_panel(times, times_of, values, exog, **fields)
    ends = np.array([rows[[0, -1]] for rows in panel.values])
    require(len(times_of) == len(labels) and np.isfinite(ends).all(), "the values of the series")
    return panel


def _check_times(times, first, step):
    """Refuse times that do not follow each other at the step, or are of another kind."""
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
    """Derive what a file does not hold, once the series and the model are known to fit."""
    panel, scales = forecaster._panel, forecaster.scales_
    _check_model(forecaster._model, panel)
    gaps = any(np.isnan(rows).any() for rows in (*panel.values, *panel.exog))
    require(forecaster._allow_missing or not gaps, "the values of the series")
    require(scales.shape == (len(panel),), "`scales_`")
    forecaster._set_fitted(panel, forecaster._model, scales, forecaster._allow_missing)


def _check_model(model, panel):
    """Refuse a model that does not fit the series."""
    plan, n_series = model.plan, len(panel)
    level = plan.level
    require(plan.outputs in (1, plan.steps), "the steps of a forecast")
    require(level.means.shape == level.deviations.shape == (n_series,), "the level of the series")
    require(np.isfinite([level.means, level.deviations]).all(), "the level of the series")
    require(model.scales.shape == (n_series,), "the scales of the series")
    require(len(plan.static) == n_series and np.isfinite(plan.static).all(), "the static columns")
    require((panel.lengths >= plan.min_history).all(), "the length of a series")
    dated = isinstance(panel.times[0], (pd.DatetimeIndex, pd.PeriodIndex))
    require(dated or not plan.calendar, "the calendar")
    require(model.residuals.shape[1] == plan.steps, "the residuals")
    require(not (model.residuals < 0).any(), "the residuals")
    if isinstance(model.regressor, RNNRegressor):
        n_exog = len(panel.exog_names)
        n_features = 1 + 2 * len(plan.calendar) + plan.static.shape[1] + 2 * n_exog
        shape = getattr(model.regressor, "input_shape_", None)
        require(shape == (plan.timesteps, n_features), "the network's input")
        require(
            model.regressor._network.architecture.outputs == (plan.outputs,), "the network's output"
        )


def _encode_plan(plan):
    return vars(plan) | {"dtype": np.dtype(plan.dtype).name}


def _decode_plan(dtype, **fields):
    require(dtype in ("float32", "float64"), "the dtype of the windows")
    return PLAN.decode(dtype=getattr(np, dtype), **fields)


FORECASTERS = {
    "Level": record_codec(TargetTransform),
    "Plan": Codec(WindowSpec, _encode_plan, _decode_plan),
    "GlobalModel": record_codec(GlobalModel),
    "Panel": Codec(Panel, encode_panel, _decode_panel),
    "RNNForecaster": estimator_codec(RNNForecaster, LEARNED, check=_complete)._replace(
        encode=lambda forecaster: without_derived(encode_estimator(forecaster))
    ),
}
