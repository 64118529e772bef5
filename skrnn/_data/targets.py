"""Targets: y encoded for a loss."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Targets:
    """Encoded y, and the output layer for it.

    Parameters
    ----------
    values : ndarray of shape (n_samples, [timesteps,] ...)
        As the loss reads them.
    outputs : tuple of int
        Trailing shape of the network's output.
    activation : str
        Of the output layer.
    loss : str
        Keras's full name.
    scaled : bool
        Whether the values may be standardized.
    shape : tuple of int or None
        Trailing shape of a regressor's y.
    codes : ndarray of int of shape (n_samples,) or (n_samples, timesteps), or None
        The index of each label's class, if a sample or timestep has one label.
    """

    values: np.ndarray
    outputs: tuple
    activation: str
    loss: str
    scaled: bool = False
    shape: tuple | None = None
    codes: np.ndarray | None = None
