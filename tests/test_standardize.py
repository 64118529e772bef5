"""Standardizing: its constants, what the model does with them, and numbers of any size."""

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from small_networks import LABELS, N_SAMPLES, X, Y, assert_same_training, classifier, regressor


@pytest.mark.parametrize("standardize", [True, "X", "y", False])
def test_standardize_is_training_on_standardized_numbers(standardize):
    weights = np.random.default_rng(1).uniform(0.5, 2, N_SAMPLES)
    mean_x, scale_x, mean_y, scale_y = 0, 1, 0, 1
    if standardize in (True, "X"):
        flat, of_steps = X.reshape(-1, X.shape[-1]), np.repeat(weights, X.shape[1])
        scaler = StandardScaler().fit(flat, sample_weight=of_steps)
        mean_x, scale_x = scaler.mean_, scaler.scale_
    if standardize in (True, "y"):
        scaler = StandardScaler().fit(Y[:, np.newaxis], sample_weight=weights)
        mean_y, scale_y = scaler.mean_, scaler.scale_
    fitted = regressor(standardize=standardize).fit(X, Y, weights)
    by_hand = regressor(standardize=False)
    by_hand.fit((X - mean_x) / scale_x, (Y - mean_y) / scale_y, weights)
    np.testing.assert_allclose(fitted.history_["loss"], by_hand.history_["loss"], rtol=1e-5)
    expected = by_hand.predict((X - mean_x) / scale_x) * scale_y + mean_y
    np.testing.assert_allclose(fitted.predict(X), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("parameters", "seen"),
    [({"mask_value": 0.0}, np.s_[:, :3]), ({"validation_fraction": 0.25}, np.s_[:18])],
    ids=["masked", "held out"],
)
def test_standardize_takes_its_constants_from_what_is_trained_on(parameters, seen):
    values = np.zeros_like(X)
    values[seen] = X[seen]
    fitted = regressor(**parameters).fit(values, Y)
    layer = next(x for x in fitted.model_.layers if isinstance(x, keras.layers.Normalization))
    np.testing.assert_allclose(np.ravel(layer.mean), X[seen].mean(axis=(0, 1)), rtol=1e-5)


def test_standardize_reads_a_deviation_of_zero_as_one():
    predictions = []
    for constant in (7.0, 0.0):
        values = np.stack([X[..., 0], np.full(X.shape[:2], constant)], axis=-1)
        predictions.append(regressor().fit(values, Y).predict(values))
    np.testing.assert_allclose(*predictions)


@pytest.mark.parametrize("standardize", [True, "X", "y", False])
def test_model_holds_the_constants_and_predicts_raw_rows(standardize):
    fitted = regressor(standardize=standardize, dtype="float64").fit(X, Y)
    model = fitted.model_
    kinds = {type(layer) for layer in model.layers}
    assert (keras.layers.Normalization in kinds) == (standardize in (True, "X"))
    assert (keras.layers.Rescaling in kinds) == (standardize in (True, "y"))
    np.testing.assert_allclose(model(X).numpy()[:, 0], fitted.predict(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1e20, 1e35])
def test_model_predicts_raw_rows_in_small_and_large_units(unit, dtype):
    values = np.stack([(X[..., 0] + 3) * unit, X[..., 1]], axis=-1)
    fitted = regressor(dtype=dtype).fit(values, Y * unit)
    found = fitted.model_.predict(values.astype(dtype), verbose=0)[:, 0]
    np.testing.assert_allclose(found / unit, fitted.predict(values) / unit, rtol=1e-4, atol=1e-4)


def test_loss_of_positive_targets_leaves_y_as_it_is():
    fitted = regressor(loss="poisson").fit(X, np.abs(Y))
    kinds = {type(layer) for layer in fitted.model_.layers}
    assert keras.layers.Normalization in kinds
    assert keras.layers.Rescaling not in kinds
    assert (fitted.predict(X) > 0).all()


def test_labels_are_not_standardized():
    assert_same_training(
        classifier(standardize="y").fit(X, LABELS), classifier(standardize=False).fit(X, LABELS)
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [2.0**-1060, 2.0**-200, 2.0**200, 2.0**1020])
def test_weights_count_by_their_ratios_whatever_their_size(factor, dtype):
    weights = np.arange(1.0, N_SAMPLES + 1) % 4
    fitted = regressor(dtype=dtype)
    one = clone(fitted).fit(X, Y, weights, validation_data=(X, Y, weights))
    other = clone(fitted).fit(X, Y, weights * factor, validation_data=(X, Y, weights * factor))
    assert_same_training(one, other)
    assert one.history_["val_loss"] == other.history_["val_loss"]
    assert one.score(X, Y, weights) == pytest.approx(other.score(X, Y, weights * factor))


@pytest.mark.parametrize("factor", [2.0**-200, 2.0**200])
def test_weights_of_classes_count_by_their_ratios_whatever_their_size(factor):
    one, other = (
        classifier(class_weight={0: scale, 1: 3 * scale}).fit(X, LABELS, np.full(N_SAMPLES, scale))
        for scale in (1.0, factor)
    )
    assert_same_training(one, other)


@pytest.mark.parametrize("factor", [2.0**-600, 2.0**600])
def test_units_of_X_and_y_change_no_bit(factor):
    one = regressor(dtype="float64").fit(X, Y)
    other = regressor(dtype="float64").fit(X * factor, Y * factor)
    assert_same_training(one, other)
    np.testing.assert_array_equal(other.predict(X * factor), one.predict(X) * factor)
