"""skrnn: recurrent networks as scikit-learn estimators."""

from skrnn import cells, metrics
from skrnn._displays.attribution import IntegratedGradientsDisplay
from skrnn._displays.backtest import BacktestDisplay
from skrnn._displays.detector import DetectorDisplay
from skrnn._displays.forecast import ForecastDisplay
from skrnn._displays.history import HistoryDisplay
from skrnn._displays.search import SearchDisplay
from skrnn._displays.windows import WindowDisplay
from skrnn._engines import clear_cache
from skrnn._estimators.classifier import RNNClassifier
from skrnn._estimators.regressor import RNNRegressor
from skrnn._estimators.stepper import Stepper
from skrnn._forecasting.backtest import Backtest
from skrnn._forecasting.detector import RNNDetector
from skrnn._forecasting.forecaster import RNNForecaster
from skrnn._persistence.save_load import load, save
from skrnn._preprocessing.sequence_reshaper import SequenceReshaper
from skrnn._preprocessing.sequence_vectorizer import SequenceVectorizer
from skrnn._preprocessing.window_blocks import window_blocks
from skrnn._preprocessing.window_transformer import WindowTransformer
from skrnn._preprocessing.windows import make_windows
from skrnn._utils.file_format import FileFormatError

#: Names of the types that skops must trust to load skrnn's estimators:
#: ``skops.io.load("model.skops", trusted=skrnn.trusted_types)``. They hold plain values and arrays,
#: and other estimators, such as those of scikit-learn in a Pipeline.
trusted_types = [
    f"{kind.__module__}.{kind.__name__}"
    for kind in (
        RNNClassifier,
        RNNDetector,
        RNNForecaster,
        RNNRegressor,
        SequenceReshaper,
        SequenceVectorizer,
        WindowTransformer,
    )
]
__version__ = "0.1.0"

__all__ = [
    "Backtest",
    "BacktestDisplay",
    "DetectorDisplay",
    "FileFormatError",
    "ForecastDisplay",
    "HistoryDisplay",
    "IntegratedGradientsDisplay",
    "RNNClassifier",
    "RNNDetector",
    "RNNForecaster",
    "RNNRegressor",
    "SearchDisplay",
    "SequenceReshaper",
    "SequenceVectorizer",
    "Stepper",
    "WindowDisplay",
    "WindowTransformer",
    "__version__",
    "cells",
    "clear_cache",
    "load",
    "make_windows",
    "metrics",
    "save",
    "trusted_types",
    "window_blocks",
]
