"""RNNDetector: what it finds, that no later row changes a score, streams, panels and files."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from drawing import beginning, legend, line
from forecasting import linear
from matplotlib.dates import date2num
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_index_equal, assert_series_equal
from sklearn.base import clone, is_outlier_detector
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

import skrnn
from skrnn import DetectorDisplay, RNNDetector, RNNForecaster, RNNRegressor
from skrnn._forecasting.alarm_scores import RUN, rows_unchanged, run_means, surprise
from skrnn._utils.file_format import FileFormatError, read_file, write_file

N_TRAIN, N_TEST = 400, 150


def ridge(**settings):
    return RNNForecaster(**{"timesteps": 24, "baseline": "ridge", "network_weight": 0} | settings)


def alone(**settings):
    """Return a forecaster of a network and nothing else."""
    network = RNNRegressor("gru", 3, epochs=1, random_state=0)
    return RNNForecaster(network, timesteps=12, baseline=None, scale="series", **settings)


def days(n_rows=N_TRAIN + N_TEST, seed=0, noise=0.2):
    """Return hours with a daily season and noise."""
    hours = pd.date_range("2026-01-01", periods=n_rows, freq="h", name="hour")
    rng = np.random.default_rng(seed)
    season = np.sin(np.arange(n_rows) * np.pi / 12)
    return pd.Series(season + noise * rng.normal(size=n_rows), index=hours, name="power")


def with_outliers(series, rows=(430, 480), size=3.0):
    changed = series.copy()
    changed.iloc[list(rows)] += size
    return changed


def wide(n_rows=N_TRAIN + N_TEST):
    return pd.DataFrame({name: (k + 1) * days(n_rows, k) for k, name in enumerate("abc")})


def long(frame):
    return frame.unstack().rename("power").rename_axis(["pump", "hour"])


def test_random_state_is_that_of_a_forecaster_without_one():
    forecasters = ridge(), ridge(random_state=1)
    fits = [RNNDetector(each, random_state=0).fit(days(200)) for each in forecasters]
    assert [each.forecaster_.random_state for each in fits] == [0, 1]


@pytest.fixture(scope="module")
def fitted():
    return RNNDetector(ridge()).fit(days()[:N_TRAIN])


@pytest.fixture
def detector(fitted):
    return pickle.loads(pickle.dumps(fitted))


# What it finds


def test_outliers_are_labelled_on_the_given_index_and_nothing_after_them(fitted):
    rows = with_outliers(days())[N_TRAIN:]
    labels = fitted.predict(rows)
    assert_index_equal(labels.index, rows.index)
    assert (labels.iloc[[30, 80]] == -1).all()
    assert (labels.iloc[[31, 32, 54, 55, 81, 82, 104, 105]] == 1).all()  # nor a season later
    assert set(labels) == {-1, 1}


def test_decision_scores_and_p_values_agree_with_each_other(fitted):
    rows = with_outliers(days())[N_TRAIN:]
    scores, decision = fitted.score_samples(rows), fitted.decision_function(rows)
    assert_series_equal(decision, scores - fitted.offset_)
    p_values, labels = fitted.p_values(rows), fitted.predict(rows)
    assert_array_equal(labels == -1, decision < 0)
    assert_array_equal(labels == -1, p_values <= fitted.contamination)
    assert (scores <= 0).all()


def test_p_values_count_the_held_out_scores_that_are_as_unusual(fitted):
    rows = with_outliers(days())[N_TRAIN:]
    held_out = fitted._alarms.calibration.scores
    counted = [
        (1 + sum(other >= -score for other in held_out)) / (1 + len(held_out))
        for score in fitted.score_samples(rows)
    ]
    assert_allclose(fitted.p_values(rows), counted, rtol=1e-12)


def test_errors_are_those_of_the_forecaster_that_moves_on_row_by_row():
    y = days(seed=4)
    detector = RNNDetector(ridge()).fit(y[:N_TRAIN])
    forecaster, expected = ridge().fit(y[:N_TRAIN]), []
    for hour in y.index[N_TRAIN : N_TRAIN + 24]:
        error = abs(y[hour] - forecaster.predict().iloc[0])
        expected.append(error / y[:N_TRAIN].diff(24).abs().mean())
        forecaster.update(y.loc[[hour]])
    errors = detector.update(y[: N_TRAIN + 24])._alarms.errors[0][-24:]
    assert errors.max() < detector._alarms.calibration.limit
    assert_allclose(errors, expected, rtol=1e-9)


def test_a_value_that_stands_still_raises_an_alarm_from_its_second_row_on(fitted):
    rows = days()[N_TRAIN:]
    rows.iloc[52:60] = rows.iloc[51]
    assert (fitted.predict(rows).iloc[52:60] == -1).all()


def test_a_series_that_often_stands_still_raises_no_such_alarm():
    y = days().round()  # five values
    detector = RNNDetector(ridge()).fit(y[:N_TRAIN])
    assert (detector.predict(y[N_TRAIN:]) == -1).mean() < 0.03


def test_louder_and_quieter_noise_are_found_in_runs_of_rows(fitted):
    rng = np.random.default_rng(3)
    for size, rows in [(0.6, slice(60, 84)), (0.001, slice(60, 100))]:
        y = days()[N_TRAIN:]
        season = np.sin(np.arange(N_TRAIN, N_TRAIN + N_TEST) * np.pi / 12)
        y.iloc[rows] = season[rows] + size * rng.normal(size=rows.stop - rows.start)
        assert (fitted.predict(y).iloc[rows.start + RUN : rows.stop] == -1).mean() > 0.4


def test_a_shift_of_a_steady_season_stays_in_alarm_until_it_ends(fitted):
    y = days()[N_TRAIN:]
    y.iloc[60:75] += 1.5
    labels = fitted.predict(y)
    assert (labels.iloc[60:75] == -1).mean() > 0.9
    assert (labels.iloc[90:] == 1).mean() > 0.95


def test_a_jump_of_a_series_that_wanders_is_soon_usual():
    rng = np.random.default_rng(0)
    y = pd.Series(np.cumsum(rng.normal(size=700)))
    y.iloc[600:] += 6
    detector = RNNDetector(RNNForecaster(baseline="last", network_weight=0)).fit(y[:500])
    labels = detector.predict(y[500:])
    assert labels[600] == -1
    assert (labels[600:640] == -1).sum() < 10


def test_what_lasts_for_a_window_becomes_usual():
    y = days(900)
    y.iloc[600:] += 3
    labels = RNNDetector(ridge()).fit(y[:400]).predict(y[400:])
    assert (labels.iloc[200:215] == -1).all()
    assert (labels.iloc[300:] == 1).mean() > 0.95


def test_errors_that_grow_with_the_series_raise_no_more_alarms():
    y = np.exp(np.arange(N_TRAIN + N_TEST) / 250) * days()
    detector = RNNDetector(ridge()).fit(y[:N_TRAIN])
    assert (detector.predict(y[N_TRAIN:]) == -1).mean() < 0.03
    assert detector.predict(with_outliers(y, size=25)[N_TRAIN:]).iloc[30] == -1


def test_rows_like_those_in_fit_raise_alarms_at_the_rate_asked_for():
    p_values = []
    for seed in range(3):
        y = days(4000, seed)
        p_values.append(RNNDetector(ridge()).fit(y[:2000]).p_values(y[2000:]))
    for rate in (0.01, 0.05):
        assert np.mean(np.array(p_values) <= rate) == pytest.approx(rate, rel=0.35)


def test_exog_explains_what_would_raise_an_alarm():
    rng = np.random.default_rng(0)
    heat = pd.Series(
        rng.uniform(size=N_TRAIN + N_TEST) < 0.05, days().index, dtype=float, name="heat"
    )
    y = days() + 3 * heat.to_numpy()
    detector = RNNDetector(ridge()).fit(y[:N_TRAIN], heat[:N_TRAIN])
    rows = y[N_TRAIN:], heat[N_TRAIN:]
    assert (detector.predict(*rows)[rows[1] == 1] == 1).all()
    unexplained = heat[N_TRAIN:].copy()
    unexplained.iloc[np.flatnonzero(unexplained)[0]] = 0
    assert detector.predict(y[N_TRAIN:], unexplained).iloc[np.flatnonzero(rows[1])[0]] == -1
    with pytest.raises(ValueError, match="`exog` must hold the columns that `fit` saw"):
        detector.predict(y[N_TRAIN:])


# Windows, prefixes and streams


def test_rows_by_themselves_have_no_score_before_the_first_window(fitted):
    y = days(seed=5)
    scores = fitted.score_samples(y)
    n_first = fitted.forecaster_._model.min_history
    assert scores.isna().sum() == n_first == scores.isna().argmin()
    assert (fitted.predict(y).iloc[:n_first] == 1).all()
    assert fitted.p_values(y).iloc[:n_first].isna().all()


def test_a_score_depends_on_the_rows_that_it_reads_and_no_others(fitted):
    y = days()
    n_kept = len(fitted._alarms.raw[0])
    whole, late = fitted.score_samples(y[100:]), fitted.score_samples(y[150:])
    assert_allclose(whole.iloc[50 + 2 * n_kept :], late.iloc[2 * n_kept :], rtol=1e-9)
    after_fit = fitted.score_samples(y[N_TRAIN:])  # whose runs begin in held-out errors
    assert_allclose(whole.iloc[N_TRAIN - 100 + RUN :], after_fit.iloc[RUN:], rtol=1e-9)


@pytest.mark.parametrize("n_rows", [1, 31, 32, 100])
def test_a_later_row_never_changes_an_earlier_score(fitted, n_rows):
    rows = with_outliers(days())[N_TRAIN:]
    rows.iloc[90:110] += 1.5
    earlier = fitted.score_samples(rows.iloc[:n_rows])
    assert_allclose(earlier, fitted.score_samples(rows).iloc[:n_rows], rtol=1e-9)


@pytest.mark.parametrize("sizes", [[1] * 12, [7, 30, 1, 60, 52], [30, 1, 119]])
def test_a_stream_has_the_scores_of_all_rows_at_once(detector, sizes):
    rows = with_outliers(days())[N_TRAIN:]
    rows.iloc[20:38] += 1.5
    expected, found = detector.score_samples(rows), []
    for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        part = rows.iloc[start : start + size]
        found.append(detector.score_samples(part))
        detector.update(part)
    assert_allclose(pd.concat(found), expected.iloc[: sum(sizes)], rtol=1e-9)
    assert detector.cutoff_["power"] == rows.index[sum(sizes) - 1]


def test_a_stream_is_kept_in_bounded_memory(detector):
    y, sizes = days(3000), []
    for start in range(N_TRAIN, 3000, 650):
        detector.update(y[start : start + 650])
        sizes.append(len(pickle.dumps(detector)))
    assert max(sizes) - min(sizes) < 200
    assert len(detector._alarms.raw[0]) == 24


def test_update_ignores_rows_that_are_known(detector):
    y = days()
    expected = detector.update(y[: N_TRAIN + 9]).score_samples(y[N_TRAIN + 9 :])
    with pytest.warns(UserWarning, match="got none"):
        again = detector.update(y[: N_TRAIN + 9])
    assert_series_equal(again.score_samples(y[N_TRAIN + 9 :]), expected)


def test_replaced_rows_that_follow_each_other_across_an_update_are_counted(detector):
    y = days(900)
    y.iloc[N_TRAIN:] += 3
    expected = detector.score_samples(y[N_TRAIN:])
    cut = N_TRAIN + 20
    found = detector.update(y[N_TRAIN:cut]).score_samples(y[cut:])
    assert_allclose(found, expected.iloc[20:], rtol=1e-9)


# Panels


def test_row_of_a_wide_frame_has_the_least_score_of_its_columns():
    y = wide()
    y.iloc[450, 1] += 5
    detector = RNNDetector(ridge()).fit(y[:N_TRAIN])
    columns = detector.score_columns(y[N_TRAIN:])
    assert_index_equal(columns.columns, y.columns)
    scores = detector.score_samples(y[N_TRAIN:])
    assert_array_equal(scores, columns.to_numpy().min(axis=1))
    assert detector.predict(y[N_TRAIN:]).iloc[50] == -1
    assert (columns.iloc[50] < detector.offset_).tolist() == [False, True, False]


def test_series_of_a_long_frame_are_scored_apart_and_may_be_passed_alone():
    y = long(wide())
    y[("b", days().index[450])] += 5
    early = y.index.get_level_values("hour") < days().index[N_TRAIN]
    detector = RNNDetector(ridge()).fit(y[early])
    scores = detector.score_samples(y[~early])
    assert_index_equal(scores.index, y[~early].index)
    assert_allclose(detector.score_samples(y[~early].loc[["b"]]), scores.loc[["b"]], rtol=1e-9)
    assert scores.idxmin() == ("b", days().index[450])
    detector.update(y[~early].loc[["a", "b"]])
    assert detector.cutoff_.tolist() == [days().index[-1]] * 2 + [days().index[N_TRAIN - 1]]


def test_flat_frame_of_polars_is_scored_as_its_index_is():
    y = long(wide())
    early = y.index.get_level_values("hour") < days().index[N_TRAIN]
    flat = pl.from_pandas(y.reset_index())
    names = {"time_column": "hour", "series_column": "pump"}
    detector = RNNDetector(ridge(**names)).fit(flat.filter(early.tolist()))
    found = detector.score_samples(flat.filter((~early).tolist()))
    expected = RNNDetector(ridge()).fit(y[early]).score_samples(y[~early])
    assert_allclose(found, expected, rtol=1e-9)


def test_columns_that_begin_late_or_end_early_are_scored_where_they_are():
    y = wide()
    y.iloc[:50, 0] = np.nan
    y.iloc[500:, 1] = np.nan
    detector = RNNDetector(ridge()).fit(y[:N_TRAIN])
    columns = detector.score_columns(y[N_TRAIN:])
    assert columns["b"].iloc[100:].isna().all()
    assert columns.notna().sum().tolist() == [N_TEST, 100, N_TEST]
    assert detector.score_samples(y[N_TRAIN:]).notna().all()


# Missing values


def test_missing_rows_are_scored_as_nan_with_a_fill_and_refused_without(fitted):
    y = days()
    y.iloc[[200, 440, 441]] = np.nan
    filling = RNNDetector(ridge(fill="linear")).fit(y[:N_TRAIN])
    for rows in (y[N_TRAIN:], y[N_TRAIN + 2 :]):  # two hours late
        scores = filling.score_samples(rows)
        assert_array_equal(scores.isna(), rows.isna())
    assert filling.predict(y[N_TRAIN:]).iloc[40] == 1
    with pytest.raises(ValueError, match="`series` must not hold NaN"):
        fitted.score_samples(y[N_TRAIN:])
    assert get_tags(filling).input_tags.allow_nan
    assert not get_tags(fitted).input_tags.allow_nan


# The network, and where errors come from


def test_network_alone_is_calibrated_on_the_windows_it_holds_out():
    y = with_outliers(days())
    detector = RNNDetector(alone(calibration=150)).fit(y[:N_TRAIN])
    assert len(detector._alarms.calibration.errors) == 150
    assert (detector.predict(y[N_TRAIN:]).iloc[[30, 80]] == -1).all()


def test_held_out_rows_that_do_not_follow_each_other_give_way_to_those_in_fit():
    y = days()
    detector = RNNDetector(ridge(stride=5), contamination=0.02).fit(y[:N_TRAIN])
    assert (detector.predict(with_outliers(y)[N_TRAIN:]).iloc[[30, 80]] == -1).all()
    model = detector.forecaster_._model
    assert len(detector._alarms.calibration.scores) == N_TRAIN - model.min_history
    assert len(model.residuals.errors) < N_TRAIN / 4


def test_fit_predict_labels_the_rows_in_fit():
    y = with_outliers(days(), [200])
    labels = RNNDetector(ridge()).fit_predict(y)
    assert labels.iloc[200] == -1
    assert_series_equal(labels, RNNDetector(ridge()).fit(y).predict(y))


# Parts, by hand


def test_surprise_is_the_share_of_larger_values_with_an_exponential_tail():
    known = np.sort(np.random.default_rng(0).exponential(size=2000))
    values = np.array([0.0, 1.0, 2.0, known[-1] + 3, np.nan])
    found = surprise(values, known)
    assert_allclose(found[:3], [0, 1, 2], atol=0.15)
    assert found[3] - surprise(known[-1:], known)[0] == pytest.approx(3, rel=0.2)
    assert found[4] == 0


def test_runs_and_stays_are_those_of_loops():
    rng = np.random.default_rng(0)
    errors = rng.uniform(size=40)
    errors[20] = np.nan
    runs = run_means(errors, 0.8)
    for row in range(40):
        last = [min(error, 0.8) for error in errors[max(row - RUN + 1, 0) : row + 1]]
        assert_allclose(runs[row], np.mean(last) if len(last) == RUN else np.nan)
    values = rng.integers(2, size=40).astype(float)
    for row, found in enumerate(rows_unchanged(values, 3)):
        stays = 0
        while stays < min(row, 3) and values[row - stays - 1] == values[row]:
            stays += 1
        assert found == stays


# Calls that are refused


@pytest.mark.parametrize(
    ("forecaster", "contamination", "message"),
    [
        (ridge(steps=12), 0.01, "`forecaster` must have `steps` of 1, got 12"),
        (ridge(), 0.001, "`contamination=0.001` needs at least 999 held-out rows, got 3"),
        (alone(), 0.01, "held-out rows, got 0.*`calibration`"),
        (ridge(), 0.6, "contamination"),
        (ridge(timesteps=0), 0.01, "timesteps"),
        (linear(), 0.01, "forecaster"),
    ],
)
def test_settings_that_cannot_be_are_refused(forecaster, contamination, message):
    with pytest.raises(ValueError, match=message):
        RNNDetector(forecaster, contamination=contamination).fit(days()[:N_TRAIN])


Y = days()


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (Y[N_TRAIN:].sample(frac=1, random_state=0), ValueError, "must ascend"),
        (Y[N_TRAIN + 3 : N_TRAIN + 9], ValueError, "must hold a row with 24 rows before it, or"),
        (Y[N_TRAIN:].to_frame(), ValueError, "must be in the form that `fit` saw, one series"),
        (Y[N_TRAIN:].reset_index(drop=True), ValueError, "must be of the kind seen in `fit`"),
        (Y[N_TRAIN:].to_numpy(), TypeError, "`series` must be"),
        (Y[N_TRAIN:].drop(Y.index[450]), ValueError, "must have a row at every step"),
    ],
    ids=["shuffled", "after a gap", "frame", "without times", "array", "without a row"],
)
def test_rows_that_cannot_be_scored_are_refused(detector, rows, error, message):
    for method in ("score_samples", "predict", "update"):
        if method == "update" and "or" in message[-3:]:
            continue  # which names the row that is missing
        with pytest.raises(error, match=message):
            getattr(detector, method)(rows)


def test_columns_must_be_those_of_fit():
    y = wide()
    detector = RNNDetector(ridge()).fit(y[:N_TRAIN])
    with pytest.raises(ValueError, match="must have the columns that `fit` saw, got none of c"):
        detector.score_samples(y[N_TRAIN:][["a", "b"]])
    with pytest.raises(ValueError, match="must hold the series that `fit` saw, got 'd'"):
        detector.predict(y[N_TRAIN:].assign(d=y["a"]))
    swapped = detector.score_samples(y[N_TRAIN:][["c", "a", "b"]])
    assert_allclose(swapped, detector.score_samples(y[N_TRAIN:]), rtol=1e-9)


def test_failed_fit_and_update_leave_the_detector_as_it_was(detector):
    before = dict(vars(detector))
    with pytest.raises(ValueError, match="at every step"):
        detector.fit(Y.drop(Y.index[7]))
    with pytest.raises(ValueError, match="must continue"):
        detector.update(Y[N_TRAIN + 3 :])
    assert vars(detector) == before
    assert detector.set_params(contamination=0.001).forecaster_ is before["forecaster_"]
    with pytest.raises(ValueError, match="999 held-out rows"):
        detector.fit(Y)
    assert detector.offset_ == before["offset_"]


# Conventions of scikit-learn


def test_detector_is_cloned_tagged_and_searched_as_others_are(fitted):
    copied = clone(fitted)
    assert copied.get_params()["forecaster__timesteps"] == 24
    assert copied.forecaster is not fitted.forecaster
    assert fitted.forecaster_ is not fitted.forecaster
    assert not hasattr(fitted.forecaster, "cutoff_")
    assert is_outlier_detector(copied)
    for method in ("predict", "score_samples", "update", "p_values", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(copied, method)(Y)
    default = RNNDetector().set_params(forecaster__baseline="ridge", contamination=0.1)
    assert (default.forecaster.baseline, default.contamination) == ("ridge", 0.1)
    assert repr(RNNDetector(contamination=0.1)) == "RNNDetector(contamination=0.1)"


# Files


FORMS = {
    "series": lambda: Y,
    "wide": wide,
    "long": lambda: long(wide()).sort_index(),
}


@pytest.mark.parametrize("form", FORMS)
def test_detector_comes_back_and_scores_and_moves_bitwise(form, tmp_path):
    y = FORMS[form]()
    times = y.index.get_level_values(-1)
    cuts = times.unique()[[N_TRAIN, N_TRAIN + 60]]
    first, later, last = y[times < cuts[0]], y[(times >= cuts[0]) & (times < cuts[1])], None
    last = y[times >= cuts[1]]
    detector = RNNDetector(ridge(timesteps=12), contamination=0.02).fit(first)
    detector.update(later)
    expected = detector.score_samples(last)
    skrnn.save(detector, tmp_path / "detector.skrnn")
    stored = skops.io.dumps(detector)
    for loaded in (
        skrnn.load(tmp_path / "detector.skrnn"),
        pickle.loads(pickle.dumps(detector)),
        skops.io.loads(stored, skrnn.trusted_types),
    ):
        assert_series_equal(loaded.score_samples(last), expected, check_exact=True)
        assert loaded.offset_ == detector.offset_
        assert loaded.update(last).cutoff_.equals(clone_of(detector).update(last).cutoff_)


def clone_of(detector):
    return pickle.loads(pickle.dumps(detector))


def test_unfitted_detector_comes_back(tmp_path):
    skrnn.save(RNNDetector(contamination=0.2), tmp_path / "a")
    assert skrnn.load(tmp_path / "a").get_params() == RNNDetector(contamination=0.2).get_params()


def test_file_whose_parts_do_not_fit_is_refused(fitted, tmp_path):
    path = tmp_path / "detector.skrnn"
    skrnn.save(fitted, path)
    tree = read_file(path)
    alarms = tree["estimator"]["_alarms"]
    changes = {
        "last rows": ("raw", alarms["raw"][1:]),
        "errors": ("errors", -np.ones_like(alarms["errors"])),
        "`scores`": ("calibration", alarms["calibration"] | {"scores": np.array([2.0, 1.0])}),
        "the growth": ("calibration", alarms["calibration"] | {"growth": np.empty(0)}),
        "the sizes": ("calibration", alarms["calibration"] | {"sizes": -np.ones((1, 1))}),
    }
    for message, (name, value) in changes.items():
        broken = tree["estimator"] | {"_alarms": alarms | {name: value}}
        write_file(path, tree | {"estimator": broken})
        with pytest.raises(FileFormatError, match=message):
            skrnn.load(path)
    write_file(path, tree | {"estimator": tree["estimator"] | {"offset_": np.nan}})
    with pytest.raises(FileFormatError, match="forecaster"):
        skrnn.load(path)


# Pictures


def test_display_draws_the_series_and_marks_its_alarms(fitted):
    rows = with_outliers(days())[N_TRAIN:]
    ax = DetectorDisplay.from_detector(fitted, rows, unit="kW").ax_
    alarms = rows[fitted.predict(rows) == -1]
    for label, drawn in [("series", rows), ("alarm", alarms)]:
        found = beginning(ax, label)
        assert_array_equal(found.get_ydata(), drawn)
        assert_array_equal(found.get_xdata(orig=False), date2num(drawn.index))
    assert legend(ax) == ["series", f"alarm: {len(alarms)} of {N_TEST} rows"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("power (kW)", "hour")


@pytest.mark.parametrize("form", ["wide", "long"])
def test_display_has_a_panel_for_each_series_with_alarms_of_its_own(form):
    y = wide()
    y.iloc[450, 1] += 6
    y = y if form == "wide" else long(y)
    late = y.index.get_level_values(-1) >= Y.index[N_TRAIN]
    detector = RNNDetector(ridge()).fit(y[~late])
    display = DetectorDisplay.from_detector(detector, y[late], labels=["c", "b"])
    assert [ax.get_ylabel() for ax in display.ax_] == ["c", "b"]
    scores = detector.score_columns(y[late])
    for ax, label in zip(display.ax_, "cb", strict=True):
        own = scores[label] if form == "wide" else scores.loc[label].iloc[:, 0]
        values = y[late][label] if form == "wide" else y[late].loc[label]
        assert_array_equal(beginning(ax, "alarm").get_ydata(), values[own < detector.offset_])
        assert_array_equal(line(ax, "series").get_ydata(), values)
    assert beginning(display.ax_[1], "alarm").get_ydata().max() > 4
    with pytest.raises(ValueError, match="`labels` must name series of the detector"):
        display.plot(labels="z")
