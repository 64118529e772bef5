"""One-hot labels: as Keras takes them where the loss says so, else with a warning."""

import warnings

import keras
import numpy as np
import onnxruntime
import pytest
from sklearn.metrics import log_loss

import skrnn
from skrnn import RNNClassifier

X = np.random.default_rng(0).normal(size=(60, 4, 2)).astype("float32")
LABELS = np.arange(60) % 3
Y = np.eye(3)[LABELS]


def network(loss="categorical_crossentropy", **parameters):
    settings = {"epochs": 2, "random_state": 0, "engine": "numpy"} | parameters
    return RNNClassifier("gru", 4, loss=loss, **settings)


@pytest.mark.parametrize(
    ("loss", "engine"),
    [
        ("categorical_crossentropy", "numpy"),
        pytest.param("categorical_crossentropy", "keras", marks=pytest.mark.slow),
        pytest.param("kl_divergence", "keras", marks=pytest.mark.slow),
    ],
)
def test_one_hot_labels_train_as_the_labels_do_and_come_back(loss, engine):
    rows, labels = (network(loss, engine=engine).fit(X, y) for y in (Y, LABELS))
    np.testing.assert_array_equal(rows.predict_proba(X), labels.predict_proba(X))
    np.testing.assert_array_equal(rows.predict(X), np.eye(3)[labels.predict(X)])
    assert rows.score(X, Y) == labels.score(X, LABELS)
    assert rows.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_hot_labels_are_read_as_keras_reads_them(n_classes):
    y = np.eye(n_classes)[np.arange(60) % n_classes]
    fitted = network(standardize=False).fit(X, y)
    output = keras.layers.Dense(n_classes, activation="softmax")
    model = keras.Sequential([keras.Input((4, 2)), keras.layers.GRU(4), output])
    model.set_weights(fitted.weights_)
    model.compile(loss="categorical_crossentropy")
    np.testing.assert_allclose(fitted.predict_proba(X), model(X), rtol=1e-5)
    loss = model.evaluate(X, y, verbose=0)
    assert log_loss(y, fitted.predict_proba(X)) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(
    "fit",
    [
        lambda new: new.fit(X, Y.astype(bool), validation_data=(X, Y)),
        lambda new: new.set_params(class_weight="balanced", validation_fraction=0.2).fit(X, Y),
        lambda new: new.partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X[:1], Y[:1]),
        lambda new: new.fit_batches([(X[:30], Y[:30]), (X[30:], Y[30:])]),
        lambda new: new.fit(X, Y).set_params(warm_start=True).fit(X[:2], Y[:2]),
    ],
    ids=["fit", "weights", "partial_fit", "fit_batches", "warm_start"],
)
def test_one_hot_labels_come_back_from_every_fit(fit, tmp_path):
    fitted = fit(network())
    rows = fitted.predict(X)
    assert rows.shape == (60, 3)
    assert (rows.sum(axis=1) == 1).all()
    skrnn.save(fitted, tmp_path / "network")
    np.testing.assert_array_equal(skrnn.load(tmp_path / "network").predict(X), rows)
    fitted.to_onnx(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    np.testing.assert_array_equal(session.run(["label"], {"X": X})[0], rows)


def test_one_hot_labels_without_that_loss_warn_unless_the_loss_is_binary():
    for fit in (
        lambda new: new.fit(X, Y),
        lambda new: new.partial_fit(X, Y, classes=[0, 1, 2]),
        lambda new: new.fit_batches([(X, Y)]),
        lambda new: new.set_params(loss="mse").fit(X, Y),
    ):
        with pytest.warns(UserWarning, match=r"`y.argmax\(axis=1\)`, or set `loss='categorical_c"):
            assert fit(network("auto")).predict(X).sum(axis=1).max() != 1
    several = Y.copy()
    several[0] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network("bce").fit(X, Y)
        network("auto").fit(X, several).score(X, Y)


@pytest.mark.parametrize(
    ("fitted", "y", "message"),
    [
        (Y, LABELS, "form it had in `fit`, got an array of shape \\(60,\\)"),
        (LABELS, Y, "form it had in `fit`, .* Pass `y.argmax"),
        (Y, np.where(LABELS[:, np.newaxis] == 1, 1, Y), "exactly one 1 in each row .* got"),
        (Y, np.eye(4)[LABELS], "a column for each of the 3 classes"),
    ],
    ids=["labels", "rows", "several", "wider"],
)
def test_one_hot_labels_and_others_do_not_mix(fitted, y, message):
    subject = network().fit(X, fitted)
    with pytest.raises(ValueError, match=message):
        subject.partial_fit(X, y)


@pytest.mark.parametrize("samples", [X, list(X[:, :3]), [x[: 1 + i % 4] for i, x in enumerate(X)]])
def test_one_hot_labels_of_timesteps_name_argmax(samples):
    y = [np.eye(3)[np.arange(len(x)) % 3] for x in samples]
    with pytest.raises(ValueError, match=r"For one-hot labels pass `y.argmax\(axis=-1\)`"):
        network(return_sequences=True).fit(samples, y)


def test_indicators_with_a_column_for_each_timestep_warn_and_classes_are_refused():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 6, 2)), rng.integers(0, 2, size=(30, 6))
    classifier = RNNClassifier("gru", 2, epochs=1, random_state=0)
    with pytest.warns(UserWarning, match=r"6 timesteps.*\(30, 6\).*`return_sequences=True`"):
        classifier.fit(X, y)
    classifier.set_params(loss="binary_crossentropy").fit(X, y)
    classifier.set_params(loss="auto")
    with pytest.raises(ValueError, match=r"6 timesteps.*\(30, 6\).*`return_sequences=True`"):
        classifier.fit(X, y + rng.integers(0, 2, size=(30, 6)))
    classifier.set_params(return_sequences=True).fit(X, y)
