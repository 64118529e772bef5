"""Field types: annotations for the valid values of a record's field, and their check.

`Annotated[kind, test, ...]` is a value of that kind that passes the tests.
"""

from itertools import repeat
from math import inf
from numbers import Real
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np

Size = Annotated[int | np.integer, lambda size: size > 0]
Count = Annotated[int | np.integer, lambda count: count >= 0]
Shape = Annotated[tuple[Size, ...], len]  # not empty
Fraction = Annotated[float, lambda fraction: 0 <= fraction < 1]
Probability = Annotated[float, lambda share: 0 < share < 1]
Penalty = Annotated[float, lambda penalty: 0 <= penalty < inf]
Array64 = Annotated[np.ndarray, lambda array: array.dtype == np.float64]
Table64 = Annotated[Array64, lambda array: array.ndim == 2]
Positive64 = Annotated[Array64, lambda array: array.ndim == 1 and (array > 0).all()]

# `int` excludes NumPy's integers, which overflow; sizes that may be NumPy's are annotated so.
ACCEPTED = {bool: (bool, np.bool_), float: Real, Any: object}


def fits(value, kind):
    """Whether a value matches an annotation, including all items of a container."""
    if isinstance(kind, type):
        return type(value) is int if kind is int else isinstance(value, ACCEPTED.get(kind, kind))
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return fits(value, parts[0]) and all(test(value) for test in parts[1:])
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if not isinstance(value, origin):
        return False
    if origin is list:
        return all(map(fits, value, repeat(*parts)))
    if origin is dict:
        return fits(list(value), list[parts[0]]) and fits(list(value.values()), list[parts[1]])
    kinds = (parts[0],) * len(value) if parts[-1] is ... else parts  # of a tuple
    return len(kinds) == len(value) and all(map(fits, value, kinds))
