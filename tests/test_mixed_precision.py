"""`dtype="mixed_float16"`: hidden layers in float16, all that stays in float32."""

import keras
import numpy as np
import pandas as pd
import pytest
from forecasting import bare
from recurrent import CELLS

import skrnn
from skrnn import RNNClassifier, RNNRegressor

SCALE = 3  # where the scale of the loss stands in `optimizer_state_`
LSTM = {"cell_type": "lstm", "hidden_size": 4, "epochs": 3, "batch_size": 10, "random_state": 0}
MIXED = LSTM | {"dtype": "mixed_float16"}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 5, 2))
Y = X[:, -1, 0] + X[:, 0, 1]
TOKENS = RNG.integers(1, 9, size=(30, 5))


@pytest.fixture(scope="module")
def fitted():
    return RNNRegressor(**MIXED).fit(X, Y)


def test_second_scale_of_the_loss_is_refused():
    optimizer = {"name": "adam", "loss_scale_factor": 8.0}
    with pytest.raises(ValueError, match=r"`optimizer` must not set 'loss_scale_factor'.* got 8"):
        RNNRegressor(**MIXED, optimizer=optimizer).fit(X, Y)


def test_loss_curve_is_near_that_of_float32_and_not_the_same(fitted):
    single = RNNRegressor(**LSTM, engine="numpy").fit(X, Y)
    assert fitted.engine_ == "keras"
    losses = fitted.history_["loss"]
    np.testing.assert_allclose(losses, single.history_["loss"], rtol=5e-3)
    assert np.abs(np.subtract(losses, single.history_["loss"])).max() > 1e-6
    np.testing.assert_allclose(fitted.predict(X), single.predict(X), atol=2e-2)


def test_what_is_kept_and_returned_is_float32(fitted):
    arrays = [
        fitted.predict(X),
        fitted.transform(X),
        *fitted.weights_,
        *fitted.optimizer_state_[4:],
    ]
    kinds = {array.dtype.name for array in arrays if array.ndim}
    assert kinds == {"float32"}
    layers = fitted.model_.layers
    assert [layer.compute_dtype for layer in layers[-3:]] == ["float16", "float32", "float32"]


def test_steps_whose_gradients_overflow_are_left_out_and_the_scale_is_halved(fitted, tmp_path):
    skrnn.save(fitted, tmp_path / "network.skrnn")
    resumed = skrnn.load(tmp_path / "network.skrnn").set_params(warm_start=True, epochs=1)
    assert resumed.optimizer_state_[SCALE] == 2.0**15
    resumed.optimizer_state_[SCALE] = np.float32(2.0**100)
    resumed.fit(X, Y)  # in three batches
    assert resumed.optimizer_state_[SCALE] == 2.0**97
    for before, after in zip(fitted.weights_, resumed.weights_, strict=True):
        np.testing.assert_array_equal(before, after)


def test_estimator_from_its_model_predicts_the_same(fitted):
    again = RNNRegressor.from_keras(fitted.model_)
    assert again.dtype == "mixed_float16"
    np.testing.assert_allclose(again.predict(X), fitted.predict(X), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("cell_type", CELLS)
def test_losses_are_those_of_keras_with_its_loss_scale_optimizer(cell_type):
    settings = MIXED | {"cell_type": cell_type, "standardize": False, "shuffle": False}
    regressor = RNNRegressor(**settings)
    model = regressor.build_model((5, 2))
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))
    model.compile(optimizer, "mse")
    # Far from where a gradient overflows, and rounding decides whether a step is left out.
    x, y = X.astype("float32"), Y.astype("float32") / 100
    losses = model.fit(x, y, batch_size=10, epochs=3, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(regressor.fit(x, y).history_["loss"], losses, rtol=2e-3)


class Slower(keras.callbacks.Callback):
    """Lowers the learning rate in the optimizer that the loss's scale is wrapped round."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.005


CASES = {
    "masked": (X, Y, {"mask_value": 0.0, "pooling": "max", "cell_type": "simple_rnn"}),
    "by step": (X, np.cumsum(X[..., 0], 1), {"return_sequences": True, "bidirectional": True}),
    "stateful": (X, Y, {"stateful": True, "pooling": "mean", "kernel_l2": 0.01}),
    "callback": (X, Y, {"callbacks": [Slower()], "validation_fraction": 0.2}),
    "tokens": (TOKENS, Y, {"vocab_size": 9, "mask_value": 0, "dense_sizes": (3,)}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_network_trains_as_in_float32_or_nearly(case, tmp_path):
    values, target, changes = CASES[case]
    single = RNNRegressor(**LSTM | changes).fit(values, target)
    mixed = RNNRegressor(**MIXED | changes).fit(values, target)
    for name in single.history_.keys() - {"seconds"}:
        np.testing.assert_allclose(mixed.history_[name], single.history_[name], rtol=2e-2)
    mixed.set_params(callbacks=None)  # which no file holds
    skrnn.save(mixed, tmp_path / "network.skrnn")
    loaded = skrnn.load(tmp_path / "network.skrnn")
    np.testing.assert_array_equal(loaded.predict(values), mixed.predict(values))


@pytest.mark.slow
def test_classifier_returns_probabilities_in_float32():
    classifier = RNNClassifier(**MIXED, vocab_size=9).fit(TOKENS, Y > 0)
    assert classifier.predict_proba(TOKENS).dtype == np.float32


@pytest.mark.slow
def test_forecaster_takes_device_and_dtype_through_its_regressor():
    days = pd.date_range("2024-01-01", periods=60, freq="D")
    series = pd.Series(np.sin(np.arange(60) / 3), index=days)
    network = RNNRegressor(**MIXED, device="cpu")
    forecaster = bare(network, timesteps=6).fit(series)
    assert np.isfinite(forecaster.predict(3)).all()
    forecaster.set_params(regressor__device="gpu:999")
    with pytest.raises(ValueError, match="'gpu:999'"):
        forecaster.fit(series)
