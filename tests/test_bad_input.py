"""What the estimators refuse: clear words, nothing built, and the estimator as it was before."""

import inspect
import pickle
import re
import warnings
from copy import deepcopy
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError

from skrnn import RNNClassifier, RNNRegressor
from skrnn._keras_engine import programs

ESTIMATORS = [RNNRegressor, RNNClassifier]
FOREIGN = re.compile(r"tensorflow|graph|Tensor\(", re.IGNORECASE)

both = pytest.mark.parametrize("estimator", ESTIMATORS)


def small(estimator, **parameters):
    """An estimator that trains in no time; all tests share its compiled programs."""
    tiny = {"cell_type": "simple_rnn", "hidden_size": 3, "epochs": 1, "random_state": 0}
    return estimator(**(tiny | parameters))


def good_X(n_samples=20, timesteps=4, features=2):
    return np.random.default_rng(0).normal(size=(n_samples, timesteps, features))


def good_y(estimator, n_samples=20):
    return np.arange(n_samples) % 2 if estimator is RNNClassifier else np.linspace(0, 1, n_samples)


def step_y(estimator, n_samples=20, timesteps=4):
    """A target for each timestep."""
    return np.repeat(good_y(estimator, n_samples)[:, np.newaxis], timesteps, axis=1)


def tokens(*wrong, dtype=float):
    """Ids below 10 in 20 samples of 4 timesteps, the wrong ones in sample 3."""
    X = np.arange(80, dtype=dtype).reshape(20, 4) % 10
    X[3, : len(wrong)] = wrong
    return X


def sequences():
    """Sequences of 2, 3 and 4 timesteps in turn."""
    return [sample[: 2 + i % 3] for i, sample in enumerate(good_X())]


def frames():
    return [pd.DataFrame(sequence, columns=["a", "b"]) for sequence in sequences()]


def sequence_targets(estimator):
    return [step[: 2 + i % 3] for i, step in enumerate(step_y(estimator))]


def changed(array, position, value):
    array = np.array(array)
    array[position] = value
    return array


@cache
def fitted(estimator):
    """A fitted network whose programs are built; tests work on copies."""
    network = small(estimator).fit(good_X(), good_y(estimator))
    for use in (network.predict, network.transform):
        use(good_X())
    return network


def refused(call, subject, *words):
    """Assert that a call is refused in these words, that nothing was built, nothing changed."""
    before, content = dict(vars(subject)), pickle.dumps(subject)
    built = programs._build.cache_info().misses
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert programs._build.cache_info().misses == built
    assert list(vars(subject)) == list(before)
    assert all(vars(subject)[name] is before[name] for name in before)
    assert pickle.dumps(subject) == content
    message = str(caught.value)
    assert not FOREIGN.search(message), message
    for word in words:
        assert str(word) in message


def fit_is_refused(estimator, X, y, *words, sample_weight=None, validation_data=None, **parameters):
    """Assert that `fit` refuses, unfitted and fitted, and that a fitted one predicts as before."""
    keywords = {"sample_weight": sample_weight, "validation_data": validation_data}
    unfitted = small(estimator, **parameters)
    refused(lambda: unfitted.fit(X, y, **keywords), unfitted, *words)
    with pytest.raises(NotFittedError):
        unfitted.predict(good_X())
    before = fitted(estimator).predict(good_X())
    again = deepcopy(fitted(estimator)).set_params(**parameters)
    refused(lambda: again.fit(X, y, **keywords), again, *words)
    assert_array_equal(again.predict(good_X()), before)


# X

