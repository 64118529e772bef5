"""Workloads with skrnn and with its peers, in turns.

    python examples/benchmarks/workloads.py W1 W3 --peers keras --rounds 3

Without names all workloads run. Peers other than Keras have environments of their own; pass their
interpreters:

    python examples/benchmarks/workloads.py --peers keras scikeras=PYTHON skorch=PYTHON onnx

The peer onnx is a session of ONNX Runtime with the network that skrnn has written. Every figure
comes from a fresh process; imports are not counted, except in W7.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GridSearchCV

WORKLOADS = {
    "W1": "LSTM(20, relu), Dense(5, relu), Dense(1) on 13 windows, batch 1, 200 epochs: fit",
    "W2": "Embedding(5000, 100), SimpleRNN(128), sigmoid on 10,000 x 30 ids, 3 epochs: fit",
    "W3": "GridSearchCV, 3 cells x 4 sizes, cv=3, 1,000 x 12, 10 epochs, refit: fit",
    "W3j": "the search of W3 with n_jobs=2, in threads; its peer is skrnn with n_jobs=1",
    "W4": "LSTM(64), Dense(24) on 20,000 x 48 x 7, batch 64, 2 epochs: fit",
    "W5": "one sample (48, 7) through the network of W4: predict",
    "W5b": "20,000 samples (48, 7) through the network of W4: predict",
    "W6": "windows of 48 over 10,000,000 x 7: gather a batch of 64",
    "W6b": "a SimpleRNN(8) on the first million of these windows, batch 1,024, 1 epoch: fit",
    "W7": "a fresh process: import, fit a tiny network, predict",
    "W8": "GridSearchCV, LSTM-FCN: 2 widths x 2 rates, cv=3, 1,000 x 24, 10 epochs, refit: fit",
}
# Peers that have an equivalent; for workloads that are not listed, the peers that train.
TRAINED = {"keras", "scikeras", "skorch"}
PEERS = {"W3j": {"serial"}, "W6": {"keras"}, "W6b": {"keras"}, "W8": {"scikeras"}}
PEERS |= dict.fromkeys(("W5", "W5b"), TRAINED | {"onnx"})
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
SIZES = (8, 16, 32, 64)
CELLS = ("simple_rnn", "lstm", "gru")
WIDTHS, RATES = (8, 16), (0.001, 0.003)  # of W8


def data(name):
    """Return X and y of a workload."""
    rng = np.random.default_rng(0)
    if name in ("W1", "W7"):
        starts = [*range(1, 11), 20, 30, 40]
        steps = [1] * 10 + [10] * 3
        X = np.array([[s, s + d, s + 2 * d] for s, d in zip(starts, steps, strict=True)], "float32")
        return X[:, :, np.newaxis], X[:, -1] + np.float32(steps)
    if name == "W2":
        return rng.integers(0, 5000, (10_000, 30)), rng.integers(0, 2, 10_000)
    if name in ("W3", "W3j", "W8"):
        X = rng.normal(size=(1000, 24 if name == "W8" else 12, 1)).astype("float32")
        return X, X.sum(axis=(1, 2))
    if name in ("W6", "W6b"):
        rows = np.empty((10_000_000, 7), "float32")
        for block in np.array_split(rows, 100):
            block[...] = rng.normal(size=block.shape)
        return rows, rows[48:, 0]
    X = rng.normal(size=(20_000, 48, 7)).astype("float32")
    return X, rng.normal(size=(20_000, 24)).astype("float32")


def lstm_fcn(inputs, filters=8):
    """Return what an LSTM-FCN, the network of W8, makes of Keras's inputs."""
    from keras import layers

    x = inputs
    for size, width in ((filters, 8), (2 * filters, 5), (filters, 3)):
        x = layers.Conv1D(size, width, padding="same")(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling1D()(x)
    return layers.Concatenate()([layers.LSTM(8)(inputs), x])


# skrnn


def skrnn_estimator(name):
    from skrnn import RNNClassifier, RNNRegressor

    plain = {"standardize": False, "learning_rate": None, "random_state": 0}
    if name in ("W1", "W7"):
        return RNNRegressor(
            *("lstm", 20),
            activation="relu",
            dense_sizes=(5,),
            batch_size=1,
            epochs=200 if name == "W1" else 1,
            **plain,
        )
    if name == "W2":
        return RNNClassifier(
            "simple_rnn", 128, vocab_size=5000, embedding_dim=100, batch_size=32, epochs=3, **plain
        )
    if name in ("W3", "W3j"):
        return RNNRegressor(batch_size=32, epochs=10, **plain)
    if name == "W8":
        return RNNRegressor(network=lstm_fcn, batch_size=32, epochs=10, **plain)
    if name == "W6b":
        return RNNRegressor("simple_rnn", 8, batch_size=1024, epochs=1, **plain)
    return RNNRegressor("lstm", 64, batch_size=64, epochs=2 if name == "W4" else 1, **plain)


def skrnn_windows(rows):
    from skrnn import make_windows

    return make_windows(rows, 48, target=0)


# Keras, plain and through scikeras


def keras_model(name, cell_type="lstm", hidden_size=64):
    import keras

    cells = {
        "simple_rnn": keras.layers.SimpleRNN,
        "gru": keras.layers.GRU,
        "lstm": keras.layers.LSTM,
    }
    layers, Dense = [], keras.layers.Dense
    if name in ("W1", "W7"):
        layers = [keras.Input((3, 1)), cells["lstm"](20, activation="relu")]
        layers += [Dense(5, activation="relu"), Dense(1)]
    elif name == "W2":
        layers = [keras.Input((30,)), keras.layers.Embedding(5000, 100)]
        layers += [cells["simple_rnn"](128), Dense(1, activation="sigmoid")]
    elif name == "W3":
        layers = [keras.Input((12, 1)), cells[cell_type](hidden_size), Dense(1)]
    elif name == "W6b":
        layers = [keras.Input((48, 7)), cells["simple_rnn"](8), Dense(1)]
    else:
        layers = [keras.Input((48, 7)), cells["lstm"](64), Dense(24)]
    model = keras.Sequential(layers)
    model.compile("adam", loss="binary_crossentropy" if name == "W2" else "mse")
    return model


FITS = {
    "W1": {"epochs": 200, "batch_size": 1},
    "W2": {"epochs": 3, "batch_size": 32},
    "W3": {"epochs": 10, "batch_size": 32},
    "W4": {"epochs": 2, "batch_size": 64},
    "W5": {"epochs": 1, "batch_size": 64},
    "W5b": {"epochs": 1, "batch_size": 64},
    "W7": {"epochs": 1, "batch_size": 1},
    "W8": {"epochs": 10, "batch_size": 32},
}


class Plain(RegressorMixin, BaseEstimator):
    """The same without skrnn: a new Keras model in every fit."""

    def __init__(self, name, cell_type="lstm", hidden_size=64):
        self.name, self.cell_type, self.hidden_size = name, cell_type, hidden_size

    def fit(self, X, y=None):
        self.model_ = keras_model(self.name, self.cell_type, self.hidden_size)
        settings = {"epochs": 1} if y is None else FITS[self.name]
        self.model_.fit(X, y, verbose=0, **settings)
        return self

    def predict(self, X):
        return self.model_.predict(X, verbose=0)


def keras_windows(name, rows, targets):
    """Return the batches of the first million windows as a dataset."""
    import keras

    n_rows = 1_000_047
    return keras.utils.timeseries_dataset_from_array(
        rows[:n_rows], targets[:1_000_000], 48, batch_size=64 if name == "W6" else 1024
    )


def scikeras_estimator(name):
    from scikeras.wrappers import KerasRegressor

    def of_function(filters=8, rate=0.001):
        import keras

        inputs = keras.Input((24, 1))
        model = keras.Model(inputs, keras.layers.Dense(1)(lstm_fcn(inputs, filters)))
        model.compile(keras.optimizers.Adam(rate), loss="mse")
        return model

    def build(cell_type="lstm", hidden_size=64):
        return keras_model(name, cell_type, hidden_size)

    if name == "W8":
        return KerasRegressor(of_function, verbose=0, random_state=0, **FITS[name])
    chosen = {"cell_type": "lstm", "hidden_size": 64} if name == "W3" else {}
    return KerasRegressor(build, verbose=0, random_state=0, **chosen, **FITS[name])


# skorch


def skorch_estimator(name):
    import torch
    from skorch import NeuralNetBinaryClassifier, NeuralNetRegressor

    class Network(torch.nn.Module):
        def __init__(self, cell_type="lstm", hidden_size=64):
            super().__init__()
            features, outputs = {"W1": (1, 1), "W2": (100, 1), "W3": (1, 1)}.get(name, (7, 24))
            if name in ("W1", "W7"):
                features, outputs, hidden_size = 1, 1, 20
            kinds = {"simple_rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
            if name == "W2":
                self.embedding, cell_type, hidden_size = (
                    torch.nn.Embedding(5000, 100),
                    "simple_rnn",
                    128,
                )
            self.cell = kinds[cell_type](features, hidden_size, batch_first=True)
            self.head = torch.nn.Linear(hidden_size, outputs)
            if name in ("W1", "W7"):
                self.head = torch.nn.Sequential(
                    torch.nn.Linear(20, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1)
                )

        def forward(self, X):
            X = self.embedding(X) if name == "W2" else X
            output = self.head(self.cell(X)[0][:, -1])
            return output[:, 0] if name == "W2" else output

    kind = NeuralNetBinaryClassifier if name == "W2" else NeuralNetRegressor
    settings = FITS[name]
    return kind(
        Network,
        max_epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        optimizer=torch.optim.Adam,
        train_split=None,
        verbose=0,
    )


# ONNX Runtime


class Session:
    """A network of skrnn's in ONNX Runtime."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        import onnxruntime

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.onnx"
            self.estimator.fit(X, y).to_onnx(path)
            self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name
        return self

    def predict(self, X):
        return self.session.run(None, {self.name: X})[0]


def prepared(side, name):
    """Return an estimator, X and y as this side wants them, with everything imported."""
    X, y = data(name)
    grid = {"cell_type": CELLS, "hidden_size": SIZES}
    if name == "W8":
        import keras  # imports are not counted

        grid = {"network_params": [{"filters": n} for n in WIDTHS], "learning_rate": RATES}
    if side in ("skrnn", "serial"):
        estimator = skrnn_estimator(name)
    elif side == "onnx":
        estimator = Session(skrnn_estimator(name))
    elif side == "keras":
        import keras  # noqa: F401 - imports are not counted

        estimator = Plain(name)
    elif side == "scikeras":
        estimator = scikeras_estimator(name)
        grid = {"model__cell_type": CELLS, "model__hidden_size": SIZES}
        if name == "W8":
            grid = {"model__filters": WIDTHS, "model__rate": RATES}
            estimator.set_params(model__filters=WIDTHS[0], model__rate=RATES[0])
    else:
        estimator = skorch_estimator(name)
        grid = {"module__cell_type": CELLS, "module__hidden_size": SIZES}
        y = y.astype("float32") if y.ndim == 2 or name == "W2" else y[:, np.newaxis]
    if name in ("W3", "W3j", "W8"):
        if side == "scikeras" and name != "W8":
            estimator.set_params(model__cell_type="lstm", model__hidden_size=64)
        n_jobs = 2 if name == "W3j" and side == "skrnn" else 1
        estimator = GridSearchCV(estimator, grid, cv=3, n_jobs=n_jobs)
    return estimator, X, y


def seconds_of(function, times=1):
    """Return the median seconds of some calls."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def measure(side, name):
    """Return the seconds of a workload in this process; None: those of the whole process."""
    estimator, X, y = prepared(side, name)
    if name == "W6" and side == "skrnn":
        windows, targets = skrnn_windows(X)
        orders = iter(np.random.default_rng(0).integers(0, len(windows), (2001, 64)))
        return seconds_of(lambda: (lambda rows: (windows[rows], targets[rows]))(next(orders)), 2000)
    if name == "W6":
        batches = iter(keras_windows(name, X, y))
        next(batches)
        return seconds_of(lambda: next(batches), 500)
    if name == "W6b" and side == "skrnn":
        windows, targets = skrnn_windows(X)
        return seconds_of(lambda: estimator.fit(windows[:1_000_000], targets[:1_000_000]))
    if name == "W6b":
        return seconds_of(lambda: estimator.fit(keras_windows(name, X, y)))
    if name in ("W5", "W5b"):
        estimator.fit(X[:256], y[:256])
        X, times = (X[:1], 1000) if name == "W5" else (X, 5)
        if side == "skrnn":
            reading = seconds_of(lambda: estimator._read_fitted(X), times)
            print(f"skrnn: reading and checking X takes {reading:.6f} s")
        return seconds_of(lambda: estimator.predict(X), times)
    with joblib.parallel_config("threading"):
        seconds = seconds_of(lambda: estimator.fit(X, y))
    if name in ("W3", "W3j", "W8"):
        print(f"{side}: best {estimator.best_params_}, R2 {estimator.best_score_:.3f}")
    if name == "W7":
        estimator.predict(X)
        return None
    return seconds


def report(side, name):
    """Print the seconds of a workload in this process, and its largest memory in MB."""
    seconds = measure(side, name)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes, or kilobytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(json.dumps([seconds, peak]))


def in_a_fresh_process(python, side, name):
    start = time.perf_counter()
    finished = subprocess.run(
        [python, __file__, name, "--worker", side],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    whole = time.perf_counter() - start
    *remarks, last = finished.stdout.splitlines()
    for remark in remarks:
        print(f"     {remark}")
    seconds, peak = json.loads(last)
    return whole if seconds is None else seconds, peak


def compare(name, peer, python, rounds):
    """Let skrnn and the peer take turns, and print the medians of seconds and of ratios."""
    pairs = [
        (in_a_fresh_process(sys.executable, "skrnn", name), in_a_fresh_process(python, peer, name))
        for _ in range(rounds)
    ]
    ours, theirs = (np.median(side, axis=0) for side in zip(*pairs, strict=True))
    ratios = [theirs / ours for (ours, _), (theirs, _) in pairs]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"{name:<4} {peer:<9}{ours[0]:>12.6f}{theirs[0]:>12.6f}{statistics.median(ratios):>9.2f}"
        f"{ours[1]:>12.0f}{theirs[1]:>10.0f}   {listed}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", choices=[*WORKLOADS, []], help=str(WORKLOADS))
    parser.add_argument("--peers", nargs="+", default=["keras"], help="NAME or NAME=INTERPRETER")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.workloads or list(WORKLOADS)
    if arguments.worker:
        report(arguments.worker, names[0])
        return
    peers = dict(
        peer.split("=", 1) if "=" in peer else (peer, sys.executable) for peer in arguments.peers
    )
    peers["serial"] = sys.executable
    print(
        f"{'':<4} {'peer':<9}{'skrnn (s)':>12}{'peer (s)':>12}{'ratio':>9}"
        f"{'skrnn (MB)':>12}{'peer (MB)':>10}   ratios by round"
    )
    for name in names:
        for peer, python in peers.items():
            if peer in PEERS.get(name, TRAINED):
                compare(name, peer, python, arguments.rounds)


if __name__ == "__main__":
    main()
