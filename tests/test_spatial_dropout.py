"""Spatial dropout: which features it leaves out, for how long, and how often, in both engines."""

from itertools import product

import keras
import numpy as np
import pytest
from fits import FLOAT64, assert_same_training, both_engines
from gradients import architecture, flat_weights, inputs

from skrnn import RNNClassifier, RNNRegressor
from skrnn._numpy_engine.network import Network

TIMESTEPS, FEATURES, RATE = 4, 3, 0.4


@pytest.mark.parametrize(
    ("engine", "masked", "bidirectional"),
    [
        *product(["numpy"], [False, True], [False, True]),
        pytest.param("keras", False, False, marks=pytest.mark.slow),
        pytest.param("keras", True, True, marks=pytest.mark.slow),
    ],
)
def test_whole_features_are_left_out_for_each_sample_on_its_own(engine, bidirectional, masked):
    """A linear network's output is a sum over features: its variance says what was dropped.

    Were timesteps or directions dropped on their own, it would be another.
    """
    n_samples = 20_000
    X = np.ones((n_samples, TIMESTEPS, FEATURES))
    X[:, -1] = np.nan if masked else 1.0
    settings = FLOAT64 | {"epochs": 1, "batch_size": n_samples, "bidirectional": bidirectional}
    network = RNNRegressor(
        "simple_rnn",
        4,
        activation="linear",
        spatial_dropout=RATE,
        mask_value=np.nan if masked else None,
        learning_rate=1e-12,  # the weights stand still
        engine=engine,
        **settings,
    ).fit(X, np.zeros(n_samples))
    alone = X[:FEATURES] * np.eye(FEATURES)[:, np.newaxis]
    effects = network.predict(alone)  # of each feature; the bias is zero
    expected = effects.sum() ** 2 + RATE / (1 - RATE) * (effects**2).sum()
    assert network.history_["loss"][0] == pytest.approx(expected, rel=0.05)


def test_output_under_spatial_dropout_is_that_of_features_multiplied():
    described = architecture(spatial_dropout=RATE, bidirectional=True)
    x, weights = inputs(described), flat_weights(described)
    network = Network(described, weights, *x.shape[:2])
    dropped = network.forward(x, generator=np.random.default_rng(3)).copy()
    kept = np.random.default_rng(3).random((len(x), x.shape[2])) < 1 - RATE
    expected = network.forward(x * kept[:, np.newaxis] / (1 - RATE))
    np.testing.assert_allclose(dropped, expected, rtol=1e-12)


@both_engines
def test_spatial_dropout_draws_anew_in_every_epoch_and_the_same_for_a_seed(engine):
    X = np.random.default_rng(0).integers(1, 9, (40, TIMESTEPS))
    parameters = {"vocab_size": 9, "embedding_dim": 4, "mask_value": 0, "spatial_dropout": RATE}
    still = {"learning_rate": 1e-12, "shuffle": False, "epochs": 4, "random_state": 0}
    one, other = (
        RNNClassifier("gru", 4, engine=engine, **parameters, **still).fit(X, X[:, 0] > 4)
        for _ in range(2)
    )
    assert len(set(one.history_["loss"])) == 4
    assert_same_training(one, other, rtol=0)


def test_spatial_dropout_stands_behind_the_embedding_of_the_real_model():
    network = RNNRegressor("gru", 4, vocab_size=9, embedding_dim=3, spatial_dropout=RATE)
    model = network.build_model((TIMESTEPS, 1))
    layer = model.get_layer("spatial_dropout")
    assert isinstance(layer, keras.layers.SpatialDropout1D)
    assert layer.rate == RATE
    assert layer.input is model.get_layer("embedding").output
    assert "spatial_dropout (SpatialDropout1D)" in network.summary((TIMESTEPS, 1))
    assert "spatial_dropout" not in network.set_params(spatial_dropout=0.0).summary((TIMESTEPS, 1))