BAD_X = {
    "NaN": (changed(good_X(), (3, 1), np.nan), "NaN", "mask_value"),
    "None in lists": ([[1.0, 2.0, None, 3.0]] * 20, "NaN", "mask_value"),
    "infinity": (changed(good_X(), (3, 1, 0), np.inf), "infinity"),
    "minus infinity": (changed(good_X(), (3, 1, 0), -np.inf), "infinity"),
    "too large for float32": (changed(good_X(), (3, 1, 0), 1e300), "too large", "float32"),
    "a number": (3.0, "Expected 2D array", "scalar"),
    "one dimension": (np.arange(20.0), "1D array"),
    "four dimensions": (good_X()[np.newaxis], "X", "4 dimensions", (1, 20, 4, 2)),
    "no samples": (good_X()[:0], "0 sample"),
    "no timesteps": (good_X()[:, :0], "at least one timestep", (20, 0, 2)),
    "no features": (good_X()[:, :, :0], "one feature", (20, 4, 0)),
    "no columns": (good_X()[:, :0, 0], "0 feature"),
    "nothing": (None, "None"),
    "an empty list": ([], "Expected 2D array", "array=[]"),
    "a list of empty lists": ([[]] * 20, "0 feature(s)"),
    "an empty sequence": ([*sequences()[:-1], np.empty((0, 2))], "`X`", "empty sequence", 19),
    "an empty list among sequences": ([*sequences()[:-1], []], "`X`", "empty sequence", 19),
    "complex numbers": (good_X() + 1j, "Complex data not supported"),
    "a sparse matrix": (sparse.csr_array(good_X()[:, :, 0]), "parse data"),
    "a sparse matrix for each sample": ([sparse.csr_array(good_X()[0])] * 20, "Sparse data"),
    "strings": (np.full((20, 4), "word"), "`X`", "numbers", "word", "vocab_size"),
    "strings of digits": (np.full((20, 4), "7"), "`X`", "numbers", "'7'"),
    "sentences": (["a few words"] * 20, "`X`", "numbers", "a few words", "token ids"),
    "strings among objects": (
        changed(good_X()[:, :, 0].astype(object), (3, 1), "word"),
        "`X`",
        "numbers",
        "word",
    ),
    "a frame with strings": (pd.DataFrame({"a": [1.0] * 20, "b": ["word"] * 20}), "`X`", "word"),
    "bytes": (np.full((20, 4), b"word"), "`X`", "numbers", "word"),
    "dates": (np.full((20, 4), np.datetime64("2024-01-01")), "`X`", "numbers"),
    "time differences": (np.full((20, 4), np.timedelta64(1, "D")), "`X`", "numbers"),
    "objects": (np.full((20, 4), {}, dtype=object), "numbers", "dict"),
    "a dict": ({"a": [1, 2]}, "Expected 2D array"),
    "a set": ({1.0, 2.0}, "Expected 2D array"),
    "a list of ragged sequences": (
        [[[1.0, 2.0], [3.0]]] * 20,
        "`X`",
        "sequence 0",
        "ragged",
        "number of features",
    ),
    "sequences of unequal features": (
        [*sequences()[:-1], np.ones((3, 5))],
        "`X`",
        "features",
        [2, 5],
    ),
    "sequences of mixed dimensions": ([np.ones((3, 2)), np.ones(3)] * 10, "`X`", "1-D", "2-D"),
    "sequences of three dimensions": (
        [np.ones((2 + i % 2, 3, 2)) for i in range(20)],
        "`X`",
        "dimensions",
    ),
    "a sequence with NaN": (
        [*sequences()[:-1], np.full((3, 2), np.nan)],
        "NaN",
        "sequence 19",
        "mask_value",
    ),
    "None among sequences": ([None, *sequences()[1:]], "`X`", "item 0", "None"),
    "a number among sequences": ([*sequences()[:-1], 3.0], "`X`", "item 19", "3.0"),
    "a frame with durations": (
        pd.DataFrame({"a": [1.0] * 20, "b": pd.timedelta_range("1D", periods=20)}),
        "Column 'b' of `X`",
        "numbers",
    ),
    "a frame with periods": (
        pd.DataFrame({"a": [1.0] * 20, "b": pd.period_range("2024", periods=20, freq="D")}),
        "Column 'b' of `X`",
        "numbers",
    ),
    "a frame of lists": (pd.DataFrame({"a": [[1.0, 2.0]] * 20}), "Column 'a' of `X`", "list"),
    "a sequence that is a frame with dates": (
        [*frames()[:-1], frames()[0].assign(b=pd.Timestamp("2024-01-01"))],
        "Column 'b' of sequence 19 of `X`",
        "2024-01-01",
    ),
    "a sequence that is a frame with NA": (
        [*frames()[:-1], pd.DataFrame({"a": [1, 2], "b": [pd.NA, 1]}, dtype="Int64")],
        "NaN",
    ),
    "frames in another order of columns": (
        [*frames()[:-1], frames()[-1][["b", "a"]]],
        "`X`",
        "equal order",
        "sequence 19",
        ["b", "a"],
    ),
    "a sequence with infinity": ([*sequences()[:-1], np.full((3, 2), np.inf)], "infinity"),
    "a sequence of strings": ([*sequences()[:-1], np.full((3, 2), "word")], "`X`", "word"),
    "a sequence of complex numbers": ([*sequences()[:-1], np.full((3, 2), 1j)], "Complex"),
}


@pytest.mark.parametrize("case", BAD_X)
@both
def test_unusable_X_is_refused_in_fit(estimator, case):
    X, *words = BAD_X[case]
    fit_is_refused(estimator, X, good_y(estimator), *words)


@pytest.mark.parametrize("method", ["predict", "transform", "score"])
@pytest.mark.parametrize("case", BAD_X)
@both
def test_unusable_X_is_refused_after_fit(estimator, case, method):
    X, *words = BAD_X[case]
    subject = deepcopy(fitted(estimator))
    target = (good_y(estimator),) if method == "score" else ()
    refused(lambda: getattr(subject, method)(X, *target), subject, *words)


OTHER_SHAPES = {
    "timesteps": (good_X(timesteps=5), "4 timesteps", "as in `fit`", 5),
    "features": (good_X(features=3), "2 features", "as in `fit`", 3),
    "rows": (good_X()[:, :, 0], "2 features", "as in `fit`", 1),
    "one sample": (good_X()[0], "2 features", "as in `fit`", "If X is one sample, pass `[X]`"),
    "sequences": (sequences(), "4 timesteps", "got 2, 3, 4", "Fit on a list", "unequal"),
}


@pytest.mark.parametrize("method", ["predict", "transform", "partial_fit"])
@pytest.mark.parametrize("case", OTHER_SHAPES)
@both
def test_other_shape_than_fitted_is_refused(estimator, case, method):
    X, *words = OTHER_SHAPES[case]
    subject = deepcopy(fitted(estimator))
    target = (good_y(estimator),) if method == "partial_fit" else ()
    refused(lambda: getattr(subject, method)(X, *target), subject, *words)


def test_other_number_of_columns_than_fitted_is_refused():
    subject = small(RNNRegressor).fit(good_X()[:, :, 0], good_y(RNNRegressor))
    refused(lambda: subject.predict(good_X()[:, :3, 0]), subject, "3 features", "4 features")


# Token ids

BAD_TOKENS = {
    "at the limit": (tokens(10), 10, "[0, 10)", "sample 3, timestep 0", "Raise `vocab_size`"),
    "minus one": (tokens(1, -1), -1, "[0, 10)", "sample 3, timestep 1"),
    "integer minus one": (tokens(1, -1, dtype=int), -1, "[0, 10)", "sample 3, timestep 1"),
    "a fraction": (tokens(2.7), 2.7, "[0, 10)", "whole"),
    "beyond 32 bits": (tokens(2**32 + 1, dtype=np.int64), 2**32 + 1, "[0, 10)"),
    "beyond 32 bits, a float": (tokens(2.0**32 + 1), 2**32 + 1, "[0, 10)"),
    "beyond 63 bits": (tokens(2**63 + 1, dtype=np.uint64), 2**63 + 1, "[0, 10)"),
    "NaN": (tokens(np.nan), "nan", "[0, 10)"),
    "None in lists": ([[1, None, 2, 3]] * 20, "nan", "[0, 10)", "sample 0, timestep 1"),
    "infinity": (tokens(np.inf), "inf", "[0, 10)"),
    "two features": (np.ones((20, 4, 2)), "one token id", "2 features"),
    "strings": (np.full((20, 4), "word"), "numbers", "word"),
    "in a sequence": (
        [np.arange(2 + i % 3) if i != 3 else np.array([1, 11]) for i in range(20)],
        11,
        "[0, 10)",
        "sample 3, timestep 1",
    ),
    "a fraction in a sequence": (
        [np.arange(2.0 + i % 3) if i != 3 else np.array([1, 2.7]) for i in range(20)],
        2.7,
        "sample 3",
    ),
    "minus one in a sequence": (
        [np.arange(2 + i % 3) if i != 3 else np.array([1, -1]) for i in range(20)],
        -1,
        "sample 3",
    ),
}


