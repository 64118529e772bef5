"""skrnn against keras.Model.fit: from the same weights, the same losses, weights and predictions.

The oracle is a network of Keras's own layers, written out here, that starts from the weights from
which the estimator starts and sees the samples in the same order.
"""

import itertools
import logging

import keras
import numpy as np
import pytest
from fits import FIRST_CHOICE, KERAS
from keras.src import activations, losses, optimizers
from oracles import (
    FLOAT64_RATE,
    assert_equal_keras,
    assert_same_arrays,
    first_rng,
    first_weights,
    keras_fit,
    keras_optimizer,
    native_network,
)
from recurrent import LAYERS
from sklearn.base import clone

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn._keras_engine import engine as _keras_engine
from skrnn._keras_engine import network as _keras_network
from skrnn._keras_engine import programs as _keras_programs
from skrnn._keras_engine.recurrent_layers import input_projected_class
from skrnn._native import engine as _native
from skrnn._network import keras_names as _keras_names
from skrnn._numpy_engine import engine as _numpy_engine
from skrnn._numpy_engine.losses import LOSSES
from skrnn._numpy_engine.optimizers import OPTIMIZERS

SGD = {"name": "sgd", "momentum": 0.9}
# 50 samples in batches of 16: the last batch is short.
N_SAMPLES, TIMESTEPS, FEATURES = 50, 5, 3
BATCHES = {"batch_size": 16, "epochs": 2}
PLAIN = {"standardize": False, "shuffle": False, "random_state": 0} | BATCHES

SEQUENCES, MASKED = {"return_sequences": True}, {"mask_value": -1.0}
TOKENS = {"vocab_size": 12, "embedding_dim": 8}
GIVEN = TOKENS | {"embedding_init": np.random.default_rng(0).normal(size=(12, 8))}
PENALTIES = {"bidirectional": True, "kernel_l2": 0.3, "recurrent_l2": 0.2}
VARIANTS = {
    "plain": {},
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
    "stacked bidirectional": {"hidden_size": (4, 3), "bidirectional": True},
    "weighted masked sequences": SEQUENCES | MASKED,
    "masked penalized": {"hidden_size": (4, 3)} | PENALTIES | MASKED,
    "fixed vectors": GIVEN | {"embedding_trainable": False},
    "masked given tokens": GIVEN | {"mask_value": 0},
}
VARIANTS = {name: {"hidden_size": 4} | changes for name, changes in VARIANTS.items()}


# Each variant with one cell type, and two with every one; test_gradients.py has the whole product.
EACH_ONCE = zip(itertools.cycle(LAYERS), VARIANTS)
OF_EVERY_CELL = itertools.product(LAYERS, ["plain", "weighted masked sequences"])
FIT_CASES = dict.fromkeys([*EACH_ONCE, *OF_EVERY_CELL])
QUICK_CASES = {("simple_rnn", "plain")}
QUICK_LOSSES = {"poisson"}


def slow_unless(is_quick, cases):
    """Return rows of parameters for pytest, those that are not quick marked slow."""
    slow = pytest.mark.slow
    return [pytest.param(*case, marks=() if is_quick(*case) else slow) for case in cases]


# The fast engines share a test, because the oracle takes longer than they do.
FAST = [*dict.fromkeys(["numpy", FIRST_CHOICE])]
ENGINES = ["keras", *FAST]
every_engine = pytest.mark.parametrize("engine", [KERAS, *FAST])


def numbers(variant):
    """Return X, y and sample weights of mean 1 over what is present, or None, for a variant."""
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
    weights = None
    if "weighted" in variant:
        weights = rng.uniform(0.1, 3, size=y.shape)
        weights /= weights[~absent].mean() if "masked" in variant else weights.mean()
    return tokens if "vocab_size" in VARIANTS[variant] else X, y, weights


X, Y, _ = numbers("plain")


