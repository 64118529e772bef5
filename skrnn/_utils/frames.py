"""Conversion of frames of Polars, Arrow and other libraries to pandas, with NumPy types."""

import narwhals.stable.v2 as nw  # scikit-learn requires it
import numpy as np
import pandas as pd


def as_pandas(data, place):
    """Return a frame or a series of any library as a pandas object, with NumPy types.

    Other objects are returned unchanged. Objects of xarray, and frames that are not in memory, are
    refused. Messages name the `place`.
    """
    if isinstance(data, (pd.DataFrame, pd.Series)):
        return _plain(data)
    root = type(data).__module__.partition(".")[0]
    if root in ("builtins", "numpy"):
        return data
    if root == "xarray":
        raise TypeError(
            f"{place} must be an array or a frame, got a {type(data).__name__} of xarray, and its "
            "coordinates would be lost. Pass its `to_pandas()` or `to_dataframe()`, with times in "
            "the index."
        )
    found = nw.from_native(data, pass_through=True, allow_series=True)
    if isinstance(found, nw.LazyFrame):
        raise TypeError(
            f"{place} must be in memory, got a {type(data).__name__} of {root}, which is not "
            "computed yet. Pass its `collect()` or `compute()`."
        )
    if isinstance(found, nw.Series):
        return pd.Series(_values(found), name=found.name or None)
    if isinstance(found, nw.DataFrame):
        return pd.DataFrame({name: _values(found[name]) for name in found.columns})
    if hasattr(data, "__arrow_c_array__") and hasattr(data, "to_pandas"):
        return data.to_pandas()  # an array or a batch of pyarrow
    return data


def _values(column):
    """Return the values of a narwhals column in the corresponding pandas type."""
    if isinstance(column.dtype, (nw.Categorical, nw.Enum)):
        column = column.cast(nw.String)  # narwhals returns Arrow's codes without nulls
    values = column.to_numpy()
    zone = getattr(column.dtype, "time_zone", None)
    return values if zone is None else pd.DatetimeIndex(values, tz="UTC").tz_convert(zone)


def _plain(data):
    """Return a pandas object with Arrow's numbers and masked numbers in NumPy types."""
    if isinstance(data, pd.Series):
        return _plain_column(data)
    if not any(hasattr(dtype, "numpy_dtype") for dtype in data.dtypes):
        return data
    columns = [_plain_column(data.iloc[:, k]) for k in range(data.shape[1])]
    return pd.concat(columns, axis=1).set_axis(data.columns, axis=1)


def _plain_column(column):
    dtype = getattr(column.dtype, "numpy_dtype", None)  # of Arrow's or masked numbers
    if dtype is None or not pd.api.types.is_numeric_dtype(column.dtype):
        return column
    if dtype.kind != "f" and (column.hasnans or dtype.kind not in "iu"):
        return column if dtype.kind == "b" else column.astype(np.float64)
    return column.astype(dtype)
