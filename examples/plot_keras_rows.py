"""
Twelve small networks, as Keras sees them
=========================================

These are the networks of a first course on recurrent layers, each in one line of skrnn. The example
shows their layers, output shapes and parameter counts, the computation of the cells, and the
classic sequence 25, 35, 45 -> ?
"""

# %%
# Shapes and parameters
# ---------------------
# One to three: one SimpleRNN, with any batch size, with a fixed batch size, and returning every
# timestep.
import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNClassifier, RNNRegressor, cells


def show(number, title, text):
    print(f"\n{number}. {title}\n{text}")


simple = RNNRegressor("simple_rnn", 3)
show(1, "SimpleRNN(3) on 2 timesteps of 10 features", simple.summary((2, 10)))
show(2, "The same with a fixed batch of 8", simple.summary((8, 2, 10)))
sequences = RNNRegressor("simple_rnn", 3, return_sequences=True)
show(3, "The same, every timestep returned", sequences.summary((8, 2, 10)))

# %%
# Four: the recurrence h_t = tanh(Wx x_t + Wh h_{t-1} + b) by hand, compared with `skrnn.cells`.
rng = np.random.default_rng(0)
x = rng.random((10, 4))
Wx, Wh, b = rng.random((4, 8)) / 4, rng.random((8, 8)) / 8, rng.random(8)
h, by_hand = np.zeros(8), []
for x_t in x:
    h = np.tanh(x_t @ Wx + h @ Wh + b)
    by_hand.append(h)
difference = np.abs(cells.simple_rnn(x, Wx, Wh, b) - by_hand).max()
show(4, "10 steps of 4 features, 8 units", f"cells.simple_rnn differs by {difference:.1e}")

# %%
# Five to nine: stacks, both directions, an Embedding, a GRU.
stack = RNNRegressor("simple_rnn", (8, 8), return_sequences=True)
show(5, "Two stacked SimpleRNN(8): 112 + 136 = 248", stack.summary((10, 5)))
both = RNNRegressor("simple_rnn", 8, bidirectional=True, return_sequences=True)
show(6, "One bidirectional layer: width 16", both.summary((10, 5)))
four = RNNRegressor("simple_rnn", (8,) * 4, bidirectional=True, return_sequences=True)
show(7, "Four bidirectional layers", four.summary((10, 5)))
text = RNNClassifier("simple_rnn", 128, vocab_size=5000, embedding_dim=100)
show(8, "Embedding(5000, 100), SimpleRNN(128), one sigmoid", text.summary((30, 1)))
show(9, "GRU(8)", RNNRegressor("gru", 8).summary((10, 5)))

# %%
# The outputs of a layer
# ----------------------
# Ten and eleven: one sample of 4 timesteps and 5 features, under Keras's two flags.
sample = np.array(
    [
        [0.1, 4.2, 1.5, 1.1, 2.8],
        [1.0, 3.1, 2.5, 0.7, 1.1],
        [0.3, 2.1, 1.5, 2.1, 0.1],
        [2.2, 1.4, 0.5, 0.9, 1.1],
    ]
)[np.newaxis]
for number, cell_type in ((10, "simple_rnn"), (11, "lstm")):
    network = RNNRegressor(cell_type, 3, epochs=1, random_state=0).fit(sample, [0.0])
    lines = []
    for return_sequences in (False, True):
        for return_state in (False, True):
            returned = network.hidden_states(sample, return_sequences, return_state)
            shapes = [a.shape for a in returned] if return_state else returned.shape
            flags = f"return_sequences={return_sequences!s:5} return_state={return_state!s:5}"
            lines.append(f"{flags} -> {shapes}")
    show(number, f"{cell_type} with 3 units on one 4 x 5 sample", "\n".join(lines))

# %%
# Twelve: 25, 35, 45 -> ?
# -----------------------
# The data are 13 windows of three numbers, not reshaped: (13, 3) is read as (13, 3, 1).
X = np.array([[k, k + 1, k + 2] for k in range(1, 11)] + [[20, 30, 40], [30, 40, 50], [40, 50, 60]])
y = np.array([*range(4, 14), 50, 60, 70])
network = RNNRegressor(
    "lstm",
    20,
    activation="relu",
    dense_sizes=(5,),
    learning_rate=None,
    batch_size=1,
    epochs=1000,
    patience=10,
    standardize=False,
    random_state=0,
).fit(X, y)
answer = network.predict([[25, 35, 45]])[0]
show(12, "LSTM(20, relu), Dense(5, relu), Dense(1)", network.summary())
print(f"after {network.n_epochs_} epochs: 25, 35, 45 -> {answer:.2f}")

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
axes.semilogy(range(1, network.n_epochs_ + 1), network.history_["loss"])
axes.set(title=f"25, 35, 45 -> {answer:.2f}", xlabel="Epoch", ylabel="Mean squared error")
figure.savefig("keras_rows.png", dpi=120)

# %%
# Thirteen samples do not teach arithmetic: other seeds answer a few units above or below 55.