@pytest.mark.parametrize(
    ("cell", "variant"),
    slow_unless(lambda *case: case in QUICK_CASES, FIT_CASES),
)
def test_fit_of_both_engines_and_their_model_equal_model_fit(cell, variant, keras_float64):
    X, y, sample_weight = numbers(variant)
    settings = PLAIN | {"dtype": "float64"} | VARIANTS[variant]
    times_3 = None if sample_weight is None else 3 * sample_weight  # only ratios matter
    fits = [RNNRegressor(cell, engine=engine, **settings).fit(X, y, times_3) for engine in ENGINES]
    assert_equal_keras(fits, X, y[..., np.newaxis], sample_weight=sample_weight)
    for fitted in fits:
        assert fitted.history_["loss"][-1] < fitted.history_["loss"][0]
        outputs = fitted.model_(X).numpy()[..., 0]
        np.testing.assert_allclose(outputs, fitted.predict(X), rtol=1e-9, atol=1e-9)


SIGMOID = {"output_activation": "sigmoid"}
SOFTMAX = {"output_activation": "softmax", "outputs": 3}


def labels(n_classes):
    return np.digitize(Y, np.quantile(Y, np.arange(1, n_classes) / n_classes))


CLASSIFIERS = {
    "binary": (keras.losses.BinaryCrossentropy, SIGMOID, labels(2)),
    "multiclass": (keras.losses.SparseCategoricalCrossentropy, SOFTMAX, labels(3)),
    "multilabel": (keras.losses.BinaryCrossentropy, SIGMOID | {"outputs": 3}, X[:, -1] > 0),
}


@pytest.mark.parametrize(
    ("engines", "kind"),
    slow_unless(lambda *case: case[0] == FAST, itertools.product([["keras"], FAST], CLASSIFIERS)),
    ids=str,
)
def test_classifier_equals_model_fit_with_its_weights_of_classes(engines, kind):
    loss, output, codes = CLASSIFIERS[kind]
    y, class_weight, sample_weight = codes.astype(int), None, None
    if kind != "multilabel":
        y, class_weight = np.array(["a", "b", "c"])[codes], {"b": 5.0}
        sample_weight = np.where(codes == 1, 5.0, 1.0)
        codes, sample_weight = codes[:, np.newaxis], sample_weight / sample_weight.mean()
    classifier = RNNClassifier("simple_rnn", 4, class_weight=class_weight, **PLAIN)
    fits = [clone(classifier).set_params(engine=engine).fit(X, y) for engine in engines]
    given = {"output": output, "sample_weight": sample_weight}
    assert_equal_keras(fits, X, codes, loss(), **given)


# The smallest network, for what does not depend on its size.
TINY = PLAIN | {"batch_size": 4, "epochs": 2}
TINY_X = np.random.default_rng(5).normal(size=(10, 2, 2)).astype("float32")
TASKS = {
    "regression": (RNNRegressor, np.abs(TINY_X)[:, :, 0] + np.float32(0.1), {"outputs": 2}),
    "binary": (RNNClassifier, (TINY_X[:, 0, 0] > 0).astype(int), SIGMOID),
    "multiclass": (RNNClassifier, np.arange(10) % 3, SOFTMAX),
}
LOSS_NAMES = {
    "regression": _keras_names.REGRESSION_LOSSES,
    "binary": _keras_names.SIGMOID_LOSSES,
    "multiclass": _keras_names.SOFTMAX_LOSSES,
}
LOSSES_OF = {"keras": set().union(*LOSS_NAMES.values()), "numpy": LOSSES, "native": _native.LOSSES}


def those_with(name, names_of):
    """Return the engines that know a loss or an optimizer, in lists that share a test."""
    lists = [[engine for engine in part if name in names_of[engine]] for part in (["keras"], FAST)]
    return filter(None, lists)


LOSS_CASES = [
    (engines, task, loss)
    for task, names in LOSS_NAMES.items()
    for loss in sorted(names)
    for engines in those_with(loss, LOSSES_OF)
]


@pytest.mark.parametrize(
    ("engines", "task", "loss"),
    slow_unless(lambda *case: case[0] != ["keras"] or case[2] in QUICK_LOSSES, LOSS_CASES),
    ids=str,
)
def test_loss_equals_keras(engines, task, loss):
    estimator, y, output = TASKS[task]
    fits = [
        estimator("simple_rnn", 2, loss=loss, engine=engine, **TINY).fit(TINY_X, y)
        for engine in engines
    ]
    if task == "regression" and loss in _keras_names.POSITIVE_LOSSES:
        output = output | {"output_activation": "softplus"}
    if task == "binary" or loss in _keras_names.SPARSE_LOSSES:
        y = y[:, np.newaxis]
    elif task == "multiclass":
        y = np.eye(3)[y]
    assert_equal_keras(fits, TINY_X, y, loss, output=output)


