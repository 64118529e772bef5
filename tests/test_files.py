"""skrnn.save and skrnn.load: what comes back, what is refused, and the file on the disk."""

import os
import pickle
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from forecasting import TIMES
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

import skrnn
from skrnn import RNNClassifier, RNNRegressor, WindowTransformer
from skrnn._utils.file_format import read_file, write_file

ROOT = Path(__file__).parents[1]
X = np.random.default_rng(0).normal(size=(24, 4, 2))
ROWS = X[:, 0]
VECTORS = np.random.default_rng(2).normal(size=(9, 3))
TOKENS = np.random.default_rng(1).integers(0, 9, (24, 4))
RAGGED = [X[i, : 1 + i % 4] for i in range(24)]
MASKED = np.where(np.arange(4)[:, np.newaxis] < 3, X, np.nan)
NUMBERS = X[:, -1, 0]
CODES = np.arange(24) % 3


def regressor(*parameters, **named):
    """A regressor that trains in no time."""
    tiny = {"hidden_size": 3, "epochs": 2, "random_state": 0} if len(parameters) < 2 else {}
    return RNNRegressor(*parameters, **({"epochs": 2, "random_state": 0} | tiny | named))


def classifier(**parameters):
    return RNNClassifier(**({"hidden_size": 3, "epochs": 2, "random_state": 0} | parameters))


def assert_same(found, expected):
    """See that two values are the same in kind, content, and layout of their arrays."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.flags.f_contiguous == expected.flags.f_contiguous
        assert_array_equal(found, expected)
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_same(*pair)
    elif isinstance(expected, dict):
        assert_same(list(found), list(expected))
        assert_same(list(found.values()), list(expected.values()))
    elif type(expected).__module__.split(".")[0] in ("skrnn", "sklearn"):
        names = sorted(vars(expected))
        assert sorted(vars(found)) == names
        assert_same(*([getattr(owner, name) for name in names] for owner in (found, expected)))
    else:
        assert found == expected or (found != found and expected != expected)


def reloaded(estimator, folder, **key):
    """Save an estimator, load it again, and see that all of it is the same."""
    path = folder / "estimator.skrnn"
    assert skrnn.save(estimator, path, **key) is None
    loaded = skrnn.load(path, **key)
    assert_same(loaded, estimator)
    return loaded


def run(program, *arguments):
    """Run a program in a fresh process and return what it prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


# What comes back

NETWORKS = {
    "simple_rnn": (regressor("simple_rnn"), X, NUMBERS),
    "gru": (regressor("gru", dense_sizes=(4, 2)), X, NUMBERS),
    "lstm": (regressor("lstm", dtype="float64"), X, NUMBERS),
    "stack": (regressor(["gru", "lstm"], [3, 2], bidirectional=True), X, NUMBERS),
    "dropped": (regressor(spatial_dropout=0.3), X, NUMBERS),
    "penalized": (regressor(kernel_l2=0.1, recurrent_l2=0.2), X, NUMBERS),
    "pooled": (regressor(pooling="max", bidirectional=True), X, NUMBERS),
    "2-D": (regressor(), X[:, :, 0], NUMBERS),
    "frame": (regressor(), pd.DataFrame(X[:, :, 0], columns=list("abcd")), NUMBERS),
    "outputs": (regressor(), X, X.reshape(24, 2, 4)),
    "sequences": (regressor(return_sequences=True), X, X[..., 0]),
    "list": (regressor(return_sequences=True), RAGGED, [item[:, 0] for item in RAGGED]),
    "masked": (regressor(mask_value=np.nan), MASKED, NUMBERS),
    "not standardized": (regressor(standardize="y"), X, NUMBERS),
    "stateful": (regressor(["gru", "lstm"], (3, 2), stateful=True, batch_size=6), X, NUMBERS),
    "stateful, both ways": (regressor(stateful=True, bidirectional=True), X, NUMBERS),
    "vectors": (
        regressor(vocab_size=9, embedding_init=VECTORS, embedding_dim=3, embedding_trainable=False),
        TOKENS,
        NUMBERS,
    ),
    "tokens": (classifier(vocab_size=9, embedding_dim=3, mask_value=0), TOKENS, CODES),
    "class_weight": (classifier(class_weight={0: 1, 1: 2.5}), X, CODES),
    "multilabel": (classifier(), X, (X[:, :2, 0] > 0).astype(int)),
    "labels of timesteps": (classifier(return_sequences=True), X, np.tile(CODES[:4], (24, 1))),
    "optimizer": (
        regressor(optimizer={"name": "sgd", "momentum": 0.9, "learning_rate": 0.1}),
        *(X, NUMBERS),
    ),
}
OPTIMIZERS = "adagrad adam adamw nadam rmsprop sgd".split()

