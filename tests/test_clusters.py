"""Searches and backtests on a Dask cluster of two real processes, one of which is killed."""

import itertools
import os
import signal
import sys
import threading
import time

import distributed
import numpy as np
import pandas as pd
import pytest
from fits import assert_same_weights, fold_scores
from forecasting import bare
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, KFold

from skrnn import RNNRegressor

pytestmark = [
    pytest.mark.slow,
    # Of Dask's own, as a cluster ends or a worker dies.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 20, 2))
Y = X[:, -1, 0] * X[:, -2, 1]
FOLDS = list(KFold(3).split(X))
# What is not named here goes to one worker alone, and is lost with it.
SCATTERED = [X, Y, *itertools.chain(*FOLDS)]
GRID = {"cell_type": ["simple_rnn", "gru", "lstm"], "hidden_size": [8, 16]}


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.fixture
def client(cluster):
    cluster.wait_for_workers(2, timeout=60)  # a killed one is begun again
    return cluster


def search(n_jobs=-1):
    network = RNNRegressor(epochs=4, random_state=0, engine="numpy")
    return GridSearchCV(network, GRID, cv=FOLDS, n_jobs=n_jobs)


def kill_when_busy(client):
    """Kill a worker once it has begun on a fit; return what tells whether that was done."""
    address, pid = next(iter(client.run(os.getpid).items()))
    done = threading.Event()

    def kill():
        ends = time.monotonic() + 60
        while time.monotonic() < ends and not client.processing()[address]:
            time.sleep(0.01)
        if client.processing()[address]:
            os.kill(pid, signal.SIGKILL)
            done.set()

    threading.Thread(target=kill, daemon=True).start()
    return done


def test_search_on_a_cluster_has_the_scores_of_one_process_when_a_worker_is_killed(client):
    killed = kill_when_busy(client)
    with parallel_config("dask", scatter=SCATTERED):
        found = search().fit(X, Y)
    assert killed.is_set()
    expected = search(n_jobs=1).fit(X, Y)
    assert_array_equal(fold_scores(found.cv_results_), fold_scores(expected.cv_results_))
    assert_same_weights(found.best_estimator_, expected.best_estimator_)
    loaded = client.run(lambda: {"keras", "tensorflow"} & set(sys.modules))
    assert loaded
    assert not any(loaded.values())


def test_backtest_ends_with_the_same_rows_when_a_worker_is_killed(client):
    series = pd.Series(RNG.normal(size=2000), index=pd.date_range("2026-01-01", periods=2000))
    network = RNNRegressor("gru", 16, epochs=5, random_state=0, engine="numpy")
    forecaster = bare(network, timesteps=12, steps=3)
    expected = forecaster.backtest(series, folds=6, refit=True)
    killed = kill_when_busy(client)
    with parallel_config("dask"):
        found = forecaster.backtest(series, folds=6, refit=True, n_jobs=-1)
    assert killed.is_set()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
