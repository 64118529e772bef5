"""ETTh1: 24, 96 or 336 hours ahead, in units of the training deviation; OT only, or all columns.

The forecaster trains on sixteen months and forecasts the next four from every hour, after one fit.
`--choose` forecasts the four months before these, after a fit to twelve months.

    python examples/benchmarks/quality/etth1.py FOLDER [OT] [all] [all_96] [all_336] [--choose]
"""

from functools import partial

import pandas as pd
from choosing import Trial, run

from skrnn import RNNForecaster, RNNRegressor

YEAR, HELD_OUT, TESTED = 8640, 2880, 2880
ALL = ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]


def measure(folder, forecaster, validating, columns):
    hours = pd.read_csv(folder / "etth1" / "ETTh1.csv", index_col=0, parse_dates=True)
    n_rows = YEAR + HELD_OUT + (0 if validating else TESTED)
    scaled = (hours[:n_rows] - hours[:YEAR].mean()) / hours[:YEAR].std(ddof=0)
    table = forecaster.backtest(scaled[columns], folds=TESTED - forecaster.steps + 1, step=1)
    errors = table.summary()["RMSE"] ** 2
    return errors.pop("forecast"), errors


# As Lin et al. (2023, arXiv:2308.11200) do: a window of days, a day at a time, less its mean.
SEGMENTS = {
    "regressor": RNNRegressor("gru", 64, learning_rate=0.003, batch_size=256),
    "segment": 24,
    "stride": 5,
}
TWO_WEEKS = SEGMENTS | {"timesteps": 336}
BARE = {"baseline": None, "scale": "level", "early_stopping": True}
RIDGE = {"baseline": "ridge", "timesteps": 336}


def trial(title, steps, columns, candidates, chosen, must_reach):
    return Trial(
        f"ETTh1, {title}, {steps} hours, MSE",
        partial(measure, columns=columns),
        RNNForecaster(steps=steps),
        candidates,
        chosen=chosen,
        must_reach=must_reach,
    )


if __name__ == "__main__":
    run(
        OT=trial(
            "OT",
            24,
            "OT",
            {
                "default": {},
                "ridge on two weeks": RIDGE,
                "bare, four days": SEGMENTS | BARE | {"timesteps": 96},
                "bare, two weeks": TWO_WEEKS | BARE,
            },
            chosen="ridge on two weeks",
            must_reach=0.0262,
        ),
        all=trial(
            "all",
            24,
            ALL,
            {
                "default": {},
                "two weeks, three networks": TWO_WEEKS | {"n_networks": 3},
                "bare, four days": SEGMENTS | BARE | {"timesteps": 96},
                "bare, two weeks": TWO_WEEKS | BARE,
            },
            chosen="two weeks, three networks",
            must_reach=0.295,
        ),
        all_96=trial(
            "all",
            96,
            ALL,
            {
                "default": {},
                "ridge on two weeks": RIDGE,
                "bare, two weeks": TWO_WEEKS | BARE,
                "bare, a month": SEGMENTS | BARE | {"timesteps": 720},
            },
            chosen="default",
            must_reach=0.365,
        ),
        all_336=trial(
            "all",
            336,
            ALL,
            {
                "default": {},
                "two weeks, three networks": TWO_WEEKS | {"n_networks": 3},
                "ridge on two weeks": RIDGE,
                "ridge on a month": RIDGE | {"timesteps": 720},
                "bare, two weeks": TWO_WEEKS | BARE,
                "bare, a month": SEGMENTS | BARE | {"timesteps": 720},
            },
            chosen="two weeks, three networks",
            must_reach=0.43,
        ),
    )
