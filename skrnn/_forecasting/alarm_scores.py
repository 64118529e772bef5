"""Alarm scores: how unusual rows are, given the errors of their and of earlier forecasts."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Annotated

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skrnn._utils.field_types import Array64, Count, Positive64, Table64

RUN = 6  # rows whose errors are averaged
CLIPPED = 0.01  # share of the largest errors, which are capped at the next one in a run
REPLACED = 0.005  # share of the largest errors, whose rows later windows do not read
TAIL = 0.1  # share of the largest values, which are taken as exponential
LEAST_EXCESS = 1e-6  # their mean distance from the next value, in the unit of errors


def _ascending(array):
    return array.ndim == 1 and bool((np.diff(array) >= 0).all())


Sorted64 = Annotated[Array64, _ascending]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Held-out statistics of training rows, to compare later rows with; each in ascending order."""

    errors: Sorted64  # absolute, in the unit of Residuals
    runs: Sorted64  # mean of RUN clipped errors
    stays: Sorted64  # rows since the value changed
    scores: Sorted64  # of rows: the largest surprise of these, over all columns
    # errors of forecasts fed back for so many steps, as multiples of those of one step
    growth: Positive64
    sizes: Table64  # (n_series, 1), errors of each series, as multiples of those of all
    rows: Count  # rows of the mean seasonal change that is the unit, as in Residuals

    @property
    def unit(self):
        """The unit of errors, as `pinned_model` takes it."""
        return self.sizes, self.rows

    @property
    def limit(self):
        """The error above which a row is replaced by its forecast."""
        return error_limit(self.errors)

    @property
    def clip(self):
        """The error at which errors are capped in a run."""
        return upper_quantile(self.errors, CLIPPED)

    def scores_of(self, errors, stays):
        """Return the score of each row of a series, (n_rows,); NaN where there is no error."""
        found = [surprise(errors, self.errors), surprise_of_rank(stays, self.stays)]
        if len(self.runs):
            runs = run_means(errors, self.clip)
            found += [surprise(runs, self.runs), surprise(-runs, -self.runs[::-1])]
        return np.where(np.isnan(errors), np.nan, np.max(found, axis=0))

    def p_values(self, scores):
        """Return conformal p-values, (n_rows,): the share of rows at least as unusual."""
        n = len(self.scores)
        at_least = n - np.searchsorted(self.scores, scores, side="left")
        return np.where(np.isnan(scores), np.nan, (1 + at_least) / (n + 1))

    def threshold(self, contamination):
        """Return the score that the next row exceeds with at most this probability."""
        kept = 1 - Fraction(str(contamination))
        return self.scores[ceil((len(self.scores) + 1) * kept) - 1]


def fit_calibration(errors, stays, rows, *of_model):
    """Return the Calibration of held-out errors of series, a list of (n_rows,) with NaN.

    `stays` are as `rows_unchanged` returns them. `rows` holds the rows of a table that each series
    has, for columns that are scored together; None: each row of each series counts. `of_model`
    holds the last fields of the Calibration.
    """
    known = [~np.isnan(part) for part in errors]
    every = ascending(errors)
    clip = upper_quantile(every, CLIPPED)
    runs = ascending([run_means(part, clip) for part in errors])
    still = np.sort(np.concatenate(stays)[np.concatenate(known)])
    first = Calibration(every, runs, still, every, *of_model)
    scores = [first.scores_of(*parts) for parts in zip(errors, stays, strict=True)]
    together = np.concatenate(scores) if rows is None else highest_of_rows(scores, rows)
    return Calibration(every, runs, still, ascending([together]), *of_model)


def highest_of_rows(scores, rows):
    """Return the highest score in each row of a table, given those of columns and their rows."""
    found = np.full(1 + max(part.max() for part in rows), np.nan)
    for part, places in zip(scores, rows, strict=True):
        found[places] = np.fmax(found[places], part)
    return found


def surprise(values, known):
    """Return minus the logarithm of the share of known values that are at least as large.

    `known` ascends. The tail of its highest tenth is exponential, with their mean excess over the
    next value: it is smoother than ranks, and it has no end. 0 for NaN.
    """
    n_high = ceil(TAIL * len(known))
    start = known[-n_high - 1] if n_high < len(known) else known[0]
    excess = max((known[-n_high:] - start).mean(), LEAST_EXCESS)
    high = np.log((len(known) + 1) / (n_high + 1)) + (values - start) / excess
    return np.where(values > start, high, surprise_of_rank(values, known))


def surprise_of_rank(values, known):
    """Return the same by ranks; each unit beyond the largest value counts as a factor e."""
    at_least = len(known) - np.searchsorted(known, values, side="left")
    found = np.log((len(known) + 1) / (at_least + 1)) + np.maximum(values - known[-1], 0)
    return np.where(np.isnan(values), 0.0, found)


def unlikeness(errors):
    """Return the spread of absolute errors: the log of their mean over their geometric mean.

    In units in which errors follow a Laplace distribution, this is its negative log-likelihood, up
    to a constant.
    """
    known = errors[errors > 0]
    return np.log(known.mean()) - np.log(known).mean() if len(known) else 0.0


def ascending(parts):
    """Return the values of some arrays in ascending order, without NaN."""
    values = np.concatenate(parts)
    return np.sort(values[~np.isnan(values)])


def error_limit(errors):
    """Return the error, given them in ascending order, above which a row is replaced."""
    return upper_quantile(errors, REPLACED)


def upper_quantile(known, share):
    """Return the value of an ascending array that this share of its values exceeds, at most."""
    return known[ceil(len(known) * (1 - share)) - 1]


def run_means(errors, clip):
    """Return the mean of the last RUN errors, (n_rows,), none above `clip`; NaN where one is."""
    padded = np.concatenate([np.full(RUN - 1, np.nan), np.minimum(errors, clip)])
    return sliding_window_view(padded, RUN).mean(axis=1)


def rows_unchanged(values, most):
    """Return for how many rows up to each the value is unchanged, (n_rows,), at most `most`."""
    rows = np.arange(len(values))
    changed = np.append(True, values[1:] != values[:-1])
    since = rows - np.maximum.accumulate(np.where(changed, rows, 0))
    return np.minimum(since, most).astype(np.float64)
