"""Devices: the TensorFlow devices for the values of the parameter `device`."""

import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache

import tensorflow as tf

# TensorFlow's names of the devices that this thread uses; the first holds the weights.
_present = ContextVar("devices", default=None)


def let_memory_grow():
    """Let TensorFlow allocate the memory of each GPU on demand, instead of all at once.

    This cannot be changed after TensorFlow has started to compute. The caller's setting then stays.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError, ValueError):  # too late; or the caller has set limits
            tf.config.experimental.set_memory_growth(gpu, True)


def devices_for(device):
    """Return TensorFlow's names of the devices that `device` selects, as a tuple.

    Unknown values, and GPUs that this machine does not have, count as "auto".
    """
    gpus, cpus = _names("GPU"), _names("CPU")
    if device == "cpu":
        return cpus[:1]
    if device == "all":
        return gpus or cpus
    numbered = re.fullmatch(r"gpu:(\d+)", str(device))
    index = int(numbered[1]) if numbered else 0
    return gpus[index : index + 1] or gpus[:1] or cpus[:1]


@cache
def _names(kind):
    return tuple(found.name for found in tf.config.list_logical_devices(kind))


@contextmanager
def device_scope(device):
    """Compute on the devices that `device` selects inside this context."""
    devices = devices_for(device)
    token = _present.set(devices)
    try:
        with tf.device(devices[0]):
            yield
    finally:
        _present.reset(token)


def present_devices():
    """Return the names of the devices that this thread uses."""
    return _present.get() or devices_for("auto")


def on_gpu():
    """Whether this thread uses a GPU."""
    return "GPU" in present_devices()[0]


@cache
def strategy(devices):
    """Return the MirroredStrategy of several devices."""
    return tf.distribute.MirroredStrategy(devices)
