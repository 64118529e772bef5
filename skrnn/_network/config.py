"""Settings: how a network is trained, a frozen record beside its Architecture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The part of a training request that an engine needs.

    Parameters
    ----------
    loss : str
        Keras's full name.
    optimizer : str
        Keras's name.
    optimizer_config : tuple of (str, value)
        The optimizer's own settings, sorted by name, without `learning_rate`.
    learning_rate : float or None
        None keeps the optimizer's own default. Not part of a compiled program.
    batch_size : int
    """

    loss: str
    optimizer: str
    optimizer_config: tuple
    learning_rate: float | None
    batch_size: int
