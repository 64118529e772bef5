"""What fits are compared with, and how."""

import numpy as np


def assert_same_arrays(ours, theirs, rtol=0.0, atol=0.0):
    """Assert that two lists hold as many arrays, equal bit by bit where no tolerance is given."""
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
