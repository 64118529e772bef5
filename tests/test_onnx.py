"""ONNX graphs of fitted networks, run by ONNX Runtime."""

import sys
from dataclasses import replace
from itertools import product

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from fits import cut, padded
from keras.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN
from recurrent import SPECS
from sklearn.exceptions import NotFittedError

from skrnn import RNNClassifier, RNNRegressor
from skrnn._convert.onnx import DENSE_ACTIVATIONS, RECURRENT_ACTIVATIONS
from skrnn._numpy_engine.activations import ACTIVATIONS

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
every_cell = pytest.mark.parametrize(
    "cell_type", [name for name, spec in SPECS.items() if spec.onnx]
)


def numbers(n_samples=20, timesteps=5):
    rng = np.random.default_rng(n_samples)
    return rng.normal(3, 2, (n_samples, timesteps, 2)).astype("float32")


def tokens(n_samples=20, timesteps=5):
    return np.random.default_rng(n_samples).integers(0, 9, (n_samples, timesteps))


def with_gaps(X, value):
    """Return a copy with absent timesteps anywhere, all of them in the first sample."""
    X, rng = X.copy(), np.random.default_rng(0)
    X[rng.random(X.shape[:2]) < 0.4] = value
    X[0] = value
    return X


def fitted(**parameters):
    return RNNRegressor("gru", 3, epochs=1, **parameters).fit(numbers(), np.arange(20.0))


def trained(estimator, X, y):
    """Return the estimator fitted, with weights so large that every gate and bias counts."""
    estimator = estimator.set_params(epochs=1, random_state=0).fit(X, y)
    rng = np.random.default_rng(0)
    estimator.weights_ = [
        rng.normal(0, 0.4, weight.shape).astype(weight.dtype) for weight in estimator.weights_
    ]
    return estimator


def run(estimator, X, folder):
    """Return what ONNX Runtime computes, by the names of the outputs."""
    estimator.to_onnx(folder / "network.onnx")
    session = onnxruntime.InferenceSession(
        folder / "network.onnx", providers=["CPUExecutionProvider"]
    )
    if isinstance(X, list):
        X = padded(X, -1 if X[0].ndim == 1 else np.float32(np.nan), n_more=0)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"X": X}), strict=True))


NUMBERS = numbers(20), numbers(7)
GAPS, NO_NUMBERS = ([with_gaps(X, value) for X in NUMBERS] for value in (-1.0, np.nan))
LISTS, TOKENS = [cut(numbers(20)), cut(numbers(9, 8))], (tokens(20), tokens(7))
TWO, TWO_WAYS, MASKED = {"hidden_size": (4, 3)}, {"bidirectional": True}, {"mask_value": -1.0}
STEPS, WORDS = {"return_sequences": True} | TWO, {"vocab_size": 9, "embedding_dim": 3}
REGRESSORS = {  # parameters, and X to fit and to predict
    "plain": ({}, NUMBERS),
    "stacked": (TWO | {"dense_sizes": (5, 3)}, NUMBERS),
    "bidirectional": (TWO | TWO_WAYS, NUMBERS),
    "unused activation": ({"dense_activation": "selu"}, NUMBERS),
    "as given": ({"standardize": False}, NUMBERS),
    "masked": (MASKED, GAPS),
    "masked, bidirectional": (TWO | TWO_WAYS | MASKED, GAPS),
    "float64": ({"dtype": "float64"}, (NUMBERS[0], NUMBERS[1].astype("float64"))),
    "mean": (TWO | {"pooling": "mean"}, NUMBERS),
    "max": (TWO_WAYS | {"pooling": "max"}, NUMBERS),
    "masked mean": (TWO_WAYS | MASKED | {"pooling": "mean"}, GAPS),
    "masked max": (MASKED | {"pooling": "max", "standardize": False}, GAPS),
    "lists": (TWO, LISTS),
    "lists, bidirectional": (TWO | TWO_WAYS, LISTS),
    "tokens": (WORDS, TOKENS),
    "masked tokens": (WORDS | {"mask_value": 0}, TOKENS),
    "lists of tokens": (WORDS, [cut(tokens(20)), cut(tokens(9, 8))]),
    "timesteps": (STEPS, NUMBERS),
    "timesteps, bidirectional": (STEPS | TWO_WAYS, NUMBERS),
    "masked timesteps": (STEPS | {"mask_value": np.nan}, NO_NUMBERS),
    "masked timesteps, bidirectional": (STEPS | TWO_WAYS | {"mask_value": np.nan}, NO_NUMBERS),
    "several steps": ({}, NUMBERS),
}
IN_NUMPY = sorted(set(DENSE_ACTIVATIONS) & set(ACTIVATIONS))
IN_KERAS = sorted(set(DENSE_ACTIVATIONS) - set(ACTIVATIONS))
for name in IN_NUMPY:
    dense = {"dense_sizes": 3, "dense_activation": name}
    of_cells = {"activation": name} if name in RECURRENT_ACTIVATIONS else {}
    REGRESSORS[name] = (TWO_WAYS | dense | of_cells, NUMBERS)


