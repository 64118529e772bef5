"""Time indexes: order, frequency and gaps."""

import numpy as np
import pandas as pd
import pytest
from forecasting import TIMES

from skrnn._preprocessing.time_index import (
    VECTORIZED_OFFSETS,
    follows,
    in_kind,
    learn_frequency,
    read_time_index,
    run_bounds,
)

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
    return run_bounds(index, frequency or learn_frequency(index), len(data)).tolist()


@pytest.mark.parametrize("times", REGULAR.values(), ids=REGULAR.keys())
def test_regular_index_is_one_run_and_missing_rows_break_it(times):
    if times.freq is not None:
        assert learn_frequency(read_time_index(frame(times))) == times.freq
    assert runs(frame(times)) == [0, len(times)]
    data = frame(bare(times))
    frequency = learn_frequency(read_time_index(data))
    assert frequency is not None
    assert runs(data) == [0, len(times)]
    assert runs(frame(data.index.delete([40, 41]))) == [0, 40, len(times) - 2]
    # Slices are compared by the frequency of the whole.
    assert follows(data.index[50], data.index[51], frequency)
    assert not follows(data.index[50], data.index[52], frequency)
    assert runs(data.iloc[[50, 51, 53]], frequency) == [0, 2, 3]


@pytest.mark.parametrize("block", [1, 7, 39, 40, 41])
def test_long_index_compared_in_blocks_has_the_same_runs(monkeypatch, block):
    monkeypatch.setattr("skrnn._preprocessing.time_index.STEPS_AT_ONCE", block)
    assert runs(frame(bare(TIMES["days"]).delete([40, 41]))) == [0, 40, 58]


DAILY = pd.date_range("2024-01-01", periods=107)


@pytest.mark.parametrize(
    ("times", "frequency", "bounds"),
    [
        (bare(TIMES["month ends"]).delete(50), pd.offsets.MonthEnd(1), [0, 50, 59]),
        (bare(TIMES["quarter starts"]).delete(50), pd.DateOffset(months=3), [0, 50, 59]),
        (pd.DatetimeIndex(["2024-01-01", "2024-02-01"]), pd.DateOffset(months=1), [0, 2]),
        (DAILY[:3], pd.offsets.Day(), [0, 3]),
        (DAILY.delete(range(4, 28, 4)), None, [0, 101]),  # 94% of the steps are a day
        (DAILY.delete(range(4, 20, 4)), pd.Timedelta(days=1), [0, 4, 7, 10, 13, 103]),
        (DAILY[[0, 1, 4, 31]], None, [0, 4]),
        # Holidays of business days, and a day that ten years of temperatures lack.
        (
            pd.bdate_range("2021-01-01", periods=260).delete([40, 80, 140]),
            *(pd.offsets.BusinessDay(), [0, 40, 79, 138, 257]),
        ),
        (
            pd.date_range("1981-01-01", "1990-12-31").drop("1984-12-31"),
            *(pd.Timedelta(days=1), [0, 1460, 3651]),
        ),
    ],
)
def test_frequency_is_the_step_that_95_percent_agree_with(times, frequency, bounds):
    assert learn_frequency(read_time_index(frame(times))) == frequency
    assert runs(frame(times)) == bounds


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
    assert read_time_index(frame(index).to_numpy()) is None


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
    ],
    ids=["any order", "consecutive", "gap", "longest tells the frequency", "one row each"],
)
def test_runs_of_a_panel_end_with_their_series(blocks, frequency, bounds):
    index = read_time_index(panel(*blocks))
    assert index.labels == [label for label, _ in blocks]
    assert learn_frequency(index) == frequency
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
