"""BacktestDisplay: forecasts of the past, with errors next to the baselines', and coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skrnn._displays.forecast import check_forecaster
from skrnn._displays.plotting import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    Display,
    TimeAxis,
    check_named,
    draw_cutoff,
    draw_forecast,
    draw_legend,
    load_matplotlib,
    marker,
    open_axes,
    short,
    with_unit,
)
from skrnn._forecasting.backtest import Backtest, levels_of

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Self

    from skrnn._forecasting.forecaster import RNNForecaster
    from skrnn._types import AxesLike, Levels, Measure, SeriesOrFrame

LOOKS = {  # of MODELS
    "forecast": (BLUE, "-"),
    "naive": (ORANGE, "--"),
    "seasonal_naive": (VERMILION, "-."),
    "drift": (GREEN, ":"),
    "ridge": (PURPLE, (0, (5, 1, 1, 1, 1, 1))),
}
MEASURES = {"MASE": "in-sample seasonal naive = 1", "MAE": None, "RMSE": None, "sMAPE": "%"}


@dataclass(eq=False, repr=False)
class BacktestDisplay(Display):
    """Plot of a backtest: the truth, the forecasts of each fold, error and coverage by step.

    Create it with `from_forecaster` or `from_backtest`. The error is compared with the errors of
    the naive forecasts and of the ridge, the coverage of intervals with their level. To plot a
    forecast of the future use `ForecastDisplay`.

    Parameters
    ----------
    backtest : Backtest
        A result of `RNNForecaster.backtest`.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of Axes
        Axes of the forecasts, of the error by step, and of the coverage by step if the backtest has
        intervals.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    ForecastDisplay : Plot of a forecast and the rows before it.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import BacktestDisplay, RNNForecaster, RNNRegressor
    >>> months = pd.date_range("2015-01-31", periods=72, freq="ME")
    >>> sales = pd.Series(np.sin(np.arange(72) * np.pi / 6), index=months, name="sales")
    >>> forecaster = RNNForecaster(RNNRegressor("gru", 8, random_state=0), timesteps=12, steps=4)
    >>> display = BacktestDisplay.from_forecaster(forecaster, sales, folds=3)
    >>> [ax.get_xlabel() for ax in display.ax_]
    ['Time', 'Step (rows after the cutoff)']
    """

    backtest: Backtest

    @classmethod
    def from_forecaster(
        cls,
        forecaster: RNNForecaster,
        series: SeriesOrFrame,
        exog: SeriesOrFrame | None = None,
        *,
        folds: int = 5,
        step: int | None = None,
        refit: bool | int = False,
        gap: int = 0,
        window: int | None = None,
        level: Levels | None = None,
        label: Hashable | None = None,
        measure: Measure = "MASE",
        unit: str | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Run a backtest and plot it.

        Parameters
        ----------
        forecaster : RNNForecaster
            The forecaster. It is not changed.
        series, exog : Series or DataFrame
            As in `RNNForecaster.fit`.
        folds : int, default=5
            As in `RNNForecaster.backtest`.
        step : int, default=None
            As in `RNNForecaster.backtest`.
        refit : bool or int, default=False
            As in `RNNForecaster.backtest`.
        gap : int, default=0
            As in `RNNForecaster.backtest`.
        window : int, default=None
            As in `RNNForecaster.backtest`.
        level : float or list of float, default=None
            As in `RNNForecaster.backtest`.
        label : label, default=None
            As in `plot`.
        measure : {"MASE", "MAE", "RMSE", "sMAPE"}, default="MASE"
            As in `plot`.
        unit : str, default=None
            As in `plot`.
        ax : matplotlib Axes or array of Axes, default=None
            As in `plot`.

        Returns
        -------
        BacktestDisplay
            The display, with its axes in `ax_`.
        """
        load_matplotlib()  # fails here, before anything is trained
        _check_measure(measure)
        check_forecaster(forecaster)
        folded = {"folds": folds, "step": step, "refit": refit, "gap": gap, "window": window}
        backtest = forecaster.backtest(series, exog, **folded, level=level)
        return cls.from_backtest(backtest, label=label, measure=measure, unit=unit, ax=ax)

    @classmethod
    def from_backtest(
        cls,
        backtest: Backtest,
        *,
        label: Hashable | None = None,
        measure: Measure = "MASE",
        unit: str | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Plot an existing backtest.

        Parameters
        ----------
        backtest : Backtest
            A result of `RNNForecaster.backtest`.
        label : label, default=None
            As in `plot`.
        measure : {"MASE", "MAE", "RMSE", "sMAPE"}, default="MASE"
            As in `plot`.
        unit : str, default=None
            As in `plot`.
        ax : matplotlib Axes or array of Axes, default=None
            As in `plot`.

        Returns
        -------
        BacktestDisplay
            The display, with its axes in `ax_`.
        """
        return cls(backtest).plot(ax, label=label, measure=measure, unit=unit)

    def plot(
        self,
        ax: AxesLike = None,
        *,
        label: Hashable | None = None,
        measure: Measure = "MASE",
        unit: str | None = None,
    ) -> Self:
        """Plot truth and forecasts of one series, and error and coverage by step of all series.

        Parameters
        ----------
        ax : matplotlib Axes or array of Axes, default=None
            One Axes shows truth and forecasts, a second one the error, and a third one the coverage
            of intervals. None: a new figure with all of these that exist.
        label : label, default=None
            Name of the series whose forecasts are drawn. None: the first.
        measure : {"MASE", "MAE", "RMSE", "sMAPE"}, default="MASE"
            Measure of the error.
        unit : str, default=None
            Unit of the values, for the labels of the vertical axes.

        Returns
        -------
        BacktestDisplay
            The display, with its axes in `ax_`.
        """
        _check_measure(measure)
        if not isinstance(self.backtest, Backtest):
            raise TypeError(
                "`backtest` must be a Backtest, got "
                f"{type(self.backtest).__name__}. Pass the result of `RNNForecaster.backtest`."
            )
        labels = list(self.backtest["series"].unique())
        label = labels[0] if label is None else label
        check_named("label", label, "a series of the backtest", labels)
        rows = self.backtest if label is None else self.backtest[self.backtest["series"] == label]
        levels = sorted(levels_of(self.backtest), key=float, reverse=True)
        allowed = (3, 2, 1) if levels else (2, 1)
        ratios = {"width_ratios": [4, 3, 3][: allowed[0]]}
        size = (8, 3.6) if len(ratios["width_ratios"]) < 3 else (12, 3.6)
        axes = open_axes(self, ax, allowed, size=size, columns=allowed[0], gridspec_kw=ratios)
        _draw_folds(axes[0], rows)
        axes[0].set_ylabel(with_unit("Value" if label is None else label, unit))
        if len(axes) > 1:
            _draw_errors(axes[1], self.backtest, measure, unit)
        if len(axes) > 2:
            _draw_coverage(axes[2], self.backtest, levels)
        return self


def _check_measure(measure):
    if measure not in MEASURES:
        raise ValueError(
            f"`measure` must be one of {', '.join(MEASURES)}, got {measure!r}. Choose among them."
        )


def _draw_folds(ax, rows):
    """Draw the truth, and each fold's forecast after its cutoff."""
    axis = TimeAxis(pd.Index(rows["time"]).append(pd.Index(rows["cutoff"])).rename(None))
    times, truth = _truth_with_gaps(rows, axis)
    ax.plot(times, truth, color=BLACK, linewidth=1, marker=marker(len(times)), label="truth")
    n_steps = rows["step"].max()
    for cutoff, fold in rows.groupby("cutoff", sort=True):
        draw_forecast(ax, axis.places(pd.Index(fold["time"])), fold, n_steps)
        draw_cutoff(ax, axis.places(pd.Index([cutoff], dtype=rows["cutoff"].dtype))[0])
    axis.put_on(ax)
    draw_legend(ax, 4 if len(levels_of(rows)) < 2 else 3)


def _truth_with_gaps(rows, axis):
    """Return places and values of the truth, with NaN where no fold reaches the next cutoff."""
    places, values, end = [], [], None
    for cutoff, fold in rows.groupby("cutoff", sort=True):
        fold = fold if end is None else fold[fold["time"] > end]
        if end is not None and cutoff > end:
            places.append(axis.places(pd.Index([cutoff], dtype=rows["cutoff"].dtype)))
            values.append([np.nan])
        places.append(axis.places(pd.Index(fold["time"])))
        values.append(fold["truth"])
        end = fold["time"].max() if len(fold) else end
    return np.concatenate(places), np.concatenate(values)


def _draw_errors(ax, backtest, measure, unit):
    """Draw the error of each model at each step; the legend has the error over all rows."""
    by_step = backtest.summary(by="step")[measure].unstack("model")
    overall = backtest.summary()[measure]
    for name, (color, style) in LOOKS.items():
        look = {"color": color, "linestyle": style, "marker": marker(len(by_step))}
        label = f"{name.replace('_', ' ')}: {short(overall[name])}"
        ax.plot(by_step.index, by_step[name], **look, label=label)
    ax.set_ylim(bottom=0)
    _label_steps(ax)
    ax.set_ylabel(with_unit(measure, MEASURES[measure] or unit))
    draw_legend(ax, 2)


def _draw_coverage(ax, backtest, levels):
    """Draw the share of truths within the intervals at each step, and the levels themselves."""
    by_step = backtest.summary(by="step").xs("forecast", level="model")
    overall = backtest.summary().loc["forecast"]
    shades = np.linspace(1, 0.4, len(levels))[::-1]  # as in the bands: the widest is the lightest
    for level, shade in zip(levels, shades, strict=True):
        found = by_step[f"coverage_{level}"]
        look = {"color": BLUE, "alpha": shade, "marker": marker(len(found))}
        label = f"{level}%: {short(overall[f'coverage_{level}'])}%"
        ax.plot(found.index, found, **look, label=label)
    for level in levels:
        ax.axhline(float(level), color=GREY, linestyle="--", linewidth=0.8, label="nominal")
    ax.set_ylim(0, 105)
    _label_steps(ax)
    ax.set_ylabel("Truths in the interval (%)")
    draw_legend(ax, 2)


def _label_steps(ax):
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("Step (rows after the cutoff)")
