"""Embedding rows that the kernels update late: equal to updates of all rows in each step."""

import numpy as np
import pytest
from sklearn.base import clone

from skrnn import RNNRegressor
from skrnn._native import optimizer
from skrnn._native.late_rows import MOST_STEPS, is_exact
from skrnn._native.library import load

VOCAB_SIZE = 40


@pytest.mark.skipif(load() is None, reason="there is no compiled library")
@pytest.mark.parametrize("n_samples", [60, MOST_STEPS + 60])
@pytest.mark.parametrize("scale", [1.0, 1e-6], ids=["", "small against epsilon"])
def test_late_updates_of_adam_equal_those_of_all_rows_in_each_step(n_samples, scale, monkeypatch):
    rng = np.random.default_rng(0)
    X = (VOCAB_SIZE * rng.random((n_samples, 3)) ** 4).astype(int)  # most tokens are rare
    y = scale * np.random.default_rng(1).normal(size=n_samples)
    tokens = {"vocab_size": VOCAB_SIZE, "embedding_dim": 2, "activation": "linear"}
    once = {"batch_size": 1, "epochs": 1, "standardize": False, "random_state": 0}
    network = RNNRegressor("simple_rnn", 3, engine="native", **tokens, **once)
    steady = clone(network).set_params(learning_rate=1e-30)  # gradients do not follow the weights
    late, late_states = clone(network).fit(X, y), clone(steady).fit(X, y).optimizer_state_
    monkeypatch.setattr(optimizer, "late_steps", lambda *_: None)
    dense, dense_states = network.fit(X, y), steady.fit(X, y).optimizer_state_
    assert late.weights_[0].tobytes() != dense.weights_[0].tobytes()  # another way was taken
    for found, expected in zip(late.weights_, dense.weights_, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for found, expected in zip(late_states, dense_states, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-6 * scale**2)


@pytest.mark.parametrize(
    ("beta_1", "beta_2", "dtype"),
    [(0.9, 0.999, "float64"), (0.99, 0.999, "float32"), (0.9, 0.5, "float32")],
)
def test_rows_are_late_only_where_rounding_hides_it(beta_1, beta_2, dtype):
    assert is_exact(0.9, 0.999, "float32")
    assert not is_exact(beta_1, beta_2, dtype)
