"""DetectorDisplay: plots of series with their alarms."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import pandas as pd

from skrnn._displays.forecast import choose_labels, series_by_label
from skrnn._displays.plotting import (
    BLACK,
    VERMILION,
    Display,
    TimeAxis,
    draw_legend,
    open_axes,
    with_unit,
)
from skrnn._forecasting.detector import RNNDetector

if TYPE_CHECKING:
    from typing import Self

    from skrnn._types import AnyFrame, AxesLike, Labels, SeriesOrFrame


@dataclass(eq=False, repr=False)
class DetectorDisplay(Display):
    """Plot of series with the rows that raise an alarm.

    Create it with `from_detector`. Each series has a panel of its own, with the alarms of its own
    values. In a wide frame, `RNNDetector.predict` labels a row -1 if any of its columns raises an
    alarm. To plot forecasts use `ForecastDisplay`.

    Parameters
    ----------
    series : Series or DataFrame
        The rows that were scored.
    scores : DataFrame
        Their scores, a result of `RNNDetector.score_columns`.
    offset : float
        The score below which a row raises an alarm: `offset_` of the detector.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of Axes
        One Axes, or one for each series.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    ForecastDisplay : Plot of a forecast and the rows before it.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import DetectorDisplay, RNNDetector, RNNForecaster
    >>> hours = pd.date_range("2026-01-01", periods=480, freq="h")
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=480)
    >>> power = pd.Series(np.sin(np.arange(480) * np.pi / 12) + noise, index=hours)
    >>> power.iloc[[440, 460]] += 2.0
    >>> detector = RNNDetector(RNNForecaster(network_weight=0)).fit(power[:400])
    >>> display = DetectorDisplay.from_detector(detector, power[400:])
    >>> display.ax_.get_legend_handles_labels()[1]
    ['series', 'alarm: 2 of 80 rows']
    """

    series: SeriesOrFrame
    scores: pd.DataFrame
    _: KW_ONLY
    offset: float

    @classmethod
    def from_detector(
        cls,
        detector: RNNDetector,
        series: AnyFrame,
        exog: AnyFrame | None = None,
        *,
        labels: Labels = None,
        unit: str | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Score rows and plot them.

        Parameters
        ----------
        detector : RNNDetector
            A fitted detector.
        series, exog : Series or DataFrame
            As in `RNNDetector.score_samples`.
        labels : label or list of labels, default=None
            As in `plot`.
        unit : str, default=None
            As in `plot`.
        ax : matplotlib Axes or array of Axes, default=None
            As in `plot`.

        Returns
        -------
        DetectorDisplay
            The display, with its axes in `ax_`.
        """
        if not isinstance(detector, RNNDetector):
            raise TypeError(
                f"`detector` must be an RNNDetector, got {type(detector).__name__}. Fit one to the "
                "series first."
            )
        scores = detector.score_columns(series, exog)
        rows = detector.forecaster_._with_times(series, "series")
        return cls(rows, scores, offset=detector.offset_).plot(ax, labels=labels, unit=unit)

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
        DetectorDisplay
            The display, with its axes in `ax_`.
        """
        series, scores = (
            series_by_label(part, name)
            for part, name in ((self.series, "series"), (self.scores, "scores"))
        )
        chosen = choose_labels(labels, list(series), "detector")
        found = scores.values() if len(series) == 1 else map(scores.get, chosen)
        panels = []
        for label, each in zip(chosen, found, strict=True):
            rows = _column(series[label])
            panels.append((label, rows, rows[_column(each).to_numpy() < self.offset]))
        axes = open_axes(self, ax, (len(panels),), size=(8, 1.6 + 1.8 * len(panels)), sharex=True)
        counts = [sum(len(parts[k]) for parts in panels) for k in (2, 1)]
        for each, (label, rows, alarms) in zip(axes, panels, strict=True):
            axis = TimeAxis(rows.index)
            each.plot(axis.places(rows.index), rows, color=BLACK, linewidth=0.8, label="series")
            look = {"color": VERMILION, "linestyle": "", "marker": "."}
            text = "alarm: {} of {} rows".format(*counts)
            each.plot(axis.places(alarms.index), alarms, **look, label=text)
            axis.put_on(each)
            name = next((name for name in (label, rows.name) if name is not None), "Value")
            each.set_ylabel(with_unit(name, unit))
        draw_legend(axes[0], 2)
        return self


def _column(rows):
    """Return the values of one series."""
    return rows.iloc[:, 0] if rows.ndim == 2 else rows
