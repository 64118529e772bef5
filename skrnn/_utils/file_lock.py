"""Lock: an empty file that only one fit at a time can hold; releasing the lock removes it."""

import os
from contextlib import suppress
from io import FileIO

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None


class Lock:
    """A lock on at most one file, until `release`; the system releases it if the process ends.

    After Ctrl-C between any two steps of `take` and `release`, calling `release` leaves neither a
    file nor an open descriptor.
    """

    def __init__(self):
        self._files = []  # the last may be open

    def take(self, path):
        """Lock the file at `path` and return True; return False if another fit holds it."""
        if fcntl is None:
            return True
        while not any(map(_is_ours, self._files)):
            self.release()
            # Opened and listed in one step, which Ctrl-C cannot interrupt.
            self._files.extend(map(FileIO, [path], ["ab"]))
            if not _lock(self._files[-1]):
                self.release()
                return False
        return True

    def release(self):
        """Remove the locked file, if there is one, before another fit can lock it."""
        for file in self._files:
            if not file.closed and _lock(file) and _is_ours(file):
                os.unlink(file.name)
            file.close()
        self._files.clear()


def _lock(file):
    """Lock an open file and return True; return False if it is locked already."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def _is_ours(file):
    """Whether an open file still has its name; its last holder may have removed it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    return False