@pytest.mark.parametrize("case", BAD_TOKENS)
@both
def test_wrong_token_id_is_refused_and_shown(estimator, case):
    X, *words = BAD_TOKENS[case]
    fit_is_refused(estimator, X, good_y(estimator), *words, vocab_size=10)


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_wrong_token_id_is_refused_in_predict(case):
    X, *words = BAD_TOKENS[case]
    subject = small(RNNRegressor, vocab_size=10, embedding_dim=2)
    subject.fit([*tokens(), np.array([1, 2])], good_y(RNNRegressor, 21))
    refused(lambda: subject.predict(X), subject, *words)


@pytest.mark.parametrize(
    "X", [tokens(5000, dtype=int), [np.arange(2 + i % 3) * 500 for i in range(20)]]
)
def test_integers_that_look_like_token_ids_warn(X):
    with pytest.warns(UserWarning, match="`vocab_size`"):
        small(RNNRegressor).fit(X, good_y(RNNRegressor))


@pytest.mark.parametrize(
    ("X", "vocab_size"),
    [(tokens(5000), None), (tokens(5000, dtype=int), 5001), (tokens(9, dtype=int), None)],
)
def test_measurements_and_declared_tokens_do_not_warn(X, vocab_size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(RNNRegressor, vocab_size=vocab_size).fit(X, good_y(RNNRegressor))


# y

BAD_TARGETS = {
    "too short": (np.arange(19.0), 19, 20),
    "too long": (np.arange(21.0), 20, 21),
    "NaN": (changed(np.arange(20.0), 3, np.nan), "y contains NaN"),
    "infinity": (changed(np.arange(20.0), 3, np.inf), "y contains infinity"),
    "four dimensions": (np.ones((20, 2, 2, 2)), "`y`", "at most 3 dimensions", (20, 2, 2, 2)),
    "no outputs": (np.ones((20, 0)), "0 feature(s)"),
    "no outputs of steps": (np.ones((20, 2, 0)), "`y`", "at least one output", (20, 2, 0)),
    "a number": (3.0, "at least 1 dimension"),
    "nothing": (None, "requires y"),
    "empty": ([], "0 sample(s)"),
    "complex numbers": (np.full(20, 1j), "Complex data not supported"),
    "strings": (["word"] * 20, "`y`", "numbers", "'word'"),
    "strings of digits": (["7"] * 20, "`y`", "numbers", "'7'"),
    "a dict": ({"a": 1}, "`y`", "numbers", "dict"),
    "dates": (pd.date_range("2024-01-01", periods=20), "`y`", "numbers", "2024-01-01"),
    "durations": (np.arange(20).astype("m8[D]"), "`y`", "numbers", "timedelta"),
    "a frame with dates": (
        pd.DataFrame({"a": np.arange(20.0), "b": pd.date_range("2024-01-01", periods=20)}),
        "Column 'b' of `y`",
        "numbers",
    ),
    "a sparse matrix": (sparse.csr_array(np.ones((20, 1))), "parse data"),
    "ragged lists": ([[1.0], [1.0, 2.0]] * 10, "`y`", "return_sequences=True"),
    "too large for float32": (changed(np.arange(20.0), 3, 1e300), "y contains", "too large"),
}


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_unusable_target_is_refused(case):
    y, *words = BAD_TARGETS[case]
    fit_is_refused(RNNRegressor, good_X(), y, *words, standardize=False)


@pytest.mark.parametrize(
    "case", sorted(set(BAD_TARGETS) - {"no outputs", "nothing", "too large for float32"})
)
def test_unusable_target_is_refused_in_score(case):
    y, *words = BAD_TARGETS[case]
    subject = deepcopy(fitted(RNNRegressor))
    refused(lambda: subject.score(good_X(), y), subject, *words)


@pytest.mark.parametrize("trailing", [(3, 2), (6,), ()])
def test_other_outputs_than_fitted_are_refused_in_score(trailing):
    subject = small(RNNRegressor).fit(good_X(), np.ones((20, 2, 3)))
    y = np.ones((20, *trailing))
    refused(lambda: subject.score(good_X(), y), subject, "`y`", (2, 3), trailing or (1,))


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (RNNRegressor, np.full(20, np.nan)),
        (RNNRegressor, np.ones((20, 2))),
        (RNNClassifier, np.linspace(0, 1, 20)),
        (RNNClassifier, ["a", "b"] * 10),
        (RNNClassifier, np.eye(4, dtype=int)[np.arange(20) % 4]),
        (RNNClassifier, np.arange(19) % 2),
    ],
)
def test_refused_score_leaves_the_carried_states(estimator, y):
    subject = small(estimator, stateful=True, batch_size=10).fit(good_X(), good_y(estimator))
    subject.predict(good_X())
    refused(lambda: subject.score(good_X(), y), subject)


