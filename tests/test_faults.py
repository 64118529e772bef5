"""What the machine does to a fit: Ctrl-C, full disks and memory, odd environments and clocks."""

import contextlib
import functools
import gc
import os
import pickle
import random
import resource
import threading
import time
from copy import deepcopy
from pathlib import Path

import fits
import numpy as np
import psutil
import pytest
from fits import fold_scores, learned
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from probes import press_ctrl_c
from processes import PYTHONPATH, run
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import skrnn

pytestmark = pytest.mark.slow

every_engine = pytest.mark.parametrize("engine", ["numpy", "keras"])


TINY = {"cell_type": "gru", "hidden_size": 4, "epochs": 4, "dropout": 0.2, "engine": "numpy"}
small = functools.partial(fits.small, **TINY)
X, Y = fits.samples(60, 5)


def left_behind(folder):
    """Return all that an interrupted fit could leave, but for its checkpoint."""
    files = [path.name for path in folder.iterdir() if path.suffix != ".checkpoint"]
    # Other processes, which have others' ids in the names, come and go.
    segments = sorted(path.name for path in Path("/dev/shm").glob(f"*{os.getpid()}*"))
    process = psutil.Process()
    counts = threading.active_count(), process.num_threads(), process.num_fds()
    return *counts, files, segments


# Python drops an interrupt that comes within a destructor, and warns of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
# A file or folder just opened is closed by the garbage collector if Ctrl-C comes before its block.
@pytest.mark.filterwarnings("ignore:unclosed (file|scandir iterator):ResourceWarning")
@every_engine
@pytest.mark.parametrize("checkpoints", [False, True])
def test_interrupts_at_twenty_random_moments_leave_no_trace(tmp_path, engine, checkpoints):
    expected = learned(small(engine=engine).fit(X, Y))
    folder = tmp_path if checkpoints else None
    subject = small(engine=engine, epochs=10**6, checkpoint_dir=folder)
    random.seed()
    for _ in range(20):
        before, there = pickle.dumps(subject), left_behind(tmp_path)
        press_ctrl_c(lambda: subject.fit(X, Y), random.uniform(0, 0.2))
        assert pickle.dumps(subject) == before
        ends = time.monotonic() + 5  # the system counts a thread a moment longer
        while (left := left_behind(tmp_path)) != there and time.monotonic() < ends:
            gc.collect()
            time.sleep(0.01)
        assert left == there
    assert learned(small(engine=engine, checkpoint_dir=folder).fit(X, Y)) == expected


def test_killed_worker_process_is_an_error_after_which_the_search_runs_as_ever():
    X, y = fits.samples(200, 5)
    search = GridSearchCV(small(epochs=40), {"hidden_size": [4, 8]}, cv=3, n_jobs=2)
    expected = clone(search).set_params(n_jobs=1).fit(X, y)
    subject = clone(search)
    before = pickle.dumps(subject.estimator)

    def kill():
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            for child in psutil.Process().children():
                command = child.cmdline()
                if "joblib.externals.loky.backend.popen_loky_posix" in command:
                    child.kill()
                    return
            time.sleep(0.01)

    get_reusable_executor().shutdown(wait=True)  # so that the workers are those of this search
    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(TerminatedWorkerError):
        subject.fit(X, y)
    killer.join()
    assert pickle.dumps(subject.estimator) == before
    found = subject.fit(X, y)
    scores = [fold_scores(search.cv_results_) for search in (found, expected)]
    np.testing.assert_array_equal(*scores)
    assert learned(found.best_estimator_) == learned(expected.best_estimator_)


def test_memory_that_runs_out_in_a_batch_leaves_the_network_as_it_was():
    program = """if True:
        import pickle, resource
        import numpy as np
        import psutil
        from skrnn import RNNRegressor
        X = np.random.default_rng(0).normal(size=(64, 200, 2))
        y = X[:, -1, 0]
        network = RNNRegressor("gru", 64, epochs=1, engine="numpy", warm_start=True, random_state=0)
        expected = pickle.loads(pickle.dumps(network.fit(X[:8], y[:8]))).fit(X, y)
        before = pickle.dumps(network)
        used = psutil.Process().memory_info().vms
        failed = 0
        for spare in range(0, 40, 2):
            resource.setrlimit(resource.RLIMIT_AS, (used + spare * 2**20, -1))
            try:
                pickle.loads(before).fit(X, y)
                network.fit(X, y)
            except MemoryError:
                failed += 1
                resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
                assert pickle.dumps(network) == before
            else:
                break
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        network = pickle.loads(before).fit(X, y)
        assert all((a == b).all() for a, b in zip(network.weights_, expected.weights_))
        print(failed)
    """
    assert int(run(program)) > 0


