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
from recurrent import LAYERS
from sklearn.utils import check_random_state

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn._keras_engine import engine as _keras_engine
from skrnn._keras_engine import network as _keras_network
from skrnn._keras_engine import programs as _keras_programs
from skrnn._keras_engine.recurrent_layers import input_projected_class
from skrnn._network import keras_names as _keras_names
from skrnn._network.initializers import initial_weights
from skrnn._numpy_engine import engine as _numpy_engine
from skrnn._numpy_engine.losses import LOSSES
from skrnn._numpy_engine.optimizers import OPTIMIZERS

SGD = {"name": "sgd", "momentum": 0.9}
# 50 samples in batches of 16: the last batch is short.
N_SAMPLES, TIMESTEPS, FEATURES, BATCH, EPOCHS, RATE = 50, 5, 3, 16, 4, 0.01
PLAIN = {
    "standardize": False,
    "shuffle": False,
    "batch_size": BATCH,
    "epochs": EPOCHS,
    "random_state": 0,
}

VARIANTS = {
    "plain": {"hidden_size": 4},
    "stacked": {"hidden_size": (4, 3)},
    "bidirectional": {"hidden_size": 4, "bidirectional": True},
    "embedded": {"hidden_size": 4, "vocab_size": 12, "embedding_dim": 8},
    "masked": {"hidden_size": 4, "mask_value": -1.0},
    "sequences": {"hidden_size": 4, "return_sequences": True},
    "weighted": {"hidden_size": 4},
    "dense": {"hidden_size": 4, "dense_sizes": (3,), "dense_activation": "tanh"},
    "masked tokens": {"hidden_size": 4, "vocab_size": 12, "embedding_dim": 8, "mask_value": 0},
    "masked sequences": {"hidden_size": 4, "return_sequences": True, "mask_value": -1.0},
    "weighted timesteps": {"hidden_size": 4, "return_sequences": True},
    "stacked bidirectional": {"hidden_size": (4, 3), "bidirectional": True},
    "masked bidirectional": {"hidden_size": 4, "bidirectional": True, "mask_value": -1.0},
    "weighted masked sequences": {
        "hidden_size": 4,
        "return_sequences": True,
        "mask_value": -1.0,
    },
}


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
    if "sequences" not in variant and "timesteps" not in variant:
        y = y.sum(axis=1)
    weights = rng.uniform(0.1, 3, size=y.shape) if "weighted" in variant else None
    uses_tokens = "vocab_size" in VARIANTS[variant]
    return tokens if uses_tokens else X, y.astype("float32"), weights


def start_weights(estimator):
    """Return the weights from which the first fit of this estimator began."""
    seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
    return initial_weights(estimator._network.architecture, np.random.default_rng([seed, 0]))


def native_network(
    cell,
    *,
    hidden_size,
    bidirectional=False,
    return_sequences=False,
    vocab_size=None,
    embedding_dim=None,
    mask_value=None,
    dense_sizes=(),
    dense_activation=None,
    outputs=1,
    output_activation="linear",
    shape=(TIMESTEPS, FEATURES),
):
    """Return a network of Keras's own layers, wired as a person would wire them."""
    sizes = hidden_size if isinstance(hidden_size, tuple) else (hidden_size,)
    model = keras.Sequential()
    if vocab_size is not None:
        model.add(keras.Input((shape[0],), dtype="int32"))
        masked = mask_value is not None
        model.add(keras.layers.Embedding(vocab_size, embedding_dim, mask_zero=masked))
    else:
        model.add(keras.Input(shape))
        if mask_value is not None:
            model.add(keras.layers.Masking(mask_value))
    for i, size in enumerate(sizes):
        layer = LAYERS[cell](size, return_sequences=return_sequences or i < len(sizes) - 1)
        model.add(keras.layers.Bidirectional(layer) if bidirectional else layer)
    for size in dense_sizes:
        model.add(keras.layers.Dense(size, activation=dense_activation))
    model.add(keras.layers.Dense(outputs, activation=output_activation))
    return model


