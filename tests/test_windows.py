"""WindowTransformer and make_windows against a plain loop, in pipelines, and on bad input."""

import pickle
import tracemalloc
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn import config_context
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
from sklearn.utils.estimator_checks import check_estimator

from skrnn._preprocessing.window_transformer import WindowTransformer
from skrnn._preprocessing.windows import make_windows

EXPECTED = {
    "check_methods_sample_order_invariance": "it permutes rows: windows hold other rows then",
    "check_methods_subset_invariance": "it drops rows: those after them lose their past",
}

sizes = {
    "timesteps": st.integers(1, 9),
    "horizon": st.integers(0, 5),
}


def values(n_rows, n_columns=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))


def daily(n_rows, n_columns=2, start="2024-01-01"):
    times = pd.date_range(start, periods=n_rows)
    columns = [f"x{i}" for i in range(n_columns)]
    return pd.DataFrame(values(n_rows, n_columns), index=times, columns=columns)


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


class FlatRegression(LinearRegression):
    """Linear regression on all values of a window."""

    def fit(self, X, y):
        return super().fit(X.reshape(len(X), -1), y)

    def predict(self, X):
        return super().predict(X.reshape(len(X), -1))


@given(n_rows=st.integers(1, 12), n_columns=st.integers(1, 3), pad=st.floats(-9, 9), **sizes)
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore:`timesteps` should not exceed")
def test_windows_of_an_array_equal_a_loop(n_rows, n_columns, pad, timesteps, horizon):
    X = values(n_rows, n_columns)
    windows = WindowTransformer(timesteps, horizon=horizon, padding=pad).fit_transform(X)
    assert_array_equal(windows, loop_windows([], X, timesteps, horizon, [pad] * n_columns))


@given(
    n_train=st.integers(1, 12),
    blocks=st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.integers(0, 20), min_size=1)),
                    unique_by=lambda block: block[0], min_size=1),
    **sizes,
)  # fmt: skip
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore:`timesteps` should not exceed")
def test_windows_of_a_panel_equal_a_loop(n_train, blocks, timesteps, horizon):
    """Fit on days 0 .. n_train - 1 of series a and b, transform any days of a, b and c."""
    epoch = pd.Period("2024-01-01", freq="D")
    train = panel([(label, [epoch + day for day in range(n_train)]) for label in "ba"])
    test = panel([(label, [epoch + day for day in sorted(days)]) for label, days in blocks])
    transformer = WindowTransformer(timesteps, horizon=horizon).fit(train)
    expected = []
    for label, days in blocks:
        rows, days = test.loc[label].to_numpy(), np.array(sorted(days))
        for run in np.split(np.arange(len(days)), np.flatnonzero(np.diff(days) > 1) + 1):
            follows = label in "ab" and run[0] == 0 and days[0] == n_train
            past = train.loc[label].to_numpy() if follows else []
            pad = train.to_numpy().mean(axis=0)
            expected.append(loop_windows(past, rows[run], timesteps, horizon, pad))
    np.testing.assert_allclose(transformer.transform(test), np.concatenate(expected), rtol=1e-12)


def panel(blocks):
    """A frame of the blocks (label, times), in this order."""
    pairs = [(label, time) for label, times in blocks for time in times]
    index = pd.MultiIndex.from_tuples(pairs, names=["series", "time"])
    return pd.DataFrame(values(len(pairs)), index=index, columns=["x0", "x1"])


@given(
    n_rows=st.integers(1, 25),
    n_columns=st.integers(1, 3),
    stride=st.integers(1, 4),
    n_outputs=st.integers(1, 3),
    **sizes,
)
@settings(max_examples=150, deadline=None)
def test_make_windows_of_an_array_equals_a_loop(
    n_rows, n_columns, stride, n_outputs, timesteps, horizon
):
    rows = values(n_rows, n_columns)
    how = {"timesteps": timesteps, "horizon": horizon, "stride": stride, "n_outputs": n_outputs}
    X, y = loop_make_windows(rows, rows, [0] * n_rows, range(n_rows), **how)
    if len(X) == 0:
        needed = timesteps + horizon + n_outputs - 1
        with pytest.raises(ValueError, match=f"at least {needed} rows .*, got {n_rows}"):
            make_windows(rows, **how)
        return
    made_X, made_y = make_windows(rows, **how)
    single = tuple(axis for axis in (1, 2) if y.shape[axis] == 1)
    assert_array_equal(made_X, X)
    assert_array_equal(made_y, y.squeeze(axis=single))


