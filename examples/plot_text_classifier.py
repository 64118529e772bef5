"""
A 5,000-word classifier that has to read in order
=================================================

The data are sentences of up to 30 words out of 5,000. The network is an Embedding, one recurrent
layer and one sigmoid. The label follows a rule of order: which of the two marker words in the
sentence came first? Every sentence holds both, so a bag of words cannot know. A recurrent network
can.
"""

# %%
# The sentences
# -------------
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, SequenceVectorizer

VOCABULARY, LENGTH, N_SENTENCES = 5_000, 30, 4_000

rng = np.random.default_rng(0)
dictionary = np.array([f"word{i}" for i in range(VOCABULARY)])
sentences, labels = [], []
for length in rng.integers(10, LENGTH + 1, size=N_SENTENCES):
    words = rng.choice(dictionary, size=length).astype(object)
    first, second = np.sort(rng.choice(length, size=2, replace=False))
    not_first = rng.random() < 0.5
    words[first], words[second] = ("not", "but") if not_first else ("but", "not")
    sentences.append(" ".join(words))
    labels.append("not ... but" if not_first else "but ... not")

X_train, X_test, y_train, y_test = train_test_split(sentences, labels, random_state=0)

# %%
# The network
# -----------
# The vectorizer keeps the 4,998 most frequent words and pads each sentence in front. 5,000 ids of
# width 100, 128 units and one sigmoid make 529,441 parameters. `mask_value=0` skips the padding.
# With 1,000 samples or more, a tenth is held out, and training stops when it no longer helps.
classifier = make_pipeline(
    SequenceVectorizer(VOCABULARY, LENGTH),
    RNNClassifier(
        "simple_rnn",
        hidden_size=128,
        vocab_size=VOCABULARY,
        embedding_dim=100,
        mask_value=0,
        learning_rate=0.001,
        random_state=0,
    ),
).fit(X_train, y_train)
print(classifier[-1].summary())

# %%
# Compared with a bag of words
# ----------------------------
bag = make_pipeline(CountVectorizer(), LogisticRegression()).fit(X_train, y_train)
scores = pd.Series(
    {
        "bag of words": bag.score(X_test, y_test),
        "recurrent network": classifier.score(X_test, y_test),
    },
    name="test accuracy",
)
print(f"\n{scores.to_string(float_format='%.3f')}")

# %%
# The training history
# --------------------
history = pd.DataFrame(classifier[-1].history_)
history.index = pd.RangeIndex(1, len(history) + 1, name="Epoch")
figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.plot(history.index, history["loss"], "o-", label="training")
axes.plot(history.index, history["val_loss"], "s--", label="validation")
axes.set(title="Which marker came first?", xlabel="Epoch", ylabel="Binary cross-entropy")
axes.set_xticks(history.index)
axes.legend()
figure.savefig("text_classifier.png", dpi=120)

# %%
# The training loss continues to fall because half a million parameters learn the sentences by
# heart. The validation loss shows it: training stops, and the weights of the best epoch are kept.
