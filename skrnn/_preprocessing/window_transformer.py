"""WindowTransformer: for each row, the window of the rows before it."""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from dataclasses import KW_ONLY
from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skrnn._preprocessing.frequency import FREQUENCY_TYPES, check_step, read_step
from skrnn._preprocessing.time_columns import with_time_index
from skrnn._preprocessing.time_grid import follows, run_bounds, step_name
from skrnn._preprocessing.time_index import has_time_index, in_kind, read_time_index
from skrnn._preprocessing.windows import (
    check_count,
    check_finite,
    check_values,
    padded_buffer,
    sliding_windows,
)
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.declared_parameters import (
    DeclaredEstimator,
    declare_parameters,
    explain_keywords,
    parameter,
)
from skrnn._utils.numeric_checks import read_table
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import Interval, StrOptions, fit_context

if TYPE_CHECKING:
    from typing import Any, Literal, Self

    from sklearn.utils import Tags

    from skrnn._types import Array, ArrayLike, Column, Columns, Container, Frequency

INDEX_LOST = (
    "`y` has a time index and `X` has none: an earlier step dropped it, so gaps are not seen and "
    "test rows do not see the training rows before them. Keep it with "
    '`pipe.set_output(transform="pandas")`, or drop a scaler before the windows (the estimators '
    "standardize their input themselves)."
)


@declare_parameters
class WindowParameters:
    """The parameters of WindowTransformer."""

    timesteps: int = parameter(10, Interval(Integral, 1, None, closed="left"))
    _: KW_ONLY
    horizon: int = parameter(1, Interval(Integral, 0, None, closed="left"))
    padding: Literal["mean", "nan", "edge"] | float = parameter(
        "mean", StrOptions({"mean", "nan", "edge"}), Interval(Real, None, None, closed="neither")
    )
    freq: Frequency = parameter(None, *FREQUENCY_TYPES)
    time_column: Column = parameter(None, Hashable)
    series_column: Columns = parameter(None, Hashable, list)


