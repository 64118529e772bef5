"""Every parameter of the estimators: that a change of it changes the outcome, as it says."""

import inspect
import os
import re
import sys
import threading
from contextlib import suppress
from functools import partial
from math import ceil
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
import tqdm.auto
import tqdm.notebook
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state

from skrnn import RNNClassifier, RNNRegressor, cells
from skrnn._utils.progress import progress_bar

# Few architectures, so that the tests share their compiled programs.
SMALL = {
    "cell_type": "simple_rnn",
    "hidden_size": 3,
    "epochs": 3,
    "batch_size": 8,
    "random_state": 0,
}
N_SAMPLES, TIMESTEPS, FEATURES = 24, 5, 2

every_estimator = pytest.mark.parametrize("estimator", [RNNRegressor, RNNClassifier])


def regressor(**parameters):
    return RNNRegressor(**SMALL | parameters)


def classifier(**parameters):
    return RNNClassifier(**SMALL | parameters)


def numbers(n_samples=N_SAMPLES, seed=3):
    """Return X on two scales, and y."""
    rng = np.random.default_rng(seed)
    X = rng.normal([5.0, -1.0], [10.0, 0.1], size=(n_samples, TIMESTEPS, FEATURES))
    y = X[:, -1, 0] + 20 * X[:, 0, 1] + rng.normal(size=n_samples)
    return X, y


def labels(n_classes=2):
    X, y = numbers()
    return X, np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))


def data_for(estimator):
    return numbers() if estimator is RNNRegressor else labels()


def outcome(estimator, X):
    """Return the continuous prediction of a regressor or classifier."""
    predict = getattr(estimator, "predict_proba", estimator.predict)
    return predict(X)


def assert_same_training(one, other):
    """Assert that two fits gave the same weights and losses, bit by bit."""
    for a, b in zip(one.weights_, other.weights_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.history_["loss"] == other.history_["loss"]


def hidden_by_hand(estimator, X, **settings):
    """Return every state of a fitted network's one simple_rnn layer on X as the layer reads it."""
    return cells.simple_rnn(X, *estimator.weights_[:3], **settings)


# Parameters: those of the reference, and the change.
CHANGES = {
    "cell_type": ({}, "gru"),
    "hidden_size": ({}, 4),
    "standardize": ({}, False),
    "bidirectional": ({}, True),
    "activation": ({}, "relu"),
    "dropout": ({}, 0.5),
    "recurrent_dropout": ({}, 0.5),
    "spatial_dropout": ({}, 0.5),
    "kernel_l2": ({}, 0.1),
    "recurrent_l2": ({}, 0.1),
    "dense_sizes": ({}, (4,)),
    "dense_activation": ({"dense_sizes": (4,)}, "tanh"),
    "pooling": ({}, "mean"),
    "stateful": ({"shuffle": False}, True),
    "mask_value": ({"standardize": False}, 0.0),
    "loss": ({}, "mean_absolute_error"),
    "optimizer": ({}, "rmsprop"),
    "learning_rate": ({}, 0.1),
    "epochs": ({}, 4),
    "batch_size": ({}, 24),
    "shuffle": ({}, False),
    "patience": ({"min_delta": 100.0}, 1),
    "min_delta": ({"patience": 1}, 100.0),
    "validation_fraction": ({}, 0.25),
    "dtype": ({}, "float64"),
    "random_state": ({}, 1),
}
# Those that change the form of X or y, or what comes beside the prediction: each has its own test.
OF_OTHER_FORM = {
    "return_sequences",
    "vocab_size",
    "embedding_dim",
    "embedding_init",
    "embedding_trainable",
    "callbacks",
    "engine",
    "device",
    "checkpoint_dir",
    "checkpoint_every",
    "warm_start",
    "verbose",
}


# The classifier's own programs of these take long; their code is the regressor's.
SLOW_OF_CLASSIFIER = set(
    "cell_type hidden_size bidirectional activation dropout recurrent_dropout "
    "spatial_dropout kernel_l2 recurrent_l2 dense_sizes dense_activation pooling stateful "
    "mask_value loss optimizer batch_size".split()
)


EVERY_CHANGE = [
    pytest.param(
        *(estimator, parameter, engine),
        marks=pytest.mark.slow if engine == "keras" and parameter in slow else (),
    )
    for estimator, slow in ((RNNRegressor, ()), (RNNClassifier, SLOW_OF_CLASSIFIER))
    for parameter in CHANGES
    for engine in ("auto", "keras")
]


@pytest.mark.parametrize(("estimator", "parameter", "engine"), EVERY_CHANGE)
def test_change_of_a_parameter_changes_the_prediction(estimator, parameter, engine):
    X, y = data_for(estimator)
    X = np.where(np.arange(TIMESTEPS)[:, np.newaxis] < 4, X, 0.0)  # the last timestep is masked
    extra, value = CHANGES[parameter]
    reference = estimator(engine=engine, **SMALL | extra).fit(X, y)
    changed = estimator(engine=engine, **SMALL | extra | {parameter: value}).fit(X, y)
    before, after = outcome(reference, X), outcome(changed, X)
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 1e-7


@every_estimator
def test_every_parameter_is_changed_by_a_test(estimator):
    tested = CHANGES.keys() | OF_OTHER_FORM
    if estimator is RNNClassifier:
        tested |= {"class_weight"}
    assert tested == inspect.signature(estimator).parameters.keys()


# cell_type, hidden_size, bidirectional, activation, dense_sizes, dense_activation


def layer_kinds(estimator):
    """Return the class and units of each recurrent layer of the unfitted network."""
    model = estimator.build_model((TIMESTEPS, FEATURES))
    return [
        (type(layer).__name__, layer.units)
        for layer in model.layers
        if isinstance(layer, keras.layers.RNN)
    ]


def test_tuple_of_cell_types_gives_one_for_each_layer():
    stacked = regressor(cell_type=("simple_rnn", "gru", "lstm"), hidden_size=(3, 4, 5))
    assert layer_kinds(stacked) == [("SimpleRNN", 3), ("GRU", 4), ("LSTM", 5)]


def test_one_cell_type_is_repeated_for_each_size():
    stacked = regressor(cell_type="gru", hidden_size=(3, 4))
    assert layer_kinds(stacked) == [("GRU", 3), ("GRU", 4)]


def test_one_size_is_repeated_for_each_cell_type():
    stacked = regressor(cell_type=("gru", "lstm"), hidden_size=3)
    assert layer_kinds(stacked) == [("GRU", 3), ("LSTM", 3)]


@pytest.mark.parametrize(
    "parameters",
    [
        {"cell_type": ["simple_rnn"]},
        {"hidden_size": [3]},
        {"hidden_size": (3,)},
        {"cell_type": ("simple_rnn",), "hidden_size": [3]},
        {"dense_sizes": []},
    ],
    ids=str,
)
def test_lists_and_tuples_of_one_are_the_plain_value(parameters):
    X, y = numbers()
    assert_same_training(regressor(**parameters).fit(X, y), regressor().fit(X, y))


def test_stack_feeds_each_layer_with_the_one_before():
    X, y = numbers()
    stacked = regressor(cell_type=("gru", "simple_rnn"), hidden_size=(4, 3), standardize=False)
    stacked.fit(X, y)
    below = cells.gru(X, *stacked.weights_[:3])
    states = cells.simple_rnn(below, *stacked.weights_[3:6])
    np.testing.assert_allclose(stacked.transform(X), states[:, -1], atol=1e-5)


def test_bidirectional_concatenates_both_directions():
    X, y = numbers()
    both = regressor(bidirectional=True, standardize=False).fit(X, y)
    forward = cells.simple_rnn(X, *both.weights_[:3])[:, -1]
    backward = cells.simple_rnn(X[:, ::-1], *both.weights_[3:6])[:, -1]
    expected = np.concatenate([forward, backward], axis=1)
    np.testing.assert_allclose(both.transform(X), expected, atol=1e-5)


def test_activation_is_that_of_the_cell():
    X, y = numbers()
    relu = regressor(activation="relu", standardize=False).fit(X, y)
    expected = hidden_by_hand(relu, X, activation="relu")[:, -1]
    np.testing.assert_allclose(relu.transform(X), expected, rtol=1e-4, atol=1e-4)


def test_dense_layers_stand_between_the_last_state_and_the_output():
    X, y = numbers()
    dense = regressor(dense_sizes=(4,), dense_activation="tanh", standardize=False).fit(X, y)
    W, b, W_out, b_out = dense.weights_[3:]
    assert W.shape == (3, 4)
    expected = np.tanh(dense.transform(X) @ W + b) @ W_out + b_out
    np.testing.assert_allclose(dense.predict(X), expected[:, 0], rtol=1e-5, atol=1e-5)


# standardize


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


# dropout, recurrent_dropout, spatial_dropout


@pytest.mark.parametrize("parameter", ["dropout", "recurrent_dropout", "spatial_dropout"])
def test_dropout_acts_in_training_alone(parameter):
    X, y = numbers()
    dropped = regressor(**{parameter: 0.5}, standardize=False).fit(X, y)
    expected = hidden_by_hand(dropped, X)[:, -1]
    np.testing.assert_allclose(dropped.transform(X), expected, atol=1e-5)
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))
    plain = regressor(standardize=False).fit(X, y)
    assert dropped.history_["loss"] != plain.history_["loss"]


