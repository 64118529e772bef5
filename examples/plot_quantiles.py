"""
How far off can a forecast be? Quantiles from a network
=======================================================

A single number does not say how far off it may be. With `loss="quantile"` a network predicts
several quantiles at once, here 0.1, 0.5 and 0.9. Eight of ten values should fall between the outer
two. Linear quantile regression and gradient boosting read the same windows.
"""

# %%
# A series that is calm or nervous
# --------------------------------
# The next value follows the last one, plus noise. A large step makes the next steps large too, as
# in prices and in wind (a GARCH process). So the model has to read the spread from the sequence.
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss

from skrnn import RNNRegressor, make_windows

QUANTILES = [0.1, 0.5, 0.9]
rng = np.random.default_rng(0)
values, spreads = [0.0], [1.0]
for _ in range(4000):
    error = spreads[-1] * rng.normal()
    values.append(0.8 * values[-1] + error)
    spreads.append(np.sqrt(0.04 + 0.56 * spreads[-1] ** 2 + 0.4 * error**2))

X, y = make_windows(np.array(values), timesteps=12)
spread = np.array(spreads[11:-1])  # of each target
X_train, X_test, y_train, y_test = X[:2000], X[2000:], y[:2000], y[2000:]
spread = spread[2000:]

# %%
# Three models, and the truth
# ---------------------------
# The network has one output for the median, and two for the distances of the other quantiles from
# it. The distances pass through a softplus, so quantiles never cross. `predict` returns the median,
# and `predict(X, quantiles=...)` returns the quantiles on a last axis. The other two models need a
# fit for each quantile, and nothing keeps their quantiles in order.
network = RNNRegressor(
    "gru", 16, loss="quantile", quantiles=QUANTILES, learning_rate=0.005, random_state=0
).fit(X_train, y_train)
found = {"network": network.predict(X_test, quantiles=QUANTILES)}

others = {
    "gradient boosting": lambda q: HistGradientBoostingRegressor(
        loss="quantile", quantile=q, learning_rate=0.05, max_leaf_nodes=8, random_state=0
    ),
    "linear": lambda q: QuantileRegressor(quantile=q, alpha=0.001),
}
for name, model in others.items():
    rows = [model(q).fit(X_train[..., 0], y_train).predict(X_test[..., 0]) for q in QUANTILES]
    found[name] = np.stack(rows, axis=1)
found["the process itself"] = 0.8 * X_test[:, -1] + np.outer(spread, norm.ppf(QUANTILES))

# %%
# The pinball loss is the measure of quantiles: lower is better. `network.score` is its negative
# mean. Between the outer quantiles there should be 80% of the values, in calm and in nervous times
# alike.
calm = spread < np.median(spread)
print(f"{'':20}{'pinball':>9}{'inside':>9}{'if calm':>9}{'if nervous':>12}{'crossed':>9}")
shares = {}
for name, rows in found.items():
    losses = [mean_pinball_loss(y_test, rows[:, i], alpha=q) for i, q in enumerate(QUANTILES)]
    inside = (rows[:, 0] <= y_test) & (y_test <= rows[:, 2])
    shares[name] = inside.mean(), inside[calm].mean(), inside[~calm].mean()
    crossed = (np.diff(rows, axis=1) < 0).any(axis=1).mean()
    all_times, if_calm, if_nervous = shares[name]
    print(
        f"{name:20}{np.mean(losses):9.4f}{all_times:9.1%}{if_calm:9.1%}{if_nervous:12.1%}"
        f"{crossed:9.1%}"
    )

# %%
# The picture
# -----------
# The left panel shows 120 values with the outer quantiles of the network, and those of the process.
# The right panel shows the share of values between the outer quantiles of each model.
figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
start = int(np.argmax(spread[60:-60]))  # the most nervous time in the middle
part, time = slice(start, start + 120), np.arange(120)
band, truth = found["network"][part], found["the process itself"][part]
axes[0].fill_between(time, band[:, 0], band[:, 2], color="#0072B2", alpha=0.3, label="network")
axes[0].plot(time, truth[:, [0, 2]], color="grey", linewidth=0.8)
axes[0].plot([], [], color="grey", linewidth=0.8, label="process")
axes[0].plot(time, y_test[part], ".", color="black", markersize=4, label="values")
axes[0].set(xlabel="Step", ylabel="Value")
axes[0].legend(frameon=False)

width = 0.2
for i, (name, (_, *of_times)) in enumerate(shares.items()):
    color = ["#0072B2", "#D55E00", "#009E73", "grey"][i]
    axes[1].bar(np.arange(2) + (i - 1.5) * width, of_times, width, color=color, label=name)
axes[1].axhline(0.8, color="black", linewidth=0.8, linestyle="--")
axes[1].set(xticks=[0, 1], ylim=(0, 1.3), ylabel="Share between the outer quantiles")
axes[1].set_xticklabels(["calm times", "nervous times"])
axes[1].legend(frameon=False, ncols=2)
figure.savefig("quantiles.png", dpi=100)

# %%
# The linear model cannot distinguish calm from nervous times: a large step up and a large step down
# cancel in a weighted sum. Boosting can. The network does it best here, because the spread builds
# up from step to step as its state does. It is still too wide in calm times and too narrow in
# nervous ones, which the share over all times hides. Where a sequence says nothing about the
# spread, the other two models are as good and faster to fit.
