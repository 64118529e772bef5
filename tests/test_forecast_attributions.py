"""Integrated gradients of forecasts: the gradient of all their parts, and the table of the rows."""

from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from forecasting import LOG, linear, monthly, wide_frame
from gradients import slopes
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skrnn import RNNForecaster, RNNRegressor
from skrnn._attribution.forecasts import forecast_steps
from skrnn.inspection import integrated_gradients

RNG = np.random.default_rng(0)
SERIES = monthly(90)
LATER = pd.date_range(SERIES.index[-1], periods=7, freq="ME")[1:]
EXOG = pd.DataFrame(
    RNG.normal(size=(96, 2)), index=SERIES.index.append(LATER), columns=["price", "visits"]
)
NETWORK = RNNRegressor("gru", 3, epochs=2, dtype="float64", engine="numpy", random_state=0)
SETTINGS = {"timesteps": 14, "steps": 3, "network_weight": 0.7, "calibration": 0}
SETTINGS |= {"baseline": "ridge"}
KINDS = {
    "both parts": {"baseline": "stacked"},
    "ridges": {"baseline": "stacked", "network_weight": 0},
    "one ridge": {"network_weight": 0},
    "network": {"baseline": None, "network_weight": 1.0},
    "level of the window": {"scale": "level", "baseline": None, "network_weight": 1.0},
    "spread of the window": {"scale": "window", "baseline": None, "network_weight": 1.0},
    "not standardized": {"scale": None},
    "differences": {"differences": (12, 1)},
    "calendar": {"calendar": ("month",)},
    "recursive": {"strategy": "recursive"},
    "drift": {"baseline": "drift"},
    "quantiles": {"regressor": clone(NETWORK).set_params(loss="quantile")},
    "filled rows before": {"fill": "seasonal"},
    "skipped rows before": {"fill": "mask"},
}
WITH_EXOG = {
    "exog": {},
    "exog, the last known only": {"past_exog": "visits"},
    "exog of differences": {"differences": 1, "past_exog": ["price", "visits"]},
}


def fitted(series=SERIES, exog=None, **settings):
    if settings.get("fill"):
        series = series.where(np.arange(len(series)) != 5)
    return RNNForecaster(**{"regressor": NETWORK} | SETTINGS | settings).fit(series, exog)


def forecast_at(forecaster, rows, step):
    """Return the forecast of a step where the last rows, and `exog`, are those of a table."""
    panel, n_ahead = forecaster._panel, np.isnan(rows[:, 0]).sum()
    n_rows, (values,), (exog,) = len(rows) - n_ahead, panel.values, panel.exog
    values = np.append(values[:-n_rows], rows[:n_rows, 0])
    ahead = None
    if exog.shape[1]:
        exog = np.concatenate([exog[:-n_rows], rows[:n_rows, 1:]])
        times = panel.future_times(n_ahead)[0]
        ahead = pd.DataFrame(rows[n_rows:, 1:], index=times, columns=panel.exog_names)
        ahead = ahead[panel.future_exog] if panel.future_exog else None
    moved = copy(forecaster)
    moved._panel = replace(panel, values=[values], exog=[exog])
    return moved.predict(exog=ahead).iloc[step - 1]


