"""The parts of a forecast: baselines, networks that are weighed, and what is chosen for "auto"."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from forecasting import LOG, Recorder, bare, linear, monthly, wide_frame
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import skrnn
from skrnn import RNNForecaster, RNNRegressor
from skrnn._forecasting.baselines import BASELINES
from skrnn._forecasting.target_transform import differenced, integrated


def threshold(n_rows, seed=0):
    """A series whose next value is no line of the last one."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(n_rows)
    for t in range(1, n_rows):
        slope = -1.5 if rows[t - 1] > 0 else 0.9
        rows[t] = 0.3 + slope * rows[t - 1] + rng.normal(scale=0.3)
    return pd.Series(rows)


def quick(**parameters):
    return RNNRegressor("gru", 4, **{"epochs": 2, "random_state": 0} | parameters)


@pytest.fixture(scope="module")
def learned():
    """A forecaster of 600 such rows whose network counts."""
    network = RNNRegressor("gru", 8, learning_rate=0.02, random_state=0)
    return RNNForecaster(network, timesteps=4).fit(threshold(600))


def rolling(forecaster, later):
    """Return one-step forecasts of later rows, each from the rows before it."""
    forecaster, found = deepcopy(forecaster), []
    for row in range(len(later)):
        found.append(forecaster.predict(1).iloc[0])
        forecaster.update(later[row : row + 1])
    return np.array(found)


@pytest.mark.parametrize(
    ("baseline", "name"), [("last", "naive"), ("seasonal", "seasonal_naive"), ("drift", "drift")]
)
def test_a_baseline_alone_is_the_simple_forecast_of_each_series(baseline, name):
    wide = wide_frame()
    forecaster = RNNForecaster(steps=14, baseline=baseline, network_weight=0).fit(wide)
    expected = [
        BASELINES[name](wide[label].to_numpy(), np.array([80]), 14, 12)[0] for label in wide
    ]
    assert_allclose(forecaster.predict(), np.transpose(expected))
    assert forecaster.regressor_ is None


def test_a_network_learns_what_a_baseline_leaves_on_the_windows_as_they_are():
    y = pd.Series(np.arange(60.0) ** 2)
    bare_windows = bare(Recorder(), timesteps=5, steps=2).fit(y).regressor_
    recorder = bare(Recorder(), timesteps=5, steps=2, baseline="last").fit(y).regressor_
    assert_allclose(recorder.X_, bare_windows.X_[-len(recorder.X_) :])
    last = recorder.X_[:, -1, 0]
    assert_allclose(recorder.y_ + last[:, np.newaxis], bare_windows.y_[-len(recorder.y_) :])


def test_the_forecast_is_the_baseline_plus_the_weighted_output_of_the_network():
    settings = {"timesteps": 6, "steps": 3, "baseline": "seasonal"}
    without, half, whole = (
        bare(linear(), **settings, network_weight=weight).fit(monthly()).predict(5)
        for weight in (0, 0.5, 1)
    )
    assert_allclose(half[:3] - without[:3], 0.5 * (whole - without)[:3])
    assert not np.allclose(without, whole)


@pytest.mark.parametrize("parameters", [{}, {"transformer": LOG}, {"differences": 1}])
def test_contributions_add_up_to_the_forecast(parameters):
    wide = wide_frame("ab")
    settings = {"timesteps": 6, "steps": 3, "network_weight": 0.5} | parameters
    forecaster = RNNForecaster(quick(), **settings).fit(wide)
    parts = forecaster.contributions(5)
    assert parts.index.equals(forecaster.predict(5).index)
    for label in wide:
        table = parts[label]
        assert list(table) == ["anchor", "ridge", "network", "forecast"]
        assert_allclose(table["forecast"], forecaster.predict(5)[label])
        assert_allclose(table[["anchor", "ridge", "network"]].sum(axis=1), table["forecast"])
        assert table["network"].abs().min() > 0


