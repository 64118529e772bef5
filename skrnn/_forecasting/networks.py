"""Networks of a forecast: trained on windows, weighed on held-out windows, and averaged."""

from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skrnn._estimators.regressor import RNNRegressor
from skrnn._estimators.training import MOST_SEEDS
from skrnn._utils.callback_support import propagate_callbacks

N_ROTATIONS = 3
MOST_EPOCHS, PATIENCE = 60, 8
UNITS, LEARNING_RATE = 32, 0.01
SMALLEST_BATCH, LARGEST_BATCH = 32, 256
N_BLOCKS = 9  # spans of time of the jackknife
TASK = "fit-regressor"


@dataclass(frozen=True, eq=False)
class Networks:
    """Fitted regressors and their shares; the forecast adds their outputs times the shares."""

    regressors: list[BaseEstimator] = field(default_factory=list)
    shares: np.ndarray = field(default_factory=lambda: np.empty(0))
    weight: float = 0.0  # of all shares, including those of networks that learned nothing
    held_out: np.ndarray | None = None  # (n_windows, outputs), NaN where no network is weighed


def default_network(n_windows=None):
    """Return the unfitted network of a forecaster without a `regressor`."""
    network = RNNRegressor("gru", UNITS, learning_rate=LEARNING_RATE)
    if n_windows is not None:
        power = int(np.round(np.log2(max(n_windows / 32, 1))))
        network.batch_size = int(np.clip(2**power, SMALLEST_BATCH, LARGEST_BATCH))
    return network


def fit_networks(make, windows, positions, params, settings):
    """Return Networks trained on Windows, with weights that held-out windows or settings give.

    `make(n_windows)` returns an unfitted regressor. `positions` are the times of the windows'
    origins, counted in steps. Parameters of an RNNForecaster are read as attributes of `params`.
    """
    n_windows, n_networks = len(windows.y), params.n_networks
    if not settings.weighed:
        weight = float(settings.network_weight)
        held_out = _latest(windows, positions) if settings.early_stopping else None
        regressors = _seeded(make(n_windows), n_networks)
        jobs = [(regressor, windows, held_out) for regressor in regressors]
        fitted = _run(_fit, jobs, params)
        return Networks(fitted, np.full(n_networks, weight / n_networks), weight)
    rotations = _rotations(positions, windows.y.shape[1])
    if not all(len(part) for parts in rotations for part in parts):
        return Networks()  # too few times to hold some out
    jobs = [(make(n_windows), windows, parts, settings.early_stopping) for parts in rotations]
    trials = _run(_try, jobs, params)
    held_out = np.full(windows.y.shape, np.nan)
    for trial, parts in zip(trials, rotations, strict=True):
        held_out[parts.weigh] = trial.outputs
    weight = _earned(windows, positions, held_out)
    kept = [trial for trial in trials if trial.epochs]
    if weight == 0.0 or not kept:
        return Networks()
    whole = make(n_windows)
    if settings.early_stopping and isinstance(whole, RNNRegressor):
        epochs = int(np.median([trial.epochs for trial in kept]))
        whole.set_params(epochs=epochs, patience=None, validation_fraction=0.0)
    jobs = [(regressor, windows, None) for regressor in _seeded(whole, n_networks)]
    fitted = _run(_fit, jobs, params)
    n_members = N_ROTATIONS + n_networks  # those that learned nothing count as zero
    regressors = [*fitted, *(trial.regressor for trial in kept)]
    return Networks(regressors, np.full(len(regressors), weight / n_members), weight, held_out)


class Rotation(NamedTuple):
    """Windows to train on, to stop early by, and to weigh by, as positions among all windows."""

    train: np.ndarray
    stop: np.ndarray
    weigh: np.ndarray


class Trial(NamedTuple):
    """A network of a rotation: its best epoch, or 0 if it learned nothing, and held-out outputs."""

    regressor: BaseEstimator
    epochs: int
    outputs: np.ndarray


def _run(function, jobs, params):
    """Return the results of a function for each job; with callbacks jobs run one after another."""
    watched = params if hasattr(params, "_callback_fit_ctx") else None
    n_jobs = params.n_jobs if watched is None else 1
    return Parallel(n_jobs=n_jobs)(delayed(function)(watched, *job) for job in jobs)


def _fit(watched, regressor, windows, held_out, stops=True):
    """Fit a regressor to windows except held-out ones, which decide when to stop."""
    X, y = windows.X, _squeezed(windows.y)
    validation = {}
    if held_out is not None:
        if isinstance(regressor, RNNRegressor) and stops:
            validation = {"validation_data": (X[held_out.stop], y[held_out.stop])}
        X, y = X[held_out.train], y[held_out.train]
    with nullcontext() if watched is None else propagate_callbacks(watched, regressor, TASK):
        return regressor.fit(X, y, **validation)


