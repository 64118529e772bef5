"""TREC: which of six kinds of thing a question asks for.

`--choose` holds out a fifth of the training part and predicts it.

    python examples/benchmarks/quality/trec.py FOLDER [--choose]
"""

import pandas as pd
from choosing import Trial, run
from classifying import accuracies
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, SequenceVectorizer

VOTES = "baggingclassifier"
LARGEST, MEAN = {"pooling": "max"}, {"pooling": "mean"}
DROPPED = {"spatial_dropout": 0.5, "dropout": 0.5}
WIDER = {"hidden_size": 64, "embedding_dim": 128, "epochs": 15, "learning_rate": 0.0015}


def changed(max_tokens=None, votes=1, **network):
    """Return the pipeline's parameters of a candidate."""
    settings = {f"{VOTES}__estimator__{name}": value for name, value in network.items()}
    settings["sequencevectorizer__max_tokens"] = max_tokens
    return settings | {f"{VOTES}__n_estimators": votes}


def measure(folder, network, validating):
    by_words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )
    return accuracies(
        network,
        {"TF-IDF + logistic": by_words},
        read(folder, "train"),
        read(folder, "test"),
        StratifiedShuffleSplit(1, test_size=0.2, random_state=0) if validating else None,
    )


def read(folder, part):
    table = pd.read_csv(folder / "trec" / f"trec_{part}.tsv", sep="\t", quoting=3)
    return table["text"], table["coarse"]


if __name__ == "__main__":
    run(
        questions=Trial(
            "TREC, accuracy",
            measure,
            make_pipeline(
                SequenceVectorizer(None, None, token_pattern=r"\S+"),
                # Averages the probabilities of networks that differ only by their seeds.
                BaggingClassifier(
                    RNNClassifier(
                        "gru",
                        32,
                        bidirectional=True,
                        spatial_dropout=0.3,
                        dropout=0.3,
                        vocab_size="auto",
                        embedding_dim=64,
                        mask_value=0,
                        learning_rate=0.003,
                        epochs=8,
                        batch_size=32,
                    ),
                    bootstrap=False,
                ),
            ),
            {
                "largest states": changed(**LARGEST),
                "largest, 4,000 words": changed(4000, **LARGEST),
                "largest, 4,000 words, dropout 0.5": changed(4000, **LARGEST, **DROPPED),
                "the same, 20 epochs": changed(4000, **LARGEST, **DROPPED, epochs=20),
                "the same, 64 units": changed(4000, **LARGEST, **DROPPED, **WIDER),
                "mean, 4,000 words, dropout 0.5": changed(4000, **MEAN, **DROPPED),
                "last, 4,000 words, dropout 0.5": changed(4000, **DROPPED),
                "the last, 64 units": changed(4000, **DROPPED, hidden_size=64),
                "the last, four of 64 units": changed(4000, votes=4, **DROPPED, hidden_size=64),
                "the last, four of 32 units": changed(4000, votes=4, **DROPPED),
            },
            chosen="the last, four of 64 units",
            must_reach=0.885,
            seeded=f"{VOTES}__random_state",
            n_seeds=5,
            best=max,
        )
    )