def keras_optimizer(name, **settings):
    return keras.optimizers.get({"class_name": name, "config": {"learning_rate": RATE, **settings}})


def keras_fit(model, X, y, optimizer, loss, sample_weight=None, epochs=EPOCHS, batch_size=BATCH):
    """Train with keras.Model.fit and return the losses of its epochs."""
    model.compile(optimizer=optimizer, loss=loss, run_eagerly=True)
    history = model.fit(
        X,
        y,
        sample_weight=sample_weight,
        batch_size=batch_size,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    )
    return history.history["loss"]


@functools.cache
def fitted(engine, cell, variant, optimizer):
    """Return the fitted estimator and X."""
    X, y, sample_weight = numbers(variant)
    optimizer = "adam" if optimizer == "adam" else SGD
    estimator = RNNRegressor(cell, optimizer=optimizer, engine=engine, **VARIANTS[variant], **PLAIN)
    return estimator.fit(X, y, sample_weight), X


@functools.cache
def oracle(cell, variant, optimizer):
    """Return the fitted Keras model and its losses."""
    X, y, sample_weight = numbers(variant)
    model = native_network(cell, **VARIANTS[variant])
    model.set_weights(start_weights(fitted("numpy", cell, variant, optimizer)[0]))
    loss = "mean_squared_error"
    if sample_weight is not None:
        loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    settings = {"momentum": 0.9} if optimizer == "sgd" else {}
    curve = keras_fit(
        model, X, y[..., np.newaxis], keras_optimizer(optimizer, **settings), loss, sample_weight
    )
    return model, curve


