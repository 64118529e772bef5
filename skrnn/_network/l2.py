"""Penalties: the terms that Keras's L2 regularizers add to a loss and to its gradient."""

from itertools import accumulate, pairwise
from math import prod

import numpy as np


def penalty(entries, weights):
    """Return the penalty of the regularizers: the sum of l2 times the squared weights."""
    parts = zip(entries, weights, strict=True)
    return float(sum(factor_of(entry) * np.vdot(w, w) for entry, w in parts if entry.l2))


def factor_of(entry):
    """Return the factor of a Weight's regularizer, rounded to float32 as in Keras."""
    return float(np.float32(entry.l2))


class Penalty:
    """The penalty of flat weights of shape (n_weights,), with its gradient."""

    def __init__(self, entries, weights, gradient):
        ends = accumulate((prod(entry.shape) for entry in entries), initial=0)
        self.parts = [
            (weights[start:stop], gradient[start:stop], weights.dtype.type(2 * factor_of(entry)))
            for entry, (start, stop) in zip(entries, pairwise(ends), strict=True)
            if entry.l2
        ]

    def __call__(self):
        """Add the gradient of the penalty to the gradient, and return the penalty."""
        total = 0.0
        for w, d, twice in self.parts:
            pull = w * twice
            d += pull
            total += 0.5 * float(np.dot(w, pull))
        return total
