"""HistoryDisplay: its lines are the histories, its marks the epochs of lowest loss."""

import numpy as np
import pandas as pd
import pytest
from drawing import beginning, legend, line
from forecasting import bare
from matplotlib import pyplot as plt
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skrnn import HistoryDisplay, RNNClassifier, RNNRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4, 1))
Y = X[:, -1, 0]


def network(**settings):
    settings = {"epochs": 6, "random_state": 0, "engine": "numpy"} | settings
    return RNNRegressor("gru", 3, **settings)


@pytest.mark.parametrize(("metric", "best_of"), [("r2", np.argmax), ("mae", np.argmin)])
def test_history_display_draws_a_metric_and_marks_its_best_epoch(metric, best_of):
    estimator = network(metrics=("r2", "mae"), learning_rate=0.3).fit(
        X[:30], Y[:30], validation_data=(X[30:], Y[30:])
    )
    ax = HistoryDisplay.from_estimator(estimator, metric=metric).ax_
    history = estimator.history_
    assert_array_equal(line(ax, metric).get_ydata(), history[metric])
    assert_array_equal(line(ax, f"validation {metric}").get_ydata(), history[f"val_{metric}"])
    best = int(best_of(history[f"val_{metric}"]))
    assert_array_equal(beginning(ax, "best epoch").get_xdata(), [best + 1])
    assert ax.get_ylabel() == metric
    with pytest.raises(ValueError, match="must be one of 'loss', 'r2', 'mae', got 'R2'"):
        HistoryDisplay.from_estimator(estimator, metric="R2")


def test_history_display_draws_both_losses_and_marks_the_epoch_whose_weights_patience_keeps():
    noise = np.random.default_rng(1).normal(size=40)
    held_out = X[30:], noise[30:]
    estimator = network(learning_rate=0.3, patience=9)
    estimator.fit(X[:30], noise[:30], validation_data=held_out)
    ax = HistoryDisplay.from_estimator(estimator).ax_
    for label, key in [("loss", "loss"), ("validation loss", "val_loss")]:
        assert_array_equal(line(ax, label).get_xdata(), range(1, 7))
        assert_array_equal(line(ax, label).get_ydata(), estimator.history_[key])
    epoch = 1 + int(np.argmin(estimator.history_["val_loss"]))
    assert epoch < 6
    mark = beginning(ax, f"best epoch {epoch} (")
    assert (mark.get_xdata(), mark.get_ydata()) == (epoch, min(estimator.history_["val_loss"]))
    assert legend(ax) == ["loss", "validation loss", mark.get_label()]
    error = (estimator.predict(held_out[0]) - held_out[1]) / noise[:30].std()
    assert mark.get_ydata() == pytest.approx((error**2).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("history", "epoch", "loss"),
    [
        ({"loss": [3.0]}, 1, "3.00"),
        ({"loss": [3.0, 1.0, 2.0], "seconds": [0.1] * 3}, 2, "1.00"),
        ({"loss": [3.0, 1.0, 2.0], "val_loss": [np.nan, 2.5, 2.0]}, 3, "2.00"),
    ],
)
def test_history_display_judges_by_the_loss_where_there_is_no_validation(history, epoch, loss):
    ax = HistoryDisplay({None: history}).plot().ax_
    best, validated = f"best epoch {epoch} ({loss})", "val_loss" in history
    assert legend(ax) == ["loss", *["validation loss"] * validated, best]
    assert line(ax, best).get_xdata() == epoch
    assert (line(ax, "loss").get_linestyle() == "-") == (not validated)


def test_history_display_draws_several_estimators_each_in_its_colour():
    estimators = {"calm": network(learning_rate=0.01), "wild": network(learning_rate=0.3)}
    for estimator in estimators.values():
        estimator.set_params(validation_fraction=0.25).fit(X, Y)
    ax = HistoryDisplay.from_estimators(estimators).ax_
    colors = []
    for name, estimator in estimators.items():
        own = [found for found in ax.lines if found.get_label().startswith(f"{name}: ")]
        assert len(own) == 3
        assert_array_equal(own[0].get_ydata(), estimator.history_["loss"])
        assert len({found.get_color() for found in own}) == 1
        colors.append(own[0].get_color())
    assert len(set(colors)) == 2
    assert len({found.get_marker() for found in ax.lines} - {"None"}) == 2


def test_history_display_numbers_the_estimators_of_cross_validate():
    found = cross_validate(network(), X, Y, cv=3, return_estimator=True)
    ax = HistoryDisplay.from_estimators(found["estimator"]).ax_
    for number, estimator in enumerate(found["estimator"], start=1):
        assert_array_equal(line(ax, f"{number}: loss").get_ydata(), estimator.history_["loss"])


def test_history_display_adds_to_given_axes():
    figure, ax = plt.subplots()
    for name in ("a", "b"):
        display = HistoryDisplay.from_estimator(network().fit(X, Y), name=name, ax=ax)
    assert (display.ax_, display.figure_) == (ax, figure)
    assert line(ax, "a: loss").get_color() != line(ax, "b: loss").get_color()


def test_history_display_finds_the_network_in_what_holds_it():
    pipeline = make_pipeline(FunctionTransformer(), network())
    search = GridSearchCV(pipeline, {"rnnregressor__epochs": [2, 3]}, cv=2).fit(X, Y)
    ax = HistoryDisplay.from_estimator(search).ax_
    expected = search.best_estimator_[-1].history_["loss"]
    assert_array_equal(line(ax, "loss").get_ydata(), expected)
    forecaster = bare(network(), timesteps=4).fit(pd.Series(np.sin(np.arange(40))))
    ax = HistoryDisplay.from_estimator(forecaster).ax_
    assert_array_equal(line(ax, "loss").get_ydata(), forecaster.regressor_.history_["loss"])


@pytest.mark.parametrize(
    ("estimators", "y", "label"),
    [
        ([network()], Y, "Loss (mean squared error of standardized y)"),
        ([network(standardize="X", loss="mae")], Y, "Loss (mean absolute error)"),
        ([RNNClassifier("gru", 3, epochs=2)], Y > 0, "Loss (binary crossentropy)"),
        ([network(), network(loss="mae")], Y, "Loss"),
    ],
)
def test_history_display_says_what_is_measured_where_it_is_one_measure(estimators, y, label):
    display = HistoryDisplay.from_estimators([estimator.fit(X, y) for estimator in estimators])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("Epoch", label)
