"""GlobalModel: one network for all series, and the residuals that tell how far it may be off."""

import warnings
from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from skrnn._forecasting.baselines import seasonal_scale
from skrnn._forecasting.calendar import check_calendar
from skrnn._forecasting.conformal import interval_columns, radii
from skrnn._forecasting.target_transform import fit_level
from skrnn._forecasting.windows import (
    Plan,
    forecasts,
    make_buffer,
    origins,
    training_windows,
)
from skrnn._network.architecture import variable_dtype
from skrnn._utils.numeric_checks import check_numbers

LEAST_UNIT = 0.1  # of a window at rest, as a share of its series' own


@dataclass(frozen=True, eq=False)
class GlobalModel:
    """A regressor fitted to the windows of all series.

    Parameters
    ----------
    plan : Plan
    regressor : fitted regressor
    season : int
    scales : ndarray of shape (n_series,)
        Mean seasonal change of each series in training.
    residuals : ndarray of shape (n_windows, steps)
        Absolute ones of the calibration windows of all series, each in the unit of its window;
        NaN where there is no truth.
    """

    plan: Plan
    regressor: object
    season: int
    scales: np.ndarray
    residuals: np.ndarray

    def forecast(self, panel, series, stops, n_steps):
        """Return forecasts from origins in a Panel, (n_origins, n_steps); see `forecasts`."""
        buffer = make_buffer(self.plan, panel)
        return forecasts(self.plan, self.regressor, buffer, panel, series, stops, n_steps)

    def units(self, panel, series, stops):
        """Return in what residuals of forecasts from origins are measured, (n_origins,).

        The mean seasonal change of the last `timesteps` rows, for series that move more at some
        times than at others (locally weighted: Lei et al. 2018, section 5.2).
        """
        rows = self.plan.timesteps + self.season
        recent = [
            seasonal_scale(panel.values[k][max(stop - rows, 0) : stop], self.season, at_rest=0.0)
            for k, stop in zip(series, stops, strict=True)
        ]
        return np.maximum(recent, LEAST_UNIT * self.scales[series])

    def bounds(self, outputs, panel, series, stops, levels):
        """Return the intervals round forecasts from origins, by the names of their columns."""
        n_steps = outputs.shape[1]
        if n_steps > self.plan.steps:
            raise ValueError(
                f"`level` reaches as far as `steps` in `fit`, {self.plan.steps}, got a forecast of "
                f"{n_steps} steps. Fit with larger `steps`."
            )
        units = self.units(panel, series, stops)[:, np.newaxis]
        columns = {}
        for level, (lower, upper) in zip(levels, interval_columns(levels), strict=True):
            widths = radii(self.residuals[:, :n_steps], level) * units
            columns[lower], columns[upper] = outputs - widths, outputs + widths
        return columns


def train(panel, parameters, *, regressor, transformer, season):
    """Fit a GlobalModel to the rows of a Panel.

    Parameters
    ----------
    panel : Panel
    parameters : dict
        Of the forecaster.
    regressor, transformer : estimator
        Unfitted, fitted in place; `transformer` may be None.
    season : int

    Returns
    -------
    GlobalModel
    """
    steps, stride, n_kept = (parameters[name] for name in ("steps", "stride", "calibration"))
    outputs = steps if parameters["strategy"] == "direct" else 1
    reach = _reach(parameters)
    known = panel.lengths - _kept_rows(parameters)
    behind = _whole_strides(outputs, stride)
    _check_lengths(panel, reach, known, behind, n_kept)
    if outputs < steps:
        warn_of_phases(stride, season, outputs, '`strategy="recursive"` forecasts')
    training = panel.until(known)
    plan = Plan(
        timesteps=parameters["timesteps"],
        outputs=outputs,
        steps=steps,
        by_window=parameters["scale"] == "window",
        calendar=check_calendar(parameters["calendar"]),
        level=fit_level(
            training.values,
            training.times,
            transformer=transformer,
            lag=int(parameters["differences"]),
            standardized=parameters["scale"] is not None,
        ),
        static=_static_rows(parameters["static"], panel.labels),
        dtype=_window_dtype(regressor, parameters["scale"]),
    )
    chosen = origins(np.full(len(panel), reach), known - behind, stride)
    X, y = training_windows(plan, make_buffer(plan, training), *chosen)
    regressor.fit(X, y[:, 0] if outputs == 1 else y)
    scales = np.array([seasonal_scale(values, season) for values in training.values])
    model = GlobalModel(plan, regressor, season, scales, np.empty((0, steps)))
    if n_kept == 0:
        return model
    last_kept = panel.lengths - _whole_strides(steps, stride)
    return replace(model, residuals=_residuals(model, panel, *origins(known, last_kept, stride)))


