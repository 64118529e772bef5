"""BLAS threads: one while many small products run, where more would wait for each other.

`threadpoolctl.threadpool_limits` is not enough. Where two of its blocks overlap in two threads, the
first to end restores the threads while the other runs, and the last one leaves the process with 1.
"""

import functools
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_running = set()  # one token for each block that runs now, in all threads
_before = None  # the numbers of threads when the first of them started, until they are restored


@functools.cache
def libraries():
    """Return the libraries that compute NumPy's products, and SciPy's, those of native networks."""
    return ThreadpoolController().select(user_api="blas").lib_controllers


def _set_threads(library, n_threads):
    """Set the number of threads in any thread: threadpoolctl 3.8 only listens to the first."""
    release = getattr(library, "clear_controlling_thread", lambda force=False: None)
    release(force=True)
    library.set_num_threads(n_threads)
    release()


def _end(token):
    global _before
    with _lock:
        _running.discard(token)
        if _before is None or _running:
            return
        for library, n_threads in zip(libraries(), _before, strict=True):
            _set_threads(library, n_threads)
        _before = None


def core_share():
    """Return how many threads each block that runs now may use, its share of BLAS's; outside 1."""
    with _lock:
        return max(1, max(_before or [1]) // max(1, len(_running)))


@contextmanager
def one_blas_thread():
    """Let BLAS use one thread in this block; yield how many it may use outside.

    The setting belongs to the process: the first block to start changes it, the last one to end
    restores it.
    """
    global _before
    token = object()
    try:
        with _lock:
            _running.add(token)
            if _before is None:
                _before = [library.get_num_threads() for library in libraries()]
            for library in libraries():
                _set_threads(library, 1)
        yield max(_before, default=1)
    finally:
        try:
            _end(token)
        except BaseException:  # Ctrl-C in the middle of it
            _end(token)
            raise
