"""Networks of any Keras layers: `network` and `network_params`."""

import copy
import pickle
import random
from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from fits import assert_same_training, assert_same_weights, cut
from oracles import assert_same_arrays, keras_fit
from probes import plant
from processes import run
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator
from small_networks import FEATURES, LABELS, TIMESTEPS, X, Y

import skrnn
from skrnn import RNNClassifier, RNNForecaster, RNNRegressor
from skrnn._keras_engine import programs
from skrnn._network.custom_network import CustomNetwork
from skrnn.inspection import integrated_gradients

layers = keras.layers
TINY = {"epochs": 3, "batch_size": 8, "random_state": 0}


def convolution(inputs, filters=3):
    """Return the mean of normalized convolutions: layers with a state that is not trained."""
    x = layers.Conv1D(filters, 2, padding="causal")(inputs)
    x = layers.BatchNormalization(momentum=0.8)(x)
    return layers.GlobalAveragePooling1D()(layers.Activation("relu")(x))


def recurrent(inputs, units=2, steps=False):
    """Return what skrnn's own layer does."""
    return layers.SimpleRNN(units, return_sequences=steps)(inputs)


def dropped(inputs):
    """Return a network that draws in training and penalizes its weights."""
    x = layers.Flatten()(layers.Dropout(0.5)(inputs))
    return layers.Dense(3, kernel_regularizer="l2")(x)


class Convolution(BaseEstimator):
    """The same network as an object, whose parameters scikit-learn sets."""

    def __init__(self, filters=3):
        self.filters = filters

    def __call__(self, inputs):
        return convolution(inputs, self.filters)


def regressor(network=convolution, **parameters):
    return RNNRegressor(network=network, **TINY | parameters)


def trainers():
    return [key for key in programs._kept if key[0] is programs.Trainer]


# What is trained


def test_fit_equals_model_fit_with_the_moving_state_of_normalization():
    parameters = {"standardize": False, "shuffle": False, "optimizer": "sgd"}
    fitted = regressor(**parameters).fit(X, Y)
    inputs = keras.Input((TIMESTEPS, FEATURES))
    model = keras.Model(inputs, layers.Dense(1)(convolution(inputs)))
    model.set_weights(regressor(**parameters).build_model((TIMESTEPS, FEATURES)).get_weights())
    history = keras_fit(model, X, Y, "mse", keras.optimizers.SGD(0.01), batch_size=8, epochs=3)
    np.testing.assert_allclose(fitted.history_["loss"], history["loss"], rtol=1e-4)
    assert_same_arrays(fitted.weights_, model.get_weights(), 1e-4, 1e-4)
    np.testing.assert_allclose(fitted.predict(X), model(X)[:, 0], rtol=1e-4, atol=1e-4)


def test_seed_decides_the_network_and_python_s_stream_stays():
    random.seed(3)
    before = random.getstate()
    first = regressor().fit(X, Y)
    assert random.getstate() == before
    random.seed(4)
    assert_same_training(clone(first).fit(X, Y), first, rtol=0)
    other = regressor(random_state=1).fit(X, Y)
    assert np.abs(other.weights_[0] - first.weights_[0]).max() > 0.01


def test_object_with_parameters_is_the_same_network_and_shares_its_program():
    by_function = regressor(network_params={"filters": 3}).fit(X, Y)
    by_object = regressor(Convolution(9)).set_params(network__filters=3).fit(X, Y)
    assert_same_weights(by_object, by_function)
    before = len(trainers())
    clone(by_object).fit(X, Y)
    assert len(trainers()) == before


@pytest.mark.slow
def test_last_batch_that_is_short_is_normalized_together_with_other_samples():
    still = {"epochs": 1, "batch_size": 16, "shuffle": False, "learning_rate": 1e-30}
    fitted = regressor(standardize=False, **still).fit(X, Y)
    kernel, bias, _, _, moving_mean, *_ = fitted.weights_
    before = np.pad(X, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    outputs = before @ kernel[0] + X @ kernel[1] + bias  # of the convolution
    expected = 0.8 * 0.2 * outputs[:16].mean(axis=(0, 1))
    expected += 0.2 * np.r_[outputs[16:], outputs[:8]].mean(axis=(0, 1))
    np.testing.assert_allclose(moving_mean, expected, rtol=1e-5)


@pytest.mark.slow
def test_dropout_and_penalties_of_layers_act_in_training_and_losses():
    fitted = regressor(dropped, standardize=False).fit(X, Y, validation_data=(X, Y))
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict(X))
    penalty = 0.01 * np.square(fitted.weights_[0]).sum()
    expected = np.mean((fitted.predict(X) - Y) ** 2) + penalty
    assert fitted.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


