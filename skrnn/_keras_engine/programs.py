"""Compiled programs of Keras models, in one cache for all fits, threads and estimators.

A program takes the state as arguments and returns it. Weights, dropout seeds, recurrent states and
optimizer variables are assigned at the start of each call. So the cache holds nothing that belongs
to a fit, and folds, refits and threads share a program.
"""

import math
import threading
from collections import OrderedDict

import numpy as np
import tensorflow as tf

from skrnn._keras_engine import memory, network
from skrnn._keras_engine.compiled import compiled_function, plain_function
from skrnn._keras_engine.custom import compiling_pays, no_mask_warnings
from skrnn._keras_engine.devices import present_devices, strategy
from skrnn._network.keras_names import SPARSE_LOSSES
from skrnn._network.state import State

# A cached trainer of one layer takes ten idle TensorFlow threads and 16 MB: 5 MB for its graph, 7
# for its session, 4 for XLA's program. TensorFlow and Keras take about 750 MB. If the process takes
# more than the limit, few programs are cached. The least recently used programs are dropped
# together, because finding the freed memory takes half a second.
MEMORY_LIMIT = 850 * 10**6
FEWEST_KEPT, MOST_KEPT = 12, 64

# Optimizers with integer variables, which XLA does not support on a GPU.
WITH_INT32 = {"adafactor"}

_build_lock = threading.Lock()
_kept = OrderedDict()  # the programs, least recently used first


def trainer(architecture, settings, batch_size, capacity, timesteps, *, cudnn=False):
    """Return the program that trains an architecture on the present devices.

    The learning rate of the settings is an argument of each call, not part of the program. The
    batch size is at most that of the settings. `capacity`, the number of samples in the program's
    arrays, is a multiple of it.
    """
    optimizer = settings.optimizer, settings.optimizer_config
    shape = batch_size, capacity, timesteps
    devices = present_devices()[:batch_size]
    loss = settings.loss, settings.loss_config
    return _cached(Trainer, devices, architecture, loss, optimizer, *shape, cudnn)


def forward(architecture, hidden=None, *, cudnn=False):
    """Return the program that predicts on the present device, or returns hidden states.

    `hidden` is (`return_sequences`, `return_state`) of the last recurrent layer; None: the output.
    """
    return _cached(Forward, present_devices()[:1], architecture, hidden, None, cudnn)


def evaluator(architecture, settings, *, cudnn=False):
    """Return the program that computes the loss of each sample; it takes targets after X."""
    loss = settings.loss, settings.loss_config
    return _cached(Forward, present_devices()[:1], architecture, None, loss, cudnn)


def clear():
    """Drop all programs."""
    with _build_lock:
        _kept.clear()
        _forget()


