"""`static`: columns that do not change in time, one row for each series."""

import numpy as np
import pandas as pd

from skrnn._utils.frames import as_pandas
from skrnn._utils.numeric_checks import check_numbers


def read_static(static, series_column, labels):
    """Return the rows of `static` for series of these names, as a DataFrame of floats."""
    if static is None:
        return pd.DataFrame(index=range(len(labels)), dtype=np.float64)
    static = as_pandas(static, "`static`")
    if static.ndim == 1:
        raise TypeError("`static` must be a DataFrame, got a Series. Pass its `to_frame()`.")
    keys = series_column if isinstance(series_column, list) else [series_column]
    if set(keys) <= set(static.columns):
        static = static.set_index(keys if len(keys) > 1 else keys[0])
    missing = [label for label in labels if label not in static.index]
    if missing or not static.index.is_unique:
        raise ValueError(
            "`static` must have one row for each series, indexed by its name, or with it in the "
            "`series_column`, got "
            + (f"none for {missing[0]!r}." if missing else "several for one.")
        )
    chosen = static.loc[labels]
    check_numbers(chosen, "`static`", "Encode categories as numbers first.")
    rows = chosen.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(rows).all():
        raise ValueError("`static` must hold finite numbers. Encode categories, fill in NaN.")
    return pd.DataFrame(rows, columns=chosen.columns)


def read_new_static(static, series_column, labels, names, n_columns):
    """Return the rows of `static`, (n_series, n_columns), for series that `fit` has not seen.

    `names` are the columns that `fit` saw; older files do not have them.
    """
    if n_columns == 0:
        if static is not None:
            raise ValueError("`static` must be None: `fit` saw no `static`. Leave it out.")
        return np.empty((len(labels), 0))
    rows = read_static(static, series_column, labels)
    if not set(names) <= set(rows.columns) or (not names and rows.shape[1] != n_columns):
        raise ValueError(
            f"`static` must hold the columns that `fit` saw, {names or n_columns}, got "
            f"{list(rows.columns)}. Add the others."
        )
    return (rows[names] if names else rows).to_numpy()
