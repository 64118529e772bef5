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
from fits import assert_same_weights, small
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError
from small_networks import OTHER_NETWORK

from skrnn import RNNClassifier, RNNRegressor
from skrnn._keras_engine import programs

BOTH, REGRESSOR, CLASSIFIER = [RNNRegressor, RNNClassifier], [RNNRegressor], [RNNClassifier]
FOREIGN = re.compile(r"tensorflow|graph|Tensor\(", re.IGNORECASE)


def random_X(timesteps=4, features=2):
    return np.random.default_rng(0).normal(size=(20, timesteps, features))


X, CODES, NUMBERS = random_X(), np.arange(20) % 2, np.linspace(0, 1, 20)
INDICATORS = np.eye(2, dtype=int)[CODES] | np.arange(20)[:, np.newaxis] // 10
SEQUENCES = [sample[: 2 + i % 3] for i, sample in enumerate(X)]  # 2, 3 and 4 timesteps in turn
FRAMES = [pd.DataFrame(sequence, columns=["a", "b"]) for sequence in SEQUENCES]


def good_y(estimator):
    return CODES if estimator is RNNClassifier else NUMBERS


def step_y(estimator):
    """A target for each timestep."""
    return np.repeat(good_y(estimator)[:, np.newaxis], 4, axis=1)


def sequence_y(estimator, change=np.asarray):
    """A target for each timestep of the sequences, those of sequence 7 changed."""
    targets = [row[: 2 + i % 3].astype(float) for i, row in enumerate(step_y(estimator))]
    targets[7] = change(targets[7])
    return targets


def changed(array, position, value):
    array = np.array(array)
    array[position] = value
    return array


def tokens(*wrong, dtype=float):
    """Ids below 10 in 20 samples of 4 timesteps, the wrong ones in sample 3."""
    return changed(np.arange(80, dtype=dtype).reshape(20, 4) % 10, (3, slice(len(wrong))), wrong)


def token_lists(*wrong):
    """Ids below 10 in 20 sequences of 2, 3 and 4 timesteps, the wrong ones as sequence 3."""
    lists = [np.arange(2 + i % 3) for i in range(20)]
    return [*lists[:3], np.array(wrong), *lists[4:]]


def frame(b):
    return pd.DataFrame({"a": [1.0] * 20, "b": b})


def ending_with(item, items=SEQUENCES):
    """Sequences, the last one replaced."""
    return [*items[:-1], item]


@cache
def fitted(estimator):
    """A fitted network whose programs are built; tests work on copies."""
    network = small(estimator).fit(X, good_y(estimator))
    for use in (network.predict, network.transform):
        use(X)
    return network


def copied(estimator, **parameters):
    return deepcopy(fitted(estimator)).set_params(**parameters)


def refused(subject, words, method, *arguments, **keywords):
    """Assert that a call is refused in these words, that nothing was built, nothing changed."""
    before, content = dict(vars(subject)), pickle.dumps(subject)
    built = set(programs._kept)
    with pytest.raises((ValueError, TypeError)) as caught:
        getattr(subject, method)(*arguments, **keywords)
    assert set(programs._kept) == built
    assert list(vars(subject)) == list(before)
    assert all(vars(subject)[name] is before[name] for name in before)
    assert pickle.dumps(subject) == content
    message = str(caught.value)
    assert not FOREIGN.search(message), message
    for word in words:
        assert str(word) in message


# Samples and targets, and words of the message

