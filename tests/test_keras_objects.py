"""Losses and optimizers as Keras's objects: read into names and settings, and held so."""

import pickle
from copy import deepcopy

import keras
import numpy as np
import pytest
from forecasting import bare
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small_networks import X, Y, assert_same_training, regressor

from skrnn import RNNClassifier, load, save

losses, optimizers = keras.losses, keras.optimizers

OBJECTS = {
    "Adam": ("optimizer", optimizers.Adam, {"name": "adam", "learning_rate": 0.001}),
    "Adam(0.1)": (
        "optimizer",
        lambda: optimizers.Adam(0.1),
        {"name": "adam", "learning_rate": 0.1},
    ),
    "SGD": (
        "optimizer",
        lambda: optimizers.SGD(0.1, momentum=0.9, clipnorm=1.0),
        {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "clipnorm": 1.0},
    ),
    "MeanSquaredError": ("loss", losses.MeanSquaredError, "mean_squared_error"),
    "class": ("loss", lambda: losses.MeanAbsoluteError, "mean_absolute_error"),
    "function": ("loss", lambda: losses.mean_absolute_error, "mean_absolute_error"),
    "KLDivergence": ("loss", losses.KLDivergence, "kl_divergence"),
    "Huber": ("loss", lambda: losses.Huber(0.5), {"name": "huber", "delta": 0.5}),
    "Huber()": ("loss", losses.Huber, "huber"),
}
every_object = pytest.mark.parametrize(
    ("parameter", "make", "config"), OBJECTS.values(), ids=OBJECTS
)


@every_object
def test_object_is_copied_and_stored_as_its_configuration(parameter, make, config, tmp_path):
    thing = make()
    estimator = regressor(**{parameter: thing})
    save(estimator, tmp_path / "estimator.skrnn")
    copies = [clone(estimator), deepcopy(estimator), pickle.loads(pickle.dumps(estimator))]
    copies += [clone(copies[0]), load(tmp_path / "estimator.skrnn")]
    assert [copy.get_params()[parameter] for copy in copies] == [config] * 5
    assert clone(bare(estimator)).regressor.get_params()[parameter] == config
    assert estimator.get_params()[parameter] is thing


@pytest.mark.parametrize("name", ["Adam", "SGD", "MeanSquaredError", "function"])
def test_object_trains_as_its_configuration_and_stays_as_it_is(name):
    parameter, make, config = OBJECTS[name]
    thing = make()
    by_object = regressor(**{parameter: thing}).fit(X, Y)
    assert_same_training(by_object, regressor(**{parameter: config}).fit(X, Y))
    assert parameter == "loss" or (not thing.built and int(thing.iterations) == 0)


def test_objects_are_searched():
    rates = [optimizers.SGD(1e-6), optimizers.Adam(0.1)]
    search = GridSearchCV(regressor(epochs=20), {"optimizer": rates}, cv=2).fit(X, Y)
    assert isinstance(search.best_estimator_.optimizer, optimizers.Adam)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "loss", "n_classes"),
    [
        (regressor, losses.Huber(0.1), 0),
        (RNNClassifier, losses.BinaryCrossentropy(label_smoothing=0.2), 2),
        (RNNClassifier, losses.BinaryFocalCrossentropy(True, alpha=0.4, gamma=3), 2),
        (RNNClassifier, losses.CategoricalCrossentropy(label_smoothing=0.2), 3),
        (RNNClassifier, losses.CategoricalFocalCrossentropy(alpha=0.4, gamma=3), 3),
    ],
    ids=lambda value: getattr(value, "name", None) or getattr(value, "__name__", None),
)
def test_settings_of_a_loss_mean_what_they_mean_in_keras(make, loss, n_classes):
    y = Y if n_classes == 0 else np.arange(len(X)) % n_classes
    fitted = make(cell_type="simple_rnn", hidden_size=3, epochs=1, loss=loss, standardize=False)
    fitted.fit(X, y, validation_data=(X, y))
    targets, outputs = y, fitted.model_.predict(X, verbose=0)
    if n_classes == 3:
        targets = np.eye(3)[y]
    expected = loss(targets.reshape(outputs.shape), outputs)
    assert fitted.history_["val_loss"][0] == pytest.approx(float(expected), rel=1e-5)


BAD = {
    "reduction": ({"loss": losses.MeanSquaredError(reduction="sum")}, "reduction"),
    "logits": (
        {"loss": {"name": "binary_crossentropy", "from_logits": True}},
        "from_logits=True.*output layer",
    ),
    "delta": ({"loss": {"name": "huber", "delta": 0}}, "delta"),
    "setting": ({"loss": {"name": "mse", "delta": 1}}, "takes no settings"),
    "schedule": (
        {"optimizer": optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 10))},
        "Pass a schedule as `learning_rate`, such as 'cosine'",
    ),
    "average": ({"optimizer": optimizers.Adam(use_ema=True)}, "use_ema"),
    "two rates": ({"optimizer": optimizers.Adam(0.1), "learning_rate": 0.2}, "must be given once"),
    "wrapper": ({"optimizer": optimizers.LossScaleOptimizer(optimizers.Adam())}, "'adam'"),
    "own optimizer": ({"optimizer": type("Own", (optimizers.Adam,), {})()}, "'adam'"),
    "own loss": ({"loss": type("Own", (losses.MeanSquaredError,), {})()}, "'mae'"),
}


@pytest.mark.parametrize(("parameters", "words"), BAD.values(), ids=BAD)
def test_object_that_cannot_be_read_is_refused(parameters, words):
    make = RNNClassifier if "from_logits" in words else regressor
    y = np.arange(len(X)) % 2 if make is RNNClassifier else Y
    with pytest.raises(ValueError, match=words):
        make().set_params(**parameters).fit(X, y)
