"""Basic motions: standing, walking, running or badminton, from 100 timesteps of six sensors.

`--choose` predicts five folds of the training part, 40 cases. `row_by_row` and `segments` are
networks without any other setting. In the folds, 20 and 25 `steps` do not differ by more than their
error, so the choice of "auto" between them does not come from these folds.

    python examples/benchmarks/quality/basic_motions.py FOLDER [--choose]
"""

import numpy as np
from choosing import Trial, run
from classifying import accuracies, logistic_on_summaries, out_of_the_box, read_cases
from sklearn.model_selection import StratifiedKFold

from skrnn import RNNClassifier


def measure(folder, network, validating):
    train, test = read(folder, "train"), read(folder, "test")
    folds = StratifiedKFold(5, shuffle=True, random_state=0) if validating else None
    simple = {"logistic regression on summaries": logistic_on_summaries()}
    return accuracies(network, simple, train, test, folds)


def read(folder, part):
    X, y = read_cases(folder / "basic_motions" / f"basic_motions_{part}.csv")
    return np.stack(X), y  # (B, 100, 6)


if __name__ == "__main__":
    run(
        motions=Trial(
            "basic motions, accuracy",
            measure,
            RNNClassifier(
                "gru", 32, bidirectional=True, epochs=40, batch_size=8, learning_rate=0.005
            ),
            {
                "largest states": {"pooling": "max"},
                "largest states, dropout 0.3": {"pooling": "max", "dropout": 0.3},
                "mean of the states": {"pooling": "mean"},
                "mean of the states, dropout 0.3": {"pooling": "mean", "dropout": 0.3},
            },
            chosen="largest states",
            must_reach=0.93,
            seeded="random_state",
            n_seeds=5,
            best=max,
        ),
        **out_of_the_box("basic motions", measure, 0.99),
        steps=Trial(
            "basic motions, accuracy by the number of steps, nothing else set",
            measure,
            RNNClassifier(),
            {f"{100 // n} steps": {"segment": n} for n in (1, 2, 4, 5, 10, 20)},
            chosen="20 steps",
            must_reach=0.99,
            seeded="random_state",
            n_seeds=5,
            best=max,
        ),
    )
