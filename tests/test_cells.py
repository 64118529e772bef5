"""skrnn.cells against Keras's layers and against the recurrence written as a plain loop."""

import re
from itertools import product
from typing import get_args

import numpy as np
import pytest
from recurrent import CELLS, LAYERS, SPECS

from skrnn import RNNRegressor, _types, cells

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}

every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def random_weights(cell, features, units, dtype="float64"):
    rng = np.random.default_rng(1)
    of = SPECS[cell]
    width = of.gates * units
    shapes = (features, width), (units, width), (*of.bias_rows, width)
    return [rng.normal(0, 0.4, shape).astype(dtype) for shape in shapes]


def random_states(cell, shape, dtype="float64"):
    rng = np.random.default_rng(2)
    return [rng.normal(size=shape).astype(dtype) for _ in range(SPECS[cell].states)]


def keras_outputs(cell, x, weights, activation="tanh", states=None):
    """Return all states and the final ones of a Keras layer that holds these weights."""
    layer = LAYERS[cell](
        weights[1].shape[0],
        activation=activation,
        return_sequences=True,
        return_state=True,
        dtype=x.dtype.name,
    )
    layer.build(x.shape)
    layer.set_weights(weights)
    return [output.numpy() for output in layer(x, initial_state=states)]


def in_docstring():
    """Return the cell types that the docstring of an estimator names."""
    return re.search(r"cell_type : \{(.*?)\}", RNNRegressor.__doc__)[1].replace('"', "").split(", ")


def run(cell, *arrays, **settings):
    """Run a cell type by its public function, or without one as such a function would."""

    def as_if_public(*arrays, activation="tanh", initial_state=None, return_state=False):
        return cells._run(cell, arrays, activation, initial_state, return_state)

    return getattr(cells, cell, as_if_public)(*arrays, **settings)


def initial(states):
    """Return states as `initial_state` takes them."""
    return states if len(states) > 1 else states[0]


def test_every_list_of_public_cell_types_is_the_same_and_in_the_table():
    assert {*in_docstring()} == {*get_args(_types.CellType)} == {*cells.__all__} <= {*CELLS}


@every_cell
@every_dtype
@pytest.mark.parametrize("begins", ["at zero", "from states"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "linear"])
def test_batch_and_single_sample_equal_keras(cell, dtype, activation, begins):
    x = np.random.default_rng(0).normal(size=(5, 10, 4)).astype(dtype)
    weights = random_weights(cell, 4, 8, dtype)
    if activation in ("relu", "linear"):
        weights = [weight / 2 for weight in weights]  # unbounded states stay of order one
    states = None if begins == "at zero" else random_states(cell, (5, 8), dtype)
    expected = keras_outputs(cell, x, weights, activation, states)
    for samples in (slice(None), 0):
        initial_state = states and initial([state[samples] for state in states])
        ours = {"activation": activation, "initial_state": initial_state, "return_state": True}
        results = run(cell, x[samples], *weights, **ours)
        for result, oracle in zip(results, expected, strict=True):
            assert (result.dtype, result.shape) == (dtype, oracle[samples].shape)
            np.testing.assert_allclose(result, oracle[samples], rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("function", [np.tanh, lambda x: np.maximum(x, 0)], ids=["tanh", "relu"])
def test_simple_rnn_equals_the_recurrence_by_hand(function):
    rng = np.random.default_rng(0)
    inputs = rng.random((10, 4))
    Wx, Wh, b = rng.random((8, 4)), rng.random((8, 8)) / 8, rng.random(8)
    h, by_hand = np.zeros(8), []
    for x_t in inputs:
        h = function(np.dot(Wx, x_t) + np.dot(Wh, h) + b)
        by_hand.append(h)
    activation = "tanh" if function is np.tanh else "relu"
    result = cells.simple_rnn(inputs, Wx.T, Wh.T, b, activation=activation)
    np.testing.assert_allclose(result, np.stack(by_hand), rtol=1e-12)


@every_cell
@pytest.mark.parametrize("batch", [(), (3,)], ids=["sample", "batch"])
def test_continuing_from_the_final_state_equals_one_run(cell, batch):
    x = np.random.default_rng(0).normal(size=(*batch, 10, 4))
    weights = random_weights(cell, 4, 8)
    first, *state = run(cell, x[..., :6, :], *weights, return_state=True)
    second = run(cell, x[..., 6:, :], *weights, initial_state=initial(state))
    whole = run(cell, x, *weights)
    np.testing.assert_allclose(np.concatenate([first, second], axis=-2), whole, rtol=1e-12)


@every_cell
def test_arguments_stay_as_they_were(cell):
    x = np.random.default_rng(0).normal(size=(3, 10, 4))
    states = random_states(cell, (3, 8))
    arguments = [x, *random_weights(cell, 4, 8), *states]
    before = [array.copy() for array in arguments]
    run(cell, *arguments[:4], initial_state=initial(states))
    for array, copy in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_cell
@pytest.mark.parametrize("dtype", [int, float])
def test_integers_and_one_float64_argument_are_computed_in_float64(cell, dtype):
    x = np.arange(12, dtype=dtype).reshape(3, 4)
    weights = random_weights(cell, 4, 8, "float32")
    result = run(cell, x, *weights)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, run(cell, x.astype(float), *weights))


