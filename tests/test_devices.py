"""Where Keras computes: requested and present devices, and shares of a batch."""

import functools
import pickle

import fits
import numpy as np
import pytest
from fits import FIRST_CHOICE
from processes import run

import skrnn
from skrnn import RNNRegressor
from skrnn._data.sequences import Sequences
from skrnn._keras_engine import devices, programs
from skrnn._keras_engine import engine as _keras_engine
from skrnn._keras_engine import network as _keras_network
from skrnn._keras_engine.recurrent_layers import layer_class

small = functools.partial(fits.small, cell_type="lstm")
X, Y = fits.samples(20)
WITHOUT_GPU = not any("GPU" in place for place in devices.devices_for("all"))

without_gpu = pytest.mark.skipif(not WITHOUT_GPU, reason="asks for a GPU that is missing")


# Refusals


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        pytest.param({"device": "gpu:0"}, "'cpu', got 'gpu:0'", marks=without_gpu),
        pytest.param(
            {"device": "gpu:0", "engine": "keras"}, "'cpu', got 'gpu:0'", marks=without_gpu
        ),
        ({"device": "all", "stateful": True}, "stateful=True"),
    ],
)
def test_unusable_device_is_refused_before_a_program_is_built(parameters, words):
    subject, built = RNNRegressor(**parameters), set(programs._kept)
    with pytest.raises(ValueError, match=r"`device`|device=") as refused:
        subject.fit(X, Y)
    assert words in str(refused.value)
    assert set(programs._kept) == built
    assert vars(subject) == subject.get_params()


@pytest.mark.parametrize("device", ["tpu", 3, ["gpu:0"], "gpu:999"])
def test_predict_uses_another_device_where_its_own_is_missing(device):
    fitted = small(engine="keras").fit(X, Y)
    expected = fitted.predict(X)
    np.testing.assert_array_equal(fitted.set_params(device=device).predict(X), expected)


# Choice of engine and device


@pytest.mark.parametrize(("device", "engine"), [("cpu", FIRST_CHOICE), ("all", "keras")])
def test_device_decides_about_the_engine(device, engine):
    assert small(device=device).fit(X, Y).engine_ == engine


@without_gpu
@pytest.mark.parametrize("engine", ["keras", "numpy"])
def test_only_processor_is_auto_cpu_and_all(engine):
    words = ("auto", "cpu", "all") if engine == "keras" else ("auto", "cpu")
    fitted = [small(engine=engine, device=word).fit(X, Y) for word in words]
    for other in fitted[1:]:
        assert other.history_["loss"] == fitted[0].history_["loss"]
        np.testing.assert_array_equal(other.predict(X), fitted[0].predict(X))


@without_gpu
@pytest.mark.parametrize("engine", ["auto", "keras"])
def test_network_of_a_machine_with_a_gpu_predicts_on_one_without(engine, tmp_path):
    fitted = small(engine=engine).fit(X, Y)
    expected = fitted.predict(X)
    elsewhere = fitted.set_params(device="gpu:3")
    skrnn.save(elsewhere, tmp_path / "network.skrnn")
    for copy in (pickle.loads(pickle.dumps(elsewhere)), skrnn.load(tmp_path / "network.skrnn")):
        assert copy.device == "gpu:3"
        np.testing.assert_array_equal(copy.predict(X), expected)


def test_device_of_a_request_ends_with_it():
    before = devices.present_devices()
    with _keras_engine.training_scope("all"):
        assert devices.present_devices() == devices.devices_for("all")
    assert devices.present_devices() == before


# cuDNN


def test_padding_is_at_the_end_or_elsewhere():
    rng = np.random.default_rng(0)
    for _ in range(200):
        values = rng.integers(0, 3, size=(rng.integers(1, 4), rng.integers(1, 5)))
        rows = values.astype(bool).tolist()
        at_end = all(row[0] and row == sorted(row, reverse=True) for row in rows)
        assert Sequences(values, mask_value=0).ends_in_padding() == at_end


