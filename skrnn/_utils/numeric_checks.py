"""Checks that data is numeric: text, times and other objects are refused."""

import reprlib
from numbers import Number, Real

import numpy as np
import pandas as pd
from scipy.sparse import issparse


def is_nan(value):
    """Whether a value of any kind is the number NaN."""
    return isinstance(value, Real) and bool(np.isnan(value))


def as_array(data, place, remedy=""):
    """Return data as an array, or refuse lists of unequal lengths."""
    try:
        return np.asarray(data)
    except ValueError as error:
        message = f"{place} must be one array, got lists of unequal lengths. {remedy}"
        raise ValueError(message.rstrip()) from error


def _not_a_number(item, place, remedy):
    """Return the error for an item: a TypeError if float() does not accept its type either."""
    got = f"{place} must hold numbers, got {reprlib.repr(str(item))}"
    try:
        # NumPy converts some units of time to a number, and refuses others.
        float(pd.Timestamp(item) if isinstance(item, np.datetime64) else item)
    except TypeError as error:
        return TypeError(f"{got}: {error}. {remedy}")
    except ValueError:
        pass
    return ValueError(f"{got} of type {type(item).__name__}. {remedy}")


def check_numbers(data, place, remedy="Pass an array of numbers."):
    """Refuse text, times and other objects, even those that NumPy would convert.

    Messages name the `place`, and the column of a frame.
    """
    if hasattr(data, "select_dtypes"):
        for i, (column, dtype) in enumerate(data.dtypes.items()):
            if not pd.api.types.is_numeric_dtype(dtype):
                check_numbers(data.iloc[:, i], f"Column {column!r} of {place}", remedy)
        return
    if issparse(data) or pd.api.types.is_numeric_dtype(getattr(data, "dtype", object)):
        return
    values = as_array(data, place, remedy)
    if values.dtype.kind in "OSUmM":
        for item in values.flat:
            number = isinstance(item, (Number, np.bool_)) and not isinstance(item, np.timedelta64)
            if not (number or item is None or item is pd.NA):
                raise _not_a_number(item, place, remedy)
