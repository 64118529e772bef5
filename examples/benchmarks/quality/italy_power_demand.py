"""Italy power demand: winter or summer, from the 24 hours of a day; 67 days to learn from.

`--choose` predicts five folds of the training part. `row_by_row` and `segments` are networks
without any other setting: they are the same, since 24 timesteps are too few for segments.

    python examples/benchmarks/quality/italy_power_demand.py FOLDER [--choose]
"""

import pandas as pd
from choosing import Trial, run
from classifying import accuracies, out_of_the_box
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNClassifier


def measure(folder, network, validating):
    nearest = make_pipeline(FunctionTransformer(flat), KNeighborsClassifier(1))
    return accuracies(
        network,
        {"nearest day": nearest},
        read(folder, "train"),
        read(folder, "test"),
        StratifiedKFold(5, shuffle=True, random_state=0) if validating else None,
    )


def flat(X):
    return X[:, :, 0]


def read(folder, part):
    table = pd.read_csv(folder / "italy_power_demand" / f"italy_power_demand_{part}.csv")
    return table.filter(regex="^v").to_numpy()[:, :, None], table["label"]  # (B, 24, 1)


if __name__ == "__main__":
    run(
        season=Trial(
            "Italy power demand, accuracy",
            measure,
            RNNClassifier(
                "gru", 32, bidirectional=True, epochs=60, batch_size=16, learning_rate=0.005
            ),
            {
                "last states": {},
                "last states, dropout 0.3": {"dropout": 0.3},
                "mean of the states": {"pooling": "mean"},
                "largest states": {"pooling": "max"},
            },
            chosen="last states",
            must_reach=0.95,
            seeded="random_state",
            n_seeds=5,
            best=max,
        ),
        **out_of_the_box("Italy power demand", measure, 0.95),
    )
