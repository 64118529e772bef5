"""The simple recurrent network of Elman (1990): h = f([x, h, 1] [W; R; b])."""

from skrnn._network.cells.spec import CellSpec, OnnxOperator, Passes


def step(sigmoid, act, gates, states):
    (h,) = gates
    return (act(h),)


def forward(act, gates, states, following, kept):
    following[0][...] = act.value(gates[0])


def slopes(act, gates, states, following, kept, out):
    out[0] = act.slope(gates[0], following[0])
    return ()


def back(act, slopes, grad_gates, grads):
    grad_gates *= grads[0]
    return [None]


SIMPLE_RNN = CellSpec(
    gates=1,
    states=1,
    step=step,
    passes=Passes(forward, slopes, back),
    keras_class="SimpleRNN",
    onnx=OnnxOperator("RNN", (0,), (None,), {}),
)
