"""IntegratedGradientsDisplay: heat maps of samples, and sentences with their words in colour."""

import re

import numpy as np
import pandas as pd
import pytest
from forecasting import monthly
from matplotlib import pyplot as plt
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from skrnn import (
    IntegratedGradientsDisplay,
    RNNClassifier,
    RNNForecaster,
    RNNRegressor,
    SequenceVectorizer,
)
from skrnn.inspection import integrated_gradients

X = np.random.default_rng(0).normal(size=(40, 5, 2))
NETWORK = RNNRegressor("gru", 3, epochs=2, random_state=0, engine="numpy").fit(X, X[:, 3, 1])
TEXTS = ["good <soup>", "bad soup", "good wine", "bad wine", "not bad"]
CLASSIFIER = make_pipeline(
    SequenceVectorizer(max_length=3, token_pattern=r"\S+"),
    RNNClassifier("gru", 3, vocab_size="auto", mask_value=0, epochs=2, random_state=0),
).fit(TEXTS, [1, 0, 1, 0, 1])


def labels(ticks):
    return [tick.get_text() for tick in ticks]


def test_a_heat_map_shows_each_sample_on_one_scale():
    display = IntegratedGradientsDisplay.from_estimator(
        NETWORK, X[:2], baseline=X[5], feature_names=["load", "wind"]
    )
    found = integrated_gradients(NETWORK, X[:2], X[5])
    *axes, bar = display.figure_.axes
    assert list(display.ax_) == axes
    for ax, parts, prediction in zip(axes, found, NETWORK.predict(X[:2]), strict=True):
        [image] = ax.images
        assert_array_equal(image.get_array(), parts.T)
        assert image.get_clim() == (-np.abs(found).max(), np.abs(found).max())
        assert image.get_extent() == [-4.5, 0.5, 1.5, -0.5]
        assert labels(ax.get_yticklabels()) == ["load", "wind"]
        assert float(ax.get_title("left").split()[-1]) == pytest.approx(prediction, rel=0.01)
    assert bar.get_ylabel() == "Part of the output"
    assert display._repr_html_() is None


def test_words_of_a_pipeline_name_the_timesteps_without_padding():
    display = IntegratedGradientsDisplay.from_estimator(CLASSIFIER, TEXTS[:1], target=1)
    ids = CLASSIFIER[:-1].transform(TEXTS[:1])
    found = integrated_gradients(CLASSIFIER[-1], ids, target=1)
    assert display.steps == [["good", "<soup>"]]
    assert_array_equal(display.attributions[0], found[0, 1:])
    assert labels(display.ax_.get_xticklabels()) == ["<soup>", "good"]
    assert list(display.ax_.get_xticks()) == [0, -1]


def test_html_colours_words_by_sign_and_size():
    display = IntegratedGradientsDisplay(
        [np.array([0.4, -0.2, 0.0])], steps=[["a", "<b>", "c"]], titles=["Predicted: 1 < 2"]
    )
    html = display._repr_html_()
    spans = re.findall(
        r'background:rgba\(([\d,.]+)\);padding:2px" title="(\S+)">(.*?)</span>', html
    )
    assert spans == [
        ("230,97,1,0.85", "+0.4", "a"),
        ("94,60,153,0.42", "-0.2", "&lt;b&gt;"),
        ("94,60,153,0.00", "+0", "c"),
    ]
    assert "<b>Predicted: 1 &lt; 2</b>" in html


def test_hours_of_a_forecast_are_named_by_their_times():
    series = pd.DataFrame({"a": monthly(60), "b": monthly(60, seed=1)})
    forecaster = RNNForecaster(steps=2, network_weight=0).fit(series)
    display = IntegratedGradientsDisplay.from_estimator(forecaster, target=2)
    table = integrated_gradients(forecaster, target=2)
    for label, ax in zip("ab", display.ax_, strict=True):
        assert ax.get_title("left") == label
        assert_array_equal(ax.images[0].get_array(), table.loc[label].T)
        assert labels(ax.get_xticklabels())[0] == "2019-12-31"
        assert labels(ax.get_yticklabels()) == ["value"]
    assert display._repr_html_() is None


def test_axes_that_are_given_are_drawn_on():
    figure, axes = plt.subplots(2)
    display = IntegratedGradientsDisplay(list(X[:2])).plot(axes)
    assert list(display.ax_) == list(axes)
    assert display.figure_ is figure


def test_what_cannot_be_drawn_is_refused_in_words():
    with pytest.raises(ValueError, match="`X` must hold at most 12 samples to draw, got 40"):
        IntegratedGradientsDisplay.from_estimator(NETWORK, X)
    with pytest.raises(ValueError, match="`feature_names` must hold a name for each of the 2"):
        IntegratedGradientsDisplay(list(X[:1]), feature_names=["load"]).plot()
