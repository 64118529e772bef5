"""What RNNForecaster reads: forms, times, ragged ends, gaps, columns known in the future."""

import re

import numpy as np
import pandas as pd
import pytest
from forecasting import LOG, TIMES, Recorder, fit, linear, long_frame, monthly, wide_frame
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skrnn import RNNForecaster, RNNRegressor, make_windows

SIX_DAYS = "Mon Tue Wed Thu Fri Sat"
SEASONS = [
    (24, ["h", pd.DateOffset(hours=1)]),
    (8, ["3h", "bh"]),
    (96, ["15min", pd.DateOffset(minutes=15)]),
    (48, ["30min", pd.DateOffset(minutes=30)]),
    (2880, ["30s"]),
    (7, ["D", "24h", pd.DateOffset(1), pd.DateOffset(days=1)]),
    (6, [pd.offsets.CustomBusinessDay(weekmask=SIX_DAYS)]),
    (5, ["B", pd.offsets.CustomBusinessDay(holidays=["2024-01-02"])]),
    (3, [pd.offsets.CustomBusinessDay(2, weekmask=SIX_DAYS)]),
    (52, ["W-WED", "7D", "5B", pd.DateOffset(weeks=1), pd.DateOffset(days=7)]),
    (26, ["2W", "14D"]),
    (24, ["SME"]),
    (12, ["MS", "ME", "BME", "CBMS", pd.DateOffset(months=1, day=30)]),
    (4, ["QS", "BQE", "3ME", pd.DateOffset(months=3)]),
    (2, ["2QS", pd.DateOffset(months=6)]),
    (1, ["7h", "2D", "2B", "3W", "5MS", "YE", "2YS", pd.DateOffset(years=1)]),
]


@pytest.mark.parametrize(("season", "freqs"), SEASONS)
def test_a_season_is_a_day_a_week_or_a_year_of_steps(season, freqs):
    for freq in freqs:
        times = pd.date_range("2024-01-31", periods=20, freq=freq)
        assert fit(pd.Series(np.arange(20.0), times), regressor=Recorder()).season_ == season
    if freqs[0] in ("15min", "D"):
        times = pd.date_range("2024-01-31", periods=20, freq=freqs[0])
        for other in (times.to_period(freqs[0]), pd.Index((times - times[0]).to_numpy())):
            series = pd.Series(np.arange(20.0), other)
            assert fit(series, regressor=Recorder()).season_ == season


@pytest.mark.parametrize("kind", [kind for kind in TIMES if kind != "integers"])
def test_forecasts_stand_on_the_times_that_follow(kind):
    index = TIMES[kind].rename("when")
    series = pd.Series(np.arange(60.0), index=index, name="y")
    taken = series.take(np.arange(54))  # as a splitter takes rows: no frequency is kept
    forecaster = fit(taken, timesteps=3, steps=2)
    forecast = forecaster.predict(6)
    assert forecast.index.equals(index[54:])
    assert (forecast.index.dtype, forecast.index.name, forecast.name) == (index.dtype, "when", "y")
    assert_allclose(forecast, series[54:], rtol=1e-6)
    assert forecaster.score(series.take(np.arange(54, 60))) > -1e-5
    updated = forecaster.update(series.take(np.arange(54, 58)))
    assert updated.predict(2).index.equals(index[58:])


def test_update_and_score_take_times_of_another_zone():
    series = pd.Series(np.arange(60.0), index=TIMES["hours over a change of clocks"])
    forecaster = fit(series[:30])
    assert forecaster.score(series[30:].tz_convert("UTC")) > -1e-5
    forecast = forecaster.update(series[30:38].tz_convert("America/New_York")).predict(2)
    assert forecast.index.equals(series.index[38:40])


def test_forms_forecast_the_same_in_the_form_that_came():
    wide = wide_frame().rename_axis(index="month", columns="shop")
    long = long_frame(wide)
    from_wide, from_long, from_frame, from_series, from_column = (
        fit(data, steps=3).predict()
        for data in (wide, long, long.to_frame(), wide["a"], wide[["a"]])
    )
    pd.testing.assert_series_equal(long_frame(from_wide), from_long)
    pd.testing.assert_frame_equal(from_long.to_frame(), from_frame)
    assert from_wide.columns.equals(wide.columns)
    assert_array_equal(from_series, from_column["a"])


