"""
5. Forecasting
==============

A pandas series goes in. A forecast of the days to come comes out, with intervals that show how far
to trust it. Trend and season come first, and a network is added only as far as it helps. Compare
the result with forecasts that need no model, to see whether it is worth the effort.
"""

# %%
# Two weeks ahead
# ---------------
# A kiosk by a lake sells more ice on warm days and at weekends, and a little more every year. Above
# 21 degrees people swim instead.
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from skrnn import BacktestDisplay, ForecastDisplay, RNNForecaster, RNNRegressor

rng = np.random.default_rng(0)
days = pd.date_range("2024-01-01", "2026-06-30", freq="D", name="day")
n_days = len(days)
season = -np.cos((days.day_of_year - 20) * 2 * np.pi / 365.25)
spells = pd.Series(rng.normal(size=n_days)).ewm(span=5).mean()
temperature = 16 + 9 * season + 7 * spells.to_numpy()
appetite = 0.08 * (21 - np.abs(temperature - 21))
weekend = np.where(days.day_of_week >= 5, 1.6, 1.0)
growth = 1 + 0.1 * np.arange(n_days) / 365
sales = growth * weekend * np.exp(2.6 + appetite + rng.normal(scale=0.12, size=n_days))

sales = pd.Series(sales, index=days, name="sales")
weather = pd.DataFrame({"temperature": temperature}, index=days)
print(pd.concat([sales, weather], axis=1).round(1).tail(3).to_string())

# %%
# The last two weeks are held out. `steps` is the number of rows to forecast. You need to set
# nothing else.
forecaster = RNNForecaster(steps=14).fit(sales[:-14])
print(forecaster.predict(level=80).round().head(3).to_string())

# %%
# `settings_` shows the chosen values. The forecast combines simple forecasts (anchors: the last
# value, the last week, ...) and ridge regressions on the last rows, in sales and in their
# logarithms. Their weights come from their errors on days held out from their fit. `candidates_`
# lists all of them. A network then learns the remaining errors, and `network_weight` is the share
# of its output that is added.
print({name: forecaster.settings_[name] for name in ("timesteps", "segment", "scale")})
parts = ("anchor", "ridge", "network_weight")
print({part: round(forecaster.settings_[part], 2) for part in parts})
candidates = forecaster.candidates_.sort_values("weight", ascending=False)
print(candidates[["unit", "anchor", "season", "window", "weight"]].head(3).to_string(index=False))

# %%
# :doc:`The rule of these choices <../forecast_rule>` fits on one page.
#
# The weather
# -----------
# Pass columns with a known future as `exog`. The temperature of the days to come is taken as known
# here; in practice it is a forecast too. `make_future_frame` shows which rows `predict` needs.
forecaster = RNNForecaster(steps=14, network_weight=0).fit(sales[:-14], weather[:-14])
print(forecaster.make_future_frame().head(2).to_string())
display = ForecastDisplay.from_forecaster(
    forecaster, level=[80, 95], exog=weather, truth=sales, unit="portions"
)
display.figure_.savefig("forecast_sales.png", dpi=100)

# %%
# `network_weight=0` trains no network. The fit takes a second, and is a good start for any series.
#
# Days that explain a forecast
# ----------------------------
# Integrated gradients split the forecast of a step, here the third, among the rows that it reads.
# They show how much the sales and the temperature of each day add, compared with average days. Days
# to come have only a temperature. `IntegratedGradientsDisplay.from_estimator` draws the table.
from skrnn.inspection import integrated_gradients

reasons = integrated_gradients(forecaster, exog=weather, target=3)
largest = reasons.stack().sort_values(key=abs, ascending=False)
print(largest.head(4).round(1).to_string())

# %%
# The parts add up to the difference from the forecast for average days. That forecast comes from
# the calendar and the mean of all rows. If there were a network, its part would be included.
#
# Compared with simple forecasts
# ------------------------------
# A backtest forecasts the past from several cutoffs, and `refit=6` fits again at every sixth one.
# The table compares the forecast with naive forecasts and with one ridge regression on the window.
# MASE is the error divided by the error of the seasonal naive forecast on the training rows.
# `loses_to` names the forecasts that did better, if any.
#
# Intervals are compared as well: by the percentage of true values that they hold, by their mean
# width, and by the interval score. This score adds a penalty for each miss to the width. Lower is
# better. `summary(by="step")` shows each day ahead, as the picture does.
backtest = forecaster.backtest(sales, weather, folds=12, refit=6, level=80)
print(backtest.summary().round(2).to_string())
display = BacktestDisplay.from_backtest(backtest, measure="MAE", unit="portions")
display.figure_.savefig("backtest_sales.png", dpi=100)

# %%
# `gap=2` leaves out the first two days of each forecast, for sales that are known two days late.
# `window=365` trains on the last year only, which shows whether older rows still help.
# `fitted_values()` forecasts the rows of the fit, so you can look at the errors that are left.
#
# Is the weather worth it? Here is the same forecast without it, and with a temperature that is
# known only until the cutoff, `past_exog`:
without = forecaster.backtest(sales, folds=12, refit=6)
past = clone(forecaster).set_params(past_exog=("temperature",))
past = past.backtest(sales, weather, folds=12, refit=6)
for name, table in {"without": without, "until the cutoff": past}.items():
    print(f"{name:18}MAE {table.summary().loc['forecast', 'MAE']:.2f}")

