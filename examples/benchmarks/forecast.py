"""M4 hourly: one LSTM fitted to all 414 series, 48 steps forecast; skrnn and Darts in turns.

    python examples/benchmarks/forecast.py FOLDER --darts PYTHON --rounds 3

FOLDER holds the public data, PYTHON is the interpreter of an environment with `u8darts[torch]`.
Both sides have one network: LSTM(48) on 72 rows, a linear layer of 48 outputs, Adam on the squared
error, and equally many updates. Batches of 256 come from the same windows, 24 rows apart (Darts
takes some of the shorter series twice). Each series is standardized first. Every figure comes from
a fresh process; imports, and reading the data, are not counted. The script reports elapsed seconds
and CPU seconds of all cores together, which other work on the machine changes less.
"""

import argparse
import json
import logging
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

UNITS, TIMESTEPS, STEPS, STRIDE, BATCH_SIZE, EPOCHS, LEARNING_RATE = 48, 72, 48, 24, 256, 5, 0.005


def read(folder):
    """Return the known rows of each series, and the 48 that follow, (414, 48)."""
    known, truth = (
        pd.read_csv(folder / "m4_hourly" / f"Hourly-{part}.csv", index_col=0)
        for part in ("train", "test")
    )
    return {name: row.dropna().to_numpy() for name, row in known.iterrows()}, truth.to_numpy()


def n_updates(rows):
    """Return how often skrnn changes the weights."""
    n_windows = sum((len(row) - TIMESTEPS - STEPS) // STRIDE + 1 for row in rows.values())
    return EPOCHS * -(-n_windows // BATCH_SIZE)


def now():
    """Return elapsed seconds, and CPU seconds of all cores together."""
    return np.array([time.perf_counter(), time.process_time()])


def with_skrnn(rows):
    from skrnn import RNNForecaster, RNNRegressor

    series = pd.concat({name: pd.Series(row) for name, row in rows.items()})
    network = RNNRegressor(
        "lstm",
        UNITS,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        random_state=0,
    )
    forecaster = RNNForecaster(
        network,
        timesteps=TIMESTEPS,
        steps=STEPS,
        stride=STRIDE,
        baseline=None,
        segment=1,
        scale="series",
    )
    start = now()
    forecast = forecaster.fit(series).predict()
    seconds = now() - start
    return seconds, forecast.to_numpy().reshape(len(rows), STEPS)


def with_darts(rows):
    from darts import TimeSeries
    from darts.dataprocessing.transformers import Scaler
    from darts.models import BlockRNNModel
    from sklearn.preprocessing import StandardScaler

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    series = [TimeSeries.from_values(row.astype(np.float32)) for row in rows.values()]
    updates = n_updates(rows)
    model = BlockRNNModel(
        TIMESTEPS,
        STEPS,
        model="LSTM",
        hidden_dim=UNITS,
        batch_size=BATCH_SIZE,
        n_epochs=updates,  # `max_steps` comes first
        optimizer_kwargs={"lr": LEARNING_RATE},
        random_state=0,
        pl_trainer_kwargs={
            "accelerator": "cpu",
            "max_steps": updates,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "enable_checkpointing": False,
            "logger": False,
        },
    )
    scaler = Scaler(StandardScaler())
    start = now()
    scaled = scaler.fit_transform(series)
    model.fit(scaled, stride=STRIDE)
    taken = model.model.trainer.global_step  # `predict` brings a trainer of its own
    forecast = scaler.inverse_transform(model.predict(STEPS, series=scaled))
    seconds = now() - start
    if taken != updates:
        raise RuntimeError(f"Darts took {taken} updates, not {updates}.")
    return seconds, np.stack([part.values()[:, 0] for part in forecast])


SIDES = {"skrnn": with_skrnn, "darts": with_darts}


def measure(side, folder):
    """Print the seconds of one side and the error of its forecast."""
    rows, truth = read(folder)
    seconds, forecast = SIDES[side](rows)
    off = 200 * np.abs(truth - forecast) / (np.abs(truth) + np.abs(forecast))
    answer = dict(zip(("seconds", "core_seconds"), seconds.tolist(), strict=True))
    print(json.dumps(answer | {"smape": off.mean(), "updates": n_updates(rows)}))


def compare(options):
    """Run both sides in turns and print their medians and the ratios of the rounds."""
    pythons = {"skrnn": sys.executable, "darts": options.darts}
    figures = {side: [] for side in pythons}
    for _ in range(options.rounds):
        for side, python in pythons.items():
            command = [python, __file__, str(options.folder), "--side", side]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            figures[side].append(json.loads(out.splitlines()[-1]))
            print(side, out.splitlines()[-1], flush=True)
    for unit in ("seconds", "core_seconds"):
        mine, theirs = ([one[unit] for one in figures[side]] for side in pythons)
        ratios = [t / m for m, t in zip(mine, theirs, strict=True)]
        medians = [f"{statistics.median(values):.3g}" for values in (mine, theirs, ratios)]
        by_round = ", ".join(f"{ratio:.3g}" for ratio in ratios)
        print(f"{unit}: skrnn {medians[0]}, Darts {medians[1]}, ratio {medians[2]} ({by_round})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    parser.add_argument("--darts", help="the interpreter of Darts's environment")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help="measure only this side, in this process")
    options = parser.parse_args()
    if options.side:
        measure(options.side, options.folder)
    elif options.darts:
        compare(options)
    else:
        parser.error("--darts is missing")


if __name__ == "__main__":
    main()
