"""
When to raise the alarm: hours that no forecast allows for
==========================================================

Three pumps heat three houses, and draw more power the colder it is outside. A network that has
learned how they behave forecasts each day from the evening before, with intervals. Hours outside of
them are rare as long as all is well; when they come in numbers, someone should have a look.
"""

# %%
# Sixty days of three pumps
# -------------------------
# All goes well until day 50. Then the second pump clogs and draws more and more, and on day 53 the
# meter of the third one stands still for ten hours.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import RNNForecaster, RNNRegressor

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
# Forecasts for each day
# ----------------------
# One network learns from the three pumps together, in the first forty days. It is told the weather
# of the hours to come, and the time of day. Demand is their product, which no linear forecast can
# follow, so the network forecasts alone: `baseline=None`. Each evening the day is added by
# `update`, without training.
known = hours[: 40 * 24]
forecaster = RNNForecaster(
    RNNRegressor("gru", 16, epochs=30, random_state=0),
    timesteps=24,
    steps=24,
    baseline=None,
    scale="series",
    calendar=("hour",),
    calibration=240,
)
forecaster.fit(power.loc[known], weather.loc[known])

days = []
for day in range(40, 60):
    rows = slice(24 * day, 24 * (day + 1))
    days.append(forecaster.predict(exog=weather[rows], level=98))
    forecaster.update(power[rows], weather[rows])
forecast = pd.concat(days)

# %%
# The alarm
# ---------
# Of 98 % intervals one hour in fifty falls out by chance, and errors come together. So the ten calm
# days say how many hours a day are usual; more of them raise the alarm.
truth = power.loc[forecast.index]
outside = pd.DataFrame(
    {
        name: ~truth[name].between(forecast[name, "lower_98"], forecast[name, "upper_98"])
        for name in power
    }
)
daily = outside.resample("D").sum()
usual = daily[:10].to_numpy().max()
print(
    f"hours outside on calm days: {usual} at most, {daily[:10].to_numpy().mean():.1f} in the mean"
)
for name in power:
    alarms = np.flatnonzero(daily[name] > usual) + 40
    print(f"{name:8}days of alarm: {', '.join(map(str, alarms)) or 'none'}")

# %%
# The picture
# -----------
# Each pump has intervals from its own errors, in the 240 windows that were kept from training.
figure, axes = plt.subplots(3, figsize=(9, 6.5), layout="constrained", sharex=True)
for ax, name in zip(axes, power, strict=True):
    ax.fill_between(
        forecast.index,
        forecast[name, "lower_98"],
        forecast[name, "upper_98"],
        color="#56B4E9",
        alpha=0.6,
        linewidth=0,
        label="98 % interval from the evening before",
    )
    ax.plot(truth[name], color="black", linewidth=0.8, label="power")
    ax.plot(truth[name][outside[name]], ".", color="#D55E00", label="outside")
    ax.set_title(name, loc="left", fontsize="medium")
    ax.set_ylabel("Power (kW)")
axes[0].legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), fontsize="small")
figure.savefig("anomalies.png", dpi=100)

# %%
# The clogged pump is found on its third day, when it draws 7 % more, and the meter on its day and
# the next one, whose forecast reads hours of standstill. But what lasts becomes usual: windows of
# later days hold the higher power, and the network takes it for a level like any other. A slower
# fault than this one would be missed; look for it by an `RNNRegressor` on windows of the weather
# only, which does not see what the pump draws.
