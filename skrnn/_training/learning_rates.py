"""Learning rates that change from epoch to epoch."""

import numpy as np

from skrnn._network.learning_rate import FLOAT32


class KnownRates:
    """Rates of all epochs that are known before the first."""

    watches = False

    def __init__(self, rates):
        self.rates = rates

    def rate(self, history):
        """Return the rate of the epoch that follows a history."""
        return self.rates[len(history.get("loss", ()))]


class PlateauRates:
    """Keras's ReduceLROnPlateau: lower the rate once a loss has stopped improving.

    `settings` maps the schedule's settings by name, and `monitor` is the name of the loss. `before`
    holds this loss for epochs that are not in the history, with NaN if it was not measured.
    """

    watches = True

    def __init__(self, initial_rate, settings, monitor, before=()):
        self.settings, self.monitor = settings, monitor
        self.current, self.best, self.waited, self.cooling = initial_rate, np.inf, 0, 0
        self.n_seen = 0
        for loss in before:
            self._see(loss)

    def rate(self, history):
        """Return the rate of the epoch that follows a history; calls pass a growing history."""
        losses = history.get(self.monitor, ())
        for loss in losses[self.n_seen :]:
            self._see(loss)
        self.n_seen = len(losses)
        return self.current

    def _see(self, loss):
        if np.isnan(loss):
            return
        if self.cooling > 0:
            self.cooling -= 1
            self.waited = 0
        if loss + self.settings["min_delta"] < self.best:
            self.best, self.waited = loss, 0
        elif self.cooling == 0:
            self.waited += 1
            if self.waited >= self.settings["patience"]:
                self._lower()

    def _lower(self):
        least = max(float(np.float32(self.settings["min_lr"])), float(FLOAT32.tiny))
        if self.current > least:
            lowered = max(self.current * self.settings["factor"], least)
            self.current = float(np.float32(lowered))
            self.cooling, self.waited = self.settings["cooldown"], 0
