"""The twelve networks of a first course on recurrent layers, each against Keras itself."""

import keras
import numpy as np
import pytest
from keras.layers import GRU, LSTM, Bidirectional, Dense, SimpleRNN

from skrnn import RNNClassifier, RNNRegressor

# One sample of 4 timesteps and 5 features.
SAMPLE = np.random.default_rng(0).uniform(0, 4, (1, 4, 5)).astype("float32")
# 13 windows of three numbers, each with the number that follows.
WINDOWS = np.array(
    [[k, k + 1, k + 2] for k in range(1, 11)] + [[20, 30, 40], [30, 40, 50], [40, 50, 60]]
)
NEXT = np.array([*range(4, 14), 50, 60, 70])


def shape_and_size(layer):
    """Return the output shape of a layer in a model, and its number of parameters."""
    return layer.output.shape, layer.count_params()


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


def simple_rnn(size, **parameters):
    return RNNRegressor("simple_rnn", size, **parameters)


EVERY = {"return_sequences": True}
WIDE = {"bidirectional": True} | EVERY
# The estimator, its input, the layers of Keras, and the shapes and sizes of both. Row 4, the
# recurrence by hand, is in test_cells.py.
ROWS = {
    "row 1: last state": (simple_rnn(3), (None, 2, 10), [SimpleRNN(3)], [((None, 3), 42)]),
    "row 2: fixed batch": (simple_rnn(3), (8, 2, 10), [SimpleRNN(3)], [((8, 3), 42)]),
    "row 3: every state": (
        simple_rnn(3, **EVERY),
        (8, 2, 10),
        [SimpleRNN(3, **EVERY)],
        [((8, 2, 3), 42)],
    ),
    "row 5: two layers": (
        simple_rnn((8, 8), **EVERY),
        (None, 10, 5),
        [SimpleRNN(8, **EVERY) for _ in range(2)],
        [((None, 10, 8), 112), ((None, 10, 8), 136)],
    ),
    "row 6: both directions": (
        simple_rnn(8, **WIDE),
        (None, 10, 5),
        [Bidirectional(SimpleRNN(8, **EVERY))],
        [((None, 10, 16), 224)],
    ),
    "row 6: four such layers": (
        simple_rnn((8,) * 4, **WIDE),
        (None, 10, 5),
        [Bidirectional(SimpleRNN(8, **EVERY)) for _ in range(4)],
        [((None, 10, 16), 224)] + [((None, 10, 16), 400)] * 3,
    ),
    "row 8: gru": (RNNRegressor("gru", 8), (None, 10, 5), [GRU(8)], [((None, 8), 360)]),
    "row 11: relu": (
        relu_lstm(),
        (None, 3, 1),
        [LSTM(20, activation="relu"), Dense(5, activation="relu"), Dense(1)],
        [((None, 20), 1760), ((None, 5), 105), ((None, 1), 6)],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_layers_have_the_shapes_and_sizes_of_those_of_keras(row):
    estimator, batch_shape, layers, expected = ROWS[row]
    native = keras.Sequential([keras.Input(batch_shape=batch_shape), *layers])
    assert [shape_and_size(layer) for layer in native.layers] == expected
    model = estimator.build_model(tuple(filter(None, batch_shape)))
    sized = [layer for layer in model.layers if layer.weights]
    assert [shape_and_size(layer) for layer in sized][: len(expected)] == expected


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
    layers = keras.layers.Embedding(5000, 100), SimpleRNN(128), Dense(1, activation="sigmoid")
    native = keras.Sequential([keras.Input((30,)), *layers])
    assert classifier.build_model((30, 1)).count_params() == native.count_params() == 529_441
    assert [weight.shape for weight in classifier.weights_] == [
        weight.shape for weight in native.get_weights()
    ]
    native.set_weights(classifier.weights_)
    probabilities = classifier.predict_proba(X[300:])
    np.testing.assert_allclose(probabilities[:, 1], native(X[300:])[:, 0], atol=1e-5)
    assert classifier.score(X[300:], y[300:]) > 0.9


@pytest.mark.parametrize(
    ("cell_type", "layer_class"),
    [
        pytest.param("gru", GRU, id="row 8"),
        pytest.param("simple_rnn", SimpleRNN, id="row 9"),
        pytest.param("lstm", LSTM, id="row 10"),
    ],
)
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("return_state", [False, True])
def test_rows_8_to_10_hidden_states_and_memory_equal_keras(
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
    if not return_sequences:
        np.testing.assert_allclose(estimator.transform(SAMPLE), expected[0], atol=1e-6)


def test_row_11_relu_lstm_answers_about_55_to_25_35_45():
    # Of twenty seeds 17 answered 53.2 to 56.8, one 51.3, and two, whose relu units had all died,
    # 7.6. The median of the twenty was 55.5, that of these five 55.3.
    answers = [
        relu_lstm(random_state=seed).fit(WINDOWS, NEXT).predict([[25, 35, 45]])[0]
        for seed in range(5)
    ]
    assert 54 < np.median(answers) < 57


def test_row_12_two_dimensional_windows_are_read_as_one_feature():
    flat = relu_lstm(random_state=0).set_params(epochs=5).fit(WINDOWS, NEXT)
    deep = relu_lstm(random_state=0).set_params(epochs=5).fit(WINDOWS[:, :, np.newaxis], NEXT)
    assert flat.history_["loss"] == deep.history_["loss"]
    np.testing.assert_array_equal(flat.predict([[25, 35, 45]]), deep.predict([[[25], [35], [45]]]))