BAD_X = [
    (changed(X, (3, 1), np.nan), "NaN", "mask_value"),
    ([[1.0, 2.0, None, 3.0]] * 20, "NaN", "mask_value"),
    (changed(X, (3, 1, 0), np.inf), "infinity"),
    (changed(X, (3, 1, 0), -np.inf), "infinity"),
    (changed(X, (3, 1, 0), 1e300), "too large", "float32"),
    (3.0, "Expected 2D array", "scalar"),
    (np.arange(20.0), "`X`", "(20,)", "Reshape your data", "`make_windows`"),
    (X[np.newaxis], "X", "4 dimensions", (1, 20, 4, 2)),
    (X[:0], "0 sample"),
    (X[:, :0], "at least one timestep", (20, 0, 2)),
    (X[:, :, :0], "one feature", (20, 4, 0)),
    (X[:, :0, 0], "0 feature"),
    (None, "None"),
    ([], "`X`", "(0,)", "`make_windows`"),
    ([[]] * 20, "0 feature(s)"),
    (X + 1j, "Complex data not supported"),
    (sparse.csr_array(X[:, :, 0]), "parse data"),
    ([sparse.csr_array(X[0])] * 20, "Sparse data"),
    (np.full((20, 4), "word"), "`X`", "numbers", "word", "vocab_size"),
    (np.full((20, 4), "7"), "`X`", "numbers", "'7'"),
    (["a few words"] * 20, "`X`", "numbers", "a few words", "token ids"),
    (changed(X[:, :, 0].astype(object), (3, 1), "word"), "`X`", "numbers", "word"),
    (np.full((20, 4), b"word"), "`X`", "numbers", "word"),
    (np.full((20, 4), np.datetime64("2024-01-01")), "`X`", "numbers"),
    (np.full((20, 4), np.timedelta64(1, "D")), "`X`", "numbers"),
    (np.full((20, 4), {}, dtype=object), "numbers", "dict"),
    ({"a": [1, 2]}, "Expected 2D array"),
    ({1.0, 2.0}, "Expected 2D array"),
    (frame(["word"] * 20), "`X`", "word"),
    (frame(pd.timedelta_range("1D", periods=20)), "Column 'b' of `X`", "numbers"),
    (frame(pd.period_range("2024", periods=20, freq="D")), "Column 'b' of `X`", "numbers"),
    (frame([[1.0, 2.0]] * 20), "Column 'b' of `X`", "list"),
    # Lists of sequences
    (ending_with(np.empty((0, 2))), "`X`", "empty sequence", 19),
    (ending_with([]), "`X`", "empty sequence", 19),
    ([[[1.0, 2.0], [3.0]]] * 20, "`X`", "sequence 0", "ragged", "number of features"),
    (ending_with(np.ones((3, 5))), "`X`", "features", [2, 5]),
    ([np.ones((3, 2)), np.ones(3)] * 10, "`X`", "1-D", "2-D"),
    ([np.ones((2 + i % 2, 3, 2)) for i in range(20)], "`X`", "dimensions"),
    (ending_with(np.full((3, 2), np.nan)), "NaN", "sequence 19", "mask_value"),
    (ending_with(np.full((3, 2), np.inf)), "infinity"),
    (ending_with(np.full((3, 2), "word")), "`X`", "word"),
    (ending_with(np.full((3, 2), 1j)), "Complex"),
    ([None, *SEQUENCES[1:]], "`X`", "item 0", "None"),
    (ending_with(3.0), "`X`", "item 19", "3.0"),
    (
        ending_with(FRAMES[0].assign(b=pd.Timestamp("2024-01-01")), FRAMES),
        *("Column 'b' of sequence 19 of `X`", "2024-01-01"),
    ),
    (ending_with(pd.DataFrame({"a": [1, 2], "b": [pd.NA, 1]}, dtype="Int64"), FRAMES), "NaN"),
    (ending_with(FRAMES[-1][["b", "a"]], FRAMES), "`X`", "same order", "sequence 19", ["b", "a"]),
]
OTHER_SHAPES = [
    (random_X(timesteps=5), "4 timesteps", "as in `fit`", 5),
    (random_X(features=3), "2 features", "as in `fit`", 3),
    (X[:, :, 0], "2 features", "as in `fit`", 1),
    (X[0], "2 features", "as in `fit`", "If X is one sample, pass `[X]`"),
    (SEQUENCES, "4 timesteps", "got 2, 3, 4", "Fit on a list", "2-D"),
]
BAD_TOKENS = [
    (tokens(10), 10, "from 0 to 9", "sample 3, timestep 0", "Increase `vocab_size`"),
    (tokens(1, -1), -1, "from 0 to 9", "sample 3, timestep 1"),
    (tokens(1, -1, dtype=int), -1, "from 0 to 9", "sample 3, timestep 1"),
    (tokens(2.7), 2.7, "from 0 to 9", "whole"),
    (tokens(2**32 + 1, dtype=np.int64), 2**32 + 1, "from 0 to 9"),
    (tokens(2.0**32 + 1), 2**32 + 1, "from 0 to 9"),
    (tokens(2**63 + 1, dtype=np.uint64), 2**63 + 1, "from 0 to 9"),
    (tokens(np.nan), "nan", "from 0 to 9"),
    ([[1, None, 2, 3]] * 20, "nan", "from 0 to 9", "sample 0, timestep 1"),
    (tokens(np.inf), "inf", "from 0 to 9"),
    (np.ones((20, 4, 2)), "one token id", "2 features"),
    (np.full((20, 4), "word"), "numbers", "word"),
    (token_lists(1, 11), 11, "from 0 to 9", "sample 3, timestep 1"),
    (token_lists(1, 2.7), 2.7, "sample 3"),
    (token_lists(1, -1), -1, "sample 3"),
]
BAD_Y = [  # of either estimator
    (np.arange(19) % 2, 19, 20),
    (np.arange(21) % 2, 20, 21),
    (changed(CODES.astype(float), 3, np.nan), "y contains NaN"),
    (changed(CODES.astype(float), 3, np.inf), "y contains infinity"),
    (3, "at least 1 dimension"),
    ([], "0 sample(s)"),
    (CODES + 1j, "Complex data not supported"),
]
BAD_TARGETS = [
    (np.ones((20, 2, 2, 2)), "`y`", "at most 3 dimensions", (20, 2, 2, 2)),
    (np.ones((20, 2, 0)), "`y`", "at least one output", (20, 2, 0)),
    (["word"] * 20, "`y`", "numbers", "'word'"),
    (["7"] * 20, "`y`", "numbers", "'7'"),
    ({"a": 1}, "`y`", "numbers", "dict"),
    (pd.date_range("2024-01-01", periods=20), "`y`", "numbers", "2024-01-01"),
    (np.arange(20).astype("m8[D]"), "`y`", "numbers", "timedelta"),
    (frame(pd.date_range("2024-01-01", periods=20)), "Column 'b' of `y`", "numbers"),
    (sparse.csr_array(np.ones((20, 1))), "parse data"),
    ([[1.0], [1.0, 2.0]] * 10, "`y`", "return_sequences=True"),
]
BAD_LABELS = [
    (np.zeros(20, dtype=int), "one class", [0]),
    (["a"] * 20, "one class", ["a"]),
    (NUMBERS, "continuous"),
    (["a", None] * 10, "`y`", "label 1"),
    (pd.Series(["a", None] * 10, dtype="string"), "`y`", "label 1"),
    ([["a"], ["a", "b"]] * 10, "`y`", "return_sequences=True", "MultiLabelBin"),
    (np.array(["a", 1] * 10, dtype=object), "`y`"),
    (np.arange(60).reshape(20, 3) % 3, "1d array", (20, 3)),
    (np.arange(80).reshape(20, 2, 2) % 2, "dim 3"),
]
BAD_STEP_TARGETS = [  # functions of the estimator
    (good_y, "`y`", "(n_samples, timesteps"),
    (lambda kind: step_y(kind)[:, :3], "`y`", "timesteps"),
    (lambda kind: step_y(kind)[:19], 20, 19),
    (lambda kind: sparse.csr_array(step_y(kind)), "`y`", "`toarray()`"),
    (lambda kind: changed(step_y(kind).astype(float), (3, 1), np.nan), "NaN"),
    (None, "requires y"),
    (3, "`y`"),
]

