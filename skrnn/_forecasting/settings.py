"""Settings of a fit: the values chosen for "auto" in the parameters of a forecaster."""

from dataclasses import dataclass
from numbers import Integral
from typing import Literal

import numpy as np
import pandas as pd

from skrnn._forecasting.time_steps import season_of
from skrnn._preprocessing.time_grid import is_fixed

LONGEST_WINDOW = 168
WINDOW_WITHOUT_SEASON = 16
# From this many series on they share so much that a window may be half of the shortest series.
MANY_SERIES = 20
LEAST_WINDOWS = 250  # for networks that are weighed: with fewer, the measured weight is noise
SEGMENTS_FROM = 48
FEWEST_SEGMENTS, MOST_SEGMENTS = 4, 30
WEEK, TWO_YEARS = pd.Timedelta(days=7), pd.Timedelta(days=730)


@dataclass(frozen=True)
class ForecastSettings:
    """The values that a fit uses for "auto"."""

    timesteps: int
    segment: int
    seasons: tuple[int, ...]  # lengths in steps, the shortest first; () without a season
    lags: tuple[int, ...]  # of the differences
    early_stopping: bool
    network_weight: float | Literal["auto"]
    calibration: int | Literal["held out"]  # windows, or the held-out errors of the baseline
    year: bool  # whether the baseline reads the time of the year
    typical: int  # rows of the series that the settings are chosen for

    @property
    def season(self):
        return self.seasons[0] if self.seasons else 1

    @property
    def weighed(self):
        """Whether held-out windows decide the weight of the networks."""
        return self.network_weight == "auto"

    def trains(self, n_windows):
        """Whether networks are trained on `n_windows` windows."""
        return n_windows >= LEAST_WINDOWS if self.weighed else self.network_weight > 0


def n_outputs(params):
    """Return the number of steps that are forecast at once."""
    return params.steps if params.strategy == "direct" else 1


def typical_length(lengths):
    """Return the rows that settings are based on: those of the shortest series that is not short.

    A series is short if it has less than half the rows of the series with the middle row of all.
    """
    ordered = np.sort(np.maximum(lengths, 0))
    rows = np.cumsum(ordered)
    middle = ordered[np.searchsorted(rows, rows[-1] / 2)]
    return int(ordered[2 * ordered >= middle][0])


def settle_settings(params, panel, n_known, typical=None):
    """Return the ForecastSettings of a fit to the first `n_known` rows of each series of a Panel.

    The parameters of an RNNForecaster are read as attributes of `params`. `typical` is the
    `typical_length` of the series to choose settings for, by default all series.
    """
    seasons = _seasons(params, panel)
    lags = read_lags(params.differences)
    weight = params.network_weight
    if params.baseline is None and weight == "auto":
        weight = 1.0
    if params.baseline is None and weight != 1:
        raise ValueError(
            "`network_weight` must be 1 or 'auto' with `baseline=None`, because only the network "
            f"forecasts, got {weight!r}. Leave it out, or set a `baseline`."
        )
    calibration = params.calibration
    if calibration == "auto":
        whole = n_outputs(params) == params.steps
        known = params.baseline is not None and weight in ("auto", 0)
        calibration = "held out" if known and whole else 0
    learned = typical_length(n_known)
    of_typical = int(np.argmin(np.where(n_known >= learned, n_known, n_known.max())))
    wanted = learned if typical is None else typical
    timesteps = params.timesteps
    if timesteps == "auto":
        reads_ahead = panel.future_exog and params.strategy == "direct" and typical is None
        window = _window(wanted - sum(lags), len(panel), seasons)
        timesteps = max(window, params.steps if reads_ahead else 1)
    segment = params.segment
    return ForecastSettings(
        timesteps=int(timesteps),
        segment=_segment(timesteps, seasons) if segment == "auto" else int(segment),
        seasons=seasons,
        lags=lags,
        early_stopping=weight == "auto"
        if params.early_stopping == "auto"
        else params.early_stopping,
        network_weight=weight,
        calibration=calibration,
        year=_has_years(panel.times[of_typical][: max(n_known[of_typical], 0)]),
        typical=wanted,
    )


def read_lags(differences):
    """Return `differences` as a tuple of lags."""
    if not isinstance(differences, (tuple, list)):
        return (int(differences),) if differences else ()
    for lag in differences:
        if not isinstance(lag, Integral) or isinstance(lag, bool) or lag < 1:
            raise ValueError(
                f"`differences` must hold whole numbers of rows of at least 1, got {lag!r}. Pass "
                "(12, 1) for changes from a year before, then the changes of these."
            )
    return tuple(map(int, differences))


def _seasons(params, panel):
    """Return the seasons of the step: for steps shorter than a day, the day and then the week."""
    if params.season is not None:
        return (int(params.season),) if params.season > 1 else ()
    season = season_of(panel.step)
    if season == 1:
        return ()
    if not isinstance(panel.step, int) and is_fixed(panel.step):
        length = pd.Timedelta(panel.step)
        if length * season == WEEK / 7:
            return season, 7 * season
    return (season,)


def _window(n_rows, n_series, seasons):
    """Return the rows of a window: whole seasons, as many as series of `n_rows` allow."""
    longest = int(n_rows // (2 if n_series >= MANY_SERIES else 4))
    if not seasons:
        return max(min(WINDOW_WITHOUT_SEASON, longest), 1)
    season = seasons[0]
    if season > longest:
        return max(longest, 1)
    return max(min(LONGEST_WINDOW, longest) // season, 1) * season


def _segment(timesteps, seasons):
    """Return the rows that the network reads at a time: a divisor of the window near a season."""
    if timesteps < SEGMENTS_FROM:
        return 1
    season = seasons[0] if seasons else timesteps
    divisors = [
        rows
        for rows in range(1, timesteps)
        if timesteps % rows == 0 and FEWEST_SEGMENTS <= timesteps // rows <= MOST_SEGMENTS
    ]
    return min(divisors, key=lambda rows: abs(rows - season), default=1)


def _has_years(times):
    """Whether dates cover two years, with less than a week from one to the next."""
    if not (isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex)) and len(times)):
        return False
    ends = times[[0, -1]]
    ends = ends.to_timestamp() if isinstance(ends, pd.PeriodIndex) else ends
    span = ends[1] - ends[0]
    return span >= TWO_YEARS and span < WEEK * (len(times) - 1)
