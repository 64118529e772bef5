"""Memory, interruption, threads, forked processes, and arrays of every layout."""

import functools
import gc
import itertools
import math
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import fits
import numpy as np
import pytest
from fits import KERAS, assert_same_weights, learned, samples
from numpy.testing import assert_array_equal
from probes import press_ctrl_c
from processes import run
from sklearn.base import clone

import skrnn
from skrnn import RNNClassifier
from skrnn._keras_engine import programs
from skrnn._numpy_engine.network import Network

every_engine = pytest.mark.parametrize("engine", ["keras", "numpy"])
numpy_first = pytest.mark.parametrize("engine", [KERAS, "numpy"])
small = functools.partial(fits.small, engine="keras")
X, Y = samples()


MEMORY = """if True:
    import gc, sys
    import numpy as np
    import psutil
    import skrnn
    from skrnn import RNNClassifier, RNNRegressor, WindowTransformer

    engine = sys.argv[1]

    def megabytes():
        gc.collect()
        return psutil.Process().memory_info().rss / 2**20

    def peak():
        with open("/proc/self/status") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) / 1024

    def fit(n_samples=40, estimator=RNNRegressor, hidden_size=3, **parameters):
        X = np.random.default_rng(0).normal(size=(n_samples, 4, 2))
        y = np.arange(n_samples) % 2
        network = estimator("simple_rnn", hidden_size, epochs=2, random_state=0, **parameters)
        network.fit(X, y)
        network.predict(X)
        network.transform(X)
"""


# How many fits of what kind each engine makes, and by how many megabytes they may grow. Threads of
# TensorFlow leave a few megabytes where sizes change; what is kept shows in each of two runs.
OF_EACH_KIND = (60, "fit(engine=engine); fit(estimator=RNNClassifier, engine=engine)", 15, 1)
OF_EACH_SIZE = (60, "fit(40 + i, learning_rate=0.001 * (i + 1), engine=engine)", 40, 2)
GROWTH = {
    "numpy": [OF_EACH_KIND, OF_EACH_SIZE],
    "auto": [(60, "fit(hidden_size=i % 40 + 1)", 40, 1)],
    "keras": [
        OF_EACH_KIND,
        OF_EACH_SIZE,
        # The eager runtime of TensorFlow keeps 14 megabytes of each.
        (5, "fit(batch_size=i + 2, engine=engine); skrnn.clear_cache()", 5 * 5, 1),
    ],
}


def growth(engine, statements):
    """Return by how many megabytes one process grows with fits of each kind, one after another."""
    loops = [
        f"""
    for i in range({n_fits + 5}):
        if i == 5:
            before = megabytes()
        {statement}
    print(megabytes() - before)
    """
        for n_fits, statement, *_ in statements
    ]
    return [float(megabytes) for megabytes in run(MEMORY + "".join(loops), engine).split()]


@pytest.mark.slow
@pytest.mark.parametrize("engine", GROWTH)
def test_fits_grow_by_a_few_megabytes_at_most(engine):
    for found, kind in zip(growth(engine, GROWTH[engine]), GROWTH[engine], strict=True):
        _, statement, most, n_runs = kind
        again = (growth(engine, [kind])[0] for _ in range(n_runs - 1))
        assert found <= most or any(megabytes <= most for megabytes in again), statement


@pytest.mark.slow
def test_clear_cache_gives_back_what_tensorflow_keeps_for_each_shape():
    loop = """
    for i in range(60):
        if i % 20 == 0:
            skrnn.clear_cache()
        if i == 20:
            before = megabytes()
        RNNRegressor("lstm", i + 1, engine="keras").build_model((4, 1))
    skrnn.clear_cache()
    print(megabytes() - before)
    """
    assert float(run(MEMORY + loop, "keras")) <= 6  # it would be 20


@pytest.mark.slow
def test_clear_cache_leaves_the_random_stream_of_tensorflow():
    program = """
    import tensorflow as tf
    from skrnn._keras_engine import programs

    def draw():
        return tf.random.uniform([], seed=0).numpy()

    tf.random.set_seed(0)
    expected = [draw(), draw()]
    tf.random.set_seed(0)
    found = [draw()]
    programs.clear()
    print([*found, draw()] == expected)
    """
    assert run(MEMORY + program, "keras") == "True\n"


