"""RNNForecaster: pandas series in, dated forecasts out."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, ClassVar, overload

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.backtest import run_backtest, time_folds
from skrnn._forecasting.baselines import seasonal_scale
from skrnn._forecasting.calendar import CYCLES
from skrnn._forecasting.conformal import check_levels
from skrnn._forecasting.exog import exog_names, read_exog
from skrnn._forecasting.global_model import train
from skrnn._forecasting.panel import to_pandas
from skrnn._forecasting.read_series import read_panel, rows_ahead
from skrnn._forecasting.target_transform import check_transformed
from skrnn._forecasting.time_steps import season_of
from skrnn._preprocessing.windows import check_count
from skrnn._utils.callback_support import CallbackSupport, notify_callbacks, propagate_callbacks
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import HasMethods, Interval, StrOptions, fit_context

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any, Literal, Self

    from skrnn._forecasting.backtest import Backtest
    from skrnn._types import Array, Levels, SeriesOrFrame

IN_ORDER = (
    "A search needs a `cv` that keeps the order of time: `TimeSeriesSplit()`, or for long frames "
    "`RNNForecaster.time_folds(series)`."
)


class RNNForecaster(CallbackSupport, BaseEstimator):
    """Forecast series with a regressor on windows of their past.

    One network learns from all series together, on complete windows only, ordered by the time of
    their targets. Nothing is learned from rows after the cutoff, the last row of each series.

    Parameters
    ----------
    regressor : regressor, default=None
        Anything that takes X of shape (n_samples, timesteps, features). None: ``RNNRegressor()``;
        ``set_params(regressor__hidden_size=...)`` puts one in place first.
    timesteps : int, default=24
        Rows of a window.
    steps : int, default=1
        Steps of a forecast.
    strategy : {"direct", "recursive"}, default="direct"
        "direct": all `steps` are outputs of one network. "recursive": it forecasts one step, which
        is fed back.
    scale : {"series", "window"} or None, default="series"
        "series": each series is standardized by its training rows. "window": beyond that each
        window by its own mean and deviation, undone in the forecast: for levels that drift.
    differences : int, default=0
        The network learns changes from so many rows before: 1, or a season.
    season : int, default=None
        Steps of a season, for MASE and seasonal naive forecasts. None: 24 hours, 7 days, 5
        business days, 52 weeks, 12 months or 4 quarters by the frequency, else 1.
    calendar : tuple of str, default=()
        Features of each row's time as sine and cosine: "minute", "hour", "dayofweek", "dayofyear",
        "month", "quarter".
    transformer : transformer, default=None
        Applied to the values before all else and inverted in the forecast, such as
        ``FunctionTransformer(np.log, np.exp)``.
    static : DataFrame, default=None
        Columns that do not change, one row for each series, indexed by their names.
    allow_missing : bool, default=False
        Bridge missing rows and values: the network skips such a step, by its `mask_value`, and no
        window ends in a missing target. An RNNRegressor inside a Pipeline or a
        TransformedTargetRegressor does too.
    calibration : int, default=0
        Windows of each series, the last ones, kept from training for the intervals of `predict`.
        No target of theirs is trained on.
    stride : int, default=1
        Rows from one window to the next, for training and calibration, counted back from the
        cutoff. One that has a divisor in common with the season leaves out some of its phases,
        which is right for forecasts from the cutoff, and from others as far off as that divisor.

    Attributes
    ----------
    regressor_ : regressor
        Fitted to the windows of all series.
    cutoff_ : Series
        Time of the last row of each series.
    freq_ : DateOffset, Timedelta or int
        From one time to the next.
    season_ : int
        Steps of a season.
    scales_ : Series
        In-sample error of the seasonal naive forecast of each series, the denominator of MASE.
    exog_names_ : list
        Columns of `exog`.

    See Also
    --------
    RNNRegressor : The network.
    WindowTransformer : Windows as a step of a pipeline, one for each row.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import RNNForecaster, RNNRegressor
    >>> months = pd.date_range("2015-01-31", periods=72, freq="ME")
    >>> sales = pd.Series(np.arange(72) / 12 + np.sin(np.arange(72) * np.pi / 6), index=months)
    >>> network = RNNRegressor("gru", 8, random_state=0)
    >>> forecaster = RNNForecaster(network, timesteps=6, steps=3, differences=12)
    >>> forecaster.fit(sales[:-3]).predict().round(1)
    2020-10-31    4.8
    2020-11-30    5.0
    2020-12-31    5.4
    Freq: ME, dtype: float64
    >>> forecaster.score(sales[-3:]) > -0.1  # the seasonal naive forecast has about -1
    True
    """

    regressor: Any
    regressor_: Any
    cutoff_: pd.Series[Any]
    freq_: pd.DateOffset | pd.Timedelta | int
    season_: int
    scales_: pd.Series[float]
    exog_names_: list[Hashable]
    _parameter_constraints: ClassVar[dict] = {
        "regressor": [HasMethods(["fit", "predict"]), None],
        "timesteps": [Interval(Integral, 1, None, closed="left")],
        "steps": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"direct", "recursive"})],
        "scale": [StrOptions({"series", "window"}), None],
        "differences": [Interval(Integral, 0, None, closed="left")],
        "season": [Interval(Integral, 1, None, closed="left"), None],
        "calendar": [tuple, list, StrOptions(set(CYCLES))],
        "transformer": [HasMethods(["fit", "transform", "inverse_transform"]), None],
        "static": [pd.DataFrame, None],
        "allow_missing": ["boolean"],
        "calibration": [Interval(Integral, 0, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        regressor: Any = None,
        *,
        timesteps: int = 24,
        steps: int = 1,
        strategy: Literal["direct", "recursive"] = "direct",
        scale: Literal["series", "window"] | None = "series",
        differences: int = 0,
        season: int | None = None,
        calendar: str | Sequence[str] = (),
        transformer: Any = None,
        static: pd.DataFrame | None = None,
        allow_missing: bool = False,
        calibration: int = 0,
        stride: int = 1,
    ) -> None:
        self.regressor = regressor
        self.timesteps = timesteps
        self.steps = steps
        self.strategy = strategy
        self.scale = scale
        self.differences = differences
        self.season = season
        self.calendar = calendar
        self.transformer = transformer
        self.static = static
        self.allow_missing = allow_missing
        self.calibration = calibration
        self.stride = stride

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of `regressor` put an ``RNNRegressor()`` in place of None first.

        Parameters
        ----------
        **params : dict
            As ``timesteps=12`` or ``regressor__hidden_size=8``.

        Returns
        -------
        self
        """
        nested = any(name.startswith("regressor__") for name in params)
        if nested and self.regressor is None and "regressor" not in params:
            self.regressor = RNNRegressor()
        return super().set_params(**params)

    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit(self, series: SeriesOrFrame, exog: SeriesOrFrame | None = None) -> Self:
        """Train the network on all series.

        Parameters
        ----------
        series : Series or DataFrame
            A Series; a DataFrame with one column for each series, in which NaN before the first
            and after the last value of a series are its ragged ends; or one column of values with
            a (series, time) MultiIndex. Times are a DatetimeIndex, PeriodIndex, TimedeltaIndex or
            RangeIndex at a regular step.
        exog : Series or DataFrame, default=None
            Columns whose future is known, on the times of `series`, for all series alike or with a
            (series, time) MultiIndex. Each row of a window holds those of its own time and those
            of `steps` later.

        Returns
        -------
        self
        """
        return self._fit_panel(self._read(series, exog))

    @overload
    def predict(
        self, steps: int | None = None, exog: SeriesOrFrame | None = None, level: None = None
    ) -> SeriesOrFrame: ...

    @overload
    def predict(
        self, steps: int | None = None, exog: SeriesOrFrame | None = None, *, level: Levels
    ) -> pd.DataFrame: ...

    def predict(
        self,
        steps: int | None = None,
        exog: SeriesOrFrame | None = None,
        level: Levels | None = None,
    ) -> SeriesOrFrame:
        """Forecast the rows after the cutoff.

        Parameters
        ----------
        steps : int, default=None
            How many; None: as many as `steps` in `fit`. More roll forward from the forecast.
        exog : Series or DataFrame, default=None
            The columns that `fit` saw, at the times to be forecast; `make_future_frame` shows
            them. A direct network looks at them up to a multiple of its `steps`: rows that come
            after those to be forecast are used as far as they go, and then stand still.
        level : float or list of float, default=None
            Percentages of intervals, such as [80, 95], from the `calibration` windows.

        Returns
        -------
        Series or DataFrame
            On the times after the cutoff of each series, in the form that `fit` saw. With `level`
            the columns "forecast", "lower_80", "upper_80", ...; of a wide frame below the name of
            each series.
        """
        check_is_fitted(self)
        times = self._panel.future_times(self._count_steps(steps))
        outputs = self._forecast(times, exog)
        if level is None:
            return to_pandas(self._panel, times, list(outputs))
        columns = {"forecast": outputs} | self._model.bounds(
            outputs, self._panel, *self._now(), check_levels(level)
        )
        return to_pandas(self._panel, times, {name: list(rows) for name, rows in columns.items()})

    @rollback_on_error
    def update(self, series: SeriesOrFrame, exog: SeriesOrFrame | None = None) -> Self:
        """Move the cutoff forward to the end of `series`, without training.

        Parameters
        ----------
        series : Series or DataFrame
            Rows that go on where the known ones end; earlier ones are left out.
        exog : Series or DataFrame, default=None
            The columns that `fit` saw, at the new times.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        later = self._read_later(series)
        times, values = rows_ahead(self._panel, later, allow_missing=self._allow_missing)
        check_transformed(self._model.plan.level.transformer, values, times)
        self._panel = self._panel.extended(times, values, self._read_exog(exog, times))
        self._keep_cutoff()
        return self

    def score(self, series: SeriesOrFrame, exog: SeriesOrFrame | None = None) -> float:
        """Return the negative MASE of one forecast of the rows that follow the cutoff.

        The mean over series; MASE is measured in `scales_`. Rows that are missing do not count.
        Searches use it: leave their `scoring` at None, for other scorers want a y.

        Parameters
        ----------
        series : Series or DataFrame
            Rows after the cutoff, in the form that `fit` saw.
        exog : Series or DataFrame, default=None
            The columns that `fit` saw, from the cutoff on.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        later = self._read_later(series)
        self._check_after_cutoff(later)
        times, truths = rows_ahead(self._panel, later, allow_missing=True)
        outputs = self._forecast(times, exog)
        errors = [
            np.nanmean(np.abs(truth - output[: len(truth)])) / scale
            for truth, output, scale in zip(truths, outputs, self.scales_, strict=True)
            if len(truth)
        ]
        return -float(np.mean(errors))

    def make_future_frame(self, steps: int | None = None) -> pd.DataFrame:
        """Return the rows of `exog` that a forecast needs, to be filled in.

        Parameters
        ----------
        steps : int, default=None
            As in `predict`.

        Returns
        -------
        DataFrame
            NaN, on the times to be forecast; with a (series, time) MultiIndex for a long frame, and
            where `fit` saw an `exog` with one.
        """
        check_is_fitted(self)
        panel = self._panel
        if panel.form == "wide" and panel.own_exog:
            panel = replace(panel, form="long", level_names=[panel.name, *panel.level_names])
        times = panel.future_times(self._count_steps(steps))
        index = to_pandas(panel, times, [np.zeros(len(rows)) for rows in times]).index
        return pd.DataFrame(np.nan, index=index, columns=self.exog_names_)

    def backtest(
        self,
        series: SeriesOrFrame,
        exog: SeriesOrFrame | None = None,
        *,
        folds: int = 5,
        step: int | None = None,
        refit: bool = False,
        level: Levels | None = None,
        n_jobs: int | None = None,
    ) -> Backtest:
        """Forecast the past from several cutoffs, beside forecasts that need no model.

        A clone is fitted to the rows up to the first cutoff; this forecaster stays as it is.

        Parameters
        ----------
        series, exog : Series or DataFrame
            As in `fit`.
        folds : int, default=5
            Number of cutoffs; the last one has `steps` rows behind it.
        step : int, default=None
            Rows from one cutoff to the next; None: `steps`.
        refit : bool, default=False
            Fit again at each cutoff.
        level : float or list of float, default=None
            Percentages of intervals, as in `predict`.
        n_jobs : int, default=None
            With `refit`, folds that run at once, in processes, threads or on a cluster as
            :func:`joblib.parallel_config` says. None: one, or as that says.

        Returns
        -------
        Backtest
            A DataFrame with one row for each series, cutoff and step: "series", "cutoff", "time",
            "step", "truth", "forecast", the bounds of intervals, "naive", "seasonal_naive",
            "drift", and the "scale" of MASE. Its ``summary()`` compares them. Series with fewer
            rows before the cutoff than `fit` needs are left out.

        See Also
        --------
        Backtest : What is returned, with ``summary``.
        BacktestDisplay : Pictures of it.
        """
        self._validate_params()
        panel = self._read(series, exog)
        asked = {"folds": folds, "step": step, "refit": refit, "level": level}
        return run_backtest(self, panel, **asked, n_jobs=n_jobs)

    @staticmethod
    def time_folds(
        series: SeriesOrFrame, n_splits: int = 5, steps: int | None = None
    ) -> list[tuple[Array, Array]]:
        """Return folds in the order of time, as `cv` of a search over any form of series.

        Parameters
        ----------
        series : Series or DataFrame
            As in `fit`.
        n_splits : int, default=5
            Number of folds.
        steps : int, default=None
            Times of each test fold; None: all times divided by ``n_splits + 1``.

        Returns
        -------
        list of (train, test)
            Positions of rows. A test fold has no rows of series that begin in it.
        """
        return time_folds(series, n_splits, steps)

    def _read(self, series, exog):
        """Return `series` and the rows of `exog` beside it as a Panel."""
        if exog is not None and self.strategy == "direct" and self.timesteps < self.steps:
            raise ValueError(
                f"`timesteps` must be at least `steps` with `exog`, {self.steps}, got "
                f"{self.timesteps}: each row of a window holds the `exog` of {self.steps} steps "
                "later, and the last rows must reach the first step."
            )
        panel = read_panel(series, allow_missing=self.allow_missing)
        names = [] if exog is None else exog_names(exog)
        rows = read_exog(exog, names, panel.labels, panel.times, allow_missing=self.allow_missing)
        own = exog is not None and isinstance(exog.index, pd.MultiIndex)
        return replace(panel, exog=rows, exog_names=names, own_exog=own)

    def _most_tasks(self):
        return 1

    def _fit_panel(self, panel):
        """Learn from a Panel; what `fit` does once its arguments are read."""
        season = season_of(panel.step) if self.season is None else self.season
        scales = [seasonal_scale(values, season) for values in panel.values]
        regressor = self._fresh_regressor()
        with propagate_callbacks(self, regressor, "fit-regressor"):
            model = train(
                panel,
                self.get_params(deep=False),
                regressor=regressor,
                transformer=None if self.transformer is None else clone(self.transformer),
                season=season,
            )
        return self._adopt(panel, model, scales, self.allow_missing)

    def _adopt(self, panel, model, scales, allow_missing):
        """Take over a GlobalModel, and the Panel that it has learned from or was moved to."""
        self._panel, self._model, self._allow_missing = panel, model, allow_missing
        self.regressor_, self.season_ = model.regressor, model.season
        self.freq_, self.exog_names_ = panel.step, list(panel.exog_names)
        self.scales_ = self._by_series(scales)
        self._keep_cutoff()
        return self

    def _fresh_regressor(self):
        """Return the regressor unfitted, without state; it skips missing steps where it has to.

        So do networks further inside, such as the last step of a Pipeline.
        """
        regressor = RNNRegressor() if self.regressor is None else clone(self.regressor)
        settings = regressor.get_params()

        def called(word):
            return [name for name in settings if name.rpartition("__")[2] == word]

        for name in called("stateful"):
            if settings[name]:
                raise ValueError(
                    f"`regressor__{name}` must be False, got {settings[name]!r}: each forecast "
                    "begins with a window of its own, not with the state of the one before."
                )
        unmasked = [name for name in called("mask_value") if settings[name] is None]
        if self.allow_missing and unmasked:
            regressor.set_params(**dict.fromkeys(unmasked, np.nan))
        return regressor

    def _by_series(self, values):
        return pd.Series(values, index=pd.Index(self._panel.labels, tupleize_cols=False))

    def _keep_cutoff(self):
        self.cutoff_ = self._by_series([times[-1] for times in self._panel.times])

    def _count_steps(self, steps):
        if steps is None:
            return self._model.plan.steps
        check_count("steps", steps, 1)
        return steps

    def _read_exog(self, exog, times, required=None):
        """Return the rows of `exog` at the given times of each series; see `read_exog`."""
        known = self.exog_names_, self._panel.labels
        return read_exog(exog, *known, times, required=required, allow_missing=self._allow_missing)

    def _forecast(self, times, exog):
        """Return forecasts at the `times` after the cutoff, as many for each series as for any.

        There must be rows of `exog` at these times. Of those up to the end of a network's outputs
        the ones it lacks are its last.
        """
        n_steps = max(len(rows) for rows in times)
        outputs = self._model.plan.outputs
        n_rows = -(-n_steps // outputs) * outputs
        ahead = self._panel.future_times(n_rows)
        filled = [
            np.concatenate([known[-1:], rows])[np.minimum(np.arange(1, n_rows + 1), len(rows))]
            for known, rows in zip(
                self._panel.exog, self._read_exog(exog, ahead, list(map(len, times))), strict=True
            )
        ]
        unknown = [np.full(n_rows, np.nan)] * len(self._panel)
        return self._model.forecast(
            self._panel.extended(ahead, unknown, filled), *self._now(), n_steps
        )

    def _now(self):
        """Return the origins of forecasts from the cutoff: each series, and its number of rows."""
        return np.arange(len(self._panel)), self._panel.lengths

    def _read_later(self, series):
        """Return rows of the series that `fit` saw as a Panel; in a long frame all must be."""
        later = read_panel(series, known=self._panel, allow_missing=True)
        labels = self._panel.labels
        if later.form == self._panel.form == "series":
            return replace(later, labels=labels)  # whatever its name
        known = [k for k, label in enumerate(later.labels) if label in set(labels)]
        unknown = [label for label in later.labels if label not in set(labels)]
        if unknown and (later.form != "wide" or not known):
            raise ValueError(
                f"`series` must hold the series that `fit` saw, got {unknown[0]!r}. {IN_ORDER}"
            )
        return later.chosen(known)

    def _check_after_cutoff(self, later):
        """Refuse rows that were known at the cutoff."""
        cutoffs = dict(zip(self._panel.labels, self.cutoff_, strict=True))
        for label, times in zip(later.labels, later.times, strict=True):
            if times[0] <= cutoffs[label]:
                place = "" if label is None else f" of series {label!r}"
                raise ValueError(
                    f"The rows{place} to be scored must lie after the cutoff {cutoffs[label]}, got "
                    f"{times[0]}. {IN_ORDER}"
                )
