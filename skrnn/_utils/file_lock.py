"""Lock: an empty file that one fit alone holds, and that is gone when it has let go."""

import os
from contextlib import suppress
from io import FileIO

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None


class Lock:
    """At most one file, held until `release`; however a process ends, the system lets go of it.

    Ctrl-C may come between any two steps of `take` and `release`: a `release` afterwards leaves
    neither a file nor an open descriptor.
    """

    def __init__(self):
        self._files = []  # the last may be open

    def take(self, path):
        """Return whether the file at `path` is held now, which no living fit held."""
        if fcntl is None:
            return True
        while not any(map(_is_ours, self._files)):
            self.release()
            # In one step, between which and a name of the file no Ctrl-C can come.
            self._files.extend(map(FileIO, [path], ["ab"]))
            if not _lock(self._files[-1]):
                self.release()
                return False
        return True

    def release(self):
        """Remove the file if it is held, before another fit can hold it; else do nothing."""
        for file in self._files:
            if not file.closed and _lock(file) and _is_ours(file):
                os.unlink(file.name)
            file.close()
        self._files.clear()


def _lock(file):
    """Return whether no other has locked an open file; it is locked then."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def _is_ours(file):
    """Return whether an open file still stands under its name; its last holder may remove it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    return False