@pytest.mark.slow
def test_programs_of_many_architectures_take_at_most_a_tenth_more_than_a_gigabyte():
    program = """
    most = 0
    for i in range(20):
        network = RNNRegressor("lstm", i + 1, engine="keras", epochs=1)
        network.fit(np.ones((9, 4, 1)), np.arange(9))
        most = max(most, megabytes())
    print(most)
    """
    assert float(run(MEMORY + program, "keras")) <= 1_100  # 750 are TensorFlow's; all take 1,250


ROWS = """if True:
    rows = np.random.default_rng(0).normal(size=(400_000, 7)).astype(np.float32)
    network = RNNRegressor("simple_rnn", 3, epochs=1, batch_size=1024, engine=engine)

    def windows(rows):
        return WindowTransformer(48).fit_transform(rows)

    def forget_peak():
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")

    network.fit(windows(rows[:20_000]), rows[:20_000, 0]).predict(windows(rows[:20_000]))
    forget_peak()  # that of compiling
    before = megabytes()
    network.predict(windows(rows))
    print(peak() - before)
    forget_peak()
    before = megabytes()
    network.fit(windows(rows), rows[:, 0])
    print(peak() - before)
"""
FILE = """if True:
    series = np.memmap(sys.argv[2], np.float32, "w+", shape=(800_000, 64))
    for start in range(0, len(series), 80_000):
        series[start : start + 80_000] = np.random.default_rng(start).random((80_000, 64))
    series.flush()
    series = np.memmap(sys.argv[2], np.float32, "r", shape=series.shape)
    settings = {"stride": 96, "target": 0, "rows": 80_000}
    network = RNNRegressor("gru", 3, epochs=2, engine=engine, random_state=0)
    network.fit_batches(skrnn.window_blocks(series[:320_000], 24, **settings))
    before = peak()
    network.fit_batches(skrnn.window_blocks(series, 24, **settings))
    print(peak() - before)
"""
# Megabytes of the rows; their windows, copied, would take 48 times as many.
OF_ROWS = 400_000 * 7 * 4 / 2**20


@pytest.mark.slow
@every_engine
@pytest.mark.parametrize(
    ("program", "most"),
    [(ROWS, [OF_ROWS + 40, OF_ROWS + 110]), (FILE, [40])],
    ids=["predict and fit", "fit_batches"],
)
def test_windows_take_their_rows_once_more_and_a_few_blocks(program, most, engine, tmp_path):
    found = run(MEMORY + program, engine, tmp_path / "series").split()
    assert len(found) == len(most)
    assert (np.array(found, dtype=float) < most).all()


@pytest.mark.parametrize(("limit", "n_kept"), [(math.inf, 64), (0, 12)])
def test_cache_holds_the_last_64_programs_or_12_where_memory_is_short(limit, n_kept, monkeypatch):
    def program(devices, key):
        return threading.Event()  # which takes weak references, as a program does

    monkeypatch.setattr(programs, "MEMORY_LIMIT", limit)
    programs.clear()
    devices = programs.present_devices()
    built = [weakref.ref(programs._cached(program, devices, key)) for key in range(n_kept + 1)]
    kept = [key for key, kept in enumerate(built) if kept() is not None]
    assert kept == list(range(6, n_kept + 1))  # six are dropped together
    programs._cached(program, devices, 6)  # it has been used since
    for key in range(n_kept + 1, n_kept + 7):
        programs._cached(program, devices, key)
    kept = [key for key, kept in enumerate(built) if kept() is not None]
    assert kept == [6, *range(13, n_kept + 1)]
    programs.clear()
    assert not any(program() for program in built)


@pytest.mark.slow
def test_dropped_programs_are_garbage(monkeypatch):
    original, built = programs._build, []
    monkeypatch.setattr(programs, "MOST_KEPT", 2)
    monkeypatch.setattr(programs, "FEWEST_KEPT", 2)
    programs.clear()

    def build(kind, *key):
        program = original(kind, *key)
        built.append([weakref.ref(part) for part in (program, program.model)])
        return program

    monkeypatch.setattr(programs, "_build", build)
    for batch_size in (2, 4, 8):
        small(batch_size=batch_size).fit(X, Y).predict(X)
    gc.collect()
    kept = [[part() is not None for part in program] for program in built]
    assert kept == [[False, False], [True, True], [False, False], [True, True]]


