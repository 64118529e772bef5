"""Scores, thresholds, calibration and weights of classes, as scikit-learn means them."""

from copy import deepcopy

import keras
import numpy as np
import pytest
from fits import cut
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import balanced_accuracy_score, get_scorer, roc_auc_score
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.utils.class_weight import compute_sample_weight

from skrnn import RNNClassifier
from skrnn._data.labels import one_against_rest

N_SAMPLES = 40
TARGETS = {
    "binary": lambda x: np.where(x[:, 0] > 0.3, "up", "down"),
    "multiclass": lambda x: np.array(["low", "mid", "top"])[np.digitize(x[:, 0], [-0.5, 0.7])],
    "multilabel": lambda x: (x[:, :2] > [0.2, -0.4]).astype(int),
}
every_engine_and_target = pytest.mark.parametrize(
    ("engine", "target"),
    [("numpy", target) for target in TARGETS]
    + [pytest.param("keras", target, marks=pytest.mark.slow) for target in TARGETS],
)
every_target = pytest.mark.parametrize("target", TARGETS)


RNG = np.random.default_rng(0)
X, NOISE = RNG.normal(size=(N_SAMPLES, 4, 2)), RNG.normal(0, 0.3, (N_SAMPLES, 2))


def targets(target):
    """Return labels that the last timestep of X nearly decides."""
    return TARGETS[target](X[:, -1] + NOISE)


Y = targets("binary")


def classifier(**parameters):
    settings = {"epochs": 10, "learning_rate": 0.1, "random_state": 0}
    return RNNClassifier("gru", 3, **settings | parameters)


def saturated(fitted):
    """Return a fitted classifier whose logits are two hundred times as far from zero."""
    fitted.weights_[-2:] = [weight * np.float32(200) for weight in fitted.weights_[-2:]]
    return fitted


def keras_logits(fitted, X):
    """Return what enters the last activation of the Keras model, in float64."""
    model = fitted.model_
    output = next(
        layer for layer in reversed(model.layers) if isinstance(layer, keras.layers.Dense)
    )
    kernel, bias = output.get_weights()
    return keras.Model(model.inputs[0], output.input)(X).numpy().astype(float) @ kernel + bias


def log_odds(logits):
    """Return log(p / (1 - p)) of each class of a softmax, by a loop over the classes."""
    columns = range(logits.shape[1])
    rest = [np.logaddexp.reduce(np.delete(logits, k, axis=1), axis=1) for k in columns]
    return logits - np.transpose(rest)


LOGITS = {"binary": lambda z: z[:, 0], "multiclass": log_odds, "multilabel": lambda z: z}


# decision_function


@every_engine_and_target
def test_decision_function_is_the_logit_of_the_keras_model(engine, target):
    y = targets(target)
    fitted = classifier(engine=engine).fit(X, y)
    for network in (fitted, saturated(deepcopy(fitted))):
        logits = keras_logits(network, X)
        expected = LOGITS[target](logits)
        found = network.decision_function(X)
        assert found.dtype == np.float32
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert network.predict_proba(X).max() > 1 - 1e-7  # float32 has nothing between that and 1
    assert found.max() > 20


@every_target
def test_decision_function_is_the_logit_of_the_probabilities_and_decides_as_predict(target):
    y = targets(target)
    fitted = classifier(dtype="float64").fit(X, y)
    shares, scores = fitted.predict_proba(X), fitted.decision_function(X)
    expected = np.log(shares / (1 - shares))
    expected = expected[:, 1] if target == "binary" else expected
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-12)
    decided = {
        "binary": lambda: fitted.classes_[(scores > 0).astype(int)],
        "multiclass": lambda: fitted.classes_[scores.argmax(axis=1)],
        "multilabel": lambda: (scores > 0).astype(int),
    }[target]()
    np.testing.assert_array_equal(fitted.predict(X), decided)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decision_function_of_steps_has_the_lengths_of_the_sequences(n_classes):
    sequences = cut(X)
    labels = [np.digitize(x[:, 0], [-0.5, 0.5][: n_classes - 1]) for x in sequences]
    fitted = classifier(return_sequences=True, dtype="float64").fit(sequences, labels)
    scores, shares = fitted.decision_function(sequences), fitted.predict_proba(sequences)
    for found, share in zip(scores, shares, strict=True):
        expected = np.log(share / (1 - share))
        expected = expected[:, 1] if n_classes == 2 else expected
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_decision_function_of_a_stateful_network_moves_its_state_as_predict_does():
    fitted = classifier(stateful=True, batch_size=8).fit(X, Y)
    first, second = fitted.decision_function(X), fitted.decision_function(X)
    states = fitted.states_
    fitted.reset_states()
    for scores in (first, second):
        expected = fitted.predict_proba(X)[:, 1]
        np.testing.assert_allclose(1 / (1 + np.exp(-scores)), expected, rtol=1e-4)
    np.testing.assert_array_equal(fitted.states_[0], states[0])
    assert not np.array_equal(first, second)


