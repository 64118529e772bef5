"""A network in the form of the kernels: an Architecture's shape, and a workspace."""

from ctypes import byref
from math import prod

import numpy as np

from skrnn._native.library import Batches, Network, Quantiles, blas_product, load, pointer
from skrnn._network.quantiles import increments

CELLS = {"simple_rnn": 0, "lstm": 1, "gru": 2}
ACTIVATIONS = {
    name: i
    for i, name in enumerate("linear relu tanh sigmoid elu selu softplus hard_sigmoid".split())
}
OUTPUT_ACTIVATIONS = ACTIVATIONS | {"softmax": len(ACTIVATIONS), "quantiles": len(ACTIVATIONS) + 1}
POOLINGS = {"last": 0, "mean": 1, "max": 2}
# Products with more multiply-adds per timestep are computed by BLAS.
WIDE = 4e6


class Kernels:
    """The kernels for an Architecture, with flat weights and a workspace.

    With `gradient` they train. It is the gradient of the weights from the first trained layer on.
    """

    def __init__(self, architecture, weights, timesteps, n_batch, gradient=None):
        library, dtype = load(), architecture.dtype
        self.key = architecture, timesteps, n_batch
        self.architecture, self.weights = architecture, weights
        self.train, self.predict = library.train[dtype], library.predict[dtype]
        n_table = (architecture.vocab_size or 0) * (architecture.embedding_dim or 0)
        self.table, self.others = weights[:n_table], weights[n_table:]
        self.network = _network(architecture, self.table, self.others)
        if architecture.quantiles:
            factors, median = increments(architecture.quantiles)
            self.levels, self.factors = np.array([architecture.quantiles, factors], dtype)
            self.network.quantiles = Quantiles(
                len(factors), median, pointer(self.levels), pointer(self.factors)
            )
        self.batches = Batches(n_epochs=1, n_batch=n_batch, timesteps=timesteps)
        self.totals = np.empty(1)
        width = max(architecture.input_width, *architecture.units) * max(architecture.units)
        if 3 * width * n_batch > WIDE:
            self.batches.gemm = blas_product(dtype)
        trains = gradient is not None
        if trains and architecture.dropout:
            self.batches.factors = pointer(weights)  # any pointer: it says that buffers are needed
        n_bytes = library.workspace_bytes[dtype](self.network, self.batches, trains)
        self.workspace = np.zeros(n_bytes + 64, np.uint8)
        self.batches.workspace = (pointer(self.workspace) + 63) // 64 * 64
        self.batches.factors = None
        self.batches.totals = pointer(self.totals)
        self.records = byref(self.network), byref(self.batches)

    def read(self, X, y=None, w=None, rows=None):
        """Set the samples of the next call; they must live until then. `rows` is (epochs, n)."""
        batches = self.batches
        n_epochs, batches.n_rows = (1, len(X)) if rows is None else rows.shape
        if n_epochs != len(self.totals):
            self.totals = np.empty(n_epochs)
            batches.n_epochs, batches.totals = n_epochs, pointer(self.totals)
        batches.x, batches.y, batches.w, batches.rows = map(pointer, (X, y, w, rows))

    def read_loss(self, loss, number):
        self.batches.loss, self.batches.loss_is_mean = number, loss.mean
        self.batches.loss_of_logits = loss.of is not None

    def states(self, recurrent_states):
        """Set the states from which a stateful network continues, and return them flat."""
        if not self.architecture.stateful:
            return None
        flat = np.concatenate(list(map(np.ravel, recurrent_states)))
        self.batches.states = pointer(flat)
        return flat

    def call(self, function, *arguments, most_threads=1):
        """Compute with one thread for each part of a batch, but at most `most_threads`."""
        self.batches.n_threads = min(self.batches.n_parts, most_threads)
        if not function(*self.records, *arguments):
            size = self.architecture.vocab_size
            raise IndexError(f"A token id is out of range for an Embedding of {size} tokens.")


def _network(architecture, table, others):
    dense = [*architecture.dense_sizes, prod(architecture.output_shape)]
    output_activation = "quantiles" if architecture.quantiles else architecture.output_activation
    network = Network(
        n_layers=len(architecture.units),
        bidirectional=architecture.bidirectional,
        activation=ACTIVATIONS[architecture.activation],
        n_dense=len(dense),
        dense_activation=ACTIVATIONS[architecture.dense_activation],
        output_activation=OUTPUT_ACTIVATIONS[output_activation],
        features=architecture.timestep_width,
        segment=architecture.segment,
        n_static=architecture.n_static,
        masked=architecture.masked,
        sequences=architecture.return_sequences,
        pooling=POOLINGS[architecture.pooling],
        vocab_size=architecture.vocab_size or 0,
        trains_table=architecture.trains_embedding,
        table=pointer(table),
        weights=pointer(others),
    )
    cells = [CELLS[cell] for cell in architecture.cell_types]
    frozen = [
        layer.name in architecture.frozen_layers
        for layer in architecture.recurrent_layers() + architecture.head_layers()
        if layer.weights
    ]
    for into, values in (
        (network.cells, cells),
        (network.units, architecture.units),
        (network.dense, dense),
        (network.frozen, frozen),
    ):
        into[: len(values)] = values
    return network
