"""The samples held out for validation, chosen by a splitter of scikit-learn or by y."""

import warnings
from collections import deque
from copy import deepcopy

import numpy as np

from skrnn._data.validation import naming

N_BINS = 10  # of numbers, for a draw that is stratified by them


def read_groups(groups, n_samples):
    """Return the group of each sample as an array in which the bytes of groups differ."""
    values = np.asarray(groups)
    if values.shape != (n_samples,):
        raise ValueError(
            f"`groups` must hold one group for each of {n_samples} samples, got an array of shape "
            f"{values.shape}. Pass a 1-D array in the order of X."
        )
    return values.astype(str) if values.dtype == object else values


def splitter_of(params, groups):
    """Return the splitter in `validation_split`, or None; refuse parameters that contradict it."""
    split, fraction = params.validation_split, params.validation_fraction
    splitter = None if isinstance(split, str) else split
    if splitter is not None and fraction:
        raise ValueError(
            f"`validation_fraction` must be 0 with `validation_split={splitter!r}`, which sets the "
            f"number of samples held out, got {fraction!r}. Leave out one of them."
        )
    if groups is not None and splitter is None:
        raise ValueError(
            "`groups` needs a splitter that keeps groups together, got "
            f"`validation_split={split!r}`. Set it to `GroupShuffleSplit(1, test_size=0.2)`."
        )
    if isinstance(split, str) and not fraction and params.epochs != "auto":
        warnings.warn(
            f"`validation_split={split!r}` holds out nothing without a `validation_fraction`. Set "
            "`validation_fraction`, to 0.1 for example.",
            UserWarning,
            stacklevel=2,
        )
    return splitter


def split_by(splitter, data, y, rng):
    """Return the sorted training and validation positions of a Dataset, from the last split.

    A splitter without a seed gets one from `rng`. Samples of zero weight are split too, and then
    left out.
    """
    splitter = deepcopy(splitter)
    draws = getattr(splitter, "shuffle", True)
    if draws and getattr(splitter, "random_state", 0) is None:
        splitter.random_state = int(rng().integers(2**31))
    n_samples = len(data.sequences)
    groups = {} if data.groups is None else {"groups": data.groups}
    with naming("validation_split"):
        last = deque(splitter.split(data.sequences.values, y, **groups), maxlen=1)
        parts = [np.unique(np.arange(n_samples)[part]) for part in (last[0] if last else ((), ()))]
        parts = [part[np.isin(part, data.positions)] for part in parts]
        if not all(map(len, parts)) or np.intersect1d(*parts).size:
            sizes = " and ".join(str(len(part)) for part in parts)
            raise ValueError(
                f"{splitter!r} must return two parts without common samples, for training and "
                f"validation, got {sizes} samples of {n_samples}. Set its `test_size` or "
                "`n_splits`."
            )
    return parts


def bins_of(values, positions, n_bins):
    """Return an array with the bin of each of these samples' numbers; bins are of equal size."""
    codes = np.zeros(len(values), dtype=np.intp)
    ranks = np.argsort(np.argsort(values[positions], kind="stable"))
    codes[positions] = ranks * n_bins // len(positions)
    return codes
