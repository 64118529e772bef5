"""ETTh1: 24 hours ahead, in units of the training deviation; OT alone, or all seven columns.

Twelve months are trained on, four stop the training, the next four are forecast from every hour. To
choose, the four months before these are forecast, by networks trained on nine months and stopped by
three.

    python examples/benchmarks/quality/etth1.py FOLDER [OT] [all] [--choose]
"""

from functools import partial

import pandas as pd
from choosing import NETWORK_ALONE, Trial, run

from skrnn import RNNForecaster, RNNRegressor

STEPS, TRAINED, HELD_OUT, TESTED = 24, 8640, 2880, 2880


def measure(folder, forecaster, validating, columns):
    hours = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0, parse_dates=True)
    n_rows = TRAINED + HELD_OUT + (0 if validating else TESTED)
    scaled = (hours[:n_rows] - hours[:TRAINED].mean()) / hours[:TRAINED].std(ddof=0)
    table = forecaster.backtest(scaled[columns], folds=TESTED - STEPS + 1, step=1)
    errors = table.summary()["RMSE"] ** 2
    return errors.pop("forecast"), errors


def network(learning_rate):
    return RNNRegressor(
        "gru",
        32,
        epochs=10,
        learning_rate=learning_rate,
        batch_size=256,
        validation_fraction=HELD_OUT / (TRAINED + HELD_OUT),
        patience=3,
    )


if __name__ == "__main__":
    run(
        OT=Trial(
            "ETTh1's OT, MSE",
            partial(measure, columns="OT"),
            RNNForecaster(network(0.01), **NETWORK_ALONE, timesteps=48, steps=STEPS),
            {
                "four days, each window's level": {"timesteps": 96, "scale": "window"},
                "two days, each window's level": {"scale": "window"},
                "two days, changes": {"differences": 1},
                "two days, changes from the day before": {"differences": 24},
            },
            chosen="four days, each window's level",
            must_reach=0.031,
        ),
        all=Trial(
            "ETTh1, MSE",
            partial(measure, columns=["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]),
            # A stride that has no divisor in common with 24 sees every hour of the day.
            RNNForecaster(network(0.003), **NETWORK_ALONE, timesteps=48, steps=STEPS, stride=5),
            {
                "two days, changes from the day before": {"differences": 24},
                "four days, changes from the day before": {"timesteps": 96, "differences": 24},
                "two days, each window's level": {"scale": "window"},
                "four days, each window's level": {"timesteps": 96, "scale": "window"},
            },
            chosen="four days, changes from the day before",
            must_reach=0.36,
        ),
    )
