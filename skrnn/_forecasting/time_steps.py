"""Time steps and their seasons."""

import numpy as np
import pandas as pd

from skrnn._preprocessing.time_grid import is_fixed

DAY = pd.Timedelta(days=1)
CYCLES = (DAY, 7 * DAY, 52 * 7 * DAY)
DURATIONS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")


def season_of(step):
    """Return the steps of a season: a day of shorter steps, a week of days, a year of longer ones.

    It is 1 where a season is not a whole number of steps, and for whole numbers.
    """
    if isinstance(step, (int, np.integer)):
        return 1
    if type(step) is pd.DateOffset:
        months = 12 * step.kwds.get("years", 0) + step.kwds.get("months", 0)
        days = {} if months or step.kwds else {"days": 1}
        parts = days | {unit: step.kwds[unit] for unit in DURATIONS if unit in step.kwds}
        step = pd.offsets.MonthEnd(months * step.n) if months else pd.Timedelta(**parts) * step.n
    elif isinstance(step, (pd.offsets.Day, pd.offsets.Week)):
        step = (7 * DAY if isinstance(step, pd.offsets.Week) else DAY) * step.n
    if is_fixed(step):
        length = pd.Timedelta(step)
        cycle = next((cycle for cycle in CYCLES if length < cycle), length)
        return 1 if cycle % length else cycle // length
    cycle, steps = _steps_in_cycle(step.base)
    if step.n % steps == 0:
        return season_of(cycle * (step.n // steps))
    return 1 if steps % step.n else steps // step.n


def _steps_in_cycle(step):
    """Return the season of a calendar step, a day, a week or a year, and its number of steps."""
    days = pd.date_range("2001-01-01", "2001-12-31", freq=step).day_of_year - 1  # from a Monday on
    cycle = CYCLES[0] if len(days) > 365 else CYCLES[1] if len(days) > 26 else CYCLES[2]
    counts = np.unique(np.minimum(days, 363) // cycle.days, return_counts=True)[1]
    return cycle, int(np.bincount(counts, minlength=2).argmax()) or 1
