"""Processes: TensorFlow cannot work in a forked one, and shares the cores with its neighbours."""

import os
import sys

_forked = False


def check_process():
    """Refuse to compute in a process that was forked from one with TensorFlow loaded.

    Raises
    ------
    RuntimeError
    """
    if _forked:
        raise RuntimeError(
            "This process was forked from one that uses TensorFlow, where TensorFlow would hang. "
            "Use joblib's default backend 'loky' (n_jobs without a backend), or start processes "
            "by 'spawn'."
        )


def share_cores():
    """Keep TensorFlow, not yet imported, to the threads that joblib gives each of its processes."""
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads is not None:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", threads)


def _remember_fork():
    global _forked
    _forked = "tensorflow" in sys.modules


os.register_at_fork(after_in_child=_remember_fork)
