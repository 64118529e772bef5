"""The native engine: equal to NumPy's, exact to a stated error, and dispensable."""

import ctypes
import os
import pickle
import shutil
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from fits import assert_same_weights, learned, samples, small
from gradients import architecture
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import PYTHONPATH, run
from scipy.special import expit

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn import _engines as engines
from skrnn._data.scaling import Scaling
from skrnn._data.sequences import Sequences
from skrnn._native import build, library, network
from skrnn._native import engine as native
from skrnn._native.network import Kernels
from skrnn._numpy_engine import engine as numpy_engine

needs_library = pytest.mark.skipif(
    library.load() is None,
    reason="skrnn was installed without a C compiler, so there is no library",
)
# A relative difference of weights, losses and predictions after an epoch.
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
RNG = np.random.default_rng(0)
N_SAMPLES, TIMESTEPS = 20, 6
X = RNG.normal(size=(N_SAMPLES, TIMESTEPS, 2))
IDS = RNG.integers(0, 7, (N_SAMPLES, TIMESTEPS))
Y = X.sum(axis=(1, 2))


@pytest.fixture
def without_library(monkeypatch):
    monkeypatch.setattr(engines, "native_library", lambda: None)


def absent(where):
    """Return which timesteps are masked: in front, behind, with gaps, or none."""
    lengths = np.random.default_rng(1).integers(1, TIMESTEPS + 1, N_SAMPLES)[:, np.newaxis]
    behind = np.arange(TIMESTEPS) >= lengths
    gaps = behind.copy()
    gaps[::2, 1] = True
    return {"behind": behind, "front": behind[:, ::-1], "gaps": gaps}[where]


def data(tokens, mask, static):
    """Return X, and the parameters that say how to read it."""
    values, parameters = X, {}
    if tokens:
        values, parameters = IDS + 1, {"vocab_size": 8, "embedding_dim": 3}
    if mask is not None:
        parameters["mask_value"] = 0 if tokens else np.nan
        values = values.copy()
        values[absent(mask)] = parameters["mask_value"]
    if static and not tokens:
        constant = np.repeat(X[:, :1, :1], TIMESTEPS, axis=1)
        values, parameters["static_features"] = np.concatenate([values, constant], axis=2), (2,)
    return values, parameters


NETWORKS = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["simple_rnn", "lstm", "gru"]),
        "hidden_size": st.one_of(
            st.integers(1, 40), st.tuples(st.integers(1, 9), st.integers(1, 9))
        ),
        "bidirectional": st.booleans(),
        "activation": st.sampled_from(sorted(native.ACTIVATIONS)),
        "dense_sizes": st.sampled_from([(), (5,), (4, 3)]),
        "dense_activation": st.sampled_from(sorted(native.ACTIVATIONS)),
        "dropout": st.sampled_from([0.0, 0.3]),
        "kernel_l2": st.sampled_from([0.0, 0.1]),
        "optimizer": st.sampled_from(
            [
                *sorted(native.OPTIMIZERS),
                {"name": "adam", "clipnorm": 0.5},
                {"name": "sgd", "momentum": 0.9, "nesterov": True},
                {"name": "rmsprop", "momentum": 0.5},
                {"name": "sgd", "weight_decay": 0.1},
            ]
        ),
        "batch_size": st.integers(1, N_SAMPLES + 1),
        "dtype": st.sampled_from(sorted(TOLERANCES)),
        "read": st.tuples(
            st.booleans(), st.sampled_from([None, "behind", "front", "gaps"]), st.booleans()
        ),
        "head": st.sampled_from(
            [{}, {"pooling": "mean"}, {"pooling": "max"}, {"segment": 3}, {"segment": 2}]
        ),
    }
)


def assert_equal_engines(estimator, X, y, parameters, tolerance):
    parameters = {"epochs": 1, "learning_rate": 0.003, "random_state": 0} | parameters
    by_numpy, natively = (
        estimator(engine=engine, **parameters).fit(X, y) for engine in ("numpy", "native")
    )
    assert natively.engine_ == "native"
    close = {"rtol": tolerance, "atol": tolerance}
    for found, expected in zip(natively.weights_, by_numpy.weights_, strict=True):
        np.testing.assert_allclose(found, expected, **close)
    np.testing.assert_allclose(natively.history_["loss"], by_numpy.history_["loss"], **close)
    name = "predict_proba" if estimator is RNNClassifier else "predict"
    found, expected = (getattr(fitted, name)(X) for fitted in (natively, by_numpy))
    np.testing.assert_allclose(found, expected, rtol=10 * tolerance, atol=10 * tolerance)


