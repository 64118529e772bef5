"""Row counts: how many rows a fit needs of each series, and what it holds out."""

import warnings
from math import gcd

import numpy as np

from skrnn._forecasting.settings import n_outputs, read_lags


def min_rows(params):
    """Return the rows that a series must have: with a baseline any, else a window's."""
    return 1 if params.baseline is not None else _rows_of_window(params)


def min_rows_to_train(params):
    """Return the rows that one of the series must have.

    These are a window, its targets and what is held out for calibration; with a baseline and none
    held out, the two that show a change.
    """
    if params.baseline is not None and held_out_rows(params) == 0:
        return 2
    return _rows_of_window(params) + whole_strides(n_outputs(params), params.stride)


def _rows_of_window(params):
    timesteps = 1 if params.timesteps == "auto" else params.timesteps
    return timesteps + sum(read_lags(params.differences)) + held_out_rows(params)


def held_out_rows(params):
    """Return the rows at the end that training does not see."""
    if params.calibration in ("auto", 0):
        return 0
    return whole_strides(params.steps, params.stride) + (params.calibration - 1) * params.stride


def warn_of_phases(stride, season, shift, who):
    """Warn where forecasts start at phases of the season at which no training window started.

    The forecasts that `who` makes start `shift` rows from the cutoff.
    """
    shared = gcd(stride, season)
    if shift % shared:
        coprime = next(rows for rows in range(stride, 0, -1) if gcd(rows, season) == 1)
        warnings.warn(
            f"With `stride={stride}` training windows start at {season // shared} of the {season} "
            f"phases of a season, and {who} from others. Choose a `stride` that has no divisor in "
            f"common with the season, such as {coprime}.",
            stacklevel=2,
        )


def whole_strides(rows, stride):
    """Return rows rounded up to strides: windows that far back are in phase with the cutoff."""
    return -(-rows // stride) * stride


def check_lengths(params, settings, panel, n_known, after):
    """Return whether a window is there to train on; refuse short series that no baseline forecasts.

    `after` is the rows from the last window to train on to the end of the known ones.
    """
    least = settings.timesteps + sum(settings.lags)
    held_out = held_out_rows(params) > 0
    kept = f" besides its {params.calibration} calibration windows" if held_out else ""
    fewer = ", lower `calibration`" if held_out else ""
    short, trains = np.flatnonzero(n_known < least), (n_known >= least + after).any()
    if params.baseline is not None and not held_out and panel.lengths.max() > 1:
        return trains
    if len(short) and (params.baseline is None or len(short) == len(panel)):
        k = short[0]
        place = "" if panel.labels[k] is None else f" {panel.labels[k]!r}"
        raise ValueError(
            f"Series{place} must have at least {least} rows (`timesteps` + `differences`){kept}, "
            f"got {max(n_known[k], 0)}. Shorten the window{fewer}, or leave the series out."
        )
    if not trains:
        raise ValueError(
            f"`series` must have at least {least + after} rows (`timesteps` + `differences` + "
            f"steps in whole strides){kept}, got {n_known.max()}. Shorten the window or the "
            f"`stride`{fewer}, or pass more rows."
        )
    return trains
