"""From a Keras model to an estimator, and from an estimator to a Keras file."""

import pickle
from functools import partial

import keras
import numpy as np
import pytest
from fits import assert_same_weights, cut, padded, small
from keras.layers import (
    GRU,
    LSTM,
    Activation,
    Bidirectional,
    Concatenate,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Input,
    LeakyReLU,
    Masking,
    Normalization,
    ReLU,
    Rescaling,
    Reshape,
    SimpleRNN,
    SpatialDropout1D,
    TimeDistributed,
)
from processes import run
from sklearn.base import clone
from sklearn.ensemble import VotingRegressor
from sklearn.frozen import FrozenEstimator

import skrnn
from skrnn import RNNClassifier, RNNRegressor

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, (20, 5, 2)).astype("float32")
Y = X.sum((1, 2))
TOKENS = RNG.integers(0, 9, (20, 5))
GAPS = np.where(RNG.random((20, 5, 1)) < 0.4, np.float32(0), X)


def sequential(*layers, form=keras.Sequential):
    """Return a model with weights so large that every gate and bias counts."""
    model, rng = form(layers), np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0, 0.4, weight.shape))
    return model


def adapted():
    layer = Normalization()
    layer.adapt(X)
    return layer


def functional(layers):
    inputs = tensor = layers[0]
    for layer in layers[1:]:
        tensor = layer(tensor)
    return keras.Model(inputs, tensor)


FIRST = {"return_sequences": True}  # of a layer before another
REGRESSORS = {
    "simple_rnn": [SimpleRNN(4), Dense(1)],
    "gru": [GRU(4), Dense(1)],
    "lstm": [LSTM(4), Dense(1)],
    "stacked": [GRU(4, **FIRST), LSTM(3), Dense(5, "relu"), Dense(4, "relu"), Dense(2)],
    "bidirectional": [Bidirectional(LSTM(4, **FIRST)), Bidirectional(GRU(3)), Dense(1)],
    "settings": [GRU(4, "relu", dropout=0.2, recurrent_dropout=0.1), Dense(1)],
    "steps": [GRU(4), Dense(6), Reshape((3, 2))],
    "softplus": [GRU(4), Dense(1, "softplus")],
    "normalization": [adapted(), GRU(4), Dense(1)],
    "scalings": [
        Rescaling(0.5, 0.3),
        Normalization(mean=[1.0, 2.0], variance=[2.0, 3.0]),
        GRU(4),
        Dense(2),
        Rescaling(2.0, [1.0, 3.0]),
    ],
    "masking": [Masking(0.0), adapted(), LSTM(4), Dense(1)],
    "masked timesteps": [Masking(0.0), Bidirectional(LSTM(4, **FIRST)), Dense(2)],
    "embedding": [Embedding(9, 3), SimpleRNN(4), Dense(1)],
    "fixed embedding": [Embedding(9, 3, trainable=False), GRU(4), Dense(1)],
    "spatial": [Embedding(9, 3), SpatialDropout1D(0.2), GRU(4), Dense(1)],
    "masked embedding": [Embedding(9, 3, mask_zero=True), GRU(4), Dense(1)],
    "mean": [Masking(0.0), GRU(4, **FIRST), GlobalAveragePooling1D(), Dense(1)],
    "max": [Bidirectional(GRU(4, **FIRST)), GlobalMaxPooling1D(), Dense(1)],
    "float64": [GRU(4, dtype="float64"), Dense(1, dtype="float64")],
    "activations": [GRU(3), Dense(4), ReLU(), Dense(4), Activation("relu"), Dense(1)],
    "no biases": [
        GRU(4, use_bias=False, **FIRST),
        SimpleRNN(3, use_bias=False),
        Dense(3, "relu", use_bias=False),
        Dense(1, use_bias=False),
    ],
    "no biases both ways": [Bidirectional(LSTM(4, use_bias=False)), Dense(2)],
    "dropout": [
        *[Masking(0.0), Dropout(0.1), LSTM(4, **FIRST), Dropout(0.2), LSTM(3)],
        *[GaussianNoise(0.1), Dense(4, "relu"), Dropout(0.2), Dense(1), Activation("linear")],
    ],
    "time distributed": [
        *[Embedding(9, 3, mask_zero=True), Bidirectional(GRU(4, **FIRST)), SpatialDropout1D(0.2)],
        *[
            TimeDistributed(Dense(3)),
            TimeDistributed(Activation("relu")),
            TimeDistributed(Dense(2)),
        ],
    ],
}
FUNCTIONAL = ["masking", "masked timesteps", "mean", "dropout", "time distributed"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((name, keras.Sequential) for name in REGRESSORS),
        *((name, functional) for name in FUNCTIONAL),
    ],
)
def test_from_keras_predicts_as_the_model(name, form):
    layers, data = REGRESSORS[name], X
    if isinstance(layers[0], Embedding):
        data = TOKENS
    elif isinstance(layers[0], Masking):  # Keras's mean of no timestep is NaN
        data = GAPS[GAPS.any((1, 2))] if name == "mean" else GAPS
    model = sequential(Input(data.shape[1:]), *layers, form=form)
    regressor, expected = RNNRegressor.from_keras(model), model(data).numpy()
    np.testing.assert_allclose(regressor.model_(data).numpy(), expected, **CLOSE)
    if expected.shape[1:] == (1,):
        expected = expected[:, 0]
    prediction = regressor.predict(data)
    assert prediction.shape == expected.shape
    np.testing.assert_allclose(prediction, expected, **CLOSE)


