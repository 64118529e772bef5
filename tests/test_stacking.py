"""Baseline: closed-form forecasts, combined by their errors on held-out blocks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import eigh
from scipy.optimize import nnls
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from skrnn._forecasting import ridges
from skrnn._forecasting.anchors import Candidate
from skrnn._forecasting.baselines import drift, naive, seasonal_naive
from skrnn._forecasting.calendar import year_columns
from skrnn._forecasting.candidates import (
    choose_origins,
    cut_blocks,
    drop_longest,
    list_candidates,
)
from skrnn._forecasting.linear_model import Baseline, SeriesScales, make_history, season_columns
from skrnn._forecasting.ridges import PENALTIES
from skrnn._forecasting.stacking import combine, fit_baseline
from skrnn._utils import blas_threads
from skrnn._utils.records import from_record, record_codec, to_record


def monthly(n_rows=60, seed=0):
    rng, t = np.random.default_rng(seed), np.arange(n_rows)
    return 50 + 0.3 * t + 10 * np.sin(2 * np.pi * t / 12) + rng.normal(size=n_rows)


def fit(*series, kind="stacked", outputs=1, seasons=(12,), window=6, known=None, **settings):
    """Return the Baseline of series, the HeldOut errors, and the standardized series."""
    means, deviations = (
        np.array([moment(rows) for rows in series]) for moment in (np.nanmean, np.nanstd)
    )
    values = [(r - m) / d for r, m, d in zip(series, means, deviations, strict=True)]
    settings |= {"seasons": seasons, "window": window, "means": means, "deviations": deviations}
    return *fit_baseline(kind, values, known, outputs=outputs, **settings), values


def forecast(baseline, values, n_known=None, series=0, known=None, part=None):
    """Return the forecast from one origin, in the unit of standardized series."""
    n_known = len(values[series]) if n_known is None else n_known
    known = np.empty((1, 0)) if known is None else known[np.newaxis]
    origin = np.array([series]), np.array([n_known])
    history = make_history(values, known, *origin, baseline.min_history)
    if part is not None:
        return baseline.parts(history, origin[0])[part][0]
    return baseline.forecast(history, origin[0])[0]


def anchors_by_hand(past, steps, season):
    """Return what each anchor forecasts after some rows, and its level."""
    earlier, later = past[-2 * season : -season], past[-season:]
    change = later.mean() - earlier.mean()
    profile = (earlier + change + later) / 2
    return {
        "last": (np.full(len(steps), past[-1]), past[-1]),
        "seasonal": (later[steps % season], later.mean()),
        "two seasons": (profile[steps % season] + change * (1 + steps // season), later.mean()),
    }


def season_by_hand(origins, season):
    """Return the standardized sine and cosine of a season and its fractions, of six at most."""
    turns = 2 * np.pi * np.arange(1, 7) * origins[:, np.newaxis] / season
    columns = np.hstack([np.sin(turns), np.cos(turns)])[:, [*range(5), *range(6, 12)]]
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)


def ridge_by_hand(X, columns, target, origins, blocks, outputs):
    """Return the forecasts of held-out blocks with the penalty that does best, and the latter."""
    size = np.sqrt(np.square(X).mean() * X.shape[1])
    X = np.column_stack([X, np.full(len(X), size), size * columns])
    answers = {}
    for penalty in PENALTIES:
        answers[penalty] = []
        for block in blocks:
            near = (origins > block[0] - outputs) & (origins < block[-1] + outputs)
            rows = X[~near]
            alpha = penalty * np.trace(rows.T @ rows) / rows.shape[1]
            model = Ridge(alpha, fit_intercept=False).fit(rows, target[~near])
            held_out = X[np.isin(origins, block)]
            answers[penalty].append(model.predict(held_out).reshape(-1, outputs))
        answers[penalty] = np.concatenate(answers[penalty])
    best = min(PENALTIES, key=lambda penalty: np.sum((target - answers[penalty]) ** 2))
    return answers[best], best


def by_hand(series, season, outputs):
    """Return weights, and the penalty and held-out errors of each candidate by its name.

    As examples/site/forecast_rule.rst states the rule, in its words.
    """
    origins, steps = np.arange(2 * season, len(series) - outputs + 1), np.arange(outputs)
    n_blocks = min(max(len(origins) // max(outputs, season // 2, 2), 3), 5)
    blocks = np.array_split(origins, n_blocks)  # equal ones, in the tests below
    low, high = series.min(), series.max()
    truth = np.array([series[t + steps] for t in origins])
    empty, found = np.empty((len(origins), 0)), {}
    for unit, there, back in (
        ("values", np.asarray, np.asarray),
        ("logarithms", np.log, lambda y: np.clip(np.exp(y), 2 * low - high, 2 * high - low)),
    ):
        y = there(series)
        for anchor in ("last", "seasonal", "two seasons"):
            starts = [anchors_by_hand(y[:t], steps, season)[anchor] for t in origins]
            base, level = (np.array(part) for part in zip(*starts, strict=True))
            if unit == "values" or anchor == "two seasons":
                found[unit, anchor, 0, 0] = 0, truth - back(base)
            target = np.array([y[t + steps] for t in origins]) - base
            for window in (4, season):
                X = np.array([y[t - window : t] for t in origins]) - level[:, np.newaxis]
                for known, columns in enumerate((empty, season_by_hand(origins, season))):
                    answer, penalty = ridge_by_hand(X, columns, target, origins, blocks, outputs)
                    found[unit, anchor, window, known] = penalty, truth - back(base + answer)
    E = 0
    for block in blocks:
        held_out = np.isin(origins, block)
        off = np.array([errors[held_out].ravel() for _, errors in found.values()]) / series.std()
        products = off @ off.T / off.shape[1]
        E = E + products / np.sqrt(np.median(np.diag(products))) / n_blocks
    E = E + 0.005 * np.diag(E).mean() * np.eye(len(E))
    heavy = 1e4  # the row that makes the weights sum to 1
    rows = np.vstack([np.linalg.cholesky(E).T, np.full(len(E), heavy)])
    return nnls(rows, np.append(np.zeros(len(E)), heavy))[0], found


@pytest.mark.parametrize(("n_rows", "outputs"), [(59, 1), (61, 3)])
def test_weights_are_those_found_by_hand_with_ridge_and_nnls(n_rows, outputs):
    series = monthly(n_rows)
    baseline, held_out, _ = fit(series, outputs=outputs)
    weights, found = by_hand(series, 12, outputs)
    table = baseline.candidates
    names = ("unit", "anchor", "window", "fourier")
    assert [tuple(row[name] for name in names) for row in table] == list(found)
    assert [row["penalty"] for row in table] == [penalty for penalty, _ in found.values()]
    np.testing.assert_allclose([row["weight"] for row in table], weights, atol=1e-6)
    combined = sum(w * errors for w, (_, errors) in zip(weights, found.values(), strict=True))
    np.testing.assert_allclose(held_out.residuals, combined / series.std(), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "oracle"), [("last", naive), ("seasonal", seasonal_naive), ("drift", drift)]
)
def test_anchor_alone_forecasts_as_the_baseline_of_that_name(kind, oracle):
    series = monthly()
    baseline, held_out, (values,) = fit(series, kind=kind, outputs=15)
    for n_known in (40, 60):
        expected = oracle(values, np.array([n_known]), 15, 12)[0]
        np.testing.assert_allclose(forecast(baseline, [values], n_known), expected, atol=1e-12)
    truth = np.lib.stride_tricks.sliding_window_view(values, 15)[held_out.n_known]
    errors = truth - oracle(values, held_out.n_known, 15, 12)
    np.testing.assert_allclose(held_out.residuals, errors, atol=1e-12)


def test_ridge_forecasts_as_the_one_of_sklearn_on_windows_minus_their_mean():
    series = monthly()
    baseline, _, (values,) = fit(series, kind="ridge", outputs=2)
    windows = np.lib.stride_tricks.sliding_window_view(values, 8)
    windows = windows - windows[:, :6].mean(axis=1, keepdims=True)
    size = np.sqrt(np.square(windows[:, :6]).mean() * 6)
    X = np.column_stack([windows[:, :6], np.full(len(windows), size)])
    alpha = baseline.candidates[0]["penalty"] * np.trace(X.T @ X) / 7
    model = Ridge(alpha, fit_intercept=False).fit(X, windows[:, 6:])
    mean = values[-6:].mean()
    expected = mean + model.predict([np.append(values[-6:] - mean, size)])[0]
    np.testing.assert_allclose(forecast(baseline, [values]), expected)


def test_rows_of_a_block_are_not_fitted_before_they_are_forecast():
    series = monthly()
    means, deviations = np.array([series.mean()]), np.array([series.std()])
    values = (series - means) / deviations
    others = values.copy()
    others[-1] += 1e-3  # the last target, in no window
    settings = {"outputs": 1, "seasons": (), "window": 6, "means": means, "deviations": deviations}
    before, after = (
        fit_baseline("ridge", [rows], None, **settings)[1].residuals for rows in (values, others)
    )
    assert after[-1] - before[-1] == pytest.approx(1e-3, abs=1e-12)


def test_parts_of_a_forecast_sum_to_it_and_that_of_anchors_is_theirs():
    baseline, _, values = fit(monthly(), outputs=3)
    parts = [forecast(baseline, values, part=part) for part in ("anchor", "ridge")]
    np.testing.assert_allclose(sum(parts), forecast(baseline, values))
    assert np.abs(parts[1]).max() > 1e-3
    alone, _, _ = fit(monthly(), kind="seasonal", outputs=3)
    assert not forecast(alone, values, part="ridge").any()


def test_growth_by_a_constant_factor_is_found_in_logarithms():
    noise = np.random.default_rng(0).normal(scale=0.01, size=60)
    series = np.exp(0.05 * np.arange(60) + noise)
    baseline, _, (values,) = fit(series, outputs=1)
    errors = {c["unit"]: np.mean(c["errors"]) for c in baseline.candidates if c["window"] == 0}
    assert errors["logarithms"] < errors["values"] / 20
    expected = (np.exp(0.05 * 60) - series.mean()) / series.std()
    assert forecast(baseline, [values])[0] == pytest.approx(expected, rel=0.03)
    assert not len(fit(series - series.min())[0].scales.log_deviations)


def test_forecast_in_logarithms_stays_near_the_range_of_training():
    ends = np.array([-1.0]), np.array([3.0])
    scales = SeriesScales(np.zeros(1), np.ones(1), np.ones(1), np.array([1e-3]), *ends)
    found = scales.from_unit(np.array([[5000.0, -5.0, np.log(2)]]), np.array([0]), "logarithms")
    np.testing.assert_allclose(found, [[3, np.exp(-5), 2]])


def test_missing_row_is_read_as_the_season_before():
    series = monthly()
    baseline, _, (values,) = fit(series, outputs=3)
    gap, filled = values.copy(), values.copy()
    gap[-5], filled[-5] = np.nan, values[-17]
    first = forecast(baseline, [gap])
    np.testing.assert_allclose(first, forecast(baseline, [filled]), rtol=1e-12)
    assert np.abs(first - forecast(baseline, [values])).max() > 1e-3


def test_origins_with_a_missing_target_are_left_out_of_a_fit():
    series = monthly()
    series[40] = np.nan
    _, held_out, _ = fit(series, outputs=2)
    assert not {39, 40} & {*held_out.n_known}
    assert {38, 41} <= {*held_out.n_known}
    series[1::2] = np.nan  # every origin
    assert np.isfinite(fit(series, outputs=2)[1].residuals).all()


def test_known_columns_of_the_rows_to_forecast_are_read():
    rng = np.random.default_rng(0)
    promotion = (rng.uniform(size=(300, 1)) < 0.2).astype(float)
    series = 10 + 5 * promotion[:, 0] + rng.normal(scale=0.1, size=300)
    exog = [promotion[:300]]
    baseline, held_out, values = fit(series, seasons=(), outputs=2, exog=exog)
    assert held_out.residuals.std() < 0.2  # the deviation of the series is 1
    both = [forecast(baseline, values, known=np.array(rows)) for rows in ([0.0, 1], [1.0, 0])]
    np.testing.assert_allclose(both[0] - both[1], [-2.5, 2.5], atol=0.4)


def test_blocks_are_cut_in_time_for_all_series_together():
    long, short = monthly(80), monthly(60, seed=1)
    _, held_out, _ = fit(long, short, positions=np.array([0, 10]))
    times = held_out.n_known + np.array([0, 10])[held_out.series]
    last = [times[held_out.block == block].max() for block in range(held_out.block.max())]
    first = [times[held_out.block == block + 1].min() for block in range(held_out.block.max())]
    assert (np.array(last) < first).all()
    assert len(last) >= 2


def test_blocks_are_three_to_five_and_never_more_than_times():
    for n_times, least, n_blocks in ((100, 40, 3), (100, 25, 4), (100, 2, 5), (2, 5, 2)):
        block = cut_blocks(np.repeat(np.arange(n_times), 2), least)
        assert np.unique(block).tolist() == list(range(n_blocks))
        assert (np.diff(block) >= 0).all()
        assert (block[::2] == block[1::2]).all()


def test_origins_are_spread_over_all_rows_and_series_and_end_with_the_last():
    lengths = np.full(30_000, 40)
    series, n_known = choose_origins(lengths, 10, 5, 1)
    assert len(series) == 20_000
    assert (series[-1], n_known[-1]) == (29_999, 35)
    assert np.bincount(series).max() == 1
    assert np.bincount(n_known, minlength=36)[10:].min() > 600  # of 769, if all were alike
    assert len(choose_origins(lengths, 10, 200, 1)[0]) == 0
    series, n_known = choose_origins(np.array([20, 12]), 10, 1, 4)
    assert list(zip(series, n_known, strict=True)) == [(0, 11), (0, 15), (0, 19), (1, 11)]


@pytest.mark.parametrize(
    ("seasons", "n_rows", "expected"),
    [
        ((7,), 895, [4, 7, 14, 28]),
        ((7,), 896, [4, 7, 28, 112]),
        ((), 1024, [4, 8, 32, 128]),
        ((24, 168), 9000, [4, 24, 96, 336]),
    ],
)
def test_windows_are_of_seasons_and_of_sixteen_in_eight_times_as_many_rows(
    seasons, n_rows, expected
):
    pool = list_candidates("stacked", seasons, 6, n_rows, n_rows, 1, False, False)
    assert sorted({candidate.window for candidate in pool}) == [0, *expected]


def test_anchors_alone_count_where_no_block_leaves_an_origin_to_train_on():
    walk = np.random.default_rng(0).normal(size=256).cumsum()
    baseline, held_out, _ = fit(walk, outputs=96, seasons=())
    assert np.ptp(held_out.n_known) < 2 * 96 + 3  # the blocks and what overlaps with them
    assert {candidate.window for candidate in baseline.chosen} == {0}


def test_mean_of_all_rows_is_as_near_to_recent_rows_as_in_the_fit():
    noise = np.random.default_rng(0).normal(size=300)
    baseline, _, values = fit(noise, seasons=())
    free = replace(baseline, reach=np.empty((0, 2)))
    origins = range(baseline.min_history, 300)
    means = np.array([values[0][:n].mean() - values[0][n - 8 : n].mean() for n in origins])
    found, unlimited = ([forecast(part, values, n) for n in origins] for part in (baseline, free))
    np.testing.assert_allclose(found, unlimited)
    after = [np.append(values[0], np.full(40, 10.0))]
    assert forecast(free, after)[0] < 5
    assert forecast(baseline, after)[0] == pytest.approx(10, abs=np.abs(means).max())


def test_candidates_that_leave_too_few_origins_are_dropped():
    pool = [Candidate("values", "last", window=rows) for rows in (0, 8, 16)]
    kept = drop_longest(pool, np.array([30]), 6)
    assert [candidate.window for candidate in kept] == [0, 8]


@pytest.mark.parametrize("kind", ["last", "seasonal", "drift", "ridge", "stacked"])
@pytest.mark.parametrize("n_rows", [2, 7, 13])
def test_series_of_a_few_rows_are_forecast(kind, n_rows):
    baseline, held_out, values = fit(monthly(n_rows), kind=kind, outputs=4)
    assert np.isfinite(forecast(baseline, values)).all()
    assert np.isfinite(held_out.residuals).all()
    assert held_out.residuals.shape[1] == 4


def test_constant_series_is_forecast_without_error():
    values = [np.zeros(60)]
    settings = {"outputs": 2, "seasons": (12,), "window": 6, "means": [5.0], "deviations": [1.0]}
    baseline, held_out = fit_baseline("stacked", values, None, **settings)
    np.testing.assert_allclose(forecast(baseline, values), 0, atol=1e-9)
    np.testing.assert_allclose(held_out.residuals, 0, atol=1e-9)


def test_weights_are_the_best_of_all_that_sum_to_one():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=(4, 50)) + 0.5 * rng.normal(size=50)
    products = errors @ errors.T / 50
    weights = combine(products)
    ridged = products + 0.005 * np.diag(products).mean() * np.eye(4)
    others = rng.dirichlet(np.ones(4), size=2000)
    least = np.einsum("ni,ij,nj->n", others, ridged, others).min()
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights @ ridged @ weights <= least


def test_baseline_is_the_same_after_a_file():
    baseline, _, values = fit(monthly(), outputs=3)
    codecs = {kind.__name__: record_codec(kind) for kind in (Baseline, SeriesScales)}
    loaded = from_record(to_record(baseline, codecs, "baseline"), codecs)
    assert (forecast(loaded, values) == forecast(baseline, values)).all()
    assert loaded.candidates == baseline.candidates


def test_year_columns_turn_once_a_year_and_within_a_day():
    times = pd.date_range("2001-01-01", periods=3 * 1461, freq="8h")  # four years
    columns = year_columns(times)
    np.testing.assert_allclose(columns[0], [0, 1, 0, 1])
    np.testing.assert_allclose(
        columns.T @ columns, len(times) / 2 * np.eye(4), atol=len(times) / 100
    )
    assert (np.abs(np.diff(columns, axis=0)).max(axis=1) > 0).all()
    daily = year_columns(pd.period_range("2001-01-01", periods=1461, freq="D"))
    np.testing.assert_allclose(daily, columns[::3])


def test_season_of_each_series_is_read_where_it_stands():
    profile = np.random.default_rng(0).normal(size=12) * 3
    t = np.arange(150)
    noise = np.random.default_rng(1).normal(scale=0.1, size=(2, 150))
    both = profile[t % 12] + noise
    baseline, _, values = fit(both[0], both[1, 30:], positions=np.array([0, 30]))
    assert [*baseline.positions] == [0, 30]
    for series, n_known in ((0, 145), (1, 115)):  # the same time
        truth = (profile[145 % 12] - both[series, 30 * series :].mean()) / both.std()
        assert forecast(baseline, values, n_known, series)[0] == pytest.approx(truth, abs=0.1)


def test_season_columns_of_twelve_months_span_all_profiles():
    columns = np.column_stack([np.ones(12), season_columns(np.arange(12), (12,))])
    np.testing.assert_allclose(
        columns.T @ columns, np.diag(np.diag(columns.T @ columns)), atol=1e-9
    )
    assert columns.shape == (12, 12)
    assert season_columns(np.arange(9), (24, 7)).shape == (9, 12 + 6)
    assert season_columns(np.arange(9), ()).shape == (9, 0)


def test_ridges_use_one_thread_of_blas(monkeypatch):
    seen = set()

    def observed(*arguments):
        seen.update(library.get_num_threads() for library in blas_threads.libraries())
        return eigh(*arguments)

    monkeypatch.setattr(ridges, "eigh", observed)
    with threadpool_limits(2, user_api="blas"):
        fit(monthly())
    assert seen == {1}
