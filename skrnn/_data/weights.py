"""Sample weights: checked, scaled to near 1, and zero where nothing is learned."""

import numpy as np

from skrnn._data.sequences import binary_unit, padded
from skrnn._data.timestep_targets import cut_to_list, objects_as_list, rows_of_steps
from skrnn._utils.numeric_checks import check_numbers, check_real
from skrnn._utils.sklearn_private import check_sample_weight

SHAPES = "It is (n_samples,), or with `return_sequences` (n_samples, timesteps)."


def read_weights(sample_weight, sequences, *, by_step, dtype, unit=None):
    """Return sample weights near 1, since only their ratios matter; None is a weight of 1 each.

    They are divided by `unit`, as by `rescale_weights`. Their shape is (n_samples,), with `by_step`
    (n_samples, timesteps), where masked timesteps have zero. For a list of sequences they may be a
    list of 1-D arrays.
    """
    n_samples, shape = len(sequences), sequences.values.shape[:2]
    if sample_weight is None:
        one = np.asarray(1 / (unit or 1), dtype=dtype)
        weights = np.broadcast_to(one, n_samples)  # takes no memory
    else:
        check_real(sample_weight, "`sample_weight`")
        if by_step:
            sample_weight = _pad_weights(objects_as_list(sample_weight), sequences)
        check_numbers(sample_weight, "`sample_weight`", SHAPES)
        weights = np.asarray(sample_weight)
        if by_step and weights.ndim == 2:
            if weights.shape != shape:
                raise ValueError(f"`sample_weight` must have shape {shape}, got {weights.shape}.")
            sample_weight, n_samples = weights.ravel(), weights.size
        like = np.broadcast_to(0, n_samples)
        weights = check_sample_weight(sample_weight, like, ensure_non_negative=True)
    if by_step:
        weights = weights.reshape(len(sequences), -1) * sequences.mask()
        if not weights.any():
            raise ValueError(
                "`sample_weight` must be above zero on a timestep that `mask_value` does not mask, "
                "got zero on all of them: there is nothing to learn from."
            )
    return weights if sample_weight is None else rescale_weights(weights, unit)


def _pad_weights(sample_weight, sequences):
    """Return weights of the timesteps of a list as one padded array, and others as they are."""
    if isinstance(sample_weight, (list, tuple)):
        by_sequence = not any(np.ndim(weight) for weight in sample_weight)
    else:
        by_sequence = np.ndim(sample_weight) < 2
    if by_sequence:
        return sample_weight
    if sequences.lengths is None:
        return cut_to_list(sample_weight, sequences)
    rows = rows_of_steps(sample_weight, sequences, "sample_weight")
    for i, row in enumerate(rows):
        check_numbers(row, f"Sample {i} of `sample_weight`")
        if row.ndim > 1:
            raise ValueError(
                "`sample_weight` must hold one weight for each timestep, got the shape "
                f"{row.shape} in sample {i}."
            )
    return padded(rows, sequences.timesteps)


def rescale_weights(weights, unit=None):
    """Return weights divided by a power of two, so that the largest fits any floating dtype.

    `unit` is that power; None: the one at or below the largest weight.
    """
    return weights / np.asarray(binary_unit(weights.max()) if unit is None else unit, weights.dtype)


def check_range(weights, dtype):
    """Refuse weights that a network of this dtype cannot hold."""
    largest = weights.max()
    if not largest <= np.finfo(dtype).max:
        raise ValueError(
            "`sample_weight`, times the weight of the class, must be below "
            f"{np.finfo(dtype).max:.3g} in `partial_fit`, which takes weights as they are given, "
            f"got {largest:.3g}. Divide all weights by a number."
        )


def nonzero_indices(weights, chosen=None):
    """Return which of `chosen`, or of all samples, have a positive weight; None for all of them.

    The weights have the shape (n_samples,) or (n_samples, timesteps).
    """
    positive = weights > 0 if weights.ndim == 1 else (weights > 0).any(axis=1)
    if chosen is not None:
        return chosen[positive[chosen]]
    return None if positive.all() else np.flatnonzero(positive)
