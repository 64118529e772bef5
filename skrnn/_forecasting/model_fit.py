"""The fit of a GlobalModel: settings, baseline, networks, and held-out errors."""

from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
from sklearn.base import clone

from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.baselines import seasonal_scale
from skrnn._forecasting.calendar import check_calendar
from skrnn._forecasting.conformal import no_residuals
from skrnn._forecasting.error_units import fit_residuals, network_ends
from skrnn._forecasting.gaps import FILLS
from skrnn._forecasting.global_model import GlobalModel
from skrnn._forecasting.networks import (
    MOST_EPOCHS,
    PATIENCE,
    Networks,
    default_network,
    fit_networks,
)
from skrnn._forecasting.row_counts import (
    check_lengths,
    held_out_rows,
    too_few_rows,
    warn_of_phases,
    whole_strides,
)
from skrnn._forecasting.settings import n_outputs, settle_settings, typical_length
from skrnn._forecasting.short_series import warn_of_few_seasons, warn_of_short
from skrnn._forecasting.stacking import fit_baseline
from skrnn._forecasting.static import fit_static
from skrnn._forecasting.target_transform import fit_target_transform
from skrnn._forecasting.windows import (
    WindowSpec,
    carry_open_gaps,
    forecast_origins,
    make_buffer,
    training_windows,
    values_before,
)
from skrnn._network.architecture import VARIABLE_DTYPES


def fresh_regressor(params, settings, n_windows=None):
    """Return the unfitted regressor of a forecaster, for `n_windows` windows, with its settings.

    Networks inside it, such as the last step of a Pipeline, get the same settings. Their own
    choices are kept: a segment, patience and epochs that are set, the timesteps of a `network`.
    """
    if params.regressor is not None:
        regressor = clone(params.regressor)
    elif settings is not None and settings.weighed:
        regressor = default_network(n_windows)
    else:
        regressor = RNNRegressor()
    inner = {f"__{name}": part for name, part in regressor.get_params().items()}
    for name, part in {"": regressor, **inner}.items():
        if not hasattr(part, "get_params"):
            continue
        if getattr(part, "stateful", False):
            raise ValueError(
                f"`regressor{name}__stateful` must be False, got {part.stateful!r}. Each forecast "
                "starts from a window of its own, not from the state that the previous one left: "
                f"set `regressor{name}__stateful=False`."
            )
        if params.fill == "mask" and getattr(part, "mask_value", 0) is None:
            part.mask_value = np.nan
        if getattr(part, "random_state", 0) is None:
            part.random_state = deepcopy(params.random_state)
        plain = getattr(part, "segment", None) == 1 and getattr(part, "network", None) is None
        if settings is not None and plain:
            part.segment = settings.segment
    if settings is not None and settings.early_stopping and isinstance(regressor, RNNRegressor):
        regressor.epochs = MOST_EPOCHS if regressor.epochs == "auto" else regressor.epochs
        regressor.patience = PATIENCE if regressor.patience is None else regressor.patience
    return regressor


def fit_global_model(params, panel, *, warns=True, collect=None):
    """Fit a GlobalModel to the rows of a Panel; `warns` of series that are too short.

    The parameters of an RNNForecaster are read as attributes of `params`. Held-out windows are
    added to a list `collect`: series, rows before, truth and forecast, as `fit_residuals` takes
    them.
    """
    fresh_regressor(params, None)  # refuses what forecasters cannot use
    n_known = panel.lengths - held_out_rows(params)
    settings = settle_settings(params, panel, n_known)
    outputs = n_outputs(params)
    after = whole_strides(outputs, params.stride)
    trains = check_lengths(params, settings, panel, n_known, after)
    if outputs < params.steps:
        who = '`strategy="recursive"` forecasts'
        warn_of_phases(params.stride, settings.season, outputs, who)
    least = settings.timesteps + sum(settings.lags)
    n_known = np.where(n_known < least, panel.lengths, n_known)  # too short to hold out rows
    training = panel.head(n_known)
    if trains:
        model = _fit_to(params, settings, training, after, collect)
        model = _with_shorter(params, model, training)
    else:
        model = _fit_shorter(params, training, typical_length(n_known))
    if warns:
        held_out = np.full(len(panel), held_out_rows(params) > 0)
        given = params, "`series`", panel.lengths.max(), least, after
        warn_of_short(model, panel, n_known, None if trains else too_few_rows(*given), held_out)
        if trains and params.baseline == "stacked":
            warn_of_few_seasons(settings.season, typical_length(n_known))
    if params.calibration in ("auto", 0):
        return model
    last = panel.lengths - whole_strides(params.steps, params.stride)
    series, n_before = forecast_origins(n_known, last, params.stride)
    return _calibrated(model, panel, series, n_before, collect)


