"""TensorFlow's log of its start is kept from standard error, and nothing else with it."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from processes import ROOT, run

from skrnn._keras_engine.startup import LEVEL, quiet_start, without_log

FIT = """
import os
import numpy as np
from skrnn import RNNRegressor, make_windows
X, y = make_windows(np.sin(np.arange(40)), 4)
RNNRegressor("simple_rnn", 4, epochs=1, engine="keras").fit(X, y).predict(X)
print(os.environ.get("TF_CPP_MIN_LOG_LEVEL"))
"""
LINES = b"""\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795888534.172087   12269 port.cc:153] oneDNN custom operations are on.
a line of another thread's
2025-09-17 14:44:05.157831: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:32] No cuda.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
E0000 00:00:1795888536.110654   12269 cuda_platform.cc:52] failed call to cuInit: INTERNAL
F0000 00:00:1795888536.110654   12269 cpu_feature_guard.cc:1] This CPU is too old.
I think, therefore I am."""
KEPT = [b"a line of another thread's", *LINES.splitlines()[-2:]]


def fit_in_a_new_process(**environment):
    inherited = {name: value for name, value in os.environ.items() if name != LEVEL}
    return subprocess.run(
        [sys.executable, "-c", FIT],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        check=True,
        timeout=300,
    )


@pytest.mark.slow
def test_a_fit_with_keras_prints_nothing():
    done = fit_in_a_new_process()
    assert done.stderr == b""
    assert done.stdout.split() == [b"None"]


@pytest.mark.slow
def test_a_level_that_the_user_set_stays():
    done = fit_in_a_new_process(TF_CPP_MIN_LOG_LEVEL="0")
    assert b"Compiled cluster using XLA" in done.stderr
    assert done.stdout.split() == [b"0"]


def test_only_the_log_is_lost(capfd):
    with without_log():
        os.write(2, LINES)
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err.encode() == b"\n".join(KEPT)


@pytest.mark.parametrize(("level", "shown"), [("0", "IE"), ("1", "E"), ("2", "E"), ("3", "")])
def test_a_level_that_the_user_set_holds_from_the_first_line_on(level, shown, capfd, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setenv(LEVEL, level)
    lines = [LINES.splitlines(keepends=True)[number] for number in (1, 5)]
    with quiet_start():
        os.write(2, b"".join(lines))
    assert [line[0] for line in capfd.readouterr().err.splitlines()] == list(shown)
    assert os.environ[LEVEL] == level


def test_standard_error_and_environment_are_back_after_a_failure(capfd, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.delenv(LEVEL, raising=False)

    def fail():
        with quiet_start():
            os.write(2, b"why\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    os.write(2, b"and on\n")
    assert capfd.readouterr().err == "why\nand on\n"
    assert LEVEL not in os.environ


def closed_stream():
    stream = open(os.devnull, "w")  # noqa: SIM115
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, SimpleNamespace(write=len), closed_stream()])
def test_whatever_stands_for_standard_error_in_python_does(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    with without_log():
        pass


def test_no_standard_error_is_needed():
    program = "from skrnn._keras_engine.startup import without_log\nwith without_log(): 1"
    run("import os; os.close(2)\n" + program)
