"""Checks that data is numeric; text, times, complex numbers and masked arrays are refused."""

import reprlib
from numbers import Complex, Number, Real

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skrnn._utils.frames import as_pandas

NESTED = (np.ma.MaskedArray, list, tuple)


def is_nan(value):
    """Whether a value of any type is the number NaN."""
    return isinstance(value, Real) and bool(np.isnan(value))


def _is_masked(data):
    """Whether data is a NumPy masked array, or a list that holds one."""
    if not isinstance(data, (list, tuple)):
        return isinstance(data, np.ma.MaskedArray)
    kinds = set(map(type, data))  # fast for a long list: few types
    return any(issubclass(kind, NESTED) for kind in kinds) and any(map(_is_masked, data))


def _check_no_mask(data, place):
    if _is_masked(data):
        raise TypeError(
            f"{place} must not have a mask, got a masked array: NumPy would read the masked "
            "values. Pass its `filled(np.nan)` if NaN is read as missing, or drop those values."
        )


def check_real(data, place):
    """Refuse complex numbers and masked arrays, because NumPy drops imaginary parts and masks."""
    _check_no_mask(data, place)
    dtype = getattr(data, "dtype", None)
    if getattr(dtype, "kind", None) == "c":
        raise ValueError(
            f"Complex data not supported: {place} must hold real numbers, got {dtype}. Pass the "
            "real and the imaginary parts as two columns, or only one of them."
        )


def as_array(data, place, remedy=""):
    """Return data as an array; refuse lists of unequal lengths and masked arrays."""
    _check_no_mask(data, place)
    try:
        return np.asarray(data)
    except ValueError as error:
        message = f"{place} must be one array, got lists of unequal lengths. {remedy}"
        raise ValueError(message.rstrip()) from error


def _not_a_number(item, place, remedy):
    """Return the error for an item: TypeError if float() rejects its type, else ValueError."""
    got = f"{place} must hold numbers, got {reprlib.repr(str(item))}"
    try:
        # NumPy converts some units of time to a number, and rejects others.
        float(pd.Timestamp(item) if isinstance(item, np.datetime64) else item)
        if isinstance(item, str):
            remedy = "Convert numbers that are held as text, for example by `pd.to_numeric`."
    except TypeError as error:
        return TypeError(f"{got}: {error}. {remedy}")
    except ValueError:
        pass
    return ValueError(f"{got} of type {type(item).__name__}. {remedy}")


def check_numbers(data, place, remedy="Pass an array of numbers."):
    """Refuse text, times and other objects, even if NumPy would convert them.

    Messages name the `place`, and the column of a frame.
    """
    if hasattr(data, "__arrow_c_stream__") and not hasattr(data, "ndim"):  # not an xarray object
        data = as_pandas(data, place)
    if hasattr(data, "select_dtypes"):
        for i, (column, dtype) in enumerate(data.dtypes.items()):
            if not pd.api.types.is_numeric_dtype(dtype) or dtype.kind == "c":
                check_numbers(data.iloc[:, i], f"Column {column!r} of {place}", remedy)
        return
    check_real(data, place)
    if issparse(data) or pd.api.types.is_numeric_dtype(getattr(data, "dtype", object)):
        return
    values = as_array(data, place, remedy)
    check_real(values, place)
    if values.dtype.kind in "OSUmM":
        for item in values.flat:
            if isinstance(item, Complex) and not isinstance(item, Real):
                check_real(np.asarray(item), place)
            number = isinstance(item, (Number, np.bool_)) and not isinstance(item, np.timedelta64)
            if not (number or item is None or item is pd.NA):
                raise _not_a_number(item, place, remedy)


def read_table(estimator, X, *, reset, check=check_numbers, **options):
    """Return X as an array, like scikit-learn's `validate_data`, but allow NaN and infinity.

    Column names are compared with those of `fit` before values are checked, because wrong columns
    hold NaN.
    """
    named = hasattr(X, "columns")
    if named:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    if isinstance(X, (list, tuple)) or hasattr(X, "__array__"):
        check(X, "`X`")
    options |= {"ensure_all_finite": False, "estimator": estimator, "input_name": "X"}
    values = check_array(X, **options)
    if not named and values.ndim == 2:
        validate_data(estimator, values, reset=reset, skip_check_array=True)
    return values
