"""The NumPy engine: its equality with Keras in float64, and its choice."""

import gc
import inspect
import threading
from dataclasses import replace

import numpy as np
import pytest
from fits import FIRST_CHOICE, FLOAT64
from gradients import architecture
from oracles import assert_equal_keras, assert_same_arrays, keras_optimizer
from probes import interrupted, press_ctrl_c
from processes import run
from recurrent import CELLS
from threadpoolctl import threadpool_info, threadpool_limits

from skrnn import RNNRegressor, make_windows
from skrnn._engines import Engine, EpochsAtOnce, TrainingSession, is_long, training_engine
from skrnn._keras_engine import engine as _keras_engine
from skrnn._native import engine as _native_engine
from skrnn._network.config import Settings
from skrnn._numpy_engine import engine as _numpy_engine
from skrnn._numpy_engine.optimizers import OPTIMIZERS
from skrnn._utils import blas_threads as _blas
from skrnn._utils.blas_threads import one_blas_thread

EPOCHS = 3
FIT = FLOAT64 | {"batch_size": 8, "epochs": EPOCHS}
RNG = np.random.default_rng(7)
X = RNG.normal(size=(12, 3, 3))  # the second batch is short
Y = X.sum(axis=(1, 2))
IDS = RNG.integers(0, 6, X.shape[:2])


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
def test_optimizer_in_float64_equals_that_of_keras(optimizer, keras_float64):
    """Of the weights of every layer, and of an embedding, whose gradient Keras has by its rows."""
    asked = optimizer if isinstance(optimizer, dict) else {"name": optimizer}
    tokens = {"vocab_size": 6, "embedding_dim": 3}
    regressor = RNNRegressor("simple_rnn", 2, optimizer=asked, engine="numpy", **tokens, **FIT)
    regressor.fit(IDS, Y)
    by_keras = keras_optimizer(**asked)
    assert_equal_keras([regressor], IDS, Y[:, np.newaxis], "mse", by_keras)
    assert_same_arrays(regressor.optimizer_state_, by_keras.variables, rtol=1e-7, atol=1e-9)


PAIRS = [("keras", "numpy"), ("numpy", "keras"), ("numpy", FIRST_CHOICE), (FIRST_CHOICE, "numpy")]
CONTINUED = [
    pytest.param(engines, optimizer, marks=pytest.mark.slow if "keras" in engines else ())
    for engines in PAIRS
    for optimizer in ("adam", "nadam", "sgd")
    if optimizer != "nadam" or "native" not in engines  # it has none
]


@pytest.mark.parametrize(("engines", "optimizer"), CONTINUED, ids=str)
def test_one_engine_continues_what_the_other_began(engines, optimizer):
    optimizer = {"name": "sgd", "momentum": 0.9} if optimizer == "sgd" else optimizer
    settings = FIT | {"optimizer": optimizer, "standardize": True}
    regressor = RNNRegressor("simple_rnn", 3, warm_start=True, **settings)
    for engine in engines:
        regressor.set_params(engine=engine).fit(X, Y)
    whole = RNNRegressor("simple_rnn", 3, engine="numpy", **settings)
    whole.set_params(epochs=2 * EPOCHS).fit(X, Y)
    assert regressor.engine_ == engines[1]
    np.testing.assert_allclose(regressor.history_["loss"], whole.history_["loss"], rtol=1e-9)


# The choice


ADAM = Settings("mean_squared_error", "adam", (), 0.01, 32)
SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    ("changes", "settings", "engine"),
    [
        ({}, ADAM, FIRST_CHOICE),
        ({"output_activation": "softmax"}, replace(ADAM, loss=SPARSE), FIRST_CHOICE),
        ({"activation": "gelu"}, ADAM, "numpy"),
        ({"recurrent_dropout": 0.1}, ADAM, "numpy"),
        ({}, replace(ADAM, optimizer="nadam"), "numpy"),
        ({"activation": "swish"}, ADAM, "keras"),
        ({"dense_sizes": (3,), "dense_activation": "mish"}, ADAM, "keras"),
        ({}, replace(ADAM, loss="cosine_similarity"), "keras"),
        ({}, replace(ADAM, optimizer="lion"), "keras"),
        ({}, replace(ADAM, optimizer_config=(("amsgrad", True),)), "keras"),
    ],
)
def test_auto_takes_the_first_engine_that_has_what_is_asked(changes, settings, engine):
    chosen = training_engine(
        "auto", "cpu", architecture(**changes), settings, (100, 5, 10), has_callbacks=False
    )
    assert engine == chosen.NAME


