"""An optimizer in the form of the kernels: settings and vectors of the NumPy engine."""

import ctypes
from math import prod

import numpy as np

from skrnn._native.late_rows import late_steps
from skrnn._native.library import Optimizer, pointer
from skrnn._network.l2 import factor_of

OPTIMIZERS = {"sgd": 0, "rmsprop": 1, "adagrad": 2, "adam": 3, "adamw": 3}


class OptimizerArguments:
    """The kernels' `record` of an Optimizer of the NumPy engine."""

    def __init__(self, optimizer, name):
        self.optimizer = optimizer
        given, start = vars(optimizer.settings), optimizer.table_size
        entries = optimizer.entries[1 if start else 0 :]
        # Arrays that the record points to.
        self.bounds = np.cumsum([0, *(prod(entry.shape) for entry in entries)], dtype=np.int64)
        self.trains = np.array([entry.trainable for entry in entries], np.int64)
        self.l2 = np.array([2 * factor_of(entry) for entry in entries])
        self.late_steps = late_steps(optimizer, name)
        self.late = None if self.late_steps is None else self.late_steps.record()
        self.record = Optimizer(
            kind=OPTIMIZERS[name],
            n_arrays=len(entries),
            nesterov=given.get("nesterov", False),
            bounds=pointer(self.bounds),
            trains=pointer(self.trains),
            l2=pointer(self.l2) if self.l2.any() else None,
            rate=optimizer.rate,
            clipnorm=given["clipnorm"] or 0.0,
            weight_decay=float(np.float32(given["weight_decay"] or 0.0)),
            epsilon=given.get("epsilon", 0.0),
            **_shares(optimizer, name),
        )
        vectors = [optimizer.weights, *optimizer.vectors.values(), None, None][:3]
        names = ("weights", "table"), ("first", "table_first"), ("second", "table_second")
        for (name, of_table), vector in zip(names, vectors, strict=True):
            setattr(self.record, name, pointer(None if vector is None else vector[start:]))
            setattr(self.record, of_table, pointer(vector) if start else None)
        self.record.gradient = pointer(optimizer.gradient[start:])
        if self.late is not None:
            self.record.late = ctypes.pointer(self.late)

    def load(self, rates=None):
        """Read the optimizer's number of steps, and its rate, or the rate of each epoch."""
        self.rates = None if rates is None else np.array(rates)
        self.record.iterations, self.record.rate = self.optimizer.iterations, self.optimizer.rate
        self.record.rates = pointer(self.rates)

    def dump(self):
        """Write the kernels' number of steps and the rate back to the optimizer."""
        self.optimizer.iterations, self.optimizer.rate = self.record.iterations, self.record.rate


def _shares(optimizer, name):
    """Return the fractions with which averages keep old values and take new ones."""
    given = vars(optimizer.settings)
    if name == "sgd":
        return {"beta_1": optimizer.cast(given["momentum"])}
    if name == "rmsprop":
        rho, momentum = given["rho"], given["momentum"]
        return {"beta_1": rho, "share_1": 1 - rho, "beta_2": momentum}
    if name == "adagrad":
        return {}
    (beta_1, beta_2), (share_1, share_2) = optimizer.betas, optimizer.shares
    return {"beta_1": beta_1, "beta_2": beta_2, "share_1": share_1, "share_2": share_2}
