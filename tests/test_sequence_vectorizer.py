"""SequenceVectorizer: the ids of documents, what is refused, and the pipelines it stands in."""

import pickle
import random
import sys
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from textwrap import wrap

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import RNNClassifier, SequenceVectorizer

DOCUMENTS = [
    "The plot is thin, the jokes are old.",
    "A plot with a heart: the cast is great!",
    "Great jokes; great cast",
    "old",
]
LABELS = ["bad", "good", "good", "bad"]
ids_of = np.testing.assert_array_equal


def words(n_documents=40, seed=0):
    """Return documents of Zipf's words, as lists of tokens, some of them empty."""
    rng = np.random.default_rng(seed)
    return [
        [f"w{word}é" for word in np.minimum(rng.zipf(1.5, length), 60)]
        for length in rng.integers(0, 12, n_documents)
    ]


# Ids


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("max_tokens", [3, 12, 5000])
def test_ids_are_those_of_keras_text_vectorization_and_pad_sequences(
    padding, truncating, max_tokens
):
    from keras.layers import TextVectorization
    from keras.utils import pad_sequences

    train, test = words(), words(seed=1)
    layer = TextVectorization(max_tokens, standardize=None, split="whitespace", ragged=True)
    layer.adapt([" ".join(tokens) for tokens in train])
    rows = [layer([" ".join(tokens)])[0].numpy() for tokens in test]
    expected = pad_sequences(rows, 6, padding=padding, truncating=truncating)
    vectorizer = SequenceVectorizer(max_tokens, 6, padding=padding, truncating=truncating)
    found = vectorizer.fit(train).transform(test)
    ids_of(found, expected)
    assert found.dtype == expected.dtype == np.int32
    assert ["", *vectorizer.inverse_transform([range(1, len(vectorizer.vocabulary_) + 2)])[0]] == (
        layer.get_vocabulary()
    )


def test_tokens_are_those_of_count_vectorizer():
    for parameters in (
        {},
        {"lowercase": False},
        {"token_pattern": r"(?u)\w+|[^\w\s]"},
        {"analyzer": "char"},
        {"strip_accents": "unicode"},
        {"strip_accents": str.upper},
        {"stop_words": "english"},
        {"stop_words": ["the", "plot"]},
        {"analyzer": str.split},
    ):
        analyze = CountVectorizer(**parameters).build_analyzer()
        vectorizer = SequenceVectorizer(padding=None, **parameters)
        back = vectorizer.inverse_transform(vectorizer.fit_transform(DOCUMENTS))
        assert [list(tokens) for tokens in back] == list(map(analyze, DOCUMENTS))


@pytest.mark.parametrize("min_df", [2, 0.5, 1.0, 3])
def test_min_df_leaves_out_the_words_that_count_vectorizer_does(min_df):
    X = [*DOCUMENTS, "the cast", "cast cast"]
    expected = CountVectorizer(min_df=min_df).fit if min_df != 1.0 else None
    if expected is None:
        with pytest.raises(ValueError, match=r"`min_df` must leave tokens, got 1\.0: .* 6 doc"):
            SequenceVectorizer(min_df=min_df).fit(X)
    else:
        found = SequenceVectorizer(min_df=min_df).fit(X).vocabulary_
        assert set(found) == set(expected(X).vocabulary_)


KEPT = {"token_pattern": r"\w+|[^\w\s]"}
CHINESE = ["这家餐厅的菜很好吃、服务也很周到", "房间又小又吵、我们再也不会来了"]
HINDI = ["फिल्म बहुत अच्छी थी", "खाना अच्छा नहीं था"]
LOST_TEXT = [
    ({}, ["fine", "👍👍", "I"], r"2 of 3 documents have no token, such as '👍👍': `token_pat"),
    ({"stop_words": "english"}, ["fine", "not you"], "1 of 2 .* `stop_words`"),
    ({"stop_words": ["The", "plot"]}, DOCUMENTS, r"they leave \['the'\]"),
    ({"stop_words": ["don't"]}, DOCUMENTS, r"they leave \['don'\]"),
    ({"stop_words": "english", "analyzer": "char"}, DOCUMENTS, "`stop_words` is not used"),
    ({"strip_accents": "ascii"}, [["a"], ["b"]], "`strip_accents` is not used"),
    ({"stop_words": ["a"], "analyzer": str.split}, DOCUMENTS, "`stop_words` is not used"),
    (KEPT, [["a"], ["b"]], "`token_pattern` is not used"),
    ({"min_df": 2, "vocabulary": ["plot"]}, DOCUMENTS, "`min_df` is not used, .*vocabulary"),
    ({}, CHINESE, "text without spaces.*'这家餐厅的菜很好吃'. Set `analyzer='char'`"),
    ({}, HINDI, "combining marks"),
    (KEPT, ["I 👍", "a"], None),
    ({"analyzer": "char"}, CHINESE, None),
    ({"analyzer": str.split}, HINDI, None),
    ({}, ["这家 餐厅 的 菜 很 好吃", "房间 又 小 我们 不会"], None),
    ({"stop_words": ["the"], "strip_accents": "unicode"}, [*DOCUMENTS, "", " "], None),
]


