"""The folders of skrnn, in the order of a test: each imports only from those below it."""

import ast
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt

ROOT = Path("..", "..")  # from here, where Sphinx runs it
PALE = "#E3F0F8"

tree = ast.parse((ROOT / "tests" / "test_house.py").read_text("utf-8"))
layers = next(
    ast.literal_eval(node.value)
    for node in tree.body
    if isinstance(node, ast.Assign) and node.targets[0].id == "LAYERS"
)

figure, ax = plt.subplots(figsize=(5.4, 8.6), layout="constrained")
bottom = 0.0
for layer in layers:
    folder = ROOT / "skrnn" / layer
    names = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    lines = textwrap.wrap(", ".join(names), 84)
    height = 1.4 + 0.8 * len(lines)
    ax.add_patch(plt.Rectangle((0, bottom), 1, height, facecolor=PALE, edgecolor="#0072B2"))
    title = "skrnn" if layer == "__init__" else layer
    ax.text(0.02, bottom + height - 0.75, title, va="center", fontsize=10, weight="bold")
    ax.text(0.02, bottom + 0.3, "\n".join(lines), va="bottom", fontsize=7.5, linespacing=1.15)
    bottom += height + 0.25
ax.set(xlim=(-0.01, 1.01), ylim=(-0.2, bottom))
ax.axis("off")
