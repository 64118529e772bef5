"""Optimizers of the NumPy engine: Keras's updates, on flat vectors of all weights at once."""

import math
from itertools import accumulate, chain, pairwise
from math import prod
from typing import ClassVar

import numpy as np
from numpy import add, divide, multiply, sqrt, square, subtract

from skrnn._numpy_engine.late_rows import LateRows, is_exact

# Elements updated at a time, so that what a step reads and writes stays in the cache.
CHUNK = 2**15

SHARED_SETTINGS = {"clipnorm": None, "weight_decay": None}


class Optimizer:
    """Flat weights, their gradient, and the optimizer's own vectors of the same length.

    `shapes` are those of the weight arrays that follow each other in `weights`. `embedded`: the
    first of them is an embedding, whose gradient comes by `put_rows`.
    """

    defaults: ClassVar[dict] = {}
    groups: ClassVar[tuple] = ()  # names of vectors, in Keras's order; a group is interleaved
    needs_squares = False

    def __init__(self, settings, weights, shapes, embedded):
        given = SHARED_SETTINGS | self.defaults | dict(settings.optimizer_config)
        default_rate = given.pop("learning_rate")
        rate = default_rate if settings.learning_rate is None else settings.learning_rate
        self.rate = float(np.float32(rate))
        self.settings, self.shapes = given, shapes
        self.bounds = [0, *accumulate(map(prod, shapes))]
        self.weights, self.iterations = weights, 0
        self.number = weights.dtype.type
        # A vector named like a setting is not needed where the setting is zero.
        self.groups = [group for group in self.groups if given.get(group[0], True)]
        names = list(chain(*self.groups))
        vectors = np.zeros((len(names), len(weights)), weights.dtype)
        self.vectors = dict(zip(names, vectors, strict=True))
        self.gradient = np.zeros_like(weights)
        self.squares = np.zeros_like(weights) if self.needs_squares else None
        self.table_size = self.bounds[1] if embedded else 0
        self.rows, self.row_squares = [], 0.0
        if self.needs_squares:
            self.dense_part = self.gradient[self.table_size :], self.squares[self.table_size :]
        self.spare = np.empty(min(CHUNK, len(weights)), weights.dtype)
        squares = [self.squares] if self.needs_squares else []
        views = weights, self.gradient, *squares, *self.vectors.values()
        self.late = self.late_rows() if embedded else None
        self.chunks = []  # the views that one `update` reads and writes
        for start in range(self.table_size if self.late else 0, len(weights), CHUNK):
            chunk = [view[start : start + CHUNK] for view in views]
            self.chunks.append((*chunk, self.spare[: len(chunk[0])]))

    def late_rows(self):
        """Return the LateRows of the embedding; without them each step updates all rows."""

    def load(self, slots):
        """Set the optimizer's variables, given in Keras's order, but for the learning rate."""
        arrays = iter(slots)
        self.iterations = int(next(arrays))
        next(arrays)
        for piece in self._pieces():
            piece[...] = next(arrays)
        if self.late:
            self.late.restart()

    def dump(self):
        """Return copies of the optimizer's variables in Keras's order."""
        self.catch_up_all()
        copies = (piece.copy() for piece in self._pieces())
        return [np.int64(self.iterations), np.float32(self.rate), *copies]

    def catch_up(self, rows):
        """Bring rows of the embedding up to date, before they are read."""
        if self.late:
            self.late.catch_up(rows)

    def catch_up_all(self):
        if self.late:
            self.late.catch_up_all()

    def put_rows(self, tokens, d):
        """Write the gradient of an embedding, given that of each position of its Tokens.

        Positions of one token share one gradient, their sum; but Keras squares the part of each
        position before it sums, and so does this.
        """
        parts = [(self.gradient, tokens.sum(d))]
        np.square(d, out=d)
        if self.needs_squares:
            parts.append((self.squares, tokens.sum(d)))
        if self.late:
            self.late_step = tokens.distinct, *(rows for _, rows in parts)
            return
        self.row_squares = d.sum()
        last, self.rows = self.rows, tokens.distinct
        for vector, rows in parts:
            table = self._table(vector)
            table[last] = 0
            table[self.rows] = rows

    def step(self):
        """Update the weights from `gradient`."""
        if self.settings["clipnorm"]:
            self._clip(self.settings["clipnorm"])
        if self.needs_squares:
            square(*self.dense_part)
        if self.settings["weight_decay"]:
            self.weights -= self.weights * self.cast(self.settings["weight_decay"]) * self.rate
        self.begin_step()
        for chunk in self.chunks:
            self.update(*chunk)
        if self.late:
            self.late.step(self.update, self.alpha, *self.late_step)
        self.iterations += 1

    def begin_step(self):
        """Compute what is the same for every weight in this step."""

    def cast(self, value):
        """Return a setting in the dtype of the weights, by way of float32 as in Keras."""
        return self.number(np.float32(value))

    def power(self, base):
        """Return a power of `base` with the number of this step."""
        return base ** self.number(self.iterations + 1)

    def _table(self, vector):
        return vector[: self.table_size].reshape(self.shapes[0])

    def _clip(self, limit):
        """Shrink the gradient of each weight array whose norm is above the limit."""
        for start, stop in pairwise(self.bounds):
            part = self.gradient[start:stop]
            squares = self.row_squares if stop == self.table_size else np.dot(part, part)
            share = limit / max(np.sqrt(squares), limit)
            part *= share
            if stop == self.table_size and self.needs_squares:
                self.squares[:stop] *= share * share

    def _pieces(self):
        """Yield a view of each variable, in Keras's order."""
        for group in self.groups:
            for shape, (start, stop) in zip(self.shapes, pairwise(self.bounds), strict=True):
                for name in group:
                    yield self.vectors[name][start:stop].reshape(shape)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's."""

    defaults: ClassVar[dict] = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
    groups = (("momentum",),)

    def update(self, weights, gradient, *rest):
        *momentum, spare = rest
        np.multiply(gradient, self.rate, out=spare)
        if not momentum:
            weights -= spare
            return
        (m,), beta = momentum, self.cast(self.settings["momentum"])
        m *= beta
        m -= spare
        if self.settings["nesterov"]:
            weights -= spare
            np.multiply(m, beta, out=spare)
            weights += spare
        else:
            weights += m


