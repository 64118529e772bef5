"""Callbacks of Keras: what they see, and what they may change."""

import keras
import numpy as np
import pytest
from oracles import assert_same_arrays
from small_networks import EAGER, X, Y, assert_same_training, overfitting, regressor

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


class BatchCounter(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise AssertionError("never called")


@pytest.mark.parametrize("form", ["list", "factory"])
def test_callback_with_a_batch_hook_is_refused_by_name(form):
    callbacks = [BatchCounter()] if form == "list" else lambda: [BatchCounter()]
    with pytest.raises(ValueError, match=r"BatchCounter.*on_train_batch_end"):
        regressor(callbacks=callbacks).fit(X, Y)
