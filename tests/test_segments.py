"""`segment`: several timesteps that one step of the recurrent layers reads together."""

from dataclasses import replace

import numpy as np
import pytest
from fits import FLOAT64, assert_same_training, both_engines, cut, small
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import skrnn
from skrnn import RNNClassifier, RNNRegressor, cells
from skrnn._data.sequences import trimmed_slice
from skrnn.inspection import timestep_importance

RNG = np.random.default_rng(0)
N, T, F, S = 40, 12, 2, 3  # segments of S timesteps
X = RNG.normal([3.0, -1.0], [2.0, 0.1], size=(N, T, F))
Y = X[:, 5, 0]
GAPS = X.copy()
GAPS[:, 4:8] = np.nan  # a segment and one timestep of the next, or less of both
GAPS[::2, 5] = 3.0
GAPS[3] = np.nan
LISTS = cut(X)
IDS = RNG.integers(1, 9, (N, T))
IDS[::2, 4:9] = 0
TOKENS = {"vocab_size": 9, "embedding_dim": F, "mask_value": 0}


def joined(x, mask=None):
    """Return x (n, T, F) with S timesteps in one, absent ones as zeros, absent segments as NaN."""
    n_samples = len(x)
    if mask is None:
        return x.reshape(n_samples, -1, S * x.shape[2])
    x = np.where(mask[:, :, np.newaxis], x, 0).reshape(n_samples, -1, S * x.shape[2])
    return np.where(mask.reshape(n_samples, -1, S).any(axis=2)[:, :, np.newaxis], x, np.nan)


def last_states(steps, weights):
    """Return the state after the segments that are there, of each sample alone; zeros of none."""
    states = np.zeros((len(steps), 3))
    for i, x in enumerate(steps):
        present = ~np.isnan(x[:, 0])
        if present.any():
            states[i] = cells.simple_rnn(x[present], *weights)[-1]
    return states


def outcome(estimator, X):
    return getattr(estimator, "predict_proba", estimator.predict)(X)


# Meaning


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bidirectional": True, "pooling": "max", "mask_value": np.nan, "hidden_size": (3, 2)},
        {"dropout": 0.4, "recurrent_dropout": 0.3, "mask_value": np.nan, "cell_type": "gru"},
        {"stateful": True, "batch_size": 8},
    ],
    ids=["plain", "masked", "dropout", "stateful"],
)
def test_network_of_segments_is_the_network_of_their_joined_timesteps(settings):
    """Fitted and predicting, bit by bit."""
    x = GAPS if "mask_value" in settings else X
    by_hand = joined(x, ~np.isnan(x[:, :, 0]))
    expected = small(**FLOAT64 | settings).fit(by_hand, Y)
    found = small(segment=S, **FLOAT64 | settings).fit(x, Y)
    assert_same_training(found, expected, rtol=0)
    assert_array_equal(found.predict(x), expected.predict(by_hand))
    assert_array_equal(found.transform(x), expected.transform(by_hand))
    states = found.hidden_states(x, return_sequences=True)
    assert_array_equal(states, expected.hidden_states(by_hand, return_sequences=True))
    assert states.shape[1] == T // S


def test_absent_timesteps_of_a_segment_are_zeros_after_standardization():
    fitted = small(segment=S, mask_value=np.nan, dtype="float64").fit(GAPS, Y)
    present = ~np.isnan(GAPS[:, :, 0])
    mean, scale = GAPS[present].mean(axis=0), GAPS[present].std(axis=0)
    steps = joined((GAPS - mean) / scale, present)
    expected = last_states(steps, fitted.weights_[:3])
    assert_allclose(fitted.transform(GAPS), expected, rtol=1e-9, atol=1e-12)


def test_segment_of_tokens_has_their_vectors_and_zeros_for_absent_ones():
    settings = TOKENS | {"dtype": "float64"}
    fitted = small(RNNClassifier, segment=S, **settings).fit(IDS, Y > 3)
    vectors = joined(fitted.embeddings_[IDS], IDS > 0)
    expected = last_states(vectors, fitted.weights_[1:4])
    assert_allclose(fitted.transform(IDS), expected, rtol=1e-9, atol=1e-12)


