"""From the start of a process to its first prediction, by a saved network of skrnn and of Keras.

The networks are those of the workloads. Each is trained, saved by `skrnn.save`, and with the same
weights as a compiled `.keras` file; both hold the optimizer's variables. Each measurement is a
fresh process that loads one of them and predicts one sample. Imports count, since a server that
starts has to wait for them too. The two take turns.

    python examples/benchmarks/serve.py W1 W2 W5 --rounds 5
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from workloads import ENVIRONMENT, Plain, data, skrnn_estimator


def with_skrnn(path, X):
    import skrnn  # the import is part of what is measured

    return skrnn.load(path).predict(X)


def with_keras(path, X):
    import keras  # the import is part of what is measured

    return keras.models.load_model(path).predict(X, verbose=0)


SIDES = {"skrnn": with_skrnn, "keras": with_keras}


def save_both(name, folder):
    """Train the network of a workload, save it in both forms, and return the path of each."""
    import skrnn  # not where Keras is measured

    X, y = (array[:256] for array in data(name))
    estimator = skrnn_estimator(name).fit(X, y)
    model = Plain(name).fit(X, y).model_
    model.set_weights(estimator.weights_)
    np.save(Path(folder, "X.npy"), X[:1])
    paths = {side: str(Path(folder, f"network.{side}")) for side in SIDES}
    skrnn.save(estimator, paths["skrnn"])
    model.save(paths["keras"])
    return paths


def measure(side, path):
    """Return the seconds from the start of a process to its first prediction."""
    start = time.perf_counter()
    command = [sys.executable, __file__, "--worker", side, path]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        if not process.stdout.readline():
            raise SystemExit(f"{side} predicted nothing")
        return time.perf_counter() - start


def compare(name, rounds):
    """Let the two take turns, and print the medians of seconds and of ratios."""
    with tempfile.TemporaryDirectory() as folder:
        paths = save_both(name, folder)
        measured = [[measure(side, paths[side]) for side in SIDES] for _ in range(rounds)]
    ratios = [slow / fast for fast, slow in measured]
    medians = [statistics.median(values) for values in (*zip(*measured, strict=True), ratios)]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print("{:>4}{:>12.2f}{:>12.2f}{:>8.2f}  {}".format(name, *medians, listed), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=["W1", "W2", "W5"])
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        side, path = arguments.worker
        print(SIDES[side](path, np.load(Path(path).with_name("X.npy"))), flush=True)
        return
    print(f"{'':>4}{'skrnn (s)':>12}{'Keras (s)':>12}{'ratio':>8}  by round")
    for name in arguments.workloads:
        compare(name, arguments.rounds)


if __name__ == "__main__":
    main()
