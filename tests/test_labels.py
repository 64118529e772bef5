"""A label, or a number, for every step of sequences of unequal length."""

import re

import keras
import numpy as np
import pandas as pd
import pytest
from fits import assert_same_training, padded
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.utils import check_random_state

from skrnn import RNNClassifier, RNNRegressor, cells
from skrnn._network.initializers import initial_weights

WORDS, TAGS = 9, np.array(["adj", "noun", "verb"])
N_SAMPLES, BATCH, EPOCHS = 22, 8, 2
slow = pytest.mark.slow
engines = pytest.mark.parametrize("engine", ["numpy", "keras"])
every_estimator = pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])


def sentences(n_samples=N_SAMPLES, seed=0, shortest=2):
    """Return token ids of unequal lengths, and tags that the word before each decides."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(1, WORDS, length) for length in rng.integers(shortest, 8, n_samples)]
    return X, [TAGS[np.append(0, sentence[:-1]) % 3] for sentence in X]


def signals(n_samples=N_SAMPLES):
    """Return sequences of two features, and the two running sums at every step."""
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(length, 2)) for length in rng.integers(2, 8, n_samples)]
    return X, [np.cumsum(sequence, axis=0) for sequence in X]


def data_for(estimator):
    """Return sequences, targets of their timesteps, and parameters that read them."""
    if estimator is RNNRegressor:
        return *signals(), {}
    return *sentences(), {"vocab_size": WORDS, "embedding_dim": 4}


def tagger(cell_type="gru", **parameters):
    settings = {"vocab_size": WORDS, "embedding_dim": 4, "batch_size": BATCH, "epochs": EPOCHS}
    return RNNClassifier(
        cell_type, 5, **settings | {"return_sequences": True, "random_state": 0} | parameters
    )


def network(estimator, **parameters):
    settings = {"batch_size": BATCH, "epochs": EPOCHS, "random_state": 0}
    return estimator("gru", 5, return_sequences=True, **settings | parameters)


def assert_same(one, other, rtol=1e-6):
    assert_same_training(one, other, rtol)


# Against Keras


def keras_tagger(estimator, features=None):
    """Return a masked network of Keras's own layers that starts where the estimator did."""
    if features is None:
        embedding = keras.layers.Embedding(WORDS, 4, mask_zero=True)
        first = [keras.Input((None,), dtype="int32"), embedding]
        last = keras.layers.Dense(len(TAGS), activation="softmax")
    else:
        first = [keras.Input((None, features)), keras.layers.Masking(-9.0)]
        last = keras.layers.Dense(2)
    gru = keras.layers.GRU(5, return_sequences=True)
    model = keras.Sequential([*first, gru, last])
    seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng([seed, 0])
    model.set_weights(initial_weights(estimator._network.architecture, rng))
    return model


@pytest.mark.parametrize(
    ("weighted", "engine"),
    [(True, "numpy"), (True, "keras"), (False, "numpy"), pytest.param(False, "keras", marks=slow)],
)
def test_labels_of_a_list_train_as_keras_does_with_a_mask(weighted, engine):
    X, y = sentences()
    rng = np.random.default_rng(2)
    weights = [rng.uniform(0.2, 2, len(row)) for row in y] if weighted else None
    fitted = tagger(shuffle=False, engine=engine).fit(X, y, weights)

    model = keras_tagger(fitted)
    loss = keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight")
    model.compile(keras.optimizers.Adam(0.01), loss if weighted else loss.name, run_eagerly=True)
    codes = padded([np.searchsorted(TAGS, row) for row in y], 0)
    history = model.fit(
        padded(X, 0),
        codes,
        sample_weight=padded(weights, 0.0) if weighted else None,
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
    )

    np.testing.assert_allclose(fitted.history_["loss"], history.history["loss"], rtol=1e-4)
    expected = model(padded(X, 0)).numpy()
    for found, row in zip(fitted.predict_proba(X), expected, strict=True):
        np.testing.assert_allclose(found, row[: len(found)], atol=1e-4)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("keras", marks=slow)])
