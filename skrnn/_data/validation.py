"""Checks of X and its shape, with messages in the user's terms."""

import warnings
from contextlib import contextmanager
from functools import partial

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array

from skrnn._data.sequences import ROWS_AT_ONCE, Sequences, padded, underlying_rows
from skrnn._data.static_features import check_columns, split_static
from skrnn._data.timestep_targets import objects_as_list
from skrnn._data.token_ids import TOKEN_LIKE, check_tokens, length_mask, warn_of_other_columns
from skrnn._utils.frames import as_pandas
from skrnn._utils.numeric_checks import as_array, check_numbers, is_nan

# Arrays that `check_array` returns unchanged; it takes longer than the prediction of one sequence.
PLAIN_KINDS = "biuf"
FLOATS = np.dtype(np.float32), np.dtype(np.float64)
NUMBERS_FOR_X = (
    "Convert text to token ids: put a `SequenceVectorizer()` in front and set `vocab_size='auto'`. "
    "Convert times to numbers."
)

NO_VALUE = (
    "Input X contains a timestep with NaN in all features. Set `mask_value=np.nan` to skip it."
)


@contextmanager
def naming(argument):
    """Add the name of the argument to errors raised inside the context."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"In `{argument}`: {error}") from error


def read_sequences(
    X,
    *,
    vocab_size,
    mask_value,
    dtype,
    static_features=(),
    n_columns=None,
    map_unknown_tokens=False,
    fills_missing=False,
    flagged=None,
):
    """Check X and return it as Sequences, finite in `dtype`.

    With an int `vocab_size`, X holds token ids in [0, vocab_size); with "auto", ids of any size.
    `map_unknown_tokens` replaces larger ids by `UNKNOWN` instead of refusing them.
    `static_features` are names or positions of columns; X had `n_columns` in `fit`. With
    `fills_missing`, features may be NaN. The features `flagged` get a flag; None: those with NaN.
    """
    plain = vocab_size is None and not static_features and not fills_missing
    if plain and _is_finite_array(X, dtype):
        return Sequences(X, mask_value=mask_value, flagged=flagged or ())
    arrays, is_list = None, False
    if not (isinstance(X, np.ndarray) and X.dtype != object):
        X = objects_as_list(X)
        arrays, is_list = list_of_arrays(X, vocab_size is not None), isinstance(X, (list, tuple))
    if arrays is None:
        values, lengths = read_array(X), None
        whole = values.dtype.kind in "iu"
    else:
        values, lengths = _pad(arrays)
        whole = all(array.dtype.kind in "iu" for array in arrays)
    flat = lengths is None and values.ndim == 2
    static = {}
    if static_features:
        check_columns(values, static_features, n_columns)
        names = list(getattr(X if flat else first_frame(X), "columns", ()))
        values, static = split_static(values, static_features, names, lengths, mask_value, dtype)
    read = partial(Sequences, lengths=lengths, mask_value=mask_value, flat=flat, is_list=is_list)
    if vocab_size is not None:
        tokens = check_tokens(values, vocab_size, lengths, map_unknown_tokens)
        if vocab_size == "auto" and flat and not static:
            warn_of_other_columns(X, values.dtype, tokens)
        return read(tokens, **static)
    if whole and values.ndim == 2:
        _warn_of_tokens(values)
    values = values[:, :, np.newaxis] if values.ndim == 2 else values
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    found = np.empty(0, dtype=int)
    if values.dtype.kind == "f" and fills_missing:
        found = _find_missing(values, mask_value, lengths, dtype)
    elif values.dtype.kind == "f":
        _check_finite_steps(values, mask_value, lengths, dtype)
    flagged = tuple(found.tolist()) if flagged is None else flagged
    return read(values, **static, fills_missing=fills_missing, flagged=flagged)


def _warn_of_tokens(values):
    """Warn of whole numbers that look like token ids."""
    if np.nanmin(values) >= 0 and np.nanmax(values) >= TOKEN_LIKE:
        warnings.warn(
            f"`X` holds whole numbers up to {np.nanmax(values):.0f}, which look like token ids. "
            "Set `vocab_size` to embed them, or pass floats if they are measurements.",
            UserWarning,
            stacklevel=3,
        )


def list_of_arrays(X, tokens=False):
    """Return the sequences of a list as numeric arrays, or None if X is an ordinary array-like.

    1-D items of equal length are rows of an array, unless `tokens` says that they are token ids.
    """
    is_objects = isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1
    if not (is_objects or isinstance(X, (list, tuple))):
        return None
    scalar = [np.isscalar(item) or item is None for item in X]
    if all(scalar):
        return None
    if any(scalar):
        i = scalar.index(True)
        raise ValueError(
            f"`X` must be a list of sequences, got a scalar ({X[i]!r}) as item {i}. Pass an array "
            "for each sequence."
        )
    if any(issparse(item) for item in X):
        raise TypeError(
            "Sparse data was passed in `X`, but dense data is required. Call `toarray()`."
        )
    if first_frame(X) is not None:
        X = [as_pandas(item, f"Sequence {i} of `X`") for i, item in enumerate(X)]
    _check_columns(X)
    arrays = [_as_array(item, i) for i, item in enumerate(X)]
    dimensions, shapes = {array.ndim for array in arrays}, {array.shape for array in arrays}
    if dimensions == {2} or (dimensions == {1} and (tokens or len(shapes) > 1)):
        return [_to_numbers(array, i) for i, array in enumerate(arrays)]
    if len(dimensions) > 1:
        for i, array in enumerate(arrays):
            _check_not_empty(array, i)  # an empty list is 1-D
    if len(dimensions) > 1 or (max(dimensions) > 2 and len(shapes) > 1):
        raise ValueError(
            "`X` must be a list of items that are all 1-D or all 2-D, got items of "
            f"{sorted(dimensions)} dimensions. Reshape them to (timesteps, features)."
        )
    return None


def first_frame(X):
    """Return the first DataFrame of a list, or None if there is none."""
    is_objects = isinstance(X, (np.ndarray, pd.Series)) and X.dtype == object
    if not (is_objects or isinstance(X, (list, tuple))):
        return None
    return next((item for item in X if hasattr(item, "columns")), None)


def _check_columns(X):
    """Refuse frames with different columns, because columns are read by position."""
    first = first_frame(X)
    for i, item in enumerate(X):
        columns = getattr(item, "columns", None)
        if columns is not None and list(columns) != list(first.columns):
            raise ValueError(
                f"`X` must hold frames with the same columns in the same order, got {list(columns)}"
                f" in sequence {i} and {list(first.columns)} before. Reorder them."
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
        return as_array(item, f"Sequence {i} of `X`")
    except ValueError as error:
        raise ValueError(
            "`X` must hold sequences with the same number of features at each timestep, got a "
            f"ragged sequence {i}. Fill in the missing features."
        ) from error


def _check_not_empty(array, i):
    if array.size == 0:
        raise ValueError(
            f"`X` must hold sequences of at least one timestep, got an empty sequence as item {i}. "
            "Drop it and its target."
        )


def _to_numbers(array, i):
    _check_not_empty(array, i)
    if array.dtype.kind in PLAIN_KINDS:
        return array
    check_numbers(array, f"Sequence {i} of `X`", NUMBERS_FOR_X)
    name = f"sequence {i} of X"
    return check_array(array, ensure_2d=False, ensure_all_finite=False, input_name=name)


def _pad(arrays):
    """Return one floating array padded with NaN at the end, and the true lengths."""
    widths = {array.shape[1:] for array in arrays}
    if len(widths) > 1:
        counts = sorted(width[0] for width in widths)
        raise ValueError(
            f"`X` must hold sequences with equal numbers of features, got {counts}. Fill in the "
            "missing features."
        )
    lengths = np.array([len(array) for array in arrays])
    dtype = np.result_type(np.float32, *arrays)
    return padded(arrays, lengths.max(), np.nan, dtype), lengths


def _check_dimensions(shape):
    if len(shape) == 1 or len(shape) > 3:
        raise ValueError(
            "`X` must have the shape (n_samples, timesteps) or (n_samples, timesteps, features), "
            f"got {len(shape)} dimensions: {shape}. Reshape your data: `make_windows` or a "
            "`WindowTransformer` cuts a series into samples."
        )


def read_array(X):
    """Return X as a numeric array of two or three axes; it may hold NaN and infinity."""
    if type(X) is np.ndarray and X.dtype in FLOATS and X.ndim in (2, 3) and X.size > 0:
        return X  # without the cost of a conversion
    if isinstance(X, (list, tuple)) or hasattr(X, "__array__"):
        check_numbers(X, "`X`", NUMBERS_FOR_X)
    if isinstance(X, (list, tuple)):
        X = np.asarray(X)  # `check_array` would not convert None in a list of lists to NaN
    if type(X) is np.ndarray and X.dtype in (np.float32, np.float64) and X.ndim == 3 and X.size:
        return X  # same result as below, but faster than a small network
    _check_dimensions(getattr(X, "shape", ()))
    values = check_array(X, allow_nd=True, ensure_all_finite=False, input_name="X")
    _check_dimensions(values.shape)
    if 0 in values.shape:
        raise ValueError(
            f"`X` must have at least one timestep and one feature, got the shape {values.shape}."
        )
    return values


def _is_finite_array(X, dtype):
    """Whether X is a finite array (n_samples, timesteps, features) of this dtype, contiguous.

    The checks of other input take longer than the prediction of one sample by a small network.
    """
    return (
        type(X) is np.ndarray
        and X.dtype is np.dtype(dtype)
        and X.ndim == 3
        and X.size > 0
        and X.flags.c_contiguous
        and bool(np.isfinite(X).all())
    )


def _nan_of_rows(values, dtype):
    """Yield a NaN mask for each block of rows that holds NaN; refuse infinity."""
    rows, _ = underlying_rows(values)
    limit = np.finfo(dtype).max
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = rows[start : start + ROWS_AT_ONCE]
        total = np.abs(block).max()
        if total <= limit:
            continue
        nan = np.isnan(block)
        if np.isinf(block).any() or (np.abs(block[~nan]) > limit).any():
            raise ValueError(
                f"Input X contains infinity or a value too large for dtype('{dtype}')."
            )
        yield nan


def _check_finite_steps(values, mask_value, lengths, dtype):
    """Refuse infinity, and NaN unless it masks a timestep."""
    nan_is_mask = is_nan(mask_value)
    for nan in _nan_of_rows(values, dtype):
        if lengths is None and not nan_is_mask:
            raise ValueError(
                "Input X contains NaN. Impute it first, set `missing='flag'`, or set "
                "`mask_value=np.nan` to skip timesteps with NaN in all features."
            )
        if (nan.any(axis=1) & ~nan.all(axis=1)).any():
            raise ValueError(
                "Input X contains NaN in some features of a timestep. `mask_value=np.nan` skips "
                "only timesteps with NaN in all features. Set `missing='flag'` too."
            )
    if lengths is not None and not nan_is_mask:
        nan = np.isnan(values).any(axis=2) & length_mask(values, lengths)
        if nan.any():
            raise ValueError(
                f"Input X contains NaN in sequence {nan.any(axis=1).argmax()}. Impute it first, "
                "set `missing='flag'`, or set `mask_value=np.nan` to skip timesteps with NaN in "
                "all features."
            )


def _find_missing(values, mask_value, lengths, dtype):
    """Return the features that are NaN in some present timestep; refuse infinity.

    If timesteps may be absent, a timestep without any value must be absent.
    """
    skips = lengths is not None or mask_value is not None
    found = np.zeros(values.shape[2], dtype=bool)
    for nan in _nan_of_rows(values, dtype):
        empty = nan.all(axis=1, keepdims=True) & skips
        found |= (nan & ~empty).any(axis=0)
        if empty.any() and lengths is None and not is_nan(mask_value):
            raise ValueError(NO_VALUE)
    if lengths is not None and not is_nan(mask_value):
        empty = np.isnan(values).all(axis=2) & length_mask(values, lengths)
        if empty.any():
            raise ValueError(NO_VALUE)
    return np.flatnonzero(found)


def check_shape(sequences, timesteps, features):
    """Refuse sequences with another shape than in `fit`; `timesteps` None: any length."""
    if sequences.lengths is None and sequences.values.shape[1:] == (timesteps, features):
        return
    if sequences.features != features:
        one_sample = sequences.flat and sequences.timesteps == features
        remedy = " If X is one sample, pass `[X]`." if one_sample else ""
        raise ValueError(
            f"`X` must have {features} features for each timestep, as in `fit`, got "
            f"{sequences.features}.{remedy}"
        )
    lengths = {sequences.timesteps} if sequences.lengths is None else set(sequences.lengths)
    any_length = "arrays of token ids" if sequences.tokens else "2-D arrays (timesteps, features)"
    if timesteps is not None and lengths != {timesteps}:
        found = ", ".join(map(str, sorted(lengths)))
        raise ValueError(
            f"`X` must have {timesteps} timesteps, as in `fit`, got {found}. Fit on a list of "
            f"{any_length} to predict any length."
        )


def check_batches(n_samples, batch_size, what, remedy="Drop or add samples."):
    """Refuse an incomplete last batch if states are carried from batch to batch."""
    if batch_size is not None and n_samples % batch_size:
        raise ValueError(
            f"With `stateful=True` the number of samples in {what} must be a multiple of the fixed "
            f"batch size {batch_size}, got {n_samples}. {remedy}"
        )
