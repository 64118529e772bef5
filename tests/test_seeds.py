"""One seed decides everything, bitwise and everywhere, and nothing global moves."""

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_array_equal
from sklearn.base import clone

import skrnn
from skrnn import RNNClassifier, RNNRegressor

ROOT = Path(__file__).parents[1]
ESTIMATORS = [RNNRegressor, RNNClassifier]
SEED_LIMIT = np.iinfo(np.int32).max

both = pytest.mark.parametrize("estimator", ESTIMATORS)


def network(estimator=RNNRegressor, random_state=0, **parameters):
    """Three batches an epoch, shuffled, with dropout and a draw of validation samples."""
    settings = {
        "cell_type": "simple_rnn",
        "hidden_size": 3,
        "dropout": 0.2,
        "epochs": 2,
        "batch_size": 16,
        "validation_fraction": 0.2,
        "random_state": random_state,
    }
    return estimator(**(settings | parameters))


def samples(estimator=RNNRegressor):
    X = np.random.default_rng(0).normal(size=(50, 4, 2))
    y = X[:, -1, 0]
    return X, y > 0 if estimator is RNNClassifier else y


def learned(estimator):
    """All that a fit leaves and a seed decides, as bytes and floats."""
    arrays = [*estimator.weights_, *estimator.optimizer_state_]
    losses = estimator.history_["loss"], estimator.history_.get("val_loss")
    return [(array.dtype.str, array.shape, array.tobytes()) for array in arrays], losses


def fit(estimator):
    return learned(estimator.fit(*samples(type(estimator))))


# The same seed, the same network


@both
def test_same_seed_gives_bitwise_the_same_network(estimator):
    assert fit(network(estimator)) == fit(network(estimator))


@both
def test_refit_gives_bitwise_the_same_network(estimator):
    fitted = network(estimator)
    assert fit(fitted) == fit(fitted)


@both
def test_fits_in_between_leave_no_trace(estimator):
    expected = fit(network(estimator))
    X, y = samples(estimator)
    network(estimator, random_state=1, learning_rate=0.1).fit(X[:30], y[:30]).predict(X)
    network(estimator).partial_fit(
        X, y, **({} if estimator is RNNRegressor else {"classes": [0, 1]})
    )
    assert fit(network(estimator)) == expected


def test_fit_after_the_programs_were_forgotten_is_bitwise_the_same():
    expected = fit(network())
    skrnn.clear_cache()
    assert fit(network()) == expected


@both
def test_different_seeds_give_different_networks(estimator):
    first, second = network(estimator, 0), network(estimator, 1)
    assert fit(first) != fit(second)
    for a, b in zip(first.weights_, second.weights_, strict=True):
        assert (a != b).any()


def test_each_epoch_and_each_warm_start_draws_anew():
    X, y = samples()
    fitted = network(learning_rate=1e-30, warm_start=True).fit(X, y).fit(X, y)
    assert len(set(fitted.history_["loss"])) == 4


def test_warm_start_is_bitwise_the_same_twice():
    X, y = samples()
    first, second = (network(warm_start=True).fit(X, y).fit(X, y) for _ in range(2))
    assert learned(first) == learned(second)


def test_another_process_gives_bitwise_the_same_network(tmp_path):
    X, y = samples()
    joblib.dump((network(), X, y), tmp_path / "in.joblib")
    program = """if True:
        import sys
        import joblib
        network, X, y = joblib.load(sys.argv[1])
        joblib.dump(network.fit(X, y), sys.argv[2])
    """
    paths = tmp_path / "in.joblib", tmp_path / "out.joblib"
    subprocess.run([sys.executable, "-c", program, *paths], cwd=ROOT, check=True)
    assert learned(joblib.load(tmp_path / "out.joblib")) == fit(network())


@pytest.mark.slow
def test_worker_processes_give_bitwise_the_same_network():
    X, y = samples()
    jobs = [joblib.delayed(network(random_state=seed).fit)(X, y) for seed in (0, 1, 0)]
    fitted = joblib.Parallel(n_jobs=2, backend="loky")(jobs)
    assert [learned(found) for found in fitted] == [fit(network(random_state=i)) for i in (0, 1, 0)]


def test_threads_give_bitwise_the_same_network():
    seeds = [0, 1, 0, 2]
    expected = [fit(network(random_state=seed)) for seed in seeds]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda seed: fit(network(random_state=seed)), seeds)) == expected


# A shared RandomState, and none


def test_shared_random_state_advances():
    shared = np.random.RandomState(0)
    assert fit(network(random_state=shared)) != fit(network(random_state=shared))


