"""A fitted network in the form that gradients are computed in: float64, vectors for token ids."""

from dataclasses import replace

import numpy as np

# Limits of the number of points at which gradients are computed at a time.
GRADIENT_BYTES, FEWEST_AT_ONCE, MOST_AT_ONCE = 2**26, 7, 448


def plain_network(estimator):
    """Return the Architecture of a network that reads numbers, its weights, and the table of ids.

    It reads the flags of missing features as features. The table is None without an Embedding.
    """
    described, weights, table = estimator._network.architecture, estimator.weights_, None
    changes = {"features": described.width_read, "fills_missing": False, "flagged": ()}
    if described.vocab_size is not None:
        table, *weights = weights
        table = table.astype(np.float64)
        changes |= {"features": described.embedding_dim, "vocab_size": None}
        changes |= {"embedding_dim": None, "frozen_layers": ()}
    return replace(described, dtype="float64", **changes), weights, table


def points_at_once(architecture, timesteps):
    """Return the number of points at which gradients are computed at a time, in bounded memory.

    A timestep holds its input, and about four numbers for each gate.
    """
    of_point = 8 * timesteps * (4 * architecture.gate_width + 2 * architecture.timestep_width)
    return int(np.clip(GRADIENT_BYTES // of_point, FEWEST_AT_ONCE, MOST_AT_ONCE))
