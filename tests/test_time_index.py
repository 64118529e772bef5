"""Time indexes: order, frequency and gaps."""

import numpy as np
import pandas as pd
import pytest
from forecasting import TIMES

from skrnn._preprocessing.frequency import read_step
from skrnn._preprocessing.time_grid import VECTORIZED_OFFSETS, follows, run_bounds
from skrnn._preprocessing.time_index import in_kind, read_time_index

REGULAR = {name: times for name, times in TIMES.items() if name not in ("range", "integers")}


def bare(times):
    """The same times without the frequency that pandas remembers."""
    if isinstance(times, pd.PeriodIndex):
        return times
    return type(times)(times, freq=None)


def frame(times):
    return pd.DataFrame({"y": np.arange(len(times), dtype=float)}, index=times)


def runs(data, frequency=None):
    index = read_time_index(data)
    return run_bounds(index, frequency or read_step(index), len(data)).tolist()


@pytest.mark.parametrize("times", REGULAR.values(), ids=REGULAR.keys())
def test_regular_index_is_one_run_and_missing_rows_break_it(times):
    if times.freq is not None:
        assert read_step(read_time_index(frame(times))) == times.freq
    assert runs(frame(times)) == [0, len(times)]
    data = frame(bare(times))
    frequency = read_step(read_time_index(data))
    assert frequency is not None
    assert runs(data) == [0, len(times)]
    assert runs(frame(data.index.delete([40, 41]))) == [0, 40, len(times) - 2]
    # Slices are compared by the frequency of the whole.
    rows = data.index
    assert follows(rows[[50, 50]], rows[[51, 52]], frequency).tolist() == [True, False]
    assert runs(data.iloc[[50, 51, 53]], frequency) == [0, 2, 3]


@pytest.mark.parametrize("block", [1, 7, 39, 40, 41])
def test_long_index_compared_in_blocks_has_the_same_runs(monkeypatch, block):
    monkeypatch.setattr("skrnn._preprocessing.time_grid.STEPS_AT_ONCE", block)
    assert runs(frame(bare(TIMES["days"]).delete([40, 41]))) == [0, 40, 58]


DAILY = pd.date_range("2024-01-01", periods=107)
DAY = pd.offsets.Day()
CAIRO = pd.date_range("2024-04-20", periods=24 * 20, freq="h", tz="Africa/Cairo")


def ordinary(offset, n_rows=60):
    """Times of an offset that do not remember it."""
    return bare(pd.date_range("2000-01-01", periods=n_rows, freq=offset))


@pytest.mark.parametrize(
    "offset",
    [
        *"D 2D 3h 90s B 2B W-WED 2W-SUN MS ME 2MS QS-FEB QE-JAN YS-APR YE BMS BME BQE".split(),
        *("WOM-3FRI", pd.offsets.LastWeekOfMonth(weekday=4), "SMS", "SME"),
    ],
)
def test_step_is_found_with_rows_missing(offset):
    times = ordinary(offset)
    step = read_step(read_time_index(frame(times)))
    assert pd.date_range(times[0], periods=60, freq=step).equals(times)
    assert runs(frame(times)) == [0, 60]
    assert runs(frame(times.delete([7, 30, 31]))) == [0, 7, 29, 57]
    assert read_step(read_time_index(frame(times.delete([7, 30, 31])))) == step


