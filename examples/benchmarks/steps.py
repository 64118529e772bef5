"""Microseconds of one step of an LSTM(32): a stepper, ONNX Runtime with its states, and C.

    python examples/benchmarks/steps.py --rounds 5 [--keras2c PYTHON INCLUDE]

Without a C compiler the rows of C are left out. PYTHON is an interpreter that has keras2c and
Keras, and INCLUDE is the folder of that name in its repository. The code of keras2c is generated
for the same network and compiled with the same flags.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from skrnn import RNNRegressor

FEATURES, UNITS, TIMESTEPS, CALLS = 4, 32, 20, 5000
FLAGS = "-std=c99 -O3".split()
TIMED = """
#include <stdio.h>
#include <time.h>
%s
int main(void)
{
    float x[4] = {0.1f, 0.2f, 0.3f, 0.4f}, y[1] = {0};
    %s
    clock_t start = clock();
    for (int i = 0; i < 200000; i++) {
        x[0] = 0.01f * y[0];
        %s
    }
    printf("%%g\\n", (double)(clock() - start) / CLOCKS_PER_SEC / 200000 * 1e6);
    return 0;
}
"""
KERAS2C = """
import keras, numpy, keras2c
network = keras.Sequential([
    keras.Input((1, 4), batch_size=1), keras.layers.LSTM(32, stateful=True), keras.layers.Dense(1)
])
network.set_weights([*numpy.load("weights.npz").values()])
keras2c.k2c(network, "k2c_net", malloc=False, num_tests=1, verbose=False)
"""


def onnx_step(network):
    """Return a function of rows (1, features) that carries states in an ONNX Runtime session."""
    kernel, recurrent, bias, dense, dense_bias = network.weights_

    def gates(array):  # Keras's i, f, c, o as ONNX's i, o, f, c
        i, f, c, o = np.split(array, 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1)

    constants = {
        "W": gates(kernel).T[np.newaxis],
        "R": gates(recurrent).T[np.newaxis],
        "B": np.concatenate([gates(bias), np.zeros_like(bias)])[np.newaxis],
        "dense": dense,
        "dense_bias": dense_bias,
    }
    state = [1, 1, UNITS]
    nodes = [
        helper.make_node(
            "LSTM", ["X", "W", "R", "B", "", "h", "c"], ["", "h_next", "c_next"], hidden_size=UNITS
        ),
        helper.make_node("Flatten", ["h_next"], ["rows"], axis=2),
        helper.make_node("Gemm", ["rows", "dense", "dense_bias"], ["y"]),
    ]
    given = [("X", [1, 1, FEATURES]), ("h", state), ("c", state)]
    found = [("y", [1, 1]), ("h_next", state), ("c_next", state)]
    graph = helper.make_graph(
        nodes,
        "step",
        *(
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in part]
            for part in (given, found)
        ),
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    states = [np.zeros(state, np.float32)] * 2

    def step(rows):
        y, *states[:] = session.run(None, {"X": rows[np.newaxis], "h": states[0], "c": states[1]})
        return y

    return step


def microseconds(function, rows):
    start = time.perf_counter()
    for row in rows:
        function(row)
    return (time.perf_counter() - start) / len(rows) * 1e6


def compiled(folder, source, sources=()):
    """Return a function that runs a timed program of C, and returns its microseconds."""
    (folder / "main.c").write_text(source)
    program = folder / "main"
    command = ["cc", *FLAGS, folder / "main.c", *sources, "-lm", "-o", program]
    subprocess.run(command, check=True, cwd=folder)
    return lambda: float(subprocess.check_output([program], text=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keras2c", nargs=2, help="an interpreter and a folder")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, TIMESTEPS, FEATURES))
    network = RNNRegressor("lstm", UNITS, epochs=1, standardize=False, random_state=0)
    network.fit(X, X[:, -1, 0])
    rows = rng.normal(size=(CALLS, 1, FEATURES)).astype(np.float32)
    stepper, session = network.stepper(), onnx_step(network)
    for row in rows[:50]:
        np.testing.assert_allclose(stepper.step(row), session(row)[:, 0], rtol=1e-4, atol=1e-6)
    with tempfile.TemporaryDirectory() as folder:
        timed = {
            "stepper, one row": lambda: microseconds(stepper.step, rows),
            "ONNX Runtime, one step with its states": lambda: microseconds(session, rows),
            "predict, a window of 20": lambda: microseconds(network.predict, [X[:1]] * 300),
        }
        if shutil.which("cc"):
            timed |= programs(network, Path(folder), options.keras2c)
        seconds = {name: [] for name in timed}
        for _ in range(options.rounds):
            for name, measure in timed.items():
                seconds[name].append(measure())
    for name, found in seconds.items():
        listed = ", ".join(f"{value:.2f}" for value in found)
        print(f"{name:<42}{statistics.median(found):>9.2f} us   {listed}")


def programs(network, folder, keras2c):
    """Return programs of C by name."""
    ours = folder / "ours"
    ours.mkdir()
    network.to_c(ours / "net.h")
    source = TIMED % (
        '#include "net.h"',
        "net_state state;\n    net_reset(&state);",
        "net_step(&state, x, y);",
    )
    found = {"C of to_c, one step": compiled(ours, source)}
    if keras2c:
        found["C of keras2c, one step"] = by_keras2c(network, folder / "theirs", *keras2c)
    return found


def by_keras2c(network, folder, python, include):
    shutil.copytree(include, folder / "include")
    np.savez(folder / "weights.npz", *network.weights_)
    subprocess.run([python, "-c", KERAS2C], cwd=folder, check=True, capture_output=True)
    source = TIMED % (
        '#include "include/k2c_include.h"\n#include "k2c_net.h"',
        "k2c_net_reset_states();\n"
        "    k2c_tensor input = {x, 2, 4, {1, 4, 1, 1, 1}}, output = {y, 1, 1, {1, 1, 1, 1, 1}};",
        "k2c_net(&input, &output);",
    )
    return compiled(folder, source, [folder / "k2c_net.c", *folder.glob("include/*.c")])


if __name__ == "__main__":
    main()
