"""RNNForecaster: windows, scaling, rolling forward, searches; forms of series stand elsewhere."""

import pickle

import numpy as np
import pandas as pd
import pytest
from forecasting import LOG, Recorder, bare, fit, linear, long_frame, monthly, wide_frame
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from skrnn import RNNForecaster, RNNRegressor


def quick(**parameters):
    return RNNRegressor("gru", 4, epochs=3, random_state=0, **parameters)


def searched(forecaster, grid, cv, *data):
    """Return a search that raises what a fold raises."""
    return GridSearchCV(forecaster, grid, cv=cv, error_score="raise").fit(*data)


def windows_by_loop(wide, exog, static, *, timesteps, steps, strategy, scale, differences):
    """Return the windows and targets of a fit, and the windows at the cutoff."""
    outputs = steps if strategy == "direct" else 1
    training, latest = [], []
    for place, label in enumerate(wide):
        y, n_rows = wide[label], len(wide)
        first = y.index.get_loc(y.first_valid_index()) + differences + timesteps
        y = y.diff(differences) if differences else y
        y = (y if scale is None else (y - y.mean()) / y.std(ddof=0)).to_numpy()
        constant = np.full(n_rows, static.loc[label])
        table = np.column_stack([y, constant, exog[:n_rows], exog[outputs:][:n_rows]])
        for end in range(first, n_rows + 1):
            X, target = table[end - timesteps : end].copy(), y[end : end + outputs]
            X[np.isnan(X).any(axis=1)] = np.nan
            if scale == "window":
                mean, deviation = np.nanmean(X[:, 0]), max(np.nanstd(X[:, 0]), 0.1)
                X[:, 0], target = (X[:, 0] - mean) / deviation, (target - mean) / deviation
            if end == n_rows:
                latest.append(X)
            elif len(target) == outputs and np.isfinite(target).all():
                training.append((end + outputs, place, X, target))
    training.sort(key=lambda window: window[:2])
    return *(np.array([window[k] for window in training]) for k in (2, 3)), np.array(latest)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("differences", [0, 1, 12])