class RMSprop(Optimizer):
    """Tieleman and Hinton (2012), lecture 6.5 of "Neural networks for machine learning"."""

    defaults: ClassVar[dict] = {
        "learning_rate": 0.001,
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-7,
    }
    groups = (("velocity",), ("momentum",))
    needs_squares = True

    def update(self, weights, gradient, squares, velocity, *rest):
        *momentum, spare = rest
        rho = self.settings["rho"]
        velocity *= rho
        np.multiply(squares, 1 - rho, out=spare)
        velocity += spare
        np.add(velocity, self.settings["epsilon"], out=spare)
        np.sqrt(spare, out=spare)
        np.divide(gradient, spare, out=spare)
        spare *= self.rate
        if momentum:
            momentum[0][:] *= self.settings["momentum"]
            momentum[0][:] += spare
            weights -= momentum[0]
        else:
            weights -= spare


class Adagrad(Optimizer):
    """Duchi, Hazan and Singer (2011), JMLR 12."""

    defaults: ClassVar[dict] = {
        "learning_rate": 0.001,
        "initial_accumulator_value": 0.1,
        "epsilon": 1e-7,
    }
    groups = (("accumulator",),)
    needs_squares = True

    def __init__(self, settings, weights, shapes, embedded):
        super().__init__(settings, weights, shapes, embedded)
        self.vectors["accumulator"][:] = self.cast(self.settings["initial_accumulator_value"])

    def update(self, weights, gradient, squares, accumulator, spare):
        accumulator += squares
        np.add(accumulator, self.settings["epsilon"], out=spare)
        np.sqrt(spare, out=spare)
        np.divide(gradient, spare, out=spare)
        spare *= self.rate
        weights -= spare