@every_cell
def test_large_inputs_saturate_without_a_warning(cell):
    x = np.array([[-1e6], [1e6]])
    assert np.isfinite(run(cell, x, *random_weights(cell, 1, 2))).all()


def ones(*shapes):
    return [np.ones(shape) for shape in shapes]


# What a cell of 4 features and 8 units says of its arguments.
SHAPES = [(), (4,), (2, 3, 4, 4), (0, 4), (0, 10, 4), (3, 0)]
REFUSED = {
    r"`x` must have the shape \(timesteps, features\)": ("x", ones(*SHAPES)),
    r"`W` must .* which is \(5, {width}\) .* \(4, {width}\)": ("x", ones((10, 5))),
    r"`R` must have .* \(units, .*units\), got": ("R", ones((8,), (8, 9), (0, 0), (8, 8, 8))),
    r"`b` must have the shape .* got \(7,\)": ("b", ones(7)),
    r"`initial_state` must have .* \(units,\)": ("initial_state", ones((7,), (3, 8), (1, 8))),
    r"`activation` must be among \['linear', 'relu'": ("activation", ["softmax", None, ["tanh"]]),
    "`x` must be one array": ("x", [[[[1.0], [2.0]], [[3.0]]]]),
    "`x` must hold real numbers, got an array of dtype": ("x", [[["a"] * 4], [[1j] * 4]]),
}
ONLY = {
    r"\(2, 3 \* units\).*`reset_after=True`.*got \(24,\)": ("b", "gru", ones(24)),
    r"must be a pair \(h, c\)": ("initial_state", "lstm", [np.zeros(8), 3, [np.zeros(8)]]),
}


def refused():
    """Return each cell type with an argument that does not fit, and the message."""
    for message, (name, values) in REFUSED.items():
        for cell, value in product(CELLS, values):
            of_states = name == "initial_state"
            given = initial([value] * SPECS[cell].states) if of_states else value
            yield cell, name, given, message.replace("{width}", str(8 * SPECS[cell].gates))
    for message, (name, cell, values) in ONLY.items():
        yield from ((cell, name, value, message) for value in values)


@pytest.mark.parametrize(("cell", "name", "value", "message"), [*refused()])
def test_argument_that_does_not_fit_is_refused(cell, name, value, message):
    arguments = {"x": np.ones((10, 4)), **dict(zip("WRb", random_weights(cell, 4, 8), strict=True))}
    arguments[name] = value
    with pytest.raises(TypeError if "real numbers" in message else ValueError, match=message):
        run(cell, *(arguments.pop(name) for name in ("x", *"WRb")), **arguments)
