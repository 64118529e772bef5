"""Quantiles of a network with `loss="quantile"`: the parameter, and the initial increments."""

from itertools import pairwise
from numbers import Real
from statistics import NormalDist

import numpy as np

from skrnn._network.keras_names import QUANTILE_LOSS
from skrnn._network.keras_objects import name_and_settings

MEDIAN = 0.5
DEFAULT_QUANTILES = 0.1, MEDIAN, 0.9
DIGITS = 12  # rounds, so that 0.3 and 0.1 + 0.2 are the same quantile


def settle_quantiles(params):
    """Return the quantiles of a network with these parameters, () with another loss."""
    # A classifier does not have the parameter.
    quantiles = check_quantiles(getattr(params, "quantiles", DEFAULT_QUANTILES))
    if name_and_settings(params.loss)[0] == QUANTILE_LOSS:
        return quantiles
    if quantiles != DEFAULT_QUANTILES:
        raise ValueError(
            "`quantiles` must be at its default without `loss='quantile'`, got "
            f"{params.quantiles!r} with `loss={params.loss!r}`. Set `loss='quantile'`."
        )
    return ()


def check_quantiles(quantiles):
    """Return the parameter `quantiles` as a tuple of floats."""
    found = read_numbers(quantiles)
    ascending = all(low < high for low, high in pairwise(found))
    if not ascending or MEDIAN not in found:
        raise ValueError(
            "`quantiles` must be numbers between 0 and 1 in ascending order, including 0.5, got "
            f"{quantiles!r}. Sort them and add 0.5, as in (0.1, 0.5, 0.9)."
        )
    return found


def read_numbers(quantiles):
    """Return a list of numbers between 0 and 1 as a tuple of floats."""
    is_list = isinstance(quantiles, (tuple, list)) or np.ndim(quantiles) == 1
    numbers = list(quantiles) if is_list else []
    real = all(isinstance(q, Real) and not isinstance(q, bool) for q in numbers)
    found = tuple(round(float(q), DIGITS) for q in numbers) if real else ()
    if not found or not all(0 < q < 1 for q in found):
        raise ValueError(
            "`quantiles` must be a list of numbers between 0 and 1, both excluded, got "
            f"{quantiles!r}. Write 80% as 0.8, and a single quantile as a list."
        )
    return found


def places_of(quantiles, fitted):
    """Return the positions of the requested quantiles among the fitted ones."""
    asked = read_numbers(quantiles)
    unknown = [q for q in asked if q not in fitted]
    if unknown:
        raise ValueError(
            f"`quantiles` must be among those fitted, {', '.join(map(str, fitted))}, got "
            f"{', '.join(map(str, unknown))}. Add them to the parameter `quantiles` and fit again."
        )
    return [fitted.index(q) for q in asked]


def increments(quantiles):
    """Return the factor of each increment, and the position of the median, which has no factor.

    A quantile is its neighbor nearer to the median, plus a factor times the softplus of its own
    output. So no two quantiles cross (increments: Park et al. 2022, arXiv:2111.06581, section 4).
    At an output of zero the distance is that of the standard normal distribution. Training thus
    starts from the spread of a standardized y, and the gradients of narrow and wide increments are
    of the same size relative to them.
    """
    normal = np.array([NormalDist().inv_cdf(q) for q in quantiles])
    median = quantiles.index(MEDIAN)
    inner = np.arange(len(quantiles)) + np.sign(median - np.arange(len(quantiles)))
    return (normal - normal[inner]) / np.log(2), median