def test_sequences_of_a_list_are_padded_in_front_to_a_multiple():
    settings = {"segment": S, "dtype": "float64"}
    fitted = small(**settings).fit(LISTS, Y)
    found = fitted.predict(LISTS)
    in_front = np.full((N, T, F), np.nan)
    for row, x in zip(in_front, LISTS, strict=True):
        row[T - len(x) :] = x
    expected = small(mask_value=np.nan, **settings).fit(in_front, Y)
    assert_allclose(found, expected.predict(in_front), rtol=1e-7)
    assert fitted.input_shape_ == (None, F)
    assert_allclose(fitted.predict(LISTS[6:7]), found[6:7], rtol=1e-9)  # alone: an array
    assert_allclose(fitted.predict(X[:, :7]), fitted.predict([*X[:, :7], X[0]])[:-1], rtol=1e-9)


def test_hidden_states_of_a_list_are_those_of_each_sequence_from_its_first_segment_on():
    fitted = small(segment=S, dtype="float64").fit(LISTS, Y)
    together = fitted.hidden_states(LISTS, return_sequences=True)
    assert together.shape == (N, T // S, 3)
    for x, states in zip(LISTS[:T], together, strict=False):
        alone = fitted.hidden_states([x], return_sequences=True)[0]
        assert_allclose(states[: len(alone)], alone, rtol=1e-9)
        assert len(alone) == -(-len(x) // S)


@both_engines
def test_spatial_dropout_leaves_out_a_feature_at_all_timesteps_of_a_segment(engine):
    settings = {"spatial_dropout": 0.5, "optimizer": "sgd", "learning_rate": 1.0, "epochs": 1}
    settings |= FLOAT64 | {"segment": S, "engine": engine, "random_state": 3}
    x = np.tile(np.arange(1.0, 7), (1, T, 1)) / 6
    trained = small(**settings).fit(x, [9.0])
    before = small(**settings | {"learning_rate": 1e-12}).fit(x, [9.0])
    change = (trained.weights_[0] - before.weights_[0]).reshape(S, 6, -1)
    learned = (np.abs(change) > 1e-9).any(axis=2)
    assert (learned == learned[0]).all()
    assert 0 < learned[0].sum() < 6


def test_of_a_batch_the_segments_that_no_sample_needs_are_left_out():
    spans = np.array([[4, 10], [5, 9]])  # of 24 timesteps: from the second to the fourth segment
    assert trimmed_slice(spans, 24, 3) == slice(3, 12)
    assert trimmed_slice(np.array([[0, 1]]), 24, 3) == slice(0, 3)
    assert trimmed_slice(np.array([[23, 24]]), 24, 3) == slice(21, 24)
    assert trimmed_slice(np.array([[0, 24]]), 24, 3) == slice(0, 24)


# Which segment


@pytest.mark.parametrize(
    ("timesteps", "segment"),
    [
        (1, 1),
        (47, 1),
        (48, 2),  # 24 steps
        (49, 1),  # 7 steps are too few
        (64, 4),
        (97, 1),  # a prime number
        (100, 5),
        (106, 2),  # 53 steps, since 2 are too few
        (150, 6),
        (720, 30),
        (1000, 50),
        (None, 1),
    ],
)
def test_auto_makes_nearly_22_steps(timesteps, segment):
    table = small(segment="auto").summary((timesteps, 2))
    if segment == 1:
        assert "Reshape" not in table
    else:
        assert f"(None, {timesteps // segment}, {2 * segment})" in table


def test_auto_is_settled_by_fit_and_stays_as_it_is_among_the_parameters():
    x = RNG.normal(size=(20, 48, 1))
    auto = small(segment="auto").fit(x, x[:, 3, 0])
    assert_array_equal(auto.predict(x), small(segment=2).fit(x, x[:, 3, 0]).predict(x))
    assert auto.segment == "auto"
    auto.set_params(warm_start=True).fit(x, x[:, 3, 0]).partial_fit(x, x[:, 3, 0])
    lists = small(segment="auto").fit(cut(x), x[:, 3, 0])
    assert lists._network.architecture.segment == 1


def test_by_default_a_step_is_a_timestep():
    fitted = small().fit(X, Y)
    assert fitted.segment == 1
    assert fitted.weights_[0].shape == (F, 3)
    assert "Reshape" not in fitted.summary()


# Data


def test_static_features_are_joined_to_the_last_state_of_segments():
    x = np.concatenate([X, np.repeat(Y[:, np.newaxis, np.newaxis], T, axis=1)], axis=2)
    settings = {"static_features": (-1,), "dtype": "float64", "segment": S}
    fitted = small(**settings).fit(x, Y)
    alone = fitted.transform(x)
    W, b = fitted.weights_[3:]
    static = (Y - Y.mean()) / Y.std()
    expected = (np.column_stack([alone, static]) @ W + b)[:, 0] * Y.std() + Y.mean()
    assert_allclose(fitted.predict(x), expected, rtol=1e-9)
    lists = cut(x)
    assert_allclose(fitted.predict(x[:2]), fitted.predict(x)[:2], rtol=1e-9)
    small(**settings).fit(lists, Y).predict(lists)


def test_fit_batches_learns_what_fit_does_of_segments_and_unequal_lengths():
    settings = FLOAT64 | {"segment": S, "batch_size": 20}
    equal, unequal = [x[:7] for x in X[:20]], LISTS[20:]
    whole = small(**settings).fit([*equal, *unequal], Y)
    blocks = small(**settings).fit_batches([(equal, Y[:20]), (unequal, Y[20:])])
    assert_allclose(blocks.predict(LISTS), whole.predict(LISTS), rtol=1e-7)


def test_importance_of_a_network_of_segments_is_that_of_timesteps():
    x = RNG.normal(size=(200, T, F))
    fitted = small(hidden_size=8, segment=S, epochs=40).fit(x, x[:, 5, 0])
    result = timestep_importance(fitted, x, x[:, 5, 0], random_state=0)
    assert result.importances_mean.shape == (T, F)
    assert np.unravel_index(result.importances_mean.argmax(), (T, F)) == (5, 0)
    of_lists = timestep_importance(small(segment=S).fit(LISTS, Y), LISTS, Y, random_state=0)
    assert of_lists.importances_mean.shape == (T, F)


# Files and other forms of the network

NETWORKS = {
    "numbers": (lambda **p: small(**p), X),
    "gaps": (lambda **p: small(mask_value=np.nan, pooling="max", **p), GAPS),
    "tokens": (lambda **p: small(RNNClassifier, **TOKENS, **p), IDS),
    "lists": (lambda **p: small(bidirectional=True, **p), LISTS),
}


def fitted_case(name, **parameters):
    """Return a fitted network, X, and X as exported networks read it."""
    make, x = NETWORKS[name]
    estimator = make(segment=S, **parameters)
    fitted = estimator.fit(x, Y > 3 if isinstance(estimator, RNNClassifier) else Y)
    array = x
    if isinstance(x, list):  # in front to a multiple, then at the end
        array = np.full((N, T, F), np.nan)
        for row, values in zip(array, x, strict=True):
            row[-len(values) % S :][: len(values)] = values
    return fitted, x, array


@pytest.mark.parametrize("name", NETWORKS)
def test_files_keep_segments(name, tmp_path):
    fitted, x, _ = fitted_case(name)
    skrnn.save(fitted, tmp_path / "file")
    loaded = skrnn.load(tmp_path / "file")
    assert_array_equal(outcome(loaded, x), outcome(fitted, x))
    assert loaded.segment == S


@pytest.mark.parametrize("change", [{"segment": 5}, {"segment": S, "return_sequences": True}])
def test_files_with_segments_that_do_not_fit_are_refused(change, tmp_path):
    fitted = small(RNNRegressor).fit(X, Y)
    network = fitted._network
    fitted._network = replace(network, architecture=replace(network.architecture, **change))
    with pytest.raises(ValueError, match="cannot be stored: `segment`"):  # read as `load` does
        skrnn.save(fitted, tmp_path / "file")


@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_graph_of_segments_predicts_as_the_estimator(name, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    fitted, x, array = fitted_case(name)
    fitted.to_onnx(tmp_path / "net.onnx")
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    array = array if name == "tokens" else array.astype(np.float32)
    output = "probabilities" if name == "tokens" else "prediction"
    [found] = session.run([output], {"X": array})
    assert_allclose(found.squeeze(), outcome(fitted, x), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_engines_train_segments_alike(name):
    numpy, keras = (
        fitted_case(name, engine=engine, shuffle=False, dtype="float64")[0]
        for engine in ("numpy", "keras")
    )
    assert_same_training(keras, numpy, rtol=1e-7)
    x = NETWORKS[name][1]
    assert_allclose(outcome(keras, x), outcome(numpy, x), rtol=1e-7)
    states = [each.hidden_states(x, return_sequences=True) for each in (keras, numpy)]
    assert_allclose(*states, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_keras_model_of_segments_predicts_as_the_estimator_and_comes_back(name, tmp_path):
    import keras

    fitted, x, array = fitted_case(name)
    fitted.to_keras(tmp_path / "net.keras")
    expected = outcome(fitted, x)
    model = keras.models.load_model(tmp_path / "net.keras")
    found = model.predict(array, verbose=0)[:, -1]
    assert_allclose(found, expected.reshape(N, -1)[:, -1], rtol=1e-4, atol=1e-5)
    back = type(fitted).from_keras(model)
    assert back.segment == S
    assert_allclose(outcome(back, x), expected, rtol=1e-4, atol=1e-5)


def keras_chain(*before, shape=(T // S, S * F)):
    import keras

    layers = keras.layers
    first = keras.Input((T,) if before and hasattr(before[0], "input_dim") else (T, F))
    rest = [layers.Reshape(shape), layers.SimpleRNN(3), layers.Dense(1)]
    return keras.Sequential([first, *before, *rest])


def test_plain_reshape_before_the_recurrent_layers_of_a_keras_model_is_a_segment():
    import keras

    model = keras_chain()
    found = RNNRegressor.from_keras(model)
    assert found.segment == S
    assert_allclose(found.predict(X), model(X).numpy()[:, 0], rtol=1e-4, atol=1e-6)
    tokens = keras_chain(keras.layers.Embedding(9, F))
    found = RNNRegressor.from_keras(tokens)
    assert_allclose(found.predict(IDS), tokens(IDS).numpy()[:, 0], rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*does not support masking|.*mask will be destroyed")
def test_other_reshapes_of_a_keras_model_are_refused():
    import keras

    with pytest.raises(ValueError, match=r"reshape .* to \(timesteps / segment, segment \* featur"):
        RNNRegressor.from_keras(keras_chain(shape=(8, 3)))
    with pytest.raises(ValueError, match="it drops the mask"):
        RNNRegressor.from_keras(keras_chain(keras.layers.Masking(0.0)))


# Refused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"segment": 5},
            r"must divide the 12 timesteps of X, got 5\. Use one of 1, 2, 3, 4, 6, 12",
        ),
        ({"segment": 24}, "must divide the 12 timesteps of X, got 24"),
        (
            {"segment": S, "return_sequences": True},
            "must be 1 with `return_sequences=True`.* got 3",
        ),
        ({"segment": "auto", "return_sequences": True}, "must be 1 .* got 'auto'"),
    ],
)
def test_wrong_segments_are_refused(settings, message):
    estimator = small(**settings)
    y = X[:, :, 0] if estimator.return_sequences else Y
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit_batches([(X, y)])
    with pytest.raises(ValueError, match=message):
        clone(estimator).summary((T, F))


def test_fitted_network_is_not_continued_with_another_segment():
    fitted = small(segment=S, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="segment changed since"):
        fitted.set_params(segment=4).fit(X, Y)
