"""Categories in `static` and `exog` of a forecaster."""

import numpy as np
import pandas as pd
import pytest
from forecasting import bare, linear, monthly, wide_frame
from pandas.testing import assert_frame_equal

from skrnn import RNNForecaster

WIDE = wide_frame()
KIND = pd.Series(np.resize(["rain", "sun", "snow"], 80), WIDE.index, name="kind")
STATIC = pd.DataFrame({"city": ["Ulm", "Bonn", "Ulm"]}, list("abc"))


@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_categories_are_read_as_a_column_of_0_and_1_for_each(dtype):
    forecaster = RNNForecaster(linear(1), timesteps=6, steps=2, network_weight=0.5)
    by_hand = pd.get_dummies(KIND, dtype=float), pd.get_dummies(STATIC["city"], dtype=float)
    found, expected = (
        forecaster.set_params(static=static).fit(WIDE[:70], exog).predict(exog=exog)
        for exog, static in ((KIND.astype(dtype), STATIC.astype(dtype)), by_hand)
    )
    assert_frame_equal(found, expected)


def test_numbers_as_categories_are_read_by_their_value():
    codes = KIND.map({"rain": 3, "sun": 1, "snow": 2}).astype("category")
    forecaster = bare(linear(1), timesteps=6, steps=2)
    found = forecaster.fit(WIDE[:70], codes).predict(exog=codes)
    one_hot = pd.get_dummies(codes.astype(int), dtype=float)
    assert_frame_equal(found, forecaster.fit(WIDE[:70], one_hot).predict(exog=one_hot))


def test_categories_that_no_row_of_the_fit_has_are_refused_later():
    later = KIND.where(WIDE.index < WIDE.index[71], "hail")
    forecaster = bare(linear(1), timesteps=6, steps=2, static=STATIC).fit(WIDE[:70], later)
    words = r"'kind' of `exog` must hold categories that `fit` saw, \['rain', .*got another at 2020"
    with pytest.raises(ValueError, match=words):
        forecaster.predict(exog=later)
    with pytest.raises(ValueError, match=words):
        forecaster.update(WIDE, later)
    static = STATIC.assign(city=["Ulm", "Bonn", "Rome"])
    with pytest.raises(ValueError, match=r"\['Bonn', 'Ulm'\], got 'Rome' in column 'city'"):
        forecaster.predict(exog=KIND, series=WIDE[:70], static=static)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ([f"note {i}" for i in range(101)], "at most 100 categories, got 101 distinct .* text"),
        (["1", "2.5"], "got numbers as text, such as '1'"),
        (["a", 1], "names of categories only, got 1 of type int"),
        (["a", ["b"]], r"names of categories only, got \['b'\] of type list"),
        (["a", None], "got None in column 'x'"),
    ],
    ids=["text", "numbers as text", "mixed", "lists", "missing"],
)
def test_columns_that_are_no_categories_are_refused_in_words(column, words):
    wide = pd.concat([monthly(40)] * len(column), axis=1, keys=range(len(column)))
    static = pd.DataFrame({"x": pd.Series(column, dtype=object)})
    with pytest.raises((TypeError, ValueError), match=words):
        bare(linear(), timesteps=6, static=static).fit(wide)


def test_a_missing_category_in_exog_is_refused():
    with pytest.raises(ValueError, match="must be finite, got NaN in column 'kind' at"):
        bare(linear(), timesteps=6).fit(WIDE, KIND.where(KIND.index != KIND.index[9]))