@pytest.mark.parametrize(("parameters", "X", "match"), LOST_TEXT)
def test_fit_warns_of_text_that_it_loses_and_of_parameters_that_it_does_not_use(
    parameters, X, match
):
    vectorizer = SequenceVectorizer(**parameters)
    with nullcontext() if match is None else pytest.warns(UserWarning, match=match):
        vectorizer.fit(X)
    vectorizer.transform(X)


def test_order_of_the_vocabulary_does_not_depend_on_that_of_the_documents():
    there, back = (SequenceVectorizer().fit(X).vocabulary_ for X in (DOCUMENTS, DOCUMENTS[::-1]))
    assert list(there.items()) == list(back.items())
    assert list(there)[:3] == ["the", "great", "plot"]


def test_max_tokens_and_max_length_limit_ids_and_rows():
    vectorizer = SequenceVectorizer(max_tokens=5, max_length=None).fit(DOCUMENTS)
    assert list(vectorizer.vocabulary_.values()) == [2, 3, 4]  # after padding and unknown
    assert vectorizer.transform(DOCUMENTS).max() == 4
    assert vectorizer.max_length_ == 8  # of the longest document
    assert vectorizer.transform(["the " * 50]).shape == (1, 8)
    names = vectorizer.get_feature_names_out()
    assert list(names) == [f"sequencevectorizer{i}" for i in range(8)]
    assert len(SequenceVectorizer(max_tokens=None).fit(DOCUMENTS).vocabulary_) == 11


def test_padding_none_gives_all_ids_in_lists():
    vectorizer = SequenceVectorizer(max_length=2, padding=None)
    padded = SequenceVectorizer(max_length=9).fit_transform(DOCUMENTS)
    found = vectorizer.fit_transform(DOCUMENTS)
    assert [row.dtype for row in found] == [np.int32] * 4
    for row, expected in zip(found, padded, strict=True):
        ids_of(row, expected[expected > 0])


def test_fit_transform_is_fit_and_transform():
    for padding in ("pre", "post", None):
        vectorizer = SequenceVectorizer(max_tokens=8, max_length=None, padding=padding)
        one = clone(vectorizer).fit_transform(DOCUMENTS)
        two = vectorizer.fit(DOCUMENTS).transform(DOCUMENTS)
        assert all(np.array_equal(*pair) for pair in zip(one, two, strict=True))


def test_oov_token_none_drops_unknown_tokens_before_truncation():
    vectorizer = SequenceVectorizer(max_length=2, oov_token=None, vocabulary=["plot", "cast"])
    ids_of(vectorizer.fit_transform(DOCUMENTS), [[0, 2], [2, 3], [0, 3], [0, 0]])


def test_oov_token_in_a_document_has_its_own_id():
    tokens = [["<unk>", "a"], ["a", "b"]]
    vectorizer = SequenceVectorizer(max_length=2, oov_token="<unk>").fit(tokens)
    assert list(vectorizer.vocabulary_) == ["a", "b"]
    assert [list(row) for row in vectorizer.inverse_transform(vectorizer.transform(tokens))] == (
        tokens
    )


def test_vocabulary_may_be_given():
    learned = SequenceVectorizer(max_tokens=8).fit(DOCUMENTS)
    for given in (list(learned.vocabulary_), learned.vocabulary_, np.array([*learned.vocabulary_])):
        fixed = SequenceVectorizer(max_tokens=8, vocabulary=given).fit(["another document"])
        assert fixed.vocabulary_ == learned.vocabulary_
        ids_of(fixed.transform(DOCUMENTS), learned.transform(DOCUMENTS))
    shuffled = dict(sorted(learned.vocabulary_.items()))
    assert list(SequenceVectorizer(vocabulary=shuffled).fit(["no word"]).vocabulary_) == [
        *learned.vocabulary_
    ]
    assert SequenceVectorizer(vocabulary={"b", "a"}).fit(["no word"]).vocabulary_ == {
        "a": 2,
        "b": 3,
    }


