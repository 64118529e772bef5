"""Airline passengers: the last 48 months, each one step ahead, from a network fitted once.

The 24 months before them are the validation part.

    python examples/benchmarks/quality/airline_passengers.py FOLDER [--choose]
"""

import pandas as pd
from choosing import Trial, run

from skrnn import RNNForecaster, RNNRegressor

TESTED, VALIDATED = 48, 24


def measure(folder, forecaster, validating):
    path = folder / "airline_passengers" / "airline-passengers.csv"
    passengers = pd.read_csv(path, index_col=0, parse_dates=True)["Passengers"]
    rows, folds = (passengers[:-TESTED], VALIDATED) if validating else (passengers, TESTED)
    errors = forecaster.backtest(rows, folds=folds, step=1).summary()["RMSE"]
    return errors.pop("forecast"), errors


NETWORK = RNNRegressor("gru", 16, epochs=30, batch_size=8)
WITH_NETWORK = {
    "regressor": NETWORK,
    "timesteps": 24,
    "calendar": ("month",),
    "early_stopping": False,
    "network_weight": 0.5,
}


if __name__ == "__main__":
    run(
        airline=Trial(
            "airline passengers, RMSE",
            measure,
            RNNForecaster(),
            {
                "default": {},
                "month": {"calendar": ("month",)},
                "changes from the year before": {"differences": 12},
                "changes of these": {"differences": (12, 1)},
                "default and half a network": WITH_NETWORK,
                "bare network": WITH_NETWORK
                | {"baseline": None, "network_weight": 1, "scale": "series", "differences": 1},
            },
            chosen="changes from the year before",
            must_reach=15,
            n_seeds=5,
        )
    )