every_network = pytest.mark.parametrize("network", NETWORKS)


def fitted(network, **parameters):
    """Return a network of the table, trained, and its data."""
    estimator, data, y = NETWORKS[network]
    return clone(estimator).set_params(**parameters).fit(data, y), data, y


@every_network
def test_network_comes_back_and_predicts_bitwise_the_same(network, tmp_path):
    estimator, data, _ = fitted(network)
    loaded = reloaded(estimator, tmp_path)
    expected = estimator.predict(data)
    for found, of_sample in zip(loaded.predict(data), expected, strict=True):
        assert_array_equal(found, of_sample)


@every_network
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_loaded_network_goes_on_training_bitwise(network, method, tmp_path):
    estimator, data, y = fitted(network, warm_start=True)
    loaded = reloaded(estimator, tmp_path)
    getattr(estimator, method)(data, y)
    getattr(loaded, method)(data, y)
    assert_same(loaded.weights_, estimator.weights_)
    assert_same(loaded.optimizer_state_, estimator.optimizer_state_)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_variables_of_every_optimizer_come_back(optimizer, tmp_path):
    reloaded(regressor(optimizer=optimizer, learning_rate=None).fit(X, NUMBERS), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "ftrl", "lion"])
def test_variables_that_keras_left_come_back_and_go_on(optimizer, tmp_path):
    estimator = regressor(
        optimizer=optimizer, learning_rate=None, engine="keras", dtype="float64", warm_start=True
    ).fit(X, NUMBERS)
    loaded = reloaded(estimator, tmp_path)
    assert_array_equal(loaded.fit(X, NUMBERS).predict(X), estimator.fit(X, NUMBERS).predict(X))


