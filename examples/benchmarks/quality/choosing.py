"""Trial: settings chosen among a few without the test part, then tested with several seeds."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

NETWORK_ALONE = {"baseline": None, "segment": 1, "scale": "series"}  # of an RNNForecaster


class Trial(NamedTuple):
    """An estimator on one data set.

    Parameters
    ----------
    title : str
        Data and measure.
    measure : callable
        Takes the data's folder, the estimator, and whether to predict the validation part, whose
        rows end where the test's begin; returns the error, and those of what needs no network.
    estimator : RNNForecaster or RNNClassifier
        What all candidates share.
    candidates : dict of str to dict
        Other parameters, by a name.
    chosen : str
        Name of the candidate that did best on the validation part.
    must_reach : float
        Error in the test.
    seeded : str
        The parameter that takes the seed.
    n_seeds : int
        Of a test.
    best : callable
        min for errors, max for accuracies.
    """

    title: str
    measure: Callable
    estimator: object
    candidates: dict
    chosen: str
    must_reach: float
    seeded: str = "regressor__random_state"
    n_seeds: int = 3
    best: Callable = min

    def error(self, folder, name, seed, *, validating):
        """Return the error of a candidate and those of what needs no network; print it."""
        settings = self.candidates[name] | {self.seeded: seed}
        start = time.perf_counter()
        error, others = self.measure(folder, self.estimator.set_params(**settings), validating)
        seconds = time.perf_counter() - start
        print(f"  {name}, seed {seed}: {error:.4g} in {seconds:.1f} s", flush=True)
        return error, others

    def choose(self, folder, n_seeds):
        """Print the mean error of each candidate on the validation part, and which is best."""
        print(f"{self.title}, on the validation part")
        base = self.estimator.get_params()
        errors = {}
        for name in self.candidates:
            self.estimator.set_params(**base)
            each = [self.error(folder, name, s, validating=True)[0] for s in range(n_seeds)]
            errors[name] = sum(each) / n_seeds
        best = self.best(errors, key=errors.get)
        print(f"  best: {best}, {errors[best]:.4g}; chosen in the script: {self.chosen}")

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
    parser.add_argument("--seeds", type=int, help="of each choice 1, of each test 1 to 5")
    parser.add_argument("--choose", action="store_true", help="try all on the validation part")
    options = parser.parse_args()
    for name in options.names or trials:
        if options.choose:
            trials[name].choose(options.folder, options.seeds or 1)
        else:
            trials[name].test(options.folder, options.seeds or trials[name].n_seeds)
