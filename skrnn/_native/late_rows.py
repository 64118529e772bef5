"""LateSteps: rows of an embedding that Adam updates only when they are read again.

Adam (arXiv:1412.6980) also moves rows that a batch does not hold, by their momentum. With m and v
from the row's last gradient, step j after it is

    w -= alpha_j m beta_1^j / (sqrt(v beta_2^j) + epsilon).

All these steps are applied at once. With c = beta_1 / sqrt(beta_2) and g_j = beta_2^(-j/2) - 1,

    m beta_1^j / (sqrt(v beta_2^j) + epsilon) = m / (s + epsilon) * c^j / (1 + r g_j),

with s = sqrt(v) and r = epsilon / (s + epsilon). Because c^j falls while g_j is still small, four
terms of the series 1 - r g_j + ... are exact up to rounding. Their sums over j do not depend on the
row.
"""

import numpy as np

from skrnn._native.library import LateRows, pointer

MOST_STEPS = 512  # then all rows are brought up to date, and the count restarts
N_TERMS = 4


def series(beta_1, beta_2, n_terms):
    """Return c^j g_j^p for powers p and steps j, of shape (n_terms, MOST_STEPS + 1)."""
    steps = np.arange(MOST_STEPS + 1)
    decay, growth = (beta_1 / beta_2**0.5) ** steps, beta_2 ** (-steps / 2) - 1
    return decay * growth ** np.arange(n_terms)[:, np.newaxis]


def is_exact(beta_1, beta_2, dtype):
    """Whether the omitted terms, and steps beyond the maximum, are lost in rounding."""
    if not 0 < beta_1**2 < beta_2:
        return False
    terms = series(beta_1, beta_2, N_TERMS + 1)[:, 1:]
    limit = np.finfo(dtype).eps * terms[0].sum()
    return terms[-1].sum() <= limit and terms[0, -1] <= limit


class LateSteps:
    """The kernels' record of the steps that each row of an embedding has not made yet.

    At the end of an epoch all rows are up to date.
    """

    def __init__(self, n_rows, beta_1, beta_2, dtype):
        self.series = series(beta_1, beta_2, N_TERMS)
        powers = np.arange(MOST_STEPS + 1)[:, np.newaxis]
        self.decays = [(beta**powers).astype(dtype) for beta in (beta_1, beta_2)]
        # The last step of each row. For a row with last step a, `sums[:, a]` holds the sums over
        # the later steps.
        self.last, self.sums = np.zeros(n_rows, np.int32), np.zeros_like(self.series)

    def record(self):
        """Return the record for the kernels; the arrays must live as long as the record."""
        return LateRows(
            most_steps=MOST_STEPS,
            last=pointer(self.last),
            sums=pointer(self.sums),
            series=pointer(self.series),
            decay_1=pointer(self.decays[0]),
            decay_2=pointer(self.decays[1]),
        )


def late_steps(optimizer, name):
    """Return the LateSteps of an optimizer; None if each step must update all rows."""
    settings, number = optimizer.settings, optimizer.number
    dense = settings.clipnorm or settings.weight_decay
    if not optimizer.table_size or name != "adam" or dense:
        return None
    kept = [1 - float(number(1 - beta)) for beta in (settings.beta_1, settings.beta_2)]
    if not is_exact(*kept, number):
        return None
    return LateSteps(optimizer.entries[0].shape[0], *kept, number)
