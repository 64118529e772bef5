"""
2. Windows
==========

A network that forecasts a row may read the rows before it, and nothing else. Which rows those are
is the first question for every series. It is also the question that is most often answered wrongly:
by one row too many, across a gap, or with a test that has seen its answers.
"""

# %%
# A window and its target
# -----------------------
# `WindowDisplay` draws the rows of each window. Each line is one sample: the squares are the rows
# that the network reads, and the diamond is the row to predict.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import RNNRegressor, WindowDisplay, WindowTransformer, make_windows

figure, axes = plt.subplots(2, figsize=(8, 5.5), layout="constrained")
display = WindowDisplay.from_series(range(1, 14), timesteps=3, ax=axes[0])
display = WindowDisplay.from_series(range(1, 14), timesteps=3, horizon=2, n_outputs=2, ax=axes[1])
axes[0].set_title("timesteps=3", loc="right")
axes[1].set_title("timesteps=3, horizon=2, n_outputs=2", loc="right")
figure.savefig("windows_and_targets.png", dpi=100)

# %%
# `horizon` is the distance from the last row of a window to its target. `n_outputs` is the number
# of rows to predict at once. The arrays hold the rows of the picture. X is a view: nothing is
# copied.
X, y = make_windows(range(1, 14), timesteps=3)
print("X[0]", X[0].ravel(), " y[0]", y[0])

# %%
# One window for each row: pipelines
# ----------------------------------
# `make_windows` drops incomplete windows, so X has fewer rows than the series. A pipeline step must
# keep the number of rows. So `WindowTransformer` makes one window for each row, from the rows
# strictly before it, and `fit(frame, frame["load"])` needs no shift. Positions before the first row
# are padded with the means of the training rows.
from sklearn.pipeline import make_pipeline

rng = np.random.default_rng(0)
hours = pd.date_range("2026-01-01", periods=600, freq="h")
daily = np.sin(np.arange(600) * 2 * np.pi / 24)
load = 50 + 10 * daily + np.cumsum(rng.normal(scale=0.7, size=600))
frame = pd.DataFrame({"load": load}, index=hours)

pipeline = make_pipeline(
    WindowTransformer(timesteps=24), RNNRegressor("gru", 16, epochs=40, random_state=0)
)
pipeline.fit(frame[:500], frame["load"][:500])
print(f"R2 of the last hours  {pipeline.score(frame[500:], frame['load'][500:]):.3f}")

# %%
# The first of the test hours are forecast from the end of the training rows. The transformer
# remembers these rows and uses them if the new rows continue them without a gap. To forecast the
# hour after the last one, add a row of NaN: no window contains the row that it is made for. Pass
# the rows before it too. If they are missing, the window is filled with means, and a warning says
# so.
import warnings

future = pd.DataFrame(np.nan, index=hours[-1:] + pd.Timedelta("1h"), columns=frame.columns)
rows = pd.concat([frame[-24:], future])
print(f"{future.index[0]}  {pipeline.predict(rows)[-1]:.1f}, from the day before it")
with warnings.catch_warnings(record=True, action="always") as caught:
    print(f"{future.index[0]}  {pipeline.predict(future)[0]:.1f}, from means: a mistake")
print(f"{hours[-1]}  {frame['load'].iloc[-1]:.1f}, measured")
print(caught[0].message)

# %%
# Off by one
# ----------
# With `horizon=0` a window ends with its own row. That is right if the target is another column,
# measured at the same time. It is wrong for the series itself, because the window then contains the
# answer.
figure, axes = plt.subplots(2, figsize=(8, 5.5), layout="constrained")
for ax, horizon in zip(axes, (1, 0), strict=True):
    transformer = WindowTransformer(timesteps=3, horizon=horizon)
    WindowDisplay.from_estimator(transformer, load[:8, np.newaxis], ax=ax)
    ax.set_title(f"horizon={horizon}", loc="right")
figure.savefig("off_by_one.png", dpi=100)

for horizon in (1, 0):
    pipeline.set_params(windowtransformer__horizon=horizon)
    pipeline.fit(frame[:500], frame["load"][:500])
    errors = frame["load"][500:] - pipeline.predict(frame[500:])
    print(f"horizon={horizon}  RMSE  {np.sqrt((errors**2).mean()):.2f}")
steps = frame["load"].diff()[500:]
print(f"the hour before  RMSE  {np.sqrt((steps**2).mean()):.2f}")

# %%
# An error far below that of the naive forecast is rarely genius. Draw the windows before you
# believe it.
#
# Folds in the order of time
# --------------------------
# `TimeSeriesSplit` trains on earlier rows and tests on later ones. The first test rows of each fold
# read the end of its training rows. If rows were shuffled, test rows would lie between training
# rows. With a time index, shuffled rows raise an error.
from sklearn.model_selection import KFold, TimeSeriesSplit, cross_val_score

pipeline.set_params(windowtransformer__horizon=1)
folds = TimeSeriesSplit(n_splits=3, test_size=100)
scoring = "neg_root_mean_squared_error"
scores = cross_val_score(pipeline, frame, frame["load"], cv=folds, scoring=scoring)
print("RMSE of three folds in order ", (-scores).round(2))
try:
    shuffled = frame.sample(frac=1, random_state=0)
    pipeline.fit(shuffled, shuffled["load"])
except ValueError as error:
    print(error)

# %%
# Ready-made windows cannot protect themselves. Take a random walk: you cannot predict it ten steps
# ahead, except that it will be near its last value. Shuffled folds suggest otherwise. Each test
# window has neighbours among the training windows, which share most of its rows and have similar
# answers. Folds in the order of time show the truth.
walk = np.cumsum(rng.normal(size=300))
X, y = make_windows(walk, timesteps=10, horizon=10)
network = RNNRegressor("gru", 32, random_state=0)
shuffled = cross_val_score(network, X, y, cv=KFold(3, shuffle=True, random_state=0))
in_order = cross_val_score(network, X, y, cv=TimeSeriesSplit(3, test_size=60))
print(f"R2 of shuffled folds  {shuffled.mean():.2f}\nR2 of folds in order  {in_order.mean():.2f}")

# %%
# Gaps and the borders of series
# ------------------------------
# A time index shows where rows are missing. No window crosses a gap. If the index has two levels,
# (series, time), no window crosses from one series to the next.
holes = frame.drop(hours[[5, 6]])
display = WindowDisplay.from_estimator(WindowTransformer(timesteps=3), holes, windows=range(2, 10))
display.figure_.savefig("gap.png", dpi=100)

# %%
# Steps before the windows
# ------------------------
# The networks standardize their inputs, so you need no scaler. A scaler before the windows returns
# a plain array. The index is lost, and with it the gaps, the borders and the remembered rows.
# `set_output` keeps the index.
from sklearn.preprocessing import RobustScaler

scaled = make_pipeline(RobustScaler(), WindowTransformer(timesteps=24), RNNRegressor("gru", 16))
scaled.set_output(transform="pandas")

# %%
# The windows now fit the rows. A search shows which network fits the windows: that is the next
# chapter.