@every_case
def test_fit_of_both_engines_equals_model_fit(cell, variant, optimizer):
    model, curve = oracle(cell, variant, optimizer)
    assert curve[-1] < curve[0]
    native = native_network(cell, **VARIANTS[variant])
    for engine in ("keras", "numpy"):  # one test, for the oracle takes longer than they do
        estimator, X = fitted(engine, cell, variant, optimizer)
        np.testing.assert_allclose(estimator.history_["loss"], curve, rtol=1e-4)
        for ours, theirs in zip(estimator.weights_, model.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
        native.set_weights(estimator.weights_)
        expected = native(X).numpy()[..., 0]
        np.testing.assert_allclose(estimator.predict(X), expected, rtol=1e-5, atol=1e-5)


@every_engine
@pytest.mark.parametrize(
    ("n_classes", "loss", "activation"),
    [(2, "binary_crossentropy", "sigmoid"), (3, "sparse_categorical_crossentropy", "softmax")],
    ids=["binary", "multiclass"],
)
def test_classifier_equals_model_fit(n_classes, loss, activation, engine):
    X, y, _ = numbers("plain")
    codes = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    classifier = RNNClassifier("gru", 4, engine=engine, **PLAIN).fit(
        X, np.array(["a", "b", "c"])[codes]
    )
    model = native_network(
        "gru",
        hidden_size=4,
        outputs=1 if n_classes == 2 else n_classes,
        output_activation=activation,
    )
    model.set_weights(start_weights(classifier))
    curve = keras_fit(model, X, codes[:, np.newaxis], keras_optimizer("adam"), loss)
    np.testing.assert_allclose(classifier.history_["loss"], curve, rtol=1e-4)
    probabilities = classifier.predict_proba(X)[:, -1]
    np.testing.assert_allclose(probabilities, model(X).numpy()[:, -1], atol=1e-4)


@every_engine
def test_multilabel_classifier_equals_model_fit(engine):
    X, _, _ = numbers("plain")
    y = (X[:, -1] > 0).astype(int)
    classifier = RNNClassifier("gru", 4, engine=engine, **PLAIN).fit(X, y)
    model = native_network("gru", hidden_size=4, outputs=3, output_activation="sigmoid")
    model.set_weights(start_weights(classifier))
    curve = keras_fit(model, X, y, keras_optimizer("adam"), "binary_crossentropy")
    np.testing.assert_allclose(classifier.history_["loss"], curve, rtol=1e-4)
    np.testing.assert_allclose(classifier.predict_proba(X), model(X), atol=1e-4)


@every_engine
def test_class_weight_equals_sample_weight_of_model_fit(engine):
    X, y, _ = numbers("plain")
    codes = (y > 0).astype(int)
    classifier = RNNClassifier("gru", 4, class_weight={0: 1.0, 1: 5.0}, engine=engine, **PLAIN).fit(
        X, codes
    )
    model = native_network("gru", hidden_size=4, output_activation="sigmoid")
    model.set_weights(start_weights(classifier))
    loss = keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight")
    weights = np.where(codes == 1, 5.0, 1.0)
    curve = keras_fit(model, X, codes[:, np.newaxis], keras_optimizer("adam"), loss, weights)
    np.testing.assert_allclose(classifier.history_["loss"], curve, rtol=1e-4)


# The smallest network, for what does not depend on its size.
TINY = {"standardize": False, "shuffle": False, "batch_size": 4, "epochs": 2, "random_state": 0}


def of_both_engines(quick, names, in_numpy):
    """Return (engine, name) for pytest: Keras's, slow but for a few, and those of the tables."""
    slow = pytest.mark.slow
    cases = [pytest.param("keras", name, marks=() if name in quick else slow) for name in names]
    return cases + [("numpy", name) for name in names if name in in_numpy]


def tiny_numbers():
    rng = np.random.default_rng(5)
    return rng.normal(size=(10, 2, 2)).astype("float32")


def tiny_curve(estimator, X, y, loss, optimizer, **network):
    """Return the losses of keras.Model.fit from the weights from which the estimator began."""
    model = native_network("simple_rnn", hidden_size=2, shape=(2, 2), **network)
    model.set_weights(start_weights(estimator))
    return keras_fit(model, X, y, optimizer, loss, epochs=2, batch_size=4)


@pytest.mark.parametrize(
    ("engine", "loss"),
    of_both_engines(QUICK_LOSSES, sorted(_keras_names.REGRESSION_LOSSES), LOSSES),
)
def test_regression_loss_equals_keras(engine, loss):
    X = tiny_numbers()
    y = np.abs(X).astype("float32")[:, :, 0] + 0.1
    regressor = RNNRegressor("simple_rnn", 2, loss=loss, engine=engine, **TINY).fit(X, y)
    activation = "softplus" if loss in _keras_names.POSITIVE_LOSSES else "linear"
    curve = tiny_curve(
        regressor, X, y, loss, keras_optimizer("adam"), outputs=2, output_activation=activation
    )
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)


@pytest.mark.parametrize(
    ("engine", "loss"),
    of_both_engines(QUICK_LOSSES, sorted(_keras_names.SIGMOID_LOSSES), LOSSES),
)
def test_binary_loss_equals_keras(engine, loss):
    X = tiny_numbers()
    y = (X[:, 0, 0] > 0).astype(int)
    classifier = RNNClassifier("simple_rnn", 2, loss=loss, engine=engine, **TINY).fit(X, y)
    curve = tiny_curve(
        classifier,
        X,
        y[:, np.newaxis],
        loss,
        keras_optimizer("adam"),
        output_activation="sigmoid",
    )
    np.testing.assert_allclose(classifier.history_["loss"], curve, rtol=1e-4)


@pytest.mark.parametrize(
    ("engine", "loss"),
    of_both_engines(QUICK_LOSSES, sorted(_keras_names.SOFTMAX_LOSSES), LOSSES),
)
def test_multiclass_loss_equals_keras(engine, loss):
    X = tiny_numbers()
    y = np.arange(10) % 3
    classifier = RNNClassifier("simple_rnn", 2, loss=loss, engine=engine, **TINY).fit(X, y)
    sparse = loss in _keras_names.SPARSE_LOSSES
    curve = tiny_curve(
        classifier,
        X,
        y[:, np.newaxis] if sparse else np.eye(3)[y],
        loss,
        keras_optimizer("adam"),
        outputs=3,
        output_activation="softmax",
    )
    np.testing.assert_allclose(classifier.history_["loss"], curve, rtol=1e-4)


