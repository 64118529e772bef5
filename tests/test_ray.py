"""Searches and backtests on a local Ray of two workers, one of which is killed."""

import os
import pickle
import secrets
import sys
import time
from importlib.util import find_spec

import psutil
import pytest
from fits import fold_scores
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal
from processes import ROOT, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="`pip install -e .[slow]` brings Ray"),
]

SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "RAY_AUTH_TOKEN": secrets.token_hex(16),  # else Ray writes one into the home folder
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray's default is 15: beside other work its workers would hardly get on.
    "RAY_worker_niceness": "0",
}

# A program of its own: Ray replaces the pool of joblib's multiprocessing for the rest of a process.
CLUSTER = """if True:
    import contextlib, os, pickle, sys, tempfile, threading, time
    from functools import partial
    from pathlib import Path
    import numpy as np
    import pandas as pd
    import psutil
    import ray
    from joblib import parallel_config
    from ray.util.joblib import register_ray
    from sklearn.model_selection import GridSearchCV
    from skrnn import RNNForecaster, RNNRegressor

    RNG = np.random.default_rng(0)
    X = RNG.normal(size=(200, 10, 2))
    Y = X[:, -1, 0] * X[:, -2, 1]

    def tensorflow_threads(*_):
        names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
        return sum("XLAEigen" in name for name in names)

    # Scorers run in the workers, and tell of them.
    SCORING = {
        "score": "r2",
        "process": lambda *_: os.getpid(),
        "has_tensorflow": lambda *_: "tensorflow" in sys.modules,
        "tensorflow_threads": tensorflow_threads,
    }

    def search(engine, grid, epochs, n_jobs):
        network = RNNRegressor(engine=engine, epochs=epochs, random_state=0)
        settings = {"scoring": SCORING, "refit": False, "error_score": "raise"}
        return GridSearchCV(network, grid, cv=3, n_jobs=n_jobs, **settings).fit(X, Y).cv_results_

    def descendants():
        return psutil.Process().children(recursive=True)

    def keep(**results):
        for name, result in results.items():
            Path(sys.argv[1], name).write_bytes(pickle.dumps(result))

    def compare(work, **settings):
        with tempfile.TemporaryDirectory(prefix="ray") as folder:
            ray.init(
                num_cpus=2, include_dashboard=False, log_to_driver=False,
                logging_level="error", _temp_dir=folder,
            )
            register_ray()
            try:
                with parallel_config("ray", **settings):
                    keep(found=work(n_jobs=2))
                keep(started=[(process.pid, process.create_time()) for process in descendants()])
            finally:
                ray.shutdown()
        keep(expected=work(n_jobs=1))
"""

SEARCH = """
    compare(partial(search, "keras", {"learning_rate": [0.1, 0.01]}, 3))
"""

BACKTEST = """
    series = pd.Series(RNG.normal(size=300), index=pd.date_range("2026-01-01", periods=300))
    network = RNNRegressor("gru", 4, epochs=3, engine="numpy", random_state=0)
    forecaster = RNNForecaster(network, timesteps=12, steps=3, baseline=None)
    compare(partial(forecaster.backtest, series, folds=4, refit=True))
"""

KILLED = """
    def kill():
        while not killed.is_set():
            for process in descendants():
                with contextlib.suppress(psutil.Error):
                    if process.cmdline()[:1] == ["ray::PoolActor.run_batch"]:
                        process.kill()
                        killed.set()
                        return
            time.sleep(0.01)

    killed = threading.Event()
    threading.Thread(target=kill, daemon=True).start()
    restarts = {"max_restarts": 2, "max_task_retries": 2}
    compare(partial(search, "numpy", {"hidden_size": [4, 8]}, 300), ray_remote_args=restarts)
    keep(killed=killed.is_set())
"""


def results_of(program, folder):
    """Run a program in a fresh process and return what it keeps, once all of Ray has ended."""
    run(CLUSTER + program, folder, env=os.environ | SETTINGS, timeout=120)
    results = {path.name: pickle.loads(path.read_bytes()) for path in folder.iterdir()}
    started = results.pop("started")
    assert len(started) > 2
    ends = time.monotonic() + 30
    while any(map(is_alive, started)) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not any(map(is_alive, started))
    return results


def is_alive(process):
    pid, begun = process
    try:
        return psutil.Process(pid).create_time() == begun
    except psutil.NoSuchProcess:
        return False


def test_search_on_ray_has_the_scores_of_one_process(tmp_path):
    results = results_of(SEARCH, tmp_path)
    found, expected = results["found"], results["expected"]
    assert_array_equal(fold_scores(found), fold_scores(expected))
    processes, own = (set(fold_scores(search, "process").flat) for search in (found, expected))
    assert len(processes) == 2
    assert processes.isdisjoint(own)
    if sys.platform == "linux":  # where threads have names
        assert set(fold_scores(found, "tensorflow_threads").flat) == {1.0}


def test_backtest_on_ray_has_the_rows_of_one_process(tmp_path):
    results = results_of(BACKTEST, tmp_path)
    assert_frame_equal(results["found"], results["expected"], check_exact=True)


def test_search_on_ray_ends_with_the_same_scores_when_a_worker_is_killed(tmp_path):
    results = results_of(KILLED, tmp_path)
    assert results["killed"]
    found, expected = results["found"], results["expected"]
    assert_array_equal(fold_scores(found), fold_scores(expected))
    assert set(fold_scores(found, "has_tensorflow").flat) == {False}
