"""Coverage of 80 and 95% intervals: ETTh1's OT, and 21 series of M4 hourly.

    python examples/benchmarks/quality/coverage.py FOLDER [--on etth1 m4] [--seeds 3]

Each share is over all series, windows and steps of a data set. The script ends with an error if its
mean over seeds is more than five points off the level.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from choosing import BARE_NETWORK

from skrnn import RNNForecaster, RNNRegressor

LEVELS = [80, 95]
FARTHEST = 5  # points off the level


def on_etth1(folder, seed):
    """24 hours from each of 2,857 hours; the windows of the 1,000 hours before are kept."""
    hours = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0, parse_dates=True)["OT"]
    forecaster = RNNForecaster(
        RNNRegressor("gru", 32, epochs=4, batch_size=256, random_state=seed),
        **BARE_NETWORK | {"scale": "window"},
        timesteps=48,
        steps=24,
        calibration=1000,
    )
    table = forecaster.backtest(hours[:14400], folds=2880 - 23, step=1, level=LEVELS)
    row = table.summary().loc["forecast"]
    return [row[f"coverage_{level}"] for level in LEVELS]


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
        **BARE_NETWORK,
        timesteps=72,
        steps=48,
        differences=168,
        season=24,
        stride=24,
        calibration=5,
    )
    history = pd.concat({name: series[:-48] for name, series in rows.items()})
    table = forecaster.fit(history).predict(level=LEVELS)
    truths = pd.concat({name: series[-48:] for name, series in rows.items()})
    return [
        100 * truths.between(table[f"lower_{level}"], table[f"upper_{level}"]).mean()
        for level in LEVELS
    ]


MEASURES = {"etth1": on_etth1, "m4": on_m4}


def main():
    parser = argparse.ArgumentParser(description="Coverage of intervals")
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    parser.add_argument("--on", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    off = []
    for name in options.on:
        held = [MEASURES[name](options.folder, seed) for seed in range(options.seeds)]
        for level, shares in zip(LEVELS, np.transpose(held), strict=True):
            each = ", ".join(f"{share:.1f}" for share in shares)
            print(f"{name}, {level}%: mean {shares.mean():.1f} ({each})", flush=True)
            if abs(shares.mean() - level) > FARTHEST:
                off.append(f"{name} at {level}%")
    if off:
        sys.exit(f"More than {FARTHEST} points off the level: {', '.join(off)}.")


if __name__ == "__main__":
    main()
