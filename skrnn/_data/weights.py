"""Sample weights: checked, scaled to near 1, and zero for masked timesteps."""

import numpy as np

from skrnn._data.sequences import binary_unit, padded
from skrnn._data.timestep_targets import cut_to_list, objects_as_list, rows_of_steps
from skrnn._utils.numeric_checks import check_numbers, check_real
from skrnn._utils.sklearn_private import check_sample_weight

SHAPES = "Pass an array (n_samples,), or with `return_sequences` (n_samples, timesteps)."


def read_weights(sample_weight, sequences, *, by_step, dtype, unit=None):
    """Return sample weights near 1, because only their ratios matter; None: a weight of 1 each.

    They are divided by `unit`, as in `rescale_weights`. The shape is (n_samples,). With `by_step`
    it is (n_samples, timesteps), with zero for masked timesteps. For a list of sequences
    `sample_weight` may be a list of 1-D arrays.
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
                raise ValueError(
                    f"`sample_weight` must have the shape {shape}, got {weights.shape}. {SHAPES}"
                )
            sample_weight, n_samples = weights.ravel(), weights.size
        like = np.broadcast_to(0, n_samples)
        weights = check_sample_weight(sample_weight, like, ensure_non_negative=True)
    if by_step:
        weights = weights.reshape(len(sequences), -1) * sequences.mask()
        if not weights.any():
            raise ValueError(
                "`sample_weight` must be above zero for at least one timestep that is not masked, "
                "got zero for all of them. Check `mask_value` and the weights."
            )
    return weights if sample_weight is None else rescale_weights(weights, unit)


def _pad_weights(sample_weight, sequences):
    """Return weights of the timesteps of a list as one padded array, and others unchanged."""
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
                "`sample_weight` must hold one weight for each timestep, got an array of shape "
                f"{row.shape} in sample {i}. Pass a 1-D array for each sample."
            )
    return padded(rows, sequences.timesteps)


def rescale_weights(weights, unit=None):
    """Return weights divided by a power of two, so that the largest fits any floating dtype.

    `unit` is that power of two. None: the largest that is not above the largest weight.
    """
    return weights / np.asarray(binary_unit(weights.max()) if unit is None else unit, weights.dtype)


def check_range(weights, dtype):
    """Refuse weights that a network of this dtype cannot hold."""
    largest = weights.max()
    if not largest <= np.finfo(dtype).max:
        raise ValueError(
            "`sample_weight`, times the weight of the class, must be below "
            f"{np.finfo(dtype).max:.3g} in `partial_fit`, which does not scale weights, got "
            f"{largest:.3g}. Divide all weights by a number."
        )


def nonzero_indices(weights, chosen=None):
    """Return the samples of `chosen`, or of all, with positive weight; None if all have it.

    The weights have the shape (n_samples,) or (n_samples, timesteps).
    """
    positive = weights > 0 if weights.ndim == 1 else (weights > 0).any(axis=1)
    if chosen is not None:
        return chosen[positive[chosen]]
    return None if positive.all() else np.flatnonzero(positive)
