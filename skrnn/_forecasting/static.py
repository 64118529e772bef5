"""`static`: columns that do not change in time, with one row for each series."""

import numpy as np

from skrnn._forecasting.categories import encode_categories, find_categories
from skrnn._utils.frames import as_pandas


def fit_static(static, series_column, labels):
    """Return `static` as numbers, (n_series, n_columns), its names, and its categories by name."""
    if static is None:
        return np.empty((len(labels), 0)), [], {}
    chosen = _rows_of(static, series_column, labels)
    names, categories = list(chosen.columns), find_categories(chosen, "`static`")
    return _encoded(chosen, names, categories), names, categories


def read_new_static(static, series_column, labels, plan):
    """Return `static` of new series, with the columns that the WindowSpec `plan` has."""
    if plan.static.shape[1] == 0:
        if static is not None:
            raise ValueError(
                "`static` must be None because `fit` saw no `static`, got "
                f"{type(static).__name__}. Leave it out."
            )
        return np.empty((len(labels), 0))
    if static is None:
        raise ValueError(
            "`static` must hold the features of the new `series`, because `fit` saw some, got "
            "None. Pass it with them."
        )
    chosen = _rows_of(static, series_column, labels)
    names = plan.static_names or list(chosen.columns)  # older files have none
    if not set(names) <= set(chosen.columns):
        raise ValueError(
            f"`static` must hold the columns that `fit` saw, {names}, got {list(chosen.columns)}. "
            "Add the others."
        )
    rows = _encoded(chosen, names, plan.static_categories)
    if rows.shape[1] != plan.static.shape[1]:
        raise ValueError(
            f"`static` must hold {plan.static.shape[1]} columns, as in `fit`, got {rows.shape[1]}. "
            "Pass those that `fit` saw."
        )
    return rows


def _rows_of(static, series_column, labels):
    """Return the rows of `static` for the series with these names."""
    static = as_pandas(static, "`static`")
    if static.ndim == 1:
        raise TypeError("`static` must be a DataFrame, got a Series. Pass its `to_frame()`.")
    keys = series_column if isinstance(series_column, list) else [series_column]
    if set(keys) <= set(static.columns):
        static = static.set_index(keys if len(keys) > 1 else keys[0])
    missing = [label for label in labels if label not in static.index]
    if missing or not static.index.is_unique:
        raise ValueError(
            "`static` must have one row for each series, indexed by its name or with the name in "
            "the `series_column`, got "
            + (f"none for {missing[0]!r}. Add it." if missing else "several for one. Drop them.")
        )
    return static.loc[labels]


def _encoded(chosen, names, categories):
    table = encode_categories(chosen, names, categories, "`static`")
    rows = table.to_numpy()
    for row, column in np.argwhere(~np.isfinite(rows)):
        name = table.columns[column]
        got = f"{chosen[name].iloc[row]!r} in column {name!r}"
        if name in categories and np.isinf(rows[row, column]):
            raise ValueError(
                f"`static` must hold categories that `fit` saw, {categories[name]}, got {got}. "
                "Replace it with one of them, or fit with such a series."
            )
        raise ValueError(f"`static` must hold finite numbers, got {got}. Fill it in.")
    return rows
