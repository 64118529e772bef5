"""`to_c`: the header compiles without a warning everywhere, and answers as `predict` does."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from fits import samples, small
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skrnn import RNNClassifier

COMPILERS = [name for name in ("gcc", "clang", "cc") if shutil.which(name)]
pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")

STRICT = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror".split()
X, Y = samples()
LABELS = np.digitize(Y, [-0.5, 0.5])
IDS = np.random.default_rng(1).integers(1, 9, (40, 4))
GAPS = np.where(np.random.default_rng(2).random((40, 4, 1)) < 0.3, np.nan, X)
TOKENS = {"vocab_size": 9, "embedding_dim": 3}
LIBRARY = """
#include "net.h"
int self_test(void) { return net_self_test(); }
void predict(const ITEM *rows, int timesteps, REAL *y)
{
    (void)timesteps;
    net_predict(rows TIMESTEPS, y);
}
#ifdef STEPS
void step(const ITEM *rows, int timesteps, REAL *y)
{
    net_state state;
    net_reset(&state);
    for (int t = 0; t < timesteps; t++)
        net_step(&state, rows + t * NET_FEATURES, y);
}
#endif
"""


def compiled(network, folder):
    """Return the header's functions, as (samples, n_outputs) -> answers."""
    architecture = network._network.architecture
    network.to_c(folder / "net.h")
    (folder / "net.c").write_text(LIBRARY)
    tokens, double = architecture.vocab_size is not None, network.dtype == "float64"
    defines = {"ITEM": "int" if tokens else "double" if double else "float"}
    defines["REAL"] = "double" if double else "float"
    defines["TIMESTEPS"] = ", timesteps" if architecture.timesteps is None else ""
    if not architecture.bidirectional:
        defines["STEPS"] = ""
    flags = [f"-D{name}={value}" for name, value in defines.items()]
    command = [COMPILERS[0], *STRICT, "-O1", "-shared", "-fPIC", *flags]
    path = folder / f"net_{len(list(folder.iterdir()))}.so"
    subprocess.run([*command, folder / "net.c", "-lm", "-o", path], check=True)
    library = ctypes.CDLL(str(path))
    assert library.self_test() == 0
    item = np.int32 if tokens else network.dtype

    def answers(name, X, n_outputs):
        found = np.zeros((len(X), n_outputs), network.dtype)
        for rows, into in zip(X, found, strict=True):
            given = np.ascontiguousarray(rows, item)
            getattr(library, name)(
                given.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_int(len(rows)),
                into.ctypes.data_as(ctypes.c_void_p),
            )
        return found

    return answers


def assert_answers(network, X, folder, method="predict"):
    expected = getattr(network, method)(X)
    expected = expected.reshape(len(X), -1)
    answers = compiled(network, folder)
    tolerance = 2e-6 * np.abs(expected).max()
    assert_allclose(answers("predict", X, expected.shape[1]), expected, rtol=0, atol=tolerance)
    if not network.bidirectional and not network.return_sequences:
        assert_allclose(answers("step", X, expected.shape[1]), expected, rtol=0, atol=tolerance)


CASES = {
    "float64": ({"cell_type": "lstm", "dtype": "float64"}, X),
    "both directions": ({"bidirectional": True, "hidden_size": (3, 4)}, X),
    "both directions of a mask": (
        {"bidirectional": True, "mask_value": np.nan, "pooling": "mean"},
        GAPS,
    ),
    "tokens": (TOKENS | {"dense_sizes": (5,)}, IDS),
    "masked tokens": (TOKENS | {"mask_value": 1, "pooling": "max"}, IDS),
    "number for a mask": ({"mask_value": -9.0}, np.nan_to_num(GAPS, nan=-9.0)),
    "no standardization": ({"standardize": False}, X),
    "mean and output cancel": (
        {"bidirectional": True, "cell_type": ("gru",) * 3, "hidden_size": (2, 3, 4)}
        | {"epochs": 1, "random_state": 30},
        X,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_answers_are_those_of_predict(case, tmp_path):
    parameters, X = CASES[case]
    assert_answers(small(**{"cell_type": "gru"} | parameters).fit(X, Y), X, tmp_path)


@pytest.mark.parametrize("mask", [{}, {"mask_value": 2}], ids=["no mask", "mask"])
def test_ids_outside_the_vocabulary_are_read_as_out_of_vocabulary(mask, tmp_path):
    network = small(cell_type="gru", **TOKENS, **mask).fit(IDS, Y)
    answers, strange = compiled(network, tmp_path), IDS.copy()
    strange[:, 1] = [9, 40, 10**6, 2**31 - 1] * 10
    known = np.where(strange < 9, strange, 1)
    assert_allclose(answers("predict", strange, 1), answers("predict", known, 1), rtol=0, atol=0)


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.sampled_from(["simple_rnn", "lstm", "gru"]), min_size=1, max_size=3),
    dense=st.lists(st.integers(1, 4), max_size=2),
    activation=st.sampled_from("tanh relu sigmoid elu selu softplus hard_sigmoid linear".split()),
    both=st.booleans(),
    pooling=st.sampled_from(["last", "mean", "max"]),
    seed=st.integers(0, 99),
)
def test_answers_of_drawn_networks(cells, dense, activation, both, pooling, seed, tmp_path):
    network = small(
        cell_type=tuple(cells),
        hidden_size=tuple(range(2, 2 + len(cells))),
        dense_sizes=tuple(dense),
        **{"dense_activation": activation, "bidirectional": both, "pooling": pooling},
        **{"random_state": seed, "epochs": 1},
    )
    assert_answers(network.fit(X, Y), X[:5], tmp_path)