# Parameters: names, values that are refused, what the message says is allowed

WHOLE = "[1, inf)"
SHARE = "[0.0, 1.0)"
CELLS = "'gru'", "'lstm'", "'simple_rnn'"
SWITCHES = "bidirectional return_sequences stateful embedding_trainable shuffle warm_start"
BAD_PARAMETERS = [
    (SWITCHES, ["yes", 2, None], "bool"),
    (
        "dropout recurrent_dropout spatial_dropout validation_fraction",
        *([-0.1, 1, 1.5, np.nan, "half", None], SHARE),
    ),
    ("kernel_l2 recurrent_l2", [-0.1, np.nan, np.inf, "l2", None], "[0.0, inf)"),
    ("epochs batch_size checkpoint_every embedding_dim", [0, -1, 2.5, "many", None], WHOLE),
    ("cell_type", ["rnn", "LSTM", 3, None], *CELLS),
    ("cell_type", [("rnn",), ("lstm", 3), (None,), (["lstm"],)], *CELLS),
    ("hidden_size dense_sizes", [0, -1, 2.5, "32", None], WHOLE, "tuple"),
    ("hidden_size dense_sizes", [(0,), (8, -1), (2.5,), ("8",), (True,)], "at least 1"),
    ("hidden_size", [True], "at least 1"),
    ("hidden_size", [(), []], "at least one layer"),
    ("standardize", ["x", "both", 2, None], "'X'", "'y'", "bool"),
    ("activation dense_activation", ["nope", "glu", 3, None, np.tanh], "'relu'", "'tanh'"),
    ("pooling", ["sum", 2, None], "'last'", "'max'", "'mean'"),
    ("vocab_size", [0, -1, 2.5, "many"], WHOLE, "None"),
    ("embedding_init", [3, "glove"], "array-like", "None"),
    ("embedding_init", [np.zeros((9, 4)), np.array(1.0)], "needs `vocab_size`"),
    ("mask_value", ["nan", (0,), [0.0], 1j], "float", "None"),
    ("mask_value", [np.inf, -np.inf], "`mask_value`", "finite"),
    ("missing", ["mean", True, 0], "'flag'", "None"),
    ("loss", ["nope", 3, None, ("mse",)], "'auto'", "'mean_squared_error'"),
    ("loss", [{"name": "nope"}, {"delta": 1.0}, len], "'auto'", "'mean_squared_error'"),
    ("optimizer", ["nope", 3, None], "'adam'", "'sgd'", "dict"),
    ("optimizer", [{}, {"clipnorm": 1.0}], "'name'", "adam"),
    ("optimizer", [{"name": name} for name in ("nope", 3, ["adam"])], "'name'", "adam"),
    *[
        ("optimizer", [{"name": "adam", setting: value} for value in values], *words)
        for setting, values, *words in [
            ("nope", [1], "'nope'", "clipnorm", "beta_1"),
            ("beta_1", ["a", [0.9]], "beta_1", "numbers"),
            ("beta_1", [5, 1.0, -0.1], "as beta_1", "[0.0, 1.0)"),
            (1, [2], "strings", "1"),
            ("use_ema", [True], "use_ema", "skrnn supports", "Leave it out"),
            ("learning_rate", [0, -1, "a", np.nan, np.inf, True], "learning_rate", "above 0"),
            ("learning_rate", [1e39], "`learning_rate`", "float32"),
            ("clipnorm", [-1, 0, True], "as clipnorm", "(0.0, inf)"),
            ("clipvalue", [-1], "as clipvalue", "(0.0, inf)"),
            ("global_clipnorm", [-1], "as global_clipnorm", "(0.0, inf)"),
            ("epsilon", [-1, np.nan], "as epsilon", "[0.0, inf)"),
            ("weight_decay", [-1], "as weight_decay", "[0.0, inf)"),
            ("gradient_accumulation_steps", [0, 2.5], "as gradient", "an int in the range [2, inf"),
        ]
    ],
    ("learning_rate", [1e39, 1e-40], "`learning_rate`", "float32"),
    ("learning_rate", [0, -0.1, "fast", np.nan, np.inf], "0.0, inf"),
    ("patience", [-1, 2.5, "long"], "[0, inf)", "None"),
    ("min_delta", [-1, np.nan, "small", None], "[0.0, inf)"),
    ("monitor", [3, None], "str"),
    ("monitor", ["val_accuracy", "los", "val_"], "`monitor`", "'val_loss'", "`metrics`"),
    ("metrics", [3, None], "str", "callable", "list"),
    ("metrics", ["acuracy", ["mae", "loss"], "val_mae"], "`metrics`", "scikit-learn", "Keras"),
    ("metrics", [["f1_macro"] * 2, ["mae"] * 2], "`metrics`"),
    ("metrics", [[3], [dict]], "`metrics`", "(y_true, y_pred)"),
    ("validation_split", [3, "first", 0.2], "'last'", "'stratified'", "split", "None"),
    ("static_features", [3, "price", None], "tuple", "list"),
    ("network", ["lstm_fcn", 3], "callable", "'get_params'"),
    ("network_params", [3, "units"], "dict"),
    ("network_params", [{"units": 8}], "without `network`"),
    ("frozen_layers", ["gru_1", 3, None], "tuple", "list"),
    ("frozen_layers", [["gru_9"], (3,)], "`frozen_layers`", "'output'"),
    ("segment", [0, 2.5, "long", None], "[1, inf)", "'auto'"),
    ("callbacks", [3, "early"], "list", "callable", "None"),
    ("callbacks", [[3], ["early"], (None,)], "Keras callbacks"),
    ("callbacks", [dict, partial(int)], "`callbacks`", "list of Keras callbacks"),
    ("callbacks", [partial(print, end="")], "None from the function"),
    ("engine", ["jax", "NumPy", 3, None], "'auto'", "'keras'", "'numpy'"),
    ("device", [3, None], "str"),
    ("device", ["gpu", "cuda:0", "cpu:0", "gpu:01", "GPU:0", ""], "'all'", "'gpu:0'"),
    ("dtype", ["float16", "double", np.float32, None], "'float32'", "'float64'"),
    ("checkpoint_dir", [3, b"folder", ["folder"]], "str", "PathLike", "None"),
    ("checkpoint_dir", ["", "\0", __file__], "`checkpoint_dir`", "folder"),
    ("random_state", [-1, 2.5, "seed"], "RandomState"),
    ("verbose", [-1, "loud", None], "verbose"),
    ("quantiles", [0.5, "median", None], "array-like"),
    ("quantiles", [(0.1, 0.9), (0.9, 0.5, 0.1), (0.5, 0.5)], "ascending", "including 0.5"),
    ("quantiles", [(), (0.0, 0.5), (0.5, 1), (0.5, np.nan), (True, 0.5)], "between 0 and 1"),
    ("quantiles", [(0.25, 0.5, 0.75)], "default", "Set `loss='quantile'`"),
]


