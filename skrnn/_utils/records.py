"""Records: values in the form stored in a file, with objects as dicts under their class name.

The classes and their fields are a table in code. Any other name is refused, and no name is looked
up elsewhere.
"""

import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from pathlib import Path, PurePath
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType
from typing import NamedTuple, get_type_hints

import numpy as np

from skrnn._utils.field_types import fits
from skrnn._utils.file_format import ARRAYS, DTYPES, PLAIN, FileFormatError

HINT = (
    "`skrnn.save` stores plain values, arrays and known classes. Use skops or pickle for "
    "everything else."
)
CLASS = "class"
NO_RECORD = {*PLAIN, float}  # types with values that are written unchanged
FUNCTIONS = FunctionType, BuiltinFunctionType, MethodType, MethodDescriptorType
# Errors that constructors and lookups raise for invalid content of a file. NotImplementedError is
# from pandas, for times in a zone beyond the years of Python's datetime.
INVALID = (ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError)


class Codec(NamedTuple):
    """The conversion of objects of one class to records and back.

    `encode` returns a dict of values, which may be objects again. Its ValueError names the part
    that cannot be stored. `decode` takes such a dict as keywords, and refuses any dict that
    `encode` cannot create.
    """

    kind: type | tuple
    encode: Callable
    decode: Callable
    exact: bool = True  # whether objects of subclasses are excluded

    def accepts(self, value):
        return type(value) is self.kind or (not self.exact and isinstance(value, self.kind))


def require(condition, what):
    """Refuse a file with content that skrnn does not write."""
    if not condition:
        raise FileFormatError(
            f"{what} is not as skrnn writes it. Fit and save the estimator again, or update skrnn."
        )


def check_fields(fields, kinds):
    """Refuse fields, in a dict by name, that do not match their annotations."""
    for name, kind in kinds.items():
        require(name not in fields or fits(fields[name], kind), f"`{name}`")


def record_codec(kind):
    """Return the Codec of a dataclass; its annotations define the valid values of fields."""
    kinds = get_type_hints(kind, include_extras=True)

    def decode(**fields):
        check_fields(fields, kinds)
        return kind(**fields)

    return Codec(kind, lambda record: dict(vars(record)), decode)


def record_codecs(*kinds):
    """Return the Codecs of dataclasses, by name, which accept any values."""
    return {kind.__name__: Codec(kind, lambda record: dict(vars(record)), kind) for kind in kinds}


def _all_plain(items):
    """Whether no item needs a record; only types are compared, because there may be many items."""
    return set(map(type, items)) <= NO_RECORD


def _refuse(value, place, error=None):
    if error is not None:
        raise ValueError(f"`{place}` cannot be stored: {error} {HINT}") from None
    best = "Its `best_estimator_` may be. " if hasattr(value, "best_estimator_") else ""
    kind = type(value).__name__
    raise TypeError(f"`{place}` cannot be stored: it is of type {kind}. {best}{HINT}")


def keep(value, place, error=None):
    """Return a value without a record unchanged."""
    return value


def to_record(value, codecs, place, unknown=_refuse):
    """Return a value with dicts, text arrays and objects as records; messages name its place.

    `unknown` is called for values that have no record.
    """
    numbers = isinstance(value, (np.generic, *ARRAYS)) and value.dtype.name in DTYPES
    if type(value) in NO_RECORD or numbers:
        return value
    if type(value) in (list, tuple):
        if _all_plain(value):
            return value
        return type(value)(
            to_record(item, codecs, f"{place}[{i}]", unknown) for i, item in enumerate(value)
        )
    if type(value) is dict:
        values = list(value.values())
        if not _all_plain(values):
            values = [
                to_record(item, codecs, f"{place}[{key!r}]", unknown) for key, item in value.items()
            ]
        keys = to_record(list(value), codecs, place, unknown)
        return {CLASS: "dict", "keys": keys, "values": values}
    name = next((name for name, codec in codecs.items() if codec.accepts(value)), None)
    if name is None:
        return unknown(value, place)
    try:
        fields = codecs[name].encode(value)
    except ValueError as error:
        return unknown(value, place, error)
    return {CLASS: name} | {
        field: to_record(item, codecs, f"{place}.{field}", unknown)
        for field, item in fields.items()
    }


