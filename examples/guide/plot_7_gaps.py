"""
7. Gaps
=======

Tills break, sensors lose their radio, and shops close on holidays. Fill a gap only from values that
were known at the time of a forecast. Otherwise a backtest looks better than the forecasts will be.
"""

# %%
# A series with gaps
# ------------------
# A shop counts its customers, and most of them come at weekends. The counter missed a day in ten,
# and was broken for ten days.
import numpy as np
import pandas as pd

from skrnn import ForecastDisplay, RNNForecaster, RNNRegressor

rng = np.random.default_rng(0)
days = pd.date_range("2025-01-01", periods=420, freq="D", name="day")
week = np.array([60, 55, 58, 70, 95, 140, 120])
counted = week[days.day_of_week] * (1 + 0.1 * np.sin(np.arange(420) / 40))
counted = pd.Series(counted + rng.normal(scale=5, size=420), index=days, name="customers")

gone = np.append(rng.choice(np.arange(1, 370), 37, replace=False), np.arange(370, 380))
customers = counted.drop(days[gone])
print(f"{customers.isna().sum()} NaN, but {len(counted) - len(customers)} days without a row")

# %%
# A series needs a row at every step, so a missing day is an error until you say what to do.
forecaster = RNNForecaster(steps=7, network_weight=0)
try:
    forecaster.fit(customers)
except ValueError as error:
    print(error)

# %%
# Ways to fill a gap
# ------------------
# `fill="seasonal"` reads a missing day as the same day a week before. `fill="linear"` reads it as a
# point on the line from the day before to the day after. `fill="mask"` makes the network skip it.
# `freq` says that every day should have a row. A row without a value trains nothing: it is filled
# as an input, but is never a target.
forecaster.set_params(freq="D")
for fill in ("seasonal", "linear", "mask"):
    table = forecaster.set_params(fill=fill).backtest(customers, folds=6, step=7)
    print(f"{fill:9} MASE {table.summary()['MASE']['forecast']:.2f}")

# %%
# A straight line cuts off the weekends of the ten days, which later forecasts read. Choose
# "seasonal" for series with a season. Without a season there is nothing to copy. Then "linear" is
# better for series that move slowly, such as hourly temperatures. "mask" is for long gaps, if you
# trust the network more than any filling.
forecaster.set_params(fill="seasonal").fit(customers[: days[391]])
display = ForecastDisplay.from_forecaster(forecaster, level=80, history=42, truth=counted)
display.figure_.savefig("forecast_customers.png", dpi=100)

# %%
# Filling before the fit
# ----------------------
# `Series.interpolate` before a backtest is a mistake that raises no error. A day that is missing
# just before a cutoff lies on a line to the day after it, which nobody knew then. In this example
# the value of each day is that of the day before plus a small random change, and every third day is
# missing.
level = pd.Series(rng.normal(size=601).cumsum(), index=pd.date_range("2024-01-01", periods=601))
observed = level.where(np.arange(601) % 3 != 2)
walk = RNNForecaster(network_weight=0, season=1)
asked = {"folds": 60, "step": 3}  # all of them just after a missing day
tables = {
    "interpolated first": walk.backtest(observed.interpolate(), **asked),
    "fill='linear'": walk.set_params(fill="linear").backtest(observed, **asked),
}
for name, table in tables.items():
    error = (level[table["time"]].to_numpy() - table["forecast"]).abs().mean()
    print(f"{name:19}MAE {error:.2f}")

# %%
# With `fill`, a gap that is still open at a cutoff is filled with the last value. It is drawn as a
# line only for forecasts from later cutoffs, when its end is known. Changing a later row changes no
# input of a forecast.
#
# With "seasonal" and "linear" the network also reads which rows are missing, and the age of the
# last value. So it can trust an old value less.
#
# Missing values in X
# -------------------
# `RNNRegressor` and `RNNClassifier` refuse NaN in X. With `missing="flag"` a missing value is read
# as the mean of its feature, and an extra feature says that it is missing. The network learns what
# that means. In this example the target is a load, and the first of two sensors fails when the load
# is high.
load = rng.normal(size=(800, 1))
X = load[:, :, np.newaxis] + rng.normal(scale=3, size=(800, 12, 2))
X[..., 0][rng.uniform(size=(800, 12)) < 1 / (1 + np.exp(-3 * load))] = np.nan
y = load[:, 0]
settings = {"epochs": 30, "random_state": 0}
flagged = RNNRegressor("gru", 8, missing="flag", **settings).fit(X[:600], y[:600])
means = np.where(np.isnan(X), np.nanmean(X[:600], axis=(0, 1)), X)
imputed = RNNRegressor("gru", 8, **settings).fit(means[:600], y[:600])
print(f"R2 with flags     {flagged.score(X[600:], y[600:]):.2f}")
print(f"R2 of means only  {imputed.score(means[600:], y[600:]):.2f}")

# %%
# Flags help where values are missing for a reason. You can also skip a timestep at which nothing
# was measured: `mask_value=np.nan` skips it if all of its features are NaN. Together with
# `missing="flag"`, the flags handle the timesteps that are missing in part.