BAD_LABELS = {
    "one class": (np.zeros(20, dtype=int), "one class", [0]),
    "one string": (["a"] * 20, "one class", ["a"]),
    "measurements": (np.linspace(0, 1, 20), "continuous"),
    "too short": (np.arange(19) % 2, 19, 20),
    "too long": (np.arange(21) % 2, 20, 21),
    "NaN": (changed(good_y(RNNClassifier).astype(float), 3, np.nan), "y contains NaN"),
    "infinity": (changed(good_y(RNNClassifier).astype(float), 3, np.inf), "y contains infinity"),
    "None among strings": (["a", None] * 10, "`y`", "label 1"),
    "a missing string": (pd.Series(["a", None] * 10, dtype="string"), "`y`", "label 1"),
    "ragged lists": ([["a"], ["a", "b"]] * 10, "`y`", "return_sequences=True", "MultiLabelBin"),
    "strings among numbers": (np.array(["a", 1] * 10, dtype=object), "`y`"),
    "several classes for several outputs": (np.arange(60).reshape(20, 3) % 3, "1d array", (20, 3)),
    "three dimensions": (np.arange(80).reshape(20, 2, 2) % 2, "dim 3"),
    "a number": (3, "at least 1 dimension"),
    "nothing": (None, "requires y"),
    "empty": ([], "0 sample(s)"),
    "complex numbers": (good_y(RNNClassifier) + 1j, "Complex data not supported"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_unusable_labels_are_refused(case):
    y, *words = BAD_LABELS[case]
    fit_is_refused(RNNClassifier, good_X(), y, *words)


BAD_STEP_TARGETS = {
    "one value a sample": (good_y, "`y`", "(n_samples, timesteps"),
    "other timesteps": (lambda leaf: step_y(leaf)[:, :3], "`y`", "timesteps"),
    "other samples": (lambda leaf: step_y(leaf)[:19], 20, 19),
    "a sparse matrix": (lambda leaf: sparse.csr_array(step_y(leaf)), "`y`", "`toarray()`"),
    "NaN": (lambda leaf: changed(step_y(leaf).astype(float), (3, 1), np.nan), "NaN"),
    "nothing": (lambda leaf: None, "requires y"),
    "a number": (lambda leaf: 3, "`y`"),
}


@pytest.mark.parametrize("case", BAD_STEP_TARGETS)
@both
def test_unusable_targets_of_timesteps_are_refused(estimator, case):
    make, *words = BAD_STEP_TARGETS[case]
    fit_is_refused(estimator, good_X(), make(estimator), *words, return_sequences=True)


@pytest.mark.parametrize("trailing", [(2,), (1,), (2, 2)])
def test_other_outputs_than_fitted_are_refused_in_partial_fit(trailing):
    subject = deepcopy(fitted(RNNRegressor))
    words = "`y`", "trailing shape", (), trailing
    refused(lambda: subject.partial_fit(good_X(), np.ones((20, *trailing))), subject, *words)


# Validation data


INDICATORS = np.eye(2, dtype=int)[good_y(RNNClassifier)] | np.arange(20)[:, np.newaxis] // 10


@pytest.mark.parametrize(
    ("trained", "other"),
    [(good_y(RNNClassifier), INDICATORS), (INDICATORS, good_y(RNNClassifier))],
)
def test_labels_of_another_form_are_refused_in_validation_and_after_fit(trained, other):
    X, words = good_X(), ("`y`", "form it had in `fit`", other.shape)
    fit_is_refused(RNNClassifier, X, trained, *words, validation_data=(X, other))
    subject = small(RNNClassifier, warm_start=True).fit(X, trained)
    refused(lambda: subject.fit(X, other), subject, *words)


# Parameters: (name, values that are refused, what the message says is allowed)

WHOLE = "[1, inf)"
SHARE = "[0.0, 1.0)"
CELLS = "'gru'", "'lstm'", "'simple_rnn'"
BAD_PARAMETERS = [
    ("cell_type", ["rnn", "LSTM", 3, None], CELLS),
    ("cell_type", [("rnn",), ("lstm", 3), (None,), (["lstm"],)], CELLS),
    ("hidden_size", [0, -1, 2.5, "32", None], (WHOLE, "tuple")),
    ("hidden_size", [(0,), (8, -1), (2.5,), ("8",), (True,), True], ("at least 1",)),
    ("hidden_size", [(), []], ("at least one layer",)),
    ("standardize", ["x", "both", 2, None], ("'X'", "'y'", "bool")),
    ("bidirectional", ["yes", 2, None], ("bool",)),
    ("activation", ["nope", "glu", 3, None, np.tanh], ("'relu'", "'tanh'")),
    ("dropout", [-0.1, 1, 1.5, np.nan, "half", None], (SHARE,)),
    ("recurrent_dropout", [-0.1, 1, 1.5, np.nan, "half", None], (SHARE,)),
    ("spatial_dropout", [-0.1, 1, 1.5, np.nan, "half", None], (SHARE,)),
    ("kernel_l2", [-0.1, np.nan, np.inf, "l2", None], ("[0.0, inf)",)),
    ("recurrent_l2", [-0.1, np.nan, np.inf, "l2", None], ("[0.0, inf)",)),
    ("dense_sizes", [0, -1, 2.5, "8", None], (WHOLE, "tuple")),
    ("dense_sizes", [(0,), (8, -1), (2.5,), ("8",), (True,)], ("at least 1",)),
    ("dense_activation", ["nope", "glu", 3, None], ("'relu'", "'tanh'")),
    ("return_sequences", ["yes", 2, None], ("bool",)),
    ("pooling", ["sum", 2, None], ("'last'", "'max'", "'mean'")),
    ("stateful", ["yes", 2, None], ("bool",)),
    ("vocab_size", [0, -1, 2.5, "many"], (WHOLE, "None")),
    ("embedding_dim", [0, -1, 2.5, "wide", None], (WHOLE,)),
    ("embedding_init", [3, "glove"], ("array-like", "None")),
    ("embedding_init", [np.zeros((9, 4)), np.array(1.0)], ("needs `vocab_size`",)),
    ("embedding_trainable", ["yes", 2, None], ("bool",)),
    ("mask_value", ["nan", (0,), [0.0], 1j], ("float", "None")),
    ("mask_value", [np.inf, -np.inf], ("`mask_value`", "finite")),
    ("loss", ["nope", 3, None, ("mse",)], ("'auto'", "'mean_squared_error'")),
    ("optimizer", ["nope", "Adam", 3, None], ("'adam'", "'sgd'", "dict")),
    (
        "optimizer",
        [{}, {"clipnorm": 1.0}, {"name": "nope"}, {"name": 3}, {"name": ["adam"]}],
        ("'name'", "adam"),
    ),
    ("optimizer", [{"name": "adam", "nope": 1}], ("'nope'", "clipnorm", "beta_1")),
    ("optimizer", [{"name": "adam", "beta_1": "a"}], ("beta_1", "numbers")),
    ("optimizer", [{"name": "adam", "beta_1": [0.9]}], ("beta_1", "numbers")),
    ("optimizer", [{"name": "adam", "beta_1": 0.9, 1: 2}], ("strings", "1")),
    ("optimizer", [{"name": "adam", "use_ema": True}], ("use_ema", "not support")),
    (
        "optimizer",
        [{"name": "adam", "learning_rate": rate} for rate in (0, -1, "a", np.nan, np.inf, True)],
        ("learning_rate", "above 0"),
    ),
    *[
        ("optimizer", [{"name": "adam", name: value} for value in values], (f"as {name}", allowed))
        for name, values, allowed in [
            ("clipnorm", [-1, 0, True], "(0.0, inf)"),
            ("clipvalue", [-1], "(0.0, inf)"),
            ("global_clipnorm", [-1], "(0.0, inf)"),
            ("epsilon", [-1, np.nan], "[0.0, inf)"),
            ("weight_decay", [-1], "[0.0, inf)"),
            ("beta_1", [5, 1.0, -0.1], "[0.0, 1.0)"),
            ("gradient_accumulation_steps", [0, 2.5], "an int in the range [2, inf)"),
        ]
    ],
    ("learning_rate", [1e39, 1e-40], ("`learning_rate`", "float32")),
    ("optimizer", [{"name": "sgd", "learning_rate": 1e39}], ("`learning_rate`", "float32")),
    ("learning_rate", [0, -0.1, "fast", np.nan, np.inf], ("0.0, inf",)),
    ("epochs", [0, -1, 2.5, "many", None], (WHOLE,)),
    ("batch_size", [0, -1, 2.5, "auto", None], (WHOLE,)),
    ("shuffle", ["yes", 2, None], ("bool",)),
    ("patience", [-1, 2.5, "long"], ("[0, inf)", "None")),
    ("min_delta", [-1, np.nan, "small", None], ("[0.0, inf)",)),
    ("validation_fraction", [-0.1, 1, 1.5, np.nan, "half", None], (SHARE,)),
    ("callbacks", [3, "early"], ("list", "callable", "None")),
    ("callbacks", [[3], ["early"], (None,)], ("Keras callbacks",)),
    ("engine", ["jax", "NumPy", 3, None], ("'auto'", "'keras'", "'numpy'")),
    ("callbacks", [dict, partial(int)], ("`callbacks`", "list of Keras callbacks")),
    ("callbacks", [partial(print, end="")], ("None from the function",)),
    ("device", [3, None], ("str",)),
    ("device", ["gpu", "cuda:0", "cpu:0", "gpu:01", "GPU:0", ""], ("'all'", "'gpu:0'")),
    ("dtype", ["float16", "double", np.float32, None], ("'float32'", "'float64'")),
    ("checkpoint_dir", [3, b"folder", ["folder"]], ("str", "PathLike", "None")),
    ("checkpoint_dir", ["", "\0", __file__], ("`checkpoint_dir`", "folder")),
    ("checkpoint_every", [0, -1, 2.5, "often", None], (WHOLE,)),
    ("warm_start", ["yes", 2, None], ("bool",)),
    ("random_state", [-1, 2.5, "seed"], ("RandomState",)),
    ("verbose", [-1, "loud", None], ("verbose",)),
]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [(name, value, allowed) for name, values, allowed in BAD_PARAMETERS for value in values],
)
@both
def test_wrong_parameter_is_refused_by_name(estimator, name, value, allowed):
    X, y = good_X(), good_y(estimator)
    fit_is_refused(estimator, X, y, name, *allowed, **{name: value})


def test_every_parameter_stands_in_the_table():
    named = {name for name, *_ in BAD_PARAMETERS}
    assert named == set(inspect.signature(RNNRegressor).parameters)


# What else `fit` refuses: the estimators, samples, targets, words of the message and arguments.
# Targets that are a function are made for the estimator.

X, CODES, NUMBERS = good_X(), good_y(RNNClassifier), good_y(RNNRegressor)
MULTILABEL = np.eye(4, dtype=int)[np.arange(20) % 4]
PARTLY_NAN = changed(X, (3, 1, 0), np.nan)
LAST_PARTLY_NAN = [*sequences()[:-1], np.array([[1.0, np.nan], [1.0, 1.0]])]
ONE_OF_1, FIFTH = changed(np.zeros(20, dtype=int), 3, 1), {"validation_fraction": 0.2}
WIDER = {"validation_data": (X, np.column_stack([INDICATORS, CODES]))}
FIRST_STEP_NAN = changed(X, (slice(None), 0), np.nan)
FIRST_STEP = changed(np.zeros((20, 4)), (slice(None), 0), 1.0)
STEPS, TEN = {"return_sequences": True}, {"vocab_size": 10}
TWO_RATES = {"optimizer": {"name": "adam", "learning_rate": 0.1}, "learning_rate": 0.2}
TWO_CLIPS = {"name": "adam", "clipnorm": 1.0, "clipvalue": 1.0}
SHORT_BATCH = {"stateful": True, "batch_size": 10, "validation_data": (X[:15], CODES[:15])}
MASKED_STEPS = STEPS | {"mask_value": np.nan}
BINARY = "binary_crossentropy"
BOTH, REGRESSOR, CLASSIFIER = ESTIMATORS, [RNNRegressor], [RNNClassifier]


def validating(y):
    return {"validation_data": (X, y)}


def weighing(value):
    return {"class_weight": value}


REFUSED_FITS = [
    *[
        (BOTH, PARTLY_NAN, good_y, ["NaN", "mask_value"], {"mask_value": value})
        for value in (np.nan, 0.0, None)
    ],
    (BOTH, LAST_PARTLY_NAN, good_y, ["NaN", "part of a timestep"], {"mask_value": np.nan}),
    (BOTH, changed(X, (3, 1), np.nan), good_y, ["NaN", "mask_value=np.nan"], {"mask_value": 0.0}),
    # Targets and weights of timesteps
    (CLASSIFIER, X, np.zeros((20, 4), dtype=int), ["one class"], STEPS),
    (BOTH, sequences(), lambda kind: sequence_targets(kind)[:-1], [20, 19], STEPS),
    (BOTH, FIRST_STEP_NAN, step_y, ["weight"], MASKED_STEPS | {"sample_weight": FIRST_STEP}),
    (BOTH, np.full_like(X, np.nan), step_y, ["timestep"], MASKED_STEPS),
    *[
        (BOTH, X, step_y, words, STEPS | {"sample_weight": weight})
        for weight, *words in [
            (np.ones((20, 3)), "sample_weight", (20, 4), (20, 3)),
            (np.ones(19), "sample_weight", 19),
            (np.full((20, 4), -1.0), "sample_weight", "egative"),
            (np.full((20, 4), np.nan), "sample_weight", "NaN"),
            (np.zeros((20, 4)), "weight", "zero"),
            (np.ones((20, 4, 1)), "dim 3"),
        ]
    ],
    # Weights of samples
    *[
        (BOTH, X, good_y, words, {"sample_weight": weight})
        for weight, *words in [
            (changed(np.ones(20), 3, -1.0), "sample_weight", "egative"),
            (changed(np.ones(20), 3, np.nan), "sample_weight", "NaN"),
            (changed(np.ones(20), 3, np.inf), "sample_weight", "infinity"),
            (np.zeros(20), "weight", "zero"),
            (np.ones(19), "sample_weight", 19, 20),
            (np.ones(21), "sample_weight", 21, 20),
            (np.ones((20, 4)), "1D"),
            (["heavy"] * 20, "`sample_weight`", "numbers", "heavy"),
            ({"a": 1}, "`sample_weight`", "numbers", "dict"),
            (np.full(20, np.timedelta64(1, "D")), "`sample_weight`", "numbers"),
            ([[1.0], [1.0, 2.0]] * 10, "`sample_weight`", "unequal lengths"),
            (np.full(20, 1j), "omplex"),
            ([], "0 sample(s)"),
        ]
    ],
    # Token ids
    *[
        (
            BOTH,
            tokens(),
            good_y,
            ["`mask_value`", "token id", "[0, 10)"],
            TEN | {"mask_value": value},
        )
        for value in (-1, 10, 0.5, np.nan, 2**32)
    ],
    # Validation
    *[
        (BOTH, X, good_y, ["`validation_data`", "(X, y", got], {"validation_data": wrong})
        for wrong, got in [
            (X, "got ndarray"),
            ([X], "got 1 items"),
            ((X, [0, 1], None, None), "got 4 items"),
            ("all", "got str"),
            ({}, "got dict"),
        ]
    ],
    *[
        (BOTH, X, good_y, ["`validation_data`", *words], {"validation_data": (wrong, CODES)})
        for wrong, *words in [
            (good_X(timesteps=5), "4 timesteps", 5),
            (good_X(features=3), "2 features", 3),
            (changed(X, (3, 1), np.nan), "NaN"),
            (X[:0], "0 sample"),
            (X[:19], 19, 20),
        ]
    ],
    *[
        (BOTH, X, good_y, ["weight"], {"validation_data": (X, CODES, weight)})
        for weight in (np.zeros(20), np.full(20, -1.0), np.ones(19))
    ],
    (CLASSIFIER, X, CODES, ["`y`", [7], [0, 1]], validating(changed(CODES, 3, 7))),
    (REGRESSOR, X, NUMBERS, ["`y`", "trailing shape", (2,)], validating(np.ones((20, 2)))),
    (CLASSIFIER, X, INDICATORS, ["`y`", "a column for each of 2 classes", (20, 3)], WIDER),
    (CLASSIFIER, X, ONE_OF_1, ["`validation_fraction`", "two samples of each class", [1]], FIFTH),
    (BOTH, X, good_y, ["`validation_fraction`"], {"validation_fraction": 0.99}),
    # Weights of classes
    (CLASSIFIER, X, CODES, ["one class", [1]], {"sample_weight": (CODES == 1).astype(float)}),
    *[
        (CLASSIFIER, X, CODES, ["class_weight"], weighing({0: weight, 1: 1.0}))
        for weight in (-1.0, np.nan, "a")
    ],
    (CLASSIFIER, X, CODES, ["class_weight"], weighing({0: 0.0, 1: 0.0})),
    *[
        (CLASSIFIER, X, CODES, ["`class_weight`", [0, 1], [7]], weighing(weights))
        for weights in ({0: 1.0, 7: 1.0}, {0: 1.0, 1: 2.0, 7: 3.0})
    ],
    *[
        (CLASSIFIER, X, CODES, ["class_weight", "dict", "'balanced'"], weighing(value))
        for value in ("even", 3, [1, 2])
    ],
    (CLASSIFIER, X, MULTILABEL, ["`class_weight`", "multilabel"], weighing("balanced")),
    # Parameters that contradict each other
    (BOTH, X, good_y, ["`cell_type`", 2, 1], {"hidden_size": (3, 3), "cell_type": ("lstm",)}),
    (BOTH, X, good_y, ["cell_type", 2, 1], {"hidden_size": (3,), "cell_type": ("lstm", "gru")}),
    (BOTH, X, good_y, ["`learning_rate`", "twice", 0.1, 0.2], TWO_RATES),
    (BOTH, X, good_y, ["`optimizer`", "clipnorm"], {"optimizer": TWO_CLIPS}),
    (BOTH, X, good_y, ["batch", 20, 6], {"stateful": True, "batch_size": 6}),
    (BOTH, X, good_y, ["batch", 15, 10], SHORT_BATCH),
    # Losses that do not fit the target
    *[
        (kind, X, y, [loss, *words], {"loss": loss})
        for kind, y, loss, words in [
            (REGRESSOR, NUMBERS, BINARY, ["mean_squared_error"]),
            (REGRESSOR, NUMBERS, "ctc", ["mean_squared_error"]),
            (REGRESSOR, -1 - NUMBERS, "poisson", ["`y`", "negative", "poisson", "-2"]),
            (CLASSIFIER, np.arange(20) % 3, BINARY, ["categorical_crossentropy"]),
            (CLASSIFIER, CODES, "categorical_crossentropy", [BINARY]),
            (CLASSIFIER, CODES, "huber", [BINARY]),
            (CLASSIFIER, MULTILABEL, "categorical_crossentropy", ["multilabel", BINARY]),
        ]
    ],
]


@pytest.mark.parametrize(
    ("estimator", "X", "y", "words", "arguments"),
    [(kind, *case) for kinds, *case in REFUSED_FITS for kind in kinds],
)
def test_fit_that_cannot_be_is_refused(estimator, X, y, words, arguments):
    fit_is_refused(estimator, X, y(estimator) if callable(y) else y, *words, **arguments)


def rows(width):
    return lambda labels: np.repeat(labels[:, np.newaxis], width, axis=1)


# The estimators, what becomes of the targets of sequence 7, and words of the message.
@pytest.mark.parametrize(
    ("estimator", "change", "words"),
    [
        (kind, change, words)
        for kinds, change, *words in [
            (BOTH, lambda row: row[:-1], "`y`", "sample 7", "3 timesteps", "2 values"),
            (BOTH, lambda row: row[0], "`y`", "sample 7", "one value"),
            (BOTH, lambda row: changed(row, 1, np.nan), "NaN"),
            (CLASSIFIER, rows(1), "`y`", "one label for each timestep", "sample 7", (3, 1)),
            (CLASSIFIER, rows(2), "`y`", "one label for each timestep", "sample 7", (3, 2)),
        ]
        for kind in kinds
    ],
)
def test_unusable_targets_of_a_sequence_are_refused(estimator, change, words):
    y = [row.astype(float) for row in sequence_targets(estimator)]
    y[7] = change(y[7])
    fit_is_refused(estimator, sequences(), y, *words, return_sequences=True)


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 1)), np.zeros(3), np.zeros((3, 2, 2)), np.full((3, 2), "word")]
)
def test_sequence_with_other_outputs_is_named(wrong):
    y = [np.ones((len(sequence), 2)) for sequence in sequences()]
    y[7] = wrong
    fit_is_refused(RNNRegressor, sequences(), y, "`y`", "ample 7", return_sequences=True)


