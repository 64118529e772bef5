"""Reading of one or many pandas series, with checks, each on its own regular times."""

import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skrnn._forecasting.panel import Panel
from skrnn._preprocessing.frequency import read_step
from skrnn._preprocessing.time_grid import (
    index_after,
    index_between,
    run_bounds,
    step_name,
    steps_until,
)
from skrnn._preprocessing.time_index import (
    TIME_TYPES,
    first_few,
    in_kind,
    is_counted,
    plain_index,
    time_index_of,
)
from skrnn._utils.numeric_checks import check_numbers

KINDS = (
    "a Series, a DataFrame with one column for each series, or a frame with one column of values "
    "and a (series, time) MultiIndex"
)
BRIDGE = "Fill them in, or choose a `fill`: 'linear', 'seasonal' or 'mask'."
FIT_FILL = ", or set `fill` to 'seasonal' or 'linear' and fit again: before, it has no effect."
IN_ORDER = (
    "In a search, use a `cv` that keeps the order of time: `TimeSeriesSplit()`, or for long frames "
    "`RNNForecaster.time_folds(series)`."
)


def read_panel(data, *, known=None, freq=None, gaps=False):
    """Read series from pandas as a Panel, without series that have no value: a warning names them.

    NaN before the first and after the last value of a series is dropped. With `gaps`, NaN between
    them and times without a row are missing values. Rows that may continue those of a Panel `known`
    get its type of times and its step. Otherwise the step is `freq`, or is found in the times.
    """
    form = _form(data)
    check_numbers(
        data,
        "`series`",
        "Put times and names of series into the index (`set_index`), or name their columns in "
        "`time_column` and `series_column`; pass other columns as `exog`.",
    )
    index, names = _read_index(data, form)
    if known is not None:
        index = in_kind(index, known.times[0].dtype)
    step = read_step(index, freq, "series") if known is None else known.step
    if step is None and is_counted(index.times):
        step = 1
    if step is None:
        raise ValueError(
            "`series` must have two rows of one series, which show the step from time to time, got "
            f"one at {index.times[0]}. Pass more rows, or the step as `freq`."
        )
    times, columns, labels = _columns(data, form, index)
    blocks = _regular_blocks(index, times, columns, step, gaps, in_fit=known is None)
    if form == "wide":
        [(shared, block)] = blocks
        blocks = [(shared, column) for column in block.T]
    read = [
        (label, *_trimmed(label, block, values, gaps))
        for label, (block, values) in zip(labels, blocks, strict=True)
        if np.isfinite(values).any()
    ]
    if not read:
        raise ValueError("`series` must hold values, got only NaN. Pass rows with values.")
    found = {label for label, *_ in read}
    empty = [label for label in labels if label not in found]
    if empty and known is None:
        warnings.warn(
            f"`series` holds only NaN for {first_few(list(map(repr, empty)))}, which will have no "
            "forecast. Leave it out of `series`, or pass its values.",
            stacklevel=3,
        )
    labels, times, values = (list(column) for column in zip(*read, strict=True))
    return Panel(form, *names, labels=labels, times=times, values=values, step=step, empty=empty)


def check_pandas(data):
    if not isinstance(data, (pd.Series, pd.DataFrame)):
        kind = f"{'sparse ' if issparse(data) else ''}{type(data).__name__}"
        raise TypeError(
            f"`series` must be {KINDS}, got {kind}. "
            "Wrap an array: `pd.Series(values, index=times)`."
        )


def _form(data):
    """Return the form of `series`, or refuse it."""
    check_pandas(data)
    if data.size == 0:
        missing = "column" if len(data) else "row"
        raise ValueError(
            f"`series` must have at least one {missing}, got none. Pass the rows of a series."
        )
    if data.index.nlevels == 1:
        return "series" if data.ndim == 1 else "wide"
    plain_index(data.index, "series")  # refuses an index that is not (series, time)
    if data.ndim == 2 and data.shape[1] != 1:
        raise ValueError(
            "`series` must have one column of values besides times and names of series, got "
            f"{data.shape[1]}: {list(data.columns)}. Pass only the target, and columns known in "
            "advance as `exog`."
        )
    return "long" if data.ndim == 1 else "long frame"


def _read_index(data, form):
    """Return the checked TimeIndex of the rows, and the names for the result."""
    index = plain_index(data.index, "series")
    if form in ("series", "wide"):
        if not (isinstance(index, TIME_TYPES) or is_counted(index)):
            raise TypeError(
                "The rows of `series` must be indexed by a DatetimeIndex, PeriodIndex, "
                f"TimedeltaIndex or RangeIndex, got an index of {index.dtype}. Convert it, for "
                "instance with `pd.to_datetime`."
            )
        axis = data if form == "series" else data.columns
        several = isinstance(axis, pd.MultiIndex)  # a tuple names the levels of the axis
        name = tuple(axis.names) if several else axis.name
    else:
        name = data.name if form == "long" else data.columns[0]
    return time_index_of(index), (name, list(index.names))


def _columns(data, form, index):
    """Split the rows into blocks that share their times; return times, values and labels."""
    # A copy in which each column is contiguous: the series are views of it.
    values = np.array(data.to_numpy(dtype=np.float64, na_value=np.nan), order="F")
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values).reshape(len(values), -1).any(axis=1)))
        raise ValueError(
            f"`series` must be finite, got infinity at {index.times[row]}. Replace it, or set it "
            "to NaN and choose a `fill`."
        )
    if form == "wide":
        labels = list(data.columns)
        if len(set(labels)) < len(labels):
            twice = next(label for label in labels if labels.count(label) > 1)
            raise ValueError(
                f"The columns of `series` must have distinct names, got {twice!r} twice. Rename "
                "one of them."
            )
        return [index.times], [values], labels
    if form == "series":
        return [index.times], [values], [data.name]
    parts = [slice(*bounds) for bounds in pairwise(index.bounds)]
    values = values.ravel()
    return [index.times[part] for part in parts], [values[part] for part in parts], index.labels


