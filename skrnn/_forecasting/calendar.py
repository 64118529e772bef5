"""Calendar features: sine and cosine of the time of hour, day, week and year."""

import numpy as np
import pandas as pd

# The name in pandas, the length of its cycle, and its first value.
CYCLES = {
    "minute": ("minute", 60, 0),
    "hour": ("hour", 24, 0),
    "dayofweek": ("day_of_week", 7, 0),
    "dayofyear": ("day_of_year", 365.25, 1),
    "month": ("month", 12, 1),
    "quarter": ("quarter", 4, 1),
}


def check_calendar(names):
    """Return the names of calendar features as a tuple, after a check of each."""
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in CYCLES:
            raise ValueError(
                f"`calendar` must hold names from {list(CYCLES)}, got {name!r}. Choose among them."
            )
    return names


def calendar_features(times, names):
    """Return the sine and cosine of each feature in local time, (n_rows, 2 * len(names))."""
    if names and not isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex)):
        raise ValueError(
            f"`calendar` needs a DatetimeIndex or PeriodIndex, got {type(times).__name__}. Leave "
            "it out, or index the rows by date."
        )
    angles = [
        2 * np.pi * (np.asarray(getattr(times, attribute)) - first) / length
        for attribute, length, first in (CYCLES[name] for name in names)
    ]
    circles = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.column_stack(circles) if circles else np.empty((len(times), 0))


def year_columns(times, harmonics=2):
    """Return sine and cosine of the year and of its fractions, (n_rows, 2 * harmonics)."""
    name, length, first = CYCLES["dayofyear"]
    hours = np.asarray(getattr(times, "hour", 0)) / 24
    year = 2 * np.pi * (np.asarray(getattr(times, name)) - first + hours) / length
    waves = [wave(k * year) for k in range(1, harmonics + 1) for wave in (np.sin, np.cos)]
    return np.column_stack(waves)
