"""A seed gives the numbers it gave before: losses, predictions and weights recorded in a file.

`tests/data/seeds.json` holds, for each fit, the losses, the first six predictions, and the sum and
norm of each weight. NumPy, BLAS and TensorFlow round differently on other CPUs, so the test allows
1e-5, 20 times what a CPU without AVX changes. Bits are compared by hand, on one machine: write the
file from the version before a change and from the version after it, and `git diff` shows every
number that is not the same to the last bit (those of Keras may differ by 1e-6). It is written by

    PYTHONPATH=. python tests/test_seed_fixture.py

with the version that PYTHONPATH names. Write it for good only if a change means to change results.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from forecasting import bare
from numpy.testing import assert_allclose

from skrnn import RNNClassifier, RNNRegressor

PATH = Path(__file__).parent / "data" / "seeds.json"
X = np.random.default_rng(7).normal(1, 2, (48, 6, 2))
Y = X[:, -1, 0] + 0.5 * X[:, 0, 1]
LABELS = np.array(["a", "b", "c"])[np.digitize(Y, [0, 2])]
IDS = np.random.default_rng(1).integers(0, 20, (48, 6))
IDS[:, :2] = 0
RAGGED = [X[i, : 2 + i % 5] for i in range(48)]


# The samples that a network predicts, its targets, and its parameters.
LSTM = {"cell_type": "lstm"}
NETWORKS = {
    "simple_rnn": (X, Y, {"cell_type": "simple_rnn", "hidden_size": 5}),
    "gru": (X, Y, {"cell_type": "gru", "hidden_size": 5}),
    "lstm": (X, Y, LSTM | {"hidden_size": 5}),
    "stack": (
        *(X, Y),
        {"cell_type": ("gru", "lstm"), "hidden_size": (4, 3), "bidirectional": True}
        | {"dropout": 0.2, "recurrent_dropout": 0.1, "dense_sizes": (4,)},
    ),
    "patience": (X, Y, {"validation_fraction": 0.25, "patience": 1, "epochs": 12}),
    "three classes": (X, LABELS, {"class_weight": "balanced", "validation_fraction": 0.2}),
    "two classes": (
        *(X, Y > 1),
        {"pooling": "max", "spatial_dropout": 0.2, "kernel_l2": 1e-3, "recurrent_l2": 1e-3} | LSTM,
    ),
    "tokens": (
        *(IDS, IDS[:, -1] > 9),
        {"cell_type": "simple_rnn", "vocab_size": 20, "embedding_dim": 3, "mask_value": 0},
    ),
    "ragged": (RAGGED, Y, LSTM),
    "sequences": (X, X[:, :, 0], {"return_sequences": True}),
    "stateful": (X, Y, {"stateful": True, "batch_size": 12}),
    "float64": (X, Y, {"dtype": "float64", "optimizer": {"name": "sgd", "momentum": 0.9}}),
    "rmsprop": (
        *(X, Y),
        {"optimizer": "rmsprop", "loss": "huber", "activation": "relu"}
        | {"standardize": False, "learning_rate": 0.001}
        | LSTM,
    ),
    "partial_fit": (X, Y, {}),
    "warm_start": (X, Y, {"warm_start": True}),
    "fit_batches": (X, Y, {}),
}
CLASSIFIERS = {"three classes", "two classes", "tokens"}
OTHER_FITS = {
    "two classes": lambda network: network.fit(X, Y > 1, sample_weight=np.linspace(0.5, 2, 48)),
    "partial_fit": lambda network: network.partial_fit(X, Y).partial_fit(X, Y),
    "warm_start": lambda network: network.fit(X, Y).fit(X, Y),
    "fit_batches": lambda network: network.fit_batches([(X[:20], Y[:20]), (X[20:], Y[20:])]),
}

DAYS = pd.date_range("2020-01-01", periods=92, freq="D")
STEPS = np.arange(80)
SERIES = pd.Series(
    np.sin(STEPS * 2 * np.pi / 7) * 3
    + STEPS * 0.1
    + np.random.default_rng(5).normal(0, 0.1, len(STEPS)),
    DAYS[:80],
    name="s",
)
FRAME = pd.DataFrame({"a": SERIES, "b": (SERIES * 2 + 1).where(STEPS >= 5)})
EXOG = pd.DataFrame({"x": np.arange(92.0) % 7}, DAYS)


def forecaster(engine, timesteps=14, steps=7, **parameters):
    network = RNNRegressor("gru", 4, epochs=3, random_state=0, engine=engine)
    return bare(network, timesteps=timesteps, steps=steps, **parameters)


FORECASTS = {
    "direct": lambda engine: (
        forecaster(engine, differences=1, calendar=("dayofweek",), calibration=14)
        .fit(SERIES)
        .predict(level=[80])
    ),
    "recursive": lambda engine: (
        forecaster(engine, 10, 4, strategy="recursive").fit(FRAME).predict()
    ),
    "exog": lambda engine: forecaster(engine).fit(SERIES, EXOG[:80]).predict(exog=EXOG[80:87]),
    "backtest": lambda engine: (
        forecaster(engine).backtest(SERIES, folds=2).drop(columns="ridge").select_dtypes("number")
    ),
}


def numbers(engine, name):
    """Return what is recorded of one fit: lists of numbers by what they are."""
    if name in FORECASTS:
        return {"forecast": np.ravel(FORECASTS[name](engine)).tolist()}
    samples, targets, parameters = NETWORKS[name]
    train = OTHER_FITS.get(name, lambda network: network.fit(samples, targets))
    shared = {"cell_type": "gru", "hidden_size": 4, "epochs": 4, "batch_size": 10}
    estimator = RNNClassifier if name in CLASSIFIERS else RNNRegressor
    fitted = train(estimator(**shared | parameters, engine=engine, random_state=3))
    predicted = getattr(fitted, "predict_proba", fitted.predict)(samples)
    losses = [values for key, values in fitted.history_.items() if key != "seconds"]
    weights = [np.asarray(weight, float) for weight in fitted.weights_]
    return {
        "losses": np.ravel(losses).tolist(),
        "predictions": np.concatenate([np.ravel(rows) for rows in predicted[:6]])[:6].tolist(),
        "sums": [weight.sum() for weight in weights],
        "norms": [np.linalg.norm(weight) for weight in weights],
    }


# Those for which Keras draws or is fed in ways of its own: it takes seconds for each.
IN_KERAS = ["lstm", "stack", "patience", "two classes", "tokens", "ragged", "fit_batches"]
CASES = [("numpy", name) for name in NETWORKS | FORECASTS]
CASES += [
    pytest.param("keras", name, marks=[] if name == "lstm" else pytest.mark.slow)
    for name in IN_KERAS
]


@pytest.mark.parametrize(("engine", "name"), CASES)
def test_seed_gives_the_recorded_numbers(engine, name):
    recorded = json.loads(PATH.read_text("utf-8"))[f"{engine} {name}"]
    found = numbers(engine, name)
    assert found.keys() == recorded.keys()
    for part, expected in recorded.items():
        assert_allclose(found[part], expected, rtol=1e-5, atol=1e-5, err_msg=part)


if __name__ == "__main__":
    cases = (getattr(case, "values", case) for case in CASES)
    everything = {f"{engine} {name}": numbers(engine, name) for engine, name in cases}
    PATH.write_text(json.dumps(everything, indent=0) + "\n", "utf-8")
