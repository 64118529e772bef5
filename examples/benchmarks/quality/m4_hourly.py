"""M4 hourly: 48 steps ahead of 414 series, one network for all of them.

python examples/benchmarks/quality/m4_hourly.py FOLDER
"""

import numpy as np
import pandas as pd
from seeds import report

from skrnn import RNNForecaster, RNNRegressor


def smape(truth, forecast):
    return (200 * np.abs(truth - forecast) / (np.abs(truth) + np.abs(forecast))).mean()


def measure(folder, seed):
    known, truth = (
        pd.read_csv(folder / "m4_hourly" / f"Hourly-{part}.csv", index_col=0)
        for part in ("train", "test")
    )
    series = known.stack().rename_axis(["series", "hour"])
    series.index = pd.MultiIndex.from_arrays(
        [series.index.get_level_values(0), series.groupby(level=0).cumcount()]
    )
    forecaster = RNNForecaster(
        RNNRegressor(
            "lstm",
            48,
            loss="mae",
            epochs=15,
            batch_size=256,
            learning_rate=0.005,
            random_state=seed,
        ),
        timesteps=72,
        steps=48,
        differences=168,
        stride=24,
    )
    forecast = forecaster.fit(series).predict().to_numpy().reshape(truth.shape)
    last = known.apply(lambda row: row.dropna().to_numpy()[-168:], axis=1)
    baselines = {
        "last week": smape(truth, np.stack(last)[:, :48]),
        "last day": smape(truth, np.tile(np.stack(last)[:, -24:], 2)),
    }
    return smape(truth, forecast).mean(), {k: v.mean() for k, v in baselines.items()}


if __name__ == "__main__":
    report("M4 hourly, sMAPE", measure, 12.6)
