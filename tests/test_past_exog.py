"""`past_exog`: columns of `exog` that are known until the cutoff only."""

import pickle

import numpy as np
import pandas as pd
import pytest
from forecasting import Recorder, bare, linear, monthly, wide_frame
from pandas.testing import assert_frame_equal, assert_series_equal
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

import skrnn
from skrnn import RNNForecaster, RNNRegressor

SERIES = monthly()
EXOG = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), SERIES.index, ["p", "k"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"baseline": "stacked", "network_weight": 1.0},
        {"baseline": None},
        {"baseline": None, "strategy": "recursive"},
        {"baseline": "ridge", "network_weight": 1.0, "strategy": "recursive"},
    ],
    ids=lambda parameters: ", ".join(map(str, parameters.values())),
)
def test_rows_of_past_columns_after_the_cutoff_are_in_no_forecast(parameters):
    forecaster = bare(linear(1), timesteps=6, steps=4, past_exog=("p",)).set_params(**parameters)
    forecaster.fit(SERIES[:76], EXOG[:76])
    expected = forecaster.predict(exog=EXOG[["k"]])
    backtest = forecaster.backtest(SERIES, EXOG, folds=1)  # knows all rows, and reads those before
    np.testing.assert_allclose(backtest["forecast"], expected)
    last = EXOG[:76].copy()
    last.iloc[-1, 0] += 1
    assert not np.allclose(forecaster.fit(SERIES[:76], last).predict(exog=EXOG[["k"]]), expected)


def test_windows_hold_past_columns_at_their_own_time_only():
    forecaster = bare(Recorder(), timesteps=6, steps=4, past_exog="p", scale=None)
    recorder = forecaster.fit(SERIES, EXOG).regressor_
    own = np.column_stack([SERIES, EXOG["k"], EXOG["p"]])
    later = EXOG[["k"]].to_numpy()
    for start, window in enumerate(recorder.X_):
        rows = slice(start, start + 6)
        expected = np.hstack([own[rows], later[start + 4 : start + 10]])
        np.testing.assert_allclose(window, expected, rtol=1e-6)


def test_a_past_column_that_leads_the_series_is_read_by_the_linear_part_and_the_network():
    lead = EXOG["p"]
    series = 10 + lead.shift(1, fill_value=0.0)
    for parameters in ({"network_weight": 0}, {"baseline": None, "network_weight": 1.0}):
        forecaster = bare(linear(), timesteps=4, baseline="stacked", past_exog=("p",))
        forecaster.set_params(**parameters).fit(series, lead)
        assert forecaster.predict().iloc[0] == pytest.approx(10 + lead.iloc[-1], abs=0.3)


def test_past_columns_keep_their_last_value_where_forecasts_are_fed_back():
    lead = EXOG["p"]
    forecaster = bare(linear(), timesteps=2, past_exog=("p",), strategy="recursive")
    forecaster.fit(10 + lead.shift(1, fill_value=0.0), lead)
    np.testing.assert_allclose(forecaster.predict(4), 10 + lead.iloc[-1], rtol=1e-6)


def test_only_columns_whose_future_is_known_are_asked_for():
    forecaster = bare(linear(1), timesteps=6, steps=4, past_exog=["p"]).fit(SERIES[:70], EXOG)
    assert list(forecaster.make_future_frame()) == ["k"]
    expected = forecaster.predict(exog=EXOG)
    assert_series_equal(forecaster.predict(exog=EXOG[["k"]]), expected)
    assert_series_equal(forecaster.predict(exog=EXOG, series=SERIES[:70]), expected)
    with pytest.raises(ValueError, match=r"must hold the columns that `fit` saw, \['k'\]"):
        forecaster.predict()
    alone = bare(linear(1), timesteps=3, steps=4, past_exog=("p", "k")).fit(SERIES[:70], EXOG)
    assert alone.predict().shape == (4,)
    assert alone.make_future_frame().shape == (4, 0)


def test_past_columns_that_exog_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"`past_exog` must hold columns of `exog`.*got 'q'"):
        bare(linear(), past_exog=("q",)).fit(SERIES, EXOG)
    with pytest.raises(ValueError, match="`exog`, which is None, got 'p'"):
        bare(linear(), past_exog=("p",)).fit(SERIES)


def test_a_search_compares_columns_with_and_without_their_future():
    # `p` says what comes two steps later: with its future known it says all.
    series = 10 + EXOG["p"]
    forecaster = bare(linear(), timesteps=4, steps=2)
    grid = {"past_exog": [(), ("p",)]}
    folds = TimeSeriesSplit(2, test_size=2)
    search = GridSearchCV(forecaster, grid, cv=folds).fit(series, EXOG)
    assert search.best_params_ == {"past_exog": ()}
    assert search.cv_results_["mean_test_score"][1] < -0.1


def test_a_forecaster_with_past_columns_comes_back_from_files_and_pickles(tmp_path):
    wide = wide_frame()
    exog = EXOG.assign(kind=np.resize(["x", "y", "z"], 80), flag=np.resize([True, False], 80))
    static = pd.DataFrame({"city": ["Ulm", "Bonn", "Ulm"], "zone": [2, 1, 1]}, list("abc"))
    static["zone"] = static["zone"].astype("category")
    forecaster = RNNForecaster(
        RNNRegressor("gru", 3, epochs=1, engine="numpy", random_state=0),
        timesteps=6,
        steps=4,
        past_exog=("p", "kind"),
        static=static,
        network_weight=0.5,
    ).fit(wide[:70], exog)
    expected = forecaster.predict(exog=exog)
    skrnn.save(forecaster, tmp_path / "forecaster")
    copies = skrnn.load(tmp_path / "forecaster"), pickle.loads(pickle.dumps(forecaster))
    expected_later = forecaster.update(wide[:75], exog).predict(exog=exog)
    for loaded in copies:
        assert_frame_equal(loaded.predict(exog=exog), expected)
        new = {"exog": exog, "series": wide[:70].rename(columns={"a": "new"})}
        found = loaded.predict(**new, static=static.rename({"a": "new"}))
        assert_frame_equal(found.rename(columns={"new": "a"}), expected)
        updated = loaded.update(wide[:75], exog).predict(exog=exog)
        assert_frame_equal(updated, expected_later)
        assert_frame_equal(loaded.fit(wide[:70], exog).predict(exog=exog), expected)
