"""
Learned on many, used on few: hidden states as features
=======================================================

A network needs many samples, and there are few of anything new. But a network that has learned from
thousands of old recordings can help with new ones. `transform` returns its last hidden state, and
any scikit-learn estimator can continue from there.
"""

# %%
# Old tunes and new ones
# ----------------------
# A tune is a motif of eight notes that repeats, in any key, from any place, with wrong notes. There
# are 2,000 recordings of twelve old motifs, and two to twenty of each of six new ones.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skrnn import RNNClassifier

rng = np.random.default_rng(0)
motifs = rng.integers(0, 8, size=(18, 8))


def play(motif, n_samples):
    """Return the steps of pitch from note to note of 32 notes."""
    begin = rng.integers(0, 8, size=n_samples)
    notes = motifs[motif][(begin[:, np.newaxis] + np.arange(33)) % 8].astype(float)
    wrong = rng.random(notes.shape) < 0.1
    notes[wrong] = rng.integers(0, 8, size=wrong.sum())
    return np.diff(notes)[:, :, np.newaxis]


def recordings(which, n_samples):
    X = np.concatenate([play(motif, n_samples) for motif in which])
    return X, np.repeat(which, n_samples)


old, new = np.arange(12), np.arange(12, 18)
X_old, y_old = recordings(old, 170)
X_test, y_test = recordings(new, 200)

# %%
# Training on the old motifs
# --------------------------
network = RNNClassifier("gru", 48, epochs=25, random_state=0).fit(X_old, y_old)
print(f"old motifs, accuracy on other recordings  {network.score(*recordings(old, 50)):.3f}")

# %%
# The new motifs
# --------------
# A few recordings of each new motif are known. Three models train on the same few: a logistic
# regression on the hidden states of the network, one on the raw notes, and a network from scratch.
flat = FunctionTransformer(lambda X: X.reshape(len(X), -1))
models = {
    "hidden states of the old network": make_pipeline(
        FunctionTransformer(network.transform), StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "a network of their own": RNNClassifier("gru", 48, epochs=150, random_state=0),
    "raw notes": make_pipeline(flat, StandardScaler(), LogisticRegression(max_iter=1000)),
}
counts = [2, 5, 10, 20]
accuracy = pd.DataFrame(index=pd.Index(counts, name="each"), columns=list(models), dtype=float)
for count in counts:
    X_few, y_few = recordings(new, count)
    for name, model in models.items():
        accuracy.loc[count, name] = model.fit(X_few, y_few).score(X_test, y_test)
print(f"\n{accuracy.T.round(2).to_string()}")

# %%
# The picture
# -----------
# The right panel shows the hidden states of recordings of motifs that the network has never seen,
# in the two directions in which they differ most.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
for (name, scores), color, marker in zip(accuracy.items(), colors, "os^", strict=False):
    axes[0].plot(counts, scores, marker=marker, color=color, label=name)
axes[0].axhline(1 / 6, color="grey", linestyle=":", label="chance")
axes[0].set(xlabel="Recordings of each new motif", ylabel="Accuracy", ylim=(0, 1))
axes[0].set_xticks(counts)
axes[0].legend(frameon=False, fontsize="small")
places = PCA(2).fit_transform(network.transform(X_test))
for motif, color in zip(new, colors, strict=True):
    axes[1].plot(*places[y_test == motif].T, ".", color=color, alpha=0.6, markersize=4)
axes[1].set(title="Six new motifs", xlabel="First direction", ylabel="Second direction")
figure.savefig("transfer.png", dpi=100)

# %%
# With two recordings of each motif, the hidden states already separate most of them. With twenty, a
# network of their own has caught up and is better. So borrow while you have few, and train from
# scratch when you have more. Old and new must be alike: these motifs are made of the same notes,
# with the same kind of errors.
