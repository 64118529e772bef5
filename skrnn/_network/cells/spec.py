"""CellSpec: everything specific to one cell type.

Letters in shapes: B batch, U units. In code: h state, c memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# A 0-D array is faster in NumPy than a number, and float64 stays float64.
ONE = np.ones((), np.float32)


class OnnxOperator(NamedTuple):
    """The ONNX operator of a cell."""

    name: str
    gates: tuple  # positions of its gates among Keras's gates, in the operator's order
    functions: tuple  # its activations; None is the layer's `activation`
    attributes: dict


class Passes(NamedTuple):
    """The passes of a cell in NumPy, on arrays with the gates G as their first axis.

    `forward` (act, gates, states, following, kept) computes one timestep: it writes the following
    states, and into `kept` the values that the backward pass needs. `slopes` (act, gates, states,
    following, kept, out) writes the slopes of all gates for all timesteps of a block at once. It
    returns the values that `back` needs for each timestep. `back` (act, slopes, grad_gates, grads)
    multiplies the slopes in `grad_gates` by the gradients of the following states, and returns the
    gradients of the states. None there: the only gradient is that through the recurrent product.
    `act` is an Activation.
    """

    forward: Callable
    slopes: Callable
    back: Callable
    kept: int = 0  # arrays of the shape of a state


def logistic(x, out):
    """Write 1 / (1 + exp(-x)), which is correct even if exp overflows."""
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
        Number of gates, adjacent in the weights, and of states, with the output first.
    step : callable
        (sigmoid, act, gates, states) -> the next states. It uses operators only, so it runs on
        NumPy and on Keras arrays. `act` is the layer's `activation`. `gates` holds the input of
        each gate, in the shape of a state.
    grad : callable or None
        (sigmoid, act, slope, gates, states, grads) -> the gradients of `gates` and of `states`.
        `grads` are the gradients of the next states, and `slope` is the derivative of `act`.
    passes : Passes or None
        The same for the NumPy engine, in place and faster. None: made from `step` and `grad`.
    bias : str
        Initializer of the bias.
    apart : tuple
        Gates that do not add the recurrent product to the input product. Then each product has its
        own bias, `gates` of `step` is a pair, and `passes` must be given. They get these recurrent
        products after the other gates.
    keras_class : str or None
        Name of the Keras layer. None: it is made from `step`.
    cudnn : bool
        Whether the Keras layer has the argument `use_cudnn`.
    onnx : OnnxOperator or None
        The ONNX operator. None: the cell cannot be exported.
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
        """Positions of each gate's input product and recurrent product in the passes."""
        of_input = [*range(self.gates)]
        appended = {gate: self.gates + i for i, gate in enumerate(self.apart)}
        return of_input, [appended.get(gate, gate) for gate in of_input]

    def next_states(self, xp, sigmoid, act, x, r, states):
        """Return the states after a step, given the input and recurrent products, (B, gates U).

        `xp` is numpy or keras.ops.
        """
        if self.bias_rows:
            gates = [xp.split(part, self.gates, axis=-1) for part in (x, r)]
        else:
            gates = xp.split(x + r, self.gates, axis=-1)
        return self.step(sigmoid, act, gates, states)
