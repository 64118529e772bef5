"""`warm_start` and `partial_fit`: training continues."""

import numpy as np
from oracles import assert_same_arrays
from small_networks import (
    N_SAMPLES,
    SMALL,
    X,
    Y,
    assert_same_training,
    classifier,
    data_for,
    every_estimator,
    labels,
    regressor,
    steps_taken,
)

from skrnn import RNNRegressor


@every_estimator
def test_warm_start_continues_weights_slots_and_history(estimator):
    X, y = data_for(estimator)
    ordered = SMALL | {"shuffle": False}
    warm = estimator(**ordered, warm_start=True).fit(X, y)
    first = warm.history_["loss"]
    warm.set_params(epochs=2).fit(X, y)
    assert warm.n_epochs_ == 5
    assert warm.history_["loss"][:3] == first
    assert_same_training(warm, estimator(**ordered | {"epochs": 5}).fit(X, y))
    assert steps_taken(warm) == 15


def test_warm_start_takes_a_new_learning_rate():
    warm = regressor(warm_start=True).fit(X, Y)
    before = warm.weights_
    warm.set_params(learning_rate=1e-12).fit(X, Y)
    assert_same_arrays(warm.weights_, before, rtol=1e-7, atol=1e-7)


def test_warm_start_fills_the_history_of_what_was_not_measured_with_nan():
    warm = regressor(warm_start=True).fit(X, Y)
    warm.fit(X, Y, validation_data=(X, Y))
    assert np.isnan(warm.history_["val_loss"]).tolist() == [True] * 3 + [False] * 3


@every_estimator
def test_partial_fit_runs_one_epoch_and_continues(estimator):
    X, y = data_for(estimator)
    ordered = SMALL | {"shuffle": False}
    classes = {} if estimator is RNNRegressor else {"classes": [0, 1]}
    partial = estimator(**ordered)
    for n_epochs in (1, 2, 3):
        assert partial.partial_fit(X, y, **classes) is partial
        assert partial.n_epochs_ == n_epochs
    assert_same_training(partial, estimator(**ordered).fit(X, y))


def test_partial_fit_keeps_the_constants_of_its_first_call():
    partial = regressor(learning_rate=1e-12).partial_fit(X, Y)
    before = partial.predict(X)
    partial.partial_fit(X * 100, Y * 100)
    np.testing.assert_allclose(partial.predict(X), before, rtol=1e-5)


def test_partial_fit_of_the_classifier_knows_classes_that_come_later():
    y = labels(3)
    partial = classifier(learning_rate=0.05)
    early = y < 2
    partial.partial_fit(X[early], y[early], classes=[0, 1, 2])
    assert partial.predict_proba(X).shape == (N_SAMPLES, 3)
    for _ in range(60):
        partial.partial_fit(X, y)
    assert set(partial.predict(X)) == {0, 1, 2}


def test_partial_fit_weighs_samples():
    weights = np.linspace(0.5, 1.5, N_SAMPLES)  # of mean 1, to which fit scales them
    assert_same_training(
        regressor(epochs=1).fit(X, Y, weights), regressor().partial_fit(X, Y, weights)
    )