@pytest.mark.parametrize("form", ["series", "wide", "long"])
def test_intervals_have_columns_in_each_form(form):
    wide = wide_frame()
    data = {"series": wide["a"], "wide": wide, "long": long_frame(wide)}[form]
    forecaster = fit(data, steps=3, calibration=9)
    table, plain = forecaster.predict(level=[80, 90]), forecaster.predict()
    table, plain = (table["b"], plain["b"]) if form == "wide" else (table, plain)
    assert list(table.columns) == ["forecast", "lower_80", "upper_80", "lower_90", "upper_90"]
    assert_array_equal(table["forecast"], plain)
    assert table.index.equals(plain.index)


def test_ragged_ends_are_forecast_from_the_end_of_each_series():
    wide = wide_frame()
    wide.iloc[:20, 0] = np.nan
    wide.iloc[-4:, 1] = np.nan
    forecaster = fit(wide, steps=3)
    forecast = forecaster.predict()
    assert forecaster.cutoff_.tolist() == [wide.index[-1], wide.index[-5], wide.index[-1]]
    assert forecast["b"].dropna().index.equals(wide.index[-4:-1])
    assert_array_equal(long_frame(forecast), forecaster.fit(long_frame(wide)).predict())


@pytest.mark.parametrize("form", ["wide", "long"])
def test_series_without_a_value_in_training_are_named_and_left_out(form):
    wide = wide_frame()
    wide.iloc[:70, 2] = np.nan
    data = wide if form == "wide" else wide.unstack()
    known = data.index.get_level_values(-1) < wide.index[70]
    with pytest.warns(UserWarning, match="only NaN for 'c'.*no forecast.*Leave it out"):
        forecaster = fit(data[known], regressor=Recorder())
    shown = forecaster.predict()
    assert list(shown.columns if form == "wide" else shown.index.levels[0]) == ["a", "b"]
    assert forecaster.score(data[~known]) < 0
    assert forecaster.update(data).cutoff_.tolist() == [wide.index[-1]] * 2


def daily(missing=()):
    rng = np.random.default_rng(0)
    index = pd.date_range("2020-01-01", periods=60, name="day")
    values = np.sin(np.arange(60) * 2 * np.pi / 7) + 0.1 * rng.normal(size=60)
    series = pd.Series(values, index=index)
    series[list(missing)] = np.nan
    return series


def long():
    return long_frame(wide_frame())


def counted():
    wide = wide_frame().set_axis([101, 102, 103], axis=1)
    return wide.reset_index(drop=True).unstack().rename("x")


def daily_exog():
    return pd.DataFrame({"x": np.arange(60.0)}, index=daily().index)


def random_exog(index):
    return pd.DataFrame({"x": np.random.default_rng(0).normal(size=len(index))}, index=index)


def with_exog(**parameters):
    return fit(daily()[:50], daily_exog(), steps=4, **parameters)


def forecast(exog):
    return with_exog().predict(exog=exog)


def test_exog_may_be_a_series_without_a_name():
    column = daily_exog()["x"]
    unnamed = column.rename(None)
    forecaster = fit(daily()[:50], unnamed, steps=4)
    pd.testing.assert_series_equal(forecaster.predict(exog=unnamed), forecast(column))


def minutes():
    return pd.Series(np.arange(60.0), pd.date_range("2020", periods=60, freq="min"))


def known():
    return fit(daily()[:40])


def negative_month():
    return monthly().where(lambda rows: rows.index != "2021-03-31", -1.0)


def weekdays():
    return daily()[daily().index.day_of_week < 5].asfreq("D")


