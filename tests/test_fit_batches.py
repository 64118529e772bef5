"""fit_batches: it learns from blocks what `fit` learns from all samples in one array."""

import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from fits import assert_same_training, both_engines
from numpy.testing import assert_allclose, assert_array_equal

from skrnn import RNNClassifier, RNNRegressor, make_windows
from skrnn._numpy_engine import engine as _numpy_engine

RNG = np.random.default_rng(0)
SERIES = np.cumsum(RNG.normal(size=(260, 2)), axis=0)
X, Y = make_windows(SERIES, 8, target=0)
WEIGHTS = RNG.uniform(0.5, 9, len(X))
IDS = RNG.integers(2, 30, size=(120, 7))
LABELS = np.array(["low", "mid", "top"])[np.minimum(IDS[:, 0] // 10, 2)]


def network(kind=RNNRegressor, **settings):
    settings = {"epochs": 3, "dtype": "float64", "random_state": 0, "engine": "numpy"} | settings
    return kind("gru", 4, **settings)


def cut(*arrays, at=(30, 31, 90)):
    """Return arrays as blocks of unequal size, one of them a single sample."""
    starts, stops = [0, *at], [*at, len(arrays[0])]
    return [
        tuple(array[start:stop] for array in arrays)
        for start, stop in zip(starts, stops, strict=True)
    ]


@both_engines
@pytest.mark.parametrize("shuffle", [True, False])
def test_one_block_is_bitwise_a_fit(engine, shuffle):
    settings = {"engine": engine, "shuffle": shuffle, "dropout": 0.3}
    expected = network(**settings).fit(X, Y)
    assert_same_training(network(**settings).fit_batches([(X, Y)]), expected, rtol=0)


@both_engines
def test_blocks_in_order_are_a_fit_in_order(engine):
    settings = {"engine": engine, "shuffle": False, "patience": 2}
    validation = X[-40:], Y[-40:]
    expected = network(**settings).fit(X, Y, WEIGHTS, validation_data=validation)
    found = network(**settings).fit_batches(cut(X, Y, WEIGHTS), validation_data=validation)
    assert_same_training(found, expected)
    assert_allclose(found.predict(X), expected.predict(X), rtol=1e-9)


@pytest.mark.parametrize("is_list", [True, False])
def test_each_epoch_reads_block_by_block_in_another_order(is_list, monkeypatch):
    orders, run_epoch = [], _numpy_engine.TrainingSession.run_epoch

    def spied(session, state, order):
        orders.append(order.copy())
        return run_epoch(session, state, order)

    monkeypatch.setattr(_numpy_engine.TrainingSession, "run_epoch", spied)
    blocks = cut(X, Y)
    network(epochs=6).fit_batches(blocks if is_list else lambda: iter(blocks))
    assert len({order.tobytes() for order in orders}) == 6
    read = set()
    for order in orders:
        assert_array_equal(np.sort(order), np.arange(len(X)))
        numbers = np.searchsorted([30, 31, 90], order, side="right")
        read.add(tuple(numbers[np.flatnonzero(np.diff(numbers, prepend=-1))]))
    assert all(sorted(numbers) == [0, 1, 2, 3] for numbers in read)
    assert len(read) > 1 if is_list else read == {(0, 1, 2, 3)}


MASKED = np.where(RNG.random((len(X), 8, 1)) < 0.3, np.nan, X)
MASKED[:, 0] = 1
LISTS = [RNG.normal(size=(length, 2)) for length in [3] * 40 + [5] * 40 + list(range(1, 31))]
LIGHT_AND_HEAVY = np.where(np.arange(len(X)) < 100, 0.01, 5.0)
TINY = LIGHT_AND_HEAVY * 2.0**-160  # float32 has no number as small
SOME = np.where(np.arange(len(X)) % 3, 1.0, 0.0)
STEPS, GAPS = {"return_sequences": True}, {"mask_value": np.nan}
WORDS = {"vocab_size": "auto", "embedding_dim": 3}
WORDS_OF_CLASSES = WORDS | {"class_weight": {"low": 2.0, "mid": 1.0, "top": 7.0}}
BY_LABEL = np.argsort(LABELS, kind="stable")  # the first block has one class


BLOCKS = [
    # Weights compare across blocks.
    (RNNRegressor, {"dtype": "float32"}, (X, Y, LIGHT_AND_HEAVY), (100,)),
    (RNNRegressor, {"dtype": "float32"}, (X, Y, TINY), (100,)),
    # Classes and vocabulary are those of all blocks.
    (RNNClassifier, WORDS_OF_CLASSES, (IDS[BY_LABEL], LABELS[BY_LABEL]), (20, 60)),
    (RNNClassifier, {"vocab_size": 30}, (IDS, (IDS[:, :3] > 14).astype(int)), (30, 31, 90)),
    # Sequences are padded to the longest of all blocks.
    (RNNRegressor, {}, (LISTS, [x.sum() for x in LISTS]), (40, 80)),
    (RNNRegressor, STEPS, (LISTS, [x.sum(axis=1) for x in LISTS]), (40, 80)),
    # Several batches of one size, each with other masked timesteps.
    (RNNRegressor, GAPS, (MASKED, Y), (30, 31, 90)),
    (RNNRegressor, GAPS | STEPS, (MASKED, X.sum(axis=2)), (30, 31, 90)),
    # States are carried from block to block.
    (RNNRegressor, {"stateful": True, "batch_size": 9}, (X[:252], Y[:252]), (90, 171)),
]


@pytest.mark.parametrize(
    ("engine", "kind", "settings", "arrays", "at"),
    [
        *(("numpy", *case) for case in BLOCKS),
        # One of each kind: blocks are put together before an engine reads them.
        *(pytest.param("keras", *case, marks=pytest.mark.slow) for case in BLOCKS[1::2]),
        pytest.param("keras", *BLOCKS[-1], marks=pytest.mark.slow),
    ],
)
def test_blocks_are_a_fit(engine, kind, settings, arrays, at):
    settings = {"shuffle": False, "engine": engine} | settings
    expected = network(kind, **settings).fit(*arrays)
    found = network(kind, **settings).fit_batches(cut(*arrays, at=at))
    assert_same_training(found, expected, rtol=1e-5 if "dtype" in settings else 1e-9)
    assert found.input_shape_ == expected.input_shape_
    if kind is RNNClassifier:
        assert_array_equal(found.predict(IDS), expected.predict(IDS))


def test_samples_of_zero_weight_are_ignored():
    expected = network(shuffle=False).fit(X[SOME > 0], Y[SOME > 0])
    assert_same_training(network(shuffle=False).fit_batches(cut(X, Y, SOME, at=(30, 90))), expected)


@pytest.mark.parametrize("unweighted", [0, 1])
@pytest.mark.parametrize(
    ("settings", "y", "weights"), [({}, Y, LIGHT_AND_HEAVY), (STEPS, X.sum(axis=2), abs(X[..., 0]))]
)
def test_samples_of_a_block_without_weights_weigh_one(settings, y, weights, unweighted):
    blocks, weights = cut(X, y, 9 * weights, at=(100,)), 9 * weights
    blocks[unweighted] = blocks[unweighted][:2]
    weights[slice(100, None) if unweighted else slice(100)] = 1
    expected = network(shuffle=False, **settings).fit(X, y, weights)
    assert_same_training(network(shuffle=False, **settings).fit_batches(blocks), expected)


def test_warm_start_continues_with_the_constants_of_the_first_fit():
    estimator = network(warm_start=True, shuffle=False).fit_batches(cut(X, Y))
    expected = network(warm_start=True, shuffle=False).fit(X, Y)
    estimator.fit_batches(cut(X, Y * 9))
    expected.fit(X, Y * 9)
    assert estimator.n_epochs_ == 6
    assert_same_training(estimator, expected)


def test_callbacks_are_notified_of_epochs_and_can_stop_training():
    class Stop:
        def setup(self, *arguments, **keywords): ...

        teardown = on_fit_task_begin = setup

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            return context.task_name == "epoch" and fitted_estimator.n_epochs_ == 2

    estimator = network(epochs=9).set_callbacks(Stop()).fit_batches(cut(X, Y))
    assert estimator.n_epochs_ == 2


ONCE = iter(cut(X, Y))
BALANCED, FAST = {"class_weight": "balanced"}, {"optimizer": "sgd", "learning_rate": 1e30}
COLUMNS = pd.DataFrame(X[:, :2, 0], columns=["a", "b"])
MIXED_LABELS = [(X, np.where(Y > 0, "up", "down")), (X, (Y > 0).astype(int))]


BAD_BLOCKS = [
    (iter(cut(X, Y)), TypeError, "got list_iterator.*pass the generator function"),
    (
        lambda: ONCE,
        ValueError,
        "the same blocks at each call, got 0 blocks, and 4 in the call before",
    ),
    ({"X": X}, TypeError, "`blocks` must be a list of blocks, or a function"),
    (7, TypeError, "got int"),
    ([], ValueError, "`blocks` must hold at least one block, got none"),
    ([(X,)], TypeError, r"tuples \(X, y\) or .*, got tuple as block 0"),
    ((X, Y), TypeError, "got ndarray as block 0"),
    ([(X, Y), (X[:, :, :1], Y)], ValueError, r"In `blocks\[1\]`: `X` must have 2 features"),
    ([(COLUMNS, Y), (COLUMNS[list("ba")], Y)], ValueError, r"In `blocks\[1\]`: The feature names"),
    ([(X, Y), (X[:, :5], Y)], ValueError, "the same number of timesteps, got 5, 8"),
    ([(X, Y), (X, np.stack([Y, Y], 1))], ValueError, r"In `blocks\[1\]`: `y` must have the"),
    ([(X, Y), (X, Y[:9])], ValueError, r"In `blocks\[1\]`: Found input variables with incon"),
    ([(X, Y), (X * np.nan, Y)], ValueError, r"In `blocks\[1\]`: .*NaN"),
    ([(X, Y, WEIGHTS * 0)], ValueError, r"In `blocks\[0\]`: Sample weights must contain at"),
]


@pytest.mark.parametrize(
    ("kind", "settings", "blocks", "error", "message"),
    [
        *[(RNNRegressor, {}, *row) for row in BAD_BLOCKS],
        (RNNRegressor, {"validation_fraction": 0.1}, None, ValueError, "must be 0 in `fit_batches"),
        (RNNRegressor, {"checkpoint_dir": "here"}, None, ValueError, "be None in `fit_batches`"),
        (RNNClassifier, BALANCED, None, ValueError, "'balanced'` is not supported by `fit"),
        (RNNClassifier, {}, [(X, Y < 1e9)], ValueError, "at least two classes, got one class"),
        (RNNClassifier, {}, MIXED_LABELS, TypeError, r"In `blocks\[1\]`: `y` must hold labels of"),
        (RNNRegressor, FAST, cut(X, Y * 1e9), ValueError, "Training diverged in epoch"),
    ],
)
def test_blocks_that_cannot_be_trained_on_are_refused(kind, settings, blocks, error, message):
    with pytest.raises(error, match=message):
        network(kind, **settings).fit_batches(cut(X, Y > 0) if blocks is None else blocks)


def test_blocks_that_change_between_epochs_are_refused(monkeypatch):
    monkeypatch.setattr("skrnn._numpy_engine.engine.RESIDENT_BYTES", 0)
    calls = []

    def blocks():
        calls.append(1)
        yield from cut(X, Y)[: 3 if len(calls) > 3 else 4]

    with pytest.raises(ValueError, match="the same blocks at each call"):
        network().fit_batches(blocks)


def test_blocks_too_large_to_stay_are_read_twice_and_then_once_in_each_epoch(monkeypatch):
    monkeypatch.setattr("skrnn._numpy_engine.engine.RESIDENT_BYTES", 0)
    monkeypatch.setattr("skrnn._numpy_engine.engine.BLOCK_BYTES", 8 * 8 * 2 * 64)
    read = []

    def blocks():
        for number, block in enumerate(cut(X, Y)):
            read.append(number)
            yield block

    found = network(epochs=3, shuffle=False).fit_batches(blocks)
    assert read == [0, 1, 2, 3] * 5
    assert_same_training(found, network(epochs=3, shuffle=False).fit(X, Y))


def test_fit_takes_windows_of_a_file_as_those_of_an_array(tmp_path):
    SERIES.tofile(tmp_path / "series")
    series = np.memmap(tmp_path / "series", mode="r", dtype=float, shape=SERIES.shape)
    windows, targets = make_windows(series, 8, target=0)
    assert np.shares_memory(windows, series)
    found, expected = network().fit(windows, targets), network().fit(X, Y)
    assert found.history_["loss"] == expected.history_["loss"]


@both_engines
def test_failure_in_the_middle_leaves_the_estimator_as_it_was(engine, monkeypatch):
    monkeypatch.setattr("skrnn._numpy_engine.engine.RESIDENT_BYTES", 0)
    monkeypatch.setattr("skrnn._keras_engine.engine.RESIDENT_BYTES", 0)
    estimator = network(RNNClassifier, engine=engine).fit(X, Y > 0)
    before = pickle.dumps(estimator)
    calls = []

    def blocks():
        for block in cut(X, Y > 3):
            calls.append(1)
            if len(calls) > 14:
                raise OSError("the disk is gone")
            yield block

    with pytest.raises(OSError, match="the disk is gone"):
        estimator.fit_batches(blocks)
    assert pickle.dumps(estimator) == before
    copy = deepcopy(estimator).fit_batches(cut(X, Y > 0))
    assert_same_training(copy, network(RNNClassifier, engine=engine).fit_batches(cut(X, Y > 0)))
