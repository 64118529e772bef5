"""Quantiles of RNNRegressor: the pinball loss, outputs that do not cross, and what they come as."""

import pickle

import keras
import numpy as np
import pytest
from fits import assert_same_training, cut, samples, small
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.model_selection import GridSearchCV
from test_onnx import run

import skrnn
from skrnn import RNNRegressor
from skrnn._forecasting.networks import predict_quantiles
from skrnn._numpy_engine.losses import pinball

THREE, FIVE = [0.1, 0.5, 0.9], (0.05, 0.25, 0.5, 0.6, 0.95)
X, Y = samples()
PAIRS = np.stack([Y, Y**2], axis=1)  # two outputs
STEPS = X[:, :, 0]  # a target for each timestep
RAGGED = cut(X)
WEIGHTS = np.random.default_rng(1).uniform(0.1, 3, len(X))


def network(**parameters):
    return small(**{"loss": "quantile"} | parameters)


def mean_loss(truth, found, quantiles, weights=None):
    """Return the mean over quantiles, on the last axis of what is found, by scikit-learn."""
    truth = truth.reshape(len(truth), -1)
    losses = [
        mean_pinball_loss(truth, found[..., i].reshape(truth.shape), sample_weight=weights, alpha=q)
        for i, q in enumerate(quantiles)
    ]
    return np.mean(losses)


# The loss


def test_pinball_equals_that_of_sklearn_and_its_gradient_finite_differences():
    rng = np.random.default_rng(0)
    truth, prediction = rng.normal(size=(7, 2)), rng.normal(size=(7, 2 * len(FIVE)))
    loss = pinball(FIVE)
    losses, gradient = loss.value(truth, prediction).sum(axis=1), loss.slope(truth, prediction)
    for one, found, total in zip(truth, prediction.reshape(7, 2, -1), losses, strict=True):
        assert total / 10 == pytest.approx(mean_loss(one[np.newaxis], found[np.newaxis], FIVE))
    step = 1e-6 * np.eye(prediction.size).reshape(-1, *prediction.shape)
    slopes = [
        (loss.value(truth, prediction + d) - loss.value(truth, prediction - d)).sum() for d in step
    ]
    assert_allclose(gradient.ravel(), np.array(slopes) / 2e-6, atol=1e-8)


@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["alike", "weighted"])
def test_validation_loss_is_the_pinball_loss_in_standardized_units(sample_weight):
    data = (X, Y) if sample_weight is None else (X, Y, sample_weight)
    fitted = network(quantiles=FIVE, dtype="float64")
    fitted.fit(X, Y, sample_weight, validation_data=data)
    mean = np.average(Y, weights=sample_weight)
    deviation = np.sqrt(np.average((Y - mean) ** 2, weights=sample_weight))
    loss = mean_loss(Y, fitted.predict(X, FIVE), FIVE, sample_weight)
    assert fitted.history_["val_loss"][-1] == pytest.approx(loss / deviation, rel=1e-7)


# The last feature is constant in time, and values of the first are missing.
MIXED = np.concatenate([X, np.repeat(PAIRS[:, np.newaxis, 1:], X.shape[1], axis=1)], axis=2)
MIXED[::3, 1, 0] = np.nan
ALL_AT_ONCE = {"static_features": (2,), "missing": "flag", "stateful": True, "batch_size": 8}
ENGINE_CASES = {
    "outputs, states, static features and NaN": (
        ALL_AT_ONCE | {"dtype": "float64"},
        *(MIXED, PAIRS, 1e-9),
    ),
    "outputs": ({}, X, PAIRS, 1e-5),
    "masked sequences": (
        {"return_sequences": True, "mask_value": 0.0, "dtype": "float64"},
        np.where(np.arange(4)[:, np.newaxis] < 3, X, 0.0),
        *(STEPS, 1e-9),
    ),
    "segments, steps and outputs": ({"segment": 2, "dtype": "float64"}, X, X[:, :3], 1e-9),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ENGINE_CASES)