def test_every_parameter_stands_in_the_table():
    named = {name for names, *_ in BAD_PARAMETERS for name in names.split()}
    assert named == set(inspect.signature(RNNRegressor).parameters)


# What `fit` refuses: the estimators, samples, targets, words of the message and arguments.
# Targets that are a function are made for the estimator.

ONE_HOT = np.eye(4, dtype=int)[np.arange(20) % 4]
MULTILABEL = np.maximum(ONE_HOT, np.roll(ONE_HOT, 5))
PARTLY_NAN = changed(X, (3, 1, 0), np.nan)
LAST_PARTLY_NAN = ending_with(np.array([[1.0, np.nan], [1.0, 1.0]]))
ONE_OF_1, FIFTH = changed(np.zeros(20, dtype=int), 3, 1), {"validation_fraction": 0.2}
WIDER = {"validation_data": (X, np.column_stack([INDICATORS, CODES]))}
FIRST_STEP_NAN = changed(X, (slice(None), 0), np.nan)
FIRST_STEP = changed(np.zeros((20, 4)), (slice(None), 0), 1.0)
STEPS, TEN = {"return_sequences": True}, {"vocab_size": 10}
TWO_RATES = {"optimizer": {"name": "adam", "learning_rate": 0.1}, "learning_rate": 0.2}
TWO_CLIPS = {"name": "adam", "clipnorm": 1.0, "clipvalue": 1.0}
SHORT_BATCH = {"stateful": True, "batch_size": 10, "validation_data": (X[:15], CODES[:15])}
MASKED_STEPS = STEPS | {"mask_value": np.nan}
BALANCED = {"class_weight": "balanced"}
BINARY, Q_IN_LOSS = "binary_crossentropy", {"name": "quantile", "quantiles": 0.5}
FAST = {"activation": "relu", "optimizer": "sgd", "learning_rate": 1e6, "standardize": False}
DIVERGING = FAST | {"epochs": 20, "random_state": 0}


