"""`time_column` and `series_column`: the columns of a frame with times and names of series."""

import pandas as pd

from skrnn._preprocessing.time_index import TIME_TYPES, as_times
from skrnn._utils.frames import as_pandas

FLAT = (
    "Name columns of times and of series in `time_column` and `series_column`; drop other columns, "
    "or encode them as numbers."
)


def with_time_index(data, name, time_column=None, series_column=None, *, shared=False):
    """Return frames of any library as pandas objects indexed by the given columns.

    `series_column` may be a list. A frame that is `shared` by all series may lack it. Data other
    than a frame is returned unchanged. `name` is the name of the argument.
    """
    data = as_pandas(data, f"`{name}`")
    if time_column is None:
        if series_column is not None:
            raise ValueError(
                f"`time_column` must be set with `series_column`={series_column!r}, got None. Name "
                "the column of times."
            )
        _check_no_times(data, name)
        return data
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        raise TypeError(
            f"`{name}` must be a frame with the column {time_column!r}, the `time_column`, got "
            f"{type(data).__name__}. Pass a frame, or set `time_column=None`. Earlier steps "
            'of a pipeline keep frames with `set_output(transform="pandas")`.'
        )
    columns = list(data.columns) if data.ndim == 2 else []
    series = [] if series_column is None else series_column
    series = series if isinstance(series, list) else [series]
    if shared and not any(key in columns or key in data.index.names for key in series):
        series = []
    levels = [_level(data, columns, key, "series_column", name) for key in series]
    levels.append(_times(_level(data, columns, time_column, "time_column", name), name))
    if columns:
        data = data.loc[:, [column not in (*series, time_column) for column in columns]]
    if not series and isinstance(levels[0], TIME_TYPES):
        return data.set_axis(levels[0], axis=0)
    # Whole numbers are times only as a level of a MultiIndex.
    return data.set_axis(pd.MultiIndex.from_arrays(levels, names=[*series, time_column]), axis=0)


def _times(level, name):
    times = as_times(level)
    if times is None:
        raise TypeError(
            "`time_column` must name a column of dates, periods, durations or whole numbers, got "
            f"{level.dtype} in {level.name!r} of `{name}`. Convert text with `pd.to_datetime` or "
            "with Polars' `str.to_datetime`."
        )
    return times


def _level(data, columns, key, argument, name):
    """Return a column, or a level of the index, as an Index."""
    if key in columns:
        return pd.Index(data.iloc[:, columns.index(key)])
    if key in data.index.names:
        return data.index.get_level_values(key)
    raise ValueError(
        f"`{argument}` must name a column of `{name}`, got {key!r}. Choose one of {columns}."
    )


def _check_no_times(data, name):
    """Refuse a frame with a column of times, which is not a feature and not in the index."""
    for k, column in enumerate(data.columns if isinstance(data, pd.DataFrame) else []):
        numeric = pd.api.types.is_numeric_dtype(data.dtypes.iloc[k])
        if not numeric and isinstance(as_times(pd.Index(data.iloc[:, k])), TIME_TYPES):
            raise TypeError(
                f"Column {column!r} of `{name}` must hold numbers, got times. If they are those of "
                f"the rows, set `time_column={column!r}`, and `series_column` if another column "
                "names the series, or move them to the index (`set_index`). Otherwise drop them."
            )
