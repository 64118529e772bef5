"""Quantiles in Keras: the pinball loss, and outputs in ascending order."""

from math import prod

import keras
import numpy as np

from skrnn._network.quantiles import increments


def pinball(y_true, y_pred, quantiles):
    """Return the pinball loss, averaged over the quantiles and the last axis of the targets.

    Koenker and Bassett 1978, DOI 10.2307/1913643.
    """
    error = y_pred - keras.ops.expand_dims(y_true, -1)
    loss = keras.ops.relu(error) - keras.ops.convert_to_tensor(quantiles, error.dtype) * error
    return keras.ops.mean(loss, axis=(-2, -1))


class Pinball(keras.losses.Loss):
    """The pinball loss of a compiled model; targets of one output may lack its axis."""

    def __init__(self, quantiles):
        super().__init__(name="pinball")
        self.quantiles = quantiles

    def call(self, y_true, y_pred):
        shape = keras.ops.shape(y_pred)[:-1]
        return pinball(keras.ops.reshape(y_true, shape), y_pred, self.quantiles)


def ordered_quantiles(x, architecture):
    """Return quantiles on a last axis: the median of x, and the others by increments from it.

    The units of x are ordered by quantile: all outputs of the first one, then all of the next.
    """
    ops, dtype, outputs = keras.ops, architecture.variable_dtype, architecture.outputs
    factors, median = increments(architecture.quantiles)
    scale = np.repeat(factors, prod(outputs))
    scaled = keras.layers.Rescaling(scale, dtype=dtype, name="increments")(ops.softplus(x))
    steps = ops.split(scaled, len(factors), axis=-1)
    found = [ops.split(x, len(factors), axis=-1)[median]]
    for step in steps[median + 1 :]:
        found.append(found[-1] + step)
    for step in reversed(steps[:median]):
        found.insert(0, found[0] + step)
    x = ops.stack(found, axis=-1)
    if len(outputs) > 1:
        x = keras.layers.Reshape(architecture.output_shape, dtype=dtype, name="steps")(x)
    return x
