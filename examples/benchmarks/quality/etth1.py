"""ETTh1: 24 hours ahead, in units of the training deviation; OT alone, or all seven columns.

Twelve months are trained on, four stop the training, the next four are forecast from every hour.

    python examples/benchmarks/quality/etth1.py FOLDER {OT,all}
"""

import pandas as pd
from seeds import report

from skrnn import RNNForecaster, RNNRegressor

# A stride that has no divisor in common with 24 sees every hour of the day.
FORMS = {
    "OT": {"timesteps": 96, "scale": "window"},
    "all": {"timesteps": 48, "differences": 24, "stride": 5},
}
STEPS, TRAINED, HELD_OUT, TESTED = 24, 8640, 2880, 2880


def measure(folder, seed, choice):
    hours = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0, parse_dates=True)
    hours = hours[: TRAINED + HELD_OUT + TESTED]
    hours = (hours - hours[:TRAINED].mean()) / hours[:TRAINED].std(ddof=0)
    forecaster = RNNForecaster(
        RNNRegressor(
            "gru",
            32,
            epochs=10,
            learning_rate=0.003 if choice == "all" else 0.01,
            batch_size=256,
            validation_fraction=HELD_OUT / (TRAINED + HELD_OUT),
            patience=3,
            random_state=seed,
        ),
        steps=STEPS,
        **FORMS[choice],
    )
    series = hours if choice == "all" else hours[choice]
    table = forecaster.backtest(series, folds=TESTED - STEPS + 1, step=1)
    errors = table.summary()["RMSE"] ** 2
    return errors.pop("forecast"), errors


if __name__ == "__main__":
    report("ETTh1, MSE", measure, {"OT": 0.031, "all": 0.36}, "OT", "all")
