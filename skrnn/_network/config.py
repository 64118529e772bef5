"""Settings: a frozen record of the loss and optimizer, next to the Architecture."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Annotated

from skrnn._network.keras_names import LOSSES, OPTIMIZERS
from skrnn._network.keras_objects import name_and_settings
from skrnn._network.learning_rate import FLOAT32, RateSchedule, read_learning_rate, sole_rate
from skrnn._utils.field_types import Size
from skrnn._utils.sklearn_private import Interval

# Valid ranges of the optimizers' settings. Keras accepts most invalid ones silently.
OPTIMIZER_RANGES = {
    name: interval
    for interval, names in [
        (
            Interval(Real, 0, None, closed="neither"),
            "clip_threshold clipnorm clipvalue global_clipnorm loss_scale_factor",
        ),
        (
            Interval(Real, 0, None, closed="left"),
            "adam_lr_ratio adam_weight_decay beta epsilon epsilon_1 epsilon_2 "
            "initial_accumulator_value l1_regularization_strength l2_regularization_strength "
            "l2_shrinkage_regularization_strength rms_rate weight_decay",
        ),
        (Interval(Real, 0, 1, closed="left"), "adam_beta_1 adam_beta_2 beta_1 beta_2"),
        (Interval(Real, 0, 1, closed="both"), "momentum rho"),
        (Interval(Real, None, 0, closed="right"), "beta_2_decay learning_rate_power"),
        (Interval(Integral, 0, None, closed="left"), "warmup_steps"),
        (Interval(Integral, 1, None, closed="left"), "ns_steps"),
        (Interval(Integral, 2, None, closed="left"), "gradient_accumulation_steps"),
    ]
    for name in names.split()
}

_SMOOTHING = {"label_smoothing": Interval(Real, 0, 1, closed="both")}
_FOCAL = _SMOOTHING | {
    "alpha": Interval(Real, 0, 1, closed="both"),
    "gamma": Interval(Real, 0, None, closed="left"),
}
# The settings of the losses, and their valid ranges.
LOSS_RANGES = {
    "binary_crossentropy": _SMOOTHING,
    "binary_focal_crossentropy": _FOCAL | {"apply_class_balancing": "a bool"},
    "categorical_crossentropy": _SMOOTHING,
    "categorical_focal_crossentropy": _FOCAL,
    "huber": {"delta": Interval(Real, 0, None, closed="neither")},
}

# They average weights, which would have to be assigned after the last epoch; skrnn does not do so.
REFUSED_OPTIMIZER_SETTINGS = {"use_ema", "ema_momentum", "ema_overwrite_frequency"}


@dataclass(frozen=True)
class Settings:
    """The part of a training request that an engine needs.

    `optimizer_config` is sorted by name, without `learning_rate`, which is not part of a compiled
    program.
    """

    loss: Annotated[str, LOSSES.__contains__]
    optimizer: Annotated[str, OPTIMIZERS.__contains__]
    optimizer_config: tuple[tuple[str, float | None], ...]
    learning_rate: float | None  # the initial one; None: the optimizer's default
    batch_size: Size
    loss_config: tuple[tuple[str, float], ...] = ()  # as `optimizer_config`; () in older files
    schedule: RateSchedule | None = None  # None: a constant rate, or a function

    def after(self, before, n_epochs):
        """Return these Settings for a network already trained for `n_epochs` with `before`."""
        if self.schedule is None:
            return self
        same = before.learning_rate == self.learning_rate
        schedule = self.schedule.after(before.schedule if same else None, n_epochs)
        return replace(self, schedule=schedule)


def read_settings(
    optimizer, learning_rate, loss, batch_size, loss_config=(), *, epochs=1, first_epoch=0
):
    """Return the Settings for an estimator's parameters; `loss` is Keras's full name.

    `epochs` and `first_epoch` are as in `read_learning_rate`.
    """
    name, config = name_and_settings(optimizer)
    if name not in OPTIMIZERS:
        raise ValueError(
            f"`optimizer` must be the name of a Keras optimizer, or a dict with such a 'name', got "
            f"{optimizer!r}. Use one of {', '.join(sorted(OPTIMIZERS))}."
        )
    rate, schedule = read_learning_rate(learning_rate, epochs=epochs, first_epoch=first_epoch)
    if "learning_rate" in config:
        rate = sole_rate(learning_rate, rate, config.pop("learning_rate"))
    least, most = float(FLOAT32.tiny), float(FLOAT32.max)
    if rate is not None and not least <= rate <= most:
        raise ValueError(
            f"`learning_rate`, or that of `optimizer`, must be a float32 in [{least:.3g}, "
            f"{most:.3g}], got {rate!r}. Common values lie between 0.0001 and 0.1."
        )
    for key, value in config.items():
        if not isinstance(key, str):
            raise ValueError(
                f"`optimizer` must have strings as names of settings, got {key!r}. Use Keras's "
                "names."
            )
        if key in REFUSED_OPTIMIZER_SETTINGS:
            raise ValueError(
                "`optimizer` must have settings that skrnn supports, got "
                f"{key}={value!r}. Leave it out."
            )
        if not isinstance(value, (Real, type(None))):
            raise ValueError(
                f"`optimizer` must have numbers, booleans or None as settings, got {key}={value!r}."
                " Pass a number, or leave it out."
            )
        if value is not None and key in OPTIMIZER_RANGES:
            _check_range(key, value)
    config = tuple(sorted(config.items()))
    return Settings(loss, name, config, rate, batch_size, loss_config, schedule)


def read_loss(loss):
    """Return the parameter `loss` as Keras's full name, or "auto", and its sorted settings."""
    name, config = name_and_settings(loss)
    known = LOSS_RANGES.get(name, {})
    for key, value in config.items():
        if key not in known:
            takes = f"takes {', '.join(sorted(known))}" if known else "takes no settings"
            logits = ": the output layer has its activation" if key == "from_logits" else ""
            raise ValueError(
                f"`loss` must have settings that skrnn supports, got {key}={value!r}: {name!r} "
                f"{takes}. Leave it out{logits}."
            )
        flag = isinstance(value, bool)
        if flag != isinstance(known[key], str) or not (flag or known[key].is_satisfied_by(value)):
            raise ValueError(f"`loss` must have {known[key]} as {key}, got {key}={value!r}.")
    return name, tuple(sorted(config.items()))


def _check_range(key, value):
    interval = OPTIMIZER_RANGES[key]
    if isinstance(value, bool) or not interval.is_satisfied_by(value):
        raise ValueError(f"`optimizer` must have {interval} as {key}, got {key}={value!r}.")
