"""Baseline: weighted forecasts that are linear in the recent rows, from anchors and ridges."""

from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from skrnn._forecasting.anchors import Candidate, Layout, anchor_map
from skrnn._utils.field_types import Array64, Count, Positive64, Size, Table64

UNITS = "values", "logarithms"
HARMONICS = 6  # of a season, at most: as many as a year of twelve months has
LEAST = 1e-3  # of the lowest value of a series: lower values are raised to it for logarithms
ROUNDING = 1e-9  # of the highest value of a series: anything less does not count as positive


@dataclass(frozen=True, eq=False)
class History:
    """The rows before each origin that linear forecasts read."""

    recent: np.ndarray  # (n_origins, n_rows), the latest last; NaN where missing
    mean: np.ndarray  # (n_origins,), of all known rows
    first: np.ndarray  # (n_origins,), the first known value
    n_known: np.ndarray  # (n_origins,), rows from the first known value on
    position: np.ndarray  # (n_origins,), number of all rows before it
    # (n_origins, n_known_columns), calendar columns at the last row, then the `exog` of the rows to
    # forecast. Sine and cosine of a later row are a rotation of those at the last row.
    known: np.ndarray


def season_columns(positions, seasons):
    """Return sine and cosine of each season and of its fractions, (n_origins, n_columns)."""
    columns = [np.empty((len(positions), 0))]
    for season in seasons:
        for harmonic in range(1, min(HARMONICS, season // 2) + 1):
            angle = 2 * np.pi * harmonic * positions / season
            both = [np.cos(angle), np.sin(angle)][: 1 if 2 * harmonic == season else 2]
            columns.append(np.column_stack(both))
    return np.hstack(columns)


@dataclass(frozen=True, eq=False)
class SeriesScales:
    """The scales of each series, (n_series,) each.

    Standardized values times `deviations` plus `means` are the values. Logarithms of these are
    divided by `log_deviations`, which is empty if some value is not positive. Forecasts made in
    logarithms stay within `lowest` and `highest`, which are again standardized values.
    """

    means: Array64
    deviations: Positive64
    log_deviations: Positive64
    least: Array64
    lowest: Array64
    highest: Array64

    def to_unit(self, values, series, unit):
        """Return standardized values of series, one series for each first index, in a unit."""
        if unit == "values":
            return values
        mean, deviation, scale, least = (
            part[series].reshape(-1, *(1,) * (values.ndim - 1))
            for part in (self.means, self.deviations, self.log_deviations, self.least)
        )
        return np.log(np.maximum(values * deviation + mean, least)) / scale

    def from_unit(self, values, series, unit):
        """Return forecasts in a unit, (n_origins, outputs), as standardized values."""
        if unit == "values":
            return values
        mean, deviation, scale, lowest, highest = (
            part[series, np.newaxis]
            for part in (
                self.means,
                self.deviations,
                self.log_deviations,
                self.lowest,
                self.highest,
            )
        )
        most = np.log(np.finfo(np.float64).max) / 2
        values = (np.exp(np.minimum(values * scale, most)) - mean) / deviation
        return np.clip(values, lowest, highest)


def fit_series_scales(values, means, deviations):
    """Return the SeriesScales of standardized series."""
    known = np.array([not np.isnan(row).all() for row in values])  # copying them would be large
    lowest, highest = (
        np.array([end(row) if any_ else 0.0 for row, any_ in zip(values, known, strict=True)])
        for end in (np.nanmin, np.nanmax)
    )
    least, most = lowest * deviations + means, highest * deviations + means
    logs = np.empty(0)
    if known.any() and (least > ROUNDING * most)[known].all():
        rows = zip(values, means, deviations, known, strict=True)
        logs = np.array([np.nanstd(np.log(r * s + m)) if any_ else 1.0 for r, m, s, any_ in rows])
        logs = np.where(logs > 0, logs, 1.0)
    width = highest - lowest
    return SeriesScales(means, deviations, logs, LEAST * least, lowest - width, highest + width)


def make_history(values, known, series, n_known, n_rows, filled=None):
    """Return the History before origins in standardized series.

    `values` holds the rows of each series, `known` is (n_origins, n_known_columns). `series` and
    `n_known`, (n_origins,) each, give the series of an origin and the number of rows before it.
    `filled` holds the rows that become recent rows of the history; None: `values`.
    """
    filled = values if filled is None else filled
    series, n_known = np.asarray(series), np.asarray(n_known)
    recent = np.empty((len(series), n_rows))
    mean, first, counted = (np.empty(len(series)) for _ in range(3))
    for k, origins in by_series(series):
        ends = n_known[origins]
        row = np.asarray(values[k][: ends.max()], dtype=np.float64)
        padded = np.concatenate([np.full(n_rows, np.nan), filled[k][: ends.max()]])
        recent[origins] = sliding_window_view(padded, n_rows)[ends]
        missing = np.isnan(row)
        start = int(missing.argmin()) if len(row) else 0
        totals = np.cumsum(np.where(missing, 0, row))
        mean[origins] = totals[ends - 1] / np.maximum(np.cumsum(~missing)[ends - 1], 1)
        first[origins] = row[start]
        counted[origins] = ends - start
    return History(recent, mean, first, counted, n_known, known)


def by_series(series):
    """Return pairs of a series and its positions in `series`."""
    order = np.argsort(series, kind="stable")
    if not len(order):
        return []
    chosen, starts = np.unique(series[order], return_index=True)
    return list(zip(chosen, np.split(order, starts[1:]), strict=True))


def fill_missing(rows, season, otherwise):
    """Return rows, (n_origins, n_rows), with missing ones as a season before, or else the last.

    Rows before the first known row repeat it, or `otherwise`, (n_origins,), if no row is known.
    """
    if not np.isnan(rows).any():
        return rows
    rows = rows.copy()
    n_rows = rows.shape[1]
    for lag, steps in ((season, range(season, n_rows)), (1, range(1, n_rows))):
        for step in steps:
            rows[:, step] = np.where(np.isnan(rows[:, step]), rows[:, step - lag], rows[:, step])
    for step in reversed(range(n_rows - 1)):
        rows[:, step] = np.where(np.isnan(rows[:, step]), rows[:, step + 1], rows[:, step])
    return np.where(np.isnan(rows), np.nan_to_num(otherwise)[:, np.newaxis], rows)


def known_in_units(columns, means, deviations):
    """Return known columns standardized; a missing value is the mean."""
    return np.nan_to_num((columns - means) / deviations)


def make_inputs(scales, history, series, unit):
    """Return the inputs of a Layout, (n_origins, n_inputs), and the last values, (n_origins, 1).

    No row of the history may be missing.
    """
    rows = scales.to_unit(history.recent, series, unit)
    last = rows[:, -1:]
    mean, first = (
        scales.to_unit(part, series, unit)[:, np.newaxis] for part in (history.mean, history.first)
    )
    slope = (last - first) / np.maximum(history.n_known - 1, 1)[:, np.newaxis]
    constant = np.ones_like(last)
    return np.hstack([rows - last, mean - last, slope, constant, history.known]), last


def distance_of_mean(inputs, n_rows, near):
    """Return the distance of the mean of all rows from that of the last `near` of `n_rows`."""
    return inputs[:, n_rows] - inputs[:, n_rows - near : n_rows].mean(axis=1)


def _whole(numbers):
    return numbers.ndim == 1 and numbers.dtype.kind == "i"


@dataclass(frozen=True, eq=False)
class Baseline:
    """A weighted mean of linear forecasts, in the unit of the standardized series.

    `candidates` lists what was compared: the fields of a Candidate, `penalty` (times the mean
    eigenvalue of the ridge's Gram matrix), the held-out mean squared `errors` of each block, and
    `weight`.
    """

    scales: SeriesScales
    seasons: tuple[Size, ...]  # of the first known columns
    positions: Annotated[np.ndarray, _whole]  # of first rows, (n_series,)
    season: Size  # rows back from which a missing row is filled
    outputs: Size
    min_history: Count
    candidates: list
    known_means: Array64
    known_deviations: Positive64
    # of candidates with a weight, in their order, (n_chosen, n_inputs, outputs)
    maps: Annotated[Array64, lambda maps: maps.ndim == 3]
    shares: Table64  # (n_chosen, 1)
    # The least and the greatest `distance_of_mean` in `fit`, (n_units, 2); empty in older files.
    reach: Table64 = field(default_factory=lambda: np.empty((0, 2)))

    @property
    def chosen(self):
        """The Candidates with a weight."""
        return [
            Candidate(*(part[name] for name in Candidate._fields))
            for part in self.candidates
            if part["weight"] > 0
        ]

    def forecast(self, history, series):
        """Return forecasts, (n_origins, outputs), given the index of each origin's series."""
        return self._mean_of(self.maps, history, series)

    def parts(self, history, series):
        """Return the parts of `forecast` that come from anchors and from ridges, by name."""
        layout = Layout(self.min_history, len(self.known_means), self.outputs)
        anchors = np.stack([anchor_map(layout, candidate) for candidate in self.chosen])
        anchor = self._mean_of(anchors, history, series)
        return {"anchor": anchor, "ridge": self.forecast(history, series) - anchor}

    def _mean_of(self, maps, history, series):
        n_rows = self.min_history
        recent = fill_missing(history.recent, self.season, history.mean)[:, -n_rows:]
        turns = season_columns(self.positions[series] + history.position, self.seasons)
        known = np.hstack([turns, history.known])
        known = known_in_units(known, self.known_means, self.known_deviations)
        history = replace(history, recent=recent, known=known)
        units = np.array([candidate.unit for candidate in self.chosen])
        total = np.zeros((len(recent), self.outputs))
        for unit in UNITS:
            weights, shares = maps[units == unit], self.shares[units == unit]
            if unit == "values" and len(weights):  # linear as a whole
                weights = np.tensordot(shares, weights, axes=(0, 0)) / shares.sum()
                shares = shares.sum(axis=0, keepdims=True)
            if len(weights):
                inputs, last = make_inputs(self.scales, history, series, unit)
                self._keep_mean_near(inputs, unit)
            for weight, share in zip(weights, shares, strict=True):
                total += share * self.scales.from_unit(last + inputs @ weight, series, unit)
        return total

    def _keep_mean_near(self, inputs, unit):
        """Move the mean of all rows into its range in `fit`, in place, after a change of level."""
        near = max((part.season for part in self.chosen if part.anchor == "mean"), default=0)
        if near and len(self.reach):
            distance = distance_of_mean(inputs, self.min_history, near)
            allowed = np.clip(distance, *self.reach[UNITS.index(unit)])
            inputs[:, self.min_history] += allowed - distance
