"""State: all that changes while a network trains, handed from call to call."""

from typing import NamedTuple


class State(NamedTuple):
    """Lists of arrays, or of an engine's own tensors.

    Parameters
    ----------
    weights : list
        Of the network, in Keras's order.
    slots : list
        The optimizer's variables.
    seeds : list
        What dropout draws from.
    carried : list
        The states of a stateful network's cells; empty for others.
    """

    weights: list
    slots: list
    seeds: list
    carried: list
