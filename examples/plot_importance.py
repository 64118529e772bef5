"""
Which hours matter: the importance of timesteps
===============================================

Rain that falls in two valleys reaches a river gauge hours later: from the near valley after two
hours, from the far valley after seven. The network does not know this; its windows hold the rain of
twelve hours. To see which hours it uses, shuffle one hour of one valley among the samples and look
how far the score falls.
"""

# %%
# The river
# ---------
import numpy as np
import pandas as pd

from skrnn import RNNRegressor, make_windows
from skrnn.inspection import TimestepImportanceDisplay, timestep_importance

rng = np.random.default_rng(0)
hours = pd.date_range("2026-03-01", periods=3000, freq="h")
rain = pd.DataFrame(
    rng.gamma(0.4, 2.0, size=(3000, 2)), index=hours, columns=["near valley", "far valley"]
)
level = 0.6 * rain["near valley"].shift(2) + 0.4 * rain["far valley"].shift(7)
level = level.fillna(0) + rng.normal(scale=0.1, size=3000)

# %%
# The network
# -----------
# A window ends one hour before the level to predict.
windows, _ = make_windows(rain, timesteps=12)
levels = level.to_numpy()[12:]
network = RNNRegressor("gru", 16, random_state=0).fit(windows[:2000], levels[:2000])
print(f"R2 on hours not trained on  {network.score(windows[2000:], levels[2000:]):.2f}")

# %%
# Importance of each hour
# -----------------------
# Timestep 0 is the hour before. So -1 is two hours before the level, and -6 is seven hours before.
display = TimestepImportanceDisplay.from_estimator(
    network,
    windows[2000:],
    levels[2000:],
    feature_names=list(rain),
    scoring="r2",
    random_state=0,
)
display.figure_.savefig("importance.png", dpi=100)

# %%
# `along` shuffles whole timesteps, or whole features, at once.
whole = timestep_importance(network, windows[2000:], levels[2000:], along="feature", random_state=0)
for name, fall in zip(rain, whole.importances_mean[0], strict=True):
    print(f"R2 lost without the {name}  {fall:.2f}")
