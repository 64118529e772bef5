"""The derivatives of the NumPy engine: finite differences, and those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import (
    architecture,
    assert_same_output,
    check_gradient,
    flat_weights,
    inputs,
    samples_and_weights,
    slopes,
    weighted_output,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from recurrent import CELLS, SPECS

from skrnn._keras_engine import network as _keras_network
from skrnn._keras_engine.recurrent_layers import input_projected_class, layer_class
from skrnn._network.cells import lstm
from skrnn._network.cells.spec import CellSpec
from skrnn._network.state import unflatten
from skrnn._numpy_engine.activations import ACTIVATIONS, softmax, softmax_backward
from skrnn._numpy_engine.dropout import recurrent_factors
from skrnn._numpy_engine.losses import LOSSES

STACK = {"units": (4, 3), "bidirectional": True}
TOKENS = {"vocab_size": 4, "embedding_dim": 3, "features": 1}
FIXED = TOKENS | {"frozen_layers": ("embedding",), "n_places": None}
SPATIAL = {"spatial_dropout": 0.4, "bidirectional": True, "n_places": 100}
VARIANTS = {
    "plain": {},
    "one sample": {"n_samples": 1},
    "stacked": {"units": (4, 3)},
    "bidirectional": {"bidirectional": True},
    "stacked bidirectional sequences": STACK | {"return_sequences": True},
    "masked": {"masked": True},
    "masked bidirectional": {"masked": True, "bidirectional": True},
    "sequences": {"return_sequences": True},
    "embedded": TOKENS,
    "fixed vectors": FIXED,
    "masked bidirectional fixed vectors": FIXED | {"masked": True, "bidirectional": True},
    "dense": {"dense_sizes": (4, 3), "dense_activation": "tanh"},
    "softmax": {"output_activation": "softmax"},
    "quantiles": {"quantiles": (0.1, 0.2, 0.5, 0.9), "dense_sizes": (3,)},
    "mean": {"pooling": "mean"},
    "max": {"pooling": "max", "units": (4, 3)},
    "masked mean": {"pooling": "mean", "masked": True},
    "masked max": {"pooling": "max", "masked": True, "bidirectional": True},
}
DROPOUTS = {
    "dropout": STACK | {"dropout": 0.5},
    "recurrent dropout": STACK | {"recurrent_dropout": 0.5},
    "both dropouts": STACK | {"dropout": 0.3, "recurrent_dropout": 0.4},
    "spatial dropout": SPATIAL,
    "spatial dropout of tokens": SPATIAL | TOKENS,
    "masked spatial dropout": SPATIAL | {"masked": True, "dropout": 0.3},
}
for name, changes in DROPOUTS.items():
    VARIANTS |= {name: changes, f"{name}, one sample": changes | {"n_samples": 1}}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_equals_finite_differences(cell, variant):
    changes = {"n_samples": 6, "n_places": 20} | VARIANTS[variant]
    how = {name: changes.pop(name) for name in ("n_samples", "n_places")}
    changes["cell_types"] = (cell,) * len(changes.get("units", (4,)))
    check_gradient(architecture(**changes), **how)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_through_an_activation_equals_finite_differences(cell, activation):
    dense = {"dense_sizes": (3,), "dense_activation": activation}
    check_gradient(architecture(cell_types=(cell,), activation=activation, **dense))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_equals_keras(name):
    x = np.linspace(-8, 8, 99)
    found = ACTIVATIONS[name].value(x)
    np.testing.assert_allclose(found, keras.activations.get(name)(x), rtol=1e-9, atol=1e-9)


def test_softmax_and_its_gradient_equal_keras():
    x = np.random.default_rng(0).normal(size=(4, 3)) * 100
    y, d = softmax(x), np.arange(12.0).reshape(4, 3)
    with tf.GradientTape() as tape:
        point = tf.Variable(x)
        expected = keras.activations.softmax(point)
        total = tf.reduce_sum(expected * d)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    np.testing.assert_allclose(softmax_backward(x, y, d), tape.gradient(total, point), atol=1e-12)


def loss_case(name):
    """Return a truth and what enters the loss."""
    rng = np.random.default_rng(3)
    truth, prediction = rng.normal(size=(7, 3)), rng.normal(size=(7, 3)) * 2
    truths = {
        "poisson": rng.poisson(2, (7, 3)).astype(float),
        "binary_crossentropy": rng.integers(0, 2, (7, 3)).astype(float),
        "categorical_crossentropy": np.eye(3)[rng.integers(0, 3, 7)],
        "sparse_categorical_crossentropy": rng.integers(0, 3, (7, 1)).astype(float),
    }
    return truths.get(name, truth), np.exp(prediction) if name == "poisson" else prediction


@pytest.mark.parametrize("name", LOSSES)
def test_loss_equals_keras_and_its_gradient_finite_differences(name):
    truth, prediction = loss_case(name)
    loss = LOSSES[name]
    activation = keras.activations.get(loss.of or "linear")
    value, gradient = loss.value(truth, prediction).sum(axis=1), loss.slope(truth, prediction)
    value /= prediction.shape[1] if loss.mean else 1
    expected = keras.losses.get(name)(truth, activation(prediction))
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    shape, flat = prediction.shape, prediction.ravel()
    expected = slopes(lambda point: loss.value(truth, point.reshape(shape)).sum(), flat)
    np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-6, atol=1e-8)


@st.composite
def architectures(draw):
    n_layers = draw(st.integers(1, 3))
    tokens, sequences = draw(st.booleans()), draw(st.booleans())
    return architecture(
        cell_types=tuple(draw(st.sampled_from(CELLS)) for _ in range(n_layers)),
        units=tuple(draw(st.integers(1, 5)) for _ in range(n_layers)),
        bidirectional=draw(st.booleans()),
        activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
        return_sequences=sequences,
        dense_sizes=tuple(draw(st.lists(st.integers(1, 4), max_size=2))),
        dense_activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
        timesteps=draw(st.integers(1, 6)),
        features=1 if tokens else draw(st.integers(1, 3)),
        outputs=draw(st.sampled_from([(1,), (3,)] if sequences else [(1,), (3,), (2, 2)])),
        output_activation=draw(st.sampled_from(["linear", "sigmoid", "softplus"])),
        vocab_size=4 if tokens else None,
        embedding_dim=2 if tokens else None,
        masked=draw(st.booleans()),
        pooling=draw(st.sampled_from(["last"] if sequences else ["last", "mean", "max"])),
    )


@settings(max_examples=20)
@given(described=architectures(), n_samples=st.sampled_from([1, 4]), seed=st.integers(0, 99))
def test_network_and_gradient_equal_keras(described, n_samples, seed):
    x, weights = inputs(described, n_samples, seed), flat_weights(described, seed)
    model = _keras_network.build_network(described)
    model.set_weights(unflatten(weights, [weight.shape for weight in described.weights()]))
    with tf.GradientTape() as tape:
        output = model(x, training=True)
        if described.return_sequences:  # timesteps come first in ours
            output = tf.experimental.numpy.swapaxes(output, 0, 1)
        output = tf.reshape(output, (-1, int(np.prod(described.outputs))))
        direction = np.random.default_rng(seed).normal(size=output.shape)
        total = tf.reduce_sum(output * direction)
    gradients = tape.gradient(total, model.trainable_variables)
    expected = np.concatenate([np.ravel(tf.convert_to_tensor(array)) for array in gradients])
    found, gradient = weighted_output(described, weights, x, direction)
    np.testing.assert_allclose(found, total, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-9)


# Dropout


def test_dropout_scales_what_it_keeps_to_the_same_mean():
    described = architecture(dropout=0.25, features=400, timesteps=2)
    sizes = 50, 400, 4
    factors = recurrent_factors(described, np.random.default_rng(0), SPECS["lstm"], *sizes)
    drop = factors[0, :, :400]
    assert set(np.unique(drop)) == {0.0, 1 / 0.75}
    assert abs(drop.mean() - 1) < 0.02


def lstm_grad(sigmoid, act, slope, gates, states, grads):
    """Return the gradient of an LSTM's `step`, as a CellSpec takes it."""
    (i, f, g, o), (_, c), (grad_h, grad_c) = gates, states, grads
    (of_i, of_f, of_o), of_g = map(sigmoid, (i, f, o)), act(g)
    c_next = of_f * c + of_i * of_g
    grad_c = grad_c + grad_h * of_o * slope(c_next)
    to_i, to_f = (grad_c * by * of * (1 - of) for by, of in ((of_g, of_i), (c, of_f)))
    to_o = grad_h * act(c_next) * of_o * (1 - of_o)
    return (to_i, to_f, grad_c * of_i * slope(g), to_o), (0, grad_c * of_f)


