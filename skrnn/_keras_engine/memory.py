"""The memory of this process: how much it is, and giving back what is free."""

import ctypes
import gc
import os
import re
from contextlib import suppress

from tensorflow.python.eager.context import context

# Operations whose kernels hold the state of a random stream.
RANDOM = re.compile("Random|Truncated|Parameterized|Multinomial|.*CandidateSampler")


def resident_bytes():
    """Return the memory that this process takes; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def release(*, collect=True):
    """Return freed memory to the system: after a compilation glibc keeps some 80 MB of it.

    With `collect` objects in cycles are freed first, such as Keras models.
    """
    if collect:
        gc.collect()
    with suppress(AttributeError, OSError):  # another libc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def clear_kernels():
    """Drop the kernels of TensorFlow's eager runtime, of which it needs one for each shape.

    It keeps them for the life of the process: some 1 MB for each architecture. Those that are
    needed again are made again. All stay where one of them holds the caller's random stream, which
    would begin again.
    """
    eager = context()
    functions = map(eager.get_function_def, eager.list_function_names())
    if not any(RANDOM.match(node.op) for function in functions for node in function.node_def):
        eager.clear_kernel_cache()