@pytest.mark.parametrize(
    ("times", "frequency", "bounds"),
    [
        (bare(TIMES["month ends"]).delete(50), pd.offsets.MonthEnd(1), [0, 50, 59]),
        (ordinary("MS", 15).delete(7), pd.offsets.MonthBegin(1), [0, 7, 14]),
        (ordinary("MS", 9)[::4], pd.offsets.MonthBegin(4), [0, 3]),
        (pd.DatetimeIndex(["2024-01-01", "2024-02-01"]), pd.offsets.MonthBegin(1), [0, 2]),
        (pd.DatetimeIndex(["2024-01-05", "2024-01-08"]), pd.offsets.BusinessDay(), [0, 2]),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-03"]), pd.offsets.Day(2), [0, 2]),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-15"]), pd.offsets.Week(2, weekday=0), [0, 2]),
        (DAILY[:3], DAY, [0, 3]),
        (bare(DAILY[:5]).delete(2), DAY, [0, 2, 4]),  # no weekend shows business days
        (DAILY.delete(range(4, 28, 4)), DAY, [0, 4, 7, 10, 13, 16, 19, 101]),
        (DAILY[[0, 1, 5, 39]], DAY, [0, 2, 3, 4]),
        (
            bare(DAILY).append(DAILY[-1:] + pd.Timedelta("12h")),
            *(pd.Timedelta("12h"), [*range(107), 108]),
        ),
        # Holidays of business days, and a day that ten years of temperatures lack.
        (
            pd.bdate_range("2021-01-01", periods=260).delete([40, 80, 140]),
            *(pd.offsets.BusinessDay(), [0, 40, 79, 138, 257]),
        ),
        (pd.date_range("1981-01-01", "1990-12-31").drop("1984-12-31"), DAY, [0, 1460, 3651]),
        # A day, and a month, that begin at 1:00, where clocks are put forward at midnight.
        (bare(frame(CAIRO).resample("D").sum().index), DAY, [0, 21]),
        (
            ordinary("MS")
            .tz_localize("America/Asuncion", nonexistent="shift_forward")[3:]
            .delete(7),
            *(pd.offsets.MonthBegin(), [0, 7, 56]),
        ),
    ],
)
def test_step_is_the_coarsest_grid_that_contains_every_time(times, frequency, bounds):
    assert read_step(read_time_index(frame(times))) == frequency
    assert runs(frame(times)) == bounds


MINUTES = bare(pd.date_range("2024-01-01", periods=1000, freq="min"))


def with_time(times, time):
    return times.append(pd.DatetimeIndex([time])).sort_values()


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (
            with_time(MINUTES, "2060-01-01"),
            "a step of min.*between 2024-01-01 16:39.* and 2060-01-01 00:00:00",
        ),
        (with_time(MINUTES, "2024-01-01 08:20:30.123456"), "and 2024-01-01 08:20:30.123456"),
        (with_time(ordinary("MS").delete(8), "2000-09-17"), "a step of D, and 2000-09-17 00:00:00"),
        (with_time(ordinary("ME").delete(8), "2000-09-17"), "a step of D, and 2000-09-17 00:00:00"),
        (with_time(ordinary("D"), "2000-01-09 13:37:11"), "a step of s, and 2000-01-09 13:37:11"),
        (
            bare(DAILY)[[0, 1, 4, 31, 90]],
            "a step of D, and no row between 2024-02-01.* and 2024-03-31 00:00:00",
        ),
    ],
)
@pytest.mark.parametrize("in_panel", [False, True])
def test_a_sparse_grid_is_refused_with_the_times_that_make_it_so(times, words, in_panel):
    data = frame(times)
    if in_panel:
        data = pd.concat({"a": frame(times[:1]), "b": data})
    remedy = " in series 'b'.*`freq`.*cumcount" if in_panel else r".*`freq`.*`X\.reset_index"
    with pytest.raises(
        ValueError, match=f"must follow each other at a regular step.*{words}{remedy}"
    ):
        read_step(read_time_index(data))


@pytest.mark.parametrize(
    ("times", "freq", "bounds"),
    [
        (ordinary("MS", 15).delete(7), "MS", [0, 7, 14]),
        (ordinary("MS", 4), "D", [0, 1, 2, 3, 4]),
        (ordinary("MS", 4), pd.DateOffset(months=1), [0, 4]),
        (bare(DAILY[:9]).delete(2), pd.Timedelta("1D"), [0, 2, 8]),
        (bare(DAILY[:3]), pd.DateOffset(hours=24), [0, 3]),
        (with_time(MINUTES, "2060-01-01"), "min", [0, 1000, 1001]),
        (TIMES["months as periods"].delete(5), "M", [0, 5, 59]),
        (TIMES["durations"], pd.Timedelta("90min"), [0, 60]),
        (ordinary("C", 9).delete(3), pd.offsets.CustomBusinessDay(), [0, 3, 8]),
    ],
)
def test_freq_settles_the_step(times, freq, bounds):
    index = read_time_index(frame(times))
    assert run_bounds(index, read_step(index, freq), len(times)).tolist() == bounds


