"""Callbacks of Keras: what they see, and what they may change."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from oracles import assert_same_arrays
from small_networks import EAGER, X, Y, assert_same_training, overfitting, regressor

ROOT = Path(__file__).parents[1]

# Keras's own: its optimizer's variables do not know NumPy 2's `copy`.
keras_reads_the_rate = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


class Recorder(keras.callbacks.Callback):
    """Counts epochs, and keeps what it saw in a list that outlives its copies."""

    seen = ()

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)
        Recorder.seen = [*Recorder.seen, (epoch, dict(logs), self.model.get_weights())]


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(Recorder, "seen", [])
    return Recorder()


def test_callback_sees_every_epoch_its_losses_and_the_weights(recorder):
    X, y, held_out = overfitting()
    fitted = regressor(callbacks=[recorder]).fit(X, y, validation_data=held_out)
    assert fitted.engine_ == "keras"
    epochs, logs, weights = zip(*Recorder.seen, strict=True)
    assert epochs == (0, 1, 2)
    for name in ("loss", "val_loss"):
        assert [log[name] for log in logs] == fitted.history_[name]
    assert_same_arrays(fitted.weights_, weights[-1])


def test_callbacks_in_a_list_are_copied_for_each_fit(recorder):
    fitted = regressor(callbacks=[recorder]).fit(X, Y)
    assert recorder.epochs == []
    assert fitted.callbacks == [recorder]
    fitted.fit(X, Y)
    assert [epoch for epoch, *_ in Recorder.seen] == [0, 1, 2, 0, 1, 2]


def test_factory_of_callbacks_is_called_for_each_fit(recorder):
    calls = []

    def factory():
        calls.append(len(calls))
        return [Recorder()]

    fitted = regressor(callbacks=factory).fit(X, Y)
    assert calls == [0]
    fitted.fit(X, Y)
    assert calls == [0, 1]
    assert len(Recorder.seen) == 6


def test_callback_that_watches_leaves_training_as_it_is(recorder):
    watched = regressor(callbacks=[recorder]).fit(X, Y)
    assert_same_training(watched, regressor(engine="keras").fit(X, Y))


@keras_reads_the_rate
def test_learning_rate_scheduler_sets_the_rate():
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1)
    scheduled = regressor(callbacks=[scheduler]).fit(X, Y)
    assert_same_training(scheduled, regressor(learning_rate=0.1, engine="keras").fit(X, Y))


@keras_reads_the_rate
@pytest.mark.parametrize(
    ("callback", "started", "ended"),
    [
        (keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2), 0.08, 0.01),
        # The first of the three epochs counts as an improvement, the two after it do not.
        (keras.callbacks.ReduceLROnPlateau("loss", 0.1, patience=1, min_delta=1e6), 0.01, 1e-4),
    ],
    ids=["scheduler", "plateau"],
)
def test_callback_sees_the_present_rate_and_lowers_it(callback, started, ended):
    fitted = regressor(callbacks=[callback], learning_rate=started).fit(X, Y)
    assert any(np.isclose(slot, ended).all() for slot in fitted.optimizer_state_ if slot.ndim == 0)


@pytest.mark.parametrize("monitor", ["loss", "val_loss"])
def test_early_stopping_of_keras_stops(monitor):
    X, y, held_out = overfitting()
    stopping = keras.callbacks.EarlyStopping(monitor, min_delta=1e6, patience=2)
    fitted = regressor(callbacks=[stopping], epochs=10).fit(X, y, validation_data=held_out)
    assert fitted.n_epochs_ == 3


def test_early_stopping_of_keras_restores_the_best_weights():
    X, y, held_out = overfitting()
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    by_keras = regressor(callbacks=[stopping], epochs=100, **EAGER)
    by_patience = regressor(patience=3, epochs=100, engine="keras", **EAGER)
    for estimator in (by_keras, by_patience):
        estimator.fit(X, y, validation_data=held_out)
    assert by_keras.n_epochs_ < 100
    assert_same_training(by_keras, by_patience)


class Zeros(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.set_weights([np.zeros_like(weight) for weight in self.model.get_weights()])


def test_weights_that_a_callback_sets_are_trained_on():
    fitted = regressor(callbacks=[Zeros()]).fit(X, Y)
    assert all((weight == 0).all() for weight in fitted.weights_)


def test_early_stopping_of_keras_follows_metrics():
    stopping = keras.callbacks.EarlyStopping("val_r2", patience=1, min_delta=1e6)
    fitted = regressor(callbacks=stopping, epochs=9, metrics=["r2"])
    fitted.fit(X, Y, validation_data=(X, Y))
    assert fitted.n_epochs_ == 2
    best = keras.callbacks.EarlyStopping("val_r2", patience=2, restore_best_weights=True)
    fitted.set_params(callbacks=best, epochs=3).fit(X, Y, validation_data=(X, Y))
    assert fitted.score(X, Y) == pytest.approx(max(fitted.history_["val_r2"]), rel=1e-4)


class HooksOfTests(keras.callbacks.Callback):
    seen = ()

    def on_test_begin(self, logs=None):
        HooksOfTests.seen = [*HooksOfTests.seen, "begin"]

    def on_test_end(self, logs=None):
        HooksOfTests.seen = [*HooksOfTests.seen, logs]


def test_test_hooks_are_called_where_there_is_a_validation_set(monkeypatch):
    monkeypatch.setattr(HooksOfTests, "seen", [])
    fitted = regressor(callbacks=HooksOfTests()).fit(X, Y, validation_data=(X, Y))
    losses = [{"loss": loss} for loss in fitted.history_["val_loss"]]
    assert HooksOfTests.seen == [item for loss in losses for item in ("begin", loss)]


def test_checkpoints_of_keras_are_models_of_raw_rows(tmp_path):
    path = str(tmp_path / "{epoch}-{val_loss:.1f}.keras")
    callbacks = [
        keras.callbacks.ModelCheckpoint(path),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "best.keras"), save_best_only=True),
    ]
    fitted = regressor(callbacks=callbacks, patience=5).fit(X, Y, validation_data=(X, Y))
    losses = fitted.history_["val_loss"]
    best = keras.models.load_model(tmp_path / "best.keras")
    np.testing.assert_allclose(best.predict(X, verbose=0)[:, 0], fitted.predict(X), rtol=1e-4)
    names = {f"{i}-{loss:.1f}.keras" for i, loss in enumerate(losses, 1)}
    assert {file.name for file in tmp_path.iterdir()} == names | {"best.keras"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_logs_the_losses_of_epochs(tmp_path):
    pytest.importorskip("tensorboard")
    tensorboard = keras.callbacks.TensorBoard(tmp_path, write_graph=False)
    regressor(callbacks=tensorboard).fit(X, Y, validation_data=(X, Y))
    logged = {
        file.parent.name: file.read_bytes().count(b"epoch_loss")
        for file in tmp_path.rglob("events*")
    }
    assert logged == {"train": 3, "validation": 3}


class BatchCounter(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise AssertionError("never called")


class Predictions(keras.callbacks.Callback):
    def on_predict_end(self, logs=None):
        raise AssertionError("never called")


class OwnCheckpoint(keras.callbacks.ModelCheckpoint):
    def on_test_batch_end(self, batch, logs=None):
        raise AssertionError("never called")


REFUSED = {
    "batch": (BatchCounter, "BatchCounter.*on_train_batch_end"),
    "predict": (Predictions, "Predictions.*on_predict_end"),
    "subclass": (lambda: OwnCheckpoint("a.keras"), "OwnCheckpoint.*on_test_batch_end"),
    "lambda": (
        lambda: keras.callbacks.LambdaCallback(on_train_batch_begin=print),
        "LambdaCallback.*on_train_batch_begin",
    ),
    "checkpoint": (
        lambda: keras.callbacks.ModelCheckpoint("a.keras", save_freq=5),
        "ModelCheckpoint.*save_freq='epoch'",
    ),
    "tensorboard": (
        lambda: keras.callbacks.TensorBoard(update_freq="batch"),
        "TensorBoard.*update_freq='epoch'",
    ),
    "backup": (
        lambda: keras.callbacks.BackupAndRestore("a.weights.h5"),
        "BackupAndRestore.*checkpoint_dir",
    ),
    "progress": (keras.callbacks.ProgbarLogger, "ProgbarLogger"),
    "metric": (
        lambda: keras.callbacks.EarlyStopping("val_accuracy"),
        "'loss'.*EarlyStopping.*'val_accuracy'.*validation_data",
    ),
    "default": (keras.callbacks.ReduceLROnPlateau, "ReduceLROnPlateau.*'val_loss'"),
    "best": (
        lambda: keras.callbacks.ModelCheckpoint("a.keras", save_best_only=True),
        "ModelCheckpoint.*'val_loss'.*validation_fraction",
    ),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_callback_that_would_be_ignored_is_refused_by_name(make, words):
    for callbacks in (make(), [make()], lambda: make()):
        with pytest.raises(ValueError, match=words):
            regressor(callbacks=callbacks).fit(X, Y)


PARALLEL = """
import numpy as np
from sklearn.model_selection import cross_val_score
from skrnn import RNNRegressor


def callbacks():
    import keras

    return keras.callbacks.EarlyStopping("loss")


if __name__ == "__main__":
    import os
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    made = [callbacks()]
    del os.environ["TF_CPP_MIN_LOG_LEVEL"]
    X = np.random.default_rng(0).normal(size=(20, 4, 1))
    network = RNNRegressor("simple_rnn", 2, epochs=1, callbacks=made)
    print("begin", file=__import__("sys").stderr, flush=True)
    cross_val_score(network, X, X[:, 0, 0], cv=2, n_jobs=2)
"""


@pytest.mark.slow
def test_no_line_of_the_log_appears_where_workers_read_callbacks(tmp_path):
    path = tmp_path / "parallel.py"
    path.write_text(PARALLEL)
    levels = {"TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"}
    environment = {name: value for name, value in os.environ.items() if name not in levels}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, path], env=environment, capture_output=True, check=True, timeout=300
    )
    assert done.stderr.decode().partition("begin\n")[2] == ""
