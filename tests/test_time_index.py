"""Time indexes: order, frequency and gaps."""

import numpy as np
import pandas as pd
import pytest

from skrnn._preprocessing.time_index import (
    VECTORIZED_OFFSETS,
    follows,
    in_kind,
    learn_frequency,
    read_time_index,
    run_bounds,
)

REGULAR = {
    "hourly": pd.date_range("2024-01-01", periods=100, freq="h"),
    "daily": pd.date_range("2024-01-01", periods=100, freq="D"),
    "business": pd.date_range("2024-01-01", periods=100, freq="B"),
    "weekly": pd.date_range("2024-01-01", periods=100, freq="W"),
    "month start": pd.date_range("2000-01-01", periods=100, freq="MS"),
    "mid-month": pd.date_range("2000-01-15", periods=100, freq=pd.DateOffset(months=1)),
    "month end": pd.date_range("2000-01-31", periods=100, freq="ME"),
    "quarter start": pd.date_range("1980-01-01", periods=100, freq="QS"),
    "quarter end": pd.date_range("1980-01-31", periods=100, freq="QE"),
    "year start": pd.date_range("1900-01-01", periods=100, freq="YS"),
    "year end": pd.date_range("1900-01-01", periods=100, freq="YE"),
    "quarter of an hour": pd.timedelta_range("0h", periods=100, freq="15min"),
    "days of a process": pd.timedelta_range("0D", periods=100, freq="D"),
    "monthly periods": pd.period_range("2000-01", periods=100, freq="M"),
    "three-month periods": pd.period_range("2000-01", periods=100, freq="3M"),
    "daily, clocks change": pd.date_range("2024-02-01", periods=300, freq="D", tz="Europe/Berlin"),
    "hourly, clocks change": pd.date_range("2024-03-29", periods=99, freq="h", tz="Europe/Berlin"),
    "24-hourly, clocks change": pd.date_range(
        "2024-02-01", periods=300, freq="24h", tz="Europe/Berlin"
    ),
}
# Clipped where a month is shorter, which pandas knows no frequency for.
REGULAR["thirtieths"] = pd.date_range(
    "2000-01-30", periods=100, freq=pd.DateOffset(months=1, day=30)
)


def bare(times):
    """The same times without the frequency that pandas remembers."""
    if isinstance(times, pd.PeriodIndex):
        return times
    return type(times)(times, freq=None)


def frame(times):
    return pd.DataFrame({"y": np.arange(len(times), dtype=float)}, index=times)


def runs(data, frequency=None):
    index = read_time_index(data)
    return run_bounds(index, frequency or learn_frequency(index), len(data)).tolist()


@pytest.mark.parametrize("times", REGULAR.values(), ids=REGULAR.keys())
def test_regular_index_is_one_run_and_missing_rows_break_it(times):
    assert learn_frequency(read_time_index(frame(times))) == times.freq
    assert runs(frame(times)) == [0, len(times)]
    data = frame(bare(times))
    frequency = learn_frequency(read_time_index(data))
    assert frequency is not None
    assert runs(data) == [0, len(times)]
    assert runs(frame(data.index.delete([40, 41]))) == [0, 40, len(times) - 2]
    # Slices are compared by the frequency of the whole.
    assert follows(data.index[59], data.index[60], frequency)
    assert not follows(data.index[59], data.index[61], frequency)
    assert runs(data.iloc[[60, 61, 63]], frequency) == [0, 2, 3]


def test_missing_day_in_ten_years_makes_two_runs():
    times = pd.date_range("1981-01-01", "1990-12-31").delete([1460])
    assert len(times) == 3651
    assert pd.Timestamp("1984-12-31") not in times
    assert runs(frame(times)) == [0, 1460, 3651]


@pytest.mark.parametrize("block", [1, 7, 39, 40, 41])
def test_long_index_compared_in_blocks_has_the_same_runs(monkeypatch, block):
    monkeypatch.setattr("skrnn._preprocessing.time_index.STEPS_AT_ONCE", block)
    assert runs(frame(bare(REGULAR["daily"]).delete([40, 41]))) == [0, 40, 98]


DAILY = pd.date_range("2024-01-01", periods=107)


