"""Forked processes: TensorFlow's threads stay behind in the parent, and its calls would hang."""

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


def _remember_fork():
    global _forked
    _forked = "tensorflow" in sys.modules


os.register_at_fork(after_in_child=_remember_fork)
