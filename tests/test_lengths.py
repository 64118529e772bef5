"""Sequences of unequal length: batches are cut to the timesteps that they need."""

import numpy as np
import pandas as pd
import pytest
from fits import padded
from hypothesis import given
from hypothesis import strategies as st

from skrnn import RNNClassifier, RNNRegressor
from skrnn._data import validation as _validation
from skrnn._data.sequences import Sequences, trimmed_slice


def numeric_list(n_samples=70, longest=19, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, n_samples)
    lengths[0] = longest
    return [rng.normal(size=(length, 2)) for length in lengths]


@given(spans=st.lists(st.tuples(st.integers(0, 39), st.integers(1, 40)), min_size=1, max_size=9))
def test_trimmed_slice_holds_the_spans_and_at_most_half_more(spans):
    spans = np.array([(first, min(40, first + length)) for first, length in spans])
    steps = trimmed_slice(spans, 40)
    first, stop = spans[:, 0].min(), spans[:, 1].max()
    assert 0 <= steps.start <= first < stop <= steps.stop <= 40
    assert steps.stop - steps.start <= 1.5 * (stop - first)


def test_spans_are_those_of_valid_timesteps():
    values = np.array([[0, 1, 0, 2, 0], [0, 0, 0, 0, 0], [3, 0, 0, 0, 0], [0, 0, 0, 0, 4]])
    found = Sequences(values, mask_value=0).spans(by_timestep=False)
    np.testing.assert_array_equal(found, [[1, 4], [0, 1], [0, 1], [4, 5]])
    assert Sequences(values).spans(by_timestep=False) is None
    assert Sequences(values, mask_value=0).spans(by_timestep=True) is None
    assert Sequences(values, mask_value=9).spans(by_timestep=False) is None


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("hidden_size", [6, (5, 4)])
def test_many_sequences_are_predicted_as_each_alone(return_sequences, hidden_size):
    X = numeric_list()
    y = [x.sum(axis=1) if return_sequences else x.sum() for x in X]
    estimator = RNNRegressor(
        *("gru", hidden_size),
        bidirectional=True,
        return_sequences=return_sequences,
        dtype="float64",
        epochs=1,
        engine="numpy",
    ).fit(X[:20], y[:20])
    together = estimator.predict(X * 9)  # more than one block
    alone = [estimator.predict([x])[0] for x in X]
    for expected, found in zip(alone * 9, together, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    hidden = estimator.hidden_states(X)
    for x, found in zip(X, hidden, strict=True):
        np.testing.assert_allclose(found, estimator.hidden_states([x])[0], atol=1e-12)


@pytest.mark.parametrize("n_more", [0, 11])
def test_a_list_is_drawn_and_trained_as_its_padded_array(n_more):
    """Batches of sequences of similar length would learn their own classes."""
    X = numeric_list(n_samples=80)
    settings = {"dtype": "float64", "batch_size": 8, "epochs": 3, "random_state": 0}
    regressor = RNNRegressor("lstm", 5, mask_value=np.nan, **settings)
    expected, found = (
        regressor.fit(given, [x.sum() for x in X]).history_["loss"]
        for given in (X, padded(X, np.nan, n_more))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float16, np.float64, bool])
@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame])
def test_numbers_in_a_list_need_no_check_array_of_each(form, dtype, monkeypatch):
    X = [(np.abs(x) > 0.5).astype(dtype) for x in numeric_list()]
    network = RNNRegressor("gru", 3, epochs=1, random_state=0).fit(X, np.arange(70.0))
    expected = network.predict([x.astype(object) for x in X])
    monkeypatch.setattr(_validation, "check_array", None)  # it takes a millisecond for a frame
    np.testing.assert_array_equal(network.predict([form(x) for x in X]), expected)


def test_booleans_are_read_as_numbers():
    X, y = np.random.default_rng(0).random((20, 4, 2)) > 0.5, np.arange(20.0)
    found, expected = (
        RNNRegressor("gru", 3, epochs=1, random_state=0).fit(values, y).predict(values)
        for values in (X, X.astype(float))
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("return_sequences", [False, True])
def test_engines_train_alike_on_sequences_of_unequal_length(return_sequences):
    rng = np.random.default_rng(0)
    X = [rng.integers(1, 9, length) for length in rng.integers(1, 20, 90)]
    y = [x % 2 if return_sequences else x[0] % 2 for x in X]
    losses = [
        RNNClassifier(
            *("gru", 6),
            vocab_size=9,
            return_sequences=return_sequences,
            dtype="float64",
            batch_size=8,
            epochs=3,
            validation_fraction=0.3,
            random_state=0,
            engine=engine,
        )
        .fit(X, y)
        .history_
        for engine in ("numpy", "keras")
    ]
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(losses[0][name], losses[1][name], rtol=1e-9)
