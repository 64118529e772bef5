"""skrnn against keras.Model.fit: from the same weights, the same losses, weights and predictions.

The oracle is a network of Keras's own layers, written out here, that starts from the weights from
which the estimator starts and sees the samples in the same order.
"""

import functools
import itertools
import logging

import keras
import numpy as np
import pytest
from keras.src import activations, losses, optimizers
from oracles import (
    FLOAT64_RATE,
    assert_same_arrays,
    first_rng,
    first_weights,
    keras_fit,
    keras_optimizer,
    native_network,
)
from recurrent import LAYERS

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn._keras_engine import engine as _keras_engine
from skrnn._keras_engine import network as _keras_network
from skrnn._keras_engine import programs as _keras_programs
from skrnn._keras_engine.recurrent_layers import input_projected_class
from skrnn._network import keras_names as _keras_names
from skrnn._numpy_engine import engine as _numpy_engine
from skrnn._numpy_engine.losses import LOSSES
from skrnn._numpy_engine.optimizers import OPTIMIZERS

SGD = {"name": "sgd", "momentum": 0.9}
# 50 samples in batches of 16: the last batch is short.
N_SAMPLES, TIMESTEPS, FEATURES = 50, 5, 3
BATCHES = {"batch_size": 16, "epochs": 4}
PLAIN = {"standardize": False, "shuffle": False, "random_state": 0} | BATCHES

SEQUENCES, MASKED = {"return_sequences": True}, {"mask_value": -1.0}
TOKENS = {"vocab_size": 12, "embedding_dim": 8}
VARIANTS = {
    "plain": {},
    "stacked": {"hidden_size": (4, 3)},
    "bidirectional": {"bidirectional": True},
    "embedded": TOKENS,
    "masked": MASKED,
    "sequences": SEQUENCES,
    "weighted": {},
    "dense": {"dense_sizes": (3,), "dense_activation": "elu"},
    "mean": {"hidden_size": (4, 3), "pooling": "mean"},
    "max": {"pooling": "max", "bidirectional": True},
    "masked mean": {"pooling": "mean", "bidirectional": True} | MASKED,
    "masked max": {"hidden_size": (4, 3), "pooling": "max"} | MASKED,
    "masked tokens": TOKENS | {"mask_value": 0},
    "masked sequences": SEQUENCES | MASKED,
    "weighted timesteps": SEQUENCES,
    "stacked bidirectional": {"hidden_size": (4, 3), "bidirectional": True},
    "masked bidirectional": {"bidirectional": True} | MASKED,
    "weighted masked sequences": SEQUENCES | MASKED,
}
VARIANTS = {name: {"hidden_size": 4} | changes for name, changes in VARIANTS.items()}


# Every variant once, every cell type plain, both optimizers. The rest of the product of cell types
# and variants is slow, with one optimizer: how an optimizer uses a gradient has tests of its own.
QUICK_CASES = {
    ("simple_rnn", "plain", "adam"),
    ("gru", "plain", "adam"),
    ("lstm", "plain", "adam"),
    ("simple_rnn", "stacked", "adam"),
    ("lstm", "bidirectional", "adam"),
    ("gru", "embedded", "sgd"),
    ("lstm", "masked", "sgd"),
    ("gru", "sequences", "adam"),
    ("simple_rnn", "weighted", "sgd"),
    ("gru", "dense", "adam"),
    ("simple_rnn", "masked tokens", "adam"),
    ("gru", "mean", "adam"),
    ("lstm", "max", "adam"),
    ("simple_rnn", "masked mean", "adam"),
    ("gru", "masked max", "adam"),
}
QUICK_LOSSES = set(
    "binary_focal_crossentropy categorical_crossentropy categorical_hinge cosine_similarity huber "
    "kl_divergence mean_absolute_percentage_error poisson".split()
)
QUICK_OPTIMIZERS = {"adagrad", "muon", "nadam", "rmsprop", "schedulefreeadamw"}


def slow_but(quick, values):
    """Return parameters for pytest, those that are not among the quick ones marked slow."""
    slow = pytest.mark.slow
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if value in quick else slow,
        )
        for value in values
    ]


every_case = pytest.mark.parametrize(
    ("cell", "variant", "optimizer"),
    slow_but(QUICK_CASES, sorted(QUICK_CASES | {*itertools.product(LAYERS, VARIANTS, ["adam"])})),
)
every_engine = pytest.mark.parametrize("engine", ["keras", "numpy"])


