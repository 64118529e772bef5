"""Row counts: the rows that a fit needs of each series, and the rows that it holds out."""

import warnings
from dataclasses import fields
from math import gcd

import numpy as np

from skrnn._forecasting.settings import n_outputs, read_lags

# The parts of a fit that take rows, and the parameters that decide how many.
TAKE_ROWS = {
    "a window": ("timesteps", "differences"),
    "its targets": ("steps", "stride"),
    "calibration": ("calibration", "steps", "stride"),
}


def min_rows(params):
    """Return the rows that each series must have: any with a baseline, else those of a window."""
    return 1 if params.baseline is not None else _rows_of_window(params)


def min_rows_to_train(params):
    """Return the rows that at least one of the series must have.

    These are a window, its targets and the rows held out for calibration. With a baseline and no
    rows held out, two rows are enough to show a change.
    """
    if params.baseline is not None and held_out_rows(params) == 0:
        return 2
    return _rows_of_window(params) + whole_strides(n_outputs(params), params.stride)


def _rows_of_window(params):
    timesteps = 1 if params.timesteps == "auto" else params.timesteps
    return timesteps + sum(read_lags(params.differences)) + held_out_rows(params)


def held_out_rows(params):
    """Return the number of rows at the end of a series that training does not see."""
    if params.calibration in ("auto", 0):
        return 0
    return whole_strides(params.steps, params.stride) + (params.calibration - 1) * params.stride


def warn_of_phases(stride, season, shift, who):
    """Warn if forecasts start at phases of the season at which no training window starts.

    `who` makes the forecasts, which start `shift` rows from the cutoff.
    """
    shared = gcd(stride, season)
    if shift % shared:
        coprime = next(rows for rows in range(stride, 0, -1) if gcd(rows, season) == 1)
        warnings.warn(
            f"With `stride={stride}` training windows start at {season // shared} of the {season} "
            f"phases of a season, and {who} from others. Choose a `stride` that is coprime with "
            f"the season, such as {coprime}.",
            stacklevel=2,
        )


def whole_strides(rows, stride):
    """Return rows rounded up to strides: windows that far back are in phase with the cutoff."""
    return -(-rows // stride) * stride


def check_lengths(params, settings, panel, n_known, after):
    """Return whether a window is available for training; refuse series that are too short.

    `after` is the number of rows from the last training window to the end of the known rows.
    """
    window, held_out = settings.timesteps + sum(settings.lags), held_out_rows(params)
    short, trains = np.flatnonzero(n_known < window), (n_known >= window + after).any()
    if params.baseline is not None and not held_out and panel.lengths.max() > 1:
        return trains
    if len(short) and (params.baseline is None or len(short) == len(panel)):
        k = short[0]
        place = "" if panel.labels[k] is None else f" {panel.labels[k]!r}"
        words = too_few_rows(params, f"Series{place}", panel.lengths[k], window)
        raise ValueError(f"{words}, or leave the series out.")
    if not trains:
        words = too_few_rows(params, "`series`", panel.lengths.max(), window, after)
        raise ValueError(f"{words}.")
    return trains


def too_few_rows(params, what, n_rows, window, targets=0):
    """Return in words that `what` has too few rows, and the parameters that ask for so many."""
    held_out = held_out_rows(params)
    counts = dict(zip(TAKE_ROWS, (window, targets, held_out), strict=True))
    parts = {part: f"{count} for {part}" for part, count in counts.items() if count}
    defaults = {f.name: f.default for f in fields(params)}
    names = dict.fromkeys(name for part in parts for name in TAKE_ROWS[part])
    chosen = [f"`{name}`" for name in names if getattr(params, name) != defaults[name]]
    lower = f", or lower {' or '.join(chosen)}" if chosen else ""
    return (
        f"{what} must have at least {sum(counts.values())} rows ({' and '.join(parts.values())}), "
        f"got {n_rows}. Pass more rows{lower}"
    )
