"""Files that skrnn.load must refuse: corrupt ones, and malicious ones.

Forged files are built here from the documented layout, with a right checksum.
"""

import base64
import hashlib
import json
import marshal
import os
import pickle
import random
import struct
import zipfile
from pathlib import Path
from typing import Literal

import joblib
import numpy as np
import pandas as pd
import pytest
from forecasting import bare
from probes import peak_bytes, plant
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skrnn
from skrnn import FileFormatError, RNNClassifier, RNNRegressor, WindowTransformer
from skrnn._utils.field_types import Positive64, Size, fits
from skrnn._utils.file_format import read_file

ROWS = pd.DataFrame(
    np.random.default_rng(0).normal(size=(12, 2)),
    index=pd.date_range("2024-01-01", periods=12, tz="Europe/Berlin"),
)


@pytest.fixture(scope="module")
def pipeline_file(tmp_path_factory):
    network = RNNClassifier("gru", 1, epochs=1, optimizer="sgd", learning_rate=None, random_state=0)
    pipeline = make_pipeline(
        StandardScaler().set_output(transform="pandas"), WindowTransformer(2), network
    )
    path = tmp_path_factory.mktemp("pipeline") / "file"
    skrnn.save(pipeline.fit(ROWS, list("abcabcabcabc")), path)
    skrnn.load(path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path, pipeline_file):
    """A good file of a small fitted pipeline."""
    (tmp_path / "file").write_bytes(pipeline_file)
    return tmp_path / "file"


@pytest.fixture(scope="module")
def forecaster_file(tmp_path_factory):
    forecaster = bare(
        RNNRegressor("gru", 1, epochs=1, random_state=0),
        baseline="stacked",
        season=1,
        timesteps=2,
        calendar=("hour",),
        transformer=StandardScaler(),
        static=pd.DataFrame({"size": [1, 2]}),
        calibration=2,
    )
    exog = pd.DataFrame({"x": np.arange(12.0)}, index=ROWS.index)
    path = tmp_path_factory.mktemp("forecaster") / "forecaster"
    skrnn.save(forecaster.fit(ROWS, exog), path)
    skrnn.load(path)
    return path.read_bytes()


@pytest.fixture
def forecaster_path(tmp_path, forecaster_file):
    """A good file of a small fitted forecaster."""
    (tmp_path / "forecaster").write_bytes(forecaster_file)
    return tmp_path / "forecaster"