def _calibrated(model, panel, series, n_known, collect=None):
    """Return a GlobalModel with the residuals of forecasts from held-out origins."""
    if model is None:
        return None
    steps = model.plan.steps
    forecast = model.forecast(panel, series, n_known, steps)
    truth = _rows_after(panel, series, n_known, steps)
    if collect is not None:
        collect += [series, n_known, truth, forecast]
    ends = network_ends(model)
    model = fit_residuals(model, panel, series, n_known, truth, forecast, ends)
    return replace(model, shorter=_calibrated(model.shorter, panel, series, n_known))


def _with_shorter(params, model, training):
    """Return a GlobalModel with a second one for series that have fewer rows than it reads."""
    short = training.lengths < model.min_history
    if params.baseline is None or not short.any():
        return model
    typical = typical_length(training.lengths[short])
    return replace(model, shorter=_fit_shorter(params, training, typical))


def _fit_shorter(params, training, typical):
    """Return a GlobalModel for short series: a baseline on few rows, learned from all series.

    It takes no differences, because short series may have too few rows for them.
    """
    params = clone(params).set_params(timesteps="auto", differences=0, network_weight=0)
    settings = settle_settings(params, training, training.lengths, typical)
    return _with_shorter(params, _fit_to(params, settings, training, 0), training)


def _fit_to(params, settings, training, after, collect=None):
    """Return the GlobalModel of training rows; `after` is the number after the last window."""
    spec = _fit_window_spec(params, settings, training)
    buffer, starts = make_buffer(spec, training), training.starts
    baseline, errors = None, None
    if params.baseline is None:
        first = np.full(len(training), spec.min_history)
        origins = forecast_origins(first, training.lengths - after, params.stride)
    else:
        baseline, held_out = _fit_baseline(params, settings, spec, buffer, starts)
        seen = held_out.n_known >= spec.min_history
        origins, errors = (held_out.series[seen], held_out.n_known[seen]), held_out.residuals[seen]
        spec = replace(spec, scale=_window_scale(params.scale, baseline))
    networks = Networks()
    if settings.trains(len(origins[0])):
        windows = training_windows(spec, buffer, *origins, errors)
        positions = (starts[origins[0]] + origins[1])[windows.origins]
        make = partial(fresh_regressor, params, settings)
        networks = fit_networks(make, windows, positions, params, settings)
    if networks.held_out is not None:
        origins, errors = _after_networks(origins, errors, windows, networks)
    model = GlobalModel(
        plan=spec,
        baseline=baseline,
        regressors=networks.regressors,
        shares=networks.shares,
        season=settings.season,
        scales=np.array([seasonal_scale(rows, settings.season) for rows in training.values]),
        residuals=no_residuals(params.steps, len(training)),
        settings=_settled(params, settings, spec, baseline, networks),
    )
    if settings.calibration != "held out" or not len(errors):
        return model
    forecast = _held_out_forecasts(model, training, buffer, *origins, errors)
    truth = _rows_after(training, *origins, errors.shape[1])
    if collect is not None:
        collect += [*origins, truth, forecast]
    return fit_residuals(model, training, *origins, truth, forecast)


def _window_scale(scale, baseline):
    """Return the scaling of windows; "auto" keeps the level of series that return to it."""
    if scale == "auto":
        parts = [] if baseline is None else baseline.candidates
        returning = sum(part["weight"] for part in parts if part["anchor"] == "mean")
        return None if returning > 0.5 else "level"
    return scale if scale in ("level", "window") else None


def _after_networks(origins, errors, windows, networks):
    """Return the origins at which networks were weighed, and the errors that remain there."""
    known = ~np.isnan(networks.held_out[:, 0])
    places = windows.origins[known]
    corrected = networks.weight * networks.held_out[known] * windows.spreads[known]
    return tuple(part[places] for part in origins), errors[places] - corrected


