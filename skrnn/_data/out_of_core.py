"""Blocks: samples that come part by part, because all of them do not fit into memory."""

import math
from dataclasses import dataclass

import numpy as np

from skrnn._data.samples import Samples
from skrnn._data.sequences import Sequences


class BlockIterator:
    """The caller's blocks, by their number.

    Parameters
    ----------
    blocks : callable, sequence or iterable
        As `fit_batches` takes them.

    Raises
    ------
    TypeError
        If they can be read only once, or not at all.
    """

    def __init__(self, blocks):
        self.blocks = blocks
        self.any_order = hasattr(blocks, "__len__") and hasattr(blocks, "__getitem__")
        iterable = hasattr(blocks, "__iter__") and iter(blocks) is not blocks
        if isinstance(blocks, (dict, str)) or not (callable(blocks) or self.any_order or iterable):
            raise TypeError(
                "`blocks` must be a list of blocks, or a function that returns a new iterator of "
                f"them at each call, got {type(blocks).__name__}. Every epoch reads them anew: of "
                "a generator pass the function that makes it, without calling it."
            )
        self.iterator, self.position = None, math.inf  # not begun
        self.n_blocks = None

    def _begin(self):
        blocks = self.blocks
        self.iterator, self.position = iter(blocks() if callable(blocks) else blocks), 0

    def __iter__(self):
        """Yield every block once, as (X, y, sample_weight)."""
        self._begin()
        while True:
            try:
                yield self._next()
            except StopIteration:
                break
        if self.n_blocks not in (None, self.position):
            raise self._changed()
        self.n_blocks = self.position

    def read(self, number):
        """Return one block as (X, y, sample_weight)."""
        if self.any_order:
            return _checked(self.blocks[number], number)
        if number < self.position:
            self._begin()
        try:
            while self.position < number:
                self._next()
            return self._next()
        except StopIteration:
            raise self._changed() from None

    def _next(self):
        block = _checked(next(self.iterator), self.position)
        self.position += 1
        return block

    def _changed(self):
        return ValueError(
            f"`blocks` must give the same blocks at each call, got {self.position}, "
            f"{self.n_blocks} before."
        )


def _checked(block, number):
    """Return a block as X, y and sample_weight, or refuse it."""
    if not isinstance(block, (tuple, list)) or len(block) not in (2, 3):
        raise TypeError(
            "`blocks` must hold tuples (X, y) or (X, y, sample_weight), got "
            f"{type(block).__name__} as block {number}."
        )
    return *block, *[None] * (3 - len(block))


class BlockReader:
    """Blocks as Samples; the last one that was read is kept.

    Parameters
    ----------
    source : BlockIterator
    samples_of : callable
        Makes Samples of a block's number and its X, y and sample_weight.
    """

    def __init__(self, source, samples_of):
        self.source, self.samples_of = source, samples_of
        self.number = self.samples = None

    def open(self, number):
        if number != self.number:
            self.number = self.samples = None  # two blocks need twice the memory
            self.samples = self.samples_of(number, *self.source.read(number))
            self.number = number
        return self.samples


@dataclass(frozen=True)
class ShapeOnlySequences(Sequences):
    """The shape of sequences that are not in memory: `values` is one number, broadcast."""

    def ends_in_padding(self):
        """Not known without reading all."""
        return False


def outline(shape, *, vocab_size, mask_value, unequal):
    """Return the ShapeOnlySequences of sequences of a shape (n_samples, timesteps, features).

    `vocab_size` 0: they hold no token ids.
    """
    n_samples, timesteps, _ = shape
    value, shape = (np.int64(vocab_size - 1), shape[:2]) if vocab_size else (np.float32(0), shape)
    lengths = np.broadcast_to(np.int32(timesteps), n_samples) if unequal else None
    return ShapeOnlySequences(np.broadcast_to(value, shape), lengths, mask_value)


@dataclass(frozen=True, eq=False)
class BlockSamples(Samples):
    """Samples of all blocks, one block in memory at a time.

    An epoch reads block after block; a batch may hold the last samples of one and the first of
    the next. `sequences` is an ShapeOnlySequences, `targets` and `weights` tell of one block.

    Parameters
    ----------
    reader : BlockReader
    bounds : ndarray of int of shape (n_blocks + 1,)
        The first sample of each block, then their number.
    weighted : bool
        Whether the weights may differ, of samples or of timesteps.
    """

    reader: BlockReader | None = None
    bounds: np.ndarray | None = None
    weighted: bool = False
    spans = None

    @property
    def equally_weighted(self):
        return not self.weighted

    def shuffled(self, order, rng, n_batch):
        """Shuffle the samples of each block, and the blocks where they come in any order."""
        blocks = list(self._by_block(order))
        if self.reader.source.any_order and len(blocks) > 1:
            blocks = [blocks[k] for k in rng.permutation(len(blocks))]
        for _, rows in blocks:
            rng.shuffle(rows)
        order[:] = np.concatenate([rows for _, rows in blocks])
        return order

    def block(self, order):
        parts = [
            self._filled(self.reader.open(number).block(rows - self.bounds[number]))
            for number, rows in self._by_block(order)
        ]
        return parts[0] if len(parts) == 1 else tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _by_block(self, order):
        """Yield the number of each block and its samples, as long as they stand together."""
        start = 0
        while start < len(order):
            number = int(np.searchsorted(self.bounds, order[start], side="right")) - 1
            first, stop = self.bounds[number : number + 2]
            rows = order[start : start + stop - first]
            inside = (rows >= first) & (rows < stop)
            rows = rows if inside.all() else rows[: inside.argmin()]
            yield number, rows
            start += len(rows)

    def _filled(self, arrays):
        """Pad X, and what belongs to its timesteps, to the longest sequence of all blocks."""
        X, y, w = arrays
        missing = self.sequences.timesteps - X.shape[1]
        if missing == 0:
            return arrays

        def fill(array, value):
            widths = [(0, 0), (0, missing), *[(0, 0)] * (array.ndim - 2)]
            return np.pad(array, widths, constant_values=value)

        X = fill(X, -1 if self.sequences.tokens else np.nan)
        return (X, fill(y, 0), fill(w, 0)) if w.ndim == 2 else (X, y, w)
