"""Forecasts with default settings, compared with the best of four simple ones.

The script makes one fit and forecasts from every rolling origin of the test part. It divides the
root mean squared error by that of the best of naive, seasonal naive, drift and ridge.

    python examples/benchmarks/quality/out_of_box.py FOLDER [sets] [cuts] [simulations]
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from forecast_tasks import FLOORS, cuts, shared_sets, simulations

from skrnn import RNNForecaster
from skrnn._forecasting.calendar import year_columns
from skrnn._forecasting.linear_model import make_history
from skrnn._forecasting.stacking import fit_baseline, known_columns


def known_cols(task):
    """The sine and cosine of the year where there are two of them, or None."""
    if task.freq is None or np.ptp(task.index(task.training[0])) < pd.Timedelta(730, "D"):
        return None
    return [year_columns(task.index(rows)) for rows in task.series]


def linear(task, kind="stacked", year=True, **settings):
    """Forecast with only the linear part of an RNNForecaster."""
    means, deviations = (
        np.array([getattr(rows, moment)() for rows in task.training]) for moment in ("mean", "std")
    )
    deviations[deviations == 0] = 1
    parts = list(zip(task.series, means, deviations, strict=True))
    scaled = [(rows - mean) / deviation for rows, mean, deviation in parts]
    known = known_cols(task) if year else None
    baseline, _ = fit_baseline(
        kind,
        [rows[: -task.n_test] for rows in scaled],
        None if known is None else [rows[: -task.n_test] for rows in known],
        outputs=task.steps,
        seasons=task.seasons,
        window=task.window,
        means=means,
        deviations=deviations,
        **settings,
    )
    origins = [task.origins(rows) for rows in scaled]
    series = np.repeat(np.arange(len(scaled)), list(map(len, origins)))
    n_known = np.concatenate(origins)
    columns = known_columns(known, None, series, n_known, task.steps)
    history = make_history(scaled, columns, series, n_known, baseline.min_history)
    found = baseline.forecast(history, series) * deviations[series, None] + means[series, None]
    return np.split(found, np.cumsum(list(map(len, origins)))[:-1])


def network(task):
    """Forecast with RNNForecaster(steps=...) and nothing else set."""
    series = {k: pd.Series(rows, task.index(rows)) for k, rows in enumerate(task.series)}
    folds = task.n_test - task.steps + 1
    table = RNNForecaster(steps=task.steps).backtest(pd.concat(series), folds=folds, step=1)
    parts = table.groupby("series", sort=False)["forecast"]
    return [part.to_numpy().reshape(folds, task.steps) for _, part in parts]


METHODS = {"linear": linear, "network": network}


def ratio(task, method, floors=None):
    """Return the error over that of the best floor, its name, and CPU seconds."""
    start = time.process_time()
    error = task.error(method(task))
    seconds = time.process_time() - start
    floors = floors or {name: task.error(floor(task)) for name, floor in FLOORS.items()}
    best = min(floors, key=floors.get)
    return error / floors[best], best, seconds


def geometric_mean(ratios):
    return float(np.exp(np.mean(np.log(ratios))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    parser.add_argument("parts", nargs="*", help="sets, cuts or simulations; all if none")
    parser.add_argument("--method", choices=METHODS, default="network")
    options = parser.parse_args()
    method = METHODS[options.method]
    for part, make in {"sets": shared_sets, "cuts": cuts}.items():
        if options.parts and part not in options.parts:
            continue
        ratios = []
        for task in make(options.folder):
            value, best, seconds = ratio(task, method)
            ratios.append(value)
            print(f"{task.name:45} {value:6.3f} of {best:15} {seconds:6.2f} s", flush=True)
        print(f"{part}: geometric mean {geometric_mean(ratios):.3f}, worst {max(ratios):.3f}")
    if options.parts and "simulations" not in options.parts:
        return
    for name, tasks in simulations().items():
        ratios = [ratio(task, method)[0] for task in tasks]
        print(f"{name:35} {geometric_mean(ratios):.3f}, worst {max(ratios):.3f}", flush=True)


if __name__ == "__main__":
    main()
