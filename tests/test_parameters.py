"""Every parameter of the estimators: that a change of it changes the outcome, as it says."""

import inspect
from copy import deepcopy
from itertools import product

import keras
import numpy as np
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold
from small_networks import (
    FEATURES,
    LABELS,
    N_SAMPLES,
    OTHER_NETWORK,
    SMALL,
    TIMESTEPS,
    TOKENS,
    X,
    Y,
    assert_same_training,
    classifier,
    data_for,
    every_estimator,
    hidden_by_hand,
    outcome,
    regressor,
    steps_taken,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.cells import gru, simple_rnn

# Parameters: those of the reference, and the change.
CHANGES = {
    **{name: ({}, value) for name, value in OTHER_NETWORK.items()},
    "dense_activation": ({"dense_sizes": (4,)}, "tanh"),
    "stateful": ({"shuffle": False}, True),
    "segment": ({}, 5),
    "mask_value": ({"standardize": False}, 0.0),
    "frozen_layers": ({}, ("simple_rnn_1",)),
    "loss": ({}, "mean_absolute_error"),
    "learning_rate": ({}, 0.1),
    "epochs": ({}, 4),
    "batch_size": ({}, 24),
    "shuffle": ({}, False),
    "patience": ({"min_delta": 100.0}, 1),
    "min_delta": ({"patience": 1}, 100.0),
    "validation_fraction": ({}, 0.25),
    "validation_split": ({}, KFold(4)),
    "random_state": ({}, 1),
}
QUANTILES = {"quantiles": ({"loss": "quantile"}, (0.3, 0.5, 0.6))}
# Those that change the form of X or y, or what comes beside the prediction: each has its own test.
OF_OTHER_FORM = set(
    "return_sequences vocab_size embedding_dim embedding_init embedding_trainable callbacks "
    "engine device checkpoint_dir checkpoint_every warm_start verbose metrics monitor "
    "static_features missing network network_params".split()
)
CHANGES_OF = {
    RNNRegressor: CHANGES | QUANTILES,
    RNNClassifier: CHANGES | {"class_weight": ({}, {0: 1, 1: 3})},
}
EVERY_CHANGE = [(kind, name, "auto") for kind, changes in CHANGES_OF.items() for name in changes]
EVERY_CHANGE += [  # with Keras those of which no other test compares a fit with Keras's own
    pytest.param(RNNRegressor, name, "keras", marks=pytest.mark.slow)
    for name in "activation standardize dtype patience min_delta validation_split".split()
]


@pytest.mark.parametrize(("estimator", "parameter", "engine"), EVERY_CHANGE)
def test_change_of_a_parameter_changes_the_prediction(estimator, parameter, engine):
    X, y = data_for(estimator)
    X = np.where(np.arange(TIMESTEPS)[:, np.newaxis] < 4, X, 0.0)  # the last timestep is masked
    extra, value = CHANGES_OF[estimator][parameter]
    reference = estimator(engine=engine, **SMALL | extra).fit(X, y)
    changed = estimator(engine=engine, **SMALL | extra | {parameter: value}).fit(X, y)
    before, after = outcome(reference, X), outcome(changed, X)
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 1e-7


@every_estimator
def test_every_parameter_is_changed_by_a_test(estimator):
    tested = CHANGES_OF[estimator].keys() | OF_OTHER_FORM
    assert tested == inspect.signature(estimator).parameters.keys()


# One network in several ways

X_TOKENS = np.random.default_rng(0).integers(1, 9, size=(N_SAMPLES, TIMESTEPS))
IN_DICT = {"name": "adam", "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("parameters", "same"),
    [
        ({"cell_type": ["simple_rnn"]}, {}),
        ({"hidden_size": [3]}, {}),
        ({"hidden_size": (3,)}, {}),
        ({"cell_type": ("simple_rnn",), "hidden_size": [3]}, {}),
        ({"dense_sizes": []}, {}),
        ({"standardize": np.True_}, {}),
        ({"loss": "mse"}, {}),
        ({"loss": "MSE"}, {}),
        ({"loss": "MeanSquaredError"}, {}),
        ({"loss": {"name": "MeanSquaredError"}}, {}),
        ({"optimizer": "Adam"}, {}),
        ({"optimizer": {"name": "Adam", "learning_rate": 0.1}}, {"learning_rate": 0.1}),
        ({"loss": "mean_squared_error"}, {}),
        ({"optimizer": {"name": "adam"}}, {}),
        ({"optimizer": IN_DICT}, {"learning_rate": 0.1}),
        # A stateful network keeps the order of its rows.
        ({"stateful": True, "shuffle": True}, {"stateful": True, "shuffle": False}),
    ],
    ids=str,
)
def test_two_ways_to_say_the_same_train_alike(parameters, same):
    given = deepcopy(parameters)
    assert_same_training(regressor(**parameters).fit(X, Y), regressor(**same).fit(X, Y))
    assert parameters == given


# cell_type, hidden_size, bidirectional, activation, dense_sizes, dense_activation


@pytest.mark.parametrize(
    ("cell_type", "hidden_size", "layers"),
    [
        (("simple_rnn", "gru", "lstm"), (3, 4, 5), [("SimpleRNN", 3), ("GRU", 4), ("LSTM", 5)]),
        ("gru", (3, 4), [("GRU", 3), ("GRU", 4)]),
        (("gru", "lstm"), 3, [("GRU", 3), ("LSTM", 3)]),
    ],
)
def test_tuples_give_a_layer_for_each_and_one_value_is_repeated(cell_type, hidden_size, layers):
    stacked = regressor(cell_type=cell_type, hidden_size=hidden_size)
    model = stacked.build_model((TIMESTEPS, FEATURES))
    recurrent = [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]
    assert [(type(layer).__name__, layer.units) for layer in recurrent] == layers


@pytest.mark.parametrize(
    ("parameters", "states"),
    [
        (
            {"cell_type": ("gru", "simple_rnn"), "hidden_size": (4, 3)},
            lambda W: simple_rnn(gru(X, *W[:3]), *W[3:6]),
        ),
        (
            {"bidirectional": True},
            lambda W: np.dstack([simple_rnn(X, *W[:3]), simple_rnn(X[:, ::-1], *W[3:6])]),
        ),
        ({"activation": "relu"}, lambda W: simple_rnn(X, *W[:3], activation="relu")),
    ],
    ids=["stack", "bidirectional", "activation"],
)
def test_transform_is_the_last_state_of_the_recurrence_by_hand(parameters, states):
    fitted = regressor(standardize=False, **parameters).fit(X, Y)
    expected = states(fitted.weights_)[:, -1]
    np.testing.assert_allclose(fitted.transform(X), expected, rtol=1e-4, atol=1e-5)


# dropout, recurrent_dropout, spatial_dropout


@pytest.mark.parametrize("parameter", ["dropout", "recurrent_dropout", "spatial_dropout"])
def test_dropout_acts_in_training_only(parameter):
    dropped = regressor(**{parameter: 0.5}, standardize=False).fit(X, Y)
    expected = hidden_by_hand(dropped, X)[:, -1]
    np.testing.assert_allclose(dropped.transform(X), expected, atol=1e-5)
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))
    plain = regressor(standardize=False).fit(X, Y)
    assert dropped.history_["loss"] != plain.history_["loss"]