GAPS = {"timesteps": 7, "fill": "mask"}
STATIC = pd.DataFrame({"size": [3.0, 1.0, 2.0]}, index=["c", "a", "b"])
GONE = pd.to_datetime(["2020-01-05", "2020-01-07"])
# What the message says, and what is done.
WRONG_KINDS = {
    r"got ndarray.*pd\.Series": lambda: fit(np.arange(30.0)),
    "DatetimeIndex, PeriodIndex": lambda: fit(pd.Series(np.arange(3.0), list("abc"))),
    "'day'.*`set_index`": lambda: fit(daily().reset_index()),
    r"got ndarray.*`pd\.Series": lambda: RNNForecaster.time_folds(np.arange(9.0)),
    "`steps` must be an int, got DataFrame.*`exog=`": lambda: known().predict(daily().to_frame()),
}
WRONG_VALUES = {
    "must hold numbers": lambda: fit(pd.Series(["a"] * 30)),
    "text.*`pd.to_numeric`": lambda: fit(daily().astype(str)),
    r"one level of names, got.*\('a', 'x'\).*\(series, time\)": lambda: fit(
        wide_frame(), pd.concat({"a": wide_frame()[["b"]].set_axis(["x"], axis=1)}, axis=1)
    ),
    "at least one row": lambda: fit(daily()[:0]),
    "got only NaN": lambda: fit(daily() * np.nan),
    "finite, got infinity at 2020-01-04": lambda: fit(daily().replace(daily().iloc[3], np.inf)),
    "NaN.*2020-01-05.*2020-01-07.*`fill`": lambda: fit(daily(GONE)),
    "got none at 2020-01-05.*2020-01-07.*step as `freq`": lambda: fit(daily().drop(GONE)),
    "2016-03-31.*in series 'b'": lambda: fit(long().drop(("b", pd.Timestamp("2016-03-31")))),
    "duplicates, got 2020-01-09": lambda: fit(pd.concat([daily()[:9], daily()[8:]])),
    "ascend": lambda: fit(daily()[::-1]),
    "at every step, D, got none at 2020-01-03": lambda: fit(daily().iloc[[0, 1, 3, 7, 12, 14]]),
    "regular step.*a step of D, and no row between 2020-01-02.*and 2020-02-29.*`freq`": lambda: fit(
        daily().iloc[[0, 1, 59]], **GAPS
    ),
    "in one time zone, got 2020-01-05 00:00:00-05:00 first": lambda: fit(
        pd.Series(1.0, [day.tz_localize(f"UTC-0{k + 5}:00") for k, day in enumerate(GONE)])
    ),
    "from 2021-06-30.* in series 'a' at the step ME, got no value at 2021-07-31": lambda: fit(
        long_frame(wide_frame()[:78])
    ).update(long_frame(wide_frame()[79:])),
    "`freq` must be a pandas frequency.*'7x'": lambda: fit(monthly(), freq="7x"),
    "`freq`='MS', got 2015-01-31.* off it": lambda: fit(monthly(), freq="MS"),
    "must have two rows.*one at 2020-01-05.*`freq`": lambda: fit(pd.Series([1.0], GONE[:1])),
    "one of 1,000 times, got 61 for the 21,015,240 steps of min": lambda: fit(
        pd.concat([minutes(), minutes().shift(21_015_240, freq="min")[:1]]), freq="min", **GAPS
    ),
    "one of 1,000 times, got 61 for the 21,015,241 steps of min from 2020-01-01 00:59": lambda: fit(
        minutes(), **GAPS
    ).update(minutes().shift(21_015_300, freq="min")[:1]),
    "one column of values.*exog": lambda: fit(pd.concat([long()] * 2, axis=1)),
    "distinct names, got 'a'": lambda: fit(wide_frame().set_axis(["a", "b", "a"], axis=1)),
    "contiguous": lambda: fit(long().swaplevel().sort_index().swaplevel()),
    r"times first.*series\.swaplevel\(\)": lambda: fit(wide_frame().stack()),
    "times first": lambda: fit(wide_frame().set_axis([1, 2, 3], axis=1).stack()),
    "'shop'.*`set_index`": lambda: fit(long().reset_index().set_index("month")),
    r"at least 6 rows \(5 for a window.*got 5.*lower `timesteps`": lambda: fit(daily()[:5]),
    "at least 21 rows .*got 20. Pass more rows, or lower .*`stride`": lambda: fit(
        daily()[:20], timesteps=4, stride=17
    ),
    "Series 'b' must have at least 5 rows": lambda: fit(wide_frame().assign(b=monthly()[76:])),
    "continue from 2020-02-09.*no value at 2020-02-10": lambda: known().update(daily()[41:]),
    "no value at 2020-02-15": lambda: known().update(daily(["2020-02-15"])[40:]),
    "off it": lambda: known().update(daily()[40:].shift(5, freq="h")),
    "got 'z'": lambda: fit(long()).update(long_frame(wide_frame().rename(columns={"a": "z"}))),
    "fit` saw, got 'd'": lambda: fit(wide_frame()[:70]).update(wide_frame().assign(d=1.0)),
    "fit` saw, got 'e'": lambda: fit(wide_frame()[:70]).update(wide_frame().assign(e=np.nan)),
    "fit` saw, got 'f'": lambda: fit(wide_frame()[:70]).score(wide_frame()[70:].assign(f=1.0)),
    "fit` saw, got 'g'": lambda: fit(wide_frame()[:70]).update(wide_frame()[[]].assign(g=1.0)),
    "after the cutoff": lambda: known().score(daily()[30:]),
    "kind seen in `fit`": lambda: known().score(daily()[40:].reset_index(drop=True)),
    "2020-02-21.*make_future_frame": lambda: forecast(daily_exog().drop(daily().index[51])),
    r"\['x'\].*got None": lambda: forecast(exog=None),
    "NaN in column 'x' at 2020-02-21": lambda: forecast(daily_exog().replace(51, np.nan)),
    r"columns \['x'\], got \['z'\]": lambda: forecast(daily_exog().set_axis(["z"], axis=1)),
    r"columns \['x'\], got \['text'\]": lambda: forecast(
        daily_exog().astype(str).set_axis(["text"], axis=1)
    ),
    "`fit` saw no `exog`": lambda: fit(daily()).predict(exog=daily_exog()),
    "`timesteps` must be at least `steps`": lambda: with_exog(timesteps=3),
    "none at 2020-01-01.*Pass `exog` for all rows": lambda: fit(daily(), daily_exog()[1:]),
    "`exog` must have the levels .*times first.*`exog.swaplevel": lambda: fit(
        long(), long().swaplevel().sort_index()
    ),
    "none of 101. Swap its levels": lambda: fit(counted(), counted().swaplevel().sort_index()),
    "none of 'b'. Add them": lambda: fit(long(), long().rename("x").drop("b")),
    "`calendar`.*'noon'": lambda: fit(daily(), calendar=("noon",)),
    "`calendar` needs a DatetimeIndex": lambda: fit(pd.Series(range(9)), calendar="hour"),
    "`static`.*none for 'c'": lambda: fit(wide_frame(), static=STATIC[1:]),
    r"mask_value=np\.nan": lambda: fit(
        daily(["2020-01-20"]),
        regressor=make_pipeline(RNNRegressor("gru", 3, epochs=1, mask_value=-9.0)),
        fill="mask",
    ),
    "6 known target steps after it.*`strategy=.recursive": lambda: fit(weekdays(), steps=6, **GAPS),
    "1 known target steps after it": lambda: fit(daily(), daily_exog() * np.nan, **GAPS),
    "2021-03-31.*Logarithms": lambda: fit(negative_month(), transformer=LOG),
    "2021-03-31.*Logarithms need": lambda: fit(negative_month()[:60], transformer=LOG).update(
        negative_month()
    ),
}