def two_outputs(wrong):
    """Two targets for each timestep of the sequences, the wrong ones for sequence 7."""
    targets = [np.ones((len(sequence), 2)) for sequence in SEQUENCES]
    return [*targets[:7], wrong, *targets[8:]]


def columns(width):
    return lambda labels: np.repeat(labels[:, np.newaxis], width, axis=1)


def validating(y):
    return {"validation_data": (X, y)}


REFUSED_FITS = [
    *[(BOTH, wrong, good_y, words, {}) for wrong, *words in BAD_X],
    *[(BOTH, wrong, good_y, words, TEN) for wrong, *words in BAD_TOKENS],
    *[(BOTH, X, y, words, {"standardize": False}) for y, *words in BAD_Y],
    *[(REGRESSOR, X, y, words, {"standardize": False}) for y, *words in BAD_TARGETS],
    (REGRESSOR, X, np.ones((20, 0)), ["0 feature(s)"], {}),
    (BOTH, X, None, ["requires y"], {}),
    (REGRESSOR, X, changed(NUMBERS, 3, 1e300), ["y contains", "too large"], {"standardize": False}),
    *[(CLASSIFIER, X, y, words, {}) for y, *words in BAD_LABELS],
    *[(BOTH, X, y, words, STEPS) for y, *words in BAD_STEP_TARGETS],
    *[
        (REGRESSOR if name == "quantiles" else BOTH, X, good_y, [name, *words], {name: value})
        for names, values, *words in BAD_PARAMETERS
        for name in names.split()
        for value in values
    ],
    (BOTH, X * 100, good_y, ["diverged in epoch", "`learning_rate`"], DIVERGING),
    *[
        (BOTH, PARTLY_NAN, good_y, ["NaN", "mask_value"], {"mask_value": value})
        for value in (np.nan, 0.0, None)
    ],
    (BOTH, LAST_PARTLY_NAN, good_y, ["NaN", "some features"], {"mask_value": np.nan}),
    (BOTH, changed(X, (3, 1), np.nan), good_y, ["NaN", "mask_value=np.nan"], {"mask_value": 0.0}),
    # Targets and weights of timesteps
    (CLASSIFIER, X, np.zeros((20, 4), dtype=int), ["one class"], STEPS),
    (BOTH, SEQUENCES, lambda kind: sequence_y(kind)[:-1], [20, 19], STEPS),
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
    *[
        (kinds, SEQUENCES, partial(sequence_y, change=change), words, STEPS)
        for kinds, change, *words in [
            (BOTH, lambda row: row[:-1], "`y`", "sample 7", "3 timesteps", "2 values"),
            (BOTH, lambda row: row[0], "`y`", "sample 7", "one value"),
            (BOTH, lambda row: changed(row, 1, np.nan), "NaN"),
            (CLASSIFIER, columns(1), "`y`", "one label for each timestep", "sample 7", (3, 1)),
            (CLASSIFIER, columns(2), "`y`", "one label for each timestep", "sample 7", (3, 2)),
        ]
    ],
    *[
        (REGRESSOR, SEQUENCES, two_outputs(wrong), ["`y`", "ample 7"], STEPS)
        for wrong in (np.zeros((3, 1)), np.zeros(3), np.zeros((3, 2, 2)), np.full((3, 2), "word"))
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
        (BOTH, tokens(), good_y, ["`mask_value`", "token id", "[0, 10)"], TEN | {"mask_value": i})
        for i in (-1, 10, 0.5, np.nan, 2**32)
    ],
    # Validation
    *[
        (BOTH, X, good_y, words, {"validation_data": data})
        for data, *words in [
            (X, "`validation_data`", "(X, y", "got ndarray"),
            ([X], "`validation_data`", "(X, y", "got 1 items"),
            ((X, [0, 1], None, None), "`validation_data`", "(X, y", "got 4 items"),
            ("all", "`validation_data`", "(X, y", "got str"),
            ({}, "`validation_data`", "(X, y", "got dict"),
            ((random_X(timesteps=5), CODES), "`validation_data`", "4 timesteps", 5),
            ((random_X(features=3), CODES), "`validation_data`", "2 features", 3),
            ((changed(X, (3, 1), np.nan), CODES), "`validation_data`", "NaN"),
            ((X[:0], CODES), "`validation_data`", "0 sample"),
            ((X[:19], CODES), "`validation_data`", 19, 20),
            ((X, CODES, np.zeros(20)), "weight"),
            ((X, CODES, np.full(20, -1.0)), "weight"),
            ((X, CODES, np.ones(19)), "weight"),
        ]
    ],
    (CLASSIFIER, X, CODES, ["`y`", [7], [0, 1]], validating(changed(CODES, 3, 7))),
    (REGRESSOR, X, NUMBERS, ["`y`", "trailing shape", (2,)], validating(np.ones((20, 2)))),
    (CLASSIFIER, X, CODES, ["`y`", "form it had in `fit`", (20, 2)], validating(INDICATORS)),
    (CLASSIFIER, X, INDICATORS, ["`y`", "form it had in `fit`", (20,)], validating(CODES)),
    (CLASSIFIER, X, INDICATORS, ["`y`", "a column for each of the 2 classes", (20, 3)], WIDER),
    (CLASSIFIER, X, ONE_OF_1, ["`validation_fraction`", "two samples of each class", [1]], FIFTH),
    (BOTH, X, good_y, ["`validation_fraction`"], {"validation_fraction": 0.99}),
    # Weights of classes
    (CLASSIFIER, X, CODES, ["one class", [1]], {"sample_weight": (CODES == 1).astype(float)}),
    *[
        (CLASSIFIER, X, CODES, ["class_weight", *words], {"class_weight": value})
        for value, *words in [
            ({0: -1.0, 1: 1.0},),
            ({0: np.nan, 1: 1.0},),
            ({0: "a", 1: 1.0},),
            ({0: 0.0, 1: 0.0},),
            ({0: 1.0, 7: 1.0}, [0, 1], [7]),
            ({0: 1.0, 1: 2.0, 7: 3.0}, [0, 1], [7]),
            ("even", "dict", "'balanced'"),
            (3, "dict", "'balanced'"),
            ([1, 2], "dict", "'balanced'"),
        ]
    ],
    (CLASSIFIER, X, MULTILABEL[:, :3], ["`class_weight`", "multilabel"], BALANCED),
    # Parameters that contradict each other
    (BOTH, X, good_y, ["`cell_type`", 2, 1], {"hidden_size": (3, 3), "cell_type": ("lstm",)}),
    (BOTH, X, good_y, ["cell_type", 2, 1], {"hidden_size": (3,), "cell_type": ("lstm", "gru")}),
    (BOTH, X, good_y, ["`learning_rate`", "given once", 0.1, 0.2], TWO_RATES),
    (BOTH, X, good_y, ["`optimizer`", "clipnorm"], {"optimizer": TWO_CLIPS}),
    (BOTH, X, good_y, ["batch", 20, 6], {"stateful": True, "batch_size": 6}),
    (BOTH, X, good_y, ["batch", 15, 10], SHORT_BATCH),
    (REGRESSOR, X, NUMBERS, ["`loss`", "takes no settings"], {"loss": Q_IN_LOSS}),
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
            (CLASSIFIER, CODES, "quantile", [BINARY]),
            (CLASSIFIER, MULTILABEL, "categorical_crossentropy", ["one 1 in each row", BINARY]),
            (
                CLASSIFIER,
                ONE_HOT,
                "sparse_categorical_crossentropy",
                ["multilabel", " categorical_c"],
            ),
        ]
    ],
]


