"""Frozen layers: training leaves them as they are, as Keras does with `trainable=False`."""

import keras
import numpy as np
import pytest
from fits import FIRST_CHOICE, learned
from oracles import (
    assert_equal_keras,
    assert_same_arrays,
    first_weights,
    keras_fit,
    keras_optimizer,
)
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small_networks import N_SAMPLES, TIMESTEPS, TOKENS, X, Y, assert_same_training, regressor

import skrnn
from skrnn import RNNRegressor
from skrnn._numpy_engine.recurrent import Recurrent

X_TOKENS = np.random.default_rng(0).integers(0, 9, size=(N_SAMPLES, TIMESTEPS))
STRONG = {"name": "adamw", "weight_decay": 0.1, "clipnorm": 0.5}
STACK = {"cell_type": "gru", "hidden_size": (3, 4), "dense_sizes": (3,), "kernel_l2": 0.1}
TWO_WAYS = TOKENS | {"bidirectional": True, "recurrent_l2": 0.1, "mask_value": 0}
# Parameters: of a network, and which of its layers stay as they are.
CASES = {
    "first": (STACK, ("gru_1",)),
    "between": (STACK, ("gru_2", "dense_1")),
    "all but the output": (STACK | {"pooling": "mean"}, ("gru_1", "gru_2", "dense_1")),
    "output": (STACK | {"recurrent_dropout": 0.0, "cell_type": "lstm"}, ("output",)),
    "after an embedding": (TWO_WAYS, ("simple_rnn_1",)),
    "embedding": (TWO_WAYS, ("embedding", "output")),
}


def plain(frozen=(), **parameters):
    return regressor(
        **{"shuffle": False, "standardize": False, "engine": "numpy", "frozen_layers": frozen}
        | parameters
    )


def case(name, engine="numpy", **parameters):
    """Return an estimator of a case, and the samples that it reads."""
    network, frozen = CASES[name]
    made = plain(frozen, engine=engine, optimizer=STRONG, **network | parameters)
    return made, X_TOKENS if "vocab_size" in network else X


def compare_with_keras(name, engines, dtype):
    fits = []
    for engine in engines:
        made, x = case(name, engine, dtype=dtype, epochs=2, batch_size=12)
        fits.append(made.fit(x, Y))
    optimizer = keras_optimizer(**STRONG)
    assert_equal_keras(fits, x, Y, optimizer=optimizer)
    shapes = [variable.shape for variable in optimizer.variables]
    for fitted in fits:
        assert [np.shape(array) for array in fitted.optimizer_state_] == shapes
        assert_frozen(fitted, first_weights(fitted))


def assert_frozen(fitted, before):
    """Assert that the weights of frozen layers are bit by bit those before, and no others."""
    layers = [layer for layer in fitted._network.architecture.layers() for _ in layer.weights]
    for layer, one, other in zip(layers, fitted.weights_, before, strict=True):
        assert (one.tobytes() == other.tobytes()) == (layer.name in fitted.frozen_layers)


@pytest.mark.parametrize(
    "name", ["first", pytest.param("after an embedding", marks=pytest.mark.slow)]
)
def test_frozen_layers_in_float64_are_those_of_keras(name, keras_float64):
    compare_with_keras(name, ["numpy", FIRST_CHOICE], "float64")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["between", "after an embedding"])
