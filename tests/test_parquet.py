"""Parquet by its row groups, as the guide has it."""

import re
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from fits import assert_same_training
from numpy.testing import assert_array_equal
from processes import ROOT

from skrnn import RNNClassifier, RNNRegressor, make_windows, window_blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("pyarrow") is None, reason="`pip install -e .[slow]` brings pyarrow"
    ),
    # Of Dask's own, which resets an index as pandas 3.1 advises against.
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index"),
]

CHAPTER = ROOT / "examples" / "guide" / "plot_6_serving_and_scale.py"
RNG = np.random.default_rng(0)
SERIES = np.cumsum(RNG.normal(size=(500, 2)), axis=0)
SAMPLES = pd.DataFrame(RNG.normal(size=(120, 6)), columns=list("abcdef"))
LABELS = np.where(SAMPLES["f"] > SAMPLES["a"], "up", "down")


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    """Row groups of which no number of windows is whole."""
    monkeypatch.chdir(tmp_path)
    series = pd.DataFrame(SERIES, columns=["load", "heat"])
    series.to_parquet("series.parquet", row_group_size=37)
    SAMPLES.assign(label=LABELS).to_parquet("samples.parquet", row_group_size=50)


def dask_series():
    import dask.dataframe

    return dask.dataframe.read_parquet("series.parquet", split_row_groups=True)


def network(kind):
    return kind("gru", 4, epochs=2, shuffle=False, dtype="float64", random_state=0)


def test_guide_learns_from_parquet_what_fit_learns_from_arrays():
    blocks = re.findall(
        r"^# \.\. code-block:: python\n((?:#\n|# {4}.*\n)+)", CHAPTER.read_text("utf-8"), re.M
    )
    (code,) = [block for block in blocks if "parquet" in block]
    names = {
        "classifier": network(RNNClassifier),
        "regressor": network(RNNRegressor),
        "window_blocks": window_blocks,
    }
    exec(re.sub("^# {0,4}", "", code, flags=re.M), names)
    assert_same_training(names["classifier"], network(RNNClassifier).fit(SAMPLES, LABELS))
    assert_same_training(names["regressor"], network(RNNRegressor).fit(*make_windows(SERIES, 24)))


@pytest.mark.parametrize("rows", [10, 37, 100])
def test_windows_run_on_from_one_row_group_into_the_next(rows):
    series = dask_series().to_dask_array(lengths=True)
    assert series.numblocks == (14, 1)
    blocks = window_blocks(series, 8, 2, target=series[:, 0], n_outputs=3, rows=rows)
    found = map(np.concatenate, zip(*blocks, strict=True))
    expected = make_windows(SERIES, 8, 2, target=0, n_outputs=3)
    for array, values in zip(found, expected, strict=True):
        assert_array_equal(array, values)


def test_frame_of_dask_is_told_how_to_become_an_array():
    with pytest.raises(TypeError, match="`series` must be an array, got a DataFrame of Dask"):
        window_blocks(dask_series(), 8)
    with pytest.raises(TypeError, match=r"`target` .* got a Series of .*lengths=True"):
        window_blocks(SERIES, 8, target=dask_series()["heat"])