@pytest.mark.parametrize("scale", [None, "series", "window"])
def test_windows_of_a_fit_and_of_a_forecast_are_those_of_a_loop(scale, differences, strategy, gaps):
    wide = pd.DataFrame({"a": monthly(60), "b": 3 * monthly(60, seed=1)})
    wide.iloc[:4, 1] = np.nan  # begins later
    exog = pd.Series(np.random.default_rng(2).normal(size=63), monthly(63).index, name="x")
    static = pd.Series([1.0, 2.0], ["b", "a"])
    if gaps:
        wide.iloc[[30, 41], 0] = exog.iloc[[20, 57]] = np.nan
    settings = {"timesteps": 5, "steps": 3, "strategy": strategy, "scale": scale}
    settings["differences"] = differences
    others = {"static": static.to_frame("size"), "fill": "mask" if gaps else None}
    fitted = fit(wide, exog.dropna(), Recorder(), **settings, **others)
    X, y, latest = windows_by_loop(wide, exog.to_numpy(), static, **settings)
    regressor = fitted.regressor_
    assert_allclose(regressor.X_, X, rtol=1e-9, atol=1e-9)
    assert_allclose(regressor.y_, np.squeeze(y), rtol=1e-9, atol=1e-9)
    fitted.predict(1, exog)
    assert_allclose(regressor.seen_, latest, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("calibration", [0, 2])
def test_stride_counts_windows_back_from_the_cutoff(calibration):
    wide = pd.DataFrame({"a": np.arange(30.0), "b": 100 + np.arange(30.0)})
    wide.iloc[-4:, 1] = np.nan
    settings = {"timesteps": 4, "steps": 2, "scale": None, "stride": 3}
    fitted = fit(wide, regressor=Recorder(), calibration=calibration, **settings)
    first = fitted.regressor_.y_[:, 0]  # row of the first target, where that of the cutoff is 30
    assert_array_equal(first[first < 100], np.arange(6, 28 - 3 * calibration, 3))
    assert_array_equal(first[first >= 100], 100 + np.arange(5, 24 - 3 * calibration, 3))
    alone = fit(wide["a"][:20], regressor=Recorder(), timesteps=4, stride=16)
    assert len(alone.regressor_.y_) == 1


def test_a_stride_in_phase_with_the_season_warns_where_forecasts_are_not():
    settings = {"timesteps": 6, "stride": 8}
    with pytest.warns(UserWarning, match=r"at 3 of the 12 .*recursive.* such as 7"):
        bare(Recorder(), strategy="recursive", steps=2, **settings).fit(monthly())
    direct = bare(Recorder(), steps=2, **settings)
    with pytest.warns(UserWarning, match="a `step` of 2 forecasts from others"):
        direct.backtest(monthly())
    direct.fit(monthly())
    direct.backtest(monthly(), step=4)
    direct.backtest(monthly(), refit=True)
    bare(Recorder(), strategy="recursive", **settings).fit(monthly())
    direct.set_params(stride=7, strategy="recursive").backtest(monthly())


def test_windows_of_one_series_are_a_view():
    fitted = fit(pd.Series(np.arange(999.0)), regressor=Recorder(), timesteps=50, stride=2)
    assert fitted.regressor_.base_ is not None


def test_constant_windows_stay_finite():
    y = pd.Series(np.repeat([5.0, 6.0], 20))
    fitted = fit(y, regressor=Recorder(), timesteps=4, scale="window")
    assert np.abs(fitted.regressor_.y_).max() <= 2 / 0.1  # two deviations, over the least spread
    assert_allclose(fitted.predict(3), 6.0)


def test_differences_of_true_are_those_of_one_row():
    assert_array_equal(*(fit(monthly(), differences=lag).predict(2) for lag in (True, 1)))


@pytest.mark.parametrize("transformer", [None, LOG])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("differences", [0, 1, 12])
@pytest.mark.parametrize("scale", [None, "series", "window"])
def test_what_is_linear_is_forecast_exactly(scale, differences, strategy, transformer):
    rows = np.arange(90)
    y = 50 + rows + 10 * np.sin(rows * np.pi / 6)
    y = y if transformer is None else np.exp(y / 50)
    series = pd.Series(y, index=pd.date_range("2015-01-31", periods=90, freq="ME"))
    settings = {"timesteps": 14, "steps": 6, "scale": scale, "differences": differences}
    fitted = fit(series[:-10], **settings, strategy=strategy, transformer=transformer)
    forecast = fitted.predict(10)  # rolls forward
    assert_allclose(forecast, series[-10:], rtol=1e-3)
    assert forecast.index.equals(series.index[-10:])


def test_a_recurrent_network_beats_the_seasonal_naive_forecast():
    series = monthly(120)
    settings = {"timesteps": 12, "steps": 6, "scale": "window"}
    fitted = fit(series[:-6], regressor=RNNRegressor("gru", 8, random_state=0), **settings)
    seasonal = np.abs(series[-6:].to_numpy() - series[-18:-12].to_numpy()).mean()
    assert np.abs(fitted.predict() - series[-6:]).mean() < 0.5 * seasonal


def test_every_parameter_changes_the_forecast():
    wide = wide_frame("ab")
    static = pd.DataFrame({"size": [1.0, 2.0]}, index=["a", "b"])
    changes = {
        "regressor": RNNRegressor("lstm", 4, epochs=3, random_state=0),
        "timesteps": 5,
        "strategy": "recursive",
        "scale": "window",
        "differences": 1,
        "calendar": ("month",),
        "transformer": LOG,
        "static": static,
        "calibration": 3,
        "stride": 2,
    }
    plain = bare(quick(), timesteps=6, steps=2)
    base = plain.fit(wide).predict().to_numpy()
    for name, value in changes.items():
        changed = clone(plain).set_params(**{name: value}).fit(wide).predict().to_numpy()
        assert not np.allclose(base, changed), name


def test_season_changes_the_score_alone():
    y = monthly()
    forecaster, other = fit(y[:-5]), fit(y[:-5], season=1)
    assert forecaster.season_ == 12
    assert_array_equal(forecaster.predict(), other.predict())
    assert forecaster.score(y[-5:]) != other.score(y[-5:])


@pytest.mark.parametrize("n_rows", [9, 4])  # the five after the cutoff are left out
def test_score_is_the_negative_mase_of_a_loop(n_rows):
    wide = wide_frame("ab")
    forecaster = fit(wide[:-9], steps=4)
    errors = (wide - forecaster.predict(9))[-n_rows:].abs().mean()
    scales = wide[:-9].diff(12).abs().mean()
    assert_allclose(forecaster.scales_, scales)
    assert_allclose(forecaster.score(wide[-n_rows:]), -(errors / scales).mean())


def test_update_moves_the_cutoff_without_training():
    y = monthly()
    forecaster = fit(y[:50], steps=3)
    regressor, values = forecaster.regressor_, y[55:60].to_numpy()
    mean, deviation = y[:50].mean(), y[:50].std(ddof=0)
    expected = regressor.predict(((values - mean) / deviation).reshape(1, 5, 1)) * deviation + mean
    assert forecaster.update(y[40:60]) is forecaster
    assert forecaster.regressor_ is regressor
    assert forecaster.cutoff_.iloc[0] == y.index[59]
    assert_allclose(forecaster.predict(), expected[0])
    assert forecaster.predict().index.equals(y.index[60:63])


def test_rows_after_the_cutoff_change_nothing():
    y = monthly()
    settings = {"steps": 3, "scale": "window", "differences": 1, "transformer": LOG}
    fitted = fit(y[:60], regressor=quick(), calibration=5, **settings)
    changed = y.where(y.index < y.index[60], 7 * y)
    for rows in (y, changed):
        table = clone(fitted).backtest(rows[:63], folds=1, step=1)
        assert_array_equal(table["forecast"], fitted.predict())


def test_grid_search_over_windows_and_cells_works_as_it_stands():
    y = monthly()
    grid = {
        "regressor__cell_type": ["gru", "simple_rnn"],
        "regressor__hidden_size": [3],
        "regressor__epochs": [2],
        "timesteps": [4, 12],
    }
    search = searched(bare(), grid, TimeSeriesSplit(3), y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(4).index[0] == y.index[-1] + pd.offsets.MonthEnd()


def test_search_score_is_the_score_of_a_fold_fitted_by_hand_with_exog_in_the_place_of_y():
    y, cv = monthly(), TimeSeriesSplit(2)
    exog = pd.DataFrame({"price": np.random.default_rng(1).normal(size=80)}, index=y.index)
    search = searched(bare(linear()), {"timesteps": [5]}, cv, y, exog)
    train, test = list(cv.split(y))[1]
    by_hand = fit(y.iloc[train], exog.iloc[train]).score(y.iloc[test], exog.iloc[test])
    assert_allclose(search.cv_results_["split1_test_score"][0], by_hand)


def test_a_search_takes_a_function_as_scoring_and_names_it_for_a_scorer_of_y():
    y, cv = monthly(), TimeSeriesSplit(2)
    exog = pd.Series(np.arange(80.0), y.index, name="x")

    def negative_mae(fitted, rows, exog=None):
        return -(fitted.predict(len(rows), exog) - rows).abs().mean()

    settings = {"param_grid": {"timesteps": [5]}, "cv": cv, "error_score": "raise"}
    for data in [(y,), (y, exog)]:
        search = GridSearchCV(bare(linear()), scoring=negative_mae, **settings)
        train, test = ([rows.iloc[part] for rows in data] for part in list(cv.split(y))[1])
        by_hand = negative_mae(fit(*train), *test)
        assert_allclose(search.fit(*data).cv_results_["split1_test_score"][0], by_hand)
    with pytest.raises(TypeError, match=r"got Series\. .*leave `scoring=None` to use `score`"):
        GridSearchCV(bare(linear()), scoring="r2", **settings).fit(y, exog)


@pytest.mark.parametrize("form", ["series", "wide", "long"])
def test_time_folds_search_every_form(form):
    wide = wide_frame("ab")
    data = {"series": wide["a"], "wide": wide, "long": long_frame(wide)}[form]
    folds = RNNForecaster.time_folds(data, n_splits=3, steps=4)
    assert len(folds) == 3
    times = data.index.get_level_values(-1)
    for train, test in folds:
        assert times[train].max() < times[test].min()
        assert times[test].nunique() == 4
    search = searched(bare(linear()), {"timesteps": [4, 12]}, folds, data)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_time_folds_leave_out_series_that_begin_in_the_test_fold():
    """Series b does, and c ended before it, so that its score needs no exog."""
    wide = wide_frame()
    wide.iloc[:76, 1] = wide.iloc[70:, 2] = np.nan
    long = long_frame(wide)
    exog = pd.DataFrame({"x": np.random.default_rng(0).normal(size=len(long))}, index=long.index)
    with pytest.warns(UserWarning, match="of series '(b', which have too few|c', which ended by)"):
        train, test = RNNForecaster.time_folds(long, n_splits=1, steps=6)[0]
    assert set(long.index[test].get_level_values(0)) == {"a"}
    fitted = fit(long.iloc[train], exog.iloc[train])
    assert fitted.score(long.iloc[test], exog.iloc[test]) < 0


@pytest.mark.parametrize(
    ("data", "cv", "remedy"),
    [
        (monthly(), KFold(3), "TimeSeriesSplit"),
        (long_frame(wide_frame("ab")), TimeSeriesSplit(3), "time_folds"),
    ],
)
def test_a_search_without_order_of_time_names_the_remedy(data, cv, remedy):
    with pytest.raises(ValueError, match=remedy):
        searched(bare(linear()), {"timesteps": [4]}, cv, data)


def test_set_params_puts_the_default_regressor_in_place():
    forecaster = bare().set_params(regressor__hidden_size=7, timesteps=3)
    assert (forecaster.regressor.hidden_size, forecaster.timesteps) == (7, 3)
    assert bare().set_params(timesteps=3).regressor is None
    assert clone(forecaster).get_params()["regressor__hidden_size"] == 7


def test_fit_leaves_parameters_and_data_as_they_were():
    y, network = monthly(), quick()
    before = y.copy()
    forecaster = fit(y, regressor=network, transformer=LOG, fill="mask")
    assert forecaster.regressor is network
    assert not hasattr(network, "weights_")
    assert network.mask_value is None
    assert y.equals(before)


def test_a_fitted_forecaster_survives_pickle_and_set_params():
    forecaster = fit(monthly(), regressor=quick(), steps=2, calibration=9)
    before = forecaster.predict(level=80)
    copied = pickle.loads(pickle.dumps(forecaster))
    copied.set_params(timesteps=9, steps=5, scale="window", fill="mask")
    pd.testing.assert_frame_equal(copied.predict(level=80), before)


def test_a_fit_that_fails_changes_nothing():
    y = monthly()
    forecaster = fit(y, regressor=quick())
    before = forecaster.predict()
    with pytest.raises(ValueError, match="NaN"):
        forecaster.fit(y.where(y.index != y.index[5]))
    with pytest.raises(ValueError, match="at least 6 rows"):
        forecaster.fit(y[:5])
    assert forecaster.predict().equals(before)


def test_stateful_networks_are_refused_before_anything_is_learned():
    inside = make_pipeline(RNNRegressor(stateful=True, batch_size=5))
    for name, regressor in [("stateful", inside[0]), ("rnnregressor__stateful", inside)]:
        forecaster = bare(regressor, timesteps=5)
        with pytest.raises(ValueError, match=f"`regressor__{name}` must be False, got True"):
            forecaster.fit(monthly())
        assert not hasattr(forecaster, "cutoff_")


def test_predict_before_fit_is_refused():
    for call in ("predict", "make_future_frame"):
        with pytest.raises(NotFittedError):
            getattr(bare(), call)()


def test_equal_seeds_forecast_bitwise_the_same():
    one, other = (fit(monthly(), regressor=quick(), steps=3).predict() for _ in range(2))
    assert one.equals(other)


@pytest.mark.parametrize("scale", [None, "series", "window"])
def test_a_network_rolls_forward_as_its_predict_does(scale):
    """One whose steps are all looked at, and a network, whose later steps are not."""
    wide = wide_frame("ab")
    exog = pd.DataFrame({"x": np.random.default_rng(0).normal(size=100)}, index=monthly(100).index)
    wide.iloc[-9, 0] = np.nan
    exog = exog.drop([exog.index[75], exog.index[83]])
    network = quick(mask_value=np.nan, dtype="float64")
    for strategy in ("direct", "recursive"):
        settings = {"steps": 3, "scale": scale, "fill": "mask", "strategy": strategy}
        quickly, plainly = (
            fit(wide, exog, regressor, **settings).predict(9, exog)
            for regressor in (network, make_pipeline(network))
        )
        assert_array_equal(quickly, plainly)


def test_a_forecast_that_overflows_is_refused_as_predict_does():
    network = RNNRegressor("simple_rnn", 2, activation="relu", epochs=1, random_state=0)
    forecaster = fit(monthly(), regressor=network, strategy="recursive")
    for weights in forecaster.regressor_.weights_:
        weights[...] = 1e9
    with pytest.raises(ValueError, match="infinity"), np.errstate(over="ignore"):
        forecaster.predict(9)


class Small(RNNForecaster):
    """Fewer parameters than its base."""

    def __init__(self, timesteps=10):
        settings = {"steps": 2, "calibration": 4, "fill": "mask"}
        super().__init__(quick(), timesteps=timesteps, **settings)


def test_a_subclass_with_fewer_parameters_works_in_every_method():
    y = monthly()
    y.iloc[30] = np.nan
    small, full = Small(timesteps=6), bare()
    full.set_params(**vars(small))
    for forecaster in (small, full):
        forecaster.fit(y[:60]).update(y[60:64])
    assert clone(small).fit(y[:64]).get_params() == {"timesteps": 6}
    calls = [("predict",), ("predict", 1, None, 50), ("score", y[64:70]), ("backtest", y)]
    for method, *arguments in [*calls, ("make_future_frame",)]:
        found, expected = (getattr(each, method)(*arguments) for each in (small, full))
        assert_array_equal(found, expected)
    search = searched(small, {"timesteps": [4, 6]}, TimeSeriesSplit(2, test_size=12), y)
    assert search.best_estimator_.predict().index[0] == y.index[-1] + pd.offsets.MonthEnd()


def test_a_network_with_fewer_parameters_or_a_predict_of_its_own_is_taken_as_it_is():
    class Doubled(RNNRegressor):
        def __init__(self, hidden_size=3):
            super().__init__("gru", hidden_size, epochs=1, random_state=0)

        def predict(self, X):
            return 2 * super().predict(X)

    y = monthly().where(lambda rows: rows.index != "2016-03-31")
    found, expected = (
        fit(y, regressor=regressor, scale=None, fill="mask")
        for regressor in (Doubled(), make_pipeline(Doubled()))
    )
    assert np.isnan(found.regressor_.mask_value)
    assert_array_equal(found.predict(5), expected.predict(5))
