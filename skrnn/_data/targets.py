"""Targets: y encoded for a loss."""

from dataclasses import dataclass

import numpy as np

ONE_TARGET = (
    "`y` holds one target for each output, with `return_sequences=True` one at each timestep."
)


@dataclass(frozen=True, eq=False)
class Targets:
    """Encoded y, and the output layer for it."""

    values: np.ndarray  # (n_samples, [timesteps,] ...), as the loss reads them
    outputs: tuple  # trailing shape of the network's output
    activation: str
    loss: str  # Keras's full name
    scaled: bool = False  # whether the values may be standardized
    shape: tuple | None = None  # trailing shape of a regressor's y, and of one-hot labels
    codes: np.ndarray | None = None  # each label's class index, if there is one label
