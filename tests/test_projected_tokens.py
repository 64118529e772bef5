"""Tokens that are projected once for each batch: equal to a projection in each timestep."""

import numpy as np
import pytest
from gradients import architecture, samples_and_weights, weighted_output
from recurrent import CELLS

from skrnn._numpy_engine.network import repeats_tokens

TOKENS = {"vocab_size": 4, "embedding_dim": 3, "features": 1}
BOTH_WAYS = {"masked": True, "bidirectional": True, "units": (4, 3)}


@pytest.mark.parametrize("changes", [{}, BOTH_WAYS], ids=["", "masked stacked bidirectional"])
@pytest.mark.parametrize("n_samples", [1, 6])
@pytest.mark.parametrize("cell_type", CELLS)
def test_gradient_of_projected_tokens_equals_that_of_vectors(cell_type, n_samples, changes):
    changes = TOKENS | changes
    cell_types = (cell_type,) * len(changes.get("units", (1,)))
    described = architecture(cell_types=cell_types, **changes)
    weights, x, direction = samples_and_weights(described, n_samples)
    output, gradient = weighted_output(described, weights, x, direction)
    projected = weighted_output(described, weights, x, direction, projects_tokens=True)
    np.testing.assert_allclose(projected[0], output, rtol=1e-12)
    np.testing.assert_allclose(projected[1], gradient, rtol=1e-9, atol=1e-12)


def test_tokens_are_projected_once_where_a_batch_repeats_them():
    few, many = np.zeros((8, 5), int), np.arange(40).reshape(8, 5)
    long = architecture(vocab_size=40, embedding_dim=100, features=1)
    assert repeats_tokens(long, few)
    assert not repeats_tokens(long, many)
    assert not repeats_tokens(architecture(vocab_size=40, embedding_dim=8, features=1), few)
    dropping = architecture(vocab_size=40, embedding_dim=100, features=1, dropout=0.5)
    assert not repeats_tokens(dropping, few)
