"""GlobalModel: one regressor for all series, and the residuals from which intervals come."""

import warnings
from dataclasses import dataclass, replace
from math import gcd
from typing import Annotated

import numpy as np
from sklearn.base import BaseEstimator, clone

from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.baselines import seasonal_scale
from skrnn._forecasting.calendar import check_calendar
from skrnn._forecasting.conformal import interval_half_widths
from skrnn._forecasting.target_transform import fit_target_transform
from skrnn._forecasting.time_steps import season_of
from skrnn._forecasting.windows import (
    WindowSpec,
    forecast_origins,
    make_buffer,
    rolling_forecasts,
    training_windows,
)
from skrnn._network.architecture import VARIABLE_DTYPES
from skrnn._utils.field_types import Positive64, Size, Table64
from skrnn._utils.frames import as_pandas
from skrnn._utils.numeric_checks import check_numbers

LEAST_UNIT = 0.1  # of a constant window, as a fraction of its series' own


@dataclass(frozen=True, eq=False)
class GlobalModel:
    """A regressor fitted to the windows of all series.

    The regressor has `fit(X, y)` and `predict(X)`, X of shape (n_windows, timesteps, features), y
    and the predictions (n_windows,) for one output, else (n_windows, outputs).
    """

    plan: WindowSpec
    regressor: Annotated[BaseEstimator, lambda fitted: hasattr(fitted, "predict")]
    season: Size
    scales: Positive64  # mean seasonal change of each series in training
    # absolute ones of the calibration windows of all series, (n_windows, steps), each in the unit
    # of its window; NaN where there is no truth
    residuals: Table64

    def forecast(self, panel, series, n_known, n_steps):
        """Return forecasts from origins in a Panel; see `rolling_forecasts`."""
        return rolling_forecasts(self.plan, self.regressor, panel, series, n_known, n_steps)

    def units(self, panel, series, n_known):
        """Return the unit in which residuals of forecasts from origins are measured, (n_origins,).

        The mean seasonal change of the last `timesteps` rows, for series that move more at some
        times than at others (locally weighted: Lei et al. 2018, section 5.2).
        """
        rows = self.plan.timesteps + self.season
        recent = [
            seasonal_scale(panel.values[k][max(n - rows, 0) : n], self.season, if_constant=0.0)
            for k, n in zip(series, n_known, strict=True)
        ]
        return np.maximum(recent, LEAST_UNIT * self.scales[series])

    def bounds(self, outputs, panel, series, n_known, levels):
        """Return the intervals around forecasts from origins, by the names of their columns."""
        n_steps = outputs.shape[1]
        if n_steps > self.plan.steps:
            raise ValueError(
                f"`level` needs a forecast of at most `steps` in `fit`, {self.plan.steps}, got "
                f"{n_steps} steps. Fit with larger `steps`."
            )
        units = self.units(panel, series, n_known)[:, np.newaxis]
        columns = {}
        for level in levels:
            widths = interval_half_widths(self.residuals[:, :n_steps], level) * units
            columns |= {f"lower_{level:g}": outputs - widths, f"upper_{level:g}": outputs + widths}
        return columns


def fresh_regressor(params):
    """Return the regressor of a forecaster unfitted, and ready to skip missing steps if it has to.

    Networks inside it, such as the last step of a Pipeline, are prepared alike.
    """
    regressor = RNNRegressor() if params.regressor is None else clone(params.regressor)
    inner = {f"__{name}": part for name, part in regressor.get_params().items()}
    for name, part in {"": regressor, **inner}.items():
        if not hasattr(part, "get_params"):
            continue
        if getattr(part, "stateful", False):
            raise ValueError(
                f"`regressor{name}__stateful` must be False, got {part.stateful!r}: each forecast "
                "starts from a window of its own, not from the state that the previous one left."
            )
        if params.allow_missing and getattr(part, "mask_value", 0) is None:
            part.mask_value = np.nan
    return regressor


def fit_global_model(params, panel, regressor):
    """Fit a GlobalModel to the rows of a Panel.

    The parameters of an RNNForecaster are read as attributes of `params`. `regressor` is unfitted,
    as `fresh_regressor` returns it, and fitted in place.
    """
    season = season_of(panel.step) if params.season is None else params.season
    outputs = _n_outputs(params)
    n_known = panel.lengths - _held_out_rows(params)
    after = _whole_strides(outputs, params.stride)
    _check_lengths(params, panel, n_known, after)
    if outputs < params.steps:
        warn_of_phases(params.stride, season, outputs, '`strategy="recursive"` forecasts')
    training = panel.head(n_known)
    spec = _fit_window_spec(params, training, outputs, getattr(regressor, "dtype", None))
    first = np.full(len(panel), spec.min_history)
    origins = forecast_origins(first, n_known - after, params.stride)
    X, y = training_windows(spec, make_buffer(spec, training), *origins)
    regressor.fit(X, y[:, 0] if outputs == 1 else y)
    scales = np.array([seasonal_scale(values, season) for values in training.values])
    model = GlobalModel(spec, regressor, season, scales, np.empty((0, params.steps)))
    if params.calibration == 0:
        return model
    last = panel.lengths - _whole_strides(params.steps, params.stride)
    series, n_before = forecast_origins(n_known, last, params.stride)
    truth = [panel.values[k][n : n + params.steps] for k, n in zip(series, n_before, strict=True)]
    off = np.abs(truth - model.forecast(panel, series, n_before, params.steps))
    return replace(model, residuals=off / model.units(panel, series, n_before)[:, np.newaxis])


