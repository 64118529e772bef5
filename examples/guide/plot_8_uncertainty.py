"""
8. Uncertainty
==============

How far can a forecast be off? Intervals and quantiles say so. Whether they are right is a question
of counting: an interval of 80% should hold four truths in five. This chapter asks for them, counts,
and repairs them after the series has changed.
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
# `level=80` adds a lower and an upper bound, with a tenth of the truths below and a tenth above:
# the quantiles 0.1 and 0.9. Where too much and too little cost differently, ask for the quantile
# itself. Bread for 19 days in 20 is "q_0.95".
#
# Do they hold?
# -------------
# A backtest counts. "coverage_80" is the percentage of truths in the intervals of 80%, and should
# be near 80. Wide intervals hold much and say little, so look at "interval_score_80" too: the
# mean width, plus a fine for each truth outside. Lower is better.
backtest = forecaster.backtest(sales, folds=100, step=1, level=[80, 95])
columns = ["coverage_80", "coverage_95", "interval_score_80"]
print(backtest.summary()[columns].round(1).to_string())

# %%
# A hundred days are few, and a few points off the level are chance. Each bakery has its own
# errors, and so its own intervals:
by_bakery = backtest.summary(by="series").xs("forecast", level="model")
print(by_bakery[["coverage_80", "width_80", "coverage_95", "width_95"]].round(1).to_string())

# %%
# In a picture of every seventh cutoff no two forecasts overlap:
weeks = backtest[backtest["cutoff"].isin(backtest["cutoff"].unique()[::7])]
display = BacktestDisplay.from_backtest(weeks, measure="MAE")
display.figure_.savefig("backtest_bakeries.png", dpi=100)

# %%
# Where they come from
# --------------------
# Nothing is assumed about the errors: not that they are normal, nor that they are as often above
# as below. The forecast is compared with rows that were held out from its fit, and the quantiles
# of these errors are added to it. Errors are measured where they are alike: in logarithms, if the
# errors of a positive series grow with its level; or in the changes of the last weeks, if these
# say how far the next values move. `fit` chooses by the interval score on held-out rows, and
# :doc:`the rule <../forecast_rule>` fits on one page. So sales are never forecast below zero
# here:
print(f"lowest bound of 95%: {backtest['lower_95'].min():.1f}")

# %%
# A series that is 0 on most days has intervals from 0. They hold at least as many truths as there
# are zeros, whatever the level.
parts = pd.Series(np.where(rng.uniform(size=700) < 0.1, rng.poisson(4, 700) + 1.0, 0), days)
rare = RNNForecaster(steps=7, network_weight=0).backtest(parts, folds=100, step=1, level=[80, 95])
print(rare[["lower_80", "upper_80", "lower_95", "upper_95"]].tail(3).round(1).to_string())
print(rare.summary().loc["forecast", ["coverage_80", "coverage_95"]].round(1).to_string())

# %%
# After a change
# --------------
# Past errors say nothing of a change that has never been. A road is closed, and Anna sells half
# as much. The forecast is not fitted again. With `update(adaptive=True)` each bound moves out
# when it is missed and in when it holds, so that it holds its share in the long run.
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
# Sometimes the question is not how far off a forecast can be, but whether what came is still usual.
# `RNNDetector` compares each day with its forecast from the day before, and labels unusual ones -1,
# as scikit-learn's outlier detectors do. Here Bert's oven fails for a day, and later his till
# reports the same number for six days.
reported = sales["Bert"].copy()
reported.iloc[560] *= 0.3
reported.iloc[620:626] = reported.iloc[620]
detector = RNNDetector(RNNForecaster(network_weight=0), contamination=0.01).fit(reported[:500])
p_values = detector.p_values(reported[500:])
print(p_values[detector.predict(reported[500:]) == -1].round(3).to_string())

# %%
# A p-value says how often a day is as unusual by chance, counted on held-out days of the fit: 0.01
# is one in a hundred. Of usual days the share `contamination` raises an alarm, so two hundred days
# have about two that mean nothing; here there are four. `update` moves a detector along a stream of
# new rows, `score_columns` shows which column of a frame an alarm comes from, and a
# :doc:`gallery example </gallery/plot_anomalies>` watches three pumps.
display = DetectorDisplay.from_detector(detector, reported[500:], unit="loaves")
display.figure_.savefig("alarms.png", dpi=100)

# %%
# What they do not say
# --------------------
# - A coverage is a mean over days. On one day, or in one week, more or fewer truths may be held.
# - Each day has an interval of its own. That all seven days of a week lie within theirs is rarer.
# - A level needs held-out windows: 9 for 80%, 199 for 99%, and more for two ends of their own. A
#   level that is too high is refused in words.
# - With ``baseline=None``, with ``strategy="recursive"`` or with a `network_weight` of your own
#   above 0 there are no held-out errors. Set `calibration` to a number of windows.
