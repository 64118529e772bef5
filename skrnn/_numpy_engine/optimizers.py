"""Optimizers of the NumPy engine: Keras's updates, on flat vectors of all weights at once.

An update is (o, weights, gradient, squares, *vectors) -> None: it writes over the weights and the
Optimizer's own vectors, given the gradient and its square. `o` is the Optimizer.
"""

import math
from collections.abc import Callable
from itertools import accumulate, chain, compress, groupby, pairwise
from math import prod
from operator import itemgetter
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array

# Elements updated at a time, so that what a step reads and writes stays in the cache.
CHUNK = 2**15

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
    move *= o.array(o.rate * corrected)
    weights -= move


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

    `shapes` are those of the weight arrays that follow each other in `weights`. `embedded`: the
    first of them is an embedding, whose gradient comes by `put_rows`. `trains` says of each array
    whether it is trained, as the first is; None: all are.
    """

    def __init__(self, settings, weights, shapes, embedded, trains=None):
        rule = OPTIMIZERS[settings.optimizer]
        given = SHARED_SETTINGS | rule.defaults | dict(settings.optimizer_config)
        rate = given.pop("learning_rate")
        rate = rate if settings.learning_rate is None else settings.learning_rate
        self.rate, self.settings = float(np.float32(rate)), SimpleNamespace(**given)
        self.update, self.weights, self.shapes = rule.update, weights, shapes
        self.bounds = [0, *accumulate(map(prod, shapes))]
        self.trains = [True] * len(shapes) if trains is None else trains
        self.runs = _runs(self.bounds, self.trains)
        self.table_size = self.bounds[1] if embedded else 0
        self.number, self.iterations = weights.dtype.type, 0
        # A vector named like a setting is not needed where the setting is zero.
        self.groups = [group for group in rule.groups if given.get(group[0], True)]
        first = self.cast(given.get("initial_accumulator_value", 0.0))
        names = list(chain(*self.groups))
        self.vectors = dict(zip(names, np.full((len(names), len(weights)), first), strict=True))
        self.gradient = np.zeros_like(weights)
        self.squares = self.gradient if self.update is sgd else np.zeros_like(weights)
        betas = [given[name] for name in ("beta_1", "beta_2") if name in given]
        self.betas, self.shares = [*map(self.cast, betas)], [self.array(1 - b) for b in betas]
        self.epsilon = self.array(given.get("epsilon", 0.0))
        self.product = self.number(1)  # of Nadam's changing beta_1

    def load(self, variables):
        """Set the optimizer's variables, given in Keras's order."""
        iterations, rate, *arrays = variables
        self.iterations, self.rate = int(iterations), float(rate)
        for piece, array in zip(self._pieces(), arrays, strict=False):
            piece[...] = array
        if self.update is nadam:
            self.product = self.number(arrays[-1])

    def dump(self):
        """Return copies of the optimizer's variables in Keras's order."""
        copies = [piece.copy() for piece in self._pieces()]
        kept = [self.product] if self.update is nadam else []
        return [np.int64(self.iterations), np.float32(self.rate), *copies, *kept]

    def put_rows(self, ids, grad):
        """Write the gradient of an embedding, given that of each position of its token ids.

        Positions of one token share one gradient, their sum; but Keras squares the part of each
        position before it sums, and so does this.
        """
        ones, n = np.ones(ids.size, grad.dtype), ids.size
        sums = csc_array((ones, ids.ravel(), np.arange(n + 1)), (self.shapes[0][0], n))
        squares = grad * grad
        self.row_squares = squares.sum()
        for vector, of_positions in ((self.squares, squares), (self.gradient, grad)):
            vector[: self.table_size] = (sums @ of_positions).ravel()

    def step(self):
        """Update the weights from `gradient`."""
        if self.settings.clipnorm:
            self._clip(self.settings.clipnorm)
        if self.update is not sgd:  # which has none
            dense = slice(self.table_size, None)
            np.square(self.gradient[dense], self.squares[dense])
        for run in self.runs if self.settings.weight_decay else ():
            weights = self.weights[run]
            weights -= weights * self.cast(self.settings.weight_decay) * self.rate
        if self.update is nadam:
            # Keras computes only this product without casting the constants to float32.
            self.product *= self.settings.beta_1 * (1 - 0.5 * self.power(self.number(0.96)))
        for run in self.runs:
            for start in range(run.start, run.stop, CHUNK):
                chunk = slice(start, min(start + CHUNK, run.stop))
                vectors = self.weights, self.gradient, self.squares, *self.vectors.values()
                self.update(self, *(vector[chunk] for vector in vectors))
        self.iterations += 1

    def cast(self, value):
        """Return a setting in the dtype of the weights, by way of float32 as in Keras."""
        return self.number(np.float32(value))

    def power(self, base):
        """Return a power of `base` with the number of this step."""
        return base ** self.number(self.iterations + 1)

    def array(self, value):
        """Return a number as an array, which NumPy takes quicker."""
        return np.array(value, self.weights.dtype)

    def _clip(self, limit):
        """Shrink the gradient of each weight array whose norm is above the limit."""
        for start, stop in self._places():
            part, of_table = self.gradient[start:stop], stop == self.table_size
            squares = self.row_squares if of_table else np.dot(part, part)
            share = limit / max(np.sqrt(squares), limit)
            part *= share
            if of_table and self.update is not sgd:
                self.squares[:stop] *= share * share

    def _pieces(self):
        """Yield a view of each variable, in Keras's order."""
        for group in self.groups:
            shapes = compress(self.shapes, self.trains)
            for shape, (start, stop) in zip(shapes, self._places(), strict=True):
                for name in group:
                    yield self.vectors[name][start:stop].reshape(shape)

    def _places(self):
        """Return where each array that is trained begins and ends."""
        return compress(pairwise(self.bounds), self.trains)


def _runs(bounds, trains):
    """Return the slices of arrays in a row that are trained."""
    runs = []
    for trained, arrays in groupby(zip(trains, pairwise(bounds), strict=True), itemgetter(0)):
        places = [place for _, place in arrays]
        if trained:
            runs.append(slice(places[0][0], places[-1][1]))
    return runs


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
