"""TimeIndex: the times of rows, their series, and the gaps between them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

TIME_TYPES = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
AGREEMENT = 0.95  # share of the steps that must agree with a frequency
# Offsets that pandas adds to a whole index at once; it adds others one by one, with a warning.
VECTORIZED_OFFSETS = {
    getattr(pd.offsets, name)
    for name in "BusinessDay Day Week SemiMonthBegin SemiMonthEnd MonthBegin MonthEnd BMonthBegin "
    "BMonthEnd QuarterBegin QuarterEnd BQuarterBegin BQuarterEnd YearBegin YearEnd BYearBegin "
    "BYearEnd".split()
}
STEPS_AT_ONCE = 1_000_000  # so that a long index needs no long temporary arrays

SORT = (
    "Sort the rows with `sort_index()`; split them with KFold or TimeSeriesSplit, as ShuffleSplit "
    "cannot be used on rows in time."
)


@dataclass(frozen=True, eq=False)
class TimeIndex:
    """The times of rows, grouped by series."""

    times: pd.Index
    bounds: np.ndarray  # the first row of each series, then n_rows
    labels: list  # [None] for one series without a name


def has_time_index(data):
    """Whether `data` is a pandas object with a time index."""
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        return False
    index = data.index
    if isinstance(index, pd.MultiIndex):
        return index.nlevels == 2 and isinstance(index.levels[1], TIME_TYPES)
    return isinstance(index, TIME_TYPES)


def read_time_index(data):
    """Return the checked TimeIndex of `data`, or None where it has no time index."""
    if not has_time_index(data):
        return None
    if isinstance(data.index, pd.MultiIndex):
        times = data.index.get_level_values(1)
        bounds, labels = series_blocks(data.index)
    else:
        times, bounds, labels = data.index, np.array([0, len(data)]), [None]
    index = TimeIndex(times, bounds, labels)
    check_order(index)
    return index


def series_blocks(index):
    """Return bounds and labels of the series in a (series, time) index; each must be contiguous."""
    codes = np.asarray(index.codes[0])
    if (codes < 0).any():
        row = int(np.argmax(codes < 0))
        raise ValueError(
            f"The series level of the index must be complete, got a missing label in row {row}. "
            "Drop the row or name its series."
        )
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    labels = [index.levels[0][code] for code in codes[starts]]
    if len(set(labels)) < len(labels):
        scattered = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(
            f"The rows of each series must be contiguous, got those of {scattered!r} in several "
            f"places. {SORT}"
        )
    return np.append(starts, len(codes)), labels


def ticks_of(times):
    """Return times, or integers in place of times, as integers in the same order."""
    return times.to_numpy() if times.dtype.kind in "iu" else times.asi8


def check_order(index):
    """Refuse NaT, and times that do not strictly ascend within their series."""
    if index.times.hasnans:
        row = int(np.argmax(index.times.isna()))
        raise ValueError(
            f"The time index must be complete, got NaT in row {row}. Drop the row or set its time."
        )
    ticks = ticks_of(index.times)
    descends = ticks[1:] <= ticks[:-1]
    descends[index.bounds[1:-1] - 1] = False
    if not descends.any():
        return
    row = int(np.argmax(descends))
    earlier, later = index.times[row], index.times[row + 1]
    series = index.labels[np.searchsorted(index.bounds, row, side="right") - 1]
    place = "" if series is None else f" in series {series!r}"
    if earlier == later:
        raise ValueError(
            f"The time index must not hold duplicates, got {later} twice{place}. Drop one of the "
            "rows; several series on one time axis need a (series, time) MultiIndex."
        )
    raise ValueError(
        f"The time index must ascend, got {later} after {earlier}{place}. It is unsorted. {SORT}"
    )


def is_fixed(frequency):
    """Whether a step is a duration; a Day, a Tick before pandas 3, is a step of the calendar."""
    durations = (pd.Timedelta, pd.offsets.Tick)
    return isinstance(frequency, durations) and not isinstance(frequency, pd.offsets.Day)


def follows(earlier, later, frequency):
    """Whether `later` is one step after `earlier`: for two times, or for two equally long indexes.

    Steps of a fixed duration are compared in absolute time, steps of the calendar (days, business
    days, weeks, months) in local wall time: a clock change is not a gap.
    """
    if not is_fixed(frequency) and getattr(earlier, "tz", None) is not None:
        earlier, later = earlier.tz_localize(None), later.tz_localize(None)
    if type(frequency) is pd.DateOffset:
        vectorized = frequency.kwds.keys() <= {"months", "days"}
    else:
        vectorized = is_fixed(frequency) or type(frequency) in VECTORIZED_OFFSETS
    if isinstance(earlier, pd.DatetimeIndex) and not vectorized:
        return pd.DatetimeIndex([time + frequency for time in earlier]) == later
    return earlier + frequency == later


def _continues(index, frequency):
    """Whether each row but the first is one step after the row before it."""
    times = index.times
    continues = np.empty(len(times) - 1, dtype=bool)
    for start in range(0, len(continues), STEPS_AT_ONCE):
        stop = min(start + STEPS_AT_ONCE, len(continues))
        later = times[start + 1 : stop + 1]
        continues[start:stop] = follows(times[start:stop], later, frequency)
    return continues


def run_bounds(index, frequency, n_rows):
    """Return the first row of each contiguous run, then `n_rows`.

    Without an index all rows are one run; without a frequency each series is one run.
    """
    if index is None:
        return np.array([0, n_rows])
    if frequency is None:
        return index.bounds
    gaps = np.flatnonzero(~_continues(index, frequency)) + 1
    return np.union1d(gaps, index.bounds)


def learn_frequency(index):
    """Return the step from row to row, or None for irregular or too few rows.

    It is the index's own frequency if it has one. Otherwise it is the candidate that most steps of
    all series agree with, if at least 95% do. Candidates are the frequency that pandas infers from
    the longest series, the most common step in months, the most common duration and the business
    day.
    """
    if index is None:
        return None
    own = index.times.freq
    if own is not None and (isinstance(index.times, pd.PeriodIndex) or len(index.labels) == 1):
        return own
    within = np.ones(len(index.times) - 1, dtype=bool)
    within[index.bounds[1:-1] - 1] = False
    if not within.any():
        return None
    candidates = [
        *_inferred_frequency(index),
        *_monthly_steps(index.times, within),
        *_elapsed_steps(index.times, within),
        *_business_day(index.times),
    ]
    shares = [_continues(index, candidate)[within].mean() for candidate in candidates]
    best = int(np.argmax(shares))
    return candidates[best] if shares[best] >= AGREEMENT else None


def _inferred_frequency(index):
    """Return a list of the frequency that pandas infers from the longest series, if any."""
    longest = int(np.argmax(np.diff(index.bounds)))
    times = index.times[index.bounds[longest] : index.bounds[longest + 1]]
    found = None if isinstance(times, pd.PeriodIndex) else type(times)(times, freq="infer").freq
    return [] if found is None else [found]


def most_common(values):
    distinct, counts = np.unique(values, return_counts=True)
    return int(distinct[np.argmax(counts)])


def _monthly_steps(times, within):
    """Return the most common step in months, for month ends or for one day of the month."""
    if not isinstance(times, pd.DatetimeIndex):
        return []
    local = times.tz_localize(None)
    step = most_common(np.diff(local.year * 12 + local.month)[within])
    if step < 1:
        return []
    if local.is_month_end.all():
        return [pd.offsets.MonthEnd(step)]
    day = local.day.max()
    if (local.day == day).all():
        return [pd.DateOffset(months=step)]
    clipped = (local.day == np.minimum(day, local.days_in_month)).all()
    return [pd.DateOffset(months=step, day=int(day))] if clipped else []


def _elapsed_steps(times, within):
    """Return the most common duration; whole days in a time zone also as calendar days."""
    step = pd.Timedelta(most_common(np.diff(times.asi8)[within]), unit=times.unit)
    in_days = getattr(times, "tz", None) is not None and step == pd.Timedelta(days=step.days)
    return [pd.DateOffset(days=step.days), step] if in_days else [step]


def _business_day(times):
    """Return the business day if all times are at one time of day from Monday to Friday."""
    if not isinstance(times, pd.DatetimeIndex):
        return []
    local = times.tz_localize(None)
    one_time = (local - local.normalize()).nunique() == 1
    return [pd.offsets.BusinessDay()] if one_time and (local.day_of_week < 5).all() else []


def same_kind(one, other):
    """Whether times of two dtypes compare: both in time zones or neither, periods of one length."""
    if isinstance(one, pd.PeriodDtype) or isinstance(other, pd.PeriodDtype):
        return one == other
    zones = [isinstance(dtype, pd.DatetimeTZDtype) for dtype in (one, other)]
    return zones[0] == zones[1] and one.kind == other.kind


def in_kind(index, dtype):
    """Return `index` in the time zone of `dtype`, or refuse another kind of time."""
    times = index.times
    if not same_kind(times.dtype, dtype):
        raise ValueError(
            f"The time index must be of the kind seen in `fit`, {dtype}, got {times.dtype}. "
            "Convert it or refit."
        )
    if isinstance(dtype, pd.DatetimeTZDtype):
        return TimeIndex(times.tz_convert(dtype.tz), index.bounds, index.labels)
    return index
