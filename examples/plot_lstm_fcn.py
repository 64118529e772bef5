"""
LSTM-FCN: convolutions next to an LSTM
======================================

A recurrent layer is not always the first choice to classify a series. LSTM-FCN puts three
convolutions next to it. `network` takes such a network, or any other Keras layers, as a function.
All else works as with skrnn's own layers: labels, scores, pipelines, searches.
"""

# %%
# Which shapes, and in which order?
# ---------------------------------
# Each series is 96 timesteps of noise with two shapes in them, each a wave or a step, anywhere. The
# class names the first shape and the second one.
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

from skrnn import RNNClassifier

rng = np.random.default_rng(0)
N, TIMESTEPS, LENGTH = 600, 96, 16
t = np.linspace(0, 1, LENGTH)
shapes = {"wave": 1.5 * np.sin(2 * np.pi * t), "step": np.where(t < 0.5, 1.0, -1.0)}
pairs = rng.choice(list(shapes), size=(N, 2))
labels = np.array([" ".join(pair) for pair in pairs])
X = rng.normal(scale=0.4, size=(N, TIMESTEPS, 1))
for series, pair in zip(X, pairs, strict=True):
    for half, name in enumerate(pair):
        start = half * TIMESTEPS // 2 + rng.integers(0, TIMESTEPS // 2 - LENGTH)
        series[start : start + LENGTH, 0] += shapes[name]
train, test = slice(300), slice(300, None)


# %%
# The network is a function
# -------------------------
# The function takes Keras's symbolic inputs, standardized, creates the layers, and returns the
# tensor that the output layer reads [1]_. Its other arguments are `network_params`.
#
# .. [1] F. Karim, S. Majumdar, H. Darabi, S. Chen, "LSTM Fully Convolutional Networks for Time
#    Series Classification", IEEE Access 2018. https://doi.org/10.1109/ACCESS.2017.2779939
def lstm_fcn(inputs, filters=16, units=8):
    x = inputs
    for size, width in ((filters, 8), (2 * filters, 5), (filters, 3)):
        x = layers.Conv1D(size, width, padding="same")(x)
        x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
    state = layers.LSTM(units)(layers.AveragePooling1D(4)(x))
    return layers.Concatenate()([state, layers.GlobalAveragePooling1D()(x)])


network = RNNClassifier(
    network=lstm_fcn, learning_rate=0.003, epochs=40, batch_size=32, random_state=0
)
network.fit(X[train], labels[train])
print(network.summary())

# %%
# Compared with a recurrent layer
# -------------------------------
recurrent = RNNClassifier("lstm", 32, segment="auto", epochs=40, random_state=0)
recurrent.fit(X[train], labels[train])
accuracy = {
    "LSTM, segments": recurrent.score(X[test], labels[test]),
    "LSTM-FCN": network.score(X[test], labels[test]),
}
for name, score in accuracy.items():
    print(f"{name:15} {score:.3f}")

figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained", width_ratios=[2, 1])
for i, label in enumerate(network.classes_):
    axes[0].plot(X[labels == label][0] + 5 * i, color="#0072B2", linewidth=0.8)
axes[0].set(xlabel="Timestep", yticks=range(0, 20, 5), yticklabels=network.classes_)
axes[1].bar(list(accuracy), list(accuracy.values()), color=["#56B4E9", "#D55E00"])
axes[1].set(ylabel="Accuracy", ylim=(0, 1))
figure.savefig("lstm_fcn.png", dpi=100)

# %%
# The convolutions find a shape wherever it is, and the LSTM reads the order of their findings.
# `BatchNormalization` remembers the statistics of past batches. With Keras's momentum of 0.99 it
# would need some hundred batches for that, and small data do not have so many in a few epochs. The
# first fit of each network takes seconds to build and compile it; skrnn's own layers do not need
# that.
