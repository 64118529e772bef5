"""Gradients of a network's outputs with respect to its input, with TensorFlow."""

import tensorflow as tf

from skrnn._keras_engine.network import build_network


def output_gradients(architecture, weights):
    """Return a function like that of the NumPy engine; all its calls share one network."""
    model = build_network(architecture, cudnn=False)
    model.set_weights(weights)

    def run(x, directions):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = tf.reshape(model(x, training=False), tf.shape(directions))
            values = tf.reduce_sum(directions * outputs, axis=1)
        return values, tape.gradient(values, x)

    shape, dtype = model.inputs[0].shape, architecture.variable_dtype
    signature = [tf.TensorSpec(shape, dtype), tf.TensorSpec([None, None], dtype)]
    traced = tf.function(run, autograph=False, input_signature=signature)

    def gradients(x, directions):
        return [part.numpy() for part in traced(x.astype(dtype), directions.astype(dtype))]

    return gradients
