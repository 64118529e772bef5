"""The step of times: a given one, or the coarsest step whose grid contains all times."""

from datetime import timedelta
from numbers import Integral

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from skrnn._preprocessing.time_grid import (
    off_grid,
    run_bounds,
    series_clock,
    step_name,
    steps_since_first,
)
from skrnn._preprocessing.time_index import TimeIndex, first_few, is_counted, ticks_of
from skrnn._utils.sklearn_private import Interval

FREQUENCY_TYPES = (
    str,
    pd.tseries.offsets.BaseOffset,
    timedelta,
    Interval(Integral, 1, None, closed="left"),
    None,
)
SPARSEST = 10  # times of a grid for each row, at most
CLOCK_UNITS = {"hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"}


def read_step(index, freq=None, name="X"):
    """Return the step from row to row: `freq`, or the step found in the times of a TimeIndex.

    It is the frequency of the index, or else the coarsest grid that contains every time of all
    series together. Steps of the calendar are preferred to durations. It is None without an index,
    or if no series has two rows. A sparse grid is refused: a wrong time, or times without a regular
    step, make the grid fine.
    """
    if index is None:
        if freq is not None:
            raise ValueError(
                f"`freq` needs times, got it with rows of `{name}` that have no time index. Pass a "
                "pandas object with times in its index, or leave `freq` out. In a pipeline earlier "
                'steps keep the index with `set_output(transform="pandas")`.'
            )
        return None
    if freq is not None:
        step = _given_step(freq, index.times)
        _check_on_grid(index, step, freq, name)
        return step
    own = getattr(index.times, "freq", None)
    if own is not None and (isinstance(index.times, pd.PeriodIndex) or len(index.labels) == 1):
        return _plain_step(own)
    if not index.within.any():
        return None
    size, step = _coarsest(index)
    if size > SPARSEST * len(index.times):
        raise ValueError(_sparse_message(index, size, step, name))
    return step


def _plain_step(step):
    """Return an offset of hours or less as a Timedelta, because it is a duration."""
    if type(step) is pd.DateOffset and step.kwds and step.kwds.keys() <= CLOCK_UNITS:
        return pd.Timedelta(**step.kwds) * step.n
    return step


def _given_step(freq, times):
    """Return the parameter `freq` as a step that can be added to times."""
    counted = is_counted(times)
    try:
        if counted or isinstance(freq, Integral):
            whole = isinstance(freq, Integral) and not isinstance(freq, bool)
            step = int(freq) if counted and whole else None
        elif isinstance(freq, timedelta):
            step = pd.Timedelta(freq)
        elif isinstance(times, pd.PeriodIndex) and isinstance(freq, str):
            step = pd.PeriodDtype(freq).freq
        else:
            step = _plain_step(to_offset(freq))
        first = times[:1] if counted else series_clock(times[:1])
        fits, reason = step is not None and all(time + step > time for time in first), ""
    except (TypeError, ValueError) as error:
        fits, reason = False, f": {error}"
    if not fits:
        kind = "a whole number above 0" if counted else "a pandas frequency, such as 'h' or 'MS',"
        raise ValueError(
            f"`freq` must be {kind} that leads from time to time of {times.dtype}, got {freq!r}"
            f"{reason}. See pandas' offset aliases, or leave it out."
        )
    return step


def _check_on_grid(index, step, freq, name):
    """Refuse times that are not on the grid of their series."""
    bounds = index.bounds
    gaps = np.setdiff1d(run_bounds(index, step, len(index.times)), bounds)
    gapped = np.searchsorted(bounds, gaps, side="right") - 1
    for k in np.union1d(gapped, np.flatnonzero(np.diff(bounds) == 1)):  # rows without a next one
        start = bounds[k]
        strays = off_grid(index.times[start : bounds[k + 1]], step)
        if len(strays):
            raise ValueError(
                f"The times of `{name}` must follow each other at `freq`={freq!r}, got "
                f"{first_few(strays)} off it{index.place(start)}. Move or drop these rows, or pass "
                "a shorter `freq`."
            )


