"""Types of the public signatures, as editors show and type checkers read them.

Nothing imports this module at run time. `X | Any` is an X unless an argument selects another type:
editors then know its members, and type checkers do not ask for proof.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import keras
import numpy as np
import pandas as pd
from matplotlib.axes import Axes as Axes
from matplotlib.figure import Figure as Figure
from numpy.typing import ArrayLike as ArrayLike
from numpy.typing import NDArray

Method = TypeVar("Method", bound=Callable[..., Any])

# Data
Array: TypeAlias = NDArray[Any]
Block: TypeAlias = tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike]
Documents: TypeAlias = Iterable[str] | Iterable[Sequence[str]]
StrPath: TypeAlias = str | PathLike[str]
SeriesOrFrame: TypeAlias = "pd.Series[Any] | pd.DataFrame"
Column: TypeAlias = Hashable | None
Columns: TypeAlias = Hashable | list[str] | None
Frequency: TypeAlias = str | pd.tseries.offsets.BaseOffset | timedelta | int | None

# Networks
CellType: TypeAlias = Literal["simple_rnn", "gru", "lstm"]
CellTypes: TypeAlias = CellType | Sequence[CellType]
Sizes: TypeAlias = int | Sequence[int]
StaticFeatures: TypeAlias = Sequence[str] | Sequence[int]
Pooling: TypeAlias = Literal["last", "mean", "max"]
Standardize: TypeAlias = bool | Literal["X", "y"]
Engine: TypeAlias = Literal["auto", "keras", "native", "numpy"]
Dtype: TypeAlias = Literal["float32", "float64", "mixed_float16"]
Metric: TypeAlias = str | Callable[..., Any]
Metrics: TypeAlias = Metric | Sequence[Metric]
Network: TypeAlias = "Callable[..., Any] | NetworkObject | None"
RandomState: TypeAlias = int | np.random.RandomState | None
ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"] | None
LearningRate: TypeAlias = (
    float
    | Literal["cosine", "exponential", "plateau"]
    | dict[str, Any]
    | Callable[[int], float]
    | None
)
Loss: TypeAlias = str | dict[str, Any] | keras.losses.Loss | Callable[..., Any]
Optimizer: TypeAlias = str | dict[str, Any] | keras.optimizers.Optimizer
ValidationSplit: TypeAlias = "Literal['last', 'stratified'] | Splitter | None"
KerasModel: TypeAlias = keras.Model
KerasCallbacks: TypeAlias = keras.callbacks.Callback | Sequence[keras.callbacks.Callback]
Callbacks: TypeAlias = KerasCallbacks | Callable[[], KerasCallbacks] | None

# Forecasts, preprocessing and scores
Levels: TypeAlias = float | Sequence[float]
Container: TypeAlias = Literal["default", "pandas", "polars"] | None
Side: TypeAlias = Literal["pre", "post"]
Scoring: TypeAlias = str | Callable[..., float] | None

# Pictures
AxesLike: TypeAlias = Axes | Sequence[Axes] | NDArray[np.object_] | None
DrawnAxes: TypeAlias = Axes | Any
Labels: TypeAlias = Hashable | Sequence[Hashable]
Measure: TypeAlias = Literal["MASE", "MAE", "RMSE", "sMAPE"]
Positions: TypeAlias = Sequence[int] | Array


class Splitter(Protocol):
    """A splitter of scikit-learn."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any: ...

    def get_n_splits(self) -> int: ...


class NetworkObject(Protocol):
    """A network with parameters of its own, such as a BaseEstimator of scikit-learn."""

    def get_params(self, deep: bool = True) -> dict[str, Any]: ...

    def __call__(self, inputs: Any, /) -> Any: ...


class Rows(Protocol):
    """An object with a shape and rows: an array of NumPy, Dask or h5py."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: slice, /) -> Any: ...


class ArrowFrame(Protocol):
    """A frame or series that Arrow can read, such as those of Polars and pyarrow."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> object: ...


class BlockSequence(Protocol):
    """Blocks that are created on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Block: ...


Blocks: TypeAlias = BlockSequence | Callable[[], Iterable[Block]]
AnyFrame: TypeAlias = "SeriesOrFrame | ArrowFrame"
Target: TypeAlias = "str | int | Sequence[str] | Sequence[int] | Rows | AnyFrame | None"
