"""Engines: their common protocol, and the choice of one for a request."""

from __future__ import annotations

import functools
import os
import re
import sys
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from skrnn._keras_engine.startup import check_process, quiet_start, share_cores
from skrnn._native import engine as _native_engine
from skrnn._native.library import load as native_library
from skrnn._network.cells import CELLS
from skrnn._numpy_engine import engine as _numpy_engine

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from skrnn._data.samples import Samples
    from skrnn._data.scaling import Scaling
    from skrnn._data.sequences import Sequences
    from skrnn._network.architecture import Architecture
    from skrnn._network.state import State
    from skrnn._types import Array

# Measured on two x86-64 cores. Up to 200 units an epoch takes NumPy about as long as a compiled
# program. For wider LSTMs and GRUs: operations per second, and seconds to compile a layer.
WIDE = 256
NUMPY_RATE, KERAS_RATE = 60e9, 80e9
COMPILE_SECONDS = 1.4
# The engines that do not need Keras, in order of preference.
ENGINES = {"native": _native_engine, "numpy": _numpy_engine}
# Files in /dev of a driver for GPUs: NVIDIA's, Windows's for its Linux, AMD's.
GPU_FILES = "nvidia[0-9]*", "dxg", "kfd"


class TrainingSession(Protocol):
    """Samples in the form in which an engine trains on them.

    The constructor takes (architecture, settings, samples): Architecture, Settings, Samples.
    """

    samples: Samples
    epochs_at_once: int  # 1, or the number of epochs that a call of `run_epochs` should train

    def begin(self, weights: list, optimizer_state: list | None, seed: int) -> State:
        """Return the State from which training begins.

        `optimizer_state` None: a new one. `seed` is the seed of dropout.
        """

    def set_rate(self, state: State, rate: float) -> State:
        """Return the State with a learning rate, which is used until another one is set."""

    def run_epoch(self, state: State, order: Array) -> tuple[State, float]:
        """Train on every sample once, in the given order.

        Returns the new State, and the mean of the batches' losses weighted by their size. The
        function is pure: it does not change the given State.
        """

    def evaluate(self, weights: list, samples: Samples) -> float:
        """Return the loss of other Samples: sum(w l) / sum(w) over all, plus the penalties."""


class EpochsAtOnce(TrainingSession, Protocol):
    """A TrainingSession with an `epochs_at_once` that may be more than 1."""

    def run_epochs(
        self, state: State, orders: Array, rates: list[float] | None = None
    ) -> tuple[State, list[float]]:
        """Train for one epoch in each order of (epochs, samples); return the loss of each epoch.

        `rates` holds the learning rate of each epoch; None: the rate of the State.
        """


class Engine(Protocol):
    """The interface of a module that computes networks. Its functions store nothing of a fit."""

    NAME: str  # the value of the parameter `engine` that selects it
    TrainingSession: type[TrainingSession]

    def training_scope(self, device: str) -> AbstractContextManager:
        """Return a context for training on a device, named as in the parameter `device`."""

    def device_names(self, device: str) -> tuple[str, ...]:
        """Return the names of the devices that the parameter `device` selects here."""

    def predict(
        self,
        architecture: Architecture,
        weights: list,
        sequences: Sequences,
        scaling: Scaling,
        *,
        device: str,
        recurrent_states: list | None = None,
        hidden: tuple[bool, bool] | None = None,
    ) -> tuple[list, list]:
        """Return the network's raw outputs, or hidden states, and the final recurrent states.

        A stateful network continues from `recurrent_states`; None: zeros. `hidden` holds
        `return_sequences` and `return_state` of the last recurrent layer; None: the output of the
        network. The outputs are a list: one array, or with states the output first.
        """

    def clear(self) -> None:
        """Free everything that is cached for later calls."""


def keras_engine():
    """Return the Keras engine; the first call imports TensorFlow."""
    check_process()
    share_cores()
    with quiet_start() if "skrnn._keras_engine.engine" not in sys.modules else nullcontext():
        from skrnn._keras_engine import engine  # takes seconds, so only on demand
    return engine


class KerasFirst:
    """Starts Keras when it is unpickled, because later objects in the pickle may import Keras.

    Such an import would set neither the threads of this process nor the level of TensorFlow's log.
    """

    def __reduce__(self):
        return _start_keras, ()


def _start_keras():
    if "keras" not in sys.modules:
        keras_engine()


def clear_cache() -> None:
    """Free compiled programs and cached networks; the next use creates them again.

    Use it to release memory after fits of many different networks. Fitted estimators hold arrays
    and are not affected. TensorFlow is not loaded.

    Examples
    --------
    >>> import skrnn
    >>> skrnn.clear_cache()
    """
    _numpy_engine.clear()
    _native_engine.clear()
    loaded = sys.modules.get("skrnn._keras_engine.engine")
    if loaded is not None:
        loaded.clear()


