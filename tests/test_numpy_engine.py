"""The NumPy engine: its equality with Keras in float64, and its choice."""

import contextlib
import dis
import functools
import gc
import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import architecture
from recurrent import CELLS, LAYERS
from threadpoolctl import threadpool_info, threadpool_limits

import skrnn
from skrnn import RNNClassifier, RNNRegressor, make_windows
from skrnn._engines import Engine, TrainingSession, engine_name, is_long, training_engine
from skrnn._keras_engine import engine as _keras_engine
from skrnn._network.config import Settings
from skrnn._network.initializers import initial_weights
from skrnn._numpy_engine import blas as _blas
from skrnn._numpy_engine import engine as _numpy_engine
from skrnn._numpy_engine.blas import one_blas_thread
from skrnn._numpy_engine.optimizers import OPTIMIZERS

ROOT = Path(__file__).parents[1]

# Whole fits in float64, where rounding hides no difference of meaning.

N_SAMPLES, TIMESTEPS, FEATURES, BATCH, EPOCHS = 30, 5, 3, 8, 3
FIT = {
    "standardize": False,
    "shuffle": False,
    "batch_size": BATCH,
    "epochs": EPOCHS,
    "dtype": "float64",
    "random_state": 0,
}
NETWORKS = {
    "plain": {"hidden_size": 4},
    "stacked": {"hidden_size": (4, 3)},
    "bidirectional": {"hidden_size": 4, "bidirectional": True},
    "embedded": {"hidden_size": 4, "vocab_size": 6, "embedding_dim": 3},
    "masked": {"hidden_size": 4, "mask_value": -1.0},
    "sequences": {"hidden_size": 4, "return_sequences": True},
    "dense": {"hidden_size": 4, "dense_sizes": (3,), "dense_activation": "elu"},
    "weighted": {"hidden_size": 4},
    "mean": {"hidden_size": (4, 3), "pooling": "mean"},
    "max": {"hidden_size": 4, "pooling": "max", "bidirectional": True},
    "masked mean": {"hidden_size": 4, "pooling": "mean", "mask_value": -1.0, "bidirectional": True},
    "masked max": {"hidden_size": (4, 3), "pooling": "max", "mask_value": -1.0},
}


@functools.cache
def numbers(variant):
    """Return X, y and sample weights, or None."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(N_SAMPLES, TIMESTEPS, FEATURES))
    if "mask_value" in NETWORKS[variant]:
        X[rng.random(X.shape[:2]) < 0.3] = -1.0
    y = X.sum(axis=2) if variant == "sequences" else X.sum(axis=(1, 2))
    weights = rng.uniform(0.1, 3, N_SAMPLES) if variant == "weighted" else None
    return rng.integers(0, 6, X.shape[:2]) if variant == "embedded" else X, y, weights


class MaskedMaximum(keras.layers.Layer):
    """The maximum over the timesteps that a mask keeps, which Keras has no layer for."""

    supports_masking = True

    def call(self, x, mask=None):
        return keras.ops.max(keras.ops.where(mask[..., np.newaxis], x, -1e9), axis=1)

    def compute_mask(self, x, mask=None):
        return None


POOLING_LAYERS = {
    ("mean", False): keras.layers.GlobalAveragePooling1D,
    ("mean", True): keras.layers.GlobalAveragePooling1D,
    ("max", False): keras.layers.GlobalMaxPooling1D,
    ("max", True): MaskedMaximum,
}


def native_network(cell, variant):
    """Return Keras's own layers in float64, wired as a person would wire them."""
    of = NETWORKS[variant]
    sizes = np.atleast_1d(of["hidden_size"])
    model = keras.Sequential()
    if variant == "embedded":
        model.add(keras.Input((TIMESTEPS,), dtype="int32"))
        model.add(keras.layers.Embedding(6, 3, dtype="float64"))
    else:
        model.add(keras.Input((TIMESTEPS, FEATURES), dtype="float64"))
    if "mask_value" in of:
        model.add(keras.layers.Masking(-1.0, dtype="float64"))
    for i, size in enumerate(sizes):
        sequences = variant == "sequences" or "pooling" in of or i < len(sizes) - 1
        layer = LAYERS[cell](int(size), return_sequences=sequences, dtype="float64")
        if "bidirectional" in of:
            layer = keras.layers.Bidirectional(layer, dtype="float64")
        model.add(layer)
    if "pooling" in of:
        model.add(POOLING_LAYERS[of["pooling"], "mask_value" in of](dtype="float64"))
    if variant == "dense":
        model.add(keras.layers.Dense(3, activation="elu", dtype="float64"))
    model.add(keras.layers.Dense(1, dtype="float64"))
    return model


