"""Frames of Polars and Arrow, and times and series in columns: read as pandas reads an index."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xarray as xr
from forecasting import bare, linear
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import (
    ForecastDisplay,
    RNNForecaster,
    RNNRegressor,
    WindowDisplay,
    WindowTransformer,
    make_windows,
    window_blocks,
)
from skrnn._utils.frames import as_pandas

N_ROWS = 40
RNG = np.random.default_rng(0)
DAYS = pd.date_range("2024-03-20", periods=N_ROWS + 1).delete(17)  # with a gap
TIMES = {
    "days": DAYS,
    "days before 1970": DAYS - pd.Timedelta(days=30_000),
    "hours in a zone": pd.date_range("2024-03-30", periods=N_ROWS, freq="h", tz="Europe/Berlin"),
    "durations": pd.timedelta_range("1h", periods=N_ROWS, freq="15min"),
    "cycles": pd.RangeIndex(N_ROWS + 1).delete(17).astype("uint8"),
}


def flat(times, series=("b", "a")):
    """Return columns of ids, times and values, series after series."""
    rows = pd.concat({name: pd.Series(times) for name in series}, names=["id", None])
    frame = pd.DataFrame({"id": rows.index.get_level_values(0), "ds": rows.array})
    frame["y"] = RNG.normal(size=len(frame)).astype("float32")
    frame["n"] = np.arange(len(frame), dtype="int8")
    return frame


def of_record_batch(frame):
    return pa.Table.from_pandas(frame, preserve_index=False).combine_chunks().to_batches()[0]


LIBRARIES = {
    "pandas": lambda frame: frame,
    "pandas of Arrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas with masks": lambda frame: frame.convert_dtypes(dtype_backend="numpy_nullable"),
    "polars": pl.from_pandas,
    "polars with categories": lambda frame: pl.from_pandas(frame).with_columns(
        pl.col(pl.String).cast(pl.Categorical)
    ),
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "a batch of pyarrow": of_record_batch,
}
libraries = pytest.mark.parametrize("convert", LIBRARIES.values(), ids=LIBRARIES)
COLUMNS = {"time_column": "ds", "series_column": "id"}


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        assert_array_equal(one, other)


@libraries
@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_windows_of_flat_frames_are_those_of_an_index(times, convert):
    frame = flat(times)
    indexed, given = frame.set_index(["id", "ds"]), convert(frame)
    expected = make_windows(indexed, 3, stride=2, target="y")
    assert_same(make_windows(given, 3, stride=2, target="y", **COLUMNS), expected)
    for left, right in zip(
        window_blocks(given, 3, rows=15, **COLUMNS),
        window_blocks(indexed, 3, rows=15),
        strict=True,
    ):
        assert_same(left, right)
    transformer, oracle = WindowTransformer(3, **COLUMNS), WindowTransformer(3)
    assert_same(
        [transformer.fit_transform(given), transformer.transform(convert(frame[50:]))],
        [oracle.fit_transform(indexed), oracle.transform(indexed[50:])],
    )
    assert transformer.feature_names_in_.tolist() == ["y", "n"]
    assert transformer.tails_.keys() == oracle.tails_.keys()


@libraries
@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_windows_of_one_series_do_not_cross_a_gap_in_a_column(times, convert):
    frame = flat(times, ["a"])
    indexed = frame.set_index(["id", "ds"])  # where whole numbers are times too
    given = convert(frame.drop(columns="id"))
    windows = WindowTransformer(3, time_column="ds").fit_transform(given)
    assert_same(
        [*make_windows(given, 3, time_column="ds"), windows],
        [*make_windows(indexed, 3), WindowTransformer(3).fit_transform(indexed)],
    )


def test_columns_of_several_names_and_levels_of_an_index_name_the_series():
    frame = flat(DAYS).assign(store=1)
    expected = make_windows(frame.set_index(["store", "id", "ds"]), 3)
    columns = {"time_column": "ds", "series_column": ["store", "id"]}
    for given in (frame, frame.set_index("id"), frame.set_index("ds"), pl.from_pandas(frame)):
        assert_same(make_windows(given, 3, **columns), expected)


@libraries
def test_forecasts_of_flat_frames_are_those_of_an_index(convert):
    frame = flat(pd.date_range("2024-01-31", periods=N_ROWS, freq="ME"))[["id", "ds", "y"]]
    exog = frame.assign(y=np.arange(len(frame)) % 5).rename(columns={"y": "promo"})
    late = frame["ds"] > "2026-12"
    indexed, known = frame.set_index(["id", "ds"]), exog.set_index(["id", "ds"])
    settings = {"regressor": linear(), "timesteps": 4, "steps": 2}
    oracle = bare(**settings).fit(indexed[~late.to_numpy()], known)
    forecaster = bare(**settings, **COLUMNS).fit(convert(frame[~late]), convert(exog))
    later, given = frame[late], convert(frame[late])
    assert forecaster.score(given, convert(exog)) == oracle.score(
        later.set_index(["id", "ds"]), known
    )
    forecaster.update(given, convert(exog))
    oracle.update(later.set_index(["id", "ds"]), known)
    ahead = oracle.make_future_frame().assign(promo=2.0)
    for future in (ahead, convert(ahead.reset_index())):
        pd.testing.assert_frame_equal(forecaster.predict(exog=future), oracle.predict(exog=ahead))
    pd.testing.assert_frame_equal(
        forecaster.backtest(convert(frame), convert(exog), folds=2),
        oracle.backtest(indexed, known, folds=2),
    )
    folds = RNNForecaster.time_folds(convert(frame), 2, **COLUMNS)
    for fold, expected in zip(folds, RNNForecaster.time_folds(indexed, 2), strict=True):
        assert_same(fold, expected)


@libraries
def test_static_rows_are_read_by_the_column_of_series(convert):
    frame = flat(DAYS[:16])[["id", "ds", "y"]]
    static = pd.DataFrame({"id": ["a", "b"], "size": [1.0, 2.0]})
    settings = {"regressor": linear(), "timesteps": 4}
    forecaster = bare(**settings, **COLUMNS, static=convert(static)).fit(convert(frame))
    oracle = bare(**settings, static=static.set_index("id"))
    expected = oracle.fit(frame.set_index(["id", "ds"])).predict()
    pd.testing.assert_frame_equal(forecaster.predict(), expected)


@pytest.mark.parametrize("times", ["days", "cycles"])
def test_wide_polars_frames_are_searched_and_share_exog(times):
    rows = pd.RangeIndex(N_ROWS) if times == "cycles" else pd.date_range("2024", periods=N_ROWS)
    frame = pd.DataFrame({"ds": rows, "a": RNG.normal(size=N_ROWS), "b": np.arange(N_ROWS)})
    exog = pd.DataFrame({"ds": rows, "promo": np.arange(N_ROWS) % 3})
    results = []
    for convert, columns in [(pl.from_pandas, COLUMNS), (lambda data: data.set_index("ds"), {})]:
        columns = columns and {"time_column": "ds"}
        search = GridSearchCV(
            bare(linear(), steps=2, **columns),
            {"timesteps": [2, 3]},
            cv=TimeSeriesSplit(3),
        )
        search.fit(convert(frame), convert(exog))
        results.append(search.cv_results_["mean_test_score"])
    assert_array_equal(*results)


def test_pipeline_of_a_polars_frame_is_that_of_a_pandas_one():
    frame = flat(DAYS)
    pipe = make_pipeline(
        WindowTransformer(3, **COLUMNS), RNNRegressor("gru", 2, epochs=1, random_state=0)
    )
    indexed, given = frame.set_index(["id", "ds"]), pl.from_pandas(frame)
    expected = (
        pipe.set_params(windowtransformer__time_column="ds")
        .fit(indexed, indexed["y"])
        .predict(indexed)
    )
    assert_array_equal(pipe.fit(given, given["y"]).predict(given), expected)


def test_displays_read_the_columns_of_a_polars_frame():
    frame = flat(DAYS[:16])[["id", "ds", "y"]]
    indexed, given = frame.set_index(["id", "ds"]), pl.from_pandas(frame)
    early = given.filter(pl.col("ds") < DAYS[14])
    forecaster = bare(linear(), timesteps=4, steps=2, **COLUMNS).fit(early)
    display = ForecastDisplay.from_forecaster(forecaster, truth=given)
    expected = ForecastDisplay.from_forecaster(forecaster, truth=indexed)
    for ax, other in zip(display.figure_.axes, expected.figure_.axes, strict=True):
        for line, same in zip(ax.lines, other.lines, strict=True):
            assert_array_equal(line.get_ydata(), same.get_ydata())
    rows = WindowDisplay.from_series(given, 3, **COLUMNS).rows
    assert_array_equal(rows, WindowDisplay.from_series(indexed, 3).rows)
    rows = WindowDisplay.from_estimator(WindowTransformer(3, **COLUMNS), given).rows
    assert_array_equal(rows, WindowDisplay.from_estimator(WindowTransformer(3), indexed).rows)


def test_columns_are_stored(tmp_path):
    frame = flat(DAYS)
    transformer = WindowTransformer(3, time_column="ds", series_column=["id"]).fit(frame)
    skrnn.save(transformer, tmp_path / "windows.skrnn")
    loaded = skrnn.load(tmp_path / "windows.skrnn")
    assert_same([loaded.transform(frame)], [transformer.transform(frame)])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_columns_of_every_type_are_those_of_pandas(library):
    zone = datetime.UTC
    frame = pl.DataFrame(
        {
            "int": [1, None, 3],
            "bool": [True, None, False],
            "text": ["x", None, "z"],
            "date": [datetime.date(2024, 1, 1), None, datetime.date(1960, 1, 1)],
            "zone": [datetime.datetime(2024, 7, 1, 12, tzinfo=zone), None, None],
            "length": [datetime.timedelta(1), None, datetime.timedelta(2)],
        }
    ).with_columns(
        pl.col("zone").dt.convert_time_zone("Europe/Berlin"),
        pl.col("text").cast(pl.Categorical).alias("category"),
    )
    given = frame if library == "polars" else frame.to_arrow()
    expected = frame.to_pandas()
    expected["category"] = expected["text"]
    expected["date"] = expected["date"].astype("datetime64[s]")
    pd.testing.assert_frame_equal(as_pandas(given, "X"), expected)


FLAT = flat(DAYS, ["a"])[["ds", "y"]]
POLARS = pl.from_pandas(FLAT)
XARRAY = xr.DataArray(np.arange(30.0), dims="time", coords={"time": DAYS[:30]}, name="y")
READERS = {
    "make_windows": lambda data, **columns: make_windows(data, 3, **columns),
    "window_blocks": lambda data, **columns: list(window_blocks(data, 3, **columns)),
    "WindowTransformer": lambda data, **columns: WindowTransformer(3, **columns).fit(data),
    "RNNForecaster": lambda data, **columns: bare(linear(), timesteps=3, **columns).fit(data),
}
REFUSED = {
    "dates of Polars": (POLARS, {}, "Column 'ds' of .* got times.*`time_column='ds'`"),
    "dates of pandas": (FLAT, {}, "Column 'ds' of .* got times.*`time_column='ds'`"),
    "dates of Arrow": (POLARS.to_arrow(), {}, "Column 'ds' of .* got times.*`time_column='ds'`"),
    "dates as objects": (
        FLAT.assign(ds=FLAT["ds"].dt.date),
        {},
        "Column 'ds' of .* got times.*`time_column='ds'`",
    ),
    "two columns of dates": (
        POLARS.with_columns(sent="ds"),
        {"time_column": "ds"},
        "Column 'sent' of .* must hold numbers",
    ),
    "names without a column": (
        POLARS.with_columns(id=pl.lit("a")),
        {"time_column": "ds"},
        "Column 'id'.*`series_column`",
    ),
    "a column that is not there": (
        POLARS,
        {"time_column": "time"},
        r"`time_column` must name a column of .*\['ds', 'y'\]",
    ),
    "series that are not there": (
        POLARS,
        COLUMNS,
        r"`series_column` must name a column of .*, got 'id'",
    ),
    "no column of times": (POLARS, {"series_column": "id"}, "`time_column` must be set with"),
    "times as text": (
        FLAT.astype({"ds": "str"}),
        {"time_column": "ds"},
        "in 'ds'.*pd.to_datetime",
    ),
    "an array": (np.zeros((30, 2)), {"time_column": "ds"}, "must be a frame with the column 'ds'"),
    "a lazy frame": (POLARS.lazy(), {}, "must be in memory, got a LazyFrame of polars.*collect"),
    "an array of xarray": (XARRAY, {}, "got a DataArray of xarray.*`to_pandas"),
    "a dataset of xarray": (XARRAY.to_dataset(), {}, "got a Dataset of xarray.*`to_dataframe"),
    "times twice": (pl.concat([POLARS, POLARS]), {"time_column": "ds"}, "`series_column`"),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize(("data", "columns", "message"), REFUSED.values(), ids=REFUSED)
def test_frames_that_cannot_be_read_in_time_are_refused_with_the_remedy(
    reader, data, columns, message
):
    with pytest.raises((TypeError, ValueError), match=message):
        reader(data, **columns)


@pytest.mark.parametrize("convert", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "arrow"])
def test_dates_are_no_feature_of_a_network(convert):
    frame = FLAT.assign(y=1.0)
    with pytest.raises(TypeError, match="Column 'ds' of `X` must hold numbers"):
        RNNRegressor(epochs=1).fit(convert(frame), frame["y"])
    with pytest.raises(TypeError, match="Column 'ds' of sequence 0 of `X` must hold numbers"):
        RNNRegressor(epochs=1).fit([convert(frame), convert(frame[:5])], [1.0, 2.0])