UNKNOWN_LABEL = changed(CODES, 3, 7)
BALANCED, ONLY_1 = {"class_weight": "balanced"}, {"class_weight": {0: 0.0, 1: 1.0}}


@pytest.mark.parametrize(
    ("has_weights", "parameters", "y", "classes", "words"),
    [
        (True, {}, UNKNOWN_LABEL, None, ["`y`", [7], [0, 1]]),
        (False, {}, UNKNOWN_LABEL, [0, 1], [[7], [0, 1]]),
        (False, {}, CODES, None, ["classes"]),
        (True, {}, CODES, [0, 1, 2], ["classes"]),
        (False, {}, CODES, "0 1", ["In `classes`: "]),
        (False, {}, CODES, ["a", None], ["In `classes`: "]),
        (False, {}, CODES, [0], ["`classes` must hold at"]),
        (False, BALANCED, CODES, [0, 1], ["class_weight", "partial_fit", "dict"]),
        (True, ONLY_1, np.zeros(20, dtype=int), None, ["`class_weight`", "training samples"]),
    ],
)
def test_partial_fit_on_other_classes_is_refused(has_weights, parameters, y, classes, words):
    subject = deepcopy(fitted(RNNClassifier)) if has_weights else small(RNNClassifier)
    subject.set_params(**parameters)
    refused(lambda: subject.partial_fit(X, y, classes=classes), subject, *words)