def _cached(kind, *key):
    key = kind, *key
    with _build_lock:  # Keras has global state while it builds a model
        if key not in _kept:
            if _is_full():
                for _ in range(FEWEST_KEPT // 2):
                    _kept.popitem(last=False)
                _forget()
            _kept[key] = _build(*key)
        _kept.move_to_end(key)
        return _kept[key]


def _is_full():
    if len(_kept) < FEWEST_KEPT:
        return False
    return len(_kept) >= MOST_KEPT or memory.resident_bytes() > MEMORY_LIMIT


def _forget():
    """Free the memory of dropped programs."""
    memory.clear_kernels()
    memory.release()


def _build(kind, devices, *key):
    try:
        with tf.device(devices[0]), no_mask_warnings():
            return kind(devices, *key)
    except SystemError as error:  # TensorFlow's C code raises it for Ctrl-C during tracing
        raise KeyboardInterrupt from error


class Trainer:
    """A compiled loop over batches: gather, forward, backward, update.

    Each of several devices computes the gradient of its part of a batch. The first device holds the
    weights, adds the gradients and updates. The parameters are the devices and those of `trainer`.
    """

    def __init__(
        self, devices, architecture, loss, optimizer, batch_size, capacity, timesteps, cudnn
    ):
        self.devices, self.batch_size = devices, batch_size
        self.by_step, self.masked = architecture.return_sequences, architecture.masked
        no_kernel = "GPU" in devices[0] and optimizer[0] in WITH_INT32
        # XLA supports neither several devices nor cuDNN, which a user's layers may select.
        cudnn |= "GPU" in devices[0] and architecture.network is not None
        jitted = len(devices) == 1 and not cudnn and not no_kernel
        self.model = network.build_network(architecture, input_projected=jitted, cudnn=cudnn)
        jitted &= architecture.network is None or compiling_pays(self.model, batch_size, timesteps)
        self.loss = network.loss_function(*loss, architecture.quantiles)
        self.target_shape = (1,) if loss[0] in SPARSE_LOSSES else architecture.outputs
        self.optimizer = network.make_optimizer(*optimizer, dtype=architecture.dtype)
        # One replica has nothing to sum, and TensorFlow's function would keep all graphs alive.
        inner = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        inner._all_reduce_sum_gradients = lambda pairs: pairs
        self._build_optimizer()
        self.variables = State(
            self.model.weights,
            self.optimizer.variables,
            network.seed_variables(self.model),
            network.state_variables(self.model),
        )
        self.lock = threading.Lock()
        shapes = self._signature(architecture, capacity, timesteps)
        traced = tf.function(self._run, shapes, autograph=False, jit_compile=jitted)
        traced = traced.get_concrete_function()
        self.compiled = compiled_function(traced, devices[0]) if jitted else plain_function(traced)
        self.used = False

    def initial_state(self, weights, optimizer_state, learning_rate, seed):
        """Return the State from which training starts or continues; `seed` is for dropout.

        `optimizer_state` None: a new one. `learning_rate` None: the optimizer's default.
        """
        rng = np.random.default_rng(seed)
        if optimizer_state is None:
            copied = self.copied_weights
            optimizer_state = [
                weights[copied[i]] if i in copied else value
                for i, value in enumerate(self.initial_optimizer_state)
            ]
        if learning_rate is None:
            learning_rate = self.initial_optimizer_state[self.rate_index]
        rng_state = [np.array([rng.integers(2**31), 0], v.dtype) for v in self.variables.rng_state]
        state = State(weights, optimizer_state, rng_state, self.zero_states())
        return self.with_rate(state, learning_rate)

    def with_rate(self, state, rate):
        """Return a State with another learning rate."""
        optimizer_state = list(state.optimizer_state)
        optimizer_state[self.rate_index] = np.asarray(rate, dtype=np.float32)
        return state._replace(optimizer_state=optimizer_state)

    def zero_states(self):
        """Return the recurrent states of a stateful network at the start of an epoch."""
        return _zeros(self.variables.recurrent_states)

    def __call__(self, state, X, y, w, order, begin, end):
        """Train on samples `order[begin:end]`, and return the State and the summed loss.

        X, y, w and order have `capacity` rows; `begin` is a multiple of the batch size. The loss is
        the sum over batches of the batch's loss times its size.
        """
        flat = [array for group in state for array in group]
        flat += [X, y, w, order, np.int32(begin), np.int32(end)]
        with self.lock:
            *flat, loss = self.compiled(*(np.asarray(array) for array in flat))
            if not self.used:  # the first call compiles
                memory.release(collect=False)
                self.used = True
        arrays = iter(flat)
        return State(*([next(arrays) for _ in group] for group in self.variables)), float(loss)

    def _build_optimizer(self):
        """Build the optimizer, and record the initial values of its variables."""
        rng = np.random.default_rng(0)
        marks = [rng.standard_normal(weight.shape) for weight in self.model.weights]
        self.model.set_weights(marks)
        self.optimizer.build(self.model.trainable_variables)
        # Not all start at zero: Nadam and Adagrad have other values, and ScheduleFreeAdamW copies
        # of the weights. The marks reveal these copies.
        self.initial_optimizer_state = [variable.numpy() for variable in self.optimizer.variables]
        marks = [weight.numpy() for weight in self.model.weights]
        self.copied_weights = {
            i: j
            for i, value in enumerate(self.initial_optimizer_state)
            for j, mark in enumerate(marks)
            if np.array_equal(value, mark)
        }
        rate = self.optimizer.learning_rate
        self.rate_index = next(i for i, v in enumerate(self.optimizer.variables) if v is rate)

    def _signature(self, architecture, capacity, timesteps):
        dtype, spec = architecture.variable_dtype, tf.TensorSpec
        tokens = architecture.vocab_size is not None and not architecture.n_static
        steps = (capacity, timesteps)
        features = architecture.width_read + architecture.n_static
        x = spec(steps, "int32") if tokens else spec((*steps, features), dtype)
        lead = steps if self.by_step else (capacity,)
        return (
            [spec(v.shape, v.dtype) for group in self.variables for v in group],
            x,
            spec((*lead, *self.target_shape), dtype),
            spec(lead, dtype),
            spec((capacity,), "int32"),
            spec((), "int32"),
            spec((), "int32"),
        )

    def _run(self, state, X, y, w, order, begin, end):
        variables = [variable for group in self.variables for variable in group]
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)

        def batch(i, total):
            rows = tf.slice(order, [i], [self.batch_size])
            size = tf.minimum(end - i, self.batch_size)
            real = tf.cast(tf.range(self.batch_size) < size, w.dtype)
            x_batch, y_batch, w_batch = (tf.gather(array, rows) for array in (X, y, w))
            w_batch *= tf.expand_dims(real, 1) if self.by_step else real
            count = tf.cast(size, w.dtype)
            if self.by_step:
                count = tf.reduce_sum(self._present(x_batch, w.dtype) * tf.expand_dims(real, 1))
            loss = self._update(x_batch, y_batch, w_batch, count)
            return i + self.batch_size, total + loss * tf.cast(size, loss.dtype)

        _, total = tf.while_loop(
            lambda i, _: i < end,
            batch,
            (begin, tf.zeros((), w.dtype)),
            parallel_iterations=1,
        )
        return [*(tf.identity(variable.value) for variable in variables), total]

    def _present(self, x, dtype):
        """Return 1 for each timestep (n, T) that the network reads, 0 for others."""
        if not self.masked:
            return tf.ones(x.shape[:2], dtype)
        present = x >= 0 if x.dtype.is_integer else ~tf.math.is_nan(x[:, :, 0])
        return tf.cast(present, dtype)

    def _update(self, x, y, w, count):
        """Take one step of the optimizer and return the batch's loss.

        It is sum(w l) / count plus the penalties of regularizers.
        """
        total = count * math.prod(self.target_shape[:-1])  # a loss for each of the steps
        gradients_of = self._gradients if len(self.devices) == 1 else self._summed_gradients
        loss, gradients = gradients_of(x, y, w, total)
        self.optimizer.apply(gradients, self.model.trainable_variables)
        return loss

    def _gradients(self, x, y, w, total):
        """Return the contribution of a device's part of a batch to the loss, and its gradients."""
        with tf.GradientTape() as tape:
            losses = self.loss(y, self.model(x, training=True))
            for axis in range(w.ndim, losses.ndim):
                w = tf.expand_dims(w, axis)
            loss = tf.math.divide_no_nan(tf.reduce_sum(w * losses), total)
            loss = sum((penalty / len(self.devices) for penalty in self.model.losses), loss)
            scaled = self.optimizer.scale_loss(loss)  # undone in apply
        variables = [variable.value for variable in self.model.trainable_variables]
        return loss, tape.gradient(scaled, variables)

    def _summed_gradients(self, x, y, w, total):
        """Return loss and gradients of a whole batch; each device computes a part of it."""
        n_devices = len(self.devices)
        sizes = [(self.batch_size + i) // n_devices for i in range(n_devices)]
        shares = list(zip(*(tf.split(array, sizes) for array in (x, y, w)), strict=True))

        def of_share():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            return self._gradients(*shares[int(tf.get_static_value(replica))], total)

        spread = strategy(self.devices)
        loss, gradients = spread.run(of_share)
        summed = [spread.reduce("SUM", part, axis=None) for part in (loss, *gradients)]
        return summed[0], summed[1:]


class Forward:
    """A traced forward pass for batches of any size.

    The parameters are a tuple of the one device and those of `forward`.
    """

    def __init__(self, devices, architecture, hidden, loss, cudnn):
        if hidden is None:
            self.model = network.build_network(architecture, cudnn=cudnn)
        else:
            self.model = network.build_hidden(architecture, *hidden, cudnn=cudnn)
        self.recurrent_states = network.state_variables(self.model)
        self.dtype = architecture.variable_dtype
        self.penalized = architecture.network is not None  # else the caller adds penalties
        self.lock = threading.Lock()
        spec = tf.TensorSpec
        x = self.model.inputs[0]
        signature = [
            [spec(v.shape, v.dtype) for v in self.model.weights],
            [spec(v.shape, v.dtype) for v in self.recurrent_states],
            spec(x.shape, x.dtype),
        ]
        self.loss = None
        if loss is not None:
            self.loss = network.loss_function(*loss, architecture.quantiles)
            lead = x.shape[: 2 if architecture.return_sequences else 1]
            target_shape = (1,) if loss[0] in SPARSE_LOSSES else architecture.outputs
            signature.append(spec((*lead, *target_shape), self.dtype))
        traced = tf.function(self._run, autograph=False, input_signature=signature)
        self.traced = traced.get_concrete_function()

    def __call__(self, weights, recurrent_states, x, *y):
        """Return the outputs or losses, and the final recurrent states."""
        with self.lock:
            return self.traced(weights[: len(self.model.weights)], recurrent_states, x, *y)

    def zero_states(self):
        """Return the recurrent states of a stateful network before its first batch."""
        return _zeros(self.recurrent_states)

    def _run(self, weights, recurrent_states, x, *y):
        for variable, value in zip(
            [*self.model.weights, *self.recurrent_states],
            [*weights, *recurrent_states],
            strict=True,
        ):
            variable.assign(value)
        outputs = self.model(x, training=False)
        if self.loss is not None:  # in the same graph as the output, so that Keras finds its logits
            outputs = self.loss(*y, outputs)
            if self.penalized:
                outputs += sum(self.model.losses)
        outputs = tf.nest.map_structure(lambda output: tf.cast(output, self.dtype), outputs)
        return outputs, [tf.identity(variable.value) for variable in self.recurrent_states]


def _zeros(variables):
    return [np.zeros(variable.shape, variable.dtype) for variable in variables]