@pytest.mark.parametrize(
    ("parameters", "taken"),
    [
        ({"cell_type": "lstm"}, True),
        ({"cell_type": ("gru", "lstm"), "bidirectional": True, "dropout": 0.5}, True),
        ({"cell_type": "simple_rnn"}, False),
        ({"cell_type": ("lstm", "simple_rnn")}, False),
        ({"cell_type": "lstm", "activation": "relu"}, False),
        ({"cell_type": "gru", "recurrent_dropout": 0.1}, False),
    ],
)
def test_cudnn_takes_lstm_and_gru_with_their_default_settings(parameters, taken):
    fitted = small(**parameters | {"epochs": 1}, engine="numpy").fit(X, Y)
    assert _keras_network.cudnn_takes(fitted._network.architecture) == taken


@pytest.mark.parametrize(("masked", "setting"), [(False, "auto"), (True, False)])
def test_model_leaves_cudnn_to_keras_where_it_takes_every_mask(masked, setting):
    network = small(mask_value=0.0 if masked else None)
    assert network.build_model((4, 2)).get_layer("lstm_1").use_cudnn == setting


@pytest.mark.slow
@pytest.mark.parametrize("cell_type", ["gru", "lstm"])
def test_program_with_plain_layers_trains_as_the_compiled_one(cell_type):
    """It is the one in which a GPU has cuDNN's; elsewhere the same layers compute by themselves."""
    X, y = fits.samples(21)
    fitted = small(cell_type=cell_type, engine="keras", batch_size=8)
    fitted.fit(X, y)
    shape = fitted._network.architecture, fitted._network.settings, 8, 24, 4
    layers, results = [], []
    x, target = (np.pad(a.astype(np.float32), [(0, 3), *[(0, 0)] * (a.ndim - 1)]) for a in (X, y))
    for cudnn in (False, True):
        trainer = programs.trainer(*shape, cudnn=cudnn)
        layers.append(type(trainer.model.layers[1]))
        state = trainer.initial_state(fitted.weights_, None, 0.01, 0)
        order = np.pad(np.arange(21, dtype=np.int32), (0, 3))
        w = np.ones(24, np.float32)
        state, loss = trainer(state, x, target[:, np.newaxis], w, order, 0, 21)
        results.append([np.array(loss), *(np.asarray(weight) for weight in state.weights)])
    assert layers[1] is layer_class(cell_type)
    for compiled, plain in zip(*results, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-5, atol=1e-6)


# Several devices

SHARED = """if True:
    import numpy as np
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
    from skrnn import RNNClassifier, RNNRegressor

    rng = np.random.default_rng(0)
    X, tokens = rng.normal(size=(39, 5, 2)), rng.integers(1, 20, size=(39, 5))
    tokens[:20, 3:] = 0
    y = X[:, -1, 0] + X[:, 0, 1]
    weight = rng.random(39)
    by_step = np.cumsum(X[..., 0], axis=1)
    clipped = {"name": "adam", "clipnorm": 0.1}
    common = dict(hidden_size=4, epochs=4, batch_size=9, engine="keras", random_state=0)
    cases = (
        (RNNRegressor("lstm", kernel_l2=0.01, optimizer=clipped), X, y),
        (RNNRegressor("gru", return_sequences=True, validation_fraction=0.2), X, by_step),
        (RNNRegressor("simple_rnn", bidirectional=True), X, np.stack([y, -y, y], axis=1)),
        (RNNClassifier("simple_rnn", vocab_size=20, mask_value=0), tokens, y > 0),
    )
    for estimator, values, target in cases:
        fits = []
        for device in ("cpu", "all"):
            estimator.set_params(**common, device=device).fit(values, target, weight)
            history = [losses for name, losses in estimator.history_.items() if name != "seconds"]
            fits.append([*map(np.array, history), *estimator.weights_, estimator.transform(values)])
        print(max(np.abs(one - two).max() for one, two in zip(*fits, strict=True)))
    from skrnn._keras_engine import devices

    print(*devices.devices_for("all"), devices.strategy.cache_info().currsize)
"""


@pytest.mark.slow
def test_two_devices_train_as_one():
    *differences, used = run(SHARED).splitlines()
    assert used == "/device:CPU:0 /device:CPU:1 1"
    assert len(differences) == 4
    assert max(map(float, differences)) < 1e-5
