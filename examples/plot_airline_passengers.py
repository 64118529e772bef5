"""
Airline passengers: from a pandas series to a searched forecast
===============================================================

The data are 144 monthly totals of airline passengers (Box & Jenkins, 1976). A recurrent network
forecasts each of the last 48 months from the months before it. It should beat two forecasts that
cost nothing: the same as last month (persistence), and the same as the month one year ago (seasonal
naive).

The totals grow by a rate rather than by an amount, and every year repeats the shape of the last
one. So the network learns the yearly growth, log(y[t]) - log(y[t - 12]), which needs only the past
of each month. Windows, network and search are ordinary scikit-learn.
"""

# %%
# The series
# ----------
# If you downloaded this example, put its data into a folder `data` next to it:
# `airline_passengers.csv <../data/airline_passengers.csv>`_.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from skrnn import RNNRegressor, SearchDisplay, WindowTransformer

FOLDER = Path(__file__).parent if "__file__" in globals() else Path()  # a notebook's folder
DATA = FOLDER / "data" / "airline_passengers.csv"
N_TEST = 48

passengers = pd.read_csv(DATA, index_col="month", parse_dates=True)["passengers"]
growth = np.log(passengers).diff(12).dropna().to_frame("growth")
train, test = growth.iloc[:-N_TEST], growth.iloc[-N_TEST:]

# %%
# The search
# ----------
# `WindowTransformer` pairs each month with the months strictly before it, so `fit(train, y)` needs
# no shift. The test months of every fold read the end of its training months.
pipeline = make_pipeline(
    WindowTransformer(), RNNRegressor(epochs=30, learning_rate=0.005, random_state=0)
)
search = GridSearchCV(
    pipeline,
    {
        "windowtransformer__timesteps": [12, 24],
        "rnnregressor__cell_type": ["simple_rnn", "gru", "lstm"],
        "rnnregressor__hidden_size": [8, 16],
    },
    cv=TimeSeriesSplit(n_splits=3, test_size=12),
    scoring="neg_root_mean_squared_error",
).fit(train, train["growth"])

table = pd.DataFrame(search.cv_results_["params"])
table.columns = [name.split("__")[1] for name in table.columns]
table["rmse of growth"] = -search.cv_results_["mean_test_score"]
table["sd over folds"] = search.cv_results_["std_test_score"]
table["fit seconds"] = search.cv_results_["mean_fit_time"]
print(table.sort_values("rmse of growth").to_string(index=False, float_format="%.4f"))

# %%
# The display shows a fact that the table hides. The three folds are three years, and they differ by
# more than the cells do.
display = SearchDisplay.from_search(search, negate_score=True)
display.figure_.savefig("search.png", dpi=100)

# %%
# The test
# --------
# The best candidate, trained with five seeds, forecasts each test month from the true values before
# it.
months = test.index
truth = passengers[months]


def rmse(forecast):
    return np.sqrt(((forecast - truth) ** 2).mean())


year_ago = passengers.shift(12)[months]
forecasts = pd.DataFrame(index=months)
for seed in range(5):
    best = search.best_estimator_.set_params(rnnregressor__random_state=seed)
    best.fit(train, train["growth"])
    forecasts[f"network, seed {seed}"] = year_ago * np.exp(best.predict(test))
naive = pd.DataFrame({"persistence": passengers.shift(1)[months], "seasonal naive": year_ago})

scores = pd.concat([naive, forecasts], axis=1).apply(rmse).rename("test RMSE")
print(f"\nBest: {search.best_params_}\n\n{scores.to_string(float_format='%.2f')}")

# %%
# The forecast
# ------------
network = forecasts.mean(axis=1)
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
passengers.plot(ax=axes, color="black", linewidth=1.2, label="passengers")
year_ago.plot(
    ax=axes,
    color="tab:orange",
    linestyle="--",
    label=f"seasonal naive (RMSE {rmse(year_ago):.1f})",
)
network.plot(
    ax=axes,
    color="tab:blue",
    linewidth=2,
    label=f"network, mean of five seeds (RMSE {rmse(network):.1f})",
)
axes.axvline(months[0], color="grey", linewidth=0.8)
axes.set(
    title="Each month forecast from the months before it",
    xlabel="Month",
    ylabel="Passengers (thousands)",
)
axes.legend(loc="upper left")
# sphinx_gallery_thumbnail_number = -1
figure.savefig("airline_passengers.png", dpi=120)

# %%
# Only 84 months train the network, so seeds differ by a few tenths. Look at several seeds before
# you choose between close candidates. A linear regression on 24 lags of the logarithm reaches 12.7.