@pytest.mark.filterwarnings("ignore:The provided functions are not strictly inverse")
@pytest.mark.parametrize("words", [*WRONG_KINDS, *WRONG_VALUES])
def test_bad_data_is_refused_in_the_users_words(words):
    with pytest.raises(TypeError if words in WRONG_KINDS else ValueError, match=words):
        (WRONG_KINDS | WRONG_VALUES)[words]()


def test_a_row_that_is_missing_is_one_without_a_value():
    y = daily(["2020-01-20", "2020-02-11"])
    fitted = [fit(rows, regressor=Recorder(), fill="mask") for rows in (y, y.dropna())]
    assert_array_equal(*(each.regressor_.X_ for each in fitted))
    assert_array_equal(*(each.predict(3) for each in fitted))


def test_gaps_that_leave_no_window_of_several_steps_leave_those_of_one():
    fit(weekdays(), regressor=Recorder(), steps=6, strategy="recursive", **GAPS)


@pytest.mark.parametrize("freq", ["MS", "B", "W-WED", "h", "90s"])
def test_missing_rows_are_read_as_the_windows_read_them(freq):
    """Complete windows of a fit are those of `make_windows`, however many rows are missing."""
    rng = np.random.default_rng(0)
    kept = np.sort(rng.choice(300, 250, replace=False))
    y = pd.Series(rng.normal(size=300), pd.date_range("2000-01-01", periods=300, freq=freq)).iloc[
        kept
    ]
    seen = fit(y, regressor=Recorder(), timesteps=3, scale=None, fill="mask").regressor_
    complete = np.isfinite(seen.X_).all(axis=(1, 2))
    X, target = make_windows(y, 3)
    assert 20 < len(X) < 200
    assert_array_equal(seen.X_[complete], X)
    assert_array_equal(seen.y_[complete], target)


