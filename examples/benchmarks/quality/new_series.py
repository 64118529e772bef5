"""New series: forecasts of 20 series by a model of 80 series like them, and by one of all 100.

    python examples/benchmarks/quality/new_series.py [--seeds 3] [--with linear network]

The data are a simulated panel. The measure is the MASE of the 20 series, over all origins of their
last 56 rows. It must be within 5% of the MASE with these series fitted too, otherwise the script
ends with an error.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from skrnn import RNNForecaster, RNNRegressor

N_SERIES, N_NEW, N_ROWS = 100, 20, 300
STEPS, N_TEST = 14, 56
MOST = 0.05  # of the MASE of series that are fitted


def simulate(seed):
    """100 shops by day: weeks alike in shape, levels that drift, and campaigns of their own.

    A campaign of three days lifts sales, and leaves stocks full in the three days after it.
    """
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=N_ROWS)
    week = np.array([0.0, 0.1, 0.0, 0.1, 0.6, 1.0, -0.4])
    sales = {}
    for shop in range(N_SERIES):
        shape = (week + rng.normal(scale=0.1, size=7))[days.day_of_week]
        drift = np.cumsum(rng.normal(scale=0.04, size=N_ROWS))
        starts = rng.random(N_ROWS) < 0.04
        campaign = np.convolve(starts, [1.2, 1.0, 0.8, -0.5, -0.4, -0.3])[:N_ROWS]
        noise = rng.normal(scale=0.2, size=N_ROWS)
        sales[shop] = rng.lognormal(3) * (3 + shape + drift + campaign + noise)
    return pd.DataFrame(sales, index=days)


def forecasters(seed):
    network = RNNRegressor("gru", 16, learning_rate=0.01, epochs=4, random_state=seed)
    return {
        "linear": RNNForecaster(steps=STEPS, network_weight=0),
        "network": RNNForecaster(
            network, timesteps=28, steps=STEPS, network_weight=1.0, early_stopping=False
        ),
    }


def mase(forecaster, known, panel, *, new):
    """Return the MASE of the 20 over all origins of the test part.

    `known` are the columns that are fitted; `new` says whether the 20 are passed as new ones.
    """
    shops = panel.columns[-N_NEW:]
    training, chosen = panel[:-N_TEST], panel[shops]
    fitted = forecaster.fit(training[known])
    scale = training[shops].diff(7).abs().mean()
    errors = []
    for cutoff in range(N_ROWS - N_TEST, N_ROWS - STEPS + 1, 7):
        if new:
            forecast = fitted.predict(series=chosen[:cutoff])
        else:
            forecast = fitted.update(panel[:cutoff]).predict()[shops]
        errors.append((chosen.loc[forecast.index] - forecast).abs().mean() / scale)
    return float(np.mean(errors))


def main():
    parser = argparse.ArgumentParser(description="Forecasts of new series")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--with", dest="kinds", nargs="+", default=list(forecasters(0)))
    options = parser.parse_args()
    off = []
    for kind in options.kinds:
        ratios = []
        for seed in range(options.seeds):
            panel, forecaster = simulate(seed), forecasters(seed)[kind]
            fitted = mase(forecaster, panel.columns, panel, new=False)
            unseen = mase(forecaster, panel.columns[:-N_NEW], panel, new=True)
            ratios.append(unseen / fitted)
            print(f"{kind}, seed {seed}: MASE fitted {fitted:.3f}, new {unseen:.3f}", flush=True)
        print(f"{kind}: new to fitted {np.mean(ratios):.3f}, at most {max(ratios):.3f}")
        if max(ratios) > 1 + MOST:
            off.append(kind)
    if off:
        sys.exit(f"More than {MOST:.0%} above the MASE of fitted series: {', '.join(off)}.")


if __name__ == "__main__":
    main()