@pytest.mark.parametrize(
    ("estimator", "X", "y", "words"),
    [
        (RNNRegressor, good_X(timesteps=7), NUMBERS, ["timesteps", "as in `fit`", 7]),
        (RNNClassifier, good_X(timesteps=7), CODES, ["timesteps", "as in `fit`", 7]),
        (RNNRegressor, good_X(features=7), NUMBERS, ["features", "as in `fit`", 7]),
        (RNNClassifier, good_X(features=7), CODES, ["features", "as in `fit`", 7]),
        (RNNClassifier, X, np.arange(20) % 3, ["`y`", [2], [0, 1]]),
        (RNNRegressor, X, np.ones((20, 2)), ["`y`", (2,)]),
    ],
)
def test_warm_start_on_other_data_is_refused(estimator, X, y, words):
    subject = deepcopy(fitted(estimator)).set_params(warm_start=True)
    refused(lambda: subject.fit(X, y), subject, *words)


@pytest.mark.parametrize(
    ("y", "weights", "words"),
    [
        (lambda kind: None, None, ["`y`", "None"]),
        (good_y, np.full(20, -1.0), ["`sample_weight`", "egative"]),
    ],
)
@both
def test_unusable_target_or_weights_are_refused_in_score(estimator, y, weights, words):
    subject = deepcopy(fitted(estimator))
    refused(lambda: subject.score(X, y(estimator), weights), subject, *words)


