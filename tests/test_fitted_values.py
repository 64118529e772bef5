"""Fitted values: forecasts of known rows, beside forecasts from a cutoff moved back."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from forecasting import Recorder, bare, fit, linear, long_frame, monthly, wide_frame
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import RNNForecaster, RNNRegressor

NETWORK = RNNRegressor("gru", 3, epochs=2, random_state=0, engine="numpy")


@pytest.mark.parametrize("step", [1, 3, 5])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_fitted_values_are_forecasts_from_a_cutoff_moved_back(strategy, step):
    wide = wide_frame("ab")
    settings = {"timesteps": 6, "steps": 3, "differences": 1, "calendar": ("month",)}
    settings |= {"strategy": strategy, "network_weight": 0.5, "early_stopping": False}
    forecaster = RNNForecaster(NETWORK, **settings).fit(wide)
    found = forecaster.fitted_values(step)
    assert found.index.equals(wide.index)
    n_first = int(found["a"].isna().sum())
    moved = copy(forecaster)
    for row in (n_first, 40, 79):
        moved._panel = forecaster._panel.head([row - step + 1] * 2)
        assert_allclose(found.iloc[row], moved.predict(step).iloc[-1], rtol=1e-5)
    assert found[n_first:].notna().all(axis=None)


def test_fitted_values_of_a_network_alone_begin_after_its_first_window():
    y = monthly(30)
    forecaster = fit(y, regressor=Recorder(), steps=2)
    for step in (1, 2, 4):  # the last value of each window at every step
        expected = y.shift(step)
        expected[: 5 + step - 1] = np.nan
        assert_allclose(forecaster.fitted_values(step), expected, rtol=1e-6)


def test_contributions_of_fitted_values_add_up_to_them():
    forecaster = RNNForecaster(NETWORK, timesteps=6, network_weight=1.0).fit(monthly())
    parts = forecaster.fitted_values(contributions=True)
    assert list(parts) == ["anchor", "ridge", "network", "forecast"]
    assert_allclose(
        parts[["anchor", "ridge", "network"]].sum(axis=1, min_count=1), parts["forecast"]
    )
    assert_array_equal(parts["forecast"], forecaster.fitted_values())
    assert (parts["network"].dropna() != 0).any()


@pytest.mark.parametrize("form", [pd.DataFrame, long_frame], ids=["wide", "long"])
def test_fitted_values_have_the_form_of_the_series(form):
    wide = wide_frame("ab")
    wide.iloc[:20, 1] = np.nan
    found = fit(form(wide)).fitted_values()
    expected = wide.copy()
    expected[:5], expected.iloc[20:25, 1] = np.nan, np.nan
    if form is long_frame:
        assert found.index.equals(form(wide).index)
        assert_array_equal(found.isna(), expected.unstack()[wide.unstack().notna()].isna())
    else:
        assert_array_equal(found.isna(), expected.isna())


def test_fitted_values_reach_the_rows_of_an_update():
    y = monthly()
    forecaster = fit(y[:70], regressor=linear())
    before = forecaster.fitted_values()
    after = forecaster.update(y).fitted_values()
    assert_array_equal(after[:70], before)
    assert after[70:].notna().all()


def test_fitted_values_say_how_many_steps_the_rows_allow():
    forecaster = bare(Recorder(), timesteps=6).fit(monthly(20))
    assert forecaster.fitted_values(14).notna().sum() == 1
    with pytest.raises(ValueError, match=r"`step` must be at most 14, .* got 15\. Lower"):
        forecaster.fitted_values(15)
    with pytest.raises(ValueError, match="`step` must be at least 1"):
        forecaster.fitted_values(0)


def test_fitted_values_of_a_series_too_short_for_the_others_forecast_are_from_fewer_rows():
    wide = wide_frame("ab")
    wide.iloc[:-9, 1] = np.nan
    with pytest.warns(UserWarning, match="'b'"):
        forecaster = RNNForecaster(timesteps=12, baseline="ridge", network_weight=0).fit(wide)
    found = forecaster.fitted_values()
    assert found["a"].isna().sum() == 12
    moved = copy(forecaster)
    moved._panel = forecaster._panel.head([79, 8])
    assert_allclose(found.iloc[-1], moved.predict().iloc[0])