@pytest.mark.parametrize("alias", sorted(_keras_names.LOSS_ALIASES))
def test_alias_of_a_loss_names_the_same_keras_loss(alias):
    assert keras.losses.get(alias) is keras.losses.get(_keras_names.canonical(alias))


@pytest.mark.parametrize(("loss", "activation"), [("poisson", "softplus"), ("mse", "linear")])
def test_unfitted_network_ends_as_its_loss_needs(loss, activation):
    model = RNNRegressor("simple_rnn", 2, loss=loss).build_model((2, 2))
    assert model.layers[-1].activation is keras.activations.get(activation)


SETTINGS = {
    "loss_scale_factor": 8.0,
    "gradient_accumulation_steps": 2,
    "weight_decay": 0.1,
    "clipnorm": 0.01,
    "clipvalue": 0.01,
    "global_clipnorm": 0.01,
    "nesterov": True,
}
# Without a learning rate, an optimizer takes its own default. Those of the NumPy engine with one
# are compared in test_numpy_engine.py.
OPTIMIZERS_OF = {
    "keras": _keras_names.OPTIMIZERS,
    "numpy": OPTIMIZERS,
    "native": _native.OPTIMIZERS,
}
OPTIMIZER_CASES = [
    *(
        (engines, {"name": name}, None)
        for name in sorted(_keras_names.OPTIMIZERS)
        for engines in those_with(name, OPTIMIZERS_OF)
    ),
    *((["keras"], SGD | {name: value}, FLOAT64_RATE) for name, value in SETTINGS.items()),
]


@pytest.mark.parametrize(
    ("engines", "optimizer", "learning_rate"),
    slow_unless(lambda *case: case[0] != ["keras"], OPTIMIZER_CASES),
    ids=str,
)
def test_optimizer_and_its_settings_equal_keras(engines, optimizer, learning_rate):
    settings = TINY | {"optimizer": optimizer, "learning_rate": learning_rate}
    y = TINY_X[:, -1].sum(axis=1)
    fits = [
        RNNRegressor("simple_rnn", 2, engine=engine, **settings).fit(TINY_X, y)
        for engine in engines
    ]
    by_keras = keras_optimizer(**optimizer, learning_rate=learning_rate)
    assert_equal_keras(fits, TINY_X, y[:, np.newaxis], "mse", by_keras)


LOSS_FUNCTIONS = {
    name for name, found in losses.ALL_OBJECTS_DICT.items() if not isinstance(found, type)
}