@given(
    blocks=st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.integers(0, 20), min_size=1)),
                    unique_by=lambda block: block[0], min_size=1),
    stride=st.integers(1, 3),
    n_outputs=st.integers(1, 2),
    **sizes,
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_make_windows_of_a_panel_equals_a_loop(blocks, stride, n_outputs, timesteps, horizon):
    epoch = pd.Period("2024-01-01", freq="D")
    data = panel([(label, [epoch + day for day in sorted(days)]) for label, days in blocks])
    series, times = zip(
        *[(label, day) for label, days in blocks for day in sorted(days)], strict=True
    )
    how = {"timesteps": timesteps, "horizon": horizon, "stride": stride, "n_outputs": n_outputs}
    rows, target = data.to_numpy(), np.arange(len(data))
    X, y = loop_make_windows(rows, target, series, times, **how)
    if len(X) == 0:
        with pytest.raises(ValueError, match="must"):
            make_windows(data, target=target, **how)
        return
    made_X, made_y = make_windows(data, target=target, **how)
    assert_array_equal(made_X, X)
    assert_array_equal(made_y, y[:, 0] if n_outputs == 1 else y)


def check_statuses(transformer, **kwargs):
    results = check_estimator(transformer, on_fail=None, on_skip=None, **kwargs)
    return {(result["check_name"], result["status"]) for result in results}


def test_common_checks_all_pass_for_windows_of_one_row():
    statuses = check_statuses(WindowTransformer(timesteps=1, horizon=0))
    assert {status for _, status in statuses} == {"passed"}
    assert ("check_array_api_input", "passed") in statuses  # skipped without SCIPY_ARRAY_API=1


@pytest.mark.parametrize(
    "transformer",
    [
        WindowTransformer(timesteps=3),
        WindowTransformer(timesteps=3, horizon=0, padding="edge"),
        WindowTransformer(timesteps=3, horizon=2, padding="nan"),
    ],
    ids=["mean", "edge", "nan"],
)
@pytest.mark.filterwarnings("ignore:`timesteps` should not exceed")
def test_common_checks_that_fail_for_longer_windows_are_just_the_expected(transformer):
    statuses = check_statuses(transformer, expected_failed_checks=EXPECTED)
    assert {name for name, status in statuses if status == "xfail"} == EXPECTED.keys()
    assert {status for _, status in statuses} == {"passed", "xfail"}


def test_padding_by_mean_and_by_nan():
    transformer = WindowTransformer(2).fit([[1.0, 10.0], [3.0, 20.0]])
    assert transformer.transform([[7.0, 7.0]]).tolist() == [[[2.0, 15.0], [2.0, 15.0]]]
    windows = WindowTransformer(3, padding="nan").fit_transform(values(6))
    padded = np.arange(3) + np.arange(6)[:, np.newaxis] < 3
    assert_array_equal(np.isnan(windows), np.repeat(padded[:, :, np.newaxis], 2, axis=2))


def test_padding_by_edge_repeats_the_first_row_of_each_run():
    data = daily(40).drop(index="2024-01-21")
    windows = WindowTransformer(3, horizon=0, padding="edge").fit_transform(data)
    rows = data.to_numpy()
    assert_array_equal(windows[0], rows[[0, 0, 0]])
    assert_array_equal(windows[20], rows[[20, 20, 20]])
    assert_array_equal(windows[21], rows[[20, 20, 21]])


@pytest.mark.filterwarnings("ignore:`timesteps` should not exceed")
def test_padding_by_edge_continues_a_tail_with_its_first_row():
    data = daily(3)
    transformer = WindowTransformer(3, horizon=0, padding="edge").fit(data[:1])
    assert transformer.transform(data[1:])[0].tolist() == data.to_numpy()[[0, 0, 1]].tolist()


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
    X = daily(60).drop(index="2024-02-01")
    before = X.copy()
    assert not WindowTransformer(5).fit_transform(X).flags.writeable
    pd.testing.assert_frame_equal(X, before)


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
    transformer = WindowTransformer(2, horizon=2).fit(values(10))
    X = values(10)
    X[8:] = np.nan
    assert_array_equal(transformer.transform(X), transformer.transform(values(10)))
    X[7] = np.nan
    with pytest.raises(ValueError, match=r"Input X contains NaN.*row 7"):
        transformer.transform(X)


