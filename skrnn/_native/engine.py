"""The native engine. `skrnn._engines` documents the interface of engines.

Between epochs a fit keeps the state of the NumPy engine: flat weights, the vectors of its
optimizer, and the generator of dropout. So each engine can continue a fit of the other.
"""

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from skrnn._data.prediction_blocks import predict_blocks
from skrnn._native.library import MAX_LAYERS
from skrnn._native.network import ACTIVATIONS, CELLS, OUTPUT_ACTIVATIONS, Kernels, pointer
from skrnn._native.optimizer import OPTIMIZERS, OptimizerArguments
from skrnn._network.cells import CELLS as SPECS
from skrnn._network.l2 import penalty
from skrnn._network.state import unflatten
from skrnn._numpy_engine import engine as numpy_engine
from skrnn._numpy_engine.dropout import drawn
from skrnn._utils.blas_threads import core_share, one_blas_thread

__all__ = ["NAME", "TrainingSession", "clear", "device_names", "predict", "training_scope"]
NAME = "native"
LOSSES = {
    name: i
    for i, name in enumerate(
        "mean_squared_error mean_absolute_error huber log_cosh poisson binary_crossentropy "
        "categorical_crossentropy sparse_categorical_crossentropy quantile".split()
    )
}
# Multiply-adds of one call, some tenths of a second: then Python checks for Ctrl-C.
CALL = 1e9
# Cost of a step besides the layers, in multiply-adds: for each weight, and for a batch.
STEP_WORK, BATCH_WORK = 10, 10_000
# Number of dropout factors drawn for a call, unless one batch needs more.
FACTORS = 2**18
# Samples predicted at a time within a call: their buffers stay in the caches.
PREDICT_BATCH = 64
KEPT_BYTES, MAX_KEPT = 2**24, 8

_lock = threading.Lock()
_idle = OrderedDict()  # kernels that no thread uses now, oldest first


