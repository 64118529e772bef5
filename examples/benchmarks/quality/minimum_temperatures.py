"""Daily minimum temperatures: the last 365 days, each one step ahead, from a network fitted once.

Two leap days are missing in the series and are bridged.

    python examples/benchmarks/quality/minimum_temperatures.py FOLDER
"""

import pandas as pd
from seeds import report

from skrnn import RNNForecaster, RNNRegressor


def measure(folder, seed):
    path = folder / "daily_min_temperatures" / "daily-min-temperatures.csv"
    temperatures = pd.read_csv(path, index_col=0, parse_dates=True)["Temp"]
    forecaster = RNNForecaster(
        RNNRegressor("gru", 16, epochs=20, random_state=seed),
        timesteps=30,
        calendar=("dayofyear",),
        allow_missing=True,
    )
    errors = forecaster.backtest(temperatures, folds=365, step=1).summary()["RMSE"]
    return errors.pop("forecast"), errors


if __name__ == "__main__":
    report("daily minimum temperatures, RMSE", measure, 2.26)
