"""Shared by the tests of the forecaster: times, and regressors that show or solve their input."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNForecaster

LOG = FunctionTransformer(np.log, np.exp)


def dates(start, freq="D", tz=None):
    return pd.date_range(start, periods=60, freq=freq, tz=tz)


# Regular times of every kind, 60 each.
TIMES = {
    "days": dates("2024-01-01"),
    "days over a change of clocks": dates("2024-03-10", tz="Europe/Berlin"),
    "24 hours over a change of clocks": dates("2024-03-10", "24h", "Europe/Berlin"),
    "hours": dates("2024-01-01", "h"),
    "hours over a change of clocks": dates("2024-10-26", "h", "Europe/Paris"),
    "hours over summer time": dates("2024-03-30", "h", "Europe/Berlin"),
    "hours in UTC": dates("2024-01-01", "3h", "UTC"),
    "offset from UTC": dates("2024-01-01", tz="UTC+02:00"),
    "quarters of an hour": dates("2024-01-01", "15min"),
    "seconds": dates("2024-01-01", "30s").as_unit("s"),
    "milliseconds": pd.DatetimeIndex(np.arange(60).astype("M8[ms]")),
    "business days": dates("2024-01-01", "B"),
    "weeks": dates("2024-01-01", "W-WED"),
    "month starts": dates("2015-01-01", "MS"),
    "month ends": dates("2015-01-31", "ME").rename("month"),
    "mid-months": dates("2015-01-15", pd.DateOffset(months=1)),
    # Clipped where a month is shorter, which pandas knows no frequency for.
    "days 30 of a month": dates("2018-01-30", pd.DateOffset(months=1, day=30)),
    "quarter starts": dates("2000-01-01", "QS"),
    "quarter ends": dates("2000-01-31", "QE"),
    "year starts": dates("1960-01-01", "YS"),
    "year ends": dates("1960-01-01", "YE"),
    "hours as periods": pd.period_range("2024-01-01", periods=60, freq="h"),
    "months as periods": pd.period_range("2000-01", periods=60, freq="M"),
    "three months as periods": pd.period_range("2000-01", periods=60, freq="3M"),
    "quarters as periods": pd.period_range("2010Q1", periods=60, freq="Q"),
    "durations": pd.timedelta_range("1h", periods=60, freq="90min"),
    "durations of days": pd.timedelta_range("0D", periods=60, freq="D"),
    "range": pd.RangeIndex(0, 180, 3, name="row"),
    "integers": pd.Index(np.arange(7, 67, dtype="int32")),
}


class Recorder(RegressorMixin, BaseEstimator):
    """Keeps the windows it was fitted to; forecasts the last value of a window at every step."""

    def fit(self, X, y):
        self.X_, self.y_, self.base_ = np.array(X), np.array(y), X.base
        return self

    def predict(self, X):
        self.seen_ = np.array(X)
        return X[:, -1, 0] if self.y_.ndim == 1 else np.repeat(X[:, -1:, 0], self.y_.shape[1], 1)


def flattened(X):
    return X.reshape(len(X), -1)


def linear(alpha=1e-9):
    """Least squares on all numbers of a window."""
    return make_pipeline(FunctionTransformer(flattened), Ridge(alpha))


BARE = {
    "timesteps": 24,
    "segment": 1,
    "scale": "series",
    "baseline": None,
    "network_weight": 1.0,
    "early_stopping": False,
    "calibration": 0,
}


def bare(regressor=None, **parameters):
    """Return a forecaster whose regressor forecasts alone, with no setting left to choose."""
    return RNNForecaster(regressor, **BARE | parameters)


def fit(series, exog=None, regressor=None, **parameters):
    """Return a fitted bare forecaster, by default least squares on windows of 5 rows."""
    return bare(regressor or linear(), **{"timesteps": 5} | parameters).fit(series, exog)


def monthly(n_rows=80, seed=0):
    """A noisy series of month ends with trend and season."""
    rng = np.random.default_rng(seed)
    rows = np.arange(n_rows)
    values = 100 + rows + 10 * np.sin(rows * np.pi / 6) + rng.normal(size=n_rows)
    return pd.Series(values, index=pd.date_range("2015-01-31", periods=n_rows, freq="ME"), name="y")


def wide_frame(columns="abc"):
    """Several such series."""
    series = {"a": monthly(), "b": 3 * monthly(seed=1), "c": 5 - monthly(seed=2)}
    return pd.DataFrame({name: series[name] for name in columns})


def long_frame(wide):
    return wide.unstack().dropna().rename_axis(["shop", "month"]).rename("sales")