def test_best_weights_come_back_with_their_moving_state():
    held_out = X[:8], -Y[:8]
    stopped = regressor(epochs=9, patience=2, learning_rate=0.3).fit(X, Y, validation_data=held_out)
    n_best = 1 + int(np.argmin(stopped.history_["val_loss"]))
    assert n_best < stopped.n_epochs_ - 1
    shorter = regressor(epochs=n_best, learning_rate=0.3).fit(X, Y)
    for found, expected in zip(stopped.weights_, shorter.weights_, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_warm_start_and_partial_fit_continue():
    whole = regressor(epochs=4, shuffle=False).fit(X, Y)
    halves = regressor(epochs=2, shuffle=False, warm_start=True).fit(X, Y).fit(X, Y)
    assert_same_training(halves, whole, rtol=1e-6)
    fitted = regressor(epochs=1, shuffle=False).fit(X, Y).partial_fit(X, Y)
    np.testing.assert_allclose(fitted.history_["loss"], whole.history_["loss"][:2], rtol=1e-6)
    changed = halves.set_params(network_params={"filters": 4})
    with pytest.raises(ValueError, match="cannot be continued: network changed since"):
        changed.fit(X, Y)


@pytest.mark.parametrize("frozen", [("conv1d_1",), ("batch_normalization_1", "output")])
def test_frozen_layers_of_a_network_stay_as_with_trainable_false_in_keras(frozen):
    parameters = {"standardize": False, "shuffle": False, "optimizer": "sgd"}
    unfrozen = regressor(**parameters).build_model((TIMESTEPS, FEATURES)).get_weights()
    fitted = regressor(frozen_layers=frozen, **parameters).fit(X, Y)
    inputs = keras.Input((TIMESTEPS, FEATURES))
    model = keras.Model(inputs, layers.Dense(1)(convolution(inputs)))
    model.set_weights(unfrozen)
    names = "input conv1d_1 batch_normalization_1 activation pooling output".split()
    for name, layer in zip(names, model.layers, strict=True):
        layer.trainable = name not in frozen
    history = keras_fit(model, X, Y, "mse", keras.optimizers.SGD(0.01), batch_size=8, epochs=3)
    np.testing.assert_allclose(fitted.history_["loss"], history["loss"], rtol=1e-4)
    assert_same_arrays(fitted.weights_, model.get_weights(), 1e-4, 1e-4)
    stayed = [np.array_equal(*pair) for pair in zip(fitted.weights_, unfrozen, strict=True)]
    of_layers = ["conv1d_1"] * 2 + ["batch_normalization_1"] * 4 + ["output"] * 2
    assert stayed == [name in frozen for name in of_layers]
    assert fitted.summary().count(", frozen)") == len(frozen)


def test_network_is_fine_tuned_with_its_layers_frozen_and_comes_back_from_a_file(tmp_path):
    fitted = regressor(warm_start=True, dense_sizes=(2,)).fit(X, Y)
    before = fitted.weights_
    fitted.set_params(frozen_layers=["conv1d_1", "batch_normalization_1"]).fit(X, Y)
    stayed = [np.array_equal(*pair) for pair in zip(fitted.weights_, before, strict=True)]
    assert stayed == [True] * 6 + [False] * 4
    skrnn.save(fitted, tmp_path / "file")
    loaded = skrnn.load(tmp_path / "file", trusted=["test_custom_network.convolution"])
    assert_same_training(loaded.fit(X, Y), fitted.fit(X, Y), rtol=0)


# What it is compared with an estimator of skrnn's own layers


RAGGED = cut(X)
TOKENS = np.arange(len(X) * TIMESTEPS).reshape(len(X), TIMESTEPS) % 8
GAPS = X.copy()
GAPS[::3, 1, 0], GAPS[..., 1] = np.nan, X[:, :1, 1]  # the second feature is static
FORMS = {
    "list": ({}, RAGGED, Y),
    "tokens": ({"vocab_size": 9, "embedding_dim": 3, "mask_value": 0}, TOKENS, Y),
    "static": ({"static_features": [1], "missing": "flag", "dense_sizes": (3,)}, GAPS, Y),
    "steps": ({"return_sequences": True}, RAGGED, [x[:, 0] for x in RAGGED]),
    "quantiles": ({"loss": "quantile"}, X, X[:, 0]),
    "float64": ({"dtype": "float64"}, RAGGED, Y),
    "half": ({"dtype": "mixed_float16"}, X, Y),
}


@pytest.mark.parametrize(
    "form", [pytest.param(n, marks=() if n == "list" else pytest.mark.slow) for n in FORMS]
)
def test_network_of_one_layer_is_that_of_skrnn(form):
    parameters, data, y = FORMS[form]
    steps = {"network_params": {"steps": True}} if form == "steps" else {}
    found = regressor(recurrent, **parameters, **steps, epochs=2).fit(data, y)
    own = RNNRegressor("simple_rnn", 2, **TINY | parameters).fit(data, y)
    own.weights_ = found.weights_
    tolerance = 1e-2 if form == "half" else 1e-5
    for one, other in zip(found.predict(data), own.predict(data), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)
    hidden = {"return_sequences": form == "steps"}
    np.testing.assert_allclose(
        found.hidden_states(data, **hidden), own.hidden_states(data, **hidden), atol=tolerance
    )
    assert [w.dtype for w in found.weights_] == [w.dtype for w in own.weights_]


@pytest.mark.slow
@pytest.mark.parametrize("network", [convolution, recurrent])
def test_attributions_add_up_through_the_layers_of_a_function(network):
    data = X if network is convolution else RAGGED
    fitted = regressor(network, dtype="float64").fit(data, Y)
    start = [x[::-1] for x in data]
    change = fitted.predict(data) - fitted.predict(start)
    sums = [parts.sum() for parts in integrated_gradients(fitted, data, start)]
    np.testing.assert_allclose(sums, change, rtol=1e-4, atol=1e-6 * np.abs(change).max())


def with_mask(inputs, mask=None):
    """Return the mean of convolutions, which hand no mask on."""
    x = layers.Conv1D(2, 3, padding="same")(inputs)
    return layers.GlobalAveragePooling1D()(x, mask=mask)


def without_mask(inputs):
    return layers.GlobalAveragePooling1D()(layers.Conv1D(2, 3, padding="same")(inputs))


@pytest.mark.slow
def test_mask_reaches_a_layer_behind_a_convolution_as_an_argument():
    fitted = regressor(with_mask, standardize=False).fit(RAGGED, Y)
    for i in (0, 7):  # padded with zeros to five timesteps, or not at all
        np.testing.assert_allclose(
            fitted.predict(RAGGED)[i], fitted.predict(RAGGED[i : i + 1])[0], rtol=1e-5
        )


@pytest.mark.slow
def test_layer_that_drops_the_mask_is_warned_of_once():
    with pytest.warns(UserWarning, match="does not support masking"):
        regressor(without_mask).fit(RAGGED, Y)
    regressor(without_mask).fit(RAGGED, Y).predict(RAGGED)


@pytest.mark.slow
def test_classifier_forecaster_blocks_callbacks_and_metrics_take_it(tmp_path):
    fitted = RNNClassifier(network=convolution, **TINY).fit(X, LABELS)
    assert fitted.predict_proba(X).shape == (len(X), 2)
    blocks = regressor(epochs=1).fit_batches([(X[:16], Y[:16]), (X[16:], Y[16:])])
    assert blocks.n_epochs_ == 1
    path = tmp_path / "best.keras"
    watched = regressor(callbacks=keras.callbacks.ModelCheckpoint(path), metrics=["mae"])
    watched.fit(X, Y)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded(X)[:, 0], watched.predict(X), rtol=1e-4, atol=1e-4)
    series = pd.Series(np.sin(np.arange(60) / 3))
    forecaster = RNNForecaster(regressor(), timesteps=5, steps=3, baseline=None).fit(series)
    assert np.isfinite(forecaster.predict()).all()