@pytest.mark.parametrize("alias", sorted(_keras_names.LOSS_ALIASES))
def test_alias_of_a_loss_names_the_same_keras_loss(alias):
    assert keras.losses.get(alias) is keras.losses.get(_keras_names.canonical_loss(alias))


every_optimizer = pytest.mark.parametrize(
    ("engine", "optimizer"),
    of_both_engines(QUICK_OPTIMIZERS, sorted(_keras_names.OPTIMIZERS), OPTIMIZERS),
)


@every_optimizer
def test_optimizer_equals_keras(engine, optimizer):
    X = tiny_numbers()
    y = X[:, -1].sum(axis=1)
    regressor = RNNRegressor("simple_rnn", 2, optimizer=optimizer, engine=engine, **TINY)
    regressor.fit(X, y)
    curve = tiny_curve(regressor, X, y[:, np.newaxis], "mse", keras_optimizer(optimizer))
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)


@every_optimizer
def test_optimizer_without_learning_rate_takes_its_own_default(engine, optimizer):
    X = tiny_numbers()
    y = X[:, -1].sum(axis=1)
    settings = TINY | {"learning_rate": None, "engine": engine}
    regressor = RNNRegressor("simple_rnn", 2, optimizer=optimizer, **settings).fit(X, y)
    curve = tiny_curve(regressor, X, y[:, np.newaxis], "mse", optimizer)
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)


SETTINGS = {
    "loss_scale_factor": {"loss_scale_factor": 8.0},
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 2},
    "weight_decay": {"weight_decay": 0.1},
    "clipnorm": {"clipnorm": 0.01},
    "clipvalue": {"clipvalue": 0.01},
    "global_clipnorm": {"global_clipnorm": 0.01},
    "momentum": {"momentum": 0.9, "nesterov": True},
}
QUICK_SETTINGS = {"loss_scale_factor", "gradient_accumulation_steps"}


@pytest.mark.parametrize(
    ("engine", "setting"),
    of_both_engines(QUICK_SETTINGS, SETTINGS, {"weight_decay", "clipnorm", "momentum"}),
)
def test_setting_of_an_optimizer_equals_keras(engine, setting):
    settings = SETTINGS[setting]
    X = tiny_numbers()
    y = X[:, -1].sum(axis=1)
    asked = {"name": "sgd", **settings}
    regressor = RNNRegressor("simple_rnn", 2, optimizer=asked, engine=engine, **TINY).fit(X, y)
    optimizer = keras_optimizer("sgd", **settings)
    curve = tiny_curve(regressor, X, y[:, np.newaxis], "mse", optimizer)
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)


def names_in(module, of):
    """Return the names under which Keras finds its objects, without those of classes."""
    return {name for name, found in module.ALL_OBJECTS_DICT.items() if of(name, found)}


def test_every_keras_loss_is_listed_or_refused():
    in_keras = names_in(losses, lambda name, found: not isinstance(found, type))
    listed = (
        _keras_names.REGRESSION_LOSSES | _keras_names.SIGMOID_LOSSES | _keras_names.SOFTMAX_LOSSES
    )
    refused = _keras_names.REFUSED_LOSSES
    assert listed | refused | set(_keras_names.LOSS_ALIASES) == in_keras
    assert not listed & refused


def test_every_keras_optimizer_is_listed_or_refused():
    listed = _keras_names.OPTIMIZERS | _keras_names.REFUSED_OPTIMIZERS
    assert listed == names_in(optimizers, lambda name, found: True)
    assert not _keras_names.OPTIMIZERS & _keras_names.REFUSED_OPTIMIZERS


def test_every_keras_activation_is_listed_or_refused():
    in_keras = names_in(activations, lambda name, found: True)
    assert in_keras == _keras_names.ACTIVATIONS | _keras_names.REFUSED_ACTIVATIONS
    assert not _keras_names.ACTIVATIONS & _keras_names.REFUSED_ACTIVATIONS


