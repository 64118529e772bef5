"""Pooling of the hidden states: what it reads, in both engines and in Keras's own layers."""

from functools import partial
from itertools import product

import keras
import numpy as np
import pytest
from fits import cut, small

network = partial(small, cell_type="gru", standardize=False)


@pytest.mark.parametrize(
    ("engine", "pooling", "bidirectional"),
    [
        *product(["numpy"], ["mean", "max"], [False, True]),
        pytest.param("keras", "mean", True, marks=pytest.mark.slow),
        pytest.param("keras", "max", False, marks=pytest.mark.slow),
    ],
)
def test_sample_without_a_step_is_pooled_as_its_last_state(engine, pooling, bidirectional):
    X = np.random.default_rng(0).normal(size=(20, 4, 2))
    X[0] = np.nan
    parameters = {"mask_value": np.nan, "bidirectional": bidirectional, "engine": engine}
    fitted = network(pooling=pooling, **parameters).fit(X, np.arange(20.0))
    np.testing.assert_array_equal(fitted.predict(X[:1]), fitted.weights_[-1])
    np.testing.assert_array_equal(fitted.model_.predict(X[:1], verbose=0)[0], fitted.weights_[-1])


def test_pooling_stands_in_summary_and_model():
    pooled = network(pooling="max", bidirectional=True)
    assert "pooling (GlobalMaxPooling1D)" in pooled.summary((5, 2))
    layer = pooled.build_model((5, 2)).get_layer("pooling")
    assert isinstance(layer, keras.layers.GlobalMaxPooling1D)
    assert "pooling" not in network().summary((5, 2))


def test_pooling_leaves_the_states_of_transform_as_they_are():
    X = cut(np.random.default_rng(0).normal(size=(30, 6, 2)))
    fitted = network(pooling="mean").fit(X, np.arange(30.0))
    states = fitted.hidden_states(X, return_sequences=True)
    last = [states[i, len(x) - 1] for i, x in enumerate(X)]
    np.testing.assert_allclose(fitted.transform(X), last, rtol=1e-5, atol=1e-5)


def test_pooling_of_sequences_that_are_returned_is_refused():
    X = np.random.default_rng(0).normal(size=(20, 5, 2))
    unfitted = network(pooling="max", return_sequences=True)
    for refused in (lambda: unfitted.fit(X, X[..., 0]), lambda: unfitted.build_model((5, 2))):
        with pytest.raises(ValueError, match="`pooling` must be 'last' with `return_seq"):
            refused()
    assert not hasattr(unfitted, "weights_")
