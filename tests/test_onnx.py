"""ONNX graphs of fitted networks, run by ONNX Runtime."""

import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from fits import padded
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


def with_gaps(X, value):
    """Return a copy with absent timesteps anywhere, all of them in the first sample."""
    X, rng = X.copy(), np.random.default_rng(0)
    X[rng.random(X.shape[:2]) < 0.4] = value
    X[0] = value
    return X


def tokens(n_samples=20, timesteps=5):
    return np.random.default_rng(n_samples).integers(0, 9, (n_samples, timesteps))


def cut(X):
    """Return the samples as a list of sequences of 1 to T timesteps."""
    return [x[: 1 + i % X.shape[1]] for i, x in enumerate(X)]


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
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"X": X}), strict=True))


def assert_same_prediction(regressor, X, folder, given=None):
    """Compare what the graph computes from X, or from what is given for it, with `predict`."""
    found = run(regressor, X if given is None else given, folder)["prediction"]
    expected = regressor.predict(X)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, **CLOSE)


REGRESSORS = {
    "plain": {},
    "stacked": {"hidden_size": (4, 3), "dense_sizes": (5, 3)},
    "bidirectional": {"bidirectional": True, "hidden_size": (4, 3)},
    "relu": {"activation": "relu", "dense_sizes": 3, "dense_activation": "tanh"},
    "as given": {"standardize": False},
    "masked": {"mask_value": -1.0},
    "masked, bidirectional": {"mask_value": -1.0, "bidirectional": True, "hidden_size": (4, 3)},
    "float64": {"dtype": "float64"},
    "mean": {"pooling": "mean", "hidden_size": (4, 3)},
    "max": {"pooling": "max", "bidirectional": True},
    "masked mean": {"pooling": "mean", "mask_value": -1.0, "bidirectional": True},
    "masked max": {"pooling": "max", "mask_value": -1.0, "standardize": False},
}


@every_cell
@pytest.mark.parametrize("variant", REGRESSORS)
def test_onnx_prediction_is_that_of_the_estimator(cell_type, variant, tmp_path):
    parameters = {"hidden_size": 4} | REGRESSORS[variant]
    X, X_new = numbers(20), numbers(7)
    if "mask_value" in parameters:
        X, X_new = with_gaps(X, -1), with_gaps(X_new, -1)
    X_new = X_new.astype(parameters.get("dtype", "float32"))
    regressor = trained(RNNRegressor(cell_type, **parameters), X, X.sum((1, 2)))
    assert_same_prediction(regressor, X_new, tmp_path)


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
def test_onnx_reads_padded_sequences_of_other_lengths_than_fitted(
    cell_type, bidirectional, tmp_path
):
    X, X_new = cut(numbers(20)), cut(numbers(9, 8))
    estimator = RNNRegressor(cell_type, (4, 3), bidirectional=bidirectional)
    regressor = trained(estimator, X, [x.sum() for x in X])
    given = padded(X_new, np.float32(np.nan), n_more=0)
    assert_same_prediction(regressor, X_new, tmp_path, given)


TOKENS = {"vocab_size": 9, "embedding_dim": 3}


@every_cell
@pytest.mark.parametrize("mask_value", [None, 0])
def test_onnx_reads_token_ids(cell_type, mask_value, tmp_path):
    X = tokens(20)
    regressor = trained(RNNRegressor(cell_type, 4, mask_value=mask_value, **TOKENS), X, X.sum(1))
    assert_same_prediction(regressor, tokens(7), tmp_path)


@every_cell
def test_onnx_reads_padded_token_ids(cell_type, tmp_path):
    X, X_new = cut(tokens(20)), cut(tokens(9, 8))
    regressor = trained(RNNRegressor(cell_type, 4, **TOKENS), X, [x.sum() for x in X])
    assert_same_prediction(regressor, X_new, tmp_path, padded(X_new, -1))


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("masking", [{}, {"mask_value": np.nan}], ids=["", "masked"])
def test_onnx_returns_every_timestep_also_the_masked_ones(
    cell_type, bidirectional, masking, tmp_path
):
    X, X_new = numbers(20), numbers(7)
    if masking:
        X, X_new = with_gaps(X, np.nan), with_gaps(X_new, np.nan)
    layers = {"bidirectional": bidirectional, "return_sequences": True}
    regressor = trained(RNNRegressor(cell_type, (4, 3), **layers, **masking), X, numbers(20))
    assert regressor.predict(X_new).shape == (7, 5, 2)
    assert_same_prediction(regressor, X_new, tmp_path)