def _try(watched, regressor, windows, parts, stops):
    """Return the Trial of a rotation."""
    _fit(watched, regressor, windows, parts, stops)
    shape = windows.y.shape
    y, found = (
        windows.y[parts.stop],
        predict_windows(regressor.predict, windows.X[parts.stop], shape[1]),
    )
    if ((y - found) ** 2).sum() >= (y**2).sum():
        return Trial(regressor, 0, np.zeros((len(parts.weigh), shape[1])))
    losses = getattr(regressor, "history_", {}).get("val_loss", [])
    epochs = int(np.argmin(losses)) + 1 if losses else 1
    return Trial(
        regressor, epochs, predict_windows(regressor.predict, windows.X[parts.weigh], shape[1])
    )


def predict_windows(predict, X, n_outputs):
    """Return predictions of a regressor's `predict`, (n_windows, n_outputs), in float64."""
    return np.asarray(predict(X), dtype=np.float64).reshape(len(X), n_outputs)


def predict_quantiles(regressors, X, n_outputs, quantiles):
    """Return fitted quantiles of windows, (n_windows, n_outputs, n_quantiles), in float64.

    Each of the regressors was fitted with `loss="quantile"`. Their quantiles are averaged.
    """
    shape = len(X), n_outputs, len(quantiles)
    found = [regressor.predict(X, quantiles=quantiles) for regressor in regressors]
    return np.mean(found, axis=0, dtype=np.float64).reshape(shape)


def _rotations(positions, gap):
    """Return Rotations, each with another sixth of the time to weigh by and the one before to stop.

    Windows with targets that could overlap those of another part are left out.
    """
    times, n_parts = np.unique(positions), 2 * N_ROTATIONS
    edges = [times[len(times) * k // n_parts] for k in range(1, n_parts)]
    part = np.searchsorted(edges, positions, side="right")
    rotations = []
    for k in range(0, n_parts, 2):
        stop, weigh = part == k, part == k + 1
        near = _near(positions, stop, gap) | _near(positions, weigh, gap)
        stop &= ~_near(positions, weigh, gap)
        rotations.append(Rotation(*map(np.flatnonzero, (~near, stop, weigh))))
    return rotations


def _near(positions, chosen, gap):
    """Return which positions are less than `gap` away from the span of the chosen ones."""
    if not chosen.any():
        return chosen
    first, last = positions[chosen].min(), positions[chosen].max()
    return (positions > first - gap) & (positions < last + gap)


def _latest(windows, positions):
    """Return a Rotation that holds out the latest tenth of the time, or None if that is all."""
    times = np.unique(positions)
    stop = positions >= times[-max(len(times) // 10, 1)]
    train = np.flatnonzero(~_near(positions, stop, windows.y.shape[1]))
    return Rotation(train, np.flatnonzero(stop), train[:0]) if len(train) else None


def _earned(windows, positions, held_out):
    """Return the weight of held-out outputs: the best factor, less its error, in [0, 1].

    The error is the standard error of a jackknife over N_BLOCKS spans of time.
    """
    chosen = np.flatnonzero(~np.isnan(held_out[:, 0]))
    truth, found = (rows[chosen] * windows.spreads[chosen] for rows in (windows.y, held_out))
    products, squares = (truth * found).sum(axis=1), (found**2).sum(axis=1)
    order = np.argsort(positions[chosen], kind="stable")
    spans = np.array_split(order, N_BLOCKS)
    above, below = (np.array([rows[span].sum() for span in spans]) for rows in (products, squares))
    if below.sum() == 0:
        return 0.0
    rest = below.sum() - below
    without = np.divide(above.sum() - above, rest, out=np.zeros(N_BLOCKS), where=rest > 0)
    error = np.sqrt((N_BLOCKS - 1) * without.var())
    return float(np.clip(above.sum() / below.sum() - error, 0.0, 1.0))


def _squeezed(y):
    return y[:, 0] if y.shape[1] == 1 else y


def _seeded(regressor, n_networks):
    """Return `n_networks` unfitted regressors; those after the first have other seeds."""
    regressors = [regressor, *(clone(regressor) for _ in range(n_networks - 1))]
    names = [name for name in regressor.get_params() if name.split("__")[-1] == "random_state"]
    for name in sorted(names):
        stream = check_random_state(deepcopy(regressor.get_params()[name]))
        for other in regressors[1:]:
            other.set_params(**{name: stream.randint(MOST_SEEDS)})
    return regressors
