"""The forms of X and y that the estimators read."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, r2_score
from small_networks import (
    FEATURES,
    N_SAMPLES,
    TOKENS,
    assert_same_training,
    classifier,
    hidden_by_hand,
    labels,
    numbers,
    regressor,
)

from skrnn import RNNRegressor, cells


def test_several_outputs_are_predicted_together():
    X, y = numbers()
    Y = np.column_stack([y, -y, 2 * y + 1, y**2, X[:, 0, 0], X[:, 0, 1]])
    fitted = regressor(epochs=30).fit(X, Y)
    assert fitted.predict(X).shape == (N_SAMPLES, 6)
    assert fitted.n_outputs_ == 6
    assert fitted.score(X, Y) == pytest.approx(r2_score(Y, fitted.predict(X)))


def test_one_output_in_a_column_comes_back_as_a_column():
    X, y = numbers()
    flat, column = regressor().fit(X, y), regressor().fit(X, y[:, np.newaxis])
    np.testing.assert_array_equal(column.predict(X), flat.predict(X)[:, np.newaxis])


def test_targets_of_several_steps_come_back_in_their_shape():
    X, y = numbers()
    Y = np.stack([np.outer(y, [1, 2]), np.outer(y, [3, -4]), np.outer(y, [0.5, 1])], axis=1)
    fitted = regressor().fit(X, Y)
    assert fitted.predict(X).shape == (N_SAMPLES, 3, 2)
    flat = regressor().fit(X, Y.reshape(N_SAMPLES, 6))
    np.testing.assert_allclose(fitted.predict(X).reshape(N_SAMPLES, 6), flat.predict(X), rtol=1e-4)
    expected = r2_score(Y.reshape(N_SAMPLES, 6), fitted.predict(X).reshape(N_SAMPLES, 6))
    assert fitted.score(X, Y) == pytest.approx(expected)


def test_multilabel_targets_are_predicted_as_indicators():
    X, y = numbers()
    Y = np.column_stack([y > y.mean(), X[:, -1, 1] > -1, X[:, 0, 0] > 5]).astype(int)
    fitted = classifier(epochs=60, learning_rate=0.05).fit(X, Y)
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (N_SAMPLES, 3)
    np.testing.assert_array_equal(fitted.predict(X), probabilities > 0.5)
    assert fitted.score(X, Y) == accuracy_score(Y, fitted.predict(X)) > 0.5


@pytest.mark.parametrize("kind", ["text", "numbers", "booleans"])
def test_labels_of_any_kind_come_back(kind):
    X, y = labels()
    names = {"text": ["yes", "no"], "numbers": [7, -3], "booleans": [False, True]}[kind]
    fitted = classifier(epochs=60, learning_rate=0.05).fit(X, np.array(names)[y])
    assert set(fitted.predict(X).tolist()) == set(names)
    assert fitted.classes_.tolist() == sorted(names)
    assert fitted.score(X, np.array(names)[y]) > 0.8


def ragged(n_samples=N_SAMPLES, longest=7):
    """Return sequences of 2 to `longest` timesteps of two features."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(2, longest + 1, n_samples)
    return [rng.normal(size=(length, FEATURES)) for length in lengths]


def test_list_of_sequences_is_read_without_its_padding():
    X = ragged()
    y = np.array([sequence[-1, 0] for sequence in X])
    fitted = regressor(standardize=False).fit(X, y)
    assert fitted.input_shape_ == (None, FEATURES)
    assert fitted.n_features_in_ == FEATURES
    expected = [hidden_by_hand(fitted, sequence)[-1] for sequence in X]
    np.testing.assert_allclose(fitted.transform(X), expected, atol=1e-5)
    alone = [fitted.predict([sequence])[0] for sequence in X]
    np.testing.assert_allclose(fitted.predict(X), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", [pd.Series, lambda X: [pd.DataFrame(item) for item in X]])
def test_series_or_frames_of_sequences_are_read_as_their_list(form):
    X, y = numbers()
    X = [sample[: 2 + i % 3] for i, sample in enumerate(X)]
    assert_same_training(regressor().fit(form(X), y), regressor().fit(X, y))


def test_network_fitted_on_a_list_predicts_longer_sequences_and_arrays():
    X = ragged()
    y = np.array([sequence[-1, 0] for sequence in X])
    fitted = regressor(standardize=False).fit(X, y)
    longer = ragged(4, longest=40)
    expected = [hidden_by_hand(fitted, sequence)[-1] for sequence in longer]
    np.testing.assert_allclose(fitted.transform(longer), expected, atol=1e-5)
    array = np.stack([sequence[:2] for sequence in X])
    expected = hidden_by_hand(fitted, array)[:, -1]
    np.testing.assert_allclose(fitted.transform(array), expected, atol=1e-5)


def test_list_of_one_dimensional_sequences_has_one_feature():
    X = [sequence[:, 0] for sequence in ragged()]
    y = np.array([sequence[-1] for sequence in X])
    flat = regressor().fit(X, y)
    deep = regressor().fit([sequence[:, np.newaxis] for sequence in X], y)
    assert flat.input_shape_ == (None, 1)
    assert_same_training(flat, deep)


def test_list_of_token_ids_is_read_without_its_padding():
    rng = np.random.default_rng(0)
    X = [rng.integers(0, 9, size=length) for length in rng.integers(2, 8, N_SAMPLES)]
    y = np.array([sequence[-1] for sequence in X], dtype=float)
    fitted = regressor(**TOKENS).fit(X, y)
    table = fitted.weights_[0]
    expected = [cells.simple_rnn(table[sequence], *fitted.weights_[1:4])[-1] for sequence in X]
    np.testing.assert_allclose(fitted.transform(X), expected, atol=1e-5)


def test_list_with_a_target_for_each_timestep_gives_arrays_of_the_same_lengths():
    X = ragged()
    y = [np.cumsum(sequence[:, 0]) for sequence in X]
    fitted = regressor(return_sequences=True).fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.dtype == object
    assert [array.shape for array in predicted] == [array.shape for array in y]
    expected = r2_score(np.concatenate(y), np.concatenate(predicted))
    assert fitted.score(X, y) == pytest.approx(expected)


def test_list_with_a_label_for_each_timestep_gives_arrays_of_the_same_lengths():
    X = ragged()
    y = [np.where(sequence[:, 0] > 0, "up", "down") for sequence in X]
    fitted = classifier(return_sequences=True, epochs=60, learning_rate=0.05).fit(X, y)
    predicted, probabilities = fitted.predict(X), fitted.predict_proba(X)
    assert predicted.dtype == probabilities.dtype == object
    assert [array.shape for array in predicted] == [array.shape for array in y]
    assert [array.shape for array in probabilities] == [(len(array), 2) for array in y]
    expected = accuracy_score(np.concatenate(y), np.concatenate(list(predicted)))
    assert fitted.score(X, y) == expected > 0.9


def test_standardize_may_be_a_boolean_of_numpy():
    X, y = np.arange(40.0).reshape(10, 4), np.arange(10.0)
    predictions = [
        RNNRegressor(hidden_size=3, epochs=1, random_state=0, standardize=flag).fit(X, y).predict(X)
        for flag in (True, np.True_)
    ]
    np.testing.assert_array_equal(*predictions)