def test_numbers_of_a_list_train_as_keras_does_with_a_mask(engine):
    X, y = signals()
    fitted = network(RNNRegressor, shuffle=False, standardize=False, engine=engine).fit(X, y)

    model = keras_tagger(fitted, features=2)
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error", run_eagerly=True)
    inputs, targets = padded(X, -9.0), padded(y, 0.0)
    history = model.fit(inputs, targets, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)

    np.testing.assert_allclose(fitted.history_["loss"], history.history["loss"], rtol=1e-4)
    for found, row in zip(fitted.predict(X), model(inputs).numpy(), strict=True):
        np.testing.assert_allclose(found, row[: len(found)], atol=1e-4)


# Against loops


def test_labels_of_steps_equal_a_loop_over_the_sequences():
    X, y = sentences()
    fitted = tagger().fit(X, y)
    longer, truth = sentences(10, seed=5, shortest=7)
    table, *gru, kernel, bias = fitted.weights_
    found, right = fitted.predict_proba(longer), []
    for sentence, tags, probabilities in zip(longer, truth, found, strict=True):
        logits = cells.gru(table[sentence], *gru) @ kernel + bias
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
        right.extend(TAGS[expected.argmax(axis=1)] == tags)
    assert fitted.score(longer, truth) == np.mean(right)
    assert fitted.classes_.tolist() == TAGS.tolist()


def test_score_of_weighted_steps_equals_a_loop():
    X, y = sentences()
    fitted = tagger().fit(X, y)
    weights = [np.arange(len(row)) + 1.0 for row in y]
    right = [found == row for found, row in zip(fitted.predict(X), y, strict=True)]
    expected = sum((r * w).sum() for r, w in zip(right, weights, strict=True))
    expected /= sum(w.sum() for w in weights)
    assert fitted.score(X, y, weights) == pytest.approx(expected)
    assert fitted.score(X, y, padded(weights, np.nan)) == pytest.approx(expected)


def test_score_of_numbers_of_steps_is_that_of_all_steps_together():
    X, y = signals()
    fitted = network(RNNRegressor).fit(X, y)
    expected = r2_score(np.concatenate(y), np.concatenate(list(fitted.predict(X))))
    assert fitted.score(X, padded(y, np.nan)) == pytest.approx(expected)


@pytest.mark.parametrize("labels", [[-1.0, 2.0, 7.0], [3, 5, 9], [False, True, True]])
def test_labels_of_steps_may_be_of_any_type(labels):
    X, y = sentences()
    y = [np.array(labels)[np.searchsorted(TAGS, row)] for row in y]
    fitted = tagger().fit(X, y)
    assert fitted.classes_.tolist() == sorted(set(labels))
    flat = np.concatenate(list(fitted.predict(X)))
    assert flat.dtype == np.array(labels).dtype
    assert fitted.score(X, y) == accuracy_score(np.concatenate(y), flat)


# Forms of y and of weights


FORMS = {
    "lists": lambda rows: [row.tolist() for row in rows],
    "series": lambda rows: pd.Series(rows, index=range(5, 5 + len(rows))),
    "objects": lambda rows: pd.Series(rows).to_numpy(),
    "padded": lambda rows: padded(rows, "pad" if rows[0].dtype.kind == "U" else np.nan),
}


@pytest.mark.parametrize("form", FORMS)
@every_estimator
def test_targets_of_steps_are_read_alike_in_each_form(form, estimator):
    X, y, parameters = data_for(estimator)
    weights = [np.linspace(0.5, 2, len(row)) for row in y]
    expected = network(estimator, **parameters).fit(X, y, weights)
    as_given = FORMS[form]
    found = network(estimator, **parameters).fit(X, as_given(y), as_given(weights))
    assert_same(found, expected, rtol=0)
    assert found.score(X, as_given(y), as_given(weights)) == expected.score(X, y, weights)


