"""Folds in order of time: rows to train on, followed by rows to test."""

import warnings

import numpy as np
import pandas as pd

from skrnn._forecasting.read_series import read_panel
from skrnn._preprocessing.time_columns import with_time_index
from skrnn._preprocessing.time_index import first_few, plain_index
from skrnn._preprocessing.windows import check_count


def first_trained(panel, instants, place, window, n_known):
    """Return the first training row of each series, (n_series,), up to a cutoff.

    The cutoff is the instant at `place`, and `n_known` is the number of rows of each series up to
    it. With a `window` only rows at the last `window` instants count, without leading missing
    values.
    """
    first = np.zeros(len(panel), dtype=int)
    if window is None or window > place:
        return first
    before = instants[[place - window]]
    for k, (times, values) in enumerate(zip(panel.times, panel.values, strict=True)):
        start = times.searchsorted(before, side="right")[0]
        missing = np.isnan(values[start : n_known[k]])
        first[k] = start + (len(missing) if missing.all() else np.argmin(missing))
    return first


def warn_of_untested(panel, last_before, tested, remedy):
    """Warn of series that no fold tests, separately of those without a row after `last_before`."""
    untested = panel.take(np.flatnonzero(np.logical_not(tested)))
    ended, late = [], []
    for label, times in zip(untested.labels, untested.times, strict=True):
        (ended if times[-1] <= last_before else late).append(repr(label))
    for labels, why in [
        (ended, f"ended by {last_before}, before all tests. Raise {remedy} to reach back, or"),
        (late, "have too few rows before the cutoffs. To silence this,"),
    ]:
        if labels:
            warnings.warn(
                f"No fold has rows of series {first_few(labels)}, which {why} leave them out of "
                "`series`.",
                stacklevel=4,
            )


def time_folds(series, n_splits, steps, gap, window, freq, columns):
    """Return a list of (train, test) positions; see `RNNForecaster.time_folds`."""
    check_count("n_splits", n_splits, 1)
    check_count("gap", gap, 0)
    if window is not None:
        check_count("window", window, 1)
    series = with_time_index(series, "series", *columns)
    panel = read_panel(series, freq=freq, gaps=True)
    instants = panel.instants
    n_test = len(instants) // (n_splits + 1) if steps is None else steps
    check_count("steps", n_test, 1)
    if len(instants) <= n_splits * n_test + gap:
        after = f" and a `gap` of {gap}" if gap else ""
        raise ValueError(
            f"`n_splits` folds of {n_test} times{after} must leave times to train on, got "
            f"n_splits={n_splits} with {len(instants)} times. Lower one of them."
        )
    places = len(instants) - np.arange(n_splits, 0, -1) * n_test - 1
    ends, cutoffs = instants[places], instants[places - gap]
    reached = [
        cutoffs.searchsorted(rows[:1])[0] < ends.searchsorted(rows[-1:])[0] for rows in panel.times
    ]
    warn_of_untested(panel, ends[0], reached, "`n_splits`")
    index = plain_index(series.index, "series")
    times, in_panel = index.get_level_values(-1), isinstance(index, pd.MultiIndex)
    labels = index.droplevel(-1) if in_panel else pd.Index(np.zeros(len(series)))
    n_ends = ends.searchsorted(times)  # before each row
    folds = []
    for fold, place in enumerate(places - gap):
        trained = times <= cutoffs[fold]
        if window is not None and window <= place:
            trained &= times > instants[place - window]
        train = np.flatnonzero(trained)
        test = (n_ends == fold + 1) & labels.isin(labels[train])
        folds.append((train, np.flatnonzero(test)))
    return folds
