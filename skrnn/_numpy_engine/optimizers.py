"""Optimizers of the NumPy engine: Keras's updates, on flat vectors of all weights at once.

An update is (o, weights, gradient, squares, *vectors) -> None: it writes over the weights and the
Optimizer's own vectors, given the gradient and its square. `o` is the Optimizer.
"""

import math
from collections.abc import Callable
from itertools import accumulate, chain, pairwise
from math import prod
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

SHARED_SETTINGS = {"clipnorm": None, "weight_decay": None}


def sgd(o, weights, gradient, squares, momentum=None):
    """Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's."""
    move = gradient * o.rate
    if momentum is None:
        weights -= move
        return
    beta = o.cast(o.settings.momentum)
    momentum *= beta
    momentum -= move
    weights += momentum * beta - move if o.settings.nesterov else momentum


def rmsprop(o, weights, gradient, squares, velocity, momentum=None):
    """Tieleman and Hinton (2012), lecture 6.5 of "Neural networks for machine learning"."""
    velocity *= o.settings.rho
    velocity += squares * (1 - o.settings.rho)
    move = gradient / np.sqrt(velocity + o.epsilon) * o.rate
    if momentum is not None:
        momentum *= o.settings.momentum
        momentum += move
        move = momentum
    weights -= move


def adagrad(o, weights, gradient, squares, accumulator):
    """Duchi, Hazan and Singer (2011), JMLR 12."""
    accumulator += squares
    weights -= gradient / np.sqrt(accumulator + o.epsilon) * o.rate


def adam(o, weights, gradient, squares, m, v):
    """Kingma and Ba (2015), arXiv:1412.6980, with epsilon where Keras puts it."""
    (beta_1, beta_2), (share_1, share_2) = o.betas, o.shares
    m += (gradient - m) * share_1
    v += (squares - v) * share_2
    corrected = math.sqrt(1 - o.power(beta_2)) / (1 - o.power(beta_1))
    move = m / (np.sqrt(v) + o.epsilon)
    weights -= move * (o.rate * corrected)


def nadam(o, weights, gradient, squares, m, v):
    """Dozat (2016), "Incorporating Nesterov momentum into Adam", ICLR workshop."""
    (beta_1, beta_2), decay = o.betas, o.cast(0.96)
    m += (gradient - m) * (1 - beta_1)
    v += (squares - v) * (1 - beta_2)
    now, after = (beta_1 * (1 - 0.5 * o.power(decay) * later) for later in (1, decay))
    of_m, of_gradient = after / (1 - o.product * after), (1 - now) / (1 - o.product)
    slowed = np.sqrt(v / (1 - o.power(beta_2))) + o.epsilon
    weights -= (m * of_m + gradient * of_gradient) * o.rate / slowed