def test_equal_fits_share_their_programs_until_the_cache_is_cleared():
    fitted = small().fit(X, Y)
    before = fitted.predict(X)
    built = set(programs._kept)
    for n_samples in (33, 40, 64):
        other = small(random_state=n_samples, learning_rate=0.1, epochs=3)
        other.fit(*samples(n_samples)).predict(X)
    assert set(programs._kept) == built
    skrnn.clear_cache()
    assert not programs._kept
    assert_array_equal(fitted.predict(X), before)


@every_engine
def test_fitted_estimator_is_small_and_holds_plain_data_alone(engine):
    fitted = small(engine=engine).fit(X, Y)
    assert len(pickle.dumps(fitted)) < 10_000
    modules = {type(value).__module__.split(".")[0] for value in vars(fitted).values()}
    assert modules <= {"builtins", "numpy", "skrnn"}


# Python drops an interrupt that comes within a destructor, and warns of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("engine", "begins", "seconds"),
    [
        *itertools.product(["keras", "numpy"], ["unfitted", "fitted"], [0.3]),
        pytest.param("keras", "without a program", 0.02, marks=pytest.mark.slow),
        pytest.param("keras", "without a program", 0.4, marks=pytest.mark.slow),
    ],
)
def test_interrupt_of_many_epochs_is_raised_at_once_and_leaves_no_trace(engine, begins, seconds):
    expected = small(engine=engine).fit(X, Y)
    subject = deepcopy(expected) if begins == "fitted" else small(engine=engine)
    subject.set_params(epochs=10**9)
    if begins == "without a program":
        skrnn.clear_cache()
    before = pickle.dumps(subject)
    waited = press_ctrl_c(lambda: subject.fit(X, Y), seconds)
    assert waited < 2 or begins == "without a program"
    assert pickle.dumps(subject) == before
    if begins == "fitted":
        assert_array_equal(subject.predict(X), expected.predict(X))
    assert_same_weights(subject.set_params(epochs=2).fit(X, Y), expected)


@numpy_first
def test_interrupt_within_one_long_epoch_is_raised_within_two_seconds(engine):
    X = np.random.default_rng(0).normal(size=(60_000, 48, 8)).astype(np.float32)
    y = X[:, -1, 0]
    subject = small(engine=engine, hidden_size=128, epochs=1_000)
    if engine == "keras":  # build the same program
        clone(subject).set_params(epochs=1).fit(X[:22_000], y[:22_000])
    before, built = pickle.dumps(subject), set(programs._kept)
    assert press_ctrl_c(lambda: subject.fit(X, y), 1.5) < 2
    assert set(programs._kept) == built
    assert pickle.dumps(subject) == before


@every_engine
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_failure_in_the_middle_of_training_leaves_the_fitted_network(error, monkeypatch, engine):
    subject = small(engine=engine, warm_start=True).fit(X, Y)
    before, losses = deepcopy(subject), iter([None, error])
    place = {"keras": (programs.Trainer, "__call__"), "numpy": (Network, "backward")}[engine]
    original = getattr(*place)

    def failing(*arguments, **settings):
        failure = next(losses)
        if failure is not None:
            raise failure
        return original(*arguments, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(*place, failing)
        with pytest.raises(error):
            subject.fit(X, Y)
    assert pickle.dumps(subject) == pickle.dumps(before)
    assert_array_equal(subject.predict(X), before.predict(X))
    assert_same_weights(subject.fit(X, Y), before.fit(X, Y))


def fit_and_predict(network):
    X, y = samples(estimator=type(network))
    network = deepcopy(network).fit(X, y)
    return learned(network), network.predict(X).tobytes()


def together(function, arguments):
    """Call a function in a thread for each argument, all at once, and return the results."""
    barrier = threading.Barrier(len(arguments))

    def call(argument):
        barrier.wait()
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(call, arguments))


DEEP = {"hidden_size": (3,) * 4}


