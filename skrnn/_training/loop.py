"""Training: epochs, early stopping, the best weights and the history, for any engine."""

import math
import time
from dataclasses import dataclass
from os import PathLike

import numpy as np

from skrnn._training.progress import TrainingProgress
from skrnn._utils.progress import progress_bar


@dataclass(frozen=True)
class FitConfig:
    """Configuration of the training in one fit."""

    epochs: int
    resume: bool  # whether to continue from the present weights
    first_epoch: int  # epochs trained before: callbacks and messages count from there
    scale_weights: bool  # whether the weights are scaled to mean 1, or used unscaled
    shuffle: bool
    patience: int | None
    waits: bool  # whether patience counts only once the validation loss has fallen by a tenth
    monitor: str  # the name of the value that patience follows, if the losses have it
    maximize: bool  # whether `monitor` should be high
    min_delta: float
    validation_fraction: float
    checkpoint_dir: str | PathLike | None
    verbose: bool

    @property
    def sees_only_losses(self):
        """Whether only the history reads anything between two epochs."""
        return self.patience is None and self.checkpoint_dir is None and not self.verbose


@dataclass(frozen=True, eq=False)
class Trained:
    """Result of training: arrays, and a history with one entry for each epoch."""

    weights: list
    optimizer_state: list
    history: dict


class TrainingCallback:
    """Gets the state of training at four points and returns it, possibly changed."""

    stop_training = False

    def train_begin(self, state):
        return state

    def epoch_begin(self, state, epoch):
        return state

    def epoch_end(self, state, epoch, losses):
        return state

    def train_end(self, state):
        return state


def train(session, config, start, validation, rng, callbacks, checkpoints, rates=None):
    """Train a network and return it as Trained; ValueError if a loss or weight is not finite.

    `start` is (weights, optimizer_state); a state of None is a new optimizer. `validation` is
    Samples or None. `rng` draws the seed of dropout and the order of the samples. `rates` is
    KnownRates or PlateauRates; None: the learning rate is constant.
    """
    state = session.begin(*start, int(rng.integers(2**31)))
    untrained = np.inf
    if config.waits and validation is not None:
        # Kernel and bias of the output layer come last: with zeros the output is zero.
        silent = [np.zeros(np.shape(w), np.asarray(w).dtype) for w in state.weights[-2:]]
        untrained = session.evaluate([*state.weights[:-2], *silent], validation)
    progress = TrainingProgress(state, session.samples, rng, config, untrained)
    checkpoints.restore(progress)
    with progress_bar(config.epochs, progress.done, shown=config.verbose) as show:
        for callback in callbacks:
            progress.state = callback.train_begin(progress.state)
        unseen = config.sees_only_losses and validation is None and not callbacks
        unseen &= rates is None or not rates.watches
        if unseen and session.epochs_at_once > 1:
            _run_unseen_epochs(session, progress, config, rates)
        for epoch in range(config.first_epoch + progress.done, config.first_epoch + config.epochs):
            begun = time.perf_counter()
            state, losses = _run_epoch(session, progress, validation, callbacks, epoch, rates)
            runs_out = progress.see(state, losses, time.perf_counter() - begun)
            show(losses)
            if runs_out or any(callback.stop_training for callback in callbacks):
                break
            checkpoints.keep(progress)
    state = progress.best
    for callback in callbacks:
        state = callback.train_end(state)
    weights = list(map(np.array, state.weights))
    optimizer_state = list(map(np.array, state.optimizer_state))
    if not all(np.isfinite(weight).all() for weight in weights):
        raise _diverged("a weight is not finite", config.first_epoch + progress.done - 1)
    return Trained(weights, optimizer_state, progress.history)


def _run_unseen_epochs(session, progress, config, rates):
    """Run all remaining epochs, several in a call, because nothing reads the states between."""
    while progress.done < config.epochs:
        begun, n_epochs = time.perf_counter(), config.epochs - progress.done
        n_epochs = min(n_epochs, session.epochs_at_once)
        given = None if rates is None else rates.rates[progress.done :][:n_epochs]
        state, losses = session.run_epochs(progress.state, progress.next_orders(n_epochs), given)
        seconds = (time.perf_counter() - begun) / len(losses)
        for i, loss in enumerate(losses):
            _check_finite({"loss": loss}, config.first_epoch + progress.done)
            rate = {} if given is None else {"learning_rate": given[i]}
            progress.see(state, {"loss": loss} | rate, seconds)


def _run_epoch(session, progress, validation, callbacks, epoch, rates):
    """Return the state after one more epoch, and the epoch's losses and learning rate."""
    state = progress.state
    if rates is not None:
        rate = rates.rate(progress.history)
        state = session.set_rate(state, rate)
    for callback in callbacks:
        state = callback.epoch_begin(state, epoch)
    state, loss = session.run_epoch(state, progress.next_order())
    losses = {"loss": loss}
    if validation is not None:
        losses["val_loss"] = session.evaluate(state.weights, validation)
    _check_finite(losses, epoch)
    if rates is not None:
        losses["learning_rate"] = rate
    for callback in callbacks:
        state = callback.epoch_end(state, epoch, losses)
    return state, losses


def _check_finite(losses, epoch):
    for name, value in losses.items():
        if not math.isfinite(value):
            raise _diverged(f"{name} is {value}", epoch)


def joined(before, after):
    """Return two histories concatenated, with NaN for values that one of them lacks."""
    n_before, n_after = len(before.get("loss", ())), len(after["loss"])
    return {
        name: before.get(name, [np.nan] * n_before) + after.get(name, [np.nan] * n_after)
        for name in (before | after)
    }


def _diverged(what, epoch):
    return ValueError(
        f"Training diverged in epoch {epoch + 1}: {what}. Lower `learning_rate`, clip the "
        "gradients (`optimizer={'name': 'adam', 'clipnorm': 1.0}`), or standardize X and y."
    )
