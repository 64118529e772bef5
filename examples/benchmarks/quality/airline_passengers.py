"""Airline passengers: the last 48 months, each one step ahead, from a network fitted once.

The 24 months before them are the validation part.

    python examples/benchmarks/quality/airline_passengers.py FOLDER [--choose]
"""

import numpy as np
import pandas as pd
from choosing import NETWORK_ALONE, Trial, run
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNForecaster, RNNRegressor

TESTED, VALIDATED = 48, 24


def measure(folder, forecaster, validating):
    path = folder / "airline_passengers" / "airline-passengers.csv"
    passengers = pd.read_csv(path, index_col=0, parse_dates=True)["Passengers"]
    rows, folds = (passengers[:-TESTED], VALIDATED) if validating else (passengers, TESTED)
    errors = forecaster.backtest(rows, folds=folds, step=1).summary()["RMSE"]
    return errors.pop("forecast"), errors


if __name__ == "__main__":
    run(
        airline=Trial(
            "airline passengers, RMSE",
            measure,
            RNNForecaster(
                RNNRegressor("gru", 16, epochs=150),
                **NETWORK_ALONE,
                timesteps=24,
                differences=1,
                calendar=("month",),
                transformer=FunctionTransformer(np.log, np.exp),
            ),
            {
                "two years": {},
                "one year": {"timesteps": 12},
                "two years without the month": {"calendar": ()},
                "changes from the year before": {"timesteps": 12, "differences": 12},
                "two years, batches of 8": {"regressor__batch_size": 8, "regressor__epochs": 30},
            },
            chosen="two years, batches of 8",
            must_reach=20,
        )
    )
