"""Embeddings: the vectors that they begin with, whether they learn, and how they are read out."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from fits import small
from oracles import assert_same_arrays
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor, SequenceVectorizer, load, save
from skrnn._training.checkpoints import fingerprint

N_SAMPLES, TIMESTEPS, VOCAB, WIDTH = 30, 5, 9, 3
RNG = np.random.default_rng(0)
X = RNG.integers(0, VOCAB, (N_SAMPLES, TIMESTEPS))
Y = X[:, 0] + RNG.normal(size=N_SAMPLES)
VECTORS = RNG.normal(size=(VOCAB, WIDTH))


network = partial(
    small,
    cell_type="gru",
    vocab_size=VOCAB,
    embedding_dim=WIDTH,
    embedding_init=VECTORS,
    dtype="float64",
    batch_size=8,
    epochs=3,
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer",
    ["adamw", {"name": "adam", "clipnorm": 0.1}],
    ids=str,
)
def test_engines_train_behind_fixed_vectors_alike(optimizer):
    parameters = {"optimizer": optimizer, "kernel_l2": 0.1, "embedding_trainable": False}
    one, two = (network(engine=engine, **parameters).fit(X, Y) for engine in ("numpy", "keras"))
    np.testing.assert_allclose(one.history_["loss"], two.history_["loss"], rtol=1e-9)
    shapes = [[slot.shape for slot in fitted.optimizer_state_] for fitted in (one, two)]
    assert shapes[0] == shapes[1]


def test_other_weights_begin_as_without_given_vectors():
    """What is learned differs by the vectors alone."""
    given, drawn = (
        network(embedding_init=vectors, learning_rate=1e-12, epochs=1).fit(X, Y).weights_
        for vectors in (VECTORS, None)
    )
    assert_same_arrays(given[1:], drawn[1:], rtol=1e-7, atol=1e-9)
    assert np.abs(given[0] - drawn[0]).max() > 0.1


def test_build_model_begins_with_the_given_vectors():
    model = network(embedding_trainable=False).build_model((TIMESTEPS, 1))
    layer = model.get_layer("embedding")
    np.testing.assert_array_equal(layer.get_weights()[0], VECTORS)
    assert not layer.trainable


@pytest.mark.parametrize("kind", [pd.DataFrame, np.ndarray.tolist], ids=["frame", "list"])
def test_vectors_may_be_any_array_like(kind):
    given = network(embedding_init=kind(VECTORS), embedding_trainable=False).fit(X, Y)
    np.testing.assert_array_equal(given.embeddings_, VECTORS)


def test_given_vectors_are_neither_changed_nor_shared():
    given = VECTORS.copy()
    fitted = network(embedding_init=given).fit(X, Y)
    np.testing.assert_array_equal(given, VECTORS)
    assert not np.shares_memory(fitted.embeddings_, given)


def test_fixed_vectors_survive_a_file_and_a_warm_start(tmp_path):
    fitted = network(embedding_trainable=False, warm_start=True).fit(X, Y)
    save(fitted, tmp_path / "network.skrnn")
    loaded = load(tmp_path / "network.skrnn")
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    for more in (fitted, loaded):
        more.fit(X, Y)
        np.testing.assert_array_equal(more.embeddings_, VECTORS)
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    assert fitted.n_epochs_ == 6


@pytest.mark.slow
def test_warm_start_goes_from_engine_to_engine_with_fixed_vectors():
    one = network(embedding_trainable=False, warm_start=True, engine="numpy", shuffle=False)
    two = clone(one).set_params(engine="keras")
    for estimator, other in ((one, "keras"), (two, "numpy")):
        estimator.fit(X, Y).set_params(engine=other).fit(X, Y)
    np.testing.assert_allclose(one.history_["loss"], two.history_["loss"], rtol=1e-9)


def test_checkpoint_of_other_vectors_is_not_taken_up(tmp_path, monkeypatch):
    """The vectors are many, and differ in their middle, where no `repr` shows them."""
    vectors, other = np.zeros((2000, WIDTH)), np.zeros((2000, WIDTH))
    other[1000] = 1.0
    marks = []

    def recorded(*arguments):
        marks.append(fingerprint(*arguments))
        return marks[-1]

    monkeypatch.setattr("skrnn._estimators.training.fingerprint", recorded)
    for given in (vectors, vectors.copy(), other):
        network(vocab_size=2000, embedding_init=given, checkpoint_dir=tmp_path).fit(X, Y)
    assert marks[0] == marks[1] != marks[2]


def test_search_chooses_whether_vectors_learn():
    grid = {"embedding_trainable": [False, True], "embedding_init": [None, VECTORS]}
    search = GridSearchCV(network(epochs=1), grid, cv=2).fit(X, Y)
    assert len(search.cv_results_["params"]) == 4


def test_classifier_reads_its_vocabulary_and_takes_vectors_for_it():
    labels = X[:, 0] > 4
    classifier = RNNClassifier("gru", 4, vocab_size="auto", embedding_dim=WIDTH, epochs=1)
    assert classifier.fit(X, labels).embeddings_.shape == (VOCAB, WIDTH)
    classifier.set_params(embedding_init=VECTORS, embedding_trainable=False).fit(X, labels)
    np.testing.assert_array_equal(classifier.embeddings_, VECTORS.astype(np.float32))


def test_vectors_of_words_stand_where_a_vectorizer_puts_the_words():
    documents = ["good film", "bad film", "film", "good"]
    of_words = {"good": [2.0], "bad": [-3.0], "film": [0.5]}
    vectorizer = SequenceVectorizer(max_length=2).fit(documents)
    vectors = np.zeros((len(vectorizer.vocabulary_) + 2, 1))
    for word, i in vectorizer.vocabulary_.items():
        vectors[i] = of_words[word]
    parameters = {"vocab_size": "auto", "embedding_dim": 1, "embedding_init": vectors}
    fixed = RNNRegressor("gru", 2, epochs=1, embedding_trainable=False, mask_value=0, **parameters)
    pipeline = make_pipeline(vectorizer, fixed).fit(documents, np.arange(4.0))
    read = fixed.embeddings_[vectorizer.transform(["bad film"])[0], 0]
    np.testing.assert_array_equal(read, [-3.0, 0.5])
    assert pipeline.predict(["good good"]) != pipeline.predict(["bad bad"])


def test_network_without_an_embedding_has_no_embeddings():
    fitted = RNNRegressor("gru", 2, epochs=1).fit(X.astype(float), Y)
    assert not hasattr(fitted, "embeddings_")
    assert not hasattr(network(), "embeddings_")


REFUSED = {
    "rows": (VECTORS[:-1], r"\(9, 3\), got \(8, 3\)\. Set `vocab_size=8` and `embedding_dim=3`"),
    "width": (VECTORS[:, 1:], r"got \(9, 2\)\. Set `vocab_size=9` and `embedding_dim=2`"),
    "axes": (VECTORS[0], r"here \(9, 3\), got \(3,\)"),
    "words": ([["a"] * 3] * 9, "must be an array of numbers of shape"),
    "sparse": (csr_array(VECTORS), "parameter of RNNRegressor must be an array-like or None"),
    "ragged": ([[1.0], [1.0, 2.0]], "must be an array of numbers of shape"),
    "missing": (np.where(VECTORS[4, 1] == VECTORS, np.nan, VECTORS), "got .* NaN for token id 4"),
    "too large": (VECTORS * 1e300, "must be finite in float32, got infinity .* for token id 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_vectors_that_do_not_fit_are_refused(case):
    vectors, message = REFUSED[case]
    unfitted = network(embedding_init=vectors, dtype="float32")
    for refused in (lambda: unfitted.fit(X, Y), lambda: unfitted.build_model((TIMESTEPS, 1))):
        with pytest.raises(ValueError, match=message):
            refused()
    assert not hasattr(unfitted, "weights_")


def test_warm_start_may_begin_to_train_what_was_fixed():
    fitted = network(embedding_trainable=False, warm_start=True).fit(X, Y)
    fitted.set_params(embedding_trainable=True).fit(X, Y)
    assert np.abs(fitted.embeddings_ - VECTORS).max() > 1e-3