def test_missing_values_are_accepted_at_the_end_of_each_run():
    data = daily(60)
    transformer = WindowTransformer(2).fit(data)
    gappy = data.drop(index=data.index[30])
    gappy.iloc[29] = np.nan
    assert np.isfinite(transformer.transform(gappy)).all()
    with pytest.raises(ValueError, match="NaN"):
        transformer.transform(gappy.reset_index(drop=True))


def test_next_row_is_forecast_from_a_row_of_nan():
    data = daily(40)
    pipe = make_pipeline(WindowTransformer(3), FlatRegression()).fit(data, data["x0"])
    row = pd.DataFrame(np.nan, index=[data.index[-1] + pd.Timedelta(days=1)], columns=data.columns)
    last = data.to_numpy()[-3:].reshape(1, -1)
    assert_array_equal(pipe.predict(row), pipe[-1].predict(last))


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2024-01-01", periods=60, freq="B"),
        pd.date_range("2024-03-01", periods=60, freq="D", tz="Europe/Berlin"),
        pd.date_range("2024-03-29", periods=60, freq="h", tz="Europe/Berlin"),
        pd.date_range("2000-01-31", periods=60, freq="ME"),
        pd.period_range("2000-01", periods=60, freq="M"),
        pd.timedelta_range("0h", periods=60, freq="15min"),
    ],
    ids=["business", "daily, clocks", "hourly, clocks", "month end", "periods", "durations"],
)
def test_rows_that_follow_the_training_rows_see_their_tail(times):
    data = pd.DataFrame(values(60), index=times)
    whole = WindowTransformer(4, horizon=2).fit_transform(data)
    test = WindowTransformer(4, horizon=2).fit(data[:40]).transform(data[40:])
    assert_array_equal(test, whole[40:])


def test_rows_without_an_index_are_padded():
    X = values(60)
    assert np.isnan(WindowTransformer(4, padding="nan").fit(X[:40]).transform(X[40:])[0]).all()


def test_tail_does_not_reach_beyond_a_gap():
    data = daily(60).drop(index="2024-02-08")  # row 38
    test = WindowTransformer(4, padding="nan").fit(data[:40]).transform(data[40:])
    assert np.isnan(test[0, :, 0]).tolist() == [True, True, False, False]


def test_tail_of_other_timesteps_than_in_fit_is_cut_or_padded():
    data = daily(60)
    transformer = WindowTransformer(4, padding="nan").fit(data[:40])
    assert_array_equal(
        transformer.set_params(timesteps=2).transform(data[40:])[0], data.to_numpy()[38:40]
    )
    assert np.isnan(transformer.set_params(timesteps=6).transform(data[40:])[0, :, 0]).sum() == 2


def test_shuffled_rows_are_refused_and_ordered_folds_are_not():
    data = daily(60)
    pipe = make_pipeline(WindowTransformer(3), FlatRegression())
    shuffled = {"cv": ShuffleSplit(2, random_state=0), "error_score": "raise"}
    with pytest.raises(ValueError, match="ShuffleSplit cannot be used"):
        cross_val_score(pipe, data, data["x0"], **shuffled)
    for cv in KFold(3), TimeSeriesSplit(3):
        assert np.isfinite(cross_val_score(pipe, data, data["x0"], cv=cv)).all()


FRAME = daily(20)


@pytest.mark.parametrize(
    ("fitted", "X", "message"),
    [
        (None, np.arange(20.0), r"Expected 2D array, got 1D(.|\n)*Reshape your data"),
        (FRAME, FRAME[["x1", "x0"]], "feature names"),
        (FRAME, FRAME[::-1], "must ascend"),
        (FRAME, FRAME.to_period("D"), "kind seen in `fit`"),
        # In a row that no window holds:
        (FRAME, FRAME[:1] + np.inf, "Input X contains infinity"),
    ],
    ids=["one dimension", "order of columns", "unsorted", "kind of time", "infinity"],
)
def test_bad_rows_are_refused(fitted, X, message):
    transformer = WindowTransformer(3)
    method = transformer.fit if fitted is None else transformer.fit(fitted).transform
    with pytest.raises(ValueError, match=message):
        method(X)


