"""Learning rates that change from epoch to epoch, compared with Keras's schedules and callbacks."""

import math
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from fits import FIRST_CHOICE, learned, small
from oracles import FLOAT64_RATE, assert_equal_keras, keras_optimizer
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from small_networks import EAGER, X, Y, regressor

import skrnn
from skrnn import FileFormatError, HistoryDisplay, RNNForecaster
from skrnn._native.engine import TrainingSession as NativeSession
from skrnn._network.learning_rate import SCHEDULES, RateSchedule
from skrnn._training.learning_rates import PlateauRates

# Keras's own: its optimizer's variables do not know NumPy 2's `copy`.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
EPOCHS = 6
PLATEAU = {"factor": 0.5, "patience": 1, "min_delta": 50.0, "cooldown": 1, "min_lr": 2.0**-10}
COSINE = {"schedule": "cosine", "initial_learning_rate": 0.05, "alpha": 0.1}
SLOPE = {"schedule": "exponential", "initial_learning_rate": 0.05, "decay_rate": 0.2}
STEPS = {"schedule": "plateau", "initial_learning_rate": 0.02} | PLATEAU


def shown(value):
    """Return the id of a parameter; a function's `str` has an address, another in each worker."""
    return getattr(value, "__name__", type(value).__name__) if callable(value) else str(value)


def halved(epoch):
    """A function of the epoch that can be imported."""
    return 0.05 / 2**epoch


def cosine(epoch):
    return 0.05 * (0.1 + 0.9 * (1 + math.cos(math.pi * epoch / EPOCHS)) / 2)


def exponential(epoch):
    return 0.05 * 0.2 ** (epoch / EPOCHS)


def scheduler(function):
    """Return Keras's callback, with rates as an optimizer holds them where Keras is in float32."""
    return keras.callbacks.LearningRateScheduler(lambda epoch: float(np.float32(function(epoch))))


# A schedule and Keras's callback that is the same.
PAIRS = {
    "cosine": (COSINE, partial(scheduler, cosine)),
    "exponential": (SLOPE, partial(scheduler, exponential)),
    "plateau": (STEPS, partial(keras.callbacks.ReduceLROnPlateau, "val_loss", **PLATEAU)),
    "function": (halved, partial(scheduler, halved)),
}
ORDERED = EAGER | {"epochs": EPOCHS, "shuffle": False}


def plain(learning_rate, **parameters):
    """A network that reads the samples in their order, on NumPy."""
    return regressor(**ORDERED | {"engine": "numpy", "learning_rate": learning_rate} | parameters)


def rates(fitted):
    return fitted.history_["learning_rate"]


def compare_with_keras(name, engines, dtype):
    learning_rate, callback = PAIRS[name]
    validation = X[:8], Y[:8] + 1
    settings = {"optimizer": {"name": "sgd", "momentum": 0.9}, "dtype": dtype}
    fits = [plain(learning_rate, engine=engine, **settings) for engine in engines]
    for fitted in fits:
        fitted.fit(X, Y, validation_data=validation)
        assert len(set(rates(fitted))) > 2
    rate = learning_rate(0) if callable(learning_rate) else learning_rate["initial_learning_rate"]
    optimizer = keras_optimizer("sgd", float(np.float32(rate)), momentum=0.9)
    kept = {"validation_data": validation, "validation_batch_size": 8, "callbacks": [callback()]}
    assert_equal_keras(fits, X, Y, optimizer=optimizer, **kept)


def test_plateau_in_float64_trains_as_keras_does(keras_float64):
    compare_with_keras("plateau", ["numpy", FIRST_CHOICE], "float64")


