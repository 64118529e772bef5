"""Gaps: forecasts with `fill`, compared with interpolating the series before the same forecaster.

The first data are a weekly sine of 400 days with and without noise. One day, 5%, 20% or a block of
ten days is missing, and the forecasts are seven days ahead, over five seeds. The second are the oil
temperature of ETTh1 with 5% of its hours missing, 24 hours ahead, from 100 cutoffs of the test part
after one fit, over three seeds. For each forecast the rows up to its cutoff are interpolated.

    python examples/benchmarks/quality/gaps.py [FOLDER]
"""

import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
from forecast_tasks import shared_sets

from skrnn import RNNForecaster, RNNRegressor

FILLS = "linear", "seasonal", "mask"
SEEDS = range(5)
N_DAYS, STEPS = 400, 7


def without(series, pattern, rng):
    """Return a series without some rows between its first and its last one."""
    last = len(series) - 1
    gone = {
        "one day": [last - 3],
        "5%": rng.choice(np.arange(1, last), len(series) // 20, replace=False),
        "20%": rng.choice(np.arange(1, last), len(series) // 5, replace=False),
        "ten days": np.arange(last - 14, last - 4),
    }[pattern]
    return series.drop(series.index[np.sort(gone)])


def sine(noise, rng):
    days = pd.date_range("2023-01-01", periods=N_DAYS + STEPS)
    values = 10 * np.sin(np.arange(len(days)) * 2 * np.pi / 7)
    return pd.Series(values + noise * rng.normal(size=len(days)), days)


def errors(series, truth, freq, steps, seed):
    """Return the MAE of a forecast with each `fill`, and after interpolation."""
    forecaster = RNNForecaster(
        RNNRegressor("gru", 32, learning_rate=0.01, random_state=seed), steps=steps, freq=freq
    )
    found = {"interpolate": forecaster.fit(series.asfreq(freq).interpolate()).predict()}
    found |= {fill: forecaster.set_params(fill=fill).fit(series).predict() for fill in FILLS}
    return {name: np.abs(forecast - truth).mean() for name, forecast in found.items()}


def sines():
    for noise in (0.0, 1.0):
        for pattern in ("one day", "5%", "20%", "ten days"):
            rows = []
            for seed in SEEDS:
                rng = np.random.default_rng(seed)
                series = sine(noise, rng)
                known, truth = series[:-STEPS], series[-STEPS:]
                rows.append(errors(without(known, pattern, rng), truth, "D", STEPS, seed))
            print(f"sine, noise {noise:g}, {pattern}", *_line(rows), sep=", ", flush=True)


def oil_temperature(folder):
    [task] = [task for task in shared_sets(folder) if task.name == "ETTh1 OT 24"]
    whole = pd.Series(task.series[0], task.index(task.series[0]))
    n_training, rows = len(whole) - task.n_test, []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        series = without(whole, "5%", rng).asfreq("h")
        known = n_training + np.flatnonzero(series[n_training : -task.steps].notna())
        cutoffs = np.sort(rng.choice(known, 100, replace=False)) + 1
        found = {}
        for fill in (None, *FILLS):
            forecaster = RNNForecaster(steps=task.steps, fill=fill)
            forecaster.set_params(regressor__random_state=seed)
            read = pd.Series.interpolate if fill is None else pd.Series.copy
            forecaster.fit(read(series[:n_training]))
            off = []
            for cutoff in cutoffs:
                moved = deepcopy(forecaster).update(read(series[:cutoff]))
                off.append(np.abs(moved.predict() - whole[cutoff : cutoff + task.steps]).mean())
            found["interpolate" if fill is None else fill] = np.mean(off)
        rows.append(found)
    print("ETTh1 OT, 5%", *_line(rows), sep=", ", flush=True)


def _line(rows):
    table = pd.DataFrame(rows)
    return [f"{name} {table[name].mean():.3f}" for name in table]


if __name__ == "__main__":
    sines()
    if sys.argv[1:]:
        oil_temperature(Path(sys.argv[1]))
