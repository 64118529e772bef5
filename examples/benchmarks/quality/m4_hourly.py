"""M4 hourly: 48 steps ahead of 414 series, one network for all of them.

The last 48 hours before the test's are the validation part.

    python examples/benchmarks/quality/m4_hourly.py FOLDER [--choose]
"""

import numpy as np
import pandas as pd
from choosing import NETWORK_ALONE, Trial, run

from skrnn import RNNForecaster, RNNRegressor

STEPS = 48


def smape(truth, forecast):
    return (200 * np.abs(truth - forecast) / (np.abs(truth) + np.abs(forecast))).mean()


def measure(folder, forecaster, validating):
    known, truth = (
        pd.read_csv(folder / "m4_hourly" / f"Hourly-{part}.csv", index_col=0)
        for part in ("train", "test")
    )
    rows = {name: pd.Series(row.dropna().to_numpy()) for name, row in known.iterrows()}
    truth = truth.to_numpy()
    if validating:
        truth = np.stack([row[-STEPS:] for row in rows.values()])
        rows = {name: row[:-STEPS] for name, row in rows.items()}
    forecast = forecaster.fit(pd.concat(rows)).predict().to_numpy().reshape(truth.shape)
    last = np.stack([row[-168:] for row in rows.values()])
    return smape(truth, forecast), {
        "last week": smape(truth, last[:, :STEPS]),
        "last day": smape(truth, np.tile(last[:, -24:], 2)),
    }


if __name__ == "__main__":
    run(
        m4=Trial(
            "M4 hourly, sMAPE",
            measure,
            RNNForecaster(
                RNNRegressor(
                    "lstm", 48, loss="mae", epochs=15, batch_size=256, learning_rate=0.005
                ),
                **NETWORK_ALONE,
                timesteps=72,
                steps=STEPS,
                differences=168,
                stride=24,
            ),
            {
                "three days, changes from the week before": {},
                "three days, changes from the day before": {"differences": 24},
                "a week, changes from the week before": {"timesteps": 168},
                "three days, each window's level": {"scale": "window"},
            },
            chosen="three days, changes from the week before",
            must_reach=12.6,
        )
    )
