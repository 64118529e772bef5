"""Forecasts of series that a fit has not seen: `predict(series=)`."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from forecasting import LOG, bare, long_frame, monthly, wide_frame
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal

import skrnn
from skrnn import RNNForecaster, RNNRegressor

STATIC = pd.DataFrame({"size": [1.0, 2.0, 3.0], "old": [True, False, True]}, list("abc"))


def quick(**parameters):
    return RNNRegressor("gru", 3, epochs=1, engine="numpy", random_state=0, **parameters)


def ragged():
    """Three positive series that start and end at different times."""
    wide = wide_frame().assign(c=200 + monthly(seed=2))
    rows = np.arange(len(wide))[:, np.newaxis]
    return wide.mask((rows < [0, 7, 0]) | (rows > [99, 99, 75]))


@pytest.mark.parametrize(
    "parameters",
    [
        {"network_weight": 0},
        {"network_weight": 0.5, "baseline": "ridge", "timesteps": 12, "calendar": "month"},
        {"baseline": None, "timesteps": 4, "differences": (1, 12), "transformer": LOG},
        {"baseline": None, "timesteps": 4, "scale": "window", "static": STATIC},
        {"network_weight": 0.5, "scale": None, "strategy": "recursive", "timesteps": 6},
    ],
    ids=["stacked", "calendar", "differences of logarithms", "window and static", "recursive"],
)
def test_the_rows_of_a_fitted_series_passed_as_new_are_forecast_as_after_the_fit(parameters):
    wide = ragged()
    forecaster = RNNForecaster(quick(), steps=3, calibration=0).set_params(**parameters).fit(wide)
    expected = forecaster.predict(5)
    for names in ("a", "cb"):  # each with its own phase of the season
        new = forecaster.predict(5, series=wide[list(names)])
        assert_frame_equal(new.dropna(how="all"), expected[list(names)].dropna(how="all"))
    assert_frame_equal(forecaster.predict(5), expected, check_exact=True)


def test_new_series_are_answered_in_the_form_of_what_is_passed():
    wide = ragged()
    forecaster = RNNForecaster(steps=3, network_weight=0).fit(wide)
    alone = forecaster.predict(series=wide["b"].dropna().rename("new"))
    expected = forecaster.predict()["b"].rename("new").dropna()
    assert_series_equal(alone, expected, check_freq=False)
    long = forecaster.predict(series=long_frame(wide), level=80)
    fitted = RNNForecaster(steps=3, network_weight=0).fit(long_frame(wide))
    known = fitted.predict(level=80)  # its intervals read the errors of each series
    assert_frame_equal(long[["forecast"]], known[["forecast"]])
    assert_index_equal(long.columns, known.columns)
    parts = forecaster.contributions(series=wide["b"].dropna().rename("new"))
    assert_series_equal(parts["forecast"], alone, check_names=False)


def test_new_series_take_their_scale_from_the_rows_that_are_passed():
    wide = ragged()
    forecaster = RNNForecaster(steps=3, network_weight=0, calibration=9).fit(wide)
    for level in (None, 80):
        small = forecaster.predict(level=level, series=wide[["b"]])
        large = forecaster.predict(level=level, series=1000 * wide[["b"]])
        np.testing.assert_allclose(large, 1000 * small)


def test_new_series_read_their_own_static_and_exog():
    wide = ragged().drop(columns="c")
    names = {"a": "new", "b": "newer"}
    exog = pd.DataFrame({"x": np.random.default_rng(0).normal(size=80)}, wide.index)
    settings = {"timesteps": 4, "steps": 2, "static": STATIC, "network_weight": 0.5}
    forecaster = RNNForecaster(quick(), **settings).fit(wide[:70], exog)
    expected = forecaster.predict(exog=exog)
    static = STATIC.rename(index=names)
    new = forecaster.predict(exog=exog, series=wide[:70].rename(columns=names), static=static)
    assert_frame_equal(new.rename(columns={v: k for k, v in names.items()}), expected)
    with pytest.raises(ValueError, match=r"`static` must have one row for each series.*'new'"):
        forecaster.predict(exog=exog, series=wide[:70].rename(columns=names))
    with pytest.raises(ValueError, match=r"columns that `fit` saw, .'size', 'old'., got .'size'."):
        forecaster.predict(exog=exog, series=wide[:70], static=STATIC[["size"]])
    ahead = forecaster.make_future_frame(series=wide[:60].rename(columns=names))
    assert_frame_equal(ahead, exog[60:62] * np.nan, check_freq=False)
    with pytest.raises(ValueError, match="`exog` must hold a row for each time"):
        forecaster.predict(exog=exog[10:], series=wide[:70])


def test_new_series_are_forecast_alike_after_a_file_and_a_pickle():
    wide = ragged()
    settings = {"timesteps": 4, "static": STATIC, "network_weight": 0.5, "steps": 2}
    forecaster = RNNForecaster(quick(), **settings).fit(wide[["a", "b"]])
    stored = skops.io.dumps(forecaster)
    expected = forecaster.predict(series=wide[["c"]])
    assert_frame_equal(
        skops.io.loads(stored, skrnn.trusted_types).predict(series=wide[["c"]]), expected
    )


def test_new_series_that_cannot_be_forecast_are_refused_in_words():
    wide = ragged()
    forecaster = bare(quick(), timesteps=12, steps=2).fit(wide[["a"]])
    for series, words in {
        "short": (wide[["b"]][-11:], "Series 'b' must have at least 12 rows"),
        "step": (wide[["b"]].set_axis(pd.date_range("2020", periods=80)), "step ME"),
        "kind": (wide[["b"]].reset_index(drop=True), "kind seen in `fit`"),
        "empty": (wide[["b"]][:3], "only NaN"),
    }.values():
        with pytest.raises(ValueError, match=words):
            forecaster.predict(series=series)
    with pytest.raises(ValueError, match="`static` must come with `series`"):
        forecaster.predict(static=STATIC)
    with pytest.raises(ValueError, match=r"`static` must be None .*`fit` saw no `static`, got"):
        forecaster.predict(series=wide[["b"]], static=STATIC)


def test_a_new_series_with_a_zero_is_refused_where_the_fit_reads_logarithms():
    days = pd.date_range("2020", periods=100)
    grows = pd.Series(np.exp(0.05 * np.arange(100)), days, name="y")
    forecaster = RNNForecaster(steps=5, network_weight=0).fit(grows)
    assert (forecaster.candidates_.query("weight > 0")["unit"] == "logarithms").any()
    with pytest.raises(ValueError, match=r"must be positive, .* got 0 in series 'y'"):
        forecaster.predict(series=grows.where(grows > 2, 0))
