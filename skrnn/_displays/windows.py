"""WindowDisplay: which rows each window holds, and which rows it predicts."""

from __future__ import annotations

from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import clone

from skrnn._displays.plotting import (
    BLUE,
    GREY,
    SKY,
    VERMILION,
    Display,
    draw_legend,
    load_matplotlib,
    open_axes,
)
from skrnn._preprocessing.frequency import read_step
from skrnn._preprocessing.time_columns import with_time_index
from skrnn._preprocessing.time_grid import run_bounds
from skrnn._preprocessing.time_index import has_time_index, plain_index, read_time_index
from skrnn._preprocessing.window_transformer import WindowTransformer
from skrnn._preprocessing.windows import make_windows

if TYPE_CHECKING:
    from typing import Any, Self

    from skrnn._types import Array, ArrayLike, Axes, Column, Columns, Frequency, Positions

SHOWN = 12  # windows by default
TICKS = 24  # at most, on the horizontal axis
LARGEST = 11  # points of a square's side
LOOKS = {
    "row": {"color": BLUE, "label": "row in the window"},
    "fit": {"color": SKY, "label": "row remembered from fit"},
    "padding": {"color": GREY, "label": "padding", "fillstyle": "none"},
}


@dataclass(eq=False, repr=False)
class WindowDisplay(Display):
    """Plot of windows: one line for each, with the rows it holds and its target.

    Create it with `from_estimator` or `from_series`, before training, to see the input of a
    network. It shows what :class:`WindowTransformer` or :func:`make_windows` returns for rows that
    contain their own number.

    Parameters
    ----------
    rows : ndarray of shape (n_windows, timesteps)
        Row of each step of each window; rows before the first are negative.
    sources : ndarray of shape (n_windows, timesteps)
        Origin of each step: "row", "fit" for a row remembered from `fit`, or "padding".
    targets : ndarray of shape (n_windows, n_outputs)
        Rows that each window predicts.
    index : pandas.Index, default=None
        Times of the rows. None: rows are numbered.
    breaks : array-like of int, default=()
        Rows after a gap in the index, and first rows of another series.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of windows over rows.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    WindowTransformer : One window for each row, of the rows before it.
    make_windows : Complete windows only, with their targets.

    Examples
    --------
    >>> from skrnn import WindowDisplay
    >>> display = WindowDisplay.from_series(range(1, 14), timesteps=3)
    >>> display.rows[0].tolist(), display.targets[0].tolist()
    ([0, 1, 2], [3])
    """

    rows: Array
    sources: Array
    targets: Array
    _: KW_ONLY
    index: pd.Index[Any] | None = None
    breaks: Positions = ()

    @classmethod
    def from_estimator(
        cls,
        transformer: WindowTransformer,
        X: ArrayLike,
        *,
        windows: Positions | slice | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Plot the windows that a transformer returns.

        Parameters
        ----------
        transformer : WindowTransformer
            A transformer. If it is not fitted, a clone is fitted to X.
        X : array-like, DataFrame or Series of shape (n_rows, n_features)
            As in `WindowTransformer.transform`.
        windows : array-like of int or slice, default=None
            As in `plot`.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        WindowDisplay
            The display, with its axes in `ax_`.
        """
        load_matplotlib()
        if not isinstance(transformer, WindowTransformer):
            remedy = "its step of that class" if hasattr(transformer, "steps") else "one"
            raise TypeError(
                "`transformer` must be a WindowTransformer, got "
                f"{type(transformer).__name__}. Pass {remedy}."
            )
        X = with_time_index(X, "X", transformer.time_column, transformer.series_column)
        if not hasattr(transformer, "means_"):
            transformer = clone(transformer).fit(X)
        n_rows = len(transformer.transform(X))  # checks X
        numbers = _numbered(X, n_rows)
        held = _counting(transformer).transform(numbers)[:, :, 0]
        targets = np.arange(n_rows)[:, np.newaxis]
        steps = np.arange(1 - transformer.timesteps, 1) - transformer.horizon
        known = held >= 0
        rows = np.where(known, held, targets + steps).astype(int)
        sources = np.select([known, held < 0], ["row", "fit"], "padding")
        axis = _axis(numbers, transformer.freq_)
        return cls(rows, sources, targets, **axis).plot(ax, windows=windows)

    @classmethod
    def from_series(
        cls,
        series: ArrayLike,
        timesteps: int,
        horizon: int = 1,
        *,
        stride: int = 1,
        n_outputs: int = 1,
        freq: Frequency = None,
        time_column: Column = None,
        series_column: Columns = None,
        windows: Positions | slice | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Plot the windows and targets that `make_windows` returns.

        Parameters
        ----------
        series : array-like, Series or DataFrame of shape (n_rows,) or (n_rows, n_features)
            As in :func:`make_windows`.
        timesteps : int
            As in :func:`make_windows`.
        horizon, stride, n_outputs : int, default=1
            As in :func:`make_windows`.
        freq : str, DateOffset, timedelta or int, default=None
            As in :func:`make_windows`.
        time_column : str, default=None
            As in :func:`make_windows`.
        series_column : str or list of str, default=None
            As in :func:`make_windows`.
        windows : array-like of int or slice, default=None
            As in `plot`.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        WindowDisplay
            The display, with its axes in `ax_`.
        """
        load_matplotlib()
        series = with_time_index(series, "series", time_column, series_column)
        settings = {"stride": stride, "n_outputs": n_outputs, "freq": freq}
        make_windows(series, timesteps, horizon, **settings)  # checks its arguments
        numbers = _numbered(series, len(series))
        held, targets = make_windows(numbers, timesteps, horizon, **settings)
        rows = held[:, :, 0].astype(int)
        targets = targets.reshape(len(rows), -1).astype(int)
        axis = _axis(numbers, read_step(read_time_index(numbers), freq))
        display = cls(rows, np.full(rows.shape, "row"), targets, **axis)
        return display.plot(ax, windows=windows)

    def plot(self, ax: Axes | None = None, *, windows: Positions | slice | None = None) -> Self:
        """Plot one line for each window.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in. None: those of a new figure.
        windows : array-like of int or slice, default=None
            Positions of the windows to draw. None: the first twelve.

        Returns
        -------
        WindowDisplay
            The display, with its axes in `ax_`.
        """
        chosen = _chosen(windows, len(self.rows))
        open_axes(self, ax, (1,), size=(8, 1.7 + 0.26 * len(chosen)))
        rows, targets = self.rows[chosen], self.targets[chosen]
        low, high = min(rows.min(), targets.min()), max(rows.max(), targets.max())
        self.ax_.set_xlim(low - 0.7, high + 0.7)
        self.ax_.set_ylim(len(chosen) - 0.4, -0.6)
        _draw(self.ax_, rows, self.sources[chosen], targets)
        for place in self.breaks:
            if low < place <= high:
                self.ax_.axvline(place - 0.5, color=GREY, linestyle=":", label="break")
        _name_rows(self.ax_, low, high, self.index)
        self.ax_.set_yticks(range(len(chosen)), chosen, fontsize="small")
        self.ax_.set_ylabel("Window")
        draw_legend(self.ax_, 5)
        if ax is None and windows is None and len(chosen) < len(self.rows):
            self.figure_.suptitle(f"The first {len(chosen)} of {len(self.rows)} windows")
        return self


def _numbered(data, n_rows):
    """Return rows that contain their own number, with the index of `data`."""
    is_pandas = isinstance(data, (pd.Series, pd.DataFrame))
    index = plain_index(data.index, "X") if is_pandas else None
    return pd.DataFrame({"row": np.arange(n_rows, dtype=float)}, index=index)


def _counting(transformer):
    """Return a copy of a transformer for row numbers: NaN is padding, negative from `fit`."""
    counting = copy(transformer)
    counting.padding = "nan"
    counting.tails_ = {
        label: (time, -np.arange(len(tail), 0.0, -1.0)[:, np.newaxis])
        for label, (time, tail) in transformer.tails_.items()
    }
    counting.means_, counting.n_features_in_ = np.zeros(1), 1
    counting.feature_names_in_ = np.array(["row"], dtype=object)
    return counting


def _axis(numbers, frequency):
    """Return the times of rows, and the rows after a gap."""
    index = numbers.index if has_time_index(numbers) else None
    breaks = run_bounds(read_time_index(numbers), frequency, len(numbers))[1:-1]
    return {"index": index, "breaks": breaks}


def _chosen(windows, n_windows):
    """Return the positions of the windows to draw."""
    if windows is None:
        return np.arange(min(SHOWN, n_windows))
    if isinstance(windows, slice):
        chosen = np.arange(n_windows)[windows]
    else:
        chosen = np.asarray(windows).reshape(-1)
    if not len(chosen):
        raise ValueError(
            "`windows` must hold at least one position, got none. Pass positions, or None for the "
            f"first {SHOWN}."
        )
    if chosen.dtype.kind not in "iu" or chosen.min() < 0 or chosen.max() >= n_windows:
        raise ValueError(
            f"`windows` must hold positions from 0 to {n_windows - 1}, got {windows!r}. Pass some "
            "of these."
        )
    return chosen


def _draw(ax, rows, sources, targets):
    """Draw a square for each step of a window and a diamond for each target."""
    columns, lanes = np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())
    width, height = ax.bbox.width / columns, ax.bbox.height / lanes
    size = min(LARGEST, 0.6 * min(width, height) * 72 / ax.figure.dpi)
    for source, look in LOOKS.items():
        lane, step = np.nonzero(sources == source)
        if len(lane):
            ax.plot(rows[lane, step], lane, "s", markersize=size, **look)
    lane = np.repeat(np.arange(len(targets)), targets.shape[1])
    look = {"color": VERMILION, "label": "target"}
    ax.plot(targets.reshape(-1), lane, "D", markersize=0.6 * size, **look)


def _name_rows(ax, low, high, index):
    """Label the rows on the horizontal axis, by their times if they have any."""
    ticks = np.arange(low, high + 1, -(-(high - low + 1) // TICKS))
    if index is None:
        ax.set_xticks(ticks, ticks, fontsize="small")
        ax.set_xlabel("Row")
        return
    times = index.get_level_values(-1)
    names = times.astype(str)
    if getattr(times, "tz", None) is None and names.str.endswith(":00").all():
        names = names.str.removesuffix(":00")  # seconds, where none has any
    for level in reversed(range(index.nlevels - 1)):
        names = index.get_level_values(level).astype(str) + " " + names
    texts = [names[row] if 0 <= row < len(names) else "" for row in ticks]
    ax.set_xticks(ticks, texts, rotation=90, fontsize="small")
    ax.set_xlabel("Time" if times.name is None else str(times.name))
