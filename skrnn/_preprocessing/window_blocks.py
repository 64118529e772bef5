"""WindowBlocks: blocks of windows of a series that does not fit into memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skrnn._preprocessing.time_columns import with_time_index
from skrnn._preprocessing.time_index import read_time_index
from skrnn._preprocessing.windows import (
    check_count,
    cut_windows,
    read_rows,
    read_targets,
    window_span,
    window_starts,
)
from skrnn._utils.frames import as_pandas
from skrnn._utils.numeric_checks import check_real

if TYPE_CHECKING:
    from skrnn._types import AnyFrame, Array, Column, Columns, Frequency, Rows, Target


class WindowBlocks:
    """Sequence of blocks (X, y) of the windows of a series, from :func:`window_blocks`.

    Parameters
    ----------
    series, target, rows
        As in `window_blocks`.
    starts : range or array of int
        The first rows of all windows.
        First rows of all windows.
        As in `window_blocks`.
    span : int
        Number of rows from the first row of a window to its last target.
    """

    def __init__(
        self,
        series: Rows | AnyFrame,
        target: Target,
        rows: int,
        starts: range | Array,
        timesteps: int,
        span: int,
        stride: int,
        n_outputs: int,
    ) -> None:
        stride = int(stride)  # a small NumPy integer would overflow
        self.series, self.target, self.starts = series, target, starts
        self.timesteps, self.span, self.stride, self.n_outputs = timesteps, span, stride, n_outputs
        n_windows = max(1, rows // stride)
        self.firsts: range | Array = range(0, len(starts), n_windows)  # of blocks, in `starts`
        if not isinstance(starts, range):
            self.firsts = np.flatnonzero(np.diff(starts // (n_windows * stride), prepend=-1))

    def __len__(self) -> int:
        return len(self.firsts)

    def __getitem__(self, number: int) -> tuple[Array, Array]:
        place = range(len(self))[number]
        stops = [*self.firsts[place + 1 : place + 2], len(self.starts)]
        starts = self.starts[self.firsts[place] : stops[0]]
        first, stop = int(starts[0]), int(starts[-1]) + self.span
        is_range = isinstance(starts, range)
        starts = range(0, stop - first, self.stride)[: len(starts)] if is_range else starts - first
        target = self.target
        if len(getattr(target, "shape", ())):
            target = _copy_rows(target, first, stop)
        series = _copy_rows(self.series, first, stop)
        rows = read_rows(series)
        targets = read_targets(series, rows, target)
        return cut_windows(rows, targets, starts, self.timesteps, self.span, self.n_outputs)


def window_blocks(
    series: Rows | AnyFrame,
    timesteps: int,
    horizon: int = 1,
    *,
    stride: int = 1,
    target: Target = None,
    n_outputs: int = 1,
    freq: Frequency = None,
    time_column: Column = None,
    series_column: Columns = None,
    rows: int = 100_000,
) -> WindowBlocks:
    """Make the windows of a series that does not fit into memory, in blocks for `fit_batches`.

    For a series in memory use :func:`make_windows` or :class:`WindowTransformer`. All blocks
    together hold exactly the windows of :func:`make_windows`, each once. A block reads its own rows
    and the rows after them that its last windows and their targets need.

    Parameters
    ----------
    series : array, Series or DataFrame of shape (n_rows,) or (n_rows, n_features)
        Rows in time order, in one of two forms. The first is a `numpy.memmap`, an array of Dask or
        h5py, or any object with a `shape` that returns rows for ``series[start:stop]``, all without
        a gap. The second is a pandas object with too many windows for memory; its index is read as
        in `make_windows`. Rows of a memmap are copied and its pages are released. Read Parquet as
        an array of Dask, with
        ``dask.dataframe.read_parquet(...).to_dask_array(lengths=True)``.
    timesteps : int
        As in `make_windows`.
    horizon, stride : int, default=1
        As in `make_windows`.
    target : None, str, int, list, or array of shape (n_rows,) or (n_rows, n_targets), default=None
        As in `make_windows`. An array may be as large as `series`, and is read in the same way.
    n_outputs : int, default=1
        As in `make_windows`.
    freq : str, DateOffset, timedelta or int, default=None
        As in `make_windows`, for pandas objects.
    time_column : str, default=None
        As in `make_windows`, for frames.
    series_column : str or list of str, default=None
        As in `make_windows`, for frames.
    rows : int, default=100_000
        Number of rows from the first row of a block to that of the next, rounded to whole strides.
        Lower it if a block needs too much memory.

    Returns
    -------
    WindowBlocks
        A sequence of tuples (X, y) for `fit_batches`; each is made when it is indexed.

    See Also
    --------
    make_windows : All windows at once.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import window_blocks
    >>> blocks = window_blocks(np.arange(10.0), timesteps=3, rows=4)
    >>> [(X[:, 0, 0].tolist(), y.tolist()) for X, y in blocks]
    [([0.0, 1.0, 2.0, 3.0], [3.0, 4.0, 5.0, 6.0]), ([4.0, 5.0, 6.0], [7.0, 8.0, 9.0])]
    """
    span = window_span(timesteps, horizon, stride, n_outputs)
    check_count("rows", rows, 1)
    series, target = _as_rows(series, "series"), _as_rows(target, "target")
    series = with_time_index(series, "series", time_column, series_column)
    _check_series(series, target)
    index = read_time_index(series, "series")
    starts = window_starts(index, series.shape[0], span, stride, freq)
    return WindowBlocks(series, target, rows, starts, timesteps, span, stride, n_outputs)


def _as_rows(data, name):
    """Return frames as pandas objects and arrays unchanged; refuse a frame of Dask."""
    if hasattr(data, "to_dask_array"):
        raise TypeError(
            f"`{name}` must be an array, got a {type(data).__name__} of Dask. Pass its "
            "`to_dask_array(lengths=True)`."
        )
    return as_pandas(data, f"`{name}`")


def _check_series(series, target):
    """Refuse anything but arrays and pandas objects with the same number of rows."""
    for name, array in [("series", series), ("target", target)]:
        check_real(array, f"`{name}`")
    if len(getattr(series, "shape", ())) not in (1, 2):
        raise TypeError(
            "`series` must be an array of shape (n_rows,) or (n_rows, n_features), got "
            f"{type(series).__name__}. Pass `np.asarray(series)`."
        )
    if math.isnan(series.shape[0]):  # a Dask array with unknown chunk sizes
        raise ValueError(
            f"`series` must have a known number of rows, got the shape {series.shape}. Call its "
            "`compute_chunk_sizes()`, or create it with `to_dask_array(lengths=True)`."
        )
    aligned = len(getattr(target, "shape", ()))
    if aligned and target.shape[0] != series.shape[0]:
        raise ValueError(
            f"`target` must be aligned with the {series.shape[0]} rows of `series`, got the shape "
            f"{target.shape}. Pass one value or one row of values for each row of `series`."
        )


def _copy_rows(array, start, stop):
    """Return rows in memory; those of a memmap, or of a view of one, come from a new mapping.

    The pages that are read are released with the new mapping. Those of the caller's mapping would
    stay in the process. Rows of pandas are already in memory, and are not copied.
    """
    if hasattr(array, "iloc"):
        return array.iloc[start:stop]
    mapped = array
    while isinstance(getattr(mapped, "base", None), np.memmap):
        mapped = mapped.base
    if not isinstance(mapped, np.memmap) or mapped.filename is None or mapped.mode == "c":
        rows = array[start:stop]
        check_real(rows, f"Rows {start} to {stop}")
        return np.array(rows)  # "c": only the caller's mapping has changes that were written
    file = np.memmap(mapped.filename, np.uint8, "r", mapped.offset, mapped.nbytes)
    address, mapped_address = (a.__array_interface__["data"][0] for a in (array, mapped))
    offset = address - mapped_address
    own = np.ndarray(array.shape, array.dtype, file, offset, array.strides)
    return np.array(own[start:stop])
