"""skrnn.save and skrnn.load: what comes back, what is refused, and the file on the disk."""

import os
import pickle
import pickletools
import re
import shutil
import sys
from copy import deepcopy
from functools import partial
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from fits import small
from forecasting import TIMES, bare, linear, monthly
from numpy.testing import assert_array_equal
from probes import plant
from processes import ROOT, run
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
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

X = np.random.default_rng(0).normal(size=(24, 4, 2))
ROWS = X[:, 0]
VECTORS = np.random.default_rng(2).normal(size=(9, 3))
TOKENS = np.random.default_rng(1).integers(0, 9, (24, 4))
RAGGED = [X[i, : 1 + i % 4] for i in range(24)]
MASKED = np.where(np.arange(4)[:, np.newaxis] < 3, X, np.nan)
NUMBERS = X[:, -1, 0]
CODES = np.arange(24) % 3


classifier = partial(small, RNNClassifier)


def assert_same(found, expected):
    """See that two values are the same in kind, content, and layout of their arrays."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.flags.f_contiguous == expected.flags.f_contiguous
        assert_array_equal(found, expected)
    elif isinstance(expected, (list, tuple)):
        for pair in zip(found, expected, strict=True):
            assert_same(*pair)
    elif isinstance(expected, dict):
        assert_same([*found, *found.values()], [*expected, *expected.values()])
    elif type(expected).__module__.split(".")[0] in ("skrnn", "sklearn"):
        assert_same(*(dict(sorted(vars(owner).items())) for owner in (found, expected)))
    else:
        assert found == expected or (found != found and expected != expected)


def reloaded(estimator, folder, **key):
    """Save an estimator, load it again, and see that all of it is the same."""
    path = folder / "estimator.skrnn"
    assert skrnn.save(estimator, path, **key) is None
    loaded = skrnn.load(path, **key)
    assert_same(loaded, estimator)
    return loaded


PARAMETERS = {
    "simple_rnn": {},
    "gru": {"cell_type": "gru", "dense_sizes": (4, 2)},
    "lstm": {"cell_type": "lstm", "dtype": "float64"},
    "stack": {"cell_type": ["gru", "lstm"], "hidden_size": [3, 2], "bidirectional": True},
    "dropped": {"spatial_dropout": 0.3},
    "penalized": {"kernel_l2": 0.1, "recurrent_l2": 0.2},
    "pooled": {"pooling": "max", "bidirectional": True},
    "not standardized": {"standardize": "y"},
    "stateful": {"cell_type": ["gru", "lstm"], "stateful": True, "batch_size": 6},
    "stateful, both ways": {"stateful": True, "bidirectional": True},
    "optimizer": {"optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.1}},
}
LABELS = [
    np.array(["Straße", "日本", "\U0001f600"]),
    np.array(["a", "b", "c"], dtype="U9"),  # wider than needed
    np.array(["no", "perhaps", "yes"], dtype=object),
    np.array([-1, 0, 7], dtype="int8"),
    np.array([0.0, 1.0, 2.0]),
    np.array([False, True]),
]
NETWORKS = {
    "2-D": (small(), X[:, :, 0], NUMBERS),
    "frame": (small(), pd.DataFrame(X[:, :, 0], columns=list("abcd")), NUMBERS),
    "outputs": (small(), X, X.reshape(24, 2, 4)),
    "quantiles": (small(loss="quantile", quantiles=[0.4, 0.5]), X, X.reshape(24, 2, 4)),
    "sequences": (small(return_sequences=True), X, X[..., 0]),
    "list": (small(return_sequences=True), RAGGED, [item[:, 0] for item in RAGGED]),
    "masked": (small(mask_value=np.nan), MASKED, NUMBERS),
    "vectors": (
        small(vocab_size=9, embedding_init=VECTORS, embedding_dim=3, embedding_trainable=False),
        *(TOKENS, NUMBERS),
    ),
    "tokens": (classifier(vocab_size=9, embedding_dim=3, mask_value=0), TOKENS, CODES),
    "class_weight": (classifier(class_weight={0: 1, 1: 2.5}), X, CODES),
    "multilabel": (classifier(), X, (X[:, :2, 0] > 0).astype(int)),
    "labels of timesteps": (classifier(return_sequences=True), X, np.tile(CODES[:4], (24, 1))),
    **{name: (small(**parameters), X, NUMBERS) for name, parameters in PARAMETERS.items()},
    **{f"labels, {names.dtype}": (classifier(), X, names[CODES % len(names)]) for names in LABELS},
}
OPTIMIZERS = "adagrad adam adamw nadam rmsprop sgd".split()

every_network = pytest.mark.parametrize("network", NETWORKS)


def fitted(network, **parameters):
    """Return a network of the table, trained, and its data."""
    estimator, data, y = NETWORKS[network]
    return clone(estimator).set_params(**parameters).fit(data, y), data, y


@every_network
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_loaded_network_predicts_and_goes_on_training_bitwise(network, method, tmp_path):
    estimator, data, y = fitted(network, warm_start=True)
    loaded = reloaded(estimator, tmp_path)
    for found, of_sample in zip(loaded.predict(data), estimator.predict(data), strict=True):
        assert_array_equal(found, of_sample)
    getattr(estimator, method)(data, y)
    getattr(loaded, method)(data, y)
    assert_same(loaded.weights_, estimator.weights_)
    assert_same(loaded.optimizer_state_, estimator.optimizer_state_)


@every_network
def test_fitted_network_is_made_of_arrays_and_plain_data_alone(network):
    content = pickletools.genops(pickle.dumps(fitted(network)[0], protocol=2))
    found = [argument for code, argument, _ in content if code.name == "GLOBAL"]
    foreign = {name.split()[-1] for name in found if not name.startswith("skrnn.")}
    assert foreign <= {"ndarray", "_reconstruct", "dtype", "encode"}


@pytest.mark.parametrize(
    ("engine", "optimizer"),
    [
        *(("numpy", optimizer) for optimizer in OPTIMIZERS),
        *(
            pytest.param("keras", optimizer, marks=pytest.mark.slow)
            for optimizer in ["adam", "nadam", "ftrl"]  # whose variables are of other kinds
        ),
    ],
)
def test_variables_of_every_optimizer_come_back_and_go_on(engine, optimizer, tmp_path):
    of_optimizer = {"optimizer": optimizer, "learning_rate": None, "warm_start": True}
    estimator = small(engine=engine, dtype="float64", **of_optimizer).fit(X, NUMBERS)
    loaded = reloaded(estimator, tmp_path)
    assert_array_equal(loaded.fit(X, NUMBERS).predict(X), estimator.fit(X, NUMBERS).predict(X))


DAYS = pd.date_range("2024-01-01", periods=12)
SERIES = pd.MultiIndex.from_product([["a", "b"], DAYS])
INDEXES = {name: times[:24] for name, times in TIMES.items()} | {
    "series": SERIES,
    "series of numbers": SERIES.set_levels([4, 7], level=0),
    "series in numbered rows": SERIES.set_levels(np.arange(12, dtype="uint8"), level=1),
    "series of two levels": pd.MultiIndex.from_product([["a", "b"], ["x"], DAYS]),
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


@pytest.mark.parametrize("kind", INDEXES)
def test_time_that_windows_have_learned_comes_back_from_skops_and_pickle(kind, tmp_path):
    frame = pd.DataFrame(ROWS, columns=["a", "b"], index=INDEXES[kind])
    estimator = WindowTransformer(3).fit(frame)
    for means in ("skops", "pickle"):
        copy = COPIES[means](estimator, tmp_path)
        assert_same(copy, estimator)
        assert_array_equal(copy.transform(frame), estimator.transform(frame))


TO_PANDAS = StandardScaler().set_output(transform="pandas")
WINDOWS, CENTRED = WindowTransformer(3), StandardScaler(with_mean=False)
BY_FUNCTIONS = TransformedTargetRegressor(small(), func=np.arcsinh, inverse_func=np.sinh)
PIPELINES = [
    make_pipeline(TO_PANDAS, MinMaxScaler(), RobustScaler(), "passthrough", WINDOWS, small()),
    make_pipeline(make_pipeline(CENTRED), WINDOWS, small()),
    make_pipeline(WINDOWS, BY_FUNCTIONS),
    TransformedTargetRegressor(make_pipeline(WINDOWS, small()), transformer=StandardScaler()),
    make_pipeline(FunctionTransformer(np.exp), WINDOWS, small()),
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_pipeline_comes_back_and_predicts_bitwise_the_same(pipeline, tmp_path):
    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    estimator = clone(pipeline)
    assert reloaded(estimator, tmp_path).get_params().keys() == estimator.get_params().keys()
    loaded = reloaded(estimator.fit(frame, NUMBERS), tmp_path)
    assert_array_equal(loaded.predict(frame), estimator.predict(frame))


@pytest.mark.parametrize(
    "kind",
    [
        partial(FixedThresholdClassifier, threshold=0.3),
        partial(TunedThresholdClassifierCV, cv=2, thresholds=9),
    ],
)
def test_threshold_comes_back_and_decides_the_same(kind, tmp_path):
    labels = np.where(NUMBERS > 0.5, "worn", "sound")
    estimator = kind(classifier())
    assert repr(reloaded(estimator, tmp_path)) == repr(estimator)
    loaded = reloaded(estimator.fit(X, labels), tmp_path)
    assert_array_equal(loaded.predict(X), estimator.predict(X))
    assert repr(clone(loaded)) == repr(estimator)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler()])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaler_alone_comes_back_also_from_rows_with_nan(scaler, dtype, tmp_path):
    rows = ROWS.astype(dtype)
    rows[0, 0] = np.nan
    reloaded(clone(scaler).fit(rows), tmp_path)


@pytest.mark.parametrize(
    "estimator",
    [
        RNNRegressor(("gru", "lstm"), [np.int64(4), 3], optimizer={"name": "sgd"}),
        small(mask_value=np.nan, checkpoint_dir=Path("checkpoints")),
        bare(timesteps=7, transformer=FunctionTransformer(np.log, np.exp)),
        bare(small(), calendar=["month"]),
        RNNClassifier(np.str_("gru"), class_weight=dict.fromkeys(np.unique(["a", "b"]), 2.0)),
    ],
)
def test_unfitted_estimator_comes_back_unfitted_with_values_in_their_types(estimator, tmp_path):
    with pytest.raises(NotFittedError):
        reloaded(estimator, tmp_path).predict(X)


def test_metadata_requests_come_back(tmp_path):
    with config_context(enable_metadata_routing=True):
        requests = {"sample_weight": True, "validation_data": "holdout", "groups": "group"}
        estimator = small().set_fit_request(**requests)
        skrnn.save(estimator, tmp_path / "file")
        loaded = [skrnn.load(tmp_path / "file")]
        loaded += [COPIES[means](estimator, tmp_path) for means in ("pickle", "deepcopy", "skops")]
        for each in loaded:
            assert each.get_metadata_routing().fit.requests == requests


def test_array_in_fortran_order_stays_so(tmp_path):
    arrays = [np.asfortranarray(X[0]), X[0]]
    write_file(tmp_path / "file", arrays)
    assert_same(read_file(tmp_path / "file"), arrays)


def test_parameter_that_an_older_file_lacks_has_its_default(tmp_path):
    path = tmp_path / "file"
    skrnn.save(small(min_delta=0.5), path)
    tree = read_file(path)
    del tree["estimator"]["min_delta"]
    write_file(path, tree)
    assert skrnn.load(path).min_delta == 0.0


def test_scaler_of_another_scikit_learn_warns_as_scikit_learn_does(tmp_path):
    path = tmp_path / "file"
    skrnn.save(StandardScaler().fit(ROWS), path)
    plant(path, "estimator._sklearn_version", "1.0")
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
    both = shutil.copy(path, tmp_path)
    plant(both, "estimator.oov_token", "[UNK]")
    with pytest.raises(skrnn.FileFormatError, match="oov of SequenceVectorizer"):
        skrnn.load(both)


def changed(estimator, **attributes):
    vars(estimator).update(attributes)
    return estimator


OWN_DAYS = pd.bdate_range("2024-01-01", periods=24, freq="C", holidays=["2024-01-03"])
BY_LAMBDAS = TransformedTargetRegressor(small(), func=lambda y: y, inverse_func=lambda y: y)
POWERS, BY_TANGENT = PolynomialFeatures(), FunctionTransformer(np.tan)
BY_SCORER = TunedThresholdClassifierCV(RNNClassifier(), scoring=make_scorer(f1_score))
SEARCH = GridSearchCV(small(), {"epochs": [1]}, cv=2)
TWO_LEVELS = pd.MultiIndex.from_tuples([(1, 2)])
# What cannot be stored, by the words that name it.
OF_WRONG_KIND = {
    r"RNNRegressor\.callbacks\[0\]": small(callbacks=[object()]),
    r"`RNNRegressor\.random_state`": small(random_state=np.random.RandomState(0)),
    r"\['polynomialfeatures'\]` .* PolynomialFeatures": make_pipeline(POWERS, small()),
    "type Mine": type("Mine", (RNNRegressor,), {})(),
    "must be an estimator": RNNRegressor,
    "type GridSearchCV. Its `best_estimator_` may be": SEARCH.fit(X, NUMBERS),
    "mask_value` .* complex": small(mask_value=1j),
    r"regressor\.steps\['ridge'\]": bare(linear()).fit(monthly()),
}
OF_WRONG_VALUE = {
    r"`TransformedTargetRegressor\.func` .* has no name to import it by": BY_LAMBDAS,
    r"\['functiontransformer'\]\.func` .* tan is not among log": make_pipeline(BY_TANGENT),
    "`scoring` must be a string. .* `FixedThresholdClassifier": BY_SCORER,
    "`memory` is a folder": make_pipeline(small(), memory="cache"),
    r"freq_` cannot be stored: pandas": WindowTransformer(2).fit(pd.DataFrame(ROWS, OWN_DAYS)),
    "the attribute note of RNNRegressor": changed(small().fit(X, NUMBERS), note="mine"),
    "`weights_`": changed(small().fit(X, NUMBERS), weights_=[]),
    r"static` .* column 's'": bare(static=pd.DataFrame({"s": [b"x"]}, ["y"])),
    r"static` .* rows have a MultiIndex": bare(static=pd.DataFrame({"s": [1]}, TWO_LEVELS)),
}


@pytest.mark.parametrize(
    ("error", "match", "estimator"),
    [
        *((TypeError, *case) for case in OF_WRONG_KIND.items()),
        *((ValueError, *case) for case in OF_WRONG_VALUE.items()),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name_before_anything_is_written(
    error, match, estimator, tmp_path
):
    (tmp_path / "old").write_text("as it was")
    with pytest.raises(error, match=match) as caught:
        skrnn.save(estimator, tmp_path / "old")
    assert re.search("skops or pickle|not as skrnn writes it", str(caught.value))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["as it was"]


save_windows = partial(skrnn.save, WindowTransformer())


@pytest.mark.parametrize(
    ("use", "name", "error", "match"),
    [
        (skrnn.load, "none", FileNotFoundError, "none'$"),
        (save_windows, "none/file", FileNotFoundError, "none'$"),
        (skrnn.load, "", OSError, "director"),
        (save_windows, "", IsADirectoryError, "{}'$"),
    ],
)
def test_missing_file_and_folder_raise_what_open_raises(use, name, error, match, tmp_path):
    with pytest.raises(error, match=match.format(re.escape(str(tmp_path)))):
        use(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("use", [save_windows, skrnn.load])
@pytest.mark.parametrize("path", [0, None, b"file"])
def test_path_of_another_kind_is_refused_by_name(use, path):
    with pytest.raises(TypeError, match=r"`path` must be a str or a pathlib\.Path, got"):
        use(path)


def test_path_may_be_text_and_a_tilde_in_it_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # of Windows
    skrnn.save(small(checkpoint_dir="~/checkpoints").fit(X, NUMBERS), "~/file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "file"]
    assert skrnn.load("~/file").checkpoint_dir == "~/checkpoints"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_file_has_the_permissions_that_open_gives_and_keeps_others(tmp_path):
    path = tmp_path / "file"
    (tmp_path / "opened").touch()
    save_windows(path)
    assert path.stat().st_mode == (tmp_path / "opened").stat().st_mode
    path.chmod(0o640)
    save_windows(path)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_link_still_points_to_the_file_that_is_replaced(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    save_windows(tmp_path / "link")
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
    ("kills", "least"), [(30, 1), pytest.param(200, 20, marks=pytest.mark.slow)]
)
def test_kill_while_saving_leaves_a_whole_file(kills, least, tmp_path):
    """At random moments, some of which must lie within the writing of a file."""
    for name, seed in (("a", 0), ("b", 1)):
        wide = small(cell_type="gru", hidden_size=128, random_state=seed).fit(X, NUMBERS)
        skrnn.save(wide, tmp_path / name)
    assert int(run(KILLED, tmp_path, kills)) >= least


def test_file_saved_with_a_key_loads_with_it_and_without(tmp_path):
    estimator = small().fit(X, NUMBERS)
    reloaded(estimator, tmp_path, key="sesame")
    for key in (b"sesame", None):
        assert_same(skrnn.load(tmp_path / "estimator.skrnn", key=key), estimator)


@pytest.mark.parametrize(("saved", "match"), [(None, "not signed"), ("other", "another key")])
def test_file_without_the_key_is_refused(saved, match, tmp_path):
    save_windows(tmp_path / "file", key=saved)
    with pytest.raises(skrnn.FileFormatError, match=match):
        skrnn.load(tmp_path / "file", key="sesame")


@pytest.mark.parametrize(("key", "error"), [("", ValueError), (b"", ValueError), (3, TypeError)])
def test_key_that_is_none_is_refused(key, error, tmp_path):
    for use in (save_windows, skrnn.load):
        with pytest.raises(error, match="`key` must"):
            use(tmp_path / "file", key=key)


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


def through_joblib(mmap_mode):
    def copy(estimator, folder):
        path = folder / f"{id(estimator)}.joblib"  # not the file that an earlier copy maps
        joblib.dump(estimator, path)
        return joblib.load(path, mmap_mode=mmap_mode)

    return copy


def through_skops(estimator, folder):
    path = folder / "file.skops"
    skops.io.dump(estimator, path)
    return skops.io.load(path, trusted=skrnn.trusted_types)


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
