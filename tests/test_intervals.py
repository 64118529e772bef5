"""Intervals and quantiles of RNNForecaster: units, series of their own, floors, files."""

from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from forecasting import LOG, Recorder, bare, monthly
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer

import skrnn
from skrnn import RNNForecaster, RNNRegressor
from skrnn._forecasting.conformal import ENOUGH, Residuals, conformal_quantile, no_residuals
from skrnn._forecasting.error_units import recent_changes

LEVELS = [80, 95]


def linear_only(steps=2, **parameters):
    return RNNForecaster(steps=steps, network_weight=0, **parameters)


def residuals(errors, series=None, n_series=1, **fields):
    errors = np.asarray(errors, dtype=float)
    series = np.zeros(len(errors), int) if series is None else np.asarray(series)
    plain = vars(no_residuals(errors.shape[1], n_series))
    return Residuals(**plain | {"errors": errors, "series": series} | fields)


def at(value):
    return Fraction(str(value))


@pytest.mark.parametrize("probability", [0.5, 0.8, 0.975])
def test_a_conformal_quantile_is_no_less_than_the_next_error_as_often_as_it_says(probability):
    draws = np.random.default_rng(0).normal(size=(60, 4000))  # one column, one experiment
    found = conformal_quantile(draws[:-1], at(probability))
    held = (draws[-1] <= found).mean()
    assert probability - 0.02 < held < probability + 1 / 60 + 0.02


def test_missing_errors_do_not_count_and_too_few_leave_a_quantile_infinite():
    errors = np.array([[3.0, np.nan], [1, np.nan], [2, 5], [np.nan, 4]])
    assert_array_equal(conformal_quantile(errors, at(0.6)), [3, 5])
    assert_array_equal(conformal_quantile(errors, at(0.75)), [3, np.inf])


def test_a_series_with_enough_windows_has_quantiles_of_its_own():
    rng = np.random.default_rng(0)
    own, few = rng.exponential(size=(ENOUGH, 3)), 10 * rng.exponential(size=(ENOUGH - 1, 3))
    both = residuals(np.vstack([own, few]), np.repeat([0, 1], [ENOUGH, ENOUGH - 1]), n_series=2)
    for probability in (0.1, 0.9):
        found = both.quantiles(at(probability), np.array([1, 0]), 3)
        rank = int(np.ceil((ENOUGH + 1) * 0.9))
        place = rank - 1 if probability > 0.5 else -rank
        assert_array_equal(found[1], np.sort(own, axis=0)[place])
        assert (found[0] != found[1]).all()


def test_few_windows_give_symmetric_intervals_and_many_the_quantiles_that_level_names():
    skew = np.random.default_rng(0).exponential(size=(ENOUGH, 1))
    lower, upper = residuals(skew[1:]).interval(80, np.array([0]), 1)
    assert_array_equal(lower, -upper)
    lower, upper = residuals(skew).interval(80, np.array([0]), 1)
    assert 0 < lower < upper
    y = pd.Series(np.random.default_rng(1).gumbel(size=300))
    table = linear_only().fit(y).predict(level=80, quantiles=[0.1, 0.9])
    assert list(table) == ["forecast", "lower_80", "upper_80", "q_0.1", "q_0.9"]
    assert_array_equal(table[["lower_80", "upper_80"]], table[["q_0.1", "q_0.9"]])
    table = linear_only().fit(y).predict(quantiles=0.5)
    assert list(table) == ["forecast", "q_0.5"]


def test_recent_changes_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    values = rng.normal(size=60).cumsum()
    values[[7, 31, 32]] = np.nan
    ends = np.array([1, 5, 20, 33, 60])
    for season, n_rows in ((1, 6), (7, 15)):
        expected = []
        for end in ends:
            rows = values[max(end - n_rows, 0) : end]
            lag = season if len(rows) > season else 1
            changes = np.abs(rows[lag:] - rows[:-lag])
            expected.append(np.nanmean(changes) if len(changes) else 0)
        assert_allclose(recent_changes(values, ends, n_rows, season), expected)
    assert_array_equal(recent_changes(np.ones(9), np.array([9]), 5, 2), [0])