def test_both_engines_learn_the_same_quantiles(case):
    changes, X, y, tolerance = ENGINE_CASES[case]
    settings = {"quantiles": FIVE, "shuffle": False, "batch_size": 16}
    settings |= {"optimizer": "sgd", "learning_rate": 0.125}  # exact in Keras's float32
    weights = np.random.default_rng(2).uniform(0.5, 2, y.shape if "masked" in case else len(y))
    fits = [
        network(engine=engine, **settings | changes).fit(X, y, weights, validation_data=(X, y))
        for engine in ("numpy", "keras")
    ]
    assert_same_training(*fits, rtol=tolerance)
    found, expected = (fitted.predict(X, FIVE) for fitted in fits)
    assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# The output


@settings(max_examples=30)
@given(
    quantiles=st.sets(st.floats(0.001, 0.999), max_size=9),
    y_power=st.integers(-20, 20),  # products stay below the largest float32
    w_power=st.integers(-6, 6),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 99),
)
def test_quantiles_never_cross(quantiles, y_power, w_power, dtype, seed):
    quantiles = tuple(sorted({round(q, 6) for q in quantiles} | {0.5}))
    fitted = network(quantiles=quantiles, dtype=dtype, epochs=1).fit(X, PAIRS * 10.0**y_power)
    rng = np.random.default_rng(seed)
    fitted.weights_[-2:] = [
        (rng.normal(size=w.shape) * 10.0**w_power).astype(dtype) for w in fitted.weights_[-2:]
    ]
    found = fitted.predict(X, quantiles)
    assert found.shape == (*PAIRS.shape, len(quantiles))
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()


def test_network_of_zeros_predicts_the_quantiles_of_a_normal_distribution():
    fitted = network(quantiles=FIVE, dtype="float64").fit(X, PAIRS)
    fitted.weights_[-2:] = [np.zeros_like(weight) for weight in fitted.weights_[-2:]]
    mean, deviation = PAIRS.mean(axis=0), PAIRS.std(axis=0)
    expected = mean[:, np.newaxis] + deviation[:, np.newaxis] * ndtri(FIVE)
    assert_allclose(fitted.predict(X[:1], FIVE)[0], expected, rtol=1e-12)


def test_quantiles_hold_their_share_where_the_spread_changes():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(800, 3))
    y = X[:, -1] + np.exp(1.5 * X[:, 0]) * rng.normal(size=800)
    fitted = network(hidden_size=8, epochs=60, learning_rate=0.005, batch_size=100).fit(X, y)
    for half in (X[:, 0] < 0, X[:, 0] > 0):
        held = (y[half, np.newaxis] <= fitted.predict(X[half], THREE)).mean(axis=0)
        assert_allclose(held, THREE, atol=0.05)


# What predict and score return


FORMS = {
    "numbers": ({}, X, Y),
    "outputs": ({}, X, PAIRS),
    "one output": ({}, X, Y[:, np.newaxis]),
    "steps and outputs": ({}, X, X[:, :3]),
    "sequences": ({"return_sequences": True}, X, STEPS),
    "sequences of outputs": ({"return_sequences": True}, X, X),
}


@pytest.mark.parametrize("form", FORMS)
def test_prediction_is_the_median_and_quantiles_are_a_last_axis_in_the_order_asked(form):
    changes, X, y = FORMS[form]
    fitted = network(**changes).fit(X, y)
    found = fitted.predict(X, quantiles=[0.9, 0.5])
    assert found.shape == (*y.shape, 2)
    assert_array_equal(found[..., 1], fitted.predict(X))
    assert_array_equal(found, fitted.predict(X, THREE)[..., [2, 1]])


