"""BLAS threads: one while many small products run, where more would wait for each other."""

import functools
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_running = set()  # one token for each block that runs now, in all threads
_before = None  # what was set when the first of them began, until it is set again


@functools.cache
def libraries():
    """Return the libraries that compute NumPy's products; SciPy's own computes nothing here."""
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library for library in found if "scipy.libs" not in library.filepath]


def _set_threads(library, n_threads):
    """Set the number of threads, whichever thread asks: threadpoolctl 3.8 listens to the first."""
    release = getattr(library, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)
    library.set_num_threads(n_threads)
    if release is not None:
        release()


def _begin(token):
    global _before
    with _lock:
        _running.add(token)
        if _before is None:
            _before = [library.get_num_threads() for library in libraries()]
        for library in libraries():
            _set_threads(library, 1)


def _end(token):
    global _before
    with _lock:
        _running.discard(token)
        if _before is None or _running:
            return
        for library, n_threads in zip(libraries(), _before, strict=True):
            _set_threads(library, n_threads)
        _before = None


@contextmanager
def one_blas_thread():
    """Let BLAS use one thread in this block; yield how many it may use outside.

    The setting belongs to the process: the first block to begin changes it, the last one to end
    puts it back.
    """
    token = object()
    try:
        _begin(token)
        yield max(_before, default=1)
    finally:
        try:
            _end(token)
        except BaseException:  # of Ctrl-C in the middle of it
            _end(token)
            raise
