"""The start of TensorFlow: the check of the process, its threads, and its log.

Keras is not imported here.
"""

import os
import re
import sys
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile
from threading import Lock

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
KINDS = "IWE"  # information, warnings and errors: a level of n hides the first n
# Lines of these kinds in TensorFlow's log, in the newer and the older form, and two related lines.
LOG_LINE = (
    r"^([%(kinds)s][0-9]{4} [0-9:]+\.|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]+\.[0-9]+: [%(kinds)s] "
    r"|WARNING: All log messages before absl::|To enable the following instructions: )"
)
_starting = Lock()
_forked = False


def check_process():
    """Refuse to compute in a process that was forked from one with TensorFlow loaded."""
    if _forked:
        raise RuntimeError(
            "This process was forked from one that uses TensorFlow, so TensorFlow would hang. Use "
            "joblib's default backend 'loky' (n_jobs without a backend), or start processes with "
            "'spawn'."
        )


def _remember_fork():
    global _forked
    _forked = "tensorflow" in sys.modules


os.register_at_fork(after_in_child=_remember_fork)


def share_cores():
    """Limit TensorFlow, before its import, to the threads that joblib gives this process."""
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads is not None:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", threads)


@contextmanager
def quiet_start():
    """Keep TensorFlow's log off standard error, during the import in the context and later.

    A log level in the environment is kept, and applies from the first line on.
    """
    with _starting:
        level = os.environ.get(LEVEL, "3")
        kinds = KINDS[: int(level)] if level.isdecimal() else ""
        if "tensorflow" in sys.modules or not kinds:
            yield
            return
        was_set = LEVEL in os.environ
        os.environ[LEVEL] = level  # read once, at the import
        try:
            with without_log(kinds):
                yield
        finally:
            if not was_set:
                del os.environ[LEVEL]


@contextmanager
def without_log(kinds=KINDS):
    """Hold back standard error inside the context, and write it at the end without the log.

    TensorFlow 2.21 writes six lines before it reads its level. If the process dies inside the
    context, its output is lost; a level of 0 in the environment shows it.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # no standard error, or no folder for a temporary file
            held = stack.enter_context(TemporaryFile())
            stack.callback(_give_back, os.dup(2), held, LOG_LINE % {"kinds": kinds})
            _flush()
            os.dup2(held.fileno(), 2)
        yield


def _give_back(outside, held, log_line):
    _flush()
    os.dup2(outside, 2)
    os.close(outside)
    held.seek(0)
    log_line = re.compile(log_line.encode())
    with open(2, "wb", closefd=False) as stderr:
        stderr.writelines(line for line in held if not log_line.match(line))


def _flush():
    with suppress(AttributeError, OSError, ValueError):  # None, closed, or without `flush`
        sys.stderr.flush()
