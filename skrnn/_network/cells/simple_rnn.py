"""The simple recurrent network of Elman (1990): h = f([x, h, 1] [W; R; b])."""

import numpy as np
from numpy import multiply

from skrnn._network.cells.spec import CellSpec, OnnxOperator
from skrnn._network.cells.unrolled import UnrolledCell, steps_of


def step(sigmoid, act, gates, states):
    (h,) = gates
    return (act(h),)


class UnrolledSimpleRNN(UnrolledCell):
    """Its forward and backward passes; letters as in UnrolledCell."""

    def make_forward(self):
        self.before = self.buffer(self.kept_steps)
        self.before_steps = steps_of(self.before, self.n_steps)

    def forward_step(self, t):
        before, after = self.before_steps[t], self.state_steps[t + 1]
        project, activate = self.projection(t, before), self.activation.value

        def step():
            project()
            activate(before, after)

        return step

    def make_backward(self):
        self.grad = self.buffer(self.n_steps)
        super().make_backward()

    def block_views(self, block):
        return self.before[block], self.state[1:][block], self.grad[block]

    def prepare(self, views, mask):
        """Write the factors of grad_h."""
        before, after, grad = views
        self.activation.derivative(before, after, grad)
        if mask is not None:
            np.copyto(grad, 0, where=~mask)

    def backward_step(self, t):
        grad, grad_h = self.grad_steps[t], self.grad_h_step
        back = self.recurrent_grad(t, grad, grad_h)

        def step():
            multiply(grad, grad_h, grad)
            back()

        return step


SIMPLE_RNN = CellSpec(
    gates=1,
    states=1,
    step=step,
    unrolled=UnrolledSimpleRNN,
    keras_class="SimpleRNN",
    onnx=OnnxOperator("RNN", (0,), (None,), {}),
)