def test_frames_of_padded_labels_and_weights_are_read_as_their_rows():
    X, y = sentences()
    weights = [np.linspace(0.5, 2, len(row)) for row in y]
    labels, by_step = pd.DataFrame(padded(y, "pad")), pd.DataFrame(padded(weights, np.nan))
    assert_same(tagger().fit(X, labels, by_step), tagger().fit(X, y, weights), rtol=0)
    assert_same(tagger().fit(X, y, 1.0), tagger().fit(X, y), rtol=0)  # one weight for all
    X, y = ([row[:2] for row in rows] for rows in (X, y))  # of equal lengths
    assert_same(tagger().fit(X, pd.DataFrame(padded(y, "pad"))), tagger().fit(X, y), rtol=0)


@every_estimator
def test_a_list_trains_as_its_array_under_a_mask(estimator):
    X, y, parameters = data_for(estimator)
    filling, targets = ("adj", padded(y, "adj")) if parameters else (-9.0, padded(y, np.nan))
    mask_value = 0 if parameters else filling
    expected = network(estimator, **parameters).fit(X, y)
    masked = network(estimator, mask_value=mask_value, **parameters)
    masked.fit(padded(X, mask_value), np.nan_to_num(targets) if not parameters else targets)
    assert_same(masked, expected, rtol=1e-5)


def test_a_weight_for_each_sequence_weighs_all_its_steps():
    X, y = sentences()
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    by_step = [np.full(len(row), weight) for row, weight in zip(y, weights, strict=True)]
    assert_same(tagger().fit(X, y, weights), tagger().fit(X, y, by_step))
    assert tagger().fit(X, y).history_ != tagger().fit(X, y, weights).history_


@every_estimator
def test_steps_of_zero_weight_teach_nothing(estimator):
    X, y, parameters = data_for(estimator)
    weights = [np.r_[np.ones(len(row) - 1), 0.0] for row in y]
    other = [np.concatenate([row[:-1], row[:1]]) for row in y]
    fits = [network(estimator, **parameters).fit(X, targets, weights) for targets in (y, other)]
    assert_same(*fits, rtol=0)


def test_class_weight_of_a_list_acts_on_each_step():
    X, y = sentences()
    by_label = {"adj": 0.5, "noun": 1.0, "verb": 3.0}
    by_step = [np.array([by_label[tag] for tag in row]) for row in y]
    assert_same(tagger(class_weight=by_label).fit(X, y), tagger().fit(X, y, by_step))
    counts = np.array([np.sum(np.concatenate(y) == tag) for tag in TAGS])
    balance = dict(zip(TAGS.tolist(), counts.sum() / 3 / counts, strict=True))
    fits = [tagger(class_weight=weight).fit(X, y) for weight in ("balanced", balance)]
    assert_same(*fits)


# Training on lists


@engines
def test_validation_loss_of_a_list_is_the_mean_over_its_steps(engine):
    X, y = sentences()
    other, truth = sentences(9, seed=3)
    weights = [np.linspace(1, 2, len(row)) for row in truth]
    fitted = tagger(engine=engine).fit(X, y, validation_data=(other, truth, weights))
    losses = [
        -np.log(row[np.arange(len(tags)), np.searchsorted(TAGS, tags)])
        for row, tags in zip(fitted.predict_proba(other), truth, strict=True)
    ]
    # 9 sequences are a batch of 8 and one of 1, weighted by their sizes.
    batches = [slice(0, BATCH), slice(BATCH, None)]
    means = [
        np.average(np.concatenate(losses[part]), weights=np.concatenate(weights[part]))
        for part in batches
    ]
    expected = np.average(means, weights=[BATCH, 1])
    assert fitted.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


