"""Padding is not read: however long, on either side, it changes no prediction and no training."""

import keras
import numpy as np
import pytest
from fits import padded
from hypothesis import given, settings
from hypothesis import strategies as st
from recurrent import CELLS

from skrnn import RNNClassifier, RNNRegressor

LENGTHS = [3, 1, 6, 4, 6, 2, 5]
WORDS = 9
TOKENS = {"vocab_size": WORDS, "embedding_dim": 3, "mask_value": 0}
SIDES = ["pre", "post"]
NETWORKS = {
    "cell_type": st.sampled_from(CELLS) | st.permutations(CELLS).map(tuple),
    "bidirectional": st.booleans(),
    "activation": st.sampled_from(["tanh", "relu"]),
    "dense_sizes": st.sampled_from([(), (3,)]),
}
POOLED = st.fixed_dictionaries(NETWORKS | {"pooling": st.sampled_from(["last", "mean", "max"])})
MASKS = st.sampled_from([0.0, -1.5, 3.0, np.nan, np.float32("nan")])
few = settings(max_examples=12)


RNG = np.random.default_rng(0)
X = [RNG.normal(size=(length, 2)) for length in LENGTHS]
Y = [x.sum() for x in X]
IDS = [RNG.integers(1, WORDS, length) for length in LENGTHS]
LABELS = np.arange(len(IDS)) % 2


def network(estimator, **parameters):
    fixed = {"hidden_size": 4, "epochs": 1, "dtype": "float64", "engine": "numpy"}
    return estimator(random_state=0, **fixed | parameters)


def paddings(X, filling):
    """Return arrays of padded sequences, with their masks."""
    masks = [np.ones(len(x), bool) for x in X]
    hows = [(n_more, side) for n_more in (0, 5, 50) for side in SIDES]
    return [(padded(X, filling, *how), padded(masks, False, *how)) for how in hows]


def assert_padding_is_not_read(predict, X, filling):
    """Compare predictions of padded sequences with those of each sequence alone."""
    expected = np.stack([predict([x])[0] for x in X])
    np.testing.assert_allclose(predict(X), expected, rtol=0, atol=1e-9)
    for full, _ in paddings(X, filling):
        np.testing.assert_allclose(predict(full), expected, rtol=0, atol=1e-9)
        np.testing.assert_allclose(predict(list(full)), expected, rtol=0, atol=1e-9)


@few
@given(of=POOLED, mask_value=MASKS, standardize=st.booleans())
def test_padding_of_numbers_changes_no_prediction(of, mask_value, standardize):
    fitted = network(RNNRegressor, mask_value=mask_value, standardize=standardize, **of).fit(X, Y)
    assert_padding_is_not_read(fitted.predict, X, mask_value)


@few
@given(of=POOLED)
def test_padding_of_tokens_changes_no_probability(of):
    fitted = network(RNNClassifier, **TOKENS, **of).fit(IDS, LABELS)
    assert_padding_is_not_read(fitted.predict_proba, IDS, 0)


@few
@given(of=st.fixed_dictionaries(NETWORKS), mask_value=MASKS)
def test_padding_changes_no_prediction_of_a_timestep(of, mask_value):
    fitted = network(RNNRegressor, return_sequences=True, mask_value=mask_value, **of)
    fitted.fit(X, [np.cumsum(x, axis=0) for x in X])
    expected = np.concatenate([fitted.predict([x])[0] for x in X])
    for full, mask in paddings(X, mask_value):
        np.testing.assert_allclose(fitted.predict(full)[mask], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell_type", [*CELLS, CELLS])
def test_a_network_trained_on_padded_sequences_is_that_of_the_list(cell_type, bidirectional):
    of = {"cell_type": cell_type, "bidirectional": bidirectional, "epochs": 3, "batch_size": 2}
    expected = network(RNNRegressor, **of).fit(X, Y).predict(X)
    for full, _ in paddings(X, np.nan):
        fitted = network(RNNRegressor, mask_value=np.nan, **of).fit(full, Y)
        np.testing.assert_allclose(fitted.predict(full), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "data", "first"),
    [
        (TOKENS, padded(IDS, 0, 2, "pre"), keras.layers.Embedding(WORDS, 3, mask_zero=True)),
        ({"mask_value": -1.5}, padded(X, -1.5, 2, "pre"), keras.layers.Masking(-1.5)),
        ({"mask_value": np.nan}, padded(X, np.nan, 2, "pre"), None),
        ({}, X, None),
    ],
    ids=["tokens", "numbers", "NaN", "list"],
)
def test_build_model_skips_what_the_network_and_plain_keras_skip(parameters, data, first):
    fitted = network(RNNRegressor, cell_type="gru", standardize=False, **parameters).fit(data, Y)
    expected = fitted.predict(data)[:, np.newaxis]
    data = data if isinstance(data, np.ndarray) else padded(data, np.nan, 2)
    model = fitted.build_model((*data.shape[1:], 1)[:2])
    model.set_weights(fitted.weights_)
    np.testing.assert_allclose(model(data), expected, rtol=1e-9)
    if first is not None:
        layers = first, keras.layers.GRU(4), keras.layers.Dense(1)
        plain = keras.Sequential([keras.Input(data.shape[1:]), *layers])
        plain.set_weights(fitted.weights_)
        np.testing.assert_allclose(plain(data), expected, rtol=1e-5)


@pytest.mark.slow
def test_keras_reads_no_padding():
    of = {"cell_type": CELLS, "mask_value": -1.5, "bidirectional": True, "engine": "keras"}
    fitted = network(RNNRegressor, **of).fit(X, Y)
    assert_padding_is_not_read(fitted.predict, X, -1.5)
    fitted = network(RNNClassifier, pooling="max", engine="keras", **TOKENS).fit(IDS, LABELS)
    assert_padding_is_not_read(fitted.predict_proba, IDS, 0)
