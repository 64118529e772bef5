"""Comparison: the baselines of a backtest, naive forecasts and a ridge."""

from itertools import chain

import numpy as np
from sklearn.base import clone

from skrnn._forecasting.baselines import (
    BASELINES,
    error_quantiles,
    in_sample_errors,
    seasonal_scale,
)
from skrnn._forecasting.linear_model import by_series
from skrnn._forecasting.model_fit import fit_global_model

COMPARED = (*BASELINES, "ridge")


def bound_names(model, level):
    """Return the names of the columns that hold the intervals of a model."""
    of = "" if model == "forecast" else f"{model}_"
    return [f"{of}{side}_{level}" for side in ("lower", "upper")]


class Comparison:
    """Naive forecasts, and the ridge of one window, fitted to the rows of a Panel."""

    def __init__(self, params, training, season, levels):
        self.training, self.season, self.levels = training, season, levels
        self.scales = np.array([seasonal_scale(values, season) for values in training.values])
        ridge = clone(params)  # `set_params` would refuse what a subclass lacks
        vars(ridge).update(regressor=None, baseline="ridge", network_weight=0)
        self.ridge = fit_global_model(ridge, training, warns=False)

    def forecast(self, panel, series, n_known, n_steps):
        """Return forecasts from origins and their intervals, (n_origins, n_steps), by name."""
        found = {}
        for name, baseline in BASELINES.items():
            found[name] = outputs = np.empty((len(series), n_steps))
            for k, origins in by_series(series):
                known = n_known[origins]
                outputs[origins] = baseline(panel.values[k], known, n_steps, self.season)
            if self.levels:
                bounds = self._offsets(name, n_steps)[:, series] + outputs
                found |= zip(self._bound_names(name), bounds, strict=True)
        found["ridge"] = outputs = self.ridge.forecast(panel, series, n_known, n_steps)
        bounds = [self._ridge_bounds(outputs, panel, series, n_known, x) for x in self.levels]
        found |= zip(self._bound_names("ridge"), chain.from_iterable(bounds), strict=True)
        return found

    def _bound_names(self, model):
        return [name for level in self.levels for name in bound_names(model, f"{level:g}")]

    def _offsets(self, name, n_steps):
        """Return bounds of a naive forecast, relative to it, (2 * n_levels, n_series, n_steps).

        These are quantiles of its errors within the training rows (Hyndman and Athanasopoulos 2021,
        Forecasting: Principles and Practice, section 5.5).
        """
        outside = [(1 - level / 100) / 2 for level in self.levels]
        fractions = [fraction for tail in outside for fraction in (tail, 1 - tail)]
        baseline, season = BASELINES[name], self.season
        offsets = [
            error_quantiles(in_sample_errors(baseline, values, n_steps, season), fractions)
            for values in self.training.values
        ]
        return np.stack(offsets, axis=1)

    def _ridge_bounds(self, outputs, panel, series, n_known, level):
        """Return lower and upper bounds of the ridge, or NaN if it has too few held-out errors."""
        try:
            bounds = self.ridge.bounds(outputs, panel, series, n_known, [level])
        except ValueError:
            return np.full((2, *outputs.shape), np.nan)
        return [bounds[name] for name in bound_names("forecast", f"{level:g}")]