@every_cell
def test_onnx_prediction_has_the_shape_of_several_steps(cell_type, tmp_path):
    X = numbers(20)
    regressor = trained(RNNRegressor(cell_type, 4), X, X[:, :3])
    assert regressor.predict(numbers(7)).shape == (7, 3, 2)
    assert_same_prediction(regressor, numbers(7), tmp_path)


TARGETS = {
    "two classes": lambda X: np.where(X[:, 0, 0] > 3, "up", "down"),
    "several classes": lambda X: np.array(["a", "b", "c"])[np.arange(len(X)) % 3],
    "multilabel": lambda X: (X[:, :3, 0] > 3).astype(int),
    "timesteps": lambda X: (X[:, :, 0] > 3).astype(int),
}


@every_cell
@pytest.mark.parametrize("target", TARGETS)
def test_onnx_probabilities_and_labels_are_those_of_the_classifier(cell_type, target, tmp_path):
    X, X_new = numbers(20), numbers(30)
    estimator = RNNClassifier(cell_type, 4, return_sequences=target == "timesteps")
    classifier = trained(estimator, X, TARGETS[target](X))
    classifier.weights_[-2] *= 20  # so that every label comes, in spite of the biases
    outputs, labels = run(classifier, X_new, tmp_path), classifier.predict(X_new)
    assert len(np.unique(labels)) > 1
    np.testing.assert_array_equal(outputs["label"], labels)
    np.testing.assert_allclose(outputs["probabilities"], classifier.predict_proba(X_new), **CLOSE)


@pytest.mark.parametrize(
    "classes",
    [
        np.array([3, 7]),
        np.array([False, True]),
        np.array([1.0, 2.0]),
        np.array(["ja", "née"]),
        np.array(["ja", "née"], dtype=object),
    ],
)
def test_onnx_labels_keep_their_type(classes, tmp_path):
    X = numbers()
    y = classes[(X[:, 0, 0] > 3).astype(int)]
    classifier = trained(RNNClassifier("gru", 3), X, y)
    label = run(classifier, X, tmp_path)["label"]
    assert label.dtype == (object if isinstance(classes[0], str) else classes.dtype)
    np.testing.assert_array_equal(label, classifier.predict(X))