LABELS = {
    "str": np.array(["no", "perhaps", "yes"]),
    "str, wider than needed": np.array(["a", "b", "c"], dtype="U9"),
    "non-ASCII": np.array(["Straße", "日本", "\U0001f600"]),
    "object": np.array(["no", "perhaps", "yes"], dtype=object),
    "int8": np.array([-1, 0, 7], dtype="int8"),
    "float": np.array([0.0, 1.0, 2.0]),
    "bool": np.array([False, True]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back_in_their_dtype(kind, tmp_path):
    labels = LABELS[kind][CODES % len(LABELS[kind])]
    estimator = classifier().fit(X, labels)
    loaded = reloaded(estimator, tmp_path)
    assert loaded.classes_.dtype == estimator.classes_.dtype
    assert_array_equal(loaded.predict(X), estimator.predict(X))


DAYS = pd.date_range("2024-01-01", periods=12)
SERIES = pd.MultiIndex.from_product([["a", "b"], DAYS])
INDEXES = {name: times[:24] for name, times in TIMES.items()} | {
    "series": SERIES,
    "series of numbers": SERIES.set_levels([4, 7], level=0),
    "series in zone": pd.MultiIndex.from_product([[1.5, 2.5], DAYS.tz_localize("Asia/Tokyo")]),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_time_that_windows_have_learned_comes_back(kind, tmp_path):
    index = INDEXES[kind]
    frame = pd.DataFrame(ROWS, columns=["a", "b"], index=index)
    last = np.arange(24) >= 20 if index.nlevels == 1 else np.isin(np.arange(24) % 12, [10, 11])
    estimator = WindowTransformer(3).fit(frame[~last])
    loaded = reloaded(estimator, tmp_path)
    assert_array_equal(loaded.transform(frame[last]), estimator.transform(frame[last]))
    assert bool(estimator.tails_) == (kind not in ("range", "integers"))


PIPELINES = {
    "windows": make_pipeline(WindowTransformer(3), regressor()),
    "scalers": make_pipeline(
        StandardScaler().set_output(transform="pandas"),
        *(MinMaxScaler(), RobustScaler(), "passthrough", WindowTransformer(2), regressor()),
    ),
    "pipeline in a pipeline": make_pipeline(
        make_pipeline(StandardScaler(with_mean=False)), WindowTransformer(2), regressor()
    ),
    "functions": make_pipeline(
        WindowTransformer(3),
        TransformedTargetRegressor(regressor(), func=np.arcsinh, inverse_func=np.sinh),
    ),
    "transformer": TransformedTargetRegressor(
        make_pipeline(WindowTransformer(3), regressor()), transformer=StandardScaler()
    ),
    "function as a step": make_pipeline(
        FunctionTransformer(np.exp), WindowTransformer(3), regressor()
    ),
}


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_pipeline_comes_back_and_predicts_bitwise_the_same(pipeline, tmp_path):
    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    estimator = clone(PIPELINES[pipeline])
    assert reloaded(estimator, tmp_path).get_params().keys() == estimator.get_params().keys()
    loaded = reloaded(estimator.fit(frame, NUMBERS), tmp_path)
    assert_array_equal(loaded.predict(frame), estimator.predict(frame))


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaler_alone_comes_back_also_from_rows_with_nan(scaler, dtype, tmp_path):
    rows = ROWS.astype(dtype)
    rows[0, 0] = np.nan
    reloaded(clone(scaler).fit(rows), tmp_path)


def test_unfitted_estimator_comes_back_unfitted(tmp_path):
    loaded = reloaded(
        RNNRegressor(
            ("gru", "lstm"), [np.int64(4), 3], optimizer={"name": "sgd"}, mask_value=np.nan
        ),
        tmp_path,
    )
    with pytest.raises(NotFittedError):
        loaded.predict(X)


def test_text_of_numpy_and_paths_come_back_in_their_type(tmp_path):
    estimator = classifier(cell_type=np.str_("gru"), checkpoint_dir=tmp_path / "checkpoints")
    estimator.set_params(class_weight=dict.fromkeys(np.unique(["a", "b"]), 2.0))
    reloaded(estimator, tmp_path)


def test_metadata_requests_come_back(tmp_path):
    with config_context(enable_metadata_routing=True):
        estimator = regressor().set_fit_request(sample_weight=True, validation_data="holdout")
        skrnn.save(estimator, tmp_path / "file")
        found = skrnn.load(tmp_path / "file").get_metadata_routing()
        assert found.fit.requests == {"sample_weight": True, "validation_data": "holdout"}


def test_array_in_fortran_order_stays_so(tmp_path):
    write_file(tmp_path / "file", [np.asfortranarray(X[0]), X[0]])
    turned, plain = read_file(tmp_path / "file")
    assert turned.flags.f_contiguous
    assert plain.flags.c_contiguous
    assert_array_equal(turned, plain)


def test_parameter_that_an_older_file_lacks_has_its_default(tmp_path):
    path = tmp_path / "file"
    skrnn.save(regressor(min_delta=0.5), path)
    tree = read_file(path)
    del tree["estimator"]["min_delta"]
    write_file(path, tree)
    assert skrnn.load(path).min_delta == 0.0


def test_scaler_of_another_scikit_learn_warns_as_scikit_learn_does(tmp_path):
    path = tmp_path / "file"
    skrnn.save(StandardScaler().fit(ROWS), path)
    tree = read_file(path)
    tree["estimator"]["_sklearn_version"] = "1.0"
    write_file(path, tree)
    with pytest.warns(InconsistentVersionWarning, match=r"StandardScaler from version 1\.0"):
        skrnn.load(path)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", ["regressor", "classifier"])
def test_frozen_file_of_format_1_loads_and_predicts_as_it_did(name):
    folder = ROOT / "tests" / "data"
    loaded = skrnn.load(folder / f"format-1-{name}.skrnn")
    stored = np.loadtxt(folder / f"format-1-{name}.csv", delimiter=",", dtype=str)
    frame = pd.DataFrame(
        {"a": np.sin(np.arange(24)), "b": np.cos(np.arange(24))},
        index=pd.date_range("2024-01-01", periods=24, freq="D", tz="Europe/Berlin"),
    )
    if name == "classifier":
        assert_array_equal(loaded.predict(frame), stored[:, 0])
        found, stored = loaded.predict_proba(frame), stored[:, 1:]
    else:
        found = loaded.predict(frame)
    np.testing.assert_allclose(found, stored.astype(float), rtol=1e-5, atol=1e-6)


def test_frozen_vectorizer_of_format_1_loads_with_the_new_name_of_its_parameter(tmp_path):
    path = ROOT / "tests" / "data" / "format-1-vectorizer.skrnn"
    assert read_file(path)["estimator"]["oov"] == "<unk>"
    loaded = skrnn.load(path)
    assert loaded.oov_token == "<unk>"
    assert not hasattr(loaded, "oov")
    ids = loaded.transform(["the plot is good"])
    assert_array_equal(ids, [[2, 4, 3, 1, 0]])
    assert_array_equal(loaded.inverse_transform(ids)[0], ["the", "plot", "is", "<unk>"])
    tree = read_file(path)
    tree["estimator"]["oov_token"] = "[UNK]"
    write_file(tmp_path / "both", tree)
    with pytest.raises(skrnn.FileFormatError, match="oov of SequenceVectorizer"):
        skrnn.load(tmp_path / "both")


# What is refused, by name

REFUSED = {
    "callbacks": (regressor(callbacks=[object()]), TypeError, r"RNNRegressor\.callbacks\[0\]"),
    "random_state": (
        regressor(random_state=np.random.RandomState(0)),
        *(TypeError, r"`RNNRegressor\.random_state`"),
    ),
    "step": (
        make_pipeline(PolynomialFeatures(), regressor()),
        *(TypeError, r"steps\['polynomialfeatures'\]` .* PolynomialFeatures"),
    ),
    "function": (
        TransformedTargetRegressor(regressor(), func=lambda y: y, inverse_func=lambda y: y),
        *(TypeError, r"`TransformedTargetRegressor\.func`"),
    ),
    "other ufunc": (
        make_pipeline(FunctionTransformer(np.tan)),
        *(ValueError, r"functiontransformer'\]\.func` .* tan is not among log"),
    ),
    "memory": (make_pipeline(regressor(), memory="cache"), ValueError, "`memory` is a folder"),
    "subclass": (type("Mine", (RNNRegressor,), {})(), TypeError, "type Mine"),
    "class": (RNNRegressor, TypeError, "must be an estimator"),
    "search": (
        GridSearchCV(regressor(), {"epochs": [1]}, cv=2).fit(X, NUMBERS),
        *(TypeError, "type GridSearchCV. Its `best_estimator_` may be"),
    ),
    "complex": (regressor(mask_value=1j), TypeError, "mask_value` .* complex"),
    "step without a name in pandas": (
        WindowTransformer(2).fit(
            pd.DataFrame(
                ROWS,
                index=pd.bdate_range("2024-01-01", periods=24, freq="C", holidays=["2024-01-03"]),
            )
        ),
        *(ValueError, r"freq_` cannot be stored: pandas"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_stored_is_refused_by_name_before_anything_is_written(case, tmp_path):
    estimator, error, match = REFUSED[case]
    (tmp_path / "old").write_text("as it was")
    with pytest.raises(error, match=match) as caught:
        skrnn.save(estimator, tmp_path / "old")
    assert "skops or pickle" in str(caught.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["as it was"]


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [("note", "mine", "the attribute note of RNNRegressor"), ("weights_", [], "`weights_`")],
)
def test_attribute_that_no_fit_sets_is_refused(name, value, match, tmp_path):
    estimator = regressor().fit(X, NUMBERS)
    setattr(estimator, name, value)
    with pytest.raises(ValueError, match=match):
        skrnn.save(estimator, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


# The file


def test_missing_file_and_folder_raise_what_open_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none'$"):
        skrnn.load(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"none'$"):
        skrnn.save(WindowTransformer(), tmp_path / "none" / "file")
    with pytest.raises(OSError, match="director"):
        skrnn.load(tmp_path)
    with pytest.raises(IsADirectoryError, match=re.escape(str(tmp_path)) + "'$"):
        skrnn.save(WindowTransformer(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", [0, None, b"file"])
def test_path_of_another_kind_is_refused_by_name(path):
    for use in (partial(skrnn.save, WindowTransformer()), skrnn.load):
        with pytest.raises(TypeError, match=r"`path` must be a str or a pathlib\.Path, got"):
            use(path)


def test_path_may_be_text_and_a_tilde_in_it_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # of Windows
    skrnn.save(regressor(checkpoint_dir="~/checkpoints").fit(X, NUMBERS), "~/file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "file"]
    assert skrnn.load("~/file").checkpoint_dir == "~/checkpoints"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_file_has_the_permissions_that_open_gives_and_keeps_others(tmp_path):
    path = tmp_path / "file"
    (tmp_path / "opened").touch()
    skrnn.save(WindowTransformer(), path)
    assert path.stat().st_mode == (tmp_path / "opened").stat().st_mode
    path.chmod(0o640)
    skrnn.save(WindowTransformer(), path)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_link_still_points_to_the_file_that_is_replaced(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    skrnn.save(WindowTransformer(), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert skrnn.load(tmp_path / "file").timesteps == 10


KILLED = """if True:
    import os, random, signal, sys, time
    from pathlib import Path
    import joblib
    import skrnn

    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    path, choices = folder / "file", [skrnn.load(folder / name) for name in ("a", "b")]
    skrnn.save(choices[0], path)
    known = {joblib.hash(choice) for choice in choices}
    random.seed(0)
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            while True:
                for choice in choices:
                    skrnn.save(choice, path)
        time.sleep(random.uniform(0.005, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert joblib.hash(skrnn.load(path)) in known
    print(len(list(folder.glob(".skrnn-*.tmp"))))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(
    ("kills", "least"), [(30, 1), pytest.param(500, 51, marks=pytest.mark.slow)]
)
def test_kill_while_saving_leaves_a_whole_file(kills, least, tmp_path):
    """At random moments, some of which must lie within the writing of a file."""
    for name, seed in (("a", 0), ("b", 1)):
        wide = regressor("gru", 128, epochs=1, random_state=seed).fit(X, NUMBERS)
        skrnn.save(wide, tmp_path / name)
    assert int(run(KILLED, tmp_path, kills)) >= least


# Keys


def test_file_saved_with_a_key_loads_with_it_and_without(tmp_path):
    estimator = regressor().fit(X, NUMBERS)
    reloaded(estimator, tmp_path, key="sesame")
    for key in (b"sesame", "sesame", None):
        assert_array_equal(
            skrnn.load(tmp_path / "estimator.skrnn", key=key).predict(X), estimator.predict(X)
        )


@pytest.mark.parametrize(("saved", "match"), [(None, "not signed"), ("other", "another key")])
def test_file_without_the_key_is_refused(saved, match, tmp_path):
    skrnn.save(WindowTransformer(), tmp_path / "file", key=saved)
    with pytest.raises(skrnn.FileFormatError, match=match):
        skrnn.load(tmp_path / "file", key="sesame")


@pytest.mark.parametrize(("key", "error"), [("", ValueError), (b"", ValueError), (3, TypeError)])
def test_key_that_is_none_is_refused(key, error, tmp_path):
    with pytest.raises(error, match="`key` must"):
        skrnn.save(WindowTransformer(), tmp_path / "file", key=key)
    with pytest.raises(error, match="`key` must"):
        skrnn.load(tmp_path / "file", key=key)


# Serving

SERVE = """if True:
    import pickle, sys
    from pathlib import Path
    import joblib
    import numpy as np
    import skrnn

    folder = Path(sys.argv[1])
    X = np.random.default_rng(0).normal(size=(24, 4, 2))
    loaded = [
        skrnn.load(folder / "file.skrnn"),
        pickle.loads((folder / "file.pickle").read_bytes()),
        pickle.loads((folder / "file.cloudpickle").read_bytes()),
        joblib.load(folder / "file.joblib"),
        joblib.load(folder / "file.joblib", mmap_mode="r"),
    ]
    found = [estimator.predict_proba(X) for estimator in loaded]
    found += [estimator.set_params(hidden_size=99).predict_proba(X) for estimator in loaded]
    np.save(folder / "found.npy", found)
    print([name for name in sys.modules if name.split(".")[0] in ("keras", "tensorflow")])
"""


def test_copies_predict_bitwise_in_a_fresh_process_without_tensorflow(tmp_path):
    estimator = classifier(cell_type="lstm", bidirectional=True).fit(X, CODES)
    skrnn.save(estimator, tmp_path / "file.skrnn")
    (tmp_path / "file.pickle").write_bytes(pickle.dumps(estimator))
    (tmp_path / "file.cloudpickle").write_bytes(cloudpickle.dumps(estimator))
    joblib.dump(estimator, tmp_path / "file.joblib")
    assert run(SERVE, tmp_path).strip() == "[]"
    for found in np.load(tmp_path / "found.npy"):
        assert_array_equal(found, estimator.predict_proba(X))


def test_eight_threads_predict_at_once_bitwise_as_one(tmp_path):
    rows = np.random.default_rng(2).normal(size=(64, 25, 6, 2))
    estimator = regressor("lstm", 24).fit(rows[0], rows[0, :, -1, 0])
    skrnn.save(estimator, tmp_path / "file")
    loaded = skrnn.load(tmp_path / "file")
    expected = [loaded.predict(part) for part in rows]
    with ThreadPoolExecutor(8) as pool:
        for found, alone in zip(pool.map(loaded.predict, rows), expected, strict=True):
            assert_array_equal(found, alone)


# Copies by other means


def through_joblib(mmap_mode):
    def copy(estimator, folder):
        path = folder / f"{id(estimator)}.joblib"  # not the file that an earlier copy maps
        joblib.dump(estimator, path)
        return joblib.load(path, mmap_mode=mmap_mode)

    return copy


def through_skops(estimator, folder):
    path = folder / "file.skops"
    skops.io.dump(estimator, path)
    untrusted = skops.io.get_untrusted_types(file=path)
    assert {name.split(".")[0] for name in untrusted} == {"skrnn"}
    return skops.io.load(path, trusted=untrusted)


COPIES = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "cloudpickle": lambda estimator, folder: cloudpickle.loads(cloudpickle.dumps(estimator)),
    "deepcopy": lambda estimator, folder: deepcopy(estimator),
    "joblib": through_joblib(None),
    "joblib, memory mapped": through_joblib("r"),
    "skops": through_skops,
}


@pytest.mark.parametrize("means", COPIES)
@pytest.mark.parametrize("network", ["stack", "tokens", "stateful", "frame"])
def test_copy_predicts_bitwise_also_after_set_params_and_can_be_saved(network, means, tmp_path):
    estimator, data, _ = fitted(network)
    saved = reloaded(estimator, tmp_path)
    expected = [estimator.predict(data), estimator.transform(data)]
    copy = COPIES[means](saved, tmp_path)
    copy.set_params(cell_type="lstm", hidden_size=99, dtype="float64", standardize=False)
    path = tmp_path / "copy.skrnn"
    skrnn.save(copy, path)
    again = COPIES[means](skrnn.load(path), tmp_path)
    for found in (copy, again):
        assert_array_equal(found.predict(data), expected[0])
        assert_array_equal(found.transform(data), expected[1])


@pytest.mark.parametrize("means", [means for means in COPIES if means != "skops"])
def test_copy_goes_on_training_bitwise(means, tmp_path):
    estimator, data, y = fitted("stack", warm_start=True)
    copy = COPIES[means](estimator, tmp_path)
    assert_array_equal(copy.fit(data, y).predict(data), estimator.fit(data, y).predict(data))


PLAIN = (type(None), bool, int, float, str, np.ndarray)


def leaves(value):
    """Yield what a learned attribute is made of."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        yield from leaves([*value, *value.values()])
    elif type(value).__module__.startswith("skrnn."):
        yield from leaves(vars(value))
    else:
        yield value


@every_network
def test_fitted_network_is_made_of_arrays_and_plain_data_alone(network):
    estimator, _, _ = fitted(network)
    assert all(type(leaf) in PLAIN for leaf in leaves(vars(estimator)))