@every_engine
@pytest.mark.parametrize("weighted", [False, True])
def test_validation_losses_equal_those_of_model_fit(weighted, engine):
    X, y, weights = numbers("weighted")
    training, held_out = slice(0, 30), slice(30, 50)  # 20 in batches of 16: the last is short
    validation_data = [X[held_out], y[held_out]] + [weights[held_out]] * weighted
    regressor = RNNRegressor("simple_rnn", 4, engine=engine, **PLAIN)
    regressor.fit(X[training], y[training], validation_data=tuple(validation_data))
    model = native_network("simple_rnn", hidden_size=4)
    model.set_weights(start_weights(regressor))
    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    model.compile(optimizer=keras_optimizer("adam"), loss=loss, run_eagerly=True)
    validation_data[1] = validation_data[1][:, np.newaxis]
    history = model.fit(
        X[training],
        y[training, np.newaxis],
        validation_data=tuple(validation_data),
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
    )
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(regressor.history_[name], history.history[name], rtol=1e-4)


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
        [keras.Input(batch_shape=(BATCH, TIMESTEPS, FEATURES)), layer, keras.layers.Dense(1)]
    )
    model.set_weights(start_weights(regressor))
    model.compile(optimizer=keras_optimizer("adam"), loss="mse", run_eagerly=True)
    reset = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: layer.reset_states())
    history = model.fit(
        X,
        y[:, np.newaxis],
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[reset],
    )
    np.testing.assert_allclose(regressor.history_["loss"], history.history["loss"], rtol=1e-4)
    layer.reset_states()
    batches = [X[start : start + BATCH] for start in (0, 16, 32)]
    expected = np.concatenate([model(batch).numpy()[:, 0] for batch in batches])
    np.testing.assert_allclose(regressor.predict(X), expected, atol=1e-4)
    for ours, theirs in zip(regressor.states_, layer.states, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@every_engine
def test_shuffled_fit_equals_model_fit_on_the_replayed_order(engine):
    X, y, _ = numbers("plain")
    settings = PLAIN | {"shuffle": True, "engine": engine}
    regressor = RNNRegressor("simple_rnn", 4, **settings).fit(X, y)
    model = native_network("simple_rnn", hidden_size=4)
    model.compile(optimizer=keras_optimizer("adam"), loss="mse", run_eagerly=True)
    seed = check_random_state(0).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng([seed, 0])
    model.set_weights(initial_weights(regressor._network.architecture, rng))
    rng.integers(2**31)  # the seed of dropout, drawn also where nothing is dropped
    order, curve = np.arange(N_SAMPLES), []
    for _ in range(EPOCHS):
        rng.shuffle(order)
        history = model.fit(
            X[order], y[order, np.newaxis], batch_size=BATCH, shuffle=False, verbose=0
        )
        curve += history.history["loss"]
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
    model.compile(optimizer=keras_optimizer("adam"), loss="mse", jit_compile=True)
    seed = check_random_state(0).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng([seed, 0])
    model.set_weights(initial_weights(regressor._network.architecture, rng))
    seeds = np.random.default_rng(rng.integers(2**31))
    layer.cell.seed_generator.state.assign([seeds.integers(2**31), 0])
    history = model.fit(
        X, y[:, np.newaxis], batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0
    )
    np.testing.assert_allclose(regressor.history_["loss"], history.history["loss"], rtol=1e-4)


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
    for ours, theirs in zip(regressor.weights_, resident[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(regressor.history_["loss"], resident[1], rtol=1e-6)


@every_case
def test_model_holds_the_network_that_predicts(cell, variant, optimizer):
    for engine in ("keras", "numpy"):
        estimator, X = fitted(engine, cell, variant, optimizer)
        outputs = estimator.model_(X).numpy()[..., 0]
        np.testing.assert_allclose(outputs, estimator.predict(X), rtol=1e-5, atol=1e-5)
