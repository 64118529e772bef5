"""Records of pandas objects: times, offsets, dtypes, and indexes and frames of plain values."""

import re
import warnings
from datetime import UTC

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from skrnn._utils.file_format import DTYPES
from skrnn._utils.records import Codec, require

UNITS = ("s", "ms", "us", "ns")
# A key of the time zone database, or an offset from UTC; not a path or a local name.
ZONE = re.compile(r"[A-Z][A-Za-z0-9_+:\-]*(/[A-Z][A-Za-z0-9_+\-]*)*")
STEPS = frozenset(
    "years months weeks days hours minutes seconds microseconds nanoseconds "
    "year month day hour minute second microsecond nanosecond".split()
)


def _attributes(*names):
    return lambda value: {name: getattr(value, name) for name in names}


def _zone_name(zone):
    if zone is None or zone is UTC:
        return None if zone is None else "UTC"
    name = str(zone)
    if not ZONE.fullmatch(name) or pd.DatetimeTZDtype("ns", name) != pd.DatetimeTZDtype("ns", zone):
        raise ValueError(f"its time zone {name} has no name in the time zone database.")
    return name


def _checked_zone(name):
    require(isinstance(name, str) and ZONE.fullmatch(name), f"the time zone {name!r}")
    return name


def _encode_time(time):
    return {"ticks": int(time.asm8.view("i8")), "unit": time.unit}


def _checked_ticks(ticks, unit):
    require(type(ticks) is int and unit in UNITS, f"a time of {ticks!r} {unit!r}")
    return ticks, unit


def _timestamp(ticks, unit, zone):
    time = pd.Timestamp(np.datetime64(*_checked_ticks(ticks, unit)))
    if zone is None:
        return time
    return time.tz_localize("UTC").tz_convert(_checked_zone(zone))


def _timedelta(ticks, unit):
    return pd.Timedelta(np.timedelta64(*_checked_ticks(ticks, unit)))


def _encode_offset(offset):
    if type(offset) is pd.DateOffset and offset.kwds.keys() <= STEPS and not offset.normalize:
        return {"n": offset.n, "steps": dict(offset.kwds)}
    try:
        if to_offset(offset.freqstr) == offset:
            return {"name": offset.freqstr}
    except ValueError:
        pass
    raise ValueError(f"pandas cannot read the step {offset!r} from its name.")


def _offset(name=None, n=None, steps=None):
    if name is not None:
        with warnings.catch_warnings():
            # pandas 2.2 warns of an old spelling before it rejects an unknown name.
            warnings.simplefilter("ignore", FutureWarning)
            return to_offset(name)
    whole = all(type(value) is int for value in (n, *steps.values()))
    require(whole and steps.keys() <= STEPS, "the step of a calendar")
    return pd.DateOffset(n, **steps)


def _dtype(name):
    known = {"i8"} | {f"{kind}8[{unit}]" for kind in "mM" for unit in UNITS}
    require(name in known, f"the dtype {name!r}")
    return np.dtype(name)


def _encode_times(times):
    return {"ticks": times.asi8, "dtype": times.dtype, "name": times.name}


def _check_array(ticks, kinds="i"):
    integers = isinstance(ticks, np.ndarray) and ticks.dtype.kind in kinds and ticks.ndim == 1
    require(integers, "the times of a series")


def _dates(ticks, dtype, name):
    _check_array(ticks)
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc = pd.DatetimeIndex(ticks.view(f"M8[{dtype.unit}]"), name=name).tz_localize("UTC")
        return utc.tz_convert(dtype.tz)
    return pd.DatetimeIndex(ticks.view(dtype), name=name)


def _periods(ticks, dtype, name):
    _check_array(ticks)
    return pd.PeriodIndex.from_ordinals(ticks, freq=dtype.freq, name=name)


def _durations(ticks, dtype, name):
    _check_array(ticks)
    return pd.TimedeltaIndex(ticks.view(dtype), name=name)


def _encode_integers(index):
    if index.dtype.kind not in "iu":
        raise ValueError(f"it is an index of {index.dtype}.")
    return {"ticks": index.to_numpy(), "name": index.name}


def _integers(ticks, name):
    _check_array(ticks, "iu")
    return pd.Index(ticks.astype(np.int64), name=name)  # small integers, in old files, overflow


def _encode_frame(frame):
    fields = {}
    for axis, index in (("rows", frame.index), ("columns", frame.columns)):
        if isinstance(index, pd.MultiIndex):
            raise ValueError(f"its {axis} have a MultiIndex.")
        fields |= {axis: list(index), f"{axis}_name": index.name}
    return fields | {"values": [_encode_column(*pair) for pair in frame.items()]}


def _encode_column(name, column):
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().astype(np.int64)
        return {"categories": column.cat.categories.tolist(), "codes": codes}
    values = column.to_numpy()
    text = values.dtype == object and all(isinstance(item, (str, float)) for item in values)
    if not text and (not isinstance(column.dtype, np.dtype) or values.dtype.name not in DTYPES):
        raise ValueError(
            f"its column {name!r} is of {column.dtype}. Encode it as plain numbers or strings."
        )
    return values


def _labels(labels, name):
    require(isinstance(labels, list), "the labels of a frame")
    return pd.Index(labels, tupleize_cols=False, name=name)


def _column(part, n_rows):
    if isinstance(part, dict):
        require(part.keys() == {"categories", "codes"}, "a column of a frame")
        _check_array(part["codes"])
        part = pd.Categorical.from_codes(part["codes"], part["categories"])
    require(part.shape == (n_rows,), "a column of a frame")
    return part


def _frame(rows, rows_name, columns, columns_name, values):
    columns_of = dict(enumerate(_column(part, len(rows)) for part in values))
    frame = pd.DataFrame(columns_of, index=_labels(rows, rows_name))
    return frame.set_axis(_labels(columns, columns_name), axis=1)


PANDAS = {
    "timestamp": Codec(
        pd.Timestamp, lambda time: _encode_time(time) | {"zone": _zone_name(time.tz)}, _timestamp
    ),
    "timedelta": Codec(pd.Timedelta, _encode_time, _timedelta),
    "period": Codec(
        pd.Period,
        _attributes("ordinal", "freq"),
        lambda ordinal, freq: pd.Period(ordinal=ordinal, freq=freq),
    ),
    "offset": Codec(pd.tseries.offsets.BaseOffset, _encode_offset, _offset, exact=False),
    "time_dtype": Codec(np.dtype, lambda dtype: {"name": dtype.str[1:]}, _dtype, exact=False),
    "zoned_dtype": Codec(
        pd.DatetimeTZDtype,
        lambda dtype: {"unit": dtype.unit, "zone": _zone_name(dtype.tz)},
        lambda unit, zone: pd.DatetimeTZDtype(unit, _checked_zone(zone)),
    ),
    "period_dtype": Codec(pd.PeriodDtype, _attributes("freq"), pd.PeriodDtype),
    "dates": Codec(pd.DatetimeIndex, _encode_times, _dates),
    "periods": Codec(pd.PeriodIndex, _encode_times, _periods),
    "durations": Codec(pd.TimedeltaIndex, _encode_times, _durations),
    "integers": Codec(pd.Index, _encode_integers, _integers),
    "range": Codec(pd.RangeIndex, _attributes("start", "stop", "step", "name"), pd.RangeIndex),
    "frame": Codec(pd.DataFrame, _encode_frame, _frame),
}