@pytest.mark.parametrize(
    ("in_keras", "listed", "refused"),
    [
        (
            LOSS_FUNCTIONS - set(_keras_names.LOSS_ALIASES),
            frozenset.union(*LOSS_NAMES.values()),
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


VALIDATED = [
    (FAST, "simple_rnn", "plain"),
    (FAST, "gru", "masked given tokens"),
    (["numpy"], "gru", "fixed vectors"),
    (ENGINES, "simple_rnn", "weighted"),
    (ENGINES, "gru", "masked penalized"),
]


@pytest.mark.parametrize(
    ("engines", "cell", "variant"),
    slow_unless(lambda engines, *_: "keras" not in engines, VALIDATED),
    ids=str,
)
def test_validation_losses_equal_those_of_model_fit(engines, cell, variant, keras_float64):
    training, held_out = (  # 20 in batches of 16: the last is short
        [array if array is None else array[part] for array in numbers(variant)]
        for part in (slice(30), slice(30, None))
    )
    settings = PLAIN | {"dtype": "float64"} | VARIANTS[variant]
    fits = [
        RNNRegressor(cell, engine=engine, **settings).fit(*training, validation_data=held_out)
        for engine in engines
    ]
    for part in (training, held_out):
        part[1] = part[1][:, np.newaxis]
        if part[2] is not None:
            part[2] = part[2] / part[2].mean()
    X, y, sample_weight = training
    assert_equal_keras(fits, X, y, sample_weight=sample_weight, validation_data=held_out)


def test_folds_of_slightly_different_size_share_one_trace():
    regressor = RNNRegressor("simple_rnn", 4, engine="keras", **PLAIN)
    regressor.fit(X, Y).predict(X)
    built = set(_keras_programs._kept)
    regressor.fit(X[:47], Y[:47]).predict(X[47:])
    assert set(_keras_programs._kept) == built


@pytest.mark.slow
def test_many_programs_make_tensorflow_warn_of_nothing(caplog):
    skrnn.clear_cache()
    plain = PLAIN | {"engine": "keras"}
    regressor = RNNRegressor("lstm", 4, **plain).fit(X, Y)
    with caplog.at_level(logging.WARNING, logger="tensorflow"):
        regressor.predict(X)
        for flags in itertools.product((False, True), repeat=2):
            regressor.hidden_states(X, *flags)
        RNNRegressor("gru", 4, **plain).fit(X, Y).predict(X)
    assert not caplog.records


@every_engine
def test_stateful_fit_equals_stateful_model_fit_with_zero_states_at_each_epoch(engine):
    x, y = X[:48], Y[:48]
    regressor = RNNRegressor("lstm", 4, stateful=True, engine=engine, **PLAIN).fit(x, y)
    model = native_network(regressor, (TIMESTEPS, FEATURES))
    layer = model.layers[0]
    reset = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: layer.reset_states())
    curve = keras_fit(model, x, y[:, np.newaxis], callbacks=[reset], **BATCHES)["loss"]
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)
    layer.reset_states()
    expected = np.concatenate([model(batch).numpy()[:, 0] for batch in np.split(x, 3)])
    np.testing.assert_allclose(regressor.predict(x), expected, atol=1e-4)
    assert_same_arrays(regressor.states_, layer.states, rtol=1e-7, atol=1e-4)


@every_engine
def test_shuffled_fit_equals_model_fit_on_the_replayed_order(engine):
    settings = PLAIN | {"shuffle": True, "engine": engine}
    regressor = RNNRegressor("simple_rnn", 4, **settings).fit(X, Y)
    model, rng = native_network(regressor, (TIMESTEPS, FEATURES)), first_rng(regressor)
    first_weights(regressor, rng)
    rng.integers(2**31)  # the seed of dropout, drawn also where nothing is dropped
    order, curve, adam = np.arange(N_SAMPLES), [], keras_optimizer("adam")
    for _ in range(BATCHES["epochs"]):
        rng.shuffle(order)
        y = Y[order, np.newaxis]
        curve += keras_fit(model, X[order], y, "mse", adam, batch_size=16)["loss"]
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dropped", "units"), [("dropout", 4), ("dropout", FEATURES // 2), ("recurrent_dropout", 4)]
)
def test_dropout_equals_jitted_model_fit_from_the_same_seed_states(dropped, units):
    regressor = RNNRegressor("gru", units, engine="keras", **{dropped: 0.3}, **PLAIN).fit(X, Y)
    model, rng = native_network(regressor, (TIMESTEPS, FEATURES)), first_rng(regressor)
    model.compile(keras.optimizers.Adam(0.01), loss="mse", jit_compile=True)
    first_weights(regressor, rng)
    seeds = np.random.default_rng(rng.integers(2**31))
    model.layers[0].cell.seed_generator.state.assign([seeds.integers(2**31), 0])
    history = model.fit(X, Y[:, np.newaxis], shuffle=False, verbose=0, **BATCHES).history
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
    subject = RNNRegressor(cell, units, recurrent_dropout=recurrent_dropout, epochs=1)
    described = subject.fit(X, Y)._network.architecture
    trained = _keras_network.build_network(described, input_projected=True).layers[1]
    assert isinstance(trained, input_projected_class(cell)) == projected
    assert type(_keras_network.build_network(described).layers[1]) is LAYERS[cell]


@pytest.mark.parametrize("engine", [*ENGINES[1:], KERAS])
@pytest.mark.parametrize("variant", ["plain", "weighted masked sequences", "masked tokens"])
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