@every_estimator
def test_validation_fraction_of_a_list_holds_out_whole_sequences(estimator, monkeypatch):
    X, y, parameters = data_for(estimator)
    held_out = {}
    hold_out = estimator._hold_out

    def watched(self, *arguments):
        parts = held_out["parts"] = hold_out(self, *arguments)
        return parts

    monkeypatch.setattr(estimator, "_hold_out", watched)
    settings = {"validation_fraction": 0.25, "standardize": False} | parameters
    split = network(estimator, **settings).fit(X, y)
    training, validation = held_out["parts"]
    assert sorted([*training, *validation]) == list(range(N_SAMPLES))
    assert len(validation) == 6  # of 22, in one batch
    losses = []
    for i in validation:
        if estimator is RNNRegressor:
            losses.append((split.predict([X[i]])[0] - y[i]) ** 2)
        else:
            codes = np.searchsorted(TAGS, y[i])[:, np.newaxis]
            losses.append(-np.log(np.take_along_axis(split.predict_proba([X[i]])[0], codes, 1)))
    expected = np.concatenate(losses).mean()
    assert split.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


@engines
@every_estimator
def test_training_on_lists_goes_on_where_it_stood(estimator, engine):
    X, y, parameters = data_for(estimator)
    settings = {"shuffle": False, "engine": engine} | parameters
    once = network(estimator, **settings).fit(X, y)
    twice = network(estimator, warm_start=True, epochs=1, **settings).fit(X, y)
    twice.fit(X, y)
    parts = network(estimator, **settings)
    first = [np.unique(np.concatenate(y))] if estimator is RNNClassifier else []
    parts.partial_fit(X, y, *first)
    parts.partial_fit(X, y)
    assert_same(twice, once, rtol=1e-5)
    assert_same(parts, once, rtol=1e-5)


def test_partial_fit_takes_sequences_of_other_lengths():
    X, y = sentences()
    fitted = tagger().partial_fit(X[:10], y[:10], classes=TAGS)
    longer, truth = sentences(6, seed=4, shortest=7)
    fitted.partial_fit(longer, truth)
    assert [len(row) for row in fitted.predict(longer)] == [len(row) for row in truth]


def test_a_tagger_learns_what_the_word_before_decides():
    X, y = sentences(60)
    fitted = tagger(epochs=40, learning_rate=0.05).fit(X[:40], y[:40])
    assert fitted.score(X[40:], y[40:]) > 0.95


# In scikit-learn


def test_search_and_cross_validation_accept_lists_of_labels():
    X, y = sentences()
    folds = list(KFold(2).split(X))
    expected = []
    for train, test in folds:
        fitted = tagger().fit([X[i] for i in train], [y[i] for i in train])
        expected.append(fitted.score([X[i] for i in test], [y[i] for i in test]))
    for labels in (y, padded(y, "pad")):
        found = cross_val_score(tagger(), X, labels, cv=KFold(2), error_score="raise")
        np.testing.assert_array_equal(found, expected)
    search = GridSearchCV(tagger(), {"cell_type": ["gru"]}, cv=folds).fit(X, y)
    assert search.best_score_ == np.mean(expected)
    found = cross_val_predict(tagger(), X, y, cv=KFold(2))
    assert [len(row) for row in found] == [len(row) for row in y]


@pytest.mark.parametrize("form", [list, lambda rows: pd.Series(rows).to_numpy()])
def test_a_list_of_equal_lengths_is_read_as_its_array(form):
    X, y = sentences()
    fitted = tagger().fit(X, y)
    three = np.tile(X[0], (3, 1)), np.tile(y[0], (3, 1))
    rows = [form(list(part)) for part in three]
    np.testing.assert_array_equal(fitted.predict(rows[0]), fitted.predict(three[0]))
    assert fitted.score(*rows) == fitted.score(*three)
    weights = np.tile(np.arange(len(X[0])) + 1.0, (3, 1))
    assert fitted.score(*rows, form(list(weights))) == fitted.score(*three, weights)


