"""Compiled programs are freed when they are dropped; those of TensorFlow itself are not."""

import os

import pytest
from processes import run

# XLA maps some memory for each program on the CPU, and unmaps it when the program is freed.
PROGRAM = """if True:
    import gc
    import numpy as np
    import tensorflow as tf
    from skrnn._keras_engine.compiled import compiled_function, plain_function

    def compute(n, own):
        def body(x):
            return [tf.reduce_sum(tf.tanh(x @ x) * n)]

        spec = [tf.TensorSpec((4, 4))]
        traced = tf.function(body, jit_compile=True, autograph=False, input_signature=spec)
        traced = traced.get_concrete_function()
        function = compiled_function(traced, "/device:CPU:0") if own else plain_function(traced)
        function(np.ones((4, 4), np.float32))

    def mappings():
        gc.collect()
        with open("/proc/self/maps") as maps:
            return len(maps.readlines())

    for own in (True, False):
        for n in range(30):
            if n == 10:  # TensorFlow has started its threads
                before = mappings()
            compute(n, own)
        print(mappings() - before)
"""
linux = pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="asks Linux for mappings")


@pytest.fixture(scope="module")
def mappings_of_20_programs():
    """How many mappings 20 programs leave: those of skrnn, then those of TensorFlow."""
    return [*map(int, run(PROGRAM, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}).split())]


@linux
@pytest.mark.slow
def test_compiled_functions_are_freed(mappings_of_20_programs):
    assert mappings_of_20_programs[0] < 20


@linux
@pytest.mark.slow
def test_tensorflow_does_not_free_compiled_functions_itself(mappings_of_20_programs):
    """Where it does, `skrnn/_keras_engine/compiled.py` is needed no longer: see there."""
    assert mappings_of_20_programs[1] >= 20