# State from batch to batch, and from fit to fit


def test_stateful_network_refuses_a_short_last_batch_in_predict():
    subject = small(RNNRegressor, stateful=True, batch_size=10)
    subject.fit(good_X(), good_y(RNNRegressor))
    refused(lambda: subject.predict(good_X()[:7]), subject, "batch size", 10, 7)


def test_network_without_carried_state_refuses_to_reset_it():
    subject = deepcopy(fitted(RNNRegressor))
    refused(subject.reset_states, subject, "stateful=True")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", 4),
        ("hidden_size", (3, 3)),
        ("cell_type", "gru"),
        ("bidirectional", True),
        ("activation", "relu"),
        ("dropout", 0.5),
        ("recurrent_dropout", 0.5),
        ("spatial_dropout", 0.5),
        ("kernel_l2", 0.5),
        ("recurrent_l2", 0.5),
        ("pooling", "mean"),
        ("dense_sizes", (4,)),
        ("dense_activation", "tanh"),
        ("dtype", "float64"),
        ("optimizer", "sgd"),
        ("standardize", False),
    ],
)
@both
def test_warm_start_of_another_network_is_refused(estimator, name, value):
    subject = deepcopy(fitted(estimator)).set_params(warm_start=True, **{name: value})
    words = "cannot be continued", name, "warm_start=False"
    refused(lambda: subject.fit(good_X(), good_y(estimator)), subject, *words)


