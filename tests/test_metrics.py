"""`metrics` and `monitor`: metrics of every epoch, and what patience follows."""

import pickle
import re
from functools import partial

import numpy as np
import pytest
from oracles import assert_same_arrays
from sklearn import model_selection
from sklearn.linear_model import Ridge
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    log_loss,
    make_scorer,
    max_error,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    top_k_accuracy_score,
)
from sklearn.metrics import mean_absolute_percentage_error as percentage_error
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from small_networks import LABELS, X, Y, classifier, labels, numbers, regressor

import skrnn
from skrnn.metrics import cross_val_predict, flat_scorer

LETTERS = np.array(list("cab"))[labels(3)]
F2 = partial(fbeta_score, beta=2, average="macro")


def largest_miss(y_true, y_pred):
    return np.abs(y_true - y_pred).max()


def refusal(function, *arguments):
    """Return the words with which a call fails."""
    with pytest.raises((TypeError, ValueError)) as caught:
        function(*arguments)
    return str(caught.value)


METRICS = [  # estimator, y, metric, its name, what it is by hand
    (classifier, LABELS, "accuracy", "accuracy", accuracy_score),
    (classifier, LABELS, "acc", "acc", accuracy_score),
    (classifier, LABELS, "BinaryAccuracy", "BinaryAccuracy", accuracy_score),
    (classifier, LETTERS, "f1_macro", "f1_macro", partial(f1_score, average="macro")),
    (classifier, LETTERS, F2, "fbeta_score", F2),
    (classifier, LETTERS, make_scorer(F2), "fbeta_score", F2),
    (classifier, LETTERS, accuracy_score, "accuracy_score", accuracy_score),
    (regressor, 100 * Y, "mae", "mae", mean_absolute_error),
    (regressor, 100 * Y, "MeanAbsoluteError", "MeanAbsoluteError", mean_absolute_error),
    (regressor, 100 * Y, "r2", "r2", r2_score),
    (regressor, np.c_[Y, 9 * Y], "r2_score", "r2_score", r2_score),
    (regressor, Y, "neg_max_error", "neg_max_error", lambda *y: -max_error(*y)),
    (regressor, np.c_[Y, 9 * Y], "mape", "mape", lambda *y: 100 * percentage_error(*y)),
    (
        regressor,
        Y,
        "mean_absolute_percentage_error",
        "mean_absolute_percentage_error",
        percentage_error,
    ),
    (regressor, np.c_[Y, 9 * Y], largest_miss, "largest_miss", largest_miss),
]


@pytest.mark.parametrize(
    ("make", "y", "metric", "name", "by_hand"),
    METRICS,
    ids=[f"{i} {case[3]}" for i, case in enumerate(METRICS)],
)
def test_metrics_of_the_last_epoch_are_those_of_predict(make, y, metric, name, by_hand):
    fitted = make(metrics=[metric]).fit(X, y, validation_data=(X[:9], y[:9]))
    for prefix, rows in (("", slice(None)), ("val_", slice(9))):
        assert len(fitted.history_[prefix + name]) == fitted.n_epochs_
        expected = by_hand(y[rows], fitted.predict(X[rows]))
        np.testing.assert_allclose(fitted.history_[prefix + name][-1], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("metric", "n_classes", "by_hand"),
    [
        ("AUC", 2, lambda y, p: roc_auc_score(y, p[:, 1])),
        ("roc_auc_ovr", 3, partial(roc_auc_score, multi_class="ovr")),
        ("log_loss", 3, log_loss),
        (log_loss, 2, log_loss),
        ("categorical_crossentropy", 3, log_loss),
        ("neg_log_loss", 3, lambda y, p: -log_loss(y, p)),
    ],
)
def test_metrics_get_probabilities_where_the_scorers_of_scikit_learn_do(metric, n_classes, by_hand):
    y = labels(n_classes)
    fitted = classifier(metrics=metric, dtype="float64").fit(X, y)
    name = metric if isinstance(metric, str) else metric.__name__
    expected = by_hand(y, fitted.predict_proba(X))
    np.testing.assert_allclose(fitted.history_[name][-1], expected, rtol=1e-6)


