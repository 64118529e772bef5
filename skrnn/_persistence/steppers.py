"""Records of a Stepper: its estimator, and its states after the rows so far."""

import numpy as np

from skrnn._estimators.base import BaseRNN
from skrnn._estimators.stepper import Stepper
from skrnn._utils.field_types import Size, fits
from skrnn._utils.records import Codec, require


def _decode(estimator, n_streams, rows, **memory):
    fitted = isinstance(estimator, BaseRNN) and hasattr(estimator, "weights_")
    require(fitted and not estimator._network.architecture.bidirectional, "the estimator")
    present = memory.get("present")
    known = fits(n_streams, Size) and isinstance(present, np.ndarray)
    require(known and present.shape == (n_streams,), "`n_streams`")
    stepper = Stepper(estimator, n_streams)
    fresh = stepper.__getstate__()
    require(memory.keys() == fresh.keys() - {"estimator", "n_streams", "rows"}, "a Stepper")
    for name, value in memory.items():
        require(_described(value) == _described(fresh[name]), f"`{name}`")
    architecture = stepper._architecture
    width = architecture.features + architecture.n_static
    row = (n_streams, 1, width), architecture.variable_dtype
    require(isinstance(rows, list) and len(rows) < architecture.segment, "`rows`")
    require(all(_described(block) == row for block in rows), "`rows`")
    stepper.__setstate__({"estimator": estimator, "n_streams": n_streams, "rows": rows} | memory)
    return stepper


def _described(value):
    """Return the shape and dtype of an array, or of each array in a list."""
    if isinstance(value, list):
        return [_described(item) for item in value]
    return (value.shape, value.dtype.name) if isinstance(value, np.ndarray) else None


STEPPERS = {"Stepper": Codec(Stepper, Stepper.__getstate__, _decode)}
