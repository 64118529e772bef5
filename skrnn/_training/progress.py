"""TrainingProgress: the state of training between two epochs, on which the next epoch depends."""

import numpy as np

from skrnn._utils.rng_state import get_rng_state, set_rng_state

LEARNED = 0.9  # times the validation loss of an output of zeros: above it nothing is learned yet


class TrainingProgress:
    """The state, the order of the samples and their generator, the best state and the history.

    The best state is the last one, or with patience the one with the best `monitor`. Patience does
    not run out while the validation loss stays near `untrained`, the loss of an output of zeros.
    """

    def __init__(self, state, samples, rng, config, untrained=np.inf):
        self.state, self.samples, self.rng, self.config = state, samples, rng, config
        self.order = np.arange(len(samples), dtype=np.int32)
        self.best, self.best_loss, self.waited, self.history = None, np.inf, 0, {}
        self.done = 0  # epochs trained
        self.untrained = untrained

    def next_order(self):
        """Return the order in which the next epoch reads the samples."""
        if self.config.shuffle:
            self.samples.shuffle(self.order, self.rng)
        return self.order

    def next_orders(self, n_epochs):
        """Return the orders of several epochs, (n_epochs, n_samples)."""
        return np.stack([self.next_order().copy() for _ in range(n_epochs)])

    def see(self, state, losses, seconds):
        """Record an epoch, and return whether patience has run out."""
        self.state, self.done = state, self.done + 1
        for name, value in (losses | {"seconds": seconds}).items():
            self.history.setdefault(name, []).append(value)
        loss = losses["loss"]
        if self.config.monitor in losses:
            loss = losses[self.config.monitor] * (-1 if self.config.maximize else 1)
        loss = np.inf if np.isnan(loss) else loss  # a metric may be undefined
        if self.config.patience is None:
            self.best = state
        elif self.best is None or loss < self.best_loss - self.config.min_delta:
            self.best, self.best_loss, self.waited = state, loss, 0
        else:
            self.waited += 1
            learned = min(self.history.get("val_loss", [0])) < LEARNED * self.untrained
            return learned and self.waited >= self.config.patience
        return False

    def state_dict(self):
        """Return the whole progress as arrays in lists and dicts.

        The recurrent states of a stateful network are left out, because each epoch starts from
        zeros.
        """
        best = None
        if self.best is not self.state:
            best = _arrays(self.best or self.state, "weights", "optimizer_state")
        return {
            "state": _arrays(self.state, "weights", "optimizer_state", "rng_state"),
            "stream": get_rng_state(self.rng),
            "order": self.order if self.config.shuffle else None,
            "history": {name: np.array(values) for name, values in self.history.items()},
            "best": best,
            "best_loss": np.array(self.best_loss),
            "waited": self.waited,
        }

    def load_state_dict(self, tree):
        """Restore a result of `state_dict`, possibly from another process.

        If it belongs to another training, raise AttributeError, KeyError, TypeError or ValueError
        and change nothing.
        """
        like, history, best, order = self.state_dict(), tree["history"], tree["best"], tree["order"]
        like["history"] = dict.fromkeys(history, np.zeros(len(history["loss"])))
        if best is None:  # the state is its own best
            like["best"] = None
        if _form(tree) != _form(like):
            raise ValueError("its arrays do not fit this network and these samples")
        if order is not None and not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError("its order of the samples is incomplete")
        self.state = self.state._replace(**tree["state"])
        self.best = self.state if best is None else self.state._replace(**best)
        self.best_loss, self.waited = float(tree["best_loss"]), tree["waited"]
        self.history = {name: values.tolist() for name, values in history.items()}
        self.done = len(self.history["loss"])
        set_rng_state(self.rng, tree["stream"])
        if order is not None:
            self.order[:] = order


def _arrays(state, *groups):
    """Return groups of a State as lists of arrays, by name."""
    return {name: [np.asarray(array) for array in getattr(state, name)] for name in groups}


def _form(tree):
    """Return a tree with each array replaced by its dtype and shape."""
    if isinstance(tree, dict):
        return {name: _form(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_form(value) for value in tree]
    if isinstance(tree, np.ndarray):
        return tree.dtype, tree.shape
    return type(tree)