def curve_of_keras(model, X, y, weights, optimizer):
    """Train with keras.Model.fit and return the mean squared errors of its epochs."""
    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight", dtype="float64")
    metric = keras.metrics.MeanSquaredError(name="error", dtype="float64")
    model.compile(optimizer, loss=loss, metrics=[metric], run_eagerly=True)
    arrays = (X, y) if weights is None else (X, y, weights)  # `fit` makes arrays float32
    batches = tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH)
    return model.fit(batches, epochs=EPOCHS, shuffle=False, verbose=0).history["error"]


QUICK = {("lstm", "plain"), ("gru", "bidirectional"), ("simple_rnn", "masked"), ("gru", "embedded")}
QUICK |= {("gru", "mean"), ("lstm", "max"), ("simple_rnn", "masked mean"), ("gru", "masked max")}


@pytest.mark.parametrize(
    ("cell", "variant"),
    [
        pytest.param(cell, variant, marks=() if (cell, variant) in QUICK else pytest.mark.slow)
        for cell in CELLS
        for variant in NETWORKS
    ],
)
def test_fit_in_float64_equals_model_fit(cell, variant):
    X, y, weights = numbers(variant)
    regressor = RNNRegressor(cell, engine="numpy", **NETWORKS[variant], **FIT)
    regressor.fit(X, y, weights)
    model = native_network(cell, variant)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng([seed, 0])
    model.set_weights(initial_weights(regressor._network.architecture, rng))
    curve = curve_of_keras(model, X, y[..., np.newaxis], weights, keras.optimizers.Adam(0.01))
    if weights is None:
        np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-9)
    for ours, theirs in zip(regressor.weights_, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "optimizer",
    [
        *OPTIMIZERS,
        {"name": "adam", "clipnorm": 0.1, "beta_1": 0.8, "epsilon": 1e-3},
        {"name": "adamw", "weight_decay": 0.1},
        {"name": "rmsprop", "momentum": 0.5, "rho": 0.8},
        {"name": "sgd", "momentum": 0.9, "nesterov": True},
        {"name": "sgd", "clipnorm": 0.01, "weight_decay": 0.01},
        {"name": "adagrad", "initial_accumulator_value": 0.3},
    ],
    ids=str,
)
@pytest.mark.parametrize("network", [{}, {"vocab_size": 6, "embedding_dim": 3}], ids=["", "tokens"])
def test_optimizer_in_float64_equals_that_of_keras(optimizer, network):
    X, y, _ = numbers("embedded" if network else "plain")
    asked = dict(optimizer) if isinstance(optimizer, dict) else {"name": optimizer}
    regressor = RNNRegressor("simple_rnn", 2, optimizer=asked, engine="numpy", **network, **FIT)
    regressor.fit(X, y)
    model = regressor.build_model((TIMESTEPS, FEATURES if not network else 1))
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    model.set_weights(
        initial_weights(regressor._network.architecture, np.random.default_rng([seed, 0]))
    )
    config = {key: value for key, value in asked.items() if key != "name"}
    by_keras = keras.optimizers.get(
        {"class_name": asked["name"], "config": {"learning_rate": 0.01, **config}}
    )
    curve = curve_of_keras(model, X, y[:, np.newaxis], None, by_keras)
    np.testing.assert_allclose(regressor.history_["loss"], curve, rtol=1e-9)
    for ours, theirs in zip(regressor.optimizer_state_, by_keras.variables, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("engines", [("keras", "numpy"), ("numpy", "keras")], ids="-".join)
@pytest.mark.parametrize("optimizer", ["adam", "nadam", {"name": "sgd", "momentum": 0.9}], ids=str)
def test_one_engine_continues_what_the_other_began(engines, optimizer):
    X, y, _ = numbers("plain")
    regressor = RNNRegressor("simple_rnn", 3, optimizer=optimizer, warm_start=True, **FIT)
    for engine in engines:
        regressor.set_params(engine=engine).fit(X, y)
    whole = RNNRegressor("simple_rnn", 3, optimizer=optimizer, engine="numpy", **FIT)
    whole.set_params(epochs=2 * EPOCHS).fit(X, y)
    assert regressor.engine_ == engines[1]
    np.testing.assert_allclose(regressor.history_["loss"], whole.history_["loss"], rtol=1e-9)


def test_both_engines_train_alike_from_one_random_state():
    X, y, _ = numbers("plain")
    settings = {"epochs": 3, "batch_size": 8, "dtype": "float64", "random_state": 5}
    by_keras, by_numpy = (
        RNNRegressor("gru", 3, engine=engine, **settings).fit(X, y).history_["loss"]
        for engine in ("keras", "numpy")
    )
    np.testing.assert_allclose(by_keras, by_numpy, rtol=1e-9)


# The choice


ADAM = Settings("mean_squared_error", "adam", (), 0.01, 32)


@pytest.mark.parametrize(
    ("changes", "settings", "engine"),
    [
        ({}, ADAM, "numpy"),
        ({"activation": "swish"}, ADAM, "keras"),
        ({"dense_sizes": (3,), "dense_activation": "mish"}, ADAM, "keras"),
        ({}, Settings("cosine_similarity", "adam", (), 0.01, 32), "keras"),
        ({}, Settings("mean_squared_error", "lion", (), 0.01, 32), "keras"),
        ({}, Settings("mean_squared_error", "adam", (("amsgrad", True),), 0.01, 32), "keras"),
    ],
)
def test_auto_takes_numpy_where_it_has_what_is_asked(changes, settings, engine):
    chosen = training_engine(
        "auto", "cpu", architecture(**changes), settings, (100, 5, 10), has_callbacks=False
    )
    assert engine_name(chosen) == engine


def test_auto_takes_keras_for_long_training_of_large_networks():
    assert not is_long(architecture(units=(64,)), 100_000, 50, 100)
    assert not is_long(architecture(units=(256,)), 1000, 50, 1)
    assert is_long(architecture(units=(256,)), 10_000, 50, 10)
    assert not is_long(architecture(cell_types=("simple_rnn",), units=(256,)), 10_000, 50, 10)


def signatures(kind):
    """Return the signature of each public function of a class or module, without annotations."""
    functions = {name: value for name, value in vars(kind).items() if inspect.isfunction(value)}
    return {
        name: [(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()]
        for name, f in functions.items()
        if not name.startswith("_")
    }


@pytest.mark.parametrize("engine", [_numpy_engine, _keras_engine])
def test_engine_has_what_the_protocol_says(engine):
    session = signatures(engine.TrainingSession)
    for name, parameters in signatures(TrainingSession).items():
        assert session[name] == parameters
    for name, (_, *parameters) in signatures(Engine).items():
        assert [(p.name, p.kind, p.default) for p in parameters_of(getattr(engine, name))] == (
            parameters
        )


def parameters_of(function):
    return inspect.signature(function).parameters.values()


def test_callbacks_are_run_by_keras():
    X, y, _ = numbers("plain")
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    regressor = RNNRegressor("simple_rnn", 2, callbacks=lambda: [watch], **FIT).fit(X, y)
    assert (regressor.engine_, seen) == ("keras", [0, 1, 2])


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"activation": "swish"}, "activation"),
        ({"loss": "cosine_similarity"}, "loss"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"callbacks": []}, "callbacks"),
    ],
)
def test_numpy_engine_refuses_by_name_what_only_keras_has(parameters, name):
    X, y, _ = numbers("plain")
    regressor = RNNRegressor("simple_rnn", 2, engine="numpy", **parameters, **FIT)
    with pytest.raises(ValueError, match=f"`engine='numpy'` does not take {name}"):
        regressor.fit(X, y)
    assert not hasattr(regressor, "weights_")


