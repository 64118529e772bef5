"""`fill` of RNNForecaster: what stands in place of missing values, and that it is known in time."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from forecasting import LOG, Recorder, bare, fit, linear
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from skrnn import RNNForecaster
from skrnn._forecasting import stacking
from skrnn._forecasting.gaps import FILLS, rows_before, seasonal
from skrnn._forecasting.target_transform import differenced
from skrnn._forecasting.windows import make_buffer, training_windows

SEASON, TIMESTEPS, STEPS, N_ROWS = 7, 5, 2, 60
every_fill = pytest.mark.parametrize("fill", FILLS)
every_difference = pytest.mark.parametrize("differences", [0, 1, (7, 1)])


def gapped(seed=0, n_rows=N_ROWS):
    """A weekly series without single days, ten days in a row, and the day before the last."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=n_rows)
    values = 30 + 10 * np.sin(np.arange(n_rows) * 2 * np.pi / 7) + rng.normal(size=n_rows)
    gone = np.append(rng.choice(np.arange(9, n_rows - 14), n_rows // 6, replace=False), n_rows - 2)
    values[gone] = values[-14:-4] = np.nan
    return pd.Series(values, days)


def filled_by_loop(values, fill):
    """Return values up to an origin, filled in from these alone."""
    if fill == "linear":
        return pd.Series(values).interpolate().to_numpy()
    whole = values.copy()
    for row in range(len(values)):
        before = [values[j] for j in range(row - SEASON, -1, -SEASON) if not np.isnan(values[j])]
        if np.isnan(values[row]):
            known = values[:row][~np.isnan(values[:row])]
            whole[row] = before[0] if before else known[-1]
    return whole


def window_by_loop(values, fill, lags, level):
    """Return the window after these values: transformed, with a flag and age of each row."""
    changed = differenced(np.log(filled_by_loop(values, fill)), lags)[-TIMESTEPS:]
    ages = [0]
    for value in values[1:]:
        ages.append(ages[-1] + 1 if np.isnan(value) else 0)
    ages = np.array(ages[-TIMESTEPS:], dtype=float)
    scaled = (changed - level.means[0]) / level.deviations[0]
    return np.column_stack([scaled, ages > 0, ages / (1 + ages)])


@every_difference
@every_fill
def test_windows_are_those_of_a_loop_that_fills_in_the_rows_up_to_each_origin(fill, differences):
    y = gapped()
    settings = {"steps": STEPS, "differences": differences, "transformer": LOG, "fill": fill}
    fitted = fit(y, regressor=Recorder(), **settings)
    model, values = fitted._model, y.to_numpy()
    level, lags = model.plan.level, model.plan.level.lags
    by_loop = {
        n: window_by_loop(values[:n], fill, lags, level)
        for n in range(TIMESTEPS + sum(lags), N_ROWS + 1)
    }
    known = ~np.isnan(differenced(values, lags))
    trained = [n for n in by_loop if n + STEPS <= N_ROWS and known[n : n + STEPS].all()]
    assert lags or any(np.isnan(values[n - 1]) for n in trained)
    X = fitted.regressor_.X_
    assert_allclose(X, [by_loop[n] for n in trained], rtol=1e-9, atol=1e-9)
    origins = np.array(list(by_loop))
    forecasts = model.forecast(fitted._panel, np.zeros_like(origins), origins, STEPS)
    assert_allclose(model.regressors[0].seen_, [*by_loop.values()], rtol=1e-9, atol=1e-9)
    if not lags:  # the Recorder forecasts the last value of the window
        last = [filled_by_loop(values[:n], fill)[-1] for n in origins]
        assert_allclose(forecasts, np.repeat(last, STEPS).reshape(-1, STEPS))


@every_difference
@every_fill
def test_inputs_of_the_linear_part_are_those_of_the_rows_up_to_each_origin(
    fill, differences, monkeypatch
):
    seen, compare = [], stacking.compare

    def spy(scales, candidates, sample):
        seen.append(sample)
        return compare(scales, candidates, sample)

    monkeypatch.setattr(stacking, "compare", spy)
    y = gapped(n_rows=120)
    settings = {"network_weight": 0, "fill": fill, "differences": differences}
    level = RNNForecaster(**settings).fit(y)._model.plan.level
    [sample] = seen
    n_rows = sample.history.recent.shape[1]
    opened = 0
    for n_known, recent in zip(sample.n_known, sample.history.recent, strict=True):
        known = y.to_numpy()[: n_known + sum(level.lags)]
        rows = differenced(filled_by_loop(known, fill), level.lags)[-n_rows:]
        assert_allclose(recent, (rows - level.means[0]) / level.deviations[0], atol=1e-9)
        opened += np.isnan(known[-1])
    assert opened > 3 or differences  # no target is missing there, so no gap is long


def with_other_rows(panel, n_known, rng):
    """Return a panel whose rows after an origin are others, missing or not, and `exog` later."""
    values, exog = panel.values[0].copy(), panel.exog[0].copy()
    later = rng.normal(30, 5, size=len(values) - n_known)
    values[n_known:] = np.where(rng.uniform(size=len(later)) < 0.5, later, np.nan)
    exog[n_known + STEPS :] += 1
    return replace(panel, values=[values], exog=[exog])


@pytest.mark.parametrize(("strategy", "differences"), [("direct", 0), ("recursive", (7, 1))])
@pytest.mark.parametrize("fill", [*FILLS, "mask"])
def test_no_later_row_changes_an_input_of_a_window(fill, differences, strategy):
    rng, y = np.random.default_rng(0), gapped()
    exog = pd.DataFrame({"x": rng.normal(size=N_ROWS)}, y.index)
    exog.iloc[rng.choice(N_ROWS, 9, replace=False)] = np.nan
    settings = {"steps": STEPS, "differences": differences, "fill": fill, "strategy": strategy}
    network = fit(y, exog, Recorder(), **settings)
    line = RNNForecaster(network_weight=0, **settings).fit(y, exog)
    spec, panel, series = network._model.plan, network._panel, np.array([0])
    for n_known in range(spec.min_history, N_ROWS - STEPS, 3):
        other = with_other_rows(panel, n_known, rng)
        inputs = []
        for rows in (panel, other):
            origin, found = (series, np.array([n_known])), []
            if fill in FILLS:  # elsewhere a window may hold nothing
                targets = np.zeros((1, spec.outputs))
                found.append(training_windows(spec, make_buffer(spec, rows), *origin, targets).X)
            found.append(network._model.forecast(rows, *origin, STEPS))
            found.append(network.regressor_.seen_)
            if n_known >= line._model.baseline.min_history + spec.level.n_before:
                found.append(line._model.forecast(rows, *origin, STEPS))
            inputs.append(found)
        for one, another in zip(*inputs, strict=True):
            assert_array_equal(one, another)


@every_fill
def test_rows_before_an_origin_are_filled_from_them_alone(fill):
    """Drawn gaps, also at the end, with origins wherever they may be."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.normal(size=40)
        values[1:][rng.uniform(size=39) < rng.uniform(0, 0.9)] = np.nan
        n_known = rng.integers(12, 41, size=9)
        expected = [filled_by_loop(values[:n], fill)[-12:] for n in n_known]
        assert_allclose(rows_before(values, n_known, 12, fill, SEASON), expected)


def test_rows_before_the_first_of_a_series_stay_missing():
    rows = rows_before(np.array([1.0, np.nan, 3.0]), np.array([2, 3]), 5, "linear", 1)
    assert_array_equal(rows, [[np.nan] * 3 + [1, 1], [np.nan] * 2 + [1, 2, 3]])


def test_without_a_season_seasonal_repeats_the_last_value():
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan])
    assert_array_equal(seasonal(values, 1), [1, 1, 3, 3, 3])


@pytest.mark.parametrize("fill", [*FILLS, "mask"])
def test_a_fill_changes_nothing_where_nothing_is_missing(fill):
    y = gapped().interpolate()
    parameters = {"steps": STEPS, "network_weight": 0.5, "regressor": linear()}
    plain, filled = (RNNForecaster(fill=f, **parameters).fit(y).predict() for f in (None, fill))
    assert_array_equal(plain, filled)


@every_fill
def test_a_gap_after_training_is_filled_where_training_had_none(fill):
    y = gapped().interpolate()
    forecaster = fit(y[:50], fill=fill)
    later = y[50:].where(np.arange(10) != 8)
    assert np.isfinite(forecaster.update(later).predict(3)).all()


@every_fill
def test_missing_exog_is_the_row_before_and_the_mean_where_there_is_none(fill):
    y = gapped().interpolate()
    x = np.arange(N_ROWS + 9.0)
    x[[0, 1, 20, 21, 64]] = np.nan
    exog = pd.DataFrame({"x": x}, pd.date_range(y.index[0], periods=N_ROWS + 9))
    fitted = fit(y, exog, Recorder(), fill=fill, scale=None)
    mean = np.nanmean(x[:N_ROWS])
    assert_allclose(fitted.regressor_.X_[0, :, 1], [mean, mean, 2, 3, 4])
    assert_allclose(fitted.regressor_.X_[17, :, 1], [17, 18, 19, 19, 19])
    fitted.predict(9, exog)
    assert_allclose(fitted.regressor_.seen_[0, :, 1], [63, 63, 65, 66, 67])
    with pytest.raises(ValueError, match=r"`exog` must hold values in each column.* 'x'\. Drop"):
        fit(y, exog * np.nan, fill=fill)


def test_most_targets_missing_are_filled_in_for_the_linear_part():
    """On weekdays no six days in a row are known."""
    y = gapped(n_rows=140).interpolate()
    weekdays = y[y.index.day_of_week < 5].asfreq("D")
    forecaster = RNNForecaster(steps=6, network_weight=0, fill="seasonal").fit(weekdays)
    assert np.isfinite(forecaster.predict()).all()


@pytest.mark.parametrize("pattern", ["one day", "a tenth", "ten days"])
@every_fill
def test_a_sine_with_gaps_is_forecast_as_well_as_when_interpolated(fill, pattern):
    days = pd.date_range("2023-01-01", periods=407)
    y = pd.Series(10 * np.sin(np.arange(407) * 2 * np.pi / 7), days)
    rng = np.random.default_rng(0)
    gone = {"one day": [396], "a tenth": rng.choice(399, 40, replace=False)}
    gone = gone.get(pattern, np.arange(384, 394))
    known = y[:400].drop(y.index[gone])
    forecaster = RNNForecaster(steps=7, network_weight=0, freq="D")
    whole = forecaster.fit(known.asfreq("D").interpolate()).predict()
    found = forecaster.set_params(fill=fill).fit(known).predict()
    error, reference = (np.abs(forecast - y[-7:]).mean() for forecast in (found, whole))
    assert error < 1.1 * reference + 0.05


def test_networks_alone_take_what_no_network_skips():
    """A regressor that refuses NaN."""
    y = gapped()
    with pytest.raises(ValueError, match="NaN"):
        bare(linear(), timesteps=5, fill="mask").fit(y)
    assert np.isfinite(bare(linear(), timesteps=5, fill="linear").fit(y).predict(3)).all()


def test_a_search_scores_each_fill_as_a_loop_does():
    y = gapped(n_rows=120)[:106]  # before the ten days
    forecaster, fills = bare(linear(), timesteps=7, steps=7), ["linear", "seasonal"]
    folds = TimeSeriesSplit(3, test_size=7)
    search = GridSearchCV(forecaster, {"fill": fills}, cv=folds, error_score="raise").fit(y)
    for fill, score in zip(fills, search.cv_results_["mean_test_score"], strict=True):
        forecaster.set_params(fill=fill)
        by_hand = [forecaster.fit(y.iloc[a]).score(y.iloc[b]) for a, b in folds.split(y)]
        assert score == pytest.approx(np.mean(by_hand))
    assert len(set(search.cv_results_["mean_test_score"])) == 2
