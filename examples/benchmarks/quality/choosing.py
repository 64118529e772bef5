"""Trial: settings chosen among a few on rows before the test's, then tested with several seeds."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Trial(NamedTuple):
    """A forecaster on one data set.

    Parameters
    ----------
    title : str
        Data and measure.
    measure : callable
        Takes the data's folder, the forecaster, and whether the rows to be forecast are those of
        the validation part, which end where the test's begin; returns the error, and those of
        forecasts that need no model.
    forecaster : RNNForecaster
        What all candidates share.
    candidates : dict of str to dict
        Other parameters, by a name.
    chosen : str
        Name of the candidate that did best on the validation part.
    must_reach : float
        Error in the test.
    """

    title: str
    measure: Callable
    forecaster: object
    candidates: dict
    chosen: str
    must_reach: float

    def error(self, folder, name, seed, *, validating):
        """Return the error of a candidate and those of forecasts that need no model; print it."""
        settings = self.candidates[name] | {"regressor__random_state": seed}
        start = time.perf_counter()
        error, others = self.measure(folder, self.forecaster.set_params(**settings), validating)
        seconds = time.perf_counter() - start
        print(f"  {name}, seed {seed}: {error:.4g} in {seconds:.1f} s", flush=True)
        return error, others

    def choose(self, folder):
        """Print the error of each candidate on the validation part, and which is the smallest."""
        print(f"{self.title}, on the validation part")
        base = self.forecaster.get_params()
        errors = {}
        for name in self.candidates:
            self.forecaster.set_params(**base)
            errors[name], _ = self.error(folder, name, 0, validating=True)
        print(f"  best: {min(errors, key=errors.get)}; chosen in the script: {self.chosen}")

    def test(self, folder, n_seeds):
        """Print the errors of the chosen candidate in the test."""
        print(self.title)
        answers = [self.error(folder, self.chosen, s, validating=False) for s in range(n_seeds)]
        mean = sum(error for error, _ in answers) / n_seeds
        print("  " + ", ".join(f"{name} {error:.4g}" for name, error in answers[0][1].items()))
        print(f"  mean {mean:.4g}, must reach {self.must_reach:g}")


def run(**trials):
    """Choose or test, as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="the folder that holds the data")
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(trials)}; all if none")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="try all on the validation part")
    options = parser.parse_args()
    for name in options.names or trials:
        if options.choose:
            trials[name].choose(options.folder)
        else:
            trials[name].test(options.folder, options.seeds)
