"""
When to stop: the losses of each epoch
======================================

A network that trains for long enough learns the noise of its samples. The loss on held-out samples
shows when: it falls, and then rises again. Here cells of three types learn from 300 short
sequences. The target is the product of two steps of a sequence, plus noise.
"""

# %%
# The sequences
# -------------
import numpy as np

from skrnn import HistoryDisplay, RNNRegressor

rng = np.random.default_rng(0)


def sequences(n_samples):
    X = rng.normal(size=(n_samples, 10, 1))
    return X, X[:, -3, 0] * X[:, -1, 0] + rng.normal(scale=0.3, size=n_samples)


X, y = sequences(300)
X_test, y_test = sequences(2000)

# %%
# The losses
# ----------
# A third of the samples is held out from training.
networks = {
    cell_type: RNNRegressor(
        cell_type, 16, epochs=120, validation_fraction=1 / 3, random_state=0
    ).fit(X, y)
    for cell_type in ("simple_rnn", "gru", "lstm")
}
display = HistoryDisplay.from_estimators(networks)
display.figure_.savefig("history.png", dpi=100)

# %%
# Stopping
# --------
# With `patience` training stops when the validation loss has not fallen for that many epochs, and
# the weights of the best epoch are kept. Without it, the weights of the last epoch are kept.
print(f"{'':12}{'epochs':>8}{'R2':>8}   with patience: {'epochs':>8}{'R2':>8}")
for cell_type, network in networks.items():
    whole = network.score(X_test, y_test)
    stopped = RNNRegressor(**network.get_params()).set_params(patience=20).fit(X, y)
    kept = stopped.score(X_test, y_test)
    print(f"{cell_type:12}{network.n_epochs_:8}{whole:8.3f}{'':18}{stopped.n_epochs_:8}{kept:8.3f}")

# %%
# Each network does better on 2,000 new sequences because it stopped. But losses can stay flat
# before they fall. With half as many samples the LSTM runs out of patience in epoch 22, before it
# has learned anything. Its validation loss would have been lowest in epoch 64. Look at the picture
# before you choose `patience`.
