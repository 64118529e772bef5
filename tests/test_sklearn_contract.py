"""scikit-learn's own checks, every one that it yields, and the tags it reads."""

from dataclasses import asdict, fields

import numpy as np
import pandas as pd
import pytest
from fits import FIRST_CHOICE
from forecasting import BARE
from recurrent import CELLS
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import InputTags, estimator_checks, get_tags
from sklearn.utils.estimator_checks import check_estimator

from skrnn import (
    RNNClassifier,
    RNNForecaster,
    RNNRegressor,
    SequenceReshaper,
    SequenceVectorizer,
    WindowTransformer,
)

N_CHECKS = {RNNRegressor: 66, RNNClassifier: 74}
SHAPES = {"plain": {"hidden_size": 32}, "deep": {"hidden_size": (16, 16), "bidirectional": True}}

# What float32 cannot hold; float64 passes all of them.
FLOAT32_EXEMPT = {
    "check_methods_sample_order_invariance": "asks for equal predictions to 1e-7",
    "check_methods_subset_invariance": "asks for equal predictions to 1e-7",
    "check_sample_weight_equivalence_on_dense_data": "asks for equal predictions to 1e-7",
    "check_regressor_multioutput": "asks for float64 predictions",
}


def statuses(estimator):
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    return {
        f"{result['check_name']} #{i}": f"{result['status']}: {result['exception']}"
        for i, result in enumerate(results)
        if result["status"] != "passed"
    }, len(results)


# Each cell type, in one of two shapes. Keras compiles in each check, so here one network has it,
# and the other estimator in float32. An epoch of it takes milliseconds, so it makes fewer.
FEW_EPOCHS = {"epochs": 20, "learning_rate": 0.03}
CASES = [
    (RNNRegressor, "simple_rnn", "numpy", "plain"),
    (RNNClassifier, "gru", FIRST_CHOICE, "plain"),
    (RNNClassifier, "simple_rnn", "numpy", "deep"),
    (RNNRegressor, "lstm", FIRST_CHOICE, "deep"),
    (RNNRegressor, "simple_rnn", "keras", "plain"),
]


@pytest.mark.filterwarnings("ignore")  # the checks pass odd input on purpose
@pytest.mark.parametrize(
    ("estimator", "cell_type", "engine", "shape"),
    [pytest.param(*case, marks=pytest.mark.slow if i > 1 else ()) for i, case in enumerate(CASES)],
)
def test_every_common_check_passes_in_float64(estimator, cell_type, engine, shape):
    parameters = SHAPES[shape] | {"cell_type": cell_type, "engine": engine, "dtype": "float64"}
    if engine == "keras":
        parameters |= FEW_EPOCHS
    not_passed, n_checks = statuses(estimator(**parameters))
    assert not_passed == {}
    assert n_checks == N_CHECKS[estimator]


# What scikit-learn's own test_common.py asks of its estimators beyond `check_estimator`.
CHECKS_OF_ITS_OWN = """
    all_zero_sample_weights_error dataframe_column_names_consistency get_feature_names_out_error
    global_output_transform_pandas global_set_output_transform_polars inplace_ensure_writeable
    param_validation set_output_transform set_output_transform_pandas set_output_transform_polars
    transformer_get_feature_names_out transformer_get_feature_names_out_pandas
""".split()


