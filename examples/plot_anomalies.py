"""
When to raise the alarm: hours that no forecast explains
========================================================

Three pumps heat three houses, and draw more power the colder it is outside. A detector learns how
they behave from forty good days. It then compares each hour with its forecast from the hours
before. It raises an alarm if the error is larger than on nearly all good days.
"""

# %%
# Sixty days of three pumps
# -------------------------
# All goes well until day 50. Then the second pump clogs and draws more and more. On day 53 the
# meter of the third pump gets stuck for ten hours.
import numpy as np
import pandas as pd

from skrnn import DetectorDisplay, RNNDetector, RNNForecaster, RNNRegressor

rng = np.random.default_rng(0)
hours = pd.date_range("2026-01-01", periods=60 * 24, freq="h", name="hour")
cold = pd.Series(rng.normal(size=len(hours))).ewm(halflife=30).mean() * 25
cold += 4 * np.cos((hours.hour - 4) * 2 * np.pi / 24)
weather = pd.DataFrame({"cold": cold.to_numpy()}, index=hours)

power = pd.DataFrame(index=hours)
for name, size, rise in [("mill", 3.0, 7), ("school", 5.0, 6), ("tower", 2.0, 17)]:
    awake = 1.0 + 0.4 * np.cos((hours.hour - rise) * 2 * np.pi / 24)
    demand = size * awake * (1 + 0.04 * weather["cold"])
    power[name] = demand + rng.normal(scale=0.04 * size, size=len(hours))

clogged, stuck = hours >= hours[50 * 24], slice(53 * 24 + 6, 53 * 24 + 16)
power.loc[clogged, "school"] *= np.linspace(1, 1.3, clogged.sum())
power.iloc[stuck, 2] = power.iloc[stuck.start, 2]

# %%
# Usual hours
# -----------
# One network learns from the three pumps together. It reads the weather of each hour and the time
# of day. Demand is the product of the two, which no linear forecast can follow. So the network
# forecasts without a baseline (`baseline=None`), and 300 hours are held out from its training.
# Their errors show what is usual: on such days one hour in two hundred raises an alarm.
good, later = slice(0, 40 * 24), slice(40 * 24, None)
network = RNNRegressor("gru", 16, epochs=30, random_state=0)
settings = {"scale": "series", "calendar": ("hour",), "calibration": 300}
forecaster = RNNForecaster(network, timesteps=24, baseline=None, **settings)
detector = RNNDetector(forecaster, contamination=0.005).fit(power[good], weather[good])

# %%
# The alarm
# ---------
# `predict` labels an hour -1 if one of the pumps is unusual. `score_columns` shows which one.
scores = detector.score_columns(power[later], weather[later])
alarms = (scores < detector.offset_).resample("D").sum()
for name in power:
    days = [f"{40 + day} ({n})" for day, n in enumerate(alarms[name]) if n > 2]
    print(f"{name:8}days with alarms (hours): {', '.join(days) or 'none'}")

# %%
# The picture
# -----------
display = DetectorDisplay.from_detector(detector, power[later], weather[later], unit="kW")
display.figure_.savefig("anomalies.png", dpi=100)

# %%
# The clogged pump is found on its third day, when it draws 7% more, and stays in alarm. Hours with
# an alarm are replaced by their forecasts in the windows of later hours, so the network does not
# get used to the higher power. The meter is found from the second hour on that it shows the same
# number. The alarms of days 40 and 41 are false. Of their hours, 17 are as warm as only 16 hours of
# the forty days before. The network has hardly learned how little the pumps draw then.