@contextlib.contextmanager
def full_disk():
    """No file can grow beyond 2,048 bytes; else it takes some room to fill a disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (skrnn.save, "network.skrnn"),
        (skrnn.RNNRegressor.to_keras, "network.keras"),
        (skrnn.RNNRegressor.to_onnx, "network.onnx"),
    ],
)
def test_full_disk_is_an_error_that_names_the_file_and_leaves_the_old_one(write, name, tmp_path):
    fitted = small(hidden_size=40, epochs=1).fit(X, Y)
    path = tmp_path / name
    write(fitted, path)
    before = path.read_bytes()
    with full_disk(), pytest.raises(OSError, match="too large") as caught:
        write(fitted, path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == [name]


@every_engine
def test_checkpoint_on_a_full_disk_is_an_error_that_names_it(engine, tmp_path):
    subject = small(engine=engine, hidden_size=40, checkpoint_dir=tmp_path)
    expected = learned(clone(subject).set_params(checkpoint_dir=None).fit(X, Y))
    before = deepcopy(vars(subject))
    with full_disk(), pytest.raises(OSError, match="too large") as caught:
        subject.fit(X, Y)
    assert Path(caught.value.filename).suffix == ".checkpoint"
    assert Path(caught.value.filename).parent == tmp_path
    assert vars(subject) == before
    assert list(tmp_path.iterdir()) == []
    assert learned(subject.fit(X, Y)) == expected


PROGRAM = """if True:
    import hashlib, sys, warnings
    from pathlib import Path
    import numpy as np
    import pandas as pd
    import skrnn
    from skrnn import RNNClassifier, RNNForecaster, RNNRegressor

    X = np.random.default_rng(0).normal(size=(60, 5, 2))
    folder = Path(sys.argv[1])
    labels = np.array(["low", "mid", "hoch ü"])[np.digitize(X[:, -1, 0], [-0.5, 0.5])]
    found = []
    for engine in ("numpy", "keras"):
        tiny = {"dropout": 0.2, "epochs": 3, "engine": engine, "random_state": 0}
        for network, y in (
            (RNNRegressor("gru", 4, **tiny), X[:, -1, 0]),
            (RNNClassifier("gru", 4, **tiny), labels),
        ):
            network.set_params(checkpoint_dir=folder / "kept", verbose=1).fit(X, y)
            found += [*network.weights_, network.predict(X).astype(str)]
            network.set_params(checkpoint_dir=None, verbose=0)
            network.history_ = {}  # which holds seconds
            skrnn.save(network, folder / "network.skrnn")
            assert (skrnn.load(folder / "network.skrnn").predict(X) == network.predict(X)).all()
            found.append(np.frombuffer((folder / "network.skrnn").read_bytes(), np.uint8))
    network.to_onnx(folder / "network.onnx")
    network.to_keras(folder / "network.keras")
    wide = pd.DataFrame(X[:, :2, 0], columns=["b ü", "a"])
    network = RNNRegressor(epochs=2, random_state=0)
    forecaster = RNNForecaster(network, timesteps=5, baseline=None).fit(wide)
    found.append(forecaster.predict().to_numpy())
    digest = hashlib.sha256()
    for array in found:
        digest.update(np.ascontiguousarray(array))
    print(digest.hexdigest())
"""


def test_environment_letters_of_a_path_and_read_only_folders_change_no_bit(tmp_path):
    """Those of the home and the working directory."""
    usual = run(PROGRAM, tmp_path)
    # The superuser can write in neither: the one is of Linux, the other of macOS.
    place = Path("/proc" if Path("/proc").exists() else "/System")
    with pytest.raises(OSError):  # noqa: PT011  whichever the system gives
        (place / "made").touch()
    variables = dict.fromkeys(("HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME"), str(place)) | {
        "PYTHONPATH": PYTHONPATH,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "4242",
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
    }
    folder = tmp_path / "a folder' with ü, 한 and é"
    folder.mkdir()
    assert run(PROGRAM, folder, env=os.environ | variables, cwd=place) == usual


@every_engine
def test_clock_that_jumps_changes_nothing(engine, tmp_path, monkeypatch):
    expected = learned(small(engine=engine).fit(X, Y))
    jumps, true = random.Random(0), time.time
    monkeypatch.setattr(time, "time", lambda: true() + jumps.uniform(-1e9, 1e9))
    monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * time.time()))
    fitted = small(engine=engine, checkpoint_dir=tmp_path, verbose=1).fit(X, Y)
    assert learned(fitted) == expected
    assert all(0 <= seconds < 60 for seconds in fitted.history_["seconds"])
