"""Intervals and backtests of RNNForecaster, beside loops."""

import numpy as np
import pandas as pd
import pytest
from forecasting import TIMES, Recorder, bare, dates, fit, linear, monthly, wide_frame
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss

from skrnn import RNNForecaster, RNNRegressor
from skrnn._forecasting.baselines import interval_score


def noise(n_rows, n_series=1, seed=0):
    rng = np.random.default_rng(seed)
    scales = np.linspace(1, 9, n_series)
    return pd.DataFrame(rng.normal(size=(n_rows, n_series)) * scales + 50)


def forecaster(regressor=None, **parameters):
    parameters = {"timesteps": 6, "steps": 4} | parameters
    return bare(regressor or linear(), **parameters)


def test_calibration_rows_do_not_scale_the_series():
    y = pd.Series(np.random.default_rng(0).normal(size=60))
    spoilt = y.copy()
    spoilt[50:] *= 100
    fitted = [fit(rows, regressor=Recorder(), calibration=10) for rows in (y, spoilt)]
    assert_array_equal(*(each.regressor_.y_ for each in fitted))


def test_intervals_are_those_of_a_loop():
    wide, c, T, H = noise(90, 2), 8, 4, 3
    fitted, known = fit(wide, timesteps=T, steps=H, calibration=c), 90 - H - c + 1
    moved = clone(fitted).set_params(calibration=0).fit(wide[:known])

    def unit(label, cutoff):  # the mean change of the last rows
        return np.abs(np.diff(wide[label][cutoff - T - 1 : cutoff])).mean()

    residuals = []
    for cutoff in range(known, 90 - H + 1):
        forecast = (moved.update(wide[:cutoff]) if cutoff > known else moved).predict()
        off = np.abs(forecast - wide[cutoff : cutoff + H])
        residuals += [off[label] / unit(label, cutoff) for label in wide]
    rank = int(np.ceil((2 * c + 1) * 0.8))
    widths = np.sort(np.array(residuals), axis=0)[rank - 1]
    table = fitted.predict(level=80)
    for label in wide:
        rows = table[label]
        assert_allclose(rows["upper_80"] - rows["forecast"], widths * unit(label, 90))
        assert_allclose(rows["forecast"] - rows["lower_80"], widths * unit(label, 90))


def test_interval_score_is_the_mean_of_two_pinball_losses_by_their_level():
    rng = np.random.default_rng(0)
    truth, (lower, upper) = rng.normal(size=200), np.sort(rng.normal(size=(2, 200)), axis=0)
    losses = [
        mean_pinball_loss(truth, bound, alpha=alpha) / 0.1
        for bound, alpha in [(lower, 0.1), (upper, 0.9)]
    ]
    assert_allclose(interval_score(truth, lower, upper, 80).mean(), sum(losses))


def louder():
    y = noise(400)[0]
    return y.where(y.index < 300, 50 + 5 * (y - 50))


def remembering(seed):
    """Return series in which each value takes over most of the one before, with a season."""
    y = noise(300, 16, seed=seed)
    for row in range(1, len(y)):
        y.iloc[row] += 0.7 * (y.iloc[row - 1] - 50)
    return y + 5 * np.sin(2 * np.pi * np.arange(300) / 12)[:, np.newaxis]


NETWORK = RNNRegressor("gru", 4, epochs=8, random_state=0, engine="numpy")


@pytest.mark.parametrize(
    ("y", "asked", "folds", "within"),
    [
        (louder(), forecaster(linear(1.0), timesteps=20, steps=1, calibration=100), 90, 12),
        (louder()[:300], forecaster(linear(1.0), timesteps=20, steps=1, calibration=100), 90, 12),
        (noise(300, 20), forecaster(linear(1.0), timesteps=3, steps=2, calibration=30), 30, 3),
        (remembering(0), forecaster(NETWORK, timesteps=12, calibration=40), 20, 5),
        (remembering(1), forecaster(NETWORK, timesteps=12, calibration=40), 20, 5),
    ],
    ids=["moves more", "before", "exchangeable", "a network", "a network, other series"],
)
def test_intervals_cover_as_often_as_they_say(y, asked, folds, within):
    held = asked.backtest(y, folds=folds, level=[50, 80, 95]).summary().loc["forecast"]
    for level in (50, 80, 95):
        assert abs(held[f"coverage_{level}"] - level) < within


