"""The NumPy engine. `skrnn._engines` documents what an engine has."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import prod

import numpy as np

from skrnn._data.prediction_blocks import predict_blocks
from skrnn._data.sequences import trimmed_slice
from skrnn._network.l2 import Penalty, penalty
from skrnn._network.state import State, unflatten
from skrnn._numpy_engine.activations import ACTIVATIONS
from skrnn._numpy_engine.losses import loss_of
from skrnn._numpy_engine.network import Network
from skrnn._numpy_engine.optimizers import Optimizer, takes
from skrnn._utils.blas_threads import one_blas_thread
from skrnn._utils.rng_state import get_rng_state, set_rng_state

NAME = "numpy"
# Samples that take less than this are gathered once and stay; others are gathered by block.
RESIDENT_BYTES, BLOCK_BYTES = 2**24, 2**21
# Samples predicted at a time: their buffers stay in the caches.
PREDICT_AT_ONCE = 512


class TrainingSession:
    """Samples, and the weights and the optimizer that train on them."""

    epochs_at_once = 1

    def __init__(self, architecture, settings, samples):
        self.architecture, self.settings, self.samples = architecture, settings, samples
        entries, trains = architecture.weights(), architecture.trains()
        self.weights = np.empty(architecture.n_weights, architecture.dtype)
        first = trains.index(True)  # the optimizer does not need the frozen weights before it
        trained = self.weights[sum(prod(entry.shape) for entry in entries[:first]) :]
        self.optimizer = Optimizer(
            settings, trained, entries[first:], architecture.trains_embedding
        )
        self.shapes = [entry.shape for entry in entries]
        self.loss, self.penalty = loss_of(settings.loss, architecture.quantiles), None
        if architecture.penalized:
            self.penalty = Penalty(entries[first:], trained, self.optimizer.gradient)
        self.n_summed = prod(architecture.output_shape) if self.loss.mean else 1  # in a row's loss
        self.networks = {}  # by their number of samples and timesteps
        self.state = None  # the one that weights, optimizer and generator are in
        self.generator = np.random.default_rng(0)
        resident = len(samples) * samples.sample_bytes <= RESIDENT_BYTES
        self.arrays = samples.block(np.arange(len(samples))) if resident else None
        self.n_batch, self.block = _batch_and_block(settings, samples)

    def _network(self, kept, X, weights, gradient=None):
        """Return the network for a batch like X; those made before are in the dict `kept`."""
        shape = X.shape[:2]
        if shape not in kept:
            logits = self.loss.of is not None
            kept[shape] = Network(self.architecture, weights, *shape, gradient, logits=logits)
        return kept[shape]

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
        if state is self.state:  # the state after the last epoch
            return
        self.state = state
        np.concatenate(state.weights, axis=None, out=self.weights)
        self.optimizer.load(state.optimizer_state)
        set_rng_state(self.generator, *state.rng_state)

    def leave(self, recurrent_states):
        """Return the state that training has come to, in arrays of its own."""
        weights, rng_state = unflatten(self.weights.copy(), self.shapes), self.state.rng_state
        if self.architecture.drops:
            rng_state = [get_rng_state(self.generator)]
        self.state = State(weights, self.optimizer.dump(), rng_state, recurrent_states)
        return self.state

    def run_epoch(self, state, order):
        self.resume(state)
        total, states = 0.0, self.architecture.zero_states()
        for X, y, w in self._batches(self.samples, order, self.arrays):
            network = self._network(self.networks, X, self.weights, self.optimizer.gradient)
            losses, grad = self._losses(network, X, y, states, self.generator)
            share = self._shares(w, network.batch.mask)
            loss = np.dot(share, losses)
            of_tokens, _ = network.backward(grad * share[:, np.newaxis])
            if of_tokens is not None:
                self.optimizer.put_rows(network.batch.ids, of_tokens)
            if self.penalty is not None:
                loss += self.penalty()
            self.optimizer.step()
            total += loss * len(X)
            states = self._next_states(network)
        return self.leave(states), float(total / len(order))

    def evaluate(self, weights, samples):
        total, weight, states = 0.0, 0.0, self.architecture.zero_states()
        networks, flat = {}, np.concatenate(weights, axis=None)
        for X, y, w in self._batches(samples, np.arange(len(samples))):
            network = self._network(networks, X, flat)
            losses, _ = self._losses(network, X, y, states)
            total += float(np.dot(w.T.reshape(-1), losses))
            weight += float(w.sum()) * self.n_summed
            states = self._next_states(network)
        return total / weight + penalty(self.architecture.weights(), weights)

    def _batches(self, samples, order, arrays=None):
        """Yield X, y and the weights of each batch of samples; `arrays` holds all samples.

        A batch leaves out the segments of timesteps that no sample needs.
        """
        n_batch, n_block = _batch_and_block(self.settings, samples)
        for start in range(0, len(order), n_block):
            rows = order[start : start + n_block]
            block = samples.block(rows) if arrays is None else [array[rows] for array in arrays]
            for begin in range(0, len(rows), n_batch):
                batch = slice(begin, begin + n_batch)
                X, y, w = (array[batch] for array in block)
                if samples.spans is not None:
                    spans = samples.spans[rows[batch]]
                    steps = trimmed_slice(spans, X.shape[1], self.architecture.segment)
                    X = X[:, steps]
                    if w.ndim == 2:
                        y, w = y[:, steps], w[:, steps]
                yield X, y, w

    def _losses(self, network, X, y, states, generator=None):
        """Return the loss of each row of the output, summed over outputs, and its gradient."""
        output = network.forward(X, states, generator)
        if self.architecture.return_sequences:
            y = y.swapaxes(0, 1)  # timesteps first, as the output
        truth = y.reshape(len(output), -1)
        return self.loss.value(truth, output).sum(axis=1), self.loss.slope(truth, output)

    def _shares(self, w, mask):
        """Return the share that each row of the output has in a batch's loss, sum(w l) / count.

        The count is that of the samples, or of the timesteps that are present, as `mask` says.
        """
        count = w.size if w.ndim == 1 or mask is None else int(mask.sum())
        return w.T.reshape(-1) / (count * self.n_summed)  # timesteps first, as the output

    def _next_states(self, network):
        return network.recurrent_states() if self.architecture.stateful else []


def _batch_and_block(settings, samples):
    """Return how many samples a batch has, and how many are gathered at a time."""
    n_batch = min(settings.batch_size, len(samples))
    return n_batch, max(1, BLOCK_BYTES // (samples.sample_bytes * n_batch)) * n_batch


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
    by_timestep = architecture.return_sequences if hidden is None else hidden[0]
    at_once = architecture.batch_size or PREDICT_AT_ONCE
    flat = np.concatenate(weights, axis=None)

    @np.errstate(all="ignore")
    def compute(X, states):
        network = Network(architecture, flat, *X.shape[:2])
        if hidden is None:
            arrays = [_as_samples(architecture, network.forward(X, states), len(X))]
        else:
            arrays = _hidden(network, network.recur(X, states), *hidden)
        return arrays, network.recurrent_states() if architecture.stateful else []

    arguments = compute, architecture, sequences, scaling, at_once, recurrent_states or []
    with one_blas_thread() as n_threads:
        if architecture.stateful or len(sequences) <= at_once or n_threads == 1:
            return predict_blocks(*arguments, by_timestep=by_timestep)
        # NumPy releases the interpreter's lock in the products and functions of a block.
        with ThreadPoolExecutor(n_threads) as pool:
            return predict_blocks(*arguments, by_timestep=by_timestep, pool=pool)


def output_gradients(architecture, weights):
    """Return a function (x, directions) -> a value of each sample, (n,), and its gradient, like x.

    x (n, T, F) is what a network without an Embedding reads, absent timesteps NaN; at these the
    gradient is zero. Static features have theirs at the first timestep. The value is the sum of a
    sample's outputs times its `directions` (n, O), timestep by timestep if each has an output.
    """
    flat = np.concatenate(weights, axis=None).astype(architecture.variable_dtype)

    @np.errstate(all="ignore")
    def gradients(x, directions):
        network, n_samples = Network(architecture, flat, *x.shape[:2], to_input=True), len(x)
        with one_blas_thread():
            output = network.forward(x)  # (N, O), timesteps first
            n_steps = len(output) // n_samples
            grad = directions.reshape(n_samples, n_steps, -1).swapaxes(0, 1).reshape(output.shape)
            values = (grad * output).reshape(n_steps, n_samples, -1).sum(axis=(0, 2))
            return values, network.input_gradient(grad)

    return gradients


def clear():
    """It keeps nothing."""


def _as_samples(architecture, output, n_samples):
    """Return the output (N, O) with samples first, in the architecture's trailing shape."""
    if not architecture.return_sequences:
        return output.reshape(n_samples, *architecture.output_shape)
    output = output.reshape(-1, n_samples, *architecture.output_shape)
    return output.swapaxes(0, 1).copy()


def _hidden(network, states, return_sequences, return_state):
    """Return what Keras's last recurrent layer returns under its two flags."""
    layer = network.recurrent[-1]
    output = states.swapaxes(0, 1).copy() if return_sequences else layer.last()
    return [output, *(layer.final_states() if return_state else [])]