def test_metrics_of_one_hot_labels_and_multilabel_targets_are_those_of_keras():
    y = labels(8)
    fitted = classifier(
        loss="categorical_crossentropy",
        metrics=["accuracy", "categorical_crossentropy", "top_k_categorical_accuracy"],
    ).fit(X, np.eye(8, dtype=int)[y])
    probabilities = fitted.predict_proba(X)
    last = {name: values[-1] for name, values in fitted.history_.items()}
    assert last["accuracy"] == accuracy_score(y, probabilities.argmax(axis=1))
    assert last["categorical_crossentropy"] == pytest.approx(log_loss(y, probabilities), rel=1e-5)
    top = top_k_accuracy_score(y, probabilities, k=5)
    assert last["top_k_categorical_accuracy"] == pytest.approx(top)
    several = np.c_[LABELS, 1 - LABELS, y > 2].astype(int)
    fitted = classifier(metrics=["binary_accuracy", "accuracy"]).fit(X, several)
    right = fitted.predict(X) == several
    assert fitted.history_["binary_accuracy"][-1] == pytest.approx(right.mean())
    assert fitted.history_["accuracy"][-1] == pytest.approx(right.all(axis=1).mean())


def test_metrics_of_a_validation_set_may_lack_a_class():
    y = labels(3)
    held_out = X[y > 0], y[y > 0]
    fitted = classifier(metrics="log_loss").fit(X, y, validation_data=held_out)
    expected = log_loss(held_out[1], fitted.predict_proba(held_out[0]), labels=[0, 1, 2])
    np.testing.assert_allclose(fitted.history_["val_log_loss"][-1], expected, rtol=1e-5)


@pytest.mark.parametrize("make", [classifier, regressor])
def test_metrics_leave_out_padded_timesteps_and_those_of_zero_weight(make):
    lengths = np.arange(len(X)) % 4 + 2
    sequences = [x[:n] for x, n in zip(X, lengths, strict=True)]
    y = [(x[:, 0] > 5).astype(int) for x in sequences]
    weights = [np.arange(len(row)) % 3 for row in y]
    fitted = make(return_sequences=True, metrics=[largest_miss]).fit(sequences, y, weights)
    wrong = np.concatenate(y) - np.concatenate(list(fitted.predict(sequences)))
    expected = np.abs(wrong[np.concatenate(weights) > 0]).max()
    np.testing.assert_allclose(fitted.history_["largest_miss"][-1], expected, rtol=1e-5)


def test_metrics_change_nothing_that_is_learned():
    assert_same_arrays(
        classifier().fit(X, LABELS).weights_, classifier(metrics="accuracy").fit(X, LABELS).weights_
    )


@pytest.mark.parametrize(
    ("engine", "stateful"), [("numpy", False), ("numpy", True), ("keras", False)]
)
def test_metrics_are_the_same_in_both_engines_and_in_blocks(engine, stateful):
    asked = {"metrics": "mae", "shuffle": False, "epochs": 2, "stateful": stateful}
    fitted = regressor(engine="numpy", **asked).fit(X, Y)
    blocks = [(X[:16], Y[:16]), (X[16:], Y[16:])]
    in_blocks = regressor(engine=engine, **asked).fit_batches(blocks)
    for history in (in_blocks.history_, regressor(engine=engine, **asked).fit(X, Y).history_):
        np.testing.assert_allclose(history["mae"], fitted.history_["mae"], rtol=1e-4)


def test_metrics_join_the_history_that_a_warm_start_and_partial_fit_continue():
    fitted = classifier(warm_start=True).fit(X, LABELS)
    fitted.set_params(metrics="accuracy").fit(X, LABELS).partial_fit(X, LABELS)
    accuracies = fitted.history_["accuracy"]
    assert np.isnan(accuracies).tolist() == [True] * 3 + [False] * 4
    assert len(accuracies) == fitted.n_epochs_ == 7
    assert accuracies[-1] == fitted.score(X, LABELS)


@pytest.mark.parametrize(
    ("monitor", "best_of"),
    [("val_r2", np.argmax), ("mae", np.argmin), ("val_mae", np.argmin), ("loss", np.argmin)],
)
def test_patience_follows_the_monitor_in_its_direction(monitor, best_of):
    X, y = numbers()
    asked = {"metrics": ["r2", "mae"], "learning_rate": 0.3, "standardize": False}
    watching = regressor(patience=2, epochs=40, monitor=monitor, **asked)
    watching.fit(X[:16], y[:16], validation_data=(X[16:], y[16:]))
    best = int(best_of(watching.history_[monitor]))
    assert watching.n_epochs_ in (best + 3, 40)
    until_best = regressor(epochs=best + 1, **asked).fit(
        X[:16], y[:16], validation_data=(X[16:], y[16:])
    )
    assert_same_arrays(watching.weights_, until_best.weights_)


