"""Keras callbacks in a fit without `Model.fit`: their hooks run on a synchronized model."""

import copy

import keras

from skrnn._keras_engine.compiling import compile_model
from skrnn._training.loop import TrainingCallback

# An epoch runs as one program, and `predict` has no callbacks.
UNCALLED_HOOKS = [
    f"on_{kind}_{moment}"
    for kind in ("batch", "train_batch", "test_batch", "predict", "predict_batch")
    for moment in ("begin", "end")
]
# Keras callbacks that override such a hook: a test of settings that do not need it, and their text.
BY_EPOCH = {
    keras.callbacks.ModelCheckpoint: (lambda it: it.save_freq == "epoch", "save_freq='epoch'"),
    keras.callbacks.TensorBoard: (
        lambda it: it.update_freq == "epoch" and not it._should_trace,
        "update_freq='epoch', profile_batch=0",
    ),
    keras.callbacks.TerminateOnNaN: (lambda it: True, ""),  # training that diverges raises
}
MONITORING = (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau)
SCHEDULING = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


class CallbackHook(TrainingCallback):
    """Runs the epoch, train and test hooks of Keras callbacks on a compiled Keras model.

    Before a hook runs, the model and its optimizer get the present weights and variables. Changes
    that the hook makes are read back.
    """

    def __init__(self, callbacks, model, architecture, settings, epochs):
        compile_model(model, architecture, settings)
        model.optimizer.build(model.trainable_variables)
        self.model, self.logs = model, {}
        self.callbacks = keras.callbacks.CallbackList(
            callbacks, model=model, epochs=epochs, verbose=0
        )

    @property
    def stop_training(self):
        return self.model.stop_training

    def train_begin(self, state):
        self.model.stop_training = False
        return self._call(self.callbacks.on_train_begin, state)

    def epoch_begin(self, state, epoch):
        return self._call(self.callbacks.on_epoch_begin, state, epoch)

    def epoch_end(self, state, epoch, losses):
        self.logs = losses
        tested = {
            name.removeprefix("val_"): value
            for name, value in losses.items()
            if name.startswith("val_")
        }
        if tested:
            state = self._call(self.callbacks.on_test_begin, state)
            state = self._call(self.callbacks.on_test_end, state, tested)
        return self._call(self.callbacks.on_epoch_end, state, epoch, dict(losses))

    def train_end(self, state):
        return self._call(self.callbacks.on_train_end, state, dict(self.logs))

    def _call(self, hook, state, *arguments):
        variables = self.model.optimizer.variables
        self.model.set_weights(state.weights)
        for variable, value in zip(variables, state.optimizer_state, strict=True):
            variable.assign(value)
        hook(*arguments)
        optimizer_state = [variable.numpy() for variable in variables]
        return state._replace(weights=self.model.get_weights(), optimizer_state=optimizer_state)


def fresh_callbacks(callbacks, monitored, *, scheduled=False):
    """Return callbacks for one fit: a deep copy of the list, or the result of the function.

    TypeError if an item is not a Keras callback. ValueError if it overrides a hook that would never
    be called, monitors a name that is not among `monitored`, or changes a rate that is `scheduled`.
    """
    made = callable(callbacks) and not isinstance(callbacks, type)
    items = callbacks() if made else callbacks
    items = [items] if isinstance(items, keras.callbacks.Callback) else items
    if not isinstance(items, (list, tuple)):
        raise TypeError(
            "`callbacks` must be a list of Keras callbacks, or a function that returns one, got "
            f"{items!r}{' from the function' if made else ''}. Pass them in a list."
        )
    items = copy.deepcopy(list(items))
    for callback in items:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                "`callbacks` must hold Keras callbacks, got an object of type "
                f"{type(callback).__name__}. Pass objects of subclasses of "
                "`keras.callbacks.Callback`."
            )
        _check_hooks(callback)
        _check_monitor(callback, monitored)
        if scheduled and isinstance(callback, SCHEDULING):
            raise ValueError(
                "`callbacks` must not change the learning rate if `learning_rate` is a schedule, "
                f"got {type(callback).__name__}. Keep one of them."
            )
    return items


def _check_hooks(callback):
    kind = type(callback).__name__
    if isinstance(callback, keras.callbacks.BackupAndRestore):
        raise ValueError(
            f"`callbacks` must not hold {kind}, which cannot restore the order of samples. Set "
            "`checkpoint_dir` instead: a killed fit then continues exactly."
        )
    for name in UNCALLED_HOOKS:
        owner = next(cls for cls in type(callback).__mro__ if name in vars(cls))
        if owner is keras.callbacks.Callback and name not in vars(callback):
            continue
        suits, settings = BY_EPOCH.get(owner, (None, ""))
        if suits is None or name in vars(callback):
            raise ValueError(
                "`callbacks` must use only epoch, train and test hooks, because an epoch runs as "
                f"one compiled program, got {kind}, which overrides `{name}`. Move the work to one "
                "of these hooks."
            )
        if not suits(callback):
            raise ValueError(
                "`callbacks` must not work by batches, because an epoch runs as one compiled "
                f"program, got {kind}. Set {settings}."
            )


def _check_monitor(callback, monitored):
    saves_best = getattr(callback, "save_best_only", False)
    name = getattr(callback, "monitor", None)
    if not (saves_best or isinstance(callback, MONITORING)):
        return
    if name in monitored:
        if callback.mode == "auto" and monitored[name]:  # Keras knows only its own metrics
            callback.mode = "max" if monitored[name] > 0 else "min"
        return
    names = ", ".join(map(repr, monitored))
    remedy = " Add it to `metrics`."
    if isinstance(name, str) and name.startswith("val_") and "val_loss" not in monitored:
        remedy = " Pass `validation_data`, or set `validation_fraction`."
    raise ValueError(
        f"`callbacks` must monitor a value of this fit, {names}, got "
        f"{type(callback).__name__}, which monitors {name!r}.{remedy}"
    )