def check_step(index, step, bounds):
    """Refuse times that have another step than those in `fit`: off its grid, or a multiple.

    `bounds` are those of the runs at the step in `fit`.
    """
    starts, divisor = np.setdiff1d(bounds, index.bounds), 0
    one_run = len(starts) < index.within.sum()
    for k in np.unique(np.searchsorted(index.bounds, starts, side="right") - 1):
        times, place = index.times[slice(*index.bounds[k : k + 2])], index.place(index.bounds[k])
        n_steps = steps_since_first(times, step)
        strays = times[n_steps % 1 != 0]
        if len(strays):
            _refuse_step(step, f"{first_few(strays)} off it{place}")
        divisor = np.gcd.reduce(np.diff(n_steps).astype(np.int64), initial=divisor)
    if not one_run and len(starts) > 1 and divisor > 1:
        _refuse_step(step, f"one row for {divisor} steps from {index.times[0]} on")


def _refuse_step(step, got):
    raise ValueError(
        f"The times of `X` must follow each other at the step in `fit`, {step_name(step)}, got "
        f"{got}. Pass a row for each step, or fit again."
    )


def _coarsest(index):
    """Return the size, in times, and the step of the grid with the fewest times.

    Of grids of equal size it is the one with the least multiple, such as a month instead of 31
    days.
    """
    n_steps, _, step = min(_grids(index), key=lambda grid: grid[:2])
    return n_steps + len(index.labels), step


def _grids(index):
    """Yield (number of steps, multiple, step) of grids that contain all times."""
    times, within = index.times, index.within
    if isinstance(times, pd.DatetimeIndex):
        clock = series_clock(times, index.bounds[:-1])
        n_days, rest = divmod(_common_step(clock, within), _day(clock))
        if rest == 0:
            yield from _calendar_grids(clock, within, n_days)
            return
    steps, n = np.diff(ticks_of(times))[within], _common_step(times, within)
    total = int(steps.sum()) // n
    yield total, n, n if is_counted(times) else pd.Timedelta(n, unit=times.unit)


def _common_step(times, within):
    """Return the greatest common divisor of the steps, in units of the index."""
    return _divisor(np.diff(ticks_of(times))[within])


def _day(times):
    """Return a day in units of the index."""
    return int(np.timedelta64(1, "D").astype(f"m8[{times.unit}]").astype(np.int64))


def _divisor(steps):
    return int(np.gcd.reduce(steps[steps != steps[0]], initial=steps[0]))


def _calendar_grids(clock, within, n_days):
    """Yield the grids of times that have one time of day and are multiples of `n_days` apart."""
    days = clock.to_numpy().astype("M8[D]")
    months = days.astype("M8[M]").astype(int)
    steps = np.diff(months)[within]
    if (steps > 0).all():
        n = _divisor(steps)
        step = _monthly_step(clock, within, months, n)
        if step is not None:
            yield int(steps.sum()) // n, n, step
    for edge, last in (("Begin", 14), ("End", 15)):  # of the first half of a month
        steps = np.diff(2 * months + (clock.day > last))[within]
        kind = getattr(pd.offsets, f"SemiMonth{edge}")
        if (steps > 0).all() and _all_on(kind(), clock):
            n = _divisor(steps)
            yield int(steps.sum()) // n, np.inf, kind(n)
    total, weekdays = int(np.diff(days.astype(int))[within].sum()), clock.day_of_week
    n_weeks, rest = divmod(n_days, 7)
    if rest:
        yield total // n_days, n_days, pd.offsets.Day(n_days)
    else:
        one = int(weekdays[0]) if (weekdays == weekdays[0]).all() else None
        step = pd.offsets.Day(n_days) if one is None else pd.offsets.Week(n_weeks, weekday=one)
        yield total // n_days, n_weeks, step
    if (weekdays < 5).all():
        steps = np.diff(np.busday_count(days[0], days))[within]
        n = _divisor(steps)
        yield int(steps.sum()) // n, 1 if n == 1 else np.inf, pd.offsets.BusinessDay(n)


