"""The Keras engine. `skrnn._engines` documents the interface of engines."""

import keras
import numpy as np
import tensorflow as tf

from skrnn._keras_engine import devices, gradients, network, programs, starts
from skrnn._keras_engine.callbacks import CallbackHook, fresh_callbacks
from skrnn._keras_engine.compiling import compile_model
from skrnn._network.l2 import penalty

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "KERAS_BACKEND must be 'tensorflow' for skrnn, got "
        f"{keras.backend.backend()!r}. Unset it, or set it to 'tensorflow'."
    )
devices.let_memory_grow()

NAME = "keras"
# Samples smaller than this are gathered once and kept; others are gathered block by block.
RESIDENT_BYTES = 2**24
# Fits on a few samples share a program: its arrays hold at least this many batches of at least this
# many samples, while they take less than this.
FEWEST_BATCHES, FEWEST_IN_A_BATCH, SHARED_BYTES = 16, 64, 2**18
# One call of a program takes well under a second, so that Ctrl-C works soon. A GPU does more work
# per call, but needs at least tens of microseconds for each timestep of each batch.
MULTIPLY_ADDS_A_CALL = 2**30
GPU_MULTIPLY_ADDS_A_CALL, GPU_TIMESTEPS_A_CALL = 2**40, 2**14
# Samples predicted at a time: enough to use two cores, few enough for their caches.
PREDICT_AT_ONCE = 1024
# The optimizer's setting that multiplies the loss by a constant.
SCALE = "loss_scale_factor"
# Ragged sequences are padded to a multiple of this length, so that folds share a program.
LENGTH_STEP = 8


