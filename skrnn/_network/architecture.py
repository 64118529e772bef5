"""Architecture: a frozen record of one network, its layers and its weights, without Keras."""

from dataclasses import dataclass
from math import prod
from typing import Annotated, NamedTuple

import numpy as np

from skrnn._network.cells import CELLS
from skrnn._network.custom_network import CustomNetwork
from skrnn._network.keras_names import ACTIVATIONS
from skrnn._utils.field_types import Count, Fraction, Penalty, Shape, Size

# Keras's layers that reduce the states of all timesteps to one vector; "last" needs none.
POOLINGS = {"mean": "GlobalAveragePooling1D", "max": "GlobalMaxPooling1D"}

CellType = Annotated[str, CELLS.__contains__]
Activation = Annotated[str, ACTIVATIONS.__contains__]
Pooling = Annotated[str, {"last", *POOLINGS}.__contains__]

# The dtype of weights, input and output under an estimator's `dtype`.
VARIABLE_DTYPES = {"float32": "float32", "float64": "float64", "mixed_float16": "float32"}
Dtype = Annotated[str, VARIABLE_DTYPES.__contains__]
Quantile = Annotated[float, lambda quantile: 0 < quantile < 1]


class Weight(NamedTuple):
    """One weight array: its shape, its initializer, and its L2 regularizer.

    The weights of a CustomNetwork have neither: its own layers hold them.
    """

    shape: tuple
    initializer: str | None
    l2: float = 0.0
    trainable: bool = True


class Layer(NamedTuple):
    """One layer of a network: its Keras name, output shape and weights."""

    name: str
    kind: str
    output_shape: tuple
    weights: tuple = ()

    @property
    def n_parameters(self):
        return sum(prod(weight.shape) for weight in self.weights)


