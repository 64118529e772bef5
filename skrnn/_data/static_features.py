"""Static features: columns that are constant in time, split off from X."""

from numbers import Integral

import numpy as np

from skrnn._data.sequences import ROWS_AT_ONCE, step_mask


def split_static(values, static_features, names, lengths, mask_value, dtype):
    """Return the columns of X that change with time, and the others as fields of Sequences.

    `names` are the column names, empty if there are none. `values` is (n_samples, columns), or
    (n_samples, timesteps, columns) padded with NaN.
    """
    if values.ndim == 2 and lengths is not None:
        raise ValueError(
            "`static_features` must be empty for a list of 1-D sequences, because they have no "
            f"columns, got {static_features!r}. Pass an array or a frame, or 2-D sequences."
        )
    n_columns = values.shape[-1]
    columns = static_positions(static_features, names, n_columns)
    others = [i for i in range(n_columns) if i not in columns]
    if others == list(range(others[0], others[-1] + 1)):
        others = slice(others[0], others[-1] + 1)  # a view
    names = dict(enumerate(names))
    if values.ndim == 2:
        static = values[:, list(columns)]
    else:
        static = np.empty((len(values), len(columns)))
        at_once = max(1, ROWS_AT_ONCE // values.shape[1])
        for start in range(0, len(values), at_once):
            block = values[start : start + at_once]
            mask = step_mask(block[:, :, others], mask_value)
            static[start : start + at_once] = _constant(block, mask, columns, names, start)
    bad = ~(np.abs(static) <= np.finfo(dtype).max)
    if bad.any():
        sample, i = np.argwhere(bad)[0]
        raise ValueError(
            "`X` must hold finite numbers in the static column "
            f"{names.get(columns[i], columns[i])!r}, got {static[sample, i]} in sample {sample}. "
            "Impute it first."
        )
    return values[..., others], {"static": static.astype(np.float64), "static_columns": columns}


def check_columns(values, static_columns, n_columns):
    """Refuse X with a number of columns unlike `fit`: static columns are known by position."""
    if n_columns is not None and values.shape[-1] != n_columns:
        raise ValueError(
            f"`X` must have {n_columns} columns, as in `fit`, {len(static_columns)} of them "
            f"static, got {values.shape[-1]}. Pass the same columns."
        )


def static_positions(static_features, names, n_columns):
    """Return the positions of columns that are given by name or position."""
    columns = []
    for given in static_features:
        if isinstance(given, str):
            if given not in names:
                known = f"the columns {names}" if names else "no names: pass positions, or a frame"
                raise ValueError(
                    f"`static_features` must name columns of X, got {given!r}. X has {known}."
                )
            columns.append(names.index(given))
        elif not isinstance(given, Integral) or isinstance(given, bool):
            raise TypeError(
                f"`static_features` must hold names or positions of columns, got {given!r}. Pass "
                "str or int."
            )
        elif not -n_columns <= given < n_columns:
            raise ValueError(
                f"`static_features` must hold positions of the {n_columns} columns of X, from "
                f"{-n_columns} to {n_columns - 1}, got {given}. Count from 0."
            )
        else:
            columns.append(int(given) % n_columns)
    if len(set(columns)) < len(columns):
        raise ValueError(
            f"`static_features` must name each column once, got {list(static_features)}. Remove "
            "the duplicates."
        )
    if len(columns) == n_columns:
        raise ValueError(
            f"`static_features` must leave at least one of the {n_columns} columns of X that "
            f"changes with time, got {list(static_features)}. Leave one of them out."
        )
    return tuple(columns)


def _constant(block, mask, columns, names, start):
    """Return the value of each static column for each sample; refuse values that change."""
    static = block[np.arange(len(block)), mask.argmax(axis=1)][:, list(columns)]
    for i, column in enumerate(columns):
        changes = mask & (block[:, :, column] != static[:, i, np.newaxis])
        changes &= ~np.isnan(static[:, i, np.newaxis])  # NaN is refused later, as not finite
        if changes.any():
            sample, step = np.argwhere(changes)[0]
            raise ValueError(
                "`X` must hold the same value at all timesteps of a sample in the static column "
                f"{names.get(column, column)!r}, got {static[sample, i]} and "
                f"{block[sample, step, column]} in sample {start + sample}, timestep {step}. Leave "
                "this column out of `static_features`."
            )
    return static
