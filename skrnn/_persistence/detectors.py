"""Records of detectors: their forecaster, their calibration, and the last rows."""

import numpy as np

from skrnn._forecasting.alarm_scores import Calibration
from skrnn._forecasting.alarms import Alarms, rows_kept
from skrnn._forecasting.detector import RNNDetector
from skrnn._forecasting.forecaster import RNNForecaster
from skrnn._persistence.estimators import estimator_codec
from skrnn._utils.field_types import Array64, fits
from skrnn._utils.records import Codec, record_codec, require

LEARNED = {"forecaster_": RNNForecaster, "_alarms": Alarms, "offset_": float}


def _decode_alarms(raw, errors, **fields):
    """Return the Alarms with the last rows of series, each with an error or NaN."""
    panel, shape = fields["panel"], (int(fields["panel"].lengths.sum()),)
    require(fits(raw, Array64) and raw.shape == shape, "the last rows")
    require(fits(errors, Array64) and errors.shape == shape, "the errors of the last rows")
    same = np.isnan(raw) == np.isnan(np.concatenate(panel.values))
    require(same.all() and not np.isinf(raw).any(), "the last rows")
    require(not (np.isinf(errors) | (errors < 0)).any(), "the errors of the last rows")
    return Alarms.decode(raw=raw, errors=errors, **fields)


def _complete(detector):
    """Refuse last rows that do not belong to the forecaster's series."""
    forecaster, panel = detector.forecaster_, detector._alarms.panel
    require(hasattr(forecaster, "_model") and np.isfinite(detector.offset_), "the forecaster")
    known = forecaster._panel
    of_exog = "exog_names", "exog_categories", "past_exog"
    for name in ("form", "name", "level_names", "labels", "step", *of_exog):
        require(getattr(panel, name) == getattr(known, name), "the last rows")
    require(panel.times[0].dtype == known.times[0].dtype, "the times of the last rows")
    require(forecaster._model.plan.steps == 1, "the steps of the forecaster")
    calibration = detector._alarms.calibration
    sizes, growth = calibration.sizes, calibration.growth
    require(sizes.shape == (len(known), 1) and (sizes > 0).all(), "the sizes of errors")
    require(len(growth) and np.isfinite(growth).all(), "the growth of errors")
    require(all(map(len, (calibration.errors, calibration.stays, calibration.scores))), "errors")
    gaps = any(np.isnan(rows).any() for rows in panel.values)
    require(forecaster._model.plan.fill or not gaps, "the last rows")
    most = rows_kept(forecaster._model, calibration.rows)
    lengths = zip(panel.lengths, known.lengths, strict=True)
    require(all(min(most, of_fit) <= n <= most for n, of_fit in lengths), "the last rows")


DETECTORS = {
    "Calibration": record_codec(Calibration),
    "Alarms": Codec(Alarms, Alarms.encode, _decode_alarms),
    "RNNDetector": estimator_codec(RNNDetector, LEARNED, check=_complete),
}
