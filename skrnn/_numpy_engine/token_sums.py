"""TokenSums: sums over the timesteps of a batch that hold the same token."""

import numpy as np
from scipy.sparse import csc_array


class TokenSums:
    """The distinct tokens of a batch, and the matrix that sums what belongs to each."""

    def __init__(self, n_positions, dtype):
        # Column i has a one in the row of token i: made once, because SciPy checks each new matrix.
        ones, places = np.ones(n_positions, dtype), np.zeros(n_positions, np.int32)
        bounds = np.arange(n_positions + 1, dtype=np.int32)
        self.matrix = csc_array((ones, places, bounds), (n_positions, n_positions))
        self.distinct = None

    def read(self, tokens):
        """Return the distinct tokens of an array of ids."""
        self.distinct, places = np.unique(tokens, return_inverse=True)
        self.matrix.indices[:] = places.ravel()
        return self.distinct

    def sum(self, values):
        """Return a row for each distinct token, given one for each position of the array."""
        return (self.matrix @ values)[: len(self.distinct)]