# Programs


@pytest.mark.slow
def test_search_compiles_once_for_each_architecture():
    before = set(trainers())
    grid = {"network_params": [{"filters": 3}, {"filters": 4}], "learning_rate": [0.1, 0.01]}
    GridSearchCV(regressor(epochs=1), grid, cv=3, refit=False, error_score="raise").fit(X, Y)
    assert len(set(trainers()) - before) == 2


def test_function_that_is_defined_again_is_another_network():
    def defined():
        def network(inputs, units=1):
            return inputs

        return network

    first, again = defined(), defined()
    assert CustomNetwork(first) == CustomNetwork(first)
    assert CustomNetwork(first) != CustomNetwork(again)
    assert len({CustomNetwork(first, {"units": units}) for units in (1, 1.0, True, 1)}) == 3
    nested = {"sizes": [3, (4, "a")], "start": np.eye(2), "l2": keras.regularizers.L2(0.1)}
    assert CustomNetwork(first, nested) == CustomNetwork(first, copy.deepcopy(nested))
    assert CustomNetwork(Convolution(2)) == CustomNetwork(Convolution(2))
    assert CustomNetwork(Convolution(2)) != CustomNetwork(Convolution(3))


# What is shown and handed on


def test_transform_model_and_summary_show_the_function_s_layers(tmp_path):
    fitted = regressor().fit(X, Y)
    hidden = fitted.transform(X)
    assert hidden.shape == (len(X), 3)
    np.testing.assert_allclose(
        hidden @ fitted.weights_[-2][:, 0] + fitted.weights_[-1],
        (fitted.predict(X) - fitted._network.scaling.y_mean) / fitted._network.scaling.y_scale,
        rtol=1e-4,
        atol=1e-5,
    )
    fitted.to_keras(tmp_path / "network.keras")
    for model in (fitted.model_, keras.models.load_model(tmp_path / "network.keras")):
        np.testing.assert_allclose(model(X)[:, 0], fitted.predict(X), rtol=1e-4, atol=1e-4)
    lines = fitted.summary().splitlines()
    assert lines[1].split() == ["conv1d_1", "(Conv1D)", "(None,", "5,", "3)", "15"]
    assert lines[-1] == f"Total parameters: {fitted.model_.count_params()}"
    assert regressor().summary((TIMESTEPS, FEATURES)) == fitted.summary()


