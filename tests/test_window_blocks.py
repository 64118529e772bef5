"""window_blocks: together its blocks hold the windows of make_windows, each once."""

import dask.array
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skrnn import make_windows, window_blocks

RNG = np.random.default_rng(0)
SERIES = RNG.normal(size=(90, 3))
UNKNOWN = dask.array.from_array(SERIES)
UNKNOWN = UNKNOWN[UNKNOWN[:, 0] < 9]  # Dask does not know how many rows that leaves


def joined(blocks):
    """Return the windows and the targets of all blocks."""
    return tuple(np.concatenate(arrays) for arrays in zip(*blocks, strict=True))


def assert_windows_of(series, blocks, **how):
    for found, expected in zip(joined(blocks), make_windows(series, **how), strict=True):
        assert_array_equal(found, expected)


@given(
    n_rows=st.integers(20, 90),
    timesteps=st.integers(1, 9),
    horizon=st.integers(0, 4),
    stride=st.integers(1, 7),
    n_outputs=st.integers(1, 4),
    rows=st.integers(1, 100),
    target=st.sampled_from([None, 1, [0, 2]]),
)
def test_blocks_hold_each_window_once(n_rows, target, rows, **settings):
    series = SERIES[:n_rows]
    blocks = window_blocks(series, target=target, rows=rows, **settings)
    assert_windows_of(series, blocks, target=target, **settings)
    assert len(list(blocks)) == len(blocks)
    assert_array_equal(blocks[-1][0], list(blocks)[-1][0])


@pytest.mark.parametrize("target", [None, 2, RNG.normal(size=90), RNG.normal(size=(90, 2))])
@pytest.mark.parametrize(
    "kind", ["memmap", "fortran", "part", "turned", "copy on write", "dask", "h5py", "by number"]
)
def test_rows_are_read_from_any_storage(kind, target, tmp_path):
    series = dask.array.from_array(SERIES, chunks=(17, 3))
    if kind == "by number":
        series = RowsByNumber(SERIES)
    elif kind == "h5py":
        series = h5py.File(tmp_path / "series.h5", "w").create_dataset("series", data=SERIES)
    elif kind != "dask":
        shape, order = (100 if kind == "part" else 90, 3), "F" if kind == "fortran" else "C"
        series = np.memmap(tmp_path / "series", float, "w+", 24, shape, order)
        series[-90:] = SERIES
    if kind == "part":
        series = np.asarray(series.reshape(-1)[30:].reshape(90, 3))
    elif kind == "turned":
        series[:] = SERIES[::-1, ::-1]
        series = series[::-1, ::-1]
    elif kind == "copy on write":
        series[:] = 0
        series = np.memmap(tmp_path / "series", float, "c", 24, shape)
        series[:] = SERIES
    by_number = kind == "by number" and isinstance(target, np.ndarray)
    asked = RowsByNumber(target) if by_number else target
    blocks = window_blocks(series, 7, target=asked, rows=20)
    assert_windows_of(SERIES, blocks, timesteps=7, target=target)


HOURS = pd.date_range("2024", periods=45, freq="h")
GAPPED = pd.DataFrame(
    SERIES, pd.MultiIndex.from_product([["a", "b"], HOURS]), columns=["x", "y", "z"]
).drop([("a", HOURS[5]), ("b", HOURS[3]), ("b", HOURS[30]), ("b", HOURS[31])])


@pytest.mark.parametrize("target", [None, "y", GAPPED["z"], GAPPED["z"].to_numpy()])
@pytest.mark.parametrize("rows", [1, 7, 500])
@pytest.mark.parametrize("stride", [1, 3, 40])
def test_blocks_of_pandas_cross_no_gap(target, rows, stride):
    settings = {"timesteps": 4, "n_outputs": 2, "stride": stride, "target": target}
    blocks = window_blocks(GAPPED, rows=rows, **settings)
    expected = make_windows(GAPPED, **settings)
    for found, array in zip(joined(blocks), expected, strict=True):
        assert_array_equal(found, array)
    assert all(len(X) for X, _ in blocks)


class RowsByNumber:
    """No more than window_blocks asks of a series."""

    def __init__(self, values):
        self.shape, self.read = values.shape, values.__getitem__

    def __getitem__(self, rows):
        return self.read(rows)


class DaskFrame:
    """As one of Dask, which has no rows by number."""

    to_dask_array = None


def test_windows_of_a_block_are_a_view_of_its_rows():
    X, _ = window_blocks(SERIES, 8, rows=50)[0]
    assert np.shares_memory(X[0, 1:], X[1, :-1])


def test_series_of_one_dimension_has_one_feature():
    X, y = window_blocks(np.arange(9.0), 3, rows=100)[0]
    assert X.shape == (6, 3, 1)
    assert_array_equal(y, range(3, 9))


@pytest.mark.parametrize(
    ("series", "settings", "error", "message"),
    [
        (SERIES, {"rows": 0}, ValueError, "`rows` must be at least 1, got 0"),
        (SERIES, {"horizon": 2.5}, TypeError, "`horizon` must be an int, got 2.5"),
        (SERIES[:5], {}, ValueError, r"at least 8 rows \(timesteps \+ horizon .*, got 5"),
        (SERIES, {"target": np.zeros(7)}, ValueError, "aligned with the 90 rows .*, got the sh"),
        (list(SERIES), {}, TypeError, r"`series` must be an array of shape \(n_rows,\)"),
        (pd.DataFrame(SERIES), {"freq": "D"}, ValueError, "`freq` needs times"),
        (SERIES, {"freq": "D"}, ValueError, "`freq` needs times"),
        (
            GAPPED,
            {"timesteps": 50},
            ValueError,
            "at least 51 rows.*got 39 in its longest.* step is h",
        ),
        (GAPPED, {"freq": "30min"}, ValueError, "got 1 in its longest run.* step is 30min"),
        (GAPPED.swaplevel(), {}, ValueError, r"times first.*series\.swaplevel"),
        (DaskFrame(), {}, TypeError, r"a DaskFrame of Dask. Pass its `to_dask_array"),
        (SERIES * np.nan, {}, ValueError, "NaN"),
        (UNKNOWN, {}, ValueError, r"known number of rows, got the shape \(nan, 3\)"),
        (SERIES, {"target": UNKNOWN}, ValueError, "aligned with the 90 rows"),
    ],
)
def test_bad_series_is_refused(series, settings, error, message):
    with pytest.raises(error, match=message):
        joined(window_blocks(series, **({"timesteps": 7} | settings)))
