"""Small networks and numbers, which tests of parameters and of inputs share."""

from functools import partial

import fits
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
# A change of each parameter that makes another network, which a warm start cannot continue.
OTHER_NETWORK = {
    "cell_type": "gru",
    "hidden_size": 4,
    "standardize": False,
    "bidirectional": True,
    "activation": "relu",
    "dropout": 0.5,
    "recurrent_dropout": 0.5,
    "spatial_dropout": 0.5,
    "kernel_l2": 0.1,
    "recurrent_l2": 0.1,
    "dense_sizes": (4,),
    "dense_activation": "tanh",
    "pooling": "mean",
    "optimizer": "rmsprop",
    "dtype": "float64",
}
N_SAMPLES, TIMESTEPS, FEATURES = 24, 5, 2

every_estimator = pytest.mark.parametrize("estimator", [RNNRegressor, RNNClassifier])


assert_same_training = partial(fits.assert_same_training, rtol=0)  # bit by bit


def regressor(**parameters):
    return RNNRegressor(**SMALL | parameters)


def classifier(**parameters):
    return RNNClassifier(**SMALL | parameters)


def numbers():
    """Return X on two scales, and y."""
    rng = np.random.default_rng(3)
    X = rng.normal([5.0, -1.0], [10.0, 0.1], size=(N_SAMPLES, TIMESTEPS, FEATURES))
    return X, X[:, -1, 0] + 20 * X[:, 0, 1] + rng.normal(size=N_SAMPLES)


X, Y = numbers()


def labels(n_classes=2):
    return np.digitize(Y, np.quantile(Y, np.arange(1, n_classes) / n_classes))


LABELS = labels()
for shared in (X, Y, LABELS):
    shared.flags.writeable = False


def data_for(estimator):
    return X, Y if estimator is RNNRegressor else LABELS


def outcome(estimator, X):
    """Return the continuous prediction of a regressor or classifier."""
    predict = getattr(estimator, "predict_proba", estimator.predict)
    return predict(X)


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