@pytest.mark.parametrize(
    ("estimator", "X", "y", "words", "arguments"),
    [(kind, *case) for kinds, *case in REFUSED_FITS for kind in kinds],
)
def test_fit_is_refused_unfitted_and_fitted_and_predictions_stay(estimator, X, y, words, arguments):
    y = y(estimator) if callable(y) else y
    keywords = {name: arguments.get(name) for name in ("sample_weight", "validation_data")}
    parameters = {name: value for name, value in arguments.items() if name not in keywords}
    stream = {"random_state": np.random.RandomState(0)}  # pickled: it does not move
    unfitted, again = small(estimator, **stream | parameters), copied(estimator, **parameters)
    for subject in (unfitted, again):
        refused(subject, words, "fit", X, y, **keywords)
    with pytest.raises(NotFittedError):
        unfitted.predict(random_X())
    assert_array_equal(again.predict(random_X()), fitted(estimator).predict(random_X()))


# What other calls refuse: how the network is made, the method, its arguments, words of the message

BAD_SHAPES = (), (4,), (1, 2, 3, 4), (0, 2), (4, 0), (-4, 2), (4, 2.5), ("a", 2), (4, None), 4
ONLY_1 = {"class_weight": {0: 0.0, 1: 1.0}}
UNKNOWN_LABEL, THREE = changed(CODES, 3, 7), np.arange(20) % 3