@every_cell
@pytest.mark.parametrize("case", REGRESSORS)
def test_onnx_prediction_is_that_of_the_estimator(cell_type, case, tmp_path):
    parameters, (X, X_new) = REGRESSORS[case]
    y = [x.sum() for x in X]
    if case == "several steps":
        y = X[:, :3]
    elif "timesteps" in case:
        y = numbers(20)
    regressor = trained(RNNRegressor(cell_type, **{"hidden_size": 4} | parameters), X, y)
    found, expected = run(regressor, X_new, tmp_path)["prediction"], regressor.predict(X_new)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, **CLOSE)


def of_two(classes):
    return lambda X: classes[(X[:, 0, 0] > 3).astype(int)]


TARGETS = {
    "integers": of_two(np.array([3, 7])),
    "booleans": of_two(np.array([False, True])),
    "floats": of_two(np.array([1.0, 2.0])),
    "str": of_two(np.array(["ja", "née"])),
    "objects": of_two(np.array(["ja", "née"], dtype=object)),
    "several classes": lambda X: np.array(["a", "b", "c"])[np.arange(len(X)) % 3],
    "multilabel": lambda X: (X[:, :3, 0] > 3).astype(int),
    "timesteps": lambda X: (X[:, :, 0] > 3).astype(int),
}


@every_cell
@pytest.mark.parametrize("target", TARGETS)
def test_onnx_probabilities_and_labels_are_those_of_the_classifier(cell_type, target, tmp_path):
    X, X_new = numbers(20), numbers(30)
    estimator = RNNClassifier(cell_type, 4, return_sequences=target == "timesteps")
    y = TARGETS[target](X)
    classifier = trained(estimator, X, y)
    classifier.weights_[-2] *= 20  # so that every label comes, in spite of the biases
    outputs, labels = run(classifier, X_new, tmp_path), classifier.predict(X_new)
    assert len(np.unique(labels)) > 1
    assert outputs["label"].dtype == (object if y.dtype.kind in "UO" else y.dtype)
    np.testing.assert_array_equal(outputs["label"], labels)
    np.testing.assert_allclose(outputs["probabilities"], classifier.predict_proba(X_new), **CLOSE)


@pytest.mark.parametrize("activation", [x for x in IN_NUMPY if x in RECURRENT_ACTIVATIONS])
def test_onnx_is_finite_where_inputs_are_large(activation, tmp_path):
    parameters = {"dense_sizes": 3, "dense_activation": "softplus", "standardize": False}
    X = numbers() * 300
    regressor = RNNRegressor("lstm", 4, activation=activation, **parameters)
    regressor = trained(regressor, X, np.arange(20.0))
    prediction = run(regressor, X, tmp_path)["prediction"]
    np.testing.assert_allclose(prediction, regressor.predict(X), rtol=1e-4)


def test_onnx_standardizes_what_float32_could_not(tmp_path):
    X = 1e6 + np.random.default_rng(0).normal(size=(20, 5, 1)).astype("float32")
    regressor = trained(RNNRegressor("gru", 4), X, 1e5 + X[:, 0, 0])
    prediction = run(regressor, X, tmp_path)["prediction"]
    np.testing.assert_allclose(prediction, regressor.predict(X), rtol=1e-6)
    assert prediction.std() > 0.1


def as_regressor(recurrent, dense_activation="relu"):
    """Return a Keras model with large weights, and the estimator that it is."""
    layers = keras.Input((5, 2)), recurrent, Dense(3, activation=dense_activation), Dense(1)
    model, rng = keras.Sequential(layers), np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.4, weight.shape) for weight in model.weights])
    return model, RNNRegressor.from_keras(model)


