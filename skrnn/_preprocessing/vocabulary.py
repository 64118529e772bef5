"""Vocabularies: tokens in the order of their ids, learned or given, and the way back from ids."""

import reprlib
from collections import Counter
from collections.abc import Mapping, Set
from itertools import chain

import numpy as np

PADDING, UNKNOWN, FIRST = 0, 1, 2  # ids; those of the vocabulary begin at FIRST


def most_frequent(documents, max_tokens, oov_token):
    """Return the tokens to keep, in Keras's order: among equally frequent ones the last first.

    Parameters
    ----------
    documents : list of list of str
    max_tokens : int or None
        How many ids there may be, padding and out of vocabulary among them.
    oov_token : str or None
        A token that has its id already.
    """
    counts = Counter(chain.from_iterable(documents))
    counts.pop(oov_token, None)
    if not counts:
        raise ValueError(
            "`X` must hold tokens, got documents without any. Look at `token_pattern` and "
            "`analyzer`, or pass documents that are not empty."
        )
    ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
    return ordered if max_tokens is None else ordered[: max_tokens - FIRST]


def given_tokens(vocabulary, max_tokens, oov_token):
    """Return the tokens of a parameter `vocabulary` in the order of their ids."""
    if isinstance(vocabulary, str) or not hasattr(vocabulary, "__iter__"):
        raise TypeError(
            f"`vocabulary` must hold tokens, got {reprlib.repr(vocabulary)}. Pass a list of str."
        )
    tokens = list(vocabulary)
    wrong = [token for token in tokens if not isinstance(token, str) or token == oov_token]
    if wrong or not tokens or len(set(tokens)) < len(tokens):
        raise ValueError(
            "`vocabulary` must hold one or more distinct strings, without `oov_token`, which has "
            f"an id already, got {reprlib.repr(wrong[0] if wrong else tokens)}."
        )
    if max_tokens is not None and len(tokens) + FIRST > max_tokens:
        raise ValueError(
            f"`max_tokens` must be at least {len(tokens) + FIRST}, for `vocabulary` holds "
            f"{len(tokens)} tokens and two ids are taken, got {max_tokens}. Raise it, or pass None."
        )
    if isinstance(vocabulary, Set):
        return sorted(tokens)
    return _by_id(vocabulary) if isinstance(vocabulary, Mapping) else tokens


def _by_id(vocabulary):
    tokens = {i: token for token, i in vocabulary.items()}
    ids = range(FIRST, FIRST + len(vocabulary))
    if tokens.keys() != set(ids):
        raise ValueError(
            f"`vocabulary` must give its tokens the ids {FIRST} to {ids[-1]}, each once, got "
            f"{reprlib.repr(list(vocabulary.values()))}. Pass the tokens alone, in their order."
        )
    return [tokens[i] for i in ids]


def tokens_of_ids(ids, names, i):
    """Return what the ids of document i stand for, in an array.

    Parameters
    ----------
    ids : array-like of int of shape (timesteps,)
    names : ndarray of object of shape (n_ids,)
        None where an id stands for nothing.
    i : int
        What a message calls the document.
    """
    ids = np.asarray(ids)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise ValueError(
            f"`X` must hold a row of whole numbers for each document, got an array of {ids.dtype} "
            f"with {ids.ndim} dimensions as document {i}."
        )
    wrong = ids[(ids < 0) | (ids >= len(names))]
    if wrong.size:
        raise ValueError(f"`X` must hold ids in [0, {len(names)}), got {wrong[0]} in document {i}.")
    named = names[ids.astype(np.intp)]
    return named[[name is not None for name in named]]