@pytest.mark.parametrize(
    ("data", "freq", "words"),
    [
        (frame(ordinary("MS", 4)), "7x", "`freq` must be a pandas frequency.*got '7x'"),
        (frame(ordinary("MS", 4)), 5, "`freq` must be a pandas frequency.*got 5"),
        (frame(ordinary("MS", 4)), "0D", "`freq` must be a pandas frequency.*got '0D'"),
        (frame(ordinary("MS", 4)), "ME", "`freq`='ME', got 2000-01-01.* off it"),
        (frame(ordinary("D", 4)), "2D", "`freq`='2D', got 2000-01-02.*2000-01-04"),
        (frame(TIMES["months as periods"]), "D", "`freq` must be .* period.M., got 'D'"),
        (frame(TIMES["durations"]), "MS", "`freq` must be .*got 'MS'"),
        (frame(pd.MultiIndex.from_product([["a", "b"], [1, 2, 4]])), "D", "whole number above 0"),
        (
            frame(pd.MultiIndex.from_tuples([("a", 1), ("a", 3), ("b", 1), ("b", 2)])),
            *(2, "`freq`=2, got 2 off it in series 'b'"),
        ),
        (frame(pd.RangeIndex(4)), "D", "`freq` needs times.* no time index"),
    ],
)
def test_freq_that_the_times_do_not_follow_is_refused(data, freq, words):
    with pytest.raises(ValueError, match=words):
        read_step(read_time_index(data), freq)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "offset",
    [
        pd.offsets.CustomBusinessDay(),
        pd.offsets.WeekOfMonth(week=2, weekday=4),
        pd.offsets.FY5253(),
        pd.DateOffset(months=1, day=31),
        *[kind(2) for kind in sorted(VECTORIZED_OFFSETS, key=str)],
    ],
    ids=str,
)
def test_any_offset_makes_one_run_without_a_warning(offset):
    times = pd.date_range("2024-01-01", periods=30, freq=offset)
    assert runs(frame(times), offset) == [0, 30]
    assert runs(frame(times.delete(10)), offset) == [0, 10, 29]


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3),
        pd.Index([20240101, 20240103, 20240102]),
        pd.Index(["c", "a", "b"]),
    ],
    ids=["range", "ints", "strings"],
)
def test_any_other_index_is_ignored(index):
    assert read_time_index(frame(index)) is None
    assert read_time_index(frame(index).to_numpy()) is None


TIME_LEVELS = {
    "whole numbers": np.arange(4),
    "small whole numbers": np.arange(4, dtype="uint8"),
    "nullable whole numbers": pd.array([0, 1, 2, 3], "Int64"),
    "times of Arrow": DAILY[:4].astype("timestamp[ns][pyarrow]"),
    "days of Arrow": DAILY[:4].astype("date32[pyarrow]"),
    "whole numbers of Arrow": pd.array([0, 1, 2, 3], "int64[pyarrow]"),
    "days of Python": DAILY[:4].date,
    "categories": pd.CategoricalIndex(DAILY[:4]),
    "periods": DAILY[:4].to_period("D"),
}


@pytest.mark.parametrize("kind", TIME_LEVELS)
@pytest.mark.parametrize("series", [[["a", "b"]], [["a", "b"], [7, 8]], [[1, 2]]])
def test_the_last_level_is_time_and_those_before_it_name_the_series(kind, series):
    data = frame(pd.MultiIndex.from_product([*series, TIME_LEVELS[kind]]))
    n_series = len(data) // 4
    index = read_time_index(data)
    assert index.labels == list(dict.fromkeys(data.index.droplevel(-1)))
    assert runs(data) == [4 * k for k in range(n_series + 1)]
    assert runs(data.drop(data.index[1])) == [0, 1, *(4 * k - 1 for k in range(1, n_series + 1))]


@pytest.mark.parametrize(
    "kind", ["times of Arrow", "days of Arrow", "days of Python", "categories"]
)
def test_times_of_any_type_are_times_without_series_too(kind):
    times = pd.Index(TIME_LEVELS[kind])
    assert runs(frame(times)) == [0, 4]
    assert runs(frame(times.delete(1))) == [0, 1, 3]


