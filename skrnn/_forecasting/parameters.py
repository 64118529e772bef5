"""The parameters of RNNForecaster: types, defaults and constraints."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import TYPE_CHECKING

import pandas as pd

from skrnn._forecasting.calendar import CYCLES
from skrnn._preprocessing.frequency import FREQUENCY_TYPES
from skrnn._utils.declared_parameters import declare_parameters, parameter
from skrnn._utils.sklearn_private import HasMethods, Interval, StrOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from skrnn._types import AnyFrame, Column, Columns, Frequency, RandomState

AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")
AUTO = StrOptions({"auto"})
NOT_NEGATIVE = Interval(Integral, 0, None, closed="left")


@declare_parameters
class ForecasterParameters:
    """The parameters of RNNForecaster."""

    regressor: Any = parameter(None, HasMethods(["fit", "predict"]), None)
    _: KW_ONLY
    timesteps: int | Literal["auto"] = parameter("auto", AT_LEAST_ONE, AUTO)
    steps: int = parameter(1, AT_LEAST_ONE)
    strategy: Literal["direct", "recursive"] = parameter(
        "direct", StrOptions({"direct", "recursive"})
    )
    segment: int | Literal["auto"] = parameter("auto", AT_LEAST_ONE, AUTO)
    scale: Literal["auto", "series", "window", "level"] | None = parameter(
        "auto", StrOptions({"auto", "series", "window", "level"}), None
    )
    baseline: Literal["last", "seasonal", "drift", "ridge", "stacked"] | None = parameter(
        "stacked", StrOptions({"last", "seasonal", "drift", "ridge", "stacked"}), None
    )
    network_weight: float | Literal["auto"] = parameter(
        "auto", Interval(Real, 0, 1, closed="both"), AUTO
    )
    n_networks: int = parameter(1, AT_LEAST_ONE)
    random_state: RandomState = parameter(None, "random_state")
    early_stopping: bool | Literal["auto"] = parameter("auto", "boolean", AUTO)
    differences: int | Sequence[int] = parameter(0, NOT_NEGATIVE, tuple, list)
    season: int | None = parameter(None, AT_LEAST_ONE, None)
    calendar: str | Sequence[str] = parameter((), tuple, list, StrOptions(set(CYCLES)))
    transformer: Any = parameter(None, HasMethods(["fit", "transform", "inverse_transform"]), None)
    past_exog: str | Sequence[Hashable] = parameter((), tuple, list, str)
    static: AnyFrame | None = parameter(
        None, pd.DataFrame, HasMethods(["__arrow_c_stream__"]), None
    )
    fill: Literal["linear", "seasonal", "mask"] | None = parameter(
        None, StrOptions({"linear", "seasonal", "mask"}), None
    )
    calibration: int | Literal["auto"] = parameter("auto", NOT_NEGATIVE, AUTO)
    stride: int = parameter(1, AT_LEAST_ONE)
    n_jobs: int | None = parameter(None, Integral, None)
    freq: Frequency = parameter(None, *FREQUENCY_TYPES)
    time_column: Column = parameter(None, Hashable)
    series_column: Columns = parameter(None, Hashable, list)
