"""Records of forecasters: their series, and what was learned from them."""

from itertools import pairwise

import numpy as np
import pandas as pd

from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.calendar import CYCLES
from skrnn._forecasting.forecaster import RNNForecaster
from skrnn._forecasting.global_model import GlobalModel
from skrnn._forecasting.panel import Panel
from skrnn._forecasting.target_transform import TargetTransform
from skrnn._forecasting.time_steps import contiguous_bounds, is_counted, is_time_like
from skrnn._forecasting.windows import WindowSpec
from skrnn._persistence.estimators import estimator_entry, is_estimator
from skrnn._persistence.frames import FRAMES
from skrnn._persistence.networks import (
    check_parts,
    is_a,
    is_bool,
    is_size,
    is_text_of,
    is_vector,
    or_none,
    record_entry,
)
from skrnn._persistence.records import Entry, require
from skrnn._preprocessing.time_index import TimeIndex, check_order

FORMS = {"series": 1, "wide": 1, "long": 2, "long frame": 2}  # levels of their index
STEPS = pd.tseries.offsets.BaseOffset, pd.Timedelta, int
DERIVED = ("cutoff_", "exog_names_", "freq_", "regressor_", "season_")


def _is_lag(value):
    return type(value) is int and value >= 0


def _are_positive(value):
    return is_vector(value) and value.ndim == 1 and bool((value > 0).all())


def _is_table(value):
    return is_vector(value) and value.ndim == 2


def _is_able(method):
    return lambda value: is_estimator(value) and hasattr(value, method)


LEVEL = {
    "transformer": or_none(_is_able("inverse_transform")),
    "lag": _is_lag,
    "means": is_vector,
    "deviations": _are_positive,
}
PLAN = {
    "timesteps": is_size,
    "outputs": is_size,
    "steps": is_size,
    "by_window": is_bool,
    "calendar": lambda names: isinstance(names, tuple) and all(map(is_text_of(*CYCLES), names)),
    "level": is_a(TargetTransform),
    "static": _is_table,
    "dtype": lambda dtype: dtype in (np.float32, np.float64),
}
MODEL = {
    "plan": is_a(WindowSpec),
    "regressor": _is_able("predict"),
    "season": is_size,
    "scales": _are_positive,
    "residuals": _is_table,
}
PANEL = {
    "form": is_text_of(*FORMS),
    "level_names": is_a(list),
    "labels": is_a(list),
    "step": is_a(*STEPS),
    "exog_names": is_a(list),
    "own_exog": is_bool,
}
LEARNED = {
    "_panel": is_a(Panel),
    "_model": is_a(GlobalModel),
    "_allow_missing": is_bool,
    "scales_": _are_positive,
}


def _take_panel_apart(panel):
    """Rows of all series stand behind each other, and times that series share stand there once."""
    distinct = {id(times): times for times in panel.times}
    places = {key: place for place, key in enumerate(distinct)}
    return vars(panel) | {
        "times": list(distinct.values()),
        "times_of": [places[id(times)] for times in panel.times],
        "values": np.concatenate(panel.values),
        "exog": np.concatenate(panel.exog),
    }


def _panel(times, times_of, values, exog, **parts):
    check_parts(parts, PANEL)
    labels, step = parts["labels"], parts["step"]
    require(len(labels) > 0 and len(set(labels)) == len(labels), "the names of the series")
    require(parts["form"] != "series" or len(labels) == 1, "the names of the series")
    require(len(parts["level_names"]) == FORMS[parts["form"]], "the names of the index")
    for index in times:
        _check_times(index, times[0], step)
    require(all(type(place) is int for place in times_of), "the times of the series")
    of_series = [times[place] for place in times_of]
    bounds = np.cumsum([0, *(len(index) for index in of_series)], dtype=object)
    require(is_vector(values) and values.shape == (bounds[-1],), "the values of the series")
    shape = (bounds[-1], len(parts["exog_names"]))
    require(_is_table(exog) and exog.shape == shape, "the rows of `exog`")
    rows = [slice(*pair) for pair in pairwise(bounds)]
    ends = np.array([values[part][[0, -1]] for part in rows])
    require(len(of_series) == len(labels) and np.isfinite(ends).all(), "the values of the series")
    return Panel(
        times=of_series,
        values=[values[part] for part in rows],
        exog=[exog[part] for part in rows],
        **parts,
    )


def _check_times(times, first, step):
    """Refuse times that do not follow each other at the step, or are of another kind."""
    require(isinstance(times, pd.Index) and is_time_like(times) and len(times), "the times")
    require(is_counted(times) == (type(step) is int), "the step of the series")
    require(type(step) is not int or step > 0, "the step of the series")
    alike = is_counted(times) and is_counted(first)
    require(alike or times.dtype == first.dtype, "the times of the series")
    if isinstance(times, pd.RangeIndex):
        require(times.step == step or len(times) == 1, "the step of the series")
        return
    index = TimeIndex(times, np.array([0, len(times)]), [None])
    check_order(index)
    require(len(contiguous_bounds(index, step)) == 2, "the step of the series")


def _plan(dtype, **parts):
    require(dtype in ("float32", "float64"), "the dtype of the windows")
    return PLAN_ENTRY.put_together(dtype=getattr(np, dtype), **parts)


def _take_forecaster_apart(forecaster):
    parts = FORECASTER.take_apart(forecaster)
    if "_model" in parts:
        parts = {name: part for name, part in parts.items() if name not in DERIVED}
        parts["scales_"] = forecaster.scales_.to_numpy()
    return parts


def _forecaster(**parts):
    forecaster = FORECASTER.put_together(**parts)
    learned = {name: vars(forecaster).pop(name) for name in LEARNED if name in parts}
    require(len(learned) in (0, len(LEARNED)), "a half fitted forecaster")
    if learned:
        panel, model, allow_missing, scales = learned.values()
        _check_model(model, panel)
        gaps = any(np.isnan(rows).any() for rows in (*panel.values, *panel.exog))
        require(allow_missing or not gaps, "the values of the series")
        require(scales.shape == (len(panel),), "`scales_`")
        forecaster._set_fitted(panel, model, scales, allow_missing)
    return forecaster


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
        require(model.regressor._architecture.outputs == (plan.outputs,), "the network's output")


PLAN_ENTRY = record_entry(WindowSpec, PLAN)
FORECASTER = estimator_entry(RNNForecaster, LEARNED)
FORECASTS = FRAMES | {
    "Level": record_entry(TargetTransform, LEVEL),
    "Plan": Entry(
        WindowSpec, lambda plan: vars(plan) | {"dtype": np.dtype(plan.dtype).name}, _plan
    ),
    "GlobalModel": record_entry(GlobalModel, MODEL),
    "Panel": Entry(Panel, _take_panel_apart, _panel),
    "RNNForecaster": Entry(RNNForecaster, _take_forecaster_apart, _forecaster),
}
