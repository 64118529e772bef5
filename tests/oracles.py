"""What fits are compared with: Keras's own layers, trained by Keras from the same weights."""

import keras
import numpy as np
from recurrent import LAYERS
from sklearn.utils import check_random_state

from skrnn._network.initializers import initial_weights

FLOAT64_RATE = float(np.float32(0.01))  # what an optimizer holds where Keras is not in float64


def assert_same_arrays(ours, theirs, rtol=0.0, atol=0.0):
    """Assert that two lists hold as many arrays, equal bit by bit where no tolerance is given."""
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def first_rng(estimator):
    """Return the generator that the first fit of an estimator with an integer seed began with."""
    seed = check_random_state(estimator.random_state).randint(np.iinfo(np.int32).max)
    return np.random.default_rng([seed, 0])


def first_weights(estimator, rng=None):
    """Return the weights from which the first fit of an estimator began."""
    return initial_weights(estimator._network.architecture, rng or first_rng(estimator))


class MaskedMaximum(keras.layers.Layer):
    """The maximum over the timesteps that a mask keeps, which Keras has no layer for."""

    supports_masking = True

    def call(self, x, mask=None):
        return keras.ops.max(keras.ops.where(mask[..., np.newaxis], x, -1e9), axis=1)

    def compute_mask(self, x, mask=None):
        return None


def native_network(
    cell,
    hidden_size,
    shape,
    *,
    bidirectional=False,
    return_sequences=False,
    vocab_size=None,
    embedding_dim=None,
    embedding_trainable=True,
    mask_value=None,
    pooling="last",
    kernel_l2=0.0,
    recurrent_l2=0.0,
    dense_sizes=(),
    dense_activation=None,
    outputs=1,
    output_activation="linear",
):
    """Return a network of Keras's own layers, wired as a person would wire them."""
    layers, masked = keras.layers, mask_value is not None
    sizes = hidden_size if isinstance(hidden_size, tuple) else (hidden_size,)
    if vocab_size is not None:
        model = keras.Sequential([keras.Input(shape[:1], dtype="int32")])
        given = {"mask_zero": masked, "trainable": embedding_trainable}
        model.add(layers.Embedding(vocab_size, embedding_dim, **given))
    else:
        model = keras.Sequential([keras.Input(shape)])
        if masked:
            model.add(layers.Masking(mask_value))
    for i, size in enumerate(sizes):
        of_each_step = return_sequences or pooling != "last" or i < len(sizes) - 1
        regularizers = {
            "kernel_regularizer": keras.regularizers.L2(kernel_l2),
            "recurrent_regularizer": keras.regularizers.L2(recurrent_l2),
        }
        layer = LAYERS[cell](size, return_sequences=of_each_step, **regularizers)
        model.add(layers.Bidirectional(layer) if bidirectional else layer)
    if pooling == "mean":
        model.add(layers.GlobalAveragePooling1D())
    elif pooling == "max":
        model.add(MaskedMaximum() if masked else layers.GlobalMaxPooling1D())
    for size in dense_sizes:
        model.add(layers.Dense(size, activation=dense_activation))
    model.add(layers.Dense(outputs, activation=output_activation))
    return model


def keras_optimizer(name, learning_rate=0.01, **settings):
    config = {"learning_rate": learning_rate, **settings}
    return keras.optimizers.get({"class_name": name, "config": config})


def keras_fit(model, X, y, loss, optimizer=None, sample_weight=None, **settings):
    """Train with keras.Model.fit, by Adam(0.01) if by nothing else, and return its history."""
    model.compile(optimizer or keras.optimizers.Adam(0.01), loss=loss, run_eagerly=True)
    settings = {"sample_weight": sample_weight, "shuffle": False, "verbose": 0} | settings
    return model.fit(X, y, **settings).history