def growing(seed=0):
    """A positive series whose errors grow with its level."""
    rng = np.random.default_rng(seed)
    t = np.arange(240)
    rows = np.exp(0.02 * t + 0.3 * np.sin(2 * np.pi * t / 12) + rng.normal(scale=0.1, size=240))
    return pd.Series(rows, pd.date_range("2000-01-31", periods=240, freq="ME"))


def test_errors_that_grow_with_a_positive_series_are_measured_in_logarithms():
    fitted = linear_only(steps=12).fit(growing())
    assert fitted._model.residuals.kind == "logarithms"
    assert (fitted.predict(level=99)["lower_99"] > 0).all()
    held = linear_only(steps=6).backtest(growing(1), folds=30, step=1, level=80).summary()
    assert 65 < held.loc["forecast", "coverage_80"] < 95


def test_errors_of_series_that_move_more_at_times_are_measured_by_recent_rows():
    rng = np.random.default_rng(0)
    loudness = np.exp(np.sin(np.arange(900) / 60))
    y = pd.Series(50 + loudness * rng.normal(size=900))
    assert linear_only().fit(y)._model.residuals.rows > 0


def test_errors_through_a_transformer_are_carried_back():
    y, asked = monthly() + 100, {"level": LEVELS, "quantiles": [0.1, 0.5]}
    settings = {"timesteps": 6, "steps": 2, "calibration": 40}
    logs = bare(Recorder(), **settings).fit(np.log(y)).predict(**asked)
    found = bare(Recorder(), transformer=LOG, **settings).fit(y).predict(**asked)
    assert_allclose(found, np.exp(logs))


def test_a_decreasing_transformer_leaves_lower_bounds_lower():
    negative = FunctionTransformer(np.negative, np.negative)
    settings = {"timesteps": 6, "steps": 2, "calibration": 40}
    asked = {"level": 80, "quantiles": [0.2, 0.7]}
    plain = bare(Recorder(), **settings).fit(monthly()).predict(**asked)
    found = bare(Recorder(), transformer=negative, **settings).fit(monthly()).predict(**asked)
    assert_allclose(found, plain)


def test_intervals_of_a_series_of_many_zeros_begin_at_zero_and_hold_each_series():
    rng = np.random.default_rng(0)
    shown = rng.uniform(size=(500, 6)) < 0.1
    wide = pd.DataFrame(np.where(shown, rng.poisson(5, size=(500, 6)) + 1.0, 0.0))
    table = linear_only(season=7).backtest(wide, folds=60, step=1, level=LEVELS)
    assert (table["lower_80"] == 0).all()
    assert (table["lower_95"] == 0).all()
    held = table.summary(by="series").xs("forecast", level="model")
    assert (held["coverage_80"] > 80).all()
    assert held["coverage_95"].mean() > 93


def test_series_of_different_loudness_are_held_alike():
    rng = np.random.default_rng(0)
    walk, noise = rng.normal(size=(300, 5)).cumsum(axis=0), 30 * rng.normal(size=(300, 5))
    wide = pd.DataFrame(np.hstack([walk, noise]))
    table = linear_only(steps=4).backtest(wide, folds=60, step=1, level=80)
    held = table.summary(by="series").xs("forecast", level="model")["coverage_80"]
    assert abs(held[:5].mean() - 80) < 8
    assert abs(held[5:].mean() - 80) < 5


@pytest.mark.parametrize(
    ("quantiles", "words"),
    [
        (1, r"`quantiles` must hold fractions above 0 and below 1, got 1\. For"),
        ([0.1, 80], "above 0 and below 1, got 80"),
        (True, "got True"),
        ("0.1", "got '0.1'"),
        (0.005, r"`quantiles=0.005` needs at least 199 held-out .*got 40\. .*`calibration=199`"),
    ],
)
def test_quantiles_that_cannot_be_are_refused_in_words(quantiles, words):
    fitted = bare(Recorder(), timesteps=6, steps=2, calibration=40).fit(monthly())
    with pytest.raises(ValueError, match=words):
        fitted.predict(quantiles=quantiles)
    with pytest.raises(ValueError, match=r"`quantiles` needs a forecast of at most `steps`"):
        fitted.predict(3, quantiles=0.1)


