"""
A search on a cluster: Dask's workers fit the candidates
========================================================

A search outgrows one machine before a network does, because each candidate and fold is a fit of its
own. Joblib passes these fits to a Dask cluster. Here the cluster is two processes on this machine.
With the address of a scheduler, `Client("tcp://...")`, nothing else changes. The scores are those
of one process, to the last bit: every fit has its own seed, and no fit sees another.
"""

# %%
# The samples
# -----------
# Each target is the product of two steps of a sequence, plus noise.
from itertools import chain

import numpy as np
from distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV, KFold

from skrnn import RNNRegressor, SearchDisplay


def samples(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 12, 1))
    return X, X[:, -3, 0] * X[:, -1, 0] + rng.normal(scale=0.2, size=n_samples)


# %%
# The search
# ----------
# Objects named in `scatter` are sent to every worker once, not with every fit, and outlive any
# worker. The folds are among them, so the search continues when a worker dies. The workers compute
# with NumPy and do not import TensorFlow.


def search(X, y, folds, n_jobs):
    network = RNNRegressor(epochs=30, random_state=0, engine="numpy")
    grid = {"cell_type": ["simple_rnn", "gru", "lstm"], "hidden_size": [4, 8, 16]}
    return GridSearchCV(network, grid, cv=folds, n_jobs=n_jobs).fit(X, y)


def main():
    X, y = samples(600)
    folds = list(KFold(3).split(X))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        parallel_config("dask", scatter=[X, y, *chain(*folds)]),
    ):
        found = search(X, y, folds, n_jobs=-1)
    print(f"best: {found.best_params_}")
    print(f"R2 on samples not searched with  {found.score(*samples(2000, seed=1)):.3f}")
    display = SearchDisplay.from_search(found)
    display.figure_.savefig("search_on_dask.png", dpi=100)


# %%
# Dask's processes import this file, so only the first process may search.
if __name__ == "__main__":
    main()