def test_every_engine_freezes_as_keras_does(name):
    compare_with_keras(name, ["numpy", FIRST_CHOICE, "keras"], "float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_engine_in_float64_freezes_as_keras_does(name, keras_float64):
    compare_with_keras(name, ["numpy", FIRST_CHOICE, "keras"], "float64")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adagrad"])
def test_native_engine_freezes_as_numpy_does(name, optimizer):
    changes = {"optimizer": optimizer, "dtype": "float64", "dropout": 0.2}
    fits = []
    for engine in ("numpy", FIRST_CHOICE):
        made, x = case(name, engine)
        fits.append(made.set_params(**changes).fit(x, Y))
    for fitted in fits:
        assert_frozen(fitted, first_weights(fitted))
    drops = fits[0].set_params(dropout=0.0).fit(x, Y), fits[1].set_params(dropout=0.0).fit(x, Y)
    np.testing.assert_allclose(drops[0].history_["loss"], drops[1].history_["loss"], rtol=1e-9)


def test_frozen_layers_before_the_first_trained_one_have_no_backward_pass(monkeypatch):
    made, x = case("all but the output")
    monkeypatch.setattr(Recurrent, "backward", None)
    made.fit(x, Y)


def test_frozen_embedding_is_one_that_is_not_trainable():
    one, two = (
        plain(**TOKENS | changes).fit(X_TOKENS, Y)
        for changes in ({"frozen_layers": ["embedding"]}, {"embedding_trainable": False})
    )
    assert learned(one) == learned(two)


# Fine-tuning


def test_warm_start_freezes_and_thaws_with_a_fresh_optimizer():
    made, x = case("first")
    warm = clone(made).set_params(frozen_layers=(), warm_start=True).fit(x, Y)
    for frozen in (("gru_1",), (), ("gru_2", "output")):
        before = warm.weights_
        warm.set_params(frozen_layers=frozen).fit(x, Y)
        assert_frozen(warm, before)
        assert int(warm.optimizer_state_[0]) == 9
    warm.fit(x, Y)
    assert int(warm.optimizer_state_[0]) == 18


@pytest.mark.parametrize("engines", [("numpy", FIRST_CHOICE), (FIRST_CHOICE, "numpy")], ids=str)
def test_warm_start_goes_from_engine_to_engine(engines):
    made, x = case("between", dtype="float64", warm_start=True)
    for engine in engines:
        made.set_params(engine=engine).fit(x, Y)
    whole, _ = case("between", dtype="float64", epochs=6)
    assert_same_arrays(made.weights_, whole.fit(x, Y).weights_, rtol=1e-9)


def test_partial_fit_leaves_frozen_layers_as_they_are():
    made, x = case("between")
    before = made.partial_fit(x, Y).weights_
    assert_frozen(made.partial_fit(x, Y), before)


@pytest.mark.parametrize("n_epochs", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_keras_model_is_fine_tuned_as_by_keras(n_epochs):
    """Where all of its layers were trained before some were frozen, its optimizer starts afresh."""
    layers = keras.layers.Masking(0.0), keras.layers.GRU(3), keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((TIMESTEPS, 2)), *layers, keras.layers.Dense(1)])
    keras_fit(model, X, Y, epochs=n_epochs, batch_size=8)
    for layer in model.layers[:-1]:
        layer.trainable = False
    tuned = RNNRegressor.from_keras(model)
    assert tuned.frozen_layers == ("gru_1", "dense_1")
    assert tuned.optimizer_state_ == []
    before = tuned.weights_
    tuned.set_params(warm_start=True, epochs=2, batch_size=8, shuffle=False, engine="numpy")
    losses = keras_fit(model, X, Y, epochs=2, batch_size=8)["loss"]
    np.testing.assert_allclose(tuned.fit(X, Y).history_["loss"], losses, rtol=1e-4)
    assert_frozen(tuned, before)


def test_model_and_its_file_say_what_is_frozen(tmp_path):
    made, x = case("between")
    made.fit(x, Y).to_keras(tmp_path / "net.keras")
    for model in (made.model_, keras.models.load_model(tmp_path / "net.keras")):
        frozen = [layer.name for layer in model.layers if layer.weights and not layer.trainable]
        assert frozen == ["gru_2", "dense_1"]
        again = RNNRegressor.from_keras(model)
        assert again.frozen_layers == ("gru_2", "dense_1")
        assert_same_arrays(again.optimizer_state_, made.optimizer_state_)


def test_summary_marks_frozen_layers():
    made, _ = case("first")
    assert "gru_1 (GRU, frozen)" in made.summary((5, 2))
    assert made.summary((5, 2)).count("frozen") == 1


def test_file_and_search_take_frozen_layers(tmp_path):
    made, x = case("between", warm_start=True)
    skrnn.save(made.fit(x, Y), tmp_path / "net")
    loaded = skrnn.load(tmp_path / "net")
    assert_same_training(loaded.fit(x, Y), made.fit(x, Y))
    grid = {"frozen_layers": [(), ("gru_1",), ["gru_1", "gru_2"]]}
    assert len(GridSearchCV(made, grid, cv=2).fit(x, Y).cv_results_["params"]) == 3


def test_file_from_before_frozen_layers_keeps_its_fixed_embedding(tmp_path, monkeypatch):
    fitted = plain(**TOKENS | {"embedding_trainable": False, "warm_start": True}).fit(X_TOKENS, Y)
    monkeypatch.setattr("skrnn._persistence.save_load.write_file", as_before)
    skrnn.save(fitted, tmp_path / "net")
    loaded = skrnn.load(tmp_path / "net")
    assert_same_training(loaded.fit(X_TOKENS, Y), fitted.fit(X_TOKENS, Y))


def as_before(path, tree, key=None):
    """Write a file as it was before there were frozen layers."""
    record = tree["estimator"]
    assert record.pop("frozen_layers") == ()
    assert record["_architecture"].pop("frozen_layers") == ("embedding",)
    record["_architecture"]["embedding_trainable"] = False
    skrnn._utils.file_format.write_file(path, tree, key=key)


def test_file_with_unknown_frozen_layers_is_refused(tmp_path):
    made, x = case("first")
    object.__setattr__(made.fit(x, Y)._network.architecture, "frozen_layers", ("gru_9",))
    with pytest.raises(ValueError, match="the frozen layers"):
        skrnn.save(made, tmp_path / "net")


@pytest.mark.parametrize(
    ("frozen", "words"),
    [
        (["lstm_1"], "here 'gru_1', 'gru_2', 'dense_1', 'output', got 'lstm_1'"),
        (["pooling"], "layers with weights.*got 'pooling'"),
        ([0], "got 0"),
        (["gru_1", "gru_2", "dense_1", "output"], "must leave at least one layer to train"),
        ("gru_1", "must be an instance of 'tuple' or an instance of 'list'"),
    ],
    ids=str,
)
def test_wrong_names_are_refused_before_training(frozen, words):
    subject = plain(frozen, pooling="mean", **STACK)
    with pytest.raises(ValueError, match=words):
        subject.fit(X, Y)
    assert not hasattr(subject, "weights_")
