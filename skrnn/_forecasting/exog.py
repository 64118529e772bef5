"""`exog`: additional columns, aligned with the times of each series."""

import numpy as np
import pandas as pd

from skrnn._forecasting.categories import encode_categories, find_categories, n_columns
from skrnn._preprocessing.time_index import first_few, plain_index, rows_by_series, same_kind

# The times that must have a row, and what to do about missing rows.
OF_SERIES = "of `series`", "Pass `exog` for all rows of `series`."
AHEAD = "to be forecast", "`make_future_frame()` returns these rows, for you to fill in."


def exog_names(exog):
    """Return the column names of `exog`, after a check of its type."""
    if not isinstance(exog, (pd.Series, pd.DataFrame)):
        raise TypeError(
            "`exog` must be a Series or DataFrame on the times of `series`, or with a (series, "
            f"time) MultiIndex, got {type(exog).__name__}. Convert it to pandas."
        )
    if exog.ndim == 2 and exog.columns.nlevels > 1:
        raise ValueError(
            "The columns of `exog` must have one level of names, got names such as "
            f"{exog.columns[0]!r}. If each series has columns of its own, pass rows on a (series, "
            "time) MultiIndex: `exog.stack(0, future_stack=True).swaplevel().sort_index()`."
        )
    names = list(_as_table(exog).columns)
    if len(set(names)) < len(names):
        raise ValueError(
            f"The columns of `exog` must have distinct names, got {names}. Rename some of them."
        )
    return names


def _as_table(exog):
    """Return `exog` as a DataFrame, in which a Series without a name is column 0."""
    return exog.to_frame() if exog.ndim == 1 else exog


def fit_exog(exog, past_exog, labels, times, *, gaps=False):
    """Return the fields of a Panel that hold `exog` in `fit`, by name.

    The categories of a column are those that appear in rows of the series.
    """
    names = [] if exog is None else exog_names(exog)
    past_exog = [past_exog] if isinstance(past_exog, str) else list(past_exog)
    for name in past_exog:
        if name not in names:
            raise ValueError(
                f"`past_exog` must hold columns of `exog`, {names or 'which is None'}, got "
                f"{name!r}. Leave it out, or add the column."
            )
    categories = find_categories(_as_table(exog), "`exog`") if names else {}
    rows = read_exog(exog, names, labels, times, categories=categories, gaps=gaps)
    if categories:
        rows, categories = _seen_only(rows, names, categories)
    own = exog is not None and exog.index.nlevels > 1
    kept = {"exog_names": names, "exog_categories": categories, "past_exog": past_exog}
    return kept | {"exog": rows, "own_exog": own}


def _seen_only(rows, names, categories):
    """Return rows and categories without categories that no row has; shared rows stay shared."""
    distinct = {id(part): part for part in rows}
    seen = np.any([(part == 1).any(axis=0) for part in distinct.values()], axis=0)
    widths = n_columns(names, categories)
    parts = np.split(seen, np.cumsum(widths)[:-1])
    kept = np.concatenate(
        [
            part if name in categories else np.ones(1, bool)
            for name, part in zip(names, parts, strict=True)
        ]
    )
    if kept.all():
        return rows, categories
    found = {
        name: [item for item, there in zip(categories[name], part, strict=True) if there]
        for name, part in zip(names, parts, strict=True)
        if name in categories
    }
    narrow = {key: part[:, kept] for key, part in distinct.items()}
    return [narrow[id(part)] for part in rows], found


def read_exog(exog, names, labels, times, *, categories=None, required=None, gaps=False):
    """Return the rows of `exog` at the times of each series, a list of arrays (n_rows, n_exog).

    `exog` is None, the same for all series, or has a (series, time) MultiIndex. `names` are its
    columns in the order of the result, `categories` those of some of them, by name. `required` is
    the number of times of each series to be forecast, which must have a row. Later rows are read as
    long as they are complete, and the arrays end there. None: all times, which are of `series`.
    """
    categories, asked = categories or {}, OF_SERIES if required is None else AHEAD
    if exog is None and names:
        raise ValueError(
            f"`exog` must hold the columns that `fit` saw, {names}, at the times {asked[0]}, got "
            f"None. {asked[1]}"
        )
    given = [] if exog is None else exog_names(exog)
    if exog is not None and not (names and set(names) <= set(given)):
        wanted = f"the columns {names}" if names else "no columns: `fit` saw no `exog`"
        remedy = "Pass exactly these" if names else "Leave it out"
        raise ValueError(f"`exog` must hold {wanted}, got {given}. {remedy}.")
    if not names:
        return [np.empty((len(rows), 0)) for rows in times]
    table = encode_categories(_as_table(exog), names, categories, "`exog`")
    by_series = table.index.nlevels > 1
    required = [len(rows) for rows in times] if required is None else required
    if by_series:
        tables = rows_by_series(table, "exog")
    else:
        shared = table.set_axis(plain_index(table.index, "exog"), axis=0)
        tables = dict.fromkeys(labels, shared)
    arrays, made = [], {}
    for label, rows, n_rows in zip(labels, times, required, strict=True):
        if n_rows == 0:
            arrays.append(np.empty((0, table.shape[1])))
            continue
        if label not in tables:
            swapped = label in exog.index.get_level_values(-1)
            remedy = "Swap its levels: `exog.swaplevel().sort_index()`" if swapped else "Add them"
            raise ValueError(
                "`exog` must hold rows of every series in its levels (series, time), got none of "
                f"{label!r}. {remedy}."
            )
        key = label if by_series else (rows[0], rows[-1], n_rows)
        if key not in made:
            place = f" of series {label!r}" if by_series else ""
            made[key] = _aligned(tables[label], rows, n_rows, place, gaps, categories, asked)
        arrays.append(made[key])
    return arrays


def _aligned(table, rows, n_rows, place, gaps, categories, asked):
    """Return the values of a table at the times `rows`; the first `n_rows` must exist."""
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()]
        raise ValueError(
            f"`exog` must hold each time once, got {first_few(twice)} again{place}. Drop the "
            "duplicates."
        )
    positions = table.index.get_indexer(rows)
    missing = rows[:n_rows][positions[:n_rows] < 0]
    if len(missing) and not same_kind(table.index.dtype, rows.dtype):
        raise ValueError(
            f"The times of `exog`{place} must have the type of those of `series`, {rows.dtype}, "
            f"got {table.index.dtype}. Convert them."
        )
    if len(missing) and not gaps:
        raise ValueError(
            f"`exog` must hold a row for each time {asked[0]}{place}, got none at "
            f"{first_few(missing)}. {asked[1]}"
        )
    values = table.to_numpy(dtype=np.float64, na_value=np.nan)[positions]
    values[positions < 0] = np.nan
    unusable = np.isinf(values) if gaps else ~np.isfinite(values)
    ends = np.flatnonzero((unusable.any(axis=1) | (positions < 0))[n_rows:])
    values = values[: n_rows + ends[0]] if len(ends) else values
    broken = unusable[:n_rows]
    if broken.any():
        row, column = np.argwhere(broken)[0]
        name, kind = table.columns[column], "NaN" if np.isnan(values[row, column]) else "infinity"
        if name in categories and kind == "infinity":
            raise ValueError(
                f"Column {name!r} of `exog` must hold categories that `fit` saw, "
                f"{categories[name]}, got another at {rows[row]}{place}. Replace it with one of "
                "them, or fit again."
            )
        raise ValueError(
            f"`exog` must be finite, got {kind} in column {name!r} at "
            f"{rows[row]}{place}. Fill it in."
        )
    return values
