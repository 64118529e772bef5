"""Integrated gradients: complete, zero where nothing depends, and in the form of X."""

import math

import numpy as np
import pandas as pd
import pytest
from gradients import architecture, flat_weights, inputs, slopes
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier, RNNRegressor, SequenceReshaper
from skrnn._attribution import inputs as _inputs
from skrnn._attribution import plain_network as _plain_network
from skrnn._attribution.path_integral import path_integrals
from skrnn._network.cells import CELLS
from skrnn._network.state import unflatten
from skrnn._numpy_engine.network import Network
from skrnn.inspection import integrated_gradients

RNG = np.random.default_rng(0)
X = RNG.normal([3.0, -1.0], [2.0, 0.5], size=(24, 6, 2))
Y = X[:, 4, 0] * X[:, 2, 1]
LABELS = np.array(["dry", "rain", "snow"])[np.digitize(Y, np.quantile(Y, [0.3, 0.7]))]
IDS = RNG.integers(1, 9, size=(24, 6))
LIST = [row[: 3 + i % 4] for i, row in enumerate(X)]
TINY = {"hidden_size": 3, "epochs": 2, "dtype": "float64", "random_state": 0, "engine": "numpy"}
LAYOUTS = {
    "plain": {},
    "masked bidirectional": {"masked": True, "bidirectional": True, "units": (3, 2)},
    "sequences": {"return_sequences": True, "masked": True},
    "segments": {"timesteps": 6, "segment": 3, "masked": True},
    "static": {"n_static": 2, "dense_sizes": (3,), "dense_activation": "tanh"},
    "mean": {"pooling": "mean", "masked": True},
    "max": {"pooling": "max"},
    "quantiles": {"quantiles": (0.1, 0.5, 0.9)},
}


def regressor(cell_type="gru", **parameters):
    return RNNRegressor(cell_type, **TINY | parameters)


def classifier(**parameters):
    return RNNClassifier("gru", **TINY | parameters)


def sums(attributions):
    return np.array([np.sum(each) for each in attributions])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradient_of_the_input_equals_finite_differences(cell, layout):
    changes = LAYOUTS[layout]
    described = architecture(cell_types=(cell,) * len(changes.get("units", (4,))), **changes)
    x, weights = inputs(described, n_samples=2), flat_weights(described)
    if described.n_static:
        static = np.repeat(RNG.normal(size=(2, 1, 2)), described.timesteps, axis=1)
        x = np.concatenate([x, static], axis=2)
    network = Network(described, weights, *x.shape[:2], to_input=True)
    direction = np.random.default_rng(1).normal(size=network.forward(x).shape)
    gradient = network.input_gradient(direction).ravel()
    places = np.flatnonzero(~np.isnan(x.ravel()))

    def output(point):
        return (direction * network.forward(point.reshape(x.shape))).sum()

    assert_allclose(gradient[places], slopes(output, x.ravel(), places), rtol=1e-5, atol=1e-8)
    assert not gradient[np.isnan(x.ravel())].any()


