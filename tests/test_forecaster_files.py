"""skrnn.save and skrnn.load of RNNForecaster: what comes back, and what is refused."""

import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from forecasting import TIMES, bare, fit, monthly
from pandas.testing import assert_frame_equal, assert_index_equal, assert_series_equal
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

import skrnn
from skrnn import RNNRegressor
from skrnn._utils.file_format import read_file, write_file

LOG = FunctionTransformer(np.log, np.exp)


def quick(**parameters):
    return RNNRegressor("gru", 3, epochs=1, random_state=0, **parameters)


def reloaded(forecaster, folder):
    path = folder / "forecaster.skrnn"
    skrnn.save(forecaster, path)
    return skrnn.load(path)


def through_skops_and_pickle(forecaster):
    stored = skops.io.dumps(forecaster)
    assert set(skops.io.get_untrusted_types(data=stored)) <= set(skrnn.trusted_types)
    return skops.io.loads(stored, skrnn.trusted_types), pickle.loads(pickle.dumps(forecaster))


def assert_same_frame(found, expected):
    """See that two Series or frames are the same to the bit, in their axes too."""
    check = assert_frame_equal if expected.ndim == 2 else assert_series_equal
    check(found, expected, check_exact=True, check_freq=True)


@pytest.mark.parametrize("kind", TIMES)
def test_forecaster_of_any_times_comes_back_and_predicts_and_updates_bitwise(kind, tmp_path):
    series = pd.Series(monthly(60).to_numpy(), index=TIMES[kind], name="y")
    forecaster = bare(quick(), timesteps=4, steps=3).fit(series[:50])
    loaded = reloaded(forecaster, tmp_path)
    assert_same_frame(loaded.predict(5), forecaster.predict(5))
    assert loaded.score(series[50:]) == forecaster.score(series[50:])
    for copy in through_skops_and_pickle(forecaster):
        assert_same_frame(copy.predict(5), forecaster.predict(5))
    again = reloaded(loaded.update(series[50:55]), tmp_path)
    assert_same_frame(again.predict(), forecaster.update(series[50:55]).predict())


def wide_frame():
    wide = pd.DataFrame({"a": monthly(), "b": 3 * monthly(seed=1), "c": 5 + monthly(seed=2)})
    return wide.rename_axis(index="month", columns="shop")


FORMS = {
    "series without a name": lambda: monthly().rename(None),
    "wide": wide_frame,
    "wide and ragged": lambda: wide_frame().mask(
        (np.arange(80)[:, None] < [0, 20, 0]) | (np.arange(80)[:, None] > [99, 99, 75])
    ),
    "columns of numbers": lambda: wide_frame().set_axis([3, 1, 2], axis=1),
    "columns of tuples": lambda: wide_frame().set_axis(
        pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)], names=["shop", None]), axis=1
    ),
    "long": lambda: wide_frame().unstack().rename("sales"),
    "long frame": lambda: wide_frame().unstack().to_frame("sales"),
    "long, of dates": lambda: (
        wide_frame().set_axis(pd.date_range("2020", periods=3), axis=1).unstack()
    ),
    "long, of three levels": lambda: pd.concat({"x": wide_frame().unstack()}, names=["country"]),
    "long, of periods in steps": lambda: wide_frame().reset_index(drop=True).unstack(),
}


@pytest.mark.parametrize("form", FORMS)
def test_forecaster_of_any_form_comes_back_with_all_it_shows(form, tmp_path):
    forecaster = bare(quick(), timesteps=4, steps=2, calibration=9).fit(FORMS[form]())
    for loaded in (reloaded(forecaster, tmp_path), *through_skops_and_pickle(forecaster)):
        assert_same_frame(loaded.predict(level=[50, 80]), forecaster.predict(level=[50, 80]))
        assert_same_frame(loaded.scales_, forecaster.scales_)
        assert_same_frame(loaded.cutoff_, forecaster.cutoff_)
        for name in ("season_", "freq_", "exog_names_"):
            assert getattr(loaded, name) == getattr(forecaster, name)
        assert loaded.regressor_ is loaded._model.regressors[0]