def test_keras_is_never_loaded_where_numpy_computes():
    program = """if True:
        import pickle, sys
        import numpy as np
        from sklearn.model_selection import GridSearchCV
        from skrnn import RNNClassifier, RNNRegressor
        X = np.random.default_rng(0).normal(size=(40, 4, 2))
        grid = {"cell_type": ["simple_rnn", "gru", "lstm"]}
        search = GridSearchCV(RNNRegressor(hidden_size=3, epochs=2), grid, cv=2).fit(X, X[:, -1, 0])
        network = pickle.loads(pickle.dumps(search.best_estimator_))
        network.predict(X), network.transform(X), network.score(X, X[:, -1, 0]), network.summary()
        RNNClassifier("gru", 3, epochs=2).fit(X, X[:, 0, 0] > 0).predict_proba(X)
        print({"keras", "tensorflow"} & set(sys.modules))
    """
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == ["set()"]


# One sample, several sizes, BLAS threads


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("variant", ["plain", "masked", "sequences", "bidirectional"])
def test_one_sample_is_predicted_as_among_others(cell, variant):
    X, y, _ = numbers(variant)
    regressor = RNNRegressor(cell, engine="numpy", **NETWORKS[variant], **FIT).fit(X, y)
    alone = np.concatenate([regressor.predict(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(alone, regressor.predict(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_blocks_of_predictions_equal_those_of_all_at_once(cell, monkeypatch):
    X, y, _ = numbers("plain")
    regressor = RNNRegressor(cell, 3, engine="numpy", **FIT).fit(X, y)
    whole = regressor.predict(X)
    monkeypatch.setattr(_numpy_engine, "PREDICT_AT_ONCE", 7)
    np.testing.assert_allclose(regressor.predict(X), whole, rtol=1e-12, atol=1e-12)


@contextlib.contextmanager
def without_collections():
    """Hypothesis listens to the garbage collector, and an interrupt within its callback is lost."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_interrupt_of_a_long_prediction_is_raised_within_two_seconds():
    X, _ = make_windows(np.zeros((300_000, 4), "float32"), 50)
    regressor = RNNRegressor("lstm", 128, epochs=1, engine="numpy", random_state=0)
    regressor.fit(X[:64], np.arange(64.0))
    with threadpool_limits(2, user_api="blas"), without_collections():
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        begun = time.perf_counter()
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            regressor.predict(X)
        seconds = time.perf_counter() - begun
    assert seconds < 0.5 + 2


def test_small_networks_are_kept_until_the_cache_is_cleared():
    X, y, _ = numbers("plain")
    regressor = RNNRegressor("gru", 3, engine="numpy", **FIT).fit(X, y)
    skrnn.clear_cache()
    sizes = range(1, _numpy_engine.MAX_KEPT + 3)
    expected = [regressor.predict(X[:size]).tobytes() for size in sizes]
    kept = [n_samples for _, n_samples, _ in _numpy_engine._idle]
    assert kept == list(sizes)[2:]
    assert [regressor.predict(X[:size]).tobytes() for size in sizes] == expected
    skrnn.clear_cache()
    assert not _numpy_engine._idle


def blas_threads():
    return [
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    ]


def test_blas_has_its_threads_again_after_blocks_that_overlap():
    with threadpool_limits(2, user_api="blas"):
        before, entered, leave = blas_threads(), threading.Event(), threading.Event()

        def hold():
            with one_blas_thread():
                entered.set()
                leave.wait(10)

        other = threading.Thread(target=hold)
        with one_blas_thread() as n_threads:
            other.start()
            entered.wait(10)
        assert n_threads == 2
        assert {library.get_num_threads() for library in _blas.libraries()} == {1}
        leave.set()
        other.join()
        assert blas_threads() == before


def use_one_blas_thread():
    with one_blas_thread():
        pass


def interrupted(function, moment):
    """Call a function with Ctrl-C at one of the moments when Python looks for it.

    Returns
    -------
    bool
        Whether it had so many moments. Those are after a call, a jump back, and at the beginning.
    """
    left, previous = moment, {}

    def trace(frame, event, argument):
        nonlocal left
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = previous.get(frame, "")
            previous[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            if before.startswith(("CALL", "JUMP_BACKWARD", "RESUME")):
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(outer)
        previous.clear()
    return False


def test_blas_has_its_threads_again_after_an_interrupt_at_any_moment_of_a_block():
    with threadpool_limits(2, user_api="blas"):
        before, moment = blas_threads(), 0
        while interrupted(use_one_blas_thread, moment):
            assert blas_threads() == before, moment
            moment += 1
        assert moment > 30


def test_classifier_of_three_classes_is_trained_by_numpy():
    X, y, _ = numbers("plain")
    labels = np.digitize(y, [-1, 1])
    classifier = RNNClassifier("gru", 8, epochs=60, random_state=0).fit(X, labels)
    assert classifier.engine_ == "numpy"
    assert classifier.score(X, labels) > 0.9
