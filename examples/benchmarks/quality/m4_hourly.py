"""M4 hourly: 48 steps ahead of 414 series, one model for all of them.

The last 48 hours before the test part are the validation part. The unit of MASE is the seasonal
change of a day.

    python examples/benchmarks/quality/m4_hourly.py FOLDER [--choose]
"""

import numpy as np
import pandas as pd
from choosing import Trial, run
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNForecaster, RNNRegressor

STEPS, DAY, WEEK = 48, 24, 168


def errors(rows, truth, forecast):
    """Return sMAPE and MASE."""
    off = np.abs(truth - forecast)
    scales = [np.abs(row[DAY:] - row[:-DAY]).mean() for row in rows]
    relative = 200 * off / (np.abs(truth) + np.abs(forecast))
    return relative.mean(), (off.mean(axis=1) / scales).mean()


def measure(folder, forecaster, validating):
    known, truth = (
        pd.read_csv(folder / "m4_hourly" / f"Hourly-{part}.csv", index_col=0)
        for part in ("train", "test")
    )
    rows, truth = [row.dropna().to_numpy() for _, row in known.iterrows()], truth.to_numpy()
    if validating:
        truth, rows = np.stack([row[-STEPS:] for row in rows]), [row[:-STEPS] for row in rows]
    # The true dates are not known.
    series = [pd.Series(row, pd.date_range("2015", periods=len(row), freq="h")) for row in rows]
    forecaster.fit(pd.concat(series, keys=known.index))
    forecast = forecaster.predict().to_numpy().reshape(truth.shape)
    last = np.stack([row[-WEEK:] for row in rows])
    return errors(rows, truth, forecast), {
        "last week": errors(rows, truth, last[:, :STEPS]),
        "last day": errors(rows, truth, np.tile(last[:, -DAY:], 2)),
    }


# Logarithms, read a day at a time; the network learns the change from last week's value.
FROM_LAST_WEEK = {
    "regressor": RNNRegressor(
        "gru", 64, loss="mae", epochs=15, batch_size=256, learning_rate=0.003
    ),
    "transformer": FunctionTransformer(np.log, np.exp),
    "season": WEEK,
    "baseline": "seasonal",
    "network_weight": 1,
    "early_stopping": False,
    "timesteps": WEEK,
    "segment": DAY,
    "scale": "level",
    "stride": DAY,
}
DIFFERENCED = FROM_LAST_WEEK | {"baseline": None, "differences": WEEK}


if __name__ == "__main__":
    run(
        m4=Trial(
            "M4 hourly, sMAPE and MASE",
            measure,
            RNNForecaster(steps=STEPS),
            {
                "default": {},
                "changes from last week, differenced input": DIFFERENCED,
                "changes from last week": FROM_LAST_WEEK,
                "of two weeks": FROM_LAST_WEEK | {"timesteps": 2 * WEEK},
                "three networks": FROM_LAST_WEEK | {"n_networks": 3},
            },
            chosen="three networks",
            must_reach=(10, 1.05),
        )
    )
