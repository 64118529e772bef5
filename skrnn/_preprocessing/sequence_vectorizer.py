"""SequenceVectorizer: documents as rows of token ids, in reading order."""

from __future__ import annotations

from dataclasses import KW_ONLY
from itertools import chain
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skrnn._preprocessing.analyzers import TOKEN_PATTERN, text_analyzer, warn_of_lost_text
from skrnn._preprocessing.documents import analyze_documents, as_list, read_documents
from skrnn._preprocessing.vocabulary import (
    FIRST,
    PADDING,
    UNKNOWN,
    given_tokens,
    most_frequent,
    tokens_of_ids,
)
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.declared_parameters import (
    DeclaredEstimator,
    declare_parameters,
    explain_keywords,
    parameter,
)
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import Interval, RealNotInt, StrOptions, fit_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Literal, Self

    from sklearn.utils import Tags

    from skrnn._types import Array, ArrayLike, Container, Documents, Side


def _makes_columns(vectorizer):
    if vectorizer.padding is None:
        raise AttributeError(
            "with `padding=None` documents have different lengths, so there are no columns."
        )
    return True


@declare_parameters
class VectorizerParameters:
    """The parameters of SequenceVectorizer."""

    max_tokens: int | None = parameter(
        5000, Interval(Integral, FIRST + 1, None, closed="left"), None
    )
    max_length: int | None = parameter(30, Interval(Integral, 1, None, closed="left"), None)
    _: KW_ONLY
    padding: Side | None = parameter("pre", StrOptions({"pre", "post"}), None)
    truncating: Side = parameter("pre", StrOptions({"pre", "post"}))
    oov_token: str | None = parameter("[UNK]", str, None)
    lowercase: bool = parameter(True, "boolean")
    strip_accents: Literal["ascii", "unicode"] | Callable[[str], str] | None = parameter(
        None, StrOptions({"ascii", "unicode"}), callable, None
    )
    stop_words: list[str] | Literal["english"] | None = parameter(
        None, StrOptions({"english"}), list, None
    )
    token_pattern: str = parameter(TOKEN_PATTERN, str)
    analyzer: Literal["word", "char"] | Callable[[Any], Iterable[str]] = parameter(
        "word", StrOptions({"word", "char"}), callable
    )
    min_df: float = parameter(
        1, Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="both")
    )
    vocabulary: Iterable[str] | Mapping[str, int] | None = parameter(None, object)