def test_pickle_and_copy_keep_a_function_of_a_module_and_train_on():
    fitted = regressor(warm_start=True).fit(X, Y)
    for copied in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(copied.predict(X), fitted.predict(X))
        assert copied._network.architecture == fitted._network.architecture
        assert copied.fit(X, Y).n_epochs_ == 6


@pytest.mark.parametrize(
    ("network", "name"),
    [(convolution, "test_custom_network.convolution"), (Convolution(3), f"{__name__}.Convolution")],
    ids=["function", "object"],
)
def test_file_holds_the_import_path_and_is_loaded_when_it_is_trusted(network, name, tmp_path):
    fitted = regressor(network, warm_start=True).fit(X, Y)
    skrnn.save(fitted, tmp_path / "file")
    loaded = skrnn.load(tmp_path / "file", trusted=[name])
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    assert_same_training(loaded.fit(X, Y), fitted.fit(X, Y), rtol=0)
    with pytest.raises(skrnn.FileFormatError, match=rf"{name} is not trusted\. Pass `trusted="):
        skrnn.load(tmp_path / "file")
    unfitted = skrnn.RNNRegressor(network=network)
    skrnn.save(unfitted, tmp_path / "file")
    assert type(skrnn.load(tmp_path / "file", trusted=[name]).network) is type(network)


def test_file_of_something_else_than_a_network_is_refused(tmp_path):
    skrnn.save(regressor(Convolution()), tmp_path / "file")
    plant(tmp_path / "file", "estimator.network.name", "convolution")
    with pytest.raises(skrnn.FileFormatError, match=r"the class .*\.convolution is not as"):
        skrnn.load(tmp_path / "file", trusted=["test_custom_network.convolution"])


def test_save_refuses_a_function_without_an_import_path(tmp_path):
    def nested(inputs):
        return inputs

    for network in (nested, lambda inputs: inputs):
        with pytest.raises(ValueError, match=r"`RNNRegressor\.network` cannot be stored: <"):
            skrnn.save(regressor(network), tmp_path / "file")
    run(
        "import skrnn\n"
        "def network(inputs): return inputs\n"
        "try: skrnn.save(skrnn.RNNRegressor(network=network), 'file')\n"
        "except ValueError as error: assert 'Define it in a module' in str(error), error\n"
        "else: raise SystemExit('saved')"
    )
    assert not (tmp_path / "file").exists()