class WindowTransformer(
    WindowParameters,
    OneToOneFeatureMixin,
    TransformerMixin,
    DeclaredEstimator,
    auto_wrap_output_keys=None,
):
    """Transformer from rows in time order to windows, one for each row.

    Use it as a pipeline step before a network. It keeps the number of rows, so cross-validation and
    searches work on the rows themselves. To get only complete windows, outside a pipeline, use
    :func:`make_windows`. To forecast a series beyond its end, use :class:`RNNForecaster`.

    The window of row t holds rows ``t - horizon - timesteps + 1`` to ``t - horizon``, oldest
    first. With ``horizon=1`` these are strictly before row t, so a column of X can be the target
    without a shift.

    A time index is a DatetimeIndex, PeriodIndex, TimedeltaIndex, or a (series, time) MultiIndex,
    in which times may be whole numbers and the levels before the last name a series. Its times must
    ascend within each series. Windows do not cross gaps in the index or borders of series: each
    contiguous run of rows is padded separately. If rows continue a series seen in `fit`, exactly
    one step after its last row, they see its last rows instead of padding. Any other index is
    ignored, and rows count by position.

    Parameters
    ----------
    timesteps : int, default=10
        Number of rows in a window. Cover at least one season, then tune.
    horizon : int, default=1
        Distance from the last row of a window to its own row. 0 includes that row itself: use it
        where the row is known when its target is predicted.
    padding : {"mean", "nan", "edge"} or float, default="mean"
        Value of the rows before the first row. "mean": the mean of each column in `fit`. "nan":
        NaN; the estimator then needs ``mask_value=np.nan`` to skip them. "edge": the first row of
        the run, only with ``horizon=0``. A number: this number.
    freq : str, DateOffset, timedelta or int, default=None
        Step from row to row, such as "h" or "MS"; a row that is more than one step later follows a
        gap. None: the frequency of the index, or else the coarsest step whose grid contains every
        time of all series. It is of the calendar (days, business days, weeks, months) or fixed. Set
        it where missing rows hide the true step.
    time_column : str, default=None
        Column, or level of the index, that holds the times: dates, periods, durations or whole
        numbers. It becomes the index and is not a feature. None: times are in the index.
    series_column : str or list of str, default=None
        Column that holds the name of each row's series; a list of columns forms a name of several
        parts. It needs `time_column`. None: all rows are one series, or series are in the index.

    Attributes
    ----------
    means_ : ndarray of shape (n_features,)
        Mean of each column.
    freq_ : DateOffset, Timedelta, int or None
        Step from row to row; None if rows count by position.
    tails_ : dict
        The time of the last row of each series, and its last rows as an ndarray of shape (n_known,
        n_features). The keys are the names of the series, or None without one. Empty if rows count
        by position.
    time_dtype_ : dtype or None
        Dtype of the time index; None without one.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if all of them are strings.

    See Also
    --------
    make_windows : Complete windows only, with their targets.
    RNNForecaster : Forecasts of series, with windows made automatically.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import WindowTransformer
    >>> X = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> WindowTransformer(timesteps=2, padding=0.0).fit_transform(X)[:, :, 0]
    array([[0., 0.],
           [0., 1.],
           [1., 2.],
           [2., 3.]])
    """

    means_: Array
    freq_: pd.DateOffset | pd.Timedelta | int | None
    tails_: dict[Hashable, tuple[Any, Array]]
    time_dtype_: Any
    n_features_in_: int
    feature_names_in_: Array

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the column means, the frequency and the last rows of each series.

        Parameters
        ----------
        X : array-like, DataFrame or Series of shape (n_rows, n_features)
            Rows in time order. A Series is one column.
        y : object, default=None
            Ignored, but if it has a time index and X has none, a warning is raised.

        Returns
        -------
        self : WindowTransformer
            Fitted transformer.
        """
        check_count("timesteps", self.timesteps, 1)
        check_count("horizon", self.horizon, 0)
        if self.padding == "edge" and self.horizon != 0:
            raise ValueError(
                "`padding` must be 'mean', 'nan' or a float unless `horizon` is 0, got 'edge' with "
                f"horizon={self.horizon}: row 0 would be in its own window. Pass padding='mean'."
            )
        X = with_time_index(X, "X", self.time_column, self.series_column)
        rows = self._read_rows(X, reset=True)
        check_finite(rows)
        index = read_time_index(X)
        if index is None and has_time_index(y):
            warnings.warn(INDEX_LOST, stacklevel=5)
        self.time_dtype_ = None if index is None else index.times.dtype
        self.freq_ = read_step(index, self.freq)
        self.means_ = rows.mean(axis=0, dtype=np.float64)
        bounds = run_bounds(index, self.freq_, len(rows))
        self.tails_ = {} if self.freq_ is None else self._tails(rows, index, bounds)
        longest_run = int(np.diff(bounds).max())
        if self.timesteps > longest_run:
            step = "" if self.freq_ is None else f" at a step of {step_name(self.freq_)}"
            warnings.warn(
                f"`timesteps` should not exceed the {longest_run} contiguous training rows{step}, "
                f"got {self.timesteps}: every window is padded. Shorten the window or pass more "
                "rows.",
                stacklevel=5,
            )
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Return the window of each row.

        Parameters
        ----------
        X : array-like, DataFrame or Series of shape (n_rows, n_features)
            Rows in time order. The last `horizon` rows may hold NaN, because no window holds them.
            To predict the next row, pass a row of NaN at its time. If `fit` saw times, these need
            times of the same kind and step. Unless they continue the rows in `fit`, pass also the
            ``timesteps + horizon - 1`` rows before those to predict.

        Returns
        -------
        windows : ndarray of shape (n_rows, timesteps, n_features)
            Read-only; float32 rows stay float32. If the rows are one contiguous run, the windows
            are a view of one padded copy of them, which needs `timesteps` times less memory.
        """
        check_is_fitted(self)
        X = with_time_index(X, "X", self.time_column, self.series_column)
        rows = self._read_rows(X, reset=False)
        index, step = self._times_and_step(X)
        bounds = run_bounds(index, step, len(rows))
        if self.tails_ and (self.timesteps, self.horizon) != (1, 0):
            check_step(index, step, bounds)
        check_finite(rows, bounds=bounds, unseen=self.horizon)
        tails = self._tails_before(index)
        self._warn_of_padding(index, bounds, tails)
        if len(bounds) == 2:
            return self._windows(rows, tails.get(0))
        windows = np.empty((len(rows), self.timesteps, rows.shape[1]), dtype=rows.dtype)
        for start, stop in pairwise(bounds):
            windows[start:stop] = self._windows(rows[start:stop], tails.get(start))
        windows.flags.writeable = False
        return windows

    def set_output(self, *, transform: Container = None) -> Self:
        """Accept any container, while windows are always a NumPy array.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored, because a table cannot hold three axes. Accepted so that a pipeline can set
            it for its other steps.

        Returns
        -------
        self : WindowTransformer
            The same transformer.
        """
        return self

    def _times_and_step(self, X):
        """Return the TimeIndex of rows to transform, of the kind in `fit`, and their step."""
        index = read_time_index(X)
        if index is None and self.time_dtype_ is not None:
            got = f"an index of {X.index.dtype}" if hasattr(X, "index") else type(X).__name__
            raise TypeError(
                f"`X` must have a time index of {self.time_dtype_}, as in `fit`, got {got}. "
                "Windows would cross gaps: pass a pandas object with its times, for instance "
                "converted by `pd.to_datetime`, or fit without times."
            )
        if index is None or self.freq_ is None:  # `fit` saw no time index, or one row per series
            return index, read_step(index)
        return in_kind(index, self.time_dtype_), self.freq_

    def _warn_of_padding(self, index, bounds, tails):
        """Warn of rows after the end of their series in `fit` if every window is padded.

        Rows before the end, as in a fold, have no rows before them to pass.
        """
        n_read, longest = int(self.timesteps) + int(self.horizon) - 1, int(np.diff(bounds).max())
        if tails or not self.tails_ or longest > n_read or self.padding == "nan":
            return
        known = [self.tails_.get(label) for label in index.labels]
        firsts = index.times[index.bounds[:-1]]
        if any(one is None or first <= one[0] for one, first in zip(known, firsts, strict=True)):
            return
        warnings.warn(
            f"`X` should have more than {n_read} rows one step apart, or continue the rows in "
            f"`fit`, which end at {known[0][0]}, got {longest} from {firsts[0]} on: every window "
            "is padded. Pass the rows before them too, and drop their predictions. Or set "
            "`padding` to 'nan', for an estimator with a `mask_value`.",
            stacklevel=3,
        )

    def _read_rows(self, X, reset):
        table = X.to_frame() if hasattr(X, "to_frame") else X
        floats = [np.float64, np.float32]
        return read_table(self, table, reset=reset, check=check_values, dtype=floats)

    def _tails(self, rows, index, bounds):
        """Return the time of the last row of each series, and the end of its last run."""
        length = int(self.timesteps) + int(self.horizon) - 1
        tails = {}
        for label, stop in zip(index.labels, index.bounds[1:], strict=True):
            run_start = bounds[np.searchsorted(bounds, stop) - 1]
            tail = rows[max(run_start, stop - length) : stop]
            [last] = index.times[stop - 1 : stop].tolist()
            tails[label] = (last, tail.copy())
        return tails

    def _tails_before(self, index):
        """Return the rows before each series that continues its end in `fit`, by first row."""
        if index is None or not self.tails_:
            return {}
        series = [k for k, label in enumerate(index.labels) if label in self.tails_]
        if not series:
            return {}
        starts = index.bounds[series]
        lasts, tails = zip(*(self.tails_[index.labels[k]] for k in series), strict=True)
        continued = follows(pd.Index(lasts), index.times[starts], self.freq_)
        return {int(starts[k]): tails[k] for k in np.flatnonzero(continued)}

    def _windows(self, rows, tail):
        """Return a view of the windows of one run."""
        known = rows[:0] if tail is None else tail
        edge = known[0] if len(known) else rows[0]
        pad = {"mean": self.means_, "nan": np.nan, "edge": edge}.get(self.padding, self.padding)
        buffer = padded_buffer(rows, self.timesteps, self.horizon, pad, known)
        buffer.flags.writeable = False
        return sliding_windows(buffer, self.timesteps)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
