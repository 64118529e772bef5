"""Trial: settings chosen among a few without the test part, then tested with several seeds."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

BARE_NETWORK = {"baseline": None, "segment": 1, "scale": "series"}  # of an RNNForecaster


class Trial(NamedTuple):
    """An estimator on one data set.

    Parameters
    ----------
    title : str
        Data and measure.
    measure : callable
        Takes the data's folder, the estimator, and whether to predict the validation part, which
        ends where the test part begins. Returns the error, and those of models without a network.
        An error is a number, or a tuple with one for each measure; the first one chooses.
    estimator : RNNForecaster or RNNClassifier
        The estimator that all candidates share.
    candidates : dict of str to dict
        Parameters of each candidate, by its name.
    chosen : str
        Name of the candidate that did best on the validation part.
    must_reach : float or tuple of float
        Error in the test.
    seeded : str
        The parameter that takes the seed, of estimators that have it.
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
    must_reach: float | tuple
    seeded: str = "regressor__random_state"
    n_seeds: int = 3
    best: Callable = min

    def error(self, folder, name, seed, *, validating):
        """Return the error of a candidate and those of models without a network; print it."""
        estimator = self.estimator.set_params(**self.candidates[name])
        if self.seeded in estimator.get_params():
            estimator.set_params(**{self.seeded: seed})
        np.random.seed(seed)  # noqa: NPY002, which networks without a seed draw theirs from
        start = time.process_time()
        error, others = self.measure(folder, estimator, validating)
        seconds = time.process_time() - start
        print(f"  {name}, seed {seed}: {shown(error)} in {seconds:.1f} s", flush=True)
        return error, others

    def choose(self, folder, n_seeds):
        """Print the mean error of each candidate on the validation part, and name the best."""
        print(f"{self.title}, on the validation part")
        base = self.estimator.get_params()
        errors = {}
        for name in self.candidates:
            self.estimator.set_params(**base)
            each = [self.error(folder, name, s, validating=True)[0] for s in range(n_seeds)]
            errors[name] = np.mean(each, axis=0)
            print(f"  {name}: {shown(errors[name])}", flush=True)
        best = self.best(errors, key=lambda name: np.atleast_1d(errors[name])[0])
        print(f"  best: {best}, {shown(errors[best])}; chosen in the script: {self.chosen}")

    def test(self, folder, n_seeds):
        """Print the errors of the chosen candidate in the test."""
        print(self.title)
        answers = [self.error(folder, self.chosen, s, validating=False) for s in range(n_seeds)]
        mean = np.mean([error for error, _ in answers], axis=0)
        print("  " + ", ".join(f"{name} {shown(error)}" for name, error in answers[0][1].items()))
        print(f"  mean {shown(mean)}, must reach {shown(self.must_reach)}")


def shown(errors):
    """Return an error of each measure as text."""
    return " / ".join(f"{error:.4g}" for error in np.atleast_1d(errors))


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
