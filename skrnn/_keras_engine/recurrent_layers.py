"""The Keras layer of each cell type: Keras's own, one from a CellSpec, or a faster variant.

Letters in shapes: B batch, T timesteps, F features, U units, G gates.
"""

from functools import cache
from types import SimpleNamespace

import keras

from skrnn._network.cells import CELLS

ops = keras.ops


class SpecCell(keras.layers.SimpleRNNCell):
    """One step of a CellSpec, with the settings of SimpleRNN and the weights of `skrnn.cells`."""

    def __init__(self, spec, **settings):
        super().__init__(**settings)
        self.spec, self.state_size = spec, [self.units] * spec.states
        if self.recurrent_dropout:
            self.dropout_mask_count = spec.gates  # one mask for each gate, as in Keras's LSTM

    def build(self, input_shape):
        width = self.spec.gates * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], width),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            name="recurrent_kernel",
        )
        self.bias = self.add_weight((width,), self.bias_initializer, name="bias")

    def call(self, sequence, states, training=False):
        input_mask = self.get_dropout_mask(sequence) if training else None
        state_mask = self.get_recurrent_dropout_mask(states[0]) if training else None
        x = _product(sequence, self.kernel, input_mask) + self.bias
        r = _product(states[0], self.recurrent_kernel, state_mask)
        states = self.spec.next_states(ops, ops.sigmoid, self.activation, x, r, states)
        return states[0], [*states]

    def get_initial_state(self, batch_size=None):
        return [ops.zeros((batch_size, size), self.compute_dtype) for size in self.state_size]


def _product(x, matrix, mask):
    """Return the product of x and a matrix; `mask`: None, a dropout mask, or one for each gate."""
    if mask is None:
        return ops.matmul(x, matrix)
    if not isinstance(mask, list):
        return ops.matmul(x * mask, matrix)
    gates = ops.split(matrix, len(mask), axis=-1)
    products = [ops.matmul(x * factors, gate) for factors, gate in zip(mask, gates, strict=True)]
    return ops.concatenate(products, axis=-1)


class SpecLayer(keras.layers.SimpleRNN):
    """A recurrent layer of SpecCells; subclasses set `cell_type`."""

    def __init__(self, units, **settings):
        super().__init__(units, **settings)
        self.cell = SpecCell(CELLS[self.cell_type], **self.cell.get_config())
        self.state_size = self.cell.state_size


@cache
def layer_class(cell_type):
    """Return the Keras layer of a cell type: Keras's own, or a registered subclass of SpecLayer."""
    name = CELLS[cell_type].keras_class
    if name is not None:
        return getattr(keras.layers, name)
    made = type(cell_type.upper(), (SpecLayer,), {"cell_type": cell_type})
    return keras.saving.register_keras_serializable("skrnn")(made)


def projecting_pays(cell_type, features, units):
    """Whether a layer trains faster if the input of all timesteps is projected at once.

    Measured on two cores: a SimpleRNN by 10 to 35%, wide gated cells by 10%. Narrow ones are slower
    by as much, because they write and read all gates of every timestep of a batch.
    """
    return CELLS[cell_type].gates == 1 or features >= 2 * units


@cache
def input_projected_class(cell_type):
    """Return a layer class, for training, that projects the input of all timesteps at once.

    It has the same weights and the same results. A step multiplies only the state, and the gradient
    of the kernel is one product instead of a sum over timesteps.
    """
    spec = CELLS[cell_type]

    class InputProjected(layer_class(cell_type)):
        def inner_loop(self, sequences, initial_state, mask, training=False):
            cell = self.cell
            if training and cell.dropout:
                sequences *= ops.expand_dims(cell.get_dropout_mask(sequences[:, 0]), 1)
            bias = cell.bias
            input_bias, recurrent_bias = (bias[0], bias[1]) if spec.bias_rows else (bias, 0)
            projected = ops.matmul(sequences, cell.kernel) + input_bias  # (B, T, GU)

            def step(x, states):
                r = ops.matmul(states[0], cell.recurrent_kernel) + recurrent_bias
                states = spec.next_states(ops, ops.sigmoid, cell.activation, x, r, states)
                return states[0], [*states]

            loop = SimpleNamespace(
                cell=step,
                stateful=self.stateful,
                go_backwards=self.go_backwards,
                unroll=self.unroll,
                zero_output_for_mask=self.zero_output_for_mask,
                return_sequences=self.return_sequences,
            )
            return keras.layers.RNN.inner_loop(loop, projected, initial_state, mask)

    InputProjected.__name__ = f"InputProjected{layer_class(cell_type).__name__}"
    return InputProjected