@pytest.mark.parametrize("y", [LABELS, LABELS > 1], ids=["three", "two"])
def test_a_classifier_answers_with_probabilities(y, tmp_path):
    assert_answers(small(RNNClassifier).fit(X, y), X, tmp_path, "predict_proba")


def test_a_stateful_network_begins_with_zeros(tmp_path):
    network = small(cell_type="lstm", stateful=True, batch_size=20).fit(X, Y)
    network.reset_states()
    expected = network.predict(X[:20])
    found = compiled(network, tmp_path)("predict", X[:20], 1)
    assert_allclose(found[:, 0], expected, rtol=1e-5, atol=1e-6)


def test_each_timestep_is_answered(tmp_path):
    assert_answers(small(return_sequences=True).fit(X, X[..., 0]), X, tmp_path)


def test_sequences_of_any_length_are_read(tmp_path):
    network = small(cell_type="lstm").fit([x[: 1 + i % 4] for i, x in enumerate(X)], Y)
    answers = compiled(network, tmp_path)
    for length in (1, 3):
        rows = [x[:length] for x in X]
        expected = network.predict(rows)[:, np.newaxis]
        assert_allclose(answers("predict", rows, 1), expected, rtol=1e-5, atol=1e-6)


MAIN = '#include "net.h"\nint main(void) { return net_self_test(); }\n'
SANITIZED = "-fsanitize=address,undefined -fno-sanitize-recover=all".split()
BUILDS = {
    **{f"{name} {level}": [name, *STRICT, level] for name in COMPILERS for level in ("-O0", "-O3")},
    "sanitizers": [COMPILERS[0] if COMPILERS else "cc", *STRICT, *SANITIZED],
    "C++": ["g++", *STRICT[1:], "-x", "c++"],
}


@pytest.mark.parametrize("build", BUILDS)
def test_header_compiles_without_a_warning_and_passes_its_own_test(build, tmp_path):
    command = BUILDS[build]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not here")
    small(cell_type=("gru", "lstm"), hidden_size=(3, 4), **TOKENS).fit(IDS, Y).to_c(
        tmp_path / "net.h"
    )
    (tmp_path / "main.c").write_text(MAIN)
    subprocess.run([*command, tmp_path / "main.c", "-lm", "-o", tmp_path / "main"], check=True)
    subprocess.run([tmp_path / "main"], check=True)


# Where a Cortex-M3 finds its stack and its first instruction; `exit` tells the emulator the answer.
MAIN_OF_CORTEX_M = """
#include <stdlib.h>
#include "net.h"
extern int _start;
__attribute__((section(".vectors"), used))
static void *const vectors[] = {(void *)0x20400000, &_start};
int main(void) { exit(net_self_test()); }
"""
CORTEX_M = "-Os -mcpu=cortex-m3 -mthumb --specs=rdimon.specs -Wl,--section-start=.vectors=0".split()
EMULATED = "qemu-system-arm -M mps2-an385 -nographic -semihosting -kernel".split()


@pytest.mark.parametrize("case", CASES)
def test_header_passes_its_own_test_on_an_emulated_cortex_m(case, tmp_path):
    if not (shutil.which("arm-none-eabi-gcc") and shutil.which(EMULATED[0])):
        pytest.skip("needs arm-none-eabi-gcc with newlib, and QEMU for arm: Debian has both")
    parameters, X = CASES[case]
    small(**{"cell_type": ("lstm", "gru")} | parameters).fit(X, Y).to_c(tmp_path / "net.h")
    (tmp_path / "main.c").write_text(MAIN_OF_CORTEX_M)
    command = ["arm-none-eabi-gcc", *STRICT, *CORTEX_M, tmp_path / "main.c", "-lm"]
    subprocess.run([*command, "-o", tmp_path / "main"], check=True)
    subprocess.run([*EMULATED, tmp_path / "main"], check=True, timeout=60)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"segment": 2}, "`segment`"),
        ({"missing": "flag"}, "`missing`"),
        ({"loss": "quantile"}, "`loss`"),
        ({"activation": "gelu"}, "`activation='gelu'`"),
    ],
    ids=str,
)
def test_what_has_no_c_is_refused_by_name(parameters, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        small(**parameters).fit(X, Y).to_c(tmp_path / "net.h")
    assert not list(tmp_path.iterdir())


def test_the_name_of_the_file_is_that_of_the_functions(tmp_path):
    network = small().fit(X, Y)
    with pytest.raises(ValueError, match=r"letters, digits and underscores.*'my-net'"):
        network.to_c(tmp_path / "my-net.h")
    with pytest.raises(ValueError, match=r"must end in '\.h'"):
        network.to_c(tmp_path / "net.c")
    network.to_c(tmp_path / "pump.h")
    assert "pump_predict(" in (tmp_path / "pump.h").read_text()