@pytest.mark.slow
def test_killed_fit_goes_on_from_its_checkpoint(tmp_path):
    seen = []

    def killed(y_true, y_pred):
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return 0.0

    kept = {"checkpoint_dir": tmp_path, "metrics": killed}
    with pytest.raises(KeyboardInterrupt):
        regressor(**kept).fit(X, Y)
    assert list(tmp_path.glob("*.checkpoint"))
    resumed = regressor(**kept).fit(X, Y)
    assert len(seen) == 4  # the first epoch is not trained again
    assert_same_weights(resumed, regressor().fit(X, Y))


# What is refused


def flat(inputs):
    return inputs


def raising(inputs, unit=3):
    raise KeyError("kernel")


SHARED = []


def shared(inputs):
    if not SHARED:
        SHARED.append(layers.GRU(2))
    return SHARED[0](inputs)


MISTAKES = {
    "returns nothing": (lambda inputs: None, {}, r"must return a tensor of shape \(batch, units\)"),
    "returns a model": (
        lambda inputs: keras.Model(inputs, layers.Flatten()(inputs)),
        {},
        "got an object of type Functional. Return the output of its last layer",
    ),
    "keeps the timesteps": (flat, {}, r"got the shape \(None, 5, 2\)\. Reduce it over time"),
    "loses the timesteps": (convolution, {"return_sequences": True}, "a vector for each timestep"),
    "raises": (raising, {}, r"for inputs of shape \(None, 5, 2\), got KeyError: 'kernel'"),
    "wrong argument": (raising, {"network_params": {"units": 3}}, r"units.*TypeError"),
    "whole numbers": (
        lambda inputs: keras.ops.argmax(inputs, axis=1),
        {},
        "floating-point numbers, got a tensor of int32",
    ),
    "another input": (
        lambda inputs: layers.Flatten()(keras.Input((3, 2))),
        {},
        "must return .* from its inputs",
    ),
    "a layer's dtype": (
        lambda inputs: layers.GRU(2, dtype="float64")(inputs),
        {},
        "weights in float32, like `dtype`, got float64 in",
    ),
    "shared layers": (shared, {}, r"must create its layers at each call, got 'gru"),
    "a name twice": (
        lambda inputs: layers.GRU(2, name="output")(inputs),
        {},
        "output",
    ),
    "beside a stack": (
        convolution,
        {"cell_type": "gru", "hidden_size": 8},
        r"`cell_type`, `hidden_size` must be at the default .* cell_type='gru', hidden_size=8",
    ),
    "pooling": (convolution, {"pooling": "max"}, "`pooling` must be at the default"),
    "segment": (convolution, {"segment": 5}, "`segment` must be at the default"),
    "stateful": (convolution, {"stateful": True}, "`stateful` must be at the default"),
    "params alone": (
        None,
        {"network_params": {}},
        "`network_params` must be None without",
    ),
    "params twice": (
        Convolution(),
        {"network_params": {"filters": 3}},
        "Set them on the object, as in `network__units=8`",
    ),
    "a class": (Convolution, {}, r"got the class Convolution\. Pass an instance"),
    "a layer": (keras.layers.GRU(2), {}, "got an object of type GRU. Write a function"),
    "a partial": (partial(convolution, filters=2), {}, "settings into `network_params`"),
    "a set": (
        convolution,
        {"network_params": {"filters": {3}}},
        r"`network_params\['filters'\]` must be a number, .* got an object of type set",
    ),
    "a number as name": (convolution, {"network_params": {3: 3}}, "names of arguments as keys"),
    "frozen, unknown": (
        convolution,
        {"frozen_layers": ["conv1d_2"]},
        "here 'conv1d_1', 'batch_normalization_1', 'output', got 'conv1d_2'",
    ),
    "frozen, all": (
        convolution,
        {"frozen_layers": ["conv1d_1", "batch_normalization_1", "output"]},
        "`frozen_layers` must leave at least one layer to train",
    ),
    "NumPy": (convolution, {"engine": "numpy"}, "`engine='numpy'` does not support network"),
    "native": (convolution, {"engine": "native"}, "`engine='native'`"),
    "several devices": (convolution, {"device": "all"}, "`device` .* single device with `network`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_in_a_network_is_named_before_anything_is_lost(mistake):
    network, parameters, words = MISTAKES[mistake]
    estimator = RNNRegressor("simple_rnn", 2, epochs=1, engine="numpy").fit(X, Y)
    before = estimator.predict(X)
    changes = {"cell_type": "lstm", "hidden_size": 32, "engine": "auto", "network": network}
    y = X[..., 0] if "return_sequences" in parameters else Y
    with pytest.raises((TypeError, ValueError), match=words):
        estimator.set_params(**changes | parameters).fit(X, y)
    np.testing.assert_array_equal(estimator.predict(X), before)


def after_mean(*head):
    return lambda inputs: keras.Sequential([layers.GlobalAveragePooling1D(), *head])(inputs)


@pytest.mark.parametrize(
    ("network", "width"),
    [
        (after_mean(layers.Dense(3, activation="softmax")), 3),
        (after_mean(layers.Dense(2, activation="softmax")), 2),
        (after_mean(layers.Dense(1), layers.Activation("sigmoid")), 1),
        (lambda inputs: keras.ops.softmax(recurrent(inputs, 3)), 3),
    ],
)
def test_network_that_ends_in_probabilities_is_warned_of_before_training(network, width):
    labels = np.arange(24) % max(width, 2)
    with pytest.raises(UserWarning, match=f"`network` .* width {width} .* Return the tensor"):
        RNNClassifier(network=network, **TINY).fit(X[:24], labels)  # warnings are errors here


def test_network_that_ends_in_hidden_probabilities_or_logits_is_not_warned_of():
    for head in (layers.Dense(8, activation="softmax"), layers.Dense(1)):
        RNNClassifier(network=after_mean(head)).summary((TIMESTEPS, FEATURES))


def test_layers_that_change_between_calls_are_refused():
    units = iter(range(1, 9))
    with pytest.raises(ValueError, match="`network` must create the same layers at each call"):
        regressor(lambda inputs: recurrent(inputs, next(units))).fit(X, Y)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda e, path: e.to_onnx(path / "a.onnx"),
            "`to_onnx` must have a network of",
        ),
        (lambda e, path: e.to_c(path / "a.h"), "`to_c` must have a network of"),
        (lambda e, path: e.stepper(), r"network=convolution`.* Call `predict` on windows"),
        (
            lambda e, path: e.hidden_states(X, return_state=True),
            "`return_state` must be",
        ),
        (
            lambda e, path: e.hidden_states(X, return_sequences=True),
            "`return_sequences` must be",
        ),
    ],
)
def test_method_that_knows_own_layers_only_refuses_a_network(call, words, tmp_path):
    fitted = regressor().fit(X, Y)
    with pytest.raises(ValueError, match=words):
        call(fitted, tmp_path)