def test_tokens_are_taken_as_they_are():
    tokens = [["The", "plot", "!"], ["!", "a b"]]
    for X in (tokens, pd.Series(tokens), [np.array(row) for row in tokens], map(tuple, tokens)):
        vectorizer = SequenceVectorizer(padding=None)
        back = vectorizer.inverse_transform(vectorizer.fit_transform(X))
        assert [list(row) for row in back] == tokens
        assert {type(token) for token in vectorizer.vocabulary_} == {str}
    assert SequenceVectorizer(max_length=3).fit_transform(np.array([["a", "b"]] * 4)).shape == (
        (4, 3)
    )


@pytest.mark.parametrize(
    "as_given",
    [
        tuple,
        iter,
        np.array,
        pd.Series,
        lambda X: np.array(X, dtype=object),
        lambda X: pd.Series(X, dtype="category"),
        lambda X: pd.Series(X, index=list("dcba"), dtype=object),
    ],
)
def test_any_column_of_strings_is_accepted(as_given):
    expected = SequenceVectorizer().fit_transform(DOCUMENTS)
    ids_of(SequenceVectorizer().fit_transform(as_given(DOCUMENTS)), expected)
    ids_of(SequenceVectorizer().fit(DOCUMENTS).transform(as_given(DOCUMENTS)), expected)


def test_empty_and_unknown_documents_are_padding_and_out_of_vocabulary():
    vectorizer = SequenceVectorizer(max_length=3).fit(DOCUMENTS)
    ids_of(vectorizer.transform(["", " .", "xyz xyz"]), [[0, 0, 0], [0, 0, 0], [0, 1, 1]])
    ids_of(vectorizer.transform([]), np.empty((0, 3)))
    fixed = SequenceVectorizer(max_length=None, vocabulary=["plot"]).fit(["", ""])
    ids_of(fixed.transform(["", "plot"]), [[0], [2]])


# Refused

NAN = float("nan")
DOCUMENT_ERRORS = [
    ("the plot", TypeError, r"`X` must hold documents, got one str"),
    (b"plot", TypeError, "got one bytes"),
    ({"text": DOCUMENTS}, TypeError, "got one dict"),
    (3, TypeError, "got one int"),
    (pd.DataFrame({"text": DOCUMENTS}), TypeError, r"Pass `frame\['text'\]`"),
    (np.array(DOCUMENTS)[:, np.newaxis], ValueError, r"\(4, 1\). Pass `X.ravel\(\)`"),
    ([*DOCUMENTS, None], ValueError, "got the missing value None as document 4"),
    (pd.Series(["a", NAN]), ValueError, "got the missing value nan as document 1"),
    ([NAN, "a"], ValueError, "got the missing value nan as document 0"),
    (pd.Series(["a", pd.NA], dtype=object), ValueError, "the missing value <NA> as document 1"),
    ([["a"], 3], TypeError, r"lists of tokens, got 3 of type int as document 1"),
    ([b"plot"], TypeError, "got b'plot' of type bytes .* Convert it to a str"),
    (["a", ["b"]], TypeError, r"got \['b'\] of type list as document 1. Pass only strings"),
    ([["b"], "a"], TypeError, "got 'a' of type str as document 1"),
    ([["a"], ["b", 3.5]], TypeError, "got 3.5 of type float in document 1"),
]
PARAMETER_ERRORS = [
    ({"max_tokens": 2}, ValueError, "'max_tokens' parameter"),
    ({"max_length": 0}, ValueError, "'max_length' parameter"),
    ({"padding": "left"}, ValueError, "'padding' parameter"),
    ({"truncating": None}, ValueError, "'truncating' parameter"),
    ({"analyzer": "char_wb"}, ValueError, "'analyzer' parameter"),
    ({"token_pattern": "("}, ValueError, r"`token_pattern` must be a regular expr"),
    ({"token_pattern": "(a)(b)"}, ValueError, "at most one group, got 2"),
    ({"analyzer": str.lower}, TypeError, "`analyzer` must return a list"),
    ({"analyzer": lambda text: [1]}, TypeError, "got 1 of type int"),
    ({"token_pattern": "0"}, ValueError, "documents without any. Check `token_p"),
    ({"vocabulary": "plot"}, TypeError, "`vocabulary` must hold tokens"),
    ({"vocabulary": []}, ValueError, "one or more"),
    ({"vocabulary": ["a", "a"]}, ValueError, "distinct strings"),
    ({"vocabulary": ["a", "[UNK]"]}, ValueError, r"got '\[UNK\]'"),
    ({"vocabulary": [1]}, ValueError, "distinct strings"),
    ({"vocabulary": {"a": 0}}, ValueError, "the ids 2 to 2, each once"),
    ({"vocabulary": ["a", "b"], "max_tokens": 3}, ValueError, "`max_tokens` must be at least 4"),
]


