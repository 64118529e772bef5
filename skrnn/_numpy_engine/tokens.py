"""Tokens: the distinct token ids of a batch, and sums over the timesteps that hold the same one."""

import numpy as np
from scipy.sparse import csc_array


class Tokens:
    """The distinct tokens of a batch, their vectors, and the matrix that sums what is of each."""

    def __init__(self, n_positions, dtype):
        # Column i has a one in the row of token i: made once, because SciPy checks each new matrix.
        ones, rows = np.ones(n_positions, dtype), np.zeros(n_positions, np.int32)
        bounds = np.arange(n_positions + 1, dtype=np.int32)
        self.matrix = csc_array((ones, rows, bounds), (n_positions, n_positions))
        self.distinct = self.places = self.vectors = None

    def read(self, ids):
        """Return the distinct tokens D of an array of ids; `places` has their places there."""
        self.distinct, places = np.unique(ids, return_inverse=True)
        self.matrix.indices[:] = places.ravel()
        self.places = places.reshape(ids.shape)
        return self.distinct

    def sum(self, values):
        """Return a row for each distinct token, (D, O), given one for each position of the ids."""
        return (self.matrix @ values)[: len(self.distinct)]
