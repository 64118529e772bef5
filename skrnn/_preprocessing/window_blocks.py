"""WindowBlocks: the windows of a series that does not fit into memory, in blocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from skrnn._preprocessing.windows import check_count, check_span, make_windows, window_span

if TYPE_CHECKING:
    from skrnn._types import Array, Rows, Target


class WindowBlocks:
    """Sequence of blocks (X, y) of a series' windows; see :func:`window_blocks`.

    Parameters
    ----------
    series, target, rows
        As in `window_blocks`.
    span : int
        Number of rows from the first row of a window to its last target.
    **settings : int
        `timesteps`, `horizon`, `stride` and `n_outputs`, as in `window_blocks`.
    """

    def __init__(self, series: Rows, target: Target, rows: int, span: int, **settings: int) -> None:
        self.series, self.target, self.span, self.settings = series, target, span, settings
        self.stride: int = settings["stride"]
        self.n_windows: int = (series.shape[0] - span) // self.stride + 1
        self.windows_each: int = max(1, rows // self.stride)

    def __len__(self) -> int:
        return -(-self.n_windows // self.windows_each)

    def __getitem__(self, number: int) -> tuple[Array, Array]:
        first = range(len(self))[number] * self.windows_each
        n_windows = min(self.windows_each, self.n_windows - first)
        start = first * self.stride
        stop = start + (n_windows - 1) * self.stride + self.span
        target = self.target
        if hasattr(target, "shape"):
            target = _copy_rows(target, start, stop)
        series = _copy_rows(self.series, start, stop)
        return make_windows(series, target=target, **self.settings)


def window_blocks(
    series: Rows,
    timesteps: int,
    horizon: int = 1,
    *,
    stride: int = 1,
    target: Target = None,
    n_outputs: int = 1,
    rows: int = 100_000,
) -> WindowBlocks:
    """Make the windows of a series that does not fit into memory, in blocks for `fit_batches`.

    All blocks together hold exactly the windows of :func:`make_windows`, each once: a block reads
    its own rows, and those after them that its last windows and their targets need. For a series
    in memory use :func:`make_windows` or :class:`WindowTransformer`.

    Parameters
    ----------
    series : array of shape (n_rows,) or (n_rows, n_features)
        Rows in time order, without a gap: a `numpy.memmap`, an array of Dask or h5py, or any
        object with a `shape` that returns rows for ``series[start:stop]``. Rows of a memmap are
        copied and its pages are released. Read Parquet as an array of Dask, by
        ``dask.dataframe.read_parquet(...).to_dask_array(lengths=True)``.
    timesteps, horizon, stride, n_outputs : int
        As in `make_windows`.
    target : None, int, list of int, or array of shape (n_rows,) or (n_rows, n_targets), \
default=None
        As in `make_windows`; an array may be as large as `series`, and is read in the same way.
    rows : int, default=100_000
        Number of rows from the first row of a block to that of the next, rounded to whole strides.

    Returns
    -------
    WindowBlocks
        A sequence of tuples (X, y) for `fit_batches`, each made when it is indexed.

    See Also
    --------
    make_windows : All windows at once, also of pandas objects.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import window_blocks
    >>> blocks = window_blocks(np.arange(10.0), timesteps=3, rows=4)
    >>> [(X[:, 0, 0].tolist(), y.tolist()) for X, y in blocks]
    [([0.0, 1.0, 2.0, 3.0], [3.0, 4.0, 5.0, 6.0]), ([4.0, 5.0, 6.0], [7.0, 8.0, 9.0])]
    """
    settings = {"timesteps": timesteps, "horizon": horizon, "stride": stride}
    settings["n_outputs"] = n_outputs
    span = window_span(**settings)
    check_count("rows", rows, 1)
    _check_series(series, target)
    check_span(span, series.shape[0])
    return WindowBlocks(series, target, rows, span, **settings)


def _check_series(series, target):
    """Refuse anything but arrays of as many rows."""
    for name, array in [("series", series), ("target", target)]:
        if hasattr(array, "to_dask_array"):
            raise TypeError(
                f"`{name}` must be an array, got a {type(array).__name__} of Dask. Pass its "
                "`to_dask_array(lengths=True)`."
            )
    if hasattr(series, "iloc") or hasattr(target, "iloc"):
        raise TypeError(
            "`series` and `target` must be arrays without an index, got a pandas object, which is "
            "in memory already. Pass it to `make_windows`, or pass its `to_numpy()`."
        )
    if len(getattr(series, "shape", ())) not in (1, 2):
        raise TypeError(
            "`series` must be an array of shape (n_rows,) or (n_rows, n_features), got "
            f"{type(series).__name__}. Pass `np.asarray(series)`."
        )
    if math.isnan(series.shape[0]):  # an array of Dask
        raise ValueError(
            f"`series` must have a known number of rows, got the shape {series.shape}. Call its "
            "`compute_chunk_sizes()`, or create it with `to_dask_array(lengths=True)`."
        )
    if hasattr(target, "shape") and target.shape[:1] != series.shape[:1]:
        raise ValueError(
            f"`target` must be aligned with the {series.shape[0]} rows of `series`, got the shape "
            f"{target.shape}. Pass one value or one row of values per row of `series`."
        )


def _copy_rows(array, start, stop):
    """Return rows in memory, those of a memmap, or of a view of one, by a new mapping.

    The pages that are read are released with the new mapping; those of the caller's mapping would
    stay in the process.
    """
    mapped = array
    while isinstance(getattr(mapped, "base", None), np.memmap):
        mapped = mapped.base
    if not isinstance(mapped, np.memmap) or mapped.filename is None or mapped.mode == "c":
        return np.array(array[start:stop])  # "c": only the caller's mapping has what was written
    file = np.memmap(mapped.filename, np.uint8, "r", mapped.offset, mapped.nbytes)
    address, mapped_address = (a.__array_interface__["data"][0] for a in (array, mapped))
    offset = address - mapped_address
    own = np.ndarray(array.shape, array.dtype, file, offset, array.strides)
    return np.array(own[start:stop])
