"""Grids: times that follow each other at one step, and the rows after a gap in them."""

import numpy as np
import pandas as pd

from skrnn._preprocessing.time_index import is_counted

# Offsets that pandas adds to a whole index at once; it adds others one by one, with a warning.
VECTORIZED_OFFSETS = {
    getattr(pd.offsets, name)
    for name in "BusinessDay Day Week SemiMonthBegin SemiMonthEnd MonthBegin MonthEnd BMonthBegin "
    "BMonthEnd QuarterBegin QuarterEnd BQuarterBegin BQuarterEnd YearBegin YearEnd BYearBegin "
    "BYearEnd".split()
}
STEPS_AT_ONCE = 1_000_000  # so that a long index needs no large temporary arrays
LARGEST = 1000  # times of a grid for each row, at most


def is_fixed(step):
    """Whether a step is a duration; a Day, a Tick before pandas 3, is a step of the calendar."""
    durations = (pd.Timedelta, pd.offsets.Tick)
    return isinstance(step, durations) and not isinstance(step, pd.offsets.Day)


def step_name(step):
    """Return a step as it appears in a message: "h" for an hour, "MS" for month starts."""
    tick = isinstance(step, pd.Timedelta) and step % pd.Timedelta(days=1)
    return getattr(pd.tseries.frequencies.to_offset(step) if tick else step, "freqstr", str(step))


def clock_times(times, usual):
    """Return times as local clocks show them, as if no clock change skipped the `usual` ones.

    `usual` is the time of day of each. Where clocks change at midnight, the day begins at 1:00.
    """
    clock = times.tz_localize(None)
    standard = clock.normalize() + usual
    late = np.flatnonzero(clock != standard)
    if not len(late):
        return clock
    skipped = on_clocks(standard[late], times.tz) == times[late]
    return clock.where(~np.isin(np.arange(len(clock)), late[skipped]), standard)


def on_clocks(clock, zone):
    """Return times of local clocks in their zone, moved later where clocks skip them."""
    first = np.ones(len(clock), dtype=bool)  # of two times that look the same on clocks
    return clock.tz_localize(zone, nonexistent="shift_forward", ambiguous=first)


def time_of_day(times):
    clock = times.tz_localize(None)
    return clock - clock.normalize()


def series_clock(times, bounds=(0,)):
    """Return the `clock_times` of series that start at `bounds`, each with one time of day."""
    if getattr(times, "tz", None) is None or not len(times):
        return times
    usual = np.minimum.reduceat(time_of_day(times).to_numpy(), bounds)
    return clock_times(times, np.repeat(usual, np.diff([*bounds, len(times)])))


def follows(earlier, later, step):
    """Whether each time of an index is one step after that of another.

    Steps of a fixed duration are compared in absolute time. Steps of the calendar (days, business
    days, weeks, months) are compared in local wall time, so a clock change is not a gap.
    """
    if is_counted(earlier):
        return np.asarray(later - earlier == step)
    if not is_fixed(step) and getattr(earlier, "tz", None) is not None:
        usual = np.minimum(time_of_day(earlier), time_of_day(later))
        earlier, later = clock_times(earlier, usual), clock_times(later, usual)
    if type(step) is pd.DateOffset:
        vectorized = step.kwds.keys() <= {"months", "days"}
    else:
        vectorized = is_fixed(step) or type(step) in VECTORIZED_OFFSETS
    if isinstance(earlier, pd.DatetimeIndex) and not vectorized:
        return pd.DatetimeIndex([time + step for time in earlier]) == later
    return earlier + step == later


def run_bounds(index, step, n_rows):
    """Return the first row of each contiguous run, then `n_rows`.

    Without an index all rows are one run. Without a step each series is one run.
    """
    if index is None:
        return np.array([0, n_rows])
    if step is None:
        return index.bounds
    gaps = [np.empty(0, dtype=int)]
    for start in range(0, n_rows - 1, STEPS_AT_ONCE):
        times = index.times[start : start + STEPS_AT_ONCE + 1]
        gaps.append(np.flatnonzero(~follows(times[:-1], times[1:], step)) + start + 1)
    return np.union1d(np.concatenate(gaps), index.bounds)


def index_after(times, step, n_steps):
    """Return the `n_steps` times that follow the last one of `times`."""
    return _every_step(times, -1, step, n_times=n_steps + 1)[1:]


def index_between(times, step, place=""):
    """Return every step from the first of `times` to the last; `place` is for messages."""
    return _every_step(times, 0, step, last=times[-1], n_rows=len(times), place=place)


