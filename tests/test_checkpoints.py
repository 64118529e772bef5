"""A killed fit goes on from its checkpoint, and ends as if it had never stopped."""

import contextlib
import io
import itertools
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fits import learned
from numpy.testing import assert_array_equal
from probes import interrupted, peak_bytes, plant
from processes import ROOT
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skrnn import RNNClassifier, RNNRegressor, make_windows
from skrnn._training import checkpoints as _checkpoints
from skrnn._training.checkpoints import checkpoints_in, fingerprint
from skrnn._utils import file_lock as _lock
from skrnn._utils.file_format import write_file

EPOCHS = 8
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5, 2))
Y = X[:, -1, 0] + RNG.normal(size=60)
IDS = [RNG.integers(1, 20, size=n) for n in RNG.integers(2, 9, size=60)]
WEIGHTS = np.linspace(0, 1, 60)
FIRST_IDS = np.array([ids[0] for ids in IDS], dtype=float)


def network(estimator=RNNRegressor, **parameters):
    """An estimator with all in play that a checkpoint must hold."""
    tiny = {"cell_type": "gru", "hidden_size": 4, "engine": "numpy", "random_state": 0}
    noisy = {"dropout": 0.2, "recurrent_dropout": 0.1, "spatial_dropout": 0.1}
    trained = {"learning_rate": 0.05, "epochs": EPOCHS, "batch_size": 16}
    stopped = {"patience": EPOCHS, "validation_fraction": 0.25}
    return estimator(**tiny | noisy | trained | stopped | parameters)


class At(io.StringIO):
    """A stream that calls a function once, when the progress bar has come to an epoch."""

    def __init__(self, epoch, function):
        super().__init__()
        self.epoch, self.function = epoch, function

    def write(self, text):
        super().write(text)
        if text.startswith(f"\rEpoch {self.epoch}/"):
            self.epoch, function = None, self.function
            function()


def press():
    raise KeyboardInterrupt


def interrupt(subject, X=X, y=Y, epoch=5, **arguments):
    """Interrupt a fit after an epoch, before its checkpoint is written; nothing else stays."""
    before = dict(vars(subject))
    with contextlib.redirect_stderr(At(epoch, press)), pytest.raises(KeyboardInterrupt):
        subject.set_params(verbose=1).fit(X, y, **arguments)
    assert vars(subject.set_params(verbose=0)) == before


def first_epoch(subject, capsys, X=X, y=Y, **arguments):
    """Fit, and return with which epoch that began."""
    subject.set_params(verbose=1).fit(X, y, **arguments)
    return int(re.search(r"Epoch (\d+)/", capsys.readouterr().err)[1])


def assert_same(one, other):
    """Assert that two fits ended bitwise alike, but for the time they took."""
    assert learned(one) == learned(other)
    assert len(one.history_["seconds"]) == len(other.history_["seconds"])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Forks a process that fits for each line it reads, and tells its id and how it ended. The one that
# comes to the end fits once more without checkpoints: it has compiled what that needs.
FORKS = """if True:
    import os, pickle, sys
    from sklearn.base import clone
    subject, X, y = pickle.load(open(sys.argv[1], "rb"))
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            subject.fit(X, y)
            whole = clone(subject).set_params(checkpoint_dir=None, verbose=0).fit(X, y)
            pickle.dump((subject, whole), open(sys.argv[2], "wb"))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        print("ended", file=sys.stderr, flush=True)
"""


def first_epoch_of_process(forks, epoch=None, seconds=0):
    """Have a process forked that fits, which some time after an epoch is killed if one is given."""
    while True:
        print(file=forks.stdin, flush=True)
        child, text = int(forks.stdout.readline()), ""
        for letter in iter(lambda: forks.stderr.read(1), ""):
            text += letter
            if text.endswith("ended\n"):
                break
            if epoch and text.endswith(f"Epoch {epoch}/"):
                time.sleep(seconds)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        if int(forks.stdout.readline()) == (-signal.SIGKILL if epoch else 0):
            return int(re.search(r"Epoch (\d+)/", text)[1])
        assert epoch, text


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "n_kills"), [("numpy", 3), ("keras", 1)])
def test_fit_killed_up_to_three_times_ends_as_if_it_had_not_been(tmp_path, engine, n_kills):
    folder = tmp_path / "checkpoints"
    X = np.random.default_rng(0).normal(size=(1000, 5, 2))
    y = X[:, -1, 0] + X[:, -2, 1]
    settings = {"cell_type": "simple_rnn", "epochs": 60, "patience": 60, "verbose": 1}
    subject = network(engine=engine, checkpoint_dir=folder, **settings)
    (tmp_path / "subject").write_bytes(pickle.dumps((subject, X, y)))
    rng = np.random.default_rng()
    # Far enough apart that no fit passes the next one before it is killed.
    moments, begun = [rng.integers(low, low + 4) for low in (2, 14, 26)[:n_kills]], []
    files = tmp_path / "subject", tmp_path / "fitted"
    command = [sys.executable, "-W", "ignore", "-c", FORKS, *files]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as forks:
        for epoch in moments:
            begun.append(first_epoch_of_process(forks, epoch, rng.uniform(0, 0.05)))
        begun.append(first_epoch_of_process(forks))
    assert begun[0] == 1
    assert all(later >= epoch for later, epoch in zip(begun[1:], moments, strict=True))
    assert_same(*pickle.loads((tmp_path / "fitted").read_bytes()))
    assert names(folder) == []


