"""Scaling: the constants that standardize a network's input and output, and undo it."""

from dataclasses import dataclass

import numpy as np

from skrnn._sequences import Sequences, moments


@dataclass(frozen=True, eq=False)
class Scaling:
    """Means and deviations in float64; None where values pass as they are.

    Parameters
    ----------
    x_mean, x_scale : ndarray of shape (features,) or None
    y_mean, y_scale : ndarray of the outputs' shape or None
    """

    x_mean: np.ndarray | None = None
    x_scale: np.ndarray | None = None
    y_mean: np.ndarray | None = None
    y_scale: np.ndarray | None = None

    def standardize_x(self, values):
        return values if self.x_mean is None else (values - self.x_mean) / self.x_scale

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


def fit_scaling(sequences, targets, sample_weight, *, scale_x, scale_y):
    """Learn a Scaling from training samples.

    Parameters
    ----------
    sequences : Sequences
    targets : ndarray of shape (n_samples, ...)
    sample_weight : ndarray of shape (n_samples,) or (n_samples, timesteps)
        Zero for samples that are to be left out.
    scale_x, scale_y : bool

    Returns
    -------
    Scaling
    """
    x_mean = x_scale = y_mean = y_scale = None
    if scale_x and not sequences.tokens:
        x_mean, x_scale = moments(sequences, sample_weight)
    if scale_y:
        n_lead = sample_weight.ndim
        flat = targets.reshape(sample_weight.size, 1, -1)
        y_mean, y_scale = (
            moment.reshape(targets.shape[n_lead:])
            for moment in moments(Sequences(flat), sample_weight.ravel())
        )
    return Scaling(x_mean, x_scale, y_mean, y_scale)