def _fit_window_spec(params, training, outputs, dtype):
    # Float32 where the regressor reads it and values are standardized, so none is lost.
    single = VARIABLE_DTYPES.get(dtype) == "float32" and params.scale is not None
    return WindowSpec(
        timesteps=params.timesteps,
        outputs=outputs,
        steps=params.steps,
        by_window=params.scale == "window",
        calendar=check_calendar(params.calendar),
        level=fit_target_transform(
            training.values,
            training.times,
            transformer=None if params.transformer is None else clone(params.transformer),
            lag=int(params.differences),
            standardized=params.scale is not None,
        ),
        static=_static_rows(params, training.labels),
        dtype=np.float32 if single else np.float64,
    )


def min_rows(params):
    """Return the rows that a series must have: a window, and those held out for calibration."""
    return params.timesteps + params.differences + _held_out_rows(params)


def min_rows_to_train(params):
    """Return the rows that one of the series must have: those of all, and a window's targets."""
    return min_rows(params) + _whole_strides(_n_outputs(params), params.stride)


def _n_outputs(params):
    return params.steps if params.strategy == "direct" else 1


def _held_out_rows(params):
    """Return the rows at the end that training does not see."""
    if params.calibration == 0:
        return 0
    return _whole_strides(params.steps, params.stride) + (params.calibration - 1) * params.stride


def warn_of_phases(stride, season, shift, who):
    """Warn where forecasts start at phases of the season at which no training window started.

    The forecasts that `who` makes start `shift` rows from the cutoff.
    """
    shared = gcd(stride, season)
    if shift % shared:
        coprime = next(rows for rows in range(stride, 0, -1) if gcd(rows, season) == 1)
        warnings.warn(
            f"With `stride={stride}` training windows start at {season // shared} of the {season} "
            f"phases of a season, and {who} from others. Choose a `stride` that has no divisor in "
            f"common with the season, such as {coprime}.",
            stacklevel=2,
        )


def _whole_strides(rows, stride):
    """Return rows rounded up to strides: windows that far back are in phase with the cutoff."""
    return -(-rows // stride) * stride


def _check_lengths(params, panel, n_known, after):
    """Refuse series without a window of known rows, and a panel without one to train on.

    `after` is the rows from the last window to train on to the end of the known ones.
    """
    least = params.timesteps + params.differences
    kept = f" besides its {params.calibration} calibration windows" if params.calibration else ""
    fewer = ", lower `calibration`" if params.calibration else ""
    short = np.flatnonzero(n_known < least)
    if len(short):
        k = short[0]
        place = "" if panel.labels[k] is None else f" {panel.labels[k]!r}"
        raise ValueError(
            f"Series{place} must have at least {least} rows (`timesteps` + `differences`){kept}, "
            f"got {max(n_known[k], 0)}. Shorten the window{fewer}, or leave the series out."
        )
    if (n_known < least + after).all():
        raise ValueError(
            f"`series` must have at least {least + after} rows (`timesteps` + `differences` + "
            f"steps in whole strides){kept}, got {n_known.max()}. Shorten the window or the "
            f"`stride`{fewer}, or pass more rows."
        )


def _static_rows(params, labels):
    """Return the static columns of each series as (n_series, n_static)."""
    if params.static is None:
        return np.empty((len(labels), 0))
    static, series = as_pandas(params.static, "`static`"), params.series_column
    if static.ndim == 1:
        raise TypeError("`static` must be a DataFrame, got a Series. Pass its `to_frame()`.")
    keys = series if isinstance(series, list) else [series]
    if set(keys) <= set(static.columns):
        static = static.set_index(keys if len(keys) > 1 else keys[0])
    missing = [label for label in labels if label not in static.index]
    if missing or not static.index.is_unique:
        raise ValueError(
            "`static` must have one row for each series, indexed by its name, or with it in the "
            "`series_column`, got "
            + (f"none for {missing[0]!r}." if missing else "several for one.")
        )
    chosen = static.loc[labels]
    check_numbers(chosen, "`static`", "Encode categories as numbers first.")
    rows = chosen.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(rows).all():
        raise ValueError("`static` must hold finite numbers. Encode categories, fill in NaN.")
    return rows