@pytest.mark.slow
def test_every_engine_trains_as_keras_does():
    compare_with_keras("plateau", ["numpy", FIRST_CHOICE, "keras"], "float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_every_engine_in_float64_trains_as_keras_does(name, keras_float64):
    compare_with_keras(name, ["numpy", FIRST_CHOICE, "keras"], "float64")


# The rates alone

SHAPES = [
    (COSINE, keras.optimizers.schedules.CosineDecay(0.05, EPOCHS, alpha=0.1)),
    (SLOPE, keras.optimizers.schedules.ExponentialDecay(0.05, EPOCHS, 0.2)),
    ("cosine", keras.optimizers.schedules.CosineDecay(0.01, EPOCHS, alpha=0.01)),
    ("exponential", keras.optimizers.schedules.ExponentialDecay(0.01, EPOCHS, 0.1)),
]


@pytest.mark.parametrize(("learning_rate", "decay"), SHAPES, ids=shown)
def test_rates_are_those_of_keras_schedules_with_epochs_for_steps(learning_rate, decay):
    fitted = plain(learning_rate, warm_start=True).fit(X, Y).fit(X, Y)
    expected = [float(decay(epoch)) for epoch in range(2 * EPOCHS)]
    np.testing.assert_allclose(rates(fitted), expected, rtol=1e-6)


CHANGES = [{}, {"cooldown": 0}, {"patience": 0}, {"min_lr": 0.2}, {"factor": 0.3}]


@pytest.mark.parametrize("changes", CHANGES, ids=shown)
def test_plateau_lowers_the_rate_where_keras_does(changes):
    settings = {name: default for name, (_, default) in SCHEDULES["plateau"].items()}
    settings |= PLATEAU | {"min_delta": 0.01} | changes
    losses = np.random.default_rng(0).gamma(3.0, size=40).cumsum()[::-1] / 50
    losses[::3] = losses[0]
    optimizer = keras.optimizers.SGD(0.3)
    callback = keras.callbacks.ReduceLROnPlateau("loss", mode="min", **settings)
    callback.set_model(SimpleNamespace(optimizer=optimizer, metrics=[]))
    callback.on_train_begin()
    ours, history = PlateauRates(float(np.float32(0.3)), settings, "loss"), {"loss": []}
    for epoch, loss in enumerate(losses):
        assert ours.rate(history) == float(optimizer.learning_rate.numpy())
        callback.on_epoch_end(epoch, {"loss": loss})
        history["loss"].append(loss)
    assert ours.rate(history) < 0.3


def test_initial_rate_is_that_of_the_optimizer_where_the_schedule_names_none():
    fitted = plain("cosine", optimizer={"name": "sgd", "learning_rate": 0.2}, epochs=1).fit(X, Y)
    assert rates(fitted) == [float(np.float32(0.2))]


@pytest.mark.skipif(FIRST_CHOICE == "numpy", reason="there is no native engine")
def test_native_engine_takes_a_rate_for_each_epoch_of_a_call(monkeypatch):
    given, run = [], NativeSession.run_epochs
    monkeypatch.setattr(
        NativeSession, "run_epochs", lambda *args: given.append(args[-1]) or run(*args)
    )
    at_once = plain(COSINE, engine="native").fit(X, Y)
    assert given == [rates(at_once)]
    monkeypatch.setattr("skrnn._native.engine.CALL", 1.0)
    assert learned(at_once) == learned(plain(COSINE, engine="native").fit(X, Y))
    assert len(given) == 1


def test_constant_rate_is_not_in_the_history():
    assert set(plain(0.01).fit(X, Y).history_) == {"loss", "seconds"}


# Training that continues

EVERY = [COSINE, SLOPE, STEPS, halved]
LONG = [COSINE | {"decay_epochs": EPOCHS}, SLOPE | {"decay_epochs": EPOCHS}, STEPS, halved]


@pytest.mark.parametrize("learning_rate", LONG, ids=shown)
def test_warm_start_continues_a_schedule(learning_rate):
    warm = plain(learning_rate, epochs=2, warm_start=True).fit(X, Y).set_params(epochs=4).fit(X, Y)
    whole = plain(learning_rate).fit(X, Y)
    assert len(set(rates(whole))) > 2
    assert learned(warm) == learned(whole)


@pytest.mark.parametrize("learning_rate", EVERY, ids=shown)
def test_partial_fit_continues_a_schedule_over_epochs(learning_rate):
    partial = plain(learning_rate)
    for _ in range(EPOCHS):
        partial.partial_fit(X, Y)
    assert learned(partial) == learned(plain(learning_rate).fit(X, Y))


@pytest.mark.parametrize("learning_rate", EVERY, ids=shown)
def test_checkpoint_continues_a_schedule(learning_rate, tmp_path, monkeypatch):
    subject = plain(learning_rate, checkpoint_dir=tmp_path, verbose=1)
    monkeypatch.setattr("skrnn._utils.progress.Line.advance", stop_in_third_epoch)
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    with pytest.raises(KeyboardInterrupt):
        subject.fit(X, Y)
    monkeypatch.undo()
    resumed = clone(subject).set_params(verbose=0).fit(X, Y)
    assert learned(resumed) == learned(plain(learning_rate).fit(X, Y))


def stop_in_third_epoch(line, text):
    line.done += 1
    if line.done == 3:
        raise KeyboardInterrupt


def test_changed_schedule_starts_from_its_beginning():
    warm = plain(0.01, warm_start=True).fit(X, Y).set_params(learning_rate=COSINE).fit(X, Y)
    assert np.isnan(rates(warm)[:EPOCHS]).all()
    warm.set_params(learning_rate=SLOPE).fit(X, Y)
    for start, function in ((EPOCHS, cosine), (2 * EPOCHS, exponential)):
        expected = [function(epoch) for epoch in range(EPOCHS)]
        np.testing.assert_allclose(rates(warm)[start : start + EPOCHS], expected, rtol=1e-6)


def test_function_counts_all_epochs_and_may_end_patience_with_the_best_weights():
    stopped = plain(lambda epoch: 10.0 ** -(epoch % 4), patience=2, epochs=20, warm_start=True)
    stopped.fit(X, Y, validation_data=(X[:8], -Y[:8]))
    n_epochs = stopped.n_epochs_
    assert n_epochs < 20
    stopped.fit(X, Y)
    found = rates(stopped)[n_epochs : n_epochs + 2]
    np.testing.assert_allclose(found, [10.0 ** -(e % 4) for e in (n_epochs, n_epochs + 1)])


def test_cosine_that_falls_to_zero_is_refused_past_its_end_and_nothing_changes():
    warm = plain(COSINE | {"alpha": 0.0}, warm_start=True).fit(X, Y)
    before = learned(warm)
    with pytest.raises(ValueError, match=r"got 0\.0 in epoch 6\. .*decay_epochs"):
        warm.fit(X, Y)
    assert learned(warm) == before


# As a parameter


def test_clone_search_and_repr_take_a_schedule():
    subject = plain(COSINE)
    assert clone(subject).learning_rate == COSINE
    assert "'schedule': 'cosine'" in repr(subject)
    search = GridSearchCV(plain(0.01), {"learning_rate": [1e-9, "plateau", halved, COSINE]}, cv=2)
    assert search.fit(X, Y).best_params_["learning_rate"] != 1e-9


@pytest.mark.slow
def test_search_over_schedules_compiles_one_program(monkeypatch):
    from skrnn._keras_engine import programs

    kinds, build = [], programs._build
    monkeypatch.setattr(programs, "_build", lambda *key: kinds.append(key[0]) or build(*key))
    programs.clear()
    grid = {"learning_rate": [0.01, 0.02, "cosine", STEPS, halved]}
    GridSearchCV(plain(0.01, engine="keras"), grid, cv=2, refit=False).fit(X, Y)
    assert kinds.count(programs.Trainer) == 1


def test_forecaster_trains_its_network_on_a_schedule():
    series = pd.Series(np.sin(np.arange(80) / 5), pd.date_range("2025", periods=80, freq="D"))
    network = small(epochs=3, learning_rate=COSINE)
    fitted = RNNForecaster(network, timesteps=6, network_weight=1.0).fit(series)
    assert len(rates(fitted.regressor_)) == 3


def test_metric_of_a_history_display_may_be_the_rate():
    display = HistoryDisplay.from_estimator(plain(COSINE).fit(X, Y), metric="learning_rate")
    assert display.ax_.get_ylabel() == "learning_rate"


# Files


@pytest.mark.parametrize("learning_rate", [*SCHEDULES, COSINE, STEPS, halved], ids=shown)
def test_file_continues_a_schedule(learning_rate, tmp_path):
    fitted = plain(learning_rate, epochs=2, warm_start=True).fit(X, Y)
    skrnn.save(fitted, tmp_path / "net")
    trusted = [f"{__name__}.halved"] if callable(learning_rate) else []
    loaded = skrnn.load(tmp_path / "net", trusted=trusted)
    assert loaded.learning_rate == learning_rate
    assert learned(loaded.fit(X, Y)) == learned(fitted.fit(X, Y))


def test_file_with_a_function_is_not_loaded_unless_it_is_named(tmp_path):
    skrnn.save(plain(halved), tmp_path / "net")
    with pytest.raises(FileFormatError, match=rf"trusted=\['{__name__}\.halved'\]"):
        skrnn.load(tmp_path / "net")


def test_function_without_a_name_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match=r"learning_rate.*Define it in a module"):
        skrnn.save(plain(lambda epoch: 0.01), tmp_path / "net")


