"""RNNForecaster.update(adaptive=True): intervals that follow the errors of each series."""

import pickle

import numpy as np
import pandas as pd
import pytest
from forecasting import Recorder, bare
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyRegressor

import skrnn
from skrnn._forecasting.adaptive import follow, no_arrived, with_arrived


def constant(regressor=None, **parameters):
    """A forecaster of the mean of its training rows."""
    settings = {"timesteps": 2, "steps": 2, "calibration": 40} | parameters
    return bare(regressor or DummyRegressor(), **settings)


def shifted(n_rows, at=50, n_series=2, by=6):
    """Noise of which the first series has another level from a row on."""
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(n_rows, n_series)))
    wide.iloc[at:, 0] += by
    return wide


def test_quantiles_follow_errors_as_in_a_loop_over_each_step():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(40, 2, 3))
    errors[:5, 1], errors[-2:, :, 2], start = np.nan, np.nan, rng.uniform(size=(2, 3))
    found = follow(start, errors, 0.9)
    for place in np.ndindex(2, 3):
        quantile, largest = start[place], abs(start[place])
        for error in errors[(slice(None), *place)]:
            if not np.isnan(error):
                largest = max(0.99 * largest, abs(error))
                quantile += 0.1 * largest * (0.9 if error > quantile else -0.1)
        assert_allclose(found[place], quantile)


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.975])
def test_a_quantile_that_follows_holds_its_share_whatever_the_errors(probability):
    rows = np.arange(1200)
    errors = np.sin(rows / 20) * np.where(rows < 600, 1, 5)
    before = np.where(rows[:, np.newaxis] < rows, errors[:, np.newaxis], np.nan)  # a column each
    held = errors <= follow(np.zeros(1200), before, probability)
    assert abs(held.mean() - probability) < 0.03


def test_errors_that_arrive_are_those_of_the_forecasts_made_before():
    wide = shifted(60, at=50)
    fitted, forecasts = constant(Recorder(), timesteps=3, calibration=9).fit(wide[:50]), []
    for known in range(50, 53):
        forecasts.append(fitted.predict())
        fitted.update(wide[known : known + 1], adaptive=True)
    arrived = fitted._model.residuals.arrived
    assert_array_equal(arrived.series, [0, 0, 0, 1, 1, 1])
    assert_array_equal(arrived.n_known, [50, 51, 52] * 2)
    for label in wide:
        for n, forecast, row in zip(
            (50, 51, 52), forecasts, arrived.errors[arrived.series == label], strict=True
        ):
            unit = np.abs(np.diff(wide[label][n - 4 : n])).mean()  # of few held-out windows
            expected = ((wide[label] - forecast[label]) / unit).reindex(range(n, n + 2))
            assert_allclose(row, expected.mask(expected.index > 52))


def test_rows_at_once_or_one_by_one_teach_the_same():
    wide = shifted(80, at=60)
    at_once, one_by_one, plain = (constant().fit(wide[:50]) for _ in range(3))
    at_once.update(wide, adaptive=True)
    for row in range(50, 80):
        one_by_one.update(wide[row : row + 1], adaptive=True)
    found, expected = (each.predict(level=80) for each in (one_by_one, at_once))
    pd.testing.assert_frame_equal(found, expected, check_freq=False)
    width = plain.update(wide).predict(level=80)
    assert (found[0]["upper_80"] > width[0]["upper_80"]).all()


def test_intervals_hold_again_after_a_shift_of_the_level():
    y = shifted(370, at=250, n_series=1, by=4)[0]
    fitted, held = constant(timesteps=20, steps=1, calibration=100).fit(y[:250]), []
    for known in range(250, 370):
        bounds = fitted.predict(level=[80, 95]).iloc[0]
        held.append([bounds[f"lower_{x}"] <= y[known] <= bounds[f"upper_{x}"] for x in (80, 95)])
        fitted.update(y[known : known + 1], adaptive=True)
    assert (np.abs(100 * np.mean(held, axis=0) - [80, 95]) < 5).all()


def test_what_was_learned_is_in_files_and_pickles_and_forgotten_by_a_fit(tmp_path):
    wide = shifted(80, at=60)
    fitted = bare(skrnn.RNNRegressor("gru", 1, epochs=1, engine="numpy"), timesteps=2, steps=2)
    fitted.set_params(calibration=20).fit(wide[:50]).update(wide[:70], adaptive=True)
    skrnn.save(fitted, tmp_path / "forecaster.skrnn")
    for copy in (skrnn.load(tmp_path / "forecaster.skrnn"), pickle.loads(pickle.dumps(fitted))):
        for each in (copy, fitted):
            asked = each.predict(level=80, quantiles=[0.2])
        pd.testing.assert_frame_equal(copy.predict(level=80, quantiles=[0.2]), asked)
        assert_array_equal(
            copy._model.residuals.arrived.errors, fitted._model.residuals.arrived.errors
        )
    assert len(fitted.fit(wide)._model.residuals.arrived.series) == 0


def test_the_latest_forecasts_of_each_series_are_remembered():
    series, n_known = np.repeat([0, 1], [1500, 3]), np.append(np.arange(1500), [1, 2, 3])
    arrived = with_arrived(no_arrived(1), series, n_known, np.ones((1503, 1)), 2)
    again = with_arrived(arrived, series[-1:], n_known[-1:], np.zeros((1, 1)), 2)
    assert_array_equal(again.n_known[:1000], np.arange(500, 1500))
    assert_array_equal(again.errors[-3:, 0], [1, 1, 0])


def test_adaptive_updates_need_held_out_windows():
    fitted = constant(calibration=0).fit(shifted(60))
    with pytest.raises(ValueError, match=r"`adaptive=True` needs held-out windows .* got none"):
        fitted.update(shifted(70), adaptive=True)
