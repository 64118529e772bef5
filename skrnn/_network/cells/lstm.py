"""The long short-term memory of Hochreiter and Schmidhuber (1997).

It has the forget gate of Gers et al. (2000).
"""

import numpy as np
from numpy import add, divide, exp, multiply, subtract

from skrnn._network.cells.spec import CellSpec, OnnxOperator
from skrnn._network.cells.unrolled import UnrolledCell, steps_of

# Below this size one call for all gates is faster, although it also computes the candidate's.
FEW_NUMBERS = 2**13


def step(sigmoid, act, gates, states):
    (i, f, g, o), (_, c) = gates, states
    c = sigmoid(f) * c + sigmoid(i) * act(g)
    return sigmoid(o) * act(c), c


class UnrolledLSTM(UnrolledCell):
    """Its forward and backward passes; letters as in UnrolledCell."""

    logistic = (0, 1, 3)  # input, forget and output, but not the candidate

    def make_forward(self):
        n_steps = self.kept_steps
        self.memory = self.buffer(self.n_steps + 1 if self.keep_activations else 1)
        self.states.append(self.memory)
        memories = steps_of(self.memory, self.n_steps + 1)
        self.gate = self.buffer(n_steps, 4)
        self.shown = self.buffer(n_steps)  # f(c)
        self.shown_steps = steps_of(self.shown, self.n_steps)
        self.before = self.buffer(n_steps if self.activation.needs_input else 1, 4)
        flat = (-1, 4 * self.units, self.n_samples)
        parts = self.before.reshape(flat), self.before, self.gate.reshape(flat), self.gate
        self.views = list(
            zip(
                *(steps_of(part, self.n_steps) for part in parts),
                memories[: self.n_steps],
                memories[1 : self.n_steps + 1],
                self.shown_steps,
                self.state_steps[1:],
                strict=True,
            )
        )

    def forward_step(self, t):
        before, before4, gate, gate4, c, c_next, shown, h_next = self.views[t]
        (i, f, g, o), before_g = gate4, before4[2]
        project, activate = self.projection(t, before), self.activation.value
        one, spare = self.one, self.spare
        if gate.size < FEW_NUMBERS:
            logistic = [(before, gate)]
        else:
            logistic = [(before4[:2], gate4[:2]), (before4[3], o)]

        def step():
            project()
            for z, s in logistic:
                exp(z, s)
                add(s, one, s)
                divide(one, s, s)
            activate(before_g, g)
            multiply(f, c, c_next)
            multiply(i, g, spare)
            add(c_next, spare, c_next)
            activate(c_next, shown)
            multiply(o, shown, h_next)

        return step

    def make_backward(self):
        self.grad = self.buffer(self.n_steps, 4)
        self.memory_grads = steps_of(self.grad[:, :3], self.n_steps)  # (3, U, n)
        self.output_grads = steps_of(self.grad[:, 3], self.n_steps)
        self.grad_c = np.zeros_like(self.spare)
        super().make_backward()

    def begin_backward(self):
        self.grad_c.fill(0)

    def block_views(self, block):
        gate, grad, shown = self.gate[block], self.grad[block], self.shown[block]
        before = self.before[block] if self.activation.needs_input else gate
        memories = self.memory[:-1][block], self.memory[1:][block]
        crosswise = grad[:, 0:3:2], gate[:, 2::-2]  # input and candidate: each times the other
        _, *gates = gate.swapaxes(0, 1)
        _, *gate_grads = grad.swapaxes(0, 1)
        return gate, *gates, before[:, 2], *memories, shown, grad, *gate_grads, *crosswise

    def prepare(self, views, mask):
        """Write the factors of grad_c (input, forget, candidate) and of grad_h (output).

        `shown` becomes the factor of grad_h in grad_c; the forget gate is that of the next grad_c.
        """
        gate, f, g, o, before, c_before, c, shown, grad, *gate_grads, grad_ig, gate_gi = views
        grad_f, grad_g, grad_o = gate_grads
        subtract(self.one, gate, grad)
        multiply(grad, gate, grad)
        self.activation.derivative(before, g, grad_g)
        multiply(grad_ig, gate_gi, grad_ig)
        multiply(grad_f, c_before, grad_f)
        multiply(grad_o, shown, grad_o)
        self.activation.derivative(c, shown, shown)
        multiply(shown, o, shown)
        if mask is not None:
            skipped = ~mask
            np.copyto(grad, 0, where=skipped[:, np.newaxis])
            np.copyto(shown, 0, where=skipped)
            np.copyto(f, 1, where=skipped)

    def backward_step(self, t):
        grad, grad_o = self.memory_grads[t], self.output_grads[t]
        shown, f = self.shown_steps[t], self.views[t][3][1]
        grad_h, grad_c, spare = self.grad_h_step, self.grad_c, self.spare
        back = self.recurrent_grad(t, self.grad_steps[t], grad_h)

        def step():
            multiply(grad_h, shown, spare)
            add(grad_c, spare, grad_c)
            multiply(grad, grad_c, grad)
            multiply(grad_o, grad_h, grad_o)
            multiply(grad_c, f, grad_c)
            back()

        return step


LSTM = CellSpec(
    gates=4,
    states=2,
    step=step,
    unrolled=UnrolledLSTM,
    bias="unit_forget",
    keras_class="LSTM",
    cudnn=True,
    onnx=OnnxOperator("LSTM", (0, 3, 1, 2), ("sigmoid", None, None), {}),
)
