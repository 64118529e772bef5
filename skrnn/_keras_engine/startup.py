"""Chatter: what TensorFlow says of itself when it starts, kept from standard error."""

import os
import re
import sys
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from subprocess import DEVNULL, PIPE, Popen
from tempfile import NamedTemporaryFile
from threading import Lock

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
KINDS = "IWE"  # information, warnings and errors: a level leaves out so many of these, 3 all
# Lines of these kinds in TensorFlow's log, in its newer form and its older one, and two that stand
# among them; as sed reads it too.
CHATTER = (
    r"^([%(kinds)s][0-9]{4} [0-9:]+\.|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]+\.[0-9]+: [%(kinds)s] "
    r"|WARNING: All log messages before absl::|To enable the following instructions: )"
)
# TensorFlow may abort the process (a CPU without AVX, a library loaded twice), and what it says of
# that is held back then. A shell, which waits for a line, writes it out when the line never comes.
LAST_WORDS = 'read line || { sed -E "/$1/d" "$0" >&2; rm -f "$0"; }'
_starting = Lock()


@contextmanager
def quiet_start():
    """Keep the log of TensorFlow, which is imported inside, from standard error, then and later.

    A level of the log that stands in the environment stays, and is kept to from the first line on.
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
            with without_chatter(kinds):
                yield
        finally:
            if not was_set:
                del os.environ[LEVEL]


@contextmanager
def without_chatter(kinds=KINDS):
    """Hold back what is written to standard error inside, and write it at the end but for chatter.

    Some lines come before TensorFlow looks at its level.
    """
    with ExitStack() as stack:
        try:
            held = stack.enter_context(NamedTemporaryFile())
            outside = os.dup(2)
        except OSError:
            pass  # no standard error, or no place for a file
        else:
            chatter = CHATTER % {"kinds": kinds}
            stack.callback(_give_back, outside, held, chatter)
            stack.callback(_last_words(outside, held, chatter))
            _flush()
            os.dup2(held.fileno(), 2)
        yield


def _last_words(outside, held, chatter):
    """Start the shell, and return what ends it."""
    try:
        shell = Popen(
            ["sh", "-c", LAST_WORDS, held.name, chatter],
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=outside,
        )
    except OSError:  # no shell, as on Windows
        return lambda: None
    return partial(shell.communicate, b"\n")


def _give_back(outside, held, chatter):
    _flush()
    os.dup2(outside, 2)
    os.close(outside)
    held.seek(0)
    chatter = re.compile(chatter.encode())
    with open(2, "wb", closefd=False) as stderr:
        stderr.writelines(line for line in held if not chatter.match(line))


def _flush():
    with suppress(AttributeError, OSError, ValueError):  # None, closed, or one that only writes
        sys.stderr.flush()
