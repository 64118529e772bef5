"""Records of times: how pandas's times, steps and their dtypes are stored."""

import re
import warnings
from datetime import UTC

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from skrnn._persistence.records import Entry, require

UNITS = ("s", "ms", "us", "ns")
# A key of the time zone database, or an offset from UTC; no path, and nothing of this machine.
ZONE = re.compile(r"[A-Z][A-Za-z0-9_+:\-]*(/[A-Z][A-Za-z0-9_+\-]*)*")
STEPS = frozenset(
    "years months weeks days hours minutes seconds microseconds nanoseconds "
    "year month day hour minute second microsecond nanosecond".split()
)


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


def _take_offset_apart(offset):
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
            # pandas 2.2 first takes an unknown name for an old spelling, and then refuses it.
            warnings.simplefilter("ignore", FutureWarning)
            return to_offset(name)
    require(steps.keys() <= STEPS, "the step of a calendar")
    require(all(type(value) is int for value in (n, *steps.values())), "the step of a calendar")
    return pd.DateOffset(n, **steps)


def _dtype(name):
    require(name in {f"{kind}8[{unit}]" for kind in "mM" for unit in UNITS}, f"the dtype {name!r}")
    return np.dtype(name)


def _ticks_apart(time):
    return {"ticks": int(time.asm8.view("i8")), "unit": time.unit}


TIMES = {
    "timestamp": Entry(
        pd.Timestamp, lambda time: _ticks_apart(time) | {"zone": _zone_name(time.tz)}, _timestamp
    ),
    "timedelta": Entry(pd.Timedelta, _ticks_apart, _timedelta),
    "period": Entry(
        pd.Period,
        lambda period: {"ordinal": int(period.ordinal), "freq": period.freq},
        lambda ordinal, freq: pd.Period(ordinal=ordinal, freq=freq),
    ),
    "offset": Entry(pd.tseries.offsets.BaseOffset, _take_offset_apart, _offset, exact=False),
    "time_dtype": Entry(np.dtype, lambda dtype: {"name": dtype.str[1:]}, _dtype, exact=False),
    "zoned_dtype": Entry(
        pd.DatetimeTZDtype,
        lambda dtype: {"unit": dtype.unit, "zone": _zone_name(dtype.tz)},
        lambda unit, zone: pd.DatetimeTZDtype(unit, _checked_zone(zone)),
    ),
    "period_dtype": Entry(
        pd.PeriodDtype, lambda dtype: {"freq": dtype.freq}, lambda freq: pd.PeriodDtype(freq)
    ),
}