def stateful(estimator):
    network = small(estimator, stateful=True, batch_size=10).fit(X, good_y(estimator))
    network.predict(X)
    return network


def after(X, y, estimator=RNNRegressor, **parameters):
    """Return a function that makes a network fitted on these samples."""
    return lambda: small(estimator, **parameters).fit(X, y)


warm_after = partial(after, X, estimator=RNNClassifier, warm_start=True)


REFUSED_CALLS = [
    *[
        (partial(copied, kind), method, (wrong, *more), words)
        for kind in BOTH
        for table, last in [(BAD_X, "score"), (OTHER_SHAPES, "partial_fit")]
        for wrong, *words in table
        for method, *more in [("predict",), ("transform",), (last, good_y(kind))]
    ],
    (after(X[:, :, 0], NUMBERS), "predict", (X[:, :3, 0],), ["3 features", "4 features"]),
    *[
        (after(token_lists(1, 2), NUMBERS, **TEN), "predict", (wrong,), words)
        for wrong, *words in BAD_TOKENS
    ],
    # score
    *[(partial(copied, RNNRegressor), "score", (X, y), words) for y, *words in BAD_Y + BAD_TARGETS],
    *[
        (after(X, np.ones((20, 2, 3))), "score", (X, y), ["`y`", (2, 3), trailing])
        for y, trailing in [
            (np.ones((20, 3, 2)), (3, 2)),
            (np.ones((20, 6)), (6,)),
            (NUMBERS, (1,)),
        ]
    ],
    *[
        (partial(copied, kind), "score", (X, y, weights), words)
        for kind in BOTH
        for y, weights, *words in [
            (None, None, "`y`", "None"),
            (good_y(kind), np.full(20, -1.0), "`sample_weight`", "egative"),
        ]
    ],
    # Carried states stay.
    (
        partial(stateful, RNNRegressor),
        "predict",
        (X[:7],),
        ["batch size", 10, 7, "Repeat the last"],
    ),
    (partial(stateful, RNNClassifier), "partial_fit", (X[:7], CODES[:7]), ["batch size", 10, 7]),
    *[
        (partial(stateful, kind), "score", (X, y), [])
        for kind, y in [
            (RNNRegressor, np.full(20, np.nan)),
            (RNNRegressor, np.ones((20, 2))),
            (RNNClassifier, NUMBERS),
            (RNNClassifier, ["a", "b"] * 10),
            (RNNClassifier, MULTILABEL),
            (RNNClassifier, np.arange(19) % 2),
        ]
    ],
    (partial(copied, RNNRegressor), "reset_states", (), ["stateful=True"]),
    # partial_fit
    *[
        (
            partial(copied, RNNRegressor),
            *("partial_fit", (X, np.ones((20, *trailing)))),
            ["`y`", "trailing shape", (), trailing],
        )
        for trailing in [(2,), (1,), (2, 2)]
    ],
    *[
        (partial(make, RNNClassifier, **parameters), "partial_fit", (X, y, classes), words)
        for make, parameters, y, classes, *words in [
            (copied, {}, UNKNOWN_LABEL, None, "`y`", [7], [0, 1]),
            (small, {}, UNKNOWN_LABEL, [0, 1], [7], [0, 1]),
            (small, {}, CODES, None, "classes"),
            (copied, {}, CODES, [0, 1, 2], "classes"),
            (small, {}, CODES, "0 1", "In `classes`: "),
            (small, {}, CODES, ["a", None], "In `classes`: "),
            (small, {}, CODES, [0], "`classes` must hold at"),
            (small, BALANCED, CODES, [0, 1], "class_weight", "partial_fit", "dict"),
            (copied, ONLY_1, np.zeros(20, dtype=int), None, "`class_weight`", "training samples"),
        ]
    ],
    # Warm start
    *[
        (partial(copied, kind, warm_start=True), "fit", (wrong, y), words)
        for kind, wrong, y, *words in [
            (RNNRegressor, random_X(timesteps=7), NUMBERS, "timesteps", "as in `fit`", 7),
            (RNNClassifier, random_X(timesteps=7), CODES, "timesteps", "as in `fit`", 7),
            (RNNRegressor, random_X(features=7), NUMBERS, "features", "as in `fit`", 7),
            (RNNClassifier, random_X(features=7), CODES, "features", "as in `fit`", 7),
            (RNNClassifier, X, THREE, "`y`", [2], [0, 1]),
            (RNNRegressor, X, np.ones((20, 2)), "`y`", (2,)),
        ]
    ],
    *[
        (warm_after(y), "fit", (X, other), ["`y`", "form it had in `fit`", other.shape])
        for y, other in [(CODES, INDICATORS), (INDICATORS, CODES)]
    ],
    *[
        (
            warm_after(THREE),
            *("fit", arguments),
            ["`y`", [0, 1, 2], list(range(n)), "warm_start=False", "partial_fit"],
        )
        for n in (1, 2)
        for arguments in [(X, np.arange(20) % n), (X, THREE, (n > THREE).astype(float))]
    ],
    *[
        (
            partial(copied, kind, warm_start=True, **{name: value}),
            *("fit", (X, good_y(kind)), ["cannot be continued", name, "warm_start=False"]),
        )
        for kind in BOTH
        for name, value in [*OTHER_NETWORK.items(), ("hidden_size", (3, 3))]
    ],
    # Without data
    *[
        (partial(small, RNNRegressor), method, (shape,), ["`input_shape`", "timesteps"])
        for method in ("build_model", "summary")
        for shape in BAD_SHAPES
    ],
    *[
        (partial(small, RNNRegressor, **wrong), "build_model", ((4, 1),), ["`mask_value`", word])
        for wrong, word in [
            ({"mask_value": np.inf}, "finite"),
            (TEN | {"mask_value": 10}, "[0, 10)"),
        ]
    ],
    *[
        (partial(small, RNNRegressor, dropout=2), method, ((4, 2),), ["dropout", SHARE])
        for method in ("build_model", "summary")
    ],
]