DRAWN = {
    "lstm": (regressor("lstm"), X),
    "relu": (regressor("simple_rnn", activation="relu", dense_sizes=(8, 5)), X),
    "not standardized": (regressor(standardize=False), X),
    "two layers, both directions": (regressor(hidden_size=(3, 2), bidirectional=True), X),
    "segments": (regressor(segment=2), X),
    "mean": (regressor(pooling="mean"), X),
    "max": (regressor(pooling="max"), X),
    "quantiles": (regressor(loss="quantile"), X),
    "softplus": (regressor(loss="poisson", activation="sigmoid"), X),
    "static": (regressor(static_features=[1]), np.where([False, True], X[:, :1], X)),
    "sequences of any length": (regressor(), LIST),
    "sequences of any length in segments": (regressor(segment=3), LIST),
    "tokens": (regressor(vocab_size=9, embedding_dim=3), IDS),
    "tokens of any length": (
        regressor(vocab_size=9),
        [row[: 3 + i % 4] for i, row in enumerate(IDS)],
    ),
    "one feature": (regressor(), X[:, :, 0]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_attributions_add_up_to_the_change_of_the_prediction(name):
    network, samples = DRAWN[name]
    network.fit(samples, np.abs(Y))
    baseline = samples[::-1] if isinstance(samples, np.ndarray) else None
    if baseline is None:
        baseline = [row[::-1] for row in samples]
    found = integrated_gradients(network, samples, baseline)
    assert [np.shape(row) for row in found] == [np.shape(row) for row in samples]
    change = network.predict(samples) - network.predict(baseline)
    assert_allclose(sums(found), change, rtol=1e-4, atol=1e-6 * np.abs(change).max())


@pytest.mark.parametrize("cells", [("lstm", "gru"), ("gru",), ("simple_rnn",)])
@pytest.mark.parametrize("seed", range(4))
def test_attributions_add_up_at_random_weights(cells, seed):
    network = regressor(list(cells), hidden_size=4, dense_sizes=(6,), epochs=1).fit(X, Y)
    rng = np.random.default_rng(seed)
    network.weights_ = [w + rng.normal(scale=0.7, size=w.shape) for w in network.weights_]
    found = integrated_gradients(network, X)
    change = network.predict(X) - network.predict(np.tile(X.mean(axis=(0, 1)), (24, 6, 1)))
    assert_allclose(sums(found), change, rtol=1e-4, atol=1e-6 * np.abs(change).max())


def test_attributions_of_a_linear_network_are_coefficients_times_differences():
    network = regressor("simple_rnn", activation="linear").fit(X, Y)
    start, one = np.tile(X.mean(axis=(0, 1)), (6, 1)), X[0]
    alone = np.array([np.where(np.arange(12).reshape(6, 2) == i, one, start) for i in range(12)])
    expected = network.predict(alone) - network.predict([start])
    assert_allclose(integrated_gradients(network, X[:1])[0].ravel(), expected, rtol=1e-8)


def test_what_the_network_does_not_read_has_exactly_nothing():
    network = regressor().fit(X, Y)
    network.weights_[0][1] = 0  # of the second feature
    found = integrated_gradients(network, X)
    assert not found[:, :, 1].any()
    assert found[:, :, 0].all()
    baseline = np.where(np.arange(6)[:, np.newaxis] == 2, X[0], 0)
    alike = integrated_gradients(network, X[:1], baseline)[0, :, 0]
    assert_array_equal(np.flatnonzero(alike == 0), 2)


def test_attributions_of_engines_with_equal_weights_are_equal():
    networks = [regressor(engine=engine).fit(X, Y) for engine in ("numpy", "auto")]
    networks[1].weights_ = networks[0].weights_
    assert_array_equal(*(integrated_gradients(network, X) for network in networks))


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["masked bidirectional", "segments", "static", "max"])
def test_gradient_equals_that_of_a_tape_of_tensorflow(layout):
    from skrnn._keras_engine.engine import output_gradients as of_keras
    from skrnn._numpy_engine.engine import output_gradients as of_numpy

    described = architecture(
        **LAYOUTS[layout], cell_types=("gru",) * len(LAYOUTS[layout].get("units", (4,)))
    )
    weights = unflatten(flat_weights(described), [w.shape for w in described.weights()])
    x = inputs(described)
    if described.n_static:
        x = np.concatenate([x, np.repeat(RNG.normal(size=(6, 1, 2)), 5, axis=1)], axis=2)
    n_outputs = math.prod(described.output_shape) * (5 if described.return_sequences else 1)
    directions = RNG.normal(size=(6, n_outputs))
    found = [make(described, weights)(x, directions) for make in (of_numpy, of_keras)]
    for one, other in zip(*found, strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_attributions_add_up_for_an_activation_that_only_keras_has():
    network = regressor(activation="softsign", engine="keras").fit(X, Y)
    change = network.predict(X) - network.predict(np.tile(X.mean(axis=(0, 1)), (24, 6, 1)))
    assert_allclose(sums(integrated_gradients(network, X)), change, rtol=1e-4, atol=1e-7)


def test_a_baseline_may_be_one_sample_or_one_for_each():
    network = regressor().fit(X, Y)
    one = integrated_gradients(network, X, X[3])
    assert_array_equal(one, integrated_gradients(network, X, np.repeat(X[3:4], 24, axis=0)))
    assert not one[3].any()
    of_lists = regressor().fit(LIST, Y)
    longest = integrated_gradients(of_lists, LIST, X[3])
    same = [X[3, : len(row)] for row in LIST]
    for found, expected in zip(longest, integrated_gradients(of_lists, LIST, same), strict=True):
        assert_array_equal(found, expected)


def test_without_a_baseline_samples_are_compared_with_the_training_mean():
    network = regressor().fit(X, Y)
    found = integrated_gradients(network, X[:3])
    assert_allclose(
        found, integrated_gradients(network, X[:3], np.tile(X.mean(axis=(0, 1)), (6, 1)))
    )
    raw = regressor(standardize=False).fit(X, Y)
    assert_array_equal(integrated_gradients(raw, X), integrated_gradients(raw, X, np.zeros((6, 2))))


def test_tokens_without_a_baseline_are_compared_with_the_mean_of_all_vectors():
    network = regressor(vocab_size=9, embedding_dim=3).fit(IDS, Y)
    table = network.weights_[0]
    table[8] = table[:8].mean(axis=0)  # which is then the mean of all
    found = integrated_gradients(network, IDS)
    assert_allclose(found, integrated_gradients(network, IDS, np.full(6, 8)), atol=1e-15)
    assert_allclose(found[IDS == 8], 0, atol=1e-15)


def test_absent_timesteps_have_nothing_and_change_nothing():
    lengths = np.array([len(row) for row in LIST])
    absent = np.arange(6) >= lengths[:, np.newaxis]
    marked = np.where(absent[:, :, np.newaxis], -99.0, X)
    network = regressor(mask_value=-99).fit(marked, Y)
    found = integrated_gradients(network, marked)
    assert not found[absent].any()
    of_list = regressor().fit(LIST, Y)
    of_list.weights_ = network.weights_
    for row, expected in zip(integrated_gradients(of_list, LIST), found, strict=True):
        assert_allclose(row, expected[: len(row)], rtol=1e-6)
    with pytest.raises(
        ValueError, match=r"`baseline` must have all timesteps .* timestep 3, .* sample 1"
    ):
        integrated_gradients(network, marked, marked[0])


def test_a_missing_value_has_the_part_of_its_flag():
    holes = X.copy()
    holes[::3, 2, 1] = np.nan
    network = regressor(missing="flag").fit(holes, Y)
    found = integrated_gradients(network, holes)
    start = np.tile(np.nanmean(holes, axis=(0, 1)), (6, 1))
    change = network.predict(holes) - network.predict([start])
    assert_allclose(sums(found), change, rtol=1e-4, atol=1e-7)
    assert found[0, 2, 1] != 0


def test_a_static_feature_has_equal_parts_at_the_timesteps_that_are_there():
    constant = np.where([False, True], X[:, :1], X)
    constant[0, 4:] = np.nan
    network = regressor(static_features=[1], mask_value=np.nan).fit(constant, Y)
    found = integrated_gradients(network, constant)
    assert_allclose(found[1:, :, 1], np.repeat(found[1:, :1, 1], 6, axis=1))
    assert_array_equal(found[0, :, 1] == 0, np.arange(6) >= 4)
    flat = np.column_stack([IDS, X[:, 0, 0]])
    of_tokens = regressor(vocab_size=9, static_features=[6]).fit(flat, Y)
    baseline = np.full(7, 3.0)
    found = integrated_gradients(of_tokens, flat, baseline)
    change = of_tokens.predict(flat) - of_tokens.predict(baseline[np.newaxis])
    assert found.shape == flat.shape
    assert_allclose(sums(found), change, rtol=1e-4, atol=1e-7)
    assert found[:, 6].all()


def test_a_frame_is_read_by_the_names_of_its_fit():
    frame = pd.DataFrame(X[:, :, 0], columns=list("abcdef"))
    network = regressor().fit(frame, Y)
    found = integrated_gradients(network, frame, frame.mean())
    assert_array_equal(found, integrated_gradients(network, frame, frame.mean().to_numpy()))
    assert found.shape == (24, 6)


@pytest.mark.parametrize("shape", [(2,), (2, 3)])
def test_outputs_of_a_regressor_are_explained_one_by_one(shape):
    y = RNG.normal(10, 5, size=(24, *shape))
    network = regressor().fit(X, y)
    change = network.predict(X) - network.predict(np.tile(X.mean(axis=(0, 1)), (24, 6, 1)))
    for target in np.ndindex(shape):
        target = target[0] if len(shape) == 1 else target
        found = sums(integrated_gradients(network, X, target=target))
        expected = change[:, target] if len(shape) == 1 else change[(slice(None), *target)]
        assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * np.abs(change).max())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_probability_of_a_class_is_explained_and_by_default_of_the_predicted_one(n_classes):
    labels = LABELS if n_classes == 3 else np.where(LABELS == "snow", "snow", "dry")
    network = classifier(epochs=9).fit(X, labels)
    start = network.predict_proba(np.tile(X.mean(axis=(0, 1)), (1, 6, 1)))
    change, predicted = network.predict_proba(X) - start, network.predict(X)
    found = {label: integrated_gradients(network, X, target=label) for label in network.classes_}
    for i, label in enumerate(network.classes_):
        assert_allclose(sums(found[label]), change[:, i], rtol=1e-4, atol=1e-7)
    by_default = integrated_gradients(network, X)
    assert len(set(predicted)) > 1
    for row, label, one in zip(range(24), predicted, by_default, strict=True):
        assert_allclose(one, found[label][row], rtol=1e-6)


def test_a_timestep_of_an_output_at_each_is_explained():
    y = np.cumsum(X[:, :, :1], axis=1) * [1, 2]
    network = regressor(return_sequences=True).fit(X, y)
    found = integrated_gradients(network, X, X[0], target=(3, 1))
    change = network.predict(X) - network.predict(X[:1])
    assert_allclose(sums(found), change[:, 3, 1], rtol=1e-4, atol=1e-6)
    assert not found[:, 4:].any()
    steps = [np.where(row[:, 0] > 3, "high", "low") for row in LIST]
    of_lists = classifier(return_sequences=True).fit(LIST, steps)
    last = integrated_gradients(of_lists, LIST, [0 * row for row in LIST], target=(-1, "high"))
    ends = [of_lists.predict_proba(rows) for rows in (LIST, [0 * row for row in LIST])]
    change = np.array([one[-1][0] - other[-1][0] for one, other in zip(*ends, strict=True)])
    assert_allclose(sums(last), change, rtol=1e-4, atol=1e-7)


def test_attributions_do_not_depend_on_how_much_is_computed_at_once(monkeypatch):
    network = regressor(bidirectional=True).fit(X, Y)
    expected = integrated_gradients(network, X)
    monkeypatch.setattr(_inputs, "BLOCK_BYTES", 500)
    monkeypatch.setattr(_plain_network, "GRADIENT_BYTES", 1)
    assert_allclose(integrated_gradients(network, X), expected, rtol=1e-9)


def test_a_line_is_divided_where_the_function_has_a_kink():
    points = []

    def function(x, lines):
        points.append(len(x))
        return np.abs(x - 0.3).sum(axis=1), np.sign(x - 0.3)

    found = path_integrals(function, np.zeros((1, 2)), np.array([[1.0, 0.5]]), 100)
    assert_allclose(found.parts, [[0.4, -0.1]], rtol=1e-4)
    assert max(points) <= 100
    assert sum(points) < 500


def test_a_function_that_returns_to_where_it_began_is_followed():
    def function(x, lines):
        return np.sin(9 * x[:, 0]) * np.sin(9 * x[:, 1]), np.stack(
            [9 * np.cos(9 * x[:, i]) * np.sin(9 * x[:, 1 - i]) for i in (0, 1)], axis=1
        )

    found = path_integrals(function, np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]), 50)
    places = (np.arange(20_000) + 0.5) / 20_000
    line = np.stack([places, 1 - places], axis=1)
    expected = function(line, None)[1].mean(axis=0) * [1, -1]
    assert_allclose(found.parts[0], expected, rtol=1e-4)


