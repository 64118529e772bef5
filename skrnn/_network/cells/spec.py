"""CellSpec: everything particular to one cell type.

Letters in shapes: B batch, U units. In code: h state, c memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from skrnn._network.cells.plain import PlainCell


class OnnxOperator(NamedTuple):
    """The ONNX operator of a cell."""

    name: str
    gates: tuple  # positions of its gates among Keras's, in the operator's own order
    functions: tuple  # its activations; None is the layer's `activation`
    attributes: dict


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
        given those of the next states; `slope` is the derivative of `act`. Used by PlainCell.
    unrolled : type
        The forward and backward passes of the NumPy engine; PlainCell makes them from `step` and
        `grad`, a faster class has its own buffers.
    bias : str
        An initializer.
    bias_rows : tuple
        (2,) where the recurrent product has its own bias. Then `gates` of `step` is a pair, for
        the input and the recurrent product, and `unrolled` must be a class of its own.
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
    unrolled: type = PlainCell
    bias: str = "zeros"
    bias_rows: tuple = ()
    keras_class: str | None = None
    cudnn: bool = False
    onnx: OnnxOperator | None = None

    def next_states(self, xp, sigmoid, act, x, r, states):
        """Return the states after a step, given the input and recurrent products, (B, gates U).

        `xp` is numpy or keras.ops.
        """
        if self.bias_rows:
            gates = [xp.split(part, self.gates, axis=-1) for part in (x, r)]
        else:
            gates = xp.split(x + r, self.gates, axis=-1)
        return self.step(sigmoid, act, gates, states)
