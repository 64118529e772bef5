"""
8. Uncertainty
==============

How far off can a forecast be? Intervals and quantiles say so. Whether they are right is a question
of counting: an 80% interval should hold four true values in five. This chapter computes them,
counts, and corrects them after the series has changed.
"""

# %%
# Intervals and quantiles
# -----------------------
# Three bakeries sell more at weekends, and a little more every year. On good days the errors are
# larger too, as in most sales.
import numpy as np
import pandas as pd

from skrnn import BacktestDisplay, DetectorDisplay, RNNDetector, RNNForecaster

rng = np.random.default_rng(0)
days = pd.date_range("2023-01-01", periods=700, freq="D", name="day")
profile = np.where(days.day_of_week >= 5, 1.6, 1.0) * np.exp(np.arange(700) / 1500)
sales = pd.DataFrame(
    {
        name: size * profile * np.exp(rng.normal(scale=spread, size=700))
        for name, size, spread in [("Anna", 40, 0.1), ("Bert", 400, 0.1), ("Cleo", 90, 0.3)]
    },
    index=days,
).rename_axis(columns="bakery")

forecaster = RNNForecaster(steps=7, network_weight=0).fit(sales)
table = forecaster.predict(level=80, quantiles=[0.1, 0.5, 0.95])
print(table["Cleo"].round(1).to_string())

# %%
# `level=80` adds a lower and an upper bound, with a tenth of the true values below and a tenth
# above: the quantiles 0.1 and 0.9. If too much and too little cost differently, ask for the
# quantile itself. Bread for 19 days in 20 is "q_0.95".
#
# Do they hold?
# -------------
# A backtest counts. "coverage_80" is the percentage of true values in the 80% intervals, and should
# be near 80. Wide intervals hold much and say little, so look at "interval_score_80" too. It is the
# mean width, plus a penalty for each true value outside. Lower is better.
backtest = forecaster.backtest(sales, folds=100, step=1, level=[80, 95])
columns = ["coverage_80", "coverage_95", "interval_score_80"]
print(backtest.summary()[columns].round(1).to_string())

# %%
# A hundred days are few, and a few points off the level are chance. Each bakery has its own errors,
# and so its own intervals:
by_bakery = backtest.summary(by="series").xs("forecast", level="model")
print(by_bakery[["coverage_80", "width_80", "coverage_95", "width_95"]].round(1).to_string())

# %%
# The picture shows every seventh cutoff, so no two forecasts overlap:
weeks = backtest[backtest["cutoff"].isin(backtest["cutoff"].unique()[::7])]
display = BacktestDisplay.from_backtest(weeks, measure="MAE")
display.figure_.savefig("backtest_bakeries.png", dpi=100)

# %%
# How intervals are made
# ----------------------
# Nothing is assumed about the errors: not that they are normal, nor that they are as often above as
# below. The forecast is compared with rows that were held out from its fit, and the quantiles of
# these errors are added to it.
#
# Errors are measured in a unit in which they are alike. If the errors of a positive series grow
# with its level, that unit is logarithms. If the changes of the last weeks show how far the next
# values move, errors are divided by these changes. `fit` chooses by the interval score on held-out
# rows, and :doc:`the rule <../forecast_rule>` fits on one page. So sales are never forecast below
# zero here:
print(f"lowest bound of 95%: {backtest['lower_95'].min():.1f}")

# %%
# A series that is 0 on most days has intervals that start at 0. They hold at least as many true
# values as there are zeros, whatever the level.
parts = pd.Series(np.where(rng.uniform(size=700) < 0.1, rng.poisson(4, 700) + 1.0, 0), days)
rare = RNNForecaster(steps=7, network_weight=0).backtest(parts, folds=100, step=1, level=[80, 95])
print(rare[["lower_80", "upper_80", "lower_95", "upper_95"]].tail(3).round(1).to_string())
print(rare.summary().loc["forecast", ["coverage_80", "coverage_95"]].round(1).to_string())

# %%
# After a change
# --------------
# Past errors say nothing about a change that has never happened. A road is closed, and Anna sells
# half as much. The forecast is not fitted again. With `update(adaptive=True)` each bound moves out
# when it is missed and in when it holds, so that it holds its share over many days.
closed = sales["Anna"].where(days < days[600], sales["Anna"] / 2)
for adaptive in (False, True):
    fitted = RNNForecaster(steps=1, baseline="ridge", network_weight=0, timesteps=28)
    fitted.fit(closed[:600])
    held = []
    for day in days[600:]:
        bounds = fitted.predict(level=80).iloc[0]
        held.append(bounds["lower_80"] <= closed[day] <= bounds["upper_80"])
        fitted.update(closed.loc[[day]], adaptive=adaptive)
    print(f"adaptive={adaptive!s:6} {100 * np.mean(held):.0f}% of 100 days held")

# %%
# Alarms
# ------
# Sometimes the question is not how far off a forecast can be, but whether a new value is still
# usual. `RNNDetector` compares each day with its forecast from the day before. It labels unusual
# days -1, as scikit-learn's outlier detectors do. In this example Bert's oven fails for a day, and
# later his till reports the same number for six days.
reported = sales["Bert"].copy()
reported.iloc[560] *= 0.3
reported.iloc[620:626] = reported.iloc[620]
detector = RNNDetector(RNNForecaster(network_weight=0), contamination=0.01).fit(reported[:500])
p_values = detector.p_values(reported[500:])
print(p_values[detector.predict(reported[500:]) == -1].round(3).to_string())

# %%
# A p-value says how often a day is as unusual by chance, counted on held-out days of the fit: 0.01
# is one in a hundred. On usual days the share `contamination` raises an alarm. So two hundred days
# have about two that mean nothing; here there are four. `update` moves a detector along a stream of
# new rows. `score_columns` shows which column of a frame an alarm comes from. A
# :doc:`gallery example </gallery/plot_anomalies>` watches three pumps.
display = DetectorDisplay.from_detector(detector, reported[500:], unit="loaves")
display.figure_.savefig("alarms.png", dpi=100)

# %%
# What intervals do not say
# -------------------------
# - Coverage is a mean over days. On one day, or in one week, more or fewer true values may be held.
# - Each day has an interval of its own. It is rarer that all seven days of a week lie within
#   theirs.
# - A level needs held-out windows: 4 for 80%, and 99 for 99%. Bounds that are not symmetric need
#   100, or 199 for 99%. A level that is too high raises an error.
# - With ``baseline=None``, with ``strategy="recursive"`` or with a `network_weight` of your own
#   above 0 there are no held-out errors. Set `calibration` to a number of windows.
