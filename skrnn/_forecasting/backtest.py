"""Backtest: forecasts of the past, row by row, beside those that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skrnn._forecasting.baselines import BASELINES, measures
from skrnn._forecasting.conformal import check_levels
from skrnn._forecasting.global_model import least_rows, warn_of_phases
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
            the share of truths within an interval in percent; and "loses_to", the baselines with
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
        {name: measures(truth, rows[name].to_numpy(), scale) for name in MODELS}
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
    """Return the Backtest of a forecaster; see `RNNForecaster.backtest`.

    Parameters
    ----------
    forecaster : RNNForecaster
    panel : Panel
        Every row, with `exog`.
    folds, step, refit, level, n_jobs
        As in `RNNForecaster.backtest`.
    """
    check_count("folds", folds, 1)
    n_steps = forecaster.steps
    step = n_steps if step is None else step
    check_count("step", step, 1)
    levels = [] if level is None else check_levels(level)
    every = _all_times(panel.times)
    last_known = len(every) - n_steps - 1 - step * np.arange(folds)[::-1]
    if last_known[0] < 0:
        raise ValueError(
            f"`series` must have more than {len(every) - 1 - last_known[0]} times for {folds} "
            f"folds of {n_steps} steps, got {len(every)}. Lower `folds` or `step`."
        )
    cutoffs = every[last_known]
    groups = [cutoffs[k : k + 1] for k in range(folds)] if refit else [cutoffs]
    answers = Parallel(n_jobs=n_jobs)(
        delayed(_folds)(clone(forecaster), panel, group, step, levels) for group in groups
    )
    parts = [part for answer in answers for part in answer]
    if not parts:
        raise ValueError(
            f"`series` must hold one with {least_rows(forecaster.get_params(deep=False))} rows "
            "before a cutoff and others after it, got none. Shorten the window, or choose other "
            "`folds` or another `step`."
        )
    return Backtest(pd.concat(parts, ignore_index=True))


def _all_times(times):
    every = times[0]
    for other in times[1:]:
        if other is not every:
            every = every.union(other)
    return every


def _folds(forecaster, panel, cutoffs, step, levels):
    """Fit to the rows up to the first cutoff, and return the rows of each that has any."""
    known = [
        np.array([times.searchsorted(cutoff, side="right") for times in panel.times])
        for cutoff in cutoffs
    ]
    enough = known[0] >= least_rows(forecaster.get_params(deep=False))
    chosen = np.flatnonzero(enough if enough.any() else known[0])  # none is: `fit` says so
    panel = panel.chosen(chosen)
    fitted = forecaster._fit_panel(panel.until(known[0][chosen]))
    if len(cutoffs) > 1:
        phases = f"a `step` of {step} forecasts"
        warn_of_phases(forecaster.stride, fitted.season_, step, phases)
    return [
        _fold(fitted, panel, stops[chosen], forecaster.steps, levels)
        for stops in known
        if (stops[chosen] < panel.lengths).any()
    ]


def _fold(fitted, panel, known, n_steps, levels):
    """Return the rows of one cutoff, for the series that go on after it."""
    going = np.flatnonzero(known < panel.lengths)
    outputs = fitted._model.forecast(panel, going, known[going], n_steps)
    bounds = fitted._model.bounds(outputs, panel, going, known[going], levels)
    rows = []
    for i, k in enumerate(going):
        n_rows = min(n_steps, panel.lengths[k] - known[k])
        ahead = slice(known[k], known[k] + n_rows)
        past = panel.values[k][: known[k]]
        columns = {
            "series": np.repeat(pd.Index([panel.labels[k]], tupleize_cols=False), n_rows),
            "cutoff": np.repeat(panel.times[k][known[k] - 1 : known[k]], n_rows),
            "time": panel.times[k][ahead],
            "step": np.arange(1, n_rows + 1),
            "truth": panel.values[k][ahead],
            "forecast": outputs[i, :n_rows],
        }
        columns |= {name: values[i, :n_rows] for name, values in bounds.items()}
        for name, baseline in BASELINES.items():
            columns[name] = baseline(past, n_rows, fitted.season_)
        columns["scale"] = np.full(n_rows, fitted.scales_.iloc[k])
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
