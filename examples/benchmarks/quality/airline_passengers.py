"""Airline passengers: the last 48 months, each one step ahead, from a network fitted once.

python examples/benchmarks/quality/airline_passengers.py FOLDER
"""

import numpy as np
import pandas as pd
from seeds import report
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNForecaster, RNNRegressor


def measure(folder, seed):
    path = folder / "airline_passengers" / "airline-passengers.csv"
    passengers = pd.read_csv(path, index_col=0, parse_dates=True)["Passengers"]
    forecaster = RNNForecaster(
        RNNRegressor("gru", 16, epochs=150, random_state=seed),
        timesteps=24,
        differences=1,
        calendar=("month",),
        transformer=FunctionTransformer(np.log, np.exp),
    )
    errors = forecaster.backtest(passengers, folds=48, step=1).summary()["RMSE"]
    return errors.pop("forecast"), errors


if __name__ == "__main__":
    report("airline passengers, RMSE", measure, 20)
