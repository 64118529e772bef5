"""Checkpoints: the file from which a killed fit continues, and the fingerprint of the fit."""

import hashlib
import os
import warnings
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

import numpy as np

from skrnn._data.sequences import underlying_rows
from skrnn._utils.file_format import FileFormatError, read_file, write_file
from skrnn._utils.file_lock import Lock

# Raise it if the content of a checkpoint changes, or if training uses the content differently.
LAYOUT = 2
CONTENT = {"layout": int, "fingerprint": str, "seed": int, "progress": dict}
# Parameters that do not change the result of a fit, or are in the fingerprint in another form.
LEFT_OUT = set("checkpoint_dir checkpoint_every device random_state verbose warm_start".split())
BLOCK_BYTES = 2**20


class NoCheckpoints:
    """No checkpoints, for a fit without `checkpoint_dir`."""

    def settle(self, seed):
        """Return the seed of this fit: the one in the checkpoint, or else `seed`."""
        return seed

    def restore(self, progress):
        """Load the last checkpoint, if there is one, into a TrainingProgress."""

    def keep(self, progress):
        """Write a checkpoint of a TrainingProgress, if one is due."""


class Checkpoints(NoCheckpoints):
    """The checkpoint file of one fit, which no other running fit uses.

    It is written after every `every` epochs. Fits with equal parameters and data have equal
    fingerprints.
    """

    def __init__(self, path, every, fingerprint):
        self.path, self.every, self.fingerprint = path, every, fingerprint
        self._clean()
        self.kept = self._read()

    def settle(self, seed):
        self.seed = seed if self.kept is None else self.kept["seed"]
        return self.seed

    def restore(self, progress):
        kept, self.kept = self.kept, None
        if kept is None:
            return
        try:
            progress.load_state_dict(kept["progress"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self._set_aside(error)

    def keep(self, progress):
        if progress.done % self.every == 0:
            values = LAYOUT, self.fingerprint, self.seed, progress.state_dict()
            write_file(self.path, dict(zip(CONTENT, values, strict=True)))

    def _clean(self):
        """Remove the temporary files that a killed run of this fit left."""
        for part in self.path.parent.glob(f".skrnn-{self.path.name}-*.tmp"):
            part.unlink()

    def _read(self):
        """Return the content of the file; None if it is missing or cannot be used."""
        if not self.path.exists():
            return None
        try:
            tree = read_file(self.path)
        except FileFormatError as error:
            return self._set_aside(error)
        found = tree if isinstance(tree, dict) else {}
        if found.get("layout", LAYOUT) != LAYOUT:
            return self._set_aside(f"its layout is {found['layout']!r}, not {LAYOUT}")
        if {name: type(value) for name, value in found.items()} != CONTENT or found["seed"] < 0:
            return self._set_aside("it is not a checkpoint")
        if found["fingerprint"] != self.fingerprint:
            return self._set_aside("it belongs to another fit")
        return found

    def _set_aside(self, reason):
        aside = self.path.with_name(f"{self.path.name}.unused")
        os.replace(self.path, aside)
        warnings.warn(
            f"The checkpoint {str(self.path)!r} cannot be used: {str(reason).removesuffix('.')}. "
            f"Training restarts from scratch; the file was renamed to {aside.name!r} and can be "
            "removed.",
            UserWarning,
            stacklevel=2,
        )


@contextmanager
def checkpoints_in(folder, every, fingerprint):
    """Yield the Checkpoints of a fit; the folder is created if it is missing.

    The file is removed when the fit finishes or diverges. It stays after an interruption, a crash
    of the machine or a kill.
    """
    folder, lock = os.path.expanduser(folder), Lock()
    try:
        try:
            os.makedirs(folder, exist_ok=True)
            path = _take_one(Path(folder), f"skrnn-{fingerprint[:16]}", lock)
        except (OSError, ValueError) as error:  # ValueError: not a valid path
            raise ValueError(
                "`checkpoint_dir` must be a folder in which files can be written, got "
                f"{folder!r}: {error}. Choose another folder."
            ) from error
        checkpoints = Checkpoints(path, every, fingerprint)
        try:
            yield checkpoints
        except ValueError:
            path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)
    finally:
        try:
            lock.release()
        except BaseException:  # Ctrl-C during the release
            lock.release()
            raise


def _take_one(folder, stem, lock):
    """Return the first path of this fit that no running fit has locked, existing files first."""
    free = (folder / f"{stem}{f'-{i}' if i else ''}.checkpoint" for i in count())
    for path in chain(sorted(folder.glob(f"{stem}*.checkpoint")), free):
        if lock.take(path.with_suffix(".lock")):
            return path


def fingerprint(words, arrays):
    """Return a digest of an object, identified by its `repr`, and of arrays, read in blocks."""
    digest = hashlib.sha256(ascii(words).encode())
    for array in map(np.atleast_1d, arrays):
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        if _overlaps(array):
            array, step = underlying_rows(array)
            digest.update(f"windows, one every {step}".encode())
        at_once = max(1, BLOCK_BYTES // max(1, array[:1].nbytes))
        for start in range(0, len(array), at_once):
            digest.update(np.ascontiguousarray(array[start : start + at_once]))
    return digest.hexdigest()


def _overlaps(array):
    """Whether an array consists of windows that share rows."""
    if array.ndim < 3:
        return False
    sample, row = array.strides[:2]
    return 0 < sample < array.shape[1] * row and sample % row == 0
