"""GlobalModel: what a forecaster learned from all series together, and its forecasts."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from skrnn._forecasting.baselines import seasonal_scale
from skrnn._forecasting.conformal import interval_half_widths
from skrnn._forecasting.linear_model import Baseline
from skrnn._forecasting.rolling import rolling_forecasts
from skrnn._forecasting.windows import WindowSpec
from skrnn._utils.field_types import Array64, Positive64, Size, Table64

PARTS = "anchor", "ridge", "network_weight"  # settings that say where a forecast comes from
LEAST_UNIT = 0.1  # of a constant window, as a fraction of its series' own


@dataclass(frozen=True, eq=False)
class GlobalModel:
    """What a forecaster learned from all series: a baseline, and networks that are added to it.

    Each regressor has `fit(X, y)` and `predict(X)`, X of shape (n_windows, timesteps, features), y
    and the predictions (n_windows,) for one output, else (n_windows, outputs).
    """

    plan: WindowSpec
    baseline: Baseline | None
    regressors: list[Annotated[BaseEstimator, lambda fitted: hasattr(fitted, "predict")]]
    shares: Array64  # of the regressors' outputs, one each
    season: Size
    scales: Positive64  # mean seasonal change of each series in training
    # absolute ones of held-out windows of all series, (n_windows, steps), each in the unit of its
    # window; NaN where there is no truth
    residuals: Table64
    settings: dict[str, Any]  # what stood in place of "auto"

    @property
    def min_history(self):
        """Rows that a forecast reads of a series."""
        network = self.plan.timesteps if self.regressors else 1
        linear = 1 if self.baseline is None else self.baseline.min_history
        return self.plan.level.n_before + max(network, linear)

    @property
    def candidates(self):
        """What the baseline compared, as a DataFrame."""
        return pd.DataFrame([] if self.baseline is None else self.baseline.candidates)

    def forecast(self, panel, series, n_known, n_steps):
        """Return forecasts from origins in a Panel; see `rolling_forecasts`."""
        return rolling_forecasts(self, panel, series, n_known, n_steps)["forecast"]

    def contributions(self, panel, series, n_known, n_steps):
        """Return the parts of forecasts by name; they add up to "forecast"."""
        sums = rolling_forecasts(self, panel, series, n_known, n_steps, parts=True)
        zero = np.zeros_like(sums["forecast"])
        anchor, linear = sums.get("anchor", zero), sums.get("linear", zero)
        network = sums["forecast"] - linear
        return {"anchor": anchor, "ridge": linear - anchor, "network": network} | {
            "forecast": sums["forecast"]
        }

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


def html_summary(settings, candidates):
    """Return how much of a forecast is anchor, ridge and network, and what it chose, as HTML."""
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
    """Return a sentence on how much of a forecast is anchor, ridge and network."""
    shares = {part: settings.get(part, 0.0) for part in PARTS[:2]}
    if not any(shares.values()):
        return "The forecast is the network's."
    weight = settings["network_weight"]
    network = f"plus {weight:.2f} times the network" if weight else "and the network counts nothing"
    return f"The forecast is {shares['anchor']:.0%} anchor, {shares['ridge']:.0%} ridge, {network}."
