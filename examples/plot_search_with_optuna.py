"""
Stop what will not win: Optuna prunes networks epoch by epoch
=============================================================

A grid search spends the same epochs on every candidate. `partial_fit` trains one more epoch, so a
search can look at each network as it learns and drop those that fall behind. Here Optuna's median
pruner does that, in a study of 30 networks of any cell type, size and learning rate.
"""

# %%
# The samples
# -----------
# Each target is the product of two steps of a sequence, plus noise.
import matplotlib.pyplot as plt
import numpy as np
import optuna

from skrnn import RNNRegressor

rng = np.random.default_rng(0)


def samples(n_samples):
    X = rng.normal(size=(n_samples, 10, 1))
    return X, X[:, -3, 0] * X[:, -1, 0] + rng.normal(scale=0.2, size=n_samples)


X, y = samples(500)
X_validation, y_validation = samples(500)

# %%
# The study
# ---------
EPOCHS = 40


def objective(trial):
    network = RNNRegressor(
        trial.suggest_categorical("cell_type", ["simple_rnn", "gru", "lstm"]),
        trial.suggest_int("hidden_size", 4, 32, log=True),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 0.1, log=True),
        random_state=0,
    )
    for epoch in range(EPOCHS):
        network.partial_fit(X, y)
        score = network.score(X_validation, y_validation)
        trial.report(score, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return score


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=8),
)
study.optimize(objective, n_trials=30)
epochs = sum(len(trial.intermediate_values) for trial in study.trials)
print(f"best: {study.best_params}")
print(f"R2 of the best  {study.best_value:.3f}")
print(f"{epochs} epochs of the {len(study.trials) * EPOCHS} that a grid of as many would take")

# %%
# The picture
# -----------
# Grey lines were stopped early: in some epoch they lay below the median of the networks before
# them. Networks that learn late are at risk. The best one began slowly, but came early, when few
# networks had been seen.
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for trial in study.trials:
    pruned = trial.state == optuna.trial.TrialState.PRUNED
    best = trial.number == study.best_trial.number
    ax.plot(
        np.arange(1, len(trial.intermediate_values) + 1),
        list(trial.intermediate_values.values()),
        color="#D55E00" if best else "#BBBBBB" if pruned else "#0072B2",
        linewidth=2 if best else 1,
        zorder=3 if best else 1 if pruned else 2,
        label="best" if best else "pruned" if pruned else "trained to the end",
    )
ax.set_xlabel("Epoch")
ax.set_ylabel("R2 of the validation samples")
ax.set_ylim(-0.3, 1)
handles, labels = ax.get_legend_handles_labels()
first = dict(zip(labels, handles, strict=True))
ax.legend(first.values(), first.keys(), frameon=False, loc="lower right", ncols=3)
ax.spines[["top", "right"]].set_visible(False)
figure.savefig("search_with_optuna.png", dpi=100)
