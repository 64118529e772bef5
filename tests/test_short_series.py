"""Series that are too short for what forecasts the others of a panel."""

import pickle

import numpy as np
import pandas as pd
import pytest
from forecasting import bare, linear
from pandas.testing import assert_frame_equal, assert_series_equal

import skrnn
from skrnn import RNNForecaster, RNNRegressor
from skrnn._forecasting.settings import typical_length

DAYS = pd.date_range("2024-01-01", periods=203)
WEEK = 10 * np.sin(np.arange(203) * 2 * np.pi / 7)


def panel(**lengths):
    """Return daily series with a weekly season, the last `lengths` of 200 rows of each."""
    rng = np.random.default_rng(0)
    wide = {name: 50 + k + WEEK + rng.normal(size=203) for k, name in enumerate("abcdef")}
    rows = pd.DataFrame(wide, DAYS)[:200]
    for name, n_rows in lengths.items():
        rows.loc[DAYS[: 200 - n_rows], name] = np.nan
    return rows


def fitted(series, **parameters):
    forecaster = RNNForecaster(steps=3, **{"network_weight": 0} | parameters)
    with pytest.warns(UserWarning, match="fewer rows than .* in 'f'") as warned:
        forecaster.fit(series)
    assert len(warned) == 1
    return forecaster


def test_a_short_series_leaves_the_forecast_of_the_others_as_it_was():
    alone = RNNForecaster(steps=3, network_weight=0).fit(panel().drop(columns="f"))
    together = fitted(panel(f=10))
    assert together.settings_ | {"ridge": 0, "anchor": 0} == alone.settings_ | {
        "ridge": 0,
        "anchor": 0,
    }
    off = (together.predict() - alone.predict()).drop(columns="f")
    assert off.abs().max().max() < 0.1


@pytest.mark.parametrize(("n_rows", "most"), [(10, 1.5), (2, 12)])
def test_a_short_series_is_forecast_by_what_the_others_taught_with_the_rows_it_has(n_rows, most):
    forecaster = fitted(panel(f=n_rows))
    off = forecaster.predict()["f"] - (55 + WEEK[200:])
    assert off.abs().max() < most
    parts = forecaster.contributions()["f"]
    np.testing.assert_allclose(parts[["anchor", "ridge", "network"]].sum(axis=1), parts["forecast"])


def test_short_series_have_intervals_from_the_errors_of_forecasts_from_as_few_rows():
    for calibration in ("auto", 9):
        forecaster = RNNForecaster(steps=3, network_weight=0, calibration=calibration)
        with pytest.warns(UserWarning, match="in 'f'"):
            table = forecaster.fit(panel(f=5)).predict(level=80)["f"]
        assert (table["upper_80"] > table["forecast"] + 0.5).all()
        assert (table["lower_80"] < table["forecast"] - 0.5).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"timesteps": 24, "network_weight": 0.5, "baseline": "ridge"},
        {"timesteps": 24, "network_weight": 0.5, "baseline": "last"},
        {"timesteps": 7, "network_weight": 0.5, "baseline": "seasonal", "differences": (1, 7)},
    ],
    ids=["ridge", "last", "differences"],
)
def test_series_too_short_for_a_window_that_is_set_are_forecast_without_the_network(parameters):
    forecaster = fitted(panel(f=6), regressor=linear(1), **parameters)
    parts = forecaster.contributions()
    assert (parts["f"]["network"] == 0).all()
    assert (parts["a"]["network"] != 0).all()
    if parameters["baseline"] in ("last", "seasonal"):
        assert_series_equal(
            parts["f"]["forecast"],
            pd.Series(panel()["f"].iloc[-1], parts.index, name="forecast"),
            check_freq=False,
        )
    with pytest.raises(ValueError, match=r"Series 'f' must have .* lower `timesteps`, or leave"):
        bare(linear(1), timesteps=24, steps=3).fit(panel(f=6))


def test_a_single_series_too_short_for_a_window_and_targets_is_forecast_by_simple_forecasts():
    for n_rows in (2, 3):
        with pytest.warns(UserWarning, match=r"at least 4 rows .* lower `steps`\. .* without a"):
            forecaster = RNNForecaster(steps=3).fit(panel()["a"][:n_rows])
        assert forecaster.predict().tolist() == [pytest.approx(panel()["a"].iloc[n_rows - 1])] * 3
    with pytest.raises(ValueError, match=r"at least 4 rows .* got 1\. .* lower `steps`"):
        RNNForecaster(steps=3, freq="D").fit(panel()["a"][:1])


