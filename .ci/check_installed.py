"""Checks an installed skrnn with each engine: trains, predicts, saves and loads.

With the argument "pure" there must be no native engine, without it there must be one.
"""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

import skrnn
from skrnn._native.library import load

X = np.random.default_rng(0).normal(size=(60, 5, 2))
place = Path(skrnn.__file__).parent
if not place.is_relative_to(sys.prefix) or version("skrnn") != skrnn.__version__:
    sys.exit(f"skrnn {version('skrnn')} was imported from {place}, not from {sys.prefix}")
native = [] if load() is None else ["native"]
if bool(native) == (sys.argv[1:] == ["pure"]):
    sys.exit(f"skrnn has {' '.join(native) or 'no native engine'}, against what was expected")
for engine in ("numpy", *native, "keras"):
    network = skrnn.RNNRegressor("gru", 8, epochs=60, engine=engine, random_state=0)
    network.fit(X, X[:, -1, 0])
    with tempfile.TemporaryDirectory() as folder:
        skrnn.save(network, Path(folder) / "network.skrnn")
        loaded = skrnn.load(Path(folder) / "network.skrnn")
    score = network.score(X, X[:, -1, 0])
    if score < 0.9 or loaded.predict(X).tobytes() != network.predict(X).tobytes():
        sys.exit(f"engine {engine}: R2 {score:.3f}, or the loaded network predicts otherwise")
    print(f"skrnn {skrnn.__version__} from {place}: engine {engine}, R2 {score:.3f}")