def test_a_network_counts_where_a_line_leaves_much_and_nothing_where_it_does_not(learned):
    later = threshold(700)[600:]
    line = deepcopy(learned).set_params(network_weight=0).fit(threshold(600))
    errors = [np.mean((rolling(each, later) - later) ** 2) for each in (learned, line)]
    assert errors[0] < 0.7 * errors[1]
    assert learned.settings_["network_weight"] > 0.5
    assert "plus 0." in learned._repr_html_() or "plus 1." in learned._repr_html_()
    noise = pd.Series(np.random.default_rng(0).normal(size=400))
    idle = RNNForecaster(clone(learned.regressor), timesteps=4).fit(noise)
    assert idle.settings_["network_weight"] == 0
    assert idle.regressor_ is None
    assert "without the network" in idle._repr_html_()
    assert "timesteps 4" in idle._repr_html_()
    assert "<th>penalty</th>" in idle._repr_html_()


def test_networks_that_are_weighed_stop_early_and_count_together(learned):
    whole, *weighed = learned.regressors_
    assert learned.regressor_ is whole
    assert 1 <= len(weighed) <= 3
    best = [int(np.argmin(network.history_["val_loss"])) + 1 for network in weighed]
    assert whole.n_epochs_ == int(np.median(best))
    assert all(network.n_epochs_ <= 60 and network.patience == 8 for network in weighed)


def test_few_windows_are_no_reason_to_train_a_network():
    forecaster = RNNForecaster(steps=2).fit(monthly())
    assert forecaster.settings_["network_weight"] == 0
    assert forecaster.regressors_ == []
    assert np.isfinite(forecaster.predict(5, level=None)).all()


@pytest.mark.parametrize(("n_rows", "steps"), [(12, 2), (30, 12)])
def test_many_short_series_leave_too_few_times_to_weigh_a_network(n_rows, steps):
    noise = np.random.default_rng(0).normal(size=(n_rows, 300))
    forecaster = RNNForecaster(steps=steps).fit(pd.DataFrame(noise.cumsum(axis=0)))
    assert forecaster.settings_["network_weight"] == 0
    assert forecaster.predict().shape == (steps, 300)


def test_early_stopping_needs_windows_to_train_on():
    assert (
        len(bare(Recorder(), timesteps=5, early_stopping=True).fit(monthly(6)).regressor_.y_) == 1
    )


def test_intervals_of_a_network_that_counts_by_hand_need_a_number_of_windows():
    by_hand = RNNForecaster(linear(), timesteps=5, network_weight=0.5)
    with pytest.raises(ValueError, match=r"`level=80` needs .*got 0\. .*`calibration=4`"):
        by_hand.fit(monthly()).predict(level=80)
    assert list(by_hand.set_params(calibration=9).fit(monthly()).predict(level=80)) == [
        "forecast",
        "lower_80",
        "upper_80",
    ]


def test_n_networks_are_averaged_and_differ_by_their_seeds_on_any_number_of_cores():
    settings = {"timesteps": 5, "steps": 2}
    several = bare(quick(), n_networks=3, **settings).fit(monthly())
    seeds = [network.random_state for network in several.regressors_]
    assert seeds[0] == 0
    assert len(set(seeds)) == 3
    alone = [bare(quick(random_state=s), **settings).fit(monthly()).predict() for s in seeds]
    assert_allclose(several.predict(), np.mean(alone, axis=0), rtol=1e-6)
    with parallel_config("threading"):
        parallel = bare(quick(), n_networks=3, n_jobs=2, **settings).fit(monthly())
    assert_array_equal(parallel.predict(), several.predict())


def test_random_state_is_the_seed_of_networks_that_have_none():
    seedless = bare(quick(random_state=None), timesteps=5, random_state=0).fit(monthly())
    seeded = bare(quick(), timesteps=5, random_state=1).fit(monthly())
    assert_array_equal(seedless.predict(), seeded.predict())
    assert seedless.regressor.random_state is None