def test_sequence_of_a_shared_random_state_is_reproducible():
    first, second = np.random.RandomState(0), np.random.RandomState(0)
    expected = [fit(network(random_state=first)) for _ in range(2)]
    assert [fit(network(random_state=second)) for _ in range(2)] == expected


def test_clones_of_a_random_state_begin_where_it_stands():
    original = network(random_state=np.random.RandomState(0))
    assert fit(clone(original)) == fit(clone(original))


@both
def test_fit_draws_exactly_one_integer_of_a_random_state(estimator):
    shared, expected = np.random.RandomState(0), np.random.RandomState(0)
    fit(network(estimator, random_state=shared))
    expected.randint(SEED_LIMIT)
    assert shared.randint(2**31, size=5).tolist() == expected.randint(2**31, size=5).tolist()


@both
def test_fit_without_a_seed_draws_exactly_one_integer_of_the_global_stream(estimator):
    np.random.seed(0)  # noqa: NPY002
    fit(network(estimator, random_state=None))
    found = np.random.randint(2**31, size=5)  # noqa: NPY002
    expected = np.random.RandomState(0)
    expected.randint(SEED_LIMIT)
    assert_array_equal(found, expected.randint(2**31, size=5))


REFUSED = {
    "X": {"X": np.full((50, 4, 2), np.nan)},
    "optimizer": {"optimizer": {"name": "adam", "nope": 1}},
    "hidden_size": {"hidden_size": (0,)},
    "batches": {"stateful": True, "batch_size": 7},
    "share": {"validation_fraction": 0.99},
    "validation_data": {"validation_data": (np.ones((9, 5, 2)), np.ones(9))},
    "callbacks": {"callbacks": [3], "validation_fraction": 0.0},
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
@both
def test_refused_fit_moves_no_stream(estimator, case):
    X, y = samples(estimator)
    shared, case = np.random.RandomState(0), dict(case)
    arguments = {"X": case.pop("X", X), "validation_data": case.pop("validation_data", None)}
    with pytest.raises((TypeError, ValueError)):
        network(estimator, random_state=shared, **case).fit(y=y, **arguments)
    assert shared.randint(2**31) == np.random.RandomState(0).randint(2**31)


def test_fits_without_a_seed_differ_and_follow_the_global_stream():
    np.random.seed(0)  # noqa: NPY002
    first = [fit(network(random_state=None)) for _ in range(2)]
    np.random.seed(0)  # noqa: NPY002
    assert [fit(network(random_state=None)) for _ in range(2)] == first
    assert first[0] != first[1]


# Global state


def next_draws():
    """What each global stream gives next, and what else is global."""
    return {
        "numpy": np.random.random_sample(3).tolist(),  # noqa: NPY002
        "random": [random.random() for _ in range(3)],
        "tensorflow": tf.random.uniform([3]).numpy().tolist(),
        "tensorflow generator": tf.random.get_global_generator().uniform([3]).numpy().tolist(),
        "keras": np.asarray(keras.random.uniform([3])).tolist(),
        "environment": dict(os.environ),
        "floatx": keras.config.floatx(),
        "policy": keras.config.dtype_policy().name,
        "epsilon": keras.config.epsilon(),
        "image format": keras.config.image_data_format(),
        "numpy errors": np.geterr(),
    }


def seed_everything():
    keras.utils.set_random_seed(7)
    tf.random.get_global_generator().reset_from_seed(7)


USES = {
    "fit": lambda fitted, X, y: clone(fitted).fit(X, y),
    "first fit of an architecture": lambda fitted, X, y: (skrnn.clear_cache(), fitted.fit(X, y)),
    "float64": lambda fitted, X, y: clone(fitted).set_params(dtype="float64").fit(X, y),
    "partial_fit": lambda fitted, X, y: fitted.partial_fit(X, y),
    "predict": lambda fitted, X, y: fitted.predict(X),
    "transform": lambda fitted, X, y: fitted.transform(X),
    "score": lambda fitted, X, y: fitted.score(X, y),
    "model_": lambda fitted, X, y: fitted.model_,
    "build_model": lambda fitted, X, y: fitted.build_model((4, 2)),
    "summary": lambda fitted, X, y: fitted.summary((4, 2)),
}


def draws_around(use):
    """What global state gives without and with a use."""
    seed_everything()
    expected = next_draws()
    seed_everything()
    use()
    return next_draws(), expected


@pytest.mark.parametrize("use", USES)
def test_global_streams_and_settings_stay_untouched(use):
    X, y = samples()
    fitted = network().fit(X, y)
    found, expected = draws_around(lambda: USES[use](fitted, X, y))
    assert found == expected


@pytest.mark.parametrize("use", ["fit", "predict"])
def test_classifier_leaves_global_streams_and_settings_untouched(use):
    X, y = samples(RNNClassifier)
    fitted = network(RNNClassifier).fit(X, y)
    found, expected = draws_around(lambda: USES[use](fitted, X, y))
    assert found == expected


@pytest.mark.parametrize("cell_type", ["lstm", "gru"])
def test_building_a_bidirectional_stack_touches_no_global_stream(cell_type):
    stack = RNNRegressor(
        cell_type, (3, 2), bidirectional=True, dropout=0.2, dense_sizes=(2,), random_state=0
    )
    found, expected = draws_around(lambda: stack.build_model((4, 2)))
    assert found == expected


AUTOMATICALLY_NAMED = {
    "a layer": lambda: keras.layers.SimpleRNN(1),
    "both directions": lambda: keras.layers.Bidirectional(keras.layers.LSTM(1)),
    "a table": lambda: keras.layers.Embedding(2, 2),
    "constants": lambda: keras.layers.Normalization(),
    "a scale": lambda: keras.layers.Rescaling(2.0),
    "a shape": lambda: keras.layers.Reshape((1,)),
    "Dense": lambda: keras.layers.Dense(1),
    "an optimizer": lambda: keras.optimizers.Adam(),
    "a model": lambda: keras.Sequential(),
}


def automatic_names():
    """Return the number that Keras puts behind the next name of each kind."""
    names = [build().name.rsplit("_", 1)[-1] for build in AUTOMATICALLY_NAMED.values()]
    return np.array([int(end) if end.isdigit() else 0 for end in names])


@pytest.mark.parametrize("tokens", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_networks_take_no_automatic_name_of_keras(tokens):
    X, y = samples()
    X = (np.abs(X[:, :, 0]) > 1).astype(int) if tokens else X * 1e-9
    subject = network(
        optimizer={"name": "adam", "beta_1": 0.8},
        cell_type=("lstm", "simple_rnn"),
        bidirectional=True,
        vocab_size=2 if tokens else None,
        dense_sizes=(2,),
        callbacks=lambda: [],
    )
    before = automatic_names()
    subject.fit(X, np.stack([[y, y], [y, y]]).T).predict(X)
    subject.transform(X)
    assert subject.model_.name == subject.build_model((4, X.ndim - 1)).name == "skrnn"
    assert_array_equal(automatic_names(), before + 1)


def test_fit_obeys_its_dtype_and_not_the_global_policy():
    X, y = samples()
    expected = fit(network())
    skrnn.clear_cache()
    keras.config.set_dtype_policy("float64")
    try:
        assert fit(network()) == expected
        assert network().fit(X, y).predict(X).dtype == np.float32
        assert keras.config.dtype_policy().name == "float64"
    finally:
        keras.config.set_dtype_policy("float32")


def test_first_fit_in_a_process_touches_no_global_stream():
    program = """if True:
        import os, random
        import numpy as np
        from skrnn import RNNRegressor
        random.seed(0), np.random.seed(0)
        before = random.getstate(), np.random.get_state()[1].tolist(), dict(os.environ)
        X = np.arange(160.0).reshape(20, 4, 2)
        RNNRegressor("simple_rnn", 3, epochs=1, random_state=0).fit(X, X[:, 0, 0]).predict(X)
        after = random.getstate(), np.random.get_state()[1].tolist(), dict(os.environ)
        names = "random", "numpy", "environment"
        print(*[name for name, a, b in zip(names, before, after) if a != b])
        changed = set(after[2].items()) ^ set(before[2].items())
        print(*sorted({name for name, _ in changed}))
    """
    run = [sys.executable, "-c", program]
    found = subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert found.split() == []


@both
def test_build_model_gives_the_weights_from_which_a_fit_begins(estimator):
    standing = {"learning_rate": 1e-30, "epochs": 1, "validation_fraction": 0.0}
    for seed in (0, 1):
        subject = network(estimator, random_state=seed, **standing)
        begun = subject.build_model((4, 2)).get_weights()
        subject.fit(*samples(estimator))
        for a, b in zip(begun, subject.weights_, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-25)


def test_build_model_without_a_seed_draws_exactly_one_integer_of_the_global_stream():
    np.random.seed(0)  # noqa: NPY002
    network(random_state=None).build_model((4, 2))
    found = np.random.randint(2**31, size=5)  # noqa: NPY002
    expected = np.random.RandomState(0)
    expected.randint(SEED_LIMIT)
    assert_array_equal(found, expected.randint(2**31, size=5))
