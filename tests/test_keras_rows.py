"""The twelve networks of a first course on recurrent layers, each against Keras itself."""

import keras
import numpy as np
import pytest

from skrnn import RNNClassifier, RNNRegressor, cells

# One sample of 4 timesteps and 5 features.
SAMPLE = np.array(
    [
        [
            [0.1, 4.2, 1.5, 1.1, 2.8],
            [1.0, 3.1, 2.5, 0.7, 1.1],
            [0.3, 2.1, 1.5, 2.1, 0.1],
            [2.2, 1.4, 0.5, 0.9, 1.1],
        ]
    ],
    dtype="float32",
)
# 13 windows of three numbers, each with the number that follows.
WINDOWS = np.array(
    [[k, k + 1, k + 2] for k in range(1, 11)] + [[20, 30, 40], [30, 40, 50], [40, 50, 60]]
)
NEXT = np.array([*range(4, 14), 50, 60, 70])


def shape_and_size(layer):
    """Return the output shape of a layer in a model, and its number of parameters."""
    return layer.output.shape, layer.count_params()


def keras_shape_and_size(batch_shape, *layers):
    """Return the same of the last of these layers, stacked by Keras on this input."""
    model = keras.Sequential([keras.Input(batch_shape=batch_shape), *layers])
    return shape_and_size(model.layers[-1])


@pytest.mark.parametrize(
    ("batch_shape", "return_sequences", "shape"),
    [
        pytest.param((None, 2, 10), False, (None, 3), id="row 1: one output for each sample"),
        pytest.param((8, 2, 10), False, (8, 3), id="row 2: a fixed batch stands in the shape"),
        pytest.param((8, 2, 10), True, (8, 2, 3), id="row 3: every timestep"),
    ],
)
def test_rows_1_to_3_simple_rnn_has_42_parameters(batch_shape, return_sequences, shape):
    estimator = RNNRegressor("simple_rnn", 3, return_sequences=return_sequences)
    model = estimator.build_model(tuple(filter(None, batch_shape)))
    found = shape_and_size(model.get_layer("simple_rnn_1"))
    assert found == (shape, 42)
    layer = keras.layers.SimpleRNN(3, return_sequences=return_sequences)
    assert found == keras_shape_and_size(batch_shape, layer)


def test_row_4_recurrence_by_hand_equals_cells_and_keras():
    rng = np.random.default_rng(0)
    x = rng.random((10, 4))
    Wx, Wh, b = rng.random((8, 4)), rng.random((8, 8)), rng.random(8)
    h, by_hand = np.zeros(8), []
    for x_t in x:
        h = np.tanh(np.dot(Wx, x_t) + np.dot(Wh, h) + b)
        by_hand.append(h)
    np.testing.assert_allclose(cells.simple_rnn(x, Wx.T, Wh.T, b), by_hand, rtol=1e-12)
    layer = keras.layers.SimpleRNN(8, return_sequences=True, dtype="float64")
    layer.build((None, 10, 4))
    layer.set_weights([Wx.T, Wh.T, b])
    np.testing.assert_allclose(layer(x[np.newaxis])[0], by_hand, rtol=1e-12)


def test_row_5_two_stacked_layers_have_112_and_136_parameters():
    estimator = RNNRegressor("simple_rnn", (8, 8), return_sequences=True)
    model = estimator.build_model((10, 5))
    first, second = (model.get_layer(f"simple_rnn_{i}") for i in (1, 2))
    assert shape_and_size(first) == ((None, 10, 8), 112)
    assert shape_and_size(second) == ((None, 10, 8), 136)
    assert first.count_params() + second.count_params() == 248
    layers = [keras.layers.SimpleRNN(8, return_sequences=True) for _ in range(2)]
    assert shape_and_size(second) == keras_shape_and_size((None, 10, 5), *layers)


@pytest.mark.parametrize("n_layers", [1, 4])
def test_row_6_bidirectional_layers_give_sequences_of_width_16(n_layers):
    estimator = RNNRegressor(
        "simple_rnn", (8,) * n_layers, bidirectional=True, return_sequences=True
    )
    model = estimator.build_model((10, 5))
    layers = [
        keras.layers.Bidirectional(keras.layers.SimpleRNN(8, return_sequences=True))
        for _ in range(n_layers)
    ]
    for i in range(n_layers):
        found = shape_and_size(model.get_layer(f"simple_rnn_{i + 1}"))
        assert found[0] == (None, 10, 16)
        assert found == keras_shape_and_size((None, 10, 5), *layers[: i + 1])