@pytest.mark.parametrize("kind", [*KINDS, *WITH_EXOG])
def test_attributions_of_a_forecast_are_its_gradient_along_the_line(kind):
    exog = EXOG if kind in WITH_EXOG else None
    forecaster = fitted(exog=exog[:90] if kind in WITH_EXOG else None, **(KINDS | WITH_EXOG)[kind])
    ahead = EXOG[90:93] if forecaster._panel.future_exog else None
    step = 1 if kind == "recursive" else 3
    [explained] = forecast_steps(forecaster, None, ahead, step)
    rows = explained.known_rows
    moved = rows + RNG.normal(size=rows.shape)
    [value], [gradient] = explained(moved[np.newaxis], None)
    assert value == pytest.approx(forecast_at(forecaster, moved, step))
    assert explained(rows[np.newaxis], None)[0][0] == pytest.approx(
        forecaster.predict(exog=ahead).iloc[step - 1]
    )
    places = RNG.choice(np.flatnonzero(~np.isnan(rows)), 6, replace=False)
    expected = slopes(
        lambda point: forecast_at(forecaster, point.reshape(rows.shape), step),
        moved.ravel(),
        places,
        step=1e-5,
    )
    assert_allclose(gradient.ravel()[places], expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", ["both parts", "differences", "exog, the last known only"])
def test_attributions_add_up_to_the_change_of_the_forecast(kind):
    with_exog = kind in WITH_EXOG
    forecaster = fitted(exog=EXOG[:90] if with_exog else None, **(KINDS | WITH_EXOG)[kind])
    ahead = EXOG[90:93] if with_exog else None
    found = integrated_gradients(forecaster, exog=ahead, target=2)
    [explained] = forecast_steps(forecaster, None, ahead, 2)
    means = [SERIES.mean(), *(EXOG[:90].mean() if with_exog else [])]
    start = np.where(np.isnan(explained.known_rows), np.nan, means)
    change = forecaster.predict(exog=ahead).iloc[1] - forecast_at(forecaster, start, 2)
    assert np.nansum(found) == pytest.approx(change, rel=1e-4)


def test_the_table_has_the_rows_that_are_read_and_those_of_exog_to_come():
    forecaster = fitted(exog=EXOG[:90], past_exog="visits")
    table = integrated_gradients(forecaster, exog=EXOG[90:93])
    n_rows = forecaster._model.min_history
    assert list(table) == ["y", "price", "visits"]
    assert_array_equal(table.index, EXOG.index[90 - n_rows : 93])
    assert_array_equal(table.isna().sum(), [3, 0, 3])
    alone = integrated_gradients(fitted())
    assert_array_equal(alone.index, SERIES.index[-len(alone) :])
    assert list(alone) == ["y"]


def test_a_season_ago_is_the_whole_reason_of_a_seasonal_forecast():
    forecaster = fitted(baseline="seasonal", network_weight=0)
    found = integrated_gradients(forecaster, target=2)["y"]
    assert_array_equal(np.flatnonzero(found), [len(found) - 11])
    assert found.iloc[-11] == pytest.approx(SERIES.iloc[-11] - SERIES.mean())


def test_logarithms_are_followed_along_the_line():
    growing = np.exp(0.02 * np.arange(120) + np.sin(np.arange(120) * np.pi / 6))
    series = pd.Series(growing, index=pd.date_range("2015-01-31", periods=120, freq="ME"))
    forecaster = RNNForecaster(steps=3, network_weight=0).fit(series)
    used = forecaster.candidates_.query("weight > 0")
    assert "logarithms" in set(used["unit"])
    [explained] = forecast_steps(forecaster, None, None, 3)
    rows = explained.known_rows * np.exp(0.05 * RNG.normal(size=explained.known_rows.shape))
    [value], [gradient] = explained(rows[np.newaxis], None)
    assert value == pytest.approx(forecast_at(forecaster, rows, 3))
    places = np.flatnonzero(~np.isnan(rows[:, 0]))
    expected = slopes(
        lambda row: forecast_at(forecaster, row[:, np.newaxis], 3), rows[:, 0], places, step=1e-5
    )
    assert_allclose(gradient[places, 0], expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("shift", [0, 9])
def test_a_mean_of_all_rows_is_followed_and_where_it_is_kept_near(shift):
    noise = np.random.default_rng(0).normal(size=300)
    series = pd.Series(noise, index=pd.date_range("2024-01-01", periods=300))
    forecaster = RNNForecaster(steps=3, network_weight=0, season=1).fit(series)
    assert "mean" in set(forecaster.candidates_.query("weight > 0")["anchor"])
    [explained] = forecast_steps(forecaster, None, None, 3)
    rows = explained.known_rows + shift
    [value], [gradient] = explained(rows[np.newaxis], None)
    assert value == pytest.approx(forecast_at(forecaster, rows, 3))
    places = np.flatnonzero(~np.isnan(rows[:, 0]))
    expected = slopes(
        lambda row: forecast_at(forecaster, row[:, np.newaxis], 3), rows[:, 0], places, step=1e-5
    )
    assert_allclose(gradient[places, 0], expected, rtol=1e-4, atol=1e-7)


def test_series_of_a_panel_have_a_level_of_their_names():
    wide = wide_frame("ab")
    forecaster = fitted(wide)
    table = integrated_gradients(forecaster, target=2)
    assert list(table) == ["value"]
    assert list(dict.fromkeys(table.index.get_level_values(0))) == ["a", "b"]
    pd.testing.assert_frame_equal(
        integrated_gradients(forecaster, target=(2, "b")), table.loc[["b"]]
    )
    other = integrated_gradients(forecaster, wide[["b"]], target=2)
    assert_allclose(other.loc["b"], table.loc["b"], rtol=1e-6)
    short = wide_frame("ab").assign(a=lambda frame: frame["a"].where(np.arange(80) >= 70))
    with pytest.warns(UserWarning, match="fewer rows"):
        forecaster = fitted(short)
    assert len(integrated_gradients(forecaster).loc["a"]) <= 10


def test_a_baseline_has_the_rows_and_columns_of_the_result():
    forecaster = fitted()
    table = integrated_gradients(forecaster)
    start = table.assign(y=SERIES.reindex(table.index))
    assert not integrated_gradients(forecaster, baseline=start).to_numpy().any()
    with pytest.raises(
        ValueError, match="`baseline` must be a DataFrame with the rows and columns"
    ):
        integrated_gradients(forecaster, baseline=start[1:])
    with pytest.raises(ValueError, match="`baseline` must hold a number wherever"):
        integrated_gradients(forecaster, baseline=start * np.nan)


def test_forecasts_that_cannot_be_explained_are_refused_in_words():
    with pytest.raises(ValueError, match="`target` must be a step of the forecast, from 1 to 3"):
        integrated_gradients(fitted(network_weight=0), target=4)
    with pytest.raises(ValueError, match=r"from 1 to 1, .*fed back"):
        integrated_gradients(fitted(strategy="recursive", network_weight=0), target=2)
    with pytest.raises(ValueError, match="`target` must name a series of the forecast, a, b"):
        integrated_gradients(fitted(wide_frame("ab"), network_weight=0), target=(1, "z"))
    with pytest.raises(ValueError, match="`estimator` must have `transformer=None`"):
        integrated_gradients(fitted(transformer=LOG, network_weight=0))
    with pytest.raises(ValueError, match=r"must have an RNNRegressor .* got Pipeline"):
        integrated_gradients(RNNForecaster(linear(), **SETTINGS).fit(SERIES))
    holes = SERIES.where(np.arange(90) != 85)
    with pytest.raises(ValueError, match="`X` must have no missing value in the"):
        integrated_gradients(fitted(holes, fill="seasonal", network_weight=0))
    with pytest.raises(ValueError, match="`exog` must be None"):
        integrated_gradients(fitted().regressor_, np.zeros((1, 14, 1)), exog=EXOG)
