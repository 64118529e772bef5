"""TimeIndex: the times of rows and their series, read from the index of pandas objects."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

TIME_TYPES = (pd.DatetimeIndex, pd.PeriodIndex, pd.TimedeltaIndex)
# By the type that pandas infers from the values, also of Arrow or of Python objects.
TIME_TYPE_OF = {
    "datetime": pd.DatetimeIndex,
    "datetime64": pd.DatetimeIndex,
    "date": pd.DatetimeIndex,
    "timedelta": pd.TimedeltaIndex,
    "timedelta64": pd.TimedeltaIndex,
    "period": pd.PeriodIndex,
}
LISTED_AT_MOST = 5  # in a message

SORT = (
    "Sort the rows, with `sort_index()` or by the columns of series and time. Split them with "
    "KFold or TimeSeriesSplit: ShuffleSplit cannot be used on rows in time."
)
LOCAL = ", or localize local times: `tz_localize('Europe/Berlin', ambiguous='infer')`"
SEVERAL = "Several series on one time axis need a (series, time) MultiIndex or `series_column`."


@dataclass(frozen=True, eq=False)
class TimeIndex:
    """The times of rows, grouped by series."""

    times: pd.Index  # dates, periods, durations or whole numbers, all in types of NumPy
    bounds: np.ndarray  # the first row of each series, then n_rows
    labels: list  # [None] for one series without a name; tuples if names have several levels

    @property
    def within(self):
        """Whether each row but the first is of the same series as the row before it."""
        within = np.ones(max(len(self.times) - 1, 0), dtype=bool)
        within[self.bounds[1:-1] - 1] = False
        return within

    def place(self, row):
        """Return the series of a row, as it appears in a message."""
        label = self.labels[np.searchsorted(self.bounds, row, side="right") - 1]
        return "" if label is None else f" in series {label!r}"


def first_few(items):
    """Return the first of some items, such as times, as a list for a message."""
    shown = ", ".join(str(item) for item in items[:LISTED_AT_MOST])
    more = len(items) - LISTED_AT_MOST
    return shown if more <= 0 else f"{shown} and {more} more"


def is_counted(times):
    """Whether times are whole numbers, as in a RangeIndex."""
    return times.dtype.kind in "iu"


def as_times(index):
    """Return an index as times in NumPy types, or None if it holds no times.

    Whole numbers become int64, so that arithmetic does not overflow.
    """
    if isinstance(index, TIME_TYPES):
        return index
    if isinstance(index.dtype, pd.CategoricalDtype):
        return as_times(index.astype(index.dtype.categories.dtype))
    kind = index.inferred_type
    if kind in TIME_TYPE_OF:
        try:
            return TIME_TYPE_OF[kind](index)
        except ValueError as error:
            raise ValueError(
                f"The times of an index must be in one time zone, got {index[0]} first and others "
                "later. Convert them with `pd.to_datetime(index, utc=True)`."
            ) from error
    if kind != "integer" or index.hasnans or (len(index) and index.max() > np.iinfo("int64").max):
        return None
    return index if index.dtype == np.int64 else index.astype(np.int64)


def plain_index(index, name):
    """Return an index with times in NumPy types; of several levels the last one has the times.

    A MultiIndex that cannot be read as (series, time) is refused. `name` is the name of the
    argument.
    """
    if not isinstance(index, pd.MultiIndex):
        times = as_times(index)
        return index if times is None else times
    if index.nlevels == 1:
        return plain_index(index.get_level_values(0), name)
    levels = [as_times(level) for level in index.levels]
    _check_levels(index, levels, name)
    return index if levels[-1] is index.levels[-1] else index.set_levels(levels[-1], level=-1)


def _check_levels(index, levels, name):
    """Refuse a MultiIndex with a last level that is not dates, or whole numbers without dates."""
    dated = [k for k, level in enumerate(levels) if isinstance(level, TIME_TYPES)]
    counted = [k for k, level in enumerate(levels) if level is not None]
    last = index.nlevels - 1
    if last in dated or (not dated and last in counted):
        return
    got = index.levels[-1].dtype
    needed = f"`{name}` must have the levels (series, time) in its MultiIndex, times last, got"
    convert = (
        f"`{name}.index.set_levels(pd.to_datetime({name}.index.levels[-1]), level=-1)` converts "
        "times that are text."
    )
    if not counted:
        raise TypeError(f"{needed} {got}. Convert them to dates or whole numbers: {convert}")
    place = (dated or counted)[-1]
    order = [*(k for k in range(last + 1) if k != place), place]
    swap = "swaplevel()" if last == 1 else f"reorder_levels({order})"
    found = f"times in level {place}" if last > 1 else "times first"
    remedy = f"Swap them: `{name}.{swap}.sort_index()`."
    more = "If they do name series, convert them to text." if dated else f"Or {convert}"
    raise ValueError(f"{needed} {found} and {got} last. {remedy} {more}")


def has_time_index(data):
    """Whether `data` is a pandas object with a time index."""
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        return False
    if isinstance(data.index, pd.MultiIndex):
        return as_times(data.index.levels[-1]) is not None
    return isinstance(as_times(data.index), TIME_TYPES)


def read_time_index(data, name="X"):
    """Return the checked TimeIndex of `data`, or None without a time index.

    Whole numbers are times only in a MultiIndex. Otherwise they number the rows.
    """
    of_series = isinstance(getattr(data, "index", None), pd.MultiIndex)
    if not (of_series or has_time_index(data)):
        return None
    return time_index_of(plain_index(data.index, name))


def rows_by_series(data, name):
    """Return the rows of each series of `data`, which has a MultiIndex, by label."""
    data = data.set_axis(plain_index(data.index, name), axis=0)
    levels = list(range(data.index.nlevels - 1))
    groups = data.groupby(level=levels if len(levels) > 1 else 0, sort=False)
    return {label: part.droplevel(levels) for label, part in groups}


def time_index_of(index):
    """Return the checked TimeIndex of an index that `plain_index` returned."""
    if isinstance(index, pd.MultiIndex):
        bounds, labels = _series_blocks(index)
        _check_complete(index.codes[-1] < 0)
        index = TimeIndex(index.get_level_values(-1), bounds, labels)
    else:
        index = TimeIndex(index, np.array([0, len(index)]), [None])
    check_order(index)
    return index


def _series_blocks(index):
    """Return bounds and labels of the series in a MultiIndex; each must be contiguous."""
    codes = np.array(index.codes[:-1])
    if (codes < 0).any():
        row = int(np.argmax((codes < 0).any(axis=0)))
        raise ValueError(
            f"The series level of the index must be complete, got a missing label in row {row}. "
            "Drop the row or name its series."
        )
    starts = np.flatnonzero((np.diff(codes, prepend=-1) != 0).any(axis=0))
    labels = list(index[starts].droplevel(-1))
    if len(set(labels)) < len(labels):
        scattered = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(
            f"The rows of each series must be contiguous, got those of {scattered!r} in several "
            f"places. {SORT}"
        )
    return np.append(starts, len(index)), labels


def ticks_of(times):
    """Return times, or the integers that replace them, as integers in the same order."""
    return times.to_numpy() if is_counted(times) else times.asi8


def _check_complete(missing):
    if missing.any():
        raise ValueError(
            f"The time index must be complete, got NaT in row {int(np.argmax(missing))}. Drop the "
            "row or set its time."
        )


def check_order(index):
    """Refuse NaT, and times that do not strictly ascend within their series."""
    _check_complete(index.times.isna())
    ticks = ticks_of(index.times)
    descends = (ticks[1:] <= ticks[:-1]) & index.within
    if not descends.any():
        return
    row = int(np.argmax(descends))
    earlier, later, place = index.times[row], index.times[row + 1], index.place(row)
    if earlier == later:
        within_days = isinstance(earlier, pd.Timestamp) and earlier.tz is None
        local = LOCAL if within_days and earlier != earlier.normalize() else ""
        raise ValueError(
            f"The time index must not hold duplicates, got {later} twice{place}. Drop one of the "
            f"rows{local}. {SEVERAL}"
        )
    raise ValueError(
        f"The time index must ascend, got {later} after {earlier}{place}. It is unsorted. {SORT} "
        f"{SEVERAL}"
    )


def same_kind(one, other):
    """Whether times of two dtypes compare: all or none with zones, and periods of one length."""
    if isinstance(one, pd.PeriodDtype) or isinstance(other, pd.PeriodDtype):
        return one == other
    zones = [isinstance(dtype, pd.DatetimeTZDtype) for dtype in (one, other)]
    kinds = ["i" if dtype.kind == "u" else dtype.kind for dtype in (one, other)]
    return zones[0] == zones[1] and kinds[0] == kinds[1]


def in_kind(index, dtype):
    """Return `index` in the time zone of `dtype`, or refuse another type of time."""
    times = index.times
    if not same_kind(times.dtype, dtype):
        raise ValueError(
            f"The time index must be of the kind seen in `fit`, {dtype}, got {times.dtype}. "
            "Convert it, or fit again."
        )
    if isinstance(dtype, pd.DatetimeTZDtype):
        return TimeIndex(times.tz_convert(dtype.tz), index.bounds, index.labels)
    return index
