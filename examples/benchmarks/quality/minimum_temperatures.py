"""Daily minimum temperatures: the last 365 days, each one step ahead, from a network fitted once.

Two leap days are missing in the series and are filled in. The 365 days before the test part are the
validation part.

    python examples/benchmarks/quality/minimum_temperatures.py FOLDER [--choose]
"""

import pandas as pd
from choosing import Trial, run

from skrnn import RNNForecaster, RNNRegressor

TESTED = 365


def measure(folder, forecaster, validating):
    path = folder / "daily_min_temperatures" / "daily-min-temperatures.csv"
    temperatures = pd.read_csv(path, index_col=0, parse_dates=True)["Temp"]
    rows = temperatures[:-TESTED] if validating else temperatures
    errors = forecaster.backtest(rows, folds=TESTED, step=1).summary()["RMSE"]
    return errors.pop("forecast"), errors


NETWORK = RNNRegressor("gru", 16, epochs=20)
DAYS = {"timesteps": 14, "calendar": ("dayofyear",)}


if __name__ == "__main__":
    run(
        temperatures=Trial(
            "daily minimum temperatures, RMSE",
            measure,
            RNNForecaster(fill="mask"),
            {
                "default": {},
                "14 days": DAYS,
                "14 days, default and half a network": DAYS
                | {"regressor": NETWORK, "network_weight": 0.5, "early_stopping": False},
                "bare, 14 days": DAYS | {"regressor": NETWORK, "baseline": None, "scale": "series"},
                "bare, 14 days, three networks": DAYS
                | {"regressor": NETWORK, "baseline": None, "scale": "series", "n_networks": 3},
            },
            chosen="bare, 14 days, three networks",
            must_reach=2.20,
        )
    )
