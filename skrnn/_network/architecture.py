"""Architecture: a frozen record of one network, its layers and its weights, without Keras."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Annotated, NamedTuple

import numpy as np

from skrnn._network.cells import CELLS
from skrnn._network.keras_names import ACTIVATIONS
from skrnn._utils.field_types import Fraction, Penalty, Shape, Size

# Keras's layers that make one vector of the states of all timesteps; "last" needs none.
POOLINGS = {"mean": "GlobalAveragePooling1D", "max": "GlobalMaxPooling1D"}

CellType = Annotated[str, CELLS.__contains__]
Activation = Annotated[str, ACTIVATIONS.__contains__]
Pooling = Annotated[str, {"last", *POOLINGS}.__contains__]
Dtype = Annotated[str, {"float32", "float64", "mixed_float16"}.__contains__]


class Weight(NamedTuple):
    """One weight array: its shape, the initializer that fills it, and its L2 regularizer."""

    shape: tuple
    initializer: str
    l2: float = 0.0


class Layer(NamedTuple):
    """One layer of a network: its Keras name, output shape and weights."""

    name: str
    kind: str
    output_shape: tuple
    weights: tuple = ()

    @property
    def n_parameters(self):
        return sum(prod(weight.shape) for weight in self.weights)


def variable_dtype(dtype):
    """Return the dtype of weights, input and output under an estimator's `dtype`."""
    return "float32" if dtype == "mixed_float16" else dtype


