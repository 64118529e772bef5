"""Initial weights, drawn with NumPy from Keras's default distributions."""

import numpy as np


def glorot_uniform(shape, rng):
    """Glorot and Bengio (2010), AISTATS: uniform within sqrt(6 / (fan_in + fan_out))."""
    limit = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-limit, limit, shape)


def orthogonal(shape, rng):
    """Saxe, McClelland and Ganguli (2014), arXiv:1312.6120: orthonormal rows or columns."""
    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q = q * np.sign(np.diag(r))  # makes the draw uniform over orthogonal matrices
    return q.T if shape[0] < shape[1] else q


def unit_forget(shape, rng):
    """Jozefowicz et al. (2015), ICML: an LSTM's forget gate starts open, with bias 1."""
    bias = np.zeros(shape)
    units = shape[-1] // 4  # an LSTM's gates
    bias[units : 2 * units] = 1.0
    return bias


INITIALIZERS = {
    "glorot_uniform": glorot_uniform,
    "orthogonal": orthogonal,
    "uniform": lambda shape, rng: rng.uniform(-0.05, 0.05, shape),
    "unit_forget": unit_forget,
    "zeros": lambda shape, rng: np.zeros(shape),
}


def initial_weights(architecture, rng, embeddings=None, drawn=()):
    """Return initial weights from Keras's default distributions, drawn with a NumPy generator.

    They are in Keras's order and in the architecture's `variable_dtype`. `embeddings` of shape
    (vocab_size, embedding_dim) replace the draw for the Embedding, without changing the other
    weights. `drawn` are the weights of a CustomNetwork.
    """
    drawn = iter(drawn)
    weights = [
        next(drawn)
        if weight.initializer is None
        else INITIALIZERS[weight.initializer](weight.shape, rng).astype(architecture.variable_dtype)
        for weight in architecture.weights()
    ]
    if embeddings is not None:
        weights[0] = embeddings
    return weights
