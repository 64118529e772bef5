"""LateRows: the rows of an embedding that Adam updates only when they are read again.

Adam (arXiv:1412.6980) moves a row that a batch does not hold as well, by its momentum. With
m and v from the row's last gradient, step j after it has

    w -= alpha_j m beta_1^j / (sqrt(v beta_2^j) + epsilon).

All these steps are added at once. With c = beta_1 / sqrt(beta_2) and g_j = beta_2^(-j/2) - 1,

    m beta_1^j / (sqrt(v beta_2^j) + epsilon) = m / (s + epsilon) * c^j / (1 + r g_j),

where s = sqrt(v) and r = epsilon / (s + epsilon). As c^j falls while g_j is small yet, four terms
of the series 1 - r g_j + ... are exact to rounding, and their sums over j do not depend on the row.
"""

import numpy as np

MOST_STEPS = 512  # then all rows are brought up to date, and counting starts again
N_TERMS = 4
ELEMENTS_AT_ONCE = 2**15


def series(beta_1, beta_2, n_terms):
    """Return c^j g_j^p, of shape (n_terms, MOST_STEPS + 1), for the powers p and the steps j."""
    steps = np.arange(MOST_STEPS + 1)
    decay, growth = (beta_1 / beta_2**0.5) ** steps, beta_2 ** (-steps / 2) - 1
    return decay * growth ** np.arange(n_terms)[:, np.newaxis]


def is_exact(beta_1, beta_2, dtype):
    """Whether the terms that are left out, and steps so late, are lost in rounding."""
    if not 0 < beta_1**2 < beta_2:
        return False
    terms = series(beta_1, beta_2, N_TERMS + 1)[:, 1:]
    limit = np.finfo(dtype).eps * terms[0].sum()
    return terms[-1].sum() <= limit and terms[0, -1] <= limit


class LateRows:
    """An embedding, and Adam's two averages for it, (vocab_size, embedding_dim) each."""

    def __init__(self, arrays, beta_1, beta_2, epsilon):
        self.arrays, self.epsilon = arrays, epsilon
        self.series = series(beta_1, beta_2, N_TERMS)
        powers = np.arange(MOST_STEPS + 1)[:, np.newaxis]
        self.decays = [(beta**powers).astype(arrays[0].dtype) for beta in (beta_1, beta_2)]
        # The number of steps, the last one that each row has made, and for a row whose last one
        # was step a the sums over the later ones: `sums[:, a]`.
        self.now, self.last = 0, np.zeros(len(arrays[0]), np.int32)
        self.sums = np.zeros_like(self.series)

    def catch_up(self, rows):
        """Make the steps that these rows, distinct ones or a slice, are late by."""
        self.read = [array[rows] for array in self.arrays]
        (w, m, v), last = self.read, self.last[rows]
        s0, s1, s2, s3 = self.sums[:, last, np.newaxis].astype(w.dtype)
        inverse = 1 / (np.sqrt(v) + self.epsilon)
        r = self.epsilon * inverse
        w -= m * inverse * (s0 - r * (s1 - r * (s2 - r * s3)))
        for average, decay in zip((m, v), self.decays, strict=True):
            average *= decay[self.now - last]
        self._write(rows)

    def step(self, update, alpha, rows, gradient, squares):
        """Update the rows that were caught up last, and count the step for the others."""
        w, m, v = self.read
        update(w, gradient, squares, m, v, np.empty_like(w))
        self.now += 1
        self.sums[:, : self.now] += alpha * self.series[:, self.now : 0 : -1]
        self._write(rows)
        if self.now == MOST_STEPS:
            self.catch_up_all()

    def catch_up_all(self):
        """Bring all rows up to date."""
        if not self.now:
            return
        table, *_ = self.arrays
        at_once = max(1, ELEMENTS_AT_ONCE // table.shape[1])
        for start in range(0, len(table), at_once):
            self.catch_up(slice(start, start + at_once))
        self.restart()

    def restart(self):
        """Count steps from here: all rows are up to date."""
        self.now = 0
        self.last.fill(0)
        self.sums.fill(0)

    def _write(self, rows):
        for array, values in zip(self.arrays, self.read, strict=True):
            array[rows] = values
        self.last[rows] = self.now
