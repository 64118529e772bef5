"""
5. Forecasting
==============

A pandas series goes in, a forecast on the days to come comes out, with intervals that say how far
to trust it. Whether it was worth the effort is told by forecasts that cost nothing.
"""

# %%
# Two weeks ahead
# ---------------
# A kiosk by a lake sells more ice on warm days and at weekends, and a little more every year. The
# temperature of the days to come is taken as known: in life it is a forecast too.
import numpy as np
import pandas as pd
from sklearn.preprocessing import FunctionTransformer

from skrnn import ForecastDisplay, RNNForecaster, RNNRegressor

rng = np.random.default_rng(0)
days = pd.date_range("2024-01-01", "2026-06-30", freq="D", name="day")
n_days = len(days)
season = -np.cos((days.day_of_year - 20) * 2 * np.pi / 365.25)
spells = pd.Series(rng.normal(size=n_days)).ewm(span=5).mean()
temperature = 11 + 9 * season + 7 * spells.to_numpy()
weekend = np.where(days.day_of_week >= 5, 1.6, 1.0)
growth = 1 + 0.1 * np.arange(n_days) / 365
sales = growth * weekend * np.exp(3 + 0.08 * temperature + rng.normal(scale=0.12, size=n_days))

sales = pd.Series(sales, index=days, name="sales")
weather = pd.DataFrame({"temperature": temperature}, index=days)
print(pd.concat([sales, weather], axis=1).round(1).tail(3).to_string())

# %%
# The last two weeks are kept back. `timesteps` are the days that a window holds, `steps` those
# that it tells at once. Sales move by percents, so the network reads their logarithms. It is told
# the day of the week by `calendar`, and the weather of each day as `exog`. 180 windows are kept
# from training for the intervals.
forecaster = RNNForecaster(
    RNNRegressor("gru", 16, epochs=50, random_state=0),
    timesteps=14,
    steps=14,
    transformer=FunctionTransformer(np.log, np.exp),
    calendar=("dayofweek",),
    calibration=180,
)
forecaster.fit(sales[:-14], weather[:-14])
display = ForecastDisplay.from_forecaster(
    forecaster, level=[80, 95], exog=weather, truth=sales, unit="portions"
)
display.figure_.savefig("forecast_sales.png", dpi=100)

# %%
# What comes back
# ---------------
# A table on the days that follow. `make_future_frame` shows which rows of `exog` a forecast needs.
print(forecaster.make_future_frame().head(2).to_string())
print(forecaster.predict(exog=weather[-14:], level=80).round().head(4).to_string())

# %%
# Against forecasts that cost nothing
# -----------------------------------
# A backtest stands at cutoffs of the past and forecasts what is known by now; `refit=True` learns
# anew at each. `loses_to` names the naive forecasts that did better, if any.
from skrnn import BacktestDisplay

backtest = forecaster.backtest(sales, weather, folds=6, refit=True, level=80)
print(backtest.summary().round(2).to_string())
display = BacktestDisplay.from_backtest(backtest, measure="MAE", unit="portions")
display.figure_.savefig("backtest_sales.png", dpi=100)

# %%
# Is the weather worth it? The same without it:
without = forecaster.backtest(sales, folds=6, refit=True)
print(without.summary().loc[["forecast"], ["MAE", "MASE"]].round(2).to_string())

# %%
# MASE measures errors in those of the seasonal naive forecast on the training rows: above 1 the
# network did worse than last week's same day did there.
#
# How wide the intervals are
# --------------------------
# They are measured, not assumed: from the errors on the `calibration` windows. So many of them
# are needed that a quantile can be read off, and the future must err as they did; `coverage_80`
# above says how many of the truths the 80 % intervals held. They are errors added to the
# forecast, and may reach below zero where sales cannot. Too high a level is refused:
try:
    forecaster.predict(exog=weather[-14:], level=99.9)
except ValueError as error:
    print(error)

# %%
# A day later
# -----------
# `update` moves the cutoff to the last row known, without training. Two weeks of June are forecast
# at once, and then each of their days from the evening before, by the same network. Pass the `exog`
# of all `steps` days even where only the first of them is wanted: the network reads it, and takes
# the last row given for those that lack.
fortnight = days[-28:-14]
forecaster.fit(sales[:-28], weather[:-28])
at_once = forecaster.predict(exog=weather.loc[fortnight])
evening_before = at_once.copy()
for day in fortnight:
    evening_before[day] = forecaster.predict(exog=weather.loc[day:].head(14)).iloc[0]
    forecaster.update(sales.loc[[day]], weather.loc[[day]])

for name, forecast in {"at once": at_once, "the evening before": evening_before}.items():
    print(f"{name:20}{(sales[fortnight] - forecast).abs().mean():.1f} portions")

# %%
# What matters most, the weather, was told at once, so a day more of sales adds little here. Train
# again when errors grow, not because a day has passed.
#
# Searching
# ---------
# The forecaster's `score` is the negative MASE of one forecast over the rows of a test fold, so
# scikit-learn's searches take it as it is; `exog` goes in y's place. They need folds in the order
# of time.
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

search = GridSearchCV(
    forecaster,
    {"timesteps": [14, 28], "regressor__hidden_size": [8, 16]},
    cv=TimeSeriesSplit(3, test_size=14),
).fit(sales, weather)
table = pd.DataFrame(search.cv_results_["params"])
table["MASE"] = -search.cv_results_["mean_test_score"]
table["sd over folds"] = search.cv_results_["std_test_score"]
print(table.to_string(index=False, float_format="%.2f"))

# %%
# Three fortnights are few: look at the spread before you prefer one to another.
#
# When rows are missing
# ---------------------
# A series has one step from row to row. A day that is not there is named, with what to do.
closed = sales.drop(days[400])
try:
    forecaster.fit(closed, weather)
except ValueError as error:
    print(error)

# %%
# Many series in the columns of one frame share one network, which is where such networks shine; a
# single short series is often told as well by something simpler. `loses_to` says so: believe it.
