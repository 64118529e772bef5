"""How tests measure memory, press Ctrl-C at any moment, and replace a value in a file."""

import dis
import sys
import tracemalloc

from skrnn._utils.file_format import read_file, write_file


def peak_bytes(function):
    """Return how much memory Python allots while a function runs."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def interrupted(function, moment, files=None):
    """Call a function with Ctrl-C at one of the moments when Python looks for it.

    Returns
    -------
    bool
        Whether it had so many moments, in the code of these files if they are given. Those are
        after a call, a jump back, and at the beginning.
    """
    left, previous = moment, {}

    def trace(frame, event, argument):
        nonlocal left
        if files and frame.f_code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            before = previous.get(frame, "RESUME")  # where its first event is
            previous[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            if before.startswith(("CALL", "JUMP_BACKWARD", "RESUME")):
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(outer)
        previous.clear()
    return False


def plant(path, place, value):
    """Replace a value in a file of skrnn, by the keys that lead to it."""
    node = tree = read_file(path)
    *owners, last = [int(key) if key.isdigit() else key for key in place.split(".")]
    for key in owners:
        node = node[key]
    node[last] = value
    write_file(path, tree)
