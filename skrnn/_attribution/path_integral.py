"""Path integrals of gradients along straight lines; lines are divided where necessary.

Letters in shapes: n lines, p panels, which are parts of lines. The points of a line are arrays of
one shape, written (...).
"""

from typing import NamedTuple

import numpy as np

# Gauss-Legendre points of a panel and their shares. A panel is divided at the middle point.
POINTS, SHARES = np.polynomial.legendre.leggauss(7)
MIDDLE = len(POINTS) // 2
TOLERANCE = 1e-4  # of the change of the function: allowed gap of the sum of a line's parts
OF_PANEL = 1 / 16  # of the tolerance: allowed gap of a panel
OF_PARTS = 0.01  # of the sizes of the parts,
ROUNDING = 1e-8  # and of the function: a smaller change counts as this much
MOST_DIVISIONS = 16


class Panels(NamedTuple):
    """Parts of lines, (p,) each."""

    line: np.ndarray
    low: np.ndarray  # where it starts and ends, as shares of the line
    high: np.ndarray
    before: np.ndarray  # the function at these ends
    after: np.ndarray

    def take(self, index):
        return Panels(*(part[index] for part in self))


class Integrals(NamedTuple):
    """The result of `path_integrals`."""

    parts: np.ndarray  # (n, ...): integrals of the gradient, each times the change of its variable
    gaps: np.ndarray  # (n,): difference of their sum from the change of the function
    sizes: np.ndarray  # (n,): unit of the gaps


def path_integrals(function, start, stop, at_once):
    """Return the Integrals of the gradient of a function from `start` to `stop`, (n, ...).

    `function(x, lines)` returns values (p,) and gradients (p, ...) at points x of these lines, at
    most `at_once` of them. A variable with NaN at both ends does not count. Each panel of a line is
    divided in the middle until the integral of the gradient equals the change of the function, as
    the exact integral does.
    """
    change, total, n = np.nan_to_num(stop - start), np.zeros(start.shape), len(start)
    panels = _halves(function, start, stop, at_once)
    difference = panels.after[n:] - panels.before[:n]
    least = np.maximum(abs(difference), ROUNDING * abs(panels.after[n:]))
    for divisions in range(MOST_DIVISIONS + 1):
        left = []
        for first in range(0, len(panels.line), max(1, at_once // len(POINTS))):
            part = panels.take(slice(first, first + max(1, at_once // len(POINTS))))
            middle, found = _integrate(function, start, stop, change, part)
            size = np.maximum(least[part.line], OF_PARTS * _sums(abs(found)))
            miss = abs(_sums(found) - part.after + part.before)
            done = miss <= OF_PANEL * TOLERANCE * size
            done |= divisions == MOST_DIVISIONS
            np.add.at(total, part.line[done], found[done])
            left.append(_divided(part.take(~done), middle[~done]))
        panels = Panels(*map(np.concatenate, zip(*left, strict=True)))
        if not len(panels.line):
            break
    sizes = np.maximum(least, OF_PARTS * _sums(abs(total)))
    return Integrals(total, abs(_sums(total) - difference), sizes)


def _halves(function, start, stop, at_once):
    """Return the first half of each line, then the second half of each, as Panels.

    With a line as one panel, a function that returns to its start would seem constant.
    """
    lines, values = np.arange(len(start)), np.empty((3, len(start)))
    for first in range(0, len(start), at_once):
        part = slice(first, first + at_once)
        for row, share in zip(values, (0.0, 0.5, 1.0), strict=True):
            x = start[part] + share * (stop[part] - start[part])
            row[part], _ = function(x, lines[part])
    zero, half, one = (np.full(len(start), share) for share in (0.0, 0.5, 1.0))
    first = Panels(lines, zero, half, values[0], values[1])
    second = Panels(lines, half, one, values[1], values[2])
    return Panels(*map(np.concatenate, zip(first, second, strict=True)))


def _integrate(function, start, stop, change, panels):
    """Return the function in the middle of panels, (p,), and the parts of each, (p, ...)."""
    n_panels, n_points, shape = len(panels.line), len(POINTS), start.shape[1:]
    width = panels.high - panels.low
    places = panels.low[:, np.newaxis] + width[:, np.newaxis] * (POINTS + 1) / 2  # (p, points)
    places = places.reshape(-1, *(1,) * len(shape))
    lines = np.repeat(panels.line, n_points)
    x = start[lines] + places * (stop[lines] - start[lines])
    values, gradients = function(x, lines)
    gradients = gradients.reshape(n_panels, n_points, *shape)
    mean = np.tensordot(SHARES / 2, gradients, axes=(0, 1))
    parts = mean * change[panels.line] * width.reshape(-1, *(1,) * len(shape))
    return values.reshape(n_panels, n_points)[:, MIDDLE], parts


def _divided(panels, middle):
    """Return the two halves of each panel, given the function in the middle."""
    half = (panels.low + panels.high) / 2
    lower, upper = (
        panels._replace(high=half, after=middle),
        panels._replace(low=half, before=middle),
    )
    return Panels(*map(np.concatenate, zip(lower, upper, strict=True)))


def _sums(parts):
    return parts.reshape(len(parts), -1).sum(axis=1)
