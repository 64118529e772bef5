"""Warnings of series that have too few rows for what forecasts the others."""

import warnings

import numpy as np

from skrnn._preprocessing.time_index import first_few


def warn_of_short(model, panel, n_known, needed, held_out):
    """Warn of series that are forecast from fewer rows than others, or of which none is held out.

    `needed` is the rows that one series must have to train on as asked, None where one has them.
    `held_out` says which of the series should have calibration windows, and `n_known` are their
    rows to train on.
    """
    short = n_known < model.min_history
    if needed is not None:
        _warn(
            f"`series` must have {needed} rows (`timesteps` + `differences` + steps in whole "
            f"strides) for a window and its targets, got {panel.lengths.max()}. The forecast is "
            "what fewer rows allow, without a network. Pass more rows, or shorten the window."
        )
    elif short.any():
        named = _named(panel, np.flatnonzero(short))
        _warn(
            f"`series` has fewer rows than the {model.min_history} that forecasts read, in "
            f"{named}. What fewer rows allow is the forecast of these, without a network. Pass "
            "more rows, or leave them out."
        )
    whole = np.flatnonzero(held_out & (n_known == panel.lengths) & ~short)
    if len(whole):
        _warn(
            f"`calibration` holds out no rows of {_named(panel, whole)}, which are too "
            "short for a window and calibration. Lower it, or pass more rows."
        )


def _named(panel, places):
    return first_few([repr(panel.labels[k]) for k in places])


def _warn(message):
    warnings.warn(message, stacklevel=4)
