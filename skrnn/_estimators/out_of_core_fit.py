"""FitsBatches: the story of a fit on blocks that are read anew in every epoch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from skrnn._data.out_of_core import BlockIterator, BlockReader, BlockSamples, outline
from skrnn._data.sequences import binary_unit
from skrnn._data.validation import check_batches, naming
from skrnn._network.parameters import check_mask_value, settle_vocab_size
from skrnn._training.checkpoints import NoCheckpoints
from skrnn._utils.callback_support import notify_callbacks
from skrnn._utils.rollback import rollback_on_error
from skrnn._utils.sklearn_private import fit_context

if TYPE_CHECKING:
    from typing import Self

    from skrnn._types import Block, Blocks


@dataclass
class BlockStats:
    """What a first look at all blocks finds.

    Parameters
    ----------
    n_samples, longest, vocab_size : int
        The samples, the most timesteps, and one more than the largest token id.
    timesteps : set of int
        Of arrays, and of lists of equally long sequences.
    listed, unequal, weighted : bool
        Whether all blocks are lists; whether one has sequences of unequal lengths, or weights.
    heaviest : float
        The largest weight; without weights it is 1.
    """

    n_samples: int = 0
    longest: int = 0
    vocab_size: int = 0
    timesteps: set = field(default_factory=set)
    listed: bool = True
    unequal: bool = False
    weighted: bool = False
    heaviest: float = 0.0

    def see(self, sequences, weights):
        """Take note of a block; weights None: none were given."""
        self.n_samples += len(sequences)
        self.longest = max(self.longest, sequences.timesteps)
        if sequences.tokens:
            self.vocab_size = max(self.vocab_size, sequences.vocab_size)
        if sequences.lengths is None:
            self.timesteps.add(sequences.timesteps)
        self.listed &= sequences.listed
        self.unequal |= sequences.lengths is not None or (self.listed and len(self.timesteps) > 1)
        self.weighted |= weights is not None
        self.heaviest = max(self.heaviest, 1.0 if weights is None else float(weights.max()))

    def outline(self, n_samples, features, mask_value):
        """Return the ShapeOnlySequences of so many of the samples."""
        shape = (n_samples, self.longest, features)
        return outline(
            shape, tokens=self.vocab_size > 0, mask_value=mask_value, unequal=self.unequal
        )


class FitsBatches:
    """Fits on more samples than fit into memory."""

    input_shape_: tuple[int | None, int]

    @fit_context(prefer_skip_nested_validation=True)
    @notify_callbacks
    @rollback_on_error
    def fit_batches(self, blocks: Blocks, *, validation_data: Block | None = None) -> Self:
        """Train the network on blocks of samples, one of which is in memory at a time.

        What is learned is what `fit` learns from all of them in one array, but for the order of
        the samples: they are shuffled within each block, and with a list of blocks so are the
        blocks. All blocks are read twice before the first epoch, for their shapes and labels and
        for the constants of standardization, and once in each epoch.

        Parameters
        ----------
        blocks : list of blocks, or callable
            A block is a tuple (X, y) or (X, y, sample_weight) of what `fit` takes, not all of it of
            zero weight. A list may be any object with `len` and `[]` that makes its blocks when
            they are asked for, such as :func:`skrnn.window_blocks`. A callable returns a new
            iterator of the same blocks at each call; they come in its order.
        validation_data : tuple (X, y) or (X, y, sample_weight), default=None
            In memory.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `blocks` can be read only once.
        ValueError
            If an argument or parameter is not as required, or if training diverges; the estimator
            is then as it was before. `validation_fraction`, `checkpoint_dir` and
            `class_weight="balanced"` would need all samples at once.

        Examples
        --------
        >>> import numpy as np
        >>> from skrnn import RNNRegressor, window_blocks
        >>> series = np.sin(np.arange(1000) / 7)
        >>> blocks = window_blocks(series, timesteps=20, rows=300)
        >>> regressor = RNNRegressor("gru", 8, epochs=2, random_state=0).fit_batches(blocks)
        >>> regressor.n_epochs_
        2
        """
        self._check_blockwise()
        source = BlockIterator(blocks)
        resume = self.warm_start and hasattr(self, "weights_")
        survey, targets = self._survey(source, resume)
        _, features = self.input_shape_
        shape = survey.outline(survey.n_samples, features, self.mask_value)
        vocab_size = self._architecture.vocab_size if resume else survey.vocab_size or None
        vocab_size = settle_vocab_size(self.vocab_size, vocab_size)
        check_mask_value(self.mask_value, vocab_size)
        self._describe(vocab_size, shape, targets, len(shape), self.epochs, resume)
        given = None if validation_data is None else self._read_validation(validation_data)
        read = partial(self._read_block, float(binary_unit(survey.heaviest)))
        sizes = self._measure(source, read, targets.scaled, resume)
        check_batches(sum(sizes), self._architecture.batch_size, "X")
        samples = BlockSamples(
            survey.outline(sum(sizes), features, self.mask_value),
            targets.values,
            np.ones(()),
            self._scaling,
            self._variable_dtype,
            reader=BlockReader(source, partial(self._samples_of_block, read, sizes)),
            bounds=np.cumsum([0, *sizes]),
            # A timestep that is not there weighs nothing, so batches differ without weights too.
            weighted=survey.weighted or self._weighs_classes or self.return_sequences,
        )
        validation = None if given is None else self._samples(*given)
        checkpoints = NoCheckpoints()
        rng = cache(partial(self._rng, resume, checkpoints))
        tasks = self._epoch_tasks(None, None, None, resume)
        self._train(samples, validation, self.epochs, rng, resume, checkpoints, tasks)
        return self

    def _check_blockwise(self):
        """Refuse parameters that need all samples at once."""
        self._check_in_parts("fit_batches")
        if self.validation_fraction:
            raise ValueError(
                "`validation_fraction` must be 0 in `fit_batches`, which holds no samples out, got "
                f"{self.validation_fraction}. Pass `validation_data`."
            )
        if self.checkpoint_dir is not None:
            raise ValueError(
                "`checkpoint_dir` must be None in `fit_batches`: a checkpoint is known by all "
                f"samples, got {self.checkpoint_dir!r}."
            )

    def _survey(self, source, resume):
        """Look at every block, learn shapes and labels, and return Targets of the last one."""
        if not resume:
            vars(self).pop("_architecture", None)  # of an earlier fit
        survey, features, number = BlockStats(), None, -1
        for number, (X, y, sample_weight) in enumerate(source):
            with naming(f"blocks[{number}]"):
                sequences = self._read_X(X, reset=not resume)
                if features not in (None, sequences.features):
                    raise ValueError(
                        f"`X` must have {features} features for each timestep, as in the blocks "
                        f"before, got {sequences.features}."
                    )
                features = sequences.features
                weights = self._read_weights(sample_weight, sequences, unit=1.0)
                survey.see(sequences, None if sample_weight is None else weights)
                if not resume:
                    self._learn_y(y, sequences, weights > 0, first=number == 0)
        if number < 0:
            raise ValueError("`blocks` must hold at least one block, got none.")
        if len(survey.timesteps) > 1 and not survey.unequal:
            raise ValueError(
                "`blocks` must hold samples of one number of timesteps, got "
                f"{', '.join(map(str, sorted(survey.timesteps)))}. Pass lists of sequences where "
                "their lengths differ."
            )
        if not resume:
            self.input_shape_ = (None if survey.unequal else survey.longest, features)
        return survey, self._encode(y, sequences, weights > 0, reset=False)

    def _measure(self, source, read, scaled, resume):
        """Learn the constants of standardization, and return how many samples of a block count."""
        sizes = []

        def parts():
            for number, block in enumerate(source):
                with naming(f"blocks[{number}]"):
                    part = read(*block)
                sequences, *_, chosen = part
                sizes.append(len(sequences) if chosen is None else len(chosen))
                yield part

        if resume:
            deque(parts(), maxlen=0)
        else:
            self._fit_scaling(parts(), scaled)
        return sizes

    def _read_block(self, unit, X, y, sample_weight):
        """Return what makes Samples of a block, its weights divided by the unit of all blocks."""
        sequences = self._read_X(X, reset=False)
        targets, weights = self._read_y(y, sample_weight, sequences, reset=False, unit=unit)
        return sequences, targets, *self._weighed(weights, targets, unit=1.0)

    def _samples_of_block(self, read, sizes, number, *block):
        with naming(f"blocks[{number}]"):
            samples = self._samples(*read(*block))
        if len(samples) != sizes[number]:
            raise ValueError(
                f"`blocks` must give the same blocks at each call, got {len(samples)} samples in "
                f"block {number}, {sizes[number]} before."
            )
        return samples