# What changes of the network, and other arguments of its fit. The first three have what Keras
# itself holds, apart from seeds of dropout: states, another optimizer's variables, an embedding.
SIMPLE = {"cell_type": "simple_rnn"}
INTERRUPTED = [
    (SIMPLE | {"stateful": True, "batch_size": 15}, {}),
    (SIMPLE | {"optimizer": "nadam"}, {}),
    (SIMPLE | {"vocab_size": "auto"}, {"X": IDS, "y": FIRST_IDS}),
    ({}, {}),
    ({"cell_type": ("gru", "lstm"), "hidden_size": (3, 4), "bidirectional": True}, {}),
    ({"cell_type": "lstm"}, {}),
    ({"dtype": "float64"}, {}),
    ({"shuffle": False}, {}),
    ({"patience": None}, {}),
    ({"patience": 2, "epochs": 50}, {}),
    ({"validation_fraction": 0.0}, {}),
    ({"optimizer": {"name": "sgd", "momentum": 0.9}}, {}),
    ({"return_sequences": True}, {"y": X[..., 0]}),
    ({"estimator": RNNClassifier, "class_weight": "balanced"}, {"y": Y > 0}),
    ({"estimator": RNNClassifier, "class_weight": "balanced"}, {"y": np.digitize(Y, [-0.5, 0.5])}),
    ({"vocab_size": 20}, {"X": IDS, "y": FIRST_IDS}),
    ({}, {"sample_weight": WEIGHTS, "validation_data": (X[:9], Y[:9], WEIGHTS[:9])}),
]


@pytest.mark.parametrize(
    ("engine", "parameters", "arguments"),
    [
        *(("numpy", *case) for case in INTERRUPTED),
        *(pytest.param("keras", *case, marks=pytest.mark.slow) for case in INTERRUPTED[:3]),
    ],
)
def test_interrupted_fit_ends_as_if_it_had_not_been(
    tmp_path, capsys, engine, parameters, arguments
):
    arguments = {"X": X, "y": Y} | arguments
    expected = network(engine=engine, **parameters).fit(**arguments)
    subject = network(engine=engine, checkpoint_dir=tmp_path, **parameters)
    # Where patience ends the fit, between the best epoch and the end.
    last = 5 if expected.n_epochs_ == subject.epochs else expected.n_epochs_
    assert last > 3
    interrupt(subject, epoch=last, **arguments)
    assert first_epoch(subject, capsys, **arguments) == last
    assert_same(subject, expected)
    assert names(tmp_path) == []


def test_interrupted_warm_start_goes_on_from_the_same_weights_alone(tmp_path, capsys):
    begun = network(warm_start=True).fit(X, Y)
    expected = pickle.loads(pickle.dumps(begun)).fit(X, Y)
    subject = pickle.loads(pickle.dumps(begun)).set_params(checkpoint_dir=tmp_path)
    other = network(warm_start=True, checkpoint_dir=tmp_path, epochs=3).fit(X, Y)
    other.set_params(epochs=EPOCHS)
    interrupt(subject)
    assert first_epoch(other, capsys) == 1
    assert first_epoch(subject, capsys) == 5
    assert_same(subject, expected)
    assert subject.n_epochs_ == 2 * EPOCHS


def test_checkpoint_every_says_from_which_epoch_a_fit_goes_on(tmp_path, capsys):
    subject = network(checkpoint_dir=tmp_path, checkpoint_every=3)
    interrupt(subject, epoch=6)
    assert first_epoch(subject.set_params(checkpoint_every=1), capsys) == 4
    assert_same(subject, network().fit(X, Y))


