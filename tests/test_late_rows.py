"""Embedding rows that Adam updates late: equal to updates of all rows in each step."""

import numpy as np
import pytest

from skrnn._network.config import Settings
from skrnn._numpy_engine.late_rows import MOST_STEPS, is_exact
from skrnn._numpy_engine.optimizers import OPTIMIZERS
from skrnn._numpy_engine.tokens import Tokens

VOCAB_SIZE, WIDTH, N_DENSE = 40, 3, 5
NO_LIMIT = ("clipnorm", 1e30)  # clips nothing, but makes Adam update all rows in each step


def trained(n_steps, *config, scale=1.0):
    """Return an Adam after steps that see few tokens, most of them rarely."""
    rng = np.random.default_rng(0)
    shapes = [(VOCAB_SIZE, WIDTH), (N_DENSE,)]
    weights = rng.normal(size=VOCAB_SIZE * WIDTH + N_DENSE).astype("float32")
    settings = Settings("mean_squared_error", "adam", config, 0.01, 32)
    optimizer, tokens = OPTIMIZERS["adam"](settings, weights, shapes, True), Tokens(6, "float32")
    for _ in range(n_steps):
        optimizer.catch_up(tokens.read((VOCAB_SIZE * rng.random(6) ** 4).astype(np.int32)))
        optimizer.put_rows(tokens, scale * rng.normal(size=(6, WIDTH)).astype("float32"))
        optimizer.gradient[-N_DENSE:] = scale * rng.normal(size=N_DENSE)
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("n_steps", [60, MOST_STEPS + 60])
@pytest.mark.parametrize("scale", [1.0, 1e-6], ids=["", "small against epsilon"])
def test_late_updates_of_adam_equal_those_of_all_rows_in_each_step(n_steps, scale):
    late, dense = trained(n_steps, scale=scale), trained(n_steps, NO_LIMIT, scale=scale)
    assert late.late
    assert not dense.late
    for of_late, of_dense in zip(late.dump(), dense.dump(), strict=True):
        np.testing.assert_allclose(of_late, of_dense, rtol=2e-4, atol=1e-6 * scale**2)
    np.testing.assert_allclose(late.weights, dense.weights, rtol=1e-5, atol=1e-5)


def test_loading_a_state_drops_the_steps_that_were_late():
    loaded, other = trained(40), trained(60)
    slots = other.dump()
    loaded.weights[:] = other.weights
    loaded.load(slots)
    for left, right in zip([loaded.weights, *loaded.dump()], [other.weights, *slots], strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    ("beta_1", "beta_2", "dtype"),
    [(0.9, 0.999, "float64"), (0.99, 0.999, "float32"), (0.9, 0.5, "float32")],
)
def test_rows_are_late_only_where_rounding_hides_it(beta_1, beta_2, dtype):
    assert is_exact(0.9, 0.999, "float32")
    assert not is_exact(beta_1, beta_2, dtype)
