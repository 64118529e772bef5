"""Quantiles 0.1, 0.5 and 0.9 of a network, of gradient boosting and of linear quantile regression.

The data are ETTh1's OT, 24 hours ahead, and daily minimum temperatures, one day ahead, split as in
`etth1.py` and `minimum_temperatures.py`. All three models read the same matrix: a window minus its
last value, that value, and the time of day or year as sine and cosine. The measure is the mean
pinball loss.

    python examples/benchmarks/quality/quantiles.py FOLDER [OT_network] ... [--choose]
"""

from functools import partial

import numpy as np
import pandas as pd
from choosing import Trial, run
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNRegressor

QUANTILES = 0.1, 0.5, 0.9
VALIDATED = 2880  # rows that etth1.py chooses by, and as many that it tests
STATIC = ["last", "sine", "cosine"]


class EachQuantile(BaseEstimator):
    """An estimator of one quantile of one output, fitted for all of them.

    Parameters
    ----------
    estimator : estimator with a parameter `quantile`
        Or a pipeline that ends in one.
    timesteps : int
        Rows that it reads.
    stride : int, default=1
        Only every so many of the training windows is used.
    """

    def __init__(self, estimator, timesteps, stride=1):
        self.estimator, self.timesteps, self.stride = estimator, timesteps, stride

    def fit(self, X, y):
        """Fit one copy for each output and quantile."""
        X, y = latest(X, self.timesteps)[:: self.stride], y[:: self.stride]
        [name] = (n for n in self.estimator.get_params() if n.split("__")[-1] == "quantile")
        self.fitted_ = [
            [clone(self.estimator).set_params(**{name: q}).fit(X, column) for q in QUANTILES]
            for column in y.T
        ]
        return self

    def predict(self, X):
        """Return quantiles, (n_samples, outputs, n_quantiles)."""
        X = latest(X, self.timesteps)
        columns = [[one.predict(X) for one in ones] for ones in self.fitted_]
        return np.moveaxis(columns, -1, 0)


class Averaged(BaseEstimator):
    """The averaged quantiles of networks that differ by their seeds.

    Parameters
    ----------
    network : RNNRegressor
        With `loss="quantile"`.
    timesteps : int
        Rows that they read.
    n_networks : int, default=1
        How many.
    random_state : int, default=0
        Seed of their seeds.
    """

    def __init__(self, network, timesteps, n_networks=1, random_state=0):
        self.network, self.timesteps = network, timesteps
        self.n_networks, self.random_state = n_networks, random_state

    def fit(self, X, y):
        """Fit all of them."""
        X, seeds = latest(X, self.timesteps), self.random_state + 100 * np.arange(self.n_networks)
        self.fitted_ = [
            clone(self.network).set_params(random_state=int(seed)).fit(X, y) for seed in seeds
        ]
        return self

    def predict(self, X):
        """Return the mean of the quantiles, (n_samples, outputs, n_quantiles)."""
        X = latest(X, self.timesteps)
        return np.mean([one.predict(X, quantiles=QUANTILES) for one in self.fitted_], axis=0)


def latest(X, timesteps):
    """Return the columns of the last rows, and those of the time."""
    return X.iloc[:, -timesteps - len(STATIC) :]


def matrix(values, angles, origins, timesteps, steps):
    """Return the features at origins, a DataFrame, and the changes up to the steps after them.

    An origin is the number of rows before it; `angles` are the time of day or year of each row.
    """
    rows = origins[:, np.newaxis]
    last = values[rows - 1]
    names = [f"lag_{lag}" for lag in range(timesteps, 0, -1)]
    X = pd.DataFrame(values[rows + np.arange(-timesteps, 0)] - last, columns=names)
    X[STATIC] = np.column_stack([last, np.sin(angles[origins]), np.cos(angles[origins])])
    return X, values[rows + np.arange(steps)] - last


def measure(folder, model, validating, read, timesteps, steps):
    """Return the mean pinball loss from every origin of the forecast part."""
    values, angles, n_test = read(folder)
    end = len(values) - (n_test if validating else 0)
    values = values / values[: -2 * n_test].std()  # of the rows that every fit reads
    X, y = matrix(values, angles, np.arange(timesteps, end - n_test - steps + 1), timesteps, steps)
    X_test, truth = matrix(
        values, angles, np.arange(end - n_test, end - steps + 1), timesteps, steps
    )
    found = model.fit(X, y).predict(X_test)
    losses = [mean_pinball_loss(truth, found[..., i], alpha=q) for i, q in enumerate(QUANTILES)]
    below = ", ".join(f"{(truth < found[..., i]).mean():.3f}" for i in range(len(QUANTILES)))
    crossed = (np.diff(found, axis=-1) < 0).any(axis=-1).mean()
    print(f"    below the quantiles {below}; crossed {crossed:.2%}")
    return float(np.mean(losses)), {}


