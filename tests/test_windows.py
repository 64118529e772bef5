"""WindowTransformer and make_windows against a plain loop, in pipelines, and on bad input."""

import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from forecasting import TIMES, linear
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from probes import peak_bytes
from sklearn import clone, config_context
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn._preprocessing.window_transformer import WindowTransformer
from skrnn._preprocessing.windows import make_windows

sizes = {"timesteps": st.integers(1, 9), "horizon": st.integers(0, 5)}
panels = st.lists(
    st.tuples(st.sampled_from("abc"), st.sets(st.integers(0, 20), min_size=1).map(sorted)),
    unique_by=lambda block: block[0],
    min_size=1,
)
many = settings(max_examples=150)
short_rows_pass = pytest.mark.filterwarnings("ignore:`timesteps` should not exceed")


def values(n_rows, n_columns=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))


def daily(n_rows, n_columns=2, start="2024-01-01"):
    times = pd.date_range(start, periods=n_rows)
    columns = [f"x{i}" for i in range(n_columns)]
    return pd.DataFrame(values(n_rows, n_columns), index=times, columns=columns)


FRAME = daily(20)
GAPPY = daily(60).drop(index="2024-01-31")  # after 30 rows


def loop_windows(past, rows, timesteps, horizon, pad):
    """The windows of one run, row by row, with the rows in `past` just before it."""
    known = [*past, *rows]
    windows = []
    for t in range(len(past), len(known)):
        wanted = range(t - horizon - timesteps + 1, t - horizon + 1)
        windows.append([known[row] if row >= 0 else pad for row in wanted])
    return np.array(windows)


def loop_make_windows(rows, targets, series, times, timesteps, horizon, stride, n_outputs):
    """Every window whose rows and targets are of one series without a gap, and its targets."""
    X, y = [], []
    for start in range(0, len(rows), stride):
        last = start + timesteps - 1
        stop = last + horizon + n_outputs
        if stop > len(rows):
            break
        span = range(start, stop)
        if all(series[a] == series[b] and times[a] + 1 == times[b] for a, b in pairwise(span)):
            X.append(rows[start : last + 1])
            y.append(targets[last + horizon : stop])
    return np.array(X), np.array(y)


def panel(blocks):
    """A frame of the blocks (label, days), in this order."""
    epoch = pd.Period("2024-01-01", freq="D")
    pairs = [(label, epoch + day) for label, days in blocks for day in days]
    index = pd.MultiIndex.from_tuples(pairs, names=["series", "time"])
    return pd.DataFrame(values(len(pairs)), index=index, columns=["x0", "x1"])


def runs_and_their_past(blocks, test, train, next_day):
    """Each run of days, and the rows of training that it continues, if it does."""
    for label, days in blocks:
        rows, days = test.loc[label].to_numpy(), np.array(days)
        for run in np.split(np.arange(len(days)), np.flatnonzero(np.diff(days) > 1) + 1):
            continues = label in train.index and run[0] == 0 and days[0] == next_day
            yield rows[run], train.loc[label].to_numpy() if continues else rows[:0]


@given(
    n_train=st.integers(1, 12),
    blocks=panels,
    padding=st.sampled_from(["mean", "nan", "edge"]) | st.floats(-9, 9),
    by_position=st.booleans(),
    **sizes,
)
@many
@short_rows_pass
@pytest.mark.filterwarnings("ignore:`X` should have more than")
def test_windows_equal_a_loop(n_train, blocks, padding, by_position, timesteps, horizon):
    """Fit on days 0 .. n_train - 1 of series a and b, transform any days of a, b and c."""
    steps = np.concatenate([np.diff(days) for _, days in blocks])
    assume(by_position or len(steps) < 2 or np.gcd.reduce(steps) == 1)  # else: not daily
    train, test = panel([(label, range(n_train)) for label in "ba"]), panel(blocks)
    runs = list(runs_and_their_past(blocks, test, train, n_train))
    if by_position:
        train, test = train.to_numpy(), test.to_numpy()
        runs = [(test, test[:0])]
    horizon = 0 if padding == "edge" else horizon
    transformer = WindowTransformer(timesteps, horizon=horizon, padding=padding).fit(train)
    expected = []
    for rows, past in runs:
        pads = {"mean": np.mean(train, axis=0), "nan": np.nan, "edge": [*past, *rows][0]}
        pad = np.broadcast_to(pads.get(padding, padding), 2)
        expected.append(loop_windows(past, rows, timesteps, horizon, pad))
    np.testing.assert_allclose(transformer.transform(test), np.concatenate(expected), rtol=1e-12)


