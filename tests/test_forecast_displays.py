"""ForecastDisplay and BacktestDisplay: the lines, labels and data of their pictures, no pixels."""

import numpy as np
import pandas as pd
import pytest
from drawing import bands, beginning, legend, line, lines
from forecasting import Recorder, bare, linear, monthly
from matplotlib import pyplot as plt
from matplotlib.dates import date2num
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import BacktestDisplay, ForecastDisplay
from skrnn._displays.plotting import short


def fitted(series, **settings):
    settings = {"timesteps": 12, "steps": 6} | settings
    return bare(linear(), **settings).fit(series)


def wide(n_rows=60, names=("a", "b", "c")):
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-03-30", periods=n_rows, freq="h", tz="Europe/Berlin")
    return pd.DataFrame(rng.normal(size=(n_rows, len(names))), index=times, columns=list(names))


def test_forecast_display_draws_history_forecast_truth_and_cutoff():
    y = monthly(80)
    forecaster = fitted(y[:-6])
    display = ForecastDisplay.from_forecaster(forecaster, history=20, truth=y, unit="litres")
    ax, forecast = display.ax_, forecaster.predict()
    for label, rows in [("history", y[-26:-6]), ("forecast", forecast), ("truth", y[-6:])]:
        assert_array_equal(line(ax, label).get_xdata(orig=False), date2num(rows.index))
        assert_array_equal(line(ax, label).get_ydata(), rows)
    assert line(ax, "cutoff").get_xdata(orig=False)[0] == date2num(y.index[-7])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time", "y (litres)")
    assert display.figure_ is ax.figure


def test_forecast_display_draws_no_line_over_a_gap():
    y = monthly(40)
    y.iloc[[30, 31]] = np.nan
    display = ForecastDisplay.from_forecaster(bare(linear(), timesteps=3, fill="linear").fit(y))
    drawn = line(display.ax_, "history").get_ydata()
    assert_array_equal(drawn, y[-len(drawn) :])
    assert np.isnan(drawn).sum() == 2


def test_forecast_display_draws_intervals_the_widest_first():
    forecaster = fitted(monthly(), calibration=20)
    table = forecaster.predict(level=[80, 95][::-1])
    found = bands(ForecastDisplay.from_forecaster(forecaster, level=[80, 95]).ax_)
    assert list(found) == ["95% interval", "80% interval"]
    for level in (80, 95):
        corners = found[f"{level}% interval"][:, 1]
        assert set(table[f"lower_{level}"]) | set(table[f"upper_{level}"]) == set(corners)


def test_forecast_display_says_how_many_truths_the_intervals_hold():
    frame = wide()
    forecaster = fitted(frame[:54], calibration=20)
    table, truth = forecaster.predict(level=[50, 95]), frame[["a", "b"]][:-1]
    display = ForecastDisplay.from_forecaster(forecaster, level=[50, 95], truth=truth)
    for level in (50, 95):
        inside = [
            truth[label][54:].between(*(table[label][:-1][f"{end}_{level}"] for end in ENDS)).sum()
            for label in truth
        ]
        assert f"{level}% interval: {sum(inside)} of 10" in legend(display.ax_[0])


@pytest.mark.parametrize("names", ["a", "abc"])
def test_forecast_display_draws_quantiles_of_equal_tails_as_an_interval(names):
    frame = wide(names=list(names)).squeeze(axis=1)
    table = fitted(frame[:54], calibration=30).predict(quantiles=[0.1, 0.5, 0.9])
    axes = np.ravel(ForecastDisplay.from_predictions(table).ax_)
    for ax, label in zip(axes, names, strict=True):
        rows = table if len(names) == 1 else table[label]
        (name, corners), *others = bands(ax).items()
        assert (name, others) == ("80% interval", [])
        assert set(corners[:, 1]) == {*rows["q_0.1"], *rows["q_0.9"]}


ENDS = "lower", "upper"
LEVELS = pd.MultiIndex.from_tuples([("open", "a", 1), ("open", "b", 1), ("close", "a", 1)])
# A wide frame, and what makes a panel of it.
PANELS = {
    "wide": (wide(), pd.DataFrame),
    "long": (wide(), lambda frame: frame.T.stack()),
    "long frame": (wide(), lambda frame: frame.T.stack().to_frame("y")),
    "columns of several levels": (wide().set_axis(LEVELS, axis=1), pd.DataFrame),
    "named as its columns": (wide(names=["a", "forecast"]), pd.DataFrame),
    "in another order": (wide(names=["forecast", "a"]), pd.DataFrame),
    "named as its intervals": (wide(names=["lower_80", "forecast"]), pd.DataFrame),
}


