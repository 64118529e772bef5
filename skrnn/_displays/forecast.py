"""ForecastDisplay: a forecast beside the rows that it follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skrnn._displays.plotting import (
    BLACK,
    BLUE,
    GREY,
    VERMILION,
    TimeAxis,
    draw_bands,
    draw_legend,
    marker,
    one_or_all,
    open_axes,
    with_unit,
)
from skrnn._forecasting.forecaster import RNNForecaster, recent_rows
from skrnn._forecasting.time_steps import first_few
from skrnn._preprocessing.time_index import same_kind
from skrnn._preprocessing.windows import check_count

if TYPE_CHECKING:
    from typing import Self

    from skrnn._types import AxesLike, DrawnAxes, Figure, Labels, Levels, SeriesOrFrame

SHOWN = 6  # series, where none are chosen


class ForecastDisplay:
    """Picture of a forecast: history, cutoff, forecast, intervals, and the truth where it is known.

    Make it by `from_forecaster` or `from_predictions`; several series are drawn in as many panels.

    Parameters
    ----------
    forecast : Series or DataFrame
        As `RNNForecaster.predict` returns it: one series, a wide frame or a long one, with
        intervals or without.
    history : Series or DataFrame, default=None
        Rows up to the cutoff, of the same series.
    truth : Series or DataFrame, default=None
        What came to pass. Rows beyond the forecast are left out.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of Axes
        One, or one for each series.
    figure_ : matplotlib Figure
        The figure they stand in.

    See Also
    --------
    BacktestDisplay : Forecasts of the past from several cutoffs.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import ForecastDisplay, RNNForecaster, RNNRegressor
    >>> months = pd.date_range("2015-01-31", periods=72, freq="ME")
    >>> sales = pd.Series(np.sin(np.arange(72) * np.pi / 6), index=months, name="sales")
    >>> network = RNNRegressor("gru", 8, random_state=0)
    >>> forecaster = RNNForecaster(network, timesteps=12, steps=6, calibration=9).fit(sales[:-6])
    >>> display = ForecastDisplay.from_forecaster(forecaster, level=[50, 80], truth=sales)
    >>> display.ax_.get_legend_handles_labels()[1]
    ['history', '80 % interval', '50 % interval', 'forecast', 'truth', 'cutoff']
    """

    ax_: DrawnAxes
    figure_: Figure

    def __init__(
        self,
        forecast: SeriesOrFrame,
        *,
        history: SeriesOrFrame | None = None,
        truth: SeriesOrFrame | None = None,
    ) -> None:
        self.forecast = forecast
        self.history = history
        self.truth = truth

    @classmethod
    def from_forecaster(
        cls,
        forecaster: RNNForecaster,
        steps: int | None = None,
        exog: SeriesOrFrame | None = None,
        level: Levels | None = None,
        *,
        history: int | None = None,
        truth: SeriesOrFrame | None = None,
        labels: Labels = None,
        unit: str | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Forecast, and draw.

        Parameters
        ----------
        forecaster : RNNForecaster
            Fitted.
        steps, exog, level
            As in `RNNForecaster.predict`.
        history : int, default=None
            Rows before the cutoff to be drawn. None: a window's, two seasons' or three forecasts',
            whichever are most.
        truth : Series or DataFrame, default=None
            What came to pass, in the form that `fit` saw. Rows beyond the forecast are left out.
        labels, unit, ax
            As in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        if not isinstance(forecaster, RNNForecaster):
            remedy = " Pass its `best_estimator_`." if hasattr(forecaster, "cv_results_") else ""
            raise TypeError(
                f"`forecaster` must be an RNNForecaster, got {type(forecaster).__name__}.{remedy}"
            )
        if history is not None:
            check_count("history", history, 1)
        forecast = forecaster.predict(steps, exog, level)
        past = recent_rows(forecaster, history, steps)
        return cls.from_predictions(
            forecast, history=past, truth=truth, labels=labels, unit=unit, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        forecast: SeriesOrFrame,
        *,
        history: SeriesOrFrame | None = None,
        truth: SeriesOrFrame | None = None,
        labels: Labels = None,
        unit: str | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Draw a forecast that was made before.

        Parameters
        ----------
        forecast, history, truth : Series or DataFrame
            As of :class:`ForecastDisplay`.
        labels, unit, ax
            As in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        return cls(forecast, history=history, truth=truth).plot(ax, labels=labels, unit=unit)

    def plot(self, ax: AxesLike = None, *, labels: Labels = None, unit: str | None = None) -> Self:
        """Draw one panel for each series.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, default=None
            As many as series are drawn. None: those of a new figure.
        labels : label or list of labels, default=None
            Names of the series to be drawn. None: the first six.
        unit : str, default=None
            Unit of the values, for the labels of the vertical axes.

        Returns
        -------
        ForecastDisplay
        """
        forecasts = _forecasts(self.forecast)
        chosen = _chosen(labels, list(forecasts))
        panels = [
            (
                label,
                _table(forecasts[label]),
                _matching(self.history, "history", label, forecasts),
                _truth_within(self.truth, label, forecasts),
            )
            for label in chosen
        ]
        columns = 1 if len(panels) < 4 else 2
        rows = -(-len(panels) // columns)
        self.figure_, axes = open_axes(
            ax, (len(panels),), size=(8, 1.6 + 2.1 * rows), columns=columns
        )
        for place, (label, *tables) in zip(axes, panels, strict=True):
            _draw(place, label, *tables, unit)
        draw_legend(axes[0], 6 if columns == 1 else 3)
        if ax is None and len(panels) < len(forecasts) and labels is None:
            self.figure_.suptitle(f"The first {len(panels)} of {len(forecasts)} series")
        self.ax_ = one_or_all(axes)
        return self


def _by_series(data, name):
    """Return the rows of each series by its label; of one series alone that is its name."""
    if not isinstance(data, (pd.Series, pd.DataFrame)):
        raise TypeError(f"`{name}` must be a Series or DataFrame, got {type(data).__name__}.")
    if len(data) == 0:
        raise ValueError(f"`{name}` must hold at least one row, got none.")
    if data.index.nlevels == 2:
        groups = data.groupby(level=0, sort=False)
        return {label: part.droplevel(0) for label, part in groups}
    if data.ndim == 1:
        return {data.name: data}
    return {label: data.iloc[:, k] for k, label in enumerate(data.columns)}


def _is_table(columns):
    """Whether columns are a forecast and its intervals, as `predict` names them."""
    names = [str(name) for name in columns]
    levels = [name.removeprefix("lower_") for name in names if name.startswith("lower_")]
    bounds = {f"{side}_{level}" for side in ("lower", "upper") for level in levels}
    return set(names) == {"forecast", *bounds}


def _forecasts(data):
    """Return the rows of each series of a forecast, with their intervals where it has them."""
    flat = isinstance(data, pd.DataFrame) and len(data) > 0 and data.index.nlevels == 1
    if flat and data.columns.nlevels == 1 and _is_table(data.columns):
        return {None: data}
    if flat and data.columns.nlevels > 1:
        positions = {}
        for position, label in enumerate(data.columns.droplevel(-1)):
            positions.setdefault(label, []).append(position)
        ends = data.columns.get_level_values(-1)
        parts = {label: data.iloc[:, k].set_axis(ends[k], axis=1) for label, k in positions.items()}
        if all(_is_table(part.columns) for part in parts.values()):
            return parts
    return _by_series(data, "forecast")


def _chosen(labels, known):
    """Return the labels of the series to be drawn."""
    if labels is None:
        return known[:SHOWN]
    wanted = list(labels) if isinstance(labels, (list, np.ndarray, pd.Index)) else [labels]
    if not wanted:
        raise ValueError("`labels` must name at least one series, got none.")
    for label in wanted:
        if label not in known:
            raise ValueError(
                f"`labels` must name series of the forecast, {first_few(known)}, got {label!r}."
            )
    return wanted


def _table(rows):
    """Return the rows of one series as columns of which "forecast" is one."""
    if rows.ndim == 1:
        return rows.to_frame("forecast").dropna()
    single = rows.shape[1] == 1
    return (rows.set_axis(["forecast"], axis=1) if single else rows).dropna(subset="forecast")


def _matching(data, name, label, forecasts):
    """Return the values of a series, or None; one series alone matches whatever its name."""
    if data is None:
        return None
    found = _by_series(data, name)
    if len(found) == len(forecasts) == 1:
        [rows] = found.values()
    elif label in found:
        rows = found[label]
    else:
        raise ValueError(
            f"`{name}` must hold the series of the forecast, got none named {label!r}."
        )
    times = forecasts[label].index
    if not same_kind(rows.index.dtype, times.dtype):
        raise ValueError(
            f"`{name}` must be on times of the kind of the forecast, {times.dtype}, got "
            f"{rows.index.dtype}. Convert them."
        )
    rows = rows.squeeze(axis=1).dropna() if rows.ndim == 2 else rows.dropna()
    return rows if getattr(times, "tz", None) is None else rows.tz_convert(times.tz)


def _truth_within(truth, label, forecasts):
    """Return the truth at the times of the forecast."""
    rows = _matching(truth, "truth", label, forecasts)
    if rows is None:
        return None
    times = forecasts[label].index
    within = rows[rows.index.isin(times)]
    if len(within) == 0:
        raise ValueError(
            f"`truth` must hold rows at the times of the forecast, {times[0]} to {times[-1]}, got "
            "none there."
        )
    return within


def _draw(ax, label, forecast, history, truth, unit):
    """Draw one series."""
    name = label
    for rows in (history, truth):
        name = rows.name if name is None and rows is not None else name
    known = [rows.index for rows in (history, truth) if rows is not None]
    axis = TimeAxis(forecast.index.append(known))
    places = axis.places(forecast.index)
    if history is not None:
        ax.plot(axis.places(history.index), history, color=BLACK, linewidth=1, label="history")
    draw_bands(ax, places, forecast)
    values = forecast["forecast"].to_numpy()
    ax.plot(places, values, color=BLUE, marker=marker(len(places)), label="forecast")
    if truth is not None:
        ax.plot(
            axis.places(truth.index),
            truth,
            color=VERMILION,
            linestyle="--",
            marker=marker(len(truth)),
            label="truth",
        )
    if history is not None:
        cutoff = axis.places(history.index[-1:])[0]
        ax.axvline(cutoff, color=GREY, linewidth=0.8, linestyle=":", label="cutoff")
    axis.put_on(ax)
    ax.set_ylabel(with_unit("Value" if name is None else name, unit))
