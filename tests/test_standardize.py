"""Standardizing: its constants, what the model does with them, and numbers of any size."""

import keras
import numpy as np
import pytest
from sklearn.base import clone
from small_networks import (
    FEATURES,
    N_SAMPLES,
    TIMESTEPS,
    assert_same_training,
    classifier,
    labels,
    numbers,
    regressor,
)


def moments_by_hand(values, weights):
    """Return weighted mean and deviation over the first axis."""
    mean = np.average(values, axis=0, weights=weights)
    return mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))


@pytest.mark.parametrize("standardize", [True, "X", "y", False])
def test_standardize_is_training_on_standardized_numbers(standardize):
    X, y = numbers()
    weights = np.random.default_rng(1).uniform(0.5, 2, N_SAMPLES)
    mean_x, scale_x, mean_y, scale_y = 0, 1, 0, 1
    if standardize in (True, "X"):
        flat = X.reshape(-1, FEATURES)
        mean_x, scale_x = moments_by_hand(flat, np.repeat(weights, TIMESTEPS))
    if standardize in (True, "y"):
        mean_y, scale_y = moments_by_hand(y, weights)
    fitted = regressor(standardize=standardize).fit(X, y, weights)
    by_hand = regressor(standardize=False)
    by_hand.fit((X - mean_x) / scale_x, (y - mean_y) / scale_y, weights)
    np.testing.assert_allclose(fitted.history_["loss"], by_hand.history_["loss"], rtol=1e-5)
    expected = by_hand.predict((X - mean_x) / scale_x) * scale_y + mean_y
    np.testing.assert_allclose(fitted.predict(X), expected, rtol=1e-4)


def test_standardize_leaves_masked_timesteps_out_of_its_constants():
    X, y = numbers()
    X[:, 3:] = 0.0
    fitted = regressor(mask_value=0.0).fit(X, y)
    layer = next(x for x in fitted.model_.layers if isinstance(x, keras.layers.Normalization))
    np.testing.assert_allclose(np.ravel(layer.mean), X[:, :3].mean(axis=(0, 1)), rtol=1e-5)


def test_standardize_leaves_held_out_samples_out_of_its_constants():
    X, y = numbers()
    fitted = regressor(validation_fraction=0.25).fit(X, y)
    layer = next(x for x in fitted.model_.layers if isinstance(x, keras.layers.Normalization))
    np.testing.assert_allclose(np.ravel(layer.mean), X[:18].mean(axis=(0, 1)), rtol=1e-5)


def test_standardize_reads_a_deviation_of_zero_as_one():
    X, y = numbers()
    X[:, :, 1] = 7.0
    by_hand = X.copy()
    by_hand[:, :, 1] = 0.0
    fitted = regressor().fit(X, y)
    np.testing.assert_allclose(fitted.predict(X), regressor().fit(by_hand, y).predict(by_hand))


@pytest.mark.parametrize("standardize", [True, "X", "y", False])
def test_model_holds_the_constants_and_predicts_raw_rows(standardize):
    X, y = numbers()
    fitted = regressor(standardize=standardize, dtype="float64").fit(X, y)
    model = fitted.model_
    kinds = {type(layer) for layer in model.layers}
    assert (keras.layers.Normalization in kinds) == (standardize in (True, "X"))
    assert (keras.layers.Rescaling in kinds) == (standardize in (True, "y"))
    np.testing.assert_allclose(model(X).numpy()[:, 0], fitted.predict(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1e20, 1e35])
def test_model_predicts_raw_rows_in_small_and_large_units(unit, dtype):
    X, y = numbers()
    X[..., 0] = (X[..., 0] + 3) * unit
    fitted = regressor(dtype=dtype).fit(X, y * unit)
    found = fitted.model_(X.astype(dtype)).numpy()[:, 0]
    np.testing.assert_allclose(found / unit, fitted.predict(X) / unit, rtol=1e-4, atol=1e-4)


def test_model_predicts_by_the_method_of_keras_too():
    X, y = numbers()
    fitted = regressor().fit(X, y)
    outputs = fitted.model_.predict(X, verbose=0)
    np.testing.assert_allclose(outputs[:, 0], fitted.predict(X), rtol=1e-5)


def test_training_the_model_leaves_the_estimator_as_it_was():
    X, y = numbers()
    fitted = regressor().fit(X, y)
    before = fitted.predict(X)
    fitted.model_.set_weights([weight + 1 for weight in fitted.weights_])
    np.testing.assert_array_equal(fitted.predict(X), before)


def test_loss_of_positive_targets_leaves_y_as_it_is():
    X, y = numbers()
    y = np.abs(y)
    fitted = regressor(loss="poisson").fit(X, y)
    kinds = {type(layer) for layer in fitted.model_.layers}
    assert keras.layers.Normalization in kinds
    assert keras.layers.Rescaling not in kinds
    assert (fitted.predict(X) > 0).all()


def test_labels_are_not_standardized():
    X, y = labels()
    assert_same_training(
        classifier(standardize="y").fit(X, y), classifier(standardize=False).fit(X, y)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [2.0**-1060, 2.0**-200, 2.0**200, 2.0**1020])
def test_weights_count_by_their_ratios_whatever_their_size(factor, dtype):
    X, y = numbers()
    weights = np.arange(1.0, N_SAMPLES + 1) % 4
    fitted = regressor(dtype=dtype)
    one = clone(fitted).fit(X, y, weights, validation_data=(X, y, weights))
    other = clone(fitted).fit(X, y, weights * factor, validation_data=(X, y, weights * factor))
    assert_same_training(one, other)
    assert one.history_["val_loss"] == other.history_["val_loss"]
    assert one.score(X, y, weights) == pytest.approx(other.score(X, y, weights * factor))


@pytest.mark.parametrize("factor", [2.0**-200, 2.0**200])
def test_weights_of_classes_count_by_their_ratios_whatever_their_size(factor):
    X, y = labels()
    one, other = (
        classifier(class_weight={0: scale, 1: 3 * scale}).fit(X, y, np.full(N_SAMPLES, scale))
        for scale in (1.0, factor)
    )
    assert_same_training(one, other)


@pytest.mark.parametrize("factor", [2.0**-600, 2.0**600])
def test_units_of_X_and_y_change_no_bit(factor):
    X, y = numbers()
    one = regressor(dtype="float64").fit(X, y)
    other = regressor(dtype="float64").fit(X * factor, y * factor)
    assert_same_training(one, other)
    np.testing.assert_array_equal(other.predict(X * factor), one.predict(X) * factor)