@every_estimator
def test_padding_beyond_a_list_of_equal_lengths_is_not_read(estimator):
    X, y, parameters = data_for(estimator)
    X = [row[:2] if parameters else row[:2, 0] for row in X]
    y = [row[:2] for row in y]
    weights = np.linspace(0.5, 2, 2 * len(X)).reshape(-1, 2)
    wide = padded(y, "pad" if parameters else np.nan), padded(weights, np.nan)
    expected = network(estimator, **parameters).fit(X, y, weights)
    assert_same(network(estimator, **parameters).fit(X, *wide), expected, rtol=0)
    assert expected.score(X, *wide) == expected.score(X, y, weights)
    with pytest.raises(ValueError, match=f"timesteps.* as (in )?X, got .{N_SAMPLES}, 4"):
        network(estimator, **parameters).fit(np.stack(X), wide[0])


# Refusals


def refusal(X, y, estimator=RNNClassifier, weights=None, method="fit", **parameters):
    """Return the message with which fit or score refuses the arguments."""
    with pytest.raises((ValueError, TypeError)) as caught:
        getattr(network(estimator, **parameters), method)(X, y, weights)
    return str(caught.value)


@every_estimator
def test_targets_and_weights_of_other_lengths_name_the_sample(estimator):
    X, y, parameters = data_for(estimator)
    longest = max(map(len, X))
    narrow = padded(y, 0.0 if estimator is RNNRegressor else "pad")[:, : longest - 1]
    first = [len(row) for row in X].index(longest)
    message = refusal(X, narrow, estimator, **parameters)
    assert f"sample {first} has {longest} timesteps, but {longest - 1} values in `y`" in message
    weights = [np.ones(len(row)) for row in y]
    weights[3], n = np.ones(len(y[3]) + 1), len(y[3])
    message = refusal(X, y, estimator, weights, **parameters)
    assert f"sample 3 has {n} timesteps, but {n + 1} values in `sample_weight`" in message
    one_array = padded(X, 0)
    message = refusal(one_array, y, estimator, **parameters)
    assert f"X has {one_array.shape[1]} timesteps in each sample, and so must y" in message
    assert "`SequenceVectorizer(padding=None)`" in message


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda row: -row, "egative"),
        (lambda row: row * np.nan, "NaN"),
        (lambda row: row.astype(str), "Sample 3 of `sample_weight` must hold numbers"),
        (lambda row: row[:, np.newaxis], "one weight for each timestep, got the shape (3, 1)"),
        (lambda row: 1.0, "one value in `sample_weight`"),
    ],
)
def test_unusable_weights_of_a_list_are_refused(wrong, words):
    X, y = sentences()
    weights = [np.ones(len(row)) for row in y]
    weights[3] = wrong(weights[3])
    assert words in refusal(X, y, weights=weights, vocab_size=WORDS)


@pytest.mark.parametrize(("dtype", "kinds"), [(int, "int, str"), ("S1", "bytes_?, str_?")])
@pytest.mark.parametrize("length", [None, 2])
def test_labels_of_another_type_in_one_sequence_are_refused(length, dtype, kinds):
    X, y = ([row[:length] for row in rows] for rows in sentences())
    y[3] = np.arange(len(y[3])).astype(dtype)
    assert re.search(f"one type, got {kinds}", refusal(X, y, vocab_size=WORDS))


def test_a_missing_label_inside_a_sequence_is_refused():
    X, y = sentences()
    y[3] = np.array([None, *y[3][1:]], dtype=object)
    message = refusal(X, y, vocab_size=WORDS)
    assert "`y` must have a label everywhere, got none in sample 3, timestep 0" in message


def test_a_refused_list_leaves_the_tagger_as_it_was():
    X, y = sentences()
    fitted = tagger(warm_start=True).fit(X, y)
    before = fitted.predict_proba(X)
    shorter = [y[0][:-1], *y[1:]]
    with pytest.raises(ValueError, match="sample 0"):
        fitted.fit(X, shorter)
    with pytest.raises(ValueError, match=r"In `validation_data`: `y` .* sample 0 has"):
        fitted.fit(X, y, validation_data=(X, shorter))
    for found, expected in zip(fitted.predict_proba(X), before, strict=True):
        np.testing.assert_array_equal(found, expected)
