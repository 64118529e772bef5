"""Targets: y encoded for a loss."""

from dataclasses import dataclass

import numpy as np

ONE_TARGET = "Pass one target for each output, with `return_sequences=True` one for each timestep."


@dataclass(frozen=True, eq=False)
class Targets:
    """Encoded y, and the output layer for it."""

    values: np.ndarray  # (n_samples, [timesteps,] ...), in the form of the loss
    outputs: tuple  # trailing shape of the network's output
    activation: str
    loss: str  # Keras's full name
    scaled: bool = False  # whether the values may be standardized
    shape: tuple | None = None  # trailing shape of y, for a regressor and for one-hot labels
    codes: np.ndarray | None = None  # class index of each label; None for multilabel targets