@numpy_first
@pytest.mark.parametrize(
    "networks",
    [
        [small(random_state=seed, epochs=20) for seed in range(4)],
        [
            small(epochs=20),
            small(epochs=20, stateful=True, batch_size=20),
            small(epochs=20, dropout=0.2, batch_size=16, validation_fraction=0.2),
            small(RNNClassifier, epochs=20),
        ],
        pytest.param(
            [
                small(epochs=60, validation_fraction=0.2, random_state=seed, **DEEP)
                for seed in range(4)
            ],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["equal", "different", "deep"],
)
def test_threads_give_bitwise_what_one_gives_and_build_no_program_twice(networks, engine):
    networks = [clone(network).set_params(engine=engine) for network in networks] * 2
    skrnn.clear_cache()
    found, built = together(fit_and_predict, networks), set(programs._kept)
    skrnn.clear_cache()
    assert found == list(map(fit_and_predict, networks))
    assert built == set(programs._kept)


@numpy_first
def test_threads_predict_from_networks_of_one_architecture_bitwise(engine):
    """Two threads from each network, of other samples."""
    networks = [small(engine=engine, random_state=seed, **DEEP).fit(X, Y) for seed in range(4)]
    cases = [(network, X + shift) for shift in (0, 1) for network in networks]
    expected = [{network.predict(shifted).tobytes()} for network, shifted in cases]

    def predict(case):
        network, shifted = case
        return {network.predict(shifted).tobytes() for _ in range(500)}

    assert together(predict, cases) == expected


CORES = """if True:
    from pathlib import Path
    import numpy as np
    from joblib import Parallel, delayed, parallel_config
    from skrnn import RNNRegressor

    def work(seed):
        X = np.random.default_rng(seed).normal(size=(40, 4, 2))
        RNNRegressor("gru", 3, epochs=1, engine="keras").fit(X, X[:, -1, 0])
        names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
        return sum("XLAEigen" in name for name in names)

    with parallel_config("loky", inner_max_num_threads=1):
        print(*Parallel(n_jobs=2)(delayed(work)(seed) for seed in range(2)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in Linux's /proc")
def test_tensorflow_keeps_to_the_threads_that_joblib_gives_a_process():
    assert run(CORES).split() == ["1", "1"]


FORK = """if True:
    import os, signal
    import numpy as np
    from skrnn import RNNRegressor

    X = np.random.default_rng(0).normal(size=(40, 4, 2))
    y = X[:, -1, 0]
    network = RNNRegressor("simple_rnn", 3, epochs=1, engine="keras", random_state=0)

    def in_forked_child(use):
        if os.fork():
            return os.wait()
        signal.alarm(120)  # ends a child that hangs
        try:
            eval(use)
            print("done", flush=True)
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
        os._exit(0)
"""


# What a process did before it forks, what its children do, and what they answer.
FIT, PREDICT, TRANSFORM = "network.fit(X, y)", "network.predict(X)", "network.transform(X)"
OTHER_WORK = "import tensorflow as tf; tf.function(lambda x: x @ x)(tf.ones((64, 64)))"
USES = [FIT, PREDICT, TRANSFORM, "network.model_", "network.build_model((4, 2))"]
FORKED = {
    "training": (FIT, USES, "RuntimeError"),
    "other work of TensorFlow": (OTHER_WORK, [FIT], "RuntimeError"),
    "an import alone": ("", [FIT], "done"),
    "training with NumPy": (f"network.set_params(engine='numpy'); {FIT}", USES[:3], "done"),
}


@pytest.mark.parametrize(
    "before",
    [pytest.param(name, marks=[] if "NumPy" in name else pytest.mark.slow) for name in FORKED],
)
def test_child_forked_after_work_of_tensorflow_is_told_to_use_loky_and_others_train(before):
    statement, uses, answer = FORKED[before]
    program = f"""if True:
        {statement}
        for use in {uses}:
            in_forked_child(use)
        network.fit(X, y).predict(X)
        print("parent goes on")
    """
    *answers, last = run(FORK + program).splitlines()
    assert len(answers) == len(uses)
    for line in answers:
        assert line.startswith(answer)
        assert ("loky" in line) == (answer == "RuntimeError")
    assert last == "parent goes on"


@pytest.mark.slow
def test_forking_backend_of_joblib_is_told_to_use_loky():
    program = """if True:
        import joblib
        from sklearn.model_selection import cross_val_score
        network.fit(X, y)
        with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
            cross_val_score(network, X, y, cv=2, error_score="raise")
    """
    with pytest.raises(AssertionError, match=r"RuntimeError: .*loky"):
        run(FORK + program, timeout=60)


def read_only(array, path):
    array = array.copy()
    array.flags.writeable = False
    return array


def memory_mapped(array, path):
    np.save(path, array)
    return np.load(path, mmap_mode="r")


LAYOUTS = {
    "read-only": read_only,
    "memory-mapped": memory_mapped,
    "Fortran order": lambda array, path: np.asfortranarray(array),
    "strided": lambda array, path: np.repeat(array, 2, axis=0)[::2],
    "reversed": lambda array, path: array[::-1].copy()[::-1],
    "other byte order": lambda array, path: array.astype(array.dtype.newbyteorder()),
    "a list": lambda array, path: array.tolist(),
}


@every_engine
@pytest.mark.parametrize(
    ("layout", "dtype"),
    [
        *itertools.product(LAYOUTS, ["float32", "float64"]),
        *itertools.product(["read-only"], ["int8", "int64", "uint16", "bool", "float16"]),
    ],
)
def test_layout_and_dtype_of_the_arrays_change_no_bit(layout, dtype, tmp_path, engine):
    # Numbers that every dtype holds, and targets and weights that every float holds.
    arrays = [(X > 0).astype(float), np.round(Y * 8), np.arange(1.0, 41.0)]
    expected = small(engine=engine).fit(*arrays)
    of_targets = dtype if dtype in ("float32", "float64") else "float64"
    given = [
        LAYOUTS[layout](array.astype(kind), tmp_path / f"{i}.npy")
        for i, (array, kind) in enumerate(zip(arrays, (dtype, of_targets, of_targets), strict=True))
    ]
    found = small(engine=engine).fit(*given)
    assert_same_weights(found, expected)
    assert_array_equal(found.predict(given[0]), expected.predict(arrays[0]))
    assert_array_equal(found.transform(given[0]), expected.transform(arrays[0]))


ARRAYS_READ_AS_THEY_ARE = {"mask_value": np.nan, "dtype": "float64", "standardize": False}


@pytest.mark.parametrize(
    ("engine", "parameters"),
    [
        ("numpy", {}),
        ("numpy", {"mask_value": 0.0, "dtype": "float64"}),
        ("numpy", {"mask_value": np.nan, "dtype": "float64"}),
        ("numpy", {"standardize": False}),
        ("numpy", {"return_sequences": True}),
        ("numpy", ARRAYS_READ_AS_THEY_ARE),
        pytest.param("keras", ARRAYS_READ_AS_THEY_ARE, marks=pytest.mark.slow),
        pytest.param("keras", {"return_sequences": True}, marks=pytest.mark.slow),
    ],
)
def test_fit_and_predict_leave_the_callers_arrays_as_they_were(engine, parameters):
    X, y = samples()
    X[3, 1] = parameters.get("mask_value", 1.0)
    if "return_sequences" in parameters:
        y = np.repeat(y[:, np.newaxis], 4, axis=1)
    weight = np.linspace(0.0, 1.0, len(y))
    given = X, y, weight
    before = deepcopy(given)
    fitted = small(engine=engine, **parameters).fit(X, y, weight, validation_data=(X, y, weight))
    fitted.partial_fit(X, y, weight)
    fitted.predict(X)
    fitted.transform(X)
    fitted.score(X, y, weight)
    for array, copy in zip(given, before, strict=True):
        assert_array_equal(array, copy)


@every_engine
def test_changing_what_fit_took_and_a_network_gave_changes_no_prediction(engine):
    X, y = samples()
    fitted = small(engine=engine).fit(X, y)
    expected = fitted.predict(X)
    for array in (X, y, fitted.predict(X)):
        array.fill(0)
    fitted.model_.set_weights([weight * 2 for weight in fitted.model_.get_weights()])
    assert_array_equal(fitted.predict(samples()[0]), expected)