@needs_library
@given(NETWORKS)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_drawn_networks_learn_what_numpy_learns(drawn):
    (tokens, mask, static), head = drawn.pop("read"), drawn.pop("head")
    values, parameters = data(tokens, mask, static and drawn["activation"] == "tanh")
    tolerance = TOLERANCES[drawn["dtype"]]
    assert_equal_engines(RNNRegressor, values, Y, drawn | parameters | head, tolerance)


@needs_library
@pytest.mark.parametrize("loss", sorted(native.LOSSES))
def test_losses_equal_those_of_numpy(loss):
    parameters = {"cell_type": "gru", "hidden_size": 3, "dtype": "float64", "loss": loss}
    if "categorical" in loss:
        task = RNNClassifier, np.arange(N_SAMPLES) % 3
    elif loss == "binary_crossentropy":
        task = RNNClassifier, X[:, -1] > 0
    else:
        task = RNNRegressor, np.abs(X[:, -1])
    assert_equal_engines(task[0], X, task[1], parameters, 1e-10)


@needs_library
@pytest.mark.parametrize("cell_type", ["simple_rnn", "lstm", "gru"])
def test_every_timestep_and_stateful_batches_equal_those_of_numpy(cell_type):
    shared = {"cell_type": cell_type, "hidden_size": (4, 3), "dtype": "float64", "batch_size": 5}
    sequences = shared | {"return_sequences": True, "bidirectional": True}
    assert_equal_engines(RNNRegressor, X, X[:, :, 0], sequences, 1e-10)
    values, parameters = data(False, "gaps", False)
    assert_equal_engines(RNNRegressor, values, X[:, :, 0], sequences | parameters, 1e-10)
    assert_equal_engines(RNNRegressor, X, Y, shared | {"stateful": True}, 1e-10)


@needs_library
@pytest.mark.parametrize("flags", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("cell_type", ["gru", "lstm"])
def test_hidden_states_equal_those_of_numpy(cell_type, flags):
    for mask, parameters in product(["front", "gaps"], [{}, {"bidirectional": True, "segment": 2}]):
        values, how = data(False, mask, False)
        shared = {"cell_type": cell_type, "hidden_size": (4, 3), "epochs": 1, "random_state": 0}
        fitted = RNNRegressor(dtype="float64", engine="native", **shared, **how, **parameters)
        fitted.fit(values, Y)
        sequences, network = fitted._read_fitted(values), fitted._network
        given = network.architecture, fitted.weights_, sequences, network.scaling
        found, expected = (
            engine.predict(*given, device="cpu", hidden=flags)[0]
            for engine in (native, numpy_engine)
        )
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10)


@needs_library
@pytest.mark.parametrize("level", [0, 1])
def test_builds_for_older_processors_equal_numpy(level, monkeypatch):
    if level > library.load().level:
        pytest.skip("this processor cannot run that build")
    older = library.Library(ctypes.CDLL(str(library.library_path())), level)
    assert older.level == level
    monkeypatch.setattr(network, "load", lambda: older)
    for cell_type, dtype in product(["simple_rnn", "lstm", "gru"], TOLERANCES):
        parameters = {"cell_type": cell_type, "hidden_size": 21, "dtype": dtype, "batch_size": 7}
        assert_equal_engines(RNNRegressor, X, Y, parameters, TOLERANCES[dtype])
    for name, dtype in product(EXACT, TOLERANCES):
        test_activations_are_within_four_units_in_the_last_place(name, dtype)


@needs_library
def test_wide_products_by_blas_equal_those_of_numpy():
    rows = np.random.default_rng(0).normal(size=(130, 2, 200))
    parameters = {"cell_type": "lstm", "hidden_size": 200, "dtype": "float64", "batch_size": 128}
    assert_equal_engines(RNNRegressor, rows, rows[:, 0, 0], parameters, 1e-10)


@needs_library
@pytest.mark.parametrize("dtype", sorted(TOLERANCES))
def test_same_seed_gives_the_same_bits(dtype):
    fits = [
        RNNRegressor("lstm", 9, epochs=2, dropout=0.2, engine="native", dtype=dtype, random_state=0)
        for _ in range(2)
    ]
    one, other = (fitted.fit(X, Y) for fitted in fits)
    assert learned(one) == learned(other)


CUT = [
    {"cell_type": "lstm", "hidden_size": 32},
    {"cell_type": "gru", "hidden_size": 32, "bidirectional": True, "dropout": 0.2},
    {"cell_type": "simple_rnn", "hidden_size": (64, 40), "return_sequences": True},
    {"cell_type": "gru", "hidden_size": 40, "vocab_size": 99, "mask_value": 0, "embedding_dim": 40},
    {"cell_type": "lstm", "hidden_size": 40, "vocab_size": 99, "optimizer": "rmsprop"},
    {"cell_type": "lstm", "hidden_size": 40, "stateful": True},
]