def test_new_series_have_intervals_in_logarithms_only_where_they_are_positive():
    fitted = linear_only(baseline="last").fit(growing())
    assert fitted._model.residuals.kind == "logarithms"
    new = fitted.predict(series=10 * growing(), level=80, quantiles=[0.1])
    assert_allclose(new, 10 * fitted.predict(level=80, quantiles=[0.1]))
    fitted.predict(series=growing() - 20)
    with pytest.raises(ValueError, match=r"`series` must be positive for intervals.* got -1"):
        fitted.predict(series=growing() - 20, level=80)


def test_quantiles_of_an_older_file_are_the_ends_of_its_intervals():
    path = Path(__file__).parent / "data" / "format-1-forecaster.skrnn"
    table = skrnn.load(path).predict(level=80, quantiles=[0.1, 0.5, 0.9]).swaplevel(axis=1)
    for quantile, bound in (("q_0.1", "lower_80"), ("q_0.9", "upper_80")):
        assert_array_equal(table[quantile], table[bound])


QUANTILE = RNNRegressor(
    "gru",
    8,
    loss="quantile",
    quantiles=(0.1, 0.5, 0.9),
    epochs=30,
    learning_rate=0.02,
    engine="numpy",
    random_state=0,
)


def loud_at_times(n_rows=600):
    """Noise that is five times as loud at one step of every four, and the loudness."""
    loud = np.arange(n_rows) % 4 == 3
    noise = np.random.default_rng(0).normal(size=n_rows) * np.where(loud, 5, 1)
    return pd.Series(noise), pd.DataFrame({"loud": loud.astype(float)})


def test_intervals_of_a_quantile_network_are_as_wide_as_it_says_and_hold():
    y, exog = loud_at_times()
    asked = bare(QUANTILE, timesteps=4, steps=1, calibration=120)
    table = asked.backtest(y, exog, folds=150, step=1, level=80)
    loud = exog["loud"].to_numpy()[table["time"]] == 1
    width = table["upper_80"] - table["lower_80"]
    assert width[loud].mean() > 2.5 * width[~loud].mean()
    inside = table["truth"].between(table["lower_80"], table["upper_80"])
    assert 0.7 < inside[loud].mean() < 0.95
    assert 0.7 < inside[~loud].mean() < 0.9
    plain = clone(asked).set_params(regressor__loss="mse")
    other = plain.backtest(y, exog, folds=150, step=1, level=80).summary()
    score = table.summary().loc["forecast", "interval_score_80"]
    assert score < 0.95 * other.loc["forecast", "interval_score_80"]


def test_intervals_of_a_quantile_network_are_its_quantiles_times_a_factor(tmp_path):
    y, exog = loud_at_times(300)
    fitted = bare(QUANTILE, timesteps=4, steps=2, calibration=120).fit(y[:250], exog)
    fitted.update(y[:260], exog, adaptive=True)
    model = fitted._model
    found = fitted.predict(exog=exog, quantiles=[0.05, 0.9])
    lower, upper = (
        fitted._ahead(partial(model.forecast, quantile=q), [y.index[260:262]], exog)[0]
        for q in (0.1, 0.9)
    )
    for column, end, p in (("q_0.05", lower, "0.05"), ("q_0.9", upper, "0.9")):
        factor = np.abs(model.residuals.quantiles(at(p), np.array([0]), 2)[0])
        assert_allclose(found[column], found["forecast"] + factor * (end - found["forecast"]))
    skrnn.save(fitted, tmp_path / "forecaster.skrnn")
    loaded = skrnn.load(tmp_path / "forecaster.skrnn")
    assert_array_equal(loaded.predict(exog=exog, quantiles=[0.05, 0.9]), found)
