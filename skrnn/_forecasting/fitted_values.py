"""Fitted values: forecasts of the known rows, each from the rows before it."""

import numpy as np

from skrnn._forecasting.linear_model import by_series
from skrnn._forecasting.windows import forecast_origins


def fitted_values(model, panel, step):
    """Return forecasts of each known row, made `step` rows before, and their parts by name.

    Each part is a list of (n_rows,), one for each series, with NaN where too few rows precede.
    """
    min_history = model.min_history
    first = np.where(panel.lengths < min_history, model.least_history, min_history)
    series, n_known = forecast_origins(first, panel.lengths - step, 1)
    if not len(series):
        raise ValueError(
            f"`step` must be at most {(panel.lengths - first).max()}, the number of rows of a "
            f"series after those that a forecast reads, got {step}. Lower it."
        )
    fitted = {}
    for name, outputs in model.contributions(panel, series, n_known, step).items():
        fitted[name] = [np.full(n_rows, np.nan) for n_rows in panel.lengths]
        for k, origins in by_series(series):
            fitted[name][k][n_known[origins] + step - 1] = outputs[origins, step - 1]
    return fitted