CLOCKS = {
    "Africa/Cairo": "2024-04-01",
    "America/Santiago": "2023-08-14",
    "Asia/Beirut": "2024-03-11",
    "America/Havana": "2024-02-19",
}


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
@pytest.mark.parametrize("zone", CLOCKS)
def test_a_day_that_begins_at_one_is_a_day(zone, shift):
    hours = pd.date_range(CLOCKS[zone], periods=24 * 40, freq="h", tz=zone)
    days = pd.Series(np.arange(24.0 * 40), hours).resample("D").sum()
    [odd] = np.flatnonzero(days.index.hour)
    cut = odd - 1 + shift
    forecaster = fit(days[: cut - 3], timesteps=3)
    assert forecaster.score(days[cut - 3 : cut]) > -9
    assert forecaster.update(days[cut - 3 : cut]).predict(9).index.equals(days.index[cut : cut + 9])
    assert fit(days[:cut], timesteps=3).predict(9).index.equals(days.index[cut : cut + 9])
    gapped = days.drop(days.index[[odd - 9, odd]])
    assert len(fit(gapped, regressor=Recorder(), **GAPS)._panel.values[0]) == len(days)
    named = re.escape(f"got none at {days.index[odd - 9]}, {days.index[odd]}.")
    with pytest.raises(ValueError, match=named):
        fit(gapped)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint64", "Int8", "uint8[pyarrow]"])
def test_small_whole_numbers_of_an_index_do_not_overflow(dtype):
    rows = np.arange(120 if dtype in ("int8", "Int8") else 250)
    series = pd.Series(rows * 1.0, pd.Index(rows).astype(dtype))
    exog = pd.Series(1.0, series.index, name="x")
    forecaster = fit(series[:-4], exog)
    expected = np.arange(rows[-1] - 3, rows[-1] + 9)
    longer = pd.Series(1.0, expected, name="x")
    assert_array_equal(forecaster.predict(12, longer).index, expected)
    assert_array_equal(forecaster.update(series, exog).predict(8, longer).index, expected[4:])
    assert len(forecaster.predict(np.uint8(200), pd.Series(1.0, range(500), name="x"))) == 200


def test_times_of_arrow_forecast_as_those_of_numpy():
    series, exog = daily(), daily_exog()
    expected = fit(series[:-4], exog).predict(4, exog)
    arrow = [data.set_axis(data.index.astype("timestamp[us][pyarrow]")) for data in (series, exog)]
    found = fit(arrow[0][:-4], arrow[1]).predict(4, arrow[1])
    assert_array_equal(found, expected)
    assert found.index.tolist() == expected.index.tolist()