def numbers(variant):
    """Return X, y and sample weights, or None, for a variant."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(N_SAMPLES, TIMESTEPS, FEATURES)).astype("float32")
    tokens = rng.integers(1, 12, size=(N_SAMPLES, TIMESTEPS))
    steps = rng.integers(1, TIMESTEPS + 1, N_SAMPLES)
    absent = np.arange(TIMESTEPS) >= steps[:, np.newaxis]
    absent[:5, 1] = True  # gaps in the middle as well as padding at the end
    if "masked" in variant:
        X[absent], tokens[absent] = -1.0, 0
    y = X.sum(axis=2) + 0.1 * rng.normal(size=(N_SAMPLES, TIMESTEPS))
    y = (y if "return_sequences" in VARIANTS[variant] else y.sum(axis=1)).astype("float32")
    weights = rng.uniform(0.1, 3, size=y.shape) if "weighted" in variant else None
    return tokens if "vocab_size" in VARIANTS[variant] else X, y, weights


def equal_layers(cell, variant):
    return native_network(cell, shape=(TIMESTEPS, FEATURES), **VARIANTS[variant])


@functools.cache
def fitted(engine, cell, variant, optimizer):
    """Return the estimator fitted in float64, where rounding hides no difference, and X."""
    X, y, sample_weight = numbers(variant)
    settings = PLAIN | {"dtype": "float64", "optimizer": SGD if optimizer == "sgd" else optimizer}
    estimator = RNNRegressor(cell, engine=engine, **settings | VARIANTS[variant])
    return estimator.fit(X, y, sample_weight), X


@every_case
def test_fit_of_both_engines_equals_model_fit(cell, variant, optimizer, keras_float64):
    X, y, sample_weight = numbers(variant)
    model = equal_layers(cell, variant)
    model.set_weights(first_weights(fitted("numpy", cell, variant, optimizer)[0]))
    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    settings = {"momentum": 0.9} if optimizer == "sgd" else {}
    by_keras = keras_optimizer(optimizer, learning_rate=FLOAT64_RATE, **settings)
    y = y[..., np.newaxis]
    curve = keras_fit(model, X, y, loss, by_keras, sample_weight, **BATCHES)["loss"]
    assert curve[-1] < curve[0]
    for engine in ("keras", "numpy"):  # one test, for the oracle takes longer than they do
        estimator, X = fitted(engine, cell, variant, optimizer)
        np.testing.assert_allclose(estimator.history_["loss"], curve, rtol=1e-9)
        assert_same_arrays(estimator.weights_, model.get_weights(), rtol=1e-9, atol=1e-9)
        expected = model(X).numpy()[..., 0]
        np.testing.assert_allclose(estimator.predict(X), expected, rtol=1e-9, atol=1e-9)


def labels_of(kind):
    """Return X and labels for a classifier, and as Keras's network reads them."""
    X, y, _ = numbers("plain")
    if kind == "multilabel":
        indicators = (X[:, -1] > 0).astype(int)
        return X, indicators, indicators
    n_classes = 3 if kind == "multiclass" else 2
    codes = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    return X, np.array(["a", "b", "c"])[codes], codes[:, np.newaxis]


SIGMOID = {"output_activation": "sigmoid"}
CLASSIFIERS = {
    "binary": ("binary_crossentropy", SIGMOID),
    "multiclass": (
        "sparse_categorical_crossentropy",
        {"outputs": 3, "output_activation": "softmax"},
    ),
    "multilabel": ("binary_crossentropy", SIGMOID | {"outputs": 3}),
}


@every_engine
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_classifier_equals_model_fit(kind, engine):
    (X, y, codes), (loss, output) = labels_of(kind), CLASSIFIERS[kind]
    classifier = RNNClassifier("gru", 4, engine=engine, **PLAIN).fit(X, y)
    model = native_network("gru", 4, (TIMESTEPS, FEATURES), **output)
    model.set_weights(first_weights(classifier))
    curve = keras_fit(model, X, codes, loss, **BATCHES)["loss"]
    np.testing.assert_allclose(classifier.history_["loss"], curve, rtol=1e-4)
    probabilities, expected = classifier.predict_proba(X), model(X).numpy()
    if kind == "binary":
        probabilities = probabilities[:, 1:]
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)


@every_engine
def test_class_weight_equals_sample_weight_of_model_fit(engine):
    X, y, codes = labels_of("binary")
    classifier = RNNClassifier("gru", 4, class_weight={"b": 5.0}, engine=engine, **PLAIN)
    classifier.fit(X, y)
    model = native_network("gru", 4, (TIMESTEPS, FEATURES), **SIGMOID)
    model.set_weights(first_weights(classifier))
    loss = keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight")
    weights = np.where(y == "b", 5.0, 1.0)
    curve = keras_fit(model, X, codes, loss, sample_weight=weights, **BATCHES)["loss"]
    np.testing.assert_allclose(classifier.history_["loss"], curve, rtol=1e-4)


