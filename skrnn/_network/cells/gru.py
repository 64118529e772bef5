"""The gated recurrent unit of Cho et al. (2014), as in Keras with `reset_after=True`.

The reset gate acts after the recurrent product, which has its own bias.
"""

import numpy as np

from skrnn._network.cells.spec import CellSpec, OnnxOperator, Passes, logistic


def step(sigmoid, act, gates, states):
    ((x_z, x_r, x_g), (h_z, h_r, h_g)), (h,) = gates, states
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    return (z * h + (1 - z) * act(x_g + r * h_g),)


def forward(act, gates, states, following, kept):
    (_, _, x_g, h_g), (h,), (h_next,) = gates, states, following
    logistic(gates[:2], kept[:2])
    z, r, before, g = kept
    np.multiply(r, h_g, before)
    np.add(before, x_g, before)
    g[...] = act.value(before)
    np.subtract(h, g, h_next)
    np.multiply(h_next, z, h_next)
    np.add(h_next, g, h_next)


def slopes(act, gates, states, following, kept, out):
    (z, r, before, g), (of_z, of_r, of_x, of_h) = kept, out
    np.multiply(states[0] - g, z - z * z, of_z)
    np.multiply(1 - z, act.slope(before, g), of_x)
    np.multiply(of_x, r, of_h)
    np.multiply(of_x, gates[3] * (r - r * r), of_r)
    return (z,)


def back(act, slopes, grad_gates, grads):
    grad_gates *= grads[0]
    return [grads[0] * slopes[0]]


GRU = CellSpec(
    gates=3,
    states=1,
    step=step,
    passes=Passes(forward, slopes, back, kept=4),
    apart=(2,),
    keras_class="GRU",
    cudnn=True,
    onnx=OnnxOperator("GRU", (0, 1, 2), ("sigmoid", None), {"linear_before_reset": 1}),
)