def test_fit_without_a_seed_takes_up_the_kept_one(tmp_path, capsys):
    np.random.seed(7)  # noqa: NPY002
    expected = network(random_state=None).fit(X, Y)
    subject = network(random_state=None, checkpoint_dir=tmp_path)
    np.random.seed(7)  # noqa: NPY002
    interrupt(subject)
    np.random.seed(8)  # noqa: NPY002
    assert first_epoch(subject, capsys) == 5
    assert_same(subject, expected)
    after = np.random.RandomState(8)
    after.randint(2**31 - 1)
    assert np.random.randint(2**31) == after.randint(2**31)  # noqa: NPY002


def test_equal_fits_without_a_seed_do_not_share_a_checkpoint(tmp_path):
    outer = network(random_state=None, checkpoint_dir=tmp_path, verbose=1)
    inner, seen = clone(outer).set_params(verbose=0), []

    def fit_beside():
        inner.fit(X, Y)
        seen.extend(names(tmp_path))

    with contextlib.redirect_stderr(At(4, fit_beside)):
        outer.fit(X, Y)
    assert [Path(name).suffix for name in seen] == [".checkpoint", ".lock"]
    assert inner.n_epochs_ == EPOCHS
    assert not set(inner.history_["loss"]) & set(outer.history_["loss"])
    assert names(tmp_path) == []


def test_random_state_counts_by_where_it_stands(tmp_path, capsys):
    shared = np.random.RandomState(0)
    interrupt(network(random_state=shared, checkpoint_dir=tmp_path))
    later = network(random_state=shared, checkpoint_dir=tmp_path)
    assert first_epoch(later, capsys) == 1
    again = network(random_state=np.random.RandomState(0), checkpoint_dir=tmp_path)
    assert first_epoch(again, capsys) == 5
    assert_same(again, network(random_state=np.random.RandomState(0)).fit(X, Y))


def changed(array, place):
    array = array.copy()
    array[place] += 1e-9
    return array


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ({"epochs": 3}, {}),
        ({"learning_rate": 0.06}, {}),
        ({"cell_type": "lstm"}, {}),
        ({"random_state": 1}, {}),
        ({}, {"X": changed(X, (59, 4, 1))}),
        ({}, {"y": changed(Y, 59)}),
        ({}, {"sample_weight": changed(np.ones(60), 59)}),
        ({}, {"validation_data": (X, Y)}),
    ],
)
def test_checkpoint_of_another_fit_is_left_alone(tmp_path, capsys, parameters, arguments):
    interrupt(network(checkpoint_dir=tmp_path))
    (path,) = tmp_path.iterdir()
    kept = path.read_bytes()
    given = {"X": X, "y": Y} | arguments
    subject = network(checkpoint_dir=tmp_path, **parameters)
    assert first_epoch(subject, capsys, **given) == 1
    assert_same(subject, network(**parameters).fit(**given))
    assert path.read_bytes() == kept
    assert names(tmp_path) == [path.name]


def test_class_weights_by_other_labels_belong_to_another_fit(tmp_path, capsys):
    labels = (Y > 0).astype(int)
    subject = network(RNNClassifier, class_weight={1: 3.0}, checkpoint_dir=tmp_path)
    interrupt(subject, y=labels)
    assert first_epoch(subject, capsys, y=labels + 1) == 1


def test_threads_share_a_folder(tmp_path):
    seeds = [0, 1, 0, 2]
    expected = {seed: network(random_state=seed).fit(X, Y) for seed in seeds}
    subjects = [network(random_state=seed, checkpoint_dir=tmp_path) for seed in seeds]
    with ThreadPoolExecutor(4) as pool:
        for seed, fitted in zip(seeds, pool.map(lambda s: s.fit(X, Y), subjects), strict=True):
            assert_same(fitted, expected[seed])
    assert names(tmp_path) == []


def test_folds_in_other_processes_share_a_folder(tmp_path):
    grid = {"hidden_size": [3, 4]}
    plain = GridSearchCV(network(epochs=3), grid, cv=3).fit(X, Y)
    subject = network(epochs=3, checkpoint_dir=tmp_path)
    search = GridSearchCV(subject, grid, cv=3, n_jobs=2).fit(X, Y)
    assert_array_equal(search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])
    assert_same(search.best_estimator_, plain.best_estimator_)
    assert names(tmp_path) == []