def test_file_with_half_a_schedule_is_refused(tmp_path):
    fitted = plain("cosine").fit(X, Y)
    settings = fitted._network.settings
    object.__setattr__(settings, "schedule", RateSchedule("cosine", (("alpha", 0.1),)))
    with pytest.raises(ValueError, match="the schedule"):
        skrnn.save(fitted, tmp_path / "net")


# Refused


@pytest.mark.parametrize(
    ("learning_rate", "words"),
    [
        ({}, "a 'schedule' among 'cosine', 'exponential', 'plateau', got {}"),
        ({"schedule": "linear"}, "got {'schedule': 'linear'}"),
        ({"schedule": ["cosine"]}, "a 'schedule' among"),
        (
            COSINE | {"decay_steps": 100},
            "'decay_steps'.*decay_epochs; they count epochs, not",
        ),
        (COSINE | {"alpha": 2}, r"\[0.0, 1.0\] as alpha, got 2"),
        (COSINE | {"alpha": True}, "as alpha, got True"),
        (COSINE | {"initial_learning_rate": 0}, "as initial_learning_rate, got 0"),
        (COSINE | {"initial_learning_rate": 1e-40}, "float32"),
        (SLOPE | {"decay_epochs": 0}, "as decay_epochs, got 0"),
        (STEPS | {"factor": 1.0}, "as factor, got 1.0"),
        (SLOPE | {"decay_rate": 1e-45}, "in epoch 5. The schedule is at its end"),
        (lambda epoch: 0.1 if epoch < 4 else math.nan, "got nan in epoch 4. Correct the function"),
        (lambda epoch: -0.1, "got -0.1 in epoch 0"),
        (lambda epoch: None, "got None in epoch 0"),
        (keras.optimizers.schedules.CosineDecay(0.1, 10), "CosineDecay, which counts batches"),
    ],
    ids=shown,
)
def test_wrong_schedule_is_refused_before_training(learning_rate, words):
    subject = plain(learning_rate)
    with pytest.raises(ValueError, match=words):
        subject.fit(X, Y)
    assert not hasattr(subject, "weights_")


@pytest.mark.parametrize("learning_rate", [halved, COSINE], ids=shown)
def test_rate_that_is_in_the_optimizer_too_is_refused(learning_rate):
    subject = plain(learning_rate, optimizer=keras.optimizers.Adam(FLOAT64_RATE))
    with pytest.raises(ValueError, match=r"`learning_rate` must be given once, got .* `optimizer`"):
        subject.fit(X, Y)


@pytest.mark.parametrize(
    "make",
    [
        partial(keras.callbacks.LearningRateScheduler, halved),
        partial(keras.callbacks.ReduceLROnPlateau, "loss"),
    ],
)
def test_callback_that_changes_the_rate_is_refused_with_a_schedule(make):
    with pytest.raises(ValueError, match="if `learning_rate` is a schedule, got "):
        plain("cosine", engine="keras", callbacks=[make()]).fit(X, Y)
