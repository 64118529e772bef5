"""State: everything that changes while a network trains, passed from call to call."""

from math import prod
from typing import NamedTuple


class State(NamedTuple):
    """Lists of arrays, or of an engine's own tensors."""

    weights: list  # in Keras's order
    optimizer_state: list  # the optimizer's variables
    rng_state: list  # the generator of dropout
    recurrent_states: list  # of a stateful network's cells; empty for others


def unflatten(flat, shapes):
    """Return views of a flat vector as arrays of these shapes."""
    parts, start = [], 0
    for shape in shapes:
        stop = start + prod(shape)
        parts.append(flat[start:stop].reshape(shape))
        start = stop
    return parts
