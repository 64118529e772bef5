"""MR: whether a sentence of a film review praises or blames, by ten folds.

The sentences are those of Pang and Lee (2005, doi:10.3115/1219840.1219855). A tenth of each
network's training samples stops its training. `--choose` holds out and predicts a fifth of the
first fold's training part; it touches no fold's test part.

    python examples/benchmarks/quality/mr.py FOLDER [document any] [--choose]
"""

import numpy as np
from choosing import Trial, run
from classifying import accuracies
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, SequenceVectorizer

FOLDS = StratifiedKFold(10, shuffle=True, random_state=0)
REGULARIZED = {"rnnclassifier__spatial_dropout": 0.5, "rnnclassifier__dropout": 0.5}


def measure(folder, network, validating):
    by_words = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )
    texts, labels = read(folder)
    folds = FOLDS
    if validating:
        first, _ = next(FOLDS.split(texts, labels))
        texts, labels = texts[first], labels[first]
        folds = StratifiedShuffleSplit(1, test_size=0.2, random_state=0)
    return accuracies(network, {"TF-IDF + logistic": by_words}, (texts, labels), None, folds)


def read(folder):
    """Return the sentences, blaming ones first, and 1 for those that praise."""
    paths = [folder / "mr_polarity" / f"rt-polarity.{side}" for side in ("neg", "pos")]
    sides = [path.read_text("utf-8").strip("\n").split("\n") for path in paths]
    return np.concatenate(sides).astype(object), np.repeat([0, 1], [len(side) for side in sides])


def pipeline(max_tokens, max_length, *layer, **parameters):
    """Return a network on the words of sentences, stopped early."""
    return make_pipeline(
        SequenceVectorizer(max_tokens, max_length, token_pattern=r"\S+"),
        RNNClassifier(
            *layer,
            vocab_size="auto",
            mask_value=0,
            learning_rate=0.001,
            epochs=15,
            batch_size=32,
            patience=2,
            validation_fraction=0.1,
            engine="numpy",
            **parameters,
        ),
    )


if __name__ == "__main__":
    run(
        document=Trial(
            "MR, the document's network, accuracy",
            measure,
            pipeline(5000, 30, "simple_rnn", 128),
            {
                "without dropout": {},
                "dropout 0.5": REGULARIZED,
                "dropout 0.5, slower": REGULARIZED | {"rnnclassifier__learning_rate": 0.0005},
                "dropout 0.5, of the states 0.2": REGULARIZED
                | {"rnnclassifier__recurrent_dropout": 0.2},
                "dropout 0.5, of the states 0.2, patient": REGULARIZED
                | {
                    "rnnclassifier__recurrent_dropout": 0.2,
                    "rnnclassifier__patience": 5,
                    "rnnclassifier__epochs": 30,
                },
            },
            chosen="dropout 0.5",
            must_reach=0.72,
            seeded="rnnclassifier__random_state",
            n_seeds=1,
            best=max,
        ),
        any=Trial(
            "MR, any network, accuracy",
            measure,
            pipeline(None, None, "gru", 64, bidirectional=True, pooling="mean").set_params(
                **REGULARIZED
            ),
            {
                "mean of the states": {},
                "mean, 10,000 words": {"sequencevectorizer__max_tokens": 10000},
                "mean, 300 numbers a word": {"rnnclassifier__embedding_dim": 300},
                "mean, LSTM": {"rnnclassifier__cell_type": "lstm"},
                "largest states": {"rnnclassifier__pooling": "max"},
                "largest, 10,000 words": {
                    "rnnclassifier__pooling": "max",
                    "sequencevectorizer__max_tokens": 10000,
                },
            },
            chosen="mean of the states",
            must_reach=0.76,
            seeded="rnnclassifier__random_state",
            n_seeds=1,
            best=max,
        ),
    )
