"""The compiled library: its functions, and the records that they use."""

import ctypes
import functools
from ctypes import POINTER, Structure, c_double, c_int64, c_void_p

from skrnn._native.build import library_path, source_hash

MAX_LAYERS = 16
NoBytes = ctypes.c_char * 0
Layers = c_int64 * MAX_LAYERS


class Quantiles(Structure):
    """Quantiles of an output; zeros without a quantile loss."""

    _fields_ = [
        *((name, c_int64) for name in ("count", "median")),
        *((name, c_void_p) for name in ("levels", "factors")),
    ]


class Network(Structure):
    """The shape of a network, and its weights; all fields are as in the C headers."""

    _fields_ = [
        *((name, c_int64) for name in ("n_layers", "bidirectional", "activation")),
        *((name, c_int64) for name in ("n_dense", "dense_activation", "output_activation")),
        *((name, c_int64) for name in ("features", "segment", "n_static")),
        *((name, c_int64) for name in ("masked", "sequences", "pooling")),
        *((name, c_int64) for name in ("vocab_size", "trains_table")),
        *((name, Layers) for name in ("cells", "units", "dense")),
        ("frozen", c_int64 * (2 * MAX_LAYERS)),
        ("quantiles", Quantiles),
        *((name, c_void_p) for name in ("table", "weights")),
    ]


class Batches(Structure):
    """Samples, and the settings and results of a call on them."""

    _fields_ = [
        *((name, c_void_p) for name in ("x", "y", "w", "rows")),
        *((name, c_int64) for name in ("n_epochs", "n_rows", "n_batch", "timesteps")),
        *((name, c_void_p) for name in ("factors", "states", "output")),
        ("hidden", c_int64),
        *((name, c_void_p) for name in ("final", "workspace", "gemm")),
        *((name, c_int64) for name in ("loss", "loss_is_mean", "loss_of_logits")),
        *((name, c_int64) for name in ("n_threads", "n_parts")),
        ("totals", c_void_p),
        ("weight", c_double),
    ]


class LateRows(Structure):
    """The arrays of a NumPy engine's LateRows."""

    _fields_ = [
        *((name, c_int64) for name in ("now", "most_steps")),
        *((name, c_void_p) for name in ("last", "sums", "series", "decay_1", "decay_2")),
    ]


class Optimizer(Structure):
    """The arrays and settings of an optimizer."""

    _fields_ = [
        *((name, c_int64) for name in ("kind", "n_arrays", "iterations", "nesterov")),
        *((name, c_void_p) for name in ("bounds", "trains", "l2")),
        *((name, c_void_p) for name in ("weights", "gradient", "first", "second")),
        *((name, c_void_p) for name in ("table", "table_first", "table_second")),
        ("late", POINTER(LateRows)),
        ("rates", c_void_p),
        *((name, c_double) for name in ("rate", "clipnorm", "weight_decay")),
        *((name, c_double) for name in ("beta_1", "beta_2", "share_1", "share_2", "epsilon")),
    ]


def pointer(array):
    """Return the address of an array, which must live as long as it is used; None for None."""
    if array is None:
        return None
    if array.flags.writeable and array.flags.c_contiguous:  # takes a third of the time
        return ctypes.addressof(NoBytes.from_buffer(array))
    return array.__array_interface__["data"][0]


class Library:
    """The functions of one build of the kernels, by dtype; it is the widest available build."""

    def __init__(self, loaded, level):
        while not hasattr(loaded, f"skrnn_train_float32_{level}"):
            level -= 1
        self.level = level
        network, batches, optimizer = map(POINTER, (Network, Batches, Optimizer))
        arguments = {
            "workspace_bytes": [network, batches, c_int64],
            "predict": [network, batches],
            "train": [network, batches, optimizer],
        }
        for name, types in arguments.items():
            functions = {}
            for dtype in ("float32", "float64"):
                function = functions[dtype] = loaded[f"skrnn_{name}_{dtype}_{level}"]
                function.argtypes, function.restype = types, c_int64
            setattr(self, name, functions)


@functools.cache
def load():
    """Return the Library, or None if skrnn was installed without a compiler.

    A library of other sources is ignored, because its records may differ.
    """
    try:
        loaded = ctypes.CDLL(str(library_path()))
    except OSError:
        return None
    loaded.skrnn_source.restype = ctypes.c_char_p
    if loaded.skrnn_source().decode() != source_hash():
        return None
    return Library(loaded, loaded.skrnn_level())


@functools.cache
def blas_product(dtype):
    """Return the address of the matrix product of the BLAS that SciPy has loaded."""
    from scipy.linalg import cython_blas  # not needed for small networks

    capsule = cython_blas.__pyx_capi__["sgemm" if dtype == "float32" else "dgemm"]
    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = c_void_p, [ctypes.py_object, ctypes.c_char_p]
    name = name_of(capsule)
    return pointer_of(capsule, name) if b"int *" in name else None  # not with 64-bit sizes
