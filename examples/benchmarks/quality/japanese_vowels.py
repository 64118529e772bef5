"""Japanese vowels: which of nine speakers spoke, from 7 to 29 timesteps of 12 numbers.

To choose, five folds of the training part are predicted.

    python examples/benchmarks/quality/japanese_vowels.py FOLDER [--choose]
"""

import numpy as np
import pandas as pd
from choosing import Trial, run
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier


def measure(folder, network, validating):
    X, y = read(folder, "train")
    by_summary = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    if validating:
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        accuracy = cross_val_score(network, X, y, cv=folds).mean()
        other = cross_val_score(by_summary, summaries(X), y, cv=folds).mean()
    else:
        tested, truth = read(folder, "test")
        accuracy = network.fit(X, y).score(tested, truth)
        other = by_summary.fit(summaries(X), y).score(summaries(tested), truth)
    return accuracy, {"logistic regression on summaries": other}


def read(folder, part):
    table = pd.read_csv(folder / "japanese_vowels" / f"japanese_vowels_{part}.csv")
    cases = [rows for _, rows in table.groupby("case")]
    X = [rows.filter(regex="^c[0-9]+$").to_numpy() for rows in cases]
    return X, np.array([rows["label"].iloc[0] for rows in cases])


def summaries(X):
    """Return mean, deviation, first and last timestep of each sequence."""
    return [np.concatenate([x.mean(axis=0), x.std(axis=0), x[0], x[-1]]) for x in X]


if __name__ == "__main__":
    run(
        vowels=Trial(
            "Japanese vowels, accuracy",
            measure,
            RNNClassifier(
                "gru", 64, bidirectional=True, epochs=60, batch_size=32, learning_rate=0.005
            ),
            {
                "32 units": {"hidden_size": 32},
                "32 units, dropout 0.3": {"hidden_size": 32, "dropout": 0.3},
                "64 units, dropout 0.3": {"dropout": 0.3},
                "32 units, dropout 0.3, mean of the states": {
                    "hidden_size": 32,
                    "dropout": 0.3,
                    "pooling": "mean",
                },
            },
            chosen="64 units, dropout 0.3",
            must_reach=0.975,
            seeded="random_state",
            n_seeds=5,
            best=max,
        )
    )
