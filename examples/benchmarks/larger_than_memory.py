"""A network trained on a file of any size: seconds, and the peak memory.

    python examples/benchmarks/larger_than_memory.py FOLDER --gigabytes 8

The script writes a series of 64 float32 columns to FOLDER: waves with noise, and their sum as the
first column. It trains a GRU on windows of 24 rows by `fit_batches`, in a fresh process. Every 24th
row begins a window, so every row is read. The file is removed at the end.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

COLUMNS, TIMESTEPS = 64, 24
ROWS_AT_ONCE = 200_000
ROW_BYTES = COLUMNS * 4


def write(path, n_rows):
    """Write the series, a part at a time."""
    rng = np.random.default_rng(0)
    periods = rng.uniform(20, 200, COLUMNS).astype(np.float32)
    with open(path, "wb") as file:
        for start in range(0, n_rows, ROWS_AT_ONCE):
            times = np.arange(start, min(start + ROWS_AT_ONCE, n_rows), dtype=np.float64)
            rows = np.sin(2 * np.pi * times[:, np.newaxis] / periods).astype(np.float32)
            rows += rng.standard_normal(rows.shape, dtype=np.float32) / 4
            rows[:, 0] = rows[:, 1:].mean(axis=1) * 8
            file.write(rows.tobytes())


def train(path, engine, epochs):
    """Train on the file, and print the result."""
    from skrnn import RNNRegressor, window_blocks

    series = np.memmap(path, dtype=np.float32, mode="r").reshape(-1, COLUMNS)
    settings = {"stride": TIMESTEPS, "target": 0}
    blocks = window_blocks(series, TIMESTEPS, rows=ROWS_AT_ONCE, **settings)
    X, y = window_blocks(series[-ROWS_AT_ONCE:], TIMESTEPS, rows=ROWS_AT_ONCE, **settings)[0]
    network = RNNRegressor(
        "gru", 16, epochs=epochs, batch_size=256, learning_rate=0.003, engine=engine, random_state=0
    )
    before = peak()
    start = time.perf_counter()
    network.fit_batches(blocks)
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, network.history_["loss"], network.score(X, y), before, peak()]))


def peak():
    """Return the peak memory of this process in MB, including file pages in its memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=8)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--engine", default="numpy")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    path = arguments.folder / "larger_than_memory.float32"
    if arguments.worker:
        train(path, arguments.engine, arguments.epochs)
        return
    try:
        write(path, int(arguments.gigabytes * 1e9 / ROW_BYTES))
        command = [sys.executable, __file__, *sys.argv[1:], "--worker"]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        seconds, losses, score, before, most = json.loads(printed.splitlines()[-1])
        listed = ", ".join(f"{loss:.3f}" for loss in losses)
        print(f"{path.stat().st_size / 1e9:.2f} GB, {arguments.epochs} epochs: {seconds:.0f} s")
        print(f"losses {listed}, R2 of the last windows {score:.3f}")
        print(f"most memory {most:.0f} MB, {before:.0f} MB before the fit")
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
