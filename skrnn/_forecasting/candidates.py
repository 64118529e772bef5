"""The candidates that a Baseline is chosen from, the origins that all of them share, and blocks."""

import numpy as np

from skrnn._forecasting.anchors import Candidate
from skrnn._forecasting.linear_model import UNITS

MOST_ORIGINS = 20_000
MOST_TARGETS = 500_000  # origins times outputs
LEAST_LEFT = 0.35  # least share of all rows that must be origins
ROWS_FOR_MEAN = 150
SEASONS_NEEDED = 3  # in the training rows, for a candidate to repeat the season
WITHOUT_SEASON = 8  # rows that replace a season where there is none
ROWS_FOR_FAR = 8  # windows of sixteen seasons that the training rows must hold
MANY_SERIES = 20
BLOCKS = 3, 5


def list_candidates(kind, seasons, window, n_rows, learned, n_series, with_known, with_fourier):
    """Return the Candidates of a kind that read at most `n_rows` rows.

    They are learned from `n_series` series of about `learned` rows.
    """
    many = n_series >= MANY_SERIES
    seasons = [season for season in seasons if season > 1]
    if kind == "seasonal":
        whole = seasons and seasons[0] <= n_rows
        return [Candidate("values", "seasonal", seasons[0]) if whole else _LAST]
    if kind == "ridge":
        return [Candidate("values", "window mean", 0, window, with_known)]
    if kind != "stacked":
        return [Candidate("values", kind)]
    whole = [season for season in seasons if season <= min(n_rows, learned // SEASONS_NEEDED)]
    anchors = [("last", 0)]
    anchors += [("mean", whole[0] if whole else WITHOUT_SEASON)] * (n_rows >= ROWS_FOR_MEAN)
    anchors += [("seasonal", season) for season in whole]
    anchors += [("two seasons", s) for s in whole if n_rows >= 2 * s and learned >= 4 * s]
    longest = min(n_rows, max(learned // (2 if many else 3), 1))
    windows = [rows for rows in _window_lengths(seasons, learned) if rows <= longest] or [longest]
    return [
        Candidate(unit, *anchor, rows, *columns)
        for unit in UNITS
        for anchor in anchors
        for rows in (0, *windows)
        for columns in _columns(with_known, with_fourier and rows <= max(seasons))
        if rows or not any(columns)
        # For anchors that repeat a row, logarithms change nothing.
        if rows or unit == "values" or anchor[0] not in ("last", "seasonal")
    ]


_LAST = Candidate("values", "last")


def _columns(with_known, with_fourier):
    """Return the columns ridges read next to the window: `known` and `fourier` of Candidates."""
    read = {(False, False), (with_known, False), (with_known, with_fourier)}
    return sorted(read)


def _window_lengths(seasons, n_rows):
    if len(seasons) > 1:
        return [4, seasons[0], 4 * seasons[0], 2 * seasons[-1]]
    season = seasons[0] if seasons else WITHOUT_SEASON
    far = 16 * season
    if far * ROWS_FOR_FAR <= n_rows:
        return [4, season, 4 * season, far]
    return [4, season, 2 * season, 4 * season]


def known_seasons(kind, seasons, n_rows):
    """Return the seasons for which ridges read sine and cosine: those with two cycles."""
    if kind != "stacked":
        return ()
    return tuple(season for season in seasons if 1 < season <= n_rows // 2)


def drop_longest(candidates, lengths, outputs):
    """Drop the candidates that read the most rows until enough rows are left as origins."""
    while True:
        longest = max(candidate.n_rows for candidate in candidates)
        left = np.maximum(lengths - longest - outputs + 1, 0).sum()
        shorter = [candidate for candidate in candidates if candidate.n_rows < longest]
        if left >= LEAST_LEFT * lengths.sum() or not shorter:
            return candidates
        candidates = shorter


def choose_origins(lengths, first, outputs, stride):
    """Return the series and the rows before each origin, evenly spaced, at most MOST_ORIGINS."""
    counts = np.maximum((lengths - outputs - first) // stride + 1, 0)
    ends = np.cumsum(counts)
    most = max(min(MOST_ORIGINS, MOST_TARGETS // outputs), 1)
    places = np.arange(ends[-1])
    if len(places) > most:
        places = np.linspace(0, ends[-1] - 1, most).round().astype(int)
    series = np.searchsorted(ends, places, side="right")
    back = ends[series] - 1 - places
    return series, lengths[series] - outputs - back * stride


def cut_blocks(times, least):
    """Return the block of each origin: contiguous in time, of equal size, at least `least` rows."""
    n_times = len(np.unique(times))
    span = np.ptp(times) + 1 if len(times) else 0
    n_blocks = min(max(n_times, 1), int(np.clip(span // least, *BLOCKS)))
    ordered = np.sort(times)
    edges = ordered[np.arange(1, n_blocks) * len(times) // n_blocks]
    return np.searchsorted(edges, times, side="right")
