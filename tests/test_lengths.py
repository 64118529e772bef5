"""Batches of sequences of similar length, cut to the timesteps that they need."""

import numpy as np
import pandas as pd
import pytest
from fits import padded
from hypothesis import given
from hypothesis import strategies as st

from skrnn import RNNClassifier, RNNRegressor
from skrnn._data import validation as _validation
from skrnn._data.length_buckets import bucket_by_length, trimmed_slice
from skrnn._data.samples import Samples
from skrnn._data.sequences import Sequences
from skrnn._estimators.training import fit_config
from skrnn._training.progress import TrainingProgress


def numeric_list(n_samples=70, longest=19, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, n_samples)
    lengths[0] = longest
    return [rng.normal(size=(length, 2)) for length in lengths]


@given(n_samples=st.integers(1, 300), n_batch=st.integers(1, 20), seed=st.integers(0, 100))
def test_order_by_length_holds_each_sample_once_and_leaves_the_rest_where_it_was(
    n_samples, n_batch, seed
):
    rng = np.random.default_rng(seed)
    order, lengths = rng.permutation(n_samples), rng.integers(1, 50, n_samples)
    found = bucket_by_length(order, lengths, n_batch, rng)
    np.testing.assert_array_equal(np.sort(found), np.arange(n_samples))
    n_whole = n_samples // n_batch * n_batch
    np.testing.assert_array_equal(found[n_whole:], order[n_whole:])


def test_order_by_length_needs_less_padding_and_draws_another_order_of_batches():
    rng = np.random.default_rng(0)
    order, lengths = rng.permutation(3200), rng.integers(1, 50, 3200)

    def read(order):
        return lengths[order].reshape(-1, 32).max(axis=1).sum() * 32

    first, second = (bucket_by_length(order, lengths, 32, rng) for _ in range(2))
    assert read(first) < 1.1 * lengths.sum() < 1.6 * lengths.sum() < read(order)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(
        np.sort(first.reshape(-1, 32).min(axis=1)), np.sort(second.reshape(-1, 32).min(axis=1))
    )


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
    for x, found in zip(X * 9, together, strict=True):
        np.testing.assert_allclose(found, estimator.predict([x])[0], rtol=1e-12, atol=1e-12)
    hidden = estimator.hidden_states(X)
    for x, found in zip(X, hidden, strict=True):
        np.testing.assert_allclose(found, estimator.hidden_states([x])[0], atol=1e-12)


def drawn(sequences):
    n_samples = len(sequences)
    samples = Samples(sequences, np.zeros(n_samples), np.ones(n_samples), None, "float32")
    config = fit_config(RNNRegressor(batch_size=8), resume=False, epochs=1)
    return TrainingProgress(None, samples, np.random.default_rng(0), config).next_order()


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


def test_lists_are_drawn_by_length_and_padded_arrays_as_keras_draws_them():
    """Batches of similar length cost accuracy, so only lists of unequal lengths have them."""
    X = numeric_list(n_samples=320)
    values, lengths = padded(X, np.nan, 0), np.array([len(x) for x in X])
    at_random = np.arange(320)
    np.random.default_rng(0).shuffle(at_random)
    np.testing.assert_array_equal(drawn(Sequences(values, mask_value=np.nan)), at_random)
    by_length = drawn(Sequences(values, lengths))
    np.testing.assert_array_equal(np.sort(by_length), np.arange(320))
    longest, random = (
        lengths[order].reshape(-1, 8).max(axis=1) for order in (by_length, at_random)
    )
    assert longest.mean() < 0.8 * random.mean()


@pytest.mark.parametrize("return_sequences", [False, True])
def test_engines_train_alike_on_batches_by_length(return_sequences):
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
