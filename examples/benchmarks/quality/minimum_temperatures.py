"""Daily minimum temperatures: the last 365 days, each one step ahead, from a network fitted once.

Two leap days are missing in the series and are bridged. The 365 days before the test's are the
validation part.

    python examples/benchmarks/quality/minimum_temperatures.py FOLDER [--choose]
"""

import pandas as pd
from choosing import NETWORK_ALONE, Trial, run

from skrnn import RNNForecaster, RNNRegressor

TESTED = 365


def measure(folder, forecaster, validating):
    path = folder / "daily_min_temperatures" / "daily-min-temperatures.csv"
    temperatures = pd.read_csv(path, index_col=0, parse_dates=True)["Temp"]
    rows = temperatures[:-TESTED] if validating else temperatures
    errors = forecaster.backtest(rows, folds=TESTED, step=1).summary()["RMSE"]
    return errors.pop("forecast"), errors


if __name__ == "__main__":
    run(
        temperatures=Trial(
            "daily minimum temperatures, RMSE",
            measure,
            RNNForecaster(
                RNNRegressor("gru", 16, epochs=20),
                **NETWORK_ALONE,
                timesteps=30,
                calendar=("dayofyear",),
                allow_missing=True,
            ),
            {
                "30 days": {},
                "14 days": {"timesteps": 14},
                "30 days, 10 epochs": {"regressor__epochs": 10},
                "30 days, each window's level": {"scale": "window"},
            },
            chosen="14 days",
            must_reach=2.26,
        )
    )
