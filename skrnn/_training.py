"""Training: epochs, early stopping, the best weights and the history; it knows no engine."""

import math
import time
from dataclasses import dataclass

import numpy as np

from skrnn._progress import Progress


@dataclass(frozen=True)
class Plan:
    """What a fit asks of the loop over epochs.

    Parameters
    ----------
    epochs : int
    first_epoch : int
        How many epochs came before; callbacks and messages count from there.
    shuffle : bool
    patience : int or None
    min_delta : float
    verbose : bool
    """

    epochs: int
    first_epoch: int
    shuffle: bool
    patience: int | None
    min_delta: float
    verbose: bool


@dataclass(frozen=True, eq=False)
class Trained:
    """What training leaves: arrays, and a history with one entry an epoch."""

    weights: list
    slots: list
    history: dict


class Hook:
    """A party to training: it sees the state at four moments and hands it on, changed or not."""

    stops = False

    def train_begin(self, state):
        return state

    def epoch_begin(self, state, epoch):
        return state

    def epoch_end(self, state, epoch, losses):
        return state

    def train_end(self, state):
        return state


class Best:
    """The state to be kept: the last, or with patience the one of lowest loss."""

    def __init__(self, plan):
        self.plan = plan
        self.loss, self.state, self.waited = np.inf, None, 0

    def see(self, state, loss):
        """Take note of an epoch, and tell whether patience has run out."""
        if self.plan.patience is None:
            self.state = state
            return False
        if self.state is None or loss < self.loss - self.plan.min_delta:
            self.loss, self.state, self.waited = loss, state, 0
            return False
        self.waited += 1
        return self.waited >= self.plan.patience


def train(engine, architecture, settings, plan, start, data, rng, hook):
    """Train a network and return its arrays.

    Parameters
    ----------
    engine : module
        With `load`, `initial_state`, `run_epoch` and `evaluate`.
    architecture : Architecture
    settings : Settings
    plan : Plan
    start : (weights, slots)
        Lists of arrays from which training begins; slots None: fresh ones.
    data : (Samples, Samples or None)
        For training, and for validation.
    rng : numpy.random.Generator
        Draws the seed of dropout and the order of the samples.
    hook : Hook

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If the loss or a weight is no longer finite.
    """
    training, validation = data
    loaded = engine.load(architecture, settings, training)
    state = engine.initial_state(loaded, settings, *start, int(rng.integers(2**31)))
    order, best, history = np.arange(len(training), dtype=np.int32), Best(plan), {}
    progress = Progress(plan.epochs) if plan.verbose else None
    state = hook.train_begin(state)
    for epoch in range(plan.first_epoch, plan.first_epoch + plan.epochs):
        begun = time.perf_counter()
        state = hook.epoch_begin(state, epoch)
        if plan.shuffle:
            rng.shuffle(order)
        state, loss = engine.run_epoch(loaded, state, order)
        losses = {"loss": loss}
        if validation is not None:
            losses["val_loss"] = engine.evaluate(architecture, settings, state.weights, validation)
        _check_finite(losses, epoch)
        state = hook.epoch_end(state, epoch, losses)
        _append(history, losses | {"seconds": time.perf_counter() - begun})
        if progress is not None:
            progress(losses)
        if best.see(state, losses.get("val_loss", loss)) or hook.stops:
            break
    if progress is not None:
        progress.close()
    state = hook.train_end(best.state)
    weights, slots = ([np.array(array) for array in group] for group in state[:2])
    if not all(np.isfinite(weight).all() for weight in weights):
        raise _diverged("a weight is not finite", epoch)
    return Trained(weights, slots, history)


def joined(before, after):
    """Return two histories one after the other; what only one of them has is NaN in the other."""
    n_before, n_after = len(before.get("loss", ())), len(after["loss"])
    return {
        name: before.get(name, [np.nan] * n_before) + after.get(name, [np.nan] * n_after)
        for name in (before | after)
    }


def _append(history, values):
    for name, value in values.items():
        history.setdefault(name, []).append(value)


def _check_finite(losses, epoch):
    for name, value in losses.items():
        if not math.isfinite(value):
            raise _diverged(f"{name} is {value}", epoch)


def _diverged(what, epoch):
    return ValueError(
        f"Training diverged in epoch {epoch + 1}: {what}. Lower `learning_rate`, clip the "
        "gradients (`optimizer={'name': 'adam', 'clipnorm': 1.0}`), or standardize X and y."
    )