@pytest.mark.parametrize(("make", "method", "arguments", "words"), REFUSED_CALLS)
def test_call_is_refused_and_leaves_the_network_as_it_was(make, method, arguments, words):
    refused(make(), words, method, *arguments)


@pytest.mark.parametrize(
    ("estimator", "method", "arguments"),
    [
        *[
            (kind, method, arguments)
            for kind in BOTH
            for method, *arguments in [
                *[("predict", X), ("transform", X), ("hidden_states", X), ("score", X, CODES)],
                *[("get_feature_names_out",), ("reset_states",), ("summary",), ("model_",)],
            ]
        ],
        *[
            (RNNClassifier, method, [X])
            for method in ("predict_proba", "predict_log_proba", "decision_function")
        ],
    ],
)
def test_unfitted_network_says_so(estimator, method, arguments):
    with pytest.raises(NotFittedError, match=f"{estimator.__name__} instance is not fitted"):
        getattr(small(estimator), method)(*arguments)


@pytest.mark.parametrize("ids", [tokens(5000, dtype=int), [500 * row for row in token_lists(1, 2)]])
def test_integers_that_look_like_token_ids_warn(ids):
    with pytest.warns(UserWarning, match="`vocab_size`"):
        small().fit(ids, NUMBERS)


@pytest.mark.parametrize(
    ("ids", "vocab_size"),
    [(tokens(5000), None), (tokens(5000, dtype=int), 5001), (tokens(9, dtype=int), None)],
)
def test_measurements_and_declared_tokens_do_not_warn(ids, vocab_size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(vocab_size=vocab_size).fit(ids, NUMBERS)


@pytest.mark.parametrize("engine", ["numpy", "keras"])
def test_weights_that_overflow_in_the_last_step_are_named(engine):
    subject = RNNRegressor(
        "simple_rnn", 2, engine=engine, standardize=False, batch_size=20, epochs=1
    ).set_params(optimizer="sgd", learning_rate=1e38, activation="linear")
    with pytest.raises(ValueError, match="diverged in epoch 1: a weight is not finite"):
        subject.fit(X * 100, NUMBERS * 100)
    assert not hasattr(subject, "weights_")


@pytest.mark.parametrize("estimator", BOTH)
def test_fit_after_a_refused_one_is_as_without_it(estimator):
    subject, y = small(estimator), good_y(estimator)
    with pytest.raises(ValueError, match="NaN"):
        subject.fit(changed(X, (3, 1), np.nan), y)
    assert_same_weights(subject.fit(X, y), fitted(estimator))
