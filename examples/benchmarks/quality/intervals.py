"""Coverage of 80 and 95% intervals, and their interval scores.

The script forecasts from every rolling origin of the test part after one fit of the default
forecaster (through logarithms if a task says so). Scores are multiples of each series' mean
seasonal change, so that series of a panel count alike. The fit chooses the settings from rows
before the test part.

    python examples/benchmarks/quality/intervals.py FOLDER --on panel shift --seeds 3

With `--earlier` the test parts are left out and the rows before them tested, with other seeds.
The script ends with an error if the mean coverage over seeds is more than five points off
its level (ten for airline passengers, which have 48 test rows). If most rows of a series are 0, an
interval that contains 0 holds at least those. Its coverage may then be up to five points above
their share.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from forecast_tasks import DAILY, FAMILIES, MONTHLY, Task, shared_sets
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNForecaster
from skrnn._forecasting.baselines import interval_score

LEVELS = 80, 95
FARTHEST, FARTHEST_OF_AIRLINE = 5, 10
LOG = FunctionTransformer(np.log, np.exp)
SETS = "ETTh1 OT 24", "M4 hourly 48", "temperatures 1", "temperatures 7"


def panel(rng, n_rows=400):
    """Twenty series each of four kinds, of different sizes, and the kind of each."""
    t = np.arange(n_rows)
    rows, kinds = [], []
    for _ in range(20):
        size = np.exp(rng.normal())
        made = {
            "seasonal": 50 + (4 * rng.normal(size=7))[t % 7] + rng.normal(size=n_rows),
            "random walk": 50 + np.cumsum(rng.normal(size=n_rows)),
            "noise": 50 + rng.normal(size=n_rows),
            "trend": 50 + rng.uniform(-0.1, 0.1) * t + rng.normal(size=n_rows),
        }
        rows += [size * row for row in made.values()]
        kinds += made
    return Task("panel", rows, 70, 7, **DAILY), np.array(kinds)


def intermittent(rng, share):
    """Twenty series that are 0 on most days."""
    rows = [
        np.where(rng.uniform(size=730) < share, rng.poisson(5, size=730) + 1.0, 0.0)
        for _ in range(20)
    ]
    return Task(f"{share:.0%} of days", rows, 140, 7, **DAILY)


def positive(rng):
    rows = [FAMILIES["trend times season"][0](rng) for _ in range(10)]
    return Task("positive", rows, 36, 6, **MONTHLY)


def tasks(folder, seed):
    """Yield tasks, the group of each series or None, and parameters."""
    sets = {task.name: task for task in shared_sets(folder)}
    for name in SETS:
        yield sets[name], None, {}
    airline = sets["airline 1"].series
    yield Task("airline", airline, 48, 1, **MONTHLY, start="1949-01-01"), None, {}
    yield *panel(np.random.default_rng(seed)), {}
    for share in (0.1, 0.05):
        yield intermittent(np.random.default_rng(seed), share), None, {}
    for name, parameters in {"positive": {}, "positive, logs": {"transformer": LOG}}.items():
        task = positive(np.random.default_rng(seed))
        yield Task(name, task.series, task.n_test, task.steps, **MONTHLY), None, parameters


def measure(task, groups, parameters):
    """Return coverage and interval score of each level, by group."""
    series = {k: pd.Series(rows, task.index(rows)) for k, rows in enumerate(task.series)}
    forecaster = RNNForecaster(steps=task.steps, **parameters)
    folds = task.n_test - task.steps + 1
    table = forecaster.backtest(pd.concat(series), folds=folds, step=1, level=LEVELS)
    group = np.repeat(task.name, len(series)) if groups is None else groups
    table["group"] = group[table["series"].to_numpy(int)]
    for level in LEVELS:
        lower, upper = table[f"lower_{level}"], table[f"upper_{level}"]
        table[f"held_{level}"] = 100 * table["truth"].between(lower, upper)
        scores = interval_score(table["truth"], lower, upper, level)
        table[f"score_{level}"] = scores / table["scale"]
    names = [f"{what}_{level}" for level in LEVELS for what in ("held", "score")]
    return table.groupby("group", sort=False)[names].mean()


def shift(seed, n_rows=500, n_test=400):
    """Noise with a level that rises by eight deviations in mid-test; the last half is measured."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=n_rows + n_test)
    rows[-n_test // 2 :] += 8
    y = pd.Series(rows, pd.date_range("2020-01-01", periods=len(rows)))
    fitted = RNNForecaster(network_weight=0).fit(y[:n_rows])
    found = []
    for known in range(n_rows, len(y)):
        bounds, truth = fitted.predict(level=LEVELS).iloc[0], y.iloc[known]
        row = []
        for level in LEVELS:
            lower, upper = bounds[f"lower_{level}"], bounds[f"upper_{level}"]
            row += [100 * (lower <= truth <= upper), interval_score(truth, lower, upper, level)]
        found.append(row)
        fitted.update(y.iloc[[known]], adaptive=True)
    names = [f"{what}_{level}" for level in LEVELS for what in ("held", "score")]
    found = np.mean(found[n_test // 2 :], axis=0)
    return pd.DataFrame([found], index=["shift, adaptive"], columns=names)


def allowed(name, level):
    """Return the lowest and the highest mean coverage."""
    off = FARTHEST_OF_AIRLINE if name == "airline" else FARTHEST
    zeros = {"10% of days": 90, "5% of days": 95}.get(name, 0)
    return level - off, max(level, zeros) + off


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    parser.add_argument("--on", nargs="+", default=[""], help="parts of names of tasks, or shift")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--earlier", action="store_true", help="read no row of the test parts")
    options = parser.parse_args()
    found, first = [], 100 if options.earlier else 0
    for seed in range(first, first + options.seeds):
        for task, groups, parameters in tasks(options.folder, seed):
            if options.earlier:
                task = replace(task, series=task.training)
            if any(part in task.name for part in options.on):
                np.random.seed(seed)  # noqa: NPY002, which the networks read
                found.append(measure(task, groups, parameters))
        if any(part in "shift" for part in options.on):
            found.append(shift(seed))
    table = pd.concat(found).groupby(level=0, sort=False).mean()
    print(table.round(3).to_string())
    off = []
    for name in table.index:
        for level in LEVELS:
            lowest, highest = allowed(name, level)
            if not lowest <= table.loc[name, f"held_{level}"] <= highest:
                off.append(f"{name} at {level}%")
    if off:
        sys.exit(f"Too far off the level: {', '.join(off)}.")


if __name__ == "__main__":
    main()
