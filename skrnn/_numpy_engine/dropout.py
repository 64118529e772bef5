"""Dropout in the NumPy engine: its factors, zeros or 1 / (1 - rate), and products under them.

Letters in shapes: n samples, F features, U units, G gates; D parts of the columns that each drop
others: one, or each gate.
"""

import numpy as np


def drawn(generator, shape, rate, dtype):
    """Return factors of this shape."""
    kept = generator.random(shape) < 1 - rate
    return (kept / (1 - rate)).astype(dtype)


def recurrent_factors(architecture, generator, spec, n_samples, features, units):
    """Return the factors of a layer's rows [x, h, 1], (D, n, K), the same at every timestep.

    As in Keras, with `recurrent_dropout` each gate has others. None: nothing is dropped.
    """
    dropout, recurrent_dropout = architecture.dropout, architecture.recurrent_dropout
    if generator is None or not (dropout or recurrent_dropout):
        return None
    n_parts = spec.gates if recurrent_dropout else 1
    factors = np.ones((n_parts, n_samples, features + units + 1), architecture.dtype)
    places = slice(0, features), slice(features, -1)
    for place, rate in zip(places, (dropout, recurrent_dropout), strict=True):
        if rate or recurrent_dropout:  # a rate of zero is drawn, too
            part = factors[:, :, place]
            part[...] = drawn(generator, part.shape, rate, part.dtype)
    if recurrent_dropout:
        factors = factors[[*range(spec.gates), *spec.apart]]
    return factors


def product(rows, matrix, factors, out):
    """Write the product of rows (n, K) and a matrix (K, G U)."""
    if factors is None:
        np.dot(rows, matrix, out)
        return
    parts = (np.split(array, len(factors), axis=1) for array in (matrix, out))
    for factor, columns, part in zip(factors, *parts, strict=True):
        part[...] = (rows * factor) @ columns


def matrix_gradient(rows, grad, factors, out):
    """Write the gradient of the matrix, given that of the products of rows (T, n, K)."""
    if factors is None:
        np.dot(rows.reshape(-1, rows.shape[2]).T, grad.reshape(-1, grad.shape[2]), out)
        return
    parts = (np.split(array, len(factors), axis=-1) for array in (grad, out))
    for factor, of_part, into in zip(factors, *parts, strict=True):
        dropped = (rows * factor).reshape(-1, rows.shape[2])
        into[...] = dropped.T @ of_part.reshape(-1, of_part.shape[2])


def input_gradient(columns, grad, factors):
    """Return the gradient of rows, or a part of them, given that of their products.

    `columns` (G U, K) is the matrix transposed, or a part of it, and so are the factors.
    """
    if factors is None:
        return grad @ columns
    parts = np.split(columns, len(factors)), np.split(grad, len(factors), axis=-1)
    return sum(f * (part @ of_part) for f, of_part, part in zip(factors, *parts, strict=True))
