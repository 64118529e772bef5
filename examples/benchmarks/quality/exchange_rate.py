"""Exchange rates of eight countries: 96 days from 96 days, in units of the training deviation.

The first 70% are trained on, 10% stop the training, the last 20% are forecast from every day.

    python examples/benchmarks/quality/exchange_rate.py FOLDER
"""

import numpy as np
import pandas as pd
from seeds import report

from skrnn import RNNForecaster, RNNRegressor

STEPS = 96


def measure(folder, seed):
    rates = pd.DataFrame(np.loadtxt(folder / "exchange_rate" / "exchange_rate.txt", delimiter=","))
    n_train, n_test = int(0.7 * len(rates)), int(0.2 * len(rates))
    rates = (rates - rates[:n_train].mean()) / rates[:n_train].std(ddof=0)
    forecaster = RNNForecaster(
        RNNRegressor(
            "gru",
            16,
            epochs=5,
            batch_size=256,
            validation_fraction=1 / 8,
            patience=3,
            random_state=seed,
        ),
        timesteps=96,
        steps=STEPS,
        scale="window",
        stride=4,
    )
    table = forecaster.backtest(rates, folds=n_test - STEPS + 1, step=1)
    errors = table.summary()["RMSE"] ** 2
    return errors.pop("forecast"), errors


if __name__ == "__main__":
    report("exchange rates, MSE", measure, 0.10)
