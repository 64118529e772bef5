"""`model_` and the files of `to_keras` are compiled as the network was trained."""

import keras
import numpy as np
import pytest
from small_networks import X, Y, regressor

from skrnn import RNNClassifier

CODES = np.arange(len(X)) % 3
LABELS = np.array(["a", "b", "c"])[CODES]


def test_evaluate_gives_the_loss_in_the_units_of_y(tmp_path):
    y = 100 + 7 * Y
    fitted = regressor().fit(X, y, validation_data=(X, y))
    fitted.to_keras(tmp_path / "regressor.keras")
    expected = fitted.history_["val_loss"][-1] * y.var()
    for model in (fitted.model_, keras.models.load_model(tmp_path / "regressor.keras")):
        assert model.evaluate(X, y, verbose=0) == pytest.approx(expected, rel=1e-4)
        assert int(model.optimizer.iterations) == 0
        assert float(model.optimizer.learning_rate) == pytest.approx(fitted.learning_rate)


@pytest.mark.parametrize("loss", ["auto", "categorical_crossentropy"])
def test_evaluate_of_a_classifier_takes_positions_and_the_optimizer_continues(loss):
    fitted = RNNClassifier("simple_rnn", 3, epochs=3, loss=loss, random_state=0)
    fitted.fit(X, LABELS, validation_data=(X, LABELS))
    model = fitted.model_
    measured = model.evaluate(X, CODES, verbose=0)
    expected = fitted.history_["val_loss"][-1], fitted.score(X, LABELS)
    assert measured == pytest.approx(expected, rel=1e-4)
    for variable, value in zip(model.optimizer.variables, fitted.optimizer_state_, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
