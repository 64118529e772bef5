"""Timesteps: what y and the weights hold for each of them, brought to the sequences of X."""

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from skrnn._utils.numeric_checks import as_array


def listed(values):
    """Return a Series or object array of arrays as the list of them, and others as they are."""
    if isinstance(values, pd.Series):
        values = values.to_numpy()
    is_objects = isinstance(values, np.ndarray) and values.dtype == object and values.ndim == 1
    if is_objects and not any(np.isscalar(item) or item is None for item in values):
        return list(values)
    return values


def rows_of_steps(values, sequences, name="y"):
    """Return an array for each sequence of a list, of its length; others are refused.

    Parameters
    ----------
    values : list of array-like, or array-like of shape (n_samples, timesteps, ...)
        An array is padded at the end of its rows, whatever stands there.
    sequences : Sequences
        Of a list.
    name : str
        What the message calls the values.
    """
    values = listed(values)
    check_samples_match(values, sequences, name)
    is_padded = _is_padded(values)
    given = np.asarray(values) if is_padded else values
    rows = []
    for i, (length, row) in enumerate(zip(sequences.lengths, given, strict=True)):
        row = as_array(row, f"Sample {i} of `{name}`")
        if row.ndim == 0 or len(row) < length or (len(row) > length and not is_padded):
            got = "one value" if row.ndim == 0 else f"{len(row)} values"
            raise ValueError(
                f"`{name}` must hold one value for each timestep: sample {i} has {length} "
                f"timesteps, but {got} in `{name}`."
            )
        rows.append(row[:length])
    return rows


def cut_to_list(values, sequences):
    """Return an array, padded at the end, as wide as a list of sequences of one length.

    What is no array, and what belongs to no list, is returned as it is.
    """
    if sequences.listed and _is_padded(values):
        return np.asarray(values)[:, : sequences.timesteps]
    return values


def as_one(y, sequences):
    """Return targets of timesteps as one array, or refuse lists of unequal lengths beside one X."""
    return as_array(
        y,
        "`y`",
        f"X has {sequences.timesteps} timesteps in each sample, and so must y. Where lengths "
        "differ pass X as a list of sequences, such as `SequenceVectorizer(padding=None)` makes.",
    )


def _is_padded(values):
    return hasattr(values, "shape") and np.ndim(values) > 1


def check_samples_match(values, sequences, name="y"):
    """Refuse what does not hold as many samples as X."""
    if issparse(values):
        raise TypeError(
            f"Sparse data was passed in `{name}`, but dense data is required: `toarray()`."
        )
    if not hasattr(values, "__len__"):
        raise ValueError(f"`{name}` must hold one value for each timestep, got {values!r}.")
    if len(values) != len(sequences):
        raise ValueError(f"`X` has {len(sequences)} samples, but `{name}` has {len(values)}.")