@dataclass(frozen=True)
class Architecture:
    """Everything that decides which network is built, hashable, and so the key of every cache.

    A network reads absent timesteps as NaN, or as the token id -1. From `pooling` on, fields have
    the defaults of older files.
    """

    cell_types: tuple[CellType, ...]
    units: Shape
    bidirectional: bool
    activation: Activation
    dropout: Fraction
    recurrent_dropout: Fraction
    return_sequences: bool
    dense_sizes: tuple[Size, ...]
    dense_activation: Activation
    timesteps: Size | None  # None: the length varies from call to call
    features: Size  # 1 for token ids
    outputs: Shape  # trailing shape, such as (1,) or (steps, outputs)
    output_activation: Activation
    vocab_size: Size | None  # None without an Embedding
    embedding_dim: Size | None
    masked: bool  # whether absent timesteps are skipped
    stateful: bool
    batch_size: Size | None  # a fixed batch, for a stateful network; None: any
    dtype: Dtype
    pooling: Pooling = "last"
    kernel_l2: Penalty = 0.0  # of every recurrent layer
    recurrent_l2: Penalty = 0.0
    spatial_dropout: Fraction = 0.0  # of what the first recurrent layer reads
    embedding_trainable: bool = True  # True without an Embedding

    def keeps_steps(self, i):
        """Whether the i-th recurrent layer hands on the states of all timesteps."""
        wanted = self.return_sequences or self.pooling != "last"
        return wanted or i < len(self.units) - 1

    @property
    def variable_dtype(self):
        """The dtype of weights, input and output."""
        return variable_dtype(self.dtype)

    @property
    def hidden_width(self):
        """Width of what the last recurrent layer hands on."""
        return self.units[-1] * (2 if self.bidirectional else 1)

    def layers(self):
        """Return the layers in Keras's order, each with its output shape and weights."""
        return [
            *self.input_layers(),
            *self.recurrent_layers(),
            *self.pooling_layers(),
            *self.head_layers(),
        ]

    @property
    def input_width(self):
        """Width of what the first recurrent layer reads."""
        return self.features if self.vocab_size is None else self.embedding_dim

    @property
    def drops(self):
        """Whether training leaves out anything by chance."""
        return max(self.dropout, self.recurrent_dropout, self.spatial_dropout) > 0

    def input_layers(self):
        """Return what comes before the recurrent layers: an Embedding, the dropout behind it."""
        layers, shape = [], (self.batch_size, self.timesteps, self.input_width)
        if self.vocab_size is not None:
            table = Weight((self.vocab_size, self.embedding_dim), "uniform")
            layers.append(Layer("embedding", "Embedding", shape, (table,)))
        if self.spatial_dropout:
            layers.append(Layer("spatial_dropout", "SpatialDropout1D", shape))
        return layers

    def recurrent_layers(self):
        """Return the recurrent layers alone."""
        layers, width = [], self.input_width
        for i in range(len(self.units)):
            layers.append(self._recurrent_layer(i, width))
            width = layers[-1].output_shape[-1]
        return layers

    def pooling_layers(self):
        """Return the layer that pools the timesteps, or nothing."""
        if self.pooling == "last":
            return []
        return [Layer("pooling", POOLINGS[self.pooling], (self.batch_size, self.hidden_width))]

    def head_layers(self):
        """Return what follows the pooling: Dense layers, the output, its Reshape."""
        lead = (self.batch_size, self.timesteps) if self.return_sequences else (self.batch_size,)
        widths = (self.hidden_width, *self.dense_sizes, prod(self.outputs))
        names = [*(f"dense_{i + 1}" for i in range(len(self.dense_sizes))), "output"]
        layers = [
            _dense_layer(name, lead, width, size)
            for name, (width, size) in zip(names, pairwise(widths), strict=True)
        ]
        if len(self.outputs) > 1:
            layers.append(Layer("steps", "Reshape", (*lead, *self.outputs)))
        return layers

    def weights(self):
        """Return every weight of the network, in Keras's order."""
        return [weight for layer in self.layers() for weight in layer.weights]

    @property
    def n_weights(self):
        """How many numbers the weights are."""
        return sum(layer.n_parameters for layer in self.layers())

    @property
    def trains_embedding(self):
        """Whether there is an Embedding that is trained."""
        return self.vocab_size is not None and self.embedding_trainable

    def trained_weights(self):
        """Return the weights that training changes: all, or all but those of a fixed Embedding."""
        return self.weights()[0 if self.embedding_trainable else 1 :]

    @property
    def n_trained(self):
        """How many numbers the trained weights are, the last ones of all."""
        return sum(prod(weight.shape) for weight in self.trained_weights())

    @property
    def penalized(self):
        """Whether a regularizer adds to the loss."""
        return self.kernel_l2 > 0 or self.recurrent_l2 > 0

    @property
    def gate_width(self):
        """How many numbers the gates of all recurrent layers compute at a timestep."""
        layers = self.recurrent_layers()
        return sum(weight.shape[-1] for layer in layers for weight in layer.weights[2::3])

    def zero_states(self):
        """Return the recurrent states of a stateful network before its first batch."""
        if not self.stateful:
            return []
        directions = 2 if self.bidirectional else 1
        return [
            np.zeros((self.batch_size, units), self.variable_dtype)
            for cell_type, units in zip(self.cell_types, self.units, strict=True)
            for _ in range(directions * CELLS[cell_type].states)
        ]

    def n_hidden_weights(self):
        """Return how many of the first weights lie at or before the last recurrent layer."""
        return len(self.weights()) - 2 * (len(self.dense_sizes) + 1)

    def multiply_adds(self, timesteps):
        """Return the multiply-adds of one sample's forward pass, about."""
        per_step = sum(prod(w.shape) for layer in self.recurrent_layers() for w in layer.weights)
        head = self.weights()[self.n_hidden_weights() :]
        return timesteps * per_step + sum(prod(weight.shape) for weight in head)

    def _recurrent_layer(self, i, width):
        cell, units = CELLS[self.cell_types[i]], self.units[i]
        directions = 2 if self.bidirectional else 1
        weights = (
            Weight((width, cell.gates * units), "glorot_uniform", self.kernel_l2),
            Weight((units, cell.gates * units), "orthogonal", self.recurrent_l2),
            Weight((*cell.bias_rows, cell.gates * units), cell.bias),
        )
        lead = (self.batch_size, self.timesteps) if self.keeps_steps(i) else (self.batch_size,)
        kind = cell.keras_class or self.cell_types[i].upper()
        kind = f"Bidirectional({kind})" if self.bidirectional else kind
        name = f"{self.cell_types[i]}_{i + 1}"
        return Layer(name, kind, (*lead, directions * units), weights * directions)


def _dense_layer(name, lead, width, size):
    weights = (Weight((width, size), "glorot_uniform"), Weight((size,), "zeros"))
    return Layer(name, "Dense", (*lead, size), weights)
