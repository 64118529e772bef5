"""What the scripts of this folder share: the data's folder as argument, a mean over seeds."""

import argparse
import time
from pathlib import Path


def report(title, measure, must_reach, *choices):
    """Print what `measure` gives for each seed, and the mean beside what it must reach.

    Parameters
    ----------
    title : str
        Data and measure.
    measure : callable
        Takes the data's folder, a seed and the choice; returns the error, and those of forecasts
        that need no model.
    must_reach : float, or dict of choice to float
    *choices : str
        Values of a second argument.
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    if choices:
        parser.add_argument("choice", choices=choices)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    arguments = [options.choice] if choices else []
    errors = []
    for seed in range(options.seeds):
        start = time.perf_counter()
        error, baselines = measure(options.folder, seed, *arguments)
        errors.append(error)
        print(f"seed {seed}: {error:.4g} in {time.perf_counter() - start:.1f} s", flush=True)
    wanted = must_reach[options.choice] if choices else must_reach
    print(", ".join(f"{name} {value:.4g}" for name, value in baselines.items()))
    print(f"{title}: mean {sum(errors) / len(errors):.4g}, must reach {wanted:g}")
