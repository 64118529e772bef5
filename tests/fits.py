"""What tests of fits share: a network that trains in no time, its samples, what it learned."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import RNNClassifier, RNNRegressor
from skrnn._native.library import load

KERAS = pytest.param("keras", marks=pytest.mark.slow)  # compiles
FLOAT64 = {"standardize": False, "shuffle": False, "dtype": "float64", "random_state": 0}
# Where skrnn was installed without a compiler, NumPy computes.
FIRST_CHOICE = "numpy" if load() is None else "native"
both_engines = pytest.mark.parametrize("engine", ["numpy", KERAS])


def samples(n_samples=40, timesteps=4, estimator=RNNRegressor):
    """Sequences of two features; the first one of the last timestep decides the target."""
    X = np.random.default_rng(0).normal(size=(n_samples, timesteps, 2))
    return X, X[:, -1, 0] > 0 if estimator is RNNClassifier else X[:, -1, 0]


def small(estimator=RNNRegressor, **parameters):
    """An estimator whose compiled programs all tests of a process share."""
    tiny = {"cell_type": "simple_rnn", "hidden_size": 3, "epochs": 2, "random_state": 0}
    return estimator(**tiny | parameters)


def learned(fitted):
    """All that a fit leaves and a seed decides, as bytes and floats."""
    arrays = [*fitted.weights_, *fitted.optimizer_state_]
    losses = {name: values for name, values in fitted.history_.items() if name != "seconds"}
    return [(array.dtype.str, array.shape, array.tobytes()) for array in arrays], losses


def assert_same_weights(found, expected):
    for one, other in zip(found.weights_, expected.weights_, strict=True):
        assert_array_equal(one, other)


def assert_same_training(found, expected, rtol=1e-9):
    for key in expected.history_.keys() - {"seconds"}:
        assert_allclose(found.history_[key], expected.history_[key], rtol=rtol)
    for one, other in zip(found.weights_, expected.weights_, strict=True):
        assert_allclose(one, other, rtol=rtol, atol=rtol)


def fold_scores(results, name="score"):
    """Return a score of each of three folds and each candidate of a search."""
    return np.array([results[f"split{k}_test_{name}"] for k in range(3)])


def padded(rows, value, n_more=2, side="post"):
    """Rows of unequal lengths in one array, `n_more` steps wider than the longest."""
    shape = len(rows), max(map(len, rows)) + n_more, *rows[0].shape[1:]
    full = np.full(shape, value, np.result_type(*rows, np.array(value)))
    for row, full_row in zip(rows, full, strict=True):
        full_row[slice(len(row)) if side == "post" else slice(-len(row), None)] = row
    return full


def cut(X):
    """Return the samples as a list of sequences of 1 to T timesteps."""
    return [x[: 1 + i % X.shape[1]] for i, x in enumerate(X)]
