"""A grid search with skrnn beside the same search with a plain Keras model for each fit.

`GridSearchCV` over 3 cell types and 4 hidden sizes, cv=3, refit: 37 fits of 10 epochs, on 1,000
samples of 12 timesteps and 1 feature. Each measurement is cold: a process of its own that has run
no network before. Imports are not timed. The two searches take turns.

    python examples/benchmarks/grid_search.py --rounds 3
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV

GRID = {"cell_type": ["simple_rnn", "gru", "lstm"], "hidden_size": [8, 16, 32, 64]}
N_SAMPLES, TIMESTEPS = 1000, 12
EPOCHS, BATCH_SIZE, LEARNING_RATE = 10, 32, 0.01


class PlainKerasRegressor(RegressorMixin, BaseEstimator):
    """What one writes without skrnn: a new Keras model in every fit."""

    def __init__(self, cell_type="lstm", hidden_size=32, random_state=0):
        self.cell_type = cell_type
        self.hidden_size = hidden_size
        self.random_state = random_state

    def fit(self, X, y):
        import keras  # as in skrnn, only where a network is needed

        layers = {
            "simple_rnn": keras.layers.SimpleRNN,
            "gru": keras.layers.GRU,
            "lstm": keras.layers.LSTM,
        }
        keras.utils.set_random_seed(self.random_state)
        self.model_ = keras.Sequential(
            [
                keras.layers.Input(X.shape[1:]),
                layers[self.cell_type](self.hidden_size),
                keras.layers.Dense(1),
            ]
        )
        self.model_.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="mse")
        self.model_.fit(X, y, epochs=EPOCHS, batch_size=BATCH_SIZE, verbose=0)
        return self

    def predict(self, X):
        return self.model_.predict(X, batch_size=BATCH_SIZE, verbose=0)[:, 0]


def plain_keras():
    return PlainKerasRegressor()


def with_skrnn():
    from skrnn import RNNRegressor  # not where the plain search is measured

    return RNNRegressor(
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        standardize=False,
        random_state=0,
    )


ESTIMATORS = {"skrnn": with_skrnn, "plain Keras": plain_keras}


def noisy_sine():
    """Return windows of a noisy sine and the value that follows each."""
    rng = np.random.default_rng(0)
    time_axis = np.arange(N_SAMPLES + TIMESTEPS)
    series = np.sin(2 * np.pi * time_axis / 25) + rng.normal(0, 0.1, len(time_axis))
    series = series.astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(series, TIMESTEPS)[:-1]
    return windows[:, :, np.newaxis], series[TIMESTEPS:]


def measure(name):
    """Run one search in this process and return its seconds, best parameters and best score."""
    import keras  # noqa: F401 - imports are not timed
    import tensorflow  # noqa: F401

    X, y = noisy_sine()
    search = GridSearchCV(ESTIMATORS[name](), GRID, cv=3, n_jobs=1, error_score="raise")
    start = time.perf_counter()
    search.fit(X, y)
    seconds = time.perf_counter() - start
    best = {"best_params": search.best_params_, "best_score": float(search.best_score_)}
    return {"seconds": seconds, **best}


def measure_in_a_fresh_process(name):
    finished = subprocess.run(
        [sys.executable, __file__, "--worker", name],
        env={"TF_CPP_MIN_LOG_LEVEL": "2", **os.environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(finished.stdout.splitlines()[-1])


def compare(rounds):
    """Let the searches take turns, and print seconds, ratios, and what each search found."""
    seconds = {name: [] for name in ESTIMATORS}
    best = {}
    print(f"{'round':>8}{'skrnn (s)':>14}{'plain Keras (s)':>18}{'ratio':>8}", flush=True)
    for number in range(1, rounds + 1):
        for name in ESTIMATORS:
            result = measure_in_a_fresh_process(name)
            seconds[name].append(result.pop("seconds"))
            best[name] = result
        print_row(number, *(seconds[name][-1] for name in ESTIMATORS))
    print_row("median", *(statistics.median(seconds[name]) for name in ESTIMATORS))
    for name, result in best.items():
        print(f"{name}: best {result['best_params']}, mean R2 {result['best_score']:.4f}")


def print_row(label, fast, slow):
    print(f"{label:>8}{fast:>14.2f}{slow:>18.2f}{slow / fast:>8.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each search")
    parser.add_argument("--worker", choices=ESTIMATORS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure(arguments.worker)))
    else:
        compare(arguments.rounds)


if __name__ == "__main__":
    main()
