"""Prediction intervals from the residuals of held-out windows (split conformal)."""

from fractions import Fraction
from math import ceil
from numbers import Real

import numpy as np


def check_levels(level):
    """Return the levels asked for as a list of percentages."""
    levels = [level] if isinstance(level, (Real, str)) else list(level)
    for value in levels:
        if not isinstance(value, Real) or isinstance(value, bool) or not 1 <= value < 100:
            raise ValueError(
                f"`level` must hold percentages of at least 1 and below 100, got {value!r}. For "
                "80% write 80."
            )
    return levels


def interval_half_widths(residuals, level):
    """Return half the width of the interval for each step, from residuals (n_windows, n_steps).

    Residuals are absolute; NaN where there was no truth. The k-th smallest of n, k = ceil((n + 1) *
    level), holds the next one with at least that probability if they are exchangeable (Lei et al.
    2018, doi:10.1080/01621459.2017.1307116, theorem 2.2).
    """
    fraction = Fraction(str(level)) / 100
    counts = (~np.isnan(residuals)).sum(axis=0)
    ranks = [ceil((int(n) + 1) * fraction) for n in counts]
    short = [int(n) for n, rank in zip(counts, ranks, strict=True) if rank > n]
    if short:
        needed = ceil(fraction / (1 - fraction))
        raise ValueError(
            f"`level={level:g}` needs at least {needed} held-out windows over all series, got "
            f"{min(short)}. Set `calibration` to more windows of each series, or lower the level."
        )
    ordered = np.sort(residuals, axis=0)  # NaN last
    return ordered[np.array(ranks) - 1, np.arange(len(ranks))]
