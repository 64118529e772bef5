"""Every parameter of the estimators: that a change of it changes the outcome, as it says."""

import inspect
from math import ceil

import keras
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state
from small_networks import (
    FEATURES,
    N_SAMPLES,
    SMALL,
    TIMESTEPS,
    TOKENS,
    assert_same_training,
    classifier,
    data_for,
    every_estimator,
    hidden_by_hand,
    labels,
    numbers,
    outcome,
    regressor,
    steps_taken,
)

from skrnn import RNNClassifier, RNNRegressor, cells

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


# The forms of y and X