def from_record(node, codecs):
    """Return the value of a node of a file's tree."""
    if isinstance(node, (list, tuple)):
        if _all_plain(node):
            return node
        return type(node)(from_record(item, codecs) for item in node)
    if not isinstance(node, dict):
        return node
    name = node.get(CLASS)
    known = isinstance(name, str) and (name == "dict" or name in codecs)  # arrays compare by item
    require(known, f"the class {name!r}")
    fields = {field: from_record(item, codecs) for field, item in node.items() if field != CLASS}
    try:
        return _dict(**fields) if name == "dict" else codecs[name].decode(**fields)
    except FileFormatError:
        raise
    except INVALID as error:
        raise FileFormatError(f"a {name} cannot be made from its fields: {error}") from error


def _dict(keys, values):
    made = dict(zip(keys, values, strict=True))
    require(len(made) == len(keys), "a dict that holds a key twice")
    return made


def _encode_array(array):
    if array.dtype.kind == "U" and array.dtype.itemsize:
        flat = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        return {"codes": flat.view("<u4").reshape(*array.shape, -1)}
    if array.dtype == object and array.ndim == 1:
        return {"items": array.tolist()}
    raise ValueError(f"it is an array of {array.dtype} with {array.ndim} dimensions.")


def _decode_array(codes=None, items=None):
    if codes is None:
        require(isinstance(items, list), "an array of objects")
        array = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            array[i] = item
        return array
    known = isinstance(codes, np.ndarray) and codes.dtype == np.uint32
    require(known and codes.size and codes.max() <= 0x10FFFF, "an array of text")
    return np.ascontiguousarray(codes).view(f"U{codes.shape[-1]}")[..., 0]


def _text_codec(kind, make, exact):
    def decode(text):
        require(isinstance(text, str), "a text")
        return make(text)

    return Codec(kind, lambda value: {"text": str(value)}, decode, exact)


def name_in_module(function):
    """Return the module of a function or class and its name there; ValueError without a name."""
    owner = getattr(function, "__objclass__", function)  # of a method of a built-in class
    module = getattr(owner, "__module__", None)
    known = sys.modules.get(module) if module != "__main__" else None
    own_names = (
        [name for name, value in vars(known).items() if _same(value, function)] if known else []
    )
    for name in (function.__qualname__, *own_names):
        if known and _same(_attribute(known, name), function):
            return {"module": module, "name": name}
    raise ValueError(f"{function!r} has no name to import it by. Define it in a module.")


def _same(value, function):
    """Whether a value is a function, or the same method of the same object."""
    return type(value) is type(function) and value == function


def _attribute(module, name):
    return reduce(lambda owner, part: getattr(owner, part, None), name.split("."), module)


def import_trusted(module, name, trusted, before=lambda: None):
    """Return the object with a name in a module; `trusted` None: every name is trusted.

    Nothing is imported unless its name is trusted. `before` is called just before the import.
    """
    require(isinstance(module, str) and isinstance(name, str), "a function")
    full = f"{module}.{name}"
    if trusted is not None and full not in trusted:
        raise FileFormatError(
            f"the function {full} is not trusted. Pass `trusted=[{full!r}]` if you trust the "
            "source of the file, and this function with your data."
        )
    before()
    return _attribute(import_module(module), name)


def function_codec(trusted=None):
    """Return the Codec of functions, which are stored by name; None: every name is trusted."""

    def decode(module, name):
        function = import_trusted(module, name, trusted)
        require(isinstance(function, FUNCTIONS), f"the function {module}.{name}")
        return function

    return Codec(FUNCTIONS, name_in_module, decode, exact=False)


VALUES = {
    "array": Codec(np.ndarray, _encode_array, _decode_array),
    "text": _text_codec(np.str_, np.str_, exact=True),
    "path": _text_codec(PurePath, Path, exact=False),
}
