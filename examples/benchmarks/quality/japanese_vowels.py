"""Japanese vowels: which of nine speakers spoke, from 7 to 29 timesteps of 12 numbers.

`--choose` predicts five folds of the training part.

    python examples/benchmarks/quality/japanese_vowels.py FOLDER [--choose]
"""

from choosing import Trial, run
from classifying import accuracies, logistic_on_summaries, read_cases
from sklearn.model_selection import StratifiedKFold

from skrnn import RNNClassifier


def measure(folder, network, validating):
    train, test = (
        read_cases(folder / "japanese_vowels" / f"japanese_vowels_{part}.csv")
        for part in ("train", "test")
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0) if validating else None
    simple = {"logistic regression on summaries": logistic_on_summaries()}
    return accuracies(network, simple, train, test, folds)


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
