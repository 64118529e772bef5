"""
1. A first network
==================

The water in a harbour rises and falls with the moon and the sun. A recurrent network reads the
water levels of one day and tells the next hour's. It is fitted, asked and scored as every other
estimator of scikit-learn.
"""

# %%
# From a series to a picture
# --------------------------
# Two tides, one of 12.4 hours and one of 24, on a mean of three metres, measured with an error of
# some centimetres. `make_windows` cuts the series into days of 24 hours, each beside the hour that
# follows it. The pictures of this guide want matplotlib: `pip install "skrnn[plot]"`.
import matplotlib.pyplot as plt
import numpy as np

from skrnn import RNNRegressor, make_windows

rng = np.random.default_rng(0)
hours = np.arange(800)
tides = 120 * np.sin(hours * 2 * np.pi / 12.42) + 40 * np.sin(hours * 2 * np.pi / 24)
level = 300 + tides + rng.normal(scale=6, size=800)  # centimetres

X, y = make_windows(level, timesteps=24)
network = RNNRegressor("gru", 16, random_state=0).fit(X[:500], y[:500])
forecast = network.predict(X[500:])

figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
ax.plot(forecast[:72], color="#0072B2", label="forecast one hour before")
ax.plot(level[523:595], color="#E69F00", linestyle=":", label="the same as an hour before")
ax.plot(y[500:572], ".", color="black", label="measured")
ax.set(xlabel="Hours not trained on", ylabel="Water level (cm)")
ax.legend(frameon=False, loc="upper right", ncols=3)
ax.set_ylim(100, 560)
figure.savefig("first_network.png", dpi=100)

# %%
# What went in
# ------------
# X has three dimensions: samples, timesteps, features. Two are taken as well, samples and
# timesteps, and so is a list of sequences of unequal length. y is a number for each sample.
print("X", X.shape, " y", y.shape, " forecast", forecast.shape)

# %%
# The first 500 windows are trained on, the last ones are for the test. Windows overlap, so a test
# window drawn at random has twins among the training windows; for a series always test on what
# comes later.
#
# How good is it?
# ---------------
# `score` is R2, as of every regressor of scikit-learn. It says little alone: set it beside
# forecasts that cost nothing. The last level is one; the level 25 hours before, at the same state
# of the moon, is another. Nothing can be better than the error of measurement, 6 cm.


def rmse(forecast, truth=y[500:]):
    return np.sqrt(np.mean((forecast - truth) ** 2))


print(f"R2 on hours not trained on   {network.score(X[500:], y[500:]):.3f}")
print(f"network                      {rmse(forecast):.1f} cm")
print(f"the same as an hour before   {rmse(level[523:-1]):.1f} cm")
print(f"the same as 25 hours before  {rmse(level[499:-25]):.1f} cm")

# %%
# How far off can it be?
# ----------------------
# With `loss="quantile"` a network predicts quantiles: 0.1, 0.5 and 0.9, or those in its parameter
# `quantiles`. `predict` returns the median, and `predict(X, quantiles=...)` quantiles on a last
# axis. They never cross. `score` is then minus the mean pinball loss, the usual measure of
# quantiles: the nearer to 0, the better.
spread = RNNRegressor("gru", 16, loss="quantile", random_state=0).fit(X[:500], y[:500])
low, high = spread.predict(X[500:], quantiles=[0.1, 0.9]).T
inside = (low <= y[500:]) & (y[500:] <= high)
print(f"{inside.mean():.0%} of the levels lie between the two, {np.mean(high - low):.1f} cm apart")

# %%
# Has it learned enough?
# ----------------------
# `history_` holds the loss of each epoch. With `validation_fraction` the last samples are held out
# of training and their loss stands beside it; with `patience` training ends when that loss has not
# fallen for so many epochs, and the best weights are kept.
from skrnn import HistoryDisplay

watched = RNNRegressor(
    "gru", 16, epochs=300, validation_fraction=0.2, patience=20, random_state=0
).fit(X[:500], y[:500])
display = HistoryDisplay.from_estimator(watched)
display.ax_.set_yscale("log")
display.figure_.savefig("first_history.png", dpi=100)
print(f"{watched.n_epochs_} epochs, {rmse(watched.predict(X[500:])):.1f} cm")

# %%
# If both losses still fall at the end, give it more `epochs`. If the validation loss rises while
# the training loss falls, it learns noise: stop by `patience`, take fewer units, or find more data.
# If neither falls, try another `learning_rate` first.
#
# What was left at its default
# ----------------------------
# One value deserves a word. `standardize=True` measures each feature, and y, in its own mean and
# deviation, inside the network: rows go in raw, forecasts come out in centimetres. Without it the
# levels, around 300, drive every unit to its limit, and the output, which begins near 0, climbs
# towards 300 by small steps.
raw = RNNRegressor("gru", 16, standardize=False, random_state=0).fit(X[:500], y[:500])
print(f"standardized inside  {rmse(forecast):6.1f} cm")
print(f"raw levels           {rmse(raw.predict(X[500:])):6.1f} cm")

# %%
# The others: 100 epochs of batches of 64, the Adam optimizer with a learning rate of 0.01, one
# LSTM layer of 32 units. `hidden_size=(32, 16)` stacks two layers, `bidirectional=True` reads both
# ways, `dropout=0.2` drops inputs in training. The summary shows what is built:
print(network.summary())

# %%
# Seeds
# -----
# `random_state` decides the weights at the start, the order of the samples and what dropout drops:
# the same seed gives the same network, bit for bit. Another seed gives another one.
for seed in range(5):
    other = RNNRegressor("gru", 16, random_state=seed).fit(X[:500], y[:500])
    print(f"seed {seed}  {rmse(other.predict(X[500:])):.2f} cm")

# %%
# Differences smaller than these say nothing about a parameter. Compare candidates over several
# seeds, and report all of them rather than the best.
#
# Computation backend
# -------------------
# `engine="auto"` takes compiled C, or NumPy, for networks as small as this one, and Keras where
# that is faster: with a GPU, or where training is long. All give Keras's results, and
# `network.model_` is a real `keras.Model`.
print(f"{network.engine_}, {np.sum(network.history_['seconds']):.1f} seconds of training")

# %%
# When something is wrong
# -----------------------
# Errors come before any training, and say what was required, what came, and what to do.
mistakes = {
    "a missing value": lambda: network.fit(np.where(X > 440, np.nan, X), y),
    "another length": lambda: network.predict(X[:, :12]),
    "no such cell": lambda: RNNRegressor("elman").fit(X, y),
}
for name, mistake in mistakes.items():
    try:
        mistake()
    except ValueError as error:
        print(f"{name}: {error}\n")

# %%
# A fit that fails leaves the network as it was: `network` still forecasts. The next chapter is
# about the windows, where most mistakes with series are made.
