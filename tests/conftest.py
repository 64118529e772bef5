"""Settings that must stand before scientific packages are imported, and before tests interrupt."""

import os
import signal
import sys

import pytest

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # else scikit-learn skips one of its checks
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A shell that starts the tests in the background has them ignore what Ctrl-C sends.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
