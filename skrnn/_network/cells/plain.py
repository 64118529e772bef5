"""PlainCell: the passes of any cell from its `step` and `grad`, on whole arrays."""

import numpy as np

from skrnn._network.cells.unrolled import UnrolledCell, steps_of


def sigmoid(x):
    """Return the logistic function, which does not overflow in this form."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


class PlainCell(UnrolledCell):
    """A cell without a faster class of its own; letters as in UnrolledCell, G gates."""

    def make_forward(self):
        self.gate = self.buffer(self.kept_steps, self.spec.gates)
        flat = self.gate.reshape(len(self.gate), -1, self.n_samples)  # (T, G U, n)
        self.gate_steps = steps_of(flat, self.n_steps)
        self.states += [self.buffer(self.n_steps + 1) for _ in range(self.spec.states - 1)]

    def act(self, x):
        y = np.empty_like(x)
        self.activation.value(x, y)
        return y

    def slope(self, x):
        y = self.act(x)
        self.activation.derivative(x, y, y)
        return y

    def arguments(self, t):
        """Return what `step` and `grad` read at timestep t: gates and states, (U, n) each."""
        return [*self.gate[t % len(self.gate)]], [state[t] for state in self.states]

    def forward_step(self, t):
        project, (gates, states) = self.projection(t, self.gate_steps[t]), self.arguments(t)
        following = [state[t + 1] for state in self.states]

        def step():
            project()
            values = self.spec.step(sigmoid, self.act, gates, states)
            for state, value in zip(following, values, strict=True):
                state[...] = value

        return step

    def make_backward(self):
        self.grad = self.buffer(self.n_steps, self.spec.gates)
        self.through_gates = np.zeros_like(self.spare)
        self.valid = np.ones((self.n_steps, self.n_samples), bool)
        super().make_backward()
        self.state_grads = [self.grad_h, *self.buffer(self.spec.states - 1)]

    def begin_backward(self):
        for grad in self.state_grads[1:]:
            grad.fill(0)

    def block_views(self, block):
        return block

    def prepare(self, block, mask):
        """Note which timesteps pass their gradients on unchanged."""
        self.valid[block] = True if mask is None else mask[:, 0]

    def backward_step(self, t):
        back = self.recurrent_grad(t, self.grad_steps[t], self.through_gates)
        (gates, states), valid = self.arguments(t), self.valid[t]

        def step():
            grads = [grad.copy() for grad in self.state_grads]
            functions = sigmoid, self.act, self.slope
            gate_grads, state_grads = self.spec.grad(*functions, gates, states, grads)
            for into, grad in zip(self.grad[t], gate_grads, strict=True):
                np.multiply(grad, valid, into)
            for into, grad in zip(self.state_grads, state_grads, strict=True):
                np.copyto(into, grad, where=valid)
            self.grad_h *= valid  # the layer passes the rest of it on
            back()
            np.add(self.grad_h_step, self.through_gates, self.grad_h_step)

        return step
