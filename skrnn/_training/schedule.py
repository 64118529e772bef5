"""The length of training, and the choice of `epochs="auto"` from the number of samples."""

from typing import NamedTuple

from sklearn.base import is_classifier

MOST_EPOCHS = 100
# With fewer samples none are held out: training on them is worth more than early stopping.
STOPS_FROM = 1000
HELD_OUT = 0.1
# If a network overfits, the cross-entropy rises at once, while squared errors fluctuate.
PATIENCE, CLASSIFIER_PATIENCE = 10, 5


class Schedule(NamedTuple):
    """The maximum number of epochs, and the settings of early stopping."""

    epochs: int
    validation_fraction: float = 0.0
    patience: int | None = None
    waits: bool = False  # whether patience counts only after something is learned

    def __str__(self):
        held_out = f"validation_fraction={self.validation_fraction:g}, patience={self.patience}"
        return f"at most {self.epochs} epochs, {held_out}"


def settle_schedule(params, n_samples, *, validated, whole=True):
    """Return the Schedule of a fit; "auto" keeps a fraction or patience set by the user.

    `n_samples` is the number of samples before a part is held out. `validated` is whether there is
    `validation_data`. `whole` is whether all samples are in memory, so that a part can be held out.
    """
    fraction = 0.0 if validated else params.validation_fraction
    if params.epochs != "auto":
        return Schedule(params.epochs, fraction, params.patience)
    stops = n_samples >= STOPS_FROM and not params.stateful and (whole or validated)
    if not stops:
        return Schedule(MOST_EPOCHS, fraction, params.patience)
    if not validated:
        fraction = fraction or HELD_OUT
    if params.patience is not None:
        return Schedule(MOST_EPOCHS, fraction, params.patience)
    patience = CLASSIFIER_PATIENCE if is_classifier(params) else PATIENCE
    return Schedule(MOST_EPOCHS, fraction, patience, waits=True)
