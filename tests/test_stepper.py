"""A step at a time: a stepper answers as `predict` does for the rows so far."""

import pickle

import numpy as np
import pytest
from fits import KERAS, samples, small
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import skrnn
from skrnn import RNNClassifier

X, Y = samples()
LABELS = np.digitize(Y, [-0.5, 0.5])
RNG = np.random.default_rng(1)
GAPS = np.where(RNG.random((40, 4, 1)) < 0.3, np.nan, X)
MISSING = X.copy()
MISSING[::3, 1:, 0] = np.nan
IDS = RNG.integers(1, 9, (40, 4))
TOKENS = {"vocab_size": 9, "embedding_dim": 3}
STATIC = np.concatenate([X, np.repeat(X[:, :1, :1] + 3, 4, axis=1)], axis=2)

CASES = {
    "plain": ({}, X),
    "mask": ({"mask_value": np.nan}, GAPS),
    "mask of a number": ({"mask_value": -9.0}, np.nan_to_num(GAPS, nan=-9.0)),
    "missing": ({"missing": "flag"}, MISSING),
    "static": ({"static_features": (2,)}, STATIC),
    "tokens": (TOKENS, IDS),
    "masked tokens": ({"mask_value": 1} | TOKENS, IDS),
    "mean": ({"pooling": "mean"}, X),
    "mean of a mask": ({"pooling": "mean", "mask_value": np.nan}, GAPS),
    "max and static": ({"pooling": "max", "static_features": (2,), "dense_sizes": (3,)}, STATIC),
    "another activation": ({"activation": "gelu"}, X),
    "quantiles": ({"loss": "quantile"}, X),
}


def of_any_length(X):
    """Return X as sequences of different lengths: then `predict` takes any number of rows."""
    return [x[: 1 + i % len(x)] for i, x in enumerate(X)]


def assert_steps_are_predictions(network, X, stepper):
    for t in range(X.shape[1]):
        found = stepper.step(X[:, t])
        expected = network.predict([x[: t + 1] for x in X])
        tolerance = 8 * np.finfo(network.dtype).eps
        assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("engine", ["auto", "numpy", KERAS])
@pytest.mark.parametrize("case", CASES)
def test_steps_answer_as_predict_does_for_the_rows_so_far(case, engine):
    parameters, X = CASES[case]
    network = small(cell_type="gru", engine=engine, **parameters).fit(of_any_length(X), Y)
    assert_steps_are_predictions(network, X, network.stepper(len(X)))


@settings(max_examples=25)
@given(
    cells=st.lists(st.sampled_from(["simple_rnn", "lstm", "gru"]), min_size=1, max_size=3),
    dense=st.lists(st.integers(1, 4), max_size=2),
    dtype=st.sampled_from(["float32", "float64"]),
    masked=st.booleans(),
    pooling=st.sampled_from(["last", "mean", "max"]),
    seed=st.integers(0, 99),
)
def test_steps_of_drawn_networks_are_predictions(cells, dense, dtype, masked, pooling, seed):
    network = small(
        cell_type=tuple(cells),
        hidden_size=tuple(range(2, 2 + len(cells))),
        dense_sizes=tuple(dense),
        mask_value=np.nan if masked else None,
        **{"dtype": dtype, "pooling": pooling, "random_state": seed, "epochs": 1},
    )
    given = GAPS if masked else X
    network.fit(of_any_length(given), Y)
    assert_steps_are_predictions(network, given, network.stepper(len(given)))


@pytest.mark.parametrize("engine", ["auto", "numpy", KERAS])
def test_labels_and_probabilities_are_those_of_the_classifier(engine):
    network = small(RNNClassifier, engine=engine).fit(X, LABELS)
    steppers = {name: network.stepper(len(X)) for name in ("predict", "predict_proba")}
    for t in range(4):
        found = {name: stepper.step(X[:, t], name) for name, stepper in steppers.items()}
    assert_array_equal(found["predict"], network.predict(X))
    assert_allclose(found["predict_proba"], network.predict_proba(X), rtol=1e-5)


def test_an_answer_for_each_timestep_is_that_of_the_last_one():
    network = small(return_sequences=True).fit(X, X[..., 0])
    stepper = network.stepper(len(X))
    found = np.stack([stepper.step(X[:, t]) for t in range(4)], axis=1)
    assert_allclose(found, network.predict(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"mask_value": np.nan}], ids=["plain", "masked"])
