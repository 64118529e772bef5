"""Settings that must stand before scientific packages are imported, and before tests interrupt."""

import gc
import os
import signal
import sys

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy one is no failure
settings.load_profile("any machine")
os.environ.setdefault("SCIPY_ARRAY_API", "1")  # else scikit-learn skips one of its checks
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A shell that starts the tests in the background has them ignore what Ctrl-C sends.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Those of these files take longest. They come first: else one worker would end with them, and the
# other would wait.
LONGEST = ("test_custom_network", "test_keras_parity", "test_memory_and_faults")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_collection_finish():
    """Spare the garbage collector what lives as long as the process: to look takes it a second."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def _programs_are_kept():
    """Keep compiled programs as a smaller process would: this one is full of tests' packages."""
    programs = sys.modules.get("skrnn._keras_engine.programs")
    if programs is not None:
        programs.MEMORY_LIMIT = float("inf")


@pytest.fixture
def keras_float64():
    """Let Keras count its losses, and make layers without a dtype, in float64."""
    import keras  # takes seconds

    for setting in (keras.config.set_floatx, keras.config.set_dtype_policy):
        setting("float64")
    yield
    for setting in (keras.config.set_floatx, keras.config.set_dtype_policy):
        setting("float32")