def test_from_keras_gives_the_parameters_of_the_layers():
    model = sequential(
        Input((None, 2)),
        Masking(-1.0),
        Bidirectional(LSTM(4, dropout=0.2, recurrent_regularizer="l2", return_sequences=True)),
        Bidirectional(GRU(3, dropout=0.2, recurrent_regularizer="l2")),
        Dense(5, "tanh"),
        Dense(1),
    )
    parameters = RNNRegressor.from_keras(model).get_params()
    defaults = RNNRegressor().get_params()
    assert {key: value for key, value in parameters.items() if value != defaults[key]} == {
        "cell_type": ("lstm", "gru"),
        "hidden_size": (4, 3),
        "bidirectional": True,
        "dropout": 0.2,
        "recurrent_l2": 0.01,
        "dense_sizes": (5,),
        "dense_activation": "tanh",
        "mask_value": -1.0,
        "standardize": False,
    }


CLASSIFIERS = {
    "one sigmoid": (Dense(1, "sigmoid"), ["no", "yes"]),
    "softmax of two": (Dense(2, "softmax"), ["no", "yes"]),
    "softmax": (Dense(3, "softmax"), ["a", "b", "c"]),
    "softmax without names": (Dense(3, "softmax"), None),
    "one sigmoid, not sorted": (Dense(1, "sigmoid"), ["yes", "no"]),
    "softmax of two, not sorted": (Dense(2, "softmax"), ["yes", "no"]),
    "softmax, not sorted": (Dense(3, "softmax", use_bias=False), ["b", "c", "a"]),
    "sigmoids": (Dense(3, "sigmoid"), None),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_from_keras_gives_probabilities_and_labels(name):
    output, classes = CLASSIFIERS[name]
    model = sequential(Input((5, 2)), LSTM(4), output)
    classifier, expected = RNNClassifier.from_keras(model, classes=classes), model(X).numpy()
    if expected.shape[1] == 1:
        expected = np.hstack([1 - expected, expected])
    columns = np.argsort(classes) if classes else slice(None)
    np.testing.assert_allclose(classifier.predict_proba(X), expected[:, columns], **CLOSE)
    labels = expected > 0.5
    if name != "sigmoids":
        labels = np.array(classes or [0, 1, 2])[expected.argmax(1)]
    np.testing.assert_array_equal(classifier.predict(X), labels)


@pytest.mark.parametrize(
    ("output", "classes", "message"),
    [
        (Dense(3, "softmax"), ["a", "b"], r"`classes` must hold 3 .* got \['a', 'b'\]"),
        (Dense(3, "softmax"), ["b", "a", "b"], "`classes` must hold 3 different labels"),
        (Dense(1, "sigmoid"), ["a", "a"], "`classes` must hold 2 different labels"),
        (Dense(2, "sigmoid"), [0, 1], "`classes` must be None for 2 sigmoids"),
        (Dense(1, "softmax"), None, "got a softmax of one unit"),
        (Dense(1), None, "must be sigmoid or softmax, got `activation='linear'`"),
    ],
)
def test_from_keras_refuses_an_output_or_classes_that_do_not_fit(output, classes, message):
    model = sequential(Input((5, 2)), GRU(3), output)
    with pytest.raises(ValueError, match=message):
        RNNClassifier.from_keras(model, classes=classes)


def test_from_keras_goes_on_as_keras_would():
    model = sequential(Input((5, 2)), LSTM(4), Dense(1))
    model.compile(keras.optimizers.Adam(0.02, clipnorm=1.0), "mae")
    settings = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(X, Y, **settings)
    regressor = RNNRegressor.from_keras(model)
    assert (regressor.loss, regressor.learning_rate) == ("mean_absolute_error", 0.02)
    assert regressor.optimizer == {"name": "adam", "clipnorm": 1.0}
    regressor.set_params(**settings, warm_start=True).fit(X, Y)
    expected = model.fit(X, Y, **settings).history["loss"]
    np.testing.assert_allclose(regressor.history_["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(regressor.predict(X), model(X).numpy()[:, 0], **CLOSE)


def test_from_keras_goes_on_with_own_settings_where_keras_has_none_of_them():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = sequential(Input((5, 2)), GRU(3), Dense(3, "softmax"))
    model.compile(keras.optimizers.SGD(schedule), lambda truth, output: output[:, 0])
    classifier = RNNClassifier.from_keras(model)
    assert (classifier.loss, classifier.optimizer) == ("auto", "adam")
    assert classifier.learning_rate == 0.01
    classifier.partial_fit(X, np.arange(20) % 3)
    assert classifier.n_epochs_ == 1


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mse", "auto"),
        ("huber", "huber"),
        (keras.losses.log_cosh, "log_cosh"),
        (keras.losses.MeanAbsoluteError(name="own"), "mean_absolute_error"),
        (keras.losses.Huber(delta=3.0), "auto"),
        ("poisson", "auto"),
    ],
)
def test_from_keras_takes_over_a_loss_that_it_knows_and_that_fits(loss, expected):
    model = sequential(Input((5, 2)), GRU(3), Dense(1))
    model.compile("sgd", loss)
    regressor = RNNRegressor.from_keras(model)
    assert (regressor.loss, regressor.optimizer) == (expected, "sgd")


def test_from_keras_gives_an_estimator_like_any_other():
    model = sequential(Input((5, 2)), GRU(3), Dense(1))
    regressor = RNNRegressor.from_keras(model)
    copy = pickle.loads(pickle.dumps(regressor))
    np.testing.assert_array_equal(copy.predict(X), regressor.predict(X))
    fresh = clone(regressor).set_params(epochs=1)
    ensemble = VotingRegressor([("a", FrozenEstimator(regressor))]).fit(X, Y)
    np.testing.assert_array_equal(ensemble.predict(X), regressor.predict(X))
    assert fresh.fit(X, Y).predict(X).shape == (20,)
    assert regressor.partial_fit(X, Y).n_epochs_ == 1
    assert regressor.score(X, Y) <= 1


@pytest.mark.parametrize("state", ["never compiled", "never trained", "trained"])
def test_from_keras_goes_on_training_bitwise_after_save_and_load(state, tmp_path):
    model = sequential(Input((5, 2)), GRU(3), Dense(1))
    if state != "never compiled":
        model.compile("adam", "mse")
    if state == "trained":
        model.fit(X, Y, verbose=0)
    regressor = RNNRegressor.from_keras(model).set_params(random_state=0)
    skrnn.save(regressor, tmp_path / "network")
    loaded = skrnn.load(tmp_path / "network").partial_fit(X, Y)
    regressor.partial_fit(X, Y)
    assert_same_weights(loaded, regressor)


def test_from_keras_shares_no_memory_with_the_model():
    model = sequential(Input((5, 2)), GRU(3), Dense(1))
    regressor = RNNRegressor.from_keras(model)
    before = regressor.predict(X)
    model.set_weights([weight * 0 for weight in model.get_weights()])
    np.testing.assert_array_equal(regressor.predict(X), before)


def test_from_keras_carries_the_states_of_a_stateful_model():
    layers = Bidirectional(LSTM(4, stateful=True)), Dense(1)
    model = sequential(Input(batch_shape=(20, 5, 2)), *layers)
    model(X)
    regressor = RNNRegressor.from_keras(model)
    assert (regressor.stateful, regressor.batch_size) == (True, 20)
    np.testing.assert_allclose(regressor.predict(X), model(X).numpy()[:, 0], **CLOSE)


def test_from_keras_takes_sequences_of_any_length_where_the_model_does():
    model = sequential(Input((None, 2)), GRU(3), Dense(1))
    sequences = cut(X)
    expected = [model(sequence[np.newaxis]).numpy()[0, 0] for sequence in sequences]
    regressor = RNNRegressor.from_keras(model)
    np.testing.assert_allclose(regressor.predict(sequences), expected, **CLOSE)
    with pytest.raises(ValueError, match="`X` must have 2 features"):
        regressor.predict(X[:, :, :1])


WORDS = {"vocab_size": 9, "embedding_dim": 3}
MODELS = {  # parameters, and X to fit
    "numbers": ({"hidden_size": (3, 4), "bidirectional": True}, X),
    "tiny": ({"mask_value": 0.0}, GAPS * 1e-9),
    "masked": ({"mask_value": 0.0, "pooling": "max", "bidirectional": True}, GAPS),
    "NaN": ({"mask_value": np.nan, "pooling": "mean"}, np.where(GAPS == 0, np.nan, GAPS)),
    "list": ({"hidden_size": (3, 4)}, cut(X)),
    "tokens": (WORDS | {"mask_value": 2, "spatial_dropout": 0.1}, TOKENS),
    "list of tokens": (WORDS | {"pooling": "mean"}, cut(TOKENS)),
}


@pytest.mark.parametrize("name", MODELS)
def test_from_keras_takes_back_what_model_gives(name, tmp_path):
    parameters, samples = MODELS[name]
    classifies = "vocab_size" in parameters
    estimator = RNNClassifier if classifies else RNNRegressor
    fitted = estimator("gru", engine="numpy", epochs=1).set_params(**parameters)
    fitted.fit(samples, np.arange(20) % 3 if classifies else X[:, :2])
    method = "predict_proba" if classifies else "predict"
    expected, model = getattr(fitted, method)(samples), fitted.model_
    if name in ("masked", "tokens"):
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
    taken = estimator.from_keras(model)
    np.testing.assert_allclose(getattr(taken, method)(samples), expected, **CLOSE)
    for parameter, value in parameters.items():
        np.testing.assert_equal(getattr(taken, parameter), value)
    assert taken.standardize is not classifies


def branched():
    inputs = Input((5, 2))
    return keras.Model(inputs, Dense(1)(Concatenate()([GRU(3)(inputs), LSTM(3)(inputs)])))


def reading(make):
    """Return a functional model whose Dense reads what `make` makes of the input."""
    inputs = Input((5, 2))
    return keras.Model(inputs, Dense(1)(make(inputs)))


def present(inputs):
    return keras.ops.any(keras.ops.not_equal(inputs, 0.0), axis=-1)


def no_nan(inputs):
    return keras.ops.where(keras.ops.isnan(inputs), 0.0, inputs)


class Unnamed(keras.layers.Layer):
    def call(self, inputs):
        return inputs


TWICE = Dense(3)
START = [np.zeros((1, 3), "float32")] * 2
MADE = {
    "own mask": (
        lambda x: LSTM(3)(Masking(1.0)(x), mask=present(x)),
        r"'lstm\w*' .* its mask must",
    ),
    "own NaN": (lambda x: LSTM(3)(no_nan(x)), r"'lstm\w*' .* timesteps must be masked by"),
    "own start": (
        lambda x: LSTM(3)(x, initial_state=START),
        "on its input only, got initial_state",
    ),
    "state": (lambda x: LSTM(3, return_state=True)(x)[1], r"'dense\w*' .* read only the output of"),
    "states": (lambda x: LSTM(3, return_state=True)(x)[0], r"\(LSTM\): it has `return_state=True`"),
    "Monte Carlo": (lambda x: Dropout(0.5)(LSTM(3)(x), training=True), "only, got training=True"),
    "product": (lambda x: 2 * LSTM(3)(x), r"'dense\w*' .* read only the output of 'lstm"),
    "twice": (lambda x: TWICE(TWICE(LSTM(3)(x))), r"'dense\w*' .* called only once"),
    "own layer": (
        lambda x: Unnamed()(LSTM(3)(x)),
        r"\(Unnamed\): no estimator has a layer of this",
    ),
    "inner model": (
        lambda x: sequential(Input((5, 2)), LSTM(3))(x),
        r"\(Sequential\): no estimator",
    ),
}


def changed_output():
    inputs = Input((5, 2))
    return keras.Model(inputs, 2 * Dense(1)(GRU(3)(inputs)))


def two_outputs():
    inputs = Input((5, 2))
    states = GRU(3)(inputs)
    return keras.Model(inputs, [Dense(1)(states), states])


@keras.saving.register_keras_serializable("tests")
class StackedLSTM(LSTM):
    pass


def frozen():
    model = sequential(Input((5, 2)), GRU(3), Dense(1))
    model.trainable = False
    return model


L2 = {"kernel_regularizer": "l2"}
OTHER_WAY = GRU(3, "relu", go_backwards=True)
REFUSED_LAYERS = {  # before Dense(1)
    "Conv1D": ([Conv1D(3, 2), LSTM(3)], r"'conv1d\w*' \(Conv1D\): no estimator has it"),
    "early Dense": ([Dense(3), LSTM(3)], r"'dense\w*' \(Dense\): no estimator .* this position"),
    "Dense between": ([GRU(3, **FIRST), Dense(3), LSTM(3)], r"'dense\w*' \(Dense\): no estimator"),
    "activation of states": ([LSTM(3), Activation("relu")], r"\(Activation\): no estimator has it"),
    "two activations": ([GRU(3), Dense(3, "relu"), ReLU()], r"\(ReLU\): no estimator has it"),
    "bounded": ([GRU(3), Dense(3), ReLU(6.0)], r"\(ReLU\): no estimator has it"),
    "distributed": (
        [GRU(3, **FIRST), TimeDistributed(Reshape((3,)))],
        r"\(TimeDistributed\): no est",
    ),
    "gate": ([LSTM(3, recurrent_activation="tanh")], "has `recurrent_activation='tanh'`"),
    "reset": ([GRU(3, reset_after=False)], "it has `reset_after=False`, but .* have True"),
    "order": ([GRU(3, go_backwards=True)], "it has `go_backwards=True`, but .* have False"),
    "penalty": ([GRU(3, kernel_regularizer="l1")], r"`kernel_regularizer=L1\(l1=.*`, .* None"),
    "penalty of biases": ([GRU(3, bias_regularizer="l2")], "has `bias_regularizer="),
    "penalties": ([GRU(3, **FIRST), GRU(3, **L2)], r"_regularizer=L2\(l2=0.01\)`, .* None"),
    "activations": ([GRU(3, **FIRST), GRU(3, "relu")], "`activation='relu'`, .* have 'tanh'"),
    "own activation": ([GRU(3, LeakyReLU())], "`activation` must have a name in Keras"),
    "directions": ([Bidirectional(GRU(3, **FIRST)), GRU(3)], "`class='GRU'`, .* 'Bidirectional'"),
    "merge": ([Bidirectional(GRU(3), "sum")], "has `merge_mode='sum'`, .* have 'concat'"),
    "backward": ([Bidirectional(GRU(3), backward_layer=OTHER_WAY)], "='relu'`, .* 'tanh'"),
    "inner": ([Bidirectional(StackedLSTM(3))], "must hold a SimpleRNN or .*, got StackedLSTM"),
    "brain": ([GRU(3, dtype="mixed_bfloat16")], "must compute in float32 .* got mixed_bfloat16"),
    "inverse": ([Normalization(mean=0, variance=1, invert=True), GRU(3)], "`invert=True`"),
    "late mask": ([adapted(), Masking(0.0), GRU(3)], r"\(Masking\): no estimator has it"),
    "NaN mask": ([Masking(np.nan), GRU(3)], "`mask_value` must be a number, got nan"),
    "mirror": ([Rescaling(-1.0), GRU(3)], "one positive scale for each feature"),
    "axis": ([Normalization(1), GRU(3)], "`axis` must be -1, the features, got"),
    "no cell": ([Dense(3)], "must have a layer SimpleRNN, GRU, LSTM or Bidirectional"),
    "masked maximum": (
        [Masking(0.0), GRU(3, **FIRST), GlobalMaxPooling1D()],
        "it reads masked timesteps too",
    ),
    "pooled features": (
        [GRU(5, **FIRST), GlobalAveragePooling1D("channels_first")],
        "`data_format='channels_first'`, but .* 'channels_last'",
    ),
}
REFUSED = {name: ([*layers, Dense(1)], words) for name, (layers, words) in REFUSED_LAYERS.items()}
REFUSED |= {
    **{name: (partial(reading, make), words) for name, (make, words) in MADE.items()},
    "changed output": (changed_output, r"'dense\w*' \(Dense\): it must be the last"),
    "no output": ([GRU(3)], "must have a layer Dense for `from_keras`, got none"),
    "sigmoid": ([GRU(3), Dense(1, "sigmoid")], "must be linear or softplus, got `activation='sigm"),
    "half": ([GRU(3), Dense(1, dtype="mixed_float16")], "='mixed_float16'`, but .* 'float32'"),
    "flat shape": ([GRU(3), Dense(6), Reshape((6,))], r"\(steps, outputs\), got \(6,\)"),
    "branched": (branched, r"'lstm\w*' \(LSTM\): it must read only the output of 'gru\w*'"),
    "two outputs": (two_outputs, "`model` must have one output, got 2"),
    "frozen": (frozen, "a trainable layer, got `trainable=False` for all"),
    "unbuilt": (lambda: keras.Sequential([GRU(3), Dense(1)]), "`model` must have weights"),
}


@pytest.mark.filterwarnings("ignore:Layer 'global_max:UserWarning")  # it reads no mask
@pytest.mark.parametrize("name", REFUSED)
def test_from_keras_names_what_it_cannot_take_over(name):
    model, message = REFUSED[name]
    model = model() if callable(model) else sequential(Input((5, 2)), *model)
    with pytest.raises(ValueError, match=message):
        RNNRegressor.from_keras(model)


class Subclassed(keras.Model):
    def build(self, shape):
        self.built = True


def subclassed():
    model = Subclassed()
    model.build(None)
    return model


@pytest.mark.parametrize("model", [None, "network.keras", GRU(3), subclassed()])
def test_from_keras_refuses_what_is_no_chain_of_layers(model):
    name = type(model).__name__
    with pytest.raises(TypeError, match=rf"`model` must be a keras.Sequential or .* got {name}"):
        RNNRegressor.from_keras(model)


PLAIN_KERAS = """
import sys
import keras
import numpy as np
for name in sys.argv[2:]:
    model = keras.models.load_model(f"{sys.argv[1]}/{name}.keras")
    data = np.load(f"{sys.argv[1]}/{name}.npz")
    np.testing.assert_allclose(model(data["X"]).numpy(), data["outputs"], rtol=1e-5, atol=1e-5)
assert "skrnn" not in sys.modules
"""


@pytest.mark.slow
def test_to_keras_file_predicts_alike_where_skrnn_is_not_imported(tmp_path):
    ragged, gru = cut(X), {"cell_type": "gru"}
    gaps, tokens = gru | {"mask_value": 0.0}, {"vocab_size": 9, "embedding_dim": 3, "mask_value": 0}
    cases = {  # parameters, X to fit, and X as an array
        "plain": ({"cell_type": "lstm"}, X, X),
        "tiny": ({}, X * 1e-9, X * 1e-9),
        "gaps": (gaps, GAPS, GAPS),
        "mean": (gaps | {"pooling": "mean"}, GAPS, GAPS),
        "max": (gaps | {"pooling": "max"}, GAPS, GAPS),
        "ragged": (gru | {"bidirectional": True}, ragged, padded(ragged, np.float32(np.nan), 0)),
        "tokens": (gru | tokens, TOKENS, TOKENS),
    }
    targets = {"tiny": X[:, :3], "tokens": np.arange(20) % 3}
    (tmp_path / "plain.keras").write_bytes(b"old")
    for name, (parameters, X_fit, X_array) in cases.items():
        estimator = small(RNNClassifier if name == "tokens" else RNNRegressor, **parameters)
        estimator.fit(X_fit, targets.get(name, X[:, 0])).to_keras(f"{tmp_path}/{name}.keras")
        method = estimator.predict_proba if name == "tokens" else estimator.predict
        np.savez(tmp_path / f"{name}.npz", X=X_array, outputs=method(X_fit))
    run(PLAIN_KERAS, tmp_path, *cases, cwd=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * len(cases)