def test_an_undefined_metric_is_no_improvement():
    values = iter([np.nan, 3.0, np.nan, 1.0, 2.0, 2.0])
    fitted = regressor(metrics=[lambda *y: next(values)], monitor="<lambda>", patience=9)
    with pytest.raises(ValueError, match="name that says whether higher is better, got "):
        fitted.fit(X, Y)

    def slow_error(y_true, y_pred):
        return next(values)

    fitted.set_params(metrics=slow_error, monitor="slow_error", patience=2, epochs=6).fit(X, Y)
    until_best = regressor(epochs=4).fit(X, Y)
    assert_same_arrays(fitted.weights_, until_best.weights_)


WRONG = [
    (classifier, {"metrics": "acuracy"}, "`metrics` must name metrics of scikit-learn"),
    (classifier, {"metrics": ["accuracy"] * 2}, "it is there twice"),
    (classifier, {"metrics": 3}, "'metrics' parameter"),
    (classifier, {"metrics": [3]}, "or functions of"),
    (classifier, {"metrics": "mae"}, "Pass the function itself"),
    (regressor, {"metrics": "accuracy"}, "Pass the function itself"),
    (regressor, {"metrics": "roc_auc"}, "needs probabilities"),
    (regressor, {"metrics": lambda *y: y}, "must return one number"),
    (classifier, {"metrics": "precision"}, "'precision' failed: Target is multiclass"),
    (classifier, {"monitor": "val_accuracy"}, "Add the metric to `metrics`"),
    (
        classifier,
        {"metrics": "accuracy", "monitor": "val_accuracy", "patience": 3},
        "Set `validation_fraction`",
    ),
]


@pytest.mark.parametrize(
    ("make", "parameters", "words"), WRONG, ids=[f"{i} {case[2]}" for i, case in enumerate(WRONG)]
)
def test_metrics_that_cannot_be_are_refused_and_leave_the_estimator(make, parameters, words):
    fitted = make().fit(X, labels(3))
    before = fitted.history_
    with pytest.raises((TypeError, ValueError), match=words):
        fitted.set_params(**parameters).fit(X, labels(3))
    assert fitted.history_ is before


# flat_scorer

LENGTHS = np.arange(len(X)) % 4 + 2
SEQUENCES = [x[:n] for x, n in zip(X, LENGTHS, strict=True)]
TAGS = [np.where(x[:, 0] > 5, "up", "down") for x in SEQUENCES]


@pytest.mark.parametrize("as_array", [False, True], ids=["list", "masked array"])
@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [
        ("f1_macro", partial(f1_score, average="macro")),
        (F2, F2),
        ("accuracy", accuracy_score),
    ],
    ids=["name", "function", "accuracy"],
)
def test_flat_scorer_is_the_metric_of_all_valid_timesteps(metric, by_hand, as_array):
    given, y, parameters = SEQUENCES, TAGS, {}
    if as_array:
        given, y = np.full_like(X, np.nan), np.full(X.shape[:2], "up  ")
        for i, n in enumerate(LENGTHS):
            given[i, :n], y[i, :n] = SEQUENCES[i], TAGS[i]
        parameters = {"mask_value": np.nan}
    tagger = classifier(return_sequences=True, **parameters).fit(given, y)
    predicted = [row[:n] for row, n in zip(tagger.predict(given), LENGTHS, strict=True)]
    expected = by_hand(np.concatenate(TAGS), np.concatenate(predicted))
    assert flat_scorer(metric)(tagger, given, y) == pytest.approx(expected)


def test_flat_scorer_takes_probabilities_weights_numbers_and_pipelines():
    tagger = classifier(return_sequences=True).fit(SEQUENCES, TAGS)
    truth, found = np.concatenate(TAGS), np.concatenate(tagger.predict_proba(SEQUENCES))
    assert flat_scorer("AUC")(tagger, SEQUENCES, TAGS) == roc_auc_score(truth, found[:, 1])
    weights = [np.arange(1, n + 1) for n in LENGTHS]
    weighted = flat_scorer("accuracy")(tagger, SEQUENCES, TAGS, weights)
    assert weighted == pytest.approx(tagger.score(SEQUENCES, TAGS, weights))

    levels = [x[:, :1] for x in SEQUENCES]
    network = make_pipeline("passthrough", regressor(return_sequences=True)).fit(SEQUENCES, levels)
    expected = -mean_absolute_error(
        np.concatenate(levels), np.concatenate(network.predict(SEQUENCES))
    )
    assert flat_scorer("mae")(network, SEQUENCES, levels) == pytest.approx(expected)
    assert flat_scorer("neg_mean_absolute_error")(network[-1], SEQUENCES, levels) == pytest.approx(
        expected
    )


