"""Engines: which of the two computes a request, by what it asks for and what the machine has."""

import functools
import os
import sys
from itertools import compress
from pathlib import Path

from skrnn import _numpy_engine
from skrnn._architecture import CELLS
from skrnn._process import check_process, share_cores

# Measured on two x86-64 cores: up to 200 units NumPy takes about as long for an epoch as a compiled
# program; for wider LSTMs and GRUs these many operations a second; and seconds to compile a layer.
WIDE = 256
NUMPY_RATE, KERAS_RATE = 60e9, 80e9
COMPILE_SECONDS = 1.4


def keras_engine():
    """Return the Keras engine; TensorFlow is imported here, when it is first needed."""
    check_process()
    share_cores()
    from skrnn import _keras_engine  # takes seconds: whoever does without is spared them

    return _keras_engine


def engine_named(name):
    """Return the engine of that name, "numpy" or "keras"."""
    return _numpy_engine if name == "numpy" else keras_engine()


def clear_cache():
    """Forget compiled programs and networks kept for predictions; the next use makes them anew.

    Fitted estimators are arrays and stay as they are. TensorFlow is not loaded for it.

    Examples
    --------
    >>> import skrnn
    >>> skrnn.clear_cache()
    """
    _numpy_engine.clear()
    loaded = sys.modules.get("skrnn._keras_engine")
    if loaded is not None:
        loaded.clear()


def training_engine(asked, architecture, settings, workload, *, has_callbacks):
    """Return the name of the engine that is to train.

    Parameters
    ----------
    asked : {"auto", "keras", "numpy"}
    architecture : Architecture
    settings : Settings
    workload : (n_samples, timesteps, epochs)
    has_callbacks : bool

    Raises
    ------
    ValueError
        If "numpy" is asked for what it does not have.
    """
    lacks = _numpy_engine.missing(architecture, settings)
    if has_callbacks:
        lacks.append("callbacks")
    if asked == "numpy" and lacks:
        raise ValueError(
            f"`engine='numpy'` does not take {', '.join(lacks)} as given. Use `engine='auto'`, "
            "which turns to Keras where it must."
        )
    if asked != "auto":
        return asked
    return "keras" if lacks or has_gpu() or is_long(architecture, *workload) else "numpy"


def predicting_engine(asked, architecture):
    """Return the name of the engine that is to predict; parameters as in `training_engine`."""
    if asked != "auto":
        return training_engine(asked, architecture, None, None, has_callbacks=False)
    return "keras" if _numpy_engine.missing(architecture) or has_gpu() else "numpy"


def is_long(architecture, n_samples, timesteps, epochs):
    """Whether compiling a training program costs less than it saves in the wide layers.

    A multiply-add of the forward pass stands for six operations: two forward, four backward.
    """
    cells = zip(architecture.cell_types, architecture.units, strict=True)
    wide = [CELLS[cell_type].gates > 1 and units >= WIDE for cell_type, units in cells]
    layers = compress(architecture.recurrent_layers(), wide)
    multiply_adds = timesteps * n_samples * epochs * sum(layer.n_parameters for layer in layers)
    saved = 6.0 * multiply_adds * (1 / NUMPY_RATE - 1 / KERAS_RATE)
    directions = 2 if architecture.bidirectional else 1
    return saved > COMPILE_SECONDS * len(architecture.units) * directions


@functools.cache
def has_gpu():
    """Whether TensorFlow has a GPU; it is asked only where the machine seems to have one."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if sys.platform == "linux" and (hidden or not Path("/dev/nvidia0").exists()):
        return False
    return keras_engine().has_gpu()
