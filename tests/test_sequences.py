"""Sequences, their rows and moments, against plain NumPy on copied windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from skrnn._data.samples import Dataset
from skrnn._data.scaling import fit_scaling
from skrnn._data.sequences import (
    Sequences,
    merged_moments,
    moments,
    padded,
    step_mask,
    underlying_rows,
    unpadded,
)
from skrnn._data.targets import Targets


def windows_of(n_rows, timesteps, stride=1):
    rows = np.random.default_rng(n_rows).normal(3.0, 5.0, size=(n_rows, 2))
    return rows, sliding_window_view(rows, timesteps, axis=0).swapaxes(1, 2)[::stride]


def mean_and_deviation(sequences, weights):
    """Return mean and deviation of a single part."""
    return merged_moments([moments(sequences, weights)])


@given(
    n_rows=st.integers(8, 40),
    timesteps=st.integers(1, 8),
    stride=st.integers(1, 3),
    masked=st.booleans(),
    seed=st.integers(0, 100),
)
def test_moments_of_windows_equal_those_of_copied_windows(n_rows, timesteps, stride, masked, seed):
    rng = np.random.default_rng(seed)
    rows, windows = windows_of(n_rows, timesteps, stride)
    if masked:
        rows[rng.random(n_rows) < 0.3] = np.nan
        rows[0] = 0.5
    weights = rng.random(len(windows)) + 0.1
    flat = windows.reshape(-1, 2)
    repeated = np.repeat(weights, timesteps)
    mask = ~np.isnan(flat).all(axis=1)
    if not mask.any():
        return
    flat, repeated = flat[mask], repeated[mask]
    expected = np.average(flat, axis=0, weights=repeated)
    variance = np.average((flat - expected) ** 2, axis=0, weights=repeated)
    sequences = Sequences(windows, mask_value=np.nan if masked else None)
    mean, deviation = mean_and_deviation(sequences, weights)
    np.testing.assert_allclose(mean, expected, rtol=1e-9)
    np.testing.assert_allclose(deviation, np.where(variance > 1e-18, np.sqrt(variance), 1), 1e-6)


def test_moments_by_timestep_weigh_each_timestep():
    _, windows = windows_of(20, 4)
    weights = np.random.default_rng(0).random((len(windows), 4))
    mean, _ = mean_and_deviation(Sequences(windows), weights)
    np.testing.assert_allclose(mean, np.average(windows, axis=(0, 1), weights=weights))


def test_moments_of_a_constant_feature_have_deviation_one():
    values = np.full((30, 5, 1), 0.1)
    _, deviation = mean_and_deviation(Sequences(values), np.linspace(0.1, 1, 30))
    assert deviation == [1.0]


@pytest.mark.parametrize("factor", [2.0**-1000, 2.0**-500, 2.0**500, 2.0**1000])
def test_moments_of_very_small_and_very_large_numbers_scale_with_them(factor):
    X, weights = np.random.default_rng(0).normal(1.0, size=(20, 4, 2)), np.ones(20)
    found = mean_and_deviation(Sequences(X * [factor, 1.0]), weights)
    expected = np.multiply(mean_and_deviation(Sequences(X), weights), [factor, 1.0])
    np.testing.assert_array_equal(found, expected)


def test_moments_ignore_samples_of_zero_weight_however_large():
    X = np.random.default_rng(0).normal(size=(20, 4, 2))
    X[5] = 1e300
    found = mean_and_deviation(Sequences(X), (np.arange(20) != 5).astype(float))
    np.testing.assert_allclose(
        found, mean_and_deviation(Sequences(np.delete(X, 5, axis=0)), np.ones(19))
    )


@pytest.mark.parametrize("factor", [2.0**-1000, 1.0, 2.0**1000])
@pytest.mark.parametrize("cuts", [[], [13], [1, 2, 39], range(1, 40)])
def test_moments_of_parts_are_merged_to_those_of_all(cuts, factor):
    rng = np.random.default_rng(0)
    X, weights = rng.normal(50.0, size=(40, 4, 2)) * [factor, 1.0], rng.random(40)
    X[:, :, 1] = 0.1
    weights[39] = 0
    parts = zip(np.split(X, cuts), np.split(weights, cuts), strict=True)
    found = merged_moments([moments(Sequences(x), weight) for x, weight in parts])
    np.testing.assert_allclose(found, mean_and_deviation(Sequences(X), weights), rtol=1e-12)
    assert found[1][1] == 1


def test_underlying_rows_of_overlapping_windows_are_a_view_of_their_rows():
    rows, windows = windows_of(30, 6)
    under, step = underlying_rows(windows)
    assert step == 1
    assert np.shares_memory(under, rows)
    np.testing.assert_array_equal(under, rows)


@pytest.mark.parametrize("order", ["C", "F"])
def test_underlying_rows_of_an_array_are_its_timesteps(order):
    values = np.asarray(np.random.default_rng(0).random((5, 4, 3)), order=order)
    rows, step = underlying_rows(values)
    assert step == 4
    np.testing.assert_array_equal(rows, values.reshape(20, 3))


def test_scaling_is_reversible():
    rng = np.random.default_rng(0)
    X, y = rng.normal(7, 3, (40, 5, 2)), rng.normal(-2, 4, (40, 3))
    data = Dataset(Sequences(X), Targets(y, (3,), "linear", "mse"), np.ones(40), None)
    scaling = fit_scaling([data], scale_x=True, scale_y=True)
    standardized = scaling.standardize_y(y, "float64")
    np.testing.assert_allclose(standardized.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaling.standardize_x(X).std(axis=(0, 1)), 1)
    np.testing.assert_allclose(scaling.restore_y(standardized), y)


def test_mask_value_beyond_the_dtype_masks_nothing():
    values = np.array([[[0.0], [1.0], [np.nan]]], dtype=np.float16)
    assert step_mask(values, -99999.0).tolist() == [[True, True, False]]


def test_unpadded_undoes_padded():
    items = [np.arange(3.0), np.arange(5.0), np.arange(5.0)]
    full = padded(items, timesteps=6)
    assert full.shape == (3, 6)
    for item, back in zip(items, unpadded(full, [3, 5, 5]), strict=True):
        np.testing.assert_array_equal(back, item)
