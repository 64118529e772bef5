"""State: all that changes while a network trains, handed from call to call."""

from typing import NamedTuple


class State(NamedTuple):
    """Lists of arrays, or of an engine's own tensors.

    Parameters
    ----------
    weights : list
        Of the network, in Keras's order.
    optimizer_state : list
        The optimizer's variables.
    rng_state : list
        What dropout draws from.
    recurrent_states : list
        The states of a stateful network's cells; empty for others.
    """

    weights: list
    optimizer_state: list
    rng_state: list
    recurrent_states: list
