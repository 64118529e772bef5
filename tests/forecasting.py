"""Shared by the tests of the forecaster: times, and regressors that show or solve their input."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

# Regular times of every kind, 60 each.
TIMES = {
    "days": pd.date_range("2024-01-01", periods=60),
    "days of a time zone, over a change of clocks": pd.date_range(
        "2024-03-10", periods=60, tz="Europe/Berlin"
    ),
    "hours over a change of clocks": pd.date_range(
        "2024-10-26", periods=60, freq="h", tz="America/New_York"
    ),
    "offset from UTC": pd.date_range("2024-01-01", periods=60, tz="UTC+02:00"),
    "hours in UTC": pd.date_range("2024-01-01", periods=60, freq="3h", tz="UTC"),
    "seconds": pd.date_range("2024-01-01", periods=60, freq="30s", unit="s"),
    "milliseconds": pd.DatetimeIndex(np.arange(60).astype("M8[ms]")),
    "month ends": pd.date_range("2015-01-31", periods=60, freq="ME", name="month"),
    "business days": pd.bdate_range("2024-01-01", periods=60),
    "a day of the month": pd.DatetimeIndex(
        [pd.Timestamp("2018-01-30") + pd.DateOffset(months=i) for i in range(60)]
    ),
    "weeks": pd.date_range("2024-01-01", periods=60, freq="W-WED"),
    "periods": pd.period_range("2010Q1", periods=60, freq="Q"),
    "durations": pd.timedelta_range("1h", periods=60, freq="90min"),
    "range": pd.RangeIndex(0, 180, 3, name="row"),
    "integers": pd.Index(np.arange(7, 67, dtype="int32")),
}


class Recorder(RegressorMixin, BaseEstimator):
    """Keeps the windows it was fitted to; forecasts the last value of a window at every step."""

    def fit(self, X, y):
        self.X_, self.y_ = np.array(X), np.array(y)
        return self

    def predict(self, X):
        self.seen_ = np.array(X)
        return X[:, -1, 0] if self.y_.ndim == 1 else np.repeat(X[:, -1:, 0], self.y_.shape[1], 1)


def flattened(X):
    return X.reshape(len(X), -1)


def linear(alpha=1e-9):
    """Least squares on all numbers of a window."""
    return make_pipeline(FunctionTransformer(flattened), Ridge(alpha))


def monthly(n_rows=80, seed=0):
    """A noisy series of month ends with trend and season."""
    rng = np.random.default_rng(seed)
    rows = np.arange(n_rows)
    values = 100 + rows + 10 * np.sin(rows * np.pi / 6) + rng.normal(size=n_rows)
    return pd.Series(values, index=pd.date_range("2015-01-31", periods=n_rows, freq="ME"), name="y")
