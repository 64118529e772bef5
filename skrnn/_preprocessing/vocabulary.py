"""Vocabularies: learned or given tokens in the order of their ids, and tokens from ids."""

import reprlib
from collections import Counter
from collections.abc import Mapping, Set
from itertools import chain
from numbers import Integral

import numpy as np

from skrnn._utils.numeric_checks import as_array

PADDING, UNKNOWN, FIRST = 0, 1, 2  # ids; those of the vocabulary start at FIRST


def most_frequent(documents, max_tokens, oov_token, min_df):
    """Return the tokens to keep in Keras's order: equally frequent ones in reverse order.

    `max_tokens` counts padding and out of vocabulary. `oov_token` already has an id. `min_df` is
    the least number, or share, of documents with a token.
    """
    counts = Counter(chain.from_iterable(documents))
    counts.pop(oov_token, None)
    if not counts:
        raise ValueError(
            "`X` must hold tokens, got documents without any. Check `token_pattern` and "
            "`analyzer`, or pass documents that are not empty."
        )
    if min_df != 1 or not isinstance(min_df, Integral):
        least = min_df if isinstance(min_df, Integral) else min_df * len(documents)
        in_documents = Counter(chain.from_iterable(map(set, documents)))
        counts = {token: count for token, count in counts.items() if in_documents[token] >= least}
        if not counts:
            raise ValueError(
                f"`min_df` must leave tokens, got {min_df}: no token is in so many of the "
                f"{len(documents)} documents. Lower it."
            )
    # By count, and tokens of equal count by themselves: a stable sort needs no pairs.
    ordered = sorted(sorted(counts, reverse=True), key=counts.get, reverse=True)
    return ordered if max_tokens is None else ordered[: max_tokens - FIRST]


def given_tokens(vocabulary, max_tokens, oov_token):
    """Return the tokens of the parameter `vocabulary` in the order of their ids."""
    if isinstance(vocabulary, str) or not hasattr(vocabulary, "__iter__"):
        raise TypeError(
            f"`vocabulary` must hold tokens, got {reprlib.repr(vocabulary)}. Pass a list of str."
        )
    tokens = list(vocabulary)
    wrong = [token for token in tokens if not isinstance(token, str) or token == oov_token]
    if wrong or not tokens or len(set(tokens)) < len(tokens):
        raise ValueError(
            "`vocabulary` must hold one or more distinct strings, without `oov_token`, which "
            f"already has an id, got {reprlib.repr(wrong[0] if wrong else tokens)}. Remove it, and "
            "duplicates."
        )
    n_ids = FIRST + len(tokens)
    if max_tokens is not None and n_ids > max_tokens:
        raise ValueError(
            f"`max_tokens` must be at least {n_ids}, for the {len(tokens)} tokens of `vocabulary` "
            f"and two reserved ids, got {max_tokens}. Raise it, or pass None."
        )
    if isinstance(vocabulary, Set):
        return sorted(tokens)
    if not isinstance(vocabulary, Mapping):
        return tokens
    by_id = {i: token for token, i in vocabulary.items()}
    if by_id.keys() != set(range(FIRST, n_ids)):
        raise ValueError(
            f"`vocabulary` must give its tokens the ids {FIRST} to {n_ids - 1}, each once, got "
            f"{reprlib.repr(list(vocabulary.values()))}. Pass only the tokens, in their order."
        )
    return [by_id[i] for i in range(FIRST, n_ids)]


def tokens_of_ids(ids, names, i):
    """Return the tokens of the ids of document i; an id without a token is None in `names`."""
    ids = as_array(ids, f"Document {i} of `X`")
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise ValueError(
            f"`X` must hold a row of whole numbers for each document, got an array of {ids.dtype} "
            f"with {ids.ndim} dimensions as document {i}. Pass what `transform` returns."
        )
    wrong = ids[(ids < 0) | (ids >= len(names))]
    if wrong.size:
        raise ValueError(
            f"`X` must hold ids in [0, {len(names)}), got {wrong[0]} in document {i}. Pass what "
            "`transform` returns."
        )
    tokens = names[ids.astype(np.intp)]
    return tokens[[token is not None for token in tokens]]
