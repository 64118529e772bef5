"""Checks of what a caller passes, made before any graph is built, in the caller's words."""

import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array

from skrnn._data.sequences import ROWS_AT_ONCE, Sequences, binary_unit, padded, underlying_rows
from skrnn._data.timestep_targets import cut_to_list, listed, rows_of_steps
from skrnn._preprocessing.vocabulary import UNKNOWN
from skrnn._utils.numeric_checks import check_numbers
from skrnn._utils.sklearn_private import check_sample_weight

# What `check_array` would leave as it is; it takes longer than the prediction of a sequence.
PLAIN_KINDS = "biuf"
FLOATS = np.dtype(np.float32), np.dtype(np.float64)
MOST_IDS = 2**31  # networks read them as int32
# Integers this large in X are rather token ids than measurements.
TOKEN_LIKE = 1000
NUMBERS_FOR_X = (
    "Turn text into token ids, and pass their count as `vocab_size`; turn times into numbers."
)

ONE_TARGET = (
    "`y` holds one target for each output, with `return_sequences=True` one at each timestep."
)


@contextmanager
def naming(argument):
    """Say of which argument the refusals within speak."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"In `{argument}`: {error}") from error


def read_sequences(X, *, vocab_size, mask_value, dtype, fold=False):
    """Check X and return it as Sequences.

    Parameters
    ----------
    X : array-like of shape (n_samples, timesteps[, features]), or a list of sequences
    vocab_size : int, "auto" or None
        An int: X holds token ids in [0, vocab_size); "auto": token ids of any size.
    mask_value : int, float or None
    dtype : str
        The dtype that the network computes in; finite values must stay finite in it.
    fold : bool, default=False
        Whether larger token ids are read as `UNKNOWN` instead of refused.

    Returns
    -------
    Sequences
    """
    X = listed(X)
    arrays, is_list = _as_arrays(X), isinstance(X, (list, tuple))
    if arrays is None:
        values, lengths = _read_array(X), None
        whole = values.dtype.kind in "iu"
    else:
        arrays = [_to_numbers(array, i) for i, array in enumerate(arrays)]
        values, lengths = _pad(arrays)
        whole = all(array.dtype.kind in "iu" for array in arrays)
    flat = lengths is None and values.ndim == 2
    if vocab_size is not None:
        tokens = _check_tokens(values, vocab_size, lengths, fold)
        return Sequences(tokens, lengths, mask_value, flat, is_list)
    if whole and values.ndim == 2:
        _warn_of_tokens(values)
    values = values[:, :, np.newaxis] if values.ndim == 2 else values
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    _check_finite(values, mask_value, lengths, dtype)
    return Sequences(values, lengths, mask_value, flat, is_list)


def _as_arrays(X):
    """Return the sequences of a list as arrays, or None where X is an ordinary array-like."""
    is_listed = isinstance(X, (list, tuple)) or (
        isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    )
    single = [np.isscalar(item) or item is None for item in X] if is_listed else [True]
    if all(single):
        return None
    if any(single):
        i = single.index(True)
        raise ValueError(f"`X` is a list of sequences, but item {i} is none, got {X[i]!r}.")
    if any(issparse(item) for item in X):
        raise TypeError("Sparse data was passed in `X`, but dense data is required: `toarray()`.")
    _check_columns(X)
    arrays = [_as_array(item, i) for i, item in enumerate(X)]
    dimensions = {array.ndim for array in arrays}
    if dimensions == {2} or (dimensions == {1} and len({len(array) for array in arrays}) > 1):
        return arrays
    shapes = {array.shape for array in arrays}
    if len(dimensions) > 1:
        for i, array in enumerate(arrays):
            _check_holds_steps(array, i)  # what is empty has one dimension
    if len(dimensions) > 1 or (max(dimensions) > 2 and len(shapes) > 1):
        raise ValueError(
            "`X` is a list whose items must all be 1-D or all be 2-D, got items of "
            f"{sorted(dimensions)} dimensions."
        )
    return None


def first_frame(X):
    """Return the first DataFrame of a list, or None where there is none."""
    is_listed = isinstance(X, (list, tuple)) or (
        isinstance(X, (np.ndarray, pd.Series)) and X.dtype == object
    )
    return next((item for item in X if hasattr(item, "columns")), None) if is_listed else None


def _check_columns(X):
    """Refuse frames whose columns differ: sequences are read by position."""
    first = first_frame(X)
    for i, item in enumerate(X):
        columns = getattr(item, "columns", None)
        if columns is not None and list(columns) != list(first.columns):
            raise ValueError(
                f"`X` must hold frames of equal columns in equal order, got {list(columns)} in "
                f"sequence {i} and {list(first.columns)} before."
            )


def _as_array(item, i):
    if hasattr(item, "select_dtypes"):
        values = item.to_numpy()
        if values.dtype.kind in PLAIN_KINDS:
            return values
        check_numbers(item, f"sequence {i} of `X`", NUMBERS_FOR_X)
        return check_array(
            item, ensure_all_finite=False, ensure_min_samples=0, ensure_min_features=0
        )
    try:
        return np.asarray(item)
    except ValueError as error:
        raise ValueError(
            f"`X` is a list of sequences, but sequence {i} is itself ragged: every timestep of a "
            "sequence must have the same number of features."
        ) from error


def _check_holds_steps(array, i):
    if array.size == 0:
        raise ValueError(f"`X` holds an empty sequence, number {i}. Drop it, and its target.")


def _to_numbers(array, i):
    _check_holds_steps(array, i)
    if array.dtype.kind in PLAIN_KINDS:
        return array
    check_numbers(array, f"Sequence {i} of `X`", NUMBERS_FOR_X)
    name = f"sequence {i} of X"
    return check_array(array, ensure_2d=False, ensure_all_finite=False, input_name=name)


def _pad(arrays):
    """Return one floating array padded with NaN at the end, and the true lengths."""
    lengths = np.array([len(array) for array in arrays])
    widths = {array.shape[1:] for array in arrays}
    if len(widths) > 1:
        counts = sorted(width[0] for width in widths)
        raise ValueError(f"`X` must hold sequences of equally many features, got {counts}.")
    dtype = np.result_type(np.float32, *arrays)
    padded = np.full((len(arrays), lengths.max(), *widths.pop()), np.nan, dtype=dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded, lengths


def _is_plain(X):
    """Whether X is an array of floats that needs no conversion: then reading it takes no time."""
    return type(X) is np.ndarray and X.dtype in FLOATS and X.ndim in (2, 3) and X.size > 0


def _read_array(X):
    if _is_plain(X):
        return X
    if isinstance(X, (list, tuple)) or hasattr(X, "__array__"):
        check_numbers(X, "`X`", NUMBERS_FOR_X)
    if isinstance(X, (list, tuple)):
        X = np.asarray(X)  # None in a list of lists would be no NaN to `check_array`
    values = check_array(X, allow_nd=True, ensure_all_finite=False, input_name="X")
    if values.ndim > 3:
        raise ValueError(
            "`X` must have shape (n_samples, timesteps) or (n_samples, timesteps, features), got "
            f"{values.ndim} dimensions: {values.shape}."
        )
    if 0 in values.shape:
        raise ValueError(
            f"`X` must have at least one timestep and one feature, got {values.shape}."
        )
    return values


def _check_tokens(values, vocab_size, lengths, fold):
    """Return token ids as int32 or int64 of shape (n_samples, timesteps)."""
    size = MOST_IDS if vocab_size == "auto" else vocab_size
    limit = np.inf if fold else size
    if values.ndim == 3:
        if values.shape[2] != 1:
            raise ValueError(
                "`X` must hold one token id for each timestep when `vocab_size` is set, got "
                f"{values.shape[2]} features."
            )
        values = values[:, :, 0]
    real = np.ones(values.shape, dtype=bool)
    if lengths is not None:
        real = np.arange(values.shape[1]) < lengths[:, np.newaxis]
    whole = values.dtype.kind in "iub"
    with np.errstate(invalid="ignore"):
        wrong = real & ~((values >= 0) & (values < limit) & (whole | (values % 1 == 0)))
    if wrong.any():
        sample, step = np.argwhere(wrong)[0]
        got = values[sample, step]
        larger = vocab_size != "auto" and size <= got < np.inf
        remedy = " Raise `vocab_size`, or let 'auto' find it in `fit`." if larger else ""
        raise ValueError(
            f"`X` must hold token ids, whole numbers in [0, {limit}) as `vocab_size` says, got "
            f"{got} in sample {sample}, timestep {step}.{remedy}"
        )
    if fold:
        values = np.where(values < size, values, UNKNOWN)
    return np.where(real, values, -1).astype(np.int64 if size > MOST_IDS else np.int32)


def _warn_of_tokens(values):
    if np.nanmin(values) >= 0 and np.nanmax(values) >= TOKEN_LIKE:
        warnings.warn(
            f"`X` holds whole numbers up to {np.nanmax(values):.0f}, which look like token ids. "
            "Set `vocab_size` to embed them, or pass floats if they are measurements.",
            UserWarning,
            stacklevel=2,
        )


def _check_finite(values, mask_value, lengths, dtype):
    """Look at each row once, also where windows overlap, and refuse what cannot be trained on."""
    if values.dtype.kind in "iu":
        return
    rows, _ = underlying_rows(values)
    nan_is_mask = isinstance(mask_value, float) and np.isnan(mask_value)
    limit = np.finfo(dtype).max
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = rows[start : start + ROWS_AT_ONCE]
        total = np.abs(block).max()
        if total <= limit:
            continue
        missing = np.isnan(block)
        if np.isinf(block).any() or (np.abs(block[~missing]) > limit).any():
            raise ValueError(
                f"Input X contains infinity or a value too large for dtype('{dtype}')."
            )
        if lengths is None and not nan_is_mask:
            raise ValueError(
                "Input X contains NaN. Impute it first, or set `mask_value=np.nan` to skip "
                "timesteps whose features are all NaN."
            )
        if (missing.any(axis=1) & ~missing.all(axis=1)).any():
            raise ValueError(
                "Input X contains NaN in a part of a timestep's features. `mask_value=np.nan` "
                "skips only timesteps whose features are all NaN."
            )
    if lengths is not None and not nan_is_mask:
        _check_padding_alone_is_nan(values, lengths)


def _check_padding_alone_is_nan(values, lengths):
    real = np.arange(values.shape[1]) < lengths[:, np.newaxis]
    for i in np.flatnonzero((np.isnan(values).any(axis=2) & real).any(axis=1))[:1]:
        raise ValueError(
            f"Input X contains NaN in sequence {i}. Impute it first, or set `mask_value=np.nan` "
            "to skip timesteps whose features are all NaN."
        )


def read_weights(sample_weight, sequences, *, by_step, dtype, unit=None):
    """Check sample weights and return them near 1, or ones where there are none.

    Only their ratios matter.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), with `by_step` also (n_samples, timesteps)
        For a list of sequences also a list of 1-D arrays.
    sequences : Sequences
    by_step : bool
        Whether each timestep is weighted; absent ones then count zero.
    dtype : str

    Returns
    -------
    ndarray of shape (n_samples,), or (n_samples, timesteps) with `by_step`
    """
    n_samples, shape = len(sequences), sequences.values.shape[:2]
    if by_step:
        sample_weight = _spread_weights(listed(sample_weight), sequences)
    check_numbers(
        sample_weight,
        "`sample_weight`",
        "It is (n_samples,), or with `return_sequences` (n_samples, timesteps).",
    )
    weights = None if sample_weight is None else np.asarray(sample_weight)
    if by_step and weights is not None and weights.ndim == 2:
        if weights.shape != shape:
            raise ValueError(f"`sample_weight` must have shape {shape}, got {weights.shape}.")
        flat = np.broadcast_to(0, weights.size)
        weights = check_sample_weight(weights.ravel(), flat, ensure_non_negative=True)
        weights = weights.reshape(shape)
    else:
        counted = np.broadcast_to(0, n_samples)
        if sample_weight is None:
            weights = np.broadcast_to(np.ones((), dtype=dtype), n_samples)  # takes no memory
        else:
            weights = check_sample_weight(sample_weight, counted, ensure_non_negative=True)
        if by_step:
            weights = np.repeat(weights[:, np.newaxis], shape[1], axis=1)
    if by_step:
        weights = weights * sequences.present()
        if not weights.any():
            raise ValueError(
                "There is nothing to learn from: `sample_weight` is zero on every timestep that "
                "`mask_value` leaves."
            )
    return weights if sample_weight is None else rescale_weights(weights, unit)


def _spread_weights(sample_weight, sequences):
    """Return weights of a list's timesteps as one padded array, and others as they are."""
    if isinstance(sample_weight, (list, tuple)):
        by_sequence = not any(np.ndim(weight) for weight in sample_weight)
    else:
        by_sequence = np.ndim(sample_weight) < 2
    if by_sequence:
        return sample_weight
    if sequences.lengths is None:
        return cut_to_list(sample_weight, sequences)
    rows = rows_of_steps(sample_weight, sequences, "sample_weight")
    for i, row in enumerate(rows):
        check_numbers(row, f"Sample {i} of `sample_weight`")
        if row.ndim > 1:
            raise ValueError(
                "`sample_weight` must hold one weight for each timestep, got the shape "
                f"{row.shape} in sample {i}."
            )
    return padded(rows, sequences.timesteps)


