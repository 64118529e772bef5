"""`missing="flag"`: NaN in features of X, in training, prediction, exports and files."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skrnn
from skrnn import RNNClassifier, RNNRegressor

N, T, F = 30, 6, 3


def samples(seed=0):
    """Features on different scales; the second one is never missing."""
    rng = np.random.default_rng(seed)
    X = rng.normal([5, 0, -3], [1, 2, 9], size=(N, T, F))
    y = X[:, -1, 1] + rng.normal(size=N)
    for feature in (0, 2):
        X[..., feature][rng.uniform(size=(N, T)) < 0.3] = np.nan
    return X, y


def network(**parameters):
    own = {"epochs": 2, "random_state": 0, "dtype": "float64", "missing": "flag"}
    return RNNRegressor("gru", 4, **own | parameters)


def flagged_by_hand(X, mean, scale, features=(0, 2)):
    missing = np.isnan(X)
    return np.concatenate(
        [np.where(missing, 0, (X - mean) / scale), missing[..., list(features)]], axis=2
    )


def test_a_missing_value_is_the_mean_and_a_flag_says_so():
    X, y = samples()
    weight = np.arange(1.0, N + 1)
    fitted = network().fit(X, y, weight)
    rows, counts = X.reshape(-1, F), np.repeat(weight, T)
    known = ~np.isnan(rows)
    mean = [np.average(x[k], weights=counts[k]) for x, k in zip(rows.T, known.T, strict=True)]
    variance = [
        np.average((x[k] - m) ** 2, weights=counts[k])
        for x, k, m in zip(rows.T, known.T, mean, strict=True)
    ]
    by_hand = flagged_by_hand(X, mean, np.sqrt(variance))
    plain = network(missing=None, standardize="y").fit(by_hand, y, weight)
    assert_allclose(fitted.predict(X), plain.predict(by_hand), rtol=1e-9)
    assert fitted.n_features_in_ == F


@pytest.mark.slow
def test_both_engines_learn_the_same_from_what_is_missing():
    X, y = samples()
    found, expected = (network(engine=engine).fit(X, y).predict(X) for engine in ("keras", "numpy"))
    assert_allclose(found, expected, rtol=1e-6)


def test_without_standardization_a_missing_value_is_zero():
    X, y = samples()
    by_hand = flagged_by_hand(X, 0, 1)
    found, expected = (
        network(missing=missing, standardize=False).fit(rows, y).predict(rows)
        for missing, rows in (("flag", X), (None, by_hand))
    )
    assert_array_equal(found, expected)


def test_a_feature_that_is_missing_after_fit_only_is_the_mean():
    X, y = samples()
    fitted = network().fit(X, y)
    later = X.copy()
    later[:, 2, 1] = np.nan
    as_mean = later.copy()
    as_mean[:, 2, 1] = X[..., 1].mean()
    assert_allclose(fitted.predict(later), fitted.predict(as_mean))


def test_windows_of_rows_with_nan_are_read_as_their_copies_are():
    rows = samples()[0].reshape(-1, F)
    X = np.lib.stride_tricks.sliding_window_view(rows, 5, axis=0).swapaxes(1, 2)
    y = rows[4:, 1]
    view, copy = (network().fit(one, y) for one in (X, X.copy()))
    assert_allclose(view.predict(X), copy.predict(X.copy()), rtol=1e-9)


def test_with_a_mask_of_nan_a_timestep_without_a_value_is_skipped():
    X, y = samples()
    X[:, 1] = np.nan
    shorter = np.delete(X, 1, axis=1)
    found = network(mask_value=np.nan).fit(X, y)
    expected = network().fit(shorter, y)
    assert_allclose(found.predict(X), expected.predict(shorter), rtol=1e-9)
    everywhere = network().fit(X, y)  # it is all flags
    assert everywhere.weights_[0].shape == (2 * F, 12)


def test_sequences_of_a_list_miss_features_and_end_where_they_end():
    X, y = samples()
    X[:, 0, 0] = np.where(np.isnan(X[:, 0]).all(axis=1), 0, X[:, 0, 0])
    X[..., 1] = np.nan_to_num(X[..., 1])
    lengths = np.arange(N) % T + 1
    sequences = [row[:n] for row, n in zip(X, lengths, strict=True)]
    fitted = network().fit(sequences, y)
    assert fitted._network.architecture.flagged == (0, 2)
    alone = [fitted.predict([one])[0] for one in sequences]
    assert_allclose(fitted.predict(sequences), alone)


EXPORTED = {
    "plain": {},
    "skips": {"mask_value": np.nan},
    "masks zeros": {"mask_value": 0.0},
    "raw": {"standardize": False, "dtype": "float32"},
    "classifier": {"kind": RNNClassifier},
}


@pytest.mark.slow
@pytest.mark.parametrize("way", EXPORTED)
def test_models_and_graphs_read_nan_as_predict_does(way, tmp_path):
    import keras
    import onnxruntime

    settings = dict(EXPORTED[way])
    kind = settings.pop("kind", RNNRegressor)
    X, y = samples()
    if "mask_value" in settings:
        X[::3, 1:3] = settings["mask_value"]
    own = {"missing": "flag", "dtype": "float64", "epochs": 2, "random_state": 0}
    fitted = kind("lstm", 3, **own | settings).fit(X, y if kind is RNNRegressor else y > 0)
    expected = (
        fitted.predict(X) if kind is RNNRegressor else fitted.predict_proba(X)[:, 1]
    ).reshape(N, 1)
    X = X.astype(fitted.dtype)
    fitted.to_keras(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    for model in (fitted.model_, loaded):
        assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"'flagged' \(Concatenate\)"):
        kind.from_keras(loaded)
    fitted.to_onnx(tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx")
    [found, *_] = session.run(None, {"X": X})
    assert_allclose(np.reshape(found, (N, -1))[:, -1:], expected, rtol=1e-4, atol=1e-5)


def test_blocks_of_samples_learn_the_flags_and_constants_of_all():
    X, y = samples()
    X[:20, :, 0] = 5.0  # missing in the last block only
    X[:10, :, 2] = np.nan  # without a value in the first
    blocks = [(X[k : k + 10], y[k : k + 10]) for k in (0, 10, 20)]
    whole, parts = network(shuffle=False, epochs=1), network(shuffle=False, epochs=1)
    whole.fit(X, y)
    parts.fit_batches(blocks)
    assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-9)


def test_it_is_kept_by_files_pickles_and_continued_fits(tmp_path):
    X, y = samples()
    fitted = network(warm_start=True).fit(X, y)
    skrnn.save(fitted, tmp_path / "network.skrnn")
    for copy in (skrnn.load(tmp_path / "network.skrnn"), pickle.loads(pickle.dumps(fitted))):
        assert_array_equal(copy.predict(X), fitted.predict(X))
    complete, _ = samples(1)
    fitted.fit(np.nan_to_num(complete), y)  # which has no NaN, and keeps the flags
    with pytest.raises(ValueError, match="cannot be continued: missing changed"):
        fitted.set_params(missing=None).fit(X, y)
    first = network().partial_fit(X, y)
    assert np.isfinite(first.partial_fit(complete, y).predict(X)).all()


def with_gap(step=slice(1, 2)):
    X, y = samples()
    X[3, step] = np.nan
    return X, y


REFUSED = {
    r"NaN\. Impute it first, set `missing='flag'`": lambda: network(missing=None).fit(*samples()),
    "in some features of a timestep.*`missing='flag'` too": lambda: network(
        missing=None, mask_value=np.nan
    ).fit(*samples()),
    "infinity": lambda: network().fit(np.where(samples()[0] > 6, np.inf, 1.0), samples()[1]),
    "NaN in all features. Set `mask_value=np.nan` to skip": lambda: network(mask_value=0.0).fit(
        *with_gap()
    ),
    "all features. Set `mask_value=np.nan`": lambda: network().fit(
        [row[: 2 + i % 3] for i, row in enumerate(with_gap()[0])], samples()[1]
    ),
    "`missing` must be None if `vocab_size` is set, got 'flag'": lambda: network(vocab_size=9).fit(
        np.ones((4, 3), int), [1, 2, 3, 4]
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_read_is_refused_in_words(words):
    with pytest.raises(ValueError, match=words):
        REFUSED[words]()


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
def test_tags_say_that_nan_is_taken(kind):
    assert kind(missing="flag").__sklearn_tags__().input_tags.allow_nan
    assert not kind().__sklearn_tags__().input_tags.allow_nan