@pytest.mark.parametrize("data", ["series", "frame"])
def test_each_combination_of_the_levels_before_time_is_a_series(data):
    wide = wide_frame().rename_axis(index="month", columns="shop")
    deep = pd.concat(
        {"north": wide[["a", "b"]].unstack(), "south": wide[["b", "c"]].unstack()}, names=["place"]
    )
    deep = deep.rename("sales") if data == "series" else deep.to_frame("sales")
    exog = random_exog(deep.index)
    last = deep.index.get_level_values(-1) > wide.index[-4]
    forecaster = fit(deep[~last], exog, steps=3)
    forecast = forecaster.predict(exog=exog)
    assert forecast.index.equals(deep.index[last])
    assert forecast.index.names == deep.index.names
    assert forecaster.make_future_frame().index.equals(forecast.index)
    assert forecaster.score(deep[last], exog) < 0
    assert forecaster.cutoff_.index.tolist() == list(dict.fromkeys(deep.index.droplevel(-1)))
    months = deep.index.levels[-1]
    arrow = deep.set_axis(
        deep.index.set_levels(months.astype("timestamp[ns][pyarrow]"), level=-1), axis=0
    )
    for rows in (deep, arrow):
        [(train, test)] = RNNForecaster.time_folds(rows, n_splits=1, steps=3, freq="ME")
        assert_array_equal(train, np.flatnonzero(~last))
        assert_array_equal(test, np.flatnonzero(last))


@pytest.mark.parametrize("differences", [0, 1, 7])
def test_a_recurrent_network_bridges_missing_values(differences):
    network = RNNRegressor("gru", 8, random_state=0)
    y = daily(["2020-01-20", "2020-02-11", "2020-02-23"])
    settings = {"timesteps": 14, "steps": 3, "differences": differences}
    forecaster = fit(y[:-3], regressor=network, fill="mask", **settings)
    assert np.isnan(forecaster.regressor_.mask_value)
    assert np.abs(forecaster.predict() - daily()[-3:]).mean() < 0.4


WRAPPERS = {
    "pipeline": make_pipeline,
    "target": lambda network: TransformedTargetRegressor(network, transformer=StandardScaler()),
    "both": lambda network: make_pipeline(TransformedTargetRegressor(make_pipeline(network))),
    "search": lambda network: GridSearchCV(network, {"hidden_size": [3]}, cv=TimeSeriesSplit(2)),
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_network_inside_another_estimator_bridges_missing_values(wrapper):
    network = RNNRegressor("gru", 3, epochs=2, random_state=0)
    y = daily(["2020-01-20", "2020-02-11", "2020-02-28"])
    forecaster = fit(y, regressor=WRAPPERS[wrapper](network), steps=2, **GAPS)
    assert network.mask_value is None
    assert np.isfinite(forecaster.predict(4)).all()
    if wrapper in ("pipeline", "search"):  # the target is as it was
        alone = fit(y, regressor=network, steps=2, **GAPS)
        assert_allclose(forecaster.predict(4), alone.predict(4), rtol=1e-5)


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("form", ["wide", "long", "long of its own"])
def test_what_exog_decides_is_forecast_exactly(form, strategy):
    rng = np.random.default_rng(0)
    index = daily().index
    x = pd.DataFrame(rng.normal(size=(60, 2)), index=index, columns=["a", "b"])
    shared = form != "long of its own"
    wide = pd.DataFrame({k: 2 * x["a" if shared else k] + 1 for k in ("a", "b")})
    data = wide if form == "wide" else wide.unstack()
    exog = x["a"].rename("x") if shared else x.unstack().rename("x").to_frame()
    known = data.index.get_level_values(-1) < index[-5]
    forecaster = fit(data[known], exog, steps=3, strategy=strategy, scale=None)
    assert_allclose(forecaster.predict(5, exog=exog), data[~known], rtol=1e-5)
    assert forecaster.score(data[~known], exog) > -1e-5


def test_columns_of_several_levels_come_back_as_such():
    columns = pd.MultiIndex.from_product([["open", "close"], ["a", "b"]], names=["price", "share"])
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(60, 4)), index=daily().index, columns=columns)
    forecaster = fit(wide, steps=2, calibration=10)
    forecast, table = forecaster.predict(), forecaster.predict(level=80)
    assert forecast.columns.equals(columns)
    assert forecast.columns.names == columns.names
    assert table.columns.names == ["price", "share", None]
    assert_array_equal(table.iloc[:, ::3], forecast)
    summary = forecaster.backtest(wide, folds=2).summary(by="series")
    assert summary.index.names == ["series", None, "model"]
    assert summary.xs(("close", "b"), level=[0, 1]).loc["forecast", "MASE"] > 0


