"""BLAS threads: one while many small products run, where more would wait for each other."""

import functools
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0  # how many blocks run now, in all threads
_before = ()  # what was set when the first of them began


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


@contextmanager
def one_blas_thread():
    """Let BLAS use one thread in this block; yield how many it may use outside.

    The setting belongs to the process: the first block to begin changes it, the last one to end
    puts it back.
    """
    global _inside, _before
    with _lock:
        if _inside == 0:
            _before = [library.get_num_threads() for library in libraries()]
            for library in libraries():
                _set_threads(library, 1)
        _inside += 1
    try:
        yield max(_before, default=1)
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for library, n_threads in zip(libraries(), _before, strict=True):
                    _set_threads(library, n_threads)
