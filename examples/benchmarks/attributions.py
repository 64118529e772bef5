"""Integrated gradients: a planted cause to find, and seconds compared with KernelExplainer.

    python examples/benchmarks/attributions.py --cases 100
    python examples/benchmarks/attributions.py --cases 0 --shap

In each case y depends on one random feature at one random timestep, through a line, a bend or a
square, with noise. The script fits a GRU and explains 50 samples that it has not seen. The cause is
found if the mean size of attributions is largest there. Then shap's KernelExplainer explains the
same 50 samples of the first case with its defaults, in the same process. The mean of the training
samples is its background, and the baseline of the gradients. `--shap` needs shap installed.
"""

import argparse
import time

import numpy as np

from skrnn import RNNRegressor
from skrnn.inspection import integrated_gradients

SAMPLES, TIMESTEPS, FEATURES, EXPLAINED = 2000, 12, 3, 50
EFFECTS = {"line": lambda x: x, "bend": lambda x: np.maximum(x, 0), "square": lambda x: x**2}


def case(seed):
    """Return X, y, and where the cause is."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(SAMPLES + EXPLAINED, TIMESTEPS, FEATURES))
    place = rng.integers(TIMESTEPS), rng.integers(FEATURES)
    effect = EFFECTS[rng.choice(list(EFFECTS))](X[:, place[0], place[1]])
    return X, effect / effect.std() + rng.normal(scale=0.3, size=len(X)), place


def fitted(X, y, seed):
    network = RNNRegressor(
        "gru", 16, epochs=100, patience=5, validation_fraction=0.2, random_state=seed
    )
    return network.fit(X[:SAMPLES], y[:SAMPLES])


def find(seed):
    """Return whether the cause of a case is found, in how many of the samples, and R2."""
    X, y, place = case(seed)
    network, X_new = fitted(X, y, seed), X[SAMPLES:]
    sizes = np.abs(integrated_gradients(network, X_new))
    found = np.unravel_index(sizes.mean(axis=0).argmax(), sizes.shape[1:]) == place
    of_samples = (
        sizes.reshape(EXPLAINED, -1).argmax(axis=1) == place[0] * FEATURES + place[1]
    ).mean()
    return found, of_samples, network.score(X_new, y[SAMPLES:])


def compare():
    """Print the seconds of both for the same samples, and how alike the results are."""
    import shap  # an optional peer

    X, y, _ = case(0)
    network, X_new = fitted(X, y, 0), X[SAMPLES:]
    background = np.tile(X[:SAMPLES].mean(axis=(0, 1)), (TIMESTEPS, 1))
    start = time.perf_counter()
    ours = integrated_gradients(network, X_new, background)
    seconds = time.perf_counter() - start
    flat = background.reshape(1, -1)

    def predict(rows):
        return network.predict(rows.reshape(-1, TIMESTEPS, FEATURES))

    explainer = shap.KernelExplainer(predict, flat)
    start = time.perf_counter()
    theirs = explainer.shap_values(X_new.reshape(EXPLAINED, -1), silent=True)
    shap_seconds = time.perf_counter() - start
    alike = np.corrcoef(ours.ravel(), np.ravel(theirs))[0, 1]
    print(
        f"{EXPLAINED} samples: skrnn {seconds:.3f} s, KernelExplainer {shap_seconds:.2f} s, ratio "
        f"{shap_seconds / seconds:.0f}, correlation {alike:.3f}"
    )
    gaps = ours.sum(axis=(1, 2)) - network.predict(X_new) + predict(flat)
    print(
        f"attributions add up within {np.abs(gaps).max():.1e}; y has a deviation of {y.std():.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--shap", action="store_true", help="compare with KernelExplainer")
    arguments = parser.parse_args()
    if arguments.cases:
        results = np.array([find(seed) for seed in range(arguments.cases)], dtype=float)
        found, of_samples, scores = results.T
        print(f"found in {found.sum():.0f} of {arguments.cases} cases")
        print(f"largest in {of_samples.mean():.1%} of single samples")
        learned = scores > 0.5
        print(f"found in {found[learned].sum():.0f} of {learned.sum()} with an R2 above 0.5")
        print(f"R2: median {np.median(scores):.3f}, least {scores.min():.3f}")
    if arguments.shap:
        compare()


if __name__ == "__main__":
    main()
