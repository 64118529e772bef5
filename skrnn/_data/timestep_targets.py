"""Targets and weights of timesteps, aligned with the sequences of X."""

import warnings

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skrnn._utils.numeric_checks import as_array, check_real


def objects_as_list(values):
    """Return a Series or object array of arrays as a list, and other values unchanged."""
    if isinstance(values, pd.Series):
        values = values.to_numpy()
    is_objects = isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1
    if is_objects and not any(np.isscalar(item) or item is None for item in values):
        return list(values)
    return values


def rows_of_steps(values, sequences, name="y"):
    """Return for each sequence of a list an array of its length; refuse other lengths.

    The rows of an array (n_samples, timesteps, ...) may be padded at the end, with any value.
    """
    values = objects_as_list(values)
    check_samples_match(values, sequences, name)
    is_padded = _is_padded(values)
    given = np.asarray(values) if is_padded else values
    rows = []
    for i, (length, row) in enumerate(zip(sequences.lengths, given, strict=True)):
        row = as_array(row, f"Sample {i} of `{name}`")
        if row.ndim == 0 or len(row) < length or (len(row) > length and not is_padded):
            got = "one value" if row.ndim == 0 else f"{len(row)} values"
            raise ValueError(
                f"`{name}` must hold one value for each timestep, got {got} for the {length} "
                f"timesteps of sample {i}. Pass arrays of the lengths of the sequences."
            )
        rows.append(row[:length])
    return rows


def cut_to_list(values, sequences):
    """Return an array that is padded at the end, cut to the equal length of a list of sequences.

    Lists, and values for an array X, are returned unchanged.
    """
    if sequences.is_list and _is_padded(values):
        return np.asarray(values)[:, : sequences.timesteps]
    return values


def as_one(y, sequences):
    """Return targets of timesteps as one array, or refuse lists of unequal lengths."""
    return as_array(
        y,
        "`y`",
        f"Pass {sequences.timesteps} timesteps in each sample, as in X. If lengths differ, pass X "
        "as a list of sequences, for example from `SequenceVectorizer(padding=None)`.",
    )


def _is_padded(values):
    return hasattr(values, "shape") and np.ndim(values) > 1


def check_samples_match(values, sequences, name="y"):
    """Refuse values with another number of samples than X, and complex or sparse values."""
    check_real(values, f"`{name}`")
    if issparse(values):
        raise TypeError(
            f"Sparse data was passed in `{name}`, but dense data is required. Call `toarray()`."
        )
    if not hasattr(values, "__len__"):
        raise ValueError(
            f"`{name}` must hold one value for each timestep, got {values!r}. Pass an array or a "
            "list of arrays."
        )
    if len(values) != len(sequences):
        raise ValueError(
            f"`{name}` must have {len(sequences)} samples like `X`, got {len(values)}. Pass one "
            "item for each sample."
        )


def check_label_columns(y, timesteps, is_indicator):
    """Warn of indicators, or refuse classes, with a column for each timestep of X."""
    if y.ndim != 2 or not y.shape[1] == timesteps > 1:
        return
    got = f"`y` has a column for each of the {timesteps} timesteps of X, got shape {y.shape}"
    remedy = "Set `return_sequences=True` for a label at each timestep"
    if not is_indicator:
        raise ValueError(f"{got}, and must have one label for each sample. {remedy}.")
    warnings.warn(
        f"{got}, and is read as multilabel. {remedy}. If it is multilabel, set "
        "`loss='binary_crossentropy'` to silence this warning.",
        UserWarning,
        stacklevel=2,
    )
