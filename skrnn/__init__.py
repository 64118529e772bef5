"""skrnn: recurrent networks as scikit-learn estimators."""

from skrnn import cells
from skrnn._backtest_display import BacktestDisplay
from skrnn._classifier import RNNClassifier
from skrnn._engines import clear_cache
from skrnn._files import load, save
from skrnn._forecast_display import ForecastDisplay
from skrnn._forecaster import RNNForecaster
from skrnn._format import FileFormatError
from skrnn._history_display import HistoryDisplay
from skrnn._regressor import RNNRegressor
from skrnn._search_display import SearchDisplay
from skrnn._sequence_vectorizer import SequenceVectorizer
from skrnn._window_blocks import window_blocks
from skrnn._window_display import WindowDisplay
from skrnn._window_transformer import WindowTransformer
from skrnn._windowing import make_windows

__version__ = "0.1.0"

__all__ = [
    "BacktestDisplay",
    "FileFormatError",
    "ForecastDisplay",
    "HistoryDisplay",
    "RNNClassifier",
    "RNNForecaster",
    "RNNRegressor",
    "SearchDisplay",
    "SequenceVectorizer",
    "WindowDisplay",
    "WindowTransformer",
    "__version__",
    "cells",
    "clear_cache",
    "load",
    "make_windows",
    "save",
    "window_blocks",
]