def index_until(times, step, n_times):
    """Return `n_times` times that end with the last one of `times`."""
    last, before = times[-1], np.arange(1 - n_times, 1)
    if is_counted(times):
        return times[-1:].repeat(n_times) + step * before
    if isinstance(times, pd.PeriodIndex):
        ticks = (last + step).ordinal - last.ordinal
        ordinals = last.ordinal + ticks * before
        return pd.PeriodIndex.from_ordinals(ordinals, freq=times.freq, name=times.name)
    settings = {"periods": n_times, "freq": step, "name": times.name}
    if isinstance(times, pd.TimedeltaIndex):
        return pd.timedelta_range(end=last, **settings).as_unit(times.unit)
    if is_fixed(step):
        return (times[-1:].repeat(n_times) + before * pd.Timedelta(step)).as_unit(times.unit)
    full = pd.date_range(end=series_clock(times)[-1], **settings).as_unit(times.unit)
    return full if times.tz is None else on_clocks(full, times.tz)


def steps_until(times, step, later, n_rows=np.inf, place=""):
    """Return the number of steps from the last of `times` to `later`, or 0 if it is not later.

    The grid must not be far larger than the `n_rows` rows of data.
    """
    if later <= times[-1]:
        return 0
    return len(_every_step(times, -1, step, last=later, n_rows=n_rows, place=place)) - 1


def off_grid(times, step):
    """Return those of `times` that are not a whole number of steps after the first."""
    if is_counted(times) or is_fixed(step):
        return times[(times - times[0]) % step != times[0] - times[0]]
    clock = series_clock(times)
    return times[~clock.isin(_every_step(clock, 0, step, last=clock[-1], n_rows=len(times)))]


def steps_since_first(times, step):
    """Return the steps from the first of `times` to each; a fraction or NaN: off the grid."""
    if is_counted(times):
        return (times - times[0]).to_numpy() / step
    if isinstance(times, pd.PeriodIndex):
        return (times.asi8 - times.asi8[0]) / ((times[0] + step).ordinal - times[0].ordinal)
    if is_fixed(step):
        return ((times - times[0]) / pd.Timedelta(step)).to_numpy()
    clock = series_clock(times)
    places = _every_step(clock, 0, step, last=clock[-1], n_rows=np.inf).get_indexer(clock)
    return np.where(places < 0, np.nan, places)


def _every_step(times, start, step, *, last=None, n_times=None, n_rows=None, place=""):
    """Return `n_times` times from the one at `start`, or times up to `last` for `n_rows` rows."""
    zone, name = getattr(times, "tz", None), times.name
    clock = times if is_fixed(step) else series_clock(times)
    first = clock[start]
    if clock is not times:
        last = last and last.tz_localize(None)
    if n_times is None:
        _check_size(first, last, step, n_rows, place)
    if is_counted(times):
        first = int(first)
        stop = int(last) + 1 if n_times is None else first + step * n_times
        return pd.RangeIndex(first, stop, step, name=name)
    if isinstance(times, pd.PeriodIndex):
        ticks = (first + step).ordinal - first.ordinal
        n_times = (last.ordinal - first.ordinal) // ticks + 1 if n_times is None else n_times
        ordinals = first.ordinal + ticks * np.arange(n_times)
        return pd.PeriodIndex.from_ordinals(ordinals, freq=times.freq, name=name)
    if isinstance(times, pd.TimedeltaIndex):  # also of days, which are a fixed step only here
        return pd.timedelta_range(first, last, n_times, freq=step, name=name).as_unit(times.unit)
    if is_fixed(step):
        n_times = (last - first) // pd.Timedelta(step) + 1 if n_times is None else n_times
        one = times[start : start + 1 or None]
        full = one.repeat(n_times) + np.arange(n_times) * pd.Timedelta(step)
        coarse = full.as_unit(times.unit)
        return coarse if (coarse == full).all() else full
    full = pd.date_range(first, last, n_times, freq=step, name=name).as_unit(times.unit)
    return full if zone is None else on_clocks(full, zone)


def _check_size(first, last, step, n_rows, place):
    """Refuse a grid that is far larger than its number of rows."""
    start, one, end = (getattr(time, "ordinal", time) for time in (first, first + step, last))
    size = (end - start) / (one - start)
    if size > LARGEST * n_rows:
        raise ValueError(
            f"`series` must have a row in at least one of {LARGEST:,} times, got {n_rows} for the "
            f"{int(size):,} steps of {step_name(step)} from {first} to {last}{place}. Drop the "
            "rows that are far from the others, or pass a longer `freq`."
        )
