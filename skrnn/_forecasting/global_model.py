"""GlobalModel: a model learned from all series together, and its forecasts."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from skrnn._forecasting.conformal import Residuals, needed_windows, on_floors
from skrnn._forecasting.error_units import from_unit, to_unit, unit_sizes
from skrnn._forecasting.linear_model import Baseline
from skrnn._forecasting.rolling import rolling_forecasts
from skrnn._forecasting.windows import WindowSpec
from skrnn._utils.field_types import Array64, Positive64, Size

PARTS = "anchor", "ridge", "network_weight"  # settings: the shares of a forecast


@dataclass(frozen=True, eq=False)
class GlobalModel:
    """The fitted model of a forecaster: a baseline, and networks that are added to it.

    Each regressor has `fit(X, y)` and `predict(X)`, with X of shape (n_windows, timesteps,
    features). y and the predictions are (n_windows,) for one output, else (n_windows, outputs).
    """

    plan: WindowSpec
    baseline: Baseline | None
    regressors: list[Annotated[BaseEstimator, lambda fitted: hasattr(fitted, "predict")]]
    shares: Array64  # factors of the regressors' outputs, one each
    season: Size
    scales: Positive64  # mean seasonal change of each series in training, in the kind of the errors
    residuals: Residuals
    settings: dict[str, Any]  # values chosen for "auto"
    shorter: "GlobalModel | None" = None  # forecasts from fewer rows than `min_history`

    @property
    def min_history(self):
        """Number of rows of a series that a forecast reads."""
        network = self.plan.timesteps if self.regressors else 1
        linear = 1 if self.baseline is None else self.baseline.min_history
        return self.plan.level.n_before + max(network, linear)

    @property
    def least_history(self):
        """Least number of rows that a series must have."""
        return self.min_history if self.shorter is None else self.shorter.least_history

    def for_lengths(self, n_known):
        """Yield the models that make the forecasts, each with the places of its origins."""
        short = np.zeros(len(n_known), dtype=bool)
        if self.shorter is not None:
            short = n_known < self.min_history
            for model, places in self.shorter.for_lengths(n_known[short]):
                yield model, np.flatnonzero(short)[places]
        if not short.all():
            yield self, np.flatnonzero(~short)

    @property
    def candidates(self):
        """The candidates of the baseline, as a DataFrame."""
        return pd.DataFrame([] if self.baseline is None else self.baseline.candidates)

    def forecast(self, panel, series, n_known, n_steps, quantile=None):
        """Return forecasts from origins in a Panel; see `rolling_forecasts`."""
        return self._rolled(panel, series, n_known, n_steps, quantile=quantile)["forecast"]

    def _rolled(self, panel, series, n_known, n_steps, **asked):
        """Return the result of `rolling_forecasts`, with each origin forecast by its model."""
        found = {}
        for model, places in self.for_lengths(n_known):
            origins = series[places], n_known[places]
            rolled = rolling_forecasts(model, panel, *origins, n_steps, **asked)
            for name, rows in rolled.items():
                found.setdefault(name, np.empty((len(series), n_steps)))[places] = rows
        return found

    def contributions(self, panel, series, n_known, n_steps):
        """Return the parts of forecasts by name; they add up to "forecast"."""
        sums = self._rolled(panel, series, n_known, n_steps, parts=True)
        zero = np.zeros_like(sums["forecast"])
        anchor, linear = sums.get("anchor", zero), sums.get("linear", zero)
        network = sums["forecast"] - linear
        return {"anchor": anchor, "ridge": linear - anchor, "network": network} | {
            "forecast": sums["forecast"]
        }

    def bounds(self, outputs, panel, series, n_known, levels, quantiles=()):
        """Return the intervals around forecasts from origins, by column name.

        They are computed in the kind of the errors, and transformed back.
        """
        found = {}
        for model, places in self.for_lengths(n_known):
            origins = outputs[places], panel, series[places], n_known[places]
            for name, rows in model._own_bounds(*origins, levels, quantiles).items():
                found.setdefault(name, np.empty(outputs.shape))[places] = rows
        return found

    def _own_bounds(self, outputs, panel, series, n_known, levels, quantiles):
        n_steps, residuals = outputs.shape[1], self.residuals
        if n_steps > self.plan.steps and (levels or quantiles):
            raise ValueError(
                f"`{'level' if levels else 'quantiles'}` needs a forecast of at most `steps` in "
                f"`fit`, {self.plan.steps}, got {n_steps} steps. Fit with larger `steps`."
            )
        self._check_positive(panel)
        offsets = {}  # by column: the offset, and whether the column is the lower end
        for level in levels:
            check_windows(self, f"level={level:g}", exact(level) / 100, n_steps)
            ends = residuals.interval(level, series, n_steps)
            names = f"lower_{level:g}", f"upper_{level:g}"
            offsets |= dict(zip(names, zip(ends, (True, False), strict=True), strict=True))
        for quantile in map(exact, quantiles):
            name = f"{float(quantile):g}"
            upper = max(quantile, 1 - quantile)
            needed = upper if residuals.signed else 2 * upper - 1
            check_windows(self, f"quantiles={name}", needed, n_steps)
            offset = residuals.quantiles(quantile, series, n_steps)
            offsets[f"q_{name}"] = offset, quantile < exact(0.5)
        below, above = unit_sizes(self, panel, series, n_known)[..., :n_steps]
        center = to_unit(self, residuals.kind, outputs, series)
        columns = {}
        for name, (offset, lower) in offsets.items():
            bounds = from_unit(
                self, residuals.kind, center + offset * np.where(offset < 0, below, above)
            )
            columns[name] = on_floors(bounds, residuals.floors[series], lower)
        return columns

    def _check_positive(self, panel):
        """Refuse intervals in logarithms for new series that are not positive."""
        if self.residuals.kind != "logarithms" or (self.baseline.scales.least > 0).all():
            return
        k = int(np.argmin(self.baseline.scales.least))
        raise ValueError(
            "`series` must be positive for intervals, because errors were measured in logarithms, "
            f"got {np.nanmin(panel.values[k]):g} in series {panel.labels[k]!r}. Fit with such a "
            "series, or leave out `level` and `quantiles`."
        )


def exact(number):
    """Return a number as a fraction of its decimals."""
    return Fraction(str(number))


def check_windows(model, name, probability, n_steps):
    """Refuse a probability for which there are too few held-out windows."""
    needed, fewest = needed_windows(probability), model.residuals.n_windows(n_steps)
    if fewest < needed:
        remedy = "lower the level" if name.startswith("level") else "ask for less extreme quantiles"
        plan, of_each = model.plan, -(-needed // len(model.residuals.sizes))
        n_rows = plan.level.n_before + plan.outputs + plan.steps + of_each
        raise ValueError(
            f"`{name}` needs at least {needed} held-out windows over all series, got {fewest}. Fit "
            f"with `calibration={of_each}` or more, which takes series of {n_rows} rows or more, "
            f"or {remedy}."
        )


def html_summary(settings, candidates):
    """Return the shares of anchor, ridge and network, and the choices of a fit, as HTML."""
    table = ""
    if len(candidates):
        weighed = candidates[candidates["weight"] > 0].drop(columns="errors")
        table = weighed.to_html(index=False, border=0, float_format="%.3g")
    chosen = ", ".join(f"{name} {value}" for name, value in settings.items() if name not in PARTS)
    return (
        f'<details open class="skrnn-forecast"><summary>{describe_parts(settings)}</summary>'
        f"<p>{chosen}</p>{table}</details>"
    )


def describe_parts(settings):
    """Return a sentence on the shares of anchor, ridge and network in a forecast."""
    shares = {part: settings.get(part, 0.0) for part in PARTS[:2]}
    if not any(shares.values()):
        return "The forecast is the network's."
    weight = settings["network_weight"]
    network = f"plus {weight:.2f} times the network" if weight else "without the network"
    return f"The forecast is {shares['anchor']:.0%} anchor, {shares['ridge']:.0%} ridge, {network}."