@pytest.mark.slow
def test_saved_model_that_to_onnx_recommends_predicts_the_same(tmp_path):
    fitted = regressor().fit(X, Y)
    with pytest.raises(ValueError, match=r"`model_\.export\(folder\)`"):
        fitted.to_onnx(tmp_path / "network.onnx")
    fitted.model_.export(tmp_path / "folder", verbose=False)
    served = keras.layers.TFSMLayer(tmp_path / "folder", call_endpoint="serve")
    np.testing.assert_allclose(
        served(X.astype("float32"))[:, 0], fitted.predict(X), rtol=1e-4, atol=1e-4
    )


# scikit-learn's own checks


def front(inputs, filters=8, units=16):
    """Return a GRU on a convolution."""
    x = layers.Conv1D(filters, 3, padding="causal", activation="relu")(inputs)
    return layers.GRU(units)(x)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the checks pass odd input on purpose
@pytest.mark.parametrize(("kind", "n_checks"), [(RNNRegressor, 66), (RNNClassifier, 74)])
def test_every_common_check_passes_with_a_convolution_before_a_gru(kind, n_checks):
    estimator = kind(network=front, dtype="float64", epochs=20, learning_rate=0.03)
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert [r["check_name"] for r in results if r["status"] != "passed"] == []
    assert len(results) == n_checks