OTHER_ARRAY = np.zeros((2, 2), np.float32)
UNUSABLE = [
    (lambda path: os.truncate(path, path.stat().st_size - 1), "truncated"),
    (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!"), "corrupt"),
    (lambda path: path.write_bytes(pickle.dumps(range(9))), "not a skrnn file"),
    (lambda path: write_file(path, [1]), "not a checkpoint"),
    (lambda path: write_file(path, {"weights": [np.ones(3)]}), "not a checkpoint"),
    (lambda path: plant(path, "layout", 0), "layout is 0"),
    (lambda path: plant(path, "fingerprint", "0" * 64), "another fit"),
    (lambda path: plant(path, "seed", -1), "not a checkpoint"),
    (lambda path: plant(path, "progress", {}), "cannot be used"),
    (lambda path: plant(path, "progress.state.weights.0", OTHER_ARRAY), "arrays do not fit"),
    (lambda path: plant(path, "progress.order.0", 10**6), "order of the samples"),
]


@pytest.mark.parametrize(("spoil", "reason"), UNUSABLE)
def test_unusable_checkpoint_is_set_aside_with_a_warning(tmp_path, capsys, spoil, reason):
    subject = network(checkpoint_dir=tmp_path)
    interrupt(subject)
    (path,) = tmp_path.iterdir()
    spoil(path)
    spoiled = path.read_bytes()
    with pytest.warns(UserWarning, match=f"{re.escape(str(path))}.*{reason}"):
        assert first_epoch(subject, capsys) == 1
    assert_same(subject, network().fit(X, Y))
    assert names(tmp_path) == [f"{path.name}.unused"]
    assert (tmp_path / f"{path.name}.unused").read_bytes() == spoiled


def test_other_files_of_the_folder_stay(tmp_path):
    subject = network(checkpoint_dir=tmp_path)
    interrupt(subject)
    (path,) = tmp_path.iterdir()
    others = "notes.txt", "skrnn-0123456789abcdef.checkpoint", ".skrnn-skrnn-0123.checkpoint-1.tmp"
    for name in others:
        (tmp_path / name).write_text("kept")
    (tmp_path / f".skrnn-{path.name}-1.tmp").write_text("torn")
    subject.fit(X, Y)
    assert names(tmp_path) == sorted(others)


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="asks Linux what is open")
@pytest.mark.parametrize("held", [False, True])
def test_interrupt_between_any_two_calls_lets_go_of_the_lock(tmp_path, held):
    other = _lock.Lock()
    if held:
        assert other.take(tmp_path / "skrnn-0000000000000000.lock")

    def whole():
        with checkpoints_in(tmp_path, 1, "0" * 64):
            pass

    before = names(tmp_path), descriptors()
    for moment in itertools.count():
        was_interrupted = interrupted(whole, moment, files=[_checkpoints.__file__, _lock.__file__])
        assert (names(tmp_path), descriptors()) == before
        if not was_interrupted:
            break
    assert moment > 50
    other.release()


def test_missing_folders_are_made_by_fit_alone_and_end_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "a" / "b"
    network().fit(X, Y)
    subject = network(checkpoint_dir=str(folder)).partial_fit(X, Y)
    assert names(tmp_path) == []
    subject.fit(X, Y)
    assert names(folder) == []


def test_unusable_folder_is_refused_before_a_stream_moves(tmp_path):
    place = tmp_path / "file"
    place.write_text("text")
    for folder in (place, place / "below"):
        shared = np.random.RandomState(0)
        with pytest.raises(ValueError, match=f"`checkpoint_dir` must be a folder.*{place}"):
            network(random_state=shared, checkpoint_dir=folder).fit(X, Y)
        assert shared.randint(2**31) == np.random.RandomState(0).randint(2**31)
    assert place.read_text() == "text"


def test_diverged_fit_leaves_no_checkpoint(tmp_path):
    wild = {"optimizer": "sgd", "learning_rate": 1.0, "activation": "linear", "batch_size": 60}
    subject = network(checkpoint_dir=tmp_path, epochs=100, verbose=1, **wild)
    seen = []
    look = At(2, lambda: seen.extend(names(tmp_path)))
    with contextlib.redirect_stderr(look), pytest.raises(ValueError, match="diverged"):
        subject.fit(X, Y)
    assert len(seen) == 2
    assert names(tmp_path) == []


def test_callbacks_beside_checkpoints_are_refused(tmp_path):
    subject = network(checkpoint_dir=tmp_path, callbacks=[], engine="auto")
    with pytest.raises(ValueError, match="`checkpoint_dir` must be None with `callbacks`"):
        subject.fit(X, Y)


def test_fingerprint_reads_windows_without_copying_them():
    X, _ = make_windows(np.arange(2e5), timesteps=1000)
    assert peak_bytes(lambda: fingerprint("", [X])) < 2**22


@pytest.mark.parametrize("order", ["C", "F"])
def test_fingerprint_reads_an_array_in_blocks(order):
    X = np.ones((20_000, 12, 20), order=order)
    before = fingerprint("", [X])
    assert peak_bytes(lambda: fingerprint("", [X])) < 2**23
    assert fingerprint("", [X]) == before
    X[-1, -1, -1] = 2
    assert fingerprint("", [X]) != before