def test_segments_are_answered_when_they_are_complete(parameters):
    rows = GAPS if parameters else X
    network = small(segment=2, **parameters).fit(rows, Y)
    stepper = network.stepper(len(rows))
    found = [stepper.step(rows[:, t]) for t in range(4)]
    assert found[0] is found[2] is None
    assert_allclose(found[3], network.predict(rows), rtol=1e-5, atol=1e-6)


def test_one_row_has_an_answer_without_an_axis_of_streams():
    network = small().fit(X, Y)
    one, other = network.stepper(), network.stepper()
    for row in X[0]:
        found, expected = one.step(row), other.step(row[np.newaxis])
    assert np.shape(found) == ()
    assert expected.shape == (1,)
    assert_allclose([found], network.predict(X[:1]), rtol=1e-5)
    ids = small(**TOKENS).fit(IDS, Y).stepper()
    assert np.shape(ids.step(3)) == np.shape(ids.step([3])) == ()


def test_reset_begins_some_streams_or_all_of_them_again():
    stepper = small(cell_type="lstm", pooling="mean").fit(X, Y).stepper(3)
    first = stepper.step(X[:3, 0])
    second = stepper.step(X[:3, 1])
    stepper.reset([0, 2])
    again = stepper.step(X[:3, 0])
    assert_array_equal(again[[0, 2]], first[[0, 2]])
    assert again[1] != first[1]
    stepper.reset()
    assert not np.concatenate(stepper.states, axis=None).any()
    assert_array_equal(stepper.step(X[:3, 0]), first)
    assert_array_equal(stepper.step(X[:3, 1]), second)


@pytest.mark.parametrize("parameters", [{}, {"segment": 2, "pooling": "mean"}], ids=str)
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_pickle_and_file_go_on_where_it_stands(parameters, engine, tmp_path):
    stepper = small(engine=engine, **parameters).fit(X, Y).stepper(2)
    for t in range(3):
        stepper.step(X[:2, t])
    skrnn.save(stepper, tmp_path / "stepper.skrnn")
    copies = skrnn.load(tmp_path / "stepper.skrnn"), pickle.loads(pickle.dumps(stepper))
    expected = stepper.step(X[:2, 3])
    for copy in copies:
        assert_array_equal(copy.step(X[:2, 3]), expected)


def test_a_later_fit_does_not_change_a_stepper():
    network = small().fit(X, Y)
    stepper, expected = network.stepper(), network.stepper().step(X[0, 0])
    network.set_params(warm_start=True).fit(X, -Y)
    assert stepper.step(X[0, 0]) == expected


def test_what_has_no_steps_is_refused_by_name():
    with pytest.raises(ValueError, match=r"`bidirectional=False`.*got True"):
        small(bidirectional=True).fit(X, Y).stepper()
    with pytest.raises(ValueError, match="`n_streams`"):
        small().fit(X, Y).stepper(0)
    with pytest.raises(ValueError, match="not fitted"):
        small().stepper()
    stepper = small(segment=2).fit(X, Y).stepper(2)
    with pytest.raises(ValueError, match=r"`method` must be one of \['predict'\] for RNNRegressor"):
        stepper.step(X[:2, 0], "predict_proba")
    stepper.step(X[:2, 0])
    with pytest.raises(ValueError, match=r"`streams` must be None within a segment.*1 of 2 rows"):
        stepper.reset(0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (X[:3, 0], r"`rows` must have the shape \(2, 2\), got \(3, 2\)"),
        (X[0, 0], r"`rows` must have the shape \(2, 2\), got \(2,\)"),
        ([[0.0, np.nan], [1.0, 2.0]], "In `rows`: .*NaN"),
        (np.array([[0.0, np.inf], [1.0, 2.0]]), "In `rows`: .*infinity"),
        ([["a", "b"], ["c", "d"]], "In `rows`: "),
    ],
    ids=["streams", "one", "nan", "inf", "text"],
)
def test_wrong_rows_are_refused_and_change_nothing(rows, words):
    network = small().fit(X, Y)
    stepper, expected = network.stepper(2), network.stepper(2)
    for each in (stepper, expected):
        each.step(X[:2, 0])
    with pytest.raises((TypeError, ValueError), match=words):
        stepper.step(rows)
    assert_array_equal(stepper.step(X[:2, 1]), expected.step(X[:2, 1]))
