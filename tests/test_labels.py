"""A label, or a number, for every step of sequences of unequal length."""

from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from fits import assert_same_training, both_engines, padded
from oracles import keras_fit, native_network
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score

from skrnn import RNNClassifier, RNNRegressor, cells

WORDS, TAGS = 9, np.array(["adj", "noun", "verb"])
N_SAMPLES, BATCH, EPOCHS = 22, 8, 2
every_estimator = pytest.mark.parametrize("estimator", [RNNClassifier, RNNRegressor])


def sentences(n_samples=N_SAMPLES, seed=0, shortest=2):
    """Return token ids of unequal lengths, and tags that the word before each decides."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(1, WORDS, length) for length in rng.integers(shortest, 8, n_samples)]
    return X, [TAGS[np.append(0, sentence[:-1]) % 3] for sentence in X]


X, Y = sentences()


def signals(n_samples=N_SAMPLES):
    """Return sequences of two features, and the two running sums at every step."""
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(length, 2)) for length in rng.integers(2, 8, n_samples)]
    return X, [np.cumsum(sequence, axis=0) for sequence in X]


def network(estimator=RNNRegressor, **parameters):
    settings = {"batch_size": BATCH, "epochs": EPOCHS, "random_state": 0}
    return estimator("gru", 5, return_sequences=True, **settings | parameters)


tagger = partial(network, RNNClassifier, vocab_size=WORDS, embedding_dim=4)


def task(estimator):
    """Return sequences, targets of their timesteps, and what makes an estimator that reads them."""
    return (*signals(), network) if estimator is RNNRegressor else (*sentences(), tagger)


def filling(rows):
    """Return what pads targets or weights."""
    return "pad" if rows[0].dtype.kind == "U" else np.nan


def predictions(fitted, X):
    return list(getattr(fitted, "predict_proba", fitted.predict)(X))


def losses(fitted, X, y):
    """Return the loss of each step of each sequence, by a loop."""
    found = predictions(fitted, X)
    if isinstance(fitted, RNNRegressor):
        return [(one - row) ** 2 for one, row in zip(found, y, strict=True)]
    codes = [np.searchsorted(TAGS, row)[:, np.newaxis] for row in y]
    return [-np.log(np.take_along_axis(*pair, 1)[:, 0]) for pair in zip(found, codes, strict=True)]


assert_same = partial(assert_same_training, rtol=1e-6)


# Against Keras


@pytest.mark.parametrize(
    ("estimator", "weighted", "engine"),
    [
        (RNNClassifier, True, "numpy"),
        pytest.param(RNNClassifier, True, "keras", marks=pytest.mark.slow),
        (RNNClassifier, False, "numpy"),
        (RNNRegressor, False, "numpy"),
        pytest.param(RNNRegressor, False, "keras", marks=pytest.mark.slow),
    ],
)
def test_a_list_trains_as_keras_does_with_a_mask(estimator, weighted, engine):
    X, y, make = task(estimator)
    rng = np.random.default_rng(2)
    weights = [rng.uniform(0.2, 2, len(row)) for row in y] if weighted else None
    fitted = make(shuffle=False, standardize=False, engine=engine).fit(X, y, weights)

    mask_value, loss, output = -9.0, keras.losses.MeanSquaredError, {"outputs": 2}
    if estimator is RNNClassifier:
        mask_value, loss = 0, keras.losses.SparseCategoricalCrossentropy
        output = {"outputs": len(TAGS), "output_activation": "softmax"}
        y = [np.searchsorted(TAGS, row) for row in y]
    model = native_network(fitted, (None, 2), mask_value=mask_value, **output)
    inputs = padded(X, mask_value)
    settings = {"batch_size": BATCH, "epochs": EPOCHS}
    if weighted:
        settings["sample_weight"] = padded(weights, 0.0) / np.concatenate(weights).mean()
    curve = keras_fit(model, inputs, padded(y, 0), loss(), **settings)["loss"]

    np.testing.assert_allclose(fitted.history_["loss"], curve, rtol=1e-4)
    for found, row in zip(predictions(fitted, X), model(inputs).numpy(), strict=True):
        np.testing.assert_allclose(found, row[: len(found)], atol=1e-4)


# Against loops


def test_labels_of_steps_equal_a_loop_over_the_sequences():
    fitted = tagger().fit(X, Y)
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


@every_estimator
@pytest.mark.parametrize("weighted", [False, True])
def test_score_is_that_of_all_steps_together(estimator, weighted):
    X, y, make = task(estimator)
    fitted = make().fit(X, y)
    weights = [np.arange(len(row)) + 1.0 for row in y] if weighted else None
    metric = r2_score if estimator is RNNRegressor else accuracy_score
    flat = None if weights is None else np.concatenate(weights)
    found = np.concatenate(list(fitted.predict(X)))
    expected = metric(np.concatenate(y), found, sample_weight=flat)
    assert fitted.score(X, y, weights) == pytest.approx(expected)


@pytest.mark.parametrize("labels", [[-1.0, 2.0, 7.0], [3, 5, 9], [False, True, True]])
def test_labels_of_steps_may_be_of_any_type(labels):
    y = [np.array(labels)[np.searchsorted(TAGS, row)] for row in Y]
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
    "padded": lambda rows: padded(rows, filling(rows)),
    "frame": lambda rows: pd.DataFrame(padded(rows, filling(rows))) if rows[0].ndim == 1 else rows,
}


@pytest.mark.parametrize("form", FORMS)
@every_estimator
def test_targets_of_steps_are_read_alike_in_each_form(form, estimator):
    X, y, make = task(estimator)
    weights = [np.linspace(0.5, 2, len(row)) for row in y]
    expected, as_given = make().fit(X, y, weights), FORMS[form]
    found = make().fit(X, as_given(y), as_given(weights))
    assert_same(found, expected, rtol=0)
    assert found.score(X, as_given(y), as_given(weights)) == expected.score(X, y, weights)


@every_estimator
def test_a_list_trains_as_its_array_under_a_mask(estimator):
    X, y, make = task(estimator)
    targets, mask_value = padded(y, 0.0 if estimator is RNNRegressor else "adj"), 0
    if estimator is RNNRegressor:
        mask_value = -9.0
    masked = make(mask_value=mask_value).fit(padded(X, mask_value), targets)
    assert_same(masked, make().fit(X, y), rtol=1e-5)


def test_a_weight_for_each_sequence_weighs_all_its_steps():
    weights = np.random.default_rng(0).uniform(0.5, 2, len(X))
    by_step = [np.full(len(row), weight) for row, weight in zip(Y, weights, strict=True)]
    weighted, plain = tagger().fit(X, Y, weights), tagger().fit(X, Y)
    assert_same(weighted, tagger().fit(X, Y, by_step))
    assert plain.history_ != weighted.history_
    assert_same(tagger().fit(X, Y, 1.0), plain, rtol=0)


@every_estimator
def test_steps_of_zero_weight_teach_nothing(estimator):
    X, y, make = task(estimator)
    weights = [np.r_[np.ones(len(row) - 1), 0.0] for row in y]
    other = [np.concatenate([row[:-1], row[:1]]) for row in y]
    assert_same(make().fit(X, y, weights), make().fit(X, other, weights), rtol=0)


def test_class_weight_of_a_list_acts_on_each_step():
    by_label = {"adj": 0.5, "noun": 1.0, "verb": 3.0}
    by_step = [np.array([by_label[tag] for tag in row]) for row in Y]
    assert_same(tagger(class_weight=by_label).fit(X, Y), tagger().fit(X, Y, by_step))
    counts = np.array([np.sum(np.concatenate(Y) == tag) for tag in TAGS])
    balance = dict(zip(TAGS.tolist(), counts.sum() / 3 / counts, strict=True))
    fits = [tagger(class_weight=weight).fit(X, Y) for weight in ("balanced", balance)]
    assert_same(*fits)


# Training on lists


@both_engines
def test_validation_loss_of_a_list_is_the_mean_over_its_steps(engine):
    other, truth = sentences(9, seed=3)
    weights = [np.linspace(1, 2, len(row)) for row in truth]
    fitted = tagger(engine=engine).fit(X, Y, validation_data=(other, truth, weights))
    of_steps = np.concatenate(losses(fitted, other, truth))  # of more sequences than a batch
    expected = np.average(of_steps, weights=np.concatenate(weights))
    assert fitted.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


@every_estimator
def test_validation_fraction_of_a_list_holds_out_whole_sequences(estimator, monkeypatch):
    X, y, make = task(estimator)
    drawn, original = [], estimator._split

    def watched(self, *arguments):
        drawn.append(original(self, *arguments))
        return drawn[-1]

    monkeypatch.setattr(estimator, "_split", watched)
    split = make(validation_fraction=0.25, standardize=False).fit(X, y)
    [parts] = drawn
    training, validation = (part.positions for part in parts)
    assert sorted([*training, *validation]) == list(range(N_SAMPLES))
    assert len(validation) == 6  # of 22, in one batch
    of_steps = losses(split, [X[i] for i in validation], [y[i] for i in validation])
    expected = np.concatenate(of_steps).mean()
    assert split.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


@both_engines
@every_estimator
def test_training_on_lists_goes_on_where_it_stood(estimator, engine):
    X, y, make = task(estimator)
    make = partial(make, shuffle=False, engine=engine)
    once, parts = make().fit(X, y), make()
    twice = make(warm_start=True, epochs=1).fit(X, y).fit(X, y)
    classes = [np.unique(np.concatenate(y))] if estimator is RNNClassifier else []
    parts.partial_fit(X, y, *classes).partial_fit(X, y)
    for continued in (twice, parts):
        assert_same(continued, once, rtol=1e-5)


def test_partial_fit_takes_sequences_of_other_lengths():
    fitted = tagger().partial_fit(X[:10], Y[:10], classes=TAGS)
    longer, truth = sentences(6, seed=4, shortest=7)
    fitted.partial_fit(longer, truth)
    assert [len(row) for row in fitted.predict(longer)] == [len(row) for row in truth]


def test_a_tagger_learns_what_the_word_before_decides():
    X, y = sentences(60)
    fitted = tagger(epochs=40, learning_rate=0.05).fit(X[:40], y[:40])
    assert fitted.score(X[40:], y[40:]) > 0.95


# In scikit-learn


def test_search_and_cross_validation_accept_lists_of_labels():
    folds = list(KFold(2).split(X))
    expected = []
    for train, test in folds:
        fitted = tagger().fit([X[i] for i in train], [Y[i] for i in train])
        expected.append(fitted.score([X[i] for i in test], [Y[i] for i in test]))
    for labels in (Y, padded(Y, "pad")):
        found = cross_val_score(tagger(), X, labels, cv=KFold(2), error_score="raise")
        np.testing.assert_array_equal(found, expected)
    search = GridSearchCV(tagger(), {"cell_type": ["gru"]}, cv=folds).fit(X, Y)
    assert search.best_score_ == np.mean(expected)
    found = cross_val_predict(tagger(), X, Y, cv=KFold(2))
    assert [len(row) for row in found] == [len(row) for row in Y]


@pytest.mark.parametrize("form", [list, lambda rows: pd.Series(rows).to_numpy()])
def test_a_list_of_equal_lengths_has_the_predictions_of_its_array(form):
    fitted = tagger().fit(X, Y)
    three = np.tile(X[0], (3, 1)), np.tile(Y[0], (3, 1))
    rows = [form(list(part)) for part in three]
    np.testing.assert_array_equal([*fitted.predict(rows[0])], fitted.predict(three[0]))
    assert fitted.score(*rows) == fitted.score(*three)
    weights = np.tile(np.arange(len(X[0])) + 1.0, (3, 1))
    assert fitted.score(*rows, form(list(weights))) == fitted.score(*three, weights)


@every_estimator
def test_padding_beyond_a_list_of_equal_lengths_is_not_read(estimator):
    X, y, make = task(estimator)
    X, y = ([row[:2] for row in rows] for rows in (X, y))
    weights = [np.linspace(0.5, 2, 2) * (1 + i) for i in range(len(X))]
    wide = [FORMS["frame" if rows[0].ndim == 1 else "padded"](rows) for rows in (y, weights)]
    expected = make().fit(X, y, weights)
    assert_same(make().fit(X, *wide), expected, rtol=0)
    assert expected.score(X, *wide) == expected.score(X, y, weights)
    with pytest.raises(ValueError, match=f"timesteps.* like X, got .{N_SAMPLES}, 4"):
        make().fit(np.stack(X), wide[0])


# Refusals


def refusal(make, X, y, weights=None):
    """Return the message with which fit refuses the arguments."""
    with pytest.raises((ValueError, TypeError)) as caught:
        make().fit(X, y, weights)
    return str(caught.value)


@every_estimator
def test_targets_and_weights_of_other_lengths_name_the_sample(estimator):
    X, y, make = task(estimator)
    lengths = [len(row) for row in X]
    longest, first = max(lengths), np.argmax(lengths)
    message = refusal(make, X, padded(y, filling(y))[:, : longest - 1])
    found = f"got {longest - 1} values for the {longest} timesteps of sample {first}"
    assert f"`y` must hold one value for each timestep, {found}" in message
    weights = [np.ones(length + (i == 3)) for i, length in enumerate(lengths)]
    n = lengths[3]
    message = refusal(make, X, y, weights)
    found = f"got {n + 1} values for the {n} timesteps of sample 3"
    assert f"`sample_weight` must hold one value for each timestep, {found}" in message
    message = refusal(make, padded(X, 0), y)
    assert f"Pass {longest + 2} timesteps in each sample, as in X" in message
    assert "`SequenceVectorizer(padding=None)`" in message


WRONG = [  # what becomes of the weights or labels of sample 3, and the words that refuse it
    ("weights", None, lambda row: -row, "egative"),
    ("weights", None, lambda row: row * np.nan, "NaN"),
    ("weights", None, lambda row: row.astype(str), "Sample 3 of `sample_weight` must hold numbers"),
    ("weights", None, lambda row: row[:, np.newaxis], "got an array of shape (3, 1) in sample 3"),
    ("weights", None, lambda row: 1.0, "`sample_weight` must hold one value for each timestep"),
    ("y", None, lambda row: np.arange(len(row)), "one type, got int, str"),
    ("y", 2, lambda row: np.arange(len(row)), "one type, got int, str"),
    ("y", None, lambda row: row.astype("S1"), "one type, got bytes"),
    ("y", 2, lambda row: row.astype("S1"), "one type, got bytes"),
    ("y", None, lambda row: np.array([None, *row[1:]], object), "got none in sample 3, timestep 0"),
]


@pytest.mark.parametrize(("name", "length", "spoiled", "words"), WRONG)
def test_unusable_weights_or_labels_of_one_sequence_are_refused(name, length, spoiled, words):
    X, y = ([row[:length] for row in rows] for rows in sentences())
    given = {"y": y, "weights": [np.ones(len(row)) for row in y]}
    given[name][3] = spoiled(given[name][3])
    assert words in refusal(tagger, X, **given)


def test_a_refused_list_leaves_the_tagger_as_it_was():
    fitted = tagger(warm_start=True).fit(X, Y)
    before = fitted.predict_proba(X)
    shorter = [Y[0][:-1], *Y[1:]]
    with pytest.raises(ValueError, match="sample 0"):
        fitted.fit(X, shorter)
    with pytest.raises(ValueError, match=r"In `validation_data`: `y` .* timesteps of sample 0"):
        fitted.fit(X, Y, validation_data=(X, shorter))
    for found, expected in zip(fitted.predict_proba(X), before, strict=True):
        np.testing.assert_array_equal(found, expected)