class TrainingSession:
    """Samples in the form of a trainer: resident arrays, or blocks gathered on demand."""

    epochs_at_once = 1

    def __init__(self, architecture, settings, samples):
        self.architecture, self.settings = architecture, settings
        n_batch = max(_power_of_two(len(samples)), FEWEST_IN_A_BATCH)
        n_batch = min(settings.batch_size, n_batch)
        n_batch = settings.batch_size if architecture.stateful else n_batch
        budget = max(1, RESIDENT_BYTES // (samples.sample_bytes * n_batch))
        shared = min(FEWEST_BATCHES, SHARED_BYTES // (samples.sample_bytes * n_batch))
        n_batches = _power_of_two(max(shared, -(-len(samples) // n_batch)))
        self.resident = n_batches <= 2 * budget
        self.samples = samples
        self.capacity = n_batch * (n_batches if self.resident else _power_of_two(budget + 1) // 2)
        self.timesteps = samples.sequences.timesteps
        if architecture.timesteps is None:
            length_step = LENGTH_STEP * architecture.segment
            self.timesteps = -(-self.timesteps // length_step) * length_step
        work = 3 * n_batch * architecture.multiply_adds(self.timesteps)
        n_batches = MULTIPLY_ADDS_A_CALL // work
        if devices.on_gpu():
            n_steps = architecture.n_steps(self.timesteps)
            n_batches = min(GPU_MULTIPLY_ADDS_A_CALL // work, GPU_TIMESTEPS_A_CALL // n_steps)
        self.samples_a_call = max(1, n_batches) * n_batch
        self.program = programs.trainer(
            architecture,
            settings,
            n_batch,
            self.capacity,
            self.timesteps,
            cudnn=_takes_cudnn(architecture, samples.sequences),
        )
        self.arrays = self._gather(np.arange(len(samples))) if self.resident else None

    def begin(self, weights, optimizer_state, seed):
        return self.program.initial_state(
            weights, optimizer_state, self.settings.learning_rate, seed
        )

    def set_rate(self, state, rate):
        return self.program.with_rate(state, rate)

    def run_epoch(self, state, order):
        program, total = self.program, 0.0
        state = state._replace(recurrent_states=program.zero_states())
        for (*arrays, places), n_samples in self.blocks(order):
            for begin in range(0, n_samples, self.samples_a_call):
                end = min(begin + self.samples_a_call, n_samples)
                state, loss = program(state, *arrays, places, begin, end)
                total += loss
        return state, total / len(order)

    def evaluate(self, weights, samples):
        architecture, n_batch = self.architecture, min(self.settings.batch_size, len(samples))
        cudnn = _takes_cudnn(architecture, samples.sequences, by_step=architecture.return_sequences)
        program = programs.evaluator(architecture, self.settings, cudnn=cudnn)
        recurrent_states, total, weight = program.zero_states(), 0.0, 0.0
        at_once = n_batch if architecture.stateful else max(n_batch, PREDICT_AT_ONCE)
        for start in range(0, len(samples), at_once):
            x, y, w = samples.block(np.arange(start, min(start + at_once, len(samples))))
            losses, recurrent_states = program(weights, recurrent_states, x, y)
            losses = losses.numpy()
            w = w.reshape(w.shape + (1,) * (losses.ndim - w.ndim))
            total += (w * losses).sum(dtype=np.float64)
            weight += np.broadcast_to(w, losses.shape).sum(dtype=np.float64)
        return float(total / weight) + penalty(architecture.weights(), weights)

    def blocks(self, order):
        """Yield (X, y, w, order) as arrays of the program's capacity, and the true count.

        An incomplete last batch is filled up with other samples, which do not count. Layers such as
        BatchNormalization then read as many samples as in other batches.
        """
        if self.resident:
            yield (*self.arrays, np.resize(order.astype(np.int32), self.capacity)), len(order)
            return
        for start in range(0, len(order), self.capacity):
            rows = order[start : start + self.capacity]
            places = np.resize(np.arange(len(rows), dtype=np.int32), self.capacity)
            yield (*self._gather(rows), places), len(rows)

    def _gather(self, rows):
        x, y, w = self.samples.block(rows)
        by_step = w.ndim == 2
        return (
            self._fill(x, self.samples.sequences.absent),
            self._fill(y, 0, steps=by_step),
            self._fill(w, 0, steps=by_step),
        )

    def _fill(self, array, value=0, steps=True):
        """Pad an array at its end to the program's capacity, and to its timesteps."""
        shape = [self.capacity, *array.shape[1:]]
        if array.ndim > 1 and steps:
            shape[1] = self.timesteps
        if tuple(shape) != array.shape:
            full = np.full(shape, value, dtype=array.dtype)
            full[tuple(slice(size) for size in array.shape)] = array
            array = full
        return array


training_scope = devices.device_scope


def predict(
    architecture, weights, sequences, scaling, *, device, recurrent_states=None, hidden=None
):
    with devices.device_scope(device):
        by_step = architecture.return_sequences if hidden is None else hidden[0]
        cudnn = _takes_cudnn(architecture, sequences, by_step=by_step)
        program = programs.forward(architecture, hidden, cudnn=cudnn)
        recurrent_states = recurrent_states or program.zero_states()
        at_once, blocks = architecture.batch_size or PREDICT_AT_ONCE, []
        for start in range(0, len(sequences), at_once):
            index = slice(start, start + at_once)
            x = sequences.block(index, scaling, architecture.variable_dtype)
            outputs, recurrent_states = program(weights, recurrent_states, x)
            blocks.append([output.numpy() for output in tf.nest.flatten(outputs)])
        outputs = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
        return outputs, [state.numpy() for state in recurrent_states]


def check_settings(architecture, settings):
    """Refuse settings that the optimizer does not accept."""
    if not settings.optimizer_config:
        return
    known = network.optimizer_settings(settings.optimizer)
    for key, _ in settings.optimizer_config:
        if key not in known:
            raise ValueError(
                f"`optimizer` must have settings of {settings.optimizer!r}, got {key!r}. Use "
                f"{', '.join(sorted(known))}."
            )
    if architecture.dtype == "mixed_float16" and dict(settings.optimizer_config).get(SCALE):
        raise ValueError(
            f"`optimizer` must not set {SCALE!r} with `dtype='mixed_float16'`, which scales the "
            f"loss automatically, got {dict(settings.optimizer_config)[SCALE]!r}. Leave it out."
        )
    try:
        network.make_optimizer(settings.optimizer, settings.optimizer_config)
    except (TypeError, ValueError) as error:
        config = dict(settings.optimizer_config)
        raise ValueError(
            f"`optimizer` must have settings that Keras accepts, got {config}: {error}"
        ) from error


def callback_hook(
    callbacks, architecture, settings, mask_value, training, epochs, monitored, *, scheduled=False
):
    """Return the TrainingCallback that runs Keras callbacks, in the form of the parameter.

    `monitored` maps the name of each value of an epoch to 1 if higher is better, -1 if lower is
    better, else 0. `scheduled` is whether a schedule sets the learning rate.
    """
    callbacks = fresh_callbacks(callbacks, monitored, scheduled=scheduled)
    model = network.build_network(architecture, training.scaling, mask_value)
    return CallbackHook(callbacks, model, architecture, settings, epochs)


def fitted_model(architecture, weights, scaling, mask_value, settings, optimizer_state):
    """Return the compiled Keras model that reads raw X and returns outputs in the units of y.

    The optimizer continues from its state if y is not standardized. Otherwise the gradients of a
    loss in the units of y have another scale.
    """
    model = network.build_network(architecture, scaling, mask_value)
    model.set_weights(weights)
    compile_model(model, architecture, settings)
    model.optimizer.build(model.trainable_variables)  # Keras warns of files with unbuilt optimizers
    if optimizer_state and scaling.y_mean is None:
        for variable, value in zip(model.optimizer.variables, optimizer_state, strict=True):
            variable.assign(value)
    return model


fresh_model, fresh_weights = starts.fresh_model, starts.fresh_weights
with_layers = starts.with_layers
output_gradients = gradients.output_gradients
device_names = devices.devices_for


def clear():
    programs.clear()
    starts.with_layers.cache_clear()


def _takes_cudnn(architecture, sequences, *, by_step=False):
    """Whether cuDNN's recurrent layers can be used for these sequences on the current device.

    At masked timesteps cuDNN returns zeros, while Keras returns the previous state.
    """
    if not devices.on_gpu() or not network.cudnn_takes(architecture):
        return False
    return not sequences.masked or (not by_step and sequences.ends_in_padding(architecture.segment))


def _power_of_two(n):
    """Return the smallest power of two that is at least n."""
    return 1 << max(0, int(n) - 1).bit_length()
