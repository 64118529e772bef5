"""Arrived: errors of forecasts that `update` brought the truth for, and quantiles that adapt."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from skrnn._utils.field_types import Table64

RATE = 0.1  # of the largest recent error: the step by which a quantile moves
FADING = 0.99  # factor of a largest error after each step
MOST_ARRIVED, LEAST_ARRIVED, MOST_OF_ALL = 1000, 100, 20_000  # forecasts of a series, and of all

Positions = Annotated[np.ndarray, lambda array: array.ndim == 1 and array.dtype.kind == "i"]


@dataclass(frozen=True, eq=False)
class Arrived:
    """Errors of forecasts, in the unit of Residuals, in order of their origins in each series."""

    series: Positions  # (n_origins,)
    n_known: Positions  # (n_origins,), rows known at the origin
    errors: Table64  # (n_origins, steps); NaN where the truth has not come, or is missing

    def of_series(self, series):
        """Return errors of distinct series, (n_rows, n_series, steps), latest last, NaN before."""
        counts = [(self.series == k).sum() for k in series]
        table = np.full((max(counts, default=0), len(series), self.errors.shape[1]), np.nan)
        for place, (k, count) in enumerate(zip(series, counts, strict=True)):
            table[len(table) - count :, place] = self.errors[self.series == k]
        return table


def no_arrived(n_steps):
    """Return the Arrived of a forecaster without an update."""
    none = np.empty(0, dtype=int)
    return Arrived(none, none, np.empty((0, n_steps)))


def follow(start, errors, probability):
    """Return quantiles after errors came, (n_rows, ...), given those at the `start`, (...).

    Each error above its quantile raises it, and each other error lowers it. So over many rows the
    share `probability` is not above it, whatever the errors. This is adaptive conformal inference
    (Gibbs and Candes 2021, https://arxiv.org/abs/2106.00170) of the quantile itself, with steps in
    proportion to the largest recent error (Angelopoulos et al. 2023,
    https://arxiv.org/abs/2307.16895, sections 2.1 and 3).
    """
    found, largest = start.copy(), np.abs(start)
    for row in errors:
        known = ~np.isnan(row)
        sizes = np.where(known, np.abs(row), 0)
        largest = np.maximum(np.where(known, FADING * largest, largest), sizes)
        missed = (row > found) - (1 - float(probability))
        found += np.where(known, RATE * largest * missed, 0)
    return found


def with_arrived(arrived, series, n_known, errors, n_series):
    """Return Arrived with errors of more origins, which replace earlier ones of the same origin.

    The latest of each series are kept: MOST_ARRIVED, or fewer in a panel of many series.
    """
    most = max(min(MOST_ARRIVED, MOST_OF_ALL // n_series), LEAST_ARRIVED)
    new = set(zip(series.tolist(), n_known.tolist(), strict=True))
    old = np.array(
        [
            (k, n) not in new
            for k, n in zip(arrived.series.tolist(), arrived.n_known.tolist(), strict=True)
        ],
        dtype=bool,
    )
    series = np.append(arrived.series[old], series)
    n_known = np.append(arrived.n_known[old], n_known)
    errors = np.vstack([arrived.errors[old], errors])
    order = np.lexsort([n_known, series])
    after = np.searchsorted(series[order], series[order], side="right") - np.arange(len(order))
    kept = order[after <= most]
    return Arrived(series[kept], n_known[kept], errors[kept])