@pytest.mark.parametrize("n_classes", [1, 2])
def test_warm_start_on_a_part_of_the_classes_is_refused(n_classes):
    subject = small(RNNClassifier, warm_start=True).fit(good_X(), np.arange(20) % 3)
    weight = (np.arange(20) % 3 < n_classes).astype(float)
    words = "`y`", [0, 1, 2], list(range(n_classes)), "warm_start=False", "partial_fit"
    refused(lambda: subject.fit(good_X(), np.arange(20) % n_classes), subject, *words)
    refused(lambda: subject.fit(good_X(), np.arange(20) % 3, weight), subject, *words)


# Before fit, and without data


@pytest.mark.parametrize(
    "use",
    [
        lambda subject: subject.predict(good_X()),
        lambda subject: subject.transform(good_X()),
        lambda subject: subject.hidden_states(good_X()),
        lambda subject: subject.score(good_X(), np.arange(20) % 2),
        lambda subject: subject.get_feature_names_out(),
        lambda subject: subject.reset_states(),
        lambda subject: subject.summary(),
        lambda subject: subject.model_,
    ],
)
@both
def test_unfitted_network_says_so(estimator, use):
    with pytest.raises(NotFittedError, match=f"{estimator.__name__} instance is not fitted"):
        use(small(estimator))


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
def test_unfitted_classifier_says_so(method):
    with pytest.raises(NotFittedError, match="RNNClassifier instance is not fitted"):
        getattr(small(RNNClassifier), method)(good_X())


@pytest.mark.parametrize("method", ["build_model", "summary"])
@pytest.mark.parametrize(
    "shape", [(), (4,), (1, 2, 3, 4), (0, 2), (4, 0), (-4, 2), (4, 2.5), ("a", 2), (4, None), 4]
)
def test_unusable_input_shape_is_refused(shape, method):
    subject = small(RNNRegressor)
    refused(lambda: getattr(subject, method)(shape), subject, "`input_shape`", "timesteps")


@pytest.mark.parametrize("method", ["build_model", "summary"])
def test_wrong_parameter_is_refused_without_data(method):
    subject = small(RNNRegressor, dropout=2)
    refused(lambda: getattr(subject, method)((4, 2)), subject, "dropout", SHARE)


# Training


@both
@pytest.mark.parametrize("has_weights", [False, True])
def test_diverging_loss_names_the_epoch_and_the_remedy(estimator, has_weights):
    X, y = good_X() * 100, good_y(estimator)
    y = y * 100 if estimator is RNNRegressor else y
    parameters = {
        "activation": "relu",
        "optimizer": "sgd",
        "learning_rate": 1e6,
        "standardize": False,
        "epochs": 20,
    }
    subject = deepcopy(fitted(estimator)) if has_weights else small(estimator)
    subject.set_params(**parameters)
    before, content = dict(vars(subject)), pickle.dumps(subject)
    with pytest.raises(ValueError, match=r"diverged in epoch \d+.*`learning_rate`") as caught:
        subject.fit(X, y)
    assert not FOREIGN.search(str(caught.value))
    assert vars(subject).keys() == before.keys()
    assert pickle.dumps(subject) == content
    if has_weights:
        assert_array_equal(subject.predict(X), fitted(estimator).predict(X))


@pytest.mark.parametrize("engine", ["numpy", "keras"])
def test_weights_that_overflow_in_the_last_step_are_named(engine):
    X, y = good_X() * 100, good_y(RNNRegressor) * 100
    subject = RNNRegressor(
        "simple_rnn", 2, engine=engine, standardize=False, batch_size=len(X), epochs=1
    ).set_params(optimizer="sgd", learning_rate=1e38, activation="linear")
    with pytest.raises(ValueError, match="diverged in epoch 1: a weight is not finite"):
        subject.fit(X, y)
    assert not hasattr(subject, "weights_")


@both
def test_fit_after_a_refused_one_is_as_without_it(estimator):
    X, y = good_X(), good_y(estimator)
    subject = small(estimator)
    with pytest.raises(ValueError, match="NaN"):
        subject.fit(changed(X, (3, 1), np.nan), y)
    for found, expected in zip(subject.fit(X, y).weights_, fitted(estimator).weights_, strict=True):
        assert_array_equal(found, expected)