def _monthly_step(clock, within, months, n):
    """Return the offset of `n` months that leads from time to time, or None."""
    in_phase = (months % n == months[0] % n).all()
    first = int(months[0]) % 12 + 1 if in_phase else None
    for edge in ("Begin", "End"):
        if _all_on(getattr(pd.offsets, f"Month{edge}")(), clock):
            return _month_offset("", edge, n, first)
    if (np.diff(clock.day)[within] == 0).all():
        return pd.DateOffset(months=n)
    latest = int(clock.day.max())
    if (clock.day == np.minimum(latest, clock.days_in_month)).all():
        return pd.DateOffset(months=n, day=latest)
    for edge in ("Begin", "End"):
        if _all_on(getattr(pd.offsets, f"BMonth{edge}")(), clock):
            return _month_offset("B", edge, n, first)
    week, weekday = (clock[0].day - 1) // 7, clock[0].weekday()
    nth = [] if week > 3 else [pd.offsets.WeekOfMonth(n, week=week, weekday=weekday)]
    nth.append(pd.offsets.LastWeekOfMonth(n, weekday=weekday))
    return next((offset for offset in nth if _all_on(offset, clock)), None)


def _all_on(offset, clock):
    """Whether an offset falls on each day."""
    return all(map(offset.is_on_offset, clock.normalize().unique()))


def _month_offset(prefix, edge, n, month):
    """Return the offset of `n` months, or of quarters or years if all times are in phase."""
    if month is not None and n % 12 == 0:
        return getattr(pd.offsets, f"{prefix}Year{edge}")(n // 12, month=month)
    if month is not None and n % 3 == 0:
        start = (month - 1) % 3 + (1 if edge == "Begin" else 10)  # as in "QS" and "QE"
        return getattr(pd.offsets, f"{prefix}Quarter{edge}")(n // 3, startingMonth=start)
    return getattr(pd.offsets, f"{prefix}Month{edge}")(n)


def _sparse_message(index, size, step, name):
    """Return the message that a grid is sparse, with the times that make it so."""
    rows = _strays(index)
    if len(rows):
        first = index.place(rows[0])
        listed = [row for row in rows if index.place(row) == first]
        found = f"{first_few(index.times[listed])}{first} off the step of the others"
    else:
        steps = np.where(index.within, np.diff(ticks_of(index.times)), 0)
        row = int(np.argmax(steps))
        found = f"no row between {index.times[row]} and {index.times[row + 1]}{index.place(row)}"
    by_position = f"pass `{name}.reset_index(drop=True)`"
    if index.labels != [None]:
        several = isinstance(index.labels[0], tuple)
        levels = list(range(len(index.labels[0]))) if several else 0
        by_position = f"take `{name}.groupby(level={levels}).cumcount()` for times"
    return (
        f"The times of `{name}` must follow each other at a regular step, with a row for at least "
        f"one of {SPARSEST} times, got {len(index.times):,} rows for {size:,} times at a step of "
        f"{step_name(step)}, and {found}. Round, move or drop such times, or pass the step as "
        f"`freq`. To count rows instead of time, {by_position}."
    )


def _strays(index):
    """Return the rows without which the others are on a grid that is not sparse, or [].

    They are the fewest at another day of the month, time of day or phase than the rest of their
    series.
    """
    found = []
    for keys in _phases(index):
        strays = [np.empty(0, dtype=int)]
        for start, stop in zip(index.bounds[:-1], index.bounds[1:], strict=True):
            distinct, counts = np.unique(keys[start:stop], return_counts=True)
            strays.append(start + np.flatnonzero(keys[start:stop] != distinct[counts.argmax()]))
        strays = np.concatenate(strays)
        others = TimeIndex(
            index.times.delete(strays),
            index.bounds - np.searchsorted(strays, index.bounds),
            index.labels,
        )
        if 0 < len(strays) < len(keys) / 2 and _coarsest(others)[0] <= SPARSEST * len(others.times):
            found.append(strays)
    return min(found, key=len, default=[])


def _phases(index):
    """Yield one number for each row that is constant within a series at a regular step."""
    if isinstance(index.times, pd.DatetimeIndex):
        clock = series_clock(index.times, index.bounds[:-1])
        month = clock.to_numpy().astype("M8[M]")
        for edge in (month, month + 1):
            yield ticks_of(clock) - edge.astype(f"M8[{clock.unit}]").astype(np.int64)
        yield ticks_of(clock) % _day(clock)
    ticks = ticks_of(index.times)
    steps, counts = np.unique(np.diff(ticks)[index.within], return_counts=True)
    yield ticks % steps[counts.argmax()]
