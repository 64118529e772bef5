"""Sentences to labels, with skrnn's pipeline and with Keras and its TextVectorization, in turns.

    python examples/benchmarks/text.py FOLDER --rounds 3

FOLDER holds `rt-polarity.pos` and `rt-polarity.neg`, the sentences of film reviews of Pang and Lee
(2005, doi:10.3115/1219840.1219855), one per line. Each figure comes from a fresh process: one fit
on nine tenths of the strings and one predict on the rest, imports not counted. Both sides have the
same network, epochs, batches and optimizer, ids padded and cut at the end, and a new seed in each
round. Seconds are medians, accuracies are means.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

WORDS, LENGTH, WIDTH, UNITS = 5000, 30, 100, 128
BATCH = 32
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}


def sentences(folder):
    """Return the sentences and their labels, for training and for the test."""
    sides = [
        Path(folder, f"rt-polarity.{side}").read_text("latin-1").splitlines()
        for side in ("neg", "pos")
    ]
    labels = np.repeat([0, 1], [len(side) for side in sides])
    return train_test_split(
        np.array(sides[0] + sides[1], dtype=object),
        labels,
        test_size=0.1,
        stratify=labels,
        random_state=0,
    )


def skrnn_side(epochs, seed):
    """Return functions that fit on strings and predict labels of strings."""
    from sklearn.pipeline import make_pipeline

    from skrnn import RNNClassifier, SequenceVectorizer

    pipeline = make_pipeline(
        SequenceVectorizer(WORDS, LENGTH, padding="post", truncating="post"),
        RNNClassifier(
            *("simple_rnn", UNITS),
            vocab_size=WORDS,
            embedding_dim=WIDTH,
            mask_value=0,
            learning_rate=None,
            epochs=epochs,
            batch_size=BATCH,
            random_state=seed,
        ),
    )
    return pipeline.fit, pipeline.predict


def keras_side(epochs, seed):
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    vectorize = layers.TextVectorization(WORDS, output_sequence_length=LENGTH)
    model = keras.Sequential(
        [
            layers.Embedding(WORDS, WIDTH, mask_zero=True),
            layers.SimpleRNN(UNITS),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", loss="binary_crossentropy")

    def ids(texts):
        return vectorize(tf.constant(list(texts)))

    def fit(texts, labels):
        vectorize.adapt(list(texts))
        model.fit(ids(texts), labels, batch_size=BATCH, epochs=epochs, verbose=0)

    def predict(texts):
        return (model.predict(ids(texts), verbose=0)[:, 0] > 0.5).astype(int)

    return fit, predict


def report(side, folder, epochs, seed):
    """Print seconds, accuracy and the largest memory of one fit and predict."""
    X_train, X_test, y_train, y_test = sentences(folder)
    fit, predict = {"skrnn": skrnn_side, "keras": keras_side}[side](epochs, seed)
    start = time.perf_counter()
    fit(X_train, y_train)
    right = predict(X_test) == y_test
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024  # bytes, or kilobytes
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(json.dumps([seconds, float(right.mean()), megabytes]))


def in_a_fresh_process(side, folder, epochs, seed):
    finished = subprocess.run(
        [sys.executable, __file__, folder, f"--epochs={epochs}", "--worker", side, str(seed)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return json.loads(finished.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="where rt-polarity.pos and rt-polarity.neg are")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder, epochs = arguments.folder, arguments.epochs
    if arguments.worker:
        side, seed = arguments.worker
        report(side, folder, epochs, int(seed))
        return
    figures = {"skrnn": [], "keras": []}
    for seed in range(arguments.rounds):
        for side, rounds in figures.items():
            rounds.append(in_a_fresh_process(side, folder, epochs, seed))
    for side, rounds in figures.items():
        seconds, _, megabytes = np.median(rounds, axis=0)
        accuracy = np.mean(rounds, axis=0)[1]
        print(f"{side:<6}{seconds:>8.2f} s   accuracy {accuracy:.3f}{megabytes:>8.0f} MB")
    rounds = zip(figures["skrnn"], figures["keras"], strict=True)
    ratios = [theirs[0] / ours[0] for ours, theirs in rounds]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"ratio {statistics.median(ratios):.2f} ({listed})")


if __name__ == "__main__":
    main()
