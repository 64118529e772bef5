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
from numpy.testing import assert_allclose

from skrnn import RNNClassifier, RNNForecaster, RNNRegressor

PATH = Path(__file__).parent / "data" / "seeds.json"
X = np.random.default_rng(7).normal(1, 2, (48, 6, 2))
Y = X[:, -1, 0] + 0.5 * X[:, 0, 1]
LABELS = np.array(["a", "b", "c"])[np.digitize(Y, [0, 2])]
IDS = np.random.default_rng(1).integers(0, 20, (48, 6))
IDS[:, :2] = 0
RAGGED = [X[i, : 2 + i % 5] for i in range(48)]
SHARED = {"random_state": 3, "epochs": 4, "batch_size": 10}


def regressor(cell_type="gru", hidden_size=4, **parameters):
    return RNNRegressor(cell_type, hidden_size, **SHARED | parameters)


def classifier(cell_type="gru", hidden_size=4, **parameters):
    return RNNClassifier(cell_type, hidden_size, **SHARED | parameters)


# A fitted network for an engine, and what it predicts.
NETWORKS = {
    "simple_rnn": (lambda **on: regressor("simple_rnn", 5, **on).fit(X, Y), X),
    "gru": (lambda **on: regressor("gru", 5, **on).fit(X, Y), X),
    "lstm": (lambda **on: regressor("lstm", 5, **on).fit(X, Y), X),
    "stack": (
        lambda **on: regressor(
            ("gru", "lstm"),
            (4, 3),
            bidirectional=True,
            dropout=0.2,
            recurrent_dropout=0.1,
            dense_sizes=(4,),
            **on,
        ).fit(X, Y),
        X,
    ),
    "patience": (
        lambda **on: regressor(validation_fraction=0.25, patience=1, **on | {"epochs": 12}).fit(
            X, Y
        ),
        X,
    ),
    "three classes": (
        lambda **on: classifier(class_weight="balanced", validation_fraction=0.2, **on).fit(
            X, LABELS
        ),
        X,
    ),
    "two classes": (
        lambda **on: classifier(
            "lstm", pooling="max", spatial_dropout=0.2, kernel_l2=1e-3, recurrent_l2=1e-3, **on
        ).fit(X, Y > 1, sample_weight=np.linspace(0.5, 2, 48)),
        X,
    ),
    "tokens": (
        lambda **on: classifier(
            "simple_rnn", vocab_size=20, embedding_dim=3, mask_value=0, **on
        ).fit(IDS, IDS[:, -1] > 9),
        IDS,
    ),
    "ragged": (lambda **on: regressor("lstm", **on).fit(RAGGED, Y), RAGGED),
    "sequences": (lambda **on: regressor(return_sequences=True, **on).fit(X, X[:, :, 0]), X),
    "stateful": (lambda **on: regressor(stateful=True, **on | {"batch_size": 12}).fit(X, Y), X),
    "float64": (
        lambda **on: regressor(
            dtype="float64", optimizer={"name": "sgd", "momentum": 0.9}, **on
        ).fit(X, Y),
        X,
    ),
    "rmsprop": (
        lambda **on: regressor(
            "lstm",
            optimizer="rmsprop",
            loss="huber",
            activation="relu",
            standardize=False,
            learning_rate=0.001,
            **on,
        ).fit(X, Y),
        X,
    ),
    "partial_fit": (lambda **on: regressor(**on).partial_fit(X, Y).partial_fit(X, Y), X),
    "warm_start": (lambda **on: regressor(warm_start=True, **on).fit(X, Y).fit(X, Y), X),
    "fit_batches": (
        lambda **on: regressor(**on).fit_batches([(X[:20], Y[:20]), (X[20:], Y[20:])]),
        X,
    ),
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
    return RNNForecaster(network, timesteps=timesteps, steps=steps, **parameters)


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
    "backtest": lambda engine: forecaster(engine).backtest(SERIES, folds=2).select_dtypes("number"),
}


def numbers(engine, name):
    """Return what is recorded of one fit: lists of numbers by what they are."""
    if name in FORECASTS:
        return {"forecast": np.ravel(FORECASTS[name](engine)).tolist()}
    fit, samples = NETWORKS[name]
    fitted = fit(engine=engine)
    predicted = getattr(fitted, "predict_proba", fitted.predict)(samples)
    losses = [values for key, values in fitted.history_.items() if key != "seconds"]
    weights = [np.asarray(weight, float) for weight in fitted.weights_]
    return {
        "losses": np.ravel(losses).tolist(),
        "predictions": np.concatenate([np.ravel(rows) for rows in predicted[:6]])[:6].tolist(),
        "sums": [weight.sum() for weight in weights],
        "norms": [np.linalg.norm(weight) for weight in weights],
    }


EVERYDAY = {"lstm", "direct"}  # Keras takes seconds for each of the others
CASES = [
    pytest.param(engine, name, marks=[] if quick else pytest.mark.slow)
    for engine in ("numpy", "keras")
    for name in NETWORKS | FORECASTS
    for quick in [engine == "numpy" or name in EVERYDAY]
]


@pytest.mark.parametrize(("engine", "name"), CASES)
def test_seed_gives_the_recorded_numbers(engine, name):
    recorded = json.loads(PATH.read_text("utf-8"))[f"{engine} {name}"]
    found = numbers(engine, name)
    assert found.keys() == recorded.keys()
    for part, expected in recorded.items():
        assert_allclose(found[part], expected, rtol=1e-5, atol=1e-5, err_msg=part)


if __name__ == "__main__":
    everything = {
        f"{e} {name}": numbers(e, name) for e, name, *_ in (case.values for case in CASES)
    }
    PATH.write_text(json.dumps(everything, indent=0) + "\n", "utf-8")
