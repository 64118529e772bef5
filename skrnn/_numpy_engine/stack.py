"""The recurrent layers of the NumPy engine one after the other, each in one direction or two."""

from functools import reduce
from operator import add

import numpy as np

from skrnn._network.cells import CELLS
from skrnn._numpy_engine.dropout import recurrent_factors
from skrnn._numpy_engine.recurrent import Recurrent


class Stack:
    """All recurrent layers, for n samples of T timesteps.

    `weights` and `gradients` have a flat array for each layer and direction, and `passes` whether
    its backward pass is needed; `to_input`: whether the gradient of x is. Letters in shapes: as in
    Recurrent.
    """

    def __init__(
        self, architecture, weights, gradients, passes, n_steps, n_samples, *, to_input=False
    ):
        self.architecture, self.layers, width = architecture, [], architecture.input_width
        orders = (1, -1) if architecture.bidirectional else (1,)
        self.to_input = [to_input, *passes[len(orders) - 1 :: len(orders)]]
        weights, gradients, passes = map(iter, (weights, gradients, passes))
        for cell_type, units in zip(architecture.cell_types, architecture.units, strict=True):
            shape, spec = (n_steps, n_samples, width, units), CELLS[cell_type]
            arguments = spec, architecture.activation
            self.layers.append(
                [
                    Recurrent(
                        *(*arguments, next(weights), shape, next(gradients), order),
                        backward=next(passes),
                    )
                    for order in orders
                ]
            )
            width = units * len(orders)
        self.directions = [direction for layer in self.layers for direction in layer]

    def forward(self, x, mask, states=(), generator=None):
        """Return the hidden states of the last layer, (T, n, U), twice as wide if bidirectional.

        `states` are those of all layers and directions, empty for zeros; the generator draws
        dropout, None: nothing is dropped.
        """
        states, self.mask = list(states), mask
        for layer in self.layers:
            outputs = []
            for direction in layer:
                n_states = direction.spec.states
                first, states = states[:n_states], states[n_states:]
                shape = len(x[0]), *direction.sizes
                factors = recurrent_factors(self.architecture, generator, direction.spec, *shape)
                outputs.append(direction.forward(x, mask, first, factors))
            x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)
            if len(outputs) == 2 and mask is not None:
                x[~mask] = 0  # as Keras's Bidirectional; one direction repeats its state there
        return x

    def last(self):
        """Return the final hidden state of the last layer, (n, U), of both directions."""
        finals = [direction.states[0][-1] for direction in self.layers[-1]]
        return finals[0] if len(finals) == 1 else np.concatenate(finals, axis=1)

    def recurrent_states(self, layers=slice(None)):
        """Return copies of the final states of layers, in all directions."""
        directions = [direction for layer in self.layers[layers] for direction in layer]
        return [state[-1].copy() for direction in directions for state in direction.states]

    def backward(self, grad_last, grad_sequence):
        """Write all gradients; return that of x, or None without `to_input`.

        `grad_last` is with respect to the final hidden states, `grad_sequence` to all of them; one
        of them is None.
        """
        for i in range(len(self.layers) - 1, -1, -1):
            layer, into, to_input = self.layers[i], [], self.to_input[i]
            if len(layer) == 2 and self.mask is not None and grad_sequence is not None:
                grad_sequence = grad_sequence * self.mask[:, :, np.newaxis]
            for d, direction in enumerate(layer):
                _, units = direction.sizes
                part = ..., slice(d * units, (d + 1) * units)
                grad = direction.backward(
                    None if grad_last is None else grad_last[part],
                    None if grad_sequence is None else grad_sequence[part],
                    to_input=to_input,
                )
                into.append(grad)
            if not to_input:  # nothing before it is trained
                return None
            grad_last, grad_sequence = None, reduce(add, into)
        return grad_sequence