class TrainingSession(numpy_engine.TrainingSession):
    """Samples, and the kernels and the optimizer that train on them."""

    def __init__(self, architecture, settings, samples):
        super().__init__(architecture, settings, samples)
        self.kernels = Kernels(
            *(architecture, self.weights, samples.sequences.timesteps, self.n_batch),
            gradient=self.optimizer.gradient,
        )
        self.kernels.read_loss(self.loss, LOSSES[settings.loss])
        self.arguments = OptimizerArguments(self.optimizer, settings.optimizer)
        if self.arrays is not None:
            self.arrays = self._as_read(*self.arrays)
        directions = 1 + architecture.bidirectional
        inputs = architecture.input_width, *(n * directions for n in architecture.units[:-1])
        self.widths = [width for width in inputs for _ in range(directions)]  # of dropout
        at_once = max(1, int(CALL / self._batch_work()))  # batches
        if architecture.dropout:
            at_once = max(1, min(at_once, FACTORS // (self.n_batch * sum(self.widths))))
        self.rows_at_once = at_once * self.n_batch
        if self.arrays is not None and not architecture.stateful:
            self.epochs_at_once = max(1, at_once // -(-len(samples) // self.n_batch))

    def _batch_work(self):
        """Return the approximate cost of a batch, in multiply-adds."""
        timesteps = self.samples.sequences.timesteps
        of_layers = 3 * self.n_batch * self.architecture.multiply_adds(timesteps)
        return of_layers + STEP_WORK * len(self.weights) + BATCH_WORK

    def _as_read(self, X, y, w):
        """Return arrays in the form of the kernels; token ids stay int32."""
        dtype = self.weights.dtype
        return np.ascontiguousarray(X), *(np.ascontiguousarray(array, dtype) for array in (y, w))

    def run_epoch(self, state, order):
        self.resume(state)
        total, flat = 0.0, self.kernels.states(self.architecture.zero_states())
        self.arguments.load()
        for X, y, w, rows in self.pieces(order):
            total += self.train(X, y, w, rows[np.newaxis])[0]
        self.arguments.dump()
        states = _unflatten_states(flat, self.architecture)
        return self.leave(states), float(total / len(order))

    def run_epochs(self, state, orders, rates=None):
        self.resume(state)
        self.arguments.load(rates)
        totals = self.train(*self.arrays, np.ascontiguousarray(orders, np.int64))
        self.arguments.dump()
        return self.leave([]), (totals / orders.shape[1]).tolist()

    def train(self, X, y, w, rows):
        """Train on rows (epochs, n), and return the sum of the losses of each epoch."""
        factors = self.dropout_factors(rows.size)
        self.kernels.read(X, y, w, rows)
        self.kernels.batches.factors = pointer(factors)
        _compute(self.kernels, self.kernels.train, self.arguments.record)
        return self.kernels.totals

    def pieces(self, order):
        """Yield X, y, weights, and the rows of them that a call trains on."""
        for start in range(0, len(order), self.block):
            block = np.ascontiguousarray(order[start : start + self.block], np.int64)
            arrays, rows = self.arrays, block
            if arrays is None:
                arrays = self._as_read(*self.samples.block(block))
                rows = np.arange(len(block))
            for begin in range(0, len(rows), self.rows_at_once):
                yield *arrays, rows[begin : begin + self.rows_at_once]

    def dropout_factors(self, n_samples):
        """Draw the factors of all batches: (n, F) for each layer and direction, flat; or None."""
        architecture, rate = self.architecture, self.architecture.dropout
        if not rate:
            return None
        return drawn(self.generator, n_samples * sum(self.widths), rate, architecture.dtype)

    def evaluate(self, weights, samples):
        architecture = self.architecture
        n_batch = min(self.settings.batch_size, len(samples))
        at_once = max(1, numpy_engine.BLOCK_BYTES // (samples.sample_bytes * n_batch)) * n_batch
        total, weight = 0.0, 0.0
        kernels = _borrow(architecture, weights, samples.sequences.timesteps, n_batch)
        kernels.read_loss(self.loss, LOSSES[self.settings.loss])
        flat = kernels.states(architecture.zero_states())
        for start in range(0, len(samples), at_once):
            order = np.arange(start, min(start + at_once, len(samples)))
            arrays = self._as_read(*samples.block(order))
            kernels.read(*arrays)
            _compute(kernels, kernels.predict)
            total += kernels.totals[0]
            weight += kernels.batches.weight
        del flat
        _give_back(kernels)
        return total / weight + penalty(architecture.weights(), weights)


def _unflatten_states(flat, architecture):
    shapes = [zero.shape for zero in architecture.zero_states()]
    return [] if flat is None else unflatten(flat.copy(), shapes)


def unsupported_parameters(architecture, settings=None):
    """Return the parameters of a request that this engine does not support."""
    lacks = numpy_engine.unsupported_parameters(architecture, settings)
    for name in ("activation", "dense_activation"):
        if getattr(architecture, name) not in ACTIVATIONS:
            lacks.append(name)
    if architecture.output_activation not in OUTPUT_ACTIVATIONS:
        lacks.append("output_activation")
    if not set(architecture.cell_types) <= CELLS.keys():
        lacks.append("cell_type")
    if max(len(architecture.units), len(architecture.dense_sizes) + 1) > MAX_LAYERS:
        lacks.append("hidden_size")
    if settings is None:
        return lacks
    lacks += [
        name for name in ("recurrent_dropout", "spatial_dropout") if getattr(architecture, name)
    ]
    if settings.loss not in LOSSES:
        lacks.append("loss")
    if settings.optimizer not in OPTIMIZERS:
        lacks.append("optimizer")
    return list(dict.fromkeys(lacks))


def device_names(device):
    return ()  # there is only the CPU


def training_scope(device):
    return np.errstate(all="ignore")  # like the NumPy engine; each call sets BLAS's threads


def _compute(kernels, function, *arguments):
    """Call a function of the kernels with this call's share of the cores, and BLAS with one thread.

    If the call uses neither, BLAS's libraries are not searched for, because that takes longer than
    a small fit.
    """
    if kernels.batches.n_parts == 1 and not kernels.batches.gemm:
        kernels.call(function, *arguments)
        return
    with one_blas_thread():
        kernels.call(function, *arguments, most_threads=core_share())


def predict(
    architecture, weights, sequences, scaling, *, device, recurrent_states=None, hidden=None
):
    at_once = architecture.batch_size or numpy_engine.PREDICT_AT_ONCE
    if len(sequences) <= at_once and not sequences.masked:  # one sample at a time must be fast
        X = np.ascontiguousarray(sequences.block(slice(None), scaling, architecture.dtype))
        return _predict_block(architecture, weights, X, recurrent_states, hidden, _compute)
    by_timestep = architecture.return_sequences if hidden is None else hidden[0]

    def block(X, states, compute=_compute):
        X = np.ascontiguousarray(X)
        return _predict_block(architecture, weights, X, states, hidden, compute)

    arguments = architecture, sequences, scaling, at_once, recurrent_states or []
    if architecture.stateful or len(sequences) <= at_once:
        return predict_blocks(block, *arguments, by_timestep=by_timestep)
    with one_blas_thread(), ThreadPoolExecutor(core_share()) as pool:
        one_thread = partial(block, compute=Kernels.call)
        return predict_blocks(one_thread, *arguments, by_timestep=by_timestep, pool=pool)


def _predict_block(architecture, weights, X, recurrent_states, hidden, compute):
    """Return the outputs for X, or hidden states, and the final recurrent states."""
    n_batch = architecture.batch_size or min(len(X), PREDICT_BATCH)
    output, final = _empty_outputs(architecture, *X.shape[:2], hidden)
    kernels = _borrow(architecture, weights, X.shape[1], n_batch)
    batches = kernels.batches
    kernels.read(X)
    flat = kernels.states(recurrent_states or architecture.zero_states())
    batches.output, batches.final = pointer(output), pointer(final)
    batches.hidden = 0 if hidden is None else 1 + hidden[0]
    compute(kernels, kernels.predict)
    _give_back(kernels)
    return [output, *(() if final is None else final)], _unflatten_states(flat, architecture)


def _empty_outputs(architecture, n_samples, timesteps, hidden):
    """Return arrays for the output and for the final states, None unless `hidden` asks for them."""
    by_timestep, dtype = architecture.return_sequences, architecture.dtype
    if hidden is None:
        lead = (n_samples, timesteps) if by_timestep else (n_samples,)
        return np.empty((*lead, *architecture.output_shape), dtype), None
    lead = (n_samples, architecture.n_steps(timesteps)) if hidden[0] else (n_samples,)
    directions = 1 + architecture.bidirectional
    n_states = SPECS[architecture.cell_types[-1]].states * directions
    final = np.empty((n_states, n_samples, architecture.units[-1]), dtype) if hidden[1] else None
    return np.empty((*lead, architecture.hidden_width), dtype), final


class StepKernels:
    """Kernels that read one step of a stateful network at a time.

    `states` are views of the states in the kernels: changing them changes the kernels' states.
    """

    def __init__(self, architecture, weights):
        self.dtype = dtype = architecture.dtype
        n, segment = architecture.batch_size, architecture.segment
        flat = np.concatenate(weights, axis=None)
        self.kernels = Kernels(architecture, flat, segment, n)
        self.x = np.zeros((n, segment, architecture.width_read + architecture.n_static), dtype)
        self.output = np.zeros((n, *architecture.output_shape), dtype)
        self.kernels.read(self.x)
        self.flat = self.kernels.states(architecture.zero_states())
        self.kernels.batches.output = pointer(self.output)
        self.states = unflatten(self.flat, [zero.shape for zero in architecture.zero_states()])

    def step(self, block):
        """Return the output after a block (n, segment, features) of the next timesteps."""
        self.x[...] = block
        self.kernels.call(self.kernels.predict)
        return self.output.copy()


def clear():
    with _lock:
        _idle.clear()


def _borrow(architecture, weights, timesteps, n_batch):
    """Return kernels for these weights, which this thread uses until it returns them."""
    key = architecture, timesteps, n_batch
    with _lock:
        kernels = _idle.pop(key, None)
    if kernels is None:
        flat = np.empty(architecture.n_weights, architecture.dtype)
        kernels = Kernels(architecture, flat, timesteps, n_batch)
    np.concatenate(weights, axis=None, out=kernels.weights)
    return kernels


def _give_back(kernels):
    """Cache small kernels for the next call."""
    batches = kernels.batches
    batches.states, batches.output, batches.final, batches.hidden = None, None, None, 0
    if kernels.workspace.nbytes > KEPT_BYTES:
        return
    with _lock:
        _idle[kernels.key] = kernels
        if len(_idle) > MAX_KEPT:
            _idle.popitem(last=False)
