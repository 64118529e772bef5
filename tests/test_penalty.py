"""The L2 regularizers: what they add to losses and gradients, beside Keras's own."""

import numpy as np
from fits import FLOAT64
from gradients import slopes

from skrnn import RNNRegressor
from skrnn._network.l2 import Penalty, penalty

PENALTIES = {"kernel_l2": 0.3, "recurrent_l2": 0.2}
FIT = FLOAT64 | {"epochs": 3}
X = np.random.default_rng(7).normal(size=(30, 5, 3))
Y = X.sum(axis=(1, 2))


def test_gradient_of_the_penalty_equals_finite_differences():
    network = RNNRegressor("gru", (4, 3), bidirectional=True, **PENALTIES, **FIT).fit(X, Y)
    architecture = network._network.architecture
    flat = np.concatenate([weight.ravel() for weight in network.weights_])
    gradient = np.ones_like(flat)
    entries = architecture.weights()
    total = Penalty(entries, flat, gradient)()
    np.testing.assert_allclose(total, penalty(entries, network.weights_), rtol=1e-12)
    expected = slopes(lambda moved: Penalty(entries, moved, np.zeros_like(flat))(), flat)
    np.testing.assert_allclose(gradient - 1, expected, rtol=1e-6, atol=1e-8)


def test_real_model_has_the_regularizers_and_the_estimators_loss():
    network = RNNRegressor("gru", 4, bidirectional=True, **PENALTIES, **FIT)
    for model in (network.fit(X, Y).model_, network.build_model((5, 3))):
        for layer in (model.layers[1].forward_layer, model.layers[1].backward_layer):
            assert (layer.kernel_regularizer.l2, layer.recurrent_regularizer.l2) == (0.3, 0.2)
    model = network.model_
    total = float(sum(model.losses))
    np.testing.assert_allclose(
        total, penalty(network._network.architecture.weights(), network.weights_), rtol=1e-12
    )
    back = RNNRegressor.from_keras(model)
    assert (back.kernel_l2, back.recurrent_l2) == (0.3, 0.2)
