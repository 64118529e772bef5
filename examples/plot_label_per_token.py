"""
A label for every word: from where, to where, and when
======================================================

"A ticket to Oslo, from Bergen, on friday": a timetable needs to know which word is the start, which
one is the goal, and which one is the day. The same city can be either, so a dictionary cannot
decide. The words around it can, including those after it. Here a network that reads in both
directions labels each word of requests that a small grammar makes.
"""

# %%
# The requests
# ------------
# Each request is a list of words and a list of labels of the same length. Requests differ in
# length, and nothing is padded: `SequenceVectorizer(padding=None)` passes lists.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, SequenceVectorizer

rng = np.random.default_rng(0)
cities = ["bergen", "oslo", "paris", "rome", "lima", "quito", "delhi", "kyoto"]
days = ["monday", "tuesday", "friday", "sunday"]
patterns = [
    "a ticket from FROM to TO",
    "TO from FROM please",
    "i am in FROM and want to be in TO",
    "is there a train that leaves FROM and goes to TO",
    "to TO but not before DAY from FROM",
    "on DAY from FROM to TO",
    "how do i get to TO on DAY when i start in FROM",
    "FROM TO DAY",
]


def request():
    start, goal = rng.choice(cities, size=2, replace=False)
    filled = {"FROM": start, "TO": goal, "DAY": rng.choice(days)}
    pattern = rng.choice(patterns).split()
    words = [filled.get(word, word) for word in pattern]
    return words, np.array([word.lower() if word in filled else "-" for word in pattern])


words, labels = zip(*[request() for _ in range(600)], strict=True)
words, labels = list(words), list(labels)

# %%
# The network
# -----------
# With `return_sequences=True` the network predicts one label for each timestep. With
# `bidirectional=True` it also reads the words after each word.
network = RNNClassifier(
    "gru",
    16,
    bidirectional=True,
    return_sequences=True,
    vocab_size="auto",
    embedding_dim=8,
    epochs=15,
    random_state=0,
)
models = {
    name: make_pipeline(
        SequenceVectorizer(padding=None), clone(network).set_params(bidirectional=both)
    ).fit(words[:300], labels[:300])
    for name, both in {"forwards": False, "both ways": True}.items()
}

# %%
# Compared with a dictionary
# --------------------------
# The most frequent label of each word is a good guess for most words, but no better than a coin for
# the cities. The request is about the cities, so they are also counted separately.
seen = pd.DataFrame({"word": np.concatenate(words[:300]), "label": np.concatenate(labels[:300])})
usual = seen.groupby("word")["label"].agg(lambda found: found.mode()[0])
found = {"dictionary": [usual[request].to_numpy() for request in words[300:]]}
found |= {name: model.predict(words[300:]) for name, model in models.items()}

truth = np.concatenate(labels[300:])
asked = np.isin(truth, ["from", "to"])
print(f"{'':12}{'all words':>12}{'cities':>10}")
for name, predicted in found.items():
    right = np.concatenate(list(predicted)) == truth
    print(f"{name:12}{right.mean():12.3f}{right[asked].mean():10.3f}")

# %%
# The predicted probabilities
# ---------------------------
# The picture shows the probabilities of the four labels, word for word, in two requests that share
# their cities.
requests = [
    "rome from lima please".split(),
    "i am in rome and want to be in lima".split(),
]
figure, axes = plt.subplots(
    2, 2, figsize=(9, 5), layout="constrained", sharey=True, width_ratios=[4, 10]
)
for row, (name, model) in zip(axes, models.items(), strict=True):
    for ax, request_, shares in zip(row, requests, model.predict_proba(requests), strict=True):
        image = ax.imshow(shares.T, cmap="cividis", vmin=0, vmax=1, aspect="auto")
        ax.set_xticks(range(len(request_)), request_, rotation=45)
        ax.set_yticks(range(4), model.classes_)
        ax.set_title(name, loc="left", fontsize="medium")
figure.colorbar(image, ax=axes, label="Probability")
figure.savefig("label_per_token.png", dpi=100)

# %%
# Read forwards, "rome" at the start of a request may be either. The word after it decides, and
# comes too late. A grammar of eight patterns is easily learned by heart, and requests of other
# people will not keep to it. Only labelled requests of theirs can show how well this network
# understands them.
