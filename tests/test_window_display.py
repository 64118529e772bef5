"""WindowDisplay: the rows it draws are those whose values stand in the windows."""

import numpy as np
import pandas as pd
import pytest
from drawing import legend, line, lines, ticks
from matplotlib import pyplot as plt
from numpy.testing import assert_array_equal

from skrnn import WindowDisplay, WindowTransformer, make_windows

RNG = np.random.default_rng(0)


def hourly(n_rows=60, gaps=()):
    times = pd.date_range("2024-03-01", periods=n_rows, freq="h").delete(list(gaps))
    return pd.DataFrame(RNG.normal(size=(len(times), 2)), index=times, columns=["a", "b"])


def panel():
    return pd.concat({"x": hourly(8), "y": hourly(9)}, names=["series", "time"])


def drawn(ax, label):
    """Return the squares or diamonds of a label as (window, row)."""
    return set(zip(line(ax, label).get_ydata(), line(ax, label).get_xdata(), strict=True))


@pytest.mark.parametrize("horizon", [0, 1, 3])
@pytest.mark.parametrize("X", [hourly(30).to_numpy(), hourly(60, gaps=[7, 8, 20]), panel()])
def test_rows_are_those_whose_values_the_transformer_gives(X, horizon):
    transformer = WindowTransformer(4, horizon=horizon).fit(X)
    display = WindowDisplay.from_estimator(transformer, X)
    windows, values = transformer.transform(X), np.asarray(X)
    known = display.sources == "row"
    assert_array_equal(windows[known], values[display.rows[known]])
    means = np.broadcast_to(transformer.means_, windows.shape)
    assert_array_equal(windows[~known], means[~known])
    assert set(display.sources[~known]) == {"padding"}
    assert_array_equal(display.targets[:, 0], range(len(X)))
    assert (display.targets - display.rows[:, -1:] == horizon).all()


@pytest.mark.parametrize("X", [hourly(30), hourly(30).to_numpy()])
def test_rows_remembered_from_fit_are_told_from_padding(X):
    transformer = WindowTransformer(4, horizon=2).fit(X[:20])
    display = WindowDisplay.from_estimator(transformer, X[20:])
    remembered = display.sources == "fit"
    assert remembered.any() == isinstance(X, pd.DataFrame)
    windows = transformer.transform(X[20:])
    assert_array_equal(windows[remembered], np.asarray(X)[20 + display.rows[remembered]])


@pytest.mark.parametrize(
    ("series", "settings"),
    [
        (range(1, 14), {}),
        (hourly(20), {"horizon": 3, "n_outputs": 2, "stride": 2}),
        (hourly(60, gaps=[7, 8, 20])["a"], {"horizon": 0}),
        (panel(), {"n_outputs": 2}),
    ],
)
def test_rows_and_targets_are_those_whose_values_make_windows_gives(series, settings):
    display = WindowDisplay.from_series(series, 3, **settings)
    X, y = make_windows(series, 3, **settings)
    values = np.asarray(series, dtype=float).reshape(len(series), -1)
    assert_array_equal(X, values[display.rows])
    assert_array_equal(y, values[display.targets].reshape(y.shape))
    assert (display.sources == "row").all()


def test_window_display_draws_a_square_for_each_step_and_a_diamond_for_each_target():
    display = WindowDisplay.from_estimator(WindowTransformer(2), np.zeros((3, 1)))
    ax = display.ax_
    assert drawn(ax, "row in the window") == {(1, 0), (2, 0), (2, 1)}
    assert drawn(ax, "padding") == {(0, -2), (0, -1), (1, -1)}
    assert drawn(ax, "target") == {(0, 0), (1, 1), (2, 2)}
    assert legend(ax) == ["row in the window", "padding", "target"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Row", "Window")
    assert ticks(ax) == ["-2", "-1", "0", "1", "2"]
    assert ax.yaxis_inverted()


def test_window_display_draws_the_chosen_windows_on_given_axes():
    figure, ax = plt.subplots()
    display = WindowDisplay.from_series(range(40), 3, windows=[20, 5], ax=ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert drawn(ax, "row in the window") == {(0, 20), (0, 21), (0, 22), (1, 5), (1, 6), (1, 7)}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["20", "5"]
    other = display.plot(windows=slice(2, 4)).ax_
    assert drawn(other, "target") == {(0, 5), (1, 6)}


def test_window_display_says_how_many_windows_it_leaves_out():
    display = WindowDisplay.from_series(range(40), 3)
    assert display.figure_.get_suptitle() == "The first 12 of 37 windows"
    assert len(drawn(display.ax_, "target")) == 12


def test_window_display_names_times_and_marks_gaps_and_borders():
    X = hourly(60, gaps=[7])
    ax = WindowDisplay.from_estimator(WindowTransformer(2), X, windows=range(5, 9)).ax_
    assert ax.get_xlabel() == "Time"
    assert ticks(ax) == [f"{time:%Y-%m-%d %H:%M}" for time in X.index[3:9]]
    [gap] = lines(ax, "break")
    assert list(gap.get_xdata()) == [6.5, 6.5]
    ax = WindowDisplay.from_estimator(WindowTransformer(2), panel(), windows=[8]).ax_
    assert [text[0] for text in ticks(ax)] == ["x", "x", "y"]
    assert ax.get_xlabel() == "time"
    assert line(ax, "break").get_xdata()[0] == 7.5


def test_window_display_leaves_the_transformer_as_it_is():
    X = hourly(30)
    transformer = WindowTransformer(3)
    WindowDisplay.from_estimator(transformer, X)
    assert not hasattr(transformer, "means_")
    expected = transformer.fit(X[:20]).transform(X[20:])
    WindowDisplay.from_estimator(transformer, X[20:])
    assert_array_equal(transformer.transform(X[20:]), expected)
    assert transformer.padding == "mean"
