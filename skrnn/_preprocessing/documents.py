"""Documents: checks of strings or lists of tokens, and their tokens."""

import reprlib
from collections.abc import Mapping, Set

import numpy as np
import pandas as pd
from scipy.sparse import issparse

TOKENS = list, tuple, np.ndarray, pd.Series
REMEDY = "Pass a list, a Series or an array with one document for each sample."


def as_list(X):
    """Return documents as a list; refuse anything but one document for each sample."""
    if isinstance(X, (str, bytes, Mapping, Set)) or issparse(X) or not hasattr(X, "__iter__"):
        kind = f"{'sparse ' if issparse(X) else ''}{type(X).__name__}"
        raise TypeError(f"`X` must hold documents, got one {kind}. {REMEDY}")
    if hasattr(X, "columns"):
        first = next(iter(X.columns), "text")
        raise TypeError(
            f"`X` must be one column of documents, got a frame of {len(X.columns)}. Pass "
            f"`frame[{first!r}]`; in a ColumnTransformer name the column {first!r}, not "
            f"[{first!r}]."
        )
    shape = np.shape(X) if isinstance(X, np.ndarray) else (0,)
    if len(shape) != 1 and (len(shape) != 2 or shape[1] == 1):
        raise ValueError(
            f"`X` must have one document for each sample, got the shape {shape}. Pass `X.ravel()`."
        )
    return X.tolist() if isinstance(X, np.ndarray) else list(X)


def read_documents(documents, analyze):
    """Return a list of tokens for each document; `analyze` splits documents that are strings."""
    text = bool(documents) and isinstance(documents[0], str)
    required = "strings" if text else "strings, or lists of tokens"
    for i, document in enumerate(documents):
        known = isinstance(document, (str, *TOKENS))
        if known and isinstance(document, str) == text:
            continue
        if pd.api.types.is_scalar(document) and pd.isna(document):
            raise ValueError(
                f"`X` must hold {required}, got the missing value {document!r} as document {i}. "
                'Drop it and its label, or pass "" instead.'
            )
        remedy = "Pass only strings or only lists" if known else "Convert it to a str or a list"
        raise TypeError(
            f"`X` must hold {required}, got {reprlib.repr(document)} of type "
            f"{type(document).__name__} as document {i}. {remedy}."
        )
    if text:
        return [analyze(document) for document in documents]
    return [_string_tokens(document, i) for i, document in enumerate(documents)]


def analyze_documents(documents, analyzer):
    """Return the tokens of each document, of any type, from a caller's function."""
    documents = [analyzer(document) for document in documents]
    for i, tokens in enumerate(documents):
        if isinstance(tokens, str) or not hasattr(tokens, "__iter__"):
            raise TypeError(
                f"`analyzer` must return a list of tokens, got {reprlib.repr(tokens)} for document "
                f"{i}. Return a list of str from it."
            )
    return [_string_tokens(tokens, i) for i, tokens in enumerate(documents)]


def _string_tokens(document, i):
    """Return the tokens of a document as a list; each must be a string."""
    tokens = document.tolist() if hasattr(document, "tolist") else list(document)
    for token in tokens:
        if not isinstance(token, str):
            raise TypeError(
                f"`X` must hold tokens that are strings, got {reprlib.repr(token)} of type "
                f"{type(token).__name__} in document {i}. Pass `str(token)`."
            )
    return tokens
