"""Exchange rates of eight countries: 96 days from 96 days, in units of the training deviation.

The forecaster trains on the first 80% and forecasts the last 20% from every day, after one fit.
`--choose` forecasts the 10% before these, after a fit to the rows before them.

    python examples/benchmarks/quality/exchange_rate.py FOLDER [--choose]
"""

import numpy as np
import pandas as pd
from choosing import Trial, run

from skrnn import RNNForecaster, RNNRegressor

STEPS = 96


def measure(folder, forecaster, validating):
    rates = pd.DataFrame(np.loadtxt(folder / "exchange_rate" / "exchange_rate.txt", delimiter=","))
    n_train, n_test = int(0.7 * len(rates)), int(0.2 * len(rates))
    rates = (rates - rates[:n_train].mean()) / rates[:n_train].std(ddof=0)
    if validating:
        rates = rates[:-n_test]
        n_test = len(rates) - n_train
    table = forecaster.backtest(rates, folds=n_test - STEPS + 1, step=1)
    errors = table.summary()["RMSE"] ** 2
    return errors.pop("forecast"), errors


# A window of 96 days, 24 at a time, less its mean.
SEGMENTS = {
    "regressor": RNNRegressor("gru", 64, epochs=5, learning_rate=0.003, batch_size=256),
    "timesteps": 96,
    "segment": 24,
    "stride": 5,
    "scale": "level",
}
BARE = SEGMENTS | {"baseline": None}


if __name__ == "__main__":
    run(
        rates=Trial(
            "exchange rates, MSE",
            measure,
            RNNForecaster(steps=STEPS),
            {
                "default": {},
                "last value": {"baseline": "last", "network_weight": 0},
                "drift": {"baseline": "drift", "network_weight": 0},
                "last value and network": SEGMENTS | {"baseline": "last"},
                "default and network": SEGMENTS,
                "ridge": {"baseline": "ridge", "timesteps": 96, "network_weight": 0},
                "bare": BARE,
                "bare, three networks": BARE | {"n_networks": 3},
                "bare, changes, three networks": BARE
                | {"n_networks": 3, "differences": 1, "scale": "series"},
            },
            chosen="drift",
            must_reach=0.081,
        )
    )