def test_too_few_rows_for_an_interval_are_told_in_one_message_and_as_many_are_enough():
    with pytest.warns(UserWarning, match="seasons"):
        few = RNNForecaster(steps=3).fit(panel()["a"][:6])
    with pytest.raises(ValueError, match=r"`calibration=4` or more, .* 10 rows or more"):
        few.predict(level=80)
    with pytest.warns(UserWarning, match="seasons"):
        enough = RNNForecaster(steps=3, calibration=4).fit(panel()["a"][:10])
    assert np.isfinite(enough.predict(level=80)).all(axis=None)


def test_a_series_that_has_grown_is_forecast_as_the_others():
    forecaster = fitted(panel(f=10))
    model = forecaster._model
    for start in range(200, 228, 7):  # 200 is row 4 of a week
        week = panel()[4:11].set_axis(pd.date_range(DAYS[0], periods=7) + pd.Timedelta(start, "D"))
        forecaster.update(week)
    assert forecaster._panel.lengths[-1] >= model.min_history
    long = model.forecast(forecaster._panel, *forecaster._origins(), 3)[-1]
    np.testing.assert_array_equal(forecaster.predict()["f"], long)
    np.testing.assert_allclose(long, 55 + WEEK[4:7], atol=2)


def test_backtests_and_scores_include_short_series():
    series = panel(f=12)
    with pytest.warns(UserWarning, match="in 'f'"):
        table = RNNForecaster(steps=3, network_weight=0).backtest(series, folds=3, level=80)
    rows = table[table["series"] == "f"]
    assert len(rows) == 9
    assert np.isfinite(rows[["forecast", "lower_80", "ridge"]]).all().all()
    with pytest.warns(UserWarning, match="in 'f'"):
        forecaster = RNNForecaster(steps=3, network_weight=0).fit(series[:-3])
    assert -2 < forecaster.score(series[-3:]) < 0


def test_fitted_values_of_a_short_series_come_from_as_few_rows():
    forecaster = fitted(panel(f=15))
    found = forecaster.fitted_values()["f"].dropna()
    assert len(found) == 15 - forecaster._model.least_history
    assert (found - panel()["f"]).abs().max() < 6


def test_intervals_of_a_short_series_follow_its_own_errors():
    wild = panel()[:15].set_axis(pd.date_range(DAYS[0], periods=15) + pd.Timedelta(200, "D"))
    wild["f"] += np.resize([30, -30], 15)
    widths = []
    for adaptive in (False, True):
        forecaster = fitted(panel(f=10))
        for day in range(15):
            forecaster.update(wild[day : day + 1], adaptive=adaptive)
        assert forecaster._panel.lengths[-1] < forecaster._model.min_history
        table = forecaster.predict(level=80)
        widths.append(table["f"]["upper_80"] - table["f"]["lower_80"])
    assert (widths[1] > 2 * widths[0]).all()


def test_new_series_may_be_as_short_as_those_of_the_fit():
    series = panel(f=10)
    forecaster = fitted(series)
    found = forecaster.predict(series=series[["f"]], level=80)
    assert_series_equal(found["f"]["forecast"], forecaster.predict()["f"], check_names=False)
    whole = RNNForecaster(steps=3, network_weight=0).fit(panel())
    with pytest.raises(ValueError, match=r"Series 'f' must have at least .* got 10"):
        whole.predict(series=series[["f"]])


def test_forecasters_of_short_series_come_back_from_files_and_pickles(tmp_path):
    network = RNNRegressor("gru", 3, epochs=1, engine="numpy", random_state=0)
    parameters = {"regressor": network, "timesteps": 24, "network_weight": 0.5, "differences": 1}
    forecaster = fitted(panel(e=30, f=2), **parameters)
    expected = forecaster.predict()
    skrnn.save(forecaster, tmp_path / "forecaster")
    for loaded in (
        skrnn.load(tmp_path / "forecaster"),
        pickle.loads(pickle.dumps(forecaster)),
    ):
        assert_frame_equal(loaded.predict(), expected)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([80, 80], 80), ([10, 400], 400), ([10, 10, 400], 400), ([150, 400], 400), ([250, 400], 250)],
)
def test_settings_count_on_series_with_half_the_rows_of_the_typical_one(lengths, expected):
    assert typical_length(np.array(lengths)) == expected


@pytest.mark.parametrize("n_rows", [35, 36])
def test_a_series_with_fewer_than_three_seasons_warns_that_the_forecast_has_none(n_rows):
    months = pd.date_range("2020-01-01", periods=n_rows, freq="MS")
    series = pd.Series(np.arange(n_rows) + 8 * np.sin(np.arange(n_rows) * np.pi / 6), months)
    forecaster = RNNForecaster(steps=3, network_weight=0)
    if n_rows == 36:
        forecaster.fit(series)
        return
    with pytest.warns(UserWarning, match="3 seasons of 12.*got 35.*`baseline='seasonal'`"):
        forecaster.fit(series)
    forecaster.set_params(baseline="seasonal").fit(series)
