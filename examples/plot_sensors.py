"""
Movements of unequal length, with steps missing
===============================================

A hand draws figures in the air, fast or slow, and a sensor on it measures its speed in two
directions. Recordings differ in length, and the radio drops some of their steps. Which figure was
it?
"""

# %%
# The recordings
# --------------
# The figures are a circle in either direction, an eight, and a wave there and back. A recording may
# begin anywhere. The means and deviations of a recording are nearly the same for all figures: only
# the order of the steps differs.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from skrnn import RNNClassifier

rng = np.random.default_rng(0)
figures = {
    "circle left": lambda t: (np.cos(t), np.sin(t)),
    "circle right": lambda t: (np.cos(t), -np.sin(t)),
    "eight": lambda t: (np.cos(t), np.cos(2 * t)),
    "wave": lambda t: (np.cos(t), np.cos(3 * t)),
}


def record(name, noise=0.3):
    n_steps = rng.integers(20, 61)
    turns = rng.uniform(1.0, 1.6)
    t = rng.uniform(0, 2 * np.pi) + np.linspace(0, turns * 2 * np.pi, n_steps)
    speed = np.column_stack(figures[name](t)) * rng.uniform(0.7, 1.3)
    return speed + rng.normal(scale=noise, size=speed.shape)


names = rng.choice(list(figures), size=900)
recordings = [record(name) for name in names]
train, test = slice(400), slice(400, None)

# %%
# A list needs no padding
# -----------------------
# The sequences of a list may have any lengths. They are padded and masked internally, and the
# prediction does not depend on the padding.
network = RNNClassifier("gru", 24, epochs=30, random_state=0)
network.fit(recordings[train], names[train])


def summaries(sequences):
    """Return mean, deviation and length of each."""
    return [np.r_[np.nanmean(x, 0), np.nanstd(x, 0), len(x)] for x in sequences]


logistic = LogisticRegression(max_iter=1000).fit(summaries(recordings[train]), names[train])
print(f"means and deviations  {logistic.score(summaries(recordings[test]), names[test]):.3f}")
print(f"network on a list     {network.score(recordings[test], names[test]):.3f}")

# %%
# The same as one array
# ---------------------
# An array has one length for all sequences: pad it, and name the padding value. `mask_value=np.nan`
# skips steps that are NaN. Zeros that are not masked are read as a hand that does not move.


def padded(sequences, value):
    X = np.full((len(sequences), 60, 2), value)
    for row, sequence in zip(X, sequences, strict=True):
        row[: len(sequence)] = sequence
    return X


masked = RNNClassifier("gru", 24, epochs=30, mask_value=np.nan, random_state=0)
masked.fit(padded(recordings[train], np.nan), names[train])
zeros = RNNClassifier("gru", 24, epochs=30, random_state=0)
zeros.fit(padded(recordings[train], 0.0), names[train])
print(f"padded, masked        {masked.score(padded(recordings[test], np.nan), names[test]):.3f}")
print(f"padded with zeros     {zeros.score(padded(recordings[test], 0.0), names[test]):.3f}")

# %%
# Missing steps
# -------------
# More and more steps of the test recordings are lost. The network that masks NaN skips them. The
# other network gets zeros in their place.
shares = [0.0, 0.1, 0.2, 0.3, 0.5]
lost = {"skipped by the mask": [], "filled with zeros": []}
for share in shares:
    X = padded(recordings[test], np.nan)
    X[rng.random(X.shape[:2]) < share] = np.nan
    lost["skipped by the mask"].append(masked.score(X, names[test]))
    lost["filled with zeros"].append(zeros.score(np.nan_to_num(X), names[test]))
table = pd.DataFrame(lost, index=pd.Index(shares, name="lost"))
print(table.round(3).to_string())

# %%
# The figures, and the cost of lost steps
# ---------------------------------------
# The picture shows one recording of each figure, drawn from the dot on.
figure, axes = plt.subplots(1, 5, figsize=(11, 3), layout="constrained", width_ratios=[1] * 4 + [2])
for ax, name in zip(axes, figures, strict=False):
    path = np.cumsum(record(name), axis=0)
    ax.plot(*path.T, color="#0072B2")
    ax.plot(*path[0], "o", color="#D55E00")
    ax.set(title=name, xticks=[], yticks=[], aspect="equal")
for (name, scores), color, style in zip(
    lost.items(), ("#0072B2", "#D55E00"), ("o-", "s--"), strict=True
):
    axes[4].plot(shares, scores, style, color=color, label=name)
axes[4].set(xlabel="Share of steps lost", ylabel="Accuracy", ylim=(0, 1.02))
axes[4].legend(frameon=False, loc="lower left", fontsize="small")
figure.savefig("sensors.png", dpi=100)

# %%
# Both networks were trained on whole recordings. The mask helps because a skipped step says
# nothing, where a zero says something wrong. But the time that passed is lost as well, and with
# half of the steps gone it is missed. If it matters, add the time since the last step as a feature,
# and train on recordings with gaps.
