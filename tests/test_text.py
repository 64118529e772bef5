"""Token ids: networks that learn the size of their vocabulary."""

import pickle
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from fits import both_engines
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import skrnn
from skrnn import RNNClassifier, RNNRegressor


def tokens(n_samples=60, largest=8):
    """Return token ids of every size up to the largest, and a label that the first one decides."""
    X = np.random.default_rng(0).integers(0, largest + 1, (n_samples, 5))
    X[0] = largest
    return X, (X[:, 0] > largest // 2).astype(int)


def network(kind=RNNClassifier, vocab_size="auto", **parameters):
    settings = {"embedding_dim": 3, "epochs": 2, "random_state": 0} | parameters
    return kind("gru", 4, vocab_size=vocab_size, **settings)


@pytest.mark.parametrize(
    ("kind", "engine"),
    [
        (RNNClassifier, "numpy"),
        (RNNRegressor, "numpy"),
        pytest.param(RNNClassifier, "keras", marks=pytest.mark.slow),
    ],
)
def test_auto_vocab_size_is_the_largest_id_plus_one(kind, engine):
    X, y = tokens()
    learned = network(kind, engine=engine).fit(X, y)
    given = network(kind, 9, engine=engine).fit(X, y)
    assert learned.weights_[0].shape == (9, 3)
    np.testing.assert_array_equal(learned.predict(X), given.predict(X))


@both_engines
@pytest.mark.parametrize(
    "as_given", [np.asarray, lambda X: [X[0, :2], *X[1:]]], ids=["array", "list"]
)
def test_auto_vocab_size_reads_larger_ids_as_out_of_vocabulary(engine, as_given):
    X, y = tokens()
    fitted = network(engine=engine, mask_value=0).fit(as_given(X), y)
    unknown = np.where(X == 1, 10**12, X)
    expected = fitted.predict_proba(as_given(X))
    np.testing.assert_array_equal(fitted.predict_proba(as_given(unknown)), expected)
    assert not (fitted.predict_proba(as_given(np.where(X == 1, 2, X))) == expected).all()


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        (-1, "Pad with an id"),
        (2.5, "X cannot hold token ids"),
        (np.nan, "Give"),
        (np.inf, "Give"),
    ],
)
def test_auto_vocab_size_refuses_bad_ids(wrong, remedy):
    X, y = tokens()
    bad, fitted = np.where(np.arange(5) == 3, wrong, X), network().fit(X, y)
    for call, numbers in (
        (lambda: network().fit(bad, y), "0 to 2147483647"),
        (lambda: fitted.predict(bad), "0"),
    ):
        message = (
            f"whole numbers from {numbers}, .* got {wrong}.* in sample 0, timestep 3. {remedy}"
        )
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    ("largest", "settings", "message"),
    [
        (2**31, {}, r"from 0 to 2147483647, .* got 2147483648 in sample 0, timestep 0. Number"),
        (2**31 - 1, {}, r"got 2147483648 for 29. different ids: 2147483647 is in sample 0"),
        (10**6, {}, "set `vocab_size` to a number"),
        (8, {"mask_value": 9}, r"`mask_value` must be a token id in \[0, 9\)"),
    ],
)
def test_auto_vocab_size_is_refused_in_fit_where_ids_or_mask_are_too_large(
    largest, settings, message
):
    X, y = tokens(largest=largest)
    with pytest.raises(ValueError, match=message):
        network(**settings).fit(X, y)


def text_and(column, n_samples=160, as_given=np.hstack):
    """Return ids of texts of up to 8 words and a column of other numbers after them."""
    rng = np.random.default_rng(0)
    ids = np.minimum(rng.zipf(1.2, (n_samples, 8)) + 1, 900)
    ids[np.arange(8) < 8 - rng.integers(4, 9, (n_samples, 1))] = 0
    return as_given([ids, column(rng, (n_samples, 1))])


def named(parts):
    """Return token ids and another column as the frame that a ColumnTransformer makes of them."""
    frame = pd.DataFrame(parts[0]).add_prefix("text__id")
    return frame.assign(remainder__stars=parts[1])


OTHER_COLUMNS = {
    "stars": (lambda rng, shape: rng.integers(1, 6, shape), np.hstack, "the column 8 looks"),
    "flags": (lambda rng, shape: rng.integers(0, 2, shape), np.hstack, "the column 8 looks"),
    "prices": (lambda rng, shape: rng.integers(800, 9000, shape), np.hstack, "the column 8 looks"),
    "whole prices": (lambda rng, shape: np.full(shape, 20.0), np.hstack, "it holds floats"),
    "frame": (lambda rng, shape: rng.integers(1, 600, shape), named, "'remainder__stars' looks"),
    "float": (lambda rng, shape: np.full(shape, 20.0), named, "'remainder__stars' looks"),
    "stray": (lambda rng, shape: np.eye(*shape, dtype=int) * 50000, np.hstack, "1 of them are"),
    "none": (lambda rng, shape: np.minimum(rng.zipf(1.2, shape) + 1, 900), np.hstack, None),
    "marker": (lambda rng, shape: np.full(shape, 2), np.hstack, None),
}