@pytest.mark.parametrize(
    ("parameters", "method", "given", "error", "match"),
    [
        *[
            ({}, method, *row)
            for row in DOCUMENT_ERRORS
            for method in ("fit", "transform", "fit_transform")
        ],
        *[(parameters, "fit", DOCUMENTS, *row) for parameters, *row in PARAMETER_ERRORS],
        ({}, "fit", [], ValueError, "at least one document"),
        ({}, "inverse_transform", [[13]], ValueError, r"ids in \[0, 13\), got 13"),
        ({}, "inverse_transform", [[2], [-1]], ValueError, "got -1 in document 1"),
        ({}, "inverse_transform", [0.5], ValueError, "whole"),
    ],
)
def test_refusal_leaves_the_vectorizer_as_it_was(parameters, method, given, error, match):
    vectorizer = SequenceVectorizer().fit(DOCUMENTS).set_params(**parameters)
    before = dict(vars(vectorizer))
    with pytest.raises(error, match=match):
        getattr(vectorizer, method)(given)
    assert vars(vectorizer) == before


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "get_feature_names_out"])
def test_unfitted_vectorizer_is_refused(method):
    with pytest.raises(NotFittedError):
        getattr(SequenceVectorizer(), method)([])


# Containers, copies and tags


def test_output_may_be_a_frame_on_the_index_of_the_documents():
    series = pd.Series(DOCUMENTS, index=list("dcba"))
    vectorizer = SequenceVectorizer(max_length=3).set_output(transform="pandas")
    frame = vectorizer.fit_transform(series)
    assert list(frame.index) == list("dcba")
    assert list(frame.columns) == [f"sequencevectorizer{i}" for i in range(3)]
    ids_of(frame, SequenceVectorizer(max_length=3).fit_transform(DOCUMENTS))
    assert [*vectorizer.inverse_transform(frame)[3]] == ["old"]


def test_lists_of_ids_stay_lists_whatever_output_is_set():
    vectorizer = SequenceVectorizer(padding=None)
    pipeline = make_pipeline(vectorizer).set_output(transform="pandas")
    assert isinstance(pipeline.fit_transform(DOCUMENTS), list)
    with config_context(transform_output="pandas"):
        assert isinstance(vectorizer.fit_transform(DOCUMENTS), list)
    assert not hasattr(vectorizer, "get_feature_names_out")


def test_clone_pickle_and_skops_keep_parameters_and_fitted_state():
    vectorizer = SequenceVectorizer(7, 4, padding="post", oov_token="?", vocabulary=("a", "plot"))
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    vectorizer.fit(DOCUMENTS)
    stored = skops.io.dumps(vectorizer)
    by_skops = skops.io.loads(stored, skrnn.trusted_types)
    for copy in (pickle.loads(pickle.dumps(vectorizer)), by_skops):
        ids_of(copy.transform(DOCUMENTS), vectorizer.transform(DOCUMENTS))


# Pipelines


def network(**parameters):
    settings = {"embedding_dim": 3, "mask_value": 0, "epochs": 2, "random_state": 0} | parameters
    return RNNClassifier("gru", 4, vocab_size="auto", **settings)


def test_pipeline_reads_new_words_and_empty_documents():
    pipeline = make_pipeline(SequenceVectorizer(), network()).fit(DOCUMENTS, LABELS)
    one, two, empty = pipeline.predict_proba(["xyz plot", "qqq plot", ""])
    ids_of(one, two)
    assert np.isfinite(empty).all()