# %%
# Only a little: linear forecasts cannot model that sales fall on hot days. Columns of `exog` may
# also hold names of categories. So may columns of `static`, which holds constant features of each
# series.
#
# The parts of a forecast
# -----------------------
# Each part is a parameter, and values that you set are kept:
#
# - `baseline` is the forecast to which the network's output is added. "stacked", the default, is
#   the combination above. "ridge" is one ridge regression, for many long series. "last", "seasonal"
#   and "drift" are simple forecasts. With None the network forecasts without a baseline.
# - `network_weight` is the share of the network's output that is added. "auto" measures it on
#   held-out windows and subtracts its standard error, so a network that does not clearly help
#   counts nothing. 1 adds all of the output.
# - `timesteps` is the window length of the network, and `segment` is the number of rows that one
#   step reads. Set a shorter window if the last days matter most.
# - `scale` is the part that is removed from a window. "level" removes its mean, for series that
#   drift. "window" also removes its deviation, for series that move more at some times than at
#   others. "series" removes nothing.
# - `differences` learns changes: 1 from row to row, 7 from week to week, (7, 1) both. The defaults
#   rarely need it. It helps a network without a baseline.
# - `calendar` adds the time of day, week or year. `transformer` adds an invertible function, such
#   as the logarithm.
# - `n_networks` averages networks with different seeds, which makes the result more stable.
#
# A network can follow the hot days. This one reads two weeks and the day of the week:
network = RNNRegressor("gru", 32, learning_rate=0.01, random_state=0)
forecaster = RNNForecaster(network, timesteps=14, steps=14, calendar=("dayofweek",))
tried = {
    "no network": {"network_weight": 0},
    "network, auto": {},
    "all of it": {"network_weight": 1.0, "early_stopping": True},
    "no baseline": {"baseline": None},
}
for name, settings in tried.items():
    fitted = clone(forecaster).set_params(**settings)
    errors = fitted.backtest(sales, weather, folds=12).summary()
    print(f"{name:15}MASE {errors.loc['forecast', 'MASE']:.2f}")

# %%
# With "auto" the network adds as much as held-out windows prove. For series without such days that
# is nothing. If a backtest shows that another value is better, use it.
#
# The width of the intervals
# --------------------------
# The widths are measured, not assumed. They come from the errors on rows held out from each fit of
# the baseline, and no row is lost to them. With `baseline=None`, or with a weight of your own, set
# `calibration` to a number of windows, which are then kept out of training. `coverage_80` above is
# the percentage of true values in the 80% intervals. See :doc:`plot_8_uncertainty` for more. A
# level that is too high raises an error:
forecaster.fit(sales[:-14], weather[:-14])
try:
    forecaster.predict(exog=weather[-14:], level=99.9)
except ValueError as error:
    print(error)

# %%
# A day later
# -----------
# `update` moves the cutoff to the last known row, without training. The same forecaster forecasts
# two weeks of June at once, and then each of their days from the evening before. Pass the `exog` of
# all `steps` days even if you need only the first of them. The network reads all of it, and repeats
# the last row in place of missing ones.
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
# The weather matters most, and both forecasts know it, so one more day of sales adds little here.
# Fit again when errors grow, not because a day has passed.
#
# Searching
# ---------
# The forecaster's `score` is the negative MASE of one forecast over the rows of a test fold, so
# scikit-learn's searches can tune it. Pass `exog` in the place of y. The folds must be in the order
# of time. Parameters of the network are named `regressor__hidden_size`, and so on.
folds = TimeSeriesSplit(3, test_size=14)
search = GridSearchCV(forecaster, {"network_weight": [0, "auto"]}, cv=folds).fit(sales, weather)
table = pd.DataFrame(search.cv_results_["params"])
table["MASE"] = -search.cv_results_["mean_test_score"]
table["sd over folds"] = search.cv_results_["std_test_score"]
print(table.to_string(index=False, float_format="%.2f"))

# %%
# Three fortnights are few. If the spread over folds is larger than the difference, such a search
# decides nothing. The twelve cutoffs above say more.
#
# Missing rows
# ------------
# A series needs a row at every step. If a day is missing, the error names it and says what to do.
closed = sales.drop(days[400])
try:
    forecaster.fit(closed, weather)
except ValueError as error:
    print(error)

# %%
# With `fill="seasonal"` a missing day is read as the same day a week before. The
# :doc:`chapter on gaps <plot_7_gaps>` compares the ways to fill a gap.
filled = forecaster.set_params(fill="seasonal").fit(closed, weather)
print(f"a day is missing: {len(closed)} rows, {filled.settings_['ridge']:.0%} ridge")

# %%
# Many series
# -----------
# Many series in the columns of one frame share one fit. This is where networks have most to learn
# from. Each series is standardized by its own rows. Here are 20 kiosks by other lakes:
sizes = rng.lognormal(sigma=0.5, size=20)
noise = np.exp(rng.normal(scale=0.1, size=(n_days, 20)))
kiosks = pd.DataFrame(sales.to_numpy()[:, np.newaxis] * sizes * noise, index=days)
many = RNNForecaster(steps=14, network_weight=0).fit(kiosks[:-14])

# %%
# A kiosk that opened this spring has few rows of its own. `predict(series=...)` forecasts series
# that `fit` has not seen, with the model learned from the others. Means and scales come from the
# rows that you pass, so pass all you have. Pass the `exog` and `static` of the new series with
# them.
opened = (3 * kiosks[0][-112:]).rename("new")
forecast = many.predict(series=opened[:-14])
separate = RNNForecaster(steps=14, network_weight=0).fit(opened[:-14]).predict()
for name, rows in {"by the others": forecast, "by its own rows": separate}.items():
    print(f"{name:17}{(opened[-14:] - rows).abs().mean():.1f} portions")

# %%
# `fit` helps short series in the same way. A series may have fewer rows than the forecast of the
# others reads. It is then forecast by ridges on fewer rows, fitted to all series, and a warning
# names it.
#
# For a single short series the baseline is often as good: `network_weight` and `loses_to` say so.
# Believe them.