def test_exog_past_the_last_step_is_not_asked_for():
    exog, forecaster = daily_exog(), with_exog()
    still = exog[50:54].where(np.arange(4)[:, np.newaxis] < 2).ffill()
    forecast = forecaster.predict(2, exog=exog[50:52])
    assert_array_equal(forecast, forecaster.predict(exog=still)[:2])
    assert_array_equal(forecast, forecaster.predict(2, exog=exog.where(exog["x"] != 52)))


@pytest.mark.parametrize("by_series", [False, True])
def test_fewer_steps_are_the_first_of_more_where_exog_is_known_as_far(by_series):
    wide = wide_frame()
    exog = random_exog(wide.index)
    if by_series:
        exog = pd.concat({k: exog * (i + 1) for i, k in enumerate(wide.columns)})
    forecaster = fit(wide[:70], exog, steps=4)
    forecast = forecaster.predict(8, exog=exog)
    for n_steps in (1, 3, 4, 5):
        assert_array_equal(forecaster.predict(n_steps, exog=exog), forecast[:n_steps])
    errors = (forecast[:3] - wide[70:73]).abs().mean() / forecaster.scales_
    assert forecaster.score(wide[70:73], exog) == pytest.approx(-errors.mean())


@pytest.mark.parametrize("by_series", [False, True])
def test_make_future_frame_shows_the_rows_of_exog(by_series):
    wide = wide_frame().rename_axis(index="month", columns="shop")
    exog = random_exog(monthly(90).index.rename("month")).assign(q=1.0)
    if by_series:
        exog = pd.concat({k: exog * (i + 1) for i, k in enumerate(wide)}, names=["shop"])
    forecaster = fit(wide, exog, steps=3)
    asked = exog[exog.index.get_level_values("month").isin(monthly(83).index[80:])]
    frame = forecaster.make_future_frame()
    pd.testing.assert_frame_equal(frame, asked * np.nan, check_freq=False)
    assert_array_equal(forecaster.predict(exog=asked), forecaster.predict(exog=exog))
    long = fit(long_frame(wide), exog)
    assert long.make_future_frame(2).index.equals(long.predict(2, exog=exog).index)


@pytest.mark.parametrize("fill", [None, "mask"])
def test_exog_on_another_kind_of_times_is_refused(fill):
    x = daily_exog()
    for other in (x.reset_index(drop=True), x.to_period("D"), x.tz_localize("UTC")):
        with pytest.raises(ValueError, match=r"`exog`.*of `series`, datetime64.*Convert them"):
            fit(daily(), other, fill=fill)


def test_exog_may_stand_in_another_time_zone():
    y, exog = (data.tz_localize("Europe/Paris") for data in (daily(), daily_exog()))
    here, there = (fit(y[:-1], x).predict(exog=x) for x in (exog, exog.tz_convert("UTC")))
    assert here.equals(there)


def test_calendar_features_lie_on_circles():
    y = pd.Series(np.arange(48.0), index=pd.date_range("2021-06-07", periods=48, freq="h"))
    X = fit(y, regressor=Recorder(), timesteps=2, calendar=("hour", "dayofweek")).regressor_.X_
    angles = 2 * np.pi * np.arange(48) / 24
    assert_allclose(X[:, 0, 1], np.sin(angles)[:46], atol=1e-12)
    assert_allclose(X[:, 0, 2], np.cos(angles)[:46], atol=1e-12)
    assert_allclose(X[:24, 0, 3:], [[0, 1]] * 24, atol=1e-12)  # a Monday


def test_calendar_of_the_future_is_known():
    rows = np.arange(24 * 20)
    index = pd.date_range("2021-06-07", periods=len(rows), freq="h")
    y = pd.Series(np.cos(2 * np.pi * rows / 24), index=index)
    settings = {"timesteps": 1, "strategy": "recursive", "calendar": ["hour"]}
    forecast = fit(y[:-30], regressor=linear(1e-3), **settings).predict(30)
    assert_allclose(forecast, y[-30:], atol=0.01)


@pytest.mark.parametrize("fill", [None, "mask"])
def test_a_transformer_without_its_inverse_is_told_of(fill):
    with pytest.warns(UserWarning, match=r"turns 100.* into 4\.6.*FunctionTransformer\(np\.log"):
        fit(monthly(), transformer=FunctionTransformer(np.log), fill=fill)