@pytest.mark.parametrize(
    ("levels", "error", "words"),
    [
        (
            [DAILY[:3], ["x", "y"]],
            ValueError,
            r"times first and (str|object) last.*X\.swaplevel\(\)",
        ),
        ([DAILY[:3], [1, 2]], ValueError, r"times first and int64 last.*swaplevel"),
        (
            [[1, 2, 3], ["x", "y"]],
            ValueError,
            r"times first.*swaplevel\(\)\.sort_index.*to_datetime",
        ),
        ([TIME_LEVELS["times of Arrow"], ["x"]], ValueError, "times first.*swaplevel"),
        ([["p"], DAILY[:3], ["x"]], ValueError, r"times in level 1.*reorder_levels\(\[0, 2, 1\]\)"),
        ([["x", "y"], DAILY[:3].astype(str)], TypeError, "times last, got .*`X.index.set_levels"),
        ([["x", "y"], [0.5, 1.0]], TypeError, "times last, got float64"),
    ],
)
def test_levels_without_time_last_are_refused(levels, error, words):
    with pytest.raises(error, match=words):
        read_time_index(frame(pd.MultiIndex.from_product(levels)))


def panel(*blocks):
    """A frame of the blocks (label, times), in this order."""
    pairs = [(label, time) for label, times in blocks for time in times]
    return frame(pd.MultiIndex.from_tuples(pairs, names=["series", "time"]))


DAYS = pd.date_range("2024-01-01", periods=40)
WORKDAYS = TIMES["business days"]


@pytest.mark.parametrize(
    ("blocks", "frequency", "bounds"),
    [
        ([("b", DAYS), ("c", DAYS[:10]), ("a", DAYS[5:])], pd.offsets.Day(), [0, 40, 50, 85]),
        ([("a", DAYS[:20]), ("b", DAYS[20:])], pd.offsets.Day(), [0, 20, 40]),
        ([("a", DAYS), ("b", DAYS.delete(7))], pd.offsets.Day(), [0, 40, 47, 79]),
        ([("week", WORKDAYS[:5]), ("long", WORKDAYS)], pd.offsets.BusinessDay(), [0, 5, 65]),
        ([("a", DAYS[:1]), ("b", DAYS[:1])], None, [0, 1, 2]),
        (
            [(day, ordinary(f"W-{day}", 4)) for day in ("SUN", "WED")],
            *(pd.offsets.Day(7), [0, 4, 8]),
        ),
        (
            [("a", ordinary("3MS", 4)), ("b", ordinary("QS-FEB", 4))],
            *(pd.offsets.MonthBegin(3), [0, 4, 8]),
        ),
    ],
    ids=[
        *("any order", "consecutive", "gap", "longest tells the frequency", "one row each"),
        *("weeks of other days", "quarters of other months"),
    ],
)
def test_runs_of_a_panel_end_with_their_series(blocks, frequency, bounds):
    index = read_time_index(panel(*blocks))
    assert index.labels == [label for label, _ in blocks]
    assert read_step(index) == frequency
    assert runs(panel(*blocks)) == bounds


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (frame(DAYS[[0, 2, 1]]), r"must ascend, got 2024-01-02.*unsorted.*sort_index"),
        (frame(DAYS[[0, 1, 1]]), r"duplicates, got 2024-01-02.* twice\. Drop"),
        (panel(("a", DAYS[:4]), ("b", DAYS[3::-1])), "must ascend.*in series 'b'"),
        (
            panel(("a", DAYS[:2]), ("b", DAYS), ("a", DAYS[2:])),
            "contiguous, got those of 'a'.*ShuffleSplit",
        ),
        (frame(DAYS[[0, 1]].append(pd.DatetimeIndex([pd.NaT]))), "NaT in row 2"),
        (frame(pd.MultiIndex.from_arrays([["a", None], DAYS[:2]])), "missing label in row 1"),
    ],
    ids=["unsorted", "duplicates", "unsorted series", "scattered series", "NaT", "no label"],
)
def test_bad_index_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read_time_index(data)


def test_times_of_another_zone_or_resolution_are_of_the_same_kind():
    berlin, in_seconds = DAYS.tz_localize("Europe/Berlin"), DAYS.as_unit("s")
    index = read_time_index(frame(berlin.tz_convert("UTC")))
    assert in_kind(index, berlin.dtype).times.equals(berlin)
    index = read_time_index(frame(DAYS.as_unit("ns")))
    assert in_kind(index, in_seconds.dtype) is index


@pytest.mark.parametrize(
    "times",
    [DAYS.tz_localize("UTC"), DAYS.to_period("D"), pd.timedelta_range("0D", periods=3)],
    ids=["time zone", "periods", "durations"],
)
def test_another_kind_of_time_is_refused(times):
    index = read_time_index(frame(times))
    with pytest.raises(ValueError, match="kind seen in `fit`, datetime64"):
        in_kind(index, DAYS.dtype)