def test_auto_takes_keras_for_long_training_of_large_networks():
    assert not is_long(architecture(units=(64,)), 100_000, 50, 100)
    assert not is_long(architecture(units=(256,)), 1000, 50, 1)
    assert is_long(architecture(units=(256,)), 10_000, 50, 10)
    assert not is_long(architecture(cell_types=("simple_rnn",), units=(256,)), 10_000, 50, 10)


def test_frozen_layer_of_a_large_network_is_less_to_train():
    wide = {"units": (256, 8), "cell_types": ("lstm", "lstm")}
    assert is_long(architecture(**wide), 2000, 50, 10)
    assert is_long(architecture(**wide, frozen_layers=("lstm_2",)), 2000, 50, 10)
    assert not is_long(architecture(**wide, frozen_layers=("lstm_1",)), 2000, 50, 10)


def parameters_of(function):
    parameters = inspect.signature(function).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]


@pytest.mark.parametrize(
    ("engine", "session"),
    [
        (_native_engine, EpochsAtOnce),
        (_numpy_engine, TrainingSession),
        (_keras_engine, TrainingSession),
    ],
)
def test_engine_has_what_the_protocol_says(engine, session):
    for protocol, found in ((session, engine.TrainingSession), (Engine, engine)):
        for name, declared in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                expected = parameters_of(declared)[found is engine :]  # a module has no self
                assert parameters_of(getattr(found, name)) == expected


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"activation": "swish"}, "activation"),
        ({"loss": "cosine_similarity"}, "loss"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"callbacks": []}, "callbacks"),
        ({"device": "gpu:0"}, "device='gpu:0'"),
        ({"device": "all"}, "device='all'"),
        ({"dtype": "mixed_float16"}, "dtype='mixed_float16'"),
    ],
)
def test_numpy_engine_refuses_by_name_what_only_keras_has(parameters, name):
    regressor = RNNRegressor("simple_rnn", 2, engine="numpy", **FIT | parameters)
    with pytest.raises(ValueError, match=f"`engine='numpy'` does not support {name}"):
        regressor.fit(X, Y)
    assert not hasattr(regressor, "weights_")


def test_keras_is_never_loaded_where_numpy_computes(tmp_path):
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
        network.to_onnx(sys.argv[1])
        print({"keras", "tensorflow"} & set(sys.modules))
    """
    assert run(program, tmp_path / "network.onnx").split() == ["set()"]


# One sample, several sizes, BLAS threads


@pytest.mark.parametrize("cell", CELLS)
def test_blocks_of_predictions_equal_those_of_all_at_once(cell, monkeypatch):
    regressor = RNNRegressor(cell, 3, engine="numpy", **FIT).fit(X, Y)
    whole = regressor.predict(X)
    monkeypatch.setattr(_numpy_engine, "PREDICT_AT_ONCE", 7)
    np.testing.assert_allclose(regressor.predict(X), whole, rtol=1e-12, atol=1e-12)


@pytest.fixture
def no_collections():
    """Hypothesis listens to the garbage collector, and an interrupt within its callback is lost."""
    gc.disable()
    yield
    gc.enable()


def test_interrupt_of_a_long_prediction_is_raised_long_before_its_end(no_collections):
    X, _ = make_windows(np.zeros((300_000, 4), "float32"), 50)
    regressor = RNNRegressor("lstm", 128, epochs=1, engine="numpy", random_state=0)
    regressor.fit(X[:64], np.arange(64.0))
    with threadpool_limits(2, user_api="blas"):
        assert press_ctrl_c(lambda: regressor.predict(X), 0.5) < 10  # of a minute or more


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


def test_blas_has_its_threads_again_after_an_interrupt_at_any_moment_of_a_block():
    with threadpool_limits(2, user_api="blas"):
        _blas.libraries()  # found once in a process, by threadpoolctl's own calls
        before, moment = blas_threads(), 0
        while interrupted(use_one_blas_thread, moment):
            assert blas_threads() == before, moment
            moment += 1
        assert moment > 30