def rows_of_cut_batches(parameters):
    """Return X and y for a network whose batches are cut into parts."""
    rng, n_samples, timesteps = np.random.default_rng(0), 100, 40
    values = rng.normal(size=(n_samples, timesteps, 2))
    if "vocab_size" in parameters:
        values = rng.integers(0, 99, (n_samples, timesteps))
    y = rng.normal(size=(n_samples, timesteps) if "return_sequences" in parameters else n_samples)
    return values, y


@needs_library
@pytest.mark.parametrize("parameters", CUT)
def test_batches_cut_into_parts_equal_those_of_numpy(parameters):
    given = {"dtype": "float64", "batch_size": 50} | parameters
    assert_equal_engines(RNNRegressor, *rows_of_cut_batches(parameters), given, 1e-10)


@needs_library
def test_a_small_network_does_not_look_for_libraries_of_blas(monkeypatch):
    monkeypatch.setattr(native, "one_blas_thread", None)
    X, y = samples()
    fitted = small(engine="native", epochs=2).fit(X, y)
    assert np.isfinite(fitted.predict(X)).all()


@needs_library
@pytest.mark.parametrize("parameters", CUT)
def test_any_number_of_threads_gives_the_same_bits(parameters, monkeypatch):
    values, y = rows_of_cut_batches(parameters)
    found, called, call = [], [], Kernels.call

    def counted(kernels, *arguments, most_threads=1):
        call(kernels, *arguments, most_threads=most_threads)
        called.append(kernels.batches.n_threads)

    monkeypatch.setattr(Kernels, "call", counted)
    given = {"batch_size": 50, "epochs": 2, "validation_fraction": 0.5, "random_state": 0}
    for n_threads in (1, 2, 3):
        monkeypatch.setattr(native, "core_share", lambda n=n_threads: n)
        fitted = RNNRegressor(engine="native", **given, **parameters).fit(values, y)
        found.append(
            (learned(fitted), fitted.history_["val_loss"], fitted.predict(values).tolist())
        )
        assert max(called) == n_threads
    assert found[0] == found[1] == found[2]


@needs_library
@pytest.mark.parametrize(
    "parameters",
    [
        {"dropout": 0.2},
        {"vocab_size": 7, "embedding_dim": 2},
        {"optimizer": "sgd", "shuffle": False},
    ],
)
def test_epochs_trained_in_one_call_give_the_bits_of_single_ones(parameters, monkeypatch):
    values = IDS if "vocab_size" in parameters else X
    network = RNNRegressor("gru", 4, batch_size=6, epochs=7, engine="native", random_state=0)
    network.set_params(**parameters)
    found, called, call = [], [], Kernels.call
    monkeypatch.setattr(Kernels, "call", lambda *given, **k: called.append(0) or call(*given, **k))
    for verbose in (False, True):
        fitted = network.set_params(verbose=verbose).fit(values, Y)
        found.append((learned(fitted), fitted.history_["loss"], len(called)))
    assert found[0][:2] == found[1][:2]
    assert [found[0][2], found[1][2]] == [1, 8]


@needs_library
def test_divergence_in_the_midst_of_a_call_names_its_epoch():
    messages = []
    for verbose in (False, True):
        network = RNNRegressor("gru", 4, epochs=50, engine="native", random_state=0)
        network.set_params(verbose=verbose, optimizer="sgd", learning_rate=1e20)
        with pytest.raises(ValueError, match=r"Training diverged in epoch [2-9]") as raised:
            network.fit(X, Y)
        messages.append(str(raised.value))
        assert not hasattr(network, "weights_")
    assert messages[0] == messages[1]


def activated(activation, x):
    """Return f(x) as the kernels compute it: of a layer of one unit that passes x on."""
    network = architecture(
        cell_types=("simple_rnn",),
        units=(1,),
        features=1,
        timesteps=1,
        outputs=(1,),
        activation=activation,
        dtype=str(x.dtype),
    )
    weights = [np.array(values, x.dtype) for values in ([[1]], [[0]], [0], [[1]], [0])]
    sequences = Sequences(x[:, np.newaxis, np.newaxis])
    (output,), _ = native.predict(network, weights, sequences, Scaling(), device="cpu")
    return output.ravel()


EXACT = {
    "tanh": np.tanh,
    "sigmoid": expit,
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
}


@needs_library
@pytest.mark.parametrize(("name", "dtype"), [*product(EXACT, sorted(TOLERANCES))])
def test_activations_are_within_four_units_in_the_last_place(name, dtype):
    sizes = np.concatenate([np.geomspace(1e-30, 1e-3, 500), np.linspace(1e-3, 30, 5000)])
    x = np.concatenate([-sizes, [0], sizes]).astype(dtype)
    exact = EXACT[name](x.astype(np.longdouble if name != "sigmoid" else np.float64))
    error = np.abs(activated(name, x) - exact) / np.abs(np.spacing(exact.astype(dtype)))
    assert error[exact != 0].max() <= 4


