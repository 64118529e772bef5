"""Columns of categories, encoded as columns of 0 and 1; columns of numbers are not changed."""

import numpy as np
import pandas as pd

from skrnn._utils.numeric_checks import check_numbers

MOST_CATEGORIES = 100
KINDS = bool, int, float, str


def find_categories(table, place):
    """Return the sorted categories of the columns of a DataFrame that hold categories, by name.

    These are columns of strings and columns of pandas' dtype "category".
    """
    columns = zip(table.columns, (table.iloc[:, i] for i in range(table.shape[1])), strict=True)
    return {
        name: _categories_of(column, f"Column {name!r} of {place}")
        for name, column in columns
        if isinstance(column.dtype, pd.CategoricalDtype) or _has_text(column)
    }


def _has_text(column):
    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    return any(isinstance(item, str) for item in column)


def _categories_of(column, place):
    items = column.astype(object).dropna().tolist()
    declared = isinstance(column.dtype, pd.CategoricalDtype)
    other = [item for item in items if not isinstance(item, KINDS if declared else str)]
    if other:
        raise TypeError(
            f"{place} must hold numbers only or names of categories only, got {other[0]!r} of type "
            f"{type(other[0]).__name__} too. Convert the column, for instance by `astype(str)`."
        )
    found = sorted(set(items), key=lambda item: (isinstance(item, str), item))
    if len(found) > MOST_CATEGORIES:
        raise ValueError(
            f"{place} must hold at most {MOST_CATEGORIES} categories, got {len(found)} distinct "
            f"values, such as {found[0]!r}. Free text is not supported: drop it, or group it."
        )
    if not declared and pd.to_numeric(pd.Series(found), errors="coerce").notna().all():
        raise ValueError(
            f"{place} must hold numbers or names of categories, got numbers as text, such as "
            f"{found[0]!r}. Convert it with `pd.to_numeric`, or with `astype('category')`."
        )
    return found


def encode_categories(table, names, categories, place):
    """Return the columns `names` of a DataFrame as numbers, each named after its source column.

    A column of categories becomes one column of 0 and 1 for each category. Rows with an unknown
    category are infinity there.
    """
    parts, sources = [np.empty((len(table), 0))], []
    for name in names:
        column = table[name]
        if name in categories:
            known, items = pd.Index(categories[name], dtype=object), column.astype(object)
            codes = known.get_indexer(items)
            block = np.eye(len(known))[codes]
            block[codes < 0] = np.inf
            block[items.isna().to_numpy()] = np.nan
        else:
            remedy = "Convert it to numbers, or in `fit` to names of categories."
            check_numbers(column, f"Column {name!r} of {place}", remedy)
            block = column.to_numpy(dtype=np.float64, na_value=np.nan)[:, np.newaxis]
        parts.append(block)
        sources += [name] * block.shape[1]
    return pd.DataFrame(np.hstack(parts), index=table.index, columns=_as_they_are(sources))


def _as_they_are(names):
    return pd.Index(names, tupleize_cols=False, dtype=object)


def n_columns(names, categories):
    """Return the number of numeric columns for each name."""
    return [len(categories[name]) if name in categories else 1 for name in names]