def test_search_over_vectorizer_and_network():
    X, y = pd.Series(DOCUMENTS * 6), np.array(LABELS * 6)
    grid = {
        "sequencevectorizer__max_length": [2, None],
        "rnnclassifier__cell_type": ["gru", "lstm"],
    }
    pipeline = make_pipeline(SequenceVectorizer(), network())
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert search.predict(X).shape == (24,)


def test_pipeline_labels_every_token():
    tokens = [["the", "old", "plot"], ["old", "jokes"], ["the", "cast", "is", "old"]]
    labels = [np.array(["adj" if token == "old" else "other" for token in row]) for row in tokens]
    tagger = make_pipeline(
        SequenceVectorizer(padding=None),
        network(return_sequences=True, mask_value=None, epochs=60),
    ).fit(tokens, labels)
    for found, expected in zip(tagger.predict(tokens), labels, strict=True):
        assert list(found) == list(expected)


def test_pipeline_survives_save_and_load(tmp_path):
    pipeline = make_pipeline(SequenceVectorizer(9, max_length=None), network())
    for est in (pipeline, pipeline.fit(DOCUMENTS, LABELS), pipeline[0]):
        skrnn.save(est, tmp_path / "file")
        loaded = skrnn.load(tmp_path / "file")
        assert loaded.get_params().keys() == est.get_params().keys()
    assert loaded.vocabulary_ == pipeline[0].vocabulary_
    ids_of(loaded.transform(DOCUMENTS), pipeline[0].transform(DOCUMENTS))
    skrnn.save(pipeline, tmp_path / "file", key="key")
    loaded = skrnn.load(tmp_path / "file", key="key")
    ids_of(loaded.predict_proba(DOCUMENTS), pipeline.predict_proba(DOCUMENTS))


@pytest.mark.parametrize(
    ("analyzer", "name"),
    [(str.split, "builtins.str.split"), (wrap, "textwrap.wrap"), (random.choice, "random.choice")],
)
def test_file_imports_an_analyzer_that_is_trusted(analyzer, name, tmp_path):
    skrnn.save(make_pipeline(SequenceVectorizer(analyzer=analyzer), network()), tmp_path / "file")
    loaded = skrnn.load(tmp_path / "file", trusted=[name])
    assert loaded[0].analyzer == analyzer
    for trusted in ([], ["str.split"], ["builtins.str.splitlines"]):
        message = rf"the function {name} is not trusted\. Pass `trusted=\['{name}'\]`"
        with pytest.raises(skrnn.FileFormatError, match=message):
            skrnn.load(tmp_path / "file", trusted=trusted)
    with pytest.raises(TypeError, match="`trusted` must be a list"):
        skrnn.load(tmp_path / "file", trusted=name)


def test_file_imports_nothing_before_it_is_trusted(tmp_path, monkeypatch):
    (tmp_path / "my_words.py").write_text("def split(text): return text.split()")
    monkeypatch.syspath_prepend(tmp_path)
    skrnn.save(SequenceVectorizer(analyzer=import_module("my_words").split), tmp_path / "file")
    monkeypatch.delitem(sys.modules, "my_words")
    with pytest.raises(skrnn.FileFormatError, match=r"my_words\.split is not trusted"):
        skrnn.load(tmp_path / "file")
    assert "my_words" not in sys.modules
    skrnn.load(tmp_path / "file", trusted=["my_words.split"])
    monkeypatch.delitem(sys.modules, "my_words")
    (tmp_path / "my_words.py").write_text("split = 3")
    with pytest.raises(skrnn.FileFormatError, match=r"the function my_words\.split is not as"):
        skrnn.load(tmp_path / "file", trusted=["my_words.split"])


def test_file_refuses_a_function_without_a_name_and_a_wrong_vocabulary(tmp_path):
    for function in (lambda text: [text], "".split, partial(str.split, sep=",")):
        with pytest.raises((TypeError, ValueError), match=r"`SequenceVectorizer\.analyzer` cannot"):
            skrnn.save(SequenceVectorizer(analyzer=function), tmp_path / "file")
    for wrong in ({"a": 3}, {"a": 2, "b": 2}, {1: 2}, ["a"]):
        vectorizer = SequenceVectorizer().fit(DOCUMENTS)
        vectorizer.vocabulary_ = wrong
        with pytest.raises(ValueError, match="`vocabulary_`"):
            skrnn.save(vectorizer, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
