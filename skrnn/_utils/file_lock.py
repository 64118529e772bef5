"""Lock: an empty file that one fit at a time holds, and that is removed when it is released."""

import os
from contextlib import suppress
from io import FileIO

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None


class Lock:
    """At most one file, held until `release`; however a process ends, the system releases it.

    After Ctrl-C between any two steps of `take` and `release`, calling `release` leaves neither a
    file nor an open descriptor.
    """

    def __init__(self):
        self._files = []  # the last may be open

    def take(self, path):
        """Hold the file at `path` and return True; return False if another fit holds it."""
        if fcntl is None:
            return True
        while not any(map(_is_ours, self._files)):
            self.release()
            # Opened and listed in one step, which no Ctrl-C can interrupt.
            self._files.extend(map(FileIO, [path], ["ab"]))
            if not _lock(self._files[-1]):
                self.release()
                return False
        return True

    def release(self):
        """Remove the file if it is held, before another fit can hold it."""
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
    """Whether an open file still has its name: its last holder may have removed it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    return False