@pytest.mark.parametrize("parameter", ["dropout", "recurrent_dropout", "spatial_dropout"])
def test_dropout_draws_anew_in_every_epoch_and_the_same_for_a_seed(parameter):
    X, y = numbers()
    # With so small a step the weights stand still, and only what is dropped differs.
    still = {"learning_rate": 1e-12, "standardize": False, "shuffle": False, "epochs": 4}
    dropped = regressor(**{parameter: 0.5}, **still).fit(X, y)
    assert len(set(dropped.history_["loss"])) == 4
    assert_same_training(dropped, regressor(**{parameter: 0.5}, **still).fit(X, y))


# return_sequences


def test_return_sequences_predicts_every_timestep_from_the_past_alone():
    X, _ = numbers()
    y = np.cumsum(X[:, :, 0], axis=1)
    fitted = regressor(return_sequences=True).fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.shape == (N_SAMPLES, TIMESTEPS)
    X[:, 3:] = 1.0
    np.testing.assert_allclose(fitted.predict(X)[:, :3], predicted[:, :3], rtol=1e-5)
    assert np.abs(fitted.predict(X)[:, 3:] - predicted[:, 3:]).max() > 1e-3


def test_return_sequences_keeps_the_axis_of_outputs():
    X, _ = numbers()
    y = np.cumsum(X, axis=1)
    fitted = regressor(return_sequences=True).fit(X, y)
    assert fitted.predict(X).shape == (N_SAMPLES, TIMESTEPS, 2)
    assert fitted.n_outputs_ == 2
    expected = r2_score(y.reshape(-1, 2), fitted.predict(X).reshape(-1, 2))
    assert fitted.score(X, y) == pytest.approx(expected)


def test_return_sequences_labels_every_timestep():
    X, _ = numbers()
    y = np.where(X[:, :, 0] > 5, "high", "low")
    fitted = classifier(return_sequences=True, epochs=40, learning_rate=0.05).fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.shape == (N_SAMPLES, TIMESTEPS)
    assert fitted.predict_proba(X).shape == (N_SAMPLES, TIMESTEPS, 2)
    assert fitted.score(X, y) == accuracy_score(y.ravel(), predicted.ravel())
    assert fitted.score(X, y) > 0.9


def test_return_sequences_weights_each_timestep():
    X, _ = numbers()
    y = np.cumsum(X[:, :, 0], axis=1)
    weights = np.ones(y.shape)
    weights[:, 3:] = 0
    changed = np.where(weights > 0, y, 1e3)  # what weighs nothing teaches nothing
    assert_same_training(
        regressor(return_sequences=True).fit(X, y, weights),
        regressor(return_sequences=True).fit(X, changed, weights),
    )


# stateful