@dataclass(frozen=True)
class Architecture:
    """Everything that determines which network is built; hashable, and the key of every cache.

    A network reads absent timesteps as NaN, or as the token id -1. An engine reads the flags of
    missing features after the features of each timestep, and static features last. Next to static
    features, token ids are floats, and absent ones NaN. The fields from `pooling` on have defaults,
    which older files rely on.
    """

    cell_types: tuple[CellType, ...]  # () with a CustomNetwork
    units: tuple[Size, ...]
    bidirectional: bool
    activation: Activation
    dropout: Fraction
    recurrent_dropout: Fraction
    return_sequences: bool
    dense_sizes: tuple[Size, ...]
    dense_activation: Activation
    timesteps: Size | None  # None: the length varies from call to call
    features: Size  # 1 for token ids
    outputs: Shape  # trailing shape of y, such as (1,) or (steps, outputs)
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
    spatial_dropout: Fraction = 0.0  # of the features that the first recurrent layer reads
    frozen_layers: tuple[str, ...] = ()  # names of layers that are not trained, in their order
    n_static: Count = 0  # features constant in time, joined to the input of the Dense layers
    segment: Size = 1  # timesteps that one step of the recurrent layers reads
    quantiles: tuple[Quantile, ...] = ()  # of each output, ascending; (): one number each
    fills_missing: bool = False  # whether a missing feature is read as 0, after standardization
    # Features of X with missing values in `fit`: each has a flag, 1 where it is missing.
    flagged: tuple[Count, ...] = ()
    network: CustomNetwork | None = None  # in place of the recurrent layers

    def keeps_steps(self, i):
        """Whether the i-th recurrent layer returns the states of all timesteps."""
        wanted = self.return_sequences or self.pooling != "last"
        return wanted or i < len(self.units) - 1

    @property
    def variable_dtype(self):
        """The dtype of weights, input and output."""
        return VARIABLE_DTYPES[self.dtype]

    @property
    def output_shape(self):
        """Trailing shape of the network's output: that of y, followed by an axis of quantiles."""
        return self.outputs + ((len(self.quantiles),) if self.quantiles else ())

    @property
    def hidden_width(self):
        """Width of the output of the last recurrent layer or of a CustomNetwork."""
        if self.network is not None:
            return self.network.width
        return self.units[-1] * (2 if self.bidirectional else 1)

    @property
    def width_read(self):
        """Number of features of a timestep that an engine reads: those of X, and flags."""
        return self.features + len(self.flagged)

    @property
    def timestep_width(self):
        """Width of a timestep, after an Embedding."""
        return self.width_read if self.vocab_size is None else self.embedding_dim

    @property
    def input_width(self):
        """Width of the first recurrent layer's input."""
        return self.segment * self.timestep_width

    @property
    def embedding_name(self):
        """Name of the Embedding; a CustomNetwork may have its own, called "embedding" by Keras."""
        return "embedding" if self.network is None else "token_embedding"

    def n_steps(self, timesteps):
        """Return the number of steps of the recurrent layers; None: any number."""
        return None if timesteps is None else -(-timesteps // self.segment)

    @property
    def drops(self):
        """Whether training draws dropout masks."""
        return max(self.dropout, self.recurrent_dropout, self.spatial_dropout) > 0

    def custom_layers(self):
        """Return the layers of a CustomNetwork; [] if it is not built yet."""
        if self.network is None:
            return []
        return [
            Layer(*described, tuple(Weight(shape, None, trainable=t) for shape, t in weights))
            for *described, weights in self.network.layers
        ]

    def recurrent_layers(self):
        """Return the recurrent layers only."""
        layers, width, directions = [], self.input_width, 2 if self.bidirectional else 1
        n_steps = self.n_steps(self.timesteps)
        for i, (cell_type, units) in enumerate(zip(self.cell_types, self.units, strict=True)):
            cell, gates = CELLS[cell_type], CELLS[cell_type].gates * units
            weights = (
                Weight((width, gates), "glorot_uniform", self.kernel_l2),
                Weight((units, gates), "orthogonal", self.recurrent_l2),
                Weight((*cell.bias_rows, gates), cell.bias),
            )
            kind = cell.keras_class or cell_type.upper()
            kind = f"Bidirectional({kind})" if self.bidirectional else kind
            width = directions * units
            lead = (self.batch_size, n_steps) if self.keeps_steps(i) else (self.batch_size,)
            name = f"{cell_type}_{i + 1}"
            layers.append(Layer(name, kind, (*lead, width), weights * directions))
        return layers

    def head_layers(self):
        """Return the layers after the pooling: Dense layers, the output, its Reshape."""
        lead = (self.batch_size, self.timesteps) if self.return_sequences else (self.batch_size,)
        stem = "dense" if self.network is None else "head"  # a CustomNetwork may use "dense_1"
        layers, width = [], self.hidden_width + self.n_static
        for i, size in enumerate([*self.dense_sizes, prod(self.output_shape)]):
            name = f"{stem}_{i + 1}" if i < len(self.dense_sizes) else "output"
            weights = (Weight((width, size), "glorot_uniform"), Weight((size,), "zeros"))
            layers.append(Layer(name, "Dense", (*lead, size), weights))
            width = size
        if self.quantiles:
            layers.append(Layer("quantiles", "Stack", (*lead, *self.output_shape)))
        elif len(self.outputs) > 1:
            layers.append(Layer("steps", "Reshape", (*lead, *self.outputs)))
        return layers

    def layers(self):
        """Return the layers in Keras's order, each with its output shape and weights."""
        layers, shape = [], (self.batch_size, self.timesteps, self.timestep_width)
        if self.vocab_size is not None:
            table = Weight((self.vocab_size, self.embedding_dim), "uniform")
            layers.append(Layer(self.embedding_name, "Embedding", shape, (table,)))
        if self.spatial_dropout:
            layers.append(Layer("spatial_dropout", "SpatialDropout1D", shape))
        if self.segment > 1:
            shape = self.batch_size, self.n_steps(self.timesteps), self.input_width
            layers.append(Layer("segments", "Reshape", shape))
        layers += self.recurrent_layers() + self.custom_layers()
        if self.pooling != "last":
            shape = self.batch_size, self.hidden_width
            layers.append(Layer("pooling", POOLINGS[self.pooling], shape))
        if self.n_static:
            shape = self.batch_size, self.hidden_width + self.n_static
            layers.append(Layer("joined", "Concatenate", shape))
        return list(map(self._with_frozen, layers + self.head_layers()))

    def _with_frozen(self, layer):
        """Return a layer; if it is frozen, its weights are neither trained nor penalized."""
        if layer.name not in self.frozen_layers:
            return layer
        frozen = (weight._replace(trainable=False, l2=0.0) for weight in layer.weights)
        return layer._replace(weights=tuple(frozen))

    def weights(self):
        """Return all weights of the network, in Keras's order."""
        return [weight for layer in self.layers() for weight in layer.weights]

    @property
    def n_weights(self):
        """Number of elements of all weights."""
        return sum(layer.n_parameters for layer in self.layers())

    @property
    def trains_embedding(self):
        """Whether there is an Embedding and it is trained."""
        return self.vocab_size is not None and self.embedding_name not in self.frozen_layers

    def trains(self):
        """Return for each weight whether training changes it."""
        return [weight.trainable for weight in self.weights()]

    def trained_weights(self):
        """Return the weights that training changes."""
        return [weight for weight in self.weights() if weight.trainable]

    @property
    def penalized(self):
        """Whether a regularizer adds to the loss."""
        return self.kernel_l2 > 0 or self.recurrent_l2 > 0

    @property
    def gate_width(self):
        """Number of gate values of all recurrent layers at a timestep."""
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

    def multiply_adds(self, timesteps):
        """Return the approximate number of multiply-adds in the forward pass of one sample."""
        layers = self.recurrent_layers() + self.custom_layers()
        per_step = sum(layer.n_parameters for layer in layers)
        of_head = sum(layer.n_parameters for layer in self.head_layers())
        return self.n_steps(timesteps) * per_step + of_head
