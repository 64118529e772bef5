"""CellSpec: everything particular to one cell type.

Letters in shapes: B batch, U units. In code: h state, c memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# NumPy takes an array of no dimensions quicker than a number, and keeps float64.
ONE = np.ones((), np.float32)


class OnnxOperator(NamedTuple):
    """The ONNX operator of a cell."""

    name: str
    gates: tuple  # positions of its gates among Keras's, in the operator's own order
    functions: tuple  # its activations; None is the layer's `activation`
    attributes: dict


class Passes(NamedTuple):
    """The passes of a cell in NumPy, on arrays whose first axis are the gates G.

    `forward` (act, gates, states, following, kept) writes the following states of one timestep, and
    what it keeps for the way back. `slopes` (act, gates, states, following, kept, out) writes
    those of all gates, for all timesteps of a block at once, and returns what `back` needs of each
    timestep: `back` (act, slopes, grad_gates, grads) multiplies the slopes in `grad_gates` by the
    gradients of the following states, and returns those of the states; None: there is none but that
    through the recurrent product. `act` is an Activation.
    """

    forward: Callable
    slopes: Callable
    back: Callable
    kept: int = 0  # arrays of the shape of a state


def logistic(x, out):
    """Write 1 / (1 + exp(-x)), which is right where exp overflows."""
    np.negative(x, out)
    np.exp(out, out)
    np.add(out, ONE, out)
    np.divide(ONE, out, out)


@dataclass(frozen=True, eq=False)
class CellSpec:
    """One cell type: its shapes, its equations, and its names elsewhere.

    Parameters
    ----------
    gates, states : int
        Number of gates, side by side in the weights, and of states, the output first.
    step : callable
        (sigmoid, act, gates, states) -> the next states. It uses operators only, so it runs on
        NumPy and on Keras arrays. `act` is the layer's `activation`. `gates` has what enters each
        gate, of the shape of a state.
    grad : callable or None
        (sigmoid, act, slope, gates, states, grads) -> the gradients of `gates` and of `states`,
        given those of the next states; `slope` is the derivative of `act`.
    passes : Passes or None
        The same for the NumPy engine, in place and faster; None: made from `step` and `grad`.
    bias : str
        An initializer.
    apart : tuple
        The gates whose recurrent product is not added to that of the input. Then each product has
        its own bias, `gates` of `step` is a pair, and `passes` must be given: they get these
        recurrent products behind the other gates.
    keras_class : str or None
        The name of the Keras layer; None: it is made from `step`.
    cudnn : bool
        Whether the Keras layer takes `use_cudnn`.
    onnx : OnnxOperator or None
    """

    gates: int
    states: int
    step: Callable
    grad: Callable | None = None
    passes: Passes | None = None
    bias: str = "zeros"
    apart: tuple = ()
    keras_class: str | None = None
    cudnn: bool = False
    onnx: OnnxOperator | None = None

    @property
    def bias_rows(self):
        return (2,) if self.apart else ()

    @property
    def places(self):
        """Where the passes get each gate's product of the input, and that of the state."""
        of_input = [*range(self.gates)]
        behind = {gate: self.gates + i for i, gate in enumerate(self.apart)}
        return of_input, [behind.get(gate, gate) for gate in of_input]

    def next_states(self, xp, sigmoid, act, x, r, states):
        """Return the states after a step, given the input and recurrent products, (B, gates U).

        `xp` is numpy or keras.ops.
        """
        if self.bias_rows:
            gates = [xp.split(part, self.gates, axis=-1) for part in (x, r)]
        else:
            gates = xp.split(x + r, self.gates, axis=-1)
        return self.step(sigmoid, act, gates, states)
