"""Documents: strings or lists of tokens as a caller passes them, and the tokens that they hold."""

import re
import reprlib
from collections.abc import Mapping, Set

import numpy as np
import pandas as pd

TOKENS = list, tuple, np.ndarray, pd.Series
REMEDY = "Pass a list, a Series or an array with one document for each sample."


def _kind(value):
    return type(value).__name__


def _listed(X):
    """Return the documents in a list, or refuse what is not one document for each sample."""
    if isinstance(X, (str, bytes, Mapping, Set)) or not hasattr(X, "__iter__"):
        raise TypeError(f"`X` must hold documents, got one {_kind(X)}. {REMEDY}")
    if hasattr(X, "columns"):
        raise TypeError(
            f"`X` must be one column of documents, got a frame of {len(X.columns)}. Pass "
            "`frame['text']`; in a ColumnTransformer name the column 'text', not ['text']."
        )
    shape = np.shape(X) if isinstance(X, np.ndarray) else (0,)
    if len(shape) != 1 and (len(shape) != 2 or shape[1] == 1):
        raise ValueError(
            f"`X` must have one document for each sample, got the shape {shape}. Pass `X.ravel()`."
        )
    return X.tolist() if isinstance(X, np.ndarray) else list(X)


def read_documents(X):
    """Return documents as a list of strings, or as a list of lists of tokens.

    Parameters
    ----------
    X : iterable of str, or of lists of str
        Not both.
    """
    documents = _listed(X)
    text = bool(documents) and isinstance(documents[0], str)
    wanted = "strings" if text else "strings, or lists of tokens"
    for i, document in enumerate(documents):
        known = isinstance(document, (str, *TOKENS))
        if known and isinstance(document, str) == text:
            continue
        if pd.api.types.is_scalar(document) and pd.isna(document):
            raise ValueError(
                f"`X` must hold {wanted}, got {document!r} in place of document {i}: missing. "
                'Drop it, and its label, or pass "".'
            )
        remedy = "Pass all documents in one form" if known else "Make it a str or a list of them"
        raise TypeError(
            f"`X` must hold {wanted}, got {reprlib.repr(document)} of type {_kind(document)} as "
            f"document {i}. {remedy}."
        )
    return documents if text else [_tokens_of(document, i) for i, document in enumerate(documents)]


def _tokens_of(document, i):
    """Return a document's tokens in a list, or refuse what is none."""
    tokens = document.tolist() if hasattr(document, "tolist") else list(document)
    for token in tokens:
        if not isinstance(token, str):
            raise TypeError(
                f"`X` must hold tokens that are strings, got {reprlib.repr(token)} of type "
                f"{_kind(token)} in document {i}. Pass `str(token)`."
            )
    return tokens


def text_analyzer(lowercase, token_pattern, analyzer):
    """Return scikit-learn's function from a string to its list of tokens."""
    # A server that reads no text starts 20 ms sooner.
    from sklearn.feature_extraction.text import CountVectorizer

    try:
        groups = re.compile(token_pattern).groups
    except re.error as error:
        raise ValueError(
            f"`token_pattern` must be a regular expression, got {token_pattern!r}: {error}."
        ) from error
    if groups > 1:
        raise ValueError(
            f"`token_pattern` must have one group at most, got {groups} in {token_pattern!r}. "
            "Write the others as (?:...)."
        )
    return CountVectorizer(
        lowercase=lowercase, token_pattern=token_pattern, analyzer=analyzer
    ).build_analyzer()


def analyzed(X, function):
    """Return the tokens that a caller's function makes of each document, whatever that is."""
    tokens = [function(document) for document in _listed(X)]
    for i, made in enumerate(tokens):
        if isinstance(made, str) or not hasattr(made, "__iter__"):
            raise TypeError(
                f"`analyzer` must return a list of tokens, got {reprlib.repr(made)} for document "
                f"{i}."
            )
    return [_tokens_of(made, i) for i, made in enumerate(tokens)]