@pytest.mark.parametrize("parameter", ["dropout", "recurrent_dropout", "spatial_dropout"])
def test_dropout_draws_again_in_every_epoch_and_the_same_for_a_seed(parameter):
    # With so small a step the weights stand still, and only what is dropped differs.
    still = {"learning_rate": 1e-12, "standardize": False, "shuffle": False, "epochs": 4}
    dropped = regressor(**{parameter: 0.5}, **still).fit(X, Y)
    assert len(set(dropped.history_["loss"])) == 4
    assert_same_training(dropped, regressor(**{parameter: 0.5}, **still).fit(X, Y))


# return_sequences


def test_return_sequences_keeps_the_axis_of_outputs():
    y = np.cumsum(X, axis=1)
    fitted = regressor(return_sequences=True).fit(X, y)
    assert fitted.predict(X).shape == (N_SAMPLES, TIMESTEPS, 2)
    assert fitted.n_outputs_ == 2
    expected = r2_score(y.reshape(-1, 2), fitted.predict(X).reshape(-1, 2))
    assert fitted.score(X, y) == pytest.approx(expected)


# stateful


def test_stateful_network_begins_at_zero_after_fit_and_hidden_states_leave_it_there():
    fitted = regressor(stateful=True).fit(X, Y)
    assert [state.shape for state in fitted.states_] == [(8, 3)]
    np.testing.assert_array_equal(fitted.states_[0], 0)
    fitted.hidden_states(X)
    np.testing.assert_array_equal(fitted.states_[0], 0)