def least_rows(parameters):
    """Return the rows that a series must have: a window, and those kept for calibration."""
    return _reach(parameters) + _kept_rows(parameters)


def _reach(parameters):
    return parameters["timesteps"] + parameters["differences"]


def _kept_rows(parameters):
    """Return the rows at the end that training does not see."""
    steps, stride, n_kept = (parameters[name] for name in ("steps", "stride", "calibration"))
    return _whole_strides(steps, stride) + (n_kept - 1) * stride if n_kept else 0


def warn_of_phases(stride, season, shift, who):
    """Warn where forecasts begin at phases of the season that no training window began at.

    Parameters
    ----------
    stride, season : int
    shift : int
        Rows by which the forecasts that `who` makes lie off the cutoff.
    who : str
    """
    shared = gcd(stride, season)
    if shift % shared:
        apart = next(rows for rows in range(stride, 0, -1) if gcd(rows, season) == 1)
        warnings.warn(
            f"With `stride={stride}` training windows begin at {season // shared} of the {season} "
            f"phases of a season, and {who} from others. Choose a `stride` that has no divisor in "
            f"common with the season, such as {apart}.",
            stacklevel=2,
        )


def _whole_strides(rows, stride):
    """Return rows rounded up to strides: windows that far back are in phase with the cutoff."""
    return -(-rows // stride) * stride


def _residuals(model, panel, series, stops):
    steps = model.plan.steps
    truth = np.array([panel.values[k][p : p + steps] for k, p in zip(series, stops, strict=True)])
    off = np.abs(truth - model.forecast(panel, series, stops, steps))
    return off / model.units(panel, series, stops)[:, np.newaxis]


def _check_lengths(panel, reach, known, behind, n_kept):
    """Refuse series without a window of known rows, and a panel without one to train on.

    `behind` is the rows from the last window to train on to the end of the known ones.
    """
    kept = f" beside its {n_kept} calibration windows" if n_kept else ""
    fewer = ", lower `calibration`" if n_kept else ""
    short = np.flatnonzero(known < reach)
    if len(short):
        k = short[0]
        place = "" if panel.labels[k] is None else f" {panel.labels[k]!r}"
        raise ValueError(
            f"Series{place} must have at least {reach} rows (`timesteps` + `differences`){kept}, "
            f"got {max(known[k], 0)}. Shorten the window{fewer}, or leave the series out."
        )
    if (known < reach + behind).all():
        raise ValueError(
            f"`series` must have at least {reach + behind} rows (`timesteps` + `differences` + "
            f"steps in whole strides){kept}, got {known.max()}. Shorten the window or the "
            f"`stride`{fewer}, or pass more rows."
        )


def _static_rows(static, labels):
    """Return the static columns of each series as (n_series, n_static)."""
    if static is None:
        return np.empty((len(labels), 0))
    missing = [label for label in labels if label not in static.index]
    if missing or not static.index.is_unique:
        raise ValueError(
            "`static` must have one row for each series, indexed by its name, got "
            + (f"none for {missing[0]!r}." if missing else "several for one.")
        )
    chosen = static.loc[labels]
    check_numbers(chosen, "`static`", "Encode categories as numbers first.")
    rows = chosen.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(rows).all():
        raise ValueError("`static` must hold finite numbers. Encode categories, fill in NaN.")
    return rows


def _window_dtype(regressor, scale):
    """Float32 where the regressor reads it and values are standardized, so none is lost."""
    single = variable_dtype(getattr(regressor, "dtype", None)) == "float32" and scale is not None
    return np.float32 if single else np.float64
