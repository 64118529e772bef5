"""The Keras engine: load samples, run an epoch, evaluate, predict, each a function on arrays."""

from contextlib import nullcontext

import keras
import numpy as np
import tensorflow as tf

from skrnn._keras_engine import devices, network, programs
from skrnn._keras_engine.callbacks import CallbackHook, fresh_callbacks
from skrnn._network.l2 import penalty

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "skrnn computes with Keras on TensorFlow, but KERAS_BACKEND selects "
        f"{keras.backend.backend()!r}. Unset it, or set it to 'tensorflow'."
    )
devices.let_memory_grow()

# Samples that take less than this are gathered once and stay; others are gathered by block.
RESIDENT_BYTES = 2**24
# One call of a program takes well under a second, so that Ctrl-C is answered soon. A GPU does more
# at once, but each timestep of each batch takes it tens of microseconds at least.
MULTIPLY_ADDS_A_CALL = 2**30
GPU_MULTIPLY_ADDS_A_CALL, GPU_TIMESTEPS_A_CALL = 2**40, 2**14
# Samples predicted at a time: enough to fill two cores, small enough for their caches.
PREDICT_AT_ONCE = 1024
# The optimizer's setting that multiplies the loss by a constant.
SCALE = "loss_scale_factor"
# Ragged sequences are padded to a multiple of this, so that folds share a program.
LENGTH_STEP = 8


