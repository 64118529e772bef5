"""What fits are compared with: Keras's own layers, trained by Keras from the same weights."""

from types import SimpleNamespace

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
    described, given = estimator._network.architecture, estimator.embedding_init
    return initial_weights(described, rng or first_rng(estimator), given)


class MaskedMaximum(keras.layers.Layer):
    """The maximum over the timesteps that a mask keeps, which Keras has no layer for."""

    supports_masking = True

    def call(self, x, mask=None):
        return keras.ops.max(keras.ops.where(mask[..., np.newaxis], x, -1e9), axis=1)

    def compute_mask(self, x, mask=None):
        return None


def native_network(estimator, shape, outputs=1, output_activation="linear", **changes):
    """Return a network of Keras's own layers, wired as a person would wire them.

    It has the parameters of a fitted estimator, except for the changes, and its first weights.
    """
    layers, of = keras.layers, SimpleNamespace(**estimator.get_params() | changes)
    masked = of.mask_value is not None
    if of.vocab_size is not None:
        model = keras.Sequential([keras.Input(shape[:1], dtype="int32")])
        given = {"mask_zero": masked, "trainable": of.embedding_trainable}
        model.add(layers.Embedding(of.vocab_size, of.embedding_dim, **given))
    else:
        batch_size = of.batch_size if of.stateful else None
        model = keras.Sequential([keras.Input(shape, batch_size)])
        if masked:
            model.add(layers.Masking(of.mask_value))
    sizes = of.hidden_size if isinstance(of.hidden_size, tuple) else (of.hidden_size,)
    for i, size in enumerate(sizes):
        of_each_step = of.return_sequences or of.pooling != "last" or i < len(sizes) - 1
        layer = LAYERS[of.cell_type](
            size,
            kernel_regularizer=keras.regularizers.L2(of.kernel_l2),
            recurrent_regularizer=keras.regularizers.L2(of.recurrent_l2),
            dropout=of.dropout,
            recurrent_dropout=of.recurrent_dropout,
            return_sequences=of_each_step,
            stateful=of.stateful,
        )
        model.add(layers.Bidirectional(layer) if of.bidirectional else layer)
    if of.pooling == "mean":
        model.add(layers.GlobalAveragePooling1D())
    elif of.pooling == "max":
        model.add(MaskedMaximum() if masked else layers.GlobalMaxPooling1D())
    for size in of.dense_sizes:
        model.add(layers.Dense(size, activation=of.dense_activation))
    model.add(layers.Dense(outputs, activation=output_activation))
    model.set_weights(first_weights(estimator))
    names = [layer.name for layer in estimator._network.architecture.layers() if layer.weights]
    weighted = [layer for layer in model.layers if layer.weights]
    for name, layer in zip(names, weighted, strict=True):
        if name in of.frozen_layers:
            layer.trainable = False
    return model


def keras_optimizer(name, learning_rate=FLOAT64_RATE, **settings):
    config = settings if learning_rate is None else {"learning_rate": learning_rate, **settings}
    return keras.optimizers.get({"class_name": name, "config": config})


def keras_fit(model, X, y, loss="mse", optimizer=None, **settings):
    """Train with keras.Model.fit, by Adam if by nothing else, and return its history."""
    model.compile(optimizer or keras_optimizer("adam"), loss=loss, run_eagerly=True)
    return model.fit(X, y, **{"shuffle": False, "verbose": 0} | settings).history


def assert_equal_keras(fits, X, y, loss="mse", optimizer=None, output=None, **settings):
    """Compare estimators, fitted alike, with a network that keras.Model.fit trains as they were.

    Its losses, weights and predictions are theirs, nearly as far as floats tell. `y` is what Keras
    reads, and `output` what its last layer is.
    """
    tolerance = 1e-9 if fits[0].dtype == "float64" else 1e-4
    model = native_network(fits[0], X.shape[1:], **output or {})
    settings = {"batch_size": fits[0].batch_size, "epochs": fits[0].epochs} | settings
    curves = keras_fit(model, X, y, loss, optimizer, **settings)
    expected = model(X).numpy()
    for fitted in fits:
        for name, curve in curves.items():
            np.testing.assert_allclose(fitted.history_[name], curve, rtol=tolerance)
        assert_same_arrays(fitted.weights_, model.get_weights(), tolerance, tolerance)
        found = getattr(fitted, "predict_proba", fitted.predict)(X)
        if hasattr(fitted, "predict_proba") and expected.shape[-1] == 1:
            found = found[:, 1]  # of the two classes
        found = found.reshape(expected.shape)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