def test_intervals_of_a_series_at_rest_are_finite_and_no_point():
    y = noise(200)[0]
    y[150:] = y[150]
    fitted = fit(y, regressor=Recorder(), calibration=100)
    table = fitted.backtest(y[:199], folds=1, level=80)
    rest = fitted.predict(level=80)
    assert 0 < (rest["upper_80"] - rest["forecast"]).iloc[0] < np.inf
    assert np.isfinite(table["upper_80"]).all()


def test_backtest_bridges_a_window_without_a_value():
    y = monthly()
    y[50:62] = np.nan
    settings = {"steps": 2, "scale": "window", "differences": 1, "calibration": 30}
    asked = forecaster(NETWORK, fill="mask", **settings)
    table = asked.backtest(y, folds=3, level=80)
    assert np.isfinite(table[["forecast", "lower_80", "upper_80"]]).all(axis=None)


def test_a_level_says_how_many_windows_it_needs():
    fitted = fit(monthly(), calibration=18, steps=2)
    fitted.predict(level=[80, 94])
    for steps, level, words in [
        (2, [80, 95], r"`level=95` needs at least 19 .*got 18.*`calibration=19`"),
        (3, 80, r"at most `steps` in `fit`, 2, got 3 steps"),
        *((2, level, f"at least 1 and below 100, got {level!r}") for level in (0, 0.8, "80")),
        (2, [50, 100], "at least 1 and below 100, got 100"),
    ]:
        with pytest.raises(ValueError, match=words):
            fitted.predict(steps, level=level)
    with pytest.raises(ValueError, match=r"needs at least 4 .*got 0"):
        fit(monthly()).predict(level=80)
    with pytest.raises(ValueError, match=r"at least 205 rows .* 200 for calibration\), got 80"):
        fit(monthly(), calibration=200)


@pytest.mark.parametrize(("refit", "every"), [(False, 3), (True, 1), (1, 1), (np.int64(2), 2)])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_backtest_is_a_loop_of_fit_update_and_predict(strategy, refit, every):
    wide = wide_frame("ab")
    exog = pd.DataFrame({"x": np.random.default_rng(2).normal(size=80)}, index=wide.index)
    asked = forecaster(strategy=strategy, differences=1, calibration=6)
    table = asked.backtest(wide, exog, folds=3, step=5, refit=refit, level=80)
    assert not hasattr(asked, "regressor_")
    for fold, known in enumerate([66, 71, 76]):
        if fold % every == 0:
            fitted = clone(asked).fit(wide[:known], exog[:known])
        else:
            fitted.update(wide[:known], exog[:known])
        forecast = fitted.predict(exog=exog, level=80)
        rows = table[table["cutoff"] == wide.index[known - 1]]
        for label in wide:
            part = rows[rows["series"] == label]
            assert_allclose(part["forecast"], forecast[label]["forecast"])
            assert_allclose(part["upper_80"], forecast[label]["upper_80"])
            assert_array_equal(part["time"], wide.index[known : known + 4])
            assert_array_equal(part["truth"], wide[label][known : known + 4])
            assert_array_equal(part["step"], [1, 2, 3, 4])
    assert len(table) == 3 * 2 * 4


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_backtest_in_parallel_is_the_same(backend):
    asked = forecaster(NETWORK, calibration=6)
    settings = {"folds": 3, "refit": True, "level": 80}
    expected = asked.backtest(monthly(), **settings)
    with parallel_config(backend):
        found = asked.backtest(monthly(), n_jobs=2, **settings)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_baselines_are_those_of_a_loop():
    y = monthly()
    table = forecaster(steps=14).backtest(y, folds=2, step=1)
    past = y[:65].to_numpy()
    rows = table[:14]
    assert_array_equal(rows["naive"], np.repeat(past[-1], 14))
    assert_array_equal(rows["seasonal_naive"], [past[-12 + i % 12] for i in range(14)])
    slope = (past[-1] - past[0]) / 64
    assert_allclose(rows["drift"], past[-1] + slope * np.arange(1, 15))
    assert_allclose(rows["scale"], np.abs(past[12:] - past[:-12]).mean())