def test_stateful_network_begins_at_zero_after_fit():
    X, y = numbers()
    fitted = regressor(stateful=True).fit(X, y)
    assert [state.shape for state in fitted.states_] == [(8, 3)]
    np.testing.assert_array_equal(fitted.states_[0], 0)


def test_stateful_predict_continues_from_batch_to_batch_and_from_call_to_call():
    X, y = numbers()
    fitted = regressor(stateful=True, standardize=False).fit(X, y)
    state, expected = np.zeros((8, 3)), []
    for batch in [*X.reshape(3, 8, TIMESTEPS, FEATURES), X[:8]]:
        states = hidden_by_hand(fitted, batch, initial_state=state)
        state = states[:, -1]
        expected.append(state @ fitted.weights_[3][:, 0] + fitted.weights_[4])
    first, second = fitted.predict(X), fitted.predict(X[:8])
    np.testing.assert_allclose(first, np.concatenate(expected[:3]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(second, expected[3], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(fitted.states_[0], state, atol=1e-5)


def test_reset_states_begins_anew():
    X, y = numbers()
    fitted = regressor(stateful=True).fit(X, y)
    first = fitted.predict(X)
    assert np.abs(fitted.predict(X) - first).max() > 1e-6
    assert fitted.reset_states() is fitted
    np.testing.assert_array_equal(fitted.predict(X), first)


def test_stateful_network_keeps_the_order_of_its_rows():
    X, y = numbers()
    assert_same_training(
        regressor(stateful=True, shuffle=True).fit(X, y),
        regressor(stateful=True, shuffle=False).fit(X, y),
    )


def test_hidden_states_leave_the_carried_state_as_it_is():
    X, y = numbers()
    fitted = regressor(stateful=True).fit(X, y)
    fitted.hidden_states(X)
    np.testing.assert_array_equal(fitted.states_[0], 0)


# vocab_size, embedding_dim, mask_value

TOKENS = {"vocab_size": 9, "embedding_dim": 4}


def tokens():
    rng = np.random.default_rng(0)
    X = rng.integers(1, 9, size=(N_SAMPLES, TIMESTEPS))
    return X, X[:, -1] - X[:, 0].astype(float)


def test_vocab_size_puts_an_embedding_of_that_many_ids_first():
    X, y = tokens()
    fitted = regressor(**TOKENS).fit(X, y)
    table = fitted.weights_[0]
    assert table.shape == (9, 4)
    expected = cells.simple_rnn(table[X], *fitted.weights_[1:4])[:, -1]
    np.testing.assert_allclose(fitted.transform(X), expected, atol=1e-5)


def test_embedding_dim_is_the_width_of_the_table():
    X, y = tokens()
    wide = regressor(**TOKENS | {"embedding_dim": 6}).fit(X, y)
    assert wide.weights_[0].shape == (9, 6)
    assert np.abs(wide.predict(X) - regressor(**TOKENS).fit(X, y).predict(X)).max() > 1e-6


def test_token_ids_with_an_axis_of_one_feature_are_the_same():
    X, y = tokens()
    flat = regressor(**TOKENS).fit(X, y)
    deep = regressor(**TOKENS).fit(X[:, :, np.newaxis].astype(float), y)
    assert_same_training(flat, deep)


def spread(values, places, absent):
    """Return samples of five timesteps that hold these values at these places."""
    full = np.full((len(values), TIMESTEPS, *values.shape[2:]), absent, dtype=values.dtype)
    full[:, places] = values
    return full


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("mask_value", [0.0, -1.5, 3, np.nan])
def test_gaps_between_timesteps_do_not_change_predictions(mask_value, standardize):
    X, y = numbers()
    fitted = regressor(mask_value=mask_value, standardize=standardize)
    fitted.fit(spread(X[:, :3], (0, 1, 2), mask_value), y)
    np.testing.assert_allclose(
        fitted.predict(spread(X[:, :3], (0, 2, 4), mask_value)),
        fitted.predict(spread(X[:, :3], (0, 1, 2), mask_value)),
        rtol=1e-6,
    )


def test_masked_network_reads_the_present_timesteps_as_a_shorter_sample():
    X, y = numbers()
    fitted = regressor(mask_value=np.nan, standardize=False, engine="keras")
    padded = spread(X[:, :3], (0, 2, 4), np.nan)
    fitted.fit(padded, y)
    expected = hidden_by_hand(fitted, X[:, :3])[:, -1]
    np.testing.assert_allclose(fitted.transform(padded), expected, atol=1e-6)
    raw = fitted.model_(padded).numpy()[:, 0]
    np.testing.assert_allclose(raw, fitted.predict(padded), rtol=1e-6)


def test_value_that_is_masked_only_in_part_of_a_timestep_is_read():
    X, y = numbers()
    fitted = regressor(mask_value=0.0).fit(X, y)
    X[:, -1, 1] = 0.0
    expected = fitted.predict(X)
    X[:, -1, 1] = 0.1
    assert np.abs(fitted.predict(X) - expected).max() > 1e-3


@pytest.mark.parametrize("places", [(2, 3, 4), (0, 2, 4)])
@pytest.mark.parametrize("mask_value", [0, 8])
def test_padding_token_does_not_change_predictions(mask_value, places):
    X, y = tokens()
    X = np.where(mask_value == X, 1, X)
    fitted = regressor(**TOKENS, mask_value=mask_value)
    fitted.fit(spread(X[:, :3], (0, 1, 2), mask_value), y)
    np.testing.assert_allclose(
        fitted.predict(spread(X[:, :3], places, mask_value)),
        fitted.predict(spread(X[:, :3], (0, 1, 2), mask_value)),
        rtol=1e-6,
    )


# loss, optimizer, learning_rate, epochs, batch_size, shuffle


@pytest.mark.parametrize("loss", ["mse", "MSE", "mean_squared_error"])
def test_loss_auto_of_the_regressor_is_the_squared_error(loss):
    X, y = numbers()
    assert_same_training(regressor().fit(X, y), regressor(loss=loss).fit(X, y))


@pytest.mark.parametrize(
    ("n_classes", "loss"), [(2, "binary_crossentropy"), (3, "sparse_categorical_crossentropy")]
)
def test_loss_auto_of_the_classifier_is_the_fitting_cross_entropy(n_classes, loss):
    X, y = labels(n_classes)
    assert_same_training(classifier().fit(X, y), classifier(loss=loss).fit(X, y))


def test_loss_of_a_standing_network_is_that_of_its_predictions():
    X, y = numbers()
    still = regressor(loss="mean_absolute_error", standardize=False, learning_rate=1e-12)
    still.fit(X, y)
    expected = np.abs(still.predict(X) - y).mean()
    np.testing.assert_allclose(still.history_["loss"], expected, rtol=1e-5)


def test_weighted_loss_is_the_mean_of_the_weighted_means_of_its_batches():
    X, y = numbers(20)
    weights = np.random.default_rng(1).uniform(0.1, 3, 20)
    still = regressor(standardize=False, shuffle=False, learning_rate=1e-12)
    still.fit(X, y, weights)
    errors = (still.predict(X) - y) ** 2
    batches = [slice(0, 8), slice(8, 16), slice(16, 20)]
    means = [np.average(errors[batch], weights=weights[batch]) for batch in batches]
    expected = np.average(means, weights=[8, 8, 4])
    np.testing.assert_allclose(still.history_["loss"], expected, rtol=1e-5)


def test_optimizer_dict_of_a_name_is_that_name():
    X, y = numbers()
    assert_same_training(regressor(optimizer={"name": "adam"}).fit(X, y), regressor().fit(X, y))


def test_optimizer_dict_with_a_learning_rate_wins_over_the_default():
    X, y = numbers()
    in_dict = regressor(optimizer={"name": "adam", "learning_rate": 0.1}).fit(X, y)
    assert_same_training(in_dict, regressor(learning_rate=0.1).fit(X, y))


def test_optimizer_dict_hands_its_settings_to_keras():
    X, y = numbers()
    clipped = regressor(optimizer={"name": "sgd", "clipnorm": 1e-6, "momentum": 0.5}).fit(X, y)
    start = regressor(learning_rate=1e-12).fit(X, y)
    for one, other in zip(clipped.weights_, start.weights_, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_optimizer_dict_is_left_as_it_was():
    X, y = numbers()
    optimizer = {"name": "adam", "learning_rate": 0.1}
    regressor(optimizer=optimizer).fit(X, y)
    assert optimizer == {"name": "adam", "learning_rate": 0.1}


def test_learning_rate_none_is_the_default_of_the_optimizer():
    X, y = numbers()
    own = keras.optimizers.Adam().learning_rate.numpy()
    assert_same_training(
        regressor(learning_rate=None).fit(X, y), regressor(learning_rate=float(own)).fit(X, y)
    )


def test_learning_rate_zero_point_one_moves_ten_times_as_far_in_one_step():
    X, y = numbers()
    one_step = {"epochs": 1, "batch_size": N_SAMPLES, "optimizer": "sgd"}
    start, near, far = (
        regressor(learning_rate=rate, **one_step).fit(X, y).weights_[0]
        for rate in (1e-12, 0.01, 0.1)
    )
    np.testing.assert_allclose(far - start, 10 * (near - start), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("epochs", [1, 5])
def test_epochs_are_the_length_of_the_history(epochs):
    X, y = numbers()
    fitted = regressor(epochs=epochs).fit(X, y)
    assert fitted.n_epochs_ == epochs
    assert [len(values) for values in fitted.history_.values()] == [epochs, epochs]
    assert set(fitted.history_) == {"loss", "seconds"}


def steps_taken(estimator):
    return int(estimator.optimizer_state_[0])


@pytest.mark.parametrize("n_samples", [24, 20])
def test_batch_size_decides_the_steps_of_the_optimizer(n_samples):
    X, y = numbers(n_samples)
    assert steps_taken(regressor().fit(X, y)) == 3 * ceil(n_samples / 8)


def test_batch_size_beyond_the_samples_is_all_of_them():
    X, y = numbers()
    whole, beyond = (regressor(batch_size=size).fit(X, y) for size in (N_SAMPLES, 1000))
    assert steps_taken(whole) == steps_taken(beyond) == 3
    np.testing.assert_allclose(whole.predict(X), beyond.predict(X), rtol=1e-4)


def test_shuffle_changes_which_samples_share_a_batch():
    X, y = numbers()
    # In one batch of all, the order is of no account; in three it is.
    for batch_size, alike in ((N_SAMPLES, True), (8, False)):
        shuffled, ordered = (
            regressor(batch_size=batch_size, shuffle=shuffle).fit(X, y).predict(X)
            for shuffle in (True, False)
        )
        assert np.allclose(shuffled, ordered, rtol=1e-4) == alike


# patience, min_delta, validation_fraction, validation_data


def overfitting():
    """Return few noisy samples to train on, and others to validate with."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(32, TIMESTEPS, FEATURES))
    y = X[:, -1, 0] + rng.normal(size=32)
    return X[:24], y[:24], (X[24:], y[24:])


EAGER = {"learning_rate": 0.05, "standardize": False}


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
    for ours, theirs in zip(fitted.weights_, until_best.weights_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_patience_keeps_the_network_with_the_lowest_validation_loss():
    X, y, held_out = overfitting()
    fitted = regressor(patience=1000, epochs=30, **EAGER).fit(X, y, validation_data=held_out)
    error = np.mean((fitted.predict(held_out[0]) - held_out[1]) ** 2)
    assert error == pytest.approx(min(fitted.history_["val_loss"]), rel=1e-5)
    assert error < fitted.history_["val_loss"][-1]


def test_no_patience_keeps_the_last_weights():
    X, y, held_out = overfitting()
    fitted = regressor(epochs=30, **EAGER).fit(X, y, validation_data=held_out)
    error = np.mean((fitted.predict(held_out[0]) - held_out[1]) ** 2)
    assert error == pytest.approx(fitted.history_["val_loss"][-1], rel=1e-5)


@pytest.mark.parametrize("patience", [0, 1, 4])
def test_min_delta_counts_smaller_changes_as_none(patience):
    X, y = numbers()
    fitted = regressor(patience=patience, min_delta=1e6, epochs=20).fit(X, y)
    assert fitted.n_epochs_ == 1 + max(1, patience)


@pytest.mark.parametrize("fraction", [0.25, 0.26])
def test_validation_fraction_of_the_regressor_holds_out_the_last_samples(fraction):
    X, y = numbers()
    n_held_out = ceil(fraction * N_SAMPLES)
    training, held_out = slice(None, -n_held_out), slice(-n_held_out, None)
    by_fraction = regressor(validation_fraction=fraction).fit(X, y)
    by_hand = regressor().fit(X[training], y[training], validation_data=(X[held_out], y[held_out]))
    assert_same_training(by_fraction, by_hand)
    assert by_fraction.history_["val_loss"] == by_hand.history_["val_loss"]


def test_validation_fraction_counts_samples_that_weigh_something():
    X, y = numbers()
    weights = np.ones(N_SAMPLES)
    weights[-8:] = 0
    with_zeros = regressor(validation_fraction=0.25).fit(X, y, weights)
    without = regressor(validation_fraction=0.25).fit(X[:-8], y[:-8])
    np.testing.assert_allclose(
        with_zeros.history_["val_loss"], without.history_["val_loss"], rtol=1e-5
    )


def test_validation_fraction_of_the_classifier_is_a_stratified_draw(monkeypatch):
    X, _ = numbers()
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
    assert sorted([*training, *held_out]) == list(range(N_SAMPLES))
    assert np.unique(y[held_out], return_counts=True)[1].tolist() == [4, 2]
    assert held_out.tolist() != of_other_seed.tolist()


def test_validation_data_wins_over_validation_fraction():
    X, y, held_out = overfitting()
    one = regressor().fit(X, y, validation_data=held_out)
    other = regressor(validation_fraction=0.5).fit(X, y, validation_data=held_out)
    assert_same_training(one, other)


def test_validation_data_takes_weights():
    X, y, held_out = overfitting()
    weights = np.arange(8.0)
    fitted = regressor(standardize=False).fit(X, y, validation_data=(*held_out, weights))
    errors = (fitted.predict(held_out[0]) - held_out[1]) ** 2
    expected = np.average(errors, weights=weights)
    assert fitted.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


def test_validation_loss_is_in_standardized_units():
    X, y = numbers()
    fitted = regressor().fit(X, y, validation_data=(X[:8], y[:8]))
    expected = np.mean((fitted.predict(X[:8]) - y[:8]) ** 2) / y.var()
    assert fitted.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-4)


# callbacks


# Keras's own: its optimizer's variables do not know NumPy 2's `copy`.
keras_reads_the_rate = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


class Recorder(keras.callbacks.Callback):
    """Counts epochs, and keeps what it saw in a list that outlives its copies."""

    seen = ()

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)
        Recorder.seen = [*Recorder.seen, (epoch, dict(logs), self.model.get_weights())]


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(Recorder, "seen", [])
    return Recorder()


def test_callback_sees_every_epoch_its_losses_and_the_weights(recorder):
    X, y, held_out = overfitting()
    fitted = regressor(callbacks=[recorder]).fit(X, y, validation_data=held_out)
    epochs, logs, weights = zip(*Recorder.seen, strict=True)
    assert epochs == (0, 1, 2)
    for name in ("loss", "val_loss"):
        assert [log[name] for log in logs] == fitted.history_[name]
    for ours, theirs in zip(fitted.weights_, weights[-1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_callbacks_in_a_list_are_copied_for_each_fit(recorder):
    X, y = numbers()
    fitted = regressor(callbacks=[recorder]).fit(X, y)
    assert recorder.epochs == []
    assert fitted.callbacks == [recorder]
    fitted.fit(X, y)
    assert [epoch for epoch, *_ in Recorder.seen] == [0, 1, 2, 0, 1, 2]


def test_factory_of_callbacks_is_called_for_each_fit(recorder):
    X, y = numbers()
    calls = []

    def factory():
        calls.append(len(calls))
        return [Recorder()]

    fitted = regressor(callbacks=factory).fit(X, y)
    assert calls == [0]
    fitted.fit(X, y)
    assert calls == [0, 1]
    assert len(Recorder.seen) == 6


def test_callback_that_watches_leaves_training_as_it_is(recorder):
    X, y = numbers()
    watched = regressor(callbacks=[recorder]).fit(X, y)
    assert_same_training(watched, regressor(engine="keras").fit(X, y))


@keras_reads_the_rate
def test_learning_rate_scheduler_sets_the_rate():
    X, y = numbers()
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1)
    scheduled = regressor(callbacks=[scheduler]).fit(X, y)
    assert_same_training(scheduled, regressor(learning_rate=0.1, engine="keras").fit(X, y))


@keras_reads_the_rate
def test_learning_rate_scheduler_sees_the_present_rate():
    X, y = numbers()
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    fitted = regressor(callbacks=[halving], learning_rate=0.08).fit(X, y)
    assert any(np.isclose(slot, 0.01).all() for slot in fitted.optimizer_state_ if slot.ndim == 0)


@keras_reads_the_rate
def test_reduce_on_plateau_lowers_the_rate():
    X, y = numbers()
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=1e6)
    fitted = regressor(callbacks=[plateau], learning_rate=0.01).fit(X, y)
    scalars = [float(slot) for slot in fitted.optimizer_state_ if slot.ndim == 0]
    assert any(0 < value < 0.002 for value in scalars)


@pytest.mark.parametrize("monitor", ["loss", "val_loss"])
def test_early_stopping_of_keras_stops(monitor):
    X, y, held_out = overfitting()
    stopping = keras.callbacks.EarlyStopping(monitor, min_delta=1e6, patience=2)
    fitted = regressor(callbacks=[stopping], epochs=10).fit(X, y, validation_data=held_out)
    assert fitted.n_epochs_ == 3


def test_early_stopping_of_keras_restores_the_best_weights():
    X, y, held_out = overfitting()
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    by_keras = regressor(callbacks=[stopping], epochs=100, **EAGER)
    by_patience = regressor(patience=3, epochs=100, engine="keras", **EAGER)
    for estimator in (by_keras, by_patience):
        estimator.fit(X, y, validation_data=held_out)
    assert by_keras.n_epochs_ < 100
    assert_same_training(by_keras, by_patience)


class Zeros(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([np.zeros_like(weight) for weight in self.model.get_weights()])


def test_weights_that_a_callback_sets_are_trained_on():
    X, y = numbers()
    fitted = regressor(callbacks=[Zeros()]).fit(X, y)
    assert all((weight == 0).all() for weight in fitted.weights_)


class BatchCounter(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise AssertionError("never called")


@pytest.mark.parametrize("form", ["list", "factory"])
def test_callback_with_a_batch_hook_is_refused_by_name(form):
    X, y = numbers()
    callbacks = [BatchCounter()] if form == "list" else lambda: [BatchCounter()]
    with pytest.raises(ValueError, match=r"BatchCounter.*on_train_batch_end"):
        regressor(callbacks=callbacks).fit(X, y)


# dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", ["float32", "float64"])
def test_dtype_is_that_of_all_that_is_returned(dtype, given):
    X, y = labels()
    fitted = classifier(dtype=dtype).fit(X.astype(given), y)
    X = X.astype(given)
    arrays = [
        fitted.predict_proba(X),
        fitted.predict_log_proba(X),
        fitted.transform(X),
        *fitted.hidden_states(X, return_sequences=True, return_state=True),
        *fitted.weights_,
    ]
    assert {array.dtype.name for array in arrays} == {dtype}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_that_of_predicted_numbers(dtype):
    X, y = numbers()
    assert regressor(dtype=dtype).fit(X, y).predict(X).dtype == dtype


# warm_start, partial_fit


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


def test_fit_without_warm_start_begins_anew():
    X, y = numbers()
    fitted = regressor().fit(X, y)
    first = fitted.weights_
    for ours, theirs in zip(fitted.fit(X, y).weights_, first, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert fitted.n_epochs_ == 3


def test_warm_start_takes_a_new_learning_rate():
    X, y = numbers()
    warm = regressor(warm_start=True).fit(X, y)
    before = warm.weights_
    warm.set_params(learning_rate=1e-12).fit(X, y)
    for ours, theirs in zip(warm.weights_, before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_warm_start_fills_the_history_of_what_was_not_measured_with_nan():
    X, y = numbers()
    warm = regressor(warm_start=True).fit(X, y)
    warm.fit(X, y, validation_data=(X, y))
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
    X, y = numbers()
    partial = regressor(learning_rate=1e-12).partial_fit(X, y)
    before = partial.predict(X)
    partial.partial_fit(X * 100, y * 100)
    np.testing.assert_allclose(partial.predict(X), before, rtol=1e-5)


def test_partial_fit_of_the_classifier_knows_classes_that_come_later():
    X, y = labels(3)
    partial = classifier(learning_rate=0.05)
    early = y < 2
    partial.partial_fit(X[early], y[early], classes=[0, 1, 2])
    assert partial.predict_proba(X).shape == (N_SAMPLES, 3)
    for _ in range(60):
        partial.partial_fit(X, y)
    assert set(partial.predict(X)) == {0, 1, 2}


def test_partial_fit_weighs_samples():
    X, y = numbers()
    weights = np.linspace(0.5, 2, N_SAMPLES)
    assert_same_training(
        regressor(epochs=1).fit(X, y, weights), regressor().partial_fit(X, y, weights)
    )


# random_state


@every_estimator
def test_random_state_decides_the_fit(estimator):
    X, y = data_for(estimator)
    assert_same_training(estimator(**SMALL).fit(X, y), estimator(**SMALL).fit(X, y))


def test_random_state_none_draws_one_integer_from_the_global_stream():
    X, y = numbers()
    stream = check_random_state(None)
    before = stream.get_state()
    try:
        stream.seed(0)
        fitted = regressor(random_state=None).fit(X, y)
        after = stream.get_state()
        stream.seed(0)
        stream.randint(np.iinfo(np.int32).max)
        np.testing.assert_array_equal(after[1], stream.get_state()[1])
        assert after[2] == stream.get_state()[2]
    finally:
        stream.set_state(before)
    assert_same_training(fitted, regressor(random_state=0).fit(X, y))


def test_random_state_instance_advances_from_fit_to_fit():
    X, y = numbers()
    shared = check_random_state(0)
    first, second = (regressor(random_state=shared).fit(X, y).predict(X) for _ in range(2))
    assert np.abs(first - second).max() > 1e-6


# verbose


@pytest.mark.parametrize("has_tqdm", [True, False])
def test_verbose_shows_epochs_and_losses_on_standard_error(capsys, monkeypatch, has_tqdm):
    if not has_tqdm:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    X, y, held_out = overfitting()
    fitted = regressor(verbose=1).fit(X, y, validation_data=held_out)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [line for line in re.split(r"[\r\n]", shown.err) if line.strip()]
    history = pd.DataFrame(fitted.history_)
    for epoch, line in enumerate(lines[:3]):
        loss, val_loss = history.loc[epoch, ["loss", "val_loss"]]
        assert line.startswith(f"Epoch {epoch + 1}/3 |")
        assert f"|, loss {loss:.4g}  val_loss {val_loss:.4g}" in line
        assert line.rstrip().endswith(" left)")
    assert shown.err.endswith("\n")


def test_line_without_tqdm_fits_a_terminal_and_covers_the_one_before(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    seconds = iter([0.0, 30.0, 40.0])
    monkeypatch.setattr("skrnn._utils.progress.perf_counter", lambda: next(seconds))
    with progress_bar(1000, 997, shown=True) as tell:
        tell({"loss": 0.00012345, "val_loss": 0.00012345})
        tell({"loss": 0.5, "val_loss": 0.5})
    _, long, short = capsys.readouterr().err.removesuffix("\n").split("\r")
    assert long == "Epoch 998/1000 |========= |, loss 0.0001234  val_loss 0.0001234 (01:00 left)"
    assert short.rstrip() == "Epoch 999/1000 |========= |, loss 0.5  val_loss 0.5 (00:20 left)"
    assert len(short) == len(long) < 80


def test_bar_of_tqdm_has_room_for_the_time_left_in_a_terminal(capfd, monkeypatch):
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    with progress_bar(1000, 998, shown=True) as tell:
        tell({"loss": 0.00012345, "val_loss": 0.00012345})
    assert "|, loss 0.0001234  val_loss 0.0001234 (00:00 left)" in capfd.readouterr().err


@pytest.mark.parametrize(("fails", "style"), [(False, "success"), (True, "danger")])
def test_bar_of_a_notebook_is_red_only_when_training_fails(fails, style, monkeypatch):
    def widget(**values):
        return SimpleNamespace(layout=SimpleNamespace(), style=SimpleNamespace(), **values)

    def html():
        return widget(value="")

    def box(children):
        boxes.append(children)
        return widget(children=children)

    boxes = []  # stand-ins for ipywidgets, whose classes tqdm takes by these names
    for name, made in {
        "IProgress": partial(widget, bar_style=""),
        "HTML": html,
        "TqdmHBox": box,
        "display": lambda container: None,
    }.items():
        monkeypatch.setattr(tqdm.notebook, name, made, raising=False)
    monkeypatch.setattr(tqdm.auto, "tqdm", tqdm.notebook.tqdm)
    with suppress(ValueError), progress_bar(3, 0, shown=True) as tell:
        tell({"loss": 0.5})
        if fails:
            raise ValueError
    [[before, bar, behind]] = boxes
    assert bar.bar_style == style
    assert before.value.startswith("Epoch")
    assert behind.value.startswith(",")


def test_bar_starts_no_thread():
    X, y, _ = overfitting()
    before = set(threading.enumerate())
    regressor(verbose=1).fit(X, y)
    assert set(threading.enumerate()) == before


@every_estimator
def test_no_verbose_shows_nothing(estimator, capfd):
    X, y = data_for(estimator)
    outcome(estimator(**SMALL, verbose=0).fit(X, y), X)
    assert capfd.readouterr() == ("", "")


# class_weight


@pytest.mark.parametrize("form", ["dict", "balanced"])
def test_class_weight_is_multiplied_with_the_sample_weight(form):
    X, _ = numbers()
    y = np.repeat(["a", "b"], [18, 6])
    by_label = {"a": 24 / 36, "b": 24 / 12} if form == "balanced" else {"a": 0.5, "b": 4.0}
    weights = np.linspace(0.5, 2, N_SAMPLES)
    by_class = classifier(class_weight=by_label if form == "dict" else form).fit(X, y, weights)
    by_sample = classifier().fit(X, y, weights * [by_label[label] for label in y])
    np.testing.assert_allclose(by_class.history_["loss"], by_sample.history_["loss"], rtol=1e-5)
    np.testing.assert_allclose(by_class.predict_proba(X), by_sample.predict_proba(X), atol=1e-5)


def test_class_weight_changes_the_prediction():
    X, _ = numbers()
    y = np.repeat(["a", "b"], [18, 6])
    plain, balanced = classifier().fit(X, y), classifier(class_weight="balanced").fit(X, y)
    assert (balanced.predict_proba(X)[:, 1] > plain.predict_proba(X)[:, 1]).mean() > 0.9


def test_class_weight_acts_on_each_timestep():
    X, _ = numbers()
    y = np.where(X[:, :, 0] > 10, "high", "low")
    by_class = classifier(return_sequences=True, class_weight={"low": 0.5, "high": 3.0}).fit(X, y)
    by_step = classifier(return_sequences=True).fit(X, y, np.where(y == "high", 3.0, 0.5))
    assert_same_training(by_class, by_step)


def test_balanced_weights_are_those_of_the_training_samples_alone():
    X, _ = numbers()
    y = np.repeat(["a", "b"], [18, 6])
    validation = X[:8], np.repeat("b", 8)
    balanced = classifier(class_weight="balanced").fit(X, y, validation_data=validation)
    by_label = classifier(class_weight={"a": 24 / 36, "b": 24 / 12})
    assert_same_training(balanced, by_label.fit(X, y))
    losses = -np.log(balanced.predict_proba(X[:8])[:, 1])
    assert balanced.history_["val_loss"][-1] == pytest.approx(losses.mean(), rel=1e-4)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_held_out_labels_do_not_enter_the_balance(return_sequences, monkeypatch):
    X, _ = numbers()
    y = np.repeat(["a", "b", "c"], [15, 6, 3])
    order = np.argsort(np.tile(np.arange(6), 4), kind="stable")
    monkeypatch.setattr(RNNClassifier, "_hold_out", lambda *_: (order[:-8], order[-8:]))
    counts = [np.sum(y[order[:-8]] == label) for label in "abc"]
    by_label = {label: 16 / 3 / count for label, count in zip("abc", counts, strict=True)}
    if return_sequences:
        y = np.repeat(y[:, np.newaxis], TIMESTEPS, axis=1)
    fits = [
        classifier(class_weight=weight, validation_fraction=0.3, return_sequences=return_sequences)
        for weight in ("balanced", by_label)
    ]
    assert_same_training(*(fit.fit(X, y) for fit in fits))


# Weights and numbers of any size


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


# The forms of y and X


def test_several_outputs_are_predicted_together():
    X, y = numbers()
    Y = np.column_stack([y, -y, 2 * y + 1, y**2, X[:, 0, 0], X[:, 0, 1]])
    fitted = regressor(epochs=30).fit(X, Y)
    assert fitted.predict(X).shape == (N_SAMPLES, 6)
    assert fitted.n_outputs_ == 6
    assert fitted.score(X, Y) == pytest.approx(r2_score(Y, fitted.predict(X)))


def test_one_output_in_a_column_comes_back_as_a_column():
    X, y = numbers()
    flat, column = regressor().fit(X, y), regressor().fit(X, y[:, np.newaxis])
    np.testing.assert_array_equal(column.predict(X), flat.predict(X)[:, np.newaxis])


def test_targets_of_several_steps_come_back_in_their_shape():
    X, y = numbers()
    Y = np.stack([np.outer(y, [1, 2]), np.outer(y, [3, -4]), np.outer(y, [0.5, 1])], axis=1)
    fitted = regressor().fit(X, Y)
    assert fitted.predict(X).shape == (N_SAMPLES, 3, 2)
    flat = regressor().fit(X, Y.reshape(N_SAMPLES, 6))
    np.testing.assert_allclose(fitted.predict(X).reshape(N_SAMPLES, 6), flat.predict(X), rtol=1e-4)
    expected = r2_score(Y.reshape(N_SAMPLES, 6), fitted.predict(X).reshape(N_SAMPLES, 6))
    assert fitted.score(X, Y) == pytest.approx(expected)


def test_multilabel_targets_are_predicted_as_indicators():
    X, y = numbers()
    Y = np.column_stack([y > y.mean(), X[:, -1, 1] > -1, X[:, 0, 0] > 5]).astype(int)
    fitted = classifier(epochs=60, learning_rate=0.05).fit(X, Y)
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (N_SAMPLES, 3)
    np.testing.assert_array_equal(fitted.predict(X), probabilities > 0.5)
    assert fitted.score(X, Y) == accuracy_score(Y, fitted.predict(X)) > 0.5


@pytest.mark.parametrize("kind", ["text", "numbers", "booleans"])
def test_labels_of_any_kind_come_back(kind):
    X, y = labels()
    names = {"text": ["yes", "no"], "numbers": [7, -3], "booleans": [False, True]}[kind]
    fitted = classifier(epochs=60, learning_rate=0.05).fit(X, np.array(names)[y])
    assert set(fitted.predict(X).tolist()) == set(names)
    assert fitted.classes_.tolist() == sorted(names)
    assert fitted.score(X, np.array(names)[y]) > 0.8


def ragged(n_samples=N_SAMPLES, longest=7):
    """Return sequences of 2 to `longest` timesteps of two features."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(2, longest + 1, n_samples)
    return [rng.normal(size=(length, FEATURES)) for length in lengths]


def test_list_of_sequences_is_read_without_its_padding():
    X = ragged()
    y = np.array([sequence[-1, 0] for sequence in X])
    fitted = regressor(standardize=False).fit(X, y)
    assert fitted.input_shape_ == (None, FEATURES)
    assert fitted.n_features_in_ == FEATURES
    expected = [hidden_by_hand(fitted, sequence)[-1] for sequence in X]
    np.testing.assert_allclose(fitted.transform(X), expected, atol=1e-5)
    alone = [fitted.predict([sequence])[0] for sequence in X]
    np.testing.assert_allclose(fitted.predict(X), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", [pd.Series, lambda X: [pd.DataFrame(item) for item in X]])
def test_series_or_frames_of_sequences_are_read_as_their_list(form):
    X, y = numbers()
    X = [sample[: 2 + i % 3] for i, sample in enumerate(X)]
    assert_same_training(regressor().fit(form(X), y), regressor().fit(X, y))


def test_network_fitted_on_a_list_predicts_longer_sequences_and_arrays():
    X = ragged()
    y = np.array([sequence[-1, 0] for sequence in X])
    fitted = regressor(standardize=False).fit(X, y)
    longer = ragged(4, longest=40)
    expected = [hidden_by_hand(fitted, sequence)[-1] for sequence in longer]
    np.testing.assert_allclose(fitted.transform(longer), expected, atol=1e-5)
    array = np.stack([sequence[:2] for sequence in X])
    expected = hidden_by_hand(fitted, array)[:, -1]
    np.testing.assert_allclose(fitted.transform(array), expected, atol=1e-5)


def test_list_of_one_dimensional_sequences_has_one_feature():
    X = [sequence[:, 0] for sequence in ragged()]
    y = np.array([sequence[-1] for sequence in X])
    flat = regressor().fit(X, y)
    deep = regressor().fit([sequence[:, np.newaxis] for sequence in X], y)
    assert flat.input_shape_ == (None, 1)
    assert_same_training(flat, deep)


def test_list_of_token_ids_is_read_without_its_padding():
    rng = np.random.default_rng(0)
    X = [rng.integers(0, 9, size=length) for length in rng.integers(2, 8, N_SAMPLES)]
    y = np.array([sequence[-1] for sequence in X], dtype=float)
    fitted = regressor(**TOKENS).fit(X, y)
    table = fitted.weights_[0]
    expected = [cells.simple_rnn(table[sequence], *fitted.weights_[1:4])[-1] for sequence in X]
    np.testing.assert_allclose(fitted.transform(X), expected, atol=1e-5)


def test_list_with_a_target_for_each_timestep_gives_arrays_of_the_same_lengths():
    X = ragged()
    y = [np.cumsum(sequence[:, 0]) for sequence in X]
    fitted = regressor(return_sequences=True).fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.dtype == object
    assert [array.shape for array in predicted] == [array.shape for array in y]
    expected = r2_score(np.concatenate(y), np.concatenate(predicted))
    assert fitted.score(X, y) == pytest.approx(expected)


def test_list_with_a_label_for_each_timestep_gives_arrays_of_the_same_lengths():
    X = ragged()
    y = [np.where(sequence[:, 0] > 0, "up", "down") for sequence in X]
    fitted = classifier(return_sequences=True, epochs=60, learning_rate=0.05).fit(X, y)
    predicted, probabilities = fitted.predict(X), fitted.predict_proba(X)
    assert predicted.dtype == probabilities.dtype == object
    assert [array.shape for array in predicted] == [array.shape for array in y]
    assert [array.shape for array in probabilities] == [(len(array), 2) for array in y]
    expected = accuracy_score(np.concatenate(y), np.concatenate(list(predicted)))
    assert fitted.score(X, y) == expected > 0.9


def test_standardize_may_be_a_boolean_of_numpy():
    X, y = np.arange(40.0).reshape(10, 4), np.arange(10.0)
    predictions = [
        RNNRegressor(hidden_size=3, epochs=1, random_state=0, standardize=flag).fit(X, y).predict(X)
        for flag in (True, np.True_)
    ]
    np.testing.assert_array_equal(*predictions)