# The smallest network, for what does not depend on its size.
TINY = {"standardize": False, "shuffle": False, "batch_size": 4, "epochs": 2, "random_state": 0}


def of_both_engines(quick, names, in_numpy):
    """Return (engine, name) for pytest: Keras's, slow but for a few, and those of the tables."""
    slow = pytest.mark.slow
    cases = [pytest.param("keras", name, marks=() if name in quick else slow) for name in names]
    return cases + [("numpy", name) for name in names if name in in_numpy]


TINY_X = np.random.default_rng(5).normal(size=(10, 2, 2)).astype("float32")
TINY_SUM = TINY_X[:, -1].sum(axis=1)


def assert_tiny_fit_equals_keras(estimator, y, codes, loss, optimizer=None, **output):
    """Compare the losses of an estimator, fitted on y, with those of Keras on the codes of y."""
    estimator.set_params(cell_type="simple_rnn", hidden_size=2, **TINY).fit(TINY_X, y)
    model = native_network("simple_rnn", 2, (2, 2), **output)
    model.set_weights(first_weights(estimator))
    curve = keras_fit(model, TINY_X, codes, loss, optimizer, batch_size=4, epochs=2)["loss"]
    np.testing.assert_allclose(estimator.history_["loss"], curve, rtol=1e-4)


@pytest.mark.parametrize(
    ("engine", "loss"),
    of_both_engines(QUICK_LOSSES, sorted(_keras_names.REGRESSION_LOSSES), LOSSES),
)
def test_regression_loss_equals_keras(engine, loss):
    y = np.abs(TINY_X)[:, :, 0] + np.float32(0.1)
    output = {"output_activation": "softplus"} if loss in _keras_names.POSITIVE_LOSSES else {}
    regressor = RNNRegressor(loss=loss, engine=engine)
    assert_tiny_fit_equals_keras(regressor, y, y, loss, outputs=2, **output)


@pytest.mark.parametrize(
    ("engine", "loss"),
    of_both_engines(QUICK_LOSSES, sorted(_keras_names.SIGMOID_LOSSES), LOSSES),
)
def test_binary_loss_equals_keras(engine, loss):
    y = (TINY_X[:, 0, 0] > 0).astype(int)
    classifier = RNNClassifier(loss=loss, engine=engine)
    assert_tiny_fit_equals_keras(classifier, y, y[:, np.newaxis], loss, **SIGMOID)


@pytest.mark.parametrize(
    ("engine", "loss"),
    of_both_engines(QUICK_LOSSES, sorted(_keras_names.SOFTMAX_LOSSES), LOSSES),
)
def test_multiclass_loss_equals_keras(engine, loss):
    y = np.arange(10) % 3
    codes = y[:, np.newaxis] if loss in _keras_names.SPARSE_LOSSES else np.eye(3)[y]
    classifier = RNNClassifier(loss=loss, engine=engine)
    output = CLASSIFIERS["multiclass"][1]
    assert_tiny_fit_equals_keras(classifier, y, codes, loss, **output)


@pytest.mark.parametrize("alias", sorted(_keras_names.LOSS_ALIASES))
def test_alias_of_a_loss_names_the_same_keras_loss(alias):
    assert keras.losses.get(alias) is keras.losses.get(_keras_names.canonical_loss(alias))


# Those of the NumPy engine are compared in float64, in test_numpy_engine.py.
@pytest.mark.parametrize("optimizer", slow_but(QUICK_OPTIMIZERS, sorted(_keras_names.OPTIMIZERS)))
def test_optimizer_equals_keras(optimizer):
    regressor = RNNRegressor(optimizer=optimizer, engine="keras")
    y, by_keras = TINY_SUM[:, np.newaxis], keras_optimizer(optimizer)
    assert_tiny_fit_equals_keras(regressor, TINY_SUM, y, "mse", by_keras)


@pytest.mark.parametrize(
    ("engine", "optimizer"),
    of_both_engines(QUICK_OPTIMIZERS, sorted(_keras_names.OPTIMIZERS), OPTIMIZERS),
)
def test_optimizer_without_learning_rate_takes_its_own_default(engine, optimizer):
    regressor = RNNRegressor(optimizer=optimizer, learning_rate=None, engine=engine)
    y = TINY_SUM[:, np.newaxis]
    assert_tiny_fit_equals_keras(regressor, TINY_SUM, y, "mse", optimizer)