@pytest.mark.parametrize(
    ("times", "frequency"),
    [
        (bare(REGULAR["month end"]).delete(50), pd.offsets.MonthEnd(1)),
        (bare(REGULAR["quarter start"]).delete(50), pd.DateOffset(months=3)),
        (pd.DatetimeIndex(["2024-01-01", "2024-02-01"]), pd.DateOffset(months=1)),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-03"]), pd.offsets.Day()),
        (DAILY.delete(range(4, 28, 4)), None),  # 94% of the steps are a day
        (DAILY.delete(range(4, 20, 4)), pd.Timedelta(days=1)),
    ],
)
def test_frequency_is_the_step_that_95_percent_agree_with(times, frequency):
    assert learn_frequency(read_time_index(frame(times))) == frequency


def test_irregular_index_is_one_run():
    times = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-05", "2024-02-01"])
    assert runs(frame(times)) == [0, 4]


def test_holidays_of_business_days_are_gaps():
    times = pd.bdate_range("2021-01-01", periods=260).delete([40, 80, 140])
    assert learn_frequency(read_time_index(frame(times))) == pd.offsets.BusinessDay()
    assert runs(frame(times)) == [0, 40, 79, 138, 257]


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
        pd.MultiIndex.from_arrays([["a"] * 3, [3, 1, 2]]),
        pd.MultiIndex.from_arrays([["a"] * 3, ["b"] * 3, pd.date_range("2024", periods=3)]),
    ],
    ids=["range", "ints", "strings", "other levels", "three levels"],
)
def test_any_other_index_is_ignored(index):
    assert read_time_index(frame(index)) is None


def test_array_has_no_time_index():
    assert read_time_index(np.zeros((3, 1))) is None


def panel(*blocks):
    """A frame of the blocks (label, times), in this order."""
    pairs = [(label, time) for label, times in blocks for time in times]
    return frame(pd.MultiIndex.from_tuples(pairs, names=["series", "time"]))


def test_series_of_a_panel_are_runs_in_any_order():
    days = pd.date_range("2024-01-01", periods=40)
    data = panel(("b", days), ("c", days[:10]), ("a", days[5:]))
    assert read_time_index(data).labels == ["b", "c", "a"]
    assert runs(data) == [0, 40, 50, 85]


def test_consecutive_times_of_two_series_are_no_run():
    days = pd.date_range("2024-01-01", periods=40)
    assert runs(panel(("a", days[:20]), ("b", days[20:]))) == [0, 20, 40]


def test_gap_within_a_series_of_a_panel_breaks_its_run():
    days = pd.date_range("2024-01-01", periods=40)
    assert runs(panel(("a", days), ("b", days.delete(7)))) == [0, 40, 47, 79]


def test_frequency_of_a_panel_is_inferred_from_its_longest_series():
    days = REGULAR["business"]
    data = panel(("week", days[:5]), ("long", days))
    assert learn_frequency(read_time_index(data)) == pd.offsets.BusinessDay()
    assert runs(data) == [0, 5, 105]


def test_panel_of_series_with_one_row_each_counts_by_position():
    day = pd.date_range("2024-01-01", periods=1)
    data = panel(("a", day), ("b", day))
    assert learn_frequency(read_time_index(data)) is None
    assert runs(data) == [0, 1, 2]


DAYS = pd.date_range("2024-01-01", periods=4)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (frame(DAYS[[0, 2, 1]]), r"must ascend, got 2024-01-02.*unsorted.*sort_index"),
        (frame(DAYS[[0, 1, 1]]), r"duplicates, got 2024-01-02.* twice\. Drop"),
        (panel(("a", DAYS), ("b", DAYS[::-1])), "must ascend.*in series 'b'"),
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


def test_other_time_zone_is_converted():
    berlin = pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin")
    index = read_time_index(frame(berlin.tz_convert("UTC")))
    assert in_kind(index, berlin.dtype).times.equals(berlin)


def test_other_resolution_is_the_same_kind_of_time():
    days = pd.date_range("2024-01-01", periods=3)
    index = read_time_index(frame(days.as_unit("ns")))
    assert in_kind(index, days.as_unit("s").dtype) is index


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2024-01-01", periods=3, tz="UTC"),
        pd.period_range("2024-01-01", periods=3, freq="D"),
        pd.timedelta_range("0D", periods=3),
    ],
    ids=["time zone", "periods", "durations"],
)
def test_another_kind_of_time_is_refused(times):
    index = read_time_index(frame(times))
    with pytest.raises(ValueError, match="kind seen in `fit`, datetime64"):
        in_kind(index, pd.date_range("2024-01-01", periods=3).dtype)