def hours(folder):
    """Return OT, the angle of the hour, and how many rows are tested."""
    series = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0, parse_dates=True)["OT"]
    series = series[:14400]
    return series.to_numpy(), 2 * np.pi * series.index.hour.to_numpy() / 24, VALIDATED


def days(folder):
    """Return temperatures, the angle of the day of the year, and how many rows are tested."""
    path = folder / "daily_min_temperatures" / "daily-min-temperatures.csv"
    series = pd.read_csv(path, index_col=0, parse_dates=True)["Temp"]
    return series.to_numpy(), 2 * np.pi * series.index.day_of_year.to_numpy() / 365.25, 365


NETWORK = RNNRegressor("gru", loss="quantile", quantiles=QUANTILES, static_features=STATIC)
BOOSTING = HistGradientBoostingRegressor(loss="quantile", early_stopping=False)
LINEAR = make_pipeline(StandardScaler(), QuantileRegressor(solver="highs"))
DATA = {
    "OT": ("ETTh1's OT, 24 hours", partial(measure, read=hours, timesteps=336, steps=24)),
    "temperatures": ("minimum temperatures", partial(measure, read=days, timesteps=28, steps=1)),
}


def trial(data, model, candidates, chosen, **settings):
    """Return the Trial of a model, with candidates named by their parameters."""
    title, measured = DATA[data]
    must_reach = {"OT": MUST_OT, "temperatures": MUST_TEMPERATURES}[data]
    return Trial(
        f"{title}, mean pinball loss",
        measured,
        model,
        candidates,
        chosen=chosen,
        must_reach=must_reach,
        seeded="random_state",
        **settings,
    )


def boosting(timesteps, rate, iterations, leaves, least):
    """Return parameters of gradient boosting."""
    return {
        "timesteps": timesteps,
        "estimator__learning_rate": rate,
        "estimator__max_iter": iterations,
        "estimator__max_leaf_nodes": leaves,
        "estimator__min_samples_leaf": least,
    }


def networks(n_networks, timesteps, **parameters):
    """Return parameters of averaged networks."""
    own = {f"network__{name}": value for name, value in parameters.items()}
    return {"n_networks": n_networks, "timesteps": timesteps} | own


MUST_OT, MUST_TEMPERATURES = 0.0554, 0.1382  # of gradient boosting in the test
ON_HOURS = {"segment": 24, "learning_rate": 0.001, "batch_size": 256}
ON_DAYS = {"hidden_size": 16, "learning_rate": 0.003}


if __name__ == "__main__":
    run(
        OT_network=trial(
            "OT",
            Averaged(NETWORK, 336),
            {
                "one week": networks(1, 168, **ON_HOURS),
                "two weeks": networks(1, 336, **ON_HOURS),
                "two weeks, three networks": networks(3, 336, **ON_HOURS),
            },
            chosen="two weeks, three networks",
        ),
        OT_boosting=trial(
            "OT",
            EachQuantile(BOOSTING, 48),
            {
                "48 hours, 8 leaves": boosting(48, 0.03, 200, 8, 100),
                "48 hours, 31 leaves": boosting(48, 0.05, 100, 31, 50),
            },
            chosen="48 hours, 31 leaves",
            n_seeds=1,
        ),
        OT_linear=trial(
            "OT",
            EachQuantile(LINEAR, 48, stride=6),
            {"alpha 0.001": {"estimator__quantileregressor__alpha": 0.001}},
            chosen="alpha 0.001",
            n_seeds=1,
        ),
        temperatures_network=trial(
            "temperatures",
            Averaged(NETWORK, 28),
            {
                "no Dense layer": networks(1, 28, **ON_DAYS),
                "14 days": networks(1, 14, dense_sizes=(16,), **ON_DAYS),
                "28 days": networks(1, 28, dense_sizes=(16,), **ON_DAYS),
                "14 days, three networks": networks(3, 14, dense_sizes=(16,), **ON_DAYS),
                "28 days, three networks": networks(3, 28, dense_sizes=(16,), **ON_DAYS),
            },
            chosen="14 days, three networks",
        ),
        temperatures_boosting=trial(
            "temperatures",
            EachQuantile(BOOSTING, 28),
            {
                "14 days, 8 leaves": boosting(14, 0.05, 100, 8, 50),
                "28 days, 4 leaves": boosting(28, 0.05, 200, 4, 100),
                "28 days, 8 leaves": boosting(28, 0.05, 100, 8, 50),
                "28 days, 8 leaves, slower": boosting(28, 0.03, 200, 8, 100),
                "28 days, 31 leaves": boosting(28, 0.1, 100, 31, 20),
            },
            chosen="28 days, 8 leaves, slower",
            n_seeds=1,
        ),
        temperatures_linear=trial(
            "temperatures",
            EachQuantile(LINEAR, 28),
            {
                f"alpha {alpha:g}": {"estimator__quantileregressor__alpha": alpha}
                for alpha in (0, 0.001, 0.01)
            },
            chosen="alpha 0.001",
            n_seeds=1,
        ),
    )