def _held_out_forecasts(model, training, buffer, series, n_known, errors):
    """Return forecasts of training rows, (n_windows, steps), given errors of transformed values."""
    level = model.plan.level
    rows = (buffer.bounds[series] + n_known)[:, np.newaxis] + np.arange(errors.shape[1])
    before = values_before(model.plan, training.values, series, n_known)
    return level.inverse_transform(buffer.values[rows] - errors, before, series)


def _rows_after(panel, series, n_known, steps):
    """Return the rows after each origin, (n_origins, steps)."""
    return np.array(
        [panel.values[k][n : n + steps] for k, n in zip(series, n_known, strict=True)]
    ).reshape(-1, steps)


def _settled(params, settings, spec, baseline, networks):
    """Return the choices of a fit, as `settings_` shows them.

    The last three are the shares of the forecast. Anchors and ridges share 1, and the network is
    added with its weight.
    """
    candidates = [] if baseline is None else baseline.candidates
    ridge = sum(part["weight"] for part in candidates if part["window"])
    return {
        "timesteps": settings.timesteps,
        "segment": settings.segment,
        "scale": None if params.scale is None else spec.scale or "series",
        "early_stopping": bool(settings.early_stopping),
        "calibration": settings.calibration,
        "anchor": 0.0 if baseline is None else 1.0 - ridge,
        "ridge": ridge,
        "network_weight": networks.weight,
    }


def _fit_window_spec(params, settings, training):
    # Float32 where the regressor reads it and values are standardized, so no precision is lost.
    dtype = VARIABLE_DTYPES.get(getattr(fresh_regressor(params, settings, 1), "dtype", None))
    static, names, categories = fit_static(params.static, params.series_column, training.labels)
    return WindowSpec(
        timesteps=settings.timesteps,
        outputs=n_outputs(params),
        steps=params.steps,
        calendar=check_calendar(params.calendar),
        year=params.baseline is not None and settings.year,
        level=fit_target_transform(
            training.values,
            training.times,
            transformer=None if params.transformer is None else clone(params.transformer),
            lags=settings.lags,
            standardized=params.scale is not None,
        ),
        static=static,
        static_names=names,
        static_categories=categories,
        dtype=np.float32 if dtype == "float32" and params.scale is not None else np.float64,
        scale=_window_scale(params.scale, None),
        fill=params.fill,
        fill_season=settings.season,
        reads_gaps=params.fill in FILLS and any(np.isnan(rows).any() for rows in training.values),
        exog_means=_exog_means(params.fill, training),
    )


def _exog_means(fill, training):
    """Return the means of the columns of `exog`, for rows before the first known row."""
    rows = np.concatenate(training.exog)
    if fill not in FILLS or not np.isnan(rows).any():
        return np.zeros(rows.shape[1])
    for name, column in zip(training.exog_sources, rows.T, strict=True):
        if np.isnan(column).all():
            raise ValueError(
                f"`exog` must hold values in each column, got only NaN in {name!r}. Drop "
                "the column."
            )
    return np.nanmean(rows, axis=0)


def _fit_baseline(params, settings, spec, buffer, starts):
    """Return the Baseline of the rows in a SeriesBuffer, and its HeldOut errors."""
    n_before = spec.level.n_before
    cut = [slice(first + n_before, end) for first, end in pairwise(buffer.bounds)]
    dates = np.hstack([buffer.calendar, buffer.year])
    known = [
        np.hstack([dates[rows.start + shift : rows.stop + shift], buffer.past[rows]])
        for rows, shift in zip(cut, buffer.shifts, strict=True)
    ]
    baseline, held_out = fit_baseline(
        params.baseline,
        [buffer.values[rows] for rows in cut],
        known if known[0].shape[1] else None,
        exog=[buffer.exog[rows] for rows in cut] if buffer.exog.shape[1] else None,
        outputs=spec.outputs,
        seasons=settings.seasons,
        window=spec.timesteps,
        means=spec.level.means,
        deviations=spec.level.deviations,
        stride=params.stride,
        positions=starts + n_before,
        typical=max(settings.typical - n_before, 1),
        filled=[buffer.filled[rows] for rows in cut],
        carry=lambda recent, series, n_known: carry_open_gaps(
            spec, buffer, recent, series, n_known + n_before
        ),
    )
    baseline = replace(baseline, positions=baseline.positions - n_before)  # of the buffer's rows
    return baseline, replace(held_out, n_known=held_out.n_known + n_before)