@pytest.mark.filterwarnings("ignore")  # the checks pass odd input on purpose
@pytest.mark.parametrize("check", CHECKS_OF_ITS_OWN)
@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
def test_checks_that_only_scikit_learn_runs_pass(kind, check):
    check = getattr(estimator_checks, f"check_{check}")
    check(kind.__name__, kind("gru", 2, epochs=1, engine="numpy"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the checks pass odd input on purpose
@pytest.mark.parametrize(
    ("estimator", "cell_type", "parameters"),
    [
        (RNNRegressor, "lstm", {"engine": FIRST_CHOICE}),
        (RNNClassifier, "simple_rnn", {"engine": "keras"} | FEW_EPOCHS),
    ],
)
def test_only_exempt_checks_fail_in_float32(estimator, cell_type, parameters):
    not_passed, n_checks = statuses(estimator(cell_type, **parameters))
    assert {name.split(" ")[0] for name in not_passed} <= FLOAT32_EXEMPT.keys(), not_passed
    assert n_checks == N_CHECKS[estimator]


# Checks pass arrays, and none to an estimator that takes no 2-D array. These take them.
TWO_ROWS = BARE | {"timesteps": 2}


class ForecasterOfArrays(RNNForecaster):
    """Reads columns as series on a RangeIndex, and rows after `fit` as those after the cutoff."""

    def fit(self, X, exog=None):
        return super().fit(self._series(X, 0))

    def predict(self, X):
        return super().predict(len(X)).to_numpy()

    def score(self, X, exog=None):
        return super().score(self._series(X, super().predict(1).index[0]))

    def _series(self, X, start):
        is_table = isinstance(X, np.ndarray) and X.ndim == 2
        return pd.DataFrame(X, pd.RangeIndex(start, start + len(X))) if is_table else X

    def __sklearn_tags__(self):
        return with_tables(super().__sklearn_tags__())


class VectorizerOfArrays(SequenceVectorizer):
    """Reads the numbers of a row as the words of a document."""

    def fit(self, X, y=None):
        return super().fit(self._documents(X))

    def fit_transform(self, X, y=None):
        return super().fit_transform(self._documents(X))

    def transform(self, X):
        return super().transform(self._documents(X))

    def _documents(self, X):
        is_table = not issparse(X) and np.ndim(rows := np.asarray(X)) == 2
        return [" ".join(map(str, row)) for row in rows] if is_table else X

    def __sklearn_tags__(self):
        return with_tables(super().__sklearn_tags__())


def with_tables(tags):
    tags.input_tags.one_d_array, tags.input_tags.two_d_array = False, True
    return tags


FORECASTER_EXEMPT = {
    "check_fit_score_takes_y": "the second argument is `exog`: the target is the series itself",
    "check_n_features_in_after_fitting": "columns are series, not features; `predict` takes none",
    "check_n_features_in": "columns are series, not features",
    "check_estimators_empty_data_messages": "asks for words about features; see the test below",
    "check_fit2d_1sample": "asks for words about samples; see the test below",
    "check_methods_sample_order_invariance": "the order of rows is that of time",
    "check_methods_subset_invariance": "a forecast depends on how many steps are ahead of it",
    "check_fit1d": "one series has one axis; an array of it is refused like any other",
    "check_fit2d_predict1d": "`predict` takes a number of steps, no rows",
}
VECTORIZER_EXEMPT = {
    "check_n_features_in_after_fitting": "documents have no features, and are of any length",
    "check_n_features_in": "documents have no features",
    "check_transformer_general": "asks to refuse documents of another length than in `fit`",
    "check_complex_data": "documents hold no numbers",
    "check_estimators_nan_inf": "documents hold no numbers; see the test of missing documents",
    "check_estimators_empty_data_messages": "asks for words about features; see the test below",
    "check_fit1d": "documents have one axis; numbers in it are refused by type",
    "check_fit2d_predict1d": "documents have one axis; numbers in it are refused by type",
}
WINDOWS_EXEMPT = {
    "check_methods_sample_order_invariance": "it permutes rows: windows hold other rows then",
    "check_methods_subset_invariance": "it drops rows: those after them lose their past",
}
NAN_STARTS = {"check_estimators_nan_inf": "NaN in the first row is where a series begins later"}
QUICK = RNNRegressor("gru", 2, epochs=1, random_state=0)


@pytest.mark.filterwarnings("ignore")  # the checks pass odd input on purpose
@pytest.mark.parametrize(
    ("estimator", "n_checks", "exempt"),
    [
        (ForecasterOfArrays(QUICK, **TWO_ROWS), 41, FORECASTER_EXEMPT | NAN_STARTS),
        (ForecasterOfArrays(QUICK, **TWO_ROWS, fill="mask"), 40, FORECASTER_EXEMPT),
        (
            ForecasterOfArrays(QUICK, **TWO_ROWS, strategy="recursive"),
            41,
            FORECASTER_EXEMPT | NAN_STARTS,
        ),
        (VectorizerOfArrays(token_pattern=r"\S+"), 46, VECTORIZER_EXEMPT),
        (VectorizerOfArrays(9, 2, padding="post", analyzer="char"), 46, VECTORIZER_EXEMPT),
        (SequenceReshaper(), 46, {}),
        (WindowTransformer(1, horizon=0), 47, {}),
        (WindowTransformer(), 47, WINDOWS_EXEMPT),
        (WindowTransformer(3, horizon=0, padding="edge"), 47, WINDOWS_EXEMPT),
        (WindowTransformer(3, horizon=2, padding="nan"), 47, WINDOWS_EXEMPT),
    ],
    ids="direct missing recursive words characters reshaper one_row mean edge nan".split(),
)
def test_every_common_check_passes_but_those_of_another_kind_of_input(estimator, n_checks, exempt):
    not_passed, found = statuses(estimator)
    assert {name.split(" ")[0] for name in not_passed} == exempt.keys(), not_passed
    assert found == n_checks


@pytest.mark.parametrize(
    ("estimator", "X", "words"),
    [
        (RNNForecaster(), pd.DataFrame(index=range(12)), "at least one column"),
        (RNNForecaster(), pd.DataFrame(columns=["a"]), "at least one row"),
        (RNNForecaster(timesteps=3), pd.DataFrame([[1.0]]), "at least 3 rows"),
        (SequenceVectorizer(), [], "at least one document"),
        (SequenceVectorizer(), [[], []], "documents without any"),
    ],
)
def test_too_little_input_is_refused_in_the_words_of_the_estimator(estimator, X, words):
    with pytest.raises(ValueError, match=words):
        estimator.fit(X)


ALL_FALSE = dict.fromkeys((field.name for field in fields(InputTags)), False)


@pytest.mark.parametrize(
    ("estimator", "true", "preserved"),
    [
        (RNNForecaster(), [], None),
        (RNNForecaster(fill="mask"), ["allow_nan"], None),
        (SequenceVectorizer(), ["one_d_array", "string"], []),
        (WindowTransformer(), ["two_d_array"], ["float64", "float32"]),
        (
            SequenceReshaper(),
            ["two_d_array", "three_d_array", "allow_nan"],
            ["float64", "float32"],
        ),
        (RNNRegressor(), ["two_d_array", "three_d_array"], ["float32"]),
        (
            RNNClassifier(mask_value=np.float32("nan")),
            ["two_d_array", "three_d_array", "allow_nan"],
            None,
        ),
    ],
    ids=str,
)
def test_tags_say_what_an_estimator_takes(estimator, true, preserved):
    tags = get_tags(estimator)
    assert asdict(tags.input_tags) == ALL_FALSE | dict.fromkeys(true, True)
    assert tags.requires_fit
    assert not any([tags.non_deterministic, tags.no_validation, tags.array_api_support])
    assert tags.target_tags.required == isinstance(estimator, (RNNRegressor, RNNClassifier))
    if preserved is not None:
        assert tags.transformer_tags.preserves_dtype == preserved


@pytest.mark.parametrize("cell_type", CELLS)
def test_place_in_the_batch_moves_a_float32_prediction_by_its_rounding_only(cell_type):
    X = np.random.default_rng(0).normal(size=(100, 12, 3)).astype("float32")
    order = np.random.default_rng(1).permutation(len(X))
    estimator = RNNRegressor(cell_type, 32, epochs=2, random_state=0).fit(X, X.sum(axis=(1, 2)))
    together = estimator.predict(X)
    alone = np.concatenate([estimator.predict(sample) for sample in X[:, np.newaxis]])
    rounding = np.finfo("float32").eps * np.abs(together).max()
    assert np.abs(estimator.predict(X[order]) - together[order]).max() <= 8 * rounding
    assert np.abs(alone - together).max() <= 8 * rounding


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
def test_subclass_with_a_shorter_init_works_in_every_method(kind):
    class Small(kind):
        """A subclass that asks for one parameter only."""

        def __init__(self, hidden_size=4):
            super().__init__(hidden_size=hidden_size, epochs=1, random_state=0)

    X = np.random.default_rng(0).normal(size=(40, 5, 2))
    y = X[:, -1, 0] > 0
    searched = GridSearchCV(Small(), {"hidden_size": [2, 3]}, cv=2).fit(X, y).best_estimator_
    assert searched.get_params() == {"hidden_size": searched.hidden_size}
    fitted = clone(searched).fit_batches([(X, y)]).fit(X, y)
    assert np.isfinite([fitted.score(X, y), *fitted.transform(X).ravel()]).all()
    assert "Total" in fitted.summary((5, 2))
    labels = {"classes": [False, True]} if kind is RNNClassifier else {}
    assert fitted.partial_fit(X, y, **labels).n_epochs_ == 2
    again = Small.from_keras(fitted.model_)
    assert again.hidden_size == fitted.hidden_size
    np.testing.assert_allclose(again.transform(X), fitted.transform(X), rtol=1e-5, atol=1e-6)
    fitted.set_params(hidden_size=0)
    with pytest.raises(ValueError, match="'hidden_size' parameter of Small"):
        fitted.fit(X, y)
    with pytest.raises(ValueError, match="'dropout' parameter of Small"):
        _with(Small(), dropout=2).fit(X, y)


class SmallWindows(WindowTransformer):
    def __init__(self, timesteps=5):
        super().__init__(timesteps=timesteps)


class SmallVectorizer(SequenceVectorizer):
    def __init__(self, max_length=5):
        super().__init__(max_length=max_length, padding="post")


ROWS = pd.DataFrame({"a": np.sin(np.arange(30))}, index=pd.date_range("2024", periods=30))


@pytest.mark.parametrize(
    ("small", "full", "wrong", "X"),
    [
        (SmallWindows, WindowTransformer(7), {"horizon": -1}, ROWS),
        (
            *(SmallVectorizer, SequenceVectorizer(max_length=7, padding="post")),
            *({"padding": 3}, ["old plot", "a new old cast"]),
        ),
    ],
)
def test_transformer_of_a_subclass_with_a_shorter_init_works_in_every_method(small, full, wrong, X):
    found = clone(small(7)).set_output(transform="default")
    assert found.get_params() == small(7).get_params()
    expected = full.fit_transform(X)
    for transformer in (found, make_pipeline(small(7))):
        np.testing.assert_array_equal(transformer.fit(X).transform(X), expected)
        np.testing.assert_array_equal(transformer.fit_transform(X), expected)
    assert list(found.get_feature_names_out())
    assert "7" in repr(found)
    with pytest.raises(ValueError, match=f"{next(iter(wrong))!r} parameter of Small"):
        _with(small(), **wrong).fit(X)


def _with(estimator, **parameters):
    vars(estimator).update(parameters)
    return estimator
