"""GlobalModel: one network for all series, and the residuals that tell how far it may be off."""

from dataclasses import dataclass, replace

import numpy as np

from skrnn._baselines import seasonal_scale
from skrnn._buffer import Plan, make_buffer, origins, training_windows
from skrnn._calendar import check_calendar
from skrnn._intervals import interval_columns, radii
from skrnn._level import fit_level
from skrnn._rolling import forecasts

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
    reach = parameters["timesteps"] + parameters["differences"]
    known = panel.lengths if n_kept == 0 else panel.lengths - steps - (n_kept - 1) * stride
    _check_lengths(panel, reach, known, outputs, n_kept)
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
            lag=parameters["differences"],
            standardized=parameters["scale"] is not None,
        ),
        static=_static_rows(parameters["static"], panel.labels),
        dtype=_window_dtype(regressor, parameters["scale"]),
    )
    first = np.full(len(panel), reach)
    X, y = training_windows(
        plan, make_buffer(plan, training), *origins(first, known - outputs, stride)
    )
    regressor.fit(X, y[:, 0] if outputs == 1 else y)
    scales = np.array([seasonal_scale(values, season) for values in training.values])
    model = GlobalModel(plan, regressor, season, scales, np.empty((0, steps)))
    if n_kept == 0:
        return model
    return replace(model, residuals=_residuals(model, panel, known, stride))


def _residuals(model, panel, known, stride):
    steps = model.plan.steps
    series, stops = origins(known, panel.lengths - steps, stride)
    truth = np.array([panel.values[k][p : p + steps] for k, p in zip(series, stops, strict=True)])
    off = np.abs(truth - model.forecast(panel, series, stops, steps))
    return off / model.units(panel, series, stops)[:, np.newaxis]


def _check_lengths(panel, reach, known, outputs, n_kept):
    """Refuse series without a window of known rows, and a panel without one to train on."""
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
    if (known < reach + outputs).all():
        raise ValueError(
            f"`series` must have at least {reach + outputs} rows (`timesteps` + `differences` + "
            f"steps){kept}, got {known.max()}. Shorten the window{fewer}, or pass more rows."
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
    rows = static.loc[labels].to_numpy(dtype=np.float64)
    if not np.isfinite(rows).all():
        raise ValueError("`static` must hold finite numbers. Encode categories, fill in NaN.")
    return rows


def _window_dtype(regressor, scale):
    """Float32 where the regressor computes in it and values are standardized, so none is lost."""
    single = getattr(regressor, "dtype", None) == "float32" and scale is not None
    return np.float32 if single else np.float64