def test_summary_measures_are_those_of_their_formulas():
    table = forecaster(calibration=9).backtest(monthly(), level=[80])
    summary, truth, forecast = table.summary(), table["truth"], table["forecast"]
    off = (truth - forecast).abs()
    expected = {
        "MAE": off.mean(),
        "RMSE": np.sqrt((off**2).mean()),
        "sMAPE": (200 * off / (truth.abs() + forecast.abs())).mean(),
        "MASE": (off / table["scale"]).mean(),
        "coverage_80": 100 * truth.between(table["lower_80"], table["upper_80"]).mean(),
    }
    for name, value in expected.items():
        assert_allclose(summary.loc["forecast", name], value)
    assert list(summary.index) == ["forecast", "naive", "seasonal_naive", "drift", "ridge"]
    assert table.summary(("series", "step")).equals(table.summary(["series", "step"]))
    by_step = table.summary(by=["step"])
    assert by_step.equals(table.summary(by="step"))
    assert_allclose(by_step.loc[(3, "forecast"), "MAE"], off[table["step"] == 3].mean())


def test_summary_says_which_baseline_a_model_loses_to():
    walk = pd.Series(np.random.default_rng(0).normal(size=300).cumsum())
    bad = RNNRegressor("gru", 2, epochs=1, random_state=0)
    summary = forecaster(bad, steps=3).backtest(walk, folds=20).summary()
    assert "naive" in summary.loc["forecast", "loses_to"]
    good = forecaster(timesteps=14, steps=6).backtest(monthly()).summary()
    assert good.loc["forecast", "loses_to"] == "ridge"  # least squares, without a penalty


def test_backtest_rows_select_and_summarize_like_a_frame():
    table = forecaster().backtest(wide_frame("ab"))
    part, expected = table[table["series"] == "b"].summary(), table.summary(by="series").loc["b"]
    pd.testing.assert_frame_equal(part, expected)


def test_backtest_takes_ragged_ends_and_missing_values():
    wide = wide_frame()
    wide.iloc[:70, 1] = np.nan  # begins after the first cutoff
    wide.iloc[66:, 2] = np.nan
    wide.iloc[77, 0] = np.nan
    with pytest.warns(UserWarning, match="rows of series 'b', which have too few rows before"):
        table = forecaster(Recorder(), fill="mask").backtest(wide, folds=4)
    assert set(table["series"]) == {"a", "c"}
    assert len(table[table["series"] == "c"]) == 2
    assert table["truth"].isna().sum() == 1
    assert table.summary()["MAE"].notna().all()


@pytest.mark.parametrize("calibration", [0, 2])
def test_backtest_leaves_out_series_too_short_at_the_first_cutoff(calibration):
    least = 6 + 1 + (4 + 2 if calibration else 0)  # with strides of 2 and differences
    wide = wide_frame()
    wide.iloc[: 72 - least, 1] = np.nan
    wide.iloc[: 72 - least + 1, 2] = np.nan
    asked = forecaster(Recorder(), differences=1, stride=2, calibration=calibration)
    with pytest.warns(UserWarning, match="rows of series 'c', which have too few rows before"):
        assert set(asked.backtest(wide, folds=2)["series"]) == {"a", "b"}
    assert set(asked.backtest(wide, folds=2, refit=True)["series"]) == {"a", "b", "c"}
    words = f"`folds=2` must leave a series at least {least + 4} rows .* got {least - 1} of"
    with pytest.raises(ValueError, match=words):
        asked.backtest(wide[["c"]], folds=2)