def rescale_weights(weights, unit=None):
    """Return weights divided by a power of two, so that the largest fits any floating dtype.

    Parameters
    ----------
    weights : ndarray
    unit : float, default=None
        That power; None: the one at or below the largest weight.
    """
    return weights / np.asarray(binary_unit(weights.max()) if unit is None else unit, weights.dtype)


def check_shape(sequences, timesteps, features):
    """Refuse sequences of another shape than those that were fitted.

    Parameters
    ----------
    sequences : Sequences
    timesteps : int or None
        None: a list was fitted, and any length is right.
    features : int
    """
    if sequences.features != features:
        one_sample = sequences.flat and sequences.timesteps == features
        remedy = " If X is one sample, pass `[X]`." if one_sample else ""
        raise ValueError(
            f"`X` must have {features} features for each timestep, as in `fit`, got "
            f"{sequences.features}.{remedy}"
        )
    lengths = {sequences.timesteps} if sequences.lengths is None else set(sequences.lengths)
    if timesteps is not None and lengths != {timesteps}:
        found = ", ".join(map(str, sorted(lengths)))
        raise ValueError(
            f"`X` must have {timesteps} timesteps, as in `fit`, got {found}. Fit on a list of "
            "sequences of unequal lengths to predict any length."
        )


def read_numbers(y, *, dtype):
    """Return targets as a floating array whose values are finite in the dtype of computation."""
    if y is None:
        raise ValueError("`y` must be an array of numbers, got None.")
    check_numbers(y, "`y`", ONE_TARGET)
    y = check_array(
        y, ensure_2d=False, allow_nd=True, dtype=(np.float64, np.float32), input_name="y"
    )
    if y.size and np.abs(y).max() > np.finfo(dtype).max:
        raise ValueError(f"Input y contains infinity or a value too large for dtype('{dtype}').")
    return y


def check_batches(n_samples, batch_size, what):
    """Refuse a short last batch where state is carried from batch to batch."""
    if batch_size is not None and n_samples % batch_size:
        raise ValueError(
            f"{what} must have a number of samples that the network's fixed batch size "
            f"{batch_size} divides, as `stateful=True` needs, got {n_samples}."
        )
