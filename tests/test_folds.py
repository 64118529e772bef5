"""Gaps and rolling windows of backtests and folds, beside loops and TimeSeriesSplit."""

import numpy as np
import pandas as pd
import pytest
from forecasting import LOG, Recorder, bare, linear, monthly, wide_frame
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from skrnn import RNNForecaster


@pytest.mark.parametrize("window", [None, 40])
@pytest.mark.parametrize("gap", [0, 2])
def test_backtest_is_a_loop_over_the_folds_of_time_series_split(gap, window):
    y = monthly()
    exog = pd.DataFrame({"x": np.random.default_rng(2).normal(size=80)}, index=y.index)
    asked = RNNForecaster(steps=5, timesteps=6, network_weight=0)
    options = {"gap": gap, "window": window, "level": 80}
    table = asked.backtest(y, exog, folds=3, refit=True, **options)
    splits = TimeSeriesSplit(3, max_train_size=window, test_size=5 - gap, gap=gap)
    folds = table.groupby("cutoff")
    assert len(folds) == 3
    for (train, test), (cutoff, rows) in zip(splits.split(y), folds, strict=True):
        assert cutoff == y.index[train[-1]]
        assert_array_equal(rows["time"], y.index[test])
        assert_array_equal(rows["step"], np.arange(gap + 1, 6))
        forecast = clone(asked).fit(y.iloc[train], exog.iloc[train]).predict(exog=exog, level=80)
        for name in forecast:
            assert_allclose(rows[name], forecast[name][gap:])
        known = y.iloc[train].to_numpy()
        assert_allclose(rows["drift"], known[-1] + rows["step"] * np.diff(known).mean())
        assert_allclose(rows["scale"], np.abs(known[12:] - known[:-12]).mean())


def test_later_cutoffs_of_a_fit_read_the_rows_since_its_window_began():
    wide = wide_frame("ab")
    settings = {"timesteps": 6, "steps": 2, "calendar": ("month",), "differences": 1}
    asked = RNNForecaster(Recorder(), **settings, network_weight=0)
    table = asked.backtest(wide, folds=3, window=50)
    fitted = clone(asked).fit(wide[24:74])
    for known in (74, 76, 78):
        forecast = (fitted if known == 74 else fitted.update(wide[:known])).predict()
        rows = table[table["cutoff"] == wide.index[known - 1]]
        assert_allclose(rows["forecast"], np.ravel(forecast.T))


def test_window_of_a_backtest_begins_with_a_value_and_leaves_out_series_without_one():
    wide = wide_frame()
    wide.iloc[30:50, 1] = np.nan
    wide.iloc[30:75, 2] = np.nan
    asked = bare(Recorder(), timesteps=6, steps=2, fill="mask")
    with pytest.warns(UserWarning, match="series 'c', which have too few rows"):
        table = asked.backtest(wide, folds=2, window=40)
    rows, known = table[table["series"] == "b"], wide["b"][50:76]
    assert_allclose(rows["scale"], np.abs(known.diff(12)).mean())
    expected = clone(asked).fit(wide[["a", "b"]][36:76]).predict()
    assert_allclose(rows["forecast"][:2], expected["b"])


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"gap": 4}, ValueError, "`gap` must be below `steps`, 4, got 4.*raise `steps`"),
        ({"gap": -1}, ValueError, "`gap` must be at least 0, got -1"),
        ({"gap": 1.0}, TypeError, "`gap` must be an int, got 1.0"),
        ({"window": 9}, ValueError, "`window` must be at least 10 rows, .* got 9. Raise it, or"),
        ({"window": "all"}, TypeError, "`window` must be an int, got str"),
    ],
)
def test_backtest_says_which_gap_or_window_does_not_fit(settings, error, words):
    with pytest.raises(error, match=words):
        bare(Recorder(), timesteps=6, steps=4).backtest(monthly(), **settings)


@pytest.mark.parametrize("window", [None, 20, 55])
@pytest.mark.parametrize("gap", [0, 3])
def test_time_folds_are_those_of_time_series_split(gap, window):
    y = monthly()
    found = RNNForecaster.time_folds(y, 4, 6, gap=gap, window=window)
    expected = TimeSeriesSplit(4, max_train_size=window, test_size=6, gap=gap).split(y)
    for parts, others in zip(found, expected, strict=True):
        for rows, other in zip(parts, others, strict=True):
            assert_array_equal(rows, other)


def test_time_folds_of_a_long_frame_have_the_gap_and_window_of_each_series():
    wide = wide_frame("ab")
    wide.iloc[:60, 1] = np.nan
    long = wide.unstack().dropna()
    for fold, (train, test) in enumerate(RNNForecaster.time_folds(long, 2, 5, gap=2, window=10)):
        start = 70 + 5 * fold
        for part, rows in [(train, slice(start - 12, start - 2)), (test, slice(start, start + 5))]:
            assert long.iloc[part].equals(wide[rows].unstack().dropna())


def test_time_folds_say_when_a_gap_leaves_nothing_to_train_on():
    with pytest.raises(ValueError, match="folds of 20 times and a `gap` of 20 must leave"):
        RNNForecaster.time_folds(monthly(), 3, 20, gap=20)


def test_search_scores_the_rows_after_a_gap():
    y = monthly()
    asked = bare(linear(), timesteps=6, steps=5, transformer=LOG)
    folds = RNNForecaster.time_folds(y, 2, 3, gap=2)
    search = GridSearchCV(asked, {"differences": [0, 1]}, cv=folds).fit(y)
    table = clone(asked).backtest(y, folds=2, refit=True, gap=2)
    by_cutoff = table.summary(by="cutoff")["MASE"].xs("forecast", level="model")
    assert_allclose(search.cv_results_["mean_test_score"][0], -by_cutoff.mean())
