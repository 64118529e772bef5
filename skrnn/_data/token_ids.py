"""Checks of token ids, with errors and warnings for values that look like other numbers."""

import re
import warnings
from collections import Counter

import numpy as np

from skrnn._preprocessing.vocabulary import PADDING, UNKNOWN

MOST_IDS = 2**31  # networks read ids as int32
TOKEN_LIKE = 1000  # integers this large in X are probably token ids
# A vocabulary larger than that of any language is due to a stray id if few of its ids occur.
LARGE_VOCABULARY, LEAST_SHARE = 10**6, 0.01
# Columns are compared in rows without padding, if there are enough of them. A column is odd if its
# largest id is much less than usual, its ids fill a range, and no id is in most rows. A column is
# also odd if many of its ids are twice as large as all others. Small vocabularies show both by
# chance.
ENOUGH_ROWS, MUCH_LESS, FILLED, MOST_COMMON, MUCH_MORE = 50, 0.1, 0.75, 0.9, 0.1
SMALL_VOCABULARY = 100


def check_tokens(values, vocab_size, lengths, map_unknown_tokens):
    """Return token ids as int32 or int64 of shape (n_samples, timesteps)."""
    size = MOST_IDS if vocab_size == "auto" else vocab_size
    limit = np.inf if map_unknown_tokens else size
    if values.ndim == 3:
        if values.shape[2] != 1:
            raise ValueError(
                "`X` must hold one token id for each timestep if `vocab_size` is set, got "
                f"{values.shape[2]} features. Leave out the other columns."
            )
        values = values[:, :, 0]
    mask = np.True_ if lengths is None else length_mask(values, lengths)
    whole = values.dtype.kind in "iub"
    with np.errstate(invalid="ignore"):
        wrong = mask & ~((values >= 0) & (values < limit) & (whole | (values % 1 == 0)))
    if wrong.any():
        sample, step = np.argwhere(wrong)[0]
        raise _bad_id(values[sample, step], f"sample {sample}, timestep {step}", vocab_size, limit)
    if map_unknown_tokens:
        values = np.where(values < size, values, UNKNOWN)
    tokens = np.where(mask, values, -1).astype(np.int64 if size > MOST_IDS else np.int32)
    if vocab_size == "auto":
        _check_largest(tokens)
    return tokens


def length_mask(values, lengths):
    """Return True for each timestep within the length of its sequence."""
    return np.arange(values.shape[1]) < lengths[:, np.newaxis]


def _bad_id(got, place, vocab_size, limit):
    """Return the error for a value that is not a token id."""
    top = "" if limit == np.inf else f" to {limit - 1}"
    remedy = "X cannot hold token ids and other numbers: leave out the columns of numbers."
    if got == np.inf or np.isnan(got):
        remedy = "Give unknown words an id, as `SequenceVectorizer` does."
    elif got < 0 and got % 1 == 0:
        remedy = "Pad with an id, usually 0, and pass it as `mask_value`."
    elif got >= limit and vocab_size == "auto":
        remedy = "Number the tokens from 2 on, as `SequenceVectorizer` does."
    elif got >= limit:
        remedy = "Increase `vocab_size`, or set it to 'auto' in `fit`."
    return ValueError(
        f"`X` must hold token ids, whole numbers from 0{top}, if `vocab_size` is set, got {got} in "
        f"{place}. {remedy}"
    )


def _check_largest(tokens):
    """Refuse or warn of a largest id far above the others: all ids below it would get weights."""
    size = int(tokens.max()) + 1
    if size <= TOKEN_LIKE:
        return
    ids = np.unique(tokens)
    ids = ids[ids >= 0]
    if size > LARGE_VOCABULARY and len(ids) < LEAST_SHARE * size:
        sample, step = np.argwhere(tokens == size - 1)[0]
        raise ValueError(
            f"`vocab_size='auto'` takes the largest id plus 1, got {size} for {len(ids)} different "
            f"ids: {size - 1} is in sample {sample}, timestep {step}. Number the tokens from 2 on, "
            "as `SequenceVectorizer` does, or set `vocab_size` to a number."
        )
    gap = np.diff(ids, prepend=0)
    i = gap.argmax()
    if gap[i] > size / 2:
        below = f"all others are below {ids[i - 1] + 1}" if i else f"none is below {ids[0]}"
        warnings.warn(
            f"`vocab_size='auto'` makes an embedding of {size} ids, but only {len(ids)} occur in "
            f"`X`: {len(ids) - i} of them are from {ids[i]} to {size - 1}, {below}. Check that `X` "
            "holds only token ids, or set `vocab_size` to a number.",
            UserWarning,
            stacklevel=2,
        )


def warn_of_other_columns(X, dtype, tokens):
    """Warn of columns that look like other numbers than token ids, such as prices."""
    names = list(getattr(X, "columns", range(tokens.shape[1])))
    kinds = [getattr(kind, "kind", None) for kind in getattr(X, "dtypes", [])]
    odd = [name for name, kind in zip(names, kinds, strict=False) if kind == "f"]
    if len(odd) in (0, len(names)):
        odd = _named_unlike_others(names) or [names[i] for i in _unlike_others(tokens)]
    if odd:
        few = ", ".join(map(repr, odd[:5])) + (", ..." if len(odd) > 5 else "")
        found = f"the columns {few} look" if len(odd) > 1 else f"the column {few} looks"
    elif dtype.kind == "f":
        found = "it holds floats, which look"
    else:
        return
    warnings.warn(
        f"`X` must hold only token ids if `vocab_size` is set, but {found} like other numbers, "
        "which would be embedded as words. Leave them out. If they are token ids, pass integers "
        "and set `vocab_size` to a number.",
        UserWarning,
        stacklevel=2,
    )


def _named_unlike_others(names):
    """Return the names that are not the most common word followed by a number."""
    stems = [re.sub(r"\d+$", "", str(name)) for name in names]
    [(common, count)] = Counter(stems).most_common(1)
    if 2 * count <= len(names):
        return []
    return [name for name, stem in zip(names, stems, strict=True) if stem != common]


def _unlike_others(tokens):
    """Return the positions of columns with small ids that fill a range, or with the largest ids.

    Frequent words at one position of a text have small ids too, but with gaps between them.
    """
    present = tokens != PADDING
    filled = np.flatnonzero(present.sum(axis=0) >= ENOUGH_ROWS)
    if len(filled) < 3 or tokens.max() < SMALL_VOCABULARY:
        return []
    largest = tokens.max(axis=0)
    usual, odd = np.median(largest[filled]), []
    for i in filled:
        column = tokens[present[:, i], i]
        ids, counts = np.unique(column, return_counts=True)
        above = np.delete(largest, i).max()
        fills_range = len(ids) >= FILLED * (ids[-1] - ids[0] + 1)
        spread = counts.max() < MOST_COMMON * len(column) or ids[-1] == UNKNOWN
        small = ids[-1] < MUCH_LESS * usual and fills_range and spread
        if small or (column > 2 * above).mean() > MUCH_MORE:
            odd.append(i)
    return odd
