"""Small networks and numbers, which tests of parameters and of inputs share."""

import numpy as np
import pytest

from skrnn import RNNClassifier, RNNRegressor, cells

# Few architectures, so that the tests share their compiled programs.
SMALL = {
    "cell_type": "simple_rnn",
    "hidden_size": 3,
    "epochs": 3,
    "batch_size": 8,
    "random_state": 0,
}
TOKENS = {"vocab_size": 9, "embedding_dim": 4}
N_SAMPLES, TIMESTEPS, FEATURES = 24, 5, 2

every_estimator = pytest.mark.parametrize("estimator", [RNNRegressor, RNNClassifier])


def regressor(**parameters):
    return RNNRegressor(**SMALL | parameters)


def classifier(**parameters):
    return RNNClassifier(**SMALL | parameters)


def numbers(n_samples=N_SAMPLES, seed=3):
    """Return X on two scales, and y."""
    rng = np.random.default_rng(seed)
    X = rng.normal([5.0, -1.0], [10.0, 0.1], size=(n_samples, TIMESTEPS, FEATURES))
    y = X[:, -1, 0] + 20 * X[:, 0, 1] + rng.normal(size=n_samples)
    return X, y


def labels(n_classes=2):
    X, y = numbers()
    return X, np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))


def data_for(estimator):
    return numbers() if estimator is RNNRegressor else labels()


def outcome(estimator, X):
    """Return the continuous prediction of a regressor or classifier."""
    predict = getattr(estimator, "predict_proba", estimator.predict)
    return predict(X)


def assert_same_training(one, other):
    """Assert that two fits gave the same weights and losses, bit by bit."""
    for a, b in zip(one.weights_, other.weights_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.history_["loss"] == other.history_["loss"]


def hidden_by_hand(estimator, X, **settings):
    """Return every state of a fitted network's one simple_rnn layer on X as the layer reads it."""
    return cells.simple_rnn(X, *estimator.weights_[:3], **settings)


def steps_taken(estimator):
    return int(estimator.optimizer_state_[0])


def overfitting():
    """Return few noisy samples to train on, and others to validate with."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(32, TIMESTEPS, FEATURES))
    y = X[:, -1, 0] + rng.normal(size=32)
    return X[:24], y[:24], (X[24:], y[24:])


EAGER = {"learning_rate": 0.05, "standardize": False}
