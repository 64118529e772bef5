"""Time steps: the season of each."""

import numpy as np
import pandas as pd

from skrnn._preprocessing.time_grid import is_fixed

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