@needs_library
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu", "elu", "softplus"])
def test_activations_keep_nan_and_infinity(name):
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30], "float32")
    found, limits = activated(name, x), {"tanh": (1, -1), "sigmoid": (1, 0), "elu": (np.inf, -1)}
    high, low = limits.get(name, (np.inf, 0))
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[[1, 2]], [high, low], atol=1e-37)
    np.testing.assert_allclose(found[3:], [min(high, np.float32(1e30)), low], atol=1e-37)


# Without a library


def test_auto_takes_numpy_where_the_library_is_not(without_library):
    fitted = RNNRegressor("gru", 3, epochs=1).fit(X, Y)
    assert fitted.engine_ == "numpy"


def test_asking_for_a_library_that_is_not_there_says_what_to_do(without_library):
    with pytest.raises(ValueError, match="`engine='native'` needs skrnn's compiled library"):
        RNNRegressor("gru", 3, engine="native").fit(X, Y)


@needs_library
def test_network_fitted_natively_predicts_with_numpy_where_the_library_is_not(
    tmp_path, monkeypatch
):
    fitted = RNNRegressor("gru", 3, epochs=1, engine="native", random_state=0).fit(X, Y)
    expected = fitted.predict(X)
    skrnn.save(fitted, tmp_path / "network.skrnn")
    monkeypatch.setattr(engines, "native_library", lambda: None)
    for moved in (pickle.loads(pickle.dumps(fitted)), skrnn.load(tmp_path / "network.skrnn")):
        np.testing.assert_allclose(moved.predict(X), expected, rtol=1e-5, atol=1e-6)


@needs_library
@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"recurrent_dropout": 0.1}, "recurrent_dropout"),
        ({"spatial_dropout": 0.1}, "spatial_dropout"),
        ({"activation": "gelu"}, "activation"),
        ({"optimizer": "nadam"}, "optimizer"),
    ],
)
def test_what_only_numpy_has_is_refused_by_name_and_given_to_numpy_by_auto(parameters, name):
    with pytest.raises(ValueError, match=f"`engine='native'` does not support {name}"):
        RNNRegressor("gru", 3, engine="native", **parameters).fit(X, Y)
    fitted = RNNRegressor("gru", 3, epochs=1, random_state=0, **parameters).fit(X, Y)
    by_numpy = RNNRegressor("gru", 3, epochs=1, random_state=0, engine="numpy", **parameters)
    assert fitted.engine_ == "numpy"
    assert_same_weights(fitted, by_numpy.fit(X, Y))


@needs_library
def test_unknown_token_is_an_error_and_not_a_read_beside_the_embedding():
    network = RNNRegressor("gru", 3, vocab_size=8, epochs=1, engine="native").fit(IDS, Y)
    for engine in (native, numpy_engine):
        sequences = Sequences(IDS + 100)
        with pytest.raises(IndexError, match=r"out of (range|bounds)"):
            engine.predict(
                *(network._network.architecture, network.weights_, sequences),
                *(network._network.scaling,),
                device="cpu",
            )


def address_sanitizer():
    """Return the path of gcc's library for it, or None."""
    if shutil.which("gcc") is None:
        return None
    found = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True)
    return found.stdout.strip() if Path(found.stdout.strip()).is_absolute() else None


@pytest.mark.slow
@pytest.mark.skipif(address_sanitizer() is None, reason="there is no gcc with its sanitizers")
def test_kernels_are_clean_under_the_sanitizers(tmp_path):
    checked = "-fsanitize=address,undefined -fno-sanitize-recover=all".split()
    library = tmp_path / "kernels.so"
    flags = [*build.FLAGS, "-O1"]
    build.compile_library(["gcc", *checked], library, machine="any", flags=flags)
    program = """if True:
        import sys
        from skrnn._native import library
        library.library_path = lambda: sys.argv[1]
        import test_native_engine as tests
        tests.test_drawn_networks_learn_what_numpy_learns()
        for loss in tests.native.LOSSES:
            tests.test_losses_equal_those_of_numpy(loss)
        for cell in ("simple_rnn", "lstm", "gru"):
            tests.test_every_timestep_and_stateful_batches_equal_those_of_numpy(cell)
        tests.native.core_share = lambda: 2
        for parameters in tests.CUT:
            tests.test_batches_cut_into_parts_equal_those_of_numpy(parameters)
        print("clean")
    """
    environment = {"LD_PRELOAD": address_sanitizer(), "ASAN_OPTIONS": "detect_leaks=0"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), PYTHONPATH])
    assert run(program, library, env=os.environ | environment).split() == ["clean"]