def test_early_stopping_of_a_network_that_is_not_weighed_holds_out_the_latest_windows():
    network = RNNRegressor("gru", 4, epochs=5, random_state=0)
    stopped = bare(network, timesteps=5, early_stopping=True).fit(monthly(120)).regressor_
    assert stopped.patience == 8
    assert len(stopped.history_["val_loss"]) == len(stopped.history_["loss"])
    recorder = bare(Recorder(), timesteps=5, early_stopping=True).fit(monthly(120)).regressor_
    assert len(recorder.y_) == 115 - 11


def test_what_is_set_by_hand_is_kept_and_fit_changes_no_parameter():
    by_hand = {"timesteps": 7, "segment": 7, "scale": "window", "calibration": 3}
    forecaster = RNNForecaster(quick(patience=2), network_weight=0.3, **by_hand)
    before = forecaster.get_params()
    fitted = clone(forecaster).fit(monthly())
    assert by_hand.items() <= fitted.settings_.items()
    assert fitted.settings_["network_weight"] == 0.3
    assert fitted.regressor_.patience == 2
    assert {name: repr(value) for name, value in forecaster.get_params().items()} == {
        name: repr(value) for name, value in before.items()
    }


def test_settings_of_a_long_hourly_series_are_windows_of_days_read_in_segments():
    hours = pd.date_range("2024-01-01", periods=700, freq="h")
    y = pd.Series(np.sin(np.arange(700) * np.pi / 12) + np.arange(700) / 500, hours)
    fitted, by_hand = (
        RNNForecaster(network, baseline="last", network_weight=1.0).fit(y)
        for network in (quick(), quick(segment=12))
    )
    assert (fitted.settings_["timesteps"], fitted.settings_["segment"]) == (168, 24)
    assert fitted.regressor_.segment == 24
    assert by_hand.regressor_.segment == 12


def test_rows_after_the_training_rows_choose_nothing():
    y = monthly(120)
    changed = y.where(y.index < y.index[-10], 3 * y)
    first, second = (
        RNNForecaster(steps=2, calibration=9).fit(rows).candidates_ for rows in (y, changed)
    )
    pd.testing.assert_frame_equal(first, second)


def test_the_default_is_at_least_as_good_as_the_best_simple_forecast():
    y = monthly(150)
    table = RNNForecaster(steps=6).backtest(y, folds=20, step=1).summary()
    assert table.loc["forecast", "loses_to"] == ""
    naive = table["MASE"][["naive", "seasonal_naive", "drift"]]
    assert table.loc["forecast", "MASE"] < 0.1 * naive.min()


def test_intervals_from_held_out_errors_hold_and_cost_no_row():
    wide = pd.DataFrame({k: monthly(100, seed=k) for k in range(30)})
    forecaster = RNNForecaster(steps=4).fit(wide[:-4])
    assert forecaster.settings_["calibration"] == "held out"
    bounds = forecaster.predict(level=80).swaplevel(axis=1)
    inside = (bounds["lower_80"] <= wide[-4:]) & (wide[-4:] <= bounds["upper_80"])
    assert 0.7 <= inside.to_numpy().mean() <= 0.92
    assert forecaster.cutoff_[0] == wide.index[-5]


@pytest.mark.parametrize("parameters", [{"steps": 3, "strategy": "recursive"}, {"steps": 2}])
def test_forecasts_of_a_baseline_are_fed_back(parameters):
    y = pd.Series(np.arange(60.0) + 5 * (np.arange(60) % 4), pd.RangeIndex(60))
    forecaster = RNNForecaster(season=4, network_weight=0, **parameters).fit(y[:48])
    assert_allclose(forecaster.predict(12), y[48:], atol=0.5)


def test_a_baseline_reads_exog_and_calendar_ahead():
    rng = np.random.default_rng(0)
    days = pd.date_range("2023-01-01", periods=300)
    exog = pd.DataFrame({"price": rng.normal(size=300)}, days)
    y = 3 * exog["price"] + rng.normal(scale=0.1, size=300)
    forecaster = RNNForecaster(steps=5, network_weight=0).fit(y[:-5], exog[:-5])
    assert np.abs(forecaster.predict(exog=exog) - y[-5:]).max() < 0.8
    known = forecaster.candidates_.groupby("known")["weight"].sum()
    assert known[True] > 0.9


