"""Scaling: the constants for standardizing X and y and for restoring y."""

from dataclasses import dataclass

import numpy as np

from skrnn._data.sequences import Sequences, merged_moments, moments
from skrnn._utils.field_types import Array64


@dataclass(frozen=True, eq=False)
class Scaling:
    """Means and standard deviations in float64; None for values that are not standardized."""

    x_mean: Array64 | None = None
    x_scale: Array64 | None = None
    y_mean: Array64 | None = None
    y_scale: Array64 | None = None
    static_mean: Array64 | None = None
    static_scale: Array64 | None = None

    def standardize_x(self, values):
        return values if self.x_mean is None else (values - self.x_mean) / self.x_scale

    def standardize_static(self, values):
        return (
            values if self.static_mean is None else (values - self.static_mean) / self.static_scale
        )

    def standardize_y(self, targets, dtype):
        if self.y_mean is None:
            return targets.astype(dtype, copy=False)
        scaled = targets - self.y_mean
        scaled /= self.y_scale
        return scaled.astype(dtype, copy=False)

    def restore_y(self, outputs):
        if self.y_mean is None:
            return outputs
        return (outputs * self.y_scale + self.y_mean).astype(outputs.dtype)


def fit_scaling(parts, *, scale_x, scale_y):
    """Return the Scaling of training Datasets, with one of them in memory at a time.

    Samples and timesteps of zero weight are ignored.
    """
    of_x, of_static, of_y, outputs = [], [], [], ()
    for part in parts:
        targets, weights = part.targets.values, part.weights
        if part.positions is not None:
            weights = np.zeros_like(weights)
            weights[part.positions] = part.weights[part.positions]
        if scale_x and not part.sequences.tokens:
            of_x.append(moments(part.sequences, weights))
        if scale_x and part.sequences.n_static:
            of_static.append(moments(Sequences(part.sequences.static[:, np.newaxis]), weights))
        if scale_y:
            outputs = targets.shape[weights.ndim :]
            flat = targets.reshape(weights.size, 1, -1)
            of_y.append(moments(Sequences(flat), weights.ravel()))
    x, static, y = (merged_moments(of) if of else (None, None) for of in (of_x, of_static, of_y))
    if of_y:
        y = [constants.reshape(outputs) for constants in y]
    return Scaling(*x, *y, *static)
