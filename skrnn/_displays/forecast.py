"""ForecastDisplay: plots of a forecast and the rows before it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skrnn._displays.plotting import (
    BLACK,
    VERMILION,
    Display,
    TimeAxis,
    check_named,
    count_held,
    draw_cutoff,
    draw_forecast,
    draw_legend,
    marker,
    open_axes,
    with_intervals,
    with_unit,
)
from skrnn._forecasting.forecaster import RNNForecaster
from skrnn._preprocessing.time_index import first_few, plain_index, rows_by_series, same_kind
from skrnn._preprocessing.windows import check_count
from skrnn._utils.numeric_checks import check_numbers

if TYPE_CHECKING:
    from typing import Self

    from skrnn._types import AnyFrame, AxesLike, Labels, Levels, SeriesOrFrame

SHOWN = 6  # series, if none are chosen


@dataclass(eq=False, repr=False)
class ForecastDisplay(Display):
    """Plot of a forecast: history, cutoff, forecast, intervals, and the truth where it is known.

    Create it with `from_forecaster` or `from_predictions`. Each series has a panel of its own. To
    compare forecasts from several cutoffs of the past use `BacktestDisplay`.

    Parameters
    ----------
    forecast : Series or DataFrame
        A result of `RNNForecaster.predict`: one series, a wide frame or a long one, with intervals
        or without. Quantiles with equal tails, such as "q_0.1" and "q_0.9", are drawn as the
        interval between them.
    history : Series or DataFrame, default=None
        Rows up to the cutoff, of the same series. None: no history is drawn.
    truth : Series or DataFrame, default=None
        The true values of some or all series. Rows beyond the forecast are ignored. The legend
        counts how many of them lie in the intervals, over all series that are drawn. None: no truth
        is drawn.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of Axes
        One Axes, or one for each series.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    BacktestDisplay : Forecasts of the past from several cutoffs.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import ForecastDisplay, RNNForecaster
    >>> months = pd.date_range("2015-01-31", periods=72, freq="ME")
    >>> noise = np.random.default_rng(0).normal(scale=0.2, size=72)
    >>> sales = pd.Series(np.sin(np.arange(72) * np.pi / 6) + noise, index=months, name="sales")
    >>> forecaster = RNNForecaster(steps=6).fit(sales[:-6])
    >>> display = ForecastDisplay.from_forecaster(forecaster, level=[50, 80], truth=sales)
    >>> display.ax_.get_legend_handles_labels()[1]
    ['history', '80% interval: 5 of 6', '50% interval: 3 of 6', 'forecast', 'truth', 'cutoff']
    """

    forecast: SeriesOrFrame
    _: KW_ONLY
    history: SeriesOrFrame | None = None
    truth: SeriesOrFrame | None = None

    @classmethod
    def from_forecaster(
        cls,
        forecaster: RNNForecaster,
        steps: int | None = None,
        exog: AnyFrame | None = None,
        level: Levels | None = None,
        *,
        history: int | None = None,
        truth: AnyFrame | None = None,
        labels: Labels = None,
        unit: str | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Compute a forecast and plot it.

        Parameters
        ----------
        forecaster : RNNForecaster
            A fitted forecaster.
        steps : int, default=None
            As in `RNNForecaster.predict`.
        exog : Series or DataFrame, default=None
            As in `RNNForecaster.predict`.
        level : float or list of float, default=None
            As in `RNNForecaster.predict`.
        history : int, default=None
            Number of rows to draw before the cutoff. None: those of a window, two seasons or three
            forecasts, whichever is most.
        truth : Series or DataFrame, default=None
            The true values of some or all series, in the form that `fit` saw. Rows beyond the
            forecast are ignored. None: no truth is drawn.
        labels : label or list of labels, default=None
            As in `plot`.
        unit : str, default=None
            As in `plot`.
        ax : matplotlib Axes or array of Axes, default=None
            As in `plot`.

        Returns
        -------
        ForecastDisplay
            The display, with its axes in `ax_`.
        """
        check_forecaster(forecaster)
        if history is not None:
            check_count("history", history, 1)
        if truth is not None:
            truth = forecaster._with_times(truth, "truth")
        now = forecaster._as_of_now()
        forecast, past = now.predict(steps, exog, level), now._recent_rows(history, steps)
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
        """Plot an existing forecast.

        Parameters
        ----------
        forecast, history, truth : Series or DataFrame
            As in :class:`ForecastDisplay`.
        labels : label or list of labels, default=None
            As in `plot`.
        unit : str, default=None
            As in `plot`.
        ax : matplotlib Axes or array of Axes, default=None
            As in `plot`.

        Returns
        -------
        ForecastDisplay
            The display, with its axes in `ax_`.
        """
        return cls(forecast, history=history, truth=truth).plot(ax, labels=labels, unit=unit)

    def plot(self, ax: AxesLike = None, *, labels: Labels = None, unit: str | None = None) -> Self:
        """Plot one panel for each series.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, default=None
            One for each series that is drawn. None: those of a new figure.
        labels : label or list of labels, default=None
            Names of the series to draw. None: the first six.
        unit : str, default=None
            Unit of the values, for the labels of the vertical axes.

        Returns
        -------
        ForecastDisplay
            The display, with its axes in `ax_`.
        """
        forecasts = _forecasts(self.forecast)
        chosen = choose_labels(labels, list(forecasts), "forecast")
        tables = [_table(forecasts[label]) for label in chosen]
        history = _matching(self.history, "history", chosen, forecasts)
        truth = _truth_within(self.truth, chosen, forecasts)
        held = count_held(tables, truth)
        panels = list(zip(chosen, tables, history, truth, strict=True))
        columns = 1 if len(panels) < 4 else 2
        rows = -(-len(panels) // columns)
        size = 8, 1.6 + 2.1 * rows
        axes = open_axes(self, ax, (len(panels),), size=size, columns=columns)
        for each, (label, *tables) in zip(axes, panels, strict=True):
            _draw(each, label, *tables, unit, held)
        draw_legend(axes[0], (4 if held else 6) if columns == 1 else (2 if held else 3), axes[1:])
        if ax is None and len(panels) < len(forecasts) and labels is None:
            self.figure_.suptitle(f"The first {len(panels)} of {len(forecasts)} series")
        return self


def check_forecaster(forecaster):
    if not isinstance(forecaster, RNNForecaster):
        remedy = "its `best_estimator_`" if hasattr(forecaster, "cv_results_") else "one"
        raise TypeError(
            f"`forecaster` must be an RNNForecaster, got {type(forecaster).__name__}. Pass "
            f"{remedy}."
        )


def series_by_label(data, name):
    """Return the rows of each series by its label; the label of a single Series is its name."""
    if not isinstance(data, (pd.Series, pd.DataFrame)):
        library = type(data).__module__.partition(".")[0]
        of = "" if library == "builtins" else f" of {library}"
        raise TypeError(
            f"`{name}` must be a Series or DataFrame of pandas, got {type(data).__name__}{of}. "
            "Convert it, with times in the index."
        )
    if len(data) == 0:
        raise ValueError(f"`{name}` must hold at least one row, got none. Pass some rows.")
    check_numbers(data, f"`{name}`")
    if data.index.nlevels > 1:
        return rows_by_series(data, name)
    data = data.set_axis(plain_index(data.index, name), axis=0)
    if data.ndim == 1:
        return {data.name: data}
    return {label: data.iloc[:, k] for k, label in enumerate(data.columns)}


def _is_table(columns):
    """Whether columns are a forecast with intervals and quantiles, as `predict` names them."""
    names = [str(name) for name in columns if not str(name).startswith("q_")]
    levels = [name.removeprefix("lower_") for name in names if name.startswith("lower_")]
    bounds = {f"{side}_{level}" for side in ("lower", "upper") for level in levels}
    return set(names) == {"forecast", *bounds}


def _forecasts(data):
    """Return the rows of each series of a forecast, with their intervals if there are any."""
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
    return series_by_label(data, "forecast")


def choose_labels(labels, known, owner):
    """Return the labels of the series to draw."""
    if labels is None:
        return known[:SHOWN]
    wanted = list(labels) if isinstance(labels, (list, np.ndarray, pd.Index)) else [labels]
    if not wanted:
        raise ValueError(
            "`labels` must name at least one series, got none. Pass names, or None for the first "
            f"{SHOWN}."
        )
    for label in wanted:
        check_named("labels", label, f"series of the {owner}", known)
    return wanted


def _table(rows):
    """Return the rows of one series as a frame with the column "forecast"."""
    if rows.ndim == 1:
        return rows.to_frame("forecast").dropna()
    single = rows.shape[1] == 1
    rows = rows.set_axis(["forecast"], axis=1) if single else with_intervals(rows)
    return rows.dropna(subset="forecast")


def _matching(data, name, chosen, forecasts):
    """Return the values of each series, or None; a single series matches whatever its name is."""
    if data is None:
        return [None] * len(chosen)
    found = series_by_label(data, name)
    if len(found) == len(forecasts) == 1:
        found = dict(zip(forecasts, found.values(), strict=True))
    if not found.keys() & set(chosen):
        raise ValueError(
            f"`{name}` must hold a series that is drawn, got none named {first_few(chosen)}. "
            "Rename its series as in the forecast."
        )
    return [
        _in_zone(found[label], name, forecasts[label].index) if label in found else None
        for label in chosen
    ]


def _in_zone(rows, name, times):
    """Return the values of a series in the time zone of its forecast, or None if there are none."""
    if not same_kind(rows.index.dtype, times.dtype):
        raise ValueError(
            f"`{name}` must have times of the type of the forecast's, {times.dtype}, got "
            f"{rows.index.dtype}. Convert them."
        )
    rows = rows.squeeze(axis=1) if rows.ndim == 2 else rows
    rows = rows.loc[rows.first_valid_index() : rows.last_valid_index()]  # a gap stays in the line
    rows = rows if getattr(times, "tz", None) is None else rows.tz_convert(times.tz)
    return rows if rows.notna().any() else None


def _truth_within(truth, chosen, forecasts):
    """Return the truth of each series at the times of its forecast, or None."""
    within = []
    for label, rows in zip(chosen, _matching(truth, "truth", chosen, forecasts), strict=True):
        at = None if rows is None else rows[rows.index.isin(forecasts[label].index)]
        within.append(at if at is not None and len(at) else None)
    if truth is not None and all(rows is None for rows in within):
        times = forecasts[chosen[0]].index
        raise ValueError(
            f"`truth` must hold rows at the times of the forecast, {times[0]} to {times[-1]}, got "
            "none there. Pass later rows."
        )
    return within


def _draw(ax, label, forecast, history, truth, unit, held):
    """Draw one series."""
    known = [rows for rows in (history, truth) if rows is not None]
    names = [name for name in (label, *(rows.name for rows in known)) if name is not None]
    axis = TimeAxis(forecast.index.append([rows.index for rows in known]))
    if history is not None:
        ax.plot(axis.places(history.index), history, color=BLACK, linewidth=1, label="history")
    draw_forecast(ax, axis.places(forecast.index), forecast, len(forecast), held)
    if truth is not None:
        look = {"color": VERMILION, "linestyle": "--", "marker": marker(len(truth))}
        ax.plot(axis.places(truth.index), truth, **look, label="truth")
    if history is not None:
        draw_cutoff(ax, axis.places(history.index[-1:])[0])
    axis.put_on(ax)
    ax.set_ylabel(with_unit(names[0] if names else "Value", unit))
