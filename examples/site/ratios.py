"""How many times as long each peer takes: bars drawn from the benchmarks' results."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

RESULTS = Path("..", "benchmarks", "results", "workloads.csv")  # from here, where Sphinx runs it
COLOURS = {"scikeras": "#56B4E9", "keras": "#0072B2", "skorch": "#D55E00", "onnx": "#009E73"}

measured = pd.read_csv(RESULTS, dtype=str, keep_default_na=False)
measured = measured[~measured["peer"].str.startswith("skrnn")]  # threads are no peer
from_below = measured[::-1].groupby("workload", sort=False)

figure, ax = plt.subplots(figsize=(5.4, 8.4), layout="constrained")
place = 0
for workload, rows in from_below:
    for peer, remark, ratio, by_round in rows[["peer", "remark", "ratio", "by round"]].values:
        rounds = [float(each) for each in (by_round or ratio).split(",")]
        colour = next(COLOURS[name] for name in COLOURS if name in peer.lower())
        ax.barh(place, float(ratio) - 1, left=1, color=colour, height=0.75)
        ax.plot(rounds, [place] * len(rounds), "|", color="black", markersize=8, alpha=0.7)
        when = f", {remark.split(', 20')[0]}" if remark else ""
        ax.text(max(*rounds, 1) * 1.15, place, f"{ratio}  {peer}{when}", va="center", fontsize=8)
        place += 1
    ax.text(1, place - 0.05, workload, va="center", fontsize=9, weight="bold")
    place += 1.5

ax.axvline(1, color="black", linewidth=1)
ax.set(xscale="log", xlim=(0.4, 20_000), ylim=(-0.8, place - 0.8), yticks=[])
ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
ax.set_xticks([], minor=True)
ax.set_xlabel("Peer's time divided by skrnn's; strokes: each round", loc="left")
ax.spines[["top", "right", "left"]].set_visible(False)