@pytest.mark.parametrize("scaler", [[], [StandardScaler()]], ids=["windows", "scaler, windows"])
def test_test_rows_of_a_time_series_split_see_their_true_past(scaler):
    """A fold's forecasts equal those of a linear regression on lags made with pandas."""
    pipe = make_pipeline(*scaler, WindowTransformer(5), FlatRegression())
    pipe.set_output(transform="pandas")
    y = daily(80, 1)["x0"].cumsum()
    lags = pd.concat([y.shift(lag) for lag in range(5, 0, -1)], axis=1).to_numpy()
    for train, test in TimeSeriesSplit(4).split(y):
        pads = np.where(np.isnan(lags[train]), y.iloc[train].mean(), lags[train])
        expected = LinearRegression().fit(pads, y.iloc[train]).predict(lags[test])
        pipe.fit(y.iloc[train].to_frame(), y.iloc[train])
        forecast = pipe.predict(y.iloc[test].to_frame())
        np.testing.assert_allclose(forecast, expected, rtol=1e-8)


def test_searches_and_cross_validation_work_on_rows():
    data = daily(60)
    pipe = make_pipeline(WindowTransformer(), FlatRegression())
    grid = {"windowtransformer__timesteps": [1, 4]}
    search = GridSearchCV(pipe, grid, cv=TimeSeriesSplit(3)).fit(data, data["x0"])
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert cross_val_predict(pipe, data, data["x0"]).shape == (60,)


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


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        *[
            ({name: value}, f"The '{name}' parameter")
            for name, values in [
                ("timesteps", [0, 2.0]),
                ("horizon", [-1, 0.5]),
                ("padding", ["zero", np.inf, np.nan, None]),
            ]
            for value in values
        ],
        ({"timesteps": True}, "`timesteps` must be an int, got True"),
        ({"horizon": True}, "`horizon` must be an int, got True"),
        ({"padding": "edge"}, r"`padding`.*unless `horizon` is 0, got 'edge'"),
    ],
    ids=str,
)
def test_bad_parameter_is_refused_by_name(setting, message):
    with pytest.raises((TypeError, ValueError), match=message):
        WindowTransformer(**setting).fit(values(20))


BAD_COLUMNS = {
    "dates": pd.date_range("2024-01-01", periods=20),
    "durations": pd.timedelta_range("1D", periods=20),
    "periods": pd.period_range("2024-01-01", periods=20, freq="D"),
    "text": ["word"] * 20,
}


@pytest.mark.parametrize("use", [WindowTransformer(3).fit, lambda data: make_windows(data, 3)])
@pytest.mark.parametrize("column", BAD_COLUMNS.values(), ids=BAD_COLUMNS.keys())
def test_column_without_numbers_is_refused_by_name(column, use):
    alone = pd.DataFrame({"z": column})
    with pytest.raises((TypeError, ValueError), match=r"Column 'z' of .* must hold numbers"):
        use(alone)
    with pytest.raises((TypeError, ValueError), match=r"Column 'z' of .* must hold numbers"):
        use(alone.assign(a=1.0))


def test_unfitted_transformer_is_refused():
    with pytest.raises(NotFittedError):
        WindowTransformer().transform(values(20))


def test_failing_fit_leaves_the_transformer_as_it_was():
    transformer = WindowTransformer(3).fit(daily(20))
    before = dict(vars(transformer))
    with pytest.raises(ValueError, match="NaN"):
        transformer.fit(np.full((20, 5), np.nan))
    assert vars(transformer) == before
    unfitted = WindowTransformer(3)
    with pytest.raises(ValueError, match="must ascend"):
        unfitted.fit(daily(20)[::-1])
    assert vars(unfitted) == vars(WindowTransformer(3))


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
    transformer = WindowTransformer(timesteps=48)
    tracemalloc.start()
    windows = transformer.fit_transform(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6
    assert windows.shape == (10_000_000, 48, 7)
    assert np.shares_memory(windows[:-1, 1], windows[1:, 0])


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
        [1, 2, 3, 4, 5],
        range(1, 6),
        np.arange(1, 6),
        np.arange(1.0, 6.0).reshape(-1, 1),
        pd.Series([1, 2, 3, 4, 5]),
        pd.DataFrame({"y": [1, 2, 3, 4, 5]}),
        [[1], [2], [3], [4], [5]],
    ],
    ids=["list", "range", "array", "2-D array", "Series", "DataFrame", "list of lists"],
)
def test_make_windows_takes_every_form_of_a_series(series):
    X, y = make_windows(series, 3)
    assert X.dtype == np.float64
    assert X.tolist() == [[[1.0], [2.0], [3.0]], [[2.0], [3.0], [4.0]]]
    assert y.tolist() == [4.0, 5.0]


