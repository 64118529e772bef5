"""
1. A first network
==================

The water in a harbour rises and falls with the moon and the sun. A recurrent network reads the
water levels of one day and predicts the level of the next hour. You fit it, predict with it and
score it like any other scikit-learn estimator.
"""

# %%
# From a series to a picture
# --------------------------
# The data are two tides, with periods of 12.4 and 24 hours, around a mean of three metres. They are
# measured with an error of a few centimetres. `make_windows` cuts the series into windows of 24
# hours and pairs each window with the hour that follows it. The pictures in this guide need
# matplotlib: `pip install "skrnn[plot]"`.
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
# The shapes of X and y
# ---------------------
# X has three dimensions: samples, timesteps and features. You can also pass an array with two
# dimensions, samples and timesteps, or a list of sequences of different lengths. y holds one number
# for each sample.
print("X", X.shape, " y", y.shape, " forecast", forecast.shape)

# %%
# The network trains on the first 500 windows and is tested on the rest. Windows overlap, so a test
# window drawn at random would have near copies among the training windows. With a series, always
# test on later rows.
#
# How good is it?
# ---------------
# `score` returns R2, as for every regressor in scikit-learn. R2 says little without a comparison,
# so compare the network with forecasts that cost nothing. One is the level an hour before. Another
# is the level 25 hours before, when the moon was in the same phase of the tide. No forecast can
# beat the measurement error of 6 cm.


def rmse(forecast, truth=y[500:]):
    return np.sqrt(np.mean((forecast - truth) ** 2))


print(f"R2 on hours not trained on   {network.score(X[500:], y[500:]):.3f}")
print(f"network                      {rmse(forecast):.1f} cm")
print(f"the same as an hour before   {rmse(level[523:-1]):.1f} cm")
print(f"the same as 25 hours before  {rmse(level[499:-25]):.1f} cm")

# %%
# How far off can it be?
# ----------------------
# With `loss="quantile"` a network predicts quantiles: 0.1, 0.5 and 0.9, or those in the parameter
# `quantiles`. `predict` returns the median. `predict(X, quantiles=...)` returns quantiles along a
# last axis, and they never cross. `score` is then the negative mean pinball loss, the usual measure
# for quantiles: closer to 0 is better.
spread = RNNRegressor("gru", 16, loss="quantile", random_state=0).fit(X[:500], y[:500])
low, high = spread.predict(X[500:], quantiles=[0.1, 0.9]).T
inside = (low <= y[500:]) & (y[500:] <= high)
print(f"{inside.mean():.0%} of the levels lie between the two, {np.mean(high - low):.1f} cm apart")

# %%
# Has it learned enough?
# ----------------------
# `history_` holds the loss of each epoch. With `validation_fraction` the last samples are held out
# from training, and `history_` also holds their loss. With `patience` training stops when that loss
# has not fallen for that many epochs. The weights of the best epoch are kept.
from skrnn import HistoryDisplay

watched = RNNRegressor(
    "gru", 16, epochs=300, validation_fraction=0.2, patience=20, random_state=0
).fit(X[:500], y[:500])
display = HistoryDisplay.from_estimator(watched)
display.ax_.set_yscale("log")
display.figure_.savefig("first_history.png", dpi=100)
print(f"{watched.n_epochs_} epochs, {rmse(watched.predict(X[500:])):.1f} cm")

# %%
# If both losses still fall at the end, increase `epochs`. If the validation loss rises while the
# training loss falls, the network overfits: set `patience`, use fewer units, or find more data. If
# neither loss falls, try another `learning_rate` first.
#
# Default values
# --------------
# One default deserves a note. `standardize=True` scales each feature, and y, by its mean and
# standard deviation inside the network. You pass raw rows and get forecasts in centimetres. Without
# it the levels, around 300, drive every unit to its limit. The output starts near 0 and climbs
# towards 300 in small steps.
raw = RNNRegressor("gru", 16, standardize=False, random_state=0).fit(X[:500], y[:500])
print(f"standardized inside  {rmse(forecast):6.1f} cm")
print(f"raw levels           {rmse(raw.predict(X[500:])):6.1f} cm")

# %%
# The other defaults are 100 epochs with batches of 64, the Adam optimizer with a learning rate of
# 0.01, and one LSTM layer with 32 units. `hidden_size=(32, 16)` stacks two layers,
# `bidirectional=True` reads in both directions, and `dropout=0.2` drops inputs during training.
# `summary` shows the layers:
print(network.summary())

# %%
# Seeds
# -----
# `random_state` determines the initial weights, the order of the samples and the inputs that
# dropout drops. The same seed gives the same network, bit for bit. Another seed gives another
# network.
for seed in range(5):
    other = RNNRegressor("gru", 16, random_state=seed).fit(X[:500], y[:500])
    print(f"seed {seed}  {rmse(other.predict(X[500:])):.2f} cm")

# %%
# Differences smaller than these say nothing about a parameter. Compare candidates over several
# seeds, and report all seeds, not only the best.
#
# Computation backend
# -------------------
# `engine="auto"` uses compiled C or NumPy for networks as small as this one. It uses Keras where
# Keras is faster: with a GPU, or for long training. All backends give the results of Keras, and
# `network.model_` is a real `keras.Model`.
print(f"{network.engine_}, {np.sum(network.history_['seconds']):.1f} seconds of training")

# %%
# Error messages
# --------------
# Errors are raised before any training. They name the requirement, the value that came, and the
# remedy.
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
# A failed fit leaves the network as it was: `network` still forecasts. The next chapter covers
# windows, where most mistakes with series are made.
