"""
The cost of a mistake: choosing the threshold of a rare alarm
=============================================================

One machine in twelve is about to fail. To miss it costs fifty hours of wages, and to stop a sound
machine for a look costs three. `predict` asks whether a fault is more likely than not. That is
another question: which machines to stop depends on the cost of mistakes.
"""

# %%
# The machines
# ------------
# Each sample is forty steps of vibration. A worn bearing knocks now and then, and noise hides it.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

from skrnn import RNNClassifier

rng = np.random.default_rng(0)


def machines(n_samples):
    worn = rng.random(n_samples) < 1 / 12
    X = rng.normal(size=(n_samples, 40, 1))
    first = rng.integers(0, 10, size=n_samples)
    knocks = (np.arange(40) - first[:, np.newaxis]) % 10 < 2
    X[worn, :, 0] += 1.1 * knocks[worn]
    return X, np.where(worn, "worn", "sound")


X, y = machines(1500)
X_test, y_test = machines(6000)


def cost(y_true, y_pred):
    """Return the cost of each machine, in hours of wage."""
    (_, stopped), (missed, _) = confusion_matrix(y_true, y_pred, labels=["sound", "worn"])
    return (3 * stopped + 50 * missed) / len(y_true)


# %%
# Three ways to a threshold
# -------------------------
# If you can trust the probabilities, the threshold follows from the costs. Stop a machine if 50
# times the probability of a fault exceeds 3 times the probability of no fault.
# `TunedThresholdClassifierCV` trusts nothing, and keeps the threshold with the lowest cost on folds
# of the training samples. Weighted classes change the probabilities themselves.
network = RNNClassifier("gru", 16, epochs=20, random_state=0)
scorer = make_scorer(cost, greater_is_better=False)
models = {
    "predict": network,
    "threshold from the costs": FixedThresholdClassifier(network, threshold=3 / 53),
    "tuned threshold": TunedThresholdClassifierCV(network, scoring=scorer, cv=3),
    "balanced classes": clone(network).set_params(class_weight="balanced"),
}
predictions = {"stop none": np.full(len(y_test), "sound"), "stop all": np.full(len(y_test), "worn")}
predictions |= {name: model.fit(X, y).predict(X_test) for name, model in models.items()}
print(f"{'':26}{'cost':>6}{'stopped':>10}")
for name, found in predictions.items():
    print(f"{name:26}{cost(y_test, found):6.2f}{(found == 'worn').mean():10.1%}")

# %%
# The picture
# -----------
# The left panel shows the cost of each threshold on machines not trained on. The right panel shows
# how often machines of each probability are worn.
worn = models["predict"].predict_proba(X_test)[:, 1]
thresholds = np.geomspace(0.005, 0.95, 60)
costs = [cost(y_test, np.where(worn >= level, "worn", "sound")) for level in thresholds]

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
axes[0].semilogx(thresholds, costs, color="black")
marks = {
    "predict": (0.5, "#D55E00"),
    "threshold from the costs": (3 / 53, "#0072B2"),
    "tuned threshold": (models["tuned threshold"].best_threshold_, "#009E73"),
}
for (name, (threshold, color)), marker in zip(marks.items(), "sDo", strict=True):
    there = np.interp(threshold, thresholds, costs)
    axes[0].plot(threshold, there, marker, color=color, markersize=9, label=name)
axes[0].set(xlabel="Threshold", ylabel="Cost of a machine (hours of wage)", ylim=(0, None))
axes[0].set_xticks([0.01, 0.1, 0.5], ["0.01", "0.1", "0.5"])
axes[0].legend(frameon=False, loc="lower right")

share, probability = calibration_curve(y_test == "worn", worn, n_bins=10, strategy="quantile")
axes[1].loglog([0.001, 1], [0.001, 1], ":", color="grey", label="perfectly calibrated")
axes[1].loglog(probability, share, "o-", color="#0072B2", label="network")
axes[1].set(xlabel="Probability of a fault, mean of a tenth", ylabel="Share that is worn")
axes[1].legend(frameon=False)
figure.savefig("thresholds.png", dpi=100)

# %%
# `predict` costs more than stopping every machine for a look. The others differ little: the curve
# is flat from 0.02 to 0.08, and other training samples would order them differently. With more
# epochs the network grows too sure of itself, as in `plot_sentiment.py`. The threshold that trusts
# its probabilities then goes wrong, and the tuned one is safer.
