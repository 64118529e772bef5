"""Task: series to forecast, and the errors of forecasts compared with those of simple ones.

Shared sets, cuts of their training rows, and simulated families.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV

FAMILIES = {}


@dataclass(frozen=True)
class Task:
    """Series to be forecast from every origin of their test part, after one fit.

    Parameters
    ----------
    name : str
        Name of the data and the horizon.
    series : list of ndarray of shape (n_rows,)
        Rows, those of the test part at the end.
    n_test : int
        Rows of the test part of each series.
    steps : int
        Rows to forecast from each origin.
    freq : str or None
        Frequency of a dated index, None for an index of whole numbers.
    seasons : tuple of int
        Lengths of its seasons, in rows.
    window : int
        Rows that the ridge among the floors reads.
    start : str
        Date of the first row of the longest series.
    """

    name: str
    series: list
    n_test: int
    steps: int
    freq: str | None
    seasons: tuple
    window: int
    start: str = "2001-01-01"

    @property
    def training(self):
        """Rows before the test part."""
        return [rows[: -self.n_test] for rows in self.series]

    def origins(self, rows):
        """Numbers of rows known before each forecast."""
        return np.arange(len(rows) - self.n_test, len(rows) - self.steps + 1)

    def index(self, rows):
        """Times of a series; all series end at the same one."""
        longest = max(map(len, self.series))
        if self.freq is None:
            return pd.RangeIndex(longest - len(rows), longest)
        return pd.date_range(self.start, periods=longest, freq=self.freq)[-len(rows) :]

    def error(self, forecasts):
        """Root mean squared error, each series in units of its training deviation.

        `forecasts` holds (n_origins, steps) for each series.
        """
        squares = []
        for rows, past, found in zip(self.series, self.training, forecasts, strict=True):
            truth = windows(rows, self.origins(rows), self.steps)
            squares.append(((truth - found) / (past.std() or 1)) ** 2)
        return float(np.sqrt(np.concatenate(squares).mean()))


def windows(rows, starts, length):
    """Rows from each start on, (n_starts, length)."""
    return np.lib.stride_tricks.sliding_window_view(rows, length)[starts]


def naive(task):
    return [
        np.repeat(rows[task.origins(rows) - 1, None], task.steps, axis=1) for rows in task.series
    ]


def seasonal_naive(task):
    season = task.seasons[0] if task.seasons else 1
    steps = np.arange(task.steps) % season
    return [windows(rows, task.origins(rows) - season, season)[:, steps] for rows in task.series]


def drift(task):
    forecasts = []
    for rows in task.series:
        origins = task.origins(rows)
        slopes = (rows[origins - 1] - rows[0]) / np.maximum(origins - 1, 1)
        forecasts.append(rows[origins - 1, None] + np.outer(slopes, np.arange(1, task.steps + 1)))
    return forecasts


def ridge(task):
    """A ridge regression on the window minus its mean, one for all series together."""
    shortest = min(map(len, task.training))
    n_rows = max(min(task.window, (shortest - task.steps) // 3), 1)
    X, y = [], []
    for past in task.training:
        starts = np.arange(len(past) - n_rows - task.steps + 1)
        both = windows(past / (past.std() or 1), starts, n_rows + task.steps)
        both = both - both[:, :n_rows].mean(axis=1, keepdims=True)
        X.append(both[:, :n_rows])
        y.append(both[:, n_rows:])
    model = RidgeCV(np.logspace(-3, 3, 13)).fit(np.concatenate(X), np.concatenate(y))
    forecasts = []
    for rows, past in zip(task.series, task.training, strict=True):
        recent = windows(rows, task.origins(rows) - n_rows, n_rows)
        level, scale = recent.mean(axis=1, keepdims=True), past.std() or 1
        answer = model.predict((recent - level) / scale).reshape(-1, task.steps)
        forecasts.append(level + scale * answer)
    return forecasts


FLOORS = {"naive": naive, "seasonal naive": seasonal_naive, "drift": drift, "ridge": ridge}


def shared_sets(folder):
    """The shared sets, as Tasks."""

    def column(path, name):
        return pd.read_csv(folder / path)[name].to_numpy(float)

    airline = column("airline_passengers/airline-passengers.csv", "Passengers")
    shampoo = column("shampoo/shampoo.csv", "Sales")
    path = folder / "daily_min_temperatures" / "daily-min-temperatures.csv"
    days = pd.read_csv(path, index_col=0, parse_dates=True)["Temp"]
    days = days.asfreq("D").interpolate().to_numpy()  # two leap days are missing
    etth = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0)[:14400]
    etth = list(((etth - etth[:8640].mean()) / etth[:8640].std(ddof=0)).to_numpy().T.copy())
    rates = np.loadtxt(folder / "exchange_rate" / "exchange_rate.txt", delimiter=",")
    n_train = int(0.7 * len(rates))
    rates = list(((rates - rates[:n_train].mean(0)) / rates[:n_train].std(0)).T.copy())
    m4 = [
        pd.read_csv(folder / "m4_hourly" / f"Hourly-{part}.csv", index_col=0).to_numpy()
        for part in ("train", "test")
    ]
    m4 = [np.append(a[~np.isnan(a)], b) for a, b in zip(*m4, strict=True)]
    monthly, hourly = ("MS", (12,), 24, "1949-01-01"), ("h", (24, 168), 96, "2016-07-01")
    return [
        Task("airline 1", [airline], 36, 1, *monthly),
        Task("airline 12", [airline], 36, 12, *monthly),
        Task("shampoo 1", [shampoo], 12, 1, *monthly),
        Task("temperatures 1", [days], 365, 1, "D", (7,), 30, "1981-01-01"),
        Task("temperatures 7", [days], 365, 7, "D", (7,), 30, "1981-01-01"),
        Task("ETTh1 OT 24", etth[-1:], 2880, 24, *hourly),
        Task("ETTh1 all 24", etth, 2880, 24, *hourly),
        Task("exchange 96", rates, int(0.2 * len(rates[0])), 96, None, (), 96),
        Task("M4 hourly 48", m4, 48, 48, "h", (24, 168), 336),
    ]


# Of cuts: rows at least and at most, and the steps to forecast.
CUTS = {
    "airline 1": (48, 100, (1, 3, 6, 12)),
    "shampoo 1": (18, 24, (1, 3)),
    "temperatures 1": (200, 2500, (1, 3, 7, 14)),
    "ETTh1 OT 24": (500, 9000, (1, 6, 24, 48)),
    "ETTh1 all 24": (500, 9000, (1, 6, 24, 48)),
    "exchange 96": (150, 5000, (1, 5, 20, 96)),
    "M4 hourly 48": (300, 700, (1, 12, 24, 48)),
}


def cuts(folder, n_each=11, seed=0):
    """Tasks made of the training rows of the shared sets: other ends, lengths and horizons."""
    rng = np.random.default_rng(seed)
    sets = {task.name: task for task in shared_sets(folder)}
    made = []
    for name, (fewest, most, horizons) in CUTS.items():
        task = sets[name]
        for number in range(n_each):
            n_rows = int(np.exp(rng.uniform(np.log(fewest), np.log(most))))
            steps = int(rng.choice(horizons))
            n_series = len(task.series)
            if n_series > 7:
                n_series = int(rng.choice([1, 5, 30])) if n_series > 8 else int(rng.choice([1, 8]))
            chosen = rng.choice(len(task.series), n_series, replace=False)
            rows = [task.training[k] for k in chosen]
            n_test = int(min(max(n_rows // 4, steps), steps + 400))
            end = int(rng.integers(min(n_rows, min(map(len, rows))), min(map(len, rows)) + 1))
            parts = [row[max(end - n_rows, 0) : end] for row in rows]
            start = task.index(task.series[0])[max(end - n_rows, 0)]
            label = f"{name.rsplit(' ', 1)[0]} cut {number}: {len(parts[0])} rows, {steps} ahead"
            window, start = min(task.window, len(parts[0]) // 4), str(start)
            made.append(Task(label, parts, n_test, steps, task.freq, task.seasons, window, start))
    return made


def family(**settings):
    """Register a function of a generator that makes one series of a simulated family."""

    def register(make):
        FAMILIES[make.__name__.replace("_", " ")] = make, settings
        return make

    return register


def simulations(n_seeds=10):
    """Tasks of each family, by its name."""
    made = {}
    for name, (make, settings) in FAMILIES.items():
        for steps in settings["steps"]:
            shared = {key: value for key, value in settings.items() if key != "steps"}
            label = name if len(settings["steps"]) == 1 else f"{name}, {steps} ahead"
            made[label] = [
                Task(label, [make(np.random.default_rng(seed))], steps=steps, **shared)
                for seed in range(n_seeds)
            ]
    return made


def autoregressive(rng, n_rows, weights, scale=1.0):
    """An autoregressive series, past its beginning."""
    rows = np.zeros(n_rows + 200)
    for t in range(len(weights), len(rows)):
        rows[t] = np.dot(weights, rows[t - len(weights) : t][::-1]) + rng.normal(scale=scale)
    return rows[200:]


MONTHLY = {"freq": "MS", "seasons": (12,), "window": 24}
DAILY = {"freq": "D", "seasons": (7,), "window": 28}
PLAIN = {"freq": None, "seasons": (), "window": 32}


@family(n_test=36, steps=(6,), **MONTHLY)
def trend_plus_season(rng):
    t = np.arange(156)
    profile = rng.normal(size=12) * 3
    return 50 + rng.uniform(-0.3, 0.3) * t + profile[t % 12] + rng.normal(size=156)


@family(n_test=36, steps=(6,), **MONTHLY)
def trend_times_season(rng):
    t = np.arange(156)
    profile = np.exp(rng.normal(size=12) * 0.15)
    growth = np.exp(rng.uniform(0.003, 0.012) * t)
    return 100 * growth * profile[t % 12] * np.exp(rng.normal(size=156) * 0.04)


@family(n_test=100, steps=(5,), **PLAIN)
def random_walk(rng):
    return 100 + np.cumsum(rng.normal(size=400))


@family(n_test=200, steps=(3,), **PLAIN)
def second_order_autoregression(rng):
    return autoregressive(rng, 800, [1.2, -0.5])


@family(n_test=500, steps=(1, 3), **PLAIN)
def threshold_autoregression(rng):
    rows = np.zeros(2200)
    for t in range(1, len(rows)):
        slope = -1.5 if rows[t - 1] > 0 else 0.9
        rows[t] = 0.3 + slope * rows[t - 1] + rng.normal(scale=0.3)
    return rows[200:]


@family(n_test=140, steps=(7,), **DAILY)
def intermittent(rng):
    shown = rng.uniform(size=700) < 0.3
    return np.where(shown, rng.poisson(5, size=700) + 1.0, 0.0)


@family(n_test=140, steps=(7,), **DAILY)
def season_that_changes_phase(rng):
    t = np.arange(700)
    phase = np.cumsum(rng.uniform(size=700) < 0.01)
    profile = np.array([0, 1, 2, 3, 2, -4, -4.0]) + rng.normal(size=7)
    return 20 + profile[(t + phase) % 7] + rng.normal(size=700)


@family(n_test=100, steps=(3,), **PLAIN)
def level_shift(rng):
    shifts = np.cumsum(np.where(rng.uniform(size=400) < 0.01, rng.normal(size=400) * 8, 0))
    return 50 + shifts + rng.normal(size=400)


@family(n_test=140, steps=(7,), **DAILY)
def weekly(rng):
    t = np.arange(700)
    return 100 + (rng.normal(size=7) * 4)[t % 7] + autoregressive(rng, 700, [0.7], 2)
