"""Warnings about series with fewer rows than the other series' forecasts need."""

import warnings

import numpy as np

from skrnn._forecasting.candidates import SEASONS_NEEDED
from skrnn._preprocessing.time_index import first_few


def warn_of_short(model, panel, n_known, too_few, held_out):
    """Warn of series that are forecast from fewer rows than others, or have no held-out rows.

    `too_few` says in words that no series has the rows for training as requested; None if one has
    them. `held_out` says which of the series should have calibration windows. `n_known` is
    the number of their training rows.
    """
    short = n_known < model.min_history
    if too_few is not None:
        _warn(f"{too_few}. The forecast is made from fewer rows, without a network.")
    elif short.any():
        named = _named(panel, np.flatnonzero(short))
        _warn(
            f"`series` has fewer rows than the {model.min_history} that forecasts read, in "
            f"{named}. Forecasts of these are made from fewer rows, without a network. Pass more "
            "rows, or leave them out."
        )
    whole = np.flatnonzero(held_out & (n_known == panel.lengths) & ~short)
    if len(whole):
        _warn(
            f"`calibration` holds out no rows of {_named(panel, whole)}, which are too "
            "short for a window and calibration. Lower it, or pass more rows."
        )


def warn_of_few_seasons(season, n_rows):
    """Warn if a forecast has no season, because there are too few rows to hold one out."""
    if season > 1 and n_rows < SEASONS_NEEDED * season:
        _warn(
            f"`series` must have {SEASONS_NEEDED} seasons of {season} training rows for a forecast "
            f"with a season, got {n_rows} rows. Pass more rows, set `baseline='seasonal'`, which "
            "repeats the last season, or set `season=1` if there is none."
        )


def _named(panel, places):
    return first_few([repr(panel.labels[k]) for k in places])


def _warn(message):
    warnings.warn(message, stacklevel=4)
