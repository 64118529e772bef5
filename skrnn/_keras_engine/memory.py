"""The memory of this process: its size, and the release of free memory."""

import ctypes
import gc
import os
import re
from contextlib import suppress

from tensorflow.python.eager.context import context

# Operations with kernels that hold the state of a random stream.
RANDOM = re.compile("Random|Truncated|Parameterized|Multinomial|.*CandidateSampler")


def resident_bytes():
    """Return the resident memory of this process; 0 if the system does not report it."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def release(*, collect=True):
    """Return freed memory to the system; after a compilation glibc keeps about 80 MB of it.

    With `collect`, objects in cycles, such as Keras models, are freed first.
    """
    if collect:
        gc.collect()
    with suppress(AttributeError, OSError):  # another libc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def clear_kernels():
    """Drop the kernels of TensorFlow's eager runtime, which are made for each shape.

    TensorFlow keeps them for the life of the process, about 1 MB for each architecture. Dropped
    kernels are made again on demand. None are dropped if one of them holds the caller's random
    stream, because it would restart.
    """
    eager = context()
    functions = map(eager.get_function_def, eager.list_function_names())
    if not any(RANDOM.match(node.op) for function in functions for node in function.node_def):
        eager.clear_kernel_cache()