def _regular_blocks(index, times, columns, step, gaps, *, in_fit):
    """Return (times, values) of each block with every step; a step without a row has NaN."""
    broken = np.setdiff1d(run_bounds(index, step, len(index.times)), index.bounds)
    gapped = set(np.searchsorted(index.bounds, broken, side="right") - 1)
    blocks = []
    for k, (block, values) in enumerate(zip(times, columns, strict=True)):
        if k not in gapped:
            blocks.append((block, values))
            continue
        place = index.place(index.bounds[k])
        full = index_between(block, step, place)
        strays = block.difference(full)
        if len(strays):
            raise ValueError(
                f"The times of `series` must follow each other at the step {step_name(step)}, got "
                f"{first_few(strays)} off it{place}. Drop or move these rows."
            )
        if not gaps:
            of_fit = f"{BRIDGE} If no row is missing, pass the step as `freq`. {IN_ORDER}"
            raise ValueError(
                f"`series` must have a row at every step, {step_name(step)}, got none at "
                f"{first_few(full.difference(block))}{place}. "
                f"{of_fit if in_fit else f'Fill them in{FIT_FILL}'}"
            )
        filled = np.full((len(full), *values.shape[1:]), np.nan)
        filled[full.get_indexer(block)] = values
        blocks.append((full, filled))
    return blocks


def _trimmed(label, times, values, gaps):
    """Drop NaN at both ends; refuse it between values unless `gaps`."""
    present = np.flatnonzero(~np.isnan(values))
    part = slice(present[0], present[-1] + 1)
    if not gaps and len(present) < part.stop - part.start:
        missing = times[part][np.isnan(values[part])]
        place = "" if label is None else f" in series {label!r}"
        raise ValueError(
            f"`series` must not hold NaN between its first and its last value, got it at "
            f"{first_few(missing)}{place}. {BRIDGE}"
        )
    return times if len(values) == part.stop - part.start else times[part], values[part]


def read_later_rows(data, panel, *, gaps=True, in_search=False):
    """Return rows of the series that `fit` saw as a Panel; refuse other series.

    `in_search`: whether a search may pass the rows, so that the message speaks of its `cv`.
    """
    later = read_panel(data, known=panel, gaps=gaps)
    if later.form == panel.form == "series":
        return replace(later, labels=panel.labels)  # the name of a single series may differ
    labels = set(panel.labels)
    unknown = [k for k in (*later.labels, *later.empty) if k not in labels.union(panel.empty)]
    seen = [k for k, label in enumerate(later.labels) if label in labels]
    if unknown or not seen:
        remedy = "Drop it, or fit again."
        if later.form == "wide":
            remedy = "Pass columns of `exog` in `exog=`, drop other columns, or fit again."
        raise ValueError(
            f"`series` must hold the series that `fit` saw, got {[*unknown, *later.labels][0]!r}. "
            f"{remedy}{f' {IN_ORDER}' if in_search else ''}"
        )
    return later.take(seen)


def check_after_cutoff(panel, later):
    """Refuse rows of a later Panel that are also in `panel`."""
    cutoffs = dict(zip(panel.labels, panel.cutoffs, strict=True))
    for label, times in zip(later.labels, later.times, strict=True):
        if times[0] <= cutoffs[label]:
            place = "" if label is None else f" of series {label!r}"
            raise ValueError(
                f"The rows{place} to be scored must lie after the cutoff {cutoffs[label]}, got "
                f"{times[0]}. {IN_ORDER}"
            )


def rows_ahead(panel, later, *, gaps):
    """Align the rows of a later Panel with the steps after those of `panel`.

    Rows up to the last known one are ignored. For each series, return every step after it up to the
    last new one, and the values there: NaN where there is no row, if `gaps`. Warn if all are known.
    """
    places = {label: k for k, label in enumerate(later.labels)}
    times, values = [], []
    for label, known in zip(panel.labels, panel.times, strict=True):
        k = places.get(label)
        rows = known[:0] if k is None else later.times[k]
        n_rows = len(known) + len(rows)
        place = "" if label is None else f" in series {label!r}"
        n_steps = steps_until(known, panel.step, rows[-1], n_rows, place) if len(rows) else 0
        ahead = index_after(known, panel.step, n_steps) if n_steps else known[:0]
        positions = ahead.get_indexer(rows)
        placed = np.full(n_steps, np.nan)
        if n_steps:
            placed[positions[positions >= 0]] = later.values[k][positions >= 0]
        strays = rows[(positions < 0) & (rows > known[-1])]
        gap = ahead[np.isnan(placed)]
        if len(strays) or (len(gap) and not gaps):
            got, remedy = f"no value at {first_few(gap)}", "Pass a value for each step" + FIT_FILL
            if len(strays):
                got, remedy = f"{first_few(strays)} off it", "Move or drop these rows."
            raise ValueError(
                f"`series` must continue from {known[-1]}{place} at the step "
                f"{step_name(panel.step)}, got {got}. {remedy}"
            )
        times.append(ahead)
        values.append(placed)
    if not any(map(len, times)):
        last = max(known[-1] for known in panel.times)
        warnings.warn(
            f"`series` should hold rows after the cutoff, {last}, got none: nothing changes. Pass "
            "the rows since then.",
            stacklevel=3,
        )
    return times, values
