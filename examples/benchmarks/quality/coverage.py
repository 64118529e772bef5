"""How often the intervals of 80 and 95% hold the truth: ETTh1's OT, or 21 series of M4 hourly.

    python examples/benchmarks/quality/coverage.py FOLDER {etth1,m4}

Printed is the share, in percent, of the 80% interval; beside it that of the 95% interval.
"""

import numpy as np
import pandas as pd
from seeds import report

from skrnn import RNNForecaster, RNNRegressor


def measure(folder, seed, choice):
    return {"etth1": on_etth1, "m4": on_m4}[choice](folder, seed)


def on_etth1(folder, seed):
    """24 hours from each of 2,857 hours; the windows of the 1,000 hours before are kept."""
    hours = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0, parse_dates=True)["OT"]
    forecaster = RNNForecaster(
        RNNRegressor("gru", 32, epochs=4, batch_size=256, random_state=seed),
        timesteps=48,
        steps=24,
        scale="window",
        calibration=1000,
    )
    table = forecaster.backtest(hours[:14400], folds=2880 - 23, step=1, level=[80, 95])
    row = table.summary().loc["forecast"]
    return row["coverage_80"], {"95%": row["coverage_95"]}


def on_m4(folder, seed):
    """The 48 test hours of every 20th series; the windows of the five days before are kept."""
    known, truth = (
        pd.read_csv(folder / "m4_hourly" / f"Hourly-{part}.csv", index_col=0).iloc[::20]
        for part in ("train", "test")
    )
    rows = {
        name: pd.Series(np.append(known.loc[name].dropna(), truth.loc[name]))
        for name in known.index
    }
    forecaster = RNNForecaster(
        RNNRegressor(
            "lstm",
            32,
            loss="mae",
            epochs=20,
            batch_size=64,
            learning_rate=0.005,
            random_state=seed,
        ),
        timesteps=72,
        steps=48,
        differences=168,
        season=24,
        stride=24,
        calibration=5,
    )
    history = pd.concat({name: series[:-48] for name, series in rows.items()})
    table = forecaster.fit(history).predict(level=[80, 95])
    truths = pd.concat({name: series[-48:] for name, series in rows.items()})
    held = [
        100 * truths.between(table[f"lower_{level}"], table[f"upper_{level}"]).mean()
        for level in (80, 95)
    ]
    return held[0], {"95%": held[1]}


if __name__ == "__main__":
    report("Coverage of 80%", measure, {"etth1": 80, "m4": 80}, "etth1", "m4")
