"""Numbers: what counts as one, and the refusal of text, times and objects in their place."""

import reprlib
from numbers import Number

import numpy as np
import pandas as pd
from scipy.sparse import issparse


def as_array(data, place, remedy=""):
    """Return data as an array, or refuse lists that make none."""
    try:
        return np.asarray(data)
    except ValueError as error:
        told = f"{place} must be one array, got lists of unequal lengths. {remedy}"
        raise ValueError(told.rstrip()) from error


def _is_number(item):
    """Whether an item is a number, or stands for a missing one."""
    number = isinstance(item, (Number, np.bool_)) and not isinstance(item, np.timedelta64)
    return number or item is None or item is pd.NA


def _no_number(item, place, remedy):
    """Return the refusal of an item: a TypeError where even float() has no use for it."""
    got = f"{place} must hold numbers, got {reprlib.repr(str(item))}"
    try:
        # NumPy makes a number of some units of time, and none of others.
        float(pd.Timestamp(item) if isinstance(item, np.datetime64) else item)
    except TypeError as error:
        return TypeError(f"{got}: {error}. {remedy}")
    except ValueError:
        pass
    return ValueError(f"{got} of type {type(item).__name__}. {remedy}")


def check_numbers(data, place, remedy="Pass an array of numbers."):
    """Refuse text, times and other objects, which are no numbers even where NumPy converts them.

    Parameters
    ----------
    data : array-like
    place : str
        What the message calls the data; of a frame it names the column too.
    remedy : str
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
            if not _is_number(item):
                raise _no_number(item, place, remedy)
