"""
A label for every word: from where, to where, and when
======================================================

"A ticket to Oslo, from Bergen, on friday": a timetable wants to know which word is the start, which
the goal, and which the day. The same word is now the one, now the other, so a dictionary cannot
tell; the words around it can, those after it too. Here a network that reads both ways labels each
word of requests that a small grammar makes in sight.
"""

# %%
# The requests
# ------------
# Each request is a list of words and a list of labels as long. They differ in length, and nothing
# is padded: `SequenceVectorizer(padding=None)` hands on lists.
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
# `return_sequences=True` gives one answer for each timestep; `bidirectional=True` lets it know what
# comes after the word.
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
# Against a dictionary
# --------------------
# The most frequent label of each word is a good guess for most of them, and no better than a coin
# for the cities. They are what is asked for, so they are counted alone too.
seen = pd.DataFrame({"word": np.concatenate(words[:300]), "label": np.concatenate(labels[:300])})
usual = seen.groupby("word")["label"].agg(lambda found: found.mode()[0])
found = {"dictionary": [usual[request].to_numpy() for request in words[300:]]}
found |= {name: model.predict(words[300:]) for name, model in models.items()}

truth = np.concatenate(labels[300:])
asked = np.isin(truth, ["from", "to"])
print(f"{'':12}{'all words':>12}{'cities':>10}")
for name, told in found.items():
    right = np.concatenate(list(told)) == truth
    print(f"{name:12}{right.mean():12.3f}{right[asked].mean():10.3f}")

# %%
# What it believes
# ----------------
# The probabilities of the four labels, word for word, in two requests that share their cities.
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
# Read forwards, "rome" at the head of a request may be either: the word after it decides, and comes
# too late. A grammar of eight patterns is soon learned by heart; requests of other people will not
# keep to it, and only labelled requests of theirs can tell how far this network understands them.
