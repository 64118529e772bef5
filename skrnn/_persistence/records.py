"""Records: values as a file holds them, an object as a dict under the name of its class.

Which classes there are, and what each is made of, is a table in code: a name that it does not have
is refused, and none is ever looked up elsewhere.
"""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from skrnn._utils.file_format import ARRAYS, DTYPES, PLAIN, FileFormatError

HINT = (
    "`skrnn.save` stores plain values, arrays and the classes it knows. Use skops or pickle for "
    "all else."
)
CLASS = "class"
# What constructors and lookups raise when a file gives them something wrong,
# and pandas (NotImplementedError) for times in a zone beyond the years of Python's datetime.
MISFITS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
)


class Entry(NamedTuple):
    """How the objects of one class are taken apart and put together again.

    Parameters
    ----------
    kind : type
    take_apart : callable
        From an object to a dict of str to values, which may be objects again. A ValueError says
        what cannot be stored.
    put_together : callable
        From such a dict, as keywords, to the object. An error refuses what take_apart never made.
    exact : bool, default=True
        Whether objects of subclasses are of another class.
    """

    kind: type
    take_apart: Callable
    put_together: Callable
    exact: bool = True

    def holds(self, value):
        return type(value) is self.kind or (not self.exact and isinstance(value, self.kind))


def require(condition, what):
    """Refuse a file in which something is not as skrnn writes it."""
    if not condition:
        raise FileFormatError(f"{what} is not as skrnn writes it.")


def packed(value, table, place):
    """Return a value with dicts, text arrays and objects as records.

    Parameters
    ----------
    value : object
    table : dict of str to Entry
    place : str
        What messages call the value.
    """
    numbers = isinstance(value, (np.generic, *ARRAYS)) and value.dtype.name in DTYPES
    if type(value) in (*PLAIN, float) or numbers:
        return value
    if type(value) in (list, tuple):
        return type(value)(packed(item, table, f"{place}[{i}]") for i, item in enumerate(value))
    if type(value) is dict:
        values = [packed(item, table, f"{place}[{key!r}]") for key, item in value.items()]
        return {CLASS: "dict", "keys": packed(list(value), table, place), "values": values}
    name = next((name for name, entry in table.items() if entry.holds(value)), None)
    if name is None:
        best = "Its `best_estimator_` may be. " if hasattr(value, "best_estimator_") else ""
        kind = type(value).__name__
        raise TypeError(f"`{place}` cannot be stored: it is of type {kind}. {best}{HINT}")
    try:
        parts = table[name].take_apart(value)
    except ValueError as error:
        raise ValueError(f"`{place}` cannot be stored: {error} {HINT}") from None
    return {CLASS: name} | {
        part: packed(item, table, f"{place}.{part}") for part, item in parts.items()
    }


def _dict(keys, values):
    made = dict(zip(keys, values, strict=True))
    require(len(made) == len(keys), "a dict that holds a key twice")
    return made


def names_other_classes(node, table):
    """Whether a record in a file's tree names a class that the table does not have."""
    if isinstance(node, (list, tuple)):
        return any(names_other_classes(item, table) for item in node)
    if not isinstance(node, dict):
        return False
    known = _names_one_of(table, node.get(CLASS))
    return not known or names_other_classes(list(node.values()), table)


def _names_one_of(table, name):
    return isinstance(name, str) and (name == "dict" or name in table)  # arrays compare by item


def unpacked(node, table):
    """Return the value that a node of a file's tree stands for."""
    if isinstance(node, (list, tuple)):
        return type(node)(unpacked(item, table) for item in node)
    if not isinstance(node, dict):
        return node
    name = node.get(CLASS)
    require(_names_one_of(table, name), f"the class {name!r}")
    parts = {part: unpacked(item, table) for part, item in node.items() if part != CLASS}
    try:
        return _dict(**parts) if name == "dict" else table[name].put_together(**parts)
    except FileFormatError:
        raise
    except MISFITS as error:
        raise FileFormatError(f"a {name} cannot be made of what it holds: {error}") from error


def _take_array_apart(array):
    if array.dtype.kind == "U" and array.dtype.itemsize:
        flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        return {"codes": flat.view("<u4").reshape(*array.shape, -1)}
    if array.dtype == object and array.ndim == 1:
        return {"items": array.tolist()}
    raise ValueError(f"it is an array of {array.dtype} with {array.ndim} dimensions.")


def _text_or_objects(codes=None, items=None):
    if codes is None:
        require(isinstance(items, list), "an array of objects")
        array = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            array[i] = item
        return array
    known = isinstance(codes, np.ndarray) and codes.dtype == np.uint32
    require(known and codes.size and codes.max() <= 0x10FFFF, "an array of text")
    return np.ascontiguousarray(codes).view(f"U{codes.shape[-1]}")[..., 0]


def _checked(text):
    require(isinstance(text, str), "a text")
    return text


VALUES = {
    "array": Entry(np.ndarray, _take_array_apart, _text_or_objects),
    "text": Entry(np.str_, lambda text: {"text": str(text)}, lambda text: np.str_(_checked(text))),
    "path": Entry(
        PurePath,
        lambda path: {"text": str(path)},
        lambda text: Path(_checked(text)),
        exact=False,
    ),
}
