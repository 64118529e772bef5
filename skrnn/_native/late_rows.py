"""LateSteps: the rows of an embedding that Adam updates only when they are read again.

Adam (arXiv:1412.6980) moves a row that a batch does not hold as well, by its momentum. With
m and v from the row's last gradient, step j after it has

    w -= alpha_j m beta_1^j / (sqrt(v beta_2^j) + epsilon).

All these steps are added at once. With c = beta_1 / sqrt(beta_2) and g_j = beta_2^(-j/2) - 1,

    m beta_1^j / (sqrt(v beta_2^j) + epsilon) = m / (s + epsilon) * c^j / (1 + r g_j),

where s = sqrt(v) and r = epsilon / (s + epsilon). As c^j falls while g_j is small yet, four terms
of the series 1 - r g_j + ... are exact to rounding, and their sums over j do not depend on the row.
"""

import numpy as np

from skrnn._native.library import LateRows, pointer

MOST_STEPS = 512  # then all rows are brought up to date, and counting starts again
N_TERMS = 4


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


class LateSteps:
    """What the kernels keep of the steps that an embedding of so many rows is late by.

    At the end of an epoch no row is late.
    """

    def __init__(self, n_rows, beta_1, beta_2, dtype):
        self.series = series(beta_1, beta_2, N_TERMS)
        powers = np.arange(MOST_STEPS + 1)[:, np.newaxis]
        self.decays = [(beta**powers).astype(dtype) for beta in (beta_1, beta_2)]
        # The last step that each row has made, and for a row whose last one was step a the sums
        # over the later ones: `sums[:, a]`.
        self.last, self.sums = np.zeros(n_rows, np.int32), np.zeros_like(self.series)

    def record(self):
        """Return it as the kernels read it; the arrays must live as long."""
        return LateRows(
            most_steps=MOST_STEPS,
            last=pointer(self.last),
            sums=pointer(self.sums),
            series=pointer(self.series),
            decay_1=pointer(self.decays[0]),
            decay_2=pointer(self.decays[1]),
        )


def late_steps(optimizer, name):
    """Return the LateSteps of an optimizer; None where each step must update all rows."""
    settings, number = optimizer.settings, optimizer.number
    dense = settings.clipnorm or settings.weight_decay
    if not optimizer.table_size or name != "adam" or dense:
        return None
    kept = [1 - float(number(1 - beta)) for beta in (settings.beta_1, settings.beta_2)]
    if not is_exact(*kept, number):
        return None
    return LateSteps(optimizer.shapes[0][0], *kept, number)
