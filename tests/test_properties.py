"""What holds for any network and any numbers: order and batch of samples, finite models."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skrnn import RNNRegressor

NETWORKS = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["simple_rnn", "gru", "lstm"]),
        "hidden_size": st.sampled_from([1, 5, (4, 3)]),
        "bidirectional": st.booleans(),
        "activation": st.sampled_from(["tanh", "relu"]),
        "dtype": st.sampled_from(["float32", "float64"]),
        "batch_size": st.sampled_from([1, 7, 64]),
        "random_state": st.integers(0, 2**31 - 1),
    }
)
SHAPES = st.tuples(st.integers(2, 20), st.integers(1, 6), st.integers(1, 3))


def regressor(network, **parameters):
    return RNNRegressor(**network, **{"engine": "numpy", "epochs": 2} | parameters)


def samples(shape):
    X = np.random.default_rng(0).normal(size=shape)
    return X, X.sum(axis=(1, 2))


@settings(max_examples=40)
@given(network=NETWORKS, shape=SHAPES, seed=st.integers(0, 99))
def test_predictions_depend_neither_on_order_nor_on_batch(network, shape, seed):
    X, y = samples(shape)
    fitted = regressor(network).fit(X, y)
    expected, order = fitted.predict(X), np.random.default_rng(seed).permutation(len(X))
    rounding = 32 * np.finfo(network["dtype"]).eps * max(np.abs(y).max(), np.abs(expected).max())
    alone = np.concatenate([fitted.predict(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(fitted.predict(X[order]), expected[order], rtol=0, atol=rounding)
    np.testing.assert_allclose(alone, expected, rtol=0, atol=rounding)


@settings(max_examples=60)
@given(
    network=NETWORKS,
    shape=SHAPES,
    x_power=st.integers(-30, 30),
    y_power=st.integers(-30, 30),
    optimizer=st.sampled_from(["sgd", "adam", "rmsprop"]),
    learning_rate=st.sampled_from([1e-3, 1.0, 1e6, 1e30]),
    standardize=st.sampled_from([True, False, "X"]),
)
def test_fit_returns_a_finite_model_or_says_that_it_diverged(
    network, shape, x_power, y_power, optimizer, learning_rate, standardize
):
    X, y = samples(shape)
    parameters = {"optimizer": optimizer, "learning_rate": learning_rate}
    subject = regressor(network, epochs=4, standardize=standardize, **parameters)
    try:
        subject.fit(X * 10.0**x_power, y * 10.0**y_power)
    except ValueError as error:
        assert "diverged" in str(error)  # noqa: PT017  what is left of a fit is told apart by it
        assert not hasattr(subject, "weights_")
    else:
        assert all(np.isfinite(weight).all() for weight in subject.weights_)
        assert np.isfinite(subject.history_["loss"]).all()