@pytest.mark.parametrize(
    "parameters",
    [
        {"scale": None, "strategy": "recursive"},
        {"scale": "window", "differences": 12},
        {"differences": 1, "transformer": LOG, "season": 4},
        {"transformer": StandardScaler(), "calendar": ("month",)},
        {"transformer": MinMaxScaler(), "calendar": "quarter"},
        {"static": pd.DataFrame({"size": [1, 2, 3], "old": [True, False, True]}, list("cab"))},
        {"fill": "mask", "stride": 2, "freq": "ME"},
        {"fill": "linear", "differences": 1},
        {"fill": "seasonal", "season": 4},
        {"freq": pd.offsets.MonthEnd()},
        {"differences": np.int64(1), "timesteps": np.int64(5), "steps": np.int64(3)},
        {"regressor": RNNRegressor(("lstm", "gru"), 3, epochs=1, dtype="float64", random_state=1)},
    ],
    ids=lambda parameters: ", ".join(parameters),
)
def test_forecaster_with_any_parameters_comes_back_and_learns_the_same_again(parameters, tmp_path):
    wide = wide_frame()
    if parameters.get("fill"):
        wide.iloc[[30, 70], 1] = np.nan
    forecaster = bare(quick(), timesteps=4, steps=2).set_params(**parameters).fit(wide)
    loaded = reloaded(forecaster, tmp_path)
    for copy in (loaded, *through_skops_and_pickle(forecaster)):
        assert_same_frame(copy.predict(5), forecaster.predict(5))
    assert_same_frame(loaded.fit(wide[:-7]).predict(), forecaster.fit(wide[:-7]).predict())


def test_forecaster_with_exog_comes_back_and_asks_for_the_same_rows(tmp_path):
    wide = wide_frame()
    exog = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), wide.index, ["p", "q"])
    forecaster = bare(quick(), timesteps=4, steps=2).fit(wide[:70], exog)
    loaded = reloaded(forecaster, tmp_path)
    assert_index_equal(loaded.make_future_frame().index, forecaster.make_future_frame().index)
    loaded.update(wide[:75], exog)
    forecaster.update(wide[:75], exog)
    assert_same_frame(loaded.predict(exog=exog), forecaster.predict(exog=exog))


def test_series_on_the_same_times_share_them_in_the_file_and_after_it(tmp_path):
    many = pd.DataFrame(np.random.default_rng(0).normal(size=(400, 50)), monthly(400).index)
    loaded = reloaded(bare(quick(), timesteps=4).fit(many), tmp_path)
    assert all(times is loaded._panel.times[0] for times in loaded._panel.times)
    assert (tmp_path / "forecaster.skrnn").stat().st_size < 400 * 50 * 8 * 1.2


def test_a_series_without_a_value_is_known_after_a_file(tmp_path):
    wide = wide_frame()
    wide.iloc[:70, 2] = np.nan
    with pytest.warns(UserWarning, match="only NaN for 'c'"):
        forecaster = bare(quick(), timesteps=4).fit(wide[:70])
    assert reloaded(forecaster, tmp_path).score(wide[70:]) == forecaster.score(wide[70:])


@pytest.mark.parametrize("allowed", [False, True])
def test_a_file_that_says_allow_missing_masks_what_is_missing(allowed, tmp_path):
    gapped, path = monthly().where(np.arange(80) != 30), tmp_path / "forecaster.skrnn"
    forecaster = fit(
        gapped if allowed else monthly(), regressor=quick(), fill="mask" if allowed else None
    )
    skrnn.save(forecaster, path)
    tree = read_file(path)
    record = tree["estimator"]
    del record["fill"], record["_model"]["plan"]["fill"]
    record |= {"allow_missing": allowed, "_allow_missing": allowed}
    write_file(path, tree)
    loaded = skrnn.load(path)
    assert loaded.fill == forecaster.fill
    assert_same_frame(loaded.predict(3), forecaster.predict(3))
    later = pd.Series([200.0], loaded.predict(2).index[1:])
    if allowed:
        loaded.update(later)
    else:
        with pytest.raises(ValueError, match="no value at"):
            loaded.update(later)
