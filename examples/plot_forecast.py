"""
Forecasts with intervals, and how far to trust them
===================================================

A forecaster with default settings predicts a year of airline passengers, with intervals, from the
eleven years before it. It is then tested at four cutoffs of the past, compared with four simple
forecasts.
"""

# %%
# Two lines
# ---------
# The data are the monthly passengers of 1949 to 1960, in thousands. `steps` is the number of rows
# to forecast. Everything else is chosen from the rows passed to `fit`.
#
# If you downloaded this example, put its data into a folder `data` next to it:
# `airline_passengers.csv <../data/airline_passengers.csv>`_.
from pathlib import Path

import numpy as np
import pandas as pd

from skrnn import BacktestDisplay, ForecastDisplay, RNNForecaster

FOLDER = Path(__file__).parent if "__file__" in globals() else Path()  # a notebook's folder
DATA = FOLDER / "data" / "airline_passengers.csv"
passengers = pd.read_csv(DATA, index_col="month", parse_dates=True)["passengers"]

forecaster = RNNForecaster(steps=12).fit(passengers[:-12])
print(forecaster.predict(level=[80, 95]).round().to_string())

# %%
# The chosen candidates
# ---------------------
# `candidates_` lists the compared forecasts. They start from simple ones (anchors), in the values
# or in their logarithms. Each anchor is tried with and without a ridge regression on a window of
# the last rows. The regression may also read the season as sine and cosine (`fourier`). Each
# candidate has a mean squared error on months held out from its fit, and a weight in the forecast.
candidates = forecaster.candidates_
candidates = candidates.assign(error=candidates["errors"].map(np.mean))
columns = ["unit", "anchor", "window", "fourier", "error", "weight"]
print(candidates.loc[candidates["weight"] > 0.05, columns].round(3).to_string(index=False))

# %%
# `settings_` shows how much of the forecast comes from anchors and ridges, and how much of the
# network's output is added. A network needs 250 windows to show whether it helps. There are fewer
# here, so none was trained.
print({part: round(forecaster.settings_[part], 2) for part in ("anchor", "ridge")})
print("network:", forecaster.settings_["network_weight"])

# %%
# `contributions` splits each forecast into the same parts.
print(forecaster.contributions().round(1).head(3).to_string())

# %%
# The forecast
# ------------
# The display forecasts and draws. It also draws the last year, which `fit` has not seen.
display = ForecastDisplay.from_forecaster(
    forecaster, level=[80, 95], truth=passengers, unit="thousands"
)
display.figure_.savefig("forecast.png", dpi=100)

# %%
# The test
# --------
# At each of four cutoffs a clone learns from the months before and forecasts the year after. It is
# compared with the last month, the month one year ago, the line from the first month to the last,
# and one ridge regression on a window. `loses_to` names those that did better, if any. The interval
# score adds a penalty for each miss to the width of the interval: lower is better.
backtest = forecaster.backtest(passengers, folds=4, refit=True, level=80)
print(backtest.summary().round(2).to_string())
by_cutoff = backtest.summary(by="cutoff").xs("forecast", level="model")
print(f"\n{by_cutoff[['MAE', 'coverage_80', 'loses_to']].round(1).to_string()}")
display = BacktestDisplay.from_backtest(backtest, measure="MAE", unit="thousands")
display.figure_.savefig("backtest.png", dpi=100)

# %%
# Over the four years the error is less than half that of the month one year ago, and so is that of
# the ridge. In one year it is not: growth nearly stopped in 1958, and a forecast that had learned
# growth from the past overshot.
#
# The years also decide how good the intervals look. They should hold 80% of the months and hold
# 69%: nearly all of 1957 and 1960, but only two of the twelve of 1958, when growth had changed. The
# months of a year go wrong together, so four years are four tries, not 48. Intervals from the past
# are right only if the future errs as the past did.