def test_ranks_of_a_saturated_network_are_those_of_its_logits():
    fitted = saturated(classifier().fit(X, Y))
    expected = roc_auc_score(Y, keras_logits(fitted, X)[:, 0])
    assert get_scorer("roc_auc")(fitted, X, Y) == expected
    assert len(np.unique(fitted.decision_function(X))) == N_SAMPLES
    assert len(np.unique(fitted.predict_proba(X)[:, 1])) < N_SAMPLES


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_odds_of_one_class_against_the_rest_equal_a_loop(size, n_classes):
    logits = np.random.default_rng(0).normal(0, size, (6, n_classes))
    logits[0] = logits[0, 0]  # all equal
    np.testing.assert_allclose(one_against_rest(logits), log_odds(logits), rtol=1e-9, atol=1e-12)


# Thresholds and calibration


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_a_tuned_threshold_is_the_best_of_a_loop(method):
    fitted = classifier(class_weight={"up": 0.2}).fit(X, Y)
    scores = getattr(fitted, method)(X)
    scores = scores[:, 1] if method == "predict_proba" else scores
    thresholds = np.linspace(scores.min(), scores.max(), 25)
    tuned = TunedThresholdClassifierCV(
        fitted, thresholds=thresholds, response_method=method, cv="prefit", refit=False
    ).fit(X, Y)
    expected = [
        balanced_accuracy_score(Y, np.where(scores >= threshold, "up", "down"))
        for threshold in thresholds
    ]
    assert tuned.best_score_ == pytest.approx(max(expected))
    assert tuned.best_score_ > balanced_accuracy_score(Y, fitted.predict(X))
    chosen = np.where(scores >= tuned.best_threshold_, "up", "down")
    np.testing.assert_array_equal(tuned.predict(X), chosen)


def test_thresholds_are_tuned_over_folds():
    tuned = TunedThresholdClassifierCV(classifier(), cv=2, random_state=0).fit(X, Y)
    decided = tuned.estimator_.predict_proba(X)[:, 1] >= tuned.best_threshold_
    np.testing.assert_array_equal(tuned.predict(X), np.where(decided, "up", "down"))


def test_sigmoid_calibration_is_a_line_through_the_decision_function():
    fitted = classifier().fit(X, Y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted), method="sigmoid").fit(X, Y)
    shares = calibrated.predict_proba(X)[:, 1]
    scores = fitted.decision_function(X)
    line = np.polyfit(scores, np.log(shares / (1 - shares)), 1)
    np.testing.assert_allclose(np.polyval(line, scores), np.log(shares / (1 - shares)), atol=1e-4)
    assert line[0] > 0


@pytest.mark.parametrize("target", ["binary", "multiclass"])
def test_isotonic_calibration_is_that_of_the_decision_function(target):
    y = targets(target)
    fitted = classifier().fit(X, y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(fitted), method="isotonic").fit(X, y)
    found, scores = calibrated.predict_proba(X), fitted.decision_function(X)
    if target == "binary":
        found, scores = found[:, 1:], scores[:, np.newaxis]
    expected = [
        IsotonicRegression(out_of_bounds="clip").fit_transform(column, y == label)
        for column, label in zip(scores.T, fitted.classes_[-scores.shape[1] :], strict=True)
    ]
    total = np.sum(expected, axis=0) if target == "multiclass" else 1
    np.testing.assert_allclose(found.T, np.divide(expected, total), atol=1e-6)


# Several outputs


def test_multi_output_classifier_is_one_network_for_each_column():
    y = np.stack([TARGETS["binary"](X[:, -1]), TARGETS["multiclass"](X[:, -1])], axis=1)
    found = MultiOutputClassifier(classifier()).fit(X, y)
    probabilities = found.predict_proba(X)
    for k, column in enumerate(y.T):
        alone = classifier().fit(X, column)
        np.testing.assert_array_equal(probabilities[k], alone.predict_proba(X))
        np.testing.assert_array_equal(found.predict(X)[:, k], alone.predict(X))


# class_weight


@pytest.mark.parametrize("class_weight", ["balanced", {"low": 3.0}, {"low": 2.0, "top": 0.0}])
def test_class_weight_is_the_sample_weight_that_scikit_learn_makes_of_it(class_weight):
    y = targets("multiclass")
    weights = np.linspace(0.5, 1.5, N_SAMPLES)
    by_class = classifier(class_weight=class_weight).fit(X, y, weights)
    by_sample = classifier().fit(X, y, weights * compute_sample_weight(class_weight, y))
    if class_weight == "balanced" or "top" not in class_weight:
        np.testing.assert_allclose(by_class.history_["loss"], by_sample.history_["loss"], rtol=1e-5)
        np.testing.assert_allclose(by_class.predict_proba(X), by_sample.predict_proba(X), rtol=1e-4)
    else:  # weight zero for a class: it is known, and never learned
        assert by_class.classes_.tolist() == ["low", "mid", "top"]
        assert by_sample.classes_.tolist() == ["low", "mid"]
        assert "top" not in by_class.predict(X)


def test_weights_of_samples_and_of_classes_may_cancel_each_other():
    light = Y[0] == Y
    plain = classifier(standardize=False).fit(X, Y)
    tiny = 2.0**-160  # float32 holds no number as small
    weighted = classifier(standardize=False, class_weight={Y[0]: 1.0, Y[~light][0]: tiny})
    weighted.fit(X, Y, sample_weight=np.where(light, tiny, 1.0))
    np.testing.assert_allclose(weighted.history_["loss"], plain.history_["loss"], rtol=1e-5)
