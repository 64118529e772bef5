"""SearchDisplay: its points are those of cv_results_, told by a loop over the candidates."""

import numpy as np
import pandas as pd
import pytest
from drawing import beginning, legend, line, lines, ticks
from forecasting import bare
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TimeSeriesSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNRegressor, SearchDisplay

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4, 1))
Y = X[:, -1, 0]
GRID = {
    "rnnregressor__cell_type": ["gru", "simple_rnn"],
    "rnnregressor__hidden_size": [(2, 2), 4, 2],
}
MSE, R2 = "neg_mean_squared_error", "r2"


def searched(grid, scoring=MSE, **settings):
    network = RNNRegressor(epochs=2, random_state=0, engine="numpy")
    pipeline = make_pipeline(FunctionTransformer(), network)
    settings = {"cv": 3} | settings
    return GridSearchCV(pipeline, grid, scoring=scoring, **settings).fit(X, Y)


@pytest.fixture(scope="module")
def search():
    return searched(GRID)


def found(search, key, **params):
    """Return what the results say of the one candidate with these parameters."""
    [position] = [
        k
        for k, candidate in enumerate(search.cv_results_["params"])
        if all(candidate[f"rnnregressor__{name}"] == value for name, value in params.items())
    ]
    return search.cv_results_[key][position]


def test_search_display_draws_a_line_of_mean_scores_for_each_cell_type(search):
    ax, times = SearchDisplay.from_search(search).ax_
    assert ticks(ax) == ["2", "4", "2, 2"]
    for cell_type in ("gru", "simple_rnn"):
        candidates = [{"cell_type": cell_type, "hidden_size": size} for size in (2, 4, (2, 2))]
        drawn = line(ax, cell_type)
        assert_array_equal(np.round(drawn.get_xdata()), [0, 1, 2])
        scores = [found(search, "mean_test_score", **params) for params in candidates]
        assert_array_equal(drawn.get_ydata(), scores)
        seconds = [found(search, "mean_fit_time", **params) for params in candidates]
        [bars] = [bars for bars in times.containers if bars.get_label() == cell_type]
        assert_array_equal(bars.lines[0].get_ydata(), seconds)
        assert bars.lines[0].get_color() == drawn.get_color()
    assert line(ax, "gru").get_marker() != line(ax, "simple_rnn").get_marker()
    assert (ax.get_xlabel(), times.get_ylabel()) == ("hidden_size", "Fit time (seconds)")
    assert legend(ax)[:3] == ["gru", "each fold", "simple_rnn"]


def test_search_display_draws_each_fold_and_a_ring_round_the_best(search):
    ax, _ = SearchDisplay.from_search(search).ax_
    folds = np.sort(np.concatenate([dots.get_ydata() for dots in lines(ax, "each fold")]))
    expected = [search.cv_results_[f"split{k}_test_score"] for k in range(3)]
    assert_array_equal(folds, np.sort(np.ravel(expected)))
    ring = beginning(ax, "best")
    best = search.best_params_
    drawn = line(ax, best["rnnregressor__cell_type"])
    place = [2, 4, (2, 2)].index(best["rnnregressor__hidden_size"])
    assert ring.get_ydata() == [search.best_score_]
    assert ring.get_xdata() == drawn.get_xdata()[place]


def test_search_display_can_turn_a_negative_score_into_an_error_alone_on_one_axes(search):
    plain = SearchDisplay.from_search(search).ax_[0]
    figure, alone = plt.subplots()
    error = SearchDisplay.from_search(search, negate_score=True, ax=alone).ax_
    assert error is alone
    assert figure.axes == [alone]
    assert plain.get_ylabel() == "Neg mean squared error"
    assert error.get_ylabel() == "Mean squared error"
    for label in ("gru", "each fold"):
        for minus, plus in zip(lines(plain, label), lines(error, label), strict=True):
            assert_array_equal(minus.get_ydata(), -plus.get_ydata())


def test_search_display_draws_the_best_of_further_parameters():
    grid = {
        "rnnregressor__hidden_size": [2, 4],
        "rnnregressor__learning_rate": [0.001, 0.01, 0.1],
        "rnnregressor__standardize": [True, False],
    }
    search = searched(grid)
    ax, times = SearchDisplay.from_search(search).ax_
    assert ax.get_xlabel() == "hidden_size, at the best learning_rate and standardize"
    table = pd.DataFrame(search.cv_results_)
    kept = table.loc[table.groupby("param_rnnregressor__hidden_size")["mean_test_score"].idxmax()]
    [drawn] = [each for each in ax.lines if each.get_linestyle() == "-"]
    assert_array_equal(drawn.get_ydata(), kept["mean_test_score"])
    assert_array_equal(times.containers[0].lines[0].get_ydata(), kept["mean_fit_time"])
    assert legend(ax)[0] == "each fold"