def forged(path, header, arrays=b"", *, magic=b"\x89skrnn\r\n", number=1, sizes=None):
    """Write a file of this header with a right checksum; `sizes` may lie."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    fixed = struct.pack("<8sQQQ", magic, number, *(sizes or (len(header), len(arrays))))
    digest = hashlib.sha256(fixed + bytes(32) + header + arrays).digest()
    path.write_bytes(fixed + bytes(32) + digest + header + arrays)


def parts(path):
    """Return the header of a good file as parsed JSON, and the bytes of its arrays."""
    data = path.read_bytes()
    header_size = struct.unpack_from("<8sQQQ", data)[2]
    return json.loads(data[96 : 96 + header_size]), data[96 + header_size :]


def test_each_of_300_flipped_bits_is_refused(path):
    data = path.read_bytes()
    for place in random.Random(0).sample(range(8 * len(data)), 300):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        with pytest.raises(FileFormatError):
            skrnn.load(path)


def test_file_cut_short_anywhere_is_refused(path):
    for size in reversed(range(path.stat().st_size)):
        os.truncate(path, size)
        with pytest.raises(FileFormatError):
            skrnn.load(path)


def append(path, data):
    path.write_bytes(path.read_bytes() + data)


SPOILED = [
    (lambda path: path.write_bytes(b"no network"), "file .* not a skrnn file"),
    (lambda path: forged(path, *parts(path), number=2), r"format 2, .* up to 1\. Read it with the"),
    (lambda path: forged(path, {"scalar": "int8"}, b"\1" * 64), "between two arrays"),
    (lambda path: append(path, b"\0"), "trailing data after the end"),
    (lambda path: append(path, bytes(64)), "trailing data after the end"),
    (lambda path: append(path, path.read_bytes()), "trailing data after the end"),
]


@pytest.mark.parametrize(("spoil", "reason"), SPOILED)
def test_error_is_a_value_error_that_says_why_and_what_to_do(spoil, reason, path):
    spoil(path)
    with pytest.raises(FileFormatError, match=reason) as caught:
        skrnn.load(path)
    assert isinstance(caught.value, ValueError)


def test_forged_copy_of_a_good_file_loads(path):
    """The other forged files are thus refused for what is wrong in them."""
    forged(path, *parts(path))
    assert isinstance(skrnn.load(path)[-1], RNNClassifier)


class Touch:
    """An object whose unpickling makes a file."""

    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


def write_zip(file, members):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def write_lambda(canary, file):
    """Write a .keras file whose Lambda layer touches the canary."""
    code = compile(f"__import__('pathlib').Path({str(canary)!r}).touch()", "", "eval")
    function = {"code": base64.b64encode(marshal.dumps(code)).decode(), "defaults": None}
    config = {"function": {"class_name": "__lambda__", "config": function}}
    layers = [{"class_name": "Lambda", "config": config}]
    model = {"class_name": "Sequential", "config": {"layers": layers}}
    write_zip(file, {"config.json": json.dumps(model), "metadata.json": "{}"})


HOSTILE = {
    "pickle": lambda canary, file: pickle.dump(Touch(canary), file),
    "joblib": lambda canary, file: joblib.dump(Touch(canary), file),
    "npz of objects": lambda canary, file: np.savez(file, np.array([Touch(canary)], dtype=object)),
    "keras Lambda": write_lambda,
    "zip": lambda canary, file: write_zip(file, {"/etc/passwd": "root", "estimator": "{}"}),
    "script": lambda canary, file: file.write(f"#!/bin/sh\ntouch {canary}\n".encode()),
}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("kind", HOSTILE)
def test_file_that_runs_code_elsewhere_is_refused_and_runs_none(kind, wrapped, tmp_path):
    canary, path = tmp_path / "canary", tmp_path / "file"
    with open(path, "wb") as file:
        HOSTILE[kind](canary, file)
    if wrapped:  # as the header or the arrays of a file that is otherwise whole
        data = path.read_bytes()
        forged(path, {"tuple": []}, data)
        with pytest.raises(FileFormatError):
            skrnn.load(path)
        forged(path, data)
    with pytest.raises(FileFormatError):
        skrnn.load(path)
    assert not canary.exists()


TERA = 2**40
LYING_ARRAYS = {
    "terabytes": {"array": ["float64", [TERA], "C"]},
    "more than an int holds": {"array": ["float64", [TERA, TERA, TERA], "C"]},
    "no elements of a giant shape": {"array": ["float64", [0, TERA, TERA], "C"]},
    "negative": {"array": ["float64", [-1], "C"]},
    "true": {"array": ["float64", [True], "C"]},
    "less than there is": {"array": ["float64", [0], "C"]},
    "too many dimensions": {"array": ["float64", [1] * 65, "C"]},
    "objects": {"array": ["object", [8], "C"]},
    "text": {"array": ["U1000000000", [1], "C"]},
    "other order": {"array": ["float64", [8], "A"]},
    "invalid dtype": {"array": [["float64"], [8], "C"]},
    "invalid shape": {"array": ["float64", 8, "C"]},
    "two members": {"array": ["float64", [8], "C"], "dict": {}},
    "no order": {"array": ["float64", [8]]},
    "invalid bool": {"array": ["bool", [64], "C"]},
    "invalid scalar": {"scalar": ["float64"]},
}


def assert_refused_without_memory(path, match):
    def refuse():
        with pytest.raises(FileFormatError, match=match):
            read_file(path)

    assert peak_bytes(refuse) < 2**20


@pytest.mark.parametrize("lie", LYING_ARRAYS)
def test_array_that_lies_is_refused_without_memory(lie, tmp_path):
    forged(tmp_path / "file", LYING_ARRAYS[lie], bytes([2]) * 64 if "bool" in lie else bytes(64))
    assert_refused_without_memory(tmp_path / "file", "malformed")


@pytest.mark.parametrize("sizes", [(TERA, 0), (2, TERA), (2**64 - 1, 3), (2**64 - 97, 1), (0, 0)])
def test_prologue_that_lies_is_refused_without_memory(sizes, tmp_path):
    forged(tmp_path / "file", b"[]", sizes=sizes)
    assert_refused_without_memory(tmp_path / "file", "bytes instead of")


HEADERS = {
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"tuple":[' * 50_000 + b"]}" * 50_000,
    "deep and open": b"[" * 10_000_000,
    "deep after text": b'["\\"[[[", ' + b"[" * 101 + b"]" * 102,
    "name twice": b'{"dict": {"a": 1, "a": 2}}',
    "tag twice": b'{"tuple": [], "tuple": []}',
    "unknown tag": b'{"py/object": "os.system"}',
    "not finite": b"[NaN, Infinity]",
    "beyond float": b"1e999",
    "other float": b'{"float": "1e5"}',
    "other text": '"\u00fc"'.encode(),
    "UTF-16": json.dumps([]).encode("utf-16"),
    "endless number": b"1" * 10_000,
    "nothing": b"",
    "text after": b"[] []",
    "list for a dict": b'{"dict": []}',
    "dict for a tuple": b'{"tuple": {"dict": {}}}',
    "empty object": b"{}",
}


@pytest.mark.parametrize("kind", HEADERS)
def test_header_that_skrnn_never_writes_is_refused(kind, tmp_path):
    forged(tmp_path / "file", HEADERS[kind])
    for read in (read_file, skrnn.load):
        with pytest.raises(FileFormatError):
            read(tmp_path / "file")


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (int, 1, [True, np.int64(1), 1.0]),
        (Size, np.int64(1), [True, 0, -1, 1.0, "1"]),
        (float | None, 1, ["1", 1j]),
        (Literal["keras", "native", "numpy"], "keras", ["auto", ["keras"], None]),
        (tuple[tuple[str, float], ...], (("a", 1.0),), [("a", 1.0), (("a",),), [("a", 1.0)]]),
        (dict[str, list[float]], {"a": [1.0]}, [{1: [1.0]}, {"a": 1.0}, {"a": [None]}]),
        (Positive64, np.ones(2), [np.ones(2, "float32"), np.zeros(2), np.ones((2, 1)), [1.0]]),
    ],
)
def test_annotation_tells_right_values_from_wrong_ones(kind, right, wrong):
    assert fits(right, kind)
    assert not any(fits(value, kind) for value in wrong)


# What replaces values of a good file, by the path of a node and the paths in that node.
FROM_PIPELINE = {
    "estimator.steps.values.2": {
        "class": [
            *("os.system", "sklearn.ensemble.RandomForestClassifier", "__import__"),
            *("RNNRegressor", "Architecture", ["RNNRegressor"], np.zeros(0), np.zeros(3)),
        ],
        "predict __class__ _parameter_constraints note _architecture.extra": ["unknown"],
        "engine_ _settings.optimizer": ["os.system", "auto"],
        "_asked_engine": ["../engine"],
        "_architecture.activation _architecture.dtype": ["os.system", "eval", "object"],
        "weights_ _architecture": [[], None],
        "weights_.0": [np.zeros((9, 9), "float32"), np.zeros((2, 3)), "../../weights"],
        "optimizer_state_": [[np.array(0)]],
        "classes_": [np.arange(2), np.array([2, 1, 0]), np.arange(3.0)[:, np.newaxis]],
        "n_features_in_ n_outputs_": [7, 10**9],
        "input_shape_": [(9, 9)],
        "checkpoint_dir": [{"class": "path", "text": 1}],
        "loss": [{"class": "text", "text": ["mse"]}],
        "history_": [
            {"class": "dict", "keys": ["loss"], "values": [[1.0] * 9]},
            {"class": "dict", "keys": [[]], "values": [[1.0]]},
            {"class": "dict", "keys": ["a", "a"], "values": [[1.0], [1.0]]},
        ],
        "_scaling": [{"class": "WindowTransformer"}],
        "_scaling.x_mean _scaling.y_mean": [np.zeros(3)],
        "_settings.batch_size": [0],
        "_architecture.units": [(TERA,), (1, 1), (), (-1,)],
        "_architecture.cell_types": [("transformer",)],
        "_architecture.vocab_size": [TERA],
        "_architecture.stateful": [True],
        "_architecture.flagged": [(0,), (-1,)],
        "_architecture.fills_missing": [1],
    },
    "estimator.steps.values.1": {
        "means_": [np.zeros(3)],
        "freq_": ["D", {"class": "offset", "n": 1, "steps": "months"}],
        "freq_.name": ["os.system"],
        "time_dtype_": [{"class": "time_dtype", "name": "O"}],
        "time_dtype_.zone": "dateutil//dev/zero ../../etc/passwd /etc/passwd Nowhere/City".split(),
        "time_dtype_.unit": ["D"],
        "tails_": [{"class": "dict", "keys": [None], "values": [None]}],
        "tails_.values.0.0.ticks": [2**70, "now"],
        "tails_.values.0.0.unit": ["Y"],
    },
    "estimator.steps.values.0": {
        "mean_": [np.zeros(9), np.zeros(2, dtype="int64")],
        "func": [{"class": "ufunc", "name": "system"}],
        "_sklearn_output_config": [{"class": "dict", "keys": ["a"], "values": ["b"]}],
    },
    "estimator": {
        "memory": ["some/cache"],
        "steps": [[]],
        "steps.values.1": ["a step", {"class": "ufunc", "name": "exp"}],
        "steps.keys.1": [7],
    },
    "": {
        "estimator": [
            {"class": "ufunc", "name": "exp"},
            {"class": "array", "codes": np.full((1, 1), 2**31, "uint32")},
            [1],
            None,
        ],
        "content": ["pickle", "something else", np.zeros(3)],
    },
}
RANGE = {"class": "range", "start": 0, "stop": 12, "step": 1, "name": None}
FROM_FORECASTER = {
    "estimator": {
        "class": ["RNNRegressor"],
        "note": [1],
        "regressor_ _model _panel": [None],
        "allow_missing _allow_missing": ["yes"],
        "scales_": [np.ones(3), np.zeros(2)],
        "static.values.0": [np.ones(TERA // 2**30)],
        "static.values": [
            [{"class": "dict", "keys": ["codes"], "values": [np.zeros(2, int)]}],
            [{"class": "dict", "keys": ["categories", "codes"], "values": [["a"], np.full(2, 9)]}],
        ],
        "static.rows": ["ab"],
        "static.columns": [[[], []]],
    },
    "estimator._panel": {
        "form": ["deep", "series"],
        "labels": [[0, 0], [0], [], [[], {}]],
        "level_names": [[]],
        "step": [None, 1],
        "step.name": ["2D"],
        "times": [[], [RANGE], [{"class": "integers", "ticks": np.arange(12), "name": None}]],
        "times.0": ["2024"],
        "times.0.ticks": [
            *(np.full(12, tick) for tick in (0, -(2**63), 2**63 - 1, 0.0)),
            *(np.arange(12), None),
        ],
        "times.0.dtype": [{"class": "time_dtype", "name": "m8[us]"}],
        "times.0.dtype.zone": ["../../etc/passwd"],
        "times.0.name": [[]],
        "times_of": [[0, 9], ["0", 0]],
        "values": [
            *(np.zeros(9), np.zeros((12, 2)), np.zeros(24, "float32")),
            *(np.full(24, np.nan), np.where(np.arange(24) == 5, np.nan, 1.0)),
        ],
        "exog": [np.zeros((24, 2))],
        "exog_names": [["x", "y"]],
        "exog_categories": [
            [1],
            {"class": "dict", "keys": ["nothing"], "values": [["a"]]},
            {"class": "dict", "keys": ["x"], "values": [["a", "b"]]},
        ],
        "past_exog": [["nothing"], "x", [[]]],
    },
    "estimator._model": {
        "regressors": [[], [{"class": "WindowTransformer"}], [{"class": "RNNRegressor"}]],
        "shares": [np.ones(2), -np.ones(1), np.full(1, np.nan)],
        "regressor": [{"class": "RNNRegressor"}],
        "settings": [1],
        "season": [0],
        "scales": [np.ones(3), -np.ones(2)],
        "residuals": [np.zeros((4, 2)), -np.ones((4, 1)), {"class": "Plan"}],
        "residuals.errors": [np.zeros((4, 2)), np.full((24, 1), np.inf)],
        "residuals.series": [np.full(9, 7), np.zeros(9), np.zeros(1, int)],
        "residuals.kind": ["logs", "logarithms"],
        "residuals.rows": [-1, 0.5],
        "residuals.sizes": [np.ones((3, 1)), -np.ones((2, 1))],
        "residuals.floors": [np.ones((3, 2))],
        "residuals.ends": [(0.1, 0.9), (0, 1), 1],
        "residuals.arrived.series": [np.zeros(1, int)],
        "residuals.arrived.errors": [np.zeros((1, 1)), np.zeros((0, 2))],
        "shorter": [1, {"class": "GlobalModel"}, {"class": "Panel"}],
        "extra": [1],
        "plan.timesteps": [TERA, 3],
        "plan.outputs": [2],
        "plan.steps": [9],
        "plan.scale": ["series", 2],
        "plan.fill": ["forward", True],
        "plan.fill_season": [0],
        "plan.reads_gaps": [1],
        "plan.exog_means": [np.zeros((2, 1))],
        "plan.year": [2],
        "plan.by_window": [False],
        "plan.calendar": [("asi8",), ("hour", "minute")],
        "plan.static": [np.zeros((3, 1)), np.full((2, 1), np.inf)],
        "plan.static_names": [["a", "b"], [[]]],
        "plan.static_categories": [{"class": "dict", "keys": ["nothing"], "values": [["a"]]}],
        "plan.dtype": ["os.system", "longdouble"],
        "plan.level.lag": [1],
        "plan.level.lags": [(-1,), (99,), (True,)],
        "plan.level.means": [np.zeros(3), np.full(2, np.nan)],
        "plan.level.deviations": [np.zeros(2)],
        "plan.level.transformer": [{"class": "WindowTransformer"}],
        "baseline": [{"class": "Panel"}, {"class": "Baseline"}],
        "baseline.seasons": [(0,), (12, 12)],
        "baseline.positions": [np.zeros(1, int), np.zeros(2)],
        "baseline.season": [0],
        "baseline.outputs": [2],
        "baseline.min_history": [TERA, 0],
        "baseline.candidates": [
            [],
            [1],
            [{"class": "dict", "keys": ["unit"], "values": ["values"]}],
        ],
        "baseline.candidates.0.values.0 baseline.candidates.0.values.1": ["words"],
        "baseline.maps": [np.zeros((1, 1, 1)), np.zeros(3)],
        "baseline.shares": [np.ones((2, 2)), np.full((1, 1), np.nan)],
        "baseline.known_means": [np.zeros(1)],
        "baseline.known_deviations": [np.zeros(3)],
        "baseline.scales.means": [np.zeros(3), np.full(2, np.inf)],
        "baseline.scales.log_deviations": [np.ones(3), -np.ones(2)],
    },
}
LIES = [
    pytest.param(file, f"{node}.{place}".strip("."), lie, id=f"{file}.{node}.{place}-{i}")
    for file, nodes in (("path", FROM_PIPELINE), ("forecaster_path", FROM_FORECASTER))
    for node, places_in_node in nodes.items()
    for places, lies in places_in_node.items()
    for place in places.split()
    for i, lie in enumerate(lies)
]


@pytest.mark.parametrize(("file", "place", "lie"), LIES)
def test_lie_with_a_right_checksum_is_refused(file, place, lie, request):
    path = request.getfixturevalue(file)
    plant(path, place, lie)
    with pytest.raises(FileFormatError):
        skrnn.load(path)


ODD = (None, True, -1, 0, 2**70, 1.5, "", "os.system", [], {"tuple": []}, {"dict": {}})


def nodes(node):
    """Yield each list or dict of parsed JSON with each of its keys."""
    for key in range(len(node)) if isinstance(node, list) else node:
        yield node, key
        if isinstance(node[key], (list, dict)):
            yield from nodes(node[key])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("file", ["path", "forecaster_path"])
def test_500_random_edits_of_the_header_are_refused_or_harmless(file, request):
    """Another parameter or number may load; the only error is FileFormatError."""
    path, rng, refused = request.getfixturevalue(file), random.Random(0), 0
    for _ in range(500):
        header, arrays = parts(path)
        for _ in range(rng.randint(1, 2)):
            owner, key = rng.choice(list(nodes(header)))
            owner[key] = rng.choice(ODD)
        forged(path.with_name("edited"), header, arrays)
        try:
            skrnn.load(path.with_name("edited"))
        except FileFormatError:
            refused += 1
    assert refused > 300
