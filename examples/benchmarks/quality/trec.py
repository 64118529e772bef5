"""TREC: which of six kinds of thing a question asks for.

To choose, a fifth of the training part is held out and predicted.

    python examples/benchmarks/quality/trec.py FOLDER [--choose]
"""

import pandas as pd
from choosing import Trial, run
from classifying import accuracies
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, SequenceVectorizer

LARGEST, MEAN = {"rnnclassifier__pooling": "max"}, {"rnnclassifier__pooling": "mean"}
FEWER = {"sequencevectorizer__max_tokens": 4000}
DROPPED = {"rnnclassifier__spatial_dropout": 0.5, "rnnclassifier__dropout": 0.5}
WIDER = {
    "rnnclassifier__hidden_size": 64,
    "rnnclassifier__embedding_dim": 128,
    "rnnclassifier__epochs": 15,
    "rnnclassifier__learning_rate": 0.0015,
}


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
            ),
            {
                "largest states": LARGEST,
                "largest, 4,000 words": LARGEST | FEWER,
                "largest, 4,000 words, dropout 0.5": LARGEST | FEWER | DROPPED,
                "the same, 20 epochs": LARGEST | FEWER | DROPPED | {"rnnclassifier__epochs": 20},
                "the same, 64 units": LARGEST | FEWER | DROPPED | WIDER,
                "mean, 4,000 words, dropout 0.5": MEAN | FEWER | DROPPED,
                "last, 4,000 words, dropout 0.5": FEWER | DROPPED,
            },
            chosen="last, 4,000 words, dropout 0.5",
            must_reach=0.885,
            seeded="rnnclassifier__random_state",
            n_seeds=5,
            best=max,
        )
    )