def test_flat_scorer_searches_labels_of_timesteps_in_processes():
    scorer = pickle.loads(pickle.dumps(flat_scorer("f1_macro")))
    assert repr(scorer) == "flat_scorer('f1_macro')"
    search = GridSearchCV(
        classifier(return_sequences=True), {"hidden_size": [2, 3]}, scoring=scorer, cv=3
    ).fit(SEQUENCES, TAGS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert scorer(search, SEQUENCES, TAGS) == search.score(SEQUENCES, TAGS)


def test_flat_scorer_names_what_it_cannot_use():
    with pytest.raises(ValueError, match="`name_or_metric` must name metrics"):
        flat_scorer("f1_makro")
    with pytest.raises(TypeError, match="got Ridge"):
        flat_scorer("r2")(Ridge(), X, Y)


# cross_val_predict

RARE = [np.where(np.arange(len(row)) + i == 0, "first", row) for i, row in enumerate(TAGS)]


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
@pytest.mark.parametrize("wrapped", [False, True], ids=["network", "pipeline"])
def test_cross_val_predict_predicts_each_sequence_by_the_other_folds(method, wrapped):
    tagger = classifier(return_sequences=True)
    estimator = make_pipeline("passthrough", tagger) if wrapped else tagger
    found = cross_val_predict(estimator, SEQUENCES, RARE, cv=KFold(3), method=method)
    for training, held_out in KFold(3).split(SEQUENCES):
        fitted = tagger.fit([SEQUENCES[i] for i in training], [RARE[i] for i in training])
        expected = getattr(fitted, method)([SEQUENCES[i] for i in held_out])
        for row, own in zip(found[held_out], expected, strict=True):
            if method != "predict":  # the fold of sample 0 is fitted without "first"
                assert row.shape == (len(own), 3)
                row = row[:, np.isin(["down", "first", "up"], fitted.classes_)]
            np.testing.assert_array_equal(row, own)


def test_cross_val_predict_returns_arrays_for_arrays_and_samples_as_scikit_learn_does():
    y = (X[..., 0] > 5).astype(int)
    tagger = classifier(return_sequences=True)
    assert cross_val_predict(tagger, X, y, cv=3).shape == (*X.shape[:2], 2)
    expected = model_selection.cross_val_predict(
        classifier(), X, LABELS, cv=3, method="predict_proba"
    )
    np.testing.assert_array_equal(cross_val_predict(classifier(), X, LABELS, cv=3), expected)


# Files


def test_metrics_are_stored_by_names_and_functions_must_be_trusted(tmp_path):
    fitted = regressor(metrics=("mae", r2_score), monitor="mae").fit(X, Y)
    skrnn.save(fitted, tmp_path / "network")
    [name] = re.findall(r"trusted=\['(.*)'\]", refusal(skrnn.load, tmp_path / "network"))
    loaded = skrnn.load(tmp_path / "network", trusted=[name])
    assert loaded.metrics == ("mae", r2_score)
    assert loaded.history_ == fitted.history_
    skrnn.save(fitted.set_params(metrics=("mae", "r2")), tmp_path / "network")
    assert skrnn.load(tmp_path / "network").metrics == ("mae", "r2")
    fitted.set_params(metrics=[lambda *y: 0.0])
    assert "metrics" in refusal(skrnn.save, fitted, tmp_path / "other")


class Interrupting:
    """R2, and Ctrl-C at one of its calls."""

    __name__ = "r2_score"

    def __init__(self, n_calls):
        self.left = n_calls

    def __call__(self, y_true, y_pred):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return r2_score(y_true, y_pred)


def test_a_checkpoint_restores_metrics_and_what_the_monitor_found_best(tmp_path):
    asked = {"monitor": "r2_score", "patience": 9, "epochs": 8, "learning_rate": 0.9}
    whole = regressor(metrics=r2_score, **asked).fit(X, Y)
    assert np.argmax(whole.history_["r2_score"]) < 6  # found before the interruption
    asked["checkpoint_dir"] = tmp_path
    with pytest.raises(KeyboardInterrupt):
        regressor(metrics=Interrupting(7), **asked).fit(X, Y)
    resumed = regressor(metrics=Interrupting(7), **asked).fit(X, Y)  # 2 more calls
    assert_same_arrays(resumed.weights_, whole.weights_)
    assert resumed.history_["r2_score"] == whole.history_["r2_score"]