SETTINGS = {
    "loss_scale_factor": 8.0,
    "gradient_accumulation_steps": 2,
    "weight_decay": 0.1,
    "clipnorm": 0.01,
    "clipvalue": 0.01,
    "global_clipnorm": 0.01,
    "nesterov": True,
}
QUICK_SETTINGS = {"loss_scale_factor", "gradient_accumulation_steps"}


@pytest.mark.parametrize("setting", slow_but(QUICK_SETTINGS, SETTINGS))
def test_setting_of_an_optimizer_equals_keras(setting):
    settings = {"momentum": 0.9, setting: SETTINGS[setting]}
    regressor = RNNRegressor(optimizer={"name": "sgd", **settings}, engine="keras")
    y, by_keras = TINY_SUM[:, np.newaxis], keras_optimizer("sgd", **settings)
    assert_tiny_fit_equals_keras(regressor, TINY_SUM, y, "mse", by_keras)


LOSS_FUNCTIONS = {
    name for name, found in losses.ALL_OBJECTS_DICT.items() if not isinstance(found, type)
}


@pytest.mark.parametrize(
    ("in_keras", "listed", "refused"),
    [
        (
            LOSS_FUNCTIONS - set(_keras_names.LOSS_ALIASES),
            _keras_names.REGRESSION_LOSSES
            | _keras_names.SIGMOID_LOSSES
            | _keras_names.SOFTMAX_LOSSES,
            _keras_names.REFUSED_LOSSES,
        ),
        (optimizers.ALL_OBJECTS_DICT, _keras_names.OPTIMIZERS, _keras_names.REFUSED_OPTIMIZERS),
        (activations.ALL_OBJECTS_DICT, _keras_names.ACTIVATIONS, _keras_names.REFUSED_ACTIVATIONS),
    ],
    ids=["losses", "optimizers", "activations"],
)
def test_every_name_of_keras_is_listed_or_refused(in_keras, listed, refused):
    assert listed | refused == set(in_keras)
    assert not listed & refused


@every_engine
@pytest.mark.parametrize("weighted", [False, True])
def test_validation_losses_equal_those_of_model_fit(weighted, engine):
    X, y, weights = numbers("weighted")
    training, held_out = slice(0, 30), slice(30, 50)  # 20 in batches of 16: the last is short
    validation_data = [X[held_out], y[held_out]] + [weights[held_out]] * weighted
    regressor = RNNRegressor("simple_rnn", 4, engine=engine, **PLAIN)
    regressor.fit(X[training], y[training], validation_data=tuple(validation_data))
    model = native_network("simple_rnn", 4, (TIMESTEPS, FEATURES))
    model.set_weights(first_weights(regressor))
    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    validation_data[1] = validation_data[1][:, np.newaxis]
    history = keras_fit(
        *(model, X[training], y[training, np.newaxis], loss),
        validation_data=tuple(validation_data),
        **BATCHES,
    )
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(regressor.history_[name], history[name], rtol=1e-4)


def test_folds_of_slightly_different_size_share_one_trace():
    X, y, _ = numbers("plain")
    regressor = RNNRegressor("simple_rnn", 4, engine="keras", **PLAIN)
    regressor.fit(X, y).predict(X)
    built = _keras_programs._build.cache_info().misses
    regressor.fit(X[:47], y[:47]).predict(X[47:])
    assert _keras_programs._build.cache_info().misses == built


@pytest.mark.slow
def test_many_programs_make_tensorflow_warn_of_nothing(caplog):
    skrnn.clear_cache()
    X, y, _ = numbers("plain")
    plain = PLAIN | {"engine": "keras"}
    regressor = RNNRegressor("lstm", 4, **plain).fit(X, y)
    with caplog.at_level(logging.WARNING, logger="tensorflow"):
        regressor.predict(X)
        for flags in itertools.product((False, True), repeat=2):
            regressor.hidden_states(X, *flags)
        RNNRegressor("gru", 4, **plain).fit(X, y).predict(X)
    assert not caplog.records


@every_engine
def test_stateful_fit_equals_stateful_model_fit_with_zero_states_at_each_epoch(engine):
    X, y, _ = numbers("plain")
    X, y = X[:48], y[:48]
    regressor = RNNRegressor("lstm", 4, stateful=True, engine=engine, **PLAIN).fit(X, y)
    layer = keras.layers.LSTM(4, stateful=True)
    model = keras.Sequential(
        [keras.Input(batch_shape=(16, TIMESTEPS, FEATURES)), layer, keras.layers.Dense(1)]
    )
    model.set_weights(first_weights(regressor))
    reset = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: layer.reset_states())
    curve = keras_fit(model, X, y[:, np.newaxis], "mse", callbacks=[reset], **BATCHES)["loss"]
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)
    layer.reset_states()
    batches = [X[start : start + 16] for start in (0, 16, 32)]
    expected = np.concatenate([model(batch).numpy()[:, 0] for batch in batches])
    np.testing.assert_allclose(regressor.predict(X), expected, atol=1e-4)
    assert_same_arrays(regressor.states_, layer.states, rtol=1e-7, atol=1e-4)


