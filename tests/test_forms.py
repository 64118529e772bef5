"""The forms of X and y that the estimators read."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score
from small_networks import (
    FEATURES,
    LABELS,
    N_SAMPLES,
    TOKENS,
    X,
    Y,
    assert_same_training,
    classifier,
    hidden_by_hand,
    regressor,
)

from skrnn import cells


def test_several_outputs_are_predicted_together():
    y = np.column_stack([Y, -Y, 2 * Y + 1, Y**2, X[:, 0, 0], X[:, 0, 1]])
    fitted = regressor(epochs=30).fit(X, y)
    assert fitted.predict(X).shape == (N_SAMPLES, 6)
    assert fitted.n_outputs_ == 6
    assert fitted.score(X, y) == pytest.approx(r2_score(y, fitted.predict(X)))


def test_one_output_in_a_column_comes_back_as_a_column():
    flat, column = regressor().fit(X, Y), regressor().fit(X, Y[:, np.newaxis])
    np.testing.assert_array_equal(column.predict(X), flat.predict(X)[:, np.newaxis])


def test_targets_of_several_steps_come_back_in_their_shape():
    y = np.stack([np.outer(Y, [1, 2]), np.outer(Y, [3, -4]), np.outer(Y, [0.5, 1])], axis=1)
    fitted, columns = regressor().fit(X, y), y.reshape(N_SAMPLES, 6)
    predicted = fitted.predict(X)
    assert predicted.shape == (N_SAMPLES, 3, 2)
    predicted = predicted.reshape(N_SAMPLES, 6)
    np.testing.assert_allclose(predicted, regressor().fit(X, columns).predict(X), rtol=1e-4)
    assert fitted.score(X, y) == pytest.approx(r2_score(columns, predicted))


def test_multilabel_targets_are_predicted_as_indicators():
    y = np.column_stack([Y.mean() < Y, X[:, -1, 1] > -1, X[:, 0, 0] > 5]).astype(int)
    fitted = classifier(epochs=60, learning_rate=0.05).fit(X, y)
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (N_SAMPLES, 3)
    np.testing.assert_array_equal(fitted.predict(X), probabilities > 0.5)
    assert fitted.score(X, y) == accuracy_score(y, fitted.predict(X)) > 0.5


@pytest.mark.parametrize("names", [["yes", "no"], [7, -3], [False, True]], ids=str)
def test_labels_of_any_kind_come_back(names):
    y = np.array(names)[LABELS]
    fitted = classifier(epochs=60, learning_rate=0.05).fit(X, y)
    assert set(fitted.predict(X).tolist()) == set(names)
    assert fitted.classes_.tolist() == sorted(names)
    assert fitted.score(X, y) > 0.8


def ragged(n_samples=N_SAMPLES, longest=7):
    """Return sequences of 2 to `longest` timesteps of two features."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(2, longest + 1, n_samples)
    return [rng.normal(size=(length, FEATURES)) for length in lengths]


RAGGED = ragged()
LAST = np.array([sequence[-1, 0] for sequence in RAGGED])
NEW = {
    "the same": RAGGED,
    "longer": ragged(4, longest=40),
    "an array": np.stack([sequence[:2] for sequence in RAGGED]),
}


@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
def test_network_fitted_on_a_list_reads_sequences_of_any_length(new):
    fitted = regressor(standardize=False).fit(RAGGED, LAST)
    assert fitted.input_shape_ == (None, FEATURES)
    assert fitted.n_features_in_ == FEATURES
    expected = [hidden_by_hand(fitted, sequence)[-1] for sequence in new]
    np.testing.assert_allclose(fitted.transform(new), expected, atol=1e-5)
    alone = [fitted.predict([sequence])[0] for sequence in new]
    np.testing.assert_allclose(fitted.predict(new), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", [pd.Series, lambda X: [pd.DataFrame(item) for item in X]])
def test_series_or_frames_of_sequences_are_read_as_their_list(form):
    assert_same_training(regressor().fit(form(RAGGED), LAST), regressor().fit(RAGGED, LAST))


def test_list_of_one_dimensional_sequences_has_one_feature():
    flat = regressor().fit([sequence[:, 0] for sequence in RAGGED], LAST)
    deep = regressor().fit([sequence[:, :1] for sequence in RAGGED], LAST)
    assert flat.input_shape_ == (None, 1)
    assert_same_training(flat, deep)


def test_list_of_token_ids_is_read_without_its_padding():
    rng = np.random.default_rng(0)
    ids = [rng.integers(0, 9, size=length) for length in rng.integers(2, 8, N_SAMPLES)]
    fitted = regressor(**TOKENS).fit(ids, [float(sequence[-1]) for sequence in ids])
    table = fitted.weights_[0]
    expected = [cells.simple_rnn(table[sequence], *fitted.weights_[1:4])[-1] for sequence in ids]
    np.testing.assert_allclose(fitted.transform(ids), expected, atol=1e-5)


def test_list_with_a_target_for_each_timestep_gives_arrays_of_the_same_lengths():
    y = [np.cumsum(sequence[:, 0]) for sequence in RAGGED]
    fitted = regressor(return_sequences=True).fit(RAGGED, y)
    predicted = fitted.predict(RAGGED)
    assert predicted.dtype == object
    assert [array.shape for array in predicted] == [array.shape for array in y]
    expected = r2_score(np.concatenate(y), np.concatenate(predicted))
    assert fitted.score(RAGGED, y) == pytest.approx(expected)
