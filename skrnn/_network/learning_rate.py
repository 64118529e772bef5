"""Learning rates as given by the user: a number, a function of the epoch, or a RateSchedule."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Annotated

import numpy as np

from skrnn._utils.field_types import Count
from skrnn._utils.sklearn_private import Interval

DEFAULT_LEARNING_RATE = 0.01
FLOAT32 = np.finfo(np.float32)

RATE, EPOCHS = "initial_learning_rate", "decay_epochs"
ABOVE_ZERO = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
N_EPOCHS = Interval(Integral, 0, None, closed="left")
AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")
# The settings of each schedule, with their valid ranges and defaults. The names are Keras's, except
# `decay_epochs`. None: the parameter `epochs`.
SCHEDULES = {
    "cosine": {
        "alpha": (Interval(Real, 0, 1, closed="both"), 0.01),
        EPOCHS: (AT_LEAST_ONE, None),
    },
    "exponential": {
        "decay_rate": (Interval(Real, 0, 1, closed="right"), 0.1),
        EPOCHS: (AT_LEAST_ONE, None),
    },
    "plateau": {
        "factor": (Interval(Real, 0, 1, closed="neither"), 0.5),
        "patience": (N_EPOCHS, 3),
        "min_delta": (NOT_NEGATIVE, 1e-4),
        "cooldown": (N_EPOCHS, 0),
        "min_lr": (NOT_NEGATIVE, 0.0),
    },
}


@dataclass(frozen=True)
class RateSchedule:
    """How a learning rate changes with the epoch; the initial rate is in the Settings."""

    name: Annotated[str, SCHEDULES.__contains__]
    config: tuple[tuple[str, float], ...]  # all settings, sorted by name
    begun: Count = 0  # epochs that were trained before it began

    def after(self, before, n_epochs):
        """Return the schedule for a network already trained for `n_epochs` with `before` or None.

        The same schedule continues; another one starts at its own epoch 0.
        """
        same = before is not None and replace(before, begun=0) == replace(self, begun=0)
        return replace(self, begun=before.begun if same else n_epochs)

    def decayed(self, rate, epochs):
        """Return the rates of an array of epochs, counted from its beginning, in float64."""
        config = dict(self.config)
        fraction = epochs / config[EPOCHS]
        if self.name == "exponential":  # Keras's ExponentialDecay
            return rate * config["decay_rate"] ** fraction
        # Loshchilov and Hutter (2017), arXiv:1608.03983, equation 5, as Keras's CosineDecay.
        falling = 0.5 * (1 + np.cos(np.pi * np.minimum(fraction, 1)))
        return rate * (config["alpha"] + (1 - config["alpha"]) * falling)


def read_learning_rate(learning_rate, *, epochs, first_epoch):
    """Return the initial learning rate, and a RateSchedule or None.

    A rate of None is the optimizer's default. `epochs` is the default length of a decay. A function
    is called with `first_epoch` for the initial rate.
    """
    if callable(learning_rate):
        return rate_in_epoch(learning_rate, first_epoch), None
    if not isinstance(learning_rate, (str, dict)):
        return learning_rate, None
    given = {"schedule": learning_rate} if isinstance(learning_rate, str) else dict(learning_rate)
    name = given.pop("schedule", None)
    if not isinstance(name, str) or name not in SCHEDULES:
        raise ValueError(
            "`learning_rate` must be a dict with a 'schedule' among "
            f"{', '.join(map(repr, SCHEDULES))}, got {learning_rate!r}. Write "
            "`{'schedule': 'cosine', 'initial_learning_rate': 0.01}`, for example."
        )
    known = {RATE: (ABOVE_ZERO, DEFAULT_LEARNING_RATE)} | SCHEDULES[name]
    for key, value in given.items():
        if key not in known:
            raise ValueError(
                f"`learning_rate` must have settings of the schedule {name!r}, got {key!r}. Use "
                f"{', '.join(known)}; they count epochs, not batches."
            )
        if isinstance(value, bool) or not known[key][0].is_satisfied_by(value):
            raise ValueError(f"`learning_rate` must have {known[key][0]} as {key}, got {value!r}.")
    config = {key: default for key, (_, default) in known.items()} | given
    if config.get(EPOCHS, epochs) is None:
        config[EPOCHS] = epochs
    rate = config.pop(RATE)
    return rate, RateSchedule(name, tuple(sorted(config.items())))


def sole_rate(learning_rate, rate, in_optimizer):
    """Return the rate in `optimizer`, which takes precedence over the default only.

    `learning_rate` is the parameter, and `rate` the number read from it.
    """
    if callable(learning_rate) or rate not in (None, DEFAULT_LEARNING_RATE):
        raise ValueError(
            f"`learning_rate` must be given once, got {learning_rate} as a parameter and "
            f"{in_optimizer} in `optimizer`. Keep one of them."
        )
    real = isinstance(in_optimizer, Real) and not isinstance(in_optimizer, bool)
    if not real or not 0 < in_optimizer < np.inf:
        raise ValueError(
            "`optimizer` must have a `learning_rate` that is a number above 0, got "
            f"{in_optimizer!r}. Pass a schedule as `learning_rate`, such as 'cosine'."
        )
    return in_optimizer


def rate_in_epoch(function, epoch):
    """Return the rate that a function of the epoch returns, checked."""
    if type(function).__module__.startswith("keras"):  # it counts batches
        raise ValueError(
            "`learning_rate` must be a function of the epoch, got Keras's "
            f"{type(function).__name__}, which counts batches. Pass the name of a schedule, such "
            "as 'cosine', or a function of the epoch."
        )
    return check_rate(function(epoch), epoch, "Correct the function")


def check_rate(rate, epoch, remedy):
    """Return the rate of an epoch rounded to float32; refuse an invalid rate."""
    least, most = float(FLOAT32.tiny), float(FLOAT32.max)
    real = isinstance(rate, Real) and not isinstance(rate, bool)
    if not real or not least <= rate <= most:
        raise ValueError(
            f"`learning_rate` must be a number in [{least:.3g}, {most:.3g}] in every epoch, got "
            f"{rate!r} in epoch {epoch}. {remedy}."
        )
    return float(np.float32(rate))