def test_list_of_sequences_gives_quantiles_of_each_of_their_timesteps():
    y = [sequence[:, 0] for sequence in RAGGED]
    fitted = network(return_sequences=True).fit(RAGGED, y)
    found = fitted.predict(RAGGED, THREE)
    assert [rows.shape for rows in found] == [(len(steps), 3) for steps in y]
    loss = mean_loss(np.concatenate(y), np.concatenate(found), THREE)
    assert fitted.score(RAGGED, y) == pytest.approx(-loss, rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weighted", [False, True])
def test_score_is_minus_the_mean_pinball_loss_of_sklearn(form, weighted):
    changes, X, y = FORMS[form]
    fitted, lead = network(**changes).fit(X, y), 2 if "sequences" in form else 1
    found = fitted.predict(X, THREE)
    weights = np.random.default_rng(1).uniform(size=y.shape[:lead]) if weighted else None
    rows = y.reshape(np.prod(y.shape[:lead]), -1), found.reshape(np.prod(y.shape[:lead]), -1, 3)
    loss = mean_loss(*rows, THREE, None if weights is None else weights.ravel())
    assert fitted.score(X, y, weights) == pytest.approx(-loss, rel=1e-6)


def test_losses_of_single_quantiles_agree_with_the_d2_score_of_sklearn():
    fitted = network(epochs=20).fit(X, Y)
    for quantile, found in zip(THREE, fitted.predict(X, THREE).T, strict=True):
        null = np.full_like(Y, np.quantile(Y, quantile))
        losses = [mean_pinball_loss(Y, rows, alpha=quantile) for rows in (found, null)]
        share = 1 - losses[0] / losses[1]
        assert d2_pinball_score(Y, found, alpha=quantile) == pytest.approx(share, abs=1e-3)


def test_metrics_are_of_the_median():
    fitted = network(metrics=["mae"]).fit(X, Y)
    expected = np.abs(Y - fitted.predict(X)).mean()
    assert fitted.history_["mae"][-1] == pytest.approx(expected, rel=1e-5)


def test_search_over_quantiles_chooses_by_the_pinball_loss():
    search = GridSearchCV(network(), {"hidden_size": [1, 3]}, cv=2).fit(X, Y)
    first, second = slice(20), slice(20, None)
    for score, size in zip(search.cv_results_["mean_test_score"], [1, 3], strict=True):
        losses = []
        for training, test in ((second, first), (first, second)):
            found = network(hidden_size=size).fit(X[training], Y[training]).predict(X[test], THREE)
            losses.append(mean_loss(Y[test], found, THREE))
        assert score == pytest.approx(-np.mean(losses), rel=1e-5)


def test_transformed_target_carries_quantiles_back():
    y = np.exp(Y)
    within = TransformedTargetRegressor(network(), func=np.log, inverse_func=np.exp).fit(X, y)
    expected = np.exp(network().fit(X, Y).predict(X, THREE))
    assert_allclose(within.predict(X, quantiles=THREE), expected, rtol=1e-5)


# Training in other ways


def test_blocks_train_as_one_array():
    one = network(shuffle=False, batch_size=10).fit(X, PAIRS)
    blocks = [(X[:20], PAIRS[:20]), (X[20:], PAIRS[20:])]
    other = clone(one).fit_batches(lambda: iter(blocks))
    assert_allclose(other.predict(X, THREE), one.predict(X, THREE), rtol=1e-5, atol=1e-6)


def test_warm_start_and_partial_fit_continue_with_the_same_quantiles_only():
    whole = network(epochs=3, shuffle=False).fit(X, Y)
    parts = network(epochs=2, shuffle=False, warm_start=True).fit(X, Y).partial_fit(X, Y)
    assert_allclose(parts.predict(X, THREE), whole.predict(X, THREE), rtol=1e-5)
    with pytest.raises(ValueError, match="cannot be continued: quantiles changed"):
        parts.set_params(quantiles=FIVE).fit(X, Y)
    assert_array_equal(parts.predict(X).shape, Y.shape)


def test_patience_follows_the_pinball_loss():
    fitted = network(epochs=50, patience=2, validation_fraction=0.25, learning_rate=0.1)
    losses = fitted.fit(X, Y).history_["val_loss"]
    loss = mean_loss(Y[-10:], fitted.predict(X[-10:], THREE), THREE) / Y[:-10].std()
    assert len(losses) < 50
    assert min(losses) == pytest.approx(loss, rel=1e-5)


# Elsewhere


@pytest.mark.parametrize(
    ("parameters", "X"), [({}, X), (ALL_AT_ONCE, MIXED)], ids=["plain", "all at once"]
)
def test_pickle_and_file_hold_quantiles(parameters, X, tmp_path):
    fitted = network(quantiles=FIVE, **parameters).fit(X, PAIRS)
    skrnn.save(fitted, tmp_path / "network.skrnn")
    copies = skrnn.load(tmp_path / "network.skrnn"), pickle.loads(pickle.dumps(fitted))
    expected = fitted.predict(X, FIVE)
    assert (np.diff(expected) > 0).all()
    for copy in copies:
        assert_array_equal(copy.predict(X, FIVE), expected)


@pytest.mark.parametrize("form", ["numbers", "steps and outputs", "sequences of outputs"])
def test_onnx_has_the_median_and_all_quantiles(form, tmp_path):
    changes, X, y = FORMS[form]
    X = X.astype("float32")
    fitted = network(quantiles=FIVE, **changes).fit(X, y)
    found = run(fitted, X, tmp_path)
    assert_allclose(found["prediction"], fitted.predict(X), rtol=1e-5, atol=1e-5)
    assert_allclose(found["quantiles"], fitted.predict(X, FIVE), rtol=1e-5, atol=1e-5)
    assert (np.diff(found["quantiles"], axis=-1) >= 0).all()


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("numbers", marks=pytest.mark.slow),
        "steps and outputs",
        pytest.param("sequences of outputs", marks=pytest.mark.slow),
    ],
)
def test_model_returns_all_quantiles_and_evaluates_to_the_score(form):
    changes, X, y = FORMS[form]
    fitted = network(quantiles=FIVE, **changes).fit(X, y)
    model, expected = fitted.model_, fitted.predict(X, FIVE)
    assert_allclose(model(X).numpy().reshape(expected.shape), expected, rtol=1e-5, atol=1e-5)
    assert model.evaluate(X, y, verbose=0) == pytest.approx(-fitted.score(X, y), rel=1e-5)