def test_a_jump_of_the_output_is_warned_of():
    network = classifier().fit(X, Y > 3)
    network.weights_[-2:] = [weight * 1e9 for weight in network.weights_[-2:]]
    with pytest.warns(UserWarning, match="samples add up to .* Pass a `baseline` that is nearer"):
        integrated_gradients(network, X)


def test_a_pipeline_is_its_last_step_on_transformed_samples():
    flat = X.reshape(len(X), -1)
    pipeline = make_pipeline(StandardScaler(), SequenceReshaper(2), regressor())
    found = integrated_gradients(pipeline.fit(flat, Y), flat)
    windows = pipeline[:-1].transform(flat)
    assert_array_equal(found, integrated_gradients(pipeline[-1], windows))
    last = make_pipeline(pipeline[-1])
    assert_array_equal(found, integrated_gradients(last, windows))


def test_what_cannot_be_explained_is_refused_in_words():
    network = regressor().fit(X, Y)
    with pytest.raises(NotFittedError):
        integrated_gradients(RNNRegressor(), X)
    with pytest.raises(TypeError, match=r"got GridSearchCV\. Pass its `best_estimator_`"):
        integrated_gradients(GridSearchCV(regressor(), {"epochs": [1]}, cv=2).fit(X, Y), X)
    with pytest.raises(ValueError, match="must not have `stateful=True`"):
        integrated_gradients(regressor(stateful=True, batch_size=8).fit(X, Y), X)
    with pytest.raises(ValueError, match="`X` must hold samples for RNNRegressor, got None"):
        integrated_gradients(network)
    with pytest.raises(ValueError, match="In `baseline`: `X` must have 2 features"):
        integrated_gradients(network, X, X[0, :, :1])
    with pytest.raises(
        ValueError, match=r"`baseline` must be one sample, .* 24 samples of X, got 2"
    ):
        integrated_gradients(network, X, X[:2])
    with pytest.raises(ValueError, match="`target` must be a position among outputs of the shape"):
        integrated_gradients(network, X, target=1)
    several = regressor().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="`target` must select one of the 2 outputs"):
        integrated_gradients(several, X)
    of_classes = classifier().fit(X, LABELS)
    with pytest.raises(
        ValueError, match=r"one of the classes \['dry', 'rain', 'snow'\], got 'hail"
    ):
        integrated_gradients(of_classes, X, target="hail")
    by_step = regressor(return_sequences=True).fit(X, X[:, :, 0])
    with pytest.raises(ValueError, match="`target` must start with the timestep"):
        integrated_gradients(by_step, X)
    with pytest.raises(ValueError, match=r"`target` must name a timestep .* from -6 to 5, got 6"):
        integrated_gradients(by_step, X, target=6)
