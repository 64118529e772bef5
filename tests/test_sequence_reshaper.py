"""SequenceReshaper: the axes of other packages as (n_samples, timesteps, features), and back."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

import skrnn
from skrnn import RNNClassifier, RNNRegressor, SequenceReshaper

SEQUENCES = np.random.default_rng(0).normal(size=(6, 4, 3)).astype("float32")


def given(n_axes, channels_first, newest_first):
    """Return the sequences as another package has them, one number at a time."""
    samples, timesteps, features = SEQUENCES.shape
    shape = (features, timesteps) if channels_first else (timesteps, features)
    made = np.empty((samples, *shape), dtype="float32")
    for i, t, k in np.ndindex(SEQUENCES.shape):
        place = timesteps - 1 - t if newest_first else t
        made[(i, k, place) if channels_first else (i, place, k)] = SEQUENCES[i, t, k]
    return made if n_axes == 3 else np.stack([sample.ravel() for sample in made])


@pytest.mark.parametrize(
    ("n_axes", "channels_first", "newest_first"), [*product([2, 3], [False, True], [False, True])]
)
def test_sequences_of_every_order_are_the_same_and_go_back(
    n_axes, channels_first, newest_first, tmp_path
):
    X = given(n_axes, channels_first, newest_first)
    order = {"channels_first": channels_first, "newest_first": newest_first}
    reshaper = SequenceReshaper(3, **order).fit(X)
    skrnn.save(reshaper, tmp_path / "reshaper.skrnn")
    for each in (reshaper, skrnn.load(tmp_path / "reshaper.skrnn")):
        sequences = each.transform(X)
        assert_array_equal(sequences, SEQUENCES)
        assert_array_equal(each.inverse_transform(sequences), X)
        assert np.shares_memory(sequences, X)
        assert not sequences.flags.writeable
        assert sequences.dtype == "float32"
        assert each.output_shape_ == (4, 3)
        assert each.input_shape_ == X.shape[1:]
        assert each.n_features_in_ == (12 if n_axes == 2 else 3)
        assert len(each.get_feature_names_out()) == 3
    if n_axes == 3:
        assert_array_equal(SequenceReshaper(**order).fit_transform(X), SEQUENCES)


def test_tables_of_names_token_ids_and_missing_values_are_read():
    frame = pd.DataFrame(given(2, False, False), columns=list("abcdefghijkl"))
    reshaper = SequenceReshaper(3).fit(frame)
    assert reshaper.feature_names_in_.tolist() == list("abcdefghijkl")
    assert_array_equal(reshaper.transform(frame), SEQUENCES)
    with pytest.raises(ValueError, match="feature names should match"):
        reshaper.transform(frame[frame.columns[::-1]])
    ids = np.arange(12).reshape(2, 6)
    assert SequenceReshaper().fit_transform(ids).dtype == ids.dtype
    assert np.isnan(SequenceReshaper(2).fit_transform([[np.nan, np.nan, 1.0, 2.0]])[0, 0]).all()


def test_network_in_a_pipeline_learns_from_tables_what_it_learns_from_sequences():
    y = SEQUENCES.sum(axis=(1, 2))
    for network, target in [
        (RNNRegressor("gru", 2, epochs=2, random_state=0, engine="numpy"), y),
        (RNNClassifier("gru", 2, epochs=2, random_state=0, engine="numpy"), y > 0),
    ]:
        X = given(2, True, True)
        reshaper = SequenceReshaper(3, channels_first=True, newest_first=True)
        pipeline = make_pipeline(reshaper, network).set_output(transform="pandas").fit(X, target)
        expected = network.fit(SEQUENCES, target).predict(SEQUENCES)
        assert_array_equal(pipeline.predict(X), expected)
        assert pipeline.n_features_in_ == 12


@pytest.mark.parametrize(
    ("reshaper", "X", "message"),
    [
        (SequenceReshaper(5), SEQUENCES.reshape(6, 12), "divide the number of columns.*12, got 5"),
        (SequenceReshaper(4), SEQUENCES, r"axis of features of `X`, 3 .*got 4"),
        (SequenceReshaper(3, channels_first=True), SEQUENCES, r"`X`, 4 .*first=True, got 3"),
        (SequenceReshaper(), SEQUENCES[:, np.newaxis], "two or three axes"),
        (SequenceReshaper(), SEQUENCES[0, 0], "Expected 2D array, got 1D"),
        (SequenceReshaper(), [[1.0, 2.0], [3.0]], "one array, got lists of unequal lengths"),
        (SequenceReshaper(), [["a", "b"]], "must hold numbers, got 'a'"),
        (SequenceReshaper(0), SEQUENCES, "'features' parameter"),
        (SequenceReshaper(channels_first="yes"), SEQUENCES, "'channels_first' parameter"),
    ],
    ids="columns axis order four_axes one_axis ragged text none not_a_bool".split(),
)
def test_what_is_no_table_of_sequences_is_refused(reshaper, X, message):
    with pytest.raises(ValueError, match=message):
        reshaper.fit(X)
    with pytest.raises(NotFittedError):
        reshaper.transform(SEQUENCES)


@pytest.mark.parametrize(
    ("method", "X", "message"),
    [
        ("transform", SEQUENCES[:, :3], r"shape \(n_samples, 4, 3\), as in `fit`, got \(6, 3, 3\)"),
        ("transform", SEQUENCES[:, :, 0], r"X has 4 features, but SequenceReshaper is expecting 3"),
        ("inverse_transform", SEQUENCES[0], r"\(n_samples, 4, 3\), as `transform` returns"),
    ],
)
def test_another_shape_than_in_fit_is_refused(method, X, message):
    with pytest.raises(ValueError, match=message):
        getattr(SequenceReshaper(3).fit(SEQUENCES), method)(X)
