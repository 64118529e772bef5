"""What displays refuse to draw, and what they say where matplotlib is not installed."""

import sys
from copy import deepcopy
from functools import partial

import numpy as np
import pandas as pd
import pytest
from forecasting import Recorder, bare, monthly
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrnn import (
    BacktestDisplay,
    DetectorDisplay,
    ForecastDisplay,
    HistoryDisplay,
    IntegratedGradientsDisplay,
    RNNRegressor,
    SearchDisplay,
    WindowDisplay,
    WindowTransformer,
)
from skrnn.inspection import TimestepImportanceDisplay

draw_forecast, draw_search = ForecastDisplay.from_forecaster, SearchDisplay.from_search
draw_history, draw_histories = HistoryDisplay.from_estimator, HistoryDisplay.from_estimators
draw_backtest, draw_folds = BacktestDisplay.from_backtest, BacktestDisplay.from_forecaster
draw_windows, draw_series = WindowDisplay.from_estimator, WindowDisplay.from_series
draw_alarms = DetectorDisplay.from_detector
draw_forty = partial(draw_series, range(40))

WIDE = pd.DataFrame({label: monthly() for label in "abc"})
FORECASTER = bare(Recorder(), timesteps=12, steps=6).fit(WIDE)
BACKTEST = bare(Recorder(), timesteps=12).backtest(monthly(60))
RIDGE = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
SEARCHED = GridSearchCV(Ridge(), {"alpha": [1]}, cv=2).fit(np.zeros((6, 1)), np.zeros(6))
UNSCORED = deepcopy(SEARCHED)
UNSCORED.cv_results_["mean_test_score"][:] = np.nan
EMPTY = HistoryDisplay({"a": {"loss": [], "seconds": []}})
WINDOWS = WindowTransformer().fit(WIDE)

# What draws, its arguments, and words of the error.
OF_WRONG_VALUES = [
    (draw_forecast, FORECASTER, {"labels": "z"}, "series of the forecast, a, b, c, got 'z'"),
    (draw_forecast, FORECASTER, {"labels": []}, "`labels` must name at least one series"),
    (draw_forecast, FORECASTER, {"history": 0}, "`history` must be at least 1, got 0"),
    (draw_forecast, FORECASTER, {"truth": WIDE}, "at the times of the forecast, 2021"),
    (
        draw_forecast,
        FORECASTER,
        {"truth": WIDE[["b"]], "labels": ["c", "a"]},
        "`truth` must hold a series that is drawn, got none named c, a",
    ),
    (draw_forecast, FORECASTER, {"ax": Figure().subplots()}, "must be 3 Axes, .* got 1"),
    (draw_forecast, bare(), {}, "not fitted"),
    (draw_backtest, BACKTEST, {"label": "z"}, "a series of the backtest, y, got 'z'"),
    (draw_backtest, BACKTEST, {"measure": 1}, "one of MASE, MAE, RMSE, sMAPE, got 1"),
    (draw_search, SEARCHED, {"over": "dropout"}, "`over` must name a .* searched, alpha, got"),
    (draw_search, SEARCHED, {"over": "alpha", "by": "loss"}, "`by` must name a .* searched"),
    (draw_search, SEARCHED, {"over": "alpha", "scoring": "mae"}, "`scoring` must name a score of"),
    (draw_search, UNSCORED, {"over": "alpha"}, "NaN for each candidate: all fits failed, or"),
    (draw_search, GridSearchCV(Ridge(), {"alpha": [1]}), {}, "not fitted"),
    (draw_history, RNNRegressor(), {}, "not fitted"),
    (draw_histories, {}, {}, "`estimators` must hold at least one estimator, got none"),
    (HistoryDisplay.plot, EMPTY, {}, "history of 'a' must hold at least one epoch, got none"),
    (draw_series, range(5), {"timesteps": 9}, "`series` must have at least 10 rows"),
    (draw_windows, WINDOWS, {"X": WIDE[["a"]]}, "feature names"),
    (draw_forty, 3, {"windows": []}, "`windows` must hold at least one position, got none"),
    (draw_forty, 3, {"windows": [37]}, r"`windows` must hold .* from 0 to 36, got \[37\]"),
    (draw_forty, 3, {"windows": [-1]}, r"`windows` must hold .* from 0 to 36, got \[-1\]"),
    (draw_forty, 3, {"windows": ["a"]}, r"`windows` must hold .* from 0 to 36, got \['a'\]"),
]
OF_WRONG_KINDS = [
    (
        draw_forecast,
        FORECASTER,
        {"truth": [1]},
        "`truth` must be a Series or DataFrame of pandas, got list",
    ),
    (draw_forecast, FORECASTER, {"ax": "here"}, "`ax` must be matplotlib Axes, got 'here'"),
    (draw_forecast, SEARCHED, {}, r"got GridSearchCV\. Pass its `best_estimator_`"),
    (draw_backtest, pd.DataFrame(BACKTEST), {}, r"got DataFrame\. Pass the result"),
    (draw_folds, RIDGE, {"series": monthly()}, "an RNNForecaster, got Ridge"),
    (draw_alarms, RIDGE, {"series": monthly()}, "an RNNDetector, got Ridge"),
    (draw_search, RIDGE, {}, "`search` must be a search such as GridSearchCV, got Ridge"),
    (draw_history, RIDGE, {}, "or contain one, got Ridge, which has no `history_`"),
    (draw_histories, RNNRegressor(), {}, "Pass a single one to `from_estimator`"),
    (draw_windows, make_pipeline(WINDOWS), {"X": WIDE}, "got Pipeline. Pass its step"),
]


@pytest.mark.parametrize(
    ("error", "draw", "subject", "arguments", "words"),
    [
        *((ValueError, *case) for case in OF_WRONG_VALUES),
        *((TypeError, *case) for case in OF_WRONG_KINDS),
    ],
)
def test_display_refuses_what_it_cannot_draw(error, draw, subject, arguments, words):
    with pytest.raises(error, match=words) as caught:
        draw(subject, **arguments)
    assert isinstance(caught.value, NotFittedError) == (words == "not fitted")
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: ForecastDisplay(monthly()).plot(),
        lambda: draw_folds(bare(None), monthly()),
        lambda: draw_histories([]),
        lambda: DetectorDisplay(monthly(), monthly().to_frame(), offset=0.0).plot(),
        lambda: draw_search(None),
        lambda: draw_series(range(9), 2),
        lambda: draw_windows(WindowTransformer(2), range(9)),
        lambda: TimestepImportanceDisplay.from_estimator(None, [], []),
        lambda: IntegratedGradientsDisplay.from_estimator(None, []),
    ],
)
def test_displays_without_matplotlib_name_the_extra_before_all_else(monkeypatch, draw):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'skrnn\[plot\]'"):
        draw()
