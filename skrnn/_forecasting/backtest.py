"""Backtest: forecasts of the past, row by row, compared with forecasts that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skrnn._forecasting.baselines import BASELINES, error_measures, seasonal_scale
from skrnn._forecasting.conformal import check_levels
from skrnn._forecasting.global_model import (
    fit_global_model,
    fresh_regressor,
    min_rows,
    warn_of_phases,
)
from skrnn._forecasting.panel import all_times
from skrnn._forecasting.read_series import check_pandas
from skrnn._preprocessing.windows import check_count

if TYPE_CHECKING:
    from collections.abc import Sequence

MODELS = ("forecast", *BASELINES)


class Backtest(pd.DataFrame):
    """Forecasts of the past and what really came, as a pandas DataFrame with a summary.

    `RNNForecaster.backtest` makes it: one row for each series, cutoff and step, in the columns that
    are described there. Rows that you select are a Backtest again. For a single forecast of the
    future use `RNNForecaster.predict`.

    See Also
    --------
    BacktestDisplay : Pictures of it.
    """

    @property
    def _constructor(self) -> type[Backtest]:
        return Backtest

    def summary(self, by: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Compare the forecasts with the baselines.

        Parameters
        ----------
        by : str or list of str, default=None
            Columns to group by, such as "series", "step" or "cutoff". None: all rows together.

        Returns
        -------
        DataFrame
            One row for each model, and group: MAE, RMSE, sMAPE (in percent), MASE; "coverage_80",
            the percentage of truths within an interval; and "loses_to", the baselines with a
            smaller MASE than the forecast.
        """
        if by is None:
            return _compared(self)
        keys = [by] if isinstance(by, str) else list(by)
        groups = self.groupby(keys[0] if len(keys) == 1 else keys, sort=False)
        table = pd.concat({key: _compared(part) for key, part in groups})
        split = table.index.nlevels - len(keys) - 1  # series whose names are tuples
        return table.rename_axis([*keys, *[None] * split, "model"])


def _compared(rows):
    """Return the measures of each model over the rows that have a truth."""
    truth, scale = rows["truth"].to_numpy(), rows["scale"].to_numpy()
    table = pd.DataFrame(
        {name: error_measures(truth, rows[name].to_numpy(), scale) for name in MODELS}
    ).T.rename_axis("model")
    known = ~np.isnan(truth)
    for lower in [name for name in rows.columns if str(name).startswith("lower_")]:
        level = lower.removeprefix("lower_")
        inside = (truth >= rows[lower]) & (truth <= rows[f"upper_{level}"])
        table[f"coverage_{level}"] = np.nan
        table.loc["forecast", f"coverage_{level}"] = 100 * inside[known].mean()
    better = [name for name in BASELINES if table["MASE"][name] < table["MASE"]["forecast"]]
    table["loses_to"] = ""
    table.loc["forecast", "loses_to"] = ", ".join(better)
    return table


def run_backtest(forecaster, panel, *, folds, step, refit, level, n_jobs):
    """Return the Backtest of a forecaster that is not fitted itself; see `RNNForecaster.backtest`.

    `panel` holds every row, with `exog`.
    """
    check_count("folds", folds, 1)
    n_steps = forecaster.steps
    step = n_steps if step is None else step
    check_count("step", step, 1)
    levels = [] if level is None else check_levels(level)
    every = all_times(panel.times)
    last_known = len(every) - n_steps - 1 - step * np.arange(folds)[::-1]
    if last_known[0] < 0:
        raise ValueError(
            f"`series` must have more than {len(every) - 1 - last_known[0]} times for {folds} "
            f"folds of {n_steps} steps, got {len(every)}. Lower `folds` or `step`."
        )
    cutoffs = every[last_known]
    groups = [cutoffs[k : k + 1] for k in range(folds)] if refit else [cutoffs]
    params = clone(forecaster)  # without what is fitted
    answers = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_forecast)(params, panel, group, step, levels) for group in groups
    )
    parts = [part for answer in answers for part in answer]
    if not parts:
        raise ValueError(
            f"`series` must hold one with {min_rows(forecaster)} rows before a cutoff and others "
            "after it, got none. Shorten the window, or choose other `folds` or another `step`."
        )
    return Backtest(pd.concat(parts, ignore_index=True))


def _fit_and_forecast(params, panel, cutoffs, step, levels):
    """Fit to the rows up to the first cutoff; return the table of each cutoff that has rows."""
    known = [
        np.array([times.searchsorted(cutoff, side="right") for times in panel.times])
        for cutoff in cutoffs
    ]
    enough = known[0] >= min_rows(params)
    chosen = np.flatnonzero(enough if enough.any() else known[0])  # none is: the fit says so
    panel = panel.take(chosen)
    training = panel.head(known[0][chosen])
    model = fit_global_model(params, training, fresh_regressor(params))
    if len(cutoffs) > 1:
        warn_of_phases(params.stride, model.season, step, f"a `step` of {step} forecasts")
    scales = [seasonal_scale(values, model.season) for values in training.values]
    return [
        _forecast_fold(model, panel, n_known[chosen], scales, levels)
        for n_known in known
        if (n_known[chosen] < panel.lengths).any()
    ]


def _forecast_fold(model, panel, n_known, scales, levels):
    """Return the rows of one cutoff, for the series that continue after it."""
    series = np.flatnonzero(n_known < panel.lengths)
    n_steps = model.plan.steps
    outputs = model.forecast(panel, series, n_known[series], n_steps)
    bounds = model.bounds(outputs, panel, series, n_known[series], levels)
    rows = []
    for i, k in enumerate(series):
        known, values, times = n_known[k], panel.values[k], panel.times[k]
        n_rows = min(n_steps, len(values) - known)
        ahead = slice(known, known + n_rows)
        columns = {
            "series": np.repeat(pd.Index([panel.labels[k]], tupleize_cols=False), n_rows),
            "cutoff": np.repeat(times[known - 1 : known], n_rows),
            "time": times[ahead],
            "step": np.arange(1, n_rows + 1),
            "truth": values[ahead],
            "forecast": outputs[i, :n_rows],
        }
        columns |= {name: widths[i, :n_rows] for name, widths in bounds.items()}
        for name, baseline in BASELINES.items():
            columns[name] = baseline(values[:known], n_rows, model.season)
        columns["scale"] = np.full(n_rows, scales[k])
        rows.append(pd.DataFrame(columns))
    return pd.concat(rows, ignore_index=True)


def time_folds(series, n_splits, steps):
    """Return a list of (train, test) positions; see `RNNForecaster.time_folds`."""
    check_pandas(series)
    check_count("n_splits", n_splits, 1)
    in_panel = isinstance(series.index, pd.MultiIndex)
    times = series.index.get_level_values(1) if in_panel else series.index
    labels = series.index.codes[0] if in_panel else np.zeros(len(series), dtype=int)
    distinct = times.unique().sort_values()
    n_test = len(distinct) // (n_splits + 1) if steps is None else steps
    check_count("steps", n_test, 1)
    if len(distinct) <= n_splits * n_test:
        raise ValueError(
            f"`n_splits` folds of {n_test} times must leave times to train on, got "
            f"n_splits={n_splits} with {len(distinct)} times. Lower one of them."
        )
    ranks = distinct.get_indexer(times)
    folds = []
    for start in range(len(distinct) - n_splits * n_test, len(distinct), n_test):
        train = np.flatnonzero(ranks < start)
        ahead = (ranks >= start) & (ranks < start + n_test)
        folds.append((train, np.flatnonzero(ahead & np.isin(labels, labels[train]))))
    return folds