@given(
    blocks=panels,
    by_position=st.booleans(),
    target=st.sampled_from(["all", "positions", "names", "aligned"]),
    columns=st.sampled_from([[0], [1, 0]]),
    stride=st.integers(1, 4),
    n_outputs=st.integers(1, 3),
    **sizes,
)
@many
def test_make_windows_equals_a_loop(blocks, by_position, target, columns, **how):
    data = panel(blocks)
    rows = data.to_numpy()
    columns = [0, 1] if target == "all" else columns
    names = columns if by_position else [f"x{i}" for i in columns]
    asked = {"all": None, "positions": columns, "names": names, "aligned": rows[:, columns]}[target]
    series, times = zip(*[(label, day) for label, days in blocks for day in days], strict=True)
    message = "must"
    if by_position:
        data, series, times = rows, [0] * len(rows), range(len(rows))
        needed = how["timesteps"] + how["horizon"] + how["n_outputs"] - 1
        message = f"at least {needed} rows .*, got {len(rows)}"
    X, y = loop_make_windows(rows, rows[:, columns], series, times, **how)
    if len(X) == 0:
        with pytest.raises(ValueError, match=message):
            make_windows(data, target=asked, **how)
        return
    made_X, made_y = make_windows(data, target=asked, **how)
    assert_array_equal(made_X, X)
    assert_array_equal(made_y, y.squeeze(axis=tuple(k for k in (1, 2) if y.shape[k] == 1)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
def test_floats_keep_their_dtype_and_integers_become_float64(dtype):
    windows = WindowTransformer(2).fit_transform(np.ones((5, 2), dtype))
    assert windows.dtype == np.result_type(dtype, np.float32)


def test_windows_are_a_read_only_view_of_one_buffer():
    X = values(50)
    windows = WindowTransformer(5).fit_transform(X)
    assert windows.strides[0] == windows.strides[1]
    assert np.shares_memory(windows[0, 1], windows[1, 0])
    assert not np.shares_memory(windows, X)
    with pytest.raises(ValueError, match="read-only"):
        windows[0, 0, 0] = 1.0


def test_windows_of_several_runs_are_read_only_and_rows_are_not_changed():
    X = GAPPY.copy()
    assert not WindowTransformer(5).fit_transform(X).flags.writeable
    pd.testing.assert_frame_equal(X, GAPPY)


def test_series_is_one_column_of_its_name():
    series = daily(10)["x0"]
    transformer = WindowTransformer(3).fit(series)
    assert transformer.get_feature_names_out().tolist() == ["x0"]
    assert_array_equal(transformer.transform(series), transformer.transform(series.to_frame()))


@pytest.mark.parametrize(("broken", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize(("row", "block"), [(0, 100), (9, 1), (9, 3), (9, 9), (9, 10)])
def test_missing_training_value_is_refused(broken, word, row, block, monkeypatch):
    monkeypatch.setattr("skrnn._preprocessing.windows.CHECKED_AT_ONCE", block)
    X = values(10)
    X[row, 1] = broken
    with pytest.raises(ValueError, match=f"Input X contains {word}.*row {row}"):
        WindowTransformer(2).fit(X)


def test_missing_values_are_accepted_in_rows_that_no_window_holds():
    transformer, data = WindowTransformer(2, horizon=2).fit(daily(60)), GAPPY.copy()
    data.iloc[[28, 29, 57, 58]] = np.nan  # the last two rows of each run
    assert_array_equal(transformer.transform(data), transformer.transform(GAPPY))
    with pytest.raises(ValueError, match=r"Input X contains NaN.*row 28"):
        WindowTransformer(2, horizon=2).fit(GAPPY.to_numpy()).transform(data.to_numpy())


def test_next_row_is_forecast_from_a_row_of_nan():
    data = daily(40)
    pipe = make_pipeline(WindowTransformer(3), linear()).fit(data, data["x0"])
    row = pd.DataFrame(np.nan, index=[data.index[-1] + pd.Timedelta(days=1)], columns=data.columns)
    last = data.to_numpy()[-3:][np.newaxis]
    assert_array_equal(pipe.predict(row), pipe[-1].predict(last))


@pytest.mark.parametrize("freq", [None, "D"])
def test_days_that_begin_at_one_are_padded_once_and_continued(freq):
    """Clocks in Cairo are put forward at midnight of 26 April: that day begins at 1:00."""
    hours = pd.date_range("2024-04-20", periods=24 * 20, freq="h", tz="Africa/Cairo")
    days = pd.DataFrame({"x": 1.0}, hours).resample("D").sum()
    transformer = WindowTransformer(10, padding="nan", freq=freq)
    whole = transformer.fit_transform(days)
    assert np.isnan(whole).any(axis=(1, 2)).sum() == 10
    for n_known in range(5, 9):
        test = (
            clone(transformer).set_params(timesteps=2).fit(days[:n_known]).transform(days[n_known:])
        )
        assert_array_equal(test, whole[n_known:, -2:])


def test_series_of_numbered_rows_and_of_several_levels_do_not_mix():
    units = pd.MultiIndex.from_product([["e1", "e2"], [1, 2, 3, 4]])
    data = pd.DataFrame({"s": [1.0, 2, 3, 4, 101, 102, 103, 104]}, units)
    for index in (units, pd.MultiIndex.from_product([["e1", "e2"], ["x"], daily(4).index])):
        X, y = make_windows(data.set_axis(index), 2)
        assert X[:, :, 0].tolist() == [[1, 2], [2, 3], [101, 102], [102, 103]]
        assert y.tolist() == [3, 4, 103, 104]
        fitted = WindowTransformer(2, padding=0).fit(data.set_axis(index)[:7])
        assert fitted.transform(data.set_axis(index)[7:])[0].tolist() == [[102], [103]]


def test_transform_reads_gaps_of_an_index_that_fit_did_not_see():
    transformer = WindowTransformer(2, padding="nan").fit(daily(9).to_numpy())
    assert np.isnan(
        transformer.transform(GAPPY.rename(columns=str).set_axis([0, 1], axis=1))[30]
    ).all()


def test_small_integers_of_numpy_count_rows_without_overflow():
    X, _ = make_windows(np.arange(400.0), np.uint8(200), np.uint8(100))
    assert X.shape == (101, 200, 1)
    windows = WindowTransformer(np.uint8(200), horizon=np.uint8(100), padding=0.0)
    assert_array_equal(
        windows.fit_transform(np.ones((400, 1))).sum(axis=(1, 2))[[99, 100, 299]], [0, 1, 200]
    )


@pytest.mark.parametrize("kind", sorted(TIMES.keys() - {"range", "integers"}))
def test_rows_that_follow_the_training_rows_see_their_tail(kind):
    data = pd.DataFrame(values(60), index=TIMES[kind])
    whole = WindowTransformer(4, horizon=2).fit_transform(data)
    test = WindowTransformer(4, horizon=2).fit(data[:40]).transform(data[40:])
    assert_array_equal(test, whole[40:])


@pytest.mark.parametrize(
    ("data", "timesteps", "n_padded"),
    [
        (daily(60).to_numpy(), 4, 4),
        (daily(61).drop(index="2024-02-08"), 4, 2),  # row 38
        (daily(60), 2, 0),
        (daily(60), 6, 2),
    ],
    ids=["no index", "gap in the training rows", "fewer timesteps than in fit", "more"],
)
def test_tail_has_the_rows_of_fit_without_a_gap(data, timesteps, n_padded):
    transformer = WindowTransformer(4, padding="nan").fit(data[:40])
    window = transformer.set_params(timesteps=timesteps).transform(data[40:])[0]
    assert np.isnan(window[:n_padded]).all()
    assert_array_equal(window[n_padded:], np.asarray(data)[40 - timesteps + n_padded : 40])


def test_ordered_folds_and_searches_work_on_rows_and_shuffled_ones_are_refused():
    data, pipe = daily(60), make_pipeline(WindowTransformer(), linear())
    shuffled = {"cv": ShuffleSplit(2, random_state=0), "error_score": "raise"}
    with pytest.raises(ValueError, match="ShuffleSplit cannot be used"):
        cross_val_score(pipe, data, data["x0"], **shuffled)
    grid = {"windowtransformer__timesteps": [1, 4]}
    search = GridSearchCV(pipe, grid, cv=TimeSeriesSplit(3)).fit(data, data["x0"])
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert cross_val_predict(pipe, data, data["x0"], cv=KFold(3)).shape == (60,)


@pytest.mark.parametrize(
    ("fitted", "X", "message"),
    [
        (None, np.arange(20.0), r"Expected 2D array, got 1D(.|\n)*Reshape your data"),
        (FRAME, FRAME[["x1", "x0"]], "feature names"),
        (FRAME, FRAME.reindex(columns=["x0", "other"]), "feature names"),
        (FRAME, FRAME.assign(x1="text")[["x1", "x0"]], "feature names"),
        (FRAME, FRAME[::-1], "must ascend"),
        (FRAME, FRAME.to_period("D"), "kind seen in `fit`"),
        # In a row that no window holds:
        (FRAME, FRAME[:1] + np.inf, "Input X contains infinity"),
    ],
    ids="one_dimension order_of_columns other_columns text unsorted kind_of_time infinity".split(),
)
def test_bad_rows_are_refused(fitted, X, message):
    transformer = WindowTransformer(3)
    method = transformer.fit if fitted is None else transformer.fit(fitted).transform
    with pytest.raises(ValueError, match=message):
        method(X)


@pytest.mark.parametrize("scaler", [[], [StandardScaler()]], ids=["windows", "scaler, windows"])
def test_test_rows_of_a_time_series_split_see_their_true_past(scaler):
    """A fold's forecasts equal those of a linear regression on lags made with pandas."""
    pipe = make_pipeline(*scaler, WindowTransformer(5), linear(0.0))
    pipe.set_output(transform="pandas")
    y = daily(80, 1)["x0"].cumsum()
    lags = pd.concat([y.shift(lag) for lag in range(5, 0, -1)], axis=1).to_numpy()
    for train, test in TimeSeriesSplit(4).split(y):
        pads = np.where(np.isnan(lags[train]), y.iloc[train].mean(), lags[train])
        expected = LinearRegression().fit(pads, y.iloc[train]).predict(lags[test])
        pipe.fit(y.iloc[train].to_frame(), y.iloc[train])
        forecast = pipe.predict(y.iloc[test].to_frame())
        np.testing.assert_allclose(forecast, expected, rtol=1e-8)


def test_index_lost_on_the_way_warns_with_the_remedy():
    data = daily(40)
    with pytest.warns(UserWarning, match=r"earlier step dropped it.*set_output"):
        make_pipeline(StandardScaler(), WindowTransformer(3)).fit(data, data["x0"])


def test_windows_longer_than_the_training_rows_warn_and_pad():
    with pytest.warns(UserWarning, match="`timesteps` should not exceed the 3 contiguous"):
        windows = WindowTransformer(5, padding="nan").fit_transform(values(3))
    assert np.isnan(windows[2, :, 0]).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("container", ["default", "pandas", "polars", None])
def test_output_is_an_array_with_any_container(container):
    windows = WindowTransformer(3).set_output(transform=container).fit_transform(daily(10))
    with config_context(transform_output=container):
        globally = WindowTransformer(3).fit_transform(daily(10))
    assert isinstance(windows, np.ndarray)
    assert isinstance(globally, np.ndarray)
    assert windows.shape == globally.shape == (10, 3, 2)


BAD = {"timesteps": [0, 2.0], "horizon": [-1, 0.5], "padding": ["zero", np.inf, np.nan, None]}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        *[({name: bad}, f"The '{name}' parameter") for name in BAD for bad in BAD[name]],
        ({"timesteps": True}, "`timesteps` must be an int, got True"),
        ({"horizon": True}, "`horizon` must be an int, got True"),
        ({"padding": "edge"}, r"`padding`.*unless `horizon` is 0, got 'edge'"),
    ],
    ids=str,
)
def test_bad_parameter_is_refused_by_name(setting, message):
    with pytest.raises((TypeError, ValueError), match=message):
        WindowTransformer(**setting).fit(values(20))


BAD_COLUMNS = {kind: TIMES[kind] for kind in ("days", "durations", "hours as periods")}
BAD_COLUMNS["text"] = ["word"] * 60


@pytest.mark.parametrize("use", [WindowTransformer(3).fit, lambda data: make_windows(data, 3)])
@pytest.mark.parametrize("others", [{}, {"a": 1.0}], ids=["alone", "with numbers"])
@pytest.mark.parametrize("column", BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_column_without_numbers_is_refused_by_name(column, others, use):
    with pytest.raises((TypeError, ValueError), match=r"Column 'z' of .* must hold numbers"):
        use(pd.DataFrame({"z": column} | others))


def test_unfitted_transformer_is_refused():
    with pytest.raises(NotFittedError):
        WindowTransformer().transform(values(20))


def test_failing_fit_leaves_the_transformer_as_it_was():
    for transformer in (WindowTransformer(3).fit(FRAME), WindowTransformer(3)):
        before = dict(vars(transformer))
        for rows, words in [(np.full((20, 5), np.nan), "NaN"), (FRAME[::-1], "must ascend")]:
            with pytest.raises(ValueError, match=words):
                transformer.fit(rows)
            assert vars(transformer) == before


def test_pickled_transformer_keeps_its_tail():
    data = daily(60)
    transformer = WindowTransformer(4).fit(data[:40])
    copy = pickle.loads(pickle.dumps(transformer))
    assert_array_equal(copy.transform(data[40:]), transformer.transform(data[40:]))


def test_fitted_state_shares_no_memory_with_the_rows():
    X = values(40)
    data = pd.DataFrame(X, index=pd.date_range("2024", periods=40), copy=False)
    (_, tail), = WindowTransformer(4).fit(data).tails_.values()  # fmt: skip
    assert tail.shape == (4, 2)
    assert not np.shares_memory(tail, X)


@pytest.mark.slow
def test_ten_million_rows_cost_one_copy_of_themselves():
    X = np.ones((10_000_000, 7), dtype=np.float32)
    assert peak_bytes(lambda: WindowTransformer(timesteps=48).fit_transform(X)) < 300e6


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize(
    "series",
    [values(30), values(30).astype(np.float32), daily(30), daily(30)["x0"].copy()],
    ids=["float64", "float32", "frame", "series"],
)
def test_make_windows_returns_a_read_only_view(series, stride):
    X, _ = make_windows(series, 4, stride=stride)
    assert X.dtype == np.asarray(series).dtype
    assert np.shares_memory(X, np.asarray(series))
    with pytest.raises(ValueError, match="read-only"):
        X[0] = 0.0


@pytest.mark.parametrize(
    "series",
    [
        range(1, 6),
        *(kind(range(1, 6)) for kind in (list, np.array, pd.Series, pd.DataFrame)),
        *(kind(np.arange(1.0, 6.0)[:, np.newaxis]) for kind in (np.array, np.ndarray.tolist)),
    ],
)
def test_make_windows_takes_every_form_of_a_series(series):
    X, y = make_windows(series, 3)
    assert X.dtype == np.float64
    assert X.tolist() == [[[1.0], [2.0], [3.0]], [[2.0], [3.0], [4.0]]]
    assert y.tolist() == [4.0, 5.0]


def test_make_windows_target_is_a_column_by_name_or_else_by_position():
    data = daily(6, 3)
    for target in ("x1", 1, -2):
        assert make_windows(data, 2, target=target)[1].tolist() == data["x1"][2:].tolist()
    data = pd.DataFrame({1: [1.0, 2.0, 3.0], 0: [7.0, 8.0, 9.0]})
    assert make_windows(data, 2, target=0)[1].tolist() == [9.0]


def test_make_windows_accepts_aligned_targets_of_any_type_and_returns_copies():
    labels = np.array(list("abcdefgh"))
    assert make_windows(values(8), 3, 2, target=labels)[1].tolist() == list("efgh")
    series = values(10, 1)
    _, y = make_windows(series, 3)
    assert y.flags.writeable
    assert not np.shares_memory(y, series)


TIMES_FIRST = pd.concat({"a": daily(10), "b": daily(10)}).swaplevel()
GAPPY_TARGET = np.array([np.nan, np.nan, 3.0, 4.0, 5.0])
OTHER_TIMES = daily(10, start="2020")["x0"]


@pytest.mark.parametrize(
    ("series", "how", "message"),
    [
        (daily(20)[::-1], {}, "must ascend"),
        (np.zeros((3, 3, 3)), {}, "dim 3"),
        (range(4), {"horizon": 2, "n_outputs": 2}, r"at least 5 rows .*, got 4\. Shorten"),
        (GAPPY, {"timesteps": 30}, "at least 31 rows .*, got 30 in its longest run.* step is D"),
        (GAPPY, {"freq": "3h"}, "got 1 in its longest run without a gap, where the step is 3h"),
        (GAPPY, {"freq": "2D"}, r"times of `series` must follow .* at `freq`='2D', got 2024-01-02"),
        (daily(10).to_numpy(), {"freq": "D"}, "`freq` needs times, got it with rows of `series`"),
        (TIMES_FIRST, {}, r"times first.*`series\.swaplevel"),
        ([1.0, 2.0, np.nan, 4.0], {}, "Input series contains NaN.*row 2"),
        ([1.0, 2.0, -np.inf, 4.0], {}, "Input series contains infinity.*row 2"),
        (range(9), {"timesteps": 0}, "`timesteps` must be at least 1, got 0"),
        (range(9), {"stride": 0}, "`stride` must be at least 1, got 0"),
        (range(9), {"n_outputs": 0}, "`n_outputs` must be at least 1, got 0"),
        (GAPPY[25:], {"timesteps": 15, "stride": 30}, "`stride` must leave at least one window"),
        (range(5), {"target": GAPPY_TARGET, "timesteps": 1}, "`target` must be finite"),
        (range(5), {"target": np.array([1, 2, None, 4, 5])}, "must be finite"),
        (daily(10), {"target": "z"}, "be the name of a column"),
        (daily(10), {"target": 3}, "position below 2"),
        (daily(10), {"target": [0, 5]}, "position below 2"),
        (daily(10), {"target": []}, "at least one column"),
        (daily(10), {"target": np.arange(4)}, "aligned with the 10 rows"),
        (daily(10), {"target": np.zeros((10, 1, 1))}, "aligned with the 10 rows"),
        (daily(10), {"target": OTHER_TIMES}, "same index as `series`"),
        (TIMES_FIRST.swaplevel(), {"target": TIMES_FIRST}, r"times first.*`target\.swaplevel"),
    ],
)
def test_make_windows_refuses_bad_arguments(series, how, message):
    with pytest.raises(ValueError, match=message):
        make_windows(series, **({"timesteps": 2} | how))


def test_make_windows_ignores_missing_targets_of_rows_that_no_window_predicts():
    assert make_windows(range(5), 2, target=GAPPY_TARGET)[1].tolist() == [3.0, 4.0, 5.0]
