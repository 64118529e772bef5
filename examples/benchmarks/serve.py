"""Time from the start of a process to its first prediction, with saved networks of skrnn and Keras.

The networks are those of the workloads. Each is trained and saved by `skrnn.save`, and with the
same weights as a compiled `.keras` file; both hold the optimizer's variables. Each measurement is a
fresh process that loads one of them and predicts one sample. It is timed with its imports, which a
starting server has to wait for, and without them. The two take turns.

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


def skrnn_server():
    import skrnn  # the import is part of the measurement

    return lambda path, X: skrnn.load(path).predict(X)


def keras_server():
    import keras  # the import is part of the measurement

    return lambda path, X: keras.models.load_model(path).predict(X, verbose=0)


SIDES = {"skrnn": skrnn_server, "keras": keras_server}


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
    """Return the seconds from the start of a process to its first prediction; without imports."""
    start = time.perf_counter()
    command = [sys.executable, __file__, "--worker", side, path]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        without_imports = float(process.stdout.readline())
        return time.perf_counter() - start, without_imports


def serve(side, path):
    """Print the seconds from the end of the imports to the first prediction in this process."""
    X = np.load(Path(path).with_name("X.npy"))
    predict = SIDES[side]()
    start = time.perf_counter()
    predict(path, X)
    print(time.perf_counter() - start, flush=True)


def compare(name, rounds):
    """Let the two take turns, and print the medians of seconds and of ratios."""
    with tempfile.TemporaryDirectory() as folder:
        paths = save_both(name, folder)
        pairs = [[measure(side, paths[side]) for side in SIDES] for _ in range(rounds)]
    for i, label in enumerate(("", "without imports")):
        ours, theirs = ([times[i] for times in side] for side in zip(*pairs, strict=True))
        ratios = [slow / fast for fast, slow in zip(ours, theirs, strict=True)]
        medians = [statistics.median(values) for values in (ours, theirs, ratios)]
        listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        row = "{:>4}{:>12.4f}{:>12.4f}{:>8.2f}  {}".format(name, *medians, listed)
        print(row, label, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=["W1", "W2", "W5"])
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        serve(*arguments.worker)
        return
    print(f"{'':>4}{'skrnn (s)':>12}{'Keras (s)':>12}{'ratio':>8}  by round")
    for name in arguments.workloads:
        compare(name, arguments.rounds)


if __name__ == "__main__":
    main()
