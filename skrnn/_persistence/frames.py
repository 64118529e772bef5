"""Records of frames: how the times of series and a frame of numbers are stored."""

import numpy as np
import pandas as pd

from skrnn._persistence.records import Entry, require
from skrnn._utils.file_format import DTYPES


def _check_ticks(ticks, kinds):
    integers = isinstance(ticks, np.ndarray) and ticks.dtype.kind in kinds and ticks.ndim == 1
    require(integers, "the times of a series")


def _times_apart(times):
    return {"ticks": times.asi8, "dtype": times.dtype, "name": times.name}


def _dates(ticks, dtype, name):
    _check_ticks(ticks, "i")
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc = pd.DatetimeIndex(ticks.view(f"M8[{dtype.unit}]"), name=name).tz_localize("UTC")
        return utc.tz_convert(dtype.tz)
    return pd.DatetimeIndex(ticks.view(dtype), name=name)


def _periods(ticks, dtype, name):
    _check_ticks(ticks, "i")
    return pd.PeriodIndex.from_ordinals(ticks, freq=dtype.freq, name=name)


def _durations(ticks, dtype, name):
    _check_ticks(ticks, "i")
    return pd.TimedeltaIndex(ticks.view(dtype), name=name)


def _take_integers_apart(index):
    if index.dtype.kind not in "iu":
        raise ValueError(f"it is an index of {index.dtype}.")
    return {"ticks": index.to_numpy(), "name": index.name}


def _integers(ticks, name):
    _check_ticks(ticks, "iu")
    return pd.Index(ticks, name=name)


def _labels(labels, name):
    require(isinstance(labels, list), "the labels of a frame")
    return pd.Index(labels, tupleize_cols=False, name=name)


def _take_frame_apart(frame):
    parts = {}
    for axis, index in (("rows", frame.index), ("columns", frame.columns)):
        if isinstance(index, pd.MultiIndex):
            raise ValueError(f"its {axis} have a MultiIndex.")
        parts |= {axis: list(index), f"{axis}_name": index.name}
    for name, dtype in frame.dtypes.items():
        if not isinstance(dtype, np.dtype) or dtype.name not in DTYPES:
            raise ValueError(f"its column {name!r} is of {dtype}. Encode it as plain numbers.")
    return parts | {"values": [column.to_numpy() for _, column in frame.items()]}


def _frame(rows, rows_name, columns, columns_name, values):
    require(all(array.shape == (len(rows),) for array in values), "a column of a frame")
    frame = pd.DataFrame(dict(enumerate(values)), index=_labels(rows, rows_name))
    return frame.set_axis(_labels(columns, columns_name), axis=1)


FRAMES = {
    "dates": Entry(pd.DatetimeIndex, _times_apart, _dates),
    "periods": Entry(pd.PeriodIndex, _times_apart, _periods),
    "durations": Entry(pd.TimedeltaIndex, _times_apart, _durations),
    "integers": Entry(pd.Index, _take_integers_apart, _integers),
    "range": Entry(
        pd.RangeIndex,
        lambda index: {
            "start": index.start,
            "stop": index.stop,
            "step": index.step,
            "name": index.name,
        },
        pd.RangeIndex,
    ),
    "frame": Entry(pd.DataFrame, _take_frame_apart, _frame),
}