def test_search_display_takes_any_parameters_and_any_search():
    grid = {"epochs": [1, 2, 3], "learning_rate": [0.01, 0.1]}
    network = RNNRegressor(hidden_size=2, random_state=0, engine="numpy")
    search = RandomizedSearchCV(network, grid, n_iter=6, cv=2, random_state=0).fit(X, Y)
    display = SearchDisplay.from_search(search, over="epochs", by="learning_rate")
    ax = display.ax_[0]
    assert ticks(ax) == ["1", "2", "3"]
    assert ax.get_ylabel() == "Test score"
    assert len(line(ax, "0.01").get_ydata()) == len(line(ax, "0.1").get_ydata()) == 3


@pytest.mark.parametrize(
    ("name", "values", "texts"),
    [
        ("learning_rate", [0.015335192657991577, 0.003936128001463712], ["0.00394", "0.0153"]),
        ("learning_rate", [0.0100001, 0.01], ["0.01", "0.0100001"]),
        ("dense_sizes", [(), (3, 2), (4,)], ["()", "4", "3, 2"]),
        ("activation", ["tanh", "relu"], ["tanh", "relu"]),
        ("embedding_init", [None, np.zeros((9, 2))], ["None", "array (9, 2)"]),
    ],
)
def test_search_display_writes_values_in_few_words_that_tell_them_apart_in_order(
    name, values, texts
):
    tokens = np.abs(X[:, :, 0] * 3).astype(int).clip(max=8)
    network = RNNRegressor("gru", 2, vocab_size=9, embedding_dim=2, epochs=1, engine="numpy")
    search = GridSearchCV(network, {name: values}, cv=2).fit(tokens, Y)
    assert ticks(SearchDisplay.from_search(search, over=name).ax_[0]) == texts


@pytest.mark.parametrize(("n_values", "rotation"), [(3, 0), (12, 90)])
def test_search_display_sets_many_words_upright(n_values, rotation):
    grid = {"alpha": np.geomspace(0.0013, 7, n_values)}
    search = GridSearchCV(Ridge(), grid, cv=2).fit(X[:, :, 0], Y)
    for ax in SearchDisplay.from_search(search, over="alpha").ax_:
        assert {tick.get_rotation() for tick in ax.get_xticklabels()} == {rotation}


def test_search_display_draws_candidates_of_several_grids_at_their_own_values():
    grids = [
        {"rnnregressor__cell_type": ["lstm"]},
        {"rnnregressor__hidden_size": [2], "rnnregressor__cell_type": ["gru"]},
    ]
    ax = SearchDisplay.from_search(searched(grids)).ax_[0]
    assert ticks(ax) == ["2", "32"]
    assert round(line(ax, "gru").get_xdata()[0]) == 0
    assert round(line(ax, "lstm").get_xdata()[0]) == 1


def test_search_display_draws_the_chosen_score_of_several():
    search = searched(GRID, scoring=[MSE, R2], refit=R2)
    for scoring, metric in [(None, R2), (MSE, MSE)]:
        ax = SearchDisplay.from_search(search, scoring=scoring).ax_[0]
        drawn = np.concatenate([line(ax, name).get_ydata() for name in ("gru", "simple_rnn")])
        assert_allclose(np.sort(drawn), np.sort(search.cv_results_[f"mean_test_{metric}"]))


def test_search_display_leaves_out_candidates_whose_fit_failed():
    failed = searched(GRID)
    failed.cv_results_["mean_test_score"][failed.best_index_] = np.nan
    ax = SearchDisplay.from_search(failed).ax_[0]
    drawn = [line(ax, name).get_ydata() for name in ("gru", "simple_rnn")]
    assert sorted(len(values) for values in drawn) == [2, 3]


def test_search_display_draws_candidates_of_a_halving_search_where_they_came_furthest():
    grid = {"hidden_size": [2, 3, 4, 5], "cell_type": ["gru"]}
    network = RNNRegressor(random_state=0, engine="numpy")
    search = HalvingGridSearchCV(
        *(network, grid), resource="epochs", max_resources=8, min_resources=2, factor=2, cv=2
    ).fit(X, Y)
    table = pd.DataFrame(search.cv_results_).astype({"param_hidden_size": int})
    furthest = table.sort_values("iter").groupby("param_hidden_size").tail(1)
    assert furthest["iter"].nunique() == 3
    ax = SearchDisplay.from_search(search).ax_[0]
    expected = furthest.sort_values("param_hidden_size")["mean_test_score"]
    assert_array_equal(line(ax, "gru").get_ydata(), expected)
    ring = beginning(ax, "best")
    assert ring.get_ydata() == [search.best_score_]


def test_search_display_draws_a_search_of_a_forecaster():
    grid = {"regressor__hidden_size": [2, 4], "timesteps": [4, 6]}
    forecaster = bare(RNNRegressor("gru", epochs=2, random_state=0, engine="numpy"))
    series = pd.Series(np.sin(np.arange(60.0)))
    search = GridSearchCV(forecaster, grid, cv=TimeSeriesSplit(2, test_size=5)).fit(series)
    ax = SearchDisplay.from_search(search, by="timesteps").ax_[0]
    assert len(line(ax, "4").get_ydata()) == len(line(ax, "6").get_ydata()) == 2