@pytest.mark.parametrize(
    ("target", "columns"),
    [
        (None, [0, 1, 2]),
        ("x1", [1]),
        (1, [1]),
        (-1, [2]),
        (["x2", "x0"], [2, 0]),
        ([2, 0], [2, 0]),
        (["x1"], [1]),
    ],
)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_make_windows_target_chooses_columns(target, columns, n_outputs):
    data = daily(12, 3)
    _, y = make_windows(data, 4, target=target, n_outputs=n_outputs)
    rows = data.to_numpy()[:, columns]
    expected = np.stack([rows[t : t + n_outputs] for t in range(4, 13 - n_outputs)])
    single = tuple(axis for axis in (1, 2) if expected.shape[axis] == 1)
    assert_array_equal(y, expected.squeeze(axis=single))


def test_make_windows_prefers_the_name_of_a_column_to_its_position():
    data = pd.DataFrame({1: [1.0, 2.0, 3.0], 0: [7.0, 8.0, 9.0]})
    assert make_windows(data, 2, target=0)[1].tolist() == [9.0]


def test_make_windows_accepts_aligned_targets_of_any_type_and_returns_copies():
    labels = np.array(list("abcdefgh"))
    assert make_windows(values(8), 3, 2, target=labels)[1].tolist() == list("efgh")
    series = values(10, 1)
    _, y = make_windows(series, 3)
    assert y.flags.writeable
    assert not np.shares_memory(y, series)


GAPPY_TARGET = np.array([np.nan, np.nan, 3.0, 4.0, 5.0])


@pytest.mark.parametrize(
    ("series", "how", "error", "message"),
    [
        (daily(20)[::-1], {}, ValueError, "must ascend"),
        (np.zeros((3, 3, 3)), {}, ValueError, "dim 3"),
        (
            range(12),
            {"timesteps": 10, "horizon": 2, "n_outputs": 2},
            *(ValueError, r"at least 13 rows .*, got 12\. Shorten"),
        ),
        (
            daily(60).drop(index="2024-01-31"),
            {"timesteps": 30},
            *(ValueError, r"at least 31 rows .*, got 30 in its longest run"),
        ),
        ([1.0, 2.0, np.nan, 4.0], {}, ValueError, "Input series contains NaN.*row 2"),
        ([1.0, 2.0, -np.inf, 4.0], {}, ValueError, "Input series contains infinity.*row 2"),
        (range(9), {"timesteps": 0}, ValueError, "`timesteps` must be at least 1, got 0"),
        (range(9), {"horizon": 1.5}, TypeError, r"`horizon` must be an int, got 1\.5"),
        (range(9), {"stride": 0}, ValueError, "`stride` must be at least 1, got 0"),
        (range(9), {"n_outputs": 0}, ValueError, "`n_outputs` must be at least 1, got 0"),
        (
            daily(40).drop(index="2024-01-06"),
            {"timesteps": 15, "stride": 30},
            *(ValueError, "`stride` must leave at least one window"),
        ),
        (range(5), {"target": GAPPY_TARGET, "timesteps": 1}, ValueError, "`target` must be finite"),
        (range(5), {"target": np.array([1, 2, None, 4, 5])}, ValueError, "must be finite"),
        (daily(10), {"target": "z"}, ValueError, "be the name of a column"),
        (daily(10), {"target": 3}, ValueError, "position below 2"),
        (daily(10), {"target": [0, 5]}, ValueError, "position below 2"),
        (daily(10), {"target": []}, ValueError, "at least one column"),
        (daily(10), {"target": np.arange(4)}, ValueError, "aligned with the 10 rows"),
        (daily(10), {"target": np.zeros((10, 1, 1))}, ValueError, "aligned with the 10 rows"),
        (
            daily(10),
            {"target": pd.Series(range(10), index=pd.date_range("2020", periods=10))},
            *(ValueError, "same index as `series`"),
        ),
    ],
)
def test_make_windows_refuses_bad_arguments(series, how, error, message):
    with pytest.raises(error, match=message):
        make_windows(series, **({"timesteps": 2} | how))


def test_make_windows_ignores_missing_targets_of_rows_that_no_window_predicts():
    assert make_windows(range(5), 2, target=GAPPY_TARGET)[1].tolist() == [3.0, 4.0, 5.0]