class SequenceVectorizer(
    VectorizerParameters, ClassNamePrefixFeaturesOutMixin, TransformerMixin, DeclaredEstimator
):
    """Transformer from documents to sequences of token ids, the input of an Embedding.

    Use it as the first step of a pipeline in which the network has `vocab_size`. If the order of
    the words does not matter, use scikit-learn's `CountVectorizer` or `TfidfVectorizer`.

    Id 0 is padding and id 1 is out of vocabulary. Ids from 2 on are the most frequent tokens in
    `fit`, in descending order of frequency. Equally frequent tokens are in reverse alphabetical
    order. The ids equal those of Keras's `TextVectorization` on the same tokens.

    Parameters
    ----------
    max_tokens : int or None, default=5000
        Maximum number of ids, including padding and out of vocabulary. Ids lie in ``[0,
        max_tokens)``, as ``vocab_size=max_tokens`` requires. Raise it to keep rarer words. None: no
        limit.
    max_length : int or None, default=30
        Number of tokens in a row of ids. Raise it for longer documents. None: the number in the
        longest document in `fit`.
    padding : {"pre", "post"} or None, default="pre"
        Where shorter documents are padded: before or after their tokens. None: documents are
        neither padded nor truncated, and `transform` returns a list of arrays. Use it for one label
        per token. A document without tokens then gives an empty array, which the networks refuse.
    truncating : {"pre", "post"}, default="pre"
        Where longer documents are truncated: at their start or at their end.
    oov_token : str or None, default="[UNK]"
        Token that replaces tokens out of the vocabulary, in documents and in `inverse_transform`.
        None: such tokens are dropped, and the id 1 is not used.
    lowercase : bool, default=True
        As in scikit-learn's `CountVectorizer`: convert strings to lower case. Set False where
        capitals matter.
    strip_accents : {"ascii", "unicode"}, callable or None, default=None
        As in `CountVectorizer`: remove accents from strings. A callable takes and returns a string.
        None: keep accents.
    stop_words : list of str, "english" or None, default=None
        As in `CountVectorizer`: words to leave out, for ``analyzer="word"``. Negations such as
        "not" are in the English list, and a network may need them. None: keep all words.
    token_pattern : str, default=``r"(?u)\\b\\w\\w+\\b"``
        As in `CountVectorizer`: regular expression of a token, for ``analyzer="word"``. The default
        drops punctuation, emoji and words of one letter; ``r"\\w+|[^\\w\\s]"`` keeps each of them
        as a token. Neither suits scripts without spaces, such as Chinese, or with vowel signs, such
        as Hindi: pass an `analyzer`.
    analyzer : {"word", "char"} or callable, default="word"
        As in `CountVectorizer`. "word": split strings into words. "char": split them into
        characters, which suits Chinese or Japanese. A callable takes a document and returns the
        list of its tokens. `skrnn.save` stores the name of a function that can be imported.
    min_df : int or float, default=1
        As in `CountVectorizer`: leave out tokens that are in fewer documents, or, for a float, in
        a smaller share of them. Raise it to drop rare tokens.
    vocabulary : iterable of str or dict, default=None
        The tokens in the order of their ids from 2 on, or a dict from tokens to these ids, such as
        `vocabulary_`. None: learned in `fit`.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        The id of each token, in the order of the ids.
    max_length_ : int
        Number of tokens in a row of ids.

    See Also
    --------
    RNNClassifier : Reads the ids with ``vocab_size=max_tokens`` or "auto", and ``mask_value=0``.

    Examples
    --------
    >>> from skrnn import SequenceVectorizer
    >>> vectorizer = SequenceVectorizer(max_length=5)
    >>> vectorizer.fit_transform(["the plot is thin", "the cast is great, the plot is not"])
    array([[0, 2, 4, 3, 5],
           [7, 2, 4, 3, 6]], dtype=int32)
    >>> vectorizer.transform(["is the plot good?"])
    array([[0, 3, 2, 4, 1]], dtype=int32)
    >>> vectorizer.inverse_transform([[0, 3, 2, 4, 1]])
    [array(['is', 'the', 'plot', '[UNK]'], dtype=object)]

    Characters as tokens, for languages without spaces:

    >>> SequenceVectorizer(max_length=6, analyzer="char").fit_transform(["很好吃", "不好吃"])
    array([[0, 0, 0, 4, 2, 3],
           [0, 0, 0, 5, 2, 3]], dtype=int32)
    """

    vocabulary_: dict[str, int]
    max_length_: int

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit(self, X: Documents, y: object = None) -> Self:
        """Learn the vocabulary and, with ``max_length=None``, the longest document.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents. Lists of tokens are used unchanged.
        y : object, default=None
            Not used.

        Returns
        -------
        self : SequenceVectorizer
            Fitted vectorizer.
        """
        self._learn(X)
        return self

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit_transform(self, X: Documents, y: object = None) -> Array | Any:
        """Fit, and return the ids of the same documents, which are split into tokens only once.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            As in `fit`.
        y : object, default=None
            Not used.

        Returns
        -------
        ids : ndarray of int32 of shape (n_samples, `max_length_`), or list of ndarray
            As `transform` returns them.
        """
        return self._to_rows(self._learn(X))

    def transform(self, X: Documents) -> Array | Any:
        """Return the ids of the tokens of each document.

        Parameters
        ----------
        X : iterable of str, or of lists of str
            Documents, as strings or as lists of tokens.

        Returns
        -------
        ids : ndarray of int32 of shape (n_samples, `max_length_`), or list of ndarray
            With ``padding=None`` a list of arrays of shape (n_tokens,).
        """
        check_is_fitted(self)
        return self._to_rows(self._ids(self._tokens(as_list(X))))

    def inverse_transform(self, X: ArrayLike) -> list[Array]:
        """Return the tokens that ids represent, without padding.

        Parameters
        ----------
        X : array-like of int of shape (n_samples, timesteps), or list of ndarray
            Ids, as `transform` returns them.

        Returns
        -------
        tokens : list of ndarray of shape (n_tokens,)
            Arrays of str.
        """
        check_is_fitted(self)
        names = np.array([None, self.oov_token, *self.vocabulary_], dtype=object)
        rows = X.to_numpy() if hasattr(X, "to_numpy") else X
        return [tokens_of_ids(row, names, i) for i, row in enumerate(rows)]

    @available_if(_makes_columns)
    def get_feature_names_out(self, input_features: object = None) -> Array:
        """Return a name for each column of ids, with its position in the row.

        The tokens are the keys of `vocabulary_`.

        Parameters
        ----------
        input_features : object, default=None
            Not used.

        Returns
        -------
        names : ndarray of str of shape (`max_length_`,)
            "sequencevectorizer0" and so on.
        """
        return super().get_feature_names_out(input_features)

    def set_output(self, *, transform: Container = None) -> Self:
        """Set the container of the ids.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            An array, or a frame with a column for each position in the row. With ``padding=None``
            the ids stay a list.

        Returns
        -------
        self : SequenceVectorizer
            The same vectorizer.
        """
        return self if self.padding is None else super().set_output(transform=transform)

    @property
    def _n_features_out(self):
        return self.max_length_

    def _tokens(self, documents):
        """Return the tokens of each document of a list."""
        if callable(self.analyzer):
            return analyze_documents(documents, self.analyzer)
        return read_documents(documents, text_analyzer(self))

    def _learn(self, X):
        """Learn from documents, and return the ids of their tokens."""
        documents = as_list(X)
        tokens = self._tokens(documents)
        if not documents:
            raise ValueError("`X` must hold at least one document, got none. Pass some documents.")
        if self.vocabulary is None:
            known = most_frequent(tokens, self.max_tokens, self.oov_token, self.min_df)
        else:
            known = given_tokens(self.vocabulary, self.max_tokens, self.oov_token)
        self.vocabulary_ = {str(token): i for i, token in enumerate(known, FIRST)}
        ids = self._ids(tokens)
        # Documents without tokens become one column of padding.
        self.max_length_ = int(self.max_length or max(1, *map(len, ids)))
        warn_of_lost_text(self, documents, tokens)
        return ids

    def _ids(self, documents):
        """Return the ids of the tokens of each document, in a list of lists."""
        known = self.vocabulary_
        if self.oov_token is None:
            return [[known[token] for token in tokens if token in known] for tokens in documents]
        return [[known.get(token, UNKNOWN) for token in tokens] for tokens in documents]

    def _to_rows(self, ids):
        """Return lists of ids as arrays, or padded and truncated as one array."""
        if self.padding is None:
            return [np.array(row, dtype=np.int32) for row in ids]
        length = self.max_length_
        kept = slice(-length, None) if self.truncating == "pre" else slice(length)
        ids = [row[kept] for row in ids]
        lengths = np.array([len(row) for row in ids], dtype=int)[:, np.newaxis]
        positions = np.arange(length)  # (T,)
        mask = positions < lengths if self.padding == "post" else positions >= length - lengths
        rows = np.full((len(ids), length), PADDING, dtype=np.int32)
        rows[mask] = np.fromiter(chain.from_iterable(ids), dtype=np.int32)
        return rows

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []  # ids are int32
        return tags