class Adam(Optimizer):
    """Kingma and Ba (2015), arXiv:1412.6980, with epsilon where Keras puts it."""

    defaults: ClassVar[dict] = {
        "learning_rate": 0.001,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
    }
    groups = (("momentum", "velocity"),)
    needs_squares = True

    def __init__(self, settings, weights, shapes, embedded):
        super().__init__(settings, weights, shapes, embedded)
        beta_1, beta_2 = self.settings["beta_1"], self.settings["beta_2"]
        self.betas = self.cast(beta_1), self.cast(beta_2)
        self.shares = np.array(1 - beta_1, weights.dtype), np.array(1 - beta_2, weights.dtype)
        self.epsilon = np.array(self.settings["epsilon"], weights.dtype)
        self.alpha = np.empty((), weights.dtype)

    def late_rows(self):
        kept = [1 - float(self.number(1 - self.settings[name])) for name in ("beta_1", "beta_2")]
        dense = self.settings["clipnorm"] or self.settings["weight_decay"]
        if dense or not is_exact(*kept, self.number):
            return None
        arrays = list(map(self._table, (self.weights, *self.vectors.values())))
        return LateRows(arrays, *kept, self.number(self.settings["epsilon"]))

    def begin_step(self):
        beta_1, beta_2 = self.betas
        corrected = math.sqrt(1 - self.power(beta_2)) / (1 - self.power(beta_1))
        self.alpha.fill(self.rate * corrected)

    def update(self, weights, gradient, squares, m, v, spare):
        self.move(gradient, squares, m, v, spare)
        sqrt(v, spare)
        add(spare, self.epsilon, spare)
        divide(m, spare, spare)
        multiply(spare, self.alpha, spare)
        subtract(weights, spare, weights)

    def move(self, gradient, squares, m, v, spare):
        """Move the two averages toward the gradient and its square."""
        share_m, share_v = self.shares
        subtract(gradient, m, spare)
        multiply(spare, share_m, spare)
        add(m, spare, m)
        subtract(squares, v, spare)
        multiply(spare, share_v, spare)
        add(v, spare, v)


class AdamW(Adam):
    """Loshchilov and Hutter (2019), arXiv:1711.05101: Adam with decoupled weight decay."""

    defaults: ClassVar[dict] = Adam.defaults | {"weight_decay": 0.004}


class Nadam(Adam):
    """Dozat (2016), "Incorporating Nesterov momentum into Adam", ICLR workshop."""

    def __init__(self, settings, weights, shapes, embedded):
        super().__init__(settings, weights, shapes, embedded)
        self.product = self.number(1)
        self.shares = [np.array(1 - beta, weights.dtype) for beta in self.betas]

    late_rows = Optimizer.late_rows

    def load(self, slots):
        super().load(slots)
        self.product = self.number(slots[-1])

    def dump(self):
        return [*super().dump(), self.product]

    def begin_step(self):
        (beta_1, _), decay = self.betas, self.cast(0.96)
        now = beta_1 * (1 - 0.5 * self.power(decay))
        after = beta_1 * (1 - 0.5 * self.power(decay) * decay)
        # Keras computes only this product without casting the constants to float32.
        exact = self.number(0.96)
        self.product *= self.settings["beta_1"] * (1 - 0.5 * self.power(exact))
        self.of_momentum = after / (1 - self.product * after)
        self.of_gradient = (1 - now) / (1 - self.product)
        self.of_velocity = 1 - self.power(self.betas[1])

    def update(self, weights, gradient, squares, m, v, spare):
        self.move(gradient, squares, m, v, spare)
        ahead = m * self.of_momentum
        multiply(gradient, self.of_gradient, spare)
        add(ahead, spare, ahead)
        divide(v, self.of_velocity, spare)
        sqrt(spare, spare)
        add(spare, self.epsilon, spare)
        ahead *= self.rate
        ahead /= spare
        weights -= ahead


OPTIMIZERS = {
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
    "rmsprop": RMSprop,
    "sgd": SGD,
}


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