class TrainingSession:
    """Samples as a trainer reads them: resident arrays, or blocks gathered as they are needed."""

    def __init__(self, architecture, settings, samples):
        n_batch = min(settings.batch_size, _power_of_two(len(samples)))
        n_batch = settings.batch_size if architecture.stateful else n_batch
        budget = max(1, RESIDENT_BYTES // (samples.sample_bytes * n_batch))
        n_batches = _power_of_two(-(-len(samples) // n_batch))
        self.resident = n_batches <= 2 * budget
        self.samples = samples
        self.capacity = n_batch * (n_batches if self.resident else _power_of_two(budget + 1) // 2)
        self.timesteps = samples.sequences.timesteps
        if architecture.timesteps is None:
            self.timesteps = -(-self.timesteps // LENGTH_STEP) * LENGTH_STEP
        work = 3 * n_batch * architecture.multiply_adds(self.timesteps)
        n_batches = MULTIPLY_ADDS_A_CALL // work
        if devices.on_gpu():
            n_batches = min(
                GPU_MULTIPLY_ADDS_A_CALL // work, GPU_TIMESTEPS_A_CALL // self.timesteps
            )
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

    def blocks(self, order):
        """Yield (X, y, w, order) as arrays of the program's capacity, and the true count."""
        if self.resident:
            yield (*self.arrays, self._fill(order.astype(np.int32))), len(order)
            return
        for start in range(0, len(order), self.capacity):
            rows = order[start : start + self.capacity]
            places = self._fill(np.arange(len(rows), dtype=np.int32))
            yield (*self._gather(rows), places), len(rows)

    def _gather(self, rows):
        x, y, w = self.samples.block(rows)
        missing = -1 if self.samples.sequences.tokens else np.nan
        by_step = w.ndim == 2
        return (
            self._fill(x, missing),
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


def device_names(device):
    """Return the names of the devices that `device` stands for."""
    return devices.devices_for(device)


def device_scope(device):
    """Surround what is to be computed on the devices that `device` stands for."""
    return devices.device_scope(device)


def training_scope():
    """Surround training, as the NumPy engine does; here is nothing to be done."""
    return nullcontext()


def load(architecture, settings, samples):
    """Return training samples in the form that `run_epoch` takes."""
    return TrainingSession(architecture, settings, samples)


def initial_state(loaded, settings, weights, optimizer_state, seed):
    """Return the State from which training begins, or goes on.

    Parameters
    ----------
    loaded : TrainingSession
    settings : Settings
    weights : list of ndarray
    optimizer_state : list of ndarray or None
        The optimizer's variables; None: fresh ones.
    seed : int
        Of dropout.

    Returns
    -------
    State
    """
    return loaded.program.begin(weights, optimizer_state, settings.learning_rate, seed)


def run_epoch(loaded, state, order):
    """Train on every sample once, in the given order.

    Returns
    -------
    state : State
    loss : float
        Mean of the batches' losses, weighted by their size.
    """
    program, total = loaded.program, 0.0
    state = state._replace(recurrent_states=program.zero_states())
    for (*arrays, places), n_samples in loaded.blocks(order):
        for begin in range(0, n_samples, loaded.samples_a_call):
            end = min(begin + loaded.samples_a_call, n_samples)
            state, loss = program(state, *arrays, places, begin, end)
            total += loss
    return state, total / len(order)


def evaluate(architecture, settings, weights, samples):
    """Return the loss of Samples, averaged over batches as `run_epoch` averages it."""
    loss_function = network.loss_function(settings.loss)
    cudnn = _takes_cudnn(architecture, samples.sequences, by_step=architecture.return_sequences)
    program = programs.forward(architecture, cudnn=cudnn)
    recurrent_states, total = program.zero_states(), 0.0
    n_batch = min(settings.batch_size, len(samples))
    at_once = n_batch if architecture.stateful else n_batch * max(1, PREDICT_AT_ONCE // n_batch)
    for start in range(0, len(samples), at_once):
        x, y, w = samples.block(np.arange(start, min(start + at_once, len(samples))))
        outputs, recurrent_states = program(weights, recurrent_states, x)
        losses = loss_function(y, outputs).numpy()
        w = w.reshape(w.shape + (1,) * (losses.ndim - w.ndim))
        w = np.broadcast_to(w, losses.shape)
        for first in range(0, len(losses), n_batch):
            batch = slice(first, first + n_batch)
            weight = w[batch].sum()
            if weight > 0:
                total += (w[batch] * losses[batch]).sum() / weight * len(losses[batch])
    return float(total / len(samples)) + penalty(architecture.weights(), weights)


def predict(architecture, weights, sequences, scaling, *, recurrent_states=None, hidden=None):
    """Return the network's raw outputs, or hidden states.

    Parameters
    ----------
    architecture : Architecture
    weights : list of ndarray
    sequences : Sequences
    scaling : Scaling
    recurrent_states : list of ndarray or None
        The states from which a stateful network goes on; None: zeros.
    hidden : (bool, bool) or None
        `return_sequences` and `return_state` of the last recurrent layer; None: the output.

    Returns
    -------
    outputs : list of ndarray
        One array, or with states the output first.
    recurrent_states : list of ndarray
    """
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
    """Refuse settings that the optimizer does not take.

    Raises
    ------
    ValueError
    """
    if not settings.optimizer_config:
        return
    known = network.optimizer_settings(settings.optimizer)
    for key, _ in settings.optimizer_config:
        if key not in known:
            raise ValueError(
                f"`optimizer` {settings.optimizer!r} has no setting {key!r}. It takes "
                f"{', '.join(sorted(known))}."
            )
    if architecture.dtype == "mixed_float16" and dict(settings.optimizer_config).get(SCALE):
        raise ValueError(
            f"`optimizer` must leave out {SCALE!r} with `dtype='mixed_float16'`, which finds the "
            f"scale of the loss by itself, got {dict(settings.optimizer_config)[SCALE]!r}."
        )
    try:
        network.make_optimizer(settings.optimizer, settings.optimizer_config)
    except (TypeError, ValueError) as error:
        config = dict(settings.optimizer_config)
        raise ValueError(f"`optimizer` was refused with the settings {config}: {error}") from error


def callback_hook(callbacks, architecture, settings, mask_value, training, plan):
    """Return the TrainingCallback that runs Keras callbacks.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback, or a callable that returns one
    architecture : Architecture
    settings : Settings
    mask_value : int, float or None
    training : Samples
    plan : Plan
    """
    callbacks = fresh_callbacks(callbacks)
    model = network.build_network(architecture, training.scaling, mask_value)
    return CallbackHook(callbacks, model, settings, plan.epochs, architecture.dtype)


def fitted_model(architecture, weights, scaling, mask_value):
    """Return the real Keras model that reads raw X and gives raw outputs."""
    model = network.build_network(architecture, scaling, mask_value)
    model.set_weights(weights)
    return model


def fresh_model(architecture, rng, embeddings=None):
    """Return an unfitted Keras model whose weights are those from which a fit begins."""
    return network.fresh_model(architecture, rng, embeddings)


def zero_states(architecture):
    """Return the recurrent states of a stateful network before its first batch."""
    return programs.forward(architecture).zero_states()


def clear():
    """Forget every compiled program."""
    programs.clear()


def _takes_cudnn(architecture, sequences, *, by_step=False):
    """Whether the recurrent layers can be cuDNN's for these sequences, on the device at work.

    At masked timesteps it gives zeros, and Keras the state before.
    """
    if not devices.on_gpu() or not network.cudnn_takes(architecture):
        return False
    return not sequences.masked or (not by_step and sequences.ends_in_padding())


def _power_of_two(n):
    """Return the smallest power of two that is at least n."""
    return 1 << max(0, int(n) - 1).bit_length()