def training_engine(asked, device, architecture, settings, workload, *, has_callbacks):
    """Return the Engine that will train; `workload` is (n_samples, timesteps, epochs).

    "auto" is the first of native, NumPy and Keras that supports the request. It is Keras if there
    is a GPU, or if training is long enough that compiling a program pays. ValueError if a named
    engine does not support the request, the device is missing, or Keras rejects the settings.
    """
    check_word(device)
    by_keras = ["callbacks"] if has_callbacks else []
    if device not in ("auto", "cpu"):
        by_keras.append(f"device={device!r}")
    able = []
    for engine in _without_keras(asked):
        missing = engine.unsupported_parameters(architecture, settings) + by_keras
        _refuse(asked, missing)
        if not missing:
            able.append(engine)
    check_device(device)
    if device == "all" and architecture.stateful:
        raise ValueError(
            "`device` must be a single device with `stateful=True`, because the state is carried "
            "from batch to batch, got 'all'. Use 'auto'."
        )
    if device == "all" and architecture.network is not None:
        raise ValueError(
            "`device` must be a single device with `network`, because its layers may compute with "
            "a whole batch, got 'all'. Use 'auto'."
        )
    if able and (asked != "auto" or not (on_gpu(device) or is_long(architecture, *workload))):
        return able[0]
    engine = keras_engine()
    engine.check_settings(architecture, settings)
    return engine


def with_layers(architecture):
    """Return an Architecture with the layers of its CustomNetwork, if it has one."""
    if architecture.network is None:
        return architecture
    return keras_engine().with_layers(architecture)


def predicting_engine(asked, device, architecture):
    """Return the Engine that will predict; parameters as in `training_engine`.

    If the device of the fit is missing, another one is used. `device` is not checked, though
    `set_params` may have changed it: only `fit` raises an error. If the compiled library is
    missing, NumPy computes networks of the native engine.
    """
    if asked == "native" and native_library() is None:
        asked = "numpy"
    for engine in _without_keras(asked):
        missing = engine.unsupported_parameters(architecture)
        _refuse(asked, missing)
        if not missing and (asked != "auto" or not on_gpu(device)):
            return engine
    return keras_engine()


def differentiating_engine(architecture):
    """Return the Engine for `output_gradients`: NumPy, or Keras if NumPy lacks a parameter."""
    return keras_engine() if _numpy_engine.unsupported_parameters(architecture) else _numpy_engine


def _without_keras(asked):
    """Return the engines without Keras that `engine` allows, in order of preference."""
    if asked == "native" and native_library() is None:
        raise ValueError(
            "`engine='native'` needs skrnn's compiled library, which is missing: skrnn was "
            "installed without a C compiler. Use `engine='auto'`, or install skrnn from a wheel."
        )
    if asked in ENGINES:
        return [ENGINES[asked]]
    if asked == "keras":
        return []
    return [_numpy_engine] if native_library() is None else list(ENGINES.values())


def _refuse(asked, missing):
    """Refuse an engine that was selected by name and does not support the request."""
    if missing and asked != "auto":
        raise ValueError(
            f"`engine={asked!r}` does not support {', '.join(missing)} as given. Use "
            "`engine='auto'`, which selects an engine that does."
        )


def on_gpu(device):
    """Whether `device` allows a GPU and this machine has one."""
    return device != "cpu" and n_gpus() > 0


def check_word(device):
    """Refuse a `device` that is no valid name on any machine."""
    if not re.fullmatch("auto|cpu|all|gpu:(0|[1-9][0-9]{0,3})", device):
        raise ValueError(
            "`device` must be 'auto', 'cpu', 'all', or a GPU by its number as in 'gpu:0', got "
            f"{device!r}. Use 'auto' for the first GPU, if there is one."
        )


def check_device(device):
    """Refuse a GPU that this machine does not have."""
    if device.startswith("gpu:") and int(device.removeprefix("gpu:")) >= n_gpus():
        found = ["'cpu'", *(f"'gpu:{i}'" for i in range(n_gpus()))]
        raise ValueError(
            f"`device` must be a device that TensorFlow finds here, {' or '.join(found)}, got "
            f"{device!r}. Use `device='auto'` for the first GPU, if there is one."
        )


def is_long(architecture, n_samples, timesteps, epochs):
    """Whether compiling a training program costs less time than it saves in the wide layers.

    A multiply-add of the forward pass counts as six operations: two forward, four backward. In a
    frozen layer it has two backward, and none before the first trained layer.
    """
    per_step, layers = 0, architecture.recurrent_layers()
    backward = architecture.trains_embedding
    for cell_type, units, layer in zip(
        architecture.cell_types, architecture.units, layers, strict=True
    ):
        trained = layer.name not in architecture.frozen_layers
        backward |= trained
        if CELLS[cell_type].gates > 1 and units >= WIDE:
            per_step += layer.n_parameters * (2 + 2 * backward + 2 * trained)
    operations = 1.0 * architecture.n_steps(timesteps) * n_samples * epochs * per_step
    saved = operations * (1 / NUMPY_RATE - 1 / KERAS_RATE)
    directions = 2 if architecture.bidirectional else 1
    return saved > COMPILE_SECONDS * len(architecture.units) * directions


@functools.cache
def n_gpus():
    """Return the number of TensorFlow's GPUs; TensorFlow is loaded only if there may be one."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if sys.platform == "linux":
        found = any(chain.from_iterable(map(Path("/dev").glob, GPU_FILES)))
        if hidden or not found:
            return 0
    return sum("GPU" in place for place in keras_engine().device_names("all"))
