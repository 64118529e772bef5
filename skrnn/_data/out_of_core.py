"""Blocks of samples, for data that does not fit into memory."""

import math
from dataclasses import dataclass

import numpy as np

from skrnn._data.samples import Samples
from skrnn._data.sequences import Sequences


class BlockIterator:
    """The caller's blocks, by number; TypeError if they cannot be read several times."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.any_order = hasattr(blocks, "__len__") and hasattr(blocks, "__getitem__")
        iterable = hasattr(blocks, "__iter__") and iter(blocks) is not blocks
        if isinstance(blocks, (dict, str)) or not (callable(blocks) or self.any_order or iterable):
            raise TypeError(
                "`blocks` must be a list of blocks, or a function that returns a new iterator of "
                f"them at each call, got {type(blocks).__name__}. Every epoch reads the blocks "
                "again: instead of a generator, pass the generator function, without calling it."
            )
        self.iterator, self.position = None, math.inf  # not started
        self.n_blocks = None

    def _start(self):
        blocks = self.blocks
        self.iterator, self.position = iter(blocks() if callable(blocks) else blocks), 0

    def __iter__(self):
        """Yield every block once, as (X, y, sample_weight)."""
        self._start()
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
            return _unpack(self.blocks[number], number)
        if number < self.position:
            self._start()
        try:
            while self.position < number:
                self._next()
            return self._next()
        except StopIteration:
            raise self._changed() from None

    def _next(self):
        block = _unpack(next(self.iterator), self.position)
        self.position += 1
        return block

    def _changed(self):
        return ValueError(
            f"`blocks` must return the same blocks at each call, got {self.position} blocks, and "
            f"{self.n_blocks} in the call before."
        )


def _unpack(block, number):
    """Return a block as (X, y, sample_weight), or refuse it."""
    if not isinstance(block, (tuple, list)) or len(block) not in (2, 3):
        raise TypeError(
            "`blocks` must hold tuples (X, y) or (X, y, sample_weight), got "
            f"{type(block).__name__} as block {number}. Pass such tuples."
        )
    return *block, *[None] * (3 - len(block))


class BlockReader:
    """Reads blocks as Samples, and caches the last one.

    `samples_of` creates the Samples of a block from its number, X, y and sample_weight.
    """

    def __init__(self, source, samples_of):
        self.source, self.samples_of = source, samples_of
        self.number = self.samples = None

    def open(self, number):
        if number != self.number:
            self.number = self.samples = None  # two blocks would need twice the memory
            self.samples = self.samples_of(number, *self.source.read(number))
            self.number = number
        return self.samples


@dataclass(frozen=True)
class ShapeOnlySequences(Sequences):
    """The shape of sequences that are not in memory: `values` is one number, broadcast."""

    def ends_in_padding(self, segment=1):
        """Return False: the answer is unknown without reading all sequences."""
        return False


@dataclass(frozen=True, eq=False)
class BlockSamples(Samples):
    """Samples of all blocks, one block in memory at a time.

    An epoch reads one block after another. A batch may hold the last samples of one block and the
    first of the next. `sequences` is a ShapeOnlySequences; `targets` and `weights` are those of one
    block.
    """

    reader: BlockReader | None = None
    bounds: np.ndarray | None = None  # the first sample of each block, then n_samples
    weighted: bool = False  # whether weights may differ
    spans = None

    @property
    def equally_weighted(self):
        return not self.weighted

    def shuffle(self, order, rng):
        """Shuffle the samples of each block, and the blocks if they can be read in any order."""
        blocks = list(self._by_block(order))
        if self.reader.source.any_order and len(blocks) > 1:
            blocks = [blocks[k] for k in rng.permutation(len(blocks))]
        for _, rows in blocks:
            rng.shuffle(rows)
        order[:] = np.concatenate([rows for _, rows in blocks])

    def block(self, order):
        parts = [
            self._pad(self.reader.open(number).block(rows - self.bounds[number]))
            for number, rows in self._by_block(order)
        ]
        return parts[0] if len(parts) == 1 else tuple(map(np.concatenate, zip(*parts, strict=True)))

    def _by_block(self, order):
        """Yield for each run of samples from one block the block's number, and the samples."""
        start = 0
        while start < len(order):
            number = int(np.searchsorted(self.bounds, order[start], side="right")) - 1
            first, stop = self.bounds[number : number + 2]
            rows = order[start : start + stop - first]
            inside = (rows >= first) & (rows < stop)
            rows = rows if inside.all() else rows[: inside.argmin()]
            yield number, rows
            start += len(rows)

    def _pad(self, arrays):
        """Pad X, and targets and weights of timesteps, to the longest sequence of all blocks."""
        X, y, w = arrays
        n_padding = self.sequences.timesteps - X.shape[1]
        if n_padding == 0:
            return arrays

        def pad(array, value):
            widths = [(0, 0), (0, n_padding), *[(0, 0)] * (array.ndim - 2)]
            return np.pad(array, widths, constant_values=value)

        X = pad(X, self.sequences.absent)
        return (X, pad(y, 0), pad(w, 0)) if w.ndim == 2 else (X, y, w)