def test_stateful_predict_continues_from_batch_to_batch_and_from_call_to_call():
    fitted = regressor(stateful=True, standardize=False).fit(X, Y)
    state, expected = np.zeros((8, 3)), []
    for batch in [*X.reshape(3, 8, TIMESTEPS, FEATURES), X[:8]]:
        states = hidden_by_hand(fitted, batch, initial_state=state)
        state = states[:, -1]
        expected.append(state @ fitted.weights_[3][:, 0] + fitted.weights_[4])
    first, second = fitted.predict(X), fitted.predict(X[:8])
    np.testing.assert_allclose(first, np.concatenate(expected[:3]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(second, expected[3], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(fitted.states_[0], state, atol=1e-5)


def test_reset_states_begins_again():
    fitted = regressor(stateful=True).fit(X, Y)
    first = fitted.predict(X)
    assert np.abs(fitted.predict(X) - first).max() > 1e-6
    assert fitted.reset_states() is fitted
    np.testing.assert_array_equal(fitted.predict(X), first)


# vocab_size, embedding_dim, mask_value


def test_token_ids_with_an_axis_of_one_feature_are_the_same():
    deep = X_TOKENS[:, :, np.newaxis].astype(float)
    assert_same_training(regressor(**TOKENS).fit(X_TOKENS, Y), regressor(**TOKENS).fit(deep, Y))


def spread(values, places, absent):
    """Return samples of five timesteps that hold the first three of these at these places."""
    full = np.full_like(values, absent)
    full[:, places] = values[:, :3]
    return full


NUMBERS = [{"standardize": standardize} for standardize in (True, False)]


@pytest.mark.parametrize(
    ("parameters", "mask_value"),
    [*product(NUMBERS, [0.0, -1.5, 3, np.nan]), *product([TOKENS], [0, 8])],
    ids=str,
)
def test_gaps_between_timesteps_do_not_change_predictions(parameters, mask_value):
    values = np.where(mask_value == X_TOKENS, 1, X_TOKENS) if "vocab_size" in parameters else X
    without_gaps = spread(values, (0, 1, 2), mask_value)
    fitted = regressor(mask_value=mask_value, **parameters).fit(without_gaps, Y)
    expected = fitted.predict(without_gaps)
    for places in ((2, 3, 4), (0, 2, 4)):
        found = fitted.predict(spread(values, places, mask_value))
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_masked_network_reads_the_present_timesteps_as_a_shorter_sample():
    fitted = regressor(mask_value=np.nan, standardize=False, engine="keras")
    padded = spread(X, (0, 2, 4), np.nan)
    fitted.fit(padded, Y)
    expected = hidden_by_hand(fitted, X[:, :3])[:, -1]
    np.testing.assert_allclose(fitted.transform(padded), expected, atol=1e-6)
    raw = fitted.model_(padded).numpy()[:, 0]
    np.testing.assert_allclose(raw, fitted.predict(padded), rtol=1e-6)


def test_value_that_is_masked_only_in_part_of_a_timestep_is_read():
    fitted = regressor(mask_value=0.0).fit(X, Y)
    partly = X.copy()
    partly[:, -1, 1] = 0.0
    expected = fitted.predict(partly)
    partly[:, -1, 1] = 0.1
    assert np.abs(fitted.predict(partly) - expected).max() > 1e-3


# loss, learning_rate, epochs, batch_size, shuffle


def test_learning_rate_zero_point_one_moves_ten_times_as_far_in_one_step():
    one_step = {"epochs": 1, "batch_size": N_SAMPLES, "optimizer": "sgd"}
    start, near, far = (
        regressor(learning_rate=rate, **one_step).fit(X, Y).weights_[0]
        for rate in (1e-12, 0.01, 0.1)
    )
    np.testing.assert_allclose(far - start, 10 * (near - start), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("epochs", [1, 5])
def test_epochs_are_the_length_of_the_history(epochs):
    fitted = regressor(epochs=epochs).fit(X, Y)
    assert fitted.n_epochs_ == epochs
    assert [len(values) for values in fitted.history_.values()] == [epochs, epochs]
    assert set(fitted.history_) == {"loss", "seconds"}


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "n_batches"), [(24, 8, 3), (20, 8, 3), (24, 1000, 1)]
)
def test_batch_size_decides_the_steps_of_the_optimizer(n_samples, batch_size, n_batches):
    fitted = regressor(batch_size=batch_size).fit(X[:n_samples], Y[:n_samples])
    assert steps_taken(fitted) == 3 * n_batches


# dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", ["float32", "float64"])
def test_dtype_is_that_of_all_that_is_returned(dtype, given):
    x = X.astype(given)
    fitted = classifier(dtype=dtype).fit(x, LABELS)
    arrays = [
        regressor(dtype=dtype).fit(x, Y).predict(x),
        fitted.predict_proba(x),
        fitted.predict_log_proba(x),
        fitted.transform(x),
        *fitted.hidden_states(x, return_sequences=True, return_state=True),
        *fitted.weights_,
    ]
    assert {array.dtype.name for array in arrays} == {dtype}


# class_weight


def test_balanced_weights_are_those_of_the_training_samples_only():
    y = np.repeat(["a", "b"], [18, 6])
    validation = X[:8], np.repeat("b", 8)
    balanced = classifier(class_weight="balanced").fit(X, y, validation_data=validation)
    by_label = classifier(class_weight={"a": 24 / 36, "b": 24 / 12})
    assert_same_training(balanced, by_label.fit(X, y))
    losses = -np.log(balanced.predict_proba(X[:8])[:, 1])
    assert balanced.history_["val_loss"][-1] == pytest.approx(losses.mean(), rel=1e-4)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_held_out_labels_do_not_enter_the_balance(return_sequences, monkeypatch):
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


def test_grid_over_a_key_of_a_dict_is_told_to_set_the_dict_whole():
    search = GridSearchCV(regressor(network_params={"units": 2}), {"network_params__units": [3]})
    with pytest.raises(ValueError, match=r"Set `network_params` whole: .* \[{'units': \.\.\.}"):
        search.fit(X, Y)


def test_misspelt_option_is_answered_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"'GRU' instead\. Did you mean 'gru'\?"):
        regressor(cell_type="GRU").fit(X, Y)
