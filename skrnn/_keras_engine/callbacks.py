"""Keras callbacks in a fit that does not run `Model.fit`: hooks on a model kept in step."""

import copy

import keras

from skrnn._keras_engine import network
from skrnn._training.loop import TrainingCallback

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


class CallbackHook(TrainingCallback):
    """Runs the epoch and train hooks of Keras callbacks on a real compiled model.

    Before a hook runs, the model and its optimizer get the present weights and variables; changes
    that the hook makes are read back.
    """

    def __init__(self, callbacks, model, settings, epochs, dtype):
        optimizer = network.make_optimizer(
            settings.optimizer, settings.optimizer_config, dtype=dtype
        )
        loss = network.loss_function(settings.loss, settings.loss_config)
        model.compile(optimizer=optimizer, loss=loss)
        optimizer.build(model.trainable_variables)
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


def fresh_callbacks(callbacks):
    """Return callbacks for one fit: a deep copy of the list, or what the function returns.

    TypeError if an item is not a Keras callback; ValueError if it overrides a batch hook, which
    would never be called.
    """
    made = callable(callbacks) and not isinstance(callbacks, type)
    items = callbacks() if made else callbacks
    if not isinstance(items, (list, tuple)):
        raise TypeError(
            "`callbacks` must be a list of Keras callbacks, or a function that returns one, got "
            f"{items!r}{' from the function' if made else ''}."
        )
    items = copy.deepcopy(list(items))
    for callback in items:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                "`callbacks` must hold Keras callbacks, got an object of type "
                f"{type(callback).__name__}."
            )
        for name in BATCH_HOOKS:
            own = getattr(type(callback), name) is not getattr(keras.callbacks.Callback, name)
            if own or name in vars(callback):
                raise ValueError(
                    f"`callbacks` holds {type(callback).__name__}, which overrides `{name}`. An "
                    "epoch runs as one compiled program, so only epoch and train hooks are called."
                )
    return items
