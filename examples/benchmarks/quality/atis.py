"""UD English ATIS: the part of speech of every token of a question to a flight desk.

Words that occur once in the training part are out of vocabulary. The development part stops the
training. `--choose` predicts the same part.

    python examples/benchmarks/quality/atis.py FOLDER [--choose]
"""

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
from choosing import Trial, run

from skrnn import RNNClassifier, SequenceVectorizer


def measure(folder, tagger, validating):
    (X, y), (stopping, tags) = read(folder, "train"), read(folder, "dev")
    counts = Counter(word for sentence in X for word in sentence)
    words = [word for word, count in counts.items() if count > 1]
    ids = SequenceVectorizer(None, padding=None, vocabulary=words).fit(X)
    # A tag that no training sentence has cannot be learned, nor stop the training.
    known = {tag for sentence in y for tag in sentence}
    weights = [[float(tag in known) for tag in sentence] for sentence in tags]
    tagger.fit(ids.transform(X), y, validation_data=(ids.transform(stopping), tags, weights))
    tested, truth = (stopping, tags) if validating else read(folder, "test")
    accuracy = tagger.score(ids.transform(tested), truth)
    return accuracy, {"most frequent tag": floor(X, y, tested, truth)}


def floor(X, y, tested, truth):
    """Return the accuracy of each word's most frequent tag; unknown words are nouns."""
    tags = defaultdict(Counter)
    for word, tag in pairs(X, y):
        tags[word][tag] += 1
    best = {word: counts.most_common(1)[0][0] for word, counts in tags.items()}
    return np.mean([best.get(word, "NOUN") == tag for word, tag in pairs(tested, truth)])


def pairs(X, y):
    for words, tags in zip(X, y, strict=True):
        yield from zip(words, tags, strict=True)


def read(folder, part):
    path = folder / "ud_english_atis" / f"atis_{part}.tsv"
    table = pd.read_csv(path, sep="\t", quoting=3, keep_default_na=False)
    return [[row.split() for row in table[column]] for column in ("tokens", "upos")]


if __name__ == "__main__":
    run(
        tags=Trial(
            "ATIS, token accuracy",
            measure,
            RNNClassifier(
                "gru",
                32,
                bidirectional=True,
                return_sequences=True,
                vocab_size="auto",
                embedding_dim=32,
                learning_rate=0.004,
                epochs=20,
                batch_size=32,
                patience=3,
            ),
            {
                "32 units": {"dropout": 0.3},
                "32 units, dropout 0.5, faster": {"dropout": 0.5, "learning_rate": 0.01},
                "64 units, faster": {
                    "dropout": 0.4,
                    "learning_rate": 0.01,
                    "hidden_size": 64,
                    "embedding_dim": 64,
                },
                "48 units": {"dropout": 0.3, "hidden_size": 48, "embedding_dim": 100},
                "LSTM, faster": {"dropout": 0.3, "learning_rate": 0.01, "cell_type": "lstm"},
            },
            chosen="32 units",
            must_reach=0.98,
            seeded="random_state",
            n_seeds=5,
            best=max,
        )
    )
