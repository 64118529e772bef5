"""skrnn.inspection: what is shuffled, how far the score falls, and the picture of it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skrnn import RNNClassifier, RNNRegressor
from skrnn.inspection import TimestepImportanceDisplay, timestep_importance

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4, 3))
Y = X[:, 2, 0] - X[:, 3, 1]


@pytest.fixture(scope="module")
def network():
    return RNNRegressor("gru", 6, epochs=20, random_state=0, engine="numpy").fit(X, Y)


def test_falls_are_those_of_scikit_learn_on_a_column_for_each_value(network):
    flat = make_pipeline(FunctionTransformer(lambda X: X.reshape(-1, 4, 3)), network)
    expected = permutation_importance(flat, X.reshape(-1, 12), Y, n_repeats=3, random_state=0)
    found = timestep_importance(network, X, Y, n_repeats=3, random_state=0)
    for name in ("importances", "importances_mean", "importances_std"):
        assert_array_equal(found[name].reshape(expected[name].shape), expected[name])


@pytest.mark.parametrize(
    ("along", "axis", "shape"), [("timestep", 1, (4, 1)), ("feature", 2, (1, 3))]
)
def test_whole_timesteps_and_features_are_shuffled_together(network, along, axis, shape):
    seen = []

    def score(estimator, X, y):
        seen.append(X)
        return estimator.score(X, y)

    found = timestep_importance(network, X, Y, along=along, scoring=score, n_repeats=2)
    assert found.importances.shape == (*shape, 2)
    assert len(seen) == 1 + 2 * max(shape)
    assert_array_equal(seen[0], X)
    given_groups = np.moveaxis(X, axis, 0)
    shuffled = np.moveaxis(seen[1:], 1 + axis, 1)
    for at, arrays in enumerate(shuffled.reshape(max(shape), 2, *shuffled.shape[1:])):
        for array in arrays:
            same = [(kept == given).all() for kept, given in zip(array, given_groups, strict=True)]
            assert same == [place != at for place in range(max(shape))]
            assert {row.tobytes() for row in array[at]} == {
                np.ascontiguousarray(row).tobytes() for row in given_groups[at]
            }


def test_a_frame_keeps_the_names_by_which_it_was_fitted():
    frame = pd.DataFrame(X[:, :, 0], columns=["mon", "tue", "wed", "thu"])
    network = RNNRegressor("gru", 4, epochs=2, random_state=0).fit(frame, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = timestep_importance(network, frame, Y, random_state=0)
    bare = RNNRegressor("gru", 4, epochs=2, random_state=0).fit(X[:, :, 0], Y)
    expected = timestep_importance(bare, X[:, :, 0], Y, random_state=0)
    assert_array_equal(found.importances, expected.importances)


def test_what_the_target_depends_on_stands_out(network):
    falls = timestep_importance(network, X, Y, random_state=0).importances_mean
    assert {tuple(at) for at in np.argwhere(falls > 0.2)} == {(2, 0), (3, 1)}


def test_scoring_weights_and_jobs_are_scikit_learns(network):
    weights = np.repeat([0.0, 1.0], len(X) // 2)
    settings = {"scoring": "neg_mean_absolute_error", "random_state": 0, "n_repeats": 2}
    weighted = timestep_importance(network, X, Y, sample_weight=weights, **settings)
    plain = timestep_importance(network, X, Y, **settings)
    assert not np.allclose(weighted.importances, plain.importances)
    parallel = timestep_importance(network, X, Y, n_jobs=2, **settings)
    assert_array_equal(parallel.importances, plain.importances)

    def error(estimator, X, y):
        return -mean_absolute_error(y, estimator.predict(X))

    own = timestep_importance(network, X, Y, **settings | {"scoring": error})
    assert_array_equal(own.importances, plain.importances)


def test_tokens_have_one_feature():
    X = np.random.default_rng(0).integers(1, 9, size=(80, 5))
    y = np.where(X[:, 1] > 4, "high", "low")
    network = RNNClassifier("gru", 8, vocab_size=9, embedding_dim=4, epochs=40, random_state=0)
    falls = timestep_importance(network.fit(X, y), X, y, random_state=0).importances_mean
    assert falls.shape == (5, 1)
    assert falls.argmax() == 1


# Two features of 0 and 1, never both 0, in sequences of 1 to 6 timesteps; only the second counts.
LENGTHS = RNG.integers(1, 7, size=60)
PRESENT = np.arange(6) < LENGTHS[:, np.newaxis]
BITS = RNG.integers(0, 2, size=(60, 6, 2))
BITS[~BITS.any(axis=2)] = [1, 0]
COUNTS = (BITS[:, :, 1] * PRESENT).sum(axis=1)


def marked(value, dtype=float):
    return np.where(PRESENT[:, :, np.newaxis], BITS, value).astype(dtype)


def cut(kind):
    return [kind(row[:length]) for row, length in zip(BITS, LENGTHS, strict=True)]


FORMS = {  # mask_value, X: the same sequences
    "a number": (-99, marked(-99)),
    "a value of the features": (0.0, marked(0)),
    "integers": (0, marked(0, np.int8)),
    "bool": (0, marked(0, bool)),
    "rounded in float32": (0.1, marked(0.1, np.float32)),
    "a list": (None, cut(np.asarray)),
    "a list of lists": (None, cut(np.ndarray.tolist)),
    "a list of frames": (None, cut(lambda row: pd.DataFrame(row, columns=["noise", "count"]))),
    "a list with a mask": (-99, list(marked(-99))),
    "objects": (None, pd.Series(cut(np.asarray))),
}


def falls_of_each(estimator, X, y=COUNTS):
    return [
        timestep_importance(estimator, X, y, along=along, n_repeats=2, random_state=0).importances
        for along in ("both", "timestep", "feature")
    ]


def counter(mask_value):
    return RNNRegressor("gru", 6, mask_value=mask_value, epochs=9, random_state=0, engine="numpy")


@pytest.fixture(scope="module")
def falls_with_nan():
    X = marked(np.nan)
    return falls_of_each(counter(np.nan).fit(X, COUNTS), X)


@pytest.mark.parametrize("mask_value", [-99, np.nan])
def test_noise_does_not_matter_where_timesteps_are_masked(mask_value):
    X = RNG.normal(size=(200, 6, 2))
    y = X[:, 0, 1].copy()
    X[RNG.permuted(np.tile(np.arange(6) > 3, (200, 1)), axis=1)] = mask_value
    X[:, 0, 0], X[:, 0, 1] = RNG.normal(size=200), y
    network = RNNRegressor("gru", 8, mask_value=mask_value, epochs=150, random_state=0).fit(X, y)
    noise, signal = (falls := falls_of_each(network, X, y)[0].mean(axis=-1)).T
    assert signal[0] > 1
    assert np.abs(noise).max() < 0.05, falls


@pytest.mark.parametrize("form", FORMS)
def test_falls_do_not_depend_on_how_absent_timesteps_are_marked(form, falls_with_nan):
    mask_value, X = FORMS[form]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = falls_of_each(counter(mask_value).fit(X, COUNTS), X)
    for falls, expected in zip(found, falls_with_nan, strict=True):
        assert_allclose(falls, expected, atol=1e-6)


@pytest.mark.parametrize(
    "wrapped",
    [
        make_pipeline(counter(-99)),
        TransformedTargetRegressor(counter(-99), func=np.positive, inverse_func=np.positive),
        GridSearchCV(counter(None), {"mask_value": [-99]}, cv=2),
        GridSearchCV(make_pipeline(counter(None)), {"rnnregressor__mask_value": [-99]}, cv=2),
    ],
)
def test_mask_is_found_in_whatever_holds_the_network(wrapped, falls_with_nan):
    X = marked(-99)
    found = falls_of_each(wrapped.fit(X, COUNTS), X)
    for falls, expected in zip(found, falls_with_nan, strict=True):
        assert_allclose(falls, expected, atol=1e-6)


def test_mask_is_that_of_the_fit():
    X = marked(-99)
    network = counter(-99).fit(X, COUNTS)
    expected = falls_of_each(network, X)
    for falls, same in zip(
        falls_of_each(network.set_params(mask_value=None), X), expected, strict=True
    ):
        assert_array_equal(falls, same)


@pytest.mark.parametrize("is_list", [False, True])
def test_padding_of_tokens_stays_where_it_is(is_list):
    ids = np.where(PRESENT, BITS[:, :, 1] + 2, 0)
    ids = [row[:length] for row, length in zip(ids, LENGTHS, strict=True)] if is_list else ids
    settings = {"vocab_size": 4, "embedding_dim": 3, "mask_value": 0, "random_state": 0}
    network = RNNClassifier("gru", 6, epochs=3, **settings).fit(ids, COUNTS > 1)
    seen = []

    def score(network, X, y):
        seen.append(X)
        return network.score(X, y)

    timestep_importance(network, ids, COUNTS > 1, scoring=score, n_repeats=1, random_state=0)
    for X in seen:
        assert [row.dtype for row in X] == [row.dtype for row in ids]
        assert [np.count_nonzero(row) for row in X] == list(LENGTHS)


def test_timesteps_of_a_sample_stay_together_where_both_have_them():
    order = np.arange(1.0, 61) * 10
    X = [order[i] + np.arange(length) for i, length in enumerate(LENGTHS)]
    network = RNNRegressor("gru", 2, epochs=1, random_state=0).fit(X, COUNTS)
    seen = []

    def score(network, X, y):
        seen.append(X)
        return 0.0

    timestep_importance(
        network, X, COUNTS, along="feature", scoring=score, n_repeats=1, random_state=0
    )
    firsts = np.array([row[0] for row in seen[1]])
    assert sorted(firsts) == list(order)
    assert (firsts != order).mean() > 0.9
    for row, first in zip(seen[1], firsts, strict=True):
        shared = min(len(row), LENGTHS[int(first) // 10 - 1])
        assert list(row[:shared]) == list(first + np.arange(shared))
    for step in range(6):
        having = [
            (given[step], row[step])
            for given, row in zip(X, seen[1], strict=True)
            if len(given) > step
        ]
        before, after = zip(*having, strict=True)
        assert sorted(before) == sorted(after)


def test_display_draws_what_was_measured(network):
    display = TimestepImportanceDisplay.from_estimator(
        network, X, Y, feature_names=["load", "wind", "sun"], scoring="r2", random_state=0
    )
    falls = timestep_importance(network, X, Y, scoring="r2", random_state=0).importances_mean
    assert_array_equal(display.importances, falls)
    ax, bar = display.figure_.axes
    assert ax is display.ax_
    [image] = ax.images
    assert_array_equal(image.get_array(), falls.T)
    assert image.get_extent() == [-3.5, 0.5, 2.5, -0.5]
    assert image.get_clim() == (-np.abs(falls).max(), np.abs(falls).max())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["load", "wind", "sun"]
    written = {text.get_position(): text.get_text() for text in ax.texts}
    for (step, feature), fall in np.ndenumerate(falls):
        text = written[step - 3, feature]
        assert float(text) == pytest.approx(fall, abs=0.05 if np.abs(falls).max() >= 1 else 0.005)
        assert not text.startswith("-0.0") or float(text)
    assert bar.get_ylabel() == "Fall of r2"


@pytest.mark.parametrize(
    ("shape", "ticks"), [((4, 1), (None, ["all"])), ((1, 3), (["whole window"], None))]
)
def test_display_names_what_was_shuffled_as_a_whole(shape, ticks):
    ax = TimestepImportanceDisplay(np.zeros(shape)).plot().ax_
    axes = ax.get_xticklabels(), ax.get_yticklabels()
    for labels, expected in zip(axes, ticks, strict=True):
        assert expected is None or [label.get_text() for label in labels] == expected


def test_display_writes_no_numbers_where_there_is_no_room_and_takes_axes():
    figure, ax = plt.subplots()
    display = TimestepImportanceDisplay(np.ones((60, 3))).plot(ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert not ax.texts


def test_bad_input_is_refused_in_words(network):
    with pytest.raises(ValueError, match=r"`along` must be one of .* got 'step'"):
        timestep_importance(network, X, Y, along="step")
    with pytest.raises(ValueError, match=r"`X` must have the shape .* got ndarray of shape \(120,"):
        timestep_importance(network, Y, Y)
    with pytest.raises(ValueError, match=r"`X` must have 4 timesteps, as in `fit`, got 2, 4"):
        timestep_importance(network, [X[0], X[1, :2]], Y[:2])
    with pytest.raises(
        ValueError, match=r"`scoring` must be a single score, .* got \['r2', 'max_e"
    ):
        timestep_importance(network, X, Y, scoring=["r2", "max_error"])
    with pytest.raises(NotFittedError):
        timestep_importance(RNNRegressor(), X, Y)
    with pytest.raises(ValueError, match="`feature_names` must hold a name for each of the 3"):
        TimestepImportanceDisplay(np.zeros((4, 3)), feature_names=["load"]).plot()