def test_row_7_embedding_classifier_has_529441_parameters_and_learns_tokens():
    # Twenty of the 5,000 words occur; the last one of a sequence decides its class.
    rng = np.random.default_rng(0)
    words = rng.choice(5000, size=20, replace=False)
    places = rng.integers(20, size=(400, 30))
    X, y = words[places], np.where(places[:, -1] < 10, "negative", "positive")
    classifier = RNNClassifier(
        "simple_rnn", 128, vocab_size=5000, embedding_dim=100, epochs=5, random_state=0
    )
    classifier.fit(X[:300], y[:300])
    native = keras.Sequential(
        [
            keras.Input((30,)),
            keras.layers.Embedding(5000, 100),
            keras.layers.SimpleRNN(128),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    assert classifier.build_model((30, 1)).count_params() == native.count_params() == 529_441
    assert [weight.shape for weight in classifier.weights_] == [
        weight.shape for weight in native.get_weights()
    ]
    native.set_weights(classifier.weights_)
    probabilities = classifier.predict_proba(X[300:])
    np.testing.assert_allclose(probabilities[:, 1], native(X[300:])[:, 0], atol=1e-5)
    assert classifier.score(X[300:], y[300:]) > 0.9


def test_row_8_gru_reads_timesteps_of_features():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 10, 5)).astype("float32")
    estimator = RNNRegressor("gru", 8, epochs=1, random_state=0, standardize=False)
    estimator.fit(X, X.sum(axis=(1, 2)))
    found = shape_and_size(estimator.model_.get_layer("gru_1"))
    assert found == keras_shape_and_size((None, 10, 5), keras.layers.GRU(8))
    layer = keras.layers.GRU(8)
    layer.build((None, 10, 5))
    layer.set_weights(estimator.weights_[:3])
    np.testing.assert_allclose(estimator.transform(X), layer(X), atol=1e-6)


@pytest.mark.parametrize(
    ("cell_type", "layer_class"),
    [
        pytest.param("simple_rnn", keras.layers.SimpleRNN, id="row 9"),
        pytest.param("lstm", keras.layers.LSTM, id="row 10"),
    ],
)
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("return_state", [False, True])
def test_rows_9_and_10_hidden_states_and_memory_equal_keras(
    cell_type, layer_class, return_sequences, return_state
):
    estimator = RNNRegressor(cell_type, 3, epochs=1, standardize=False, random_state=0)
    estimator.fit(SAMPLE, [1.0])
    layer = layer_class(3, return_sequences=return_sequences, return_state=return_state)
    layer.build(SAMPLE.shape)
    layer.set_weights(estimator.weights_[:3])
    expected = layer(SAMPLE)
    returned = estimator.hidden_states(SAMPLE, return_sequences, return_state)
    if not return_state:
        expected, returned = [expected], [returned]
    assert isinstance(returned, list)
    for ours, theirs in zip(returned, expected, strict=True):
        assert ours.shape == tuple(theirs.shape)
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def relu_lstm(**parameters):
    """LSTM(20, relu), Dense(5, relu), Dense(1) under Adam with its own learning rate."""
    return RNNRegressor(
        "lstm",
        20,
        activation="relu",
        dense_sizes=(5,),
        learning_rate=None,
        batch_size=1,
        epochs=1000,
        patience=10,
        standardize=False,
        **parameters,
    )


def test_row_11_relu_lstm_answers_about_55_to_25_35_45():
    # Of twenty seeds 17 answered 53.2 to 56.8, one 51.3, and two, whose relu units had all died,
    # 7.6. The median of the twenty was 55.5, that of these five 55.3.
    answers = [
        relu_lstm(random_state=seed).fit(WINDOWS, NEXT).predict([[25, 35, 45]])[0]
        for seed in range(5)
    ]
    assert 54 < np.median(answers) < 57


def test_row_11_layers_are_those_of_keras():
    model = relu_lstm().build_model((3, 1))
    found = [shape_and_size(model.get_layer(name)) for name in ("lstm_1", "dense_1", "output")]
    native = keras.Sequential(
        [
            keras.Input((3, 1)),
            keras.layers.LSTM(20, activation="relu"),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    assert found == [shape_and_size(layer) for layer in native.layers]


def test_row_12_two_dimensional_windows_are_read_as_one_feature():
    flat = relu_lstm(random_state=0).set_params(epochs=5).fit(WINDOWS, NEXT)
    deep = relu_lstm(random_state=0).set_params(epochs=5).fit(WINDOWS[:, :, np.newaxis], NEXT)
    assert flat.history_["loss"] == deep.history_["loss"]
    np.testing.assert_array_equal(flat.predict([[25, 35, 45]]), deep.predict([[[25], [35], [45]]]))
