"""Folds in the order of time: positions of rows to train on, and of those that follow."""

import numpy as np
import pandas as pd

from skrnn._forecasting.read_series import check_pandas
from skrnn._preprocessing.windows import check_count


def time_folds(series, n_splits, steps):
    """Return a list of (train, test) positions; see `RNNForecaster.time_folds`."""
    check_pandas(series)
    check_count("n_splits", n_splits, 1)
    in_panel = isinstance(series.index, pd.MultiIndex)
    times = series.index.get_level_values(1) if in_panel else series.index
    labels = series.index.codes[0] if in_panel else np.zeros(len(series), dtype=int)
    distinct = times.unique().sort_values()
    n_test = len(distinct) // (n_splits + 1) if steps is None else steps
    check_count("steps", n_test, 1)
    if len(distinct) <= n_splits * n_test:
        raise ValueError(
            f"`n_splits` folds of {n_test} times must leave times to train on, got "
            f"n_splits={n_splits} with {len(distinct)} times. Lower one of them."
        )
    ranks = distinct.get_indexer(times)
    folds = []
    for start in range(len(distinct) - n_splits * n_test, len(distinct), n_test):
        train = np.flatnonzero(ranks < start)
        ahead = (ranks >= start) & (ranks < start + n_test)
        folds.append((train, np.flatnonzero(ahead & np.isin(labels, labels[train]))))
    return folds
