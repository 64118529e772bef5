"""A fit on blocks of samples that are read again in every epoch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from skrnn._data.out_of_core import BlockIterator, BlockReader, BlockSamples, ShapeOnlySequences
from skrnn._data.sequences import binary_unit
from skrnn._data.validation import check_batches, naming
from skrnn._data.weights import nonzero_indices, read_weights
from skrnn._estimators.training import (
    draw_rng,
    epoch_tasks,
    fit_config,
    read_schedule,
    train_network,
)
from skrnn._network.architecture import VARIABLE_DTYPES
from skrnn._training.checkpoints import NoCheckpoints


@dataclass
class BlockStats:
    """Statistics that the first pass over all blocks collects."""

    segment: int = 1  # of sequences of unequal lengths
    n_samples: int = 0
    longest: int = 0
    vocab_size: int = 0  # one more than the largest token id
    static_columns: tuple = ()
    fills_missing: bool = False
    flagged: tuple = ()  # features that are missing in some block
    timesteps: set = field(default_factory=set)  # of arrays, and of lists of equal lengths
    all_lists: bool = True  # whether all blocks are lists
    unequal: bool = False  # whether a block has sequences of unequal lengths
    weighted: bool = False  # whether a block has weights
    heaviest: float = 0.0  # the largest weight; without weights 1

    def add(self, sequences, weights):
        """Add a block; `weights` is None if none were given."""
        self.n_samples += len(sequences)
        self.longest = max(self.longest, sequences.timesteps)
        self.static_columns = sequences.static_columns
        self.fills_missing = sequences.fills_missing
        self.flagged = tuple(sorted({*self.flagged, *sequences.flagged}))
        if sequences.tokens:
            self.vocab_size = max(self.vocab_size, sequences.vocab_size)
        if sequences.lengths is None:
            self.timesteps.add(sequences.timesteps)
        self.all_lists &= sequences.is_list
        several_lengths = self.all_lists and len(self.timesteps) > 1
        self.unequal |= sequences.lengths is not None or several_lengths
        self.weighted |= weights is not None
        self.heaviest = max(self.heaviest, 1.0 if weights is None else float(weights.max()))

    def sequences(self, n_samples, features, mask_value):
        """Return the ShapeOnlySequences of a number of samples."""
        timesteps = self.longest
        if self.unequal:
            timesteps = -(-timesteps // self.segment) * self.segment
        value, shape = np.float32(0), (n_samples, timesteps, features)
        if self.vocab_size:
            value, shape = np.int64(self.vocab_size - 1), shape[:2]
        lengths = np.broadcast_to(np.int32(timesteps), n_samples) if self.unequal else None
        return ShapeOnlySequences(
            np.broadcast_to(value, shape),
            lengths,
            mask_value,
            static_columns=self.static_columns,
            fills_missing=self.fills_missing,
            flagged=self.flagged,
        )


def fit_out_of_core(estimator, blocks, validation_data):
    """Train an estimator as described in `fit_batches`; the caller rolls back a failure."""
    _check_parameters(estimator)
    source = BlockIterator(blocks)
    resume = estimator.warm_start and hasattr(estimator, "weights_")
    stats, targets = _read_stats(estimator, source, resume)
    _, features = estimator.input_shape_
    schedule = read_schedule(estimator, stats.n_samples, validation_data, whole=False)
    config = fit_config(estimator, resume, schedule)
    sequences = stats.sequences(stats.n_samples, features, estimator.mask_value)
    engine = estimator._describe(sequences, targets, stats.n_samples, config)
    validation = estimator._read_validation(validation_data)
    read = partial(_read_block, estimator, float(binary_unit(stats.heaviest)))
    sizes, mean_weight = _measure(estimator, source, read, targets, resume)
    n_samples = sum(sizes)
    check_batches(n_samples, estimator._network.architecture.batch_size, "X")
    samples = BlockSamples(
        stats.sequences(n_samples, features, estimator.mask_value),
        targets.values,
        np.ones(()),
        estimator._network.scaling,
        estimator._network.architecture.variable_dtype,
        reader=BlockReader(source, partial(_samples_of_block, estimator, read, sizes, mean_weight)),
        bounds=np.cumsum([0, *sizes]),
        # Masked timesteps have zero weight, so batches can differ without weights too.
        weighted=stats.weighted or estimator._weighs_classes or estimator.return_sequences,
    )
    checkpoints, tasks = NoCheckpoints(), epoch_tasks(estimator, config)
    rng = partial(draw_rng, estimator, config, checkpoints)

    def datasets():
        return (read(*block) for block in source)

    train_network(estimator, engine, samples, validation, config, rng, checkpoints, tasks, datasets)
    return estimator


def _check_parameters(estimator):
    """Refuse parameters that need all samples at once."""
    estimator._check_in_parts("fit_batches")
    if estimator.validation_fraction:
        raise ValueError(
            "`validation_fraction` must be 0 in `fit_batches`, which holds out no samples, got "
            f"{estimator.validation_fraction}. Pass `validation_data`."
        )
    if estimator.validation_split is not None:
        raise ValueError(
            "`validation_split` must be None in `fit_batches`, which holds out no samples, got "
            f"{estimator.validation_split!r}. Pass `validation_data`."
        )
    if estimator.checkpoint_dir is not None:
        raise ValueError(
            f"`checkpoint_dir` must be None in `fit_batches`, got {estimator.checkpoint_dir!r}: a "
            "checkpoint is identified by all samples at once. Use `fit` for checkpoints."
        )


def _read_stats(estimator, source, resume):
    """Read every block, learn shapes and labels; return stats, and Targets of the last block."""
    if not resume:
        vars(estimator).pop("_network", None)  # of an earlier fit
    stats = BlockStats(estimator._segment_of_any_length(reset=not resume))
    features, learned, number = None, None, -1
    for number, (X, y, sample_weight) in enumerate(source):
        with naming(f"blocks[{number}]"):
            if number:
                estimator._compare_names(X)
            sequences = estimator._read_X(X, reset=not resume)
            if features not in (None, sequences.features):
                raise ValueError(
                    f"`X` must have {features} features for each timestep, as in earlier blocks, "
                    f"got {sequences.features}. Give all blocks the same columns."
                )
            features = sequences.features
            by_step, dtype = bool(estimator.return_sequences), VARIABLE_DTYPES[estimator.dtype]
            weights = read_weights(sample_weight, sequences, by_step=by_step, dtype=dtype, unit=1.0)
            stats.add(sequences, None if sample_weight is None else weights)
            if not resume:
                learned = estimator._learn_y(y, sequences, weights > 0, learned)
    if number < 0:
        raise ValueError("`blocks` must hold at least one block, got none. Pass a list of blocks.")
    if len(stats.timesteps) > 1 and not stats.unequal:
        raise ValueError(
            "`blocks` must hold samples with the same number of timesteps, got "
            f"{', '.join(map(str, sorted(stats.timesteps)))}. Pass lists of sequences if their "
            "lengths differ."
        )
    if not resume:
        estimator.input_shape_ = (None if stats.unequal else stats.longest, features)
    return stats, estimator._encode(y, sequences, weights > 0, reset=False)


def _measure(estimator, source, read, targets, resume):
    """Learn the constants of standardization; return the sizes of blocks and the mean weight."""
    sizes, totals = [], []

    def parts():
        for number, block in enumerate(source):
            with naming(f"blocks[{number}]"):
                part = read(*block)
            sizes.append(len(part))
            totals.append(part.weight_and_count())
            yield part

    if resume:
        deque(parts(), maxlen=0)
    else:
        estimator._fit_scaling(parts(), targets)
    weight, count = np.sum(totals, axis=0)
    return sizes, weight / count


def _read_block(estimator, unit, X, y, sample_weight):
    """Return the Dataset of a block; its weights are divided by the unit of all blocks."""
    data = estimator._read(X, y, sample_weight, reset=False, unit=unit)
    weights = estimator._weigh(data)
    return replace(data, weights=weights, positions=nonzero_indices(weights, data.positions))


def _samples_of_block(estimator, read, sizes, mean_weight, number, *block):
    with naming(f"blocks[{number}]"):
        samples = read(*block).divided(mean_weight).samples(estimator._network)
    if len(samples) != sizes[number]:
        raise ValueError(
            f"`blocks` must return the same blocks at each call, got {len(samples)} samples in "
            f"block {number}, and {sizes[number]} in the call before. Do not shuffle or draw rows "
            "inside it."
        )
    return samples
