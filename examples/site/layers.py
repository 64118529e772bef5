"""The levels of skrnn's modules, drawn from the list that a test holds them to."""

import ast
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt

HOUSE = Path("..", "..", "tests", "test_house.py")  # from here, where Sphinx runs it
# Each band by the first module in it, lowest first.
BANDS = {
    "_sklearn": "Numbers, words, formats",
    "_numpy_cells": "Cells and layers in NumPy",
    "_architecture": "Architecture, sequences, windows",
    "_embeddings": "What is given: parameters, samples, labels",
    "_course": "The course of training; Keras and ONNX as data",
    "_keras_devices": "Two engines",
    "_exports": "The story of fit and predict",
    "_regressor": "Estimators",
    "_steps": "Forecaster",
    "_history_display": "Displays",
    "_records": "Files",
    "__init__": "skrnn",
}
PALE = "#E3F0F8"

tree = ast.parse(HOUSE.read_text("utf-8"))
levels = next(
    ast.literal_eval(node.value)
    for node in tree.body
    if isinstance(node, ast.Assign) and node.targets[0].id == "LEVELS"
)
modules = [module for level in levels for module in level]
starts = [modules.index(first) for first in BANDS] + [len(modules)]

figure, ax = plt.subplots(figsize=(5.4, 8.6), layout="constrained")
bottom = 0.0
for title, start, stop in zip(BANDS.values(), starts[:-1], starts[1:], strict=True):
    names = [name.removeprefix("_") for name in modules[start:stop] if name != "__init__"]
    lines = textwrap.wrap(", ".join(names), 84)
    height = 1.6 + 0.8 * len(lines)
    ax.add_patch(plt.Rectangle((0, bottom), 1, height, facecolor=PALE, edgecolor="#0072B2"))
    ax.text(0.02, bottom + height - 0.85, title, va="center", fontsize=10, weight="bold")
    ax.text(0.02, bottom + 0.3, "\n".join(lines), va="bottom", fontsize=7.5, linespacing=1.15)
    bottom += height + 0.3
ax.set(xlim=(-0.01, 1.01), ylim=(-0.2, bottom))
ax.axis("off")