@pytest.mark.parametrize("level", [None, 80])
@pytest.mark.parametrize("panel", PANELS)
def test_forecast_display_draws_each_series_of_every_panel(panel, level):
    frame, formed = PANELS[panel]
    known, truth = formed(frame[:54]), formed(frame)
    forecaster = fitted(known, calibration=9)
    forecast = forecaster.predict(level=level)
    of_forecaster = ForecastDisplay.from_forecaster(forecaster, level=level, truth=truth)
    of_forecast = ForecastDisplay.from_predictions(forecast, history=known, truth=truth)
    expected = fitted(frame[:54], calibration=9).predict()
    for display, n_known in [(of_forecaster, 48), (of_forecast, 54)]:
        assert [ax.get_ylabel() for ax in display.ax_] == [str(label) for label in frame]
        for ax, label in zip(display.ax_, frame, strict=True):
            assert_array_equal(line(ax, "truth").get_ydata(), frame[label][54:])
            assert_array_equal(line(ax, "history").get_ydata(), frame[label][54 - n_known : 54])
            assert_allclose(line(ax, "forecast").get_ydata(), expected[label], rtol=1e-5)
            assert len(bands(ax)) == (level is not None)


@pytest.mark.parametrize("lacking", ["no column", "only NaN"])
def test_forecast_display_draws_the_series_that_have_a_truth_or_history(lacking):
    frame = wide()
    forecast, known, truth = fitted(frame[:54]).predict(), frame[:54].copy(), frame.copy()
    known["c"] = truth["a"] = np.nan
    if lacking == "no column":
        known, truth = known[["a", "b"]], truth[["b", "c"]]
    display = ForecastDisplay.from_predictions(forecast, history=known, truth=truth)
    for name, labels in [("forecast", "abc"), ("history", "ab"), ("truth", "bc"), ("cutoff", "ab")]:
        assert [ax.get_ylabel() for ax in display.ax_ if lines(ax, name)] == list(labels)
    assert set(legend(display.ax_[0])) == {"history", "forecast", "truth", "cutoff"}


def test_forecast_display_puts_all_into_the_time_zone_of_the_forecast():
    frame = wide()
    ax = ForecastDisplay.from_predictions(frame[54:], history=frame[:54].tz_convert("UTC")).ax_[0]
    assert_array_equal(line(ax, "history").get_xdata(orig=False), date2num(frame.index[:54]))
    assert str(ax.xaxis.get_major_formatter()._tz) == "Europe/Berlin"
    with pytest.raises(ValueError, match=r"`history` must have times .*forecast.*, got"):
        ForecastDisplay.from_predictions(frame[54:], history=frame[:54].tz_localize(None))


def test_forecast_display_draws_the_chosen_series_on_given_axes():
    forecaster = fitted(wide())
    figure, axes = plt.subplots(1, 2)
    display = ForecastDisplay.from_forecaster(forecaster, labels=["c", "a"], ax=axes)
    assert display.figure_ is figure
    assert list(display.ax_) == list(axes)
    assert [ax.get_ylabel() for ax in axes] == ["c", "a"]
    forecast = forecaster.predict()
    assert_array_equal(line(axes[0], "forecast").get_ydata(), forecast["c"])
    one = display.plot(labels="b")
    assert_array_equal(line(one.ax_, "forecast").get_ydata(), forecast["b"])


def test_forecast_display_says_how_many_series_it_leaves_out():
    display = ForecastDisplay.from_forecaster(fitted(wide(names="abcdefgh")))
    assert len(display.ax_) == 6
    assert display.figure_.get_suptitle() == "The first 6 of 8 series"


def test_forecast_display_marks_a_single_step():
    display = ForecastDisplay.from_forecaster(fitted(monthly(), steps=1))
    assert line(display.ax_, "forecast").get_marker() == "."


DECEMBER = np.datetime64("2024-12-01")


@pytest.mark.parametrize(
    ("times", "label", "cutoff"),
    [
        (pd.RangeIndex(60), "Row", 59),
        (pd.RangeIndex(60, name="day"), "day", 59),
        (pd.timedelta_range(0, periods=60, freq="15min"), "Time (hours)", 59 / 4),
        (pd.timedelta_range(0, periods=60, freq="h"), "Time (days)", 59 / 24),
        (pd.period_range("2020-01", periods=60, freq="M"), "Time", date2num(DECEMBER)),
        (wide().index, "Time", date2num(wide().index[-1])),
    ],
)
def test_every_kind_of_time_has_its_place_on_the_axis(times, label, cutoff):
    forecaster = fitted(pd.Series(np.sin(np.arange(60)), index=times))
    ax = ForecastDisplay.from_forecaster(forecaster).ax_
    assert ax.get_xlabel() == label
    assert line(ax, "cutoff").get_xdata(orig=False)[0] == pytest.approx(cutoff)
    ax.figure.canvas.draw()


def test_forecast_display_draws_predictions_made_before():
    y = monthly(30)
    display = ForecastDisplay.from_predictions(y[-5:], history=y[:-5].rename("other"))
    assert_array_equal(line(display.ax_, "forecast").get_ydata(), y[-5:])
    assert_array_equal(line(display.ax_, "history").get_ydata(), y[:-5])
    assert display.plot() is display