def test_keras_reads_the_file_without_skrnns_loss_and_from_keras_refuses_it(tmp_path):
    fitted = network().fit(X, Y)
    fitted.to_keras(tmp_path / "network.keras")
    model = keras.models.load_model(tmp_path / "network.keras")
    assert_allclose(model(X).numpy()[:, 0], fitted.predict(X, THREE), rtol=1e-5, atol=1e-5)
    for given_model in (model, fitted.model_):
        with pytest.raises(ValueError, match=r"one number for each output, got quantiles.*save"):
            RNNRegressor.from_keras(given_model)


def test_quantiles_of_windows_are_the_mean_over_networks():
    fits = [network(random_state=seed).fit(X, PAIRS) for seed in range(2)]
    expected = (fits[0].predict(X, FIVE[2:3]) + fits[1].predict(X, FIVE[2:3])) / 2
    assert_allclose(predict_quantiles(fits, X, 2, FIVE[2:3]), expected, rtol=1e-6)
    fits = [network().fit(X, Y)]
    assert_allclose(predict_quantiles(fits, X, 1, THREE)[:, 0], fits[0].predict(X, THREE))


@pytest.mark.parametrize(
    ("parameters", "quantiles", "words"),
    [
        ({}, [0.1, 0.2], r"among those fitted, 0\.1, 0\.5, 0\.9, got 0\.2\. Add them .* fit again"),
        ({}, 0.1, r"a list of numbers between 0 and 1, .* got 0\.1\. .*single quantile as a list"),
        ({}, [], "got \\[\\]"),
        ({}, [90], "got \\[90\\]"),
        ({"loss": "mse"}, [0.5], "`quantiles` must be None .*'mean_squared_error'.*'quantile'"),
    ],
)
def test_quantiles_that_were_not_fitted_are_refused(parameters, quantiles, words):
    fitted = network(**parameters).fit(X, Y)
    with pytest.raises(ValueError, match=words):
        fitted.predict(X, quantiles=quantiles)


def test_unfitted_network_is_built_with_its_quantiles():
    assert network(quantiles=FIVE).build_model((4, 2)).output_shape == (None, 1, 5)
