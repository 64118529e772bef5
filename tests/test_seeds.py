"""One seed decides everything, bitwise and everywhere, and nothing global moves."""

import os
import random

import joblib
import keras
import numpy as np
import pytest
import tensorflow as tf
from fits import learned, samples, small
from numpy.testing import assert_array_equal
from processes import run
from sklearn.base import clone
from sklearn.utils import check_random_state

import skrnn
from skrnn import RNNClassifier, RNNRegressor

SEED_LIMIT = np.iinfo(np.int32).max

X, Y = samples(50)
TARGETS = {RNNRegressor: Y, RNNClassifier: Y > 0}

both = pytest.mark.parametrize("estimator", TARGETS)


def network(estimator=RNNRegressor, random_state=0, **parameters):
    """Three batches an epoch, shuffled, with dropout and a draw of validation samples."""
    settings = {"dropout": 0.2, "batch_size": 16, "validation_fraction": 0.2}
    return small(estimator, random_state=random_state, **settings | parameters)


def fit(estimator):
    return learned(estimator.fit(X, TARGETS[type(estimator)]))


# The same seed, the same network


@both
def test_same_seed_gives_bitwise_the_same_network(estimator):
    fitted, y = network(estimator), TARGETS[estimator]
    expected = fit(fitted)
    assert fit(fitted) == expected  # fitted a second time
    network(estimator, random_state=1, learning_rate=0.1).fit(X[:30], y[:30]).predict(X)
    classes = {} if estimator is RNNRegressor else {"classes": [0, 1]}
    network(estimator).partial_fit(X, y, **classes)
    assert fit(network(estimator)) == expected
    skrnn.clear_cache()
    assert fit(network(estimator)) == expected


@both
def test_different_seeds_give_different_networks(estimator):
    first, second = network(estimator, 0), network(estimator, 1)
    assert fit(first) != fit(second)
    for a, b in zip(first.weights_, second.weights_, strict=True):
        assert (a != b).any()


def test_each_epoch_and_each_warm_start_draws_anew():
    fitted = network(learning_rate=1e-30, warm_start=True).fit(X, Y).fit(X, Y)
    assert len(set(fitted.history_["loss"])) == 4


def test_warm_start_is_bitwise_the_same_twice():
    first, second = (network(warm_start=True).fit(X, Y).fit(X, Y) for _ in range(2))
    assert learned(first) == learned(second)


def test_another_process_gives_bitwise_the_same_network(tmp_path):
    joblib.dump((network(), X, Y), tmp_path / "in.joblib")
    program = """if True:
        import sys
        import joblib
        network, X, y = joblib.load(sys.argv[1])
        joblib.dump(network.fit(X, y), sys.argv[2])
    """
    run(program, tmp_path / "in.joblib", tmp_path / "out.joblib")
    assert learned(joblib.load(tmp_path / "out.joblib")) == fit(network())


# A shared RandomState, and none

every_stream = pytest.mark.parametrize(
    "stream", [None, np.random.RandomState(0)], ids=["global", "shared"]
)


def test_clones_of_a_random_state_begin_where_it_stands():
    original = network(random_state=np.random.RandomState(0))
    assert fit(clone(original)) == fit(clone(original))


@both
@pytest.mark.parametrize("draw", [fit, lambda network: network.build_model((4, 2))])
@every_stream
def test_fit_and_build_model_draw_exactly_one_integer(estimator, draw, stream):
    given, expected = check_random_state(stream), np.random.RandomState(0)
    given.seed(0)
    draw(network(estimator, random_state=stream))
    expected.randint(SEED_LIMIT)
    assert given.randint(2**31, size=5).tolist() == expected.randint(2**31, size=5).tolist()


@every_stream
def test_fits_of_one_stream_differ_and_repeat_with_it(stream):
    runs = []
    for _ in range(2):
        check_random_state(stream).seed(0)
        runs.append([fit(network(random_state=stream)) for _ in range(2)])
    assert runs[0] == runs[1]
    assert fit(network(random_state=0)) == runs[0][0] != runs[0][1]


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


def build_stack(cell_type):
    stack = {"bidirectional": True, "dense_sizes": (2,), "hidden_size": (3, 2)}
    network(cell_type=cell_type, **stack).build_model((4, 2))


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
    "build_model of an LSTM stack": lambda fitted, X, y: build_stack("lstm"),
    "build_model of a GRU stack": lambda fitted, X, y: build_stack("gru"),
    "summary": lambda fitted, X, y: fitted.summary((4, 2)),
}


@pytest.mark.parametrize(
    ("use", "estimator"),
    [*((use, RNNRegressor) for use in USES), ("fit", RNNClassifier), ("predict", RNNClassifier)],
)
def test_global_streams_and_settings_stay_untouched(use, estimator):
    y = TARGETS[estimator]
    fitted = network(estimator).fit(X, y)
    seed_everything()
    expected = next_draws()
    seed_everything()
    USES[use](fitted, X, y)
    assert next_draws() == expected


def automatic_names():
    """Return the number that Keras puts behind the next name of each kind."""
    layers = keras.layers
    plain = [layers.SimpleRNN(1), layers.Dense(1), layers.Embedding(2, 2), layers.Normalization()]
    more = [layers.Bidirectional(layers.LSTM(1)), layers.Rescaling(2.0), layers.Reshape((1,))]
    built = [*plain, *more, keras.optimizers.Adam(), keras.Sequential()]
    names = [each.name.rsplit("_", 1)[-1] for each in built]
    return np.array([int(end) if end.isdigit() else 0 for end in names])


@pytest.mark.slow
@pytest.mark.parametrize("tokens", [False, True])
def test_networks_take_no_automatic_name_of_keras(tokens):
    given = (np.abs(X[:, :, 0]) > 1).astype(int) if tokens else X * 1e-9
    subject = network(
        optimizer={"name": "adam", "beta_1": 0.8},
        cell_type=("lstm", "simple_rnn"),
        bidirectional=True,
        vocab_size=2 if tokens else None,
        dense_sizes=(2,),
        callbacks=lambda: [],
    )
    before = automatic_names()
    subject.fit(given, np.stack([[Y, Y], [Y, Y]]).T).predict(given)
    subject.transform(given)
    assert subject.model_.name == subject.build_model((4, given.ndim - 1)).name == "skrnn"
    assert_array_equal(automatic_names(), before + 1)


def test_fit_obeys_its_dtype_and_not_the_global_policy(request):
    expected = fit(network())
    skrnn.clear_cache()
    request.getfixturevalue("keras_float64")
    assert fit(network()) == expected
    assert network().fit(X, Y).predict(X).dtype == np.float32
    assert keras.config.dtype_policy().name == "float64"


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
    assert run(program).split() == []


@both
def test_build_model_gives_the_weights_from_which_a_fit_begins(estimator):
    standing = {"learning_rate": 1e-30, "epochs": 1, "validation_fraction": 0.0}
    for seed in (0, 1):
        subject = network(estimator, random_state=seed, **standing)
        begun = subject.build_model((4, 2)).get_weights()
        subject.fit(X, TARGETS[estimator])
        for a, b in zip(begun, subject.weights_, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-25)