def test_backtest_display_draws_truth_and_the_forecast_of_each_fold():
    y = monthly(80)
    forecaster = bare(linear(), timesteps=12, steps=6, calibration=9)
    backtest = forecaster.backtest(y, folds=3, level=80)
    display = BacktestDisplay.from_forecaster(forecaster, y, folds=3, level=80, unit="litres")
    ax = display.ax_[0]
    assert_array_equal(line(ax, "truth").get_xdata(orig=False), date2num(y.index[-18:]))
    assert_array_equal(line(ax, "truth").get_ydata(), y[-18:])
    folds = [rows for _, rows in backtest.groupby("cutoff")]
    for drawn, rows in zip(lines(ax, "forecast"), folds, strict=True):
        assert_array_equal(drawn.get_xdata(orig=False), date2num(rows["time"]))
        assert_array_equal(drawn.get_ydata(), rows["forecast"])
    cutoffs = [drawn.get_xdata(orig=False)[0] for drawn in lines(ax, "cutoff")]
    assert_array_equal(cutoffs, date2num(y.index[[-19, -13, -7]]))
    assert len(ax.collections) == 3
    assert legend(ax) == ["truth", "80% interval", "forecast", "cutoff"]
    assert ax.get_ylabel() == "y (litres)"


@pytest.mark.parametrize(
    ("measure", "label"),
    [("MASE", "MASE (in-sample seasonal naive = 1)"), ("MAE", "MAE (m)"), ("sMAPE", "sMAPE (%)")],
)
def test_backtest_display_draws_the_error_by_step_beside_the_baselines(measure, label):
    backtest = bare(linear(), timesteps=12, steps=6).backtest(monthly(80), folds=3)
    ax = BacktestDisplay.from_backtest(backtest, measure=measure, unit="m").ax_[1]
    assert ax.get_ylabel() == label
    summary = backtest.summary()
    for name in ("forecast", "naive", "seasonal_naive", "drift", "ridge"):
        drawn = beginning(ax, name.replace("_", " ") + ": ")
        written = float(drawn.get_label().split(": ")[1])
        assert written == pytest.approx(summary.loc[name, measure], rel=0.005)
        steps = [backtest[backtest["step"] == step].summary() for step in range(1, 7)]
        assert_allclose(drawn.get_ydata(), [errors.loc[name, measure] for errors in steps])


@pytest.mark.parametrize(
    ("number", "text"),
    [(37.0, "37.0"), (0.9612, "0.961"), (12345.6, "12,346"), (0.0, "0.00"), (np.nan, "nan")],
)
def test_numbers_in_a_legend_have_three_digits(number, text):
    assert short(number) == text


def test_backtest_display_draws_one_series_of_several_and_no_truth_between_far_folds():
    frame = wide(100)
    backtest = bare(Recorder(), timesteps=12, steps=4).backtest(frame, folds=3, step=10)
    ax = BacktestDisplay.from_backtest(backtest, label="b").ax_[0]
    rows = backtest[backtest["series"] == "b"]
    truth = line(ax, "truth").get_ydata()
    assert_array_equal(np.flatnonzero(np.isnan(truth)), [4, 9])
    assert_array_equal(truth[~np.isnan(truth)], rows["truth"])
    assert ax.get_ylabel() == "b"


def test_backtest_display_draws_each_truth_once_where_folds_overlap_and_alone_on_one_axes():
    y = monthly(60)
    backtest = bare(Recorder(), timesteps=12, steps=6).backtest(y, folds=4, step=2)
    figure, ax = plt.subplots()
    display = BacktestDisplay.from_backtest(backtest, ax=ax)
    assert display.ax_ is ax
    assert figure.axes == [ax]
    assert_array_equal(line(ax, "truth").get_ydata(), y[-12:])


def test_backtest_display_draws_the_coverage_of_each_level_by_step():
    asked = bare(linear(), timesteps=12, steps=6, calibration=20)
    backtest = asked.backtest(monthly(90), folds=4, step=2, level=[50, 90])
    display = BacktestDisplay.from_backtest(backtest)
    folds, _, ax = display.ax_
    assert legend(folds)[1:3] == ["90% interval", "50% interval"]
    assert {drawn.get_ydata()[0] for drawn in lines(ax, "nominal")} == {50, 90}
    for level in (50, 90):
        truth, ends = backtest["truth"], [backtest[f"{end}_{level}"] for end in ENDS]
        inside = 100 * truth.between(*ends)
        drawn = line(ax, f"{level}%: {short(inside.mean())}%")
        assert_allclose(drawn.get_ydata(), inside.groupby(backtest["step"]).mean())
    _, pair = plt.subplots(1, 2)
    assert len(display.plot(pair).ax_) == 2
