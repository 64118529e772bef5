"""RNNDetector: alarms for rows of series that are far from their forecasts."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import KW_ONLY
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.base import OutlierMixin, clone
from sklearn.utils.validation import check_is_fitted

from skrnn._forecasting.alarm_scores import Calibration
from skrnn._forecasting.alarms import Alarms, fit_alarms
from skrnn._forecasting.forecaster import RNNForecaster
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.declared_parameters import (
    DeclaredEstimator,
    declare_parameters,
    explain_keywords,
    parameter,
)
from skrnn._utils.records import Codec, record_codecs
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import Interval, fit_context

if TYPE_CHECKING:
    from typing import Any, Self

    from sklearn.utils import Tags

    from skrnn._types import AnyFrame, RandomState


@declare_parameters
class DetectorParameters:
    """The parameters of RNNDetector."""

    forecaster: RNNForecaster | None = parameter(None, RNNForecaster, None)
    _: KW_ONLY
    contamination: float = parameter(0.01, Interval(Real, 0, 0.5, closed="right"))
    random_state: RandomState = parameter(None, "random_state")


class RNNDetector(DetectorParameters, OutlierMixin, DeclaredEstimator):
    """Outlier detector for pandas series, based on the errors of one-step forecasts.

    Use it for alarms on series that a forecaster learns well. For prediction intervals use
    `RNNForecaster`; for samples without an order use scikit-learn's IsolationForest.

    Each row is compared with its forecast from the rows before it. Three things are unusual: a
    large error, a run of errors that are all large or all small, and a value that stays the same.
    What is usual is learned from held-out errors of the rows in `fit`, so the share `contamination`
    of rows like these raises an alarm. No row is read before its time: a later row never changes an
    earlier score.

    Parameters
    ----------
    forecaster : RNNForecaster, default=None
        Forecaster of each row, with `steps` of 1; it is cloned. None: ``RNNForecaster()``. Pass
        your own to set how series are forecast, or set its parameters:
        ``set_params(forecaster__fill="seasonal")``. Where it has no held-out errors of its own, as
        with ``baseline=None``, set its `calibration` to a number of windows.
    contamination : float, default=0.01
        Share of rows like those in `fit` that raise an alarm, above 0 and at most 0.5. Lower it for
        fewer alarms. `fit` needs 1 / `contamination` held-out rows.
    random_state : int, RandomState instance or None, default=None
        Seed of networks that have none of their own, as in `RNNForecaster`.

    Attributes
    ----------
    forecaster_ : RNNForecaster
        The fitted forecaster. Its cutoff is the one in `fit`.
    offset_ : float
        Score below which a row is an outlier.
    cutoff_ : Series
        Time of the last row of each series, in `fit` or `update`.

    See Also
    --------
    RNNForecaster : Forecasts of series, with prediction intervals.
    DetectorDisplay : Plot of series with their alarms.

    Notes
    -----
    A row has three statistics. The first is the absolute error of its forecast. The second is the
    mean of the last 6 errors, each capped at the largest error in a hundred. The third is the
    number of rows for which the value has been the same. Errors are measured in values or
    logarithms, as the forecaster has chosen for its intervals. Their unit is the mean seasonal
    change of all rows, or of the last ones where held-out errors are clearly more alike in it. Each
    statistic is compared with that of held-out rows. The score is the logarithm of the least share
    of them that is as extreme, with an exponential tail for the most extreme tenth. This score is
    again compared with the scores of held-out rows: `p_values` are conformal [1]_ [2]_. So on
    series that keep behaving as in `fit`, an alarm is as rare as `contamination` says.

    An outlier would disturb the forecasts of rows after it. So a row with an error larger than in
    all but one of 200 held-out rows is replaced by its forecast in later windows. The error of the
    next row is then measured in the size of errors two steps ahead, and so on. A series that
    wanders is thus soon read as it is, and one that returns to its season stays in alarm as long as
    it is off. When all rows of a window have been replaced, the original values are read again: a
    lasting change becomes usual. The anchor on the mean of all rows reads the mean in `fit`.

    With more than 20,000 rows in `fit`, or with a `stride`, held-out rows are not consecutive.
    Scores are then compared with those of rows that the forecaster has learned from.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World", Springer
       2005. https://doi.org/10.1007/b106715
    .. [2] R. Laxhammar and G. Falkman, "Online Learning and Sequential Anomaly Detection in
       Trajectories", IEEE Transactions on Pattern Analysis and Machine Intelligence 36 (2014),
       1158-1173. https://doi.org/10.1109/TPAMI.2013.172

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skrnn import RNNDetector
    >>> hours = pd.date_range("2026-01-01", periods=480, freq="h")
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=480)
    >>> power = pd.Series(np.sin(np.arange(480) * np.pi / 12) + noise, index=hours)
    >>> power.iloc[[440, 460]] += 2.0
    >>> detector = RNNDetector(random_state=0).fit(power[:400])
    >>> detector.predict(power[400:]).loc[lambda labels: labels == -1].index.hour.tolist()
    [8, 4]
    """

    forecaster_: RNNForecaster
    offset_: float
    _codecs = RNNForecaster._codecs | record_codecs(Calibration)
    _codecs |= {"Alarms": Codec(Alarms, Alarms.encode, Alarms.decode)}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, including those of `forecaster`.

        If a parameter of `forecaster` is set and `forecaster` is None, it first becomes an
        RNNForecaster.

        Parameters
        ----------
        **params : dict
            Such as ``contamination=0.02`` or ``forecaster__fill="linear"``.

        Returns
        -------
        self
            The same detector.
        """
        nested = any(name.startswith("forecaster__") for name in params)
        if nested and self.forecaster is None and "forecaster" not in params:
            self.forecaster = RNNForecaster()
        return super().set_params(**params)

    @explain_keywords
    @fit_context(prefer_skip_nested_validation=False)
    @notify_callbacks
    @rollback_on_error
    def fit(self, series: AnyFrame, exog: AnyFrame | None = None) -> Self:
        """Learn which errors are usual.

        Parameters
        ----------
        series : Series or DataFrame
            As in `RNNForecaster.fit`. The columns of a wide frame are scored together, with one
            score for each row. Series in a frame with a (series, time) MultiIndex are scored
            separately.
        exog : Series or DataFrame, default=None
            As in `RNNForecaster.fit`.

        Returns
        -------
        self
            The fitted detector.
        """
        forecaster = RNNForecaster() if self.forecaster is None else clone(self.forecaster)
        if forecaster.random_state is None:
            forecaster.random_state = deepcopy(self.random_state)
        self._alarms = fit_alarms(forecaster, series, exog, self.contamination)
        self.forecaster_ = forecaster
        self.offset_ = -float(self._alarms.calibration.threshold(self.contamination))
        return self

    def fit_predict(self, series: AnyFrame, exog: AnyFrame | None = None) -> pd.Series[int]:
        """Learn which errors are usual, and label the same rows.

        Parameters
        ----------
        series, exog : Series or DataFrame
            As in `fit`.

        Returns
        -------
        Series of int
            Like the result of `predict`. The forecaster has learned from these rows, so fewer of
            them raise an alarm than of later ones.
        """
        return self.fit(series, exog).predict(series, exog)

    def score_samples(self, series: AnyFrame, exog: AnyFrame | None = None) -> pd.Series[float]:
        """Return how usual each row is: the higher, the more normal.

        Parameters
        ----------
        series : Series or DataFrame
            Rows of the series in `fit`, in its form. If they continue the rows in `fit` and
            `update`, windows reach back into these; otherwise they are scored from these rows only.
        exog : Series or DataFrame, default=None
            The columns of `exog` in `fit`, at the same times.

        Returns
        -------
        Series of float
            On the index of `series`, at most 0. NaN for rows without a value or without a window
            before them. In a wide frame it is the least score of a row's columns.
        """
        return self._on_rows(self.score_columns(series, exog))

    def score_columns(self, series: AnyFrame, exog: AnyFrame | None = None) -> pd.DataFrame:
        """Return the score of each column of each row, which shows where an alarm comes from.

        Parameters
        ----------
        series, exog : Series or DataFrame
            As in `score_samples`.

        Returns
        -------
        DataFrame
            On the index of `series`, with its columns, or one column for its values. A column
            raises an alarm where its score is below `offset_`.
        """
        check_is_fitted(self)
        return -self._alarms.scores(self.forecaster_, series, exog)

    def decision_function(self, series: AnyFrame, exog: AnyFrame | None = None) -> pd.Series[float]:
        """Return the score of each row minus `offset_`: negative for outliers.

        Parameters
        ----------
        series, exog : Series or DataFrame
            As in `score_samples`.

        Returns
        -------
        Series of float
            On the index of `series`; NaN as in `score_samples`.
        """
        return self.score_samples(series, exog) - self.offset_

    def predict(self, series: AnyFrame, exog: AnyFrame | None = None) -> pd.Series[int]:
        """Return -1 for rows that raise an alarm, and 1 for others.

        Parameters
        ----------
        series, exog : Series or DataFrame
            As in `score_samples`.

        Returns
        -------
        Series of int
            On the index of `series`. Rows without a score have 1.
        """
        outliers = self.decision_function(series, exog) < 0
        return pd.Series(np.where(outliers, -1, 1), index=outliers.index)

    def p_values(self, series: AnyFrame, exog: AnyFrame | None = None) -> pd.Series[float]:
        """Return conformal p-values: how often a row like those in `fit` is as unusual.

        Parameters
        ----------
        series, exog : Series or DataFrame
            As in `score_samples`.

        Returns
        -------
        Series of float
            On the index of `series`: (1 + the number of held-out scores at least as unusual) / (1 +
            their number). A row raises an alarm where it is at most `contamination`. NaN as in
            `score_samples`.
        """
        scores = self.score_samples(series, exog)
        found = self._alarms.calibration.p_values(-scores.to_numpy())
        return pd.Series(found, index=scores.index)

    def update(self, series: AnyFrame, exog: AnyFrame | None = None) -> Self:
        """Move the cutoff forward to the end of `series`, without training.

        Parameters
        ----------
        series : Series or DataFrame
            Rows that continue the known ones, of series that `fit` saw. Earlier rows are ignored;
            if no row is new, a warning says so. To get the scores of new rows, call
            `score_samples` first.
        exog : Series or DataFrame, default=None
            The columns of `exog` in `fit`, at the new times.

        Returns
        -------
        self
            The same detector. It keeps only the last rows that scores need.
        """
        check_is_fitted(self)
        self._alarms = self._alarms.updated(self.forecaster_, series, exog)
        return self

    @property
    def cutoff_(self) -> pd.Series[Any]:
        """Time of the last row of each series, in `fit` or `update`."""
        check_is_fitted(self)
        return self._alarms.panel.cutoffs

    @staticmethod
    def _on_rows(scores):
        """Return the least score of each row."""
        return scores.min(axis=1).rename(None)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # series have times, which arrays lack
        tags.input_tags.allow_nan = getattr(self.forecaster, "fill", None) is not None
        return tags
