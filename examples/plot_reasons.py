"""
Why this prediction: which words, and which hours
=================================================

A network predicts that a guest was pleased, or that a river will rise. Integrated gradients explain
why. They split the difference between a prediction and that of a neutral input among the words, or
the hours, of this one sample. The parts add up to the difference.
"""

# %%
# Which words
# -----------
# The remarks hold one or two verdicts, and the last one counts. "not" reverses a word.
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from skrnn import (
    IntegratedGradientsDisplay,
    RNNClassifier,
    RNNRegressor,
    SequenceVectorizer,
    make_windows,
)
from skrnn.inspection import integrated_gradients

rng = np.random.default_rng(0)
verdicts = {"good": "praise", "lovely": "praise", "bad": "blame", "stale": "blame"}
opposite = {"praise": "blame", "blame": "praise"}


def remark():
    parts = []
    for _ in range(rng.integers(1, 3)):
        word, negated = rng.choice(list(verdicts)), rng.random() < 0.4
        label = opposite[verdicts[word]] if negated else verdicts[word]
        parts.append(f"{rng.choice(['soup', 'bread', 'wine'])} was {'not ' * negated}{word}")
    return " and ".join(parts), label


texts, labels = zip(*[remark() for _ in range(800)], strict=True)
network = RNNClassifier(
    "gru", 16, vocab_size="auto", embedding_dim=8, mask_value=0, epochs=20, random_state=0
)
classifier = make_pipeline(SequenceVectorizer(max_length=10), network).fit(texts, labels)

# %%
# Orange words add to the probability of praise, and purple words take from it. In a notebook the
# display is the sentences themselves, with their words in these colours.
new = ["bread was stale and wine was not bad", "soup was good and wine was not lovely"]
display = IntegratedGradientsDisplay.from_estimator(classifier, new, target="praise")
display.figure_.savefig("words.png", dpi=100)

# %%
# Which hours
# -----------
# Rain in two valleys reaches a river gauge two and seven hours later. The network reads twelve
# hours of both. The picture shows the hours with the highest level that were not trained on.
rain = pd.DataFrame(rng.gamma(0.4, 2.0, size=(2000, 2)), columns=["near valley", "far valley"])
level = (0.6 * rain["near valley"].shift(2) + 0.4 * rain["far valley"].shift(7)).fillna(0)
windows, _ = make_windows(rain, timesteps=12)
levels = level.to_numpy()[12:]
river = RNNRegressor("gru", 16, random_state=0).fit(windows[:1500], levels[:1500])

highest = windows[1500:][np.argsort(levels[1500:])[-2:]]
IntegratedGradientsDisplay.from_estimator(river, highest, feature_names=list(rain))

# %%
# The parts add up to the difference between a prediction and that for average rain.
parts = integrated_gradients(river, highest)
average = np.tile(windows[:1500].mean(axis=(0, 1)), (1, 12, 1))
for prediction, sum_of_parts in zip(river.predict(highest), parts.sum(axis=(1, 2)), strict=True):
    print(f"level {prediction:.3f} = {river.predict(average)[0]:.3f} + {sum_of_parts:.3f}")

# %%
# They explain the network, not the river: if two inputs always go together, a network may use
# either. Which inputs matter over all samples is another question, see `plot_importance.py`.
