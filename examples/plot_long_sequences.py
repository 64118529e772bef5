"""
Long sequences: several timesteps in one step
=============================================

A recurrent layer takes a step for each timestep. Over hundreds of timesteps that is slow, and the
first ones are far from the target. With `segment` each step reads several timesteps together.
"""

# %%
# A shape somewhere in a long record
# ----------------------------------
# Each record is 120 timesteps of noise, and 20 of them hold a wave, a triangle or a step. Which one
# is it?
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import RNNClassifier

rng = np.random.default_rng(0)
N, TIMESTEPS, LENGTH = 700, 120, 20
t = np.linspace(0, 1, LENGTH)
shapes = {
    "wave": 1.5 * np.sin(2 * np.pi * t),
    "triangle": 1.5 - 3 * np.abs(2 * t - 1),
    "step": np.where(t < 0.5, 1.2, -1.2),
}
names = rng.choice(list(shapes), N)
X = rng.normal(scale=0.5, size=(N, TIMESTEPS, 1))
for record, name in zip(X, names, strict=True):
    start = rng.integers(0, TIMESTEPS - LENGTH)
    record[start : start + LENGTH, 0] += shapes[name]
train, test = slice(200), slice(200, None)

# %%
# X keeps its shape
# -----------------
# With `segment="auto"` the network has about 22 steps, here 24 of 5 timesteps each. The reshape is
# part of the network, and your samples do not change.
print(RNNClassifier(segment="auto").summary((TIMESTEPS, 1)))

# %%
# From row by row to few steps
# ----------------------------
rows = {}
for segment in (1, 2, 3, "auto", 10, 30):
    start = time.perf_counter()
    network = RNNClassifier(segment=segment, epochs=60, random_state=0).fit(X[train], names[train])
    seconds = time.perf_counter() - start
    n_steps = network.hidden_states(X[:1], return_sequences=True).shape[1]
    rows[n_steps] = segment, network.score(X[test], names[test]), seconds
table = pd.DataFrame.from_dict(rows, "index", columns=["segment", "accuracy", "seconds"])
print(table.rename_axis("steps").round(3).to_string())

# %%
# Accuracy and time by the number of steps
# ----------------------------------------
figure, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained", width_ratios=[2, 1, 1])
for i, name in enumerate(shapes):
    axes[0].plot(X[names == name][0] + 5 * i, color="#0072B2", linewidth=0.8)
axes[0].set(xlabel="Timestep", yticks=[0, 5, 10], yticklabels=list(shapes))
for ax, name, color in zip(axes[1:], ("accuracy", "seconds"), ("#0072B2", "#D55E00"), strict=True):
    ax.plot(table.index, table[name], "o-", color=color)
    ax.set_xscale("log")
    ax.set_xticks(table.index, table.index)
    ax.minorticks_off()
    ax.set(xlabel="Steps of the network", ylabel=name.capitalize(), ylim=(0, None))
figure.savefig("long_sequences.png", dpi=100)

# %%
# A segment has its own weights for each of its timesteps, so the network learns the shape for each
# place in a segment where it may begin. Long segments need more samples for that. The best number
# of steps depends on the data: search over `segment` where a fit is quick. `return_sequences` has
# an output for every timestep, so it has no segments.
