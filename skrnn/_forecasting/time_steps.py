"""Time steps of regular series: dates, periods, durations and whole numbers."""

import numpy as np
import pandas as pd

from skrnn._preprocessing.time_index import (
    TIME_TYPES,
    is_fixed,
    learn_frequency,
    most_common,
    run_bounds,
)

LISTED_AT_MOST = 5  # in a message
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
# Season by a part of the name of pandas' offset (the first that fits) and the steps taken at once.
SEASONS = {
    "SemiMonth": {1: 24},
    "Month": {1: 12, 3: 4},
    "Quarter": {1: 4},
    "Week": {1: 52},
    "BusinessDay": {1: 5},
    "Day": {1: 7, 7: 52},
}


def is_counted(times):
    """Whether times are whole numbers, as in a RangeIndex."""
    return times.dtype.kind in "iu"


def is_time_like(times):
    return isinstance(times, TIME_TYPES) or is_counted(times)


def first_few(items):
    """The first of some items, such as times, as a message lists them."""
    shown = ", ".join(str(item) for item in items[:LISTED_AT_MOST])
    more = len(items) - LISTED_AT_MOST
    return shown if more <= 0 else f"{shown} and {more} more"


def learn_step(index):
    """Return the step from time to time of a TimeIndex, or None where there is no regular one."""
    if not is_counted(index.times):
        return learn_frequency(index)
    within = np.ones(max(len(index.times) - 1, 0), dtype=bool)
    within[index.bounds[1:-1] - 1] = False
    if not within.any():
        return 1
    return most_common(np.diff(index.times.to_numpy())[within])


def contiguous_bounds(index, step):
    """Return the first row of each run without a gap, then the number of rows."""
    if not is_counted(index.times):
        return run_bounds(index, step, len(index.times))
    gaps = np.flatnonzero(np.diff(index.times.to_numpy()) != step) + 1
    return np.union1d(gaps, index.bounds)


def index_after(times, step, n_steps):
    """Return the `n_steps` times that follow the last one of `times`."""
    return _every_step(times[-1:], step, n_times=n_steps + 1)[1:]


def index_between(times, step):
    """Return every step from the first of `times` to the last."""
    return _every_step(times[:1], step, last=times[-1])


def steps_until(times, step, later):
    """Return how many steps lead from the last of `times` to `later`; 0 where it is not later."""
    return len(_every_step(times[-1:], step, last=later)) - 1 if later > times[-1] else 0


def _every_step(start, step, *, last=None, n_times=None):
    """Return times from the only one in `start`: `n_times`, or up to `last`."""
    first, name = start[0], start.name
    if is_counted(start):
        stop = last + 1 if n_times is None else first + step * n_times
        return pd.RangeIndex(first, stop, step, name=name)
    if isinstance(start, pd.PeriodIndex):
        return pd.period_range(first, last, n_times, freq=start.freq, name=name)
    if isinstance(start, pd.TimedeltaIndex):  # of days, too, which are no fixed step elsewhere
        return pd.timedelta_range(first, last, n_times, freq=step, name=name).as_unit(start.unit)
    if is_fixed(step):
        n_times = (last - first) // pd.Timedelta(step) + 1 if n_times is None else n_times
        return start.repeat(n_times) + np.arange(n_times) * pd.Timedelta(step)
    # Steps of the calendar are made in wall time.
    first, last = (time and time.tz_localize(None) for time in (first, last))
    full = pd.date_range(first, last, n_times, freq=step, name=name).as_unit(start.unit)
    if start.tz is None:
        return full
    return full.tz_localize(
        start.tz, nonexistent="shift_forward", ambiguous=np.ones(len(full), dtype=bool)
    )


def season_of(step):
    """Return the steps of one season: a day of hours, a week of days, a year of longer steps."""
    if isinstance(step, (int, np.integer)):
        return 1
    if is_fixed(step):
        return {HOUR: 24, DAY: 7, 7 * DAY: 52}.get(pd.Timedelta(step), 1)
    if type(step) is pd.DateOffset:
        months, days = step.kwds.get("months", 0), step.kwds.get("days", 0)
        return {(1, 0): 12, (3, 0): 4, (0, 1): 7, (0, 7): 52}.get((months, days), 1)
    name = type(step).__name__
    kind = next((part for part in SEASONS if part in name), None)
    return 1 if kind is None else SEASONS[kind].get(step.n, 1)
