"""Training: epochs, early stopping, the best weights and the history; it knows no engine."""

import math
import time
from dataclasses import dataclass

import numpy as np

from skrnn._training.progress import TrainingProgress
from skrnn._utils.progress import progress_bar


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
    optimizer_state: list
    history: dict


class TrainingCallback:
    """A party to training: it sees the state at four moments and hands it on, changed or not."""

    stop_training = False

    def train_begin(self, state):
        return state

    def epoch_begin(self, state, epoch):
        return state

    def epoch_end(self, state, epoch, losses):
        return state

    def train_end(self, state):
        return state


def train(engine, architecture, settings, plan, start, data, rng, callback, checkpoints):
    """Train a network and return its arrays.

    Parameters
    ----------
    engine : module
        With `load`, `initial_state`, `run_epoch` and `evaluate`.
    architecture : Architecture
    settings : Settings
    plan : Plan
    start : (weights, optimizer_state)
        Lists of arrays from which training begins; optimizer_state None: fresh ones.
    data : (Samples, Samples or None)
        For training, and for validation.
    rng : numpy.random.Generator
        Draws the seed of dropout and the order of the samples.
    callback : TrainingCallback
    checkpoints : Checkpoints or NoCheckpoints

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
    progress = TrainingProgress(state, training, rng, plan, settings.batch_size)
    checkpoints.restore(progress)
    with progress_bar(plan.epochs, progress.done, shown=plan.verbose) as show:
        progress.state = callback.train_begin(progress.state)
        for epoch in range(plan.first_epoch + progress.done, plan.first_epoch + plan.epochs):
            begun = time.perf_counter()
            state = callback.epoch_begin(progress.state, epoch)
            state, loss = engine.run_epoch(loaded, state, progress.next_order())
            losses = {"loss": loss}
            if validation is not None:
                weights = state.weights
                losses["val_loss"] = engine.evaluate(architecture, settings, weights, validation)
            _check_finite(losses, epoch)
            state = callback.epoch_end(state, epoch, losses)
            runs_out = progress.see(state, losses, time.perf_counter() - begun)
            show(losses)
            if runs_out or callback.stop_training:
                break
            checkpoints.keep(progress)
    state = callback.train_end(progress.best.state)
    weights, optimizer_state = ([np.array(array) for array in group] for group in state[:2])
    if not all(np.isfinite(weight).all() for weight in weights):
        raise _diverged("a weight is not finite", plan.first_epoch + progress.done - 1)
    return Trained(weights, optimizer_state, progress.history)


def joined(before, after):
    """Return two histories one after the other; what only one of them has is NaN in the other."""
    n_before, n_after = len(before.get("loss", ())), len(after["loss"])
    return {
        name: before.get(name, [np.nan] * n_before) + after.get(name, [np.nan] * n_after)
        for name in (before | after)
    }


def _check_finite(losses, epoch):
    for name, value in losses.items():
        if not math.isfinite(value):
            raise _diverged(f"{name} is {value}", epoch)


def _diverged(what, epoch):
    return ValueError(
        f"Training diverged in epoch {epoch + 1}: {what}. Lower `learning_rate`, clip the "
        "gradients (`optimizer={'name': 'adam', 'clipnorm': 1.0}`), or standardize X and y."
    )