@pytest.mark.parametrize("kind", OTHER_COLUMNS)
def test_auto_vocab_size_warns_of_columns_that_are_not_token_ids(kind):
    column, as_given, message = OTHER_COLUMNS[kind]
    X = text_and(column, as_given=as_given)
    with nullcontext() if message is None else pytest.warns(UserWarning, match=message):
        network(epochs=1).fit(X, np.arange(160) % 2)
    if message is not None:
        network(vocab_size=50001, epochs=1).fit(X, np.arange(160) % 2)  # silenced by a number


def test_auto_vocab_size_counts_padding_and_out_of_vocabulary():
    X, y = np.zeros((10, 3), dtype=int), np.arange(10) % 2
    fitted = network().fit(X, y)
    assert fitted.weights_[0].shape == (2, 3)
    np.testing.assert_array_equal(fitted.predict_proba(X + 1), fitted.predict_proba(X + 7))


@both_engines
def test_auto_vocab_size_stays_as_first_learned(engine):
    X, y = tokens()
    larger = np.where(X == 1, 20, X)
    kept = {"engine": engine, "shuffle": False}
    parts = [network(**kept).partial_fit(X, y, [0, 1]).partial_fit(x, y) for x in (larger, X)]
    again = [network(warm_start=True, **kept).fit(X, y).fit(x, y) for x in (larger, X)]
    for pair in (parts, again):
        assert pair[0].weights_[0].shape == (9, 3)
        for found, expected in zip(pair[0].weights_, pair[1].weights_, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_auto_vocab_size_reads_larger_ids_in_validation_data():
    X, y = tokens()
    data = [network().fit(X, y, validation_data=(x, y)) for x in (X, np.where(X == 1, 99, X))]
    assert data[0].history_["val_loss"] == data[1].history_["val_loss"]


def test_auto_vocab_size_survives_a_file_a_pickle_and_set_params(tmp_path):
    X, y = tokens()
    fitted = network().fit(X, y)
    skrnn.save(fitted, tmp_path / "network.skrnn")
    copies = [skrnn.load(tmp_path / "network.skrnn"), pickle.loads(pickle.dumps(fitted))]
    for copy in [*copies, fitted.set_params(vocab_size=9)]:
        np.testing.assert_array_equal(copy.predict(X + 100), fitted.predict(np.ones_like(X)))
    assert not hasattr(clone(fitted), "weights_")


@pytest.mark.parametrize("method", ["summary", "build_model"])
def test_auto_vocab_size_has_no_number_before_fit(method):
    with pytest.raises(ValueError, match="Fit first, or pass a number"):
        getattr(network(), method)((5, 1))


@pytest.mark.parametrize(
    "as_given",
    [list, tuple, np.ndarray.tolist, lambda X: pd.Series(list(X))],
    ids="list tuple lists series".split(),
)
def test_documents_of_equal_length_are_a_list_of_sequences(as_given):
    X, y = tokens()
    # The native engine sums in another order where lengths may differ.
    settings = {"vocab_size": 9, "engine": "numpy"}
    documents, of_array = (network(**settings).fit(x, y) for x in (as_given(X), X))
    np.testing.assert_array_equal(documents.predict_proba(X), of_array.predict_proba(X))
    assert documents.predict([[1, 2, 3]]).shape == documents.predict(as_given(X[:1])).shape == (1,)
    with pytest.raises(ValueError, match="Fit on a list of arrays of token ids"):
        of_array.predict([[1, 2, 3]])


def test_documents_can_come_one_by_one_and_in_blocks():
    X, y = tokens()
    blocks = [
        ([row[: 1 + i % 5]], [label]) for i, (row, label) in enumerate(zip(X, y, strict=True))
    ]
    one_by_one = network(vocab_size=9)
    for block in blocks:
        one_by_one.partial_fit(*block, classes=[0, 1])
    for fitted in (one_by_one, network().fit_batches(blocks)):
        assert fitted.predict([[1, 2, 3, 4, 5, 6]]).shape == (1,)


def test_labels_of_documents_of_equal_length_come_back_as_a_list():
    X, _ = tokens()
    fitted = network(return_sequences=True).fit(X.tolist(), X > 4)
    assert [len(labels) for labels in fitted.predict([[1, 2], [3, 4]])] == [2, 2]
    assert fitted.score(X.tolist(), (X > 4).tolist()) == fitted.score(X, X > 4)


def test_auto_vocab_size_is_found_in_each_fold_of_a_search():
    X, y = tokens()
    grid = {"hidden_size": [2, 4]}
    search = GridSearchCV(network(), grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_estimator_.weights_[0].shape == (9, 3)
