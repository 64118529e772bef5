"""Candidate: an anchor and a ridge, as linear maps of the rows before a forecast."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Candidate(NamedTuple):
    """One way to forecast: an anchor, and a ridge on the window minus the anchor's level."""

    unit: str
    anchor: str
    season: int = 0  # of the anchor; rows near whose mean the mean of all rows stays
    window: int = 0  # rows; 0: only the anchor
    known: bool = False  # whether the ridge reads calendar and `exog`
    fourier: bool = False  # whether it also reads sine and cosine of the seasons

    @property
    def n_rows(self):
        """Number of recent rows that it reads."""
        return max(self.window, ANCHORS[self.anchor].cycles * self.season, 1)


class Layout(NamedTuple):
    """Columns of the inputs: recent rows, mean and slope of all rows, 1, and known columns.

    The last value is subtracted from rows and mean. So every forecast is the last value plus a
    linear map of the inputs, (n_inputs, outputs).
    """

    n_rows: int
    n_known: int
    outputs: int
    n_fourier: int = 0  # of the known columns, the first

    @property
    def n_inputs(self):
        return self.n_rows + 3 + self.n_known

    def zeros(self, n_columns=None):
        return np.zeros((self.n_inputs, self.outputs if n_columns is None else n_columns))

    def mean_of_rows(self, n_rows, skip=0):
        """Return the weights, (n_inputs,), of the mean of `n_rows` rows before the last `skip`."""
        weights = np.zeros(self.n_inputs)
        end = self.n_rows - skip
        weights[end - n_rows : end] = 1 / n_rows
        return weights


class Anchor(NamedTuple):
    """Starting point of a ridge: maps made from a Layout and a Candidate."""

    forecast: Callable  # (n_inputs, outputs)
    level: Callable  # (n_inputs,), weights of the level that is subtracted from the window
    cycles: int = 0  # seasons that it reads


def _last(layout, candidate):
    return layout.zeros()


def _mean(layout, candidate):
    weights = layout.zeros()
    weights[layout.n_rows] = 1
    return weights


def _drift(layout, candidate):
    weights = layout.zeros()
    weights[layout.n_rows + 1] = np.arange(1, layout.outputs + 1)
    return weights


def _seasonal(layout, candidate):
    """Repeat the last season."""
    weights = layout.zeros()
    steps = np.arange(layout.outputs)
    weights[layout.n_rows - candidate.season + steps % candidate.season, steps] = 1
    return weights


def _two_seasons(layout, candidate):
    """Continue the mean of the last two seasons, the earlier one moved to the level of the last."""
    season, steps = candidate.season, np.arange(layout.outputs)
    change = layout.mean_of_rows(season) - layout.mean_of_rows(season, skip=season)
    weights = np.outer(change, 0.5 + 1 + steps // season)
    for cycle in (1, 2):
        weights[layout.n_rows - cycle * season + steps % season, steps] += 0.5
    return weights


def _window_mean(layout, candidate):
    return np.repeat(_window_level(layout, candidate)[:, np.newaxis], layout.outputs, axis=1)


def _last_level(layout, candidate):
    return np.zeros(layout.n_inputs)


def _mean_level(layout, candidate):
    return _mean(layout, candidate)[:, 0]


def _season_level(layout, candidate):
    return layout.mean_of_rows(candidate.season)


def _window_level(layout, candidate):
    return layout.mean_of_rows(candidate.window)


ANCHORS = {
    "last": Anchor(_last, _last_level),
    "mean": Anchor(_mean, _mean_level, 1),
    "drift": Anchor(_drift, _last_level),
    "seasonal": Anchor(_seasonal, _season_level, 1),
    "two seasons": Anchor(_two_seasons, _season_level, 2),
    "window mean": Anchor(_window_mean, _window_level),
}


def anchor_map(layout, candidate):
    """Return the map from inputs to the anchor's forecast minus the last value."""
    return ANCHORS[candidate.anchor].forecast(layout, candidate)


def level_of(layout, candidate):
    """Return the weights of the level that is subtracted from the window, (n_inputs,)."""
    return ANCHORS[candidate.anchor].level(layout, candidate)


def window_map(layout, candidate):
    """Return the map from inputs to the columns of the ridge: window minus level, 1, and known."""
    rows = slice(layout.n_rows - candidate.window, layout.n_rows)
    first = layout.n_rows + 2
    fourier, known = np.split(np.arange(first + 1, layout.n_inputs), [layout.n_fourier])
    others = [first, *fourier[: None if candidate.fourier else 0]]
    others += [*known[: None if candidate.known else 0]]
    weights = layout.zeros(candidate.window + len(others))
    weights[rows, : candidate.window] = np.eye(candidate.window)
    weights[:, : candidate.window] -= level_of(layout, candidate)[:, np.newaxis]
    weights[others, np.arange(candidate.window, weights.shape[1])] = 1
    return weights
