"""Exchange rates of eight countries: 96 days from 96 days, in units of the training deviation.

The first 70% are trained on, 10% stop the training, the last 20% are forecast from every day. To
choose, the 10% are forecast, by networks that an eighth of the rows before them stopped.

    python examples/benchmarks/quality/exchange_rate.py FOLDER [--choose]
"""

import numpy as np
import pandas as pd
from choosing import NETWORK_ALONE, Trial, run

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


if __name__ == "__main__":
    run(
        rates=Trial(
            "exchange rates, MSE",
            measure,
            RNNForecaster(
                RNNRegressor(
                    "gru", 16, epochs=5, batch_size=256, validation_fraction=1 / 8, patience=3
                ),
                **NETWORK_ALONE,
                timesteps=96,
                steps=STEPS,
                stride=4,
            ),
            {
                "each window's level": {"scale": "window"},
                "each window's level, 30 days": {"scale": "window", "timesteps": 30},
                "each window's level, small steps": {
                    "scale": "window",
                    "regressor__learning_rate": 0.001,
                },
                "changes": {"differences": 1},
            },
            chosen="changes",
            must_reach=0.10,
        )
    )