def test_backtest_leaves_out_cutoffs_that_no_series_passes():
    wide = pd.DataFrame({"a": monthly()[:75], "b": monthly()[73:]})
    with pytest.warns(UserWarning, match="rows of series 'b', which have too few rows before"):
        table = forecaster(Recorder()).backtest(wide, folds=2)
    assert table["cutoff"].unique() == wide.index[71]
    with pytest.raises(ValueError, match="with 6 rows before a cutoff and others after it"):
        forecaster(Recorder()).backtest(wide, folds=1)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (
            {"folds": 20},
            ValueError,
            r"`folds=20` must leave .* 10 rows .* got 0 of 80\. Lower `fol",
        ),
        ({"folds": 19}, ValueError, "`folds=19` must leave .* 10 rows .* got 4 of 80"),
        ({"step": 70, "folds": 2}, ValueError, "`folds=2` must leave .* got 6 of 80"),
        ({"folds": 10**9}, ValueError, "got 0 of 80"),
        ({"folds": 0}, ValueError, "`folds` must be at least 1"),
        *(
            ({"refit": value}, error, f"`refit` must be True, False or a number .*got {value!r}")
            for error, values in [(ValueError, [0, -1]), (TypeError, [0.5, 2.0, "no", None])]
            for value in values
        ),
    ],
)
def test_backtest_says_which_setting_does_not_fit(settings, error, words):
    with pytest.raises(error, match=words):
        forecaster().backtest(monthly(), **settings)


@pytest.mark.parametrize("kind", TIMES)
def test_cutoffs_lie_on_the_times_of_the_series(kind):
    series = pd.Series(np.arange(60.0), TIMES[kind])
    table = forecaster(Recorder()).backtest(series, folds=3, step=7)
    assert_array_equal(table["cutoff"][::4], series.index[[41, 48, 55]])
    folds = RNNForecaster.time_folds(series, n_splits=3, steps=7)
    assert [(len(train), test[0], test[-1]) for train, test in folds] == [
        (start, start, start + 6) for start in (39, 46, 53)
    ]


def test_freq_sets_the_step_of_folds():
    rows = pd.date_range("2024-01-01", periods=60)[::2]
    one, other = (RNNForecaster.time_folds(pd.Series(0.0, rows), 3, 4, freq=f) for f in (None, "D"))
    assert [(len(train), len(test)) for train, test in one] == [(18, 4), (22, 4), (26, 4)]
    assert [(len(train), len(test)) for train, test in other] == [(24, 2), (26, 2), (28, 2)]


@pytest.mark.parametrize("later", [0, 3])
def test_folds_of_series_on_other_days_of_the_week_lie_at_common_instants(later):
    sundays, wednesdays = dates("2023-01-01", "W-SUN"), dates("2023-01-04", "W-WED")
    series = pd.concat(
        {
            "sun": pd.Series(np.arange(60.0), sundays),
            "wed": pd.Series(np.arange(56.0 + later), wednesdays[: 56 + later]),
            "short": pd.Series(np.arange(3.0), sundays[-3:]),
            "old": pd.Series(np.arange(30.0), wednesdays[:30]),
        }
    )
    cutoffs = sundays[[47, 51, 55]]
    with pytest.warns(UserWarning, match="of series 'old', which ended by .*2023-11-26.*`folds`"):
        table = forecaster(Recorder()).backtest(series.drop("short"), folds=3)
    assert_array_equal(table["cutoff"].unique(), cutoffs)
    with pytest.warns(UserWarning, match="'old', which ended .*`n_splits`|'short', which have"):
        folds = RNNForecaster.time_folds(series, n_splits=3, steps=4)
    for cutoff, (train, test) in zip(cutoffs, folds, strict=True):
        for label in ("sun", "wed"):
            rows = table[(table["cutoff"] == cutoff) & (table["series"] == label)]
            known, ahead = (series.iloc[part][label] for part in (train, test))
            assert known.index.equals(series[label][:cutoff].index)
            assert_array_equal(rows["naive"], known.iloc[-1])
            assert_array_equal(rows["time"], ahead.index)
            assert len(ahead) == min(4, len(series[label]) - len(known))
        assert "short" not in series.iloc[np.append(train, test)]
