"""Calls in another package's manner: the message says what to call instead."""

import threading

import numpy as np
import pytest
from fits import small
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from skrnn import (
    RNNClassifier,
    RNNForecaster,
    RNNRegressor,
    SequenceReshaper,
    SequenceVectorizer,
    WindowTransformer,
)

X = np.random.default_rng(0).normal(size=(20, 4, 2))
CODES, NUMBERS = np.arange(20) % 2, np.linspace(0, 1, 20)


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier, RNNForecaster, WindowTransformer])
def test_unknown_parameter_is_named_with_the_class_that_was_called(kind):
    with pytest.raises(TypeError, match=rf"^{kind.__name__}\.__init__\(\) got .* 'hiden_size'"):
        kind(hiden_size=3)


@pytest.mark.parametrize(
    ("estimator", "method", "keyword", "words"),
    [
        *[
            (
                kind(),
                method,
                {name: 3},
                [f"`{method}` of", f"constructor, `{kind.__name__}({name}=3)"],
            )
            for kind in (RNNRegressor, RNNClassifier)
            for method, name in [
                *[("fit", "epochs"), ("partial_fit", "learning_rate"), ("predict", "verbose")],
                *[("score", "batch_size"), ("fit_batches", "epochs")],
            ]
        ],
        (RNNRegressor(), "fit", {"steps_per_epoch": 3}, ["X, y, sample_weight, validation_data"]),
        (RNNForecaster(), "fit", {"timesteps": 3}, ["`RNNForecaster(timesteps=3)`"]),
        (
            RNNForecaster(RNNRegressor()),
            "fit",
            {"epochs": 3},
            ["`set_params(regressor__epochs=3)`"],
        ),
        (WindowTransformer(), "fit", {"horizon": 3}, ["`WindowTransformer(horizon=3)`"]),
        (SequenceReshaper(), "fit", {"features": 3}, ["`SequenceReshaper(features=3)`"]),
        (SequenceVectorizer(), "fit", {"max_length": 3}, ["`SequenceVectorizer(max_length=3)`"]),
    ],
    ids=str,
)
def test_parameter_of_the_constructor_is_no_argument_of_a_method(estimator, method, keyword, words):
    with pytest.raises(TypeError) as caught:
        getattr(estimator, method)(X, NUMBERS, **keyword)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("estimator", "parameter"),
    [
        (SequenceVectorizer, "analyzer"),
        (RNNClassifier, "callbacks"),
        (lambda **given: RNNForecaster(RNNRegressor(**given)), "callbacks"),
    ],
    ids=["vectorizer", "network", "network in a forecaster"],
)
def test_clone_names_the_parameter_that_it_cannot_copy(estimator, parameter):
    class Holder:
        def __init__(self):
            self.lock = threading.Lock()

        def __call__(self, *_):
            return []

    held = Holder()
    with pytest.raises(TypeError, match=f"`{parameter}` must be .* copied.* Pass a function"):
        clone(estimator(**{parameter: held if parameter == "analyzer" else [held]}))
    clone(estimator(**{parameter: lambda *document: held(*document)}))


def test_labels_in_a_column_warn_in_every_kind_of_fit():
    network, y = small(RNNClassifier), CODES[:, np.newaxis]
    calls = [
        lambda: network.partial_fit(X, y, classes=[0, 1]),
        lambda: network.partial_fit(X, y),
        lambda: network.set_params(warm_start=True).fit(X, y),
        lambda: small(RNNClassifier).fit_batches([(X, y)]),
    ]
    for call in calls:
        with pytest.warns(DataConversionWarning, match="column-vector"):
            call()


def test_stateful_network_continues_on_a_multiple_of_its_batch():
    network = small(stateful=True).fit(X[:5], NUMBERS[:5])  # fewer than `batch_size`
    assert network.partial_fit(X, NUMBERS).n_epochs_ == 3
