"""How tests measure memory, press Ctrl-C at any moment, and replace a value in a file."""

import dis
import gc
import os
import signal
import sys
import threading
import time
import tracemalloc

import pytest

from skrnn._utils.file_format import read_file, write_file


def peak_bytes(function):
    """Return how much memory Python allots while a function runs."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def press_ctrl_c(function, seconds):
    """Call a function, press Ctrl-C after some seconds, and return how long it went on after that.

    Python drops an interrupt that comes within a destructor, so it is pressed again after a while.
    """
    pressed, ended = [], threading.Event()

    def press():
        wait = seconds
        while not ended.wait(wait):
            pressed.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)
            wait = 5

    presser = threading.Thread(target=press)
    try:
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  it may come in either line
            presser.start()
            function()
    finally:
        ended.set()
        presser.join()
    return time.perf_counter() - pressed[0]


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

    outer, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # Python drops an interrupt within a callback of the garbage collector
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(outer)
        previous.clear()
        if collects:
            gc.enable()
    return False


def plant(path, place, value):
    """Replace a value in a file of skrnn, by the keys that lead to it."""
    node = tree = read_file(path)
    *owners, last = [int(key) if key.isdigit() else key for key in place.split(".")]
    for key in owners:
        node = node[key]
    node[last] = value
    write_file(path, tree)
