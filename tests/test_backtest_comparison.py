"""What a backtest compares forecasts and intervals with, beside loops and the ridge itself."""

import numpy as np
import pandas as pd
import pytest
from forecasting import Recorder, bare, linear, monthly, wide_frame
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import RNNForecaster
from skrnn._forecasting.baselines import BASELINES, error_quantiles, in_sample_errors
from skrnn._forecasting.comparison import Comparison

MODELS = ["forecast", "naive", "seasonal_naive", "drift", "ridge"]


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_read_no_row_after_their_origin(name):
    values = monthly(40).to_numpy(copy=True)
    values[[0, 7, 20, 24]] = np.nan
    origins = np.arange(2, 40)
    found = BASELINES[name](values, origins, 14, 12)
    expected = [BASELINES[name](values[:n], np.array([n]), 14, 12)[0] for n in origins]
    assert_array_equal(found, expected)


@pytest.mark.parametrize("name", BASELINES)
def test_intervals_of_naive_forecasts_are_quantiles_of_their_errors_before_the_fit(name):
    y = monthly(60)
    asked = bare(linear(), timesteps=6, steps=4, calibration=12)
    table = asked.backtest(y, folds=3, level=[50, 80])
    known = y[:48].to_numpy()
    errors = np.full((36, 4), np.nan)
    for n in range(12, 48):
        truth = known[n : n + 4]
        forecast = BASELINES[name](known[:n], np.array([n]), len(truth), 12)[0]
        errors[n - 12, : len(truth)] = truth - forecast
    for level, tail in [(50, 0.25), (80, 0.1)]:
        for side, fraction in [("lower", tail), ("upper", 1 - tail)]:
            expected = np.tile(np.nanquantile(errors, fraction, axis=0), 3)
            assert_allclose(table[f"{name}_{side}_{level}"] - table[name], expected)


def test_errors_of_a_series_shorter_than_the_forecast_widen_as_far_as_they_are_known():
    errors = in_sample_errors(BASELINES["naive"], np.array([1.0, 2.0, 4.0]), 4, 12)
    assert_array_equal(errors, [[1, 3, np.nan, np.nan], [2, np.nan, np.nan, np.nan]])
    assert_allclose(error_quantiles(errors, [0.5]), [[1.5, 3, 3, 3]])
    assert np.isnan(error_quantiles(errors[:0], [0.1, 0.9])).all()


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_ridge_of_a_backtest_is_the_forecaster_with_that_baseline_and_no_network(strategy):
    wide = wide_frame("ab")
    settings = {"timesteps": 6, "steps": 3, "strategy": strategy, "calendar": ("month",)}
    asked = RNNForecaster(Recorder(), **settings, baseline=None, calibration=10)
    ridge = RNNForecaster(**settings, baseline="ridge", network_weight=0, calibration=10)
    options = {"folds": 4, "refit": 2, "level": 80}
    found, expected = (each.backtest(wide, **options) for each in (asked, ridge))
    assert_array_equal(found["ridge"], expected["forecast"])
    assert_array_equal(found["ridge_upper_80"], expected["upper_80"])
    assert_array_equal(found["ridge_lower_80"], expected["lower_80"])


def test_summary_names_the_ridge_where_a_forecast_loses_to_it():
    rng = np.random.default_rng(0)
    y = pd.Series(np.zeros(200))
    for row in range(2, 200):
        y[row] = 1.2 * y[row - 1] - 0.8 * y[row - 2] + rng.normal()
    summary = bare(Recorder(), timesteps=8, steps=2).backtest(y, folds=20).summary()
    assert "ridge" in summary["loses_to"]["forecast"]
    assert summary["MASE"]["ridge"] < 0.8 * summary["MASE"]["forecast"]


def test_summary_measures_the_intervals_of_every_model_overall_and_by_step():
    asked = bare(linear(), timesteps=6, steps=4, calibration=12)
    table = asked.backtest(monthly(), folds=3, level=[80, 50])
    found = {None: (table, table.summary())}
    by_step = table.summary(by="step")
    found |= {step: (table[table["step"] == step], by_step.loc[step]) for step in range(1, 5)}
    for rows, summary in found.values():
        assert list(summary.index) == MODELS
        for model in MODELS:
            of = "" if model == "forecast" else f"{model}_"
            for level, cost in [(80, 10), (50, 4)]:
                low, high, truth = (
                    rows[f"{of}lower_{level}"],
                    rows[f"{of}upper_{level}"],
                    rows["truth"],
                )
                missed = (low - truth).clip(lower=0) + (truth - high).clip(lower=0)
                expected = {
                    "coverage": 100 * (missed == 0).mean(),
                    "width": (high - low).mean(),
                    "interval_score": (high - low + cost * missed).mean(),
                }
                for name, value in expected.items():
                    assert_allclose(summary[f"{name}_{level}"][model], value)


def test_summary_has_no_measure_of_intervals_where_some_rows_have_none():
    asked = bare(linear(), timesteps=6, steps=4, calibration=12)
    table = asked.backtest(monthly(), folds=3, level=80)
    table.loc[table["step"] == 2, "ridge_upper_80"] = np.nan
    summary, by_step = table.summary(), table.summary(by="step")
    assert np.isnan(summary.loc["ridge", ["coverage_80", "width_80", "interval_score_80"]]).all()
    assert summary.drop(index="ridge").notna().all(axis=None)
    assert by_step.xs("ridge", level="model")["coverage_80"].isna().tolist() == [0, 1, 0, 0]


def test_ridge_without_held_out_errors_has_no_interval():
    asked = bare(steps=2)
    panel = asked._read(monthly(), None)
    comparison = Comparison(asked, panel, 12, [80])
    found = comparison.forecast(panel, np.array([0]), np.array([80]), 2)
    assert np.isnan([found["ridge_lower_80"], found["ridge_upper_80"]]).all()
    assert np.isfinite(found["ridge"]).all()
