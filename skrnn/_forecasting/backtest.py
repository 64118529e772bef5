"""Backtest: forecasts of the past, row by row, compared with baseline forecasts."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skrnn._forecasting.baselines import error_measures, interval_score
from skrnn._forecasting.comparison import COMPARED, Comparison, bound_names
from skrnn._forecasting.conformal import check_levels, check_quantiles
from skrnn._forecasting.folds import first_trained, warn_of_untested
from skrnn._forecasting.model_fit import fit_global_model
from skrnn._forecasting.row_counts import min_rows, min_rows_to_train, warn_of_phases
from skrnn._preprocessing.windows import check_count

if TYPE_CHECKING:
    from collections.abc import Sequence

MODELS = ("forecast", *COMPARED)


class Backtest(pd.DataFrame):
    """Forecasts of the past with the true values, as a pandas DataFrame with a `summary`.

    Get one from `RNNForecaster.backtest`. It has one row for each series, cutoff and step, and the
    columns that are described there. Any selection of its rows is a Backtest again. For a forecast
    of the future use `RNNForecaster.predict`.

    Parameters
    ----------
    data : dict, array-like or DataFrame, default=None
        As in :class:`pandas.DataFrame`, with the columns of `RNNForecaster.backtest`.
    index, columns : array-like, default=None
        As in :class:`pandas.DataFrame`.
    dtype : dtype, default=None
        As in :class:`pandas.DataFrame`.
    copy : bool, default=None
        As in :class:`pandas.DataFrame`.

    See Also
    --------
    BacktestDisplay : Plot of a backtest.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import RNNForecaster, RNNRegressor
    >>> days = pd.date_range("2024-01-01", periods=60)
    >>> sales = pd.Series(np.sin(np.arange(60) * 2 * np.pi / 7), index=days)
    >>> network = RNNRegressor("gru", 4, epochs=2, random_state=0)
    >>> backtest = RNNForecaster(network, timesteps=7, steps=3).backtest(sales, folds=2)
    >>> backtest.summary().index.tolist()
    ['forecast', 'naive', 'seasonal_naive', 'drift', 'ridge']
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
            One row for each model, and group: "forecast" and the baselines. Columns are MASE, MAE,
            RMSE and sMAPE (in percent). For each level there are "coverage_80", the percentage of
            true values within an interval, "width_80", the mean width of the intervals, and
            "interval_score_80", their mean interval score [1]_. "loses_to" lists the baselines with
            a smaller MASE than the forecast. A measure that is unknown for some row is NaN.

        Notes
        -----
        The interval score is the width of an interval, plus 2 / (1 - level / 100) times the
        distance by which it misses the truth. Lower is better: it rewards narrow intervals that
        hold as often as their level says. Like MAE it is in the unit of the series, so series of a
        larger scale count more; group by "series" to see each.

        References
        ----------
        .. [1] T. Gneiting and A. E. Raftery, "Strictly Proper Scoring Rules, Prediction, and
           Estimation", Journal of the American Statistical Association 102 (2007), 359-378.
           https://doi.org/10.1198/016214506000001437
        """
        if by is None:
            return _compared(self)
        keys = [by] if isinstance(by, str) else list(by)
        groups = self.groupby(keys[0] if len(keys) == 1 else keys, sort=False)
        table = pd.concat({key: _compared(part) for key, part in groups})
        split = table.index.nlevels - len(keys) - 1  # series whose names are tuples
        return table.rename_axis([*keys, *[None] * split, "model"])


def _compared(rows):
    """Return the measures of each model over the rows with a known truth."""
    rows = rows[rows["truth"].notna()]
    truth, scale = rows["truth"].to_numpy(), rows["scale"].to_numpy()
    models = [name for name in MODELS if name in rows]
    measures = {name: error_measures(truth, rows[name].to_numpy(), scale) for name in models}
    for level in levels_of(rows):
        for name in models:
            measures[name] |= _interval_measures(rows, name, level)
    table = pd.DataFrame(measures).T.rename_axis("model")
    better = [name for name in models[1:] if table["MASE"][name] < table["MASE"]["forecast"]]
    table["loses_to"] = ""
    table.loc["forecast", "loses_to"] = ", ".join(better)
    return table


def levels_of(rows):
    """Return the levels of the intervals in a Backtest, as they are in its column names."""
    names = [str(name) for name in rows.columns]
    return [name.removeprefix("lower_") for name in names if name.startswith("lower_")]


def _interval_measures(rows, model, level):
    """Return coverage, mean width and mean interval score; NaN where a row has no interval."""
    truth = rows["truth"].to_numpy()
    lower, upper = (rows[name].to_numpy() for name in bound_names(model, level))
    inside = np.where(np.isnan(upper - lower), np.nan, (truth >= lower) & (truth <= upper))
    score = interval_score(truth, lower, upper, float(level))
    measures = {"coverage": 100 * inside, "width": upper - lower, "interval_score": score}
    return {f"{name}_{level}": values.mean() for name, values in measures.items()}


def run_backtest(forecaster, panel, *, folds, step, refit, gap, window, level, quantiles, n_jobs):
    """Return the Backtest of a forecaster, which is not fitted; see `RNNForecaster.backtest`.

    `panel` holds every row, with `exog`.
    """
    check_count("folds", folds, 1)
    n_steps = forecaster.steps
    _check_gap(gap, n_steps)
    _check_window(window, forecaster)
    step = n_steps - gap if step is None else step
    check_count("step", step, 1)
    folds_at_once = _folds_of_a_fit(refit, folds)
    intervals = check_levels(level), check_quantiles(quantiles)
    instants = panel.instants
    first = len(instants) - n_steps - 1 - step * (folds - 1)
    places = first + step * np.arange(folds if first >= 0 else 0)
    cutoffs = instants[places]
    n_known = np.array([times.searchsorted(cutoffs, side="right") for times in panel.times])
    _check_first_fit(forecaster, panel, n_known[:, :1].sum(axis=1), folds)
    groups = [slice(k, k + folds_at_once) for k in range(0, folds, folds_at_once)]
    params = clone(forecaster)  # without fitted attributes
    answers = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_forecast)(
            params,
            panel,
            first_trained(panel, instants, places[part.start], window, n_known[:, part.start]),
            cutoffs[part],
            n_known[:, part],
            {"step": step, "gap": gap, "intervals": intervals},
        )
        for part in groups
    )
    parts = [part for answer in answers for part in answer]
    if not parts:
        raise ValueError(
            f"`series` must hold a series with {min_rows(forecaster)} rows before a cutoff and "
            "others after it, got none. Shorten the window, or choose other `folds` or `step`."
        )
    table = Backtest(pd.concat(parts, ignore_index=True))
    tested = set(table["series"])
    reached = [label in tested for label in panel.labels]
    warn_of_untested(panel, instants[first + gap], reached, "`folds`")
    return table


def _check_gap(gap, n_steps):
    check_count("gap", gap, 0)
    if gap >= n_steps:
        raise ValueError(
            f"`gap` must be below `steps`, {n_steps}, got {gap}. A forecast covers the gap and the "
            "rows that are tested: raise `steps` of the forecaster by the gap."
        )


def _check_window(window, forecaster):
    """Refuse a window that is too short for a fit."""
    if window is None:
        return
    check_count("window", window, 1)
    least = min_rows_to_train(forecaster)
    if window < least:
        raise ValueError(
            f"`window` must be at least {least} rows, for `timesteps`, `differences`, the targets "
            f"and calibration, got {window}. Raise it, or shorten `timesteps`."
        )


def _folds_of_a_fit(refit, folds):
    """Return the number of consecutive folds that one fit forecasts."""
    if isinstance(refit, (bool, np.bool_)):
        return 1 if refit else folds
    if isinstance(refit, Integral) and refit >= 1:
        return int(refit)
    kind = ValueError if isinstance(refit, Integral) else TypeError
    raise kind(
        f"`refit` must be True, False or a number of folds of at least 1, got {refit!r}. Pass 3 to "
        "fit again at every third cutoff."
    )


def _check_first_fit(forecaster, panel, n_known, folds):
    """Refuse folds that leave no series with enough rows before the first cutoff."""
    longest = int(np.argmax(n_known))
    if n_known[longest] < min_rows_to_train(forecaster):
        raise ValueError(
            f"`folds={folds}` must leave a series at least {min_rows_to_train(forecaster)} rows "
            "before the first cutoff, for a window, its targets and calibration, got "
            f"{n_known[longest]} of {panel.lengths[longest]}. Lower `folds` or `step`, shorten the "
            "window, or pass more rows."
        )


def _fit_and_forecast(params, panel, first, cutoffs, n_known, asked):
    """Fit to the rows up to the first of some cutoffs; return the table of all, or an empty list.

    Of each series only the rows from `first` on, (n_series,), are read. `n_known`, (n_series,
    n_cutoffs), is the number of its rows up to each cutoff. The "intervals" in `asked` are levels
    and quantiles.
    """
    chosen = np.flatnonzero(n_known[:, 0] - first >= min_rows(params))
    panel, n_known = panel.take(chosen).skip(first[chosen]), (n_known - first[:, None])[chosen]
    training = panel.head(n_known[:, 0])
    model = fit_global_model(params, training)
    step = asked["step"]
    if len(cutoffs) > 1:
        warn_of_phases(params.stride, model.season, step, f"a `step` of {step} forecasts")
    fold, series = np.nonzero((n_known + asked["gap"] < panel.lengths[:, np.newaxis]).T)
    if not len(fold):
        return []
    comparison = Comparison(params, training, model.season, asked["intervals"][0])
    origins = series, n_known[series, fold]
    return [_forecast_origins(model, comparison, panel, cutoffs[fold], *origins, asked)]


def _forecast_origins(model, comparison, panel, cutoffs, series, n_known, asked):
    """Return the rows after each origin: a cutoff, a series, and its number of known rows."""
    n_steps, gap = model.plan.steps, asked["gap"]
    outputs = model.forecast(panel, series, n_known, n_steps)
    bounds = model.bounds(outputs, panel, series, n_known, *asked["intervals"])
    found = {"forecast": outputs} | bounds
    found |= comparison.forecast(panel, series, n_known, n_steps)
    n_rows = np.minimum(n_steps, panel.lengths[series] - n_known)
    ahead = [slice(n + gap, n + more) for n, more in zip(n_known, n_rows, strict=True)]
    times = [panel.times[k][rows] for k, rows in zip(series, ahead, strict=True)]
    steps = np.arange(n_steps)
    there = (steps >= gap) & (steps < n_rows[:, np.newaxis])  # (n_origins, n_steps)
    origin, step = np.nonzero(there)
    columns = {
        "series": pd.Index(panel.labels, tupleize_cols=False).take(series[origin]),
        "cutoff": cutoffs.take(origin),
        "time": times[0].append(times[1:]),
        "step": step + 1,
        "truth": np.concatenate(
            [panel.values[k][rows] for k, rows in zip(series, ahead, strict=True)]
        ),
    }
    columns |= {name: rows[there] for name, rows in found.items()}
    columns["scale"] = comparison.scales[series[origin]]
    return pd.DataFrame(columns)
