"""Parameters of the API pages: long lists in groups, and types as they are."""

import re

NETWORK = {  # the first parameter of each group, in the order of the docstring
    "cell_type": "Layers and scaling",
    "vocab_size": "Text",
    "mask_value": "Input",
    "frozen_layers": "Training",
    "patience": "Stopping and monitoring",
    "engine": "Computation",
}
GROUPS = {
    "skrnn.RNNRegressor": NETWORK | {"quantiles": "Quantiles"},
    "skrnn.RNNClassifier": NETWORK | {"class_weight": "Classes"},
    "skrnn.RNNForecaster": {
        "regressor": "Network and windows",
        "baseline": "Combination of forecasts",
        "differences": "Trend and season",
        "past_exog": "Columns and gaps",
        "calibration": "Intervals and computation",
        "freq": "Times and tables",
    },
}


def plain_types(app, what, name, obj, options, lines):
    """Show types as they are, before numpydoc reads them: with all backslashes."""
    for number, line in enumerate(lines):
        if re.match(r"\w+ : ", line):
            lines[number] = line.replace("``", "").replace("\\", r"\\")


def add_groups(app, what, name, obj, options, lines):
    """Add a title above the first parameter of each group, in the list that numpydoc made."""
    for first, title in GROUPS.get(name, {}).items():
        [number] = [k for k, line in enumerate(lines) if line.startswith(f"    **{first}** :")]
        lines[number:number] = [f"    .. rubric:: {title}", ""]


def setup(app):
    app.connect("autodoc-process-docstring", plain_types, priority=400)
    app.connect("autodoc-process-docstring", add_groups, priority=600)
