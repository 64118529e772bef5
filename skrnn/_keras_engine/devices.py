"""Devices: where TensorFlow computes, found by the words that `device` takes."""

import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache

import tensorflow as tf

# TensorFlow's names of the devices of the request that this thread works on; the first one leads.
_present = ContextVar("devices", default=None)


def let_memory_grow():
    """Let TensorFlow take of each GPU the memory that it needs, instead of all there is.

    It can no longer be told once it has begun to compute; then all stays as the caller began it.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError, ValueError):  # too late; or the caller has set limits
            tf.config.experimental.set_memory_growth(gpu, True)


def devices_for(device):
    """Return TensorFlow's names of the devices that `device` stands for, those of "auto" at worst.

    Parameters
    ----------
    device : object
        "auto", "cpu", "all", or "gpu:0" and so on, which another machine may have had. All else
        counts as "auto".

    Returns
    -------
    tuple of str
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
    """Surround a request that is to be computed on what `device` stands for."""
    devices = devices_for(device)
    token = _present.set(devices)
    try:
        with tf.device(devices[0]):
            yield
    finally:
        _present.reset(token)


def present_devices():
    """Return the names of the devices that this thread works on."""
    return _present.get() or devices_for("auto")


def on_gpu():
    """Whether this thread works on a GPU."""
    return "GPU" in present_devices()[0]


@cache
def strategy(devices):
    """Return the MirroredStrategy of several devices."""
    return tf.distribute.MirroredStrategy(devices)
