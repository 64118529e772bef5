"""RNNForecaster: dated forecasts of pandas series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, overload

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skrnn._forecasting.adaptive import Arrived
from skrnn._forecasting.backtest import run_backtest
from skrnn._forecasting.baselines import seasonal_scale
from skrnn._forecasting.conformal import Residuals, check_levels, check_quantiles
from skrnn._forecasting.error_units import add_arrived
from skrnn._forecasting.exog import fit_exog, read_exog
from skrnn._forecasting.fitted_values import fitted_values
from skrnn._forecasting.folds import time_folds
from skrnn._forecasting.global_model import GlobalModel, html_summary
from skrnn._forecasting.linear_model import Baseline, SeriesScales
from skrnn._forecasting.model_fit import fit_global_model
from skrnn._forecasting.networks import default_network
from skrnn._forecasting.new_series import adapt_model, read_new_panel
from skrnn._forecasting.panel import Panel, decode_panel, encode_panel, to_pandas
from skrnn._forecasting.parameters import ForecasterParameters
from skrnn._forecasting.read_series import (
    check_after_cutoff,
    read_later_rows,
    read_panel,
    rows_ahead,
)
from skrnn._forecasting.static import read_new_static
from skrnn._forecasting.target_transform import TargetTransform, check_transformed
from skrnn._forecasting.windows import WindowSpec
from skrnn._preprocessing.time_columns import with_time_index
from skrnn._preprocessing.windows import check_count
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.declared_parameters import DeclaredEstimator, explain_keywords
from skrnn._utils.records import Codec, record_codecs
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import fit_context

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any, Self

    from sklearn.utils import Tags

    from skrnn._forecasting.backtest import Backtest
    from skrnn._types import AnyFrame, Array, Column, Columns, Frequency, Levels, SeriesOrFrame


# Attributes that are computed from the series and the model.
DERIVED = (
    "candidates_",
    "cutoff_",
    "exog_names_",
    "freq_",
    "regressor_",
    "regressors_",
    "season_",
    "settings_",
)


def without_derived(state):
    """Return the state of a forecaster without what `_set_fitted` derives from the rest."""
    if "_model" not in state:
        return state
    scales = state["scales_"].to_numpy()
    return {name: value for name, value in state.items() if name not in DERIVED} | {
        "scales_": scales
    }


class RNNForecaster(ForecasterParameters, DeclaredEstimator):
    """Forecaster for pandas series: a linear baseline plus a recurrent network.

    Use it for dated forecasts, prediction intervals and backtests of one or many series. To predict
    a value for each row from other columns, use `WindowTransformer` and `RNNRegressor` in a
    Pipeline instead. To find outliers in series, use `RNNDetector`.

    ``RNNForecaster(steps=h).fit(series)`` needs no other setting. The forecast is a sum of two
    parts. The baseline combines simple forecasts, called anchors (the last value, the last season,
    ...), and ridge regressions on windows, weighted by their errors on held-out rows. The network
    learns the errors of the baseline, and its weight is measured on held-out rows: it is 0 where
    linear forecasts are better. `settings_` shows the choices, `candidates_` all that was compared.
    With ``baseline=None`` the forecast is that of the network.

    This is a global model: everything is learned from the windows of all series together. Only
    complete windows are used, ordered by the time of their targets. Nothing is learned from rows
    after the cutoff, the last row of each series.

    Parameters
    ----------
    regressor : regressor, default=None
        The network: any regressor that takes X of shape (n_samples, timesteps, features). Its
        samples are windows, ordered by the times of their targets, so its ``epochs="auto"`` holds
        out the latest ones. None: ``RNNRegressor("gru", 32, learning_rate=0.01)`` with a batch size
        that depends on the number of windows, or ``RNNRegressor()`` with ``baseline=None``. Pass
        your own to change the network, or set its parameters:
        ``set_params(regressor__hidden_size=...)``.
    timesteps : int or "auto", default="auto"
        Number of rows in a window of the network. "auto": whole seasons, up to 168 rows and a
        quarter of the shortest series (half of it from 20 series on); 16 without a season. A series
        with less than half the median length, weighted by rows, does not count as the shortest. To
        set it yourself, cover at least one season, then tune.
    steps : int, default=1
        Number of steps to forecast. Set it to the farthest step that you need.
    strategy : {"direct", "recursive"}, default="direct"
        "direct": one network outputs all `steps`. "recursive": the network forecasts one step,
        which is fed back as input for the next. Choose it where too few windows have `steps` known
        rows after them.
    segment : int or "auto", default="auto"
        Number of rows that the network reads at each of its timesteps, as the `segment` of
        RNNRegressor. A value other than 1 in the `regressor` takes precedence. "auto": 1 for
        windows below 48 rows, else the divisor of `timesteps` nearest to a season that leaves 4 to
        30 timesteps. Larger segments train faster on long windows.
    scale : {"auto", "series", "window", "level"} or None, default="auto"
        How values are scaled for the network. "series": standardize each series by its training
        rows. "level": also subtract the mean of each window, undone in the forecast, for series
        that drift. "window": also standardize each window by its own mean and deviation, for series
        that move more at some times than at others. "auto": "level", or "series" where most of the
        baseline returns to the mean of all rows. None: no scaling.
    baseline : {"stacked", "ridge", "last", "seasonal", "drift"} or None, default="stacked"
        The forecast to which the network's output is added. "stacked": a combination of candidates,
        linear in the values or their logarithms, weighted by held-out errors. "ridge": for each
        step a ridge regression on the window minus its mean, for many long series. Both read
        `calendar` and `exog`, and the time of the year where series cover two years. "last": the
        last value. "seasonal": the last season. "drift": the line from the first value to the last.
        None: no baseline.
    network_weight : float or "auto", default="auto"
        Factor of the network's output in the forecast, from 0 to 1. "auto": measured on held-out
        windows, less its standard error; 0 with fewer than 250 windows, and 1 with
        ``baseline=None``. Set 0 to forecast without a network, and 1 to add all of its output.
    n_networks : int, default=1
        Number of networks that differ in their seeds. Their outputs are averaged, which makes the
        forecast steadier and the fit slower.
    random_state : int, RandomState instance or None, default=None
        Seed of networks that have none of their own. Pass an int for the same forecast at each fit.
    early_stopping : bool or "auto", default="auto"
        True: an RNNRegressor stops at its best epoch on held-out windows. Unless it sets them
        itself, `patience` is 8 and `epochs` at most 60. "auto": True where `network_weight` is
        measured. Set False to train for all `epochs`.
    differences : int or tuple of int, default=0
        Learn the changes from this many rows before: 1, or a season. (12, 1): first the changes
        from 12 rows before, then the changes of these. 0: learn the values. Differences help a
        network without a baseline; the defaults rarely need them.
    season : int, default=None
        Number of steps in a season, for the window, the baseline, MASE and seasonal naive
        forecasts. None: from the length of a step. A season is a day of shorter steps (24 hours, 96
        quarters of an hour), a week of days (7, or the business days in it) and a year of longer
        steps (52 weeks, 12 months, 4 quarters). It is 1 where these are not a whole number of
        steps. Set it for series with another cycle.
    calendar : tuple of str, default=()
        Calendar features of each row, as sine and cosine: "minute", "hour", "dayofweek",
        "dayofyear", "month", "quarter". Add those that the series depends on.
    transformer : transformer, default=None
        Applied to the values first and inverted in the forecast, such as
        ``FunctionTransformer(np.log, np.exp)``. None: no transformation.
    past_exog : tuple of str, default=()
        Columns of `exog` that are known until the cutoff only. A window holds their values at its
        own times, and the linear part reads the last one. `predict` needs no later row of them.
        Where forecasts are fed back, these columns keep their last value.
    static : DataFrame, default=None
        Features that do not change in time: one row for each series, indexed by its name or with
        the name in `series_column`. Strings and pandas' categories become one column of 0 and 1 for
        each category that `fit` saw, at most 100; `predict` refuses other categories. None: no such
        features.
    fill : {"linear", "seasonal", "mask"} or None, default=None
        How missing rows and values are filled. None: they are refused. "linear": on the line
        between the two values around a gap, or with the last value where the gap is still open at
        the end of a window. "seasonal": with the value a season before, or several seasons before
        if that is missing too, or with the last value where there is none. "mask": the network
        skips such a step, by its `mask_value`, also inside a Pipeline or a
        TransformedTargetRegressor, and the baseline reads the value a season before. Choose
        "seasonal" for series with a season and "linear" for others. Every window is filled from
        rows up to its end, and no missing target is trained on. With "seasonal" and "linear" a
        missing value of `exog` is replaced by the one before it. If rows are missing in `fit`, the
        network also reads whether a row is missing and the age of the last value, a / (1 + a) after
        a rows.
    calibration : int or "auto", default="auto"
        Number of windows to hold out at the end of each series for the intervals of `predict`.
        Their targets are not trained on. "auto": intervals use the held-out errors that set the
        weights of the baseline and the network, so no row is lost. There are no such errors with
        ``baseline=None``, with ``strategy="recursive"`` or where `network_weight` is set above 0:
        pass a number.
    stride : int, default=1
        Rows from one window to the next, for training and calibration, counted back from the
        cutoff. Raise it to train on fewer windows. Prefer a stride coprime with the season;
        otherwise training windows start at only some of its phases. That is fine for forecasts from
        the cutoff, and from cutoffs that are a multiple of the common divisor away.
    n_jobs : int, default=None
        Number of networks to train in parallel. None: one, or as set by
        :func:`joblib.parallel_config`. With scikit-learn's callbacks they are trained one after
        another.
    freq : str, DateOffset, timedelta or int, default=None
        Step from one time to the next, such as "h" or "MS". None: the frequency of the index, or
        else the coarsest step whose grid contains every time of all series. It is of the calendar
        (days, business days, weeks, months) or fixed. Set it where missing rows hide the true step.
    time_column : str, default=None
        Column of `series` and `exog`, or level of the index, that holds the times: dates, periods,
        durations or whole numbers. None: times are in the index.
    series_column : str or list of str, default=None
        Column that holds the name of each row's series; a list of columns forms a name of several
        parts. It needs `time_column`. `exog` without this column is the same for all series. None:
        names of series are in the index or the columns.

    Attributes
    ----------
    regressor_ : regressor or None
        The fitted regressor, trained on all windows; None where the network has weight 0.
    regressors_ : list of regressors
        All fitted regressors: `n_networks` trained on all windows, then those that were evaluated
        on held-out windows. The forecast adds their mean, times the weight.
    settings_ : dict
        The value chosen for each "auto", and the shares of anchors, ridges and network in the
        forecast. Anchors and ridges share 1, and the network is added with its `network_weight`.
    candidates_ : DataFrame
        The forecasts that were compared, one candidate a row: "unit" (values or logarithms),
        "anchor" and its "season", "window" of its ridge in rows (0: no ridge), "known" (whether it
        reads calendar and `exog`), "fourier" (and sine and cosine of the seasons), "penalty", the
        held-out "errors" of each block, and "weight".
    cutoff_ : Series
        Time of the last row of each series.
    freq_ : DateOffset, Timedelta or int
        Step from one time to the next.
    season_ : int
        Number of steps in a season.
    scales_ : Series
        In-sample error of the seasonal naive forecast of each series, the denominator of MASE.
    exog_names_ : list
        Columns of `exog`.

    See Also
    --------
    RNNRegressor : The network.
    WindowTransformer : One window for each row, as a step of a pipeline.
    ForecastDisplay : Plot of a forecast and the rows before it.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import RNNForecaster
    >>> months = pd.date_range("2015-01-31", periods=72, freq="ME")
    >>> sales = pd.Series(np.arange(72) / 12 + np.sin(np.arange(72) * np.pi / 6), index=months)
    >>> forecaster = RNNForecaster(steps=3).fit(sales[:-3])
    >>> forecaster.predict().round(1)
    2020-10-31    4.7
    2020-11-30    5.0
    2020-12-31    5.4
    Freq: ME, dtype: float64
    >>> forecaster.score(sales[-3:]) > -0.1  # the seasonal naive forecast has about -1
    True
    """

    regressor_: Any
    regressors_: list[Any]
    settings_: dict[str, Any]
    candidates_: pd.DataFrame
    cutoff_: pd.Series[Any]
    freq_: pd.DateOffset | pd.Timedelta | int
    season_: int
    scales_: pd.Series[float]
    exog_names_: list[Hashable]
    _codecs = DeclaredEstimator._codecs | {
        "Panel": Codec(Panel, encode_panel, decode_panel),
        **record_codecs(
            GlobalModel, Residuals, Arrived, WindowSpec, TargetTransform, Baseline, SeriesScales
        ),
    }

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including those of `regressor`.

        If a parameter of `regressor` is set and `regressor` is None, it first becomes
        ``RNNRegressor("gru", 32, learning_rate=0.01)``. Its batch size does then not depend on the
        number of windows.

        Parameters
        ----------
        **params : dict
            Such as ``timesteps=12`` or ``regressor__hidden_size=8``.

        Returns
        -------
        self
            The same forecaster.
        """
        nested = any(name.startswith("regressor__") for name in params)
        if nested and self.regressor is None and "regressor" not in params:
            self.regressor = default_network()
        return super().set_params(**params)

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit(self, series: AnyFrame, exog: AnyFrame | None = None) -> Self:
        """Learn from all series.

        Parameters
        ----------
        series : Series or DataFrame
            A Series; a DataFrame with one column for each series, which may have NaN before its
            first and after its last value; or one column of values with a (series, time)
            MultiIndex. Its levels before the last form the name of a series. Times are dates,
            periods, durations or whole numbers at a regular step. Polars and pyarrow are read as
            pandas, with times and series in columns named by `time_column` and `series_column`. A
            series that holds only NaN is left out, and a warning names it. A series that is shorter
            than the history a forecast reads gets a forecast without the network: from ridges on
            fewer rows, learned from all series, or from simple forecasts. A warning names it; with
            ``baseline=None`` it is refused.
        exog : Series or DataFrame, default=None
            Columns known in advance, on the times of `series`: the same for all series, or with a
            (series, time) MultiIndex. Each row of a window holds their values at its own time and
            `steps` later. For columns that are not known in advance see `past_exog`. Strings and
            pandas' categories are read as in `static`.

        Returns
        -------
        self
            The fitted forecaster.
        """
        return self._fit(series, exog)

    def _fit(self, series, exog, collect=None):
        panel = self._read(series, exog)
        model = fit_global_model(self, panel, collect=collect)
        scales = [seasonal_scale(values, model.season) for values in panel.values]
        return self._set_fitted(panel, model, scales)

    @overload
    def predict(
        self,
        steps: int | None = None,
        exog: AnyFrame | None = None,
        level: None = None,
        quantiles: None = None,
        *,
        series: AnyFrame | None = None,
        static: AnyFrame | None = None,
    ) -> SeriesOrFrame: ...

    @overload
    def predict(
        self,
        steps: int | None = None,
        exog: AnyFrame | None = None,
        *,
        level: Levels,
        quantiles: Levels | None = None,
        series: AnyFrame | None = None,
        static: AnyFrame | None = None,
    ) -> pd.DataFrame: ...

    @overload
    def predict(
        self,
        steps: int | None = None,
        exog: AnyFrame | None = None,
        level: Levels | None = None,
        *,
        quantiles: Levels,
        series: AnyFrame | None = None,
        static: AnyFrame | None = None,
    ) -> pd.DataFrame: ...

    def predict(
        self,
        steps: int | None = None,
        exog: AnyFrame | None = None,
        level: Levels | None = None,
        quantiles: Levels | None = None,
        *,
        series: AnyFrame | None = None,
        static: AnyFrame | None = None,
    ) -> SeriesOrFrame:
        """Forecast the rows after the cutoff, or after the last rows of other series.

        Parameters
        ----------
        steps : int, default=None
            Number of steps. None: `steps` as in `fit`. Beyond these, forecasts are fed back as
            input.
        exog : Series or DataFrame, default=None
            The columns of `exog` in `fit`, except those in `past_exog`, at the times to forecast.
            `make_future_frame` returns these rows. A direct network reads them up to a multiple of
            its `steps`: later rows are used where you pass some, and otherwise the last one is
            repeated.
        level : float or list of float, default=None
            Percentages of prediction intervals, such as [80, 95]. They come from held-out errors:
            see `calibration`. None: no intervals.
        quantiles : float or list of float, default=None
            Quantiles between 0 and 1, such as [0.1, 0.5, 0.9], from the same errors. None: no
            quantiles.
        series : Series or DataFrame, default=None
            Rows of the series to forecast, in any form that `fit` takes and at its step. None: the
            series in `fit`. The forecast depends only on these rows and on what `fit` learned, even
            for a series that `fit` saw. Means, deviations and the scales of intervals are computed
            from these rows, so pass as many as there are. `exog` then holds these rows too, and
            those to forecast. The forecaster does not change.
        static : DataFrame, default=None
            The features of `series` that do not change in time. None: the parameter `static`, if it
            has a row for each of these series.

        Returns
        -------
        Series or DataFrame
            On the times after the cutoff of each series, in the form of `series`, or of the series
            in `fit`. With `level` there are columns "forecast", "lower_80", "upper_80", ..., and
            with `quantiles` "q_0.1", .... In a wide frame they are the last level of the columns,
            under the name of each series.

        Notes
        -----
        Intervals are conformal (Lei et al. 2018, doi:10.1080/01621459.2017.1307116): the quantiles
        of errors on held-out windows are added to the forecast. Errors are measured through the
        `transformer`, or in values or logarithms of positive series. Bounds are transformed back,
        so in logarithms they stay positive. Errors are divided by the mean seasonal change of the
        last 1 or 4 windows, or of all rows in `fit`. They are also divided by the size of each
        series' errors, shrunk towards the size of all. The change and the logarithms are chosen by
        the interval score on held-out rows (Gneiting and Raftery 2007,
        doi:10.1198/016214506000001437).

        A series with at least 100 held-out windows has quantiles of its own, and the others share
        those of all series. The unit is another one where the `regressor` is an RNNRegressor with
        ``loss="quantile"`` and `calibration` is a number: the distance of its outermost quantiles
        from its median, below and above. This is conformalized quantile regression (Romano et al.
        2019, https://arxiv.org/abs/1905.03222) for any level.

        An interval of 80% lies between the quantiles 0.1 and 0.9. With fewer than 100 windows over
        all series, it is the forecast plus and minus a quantile of absolute errors, which needs
        fewer windows. If at least a tenth of a series' rows have its lowest value, such as 0, no
        bound is below it. A lower bound below the next value then becomes the lowest value. An
        interval of such a series holds at least the share of these rows.
        """
        check_is_fitted(self)
        fitted = self._for_series(series, exog, static)
        panel, n_steps = fitted._panel, fitted._count_steps(steps)
        times = panel.future_times(n_steps)
        outputs = fitted._forecast(times, exog)
        if level is None and quantiles is None:
            return to_pandas(panel, times, list(outputs))
        asked = check_levels(level), check_quantiles(quantiles)

        def bounds(extended, series, n_known, n_steps):
            return fitted._model.bounds(outputs, extended, series, n_known, *asked)

        columns = {"forecast": outputs} | fitted._ahead(bounds, times, exog)
        return to_pandas(panel, times, {name: list(rows) for name, rows in columns.items()})

    def contributions(
        self,
        steps: int | None = None,
        exog: AnyFrame | None = None,
        *,
        series: AnyFrame | None = None,
        static: AnyFrame | None = None,
    ) -> pd.DataFrame:
        """Split the forecast into the contributions of anchors, ridges and networks.

        Parameters
        ----------
        steps : int, default=None
            As in `predict`.
        exog : Series or DataFrame, default=None
            As in `predict`.
        series : Series or DataFrame, default=None
            As in `predict`.
        static : DataFrame, default=None
            As in `predict`.

        Returns
        -------
        DataFrame
            Like the result of `predict`, with columns "anchor", "ridge" and "network", which add up
            to the column "forecast".
        """
        check_is_fitted(self)
        fitted = self._for_series(series, exog, static)
        times = fitted._panel.future_times(fitted._count_steps(steps))
        parts = fitted._ahead(fitted._model.contributions, times, exog)
        return to_pandas(fitted._panel, times, {name: list(rows) for name, rows in parts.items()})

    def fitted_values(self, step: int = 1, *, contributions: bool = False) -> SeriesOrFrame:
        """Forecast each known row from the rows before it, `step` rows ahead.

        The rows of `fit` are in-sample: the model has learned from them. Their errors are smaller
        than those of forecasts, which `backtest` measures. The model has not learned from rows
        added by `update`.

        Parameters
        ----------
        step : int, default=1
            Which step of a forecast to return: the forecast of a row is made `step` rows before.
            Beyond the `steps` of `fit`, forecasts are fed back as input.
        contributions : bool, default=False
            Return columns "anchor", "ridge" and "network", which add up to the column "forecast".

        Returns
        -------
        Series or DataFrame
            On the times of the rows, in the form that `fit` saw. NaN for the first rows of a
            series, which have too few before them. With `contributions` the columns are those of
            the method `contributions`.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from skrnn import RNNForecaster
        >>> forecaster = RNNForecaster(timesteps=3, baseline="drift", network_weight=0)
        >>> forecaster.fit(pd.Series([1.0, 2.0, 4.0, 7.0, 11.0, 16.0])).fitted_values()
        0     NaN
        1     1.0
        2     3.0
        3     5.5
        4     9.0
        5    13.5
        dtype: float64
        """
        check_is_fitted(self)
        check_count("step", step, 1)
        fitted = self._as_of_now()
        panel, parts = fitted._panel, fitted_values(fitted._model, fitted._panel, step)
        return to_pandas(panel, panel.times, parts if contributions else parts["forecast"])

    def update(
        self, series: AnyFrame, exog: AnyFrame | None = None, *, adaptive: bool = False
    ) -> Self:
        """Move the cutoff forward to the end of `series`, without training.

        Parameters
        ----------
        series : Series or DataFrame
            Rows that continue the known ones, of series that `fit` saw. Earlier rows are ignored;
            if no row is new, a warning says so.
        exog : Series or DataFrame, default=None
            The columns of `exog` in `fit`, at the new times.
        adaptive : bool, default=False
            True: intervals and quantiles follow the errors of each series. Each row in `series` is
            compared with its forecasts from the rows before, at each step, from the cutoff on. A
            bound moves out where it was missed and in where it held, by a tenth of the largest
            recent error. So each holds its share over many rows, even where the series changes.
            Files keep these errors, and the next `fit` discards them.

        Returns
        -------
        self
            The same forecaster.

        Notes
        -----
        The forecaster changes in one step, so other threads can call `predict` meanwhile.

        Adaptive conformal inference [1]_ of the bounds themselves, with the step sizes of
        conformal PID control [2]_. At least the last 100 forecasts of each series are remembered,
        and 1,000 if there are few series.

        References
        ----------
        .. [1] I. Gibbs and E. Candes, "Adaptive Conformal Inference Under Distribution Shift",
           NeurIPS 2021. https://arxiv.org/abs/2106.00170
        .. [2] A. Angelopoulos, E. Candes and R. Tibshirani, "Conformal PID Control for Time Series
           Prediction", NeurIPS 2023. https://arxiv.org/abs/2307.16895
        """
        check_is_fitted(self)
        if adaptive and not len(self._model.residuals.errors):
            raise ValueError(
                "`adaptive=True` needs held-out windows in `fit`, for the first intervals, "
                "got none. Fit with `calibration` set to a number of windows, or leave it out."
            )
        known, model = self._panel, self._model
        later = read_later_rows(self._with_times(series, "series"), known)
        times, values = rows_ahead(known, later, gaps=self._takes_gaps)
        check_transformed(model.plan.level.transformer, values, times)
        panel = known.extended(times, values, self._read_exog(exog, times))
        if adaptive:
            model = add_arrived(model, panel, known.lengths)
        moved = {"_panel": panel, "_model": model, "cutoff_": panel.cutoffs}
        self.__dict__ = vars(self) | moved  # at once: other threads may be reading
        return self

    def score(self, series: AnyFrame, exog: AnyFrame | None = None) -> float:
        """Return the negative MASE of one forecast of the rows after the cutoff.

        It is the mean over series, with MASE measured in `scales_`. Missing rows do not count.
        Searches use it with ``scoring=None``. Scorers by name, such as "r2", need a y and fail. For
        another measure, pass a function of a fitted forecaster and the rows after its cutoff:
        ``scoring=lambda fitted, rows: -(fitted.predict(len(rows)) - rows).abs().mean()``.

        Parameters
        ----------
        series : Series or DataFrame
            Rows after the cutoff, in the form that `fit` saw.
        exog : Series or DataFrame, default=None
            The columns of `exog` in `fit`, from the cutoff on.

        Returns
        -------
        float
            The negative MASE: at most 0, and higher is better.
        """
        check_is_fitted(self)
        fitted = self._as_of_now()
        series = self._with_times(series, "series")
        later = read_later_rows(series, fitted._panel, in_search=True)
        check_after_cutoff(fitted._panel, later)
        times, truths = rows_ahead(fitted._panel, later, gaps=True)
        outputs = fitted._forecast(times, exog)
        errors = [
            np.nanmean(np.abs(truth - output[: len(truth)])) / scale
            for truth, output, scale in zip(truths, outputs, self.scales_, strict=True)
            if len(truth)
        ]
        return -float(np.mean(errors))

    def make_future_frame(
        self, steps: int | None = None, *, series: AnyFrame | None = None
    ) -> pd.DataFrame:
        """Return the rows of `exog` that a forecast needs, for you to fill in.

        Columns in `past_exog` are left out. A forecast of other `series` needs the rows of `exog`
        at their own times too.

        Parameters
        ----------
        steps : int, default=None
            As in `predict`.
        series : Series or DataFrame, default=None
            As in `predict`.

        Returns
        -------
        DataFrame
            NaN at the times to forecast, with a (series, time) MultiIndex if the series or the
            `exog` in `fit` had one.
        """
        check_is_fitted(self)
        panel = self._panel
        if series is not None:
            series = self._with_times(series, "series")
            panel = read_new_panel(series, panel, gaps=self._takes_gaps)
        if panel.form == "wide" and panel.own_exog:
            several = isinstance(panel.name, tuple) and isinstance(panel.labels[0], tuple)
            names = panel.name if several else [panel.name]
            panel = replace(panel, form="long", level_names=[*names, *panel.level_names])
        times = panel.future_times(self._count_steps(steps))
        index = to_pandas(panel, times, [np.zeros(len(rows)) for rows in times]).index
        return pd.DataFrame(np.nan, index=index, columns=panel.future_exog)

    def backtest(
        self,
        series: AnyFrame,
        exog: AnyFrame | None = None,
        *,
        folds: int = 5,
        step: int | None = None,
        refit: bool | int = False,
        gap: int = 0,
        window: int | None = None,
        level: Levels | None = None,
        quantiles: Levels | None = None,
        n_jobs: int | None = None,
    ) -> Backtest:
        """Forecast the past from several cutoffs, next to simple forecasts.

        A clone is fitted to the rows up to the first cutoff; this forecaster does not change.
        Cutoffs are the same times for all series. Each series is forecast from its last row at or
        before a cutoff.

        The forecasts are compared with the last value ("naive"), the last season
        ("seasonal_naive"), the line from the first value to the last ("drift") and a "ridge" of one
        window. The ridge is this forecaster with ``baseline="ridge"`` and ``network_weight=0``,
        fitted to the same rows.

        Parameters
        ----------
        series, exog : Series or DataFrame
            As in `fit`.
        folds : int, default=5
            Number of cutoffs. The last one has `steps` rows after it.
        step : int, default=None
            Rows from one cutoff to the next. None: the number of rows tested at each, `steps` minus
            `gap`.
        refit : bool or int, default=False
            False: fit once, at the first cutoff. True: fit again at each cutoff. An int n: fit
            again at every n-th cutoff.
        gap : int, default=0
            Rows between a cutoff, the last known row, and the first row that is tested. The first
            `gap` rows of a forecast are left out, so it must be below `steps`. Set it where values
            arrive late. If they are two days late and you forecast a week,
            ``RNNForecaster(steps=9)`` with ``gap=2`` tests the steps 3 to 9, with the folds of
            ``TimeSeriesSplit(test_size=7, gap=2)``.
        window : int, default=None
            Number of rows up to the cutoff that each fit reads; earlier rows are dropped. This is a
            rolling window, as ``max_train_size`` of TimeSeriesSplit. None: all rows.
        level : float or list of float, default=None
            Percentages of intervals, as in `predict`.
        quantiles : float or list of float, default=None
            Quantiles between 0 and 1, as in `predict`.
        n_jobs : int, default=None
            Number of fits to run in parallel with `refit`, in processes, threads or on a cluster
            as set by :func:`joblib.parallel_config`. None: one, or as set there.

        Returns
        -------
        Backtest
            A DataFrame with one row for each series, cutoff and step: "series", "cutoff", "time",
            "step", "truth", "forecast", "naive", "seasonal_naive", "drift", "ridge", and the
            "scale" of MASE. With `level` bounds follow each forecast: "lower_80", "upper_80",
            "naive_lower_80", .... Bounds of the naive forecasts are quantiles of their errors at
            each step within the training rows. Bounds of the ridge are computed as for this
            forecaster, or NaN where it has too few errors. With `quantiles` there are "q_0.1", ...
            of this forecaster. Its ``summary()`` compares the forecasts. A series with fewer rows
            before a cutoff than `fit` needs is left out at that cutoff. A warning names a series
            that no fold forecasts.

        See Also
        --------
        Backtest : The result, a DataFrame with ``summary``.
        BacktestDisplay : Plot of a backtest.
        """
        self._validate_params()
        panel = self._read(series, exog)
        asked = {"folds": folds, "step": step, "refit": refit, "gap": gap, "window": window}
        asked |= {"level": level, "quantiles": quantiles}
        return run_backtest(self, panel, **asked, n_jobs=n_jobs)

    @staticmethod
    def time_folds(
        series: AnyFrame,
        n_splits: int = 5,
        steps: int | None = None,
        *,
        gap: int = 0,
        window: int | None = None,
        freq: Frequency = None,
        time_column: Column = None,
        series_column: Columns = None,
    ) -> list[tuple[Array, Array]]:
        """Return folds in time order, as the `cv` of a search over any form of series.

        Parameters
        ----------
        series : Series or DataFrame
            As in `fit`.
        n_splits : int, default=5
            Number of folds.
        steps : int, default=None
            Number of steps in each test fold. None: all steps divided by ``n_splits + 1``.
        gap : int, default=0
            Steps between training and test, which are in neither. `score` forecasts across them, so
            set the forecaster's `steps` to those of the fold plus the gap. Not with `exog`.
        window : int, default=None
            Steps to train on, the last ones before the gap. None: all.
        freq : str, DateOffset, timedelta or int, default=None
            As the parameter of the forecaster.
        time_column : str, default=None
            As the parameter of the forecaster.
        series_column : str or list of str, default=None
            As the parameter of the forecaster.

        Returns
        -------
        list of (train, test)
            Positions of rows. A test fold has no rows of series that start in it. A warning names
            the series that are in no test fold.
        """
        columns = time_column, series_column
        return time_folds(series, n_splits, steps, gap, window, freq, columns)

    def _read(self, series, exog):
        """Return `series`, with their rows of `exog`, as a Panel."""
        series, exog = self._with_times(series, "series"), self._with_times(exog, "exog")
        gaps = self.fill is not None
        panel = read_panel(series, freq=self.freq, gaps=gaps)
        kept = fit_exog(exog, self.past_exog, panel.labels, panel.times, gaps=gaps)
        panel = replace(panel, **kept)
        short = self.timesteps != "auto" and self.timesteps < self.steps
        if panel.future_exog and self.strategy == "direct" and short:
            raise ValueError(
                f"`timesteps` must be at least `steps` with `exog`, {self.steps}, got "
                f"{self.timesteps}. Each row of a window holds the `exog` of {self.steps} steps "
                "later, and the window must reach the first step: raise `timesteps`."
            )
        return panel

    def _with_times(self, data, name):
        """Return a frame with its columns of times and series as its index."""
        if name == "exog" and data is None:
            return None
        columns = self.time_column, self.series_column
        return with_time_index(data, name, *columns, shared=name == "exog")

    def _most_tasks(self):
        return None  # as many as networks are trained

    def _set_fitted(self, panel, model, scales):
        """Set the Panel and the GlobalModel that was fitted to it, or moved to it, as learned."""
        self._panel, self._model = panel, model
        self.regressors_, self.season_ = model.regressors, model.season
        self.regressor_ = model.regressors[0] if model.regressors else None
        self.settings_, self.candidates_ = model.settings, model.candidates
        self.freq_, self.exog_names_ = panel.step, list(panel.exog_names)
        self.scales_, self.cutoff_ = panel.by_series(scales), panel.cutoffs
        return self

    @property
    def _takes_gaps(self):
        return self._model.plan.fill is not None

    def _as_of_now(self):
        """Return a forecaster with the attributes of this one, which an `update` does not move."""
        other = object.__new__(type(self))
        other.__dict__ = dict(vars(self))
        return other

    def _for_series(self, series, exog, static):
        """Return a forecaster of `series` with this one's model; None: of the series in `fit`."""
        other = self._as_of_now()
        if series is None:
            if static is not None:
                raise ValueError(
                    "`static` must come with `series`, got only `static`. The series in `fit` have "
                    "theirs: leave it out, or pass the rows of other series as `series`."
                )
            return other
        known, model = other._panel, other._model
        panel = read_new_panel(self._with_times(series, "series"), known, gaps=other._takes_gaps)
        static = self.static if static is None and model.plan.static.shape[1] else static
        static = read_new_static(static, self.series_column, panel.labels, model.plan)
        model = adapt_model(model, known, panel, static)
        scales = [seasonal_scale(rows, model.season) for rows in panel.values]
        other._set_fitted(panel, model, scales)
        other._panel = replace(panel, exog=other._read_exog(exog, panel.times))
        return other

    def _count_steps(self, steps):
        if steps is None:
            return self._model.plan.steps
        if hasattr(steps, "__array__") and np.ndim(steps):  # a scorer passes rows
            raise TypeError(
                f"`steps` must be an int, got {type(steps).__name__}. Pass columns as `exog=`, "
                "and rows of series as `series=`. scikit-learn's scorers pass rows to `predict`: "
                "leave `scoring=None` to use `score`, or pass a function of the forecaster and the "
                "rows after the cutoff."
            )
        check_count("steps", steps, 1)
        return int(steps)  # a small integer of NumPy would overflow

    def _read_exog(self, exog, times, required=None, names=None):
        """Return the rows of `exog` at the given times of each series; see `read_exog`."""
        panel, exog = self._panel, self._with_times(exog, "exog")
        return read_exog(
            exog,
            panel.exog_names if names is None else names,
            panel.labels,
            times,
            categories=panel.exog_categories,
            required=required,
            gaps=self._takes_gaps,
        )

    def _forecast(self, times, exog):
        return self._ahead(self._model.forecast, times, exog)

    def _ahead(self, forecast, times, exog):
        """Return what `forecast` returns at the `times` after the cutoff of each series.

        `exog` must have rows at these times. A network may read more, up to the end of its outputs:
        missing rows are filled with the last one.
        """
        n_steps = max(len(rows) for rows in times)
        outputs = self._model.plan.outputs
        n_rows = -(-n_steps // outputs) * outputs
        ahead = self._panel.future_times(n_rows)
        filled = self._exog_ahead(exog, ahead, list(map(len, times)), n_rows)
        unknown = [np.full(n_rows, np.nan)] * len(self._panel)
        panel = self._panel.extended(ahead, unknown, filled)
        return forecast(panel, *self._origins(), n_steps)

    def _exog_ahead(self, exog, times, required, n_rows):
        """Return `exog` at `n_rows` times after the cutoff of each series, the last row repeated.

        Columns known until the cutoff only keep their last value.
        """
        panel, filled = (
            self._panel,
            [np.repeat(rows[-1:], n_rows, axis=0) for rows in self._panel.exog],
        )
        if not panel.future_exog and panel.exog_names:
            return filled
        known = ~panel.is_past
        found = self._read_exog(exog, times, required, panel.future_exog)
        for block, rows in zip(filled, found, strict=True):
            both = np.concatenate([block[:1, known], rows])
            block[:, known] = both[np.minimum(np.arange(1, n_rows + 1), len(rows))]
        return filled

    def _origins(self):
        """Return the origins of forecasts from the cutoff: each series, and its number of rows."""
        return np.arange(len(self._panel)), self._panel.lengths

    def _recent_rows(self, n_rows, steps):
        """Return the last `n_rows` known rows of the series, for a picture.

        None: a window, two seasons or three forecasts of `steps`, whichever is most.
        """
        if n_rows is None:
            timesteps, n_steps = self._model.plan.timesteps, self._count_steps(steps)
            n_rows = max(timesteps, 2 * self.season_, 3 * n_steps)
        parts = self._panel.times, self._panel.values
        return to_pandas(self._panel, *([rows[-n_rows:] for rows in part] for part in parts))

    def _html_repr(self):
        """Return the HTML for notebooks: the parameters, and once fitted the choices of `fit`."""
        html = super()._html_repr()
        if not hasattr(self, "_model"):
            return html
        return f"{html}{html_summary(self.settings_, self.candidates_)}"

    def __getstate__(self) -> dict[str, Any]:
        return without_derived(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_model" in state:
            self._set_fitted(self._panel, self._model, self.scales_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # series have times, which arrays lack
        tags.input_tags.allow_nan = self.fill is not None
        return tags