class Rule(NamedTuple):
    """One optimizer: its update, its settings, and the vectors it keeps."""

    update: Callable
    defaults: dict
    groups: tuple  # names of vectors, in Keras's order; a group is interleaved


ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RMSPROP = {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7}
ADAGRAD = {"learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7}
SGD = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
AVERAGES = (("momentum", "velocity"),)

OPTIMIZERS = {
    "adagrad": Rule(adagrad, ADAGRAD, (("accumulator",),)),
    "adam": Rule(adam, ADAM, AVERAGES),
    # Loshchilov and Hutter (2019), arXiv:1711.05101: Adam with decoupled weight decay.
    "adamw": Rule(adam, ADAM | {"weight_decay": 0.004}, AVERAGES),
    "nadam": Rule(nadam, ADAM, AVERAGES),
    "rmsprop": Rule(rmsprop, RMSPROP, (("velocity",), ("momentum",))),
    "sgd": Rule(sgd, SGD, (("momentum",),)),
}


class Optimizer:
    """Flat weights, their gradient, and the optimizer's own vectors of the same length.

    `entries` are the Weights that follow each other in `weights`; the first of them is trained.
    `embedded`: it is an embedding, and its gradient comes by `put_rows`.
    """

    def __init__(self, settings, weights, entries, embedded):
        rule = OPTIMIZERS[settings.optimizer]
        given = SHARED_SETTINGS | rule.defaults | dict(settings.optimizer_config)
        rate = given.pop("learning_rate")
        rate = rate if settings.learning_rate is None else settings.learning_rate
        self.rate, self.settings = float(np.float32(rate)), SimpleNamespace(**given)
        self.update, self.weights, self.entries = rule.update, weights, entries
        bounds = pairwise(accumulate((prod(entry.shape) for entry in entries), initial=0))
        places = [slice(*ends) for ends in bounds]
        self.trained = [(e.shape, p) for e, p in zip(entries, places, strict=True) if e.trainable]
        self.runs = _joined([place for _, place in self.trained])
        self.table_size = places[0].stop if embedded else 0
        self.number, self.iterations = weights.dtype.type, 0
        # A vector named like a setting is not needed where the setting is zero.
        self.groups = [group for group in rule.groups if given.get(group[0], True)]
        first = self.cast(given.get("initial_accumulator_value", 0.0))
        self.vectors = {name: np.full(len(weights), first) for name in chain(*self.groups)}
        self.gradient, self.squares = np.zeros_like(weights), np.zeros_like(weights)
        betas = [given[name] for name in ("beta_1", "beta_2") if name in given]
        self.betas = list(map(self.cast, betas))
        # NumPy takes arrays faster than numbers.
        self.shares = [np.array(1 - beta, weights.dtype) for beta in betas]
        self.epsilon = np.array(given.get("epsilon", 0.0), weights.dtype)
        self.product = np.ones((), weights.dtype)  # of Nadam's changing beta_1

    def cast(self, value):
        """Return a setting in the dtype of the weights, by way of float32 as in Keras."""
        return self.number(np.float32(value))

    def power(self, base):
        """Return a power of `base` with the number of this step."""
        return base ** self.number(self.iterations + 1)

    def load(self, variables):
        """Set the optimizer's variables, given in Keras's order."""
        iterations, rate, *arrays = variables
        self.iterations, self.rate = int(iterations), float(rate)
        for variable, array in zip(self._variables(), arrays, strict=False):
            variable[...] = array

    def dump(self):
        """Return copies of the optimizer's variables in Keras's order."""
        copies = [variable.copy() for variable in self._variables()]
        return [np.int64(self.iterations), np.float32(self.rate), *copies]

    def _variables(self):
        """Return a view of each variable, in Keras's order."""
        of_weights = [
            self.vectors[name][place].reshape(shape)
            for group in self.groups
            for shape, place in self.trained
            for name in group
        ]
        return [*of_weights, self.product] if self.update is nadam else of_weights

    def put_rows(self, ids, grad):
        """Write the gradient of an embedding, given that of each of its token ids, (T, n, E).

        Positions of one token share one gradient, their sum; but Keras squares the part of each
        position before it sums, and so does this.
        """
        ones, n, grad = np.ones(ids.size, grad.dtype), ids.size, grad.reshape(ids.size, -1)
        sums = csc_array((ones, ids.ravel(), np.arange(n + 1)), (self.entries[0].shape[0], n))
        squares = grad * grad
        self.row_squares = squares.sum()
        for vector, of_positions in ((self.squares, squares), (self.gradient, grad)):
            vector[: self.table_size] = (sums @ of_positions).ravel()

    def step(self):
        """Update the weights from `gradient`."""
        if self.settings.clipnorm:
            self._clip(self.settings.clipnorm)
        dense = slice(self.table_size, None)
        np.square(self.gradient[dense], self.squares[dense])
        if self.update is nadam:
            # Keras computes only this product without casting the constants to float32.
            self.product *= self.settings.beta_1 * (1 - 0.5 * self.power(self.number(0.96)))
        for run in self.runs:
            weights = self.weights[run]
            if self.settings.weight_decay:
                weights -= weights * self.cast(self.settings.weight_decay) * self.rate
            vectors = self.gradient, self.squares, *self.vectors.values()
            self.update(self, weights, *(vector[run] for vector in vectors))
        self.iterations += 1

    def _clip(self, limit):
        """Shrink the gradient of each weight array if its norm is above the limit."""
        for _, place in self.trained:
            part, of_table = self.gradient[place], place.stop == self.table_size
            squares = self.row_squares if of_table else np.dot(part, part)
            share = limit / max(np.sqrt(squares), limit)
            part *= share
            if of_table:
                self.squares[place] *= share * share


def _joined(slices):
    """Return slices in ascending order with those next to each other as one."""
    joined = []
    for each in slices:
        follows = joined and joined[-1].stop == each.start
        joined.append(slice(joined.pop().start if follows else each.start, each.stop))
    return joined


def takes(name, config):
    """Whether the table has this optimizer and it takes these settings."""
    if name not in OPTIMIZERS:
        return False
    known = (OPTIMIZERS[name].defaults | SHARED_SETTINGS).keys() - {"learning_rate"}
    settings = dict(config)
    for key in ("beta_1", "beta_2", "momentum", "rho"):
        share = settings.get(key, 0.0)
        if not (isinstance(share, float) and 0 <= share < 1):
            return False
    return settings.keys() <= known