def test_onnx_refuses_labels_that_a_graph_cannot_hold(tmp_path):
    days = np.array(["2026-01-01", "2026-01-02"], "datetime64[D]")
    classifier = RNNClassifier("gru", 3, epochs=1).fit(numbers(), days[np.arange(20) % 2])
    with pytest.raises(ValueError, match=r"labels that are numbers, booleans or str, got .*date"):
        classifier.to_onnx(tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []


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


IN_NUMPY = sorted(set(DENSE_ACTIVATIONS) & set(ACTIVATIONS))
IN_KERAS = sorted(set(DENSE_ACTIVATIONS) - set(ACTIVATIONS))


@every_cell
@pytest.mark.parametrize("activation", [name for name in IN_NUMPY if name in RECURRENT_ACTIVATIONS])
def test_onnx_has_the_activations_of_the_cells(cell_type, activation, tmp_path):
    X = numbers()
    estimator = RNNRegressor(cell_type, 4, bidirectional=True, activation=activation)
    regressor = trained(estimator, X, X[:, 0, 0])
    assert_same_prediction(regressor, X, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("layer", [SimpleRNN, GRU, LSTM])
@pytest.mark.parametrize("activation", [name for name in IN_KERAS if name in RECURRENT_ACTIVATIONS])
def test_onnx_has_the_cell_activations_of_keras_alone(layer, activation, tmp_path):
    model, regressor = as_regressor(Bidirectional(layer(4, activation=activation)))
    X = numbers() - 3
    prediction = run(regressor, X, tmp_path)["prediction"]
    np.testing.assert_allclose(prediction, model(X).numpy()[:, 0], **CLOSE)


@pytest.mark.parametrize("activation", IN_NUMPY)
def test_onnx_has_the_activations_of_dense_layers(activation, tmp_path):
    X = numbers()
    estimator = RNNRegressor("gru", 4, dense_sizes=3, dense_activation=activation)
    regressor = trained(estimator, X, X[:, 0, 0])
    assert_same_prediction(regressor, X, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("activation", IN_KERAS)
def test_onnx_has_the_dense_activations_of_keras_alone(activation, tmp_path):
    model, regressor = as_regressor(GRU(4), activation)
    X = numbers() - 3
    prediction = run(regressor, X, tmp_path)["prediction"]
    np.testing.assert_allclose(prediction, model(X).numpy()[:, 0], **CLOSE)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "gelu"}, r"no ONNX operator for `activation='gelu'`.*elu, hard_sigmoid"),
        ({"activation": "selu"}, r"no ONNX operator for `activation='selu'`"),
        (
            {"stateful": True, "batch_size": 10},
            "`to_onnx` cannot export a network with `stateful=True`",
        ),
    ],
)
def test_onnx_refuses_what_the_standard_lacks_and_keeps_the_old_file(parameters, message, tmp_path):
    regressor = RNNRegressor("gru", 3, epochs=1, **parameters).fit(numbers(), np.arange(20.0))
    path = tmp_path / "network.onnx"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=message):
        regressor.to_onnx(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_onnx_refuses_a_dense_activation_by_name(tmp_path):
    _, regressor = as_regressor(GRU(4), "silu")
    with pytest.raises(ValueError, match=r"no ONNX operator for `dense_activation='silu'`"):
        regressor.to_onnx(tmp_path / "network.onnx")


def test_onnx_takes_an_unused_dense_activation_of_any_kind(tmp_path):
    X = numbers()
    regressor = trained(RNNRegressor("gru", 3, dense_activation="selu"), X, X[:, 0, 0])
    assert_same_prediction(regressor, X, tmp_path)


@pytest.mark.parametrize("method", ["to_keras", "to_onnx"])
def test_export_refuses_an_unfitted_estimator_and_odd_paths(method, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(RNNRegressor(), method)(tmp_path / "network")
    regressor = RNNRegressor("gru", 3, epochs=1).fit(numbers(), np.arange(20.0))
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


def test_onnx_refuses_a_cell_type_without_an_operator(tmp_path, monkeypatch):
    X = numbers()
    regressor = RNNRegressor("gru", 3, epochs=1).fit(X, X[:, 0, 0])
    monkeypatch.setitem(SPECS, "gru", replace(SPECS["gru"], onnx=None))
    with pytest.raises(
        ValueError, match=r"no ONNX operator for `cell_type='gru'`. Use one of lstm"
    ):
        regressor.to_onnx(tmp_path / "network.onnx")


@pytest.mark.parametrize(("X", "timesteps"), [(numbers(), 5), (cut(numbers()), "timesteps")])
def test_onnx_timesteps_are_free_after_a_fit_on_a_list_alone(X, timesteps, tmp_path):
    trained(RNNRegressor("gru", 3), X, np.arange(20.0)).to_onnx(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    assert session.get_inputs()[0].shape == ["batch", timesteps, 2]


EXPORT = """
import sys
import numpy as np
from skrnn import RNNRegressor
X = np.ones((20, 5, 2))
RNNRegressor("gru", 3, epochs=1).fit(X, X[:, 0, 0]).to_onnx(sys.argv[1])
print(*sorted({"keras", "onnx", "tensorflow"} & set(sys.modules)))
"""


def test_to_onnx_imports_no_keras(tmp_path):
    program = [sys.executable, "-c", EXPORT, tmp_path / "network.onnx"]
    ended = subprocess.run(program, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["onnx"]


def test_to_onnx_names_the_extra_where_onnx_is_missing(tmp_path, monkeypatch):
    regressor = RNNRegressor("gru", 3, epochs=1).fit(numbers(), np.arange(20.0))
    monkeypatch.setitem(sys.modules, "onnx", None)  # as if it were not installed
    with pytest.raises(ImportError, match=r"needs the package onnx: pip install 'skrnn\[onnx\]'"):
        regressor.to_onnx(tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []
