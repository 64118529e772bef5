"""The long short-term memory of Hochreiter and Schmidhuber (1997).

It has the forget gate of Gers et al. (2000).
"""

import numpy as np

from skrnn._network.cells.spec import CellSpec, OnnxOperator, Passes, logistic


def step(sigmoid, act, gates, states):
    (i, f, g, o), (_, c) = gates, states
    c = sigmoid(f) * c + sigmoid(i) * act(g)
    return sigmoid(o) * act(c), c


def forward(act, gates, states, following, kept):
    (_, c), (h_next, c_next), shown = states, following, kept[4]
    logistic(gates, kept[:4])  # of the candidate too: one call is faster than two
    i, f, g, o, _ = kept
    g[...] = act.value(gates[2])
    np.multiply(f, c, c_next)
    c_next += i * g
    shown[...] = act.value(c_next)
    np.multiply(o, shown, h_next)


def slopes(act, gates, states, following, kept, out):
    (_, c), (_, c_next), (i, f, g, o, shown) = states, following, kept
    of_i, of_f, of_g, of_o = out
    opened = kept[:4]
    np.subtract(opened, opened * opened, out)
    of_i *= g
    of_f *= c
    np.multiply(i, act.slope(gates[2], g), of_g)
    of_o *= shown
    return o * act.slope(c_next, shown), f


def back(act, slopes, grad_gates, grads):
    (through, f), (grad_h, grad_c) = slopes, grads
    grad_c = grad_c + grad_h * through
    of_memory, of_output = grad_gates[:3], grad_gates[3]
    of_memory *= grad_c
    of_output *= grad_h
    return [None, grad_c * f]


LSTM = CellSpec(
    gates=4,
    states=2,
    step=step,
    passes=Passes(forward, slopes, back, kept=5),
    bias="unit_forget",
    keras_class="LSTM",
    cudnn=True,
    onnx=OnnxOperator("LSTM", (0, 3, 1, 2), ("sigmoid", None, None), {}),
)