@pytest.fixture
def plain_lstm(monkeypatch):
    """Add an LSTM to the cell types that has only the equations and their gradient."""
    spec = CellSpec(gates=4, states=2, step=lstm.step, grad=lstm_grad, bias="unit_forget")
    monkeypatch.setitem(SPECS, "plain_lstm", spec)
    yield "plain_lstm"
    layer_class.cache_clear()
    input_projected_class.cache_clear()


PLAIN_VARIANTS = [
    {},
    {"masked": True, "bidirectional": True},
    {"masked": True, "return_sequences": True},
    {"dropout": 0.2, "recurrent_dropout": 0.3},
]


@pytest.mark.parametrize("n_samples", [1, 6])
@pytest.mark.parametrize("variant", PLAIN_VARIANTS, ids=str)
def test_cell_of_step_and_grad_equals_the_faster_one(plain_lstm, variant, n_samples):
    results = []
    for cell in (plain_lstm, "lstm"):
        described = architecture(cell_types=(cell, cell), units=(4, 3), **variant)
        results.append(weighted_output(described, *samples_and_weights(described, n_samples)))
    assert_same_output(*results, rtol=1e-9)


@pytest.mark.parametrize("variant", [{}, {"masked": True, "bidirectional": True}], ids=str)
def test_layer_made_from_a_step_equals_that_of_keras(plain_lstm, variant, tmp_path):
    x, outputs = None, []
    for cell, projected in ((plain_lstm, False), (plain_lstm, True), ("lstm", False)):
        described = architecture(cell_types=(cell,), units=(1,), **variant)
        model = _keras_network.build_network(described, input_projected=projected)
        weights = unflatten(flat_weights(described), [w.shape for w in described.weights()])
        model.set_weights(weights)
        x = inputs(described)
        outputs.append(model(x).numpy())
        if cell == plain_lstm and not projected:
            model.save(tmp_path / "network.keras")
    outputs.append(keras.models.load_model(tmp_path / "network.keras")(x).numpy())
    for output in outputs:
        np.testing.assert_allclose(output, outputs[2], rtol=1e-12)


def test_layer_made_from_a_step_drops_as_that_of_keras(plain_lstm):
    outputs = []
    for cell in (plain_lstm, "lstm"):
        layer = layer_class(cell)(4, dropout=0.3, recurrent_dropout=0.5, seed=0)
        layer.build((2, 9, 3))
        layer.set_weights(
            [np.linspace(-1, 1, w.size).reshape(w.shape) for w in layer.get_weights()]
        )
        outputs.append(layer(np.ones((2, 9, 3), "float32"), training=True))
    np.testing.assert_allclose(*outputs, rtol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_gates_that_drop_nothing_give_the_same_network(cell):
    plain = architecture(cell_types=(cell,))
    dropped = architecture(cell_types=(cell,), recurrent_dropout=1e-12)
    fixed = samples_and_weights(plain)
    found, expected = (weighted_output(described, *fixed) for described in (dropped, plain))
    assert_same_output(found, expected, rtol=1e-9)
