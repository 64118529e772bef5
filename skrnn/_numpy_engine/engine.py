"""The NumPy engine. `skrnn._engines` documents what an engine has."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import prod

import numpy as np

from skrnn._data.sequences import padded, trimmed_slice
from skrnn._network.l2 import Penalty, penalty
from skrnn._network.state import State
from skrnn._numpy_engine import gradients
from skrnn._numpy_engine.activations import ACTIVATIONS
from skrnn._numpy_engine.blas import one_blas_thread
from skrnn._numpy_engine.losses import loss_of
from skrnn._numpy_engine.network import Network, unflatten
from skrnn._numpy_engine.optimizers import Optimizer, takes
from skrnn._utils.rng_state import get_rng_state, set_rng_state

NAME = "numpy"
# Samples that take less than this are gathered once and stay; others are gathered by block.
RESIDENT_BYTES, BLOCK_BYTES = 2**24, 2**21
# Samples predicted at a time: what they need stays in the caches.
PREDICT_AT_ONCE = 512


class TrainingSession:
    """Samples, and the weights and the optimizer that train on them."""

    epochs_at_once = 1

    def __init__(self, architecture, settings, samples):
        self.architecture, self.settings, self.samples = architecture, settings, samples
        self.shapes = [weight.shape for weight in architecture.weights()]
        self.weights = np.empty(sum(map(prod, self.shapes)), architecture.dtype)
        trains = architecture.trains()
        first = trains.index(True)  # what is frozen before it needs nothing of an optimizer
        entries, shapes = architecture.weights()[first:], self.shapes[first:]
        trained = self.weights[-sum(map(prod, shapes)) :]
        embedded = architecture.trains_embedding
        self.optimizer = Optimizer(settings, trained, shapes, embedded, trains[first:])
        self.loss, self.penalty = loss_of(settings.loss, architecture.quantiles), None
        self.n_summed = prod(architecture.output_shape) if self.loss.mean else 1  # in a row's loss
        if architecture.penalized:
            self.penalty = Penalty(entries, trained, self.optimizer.gradient)
        self.n_batch = min(settings.batch_size, len(samples))
        self.networks, self.state = {}, None  # by their number of samples and timesteps
        self.generator = np.random.default_rng(0)  # stands where the state says
        resident = len(samples) * samples.sample_bytes <= RESIDENT_BYTES
        self.arrays = samples.block(np.arange(len(samples))) if resident else None
        n_batches = max(1, BLOCK_BYTES // (samples.sample_bytes * self.n_batch))
        self.block = n_batches * self.n_batch

    def batches(self, order):
        """Yield X, y and the weights of each batch."""
        for start in range(0, len(order), self.block):
            rows = order[start : start + self.block]
            if self.arrays is None:
                X, y, w = self.samples.block(rows)
            else:
                X, y, w = self.arrays
                X, y, w = X[rows], y[rows], w[rows]
            for begin in range(0, len(rows), self.n_batch):
                batch = slice(begin, begin + self.n_batch)
                arrays = X[batch], y[batch], w[batch]
                yield _trimmed(self.samples, self.architecture.segment, rows[batch], *arrays)

    def leave(self, recurrent_states):
        """Return the state that training has come to, in arrays of its own."""
        weights = unflatten(self.weights.copy(), self.shapes)
        rng_state = (
            [get_rng_state(self.generator)] if self.architecture.drops else self.state.rng_state
        )
        self.state = State(weights, self.optimizer.dump(), rng_state, recurrent_states)
        return self.state

    def begin(self, weights, optimizer_state, seed):
        rate = self.optimizer.rate
        if optimizer_state is None:
            optimizer_state = self.optimizer.dump()
        rng_state = [get_rng_state(np.random.default_rng(seed))]
        return self.set_rate(State(weights, optimizer_state, rng_state, []), rate)

    def set_rate(self, state, rate):
        iterations, _, *others = state.optimizer_state
        changed = state._replace(optimizer_state=[iterations, np.float32(rate), *others])
        if state is self.state:
            self.optimizer.rate, self.state = rate, changed
        return changed

    def resume(self, state):
        """Continue from a State."""
        if state is self.state:  # it is what the last epoch left
            return
        self.state = state
        np.concatenate(list(map(np.ravel, state.weights)), out=self.weights)
        self.optimizer.load(state.optimizer_state)
        set_rng_state(self.generator, *state.rng_state)

    def run_epoch(self, state, order):
        self.resume(state)
        architecture, optimizer, total = self.architecture, self.optimizer, 0.0
        states = architecture.zero_states()
        for X, y, w in self.batches(order):
            shape = X.shape[:2]
            if shape not in self.networks:
                arguments = architecture, self.weights, *shape, optimizer.gradient
                self.networks[shape] = Network(*arguments)
            network = self.networks[shape]
            output = network.forward(X, states, self.generator)
            losses, grad = _losses(self.loss, network, output, y)
            share = self.shares(w, network.batch.mask)
            loss = np.dot(share, losses)
            grad *= share[:, np.newaxis]
            of_vectors = network.backward(grad, of_output=self.loss.of is None)
            if of_vectors is not None:
                optimizer.put_rows(network.batch.ids, of_vectors)
            if self.penalty is not None:
                loss += self.penalty()
            optimizer.step()
            total += loss * len(X)
            if architecture.stateful:
                states = network.stack.recurrent_states()
        return self.leave(states), float(total / len(order))

    def shares(self, w, mask):
        """Return the share that each row of the output has in a batch's loss, sum(w l) / count.

        The count is that of the samples, or of the timesteps that are present, as `mask` says.
        """
        count = w.size if w.ndim == 1 or mask is None else int(mask.sum())
        return w.T.reshape(-1) / (count * self.n_summed)  # timesteps first, as the output

    def evaluate(self, weights, samples):
        architecture, total, weight = self.architecture, 0.0, 0.0
        flat = np.concatenate(list(map(np.ravel, weights)))
        n_batch = min(self.settings.batch_size, len(samples))
        states, networks = architecture.zero_states(), {}
        for start in range(0, len(samples), n_batch):
            order = np.arange(start, min(start + n_batch, len(samples)))
            X, y, w = _trimmed(samples, architecture.segment, order, *samples.block(order))
            if X.shape not in networks:
                networks[X.shape] = Network(architecture, flat, *X.shape[:2])
            network = networks[X.shape]
            losses, _ = _losses(self.loss, network, network.forward(X, states), y)
            total += float(np.dot(w.T.reshape(-1), losses))
            weight += float(w.sum()) * self.n_summed
            if architecture.stateful:
                states = network.stack.recurrent_states()
        return total / weight + penalty(architecture.weights(), weights)


def unsupported_parameters(architecture, settings=None):
    """Return the parameters of a request that this engine does not take as they are."""
    lacks = [] if architecture.network is None else ["network"]
    for name in ("activation", "dense_activation"):
        if getattr(architecture, name) not in ACTIVATIONS:
            lacks.append(name)
    if architecture.dtype == "mixed_float16":
        lacks.append("dtype='mixed_float16'")
    if architecture.stateful and architecture.masked:
        lacks.append("stateful")
    if settings is None:
        return lacks
    loss = loss_of(settings.loss, architecture.quantiles)
    plain = loss is not None and not settings.loss_config
    if not plain or loss.of not in (None, architecture.output_activation):
        lacks.append("loss")
    if not takes(settings.optimizer, settings.optimizer_config):
        lacks.append("optimizer")
    return lacks


def device_names(device):
    return ()  # it has no choice


@contextmanager
def training_scope(device):
    # An overflow is no warning but a loss that is not finite, which the loop refuses.
    with np.errstate(all="ignore"), one_blas_thread():
        yield


def predict(
    architecture, weights, sequences, scaling, *, device, recurrent_states=None, hidden=None
):
    at_once, recurrent_states = architecture.batch_size or PREDICT_AT_ONCE, recurrent_states or []
    by_timestep = architecture.return_sequences if hidden is None else hidden[0]
    indices, steps = blocks_of(sequences, architecture.segment, at_once, by_timestep=by_timestep)

    @np.errstate(all="ignore")
    def block(index, steps, recurrent_states=()):
        X = sequences.block(index, scaling, architecture.dtype, steps)
        network = Network(architecture, flat, *X.shape[:2])
        if hidden is None:
            arrays = [_as_samples(architecture, network.forward(X, recurrent_states), len(X))]
        else:
            arrays = _hidden(network, network.recur(X, recurrent_states), *hidden)
        if by_timestep and X.shape[1] < sequences.timesteps:
            arrays[0] = padded(arrays[0], architecture.n_steps(sequences.timesteps))
        return arrays, network.stack.recurrent_states() if architecture.stateful else []

    blocks, flat = [], np.concatenate(list(map(np.ravel, weights)))
    with one_blas_thread() as n_threads:
        if architecture.stateful or len(indices) == 1 or n_threads == 1:
            for index, read in zip(indices, steps, strict=True):
                arrays, recurrent_states = block(index, read, recurrent_states)
                blocks.append(arrays)
        else:  # NumPy lets go of the interpreter in the products and functions of a block
            with ThreadPoolExecutor(n_threads) as pool:
                blocks = [arrays for arrays, _ in pool.map(block, indices, steps)]
    return [in_order(parts, indices) for parts in zip(*blocks, strict=True)], recurrent_states


output_gradients = gradients.output_gradients


def clear():
    """It keeps nothing."""


def _trimmed(samples, segment, order, X, y, w):
    """Return a batch without the segments of timesteps that none of its samples needs."""
    if samples.spans is None:
        return X, y, w
    steps = trimmed_slice(samples.spans[order], X.shape[1], segment)
    if w.ndim == 2:
        y, w = y[:, steps], w[:, steps]
    return X[:, steps], y, w


def blocks_of(sequences, segment, at_once, *, by_timestep):
    """Return the samples of each block of a prediction, and the timesteps that they need.

    Samples of unequal lengths are sorted by length, so that short ones stay among themselves.
    """
    starts = range(0, len(sequences), at_once)
    spans = sequences.spans(by_timestep)
    if spans is None:
        return [slice(start, start + at_once) for start in starts], [slice(None)] * len(starts)
    order = np.argsort(spans[:, 1] - spans[:, 0], kind="stable")
    indices = [order[start : start + at_once] for start in starts]
    timesteps = sequences.timesteps
    return indices, [trimmed_slice(spans[index], timesteps, segment) for index in indices]


def in_order(parts, indices):
    """Return the parts of a prediction as one array, in the order of the samples."""
    if isinstance(indices[0], slice):
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
    array = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    for index, part in zip(indices, parts, strict=True):
        array[index] = part
    return array


def _losses(loss, network, output, y):
    """Return the loss of each row of the output, summed over outputs, and its gradient."""
    if network.architecture.return_sequences:
        y = y.swapaxes(0, 1)  # timesteps first, as the output
    prediction = output if loss.of is None else network.head[-1].before
    return loss.function(y.reshape(len(output), -1), prediction)


def _as_samples(architecture, output, n_samples):
    """Return the output (N, O) with samples first, in the architecture's trailing shape."""
    if not architecture.return_sequences:
        return output.reshape(n_samples, *architecture.output_shape)
    output = output.reshape(-1, n_samples, *architecture.output_shape)
    return output.swapaxes(0, 1).copy()


def _hidden(network, states, return_sequences, return_state):
    """Return what Keras's last recurrent layer returns under its two flags."""
    output = states.swapaxes(0, 1).copy() if return_sequences else network.stack.last().copy()
    if not return_state:
        return [output]
    return [output, *network.stack.recurrent_states(slice(-1, None))]