def test_the_time_of_the_year_is_read_where_days_cover_two_years():
    days = pd.date_range("2019-01-01", periods=1000)
    rng = np.random.default_rng(0)
    y = pd.Series(10 * np.sin(2 * np.pi * days.day_of_year / 365.25) + rng.normal(size=1000), days)
    settings = {"steps": 30, "network_weight": 0}
    long, short = (RNNForecaster(**settings).fit(rows) for rows in (y[:-30], y[-400:-30]))
    assert [forecaster._model.plan.year for forecaster in (long, short)] == [True, False]
    assert np.abs(long.predict() - y[-30:]).mean() < 1.2


def test_the_season_is_read_in_phase_after_differences():
    rng, profile = np.random.default_rng(0), np.array([0.0, 9, -4, 3, -8, 5, -5])
    y = pd.Series(np.cumsum(profile[np.arange(300) % 7] + rng.normal(scale=0.1, size=300)))
    forecaster = RNNForecaster(season=7, steps=7, differences=(1, 2), network_weight=0).fit(y[:-7])
    fourier = forecaster.candidates_.groupby("fourier")["weight"].sum()
    assert fourier[True] > 0.2
    assert np.abs(forecaster.predict() - y[-7:]).max() < 2


def test_differences_of_two_lags_are_undone():
    rows = np.random.default_rng(0).normal(size=(3, 20))
    changes = differenced(rows, (2, 5))[:, 12:]
    assert_allclose(integrated(rows[:, 5:12], changes, (2, 5)), rows[:, 12:])


def test_a_missing_value_of_a_baseline_is_that_of_the_season_before():
    y = pd.Series(np.tile([1.0, 5.0, 2.0], 30), name="y")
    y.iloc[[80, 88]] = np.nan
    forecaster = RNNForecaster(season=3, steps=3, network_weight=0, fill="mask").fit(y)
    assert_allclose(forecaster.predict(), [1, 5, 2], atol=0.2)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"baseline": None, "network_weight": 0.5}, "`network_weight` must be 1 or 'auto' with"),
        ({"differences": (12, 0)}, "`differences` must hold whole numbers .* got 0"),
        ({"differences": (1, 2.5)}, "`differences` must hold whole numbers .* got 2.5"),
        ({"network_weight": 1.5}, "network_weight"),
        ({"timesteps": 6, "segment": 4, "network_weight": 1.0}, "`segment` must divide the 6"),
    ],
)
def test_what_cannot_be_is_refused_in_words(parameters, words):
    with pytest.raises(ValueError, match=words):
        RNNForecaster(**parameters).fit(monthly())


def test_a_forecaster_with_all_parts_comes_back_from_a_file(learned, tmp_path):
    skrnn.save(learned, tmp_path / "forecaster.skrnn")
    loaded = skrnn.load(tmp_path / "forecaster.skrnn")
    pd.testing.assert_series_equal(loaded.predict(3), learned.predict(3), check_exact=True)
    pd.testing.assert_frame_equal(loaded.candidates_, learned.candidates_)
    pd.testing.assert_frame_equal(loaded.contributions(3), learned.contributions(3))
    assert loaded.settings_ == learned.settings_
    assert_array_equal(loaded.predict(level=80), learned.predict(level=80))


def test_a_file_from_before_there_were_baselines_forecasts_as_it_did():
    path = Path(__file__).parent / "data" / "format-1-forecaster.csv"
    loaded = skrnn.load(path.with_suffix(".skrnn"))
    stored = pd.read_csv(path, header=[0, 1], index_col=0)
    assert_allclose(loaded.predict(level=80), stored, rtol=1e-5)
    assert loaded.baseline is None
    assert len(loaded.contributions(2)) == 2
    assert "The forecast is the network's" in loaded._repr_html_()
    assert skrnn.ForecastDisplay.from_forecaster(loaded).figure_