OF_KERAS = [
    *product([SimpleRNN, GRU, LSTM], [name for name in IN_KERAS if name in RECURRENT_ACTIVATIONS]),
    *product([GRU], ["tanh"], IN_KERAS),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", OF_KERAS)
def test_onnx_has_the_activations_of_keras_alone(case, tmp_path):
    layer, activation, *dense_activation = case
    recurrent = Bidirectional(layer(4, activation=activation))
    model, regressor = as_regressor(recurrent, *dense_activation)
    X = numbers() - 3
    prediction = run(regressor, X, tmp_path)["prediction"]
    np.testing.assert_allclose(prediction, model(X).numpy()[:, 0], **CLOSE)


DAYS = np.array(["2026-01-01", "2026-01-02"], "datetime64[D]")[np.arange(20) % 2]
REFUSED = {
    "cell activation": (
        lambda: fitted(activation="gelu"),
        r"no safe ONNX operator for `activation='gelu'`.*elu, hard_sigmoid",
    ),
    "another": (
        lambda: fitted(activation="selu"),
        r"no safe ONNX operator for `activation='selu'`",
    ),
    "overflow": (lambda: fitted(activation="softplus"), r"no safe .* for `activation='softplus'`"),
    "dense activation": (
        lambda: as_regressor(GRU(4), "silu")[1],
        r"no safe ONNX operator for `dense_activation='silu'`",
    ),
    "stateful": (
        lambda: fitted(stateful=True, batch_size=10),
        "`to_onnx` cannot export a network with `stateful=True`",
    ),
    "labels": (
        lambda: RNNClassifier("gru", 3, epochs=1).fit(numbers(), DAYS),
        "labels that are numbers, booleans or str, got .*date",
    ),
    "cell type": (fitted, "no safe ONNX operator for `cell_type='gru'`. Fit with one of lstm"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_onnx_refuses_what_the_standard_lacks_and_keeps_the_old_file(case, tmp_path, monkeypatch):
    made, message = REFUSED[case]
    estimator, path = made(), tmp_path / "network.onnx"
    path.write_bytes(b"old")
    if case == "cell type":
        monkeypatch.setitem(SPECS, "gru", replace(SPECS["gru"], onnx=None))
    with pytest.raises(ValueError, match=message):
        estimator.to_onnx(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("method", ["to_keras", "to_onnx"])
def test_export_refuses_an_unfitted_estimator_and_odd_paths(method, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(RNNRegressor(), method)(tmp_path / "network")
    regressor = fitted()
    suffix = method.replace("to_", ".")
    with pytest.raises(ValueError, match=rf"`path` must end in '{suffix}', got '.*network\.h5'"):
        getattr(regressor, method)(tmp_path / "network.h5")
    with pytest.raises(TypeError, match=r"`path` must be a str or a pathlib\.Path, got int"):
        getattr(regressor, method)(3)
    with pytest.raises(FileNotFoundError):
        getattr(regressor, method)(tmp_path / "missing" / f"network{suffix}")
    assert list(tmp_path.iterdir()) == []


@every_cell
def test_onnx_graph_holds_the_standard_recurrent_operators(cell_type, tmp_path):
    X = numbers()
    trained(RNNRegressor(cell_type, (4, 3)), X, X[:, 0, 0]).to_onnx(tmp_path / "network.onnx")
    model = onnx.load(tmp_path / "network.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [entry.domain for entry in model.opset_import] == [""]
    operator = SPECS[cell_type].onnx.name
    assert [node.op_type for node in model.graph.node].count(operator) == 2


@pytest.mark.parametrize("mask_value", [None, 0, 1])
def test_onnx_reads_larger_ids_as_predict_does_if_the_fit_found_the_vocabulary(
    mask_value, tmp_path
):
    parameters = {"vocab_size": "auto", "embedding_dim": 3, "mask_value": mask_value}
    estimator = trained(RNNRegressor("gru", 3, **parameters), tokens(), np.arange(20.0))
    X = tokens(7)
    X[:, 2], X[:, 3] = 9, 10**9
    found = run(estimator, X, tmp_path)["prediction"]
    np.testing.assert_allclose(found, estimator.predict(X), **CLOSE)


@pytest.mark.parametrize(("X", "timesteps"), [(numbers(), 5), (cut(numbers()), "timesteps")])
def test_onnx_timesteps_are_free_after_a_fit_on_a_list_alone(X, timesteps, tmp_path):
    trained(RNNRegressor("gru", 3), X, np.arange(20.0)).to_onnx(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    assert session.get_inputs()[0].shape == ["batch", timesteps, 2]


def test_to_onnx_names_the_extra_where_onnx_is_missing(tmp_path, monkeypatch):
    regressor = fitted()
    monkeypatch.setitem(sys.modules, "onnx", None)  # as if it were not installed
    with pytest.raises(ImportError, match=r"needs the package onnx.* pip install 'skrnn\[onnx\]'"):
        regressor.to_onnx(tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []
