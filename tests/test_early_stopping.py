"""`patience`, `min_delta` and validation: when a fit stops, and which weights it keeps."""

from math import ceil

import numpy as np
import pytest
from oracles import assert_same_arrays
from small_networks import EAGER, X, Y, assert_same_training, classifier, overfitting, regressor

from skrnn import RNNClassifier


@pytest.mark.parametrize("validated", [True, False])
def test_patience_stops_after_so_many_epochs_without_improvement(validated):
    X, y, held_out = overfitting()
    fitted = regressor(patience=3, epochs=500, **EAGER)
    fitted.fit(X, y, validation_data=held_out if validated else None)
    watched = fitted.history_["val_loss" if validated else "loss"]
    assert fitted.n_epochs_ == len(watched) < 500
    assert np.argmin(watched) == len(watched) - 1 - 3


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("patience", [3, 1000], ids=["patience ran out", "epochs ran out"])
def test_patience_keeps_the_weights_of_the_best_epoch(patience, validated):
    X, y, held_out = overfitting()
    held_out = held_out if validated else None
    fitted = regressor(patience=patience, epochs=30, learning_rate=0.2, standardize=False)
    fitted.fit(X, y, validation_data=held_out)
    watched = fitted.history_["val_loss" if validated else "loss"]
    best = int(np.argmin(watched))
    assert best < len(watched) - 1  # else the last weights were the best
    until_best = regressor(epochs=best + 1, learning_rate=0.2, standardize=False)
    until_best.fit(X, y, validation_data=held_out)
    assert_same_arrays(fitted.weights_, until_best.weights_)


@pytest.mark.parametrize("patience", [0, 1, 4])
def test_min_delta_counts_smaller_changes_as_none(patience):
    fitted = regressor(patience=patience, min_delta=1e6, epochs=20).fit(X, Y)
    assert fitted.n_epochs_ == 1 + max(1, patience)


@pytest.mark.parametrize("fraction", [0.25, 0.26])
def test_validation_fraction_of_the_regressor_holds_out_the_last_samples(fraction):
    n_held_out = ceil(fraction * len(X))
    training, held_out = slice(None, -n_held_out), slice(-n_held_out, None)
    by_fraction = regressor(validation_fraction=fraction).fit(X, Y)
    by_hand = regressor().fit(X[training], Y[training], validation_data=(X[held_out], Y[held_out]))
    assert_same_training(by_fraction, by_hand)
    assert by_fraction.history_["val_loss"] == by_hand.history_["val_loss"]


def test_validation_fraction_counts_samples_that_weigh_something():
    weights = np.ones(len(X))
    weights[-8:] = 0
    with_zeros = regressor(validation_fraction=0.25).fit(X, Y, weights)
    without = regressor(validation_fraction=0.25).fit(X[:-8], Y[:-8])
    np.testing.assert_allclose(
        with_zeros.history_["val_loss"], without.history_["val_loss"], rtol=1e-5
    )


def test_validation_fraction_of_the_classifier_is_a_stratified_draw(monkeypatch):
    y = np.repeat(["a", "b"], [16, 8])
    drawn = []
    hold_out = RNNClassifier._hold_out

    def recorded(self, *arguments):
        drawn.append(hold_out(self, *arguments))
        return drawn[-1]

    monkeypatch.setattr(RNNClassifier, "_hold_out", recorded)
    for seed in (0, 1):
        classifier(validation_fraction=0.25, random_state=seed).fit(X, y)
    (training, held_out), (_, of_other_seed) = drawn
    assert sorted([*training, *held_out]) == list(range(len(X)))
    assert np.unique(y[held_out], return_counts=True)[1].tolist() == [4, 2]
    assert held_out.tolist() != of_other_seed.tolist()


def test_validation_data_wins_over_validation_fraction():
    X, y, held_out = overfitting()
    one = regressor().fit(X, y, validation_data=held_out)
    other = regressor(validation_fraction=0.5).fit(X, y, validation_data=held_out)
    assert_same_training(one, other)


def test_validation_loss_is_in_standardized_units():
    fitted = regressor().fit(X, Y, validation_data=(X[:8], Y[:8]))
    expected = np.mean((fitted.predict(X[:8]) - Y[:8]) ** 2) / Y.var()
    assert fitted.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-4)
