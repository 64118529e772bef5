"""
Which rows a window holds
=========================

A network that forecasts a row must not see it. Windows cut by hand are often off by one row, cross
a gap in the data, or forget at the first test rows what came before. The pictures show which rows
`WindowTransformer` puts into each window. They are drawn from its output for rows that hold their
own number.
"""

# %%
# The past of each row
# --------------------
# There is one window for each row: the three rows strictly before it. Where there are none, the
# mean of the column takes their place.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import WindowDisplay, WindowTransformer

days = pd.date_range("2024-03-01", periods=48, freq="D", name="day")
load = pd.DataFrame({"load": np.sin(np.arange(48) / 4)}, index=days)

figure, axes = plt.subplots(3, figsize=(8, 8.5), layout="constrained")
windows = WindowTransformer(timesteps=3)
display = WindowDisplay.from_estimator(windows, load, windows=range(6), ax=axes[0])
print("No window holds its own row:", bool((display.rows < display.targets).all()))
# sphinx_gallery_defer_figures

# %%
# The first test rows
# -------------------
# Fitted on the first 40 days, the transformer remembers the last of them. The days that follow see
# their true past instead of means.
windows.fit(load[:40])
display = WindowDisplay.from_estimator(windows, load[40:], windows=range(6), ax=axes[1])
print("Steps remembered from the training rows:", int((display.sources == "fit").sum()))
# sphinx_gallery_defer_figures

# %%
# A gap
# -----
# Two days are missing. No window crosses the gap: the rows after it start again.
holes = load.drop(days[[6, 7]])
display = WindowDisplay.from_estimator(
    WindowTransformer(timesteps=3), holes, windows=range(4, 10), ax=axes[2]
)
across = (display.rows[6:] < 6) & (display.sources[6:] == "row")
print("Rows before the gap in windows after it:", int(across.sum()))

titles = ["The past of each row", "The first test rows", "Around a gap"]
for ax, title in zip(axes, titles, strict=True):
    ax.set_title(title, loc="right")
figure.savefig("windows.png", dpi=100)

# %%
# `horizon=0` puts the row itself into its window, and `horizon=2` also leaves out the row before
# it. `WindowDisplay.from_series` draws the same for `make_windows`, with its targets.
