"""`patience`, `min_delta` and validation: when a fit stops, and which weights it keeps."""

from math import ceil

import numpy as np
import pytest
from oracles import assert_same_arrays
from small_networks import (
    EAGER,
    X,
    Y,
    assert_same_training,
    classifier,
    every_estimator,
    overfitting,
    regressor,
)

from skrnn import RNNClassifier, RNNRegressor


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


def drawn(estimator, n_samples):
    """Targets that are half noise."""
    X, noise = np.random.default_rng(0).normal(size=(2, n_samples, 3, 1))
    y = (X + noise)[:, -1, 0]
    return X, y if estimator is RNNRegressor else y > 0


AUTO = {"cell_type": "simple_rnn", "hidden_size": 2, "batch_size": 256, "random_state": 0}


@every_estimator
@pytest.mark.parametrize(
    ("n_samples", "given", "expected"),
    [
        (999, {"validation_fraction": 0.2}, {"validation_fraction": 0.2}),
        (1000, {}, {"validation_fraction": 0.1, "patience": ...}),
        (1000, {"validation_fraction": 0.2}, {"validation_fraction": 0.2, "patience": ...}),
        (1000, {"patience": 3}, {"validation_fraction": 0.1, "patience": 3}),
        (1000, {"stateful": True, "batch_size": 250}, {}),
    ],
)
def test_auto_epochs_are_what_the_same_numbers_are(estimator, n_samples, given, expected):
    X, y = drawn(estimator, n_samples)
    automatic = estimator(**AUTO | given).fit(X, y)
    if expected.get("patience") is ...:
        expected = expected | {"patience": 10 if estimator is RNNRegressor else 5}
    by_numbers = estimator(**AUTO | given | {"epochs": 100} | expected).fit(X, y)
    assert_same_training(automatic, by_numbers)
    none = {"epochs": 100, "validation_fraction": 0.0, "patience": None}
    assert automatic.fit_settings_ == by_numbers.fit_settings_ == none | expected


@pytest.mark.parametrize("n_samples", [999, 1000])
def test_auto_epochs_take_validation_data_for_the_part_held_out(n_samples):
    X, y = drawn(RNNRegressor, n_samples)
    held_out = X[:50], y[:50]
    patience = 10 if n_samples == 1000 else None
    automatic = RNNRegressor(**AUTO)
    by_numbers = RNNRegressor(**AUTO, epochs=100, patience=patience)
    in_blocks = RNNRegressor(**AUTO).fit_batches([(X, y)], validation_data=held_out)
    for fitted in (automatic, by_numbers):
        fitted.fit(X, y, validation_data=held_out)
    assert_same_training(automatic, by_numbers)
    assert automatic.fit_settings_ == by_numbers.fit_settings_ == in_blocks.fit_settings_


def test_auto_epochs_go_on_while_nothing_is_learned():
    X, _ = drawn(RNNRegressor, 1000)
    y = np.random.default_rng(1).normal(size=1000)
    by_numbers = {"epochs": 100, "validation_fraction": 0.1, "patience": 10}
    assert RNNRegressor(**AUTO).fit(X, y).n_epochs_ == 100
    assert RNNRegressor(**AUTO | by_numbers).fit(X, y).n_epochs_ < 100


@pytest.mark.parametrize("seed", [8, 9])  # whose plain draws hold it out
def test_auto_epochs_train_on_a_label_of_one_timestep(seed):
    X, _ = drawn(RNNClassifier, 1000)
    y, weights = (X[:, :, 0] > 0) * 1, np.ones((1000, 3))
    y[[7, 70], 2], y[700, 2], weights[7, 2] = 2, 3, 0
    network = RNNClassifier(**AUTO | {"random_state": seed}, return_sequences=True, patience=0)
    seen, hold_out = [], network._hold_out
    network._hold_out = lambda *args: seen.append(hold_out(*args)) or seen[-1]
    network.fit(X, y, weights)
    [(training, held_out)] = seen
    assert {70, 700} <= {*training}
    assert len(held_out) == 100


@pytest.mark.slow
def test_auto_epochs_find_what_shows_late():
    """Whether eight bits are odd is found after many epochs without any progress."""
    X = np.random.default_rng(0).integers(2, size=(1000, 8, 1))
    y = X.sum((1, 2)) % 2
    network = RNNClassifier("gru", 16, random_state=0)
    assert network.fit(X, y).score(X, y) == 1.0
    network.set_params(epochs=100, validation_fraction=0.1, patience=5)
    assert network.fit(X, y).score(X, y) < 0.6


def test_auto_epochs_in_parts():
    X, y = drawn(RNNRegressor, 1000)
    network = RNNRegressor(**AUTO | {"batch_size": 1000})
    assert network.partial_fit(X, y).n_epochs_ == network.fit_settings_["epochs"] == 1
    assert network.fit_batches([(X, y)]).n_epochs_ == 100
    weights = np.ones(1000)
    weights[0] = 0
    network.set_params(warm_start=True).fit(X, y, weights)  # on 999 samples
    assert network.n_epochs_ == 200
    network.fit(X, y)
    assert network.fit_settings_["patience"] == 10
    assert network.n_epochs_ == len(network.history_["val_loss"])


@pytest.mark.parametrize("n_classes", [2, 400])
def test_auto_epochs_leave_a_sample_of_each_class_to_train_on(n_classes, monkeypatch):
    X, y = drawn(RNNRegressor, 1200)
    classes = np.argsort(y) % n_classes
    classes[0] = n_classes  # the only one
    seen, hold_out = [], RNNClassifier._hold_out
    monkeypatch.setattr(
        RNNClassifier, "_hold_out", lambda *args: seen.append(hold_out(*args)) or seen[-1]
    )
    network = RNNClassifier(**AUTO, patience=0).fit(X, classes)
    [(training, held_out)] = seen
    assert set(np.asarray(classes)[training]) == set(classes)
    assert sorted([*training, *held_out]) == list(range(1200))
    assert len(held_out) == 120
    with pytest.raises(ValueError, match="validation_fraction"):
        network.set_params(validation_fraction=0.1).fit(X, classes)


def test_what_auto_epochs_chose_is_shown(capsys):
    X, y = drawn(RNNRegressor, 1000)
    network = RNNRegressor(**AUTO, patience=0, verbose=1).fit(X, y)
    first = capsys.readouterr().err.splitlines()[0]
    chosen = "at most 100 epochs, validation_fraction=0.1, patience=0"
    assert first == f"epochs='auto' for 1,000 samples: {chosen}"
    assert "fit_settings_" in network._repr_html_()
    network.set_params(epochs=1).fit(X, y)
    assert "auto" not in capsys.readouterr().err
