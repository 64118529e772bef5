"""Gradients of the NumPy networks, and what they are compared with."""

import math

import numpy as np

from skrnn._network.architecture import Architecture
from skrnn._network.initializers import initial_weights
from skrnn._numpy_engine.network import Network

PLAIN = Architecture(
    cell_types=("lstm",),
    units=(4,),
    bidirectional=False,
    activation="tanh",
    dropout=0.0,
    recurrent_dropout=0.0,
    return_sequences=False,
    dense_sizes=(),
    dense_activation="relu",
    timesteps=5,
    features=3,
    outputs=(2,),
    output_activation="linear",
    vocab_size=None,
    embedding_dim=None,
    masked=False,
    stateful=False,
    batch_size=None,
    dtype="float64",
)


def architecture(**changes):
    return Architecture(**{**vars(PLAIN), **changes})


def inputs(described, n_samples=6, seed=0):
    """Return what a network of this architecture reads, some timesteps absent if it is masked."""
    rng = np.random.default_rng(seed)
    shape = n_samples, described.timesteps
    gone = described.masked & (rng.random(shape) < 0.3)
    if described.vocab_size is not None:
        return np.where(gone, -1, rng.integers(0, described.vocab_size, shape)).astype(np.int32)
    return np.where(gone[:, :, np.newaxis], np.nan, rng.normal(size=(*shape, described.features)))


def n_trained(described):
    return sum(math.prod(weight.shape) for weight in described.trained_weights())


def weighted_output(described, weights, x, direction):
    """Return sum(direction * output), and its gradient with respect to the trained weights.

    What a network drops is the same each time.
    """
    gradient = np.zeros(n_trained(described))
    network = Network(described, weights, len(x), described.timesteps, gradient)
    output = network.forward(x, generator=np.random.default_rng(3))
    of_vectors, _ = network.backward(direction)
    if of_vectors is not None:
        shape = described.weights()[0].shape
        table = gradient[: math.prod(shape)].reshape(shape)
        np.add.at(table, network.batch.ids.ravel(), of_vectors.reshape(-1, shape[1]))
    return float((direction * output).sum()), gradient


def flat_weights(described, seed=0):
    arrays = initial_weights(described, np.random.default_rng(seed))
    flat = np.concatenate(list(map(np.ravel, arrays)), dtype=np.float64)
    return flat + np.random.default_rng(seed).normal(scale=0.1, size=flat.shape)


def slopes(function, point, places=None, step=1e-6):
    """Return central differences of a function of a vector at some of its places, or at all."""
    found = []
    for place in range(len(point)) if places is None else places:
        shift = np.zeros_like(point)
        shift[place] = step
        found.append((function(point + shift) - function(point - shift)) / (2 * step))
    return np.array(found)


def samples_and_weights(described, n_samples=6):
    """Return samples, weights, and the direction along which the output is summed."""
    n_rows = n_samples * (described.timesteps if described.return_sequences else 1)
    direction = np.random.default_rng(1).normal(size=(n_rows, math.prod(described.output_shape)))
    return flat_weights(described), inputs(described, n_samples), direction


def assert_same_output(found, expected, rtol):
    """Compare two results of `weighted_output`."""
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-12)


def check_gradient(described, n_samples=6, n_places=20):
    """Compare the gradient with finite differences, at every place if their number is None."""
    weights, *samples = samples_and_weights(described, n_samples)
    _, gradient = weighted_output(described, weights, *samples)
    assert gradient.shape == (n_trained(described),)
    places = np.arange(n_trained(described))
    if n_places is not None:
        places = np.random.default_rng(2).choice(places, n_places)
    expected = slopes(
        lambda point: weighted_output(described, point, *samples)[0],
        weights,
        places + len(weights) - n_trained(described),  # a table that is not trained comes first
    )
    np.testing.assert_allclose(gradient[places], expected, rtol=1e-6, atol=1e-8)