@every_engine
def test_shuffled_fit_equals_model_fit_on_the_replayed_order(engine):
    X, y, _ = numbers("plain")
    settings = PLAIN | {"shuffle": True, "engine": engine}
    regressor = RNNRegressor("simple_rnn", 4, **settings).fit(X, y)
    model, rng = native_network("simple_rnn", 4, (TIMESTEPS, FEATURES)), first_rng(regressor)
    model.set_weights(first_weights(regressor, rng))
    rng.integers(2**31)  # the seed of dropout, drawn also where nothing is dropped
    order, curve, adam = np.arange(N_SAMPLES), [], keras.optimizers.Adam(0.01)
    for _ in range(BATCHES["epochs"]):
        rng.shuffle(order)
        epoch = keras_fit(model, X[order], y[order, np.newaxis], "mse", adam, batch_size=16)
        curve += epoch["loss"]
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dropped", "units"), [("dropout", 4), ("dropout", FEATURES // 2), ("recurrent_dropout", 4)]
)
def test_dropout_equals_jitted_model_fit_from_the_same_seed_states(dropped, units):
    X, y, _ = numbers("plain")
    regressor = RNNRegressor("gru", units, engine="keras", **{dropped: 0.3}, **PLAIN).fit(X, y)
    layer = keras.layers.GRU(units, **{dropped: 0.3})
    model = keras.Sequential([keras.Input((TIMESTEPS, FEATURES)), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), loss="mse", jit_compile=True)
    rng = first_rng(regressor)
    model.set_weights(first_weights(regressor, rng))
    seeds = np.random.default_rng(rng.integers(2**31))
    layer.cell.seed_generator.state.assign([seeds.integers(2**31), 0])
    history = model.fit(X, y[:, np.newaxis], shuffle=False, verbose=0, **BATCHES).history
    np.testing.assert_allclose(regressor.history_["loss"], history["loss"], rtol=1e-4)


@pytest.mark.parametrize(
    ("cell", "units", "recurrent_dropout", "projected"),
    [
        ("simple_rnn", 4, 0.0, True),
        ("lstm", 1, 0.0, True),
        ("lstm", 2, 0.0, False),
        ("simple_rnn", 4, 0.1, False),
    ],
)
def test_training_projects_the_whole_input_where_that_pays(
    cell, units, recurrent_dropout, projected
):
    X, y, _ = numbers("plain")
    subject = RNNRegressor(cell, units, recurrent_dropout=recurrent_dropout, epochs=1)
    described = subject.fit(X, y)._network.architecture
    trained = _keras_network.build_network(described, input_projected=True).layers[1]
    assert isinstance(trained, input_projected_class(cell)) == projected
    assert type(_keras_network.build_network(described).layers[1]) is LAYERS[cell]


@pytest.mark.parametrize("engine", [pytest.param("keras", marks=pytest.mark.slow), "numpy"])
@pytest.mark.parametrize("variant", ["plain", "weighted timesteps", "masked tokens"])
def test_blocks_streamed_from_memory_train_bitwise_as_resident(variant, monkeypatch, engine):
    X, y, sample_weight = numbers(variant)
    regressor = RNNRegressor(
        "simple_rnn", epochs=2, random_state=0, batch_size=4, engine=engine, **VARIANTS[variant]
    )
    regressor.fit(X, y, sample_weight)
    resident = regressor.weights_, regressor.history_["loss"]
    monkeypatch.setattr(_keras_engine, "RESIDENT_BYTES", 1)
    monkeypatch.setattr(_numpy_engine, "RESIDENT_BYTES", 1)
    monkeypatch.setattr(_keras_engine, "MULTIPLY_ADDS_A_CALL", 1)
    regressor.fit(X, y, sample_weight)
    assert_same_arrays(regressor.weights_, resident[0])
    np.testing.assert_allclose(regressor.history_["loss"], resident[1], rtol=1e-6)


@every_case
def test_model_holds_the_network_that_predicts(cell, variant, optimizer):
    for engine in ("keras", "numpy"):
        estimator, X = fitted(engine, cell, variant, optimizer)
        outputs = estimator.model_(X).numpy()[..., 0]
        np.testing.assert_allclose(outputs, estimator.predict(X), rtol=1e-9, atol=1e-9)
