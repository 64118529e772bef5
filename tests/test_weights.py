"""Weights of samples, timesteps and classes: what they do to a fit, in batches of any size."""

import numpy as np
import pytest
from fits import both_engines
from oracles import assert_equal_keras, keras_optimizer

from skrnn import RNNClassifier, RNNRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4, 2)).astype("float32")
RARE = (np.arange(24) % 12 == 0).astype(int)
ONCE = {"epochs": 1, "shuffle": False, "standardize": False, "random_state": 0, "dtype": "float64"}
SGD = {"optimizer": "sgd", "learning_rate": 0.1}


@pytest.mark.parametrize("batch_size", [5, 24])
def test_class_weight_acts_in_batches_of_any_size_as_in_model_fit(batch_size, keras_float64):
    settings = ONCE | {"batch_size": batch_size, "epochs": 2, "class_weight": {1: 49.0}} | SGD
    fits = [
        RNNClassifier("simple_rnn", 3, engine=engine, **settings).fit(X, RARE)
        for engine in ("numpy", "keras")
    ]
    weights = np.where(RARE == 1, 49.0, 1.0)
    assert_equal_keras(
        *(fits, X, RARE[:, np.newaxis], "binary_crossentropy"),
        keras_optimizer("sgd", learning_rate=float(np.float32(0.1))),
        {"output_activation": "sigmoid"},
        sample_weight=weights / weights.mean(),
    )


@both_engines
def test_weights_of_a_rare_class_make_up_for_its_rarity(engine):
    """The mean probability of noise is one half, as if both classes were equally many."""
    noise = np.random.default_rng(1).normal(size=(400, 5, 1))
    y = (np.arange(400) % 50 == 0).astype(int)
    for batch_size in (4, 400):
        settings = {"batch_size": batch_size, "epochs": 3 if batch_size == 4 else 100}
        classifier = RNNClassifier(
            *("simple_rnn", 2),
            class_weight="balanced",
            learning_rate=0.002,
            engine=engine,
            random_state=0,
            **settings,
        )
        assert 0.4 < classifier.fit(noise, y).predict_proba(noise)[:, 1].mean() < 0.6


def change(engine, weight, method):
    """Return how far one step of SGD on one sample moves the bias of the output."""
    regressor = RNNRegressor("gru", 3, engine=engine, **ONCE | SGD)
    getattr(regressor, method)(X[:1], [1.0], sample_weight=[weight])
    return regressor.weights_[-1][0]


@both_engines
def test_partial_fit_takes_weights_as_they_are_and_fit_their_ratios(engine):
    np.testing.assert_allclose(
        change(engine, 3.0, "partial_fit"), 3 * change(engine, 1.0, "partial_fit"), rtol=1e-6
    )
    assert change(engine, 3.0, "fit") == change(engine, 1.0, "fit") != 0


def test_partial_fit_multiplies_by_class_weights_as_they_are():
    def bias(**settings):
        classifier = RNNClassifier("gru", 3, **settings, **ONCE | SGD)
        return classifier.partial_fit(X[:1], [1], classes=[0, 1]).weights_[-1][0]

    np.testing.assert_allclose(bias(class_weight={0: 1.0, 1: 7.0}), 7 * bias(), rtol=1e-6)


def test_partial_fit_refuses_weights_beyond_the_dtype():
    regressor = RNNRegressor("gru", 3, **ONCE | {"dtype": "float32"})
    with pytest.raises(ValueError, match=r"`sample_weight`.* below 3.4e\+38 in `partial_fit`"):
        regressor.partial_fit(X, X[:, 0, 0], np.full(24, 1e39))
    assert not hasattr(regressor, "weights_")
    regressor.fit(X, X[:, 0, 0], np.full(24, 1e39))


@both_engines
@pytest.mark.parametrize("padding", ["list", "array"])
def test_losses_of_masked_timesteps_are_sums_by_hand(engine, padding):
    lengths = np.arange(24) % 4 + 1
    present = np.arange(4) < lengths[:, np.newaxis]
    y, weights = RNG.normal(size=(24, 4)), np.where(present, RNG.uniform(0, 3, (24, 4)), 0)
    weights[3] = 0  # dropped
    weights[5, 0] = 0  # present all the same
    given = np.where(present[..., np.newaxis], X, np.nan), y, weights
    if padding == "list":
        given = [[row[:n] for row, n in zip(rows, lengths, strict=True)] for rows in given]
    settings = ONCE | {"batch_size": 7, "learning_rate": 1e-30, "return_sequences": True}
    regressor = RNNRegressor("gru", 3, mask_value=np.nan, engine=engine, **settings)
    regressor.fit(*given, validation_data=given)
    outputs = regressor.predict(given[0])
    found = np.zeros((24, 4))
    for row, output, n in zip(found, outputs, lengths, strict=True):
        row[:n] = output[:n]
    losses = (found - y) ** 2
    history = {name: values[0] for name, values in regressor.history_.items()}
    assert history["val_loss"] == pytest.approx((weights * losses).sum() / weights.sum(), rel=1e-9)
    kept = np.delete(np.arange(24), 3)
    weights = weights / (weights[kept].sum() / present[kept].sum())
    parts = [kept[start : start + 7] for start in range(0, 23, 7)]
    by_hand = [(weights[b] * losses[b]).sum() / present[b].sum() * len(b) for b in parts]
    assert history["loss"] == pytest.approx(sum(by_hand) / 23, rel=1e-9)


@both_engines
@pytest.mark.parametrize("n_classes", [2, 3])
def test_validation_loss_is_that_of_the_logits_where_probabilities_round(engine, n_classes):
    y = np.arange(24) % n_classes
    classifier = RNNClassifier("gru", 3, engine=engine, **ONCE | {"dtype": "float32"}).fit(X, y)
    classifier.weights_[-2:] = [weight * 3000 for weight in classifier.weights_[-2:]]
    classifier.set_params(warm_start=True, learning_rate=1e-30).fit(X, y, validation_data=(X, y))
    scores = classifier._run(classifier._read_fitted(X), activation="linear")[0].astype(float)
    if n_classes == 2:
        scores = np.column_stack([np.zeros(24), scores])
    expected = np.logaddexp.reduce(scores, axis=1) - scores[np.arange(24), y]
    assert expected.mean() > 20  # a probability of 1e-7 would be 16
    assert classifier.history_["val_loss"][-1] == pytest.approx(expected.mean(), rel=1e-5)
