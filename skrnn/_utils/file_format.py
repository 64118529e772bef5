"""File: one tree of plain values and arrays on disk, proven whole before any of it is used.

All numbers are little-endian.

====================  ========  ===================================================================
part                  bytes     content
====================  ========  ===================================================================
magic                 8         MAGIC
format number         8         FORMAT
header size           8         of the header, its padding included
arrays size           8         of all that follows the header
signature             32        HMAC-SHA256 of all other parts but the digest; zeros without a key
digest                32        SHA-256 of all other parts
header                so many   the tree as JSON in ASCII, spaces up to a multiple of ALIGNMENT
arrays                so many   the arrays in the order of the tree, each with zeros up to ALIGNMENT
====================  ========  ===================================================================

In the header null, true, false, strings, finite numbers and lists stand for themselves. All else
is an object of one member: {"float": "nan"}, {"tuple": [...]}, {"dict": {...}}, {"array": [dtype,
shape, "C" or "F"]}, {"scalar": dtype}. Where the bytes of an array lie follows from those before.

FORMAT rises when a reader of the old number would misread or refuse a new file: another layout, a
new member or dtype. It stays when the tree has other entries: what they mean is for those who wrote
them. A reader keeps reading every lower number; `tests/data` holds a file of each.
"""

import hashlib
import hmac
import json
import math
import os
import re
import struct

import numpy as np

from skrnn._utils.atomic_write import replacing

MAGIC = b"\x89skrnn\r\n"  # no text file begins so, and a transfer that mends line ends shows
FORMAT = 1
FIXED = struct.Struct("<8sQQQ")
DIGEST_SIZE = 32
PROLOGUE_SIZE = FIXED.size + 2 * DIGEST_SIZE
UNSIGNED = bytes(DIGEST_SIZE)
ALIGNMENT = 64
MAX_DEPTH = 100  # brackets of the header that may be open at once
DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
}
PLAIN = (type(None), bool, int, str)
ARRAYS = (np.ndarray, np.memmap)  # no masked array, which is more than its numbers
NOT_FINITE = {name: float(name) for name in ("nan", "inf", "-inf")}
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|([\]}])')


class FileFormatError(ValueError):
    """Raised by `skrnn.load` for a file that is damaged, foreign, too new, or not authentic.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skrnn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "network.skrnn")
    ...     _ = path.write_text("no network")
    ...     try:
    ...         skrnn.load(path)
    ...     except skrnn.FileFormatError as error:
    ...         print("refused:", str(error)[-26:])
    refused: it is no file of skrnn's.
    """


def write_file(path, tree, *, key=None):
    """Write a tree to a file, which holds either what it held before or all of it.

    Parameters
    ----------
    path : str or path-like
    tree : object
        Of None, bool, int, float, str, list, tuple, dict with str keys, and arrays and scalars of
        the dtypes in DTYPES.
    key : bytes or str, default=None
        Secret that signs the file.
    """
    secret = _secret(key)
    arrays = []
    header = json.dumps(_encoded(tree, "the tree", arrays)).encode("ascii")
    _check_depth(header.decode("ascii"), ValueError)
    header += b" " * _padding(PROLOGUE_SIZE + len(header))
    body = [header]
    for array in arrays:
        body += [memoryview(array).cast("B") if array.size else b"", bytes(_padding(array.nbytes))]
    fixed = FIXED.pack(MAGIC, FORMAT, len(header), sum(map(len, body[1:])))
    signature = _signature(secret, fixed, body)
    with replacing(path) as temporary, open(temporary, "xb") as file:
        file.writelines([fixed, signature, _digest(fixed, signature, body), *body])


def read_file(path, *, key=None):
    """Return the tree of a file.

    Parameters
    ----------
    path : str or path-like
    key : bytes or str, default=None
        The file must have been signed with it. None: whether it was signed does not matter.

    Raises
    ------
    FileFormatError
        If the file is not exactly as it was written, or not signed with the key.
    """
    secret = _secret(key)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        prologue = file.read(PROLOGUE_SIZE)
        header_size = _header_size(path, prologue, size)
        body = memoryview(file.read(size - PROLOGUE_SIZE))
    fixed = prologue[: FIXED.size]
    signature, digest = prologue[FIXED.size : -DIGEST_SIZE], prologue[-DIGEST_SIZE:]
    if not hmac.compare_digest(digest, _digest(fixed, signature, [body])):
        raise FileFormatError(f"{path} is damaged: its SHA-256 differs. Take another copy.")
    if secret is not None and not hmac.compare_digest(signature, _signature(secret, fixed, [body])):
        what = "is not signed" if signature == UNSIGNED else "was signed with another key"
        raise FileFormatError(f"{path} {what}, and so not proven to be what `key` asks for.")
    try:
        return _parsed(bytes(body[:header_size]), body[header_size:])
    except FileFormatError as error:
        raise FileFormatError(f"{path} is malformed: {error}") from None


def _secret(key):
    if key is None:
        return None
    if not isinstance(key, (bytes, str)):
        raise TypeError(f"`key` must be bytes, a str or None, got {type(key).__name__}.")
    if not key:
        raise ValueError("`key` must not be empty. Pass None for a file without a signature.")
    return key.encode() if isinstance(key, str) else key


def _signature(secret, fixed, body):
    if secret is None:
        return UNSIGNED
    signature = hmac.new(secret, fixed, hashlib.sha256)
    for part in body:
        signature.update(part)
    return signature.digest()


def _digest(fixed, signature, body):
    digest = hashlib.sha256(fixed + signature)
    for part in body:
        digest.update(part)
    return digest.digest()


def _padding(size):
    return -size % ALIGNMENT


def _check_depth(text, error):
    """Refuse a header whose parsing might exhaust the stack."""
    depth = 0
    for match in STRING_OR_BRACKET.finditer(text):
        depth += bool(match[1]) - bool(match[2])
        if depth > MAX_DEPTH:
            raise error(f"more than {MAX_DEPTH} values lie one within the other.")


def _encoded(value, place, arrays):
    """Return a value as JSON has it, and append its arrays."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if kind in (list, tuple):
        items = [_encoded(item, f"{place}[{i}]", arrays) for i, item in enumerate(value)]
        return items if kind is list else {"tuple": items}
    if kind is dict and all(type(name) is str for name in value):
        return {"dict": {k: _encoded(v, f"{place}[{k!r}]", arrays) for k, v in value.items()}}
    if isinstance(value, np.generic) and value.dtype.name in DTYPES:
        arrays.append(_bytes_in_order(np.asarray(value)))
        return {"scalar": value.dtype.name}
    if kind in ARRAYS and value.dtype.name in DTYPES:
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        arrays.append(_bytes_in_order(value.T if order == "F" else value))
        return {"array": [value.dtype.name, list(value.shape), order]}
    what = f"an array of {value.dtype}" if kind in ARRAYS else f"of type {kind.__name__}"
    raise TypeError(f"{place} cannot be stored: it is {what}.")


def _bytes_in_order(array):
    return np.ascontiguousarray(array, dtype=DTYPES[array.dtype.name])


def _header_size(path, prologue, size):
    """Return the size of the header, once the sizes in the prologue are those of the file."""
    if not prologue.startswith(MAGIC):
        raise FileFormatError(f"{path} cannot be read: it is no file of skrnn's.")
    if len(prologue) < PROLOGUE_SIZE:
        raise FileFormatError(f"{path} is cut short: it ends within its first bytes.")
    _, number, header_size, arrays_size = FIXED.unpack_from(prologue)
    if number > FORMAT:
        raise FileFormatError(
            f"{path} has format {number}, and this skrnn reads formats up to {FORMAT}. Read it "
            "with the skrnn that wrote it, or a newer one."
        )
    if number < 1:
        raise FileFormatError(f"{path} is damaged: there is no format {number}.")
    expected = PROLOGUE_SIZE + header_size + arrays_size
    if size != expected:
        what = "is cut short" if size < expected else "has something behind its end"
        raise FileFormatError(f"{path} {what}: it has {size} bytes and should have {expected}.")
    return header_size


def _parsed(header, arrays):
    """Return the tree of a header and the bytes of its arrays."""
    try:
        text = header.decode("ascii")
        _check_depth(text, FileFormatError)
        node = json.loads(text, object_pairs_hook=tuple)
    except ValueError as error:
        raise FileFormatError(f"its header cannot be read: {error}") from None
    reader = _ArrayReader(arrays)
    tree = _decoded(node, reader)
    if reader.position != len(arrays):
        raise FileFormatError("it holds more bytes of arrays than its header tells of.")
    return tree


class _ArrayReader:
    """The arrays of a file, one after another."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def next(self, name, shape, order):
        """Return the next array, copied, once it is known to lie within the data."""
        known = isinstance(name, str) and name in DTYPES and order in ("C", "F")
        sizes = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
        if not known or not sizes or len(shape) > 64:
            raise FileFormatError("the description of an array is not one.")
        dtype, count = DTYPES[name], math.prod(shape)
        start, stop = self.position, self.position + count * dtype.itemsize
        self.position = stop + _padding(stop - start)
        too_big = math.prod(n or 1 for n in shape) * dtype.itemsize >= 2**63
        if too_big or self.position > len(self.data):
            raise FileFormatError(f"an array of shape {shape} goes beyond its end.")
        if any(self.data[stop : self.position]):
            raise FileFormatError("the bytes between two arrays are not zero.")
        flat = np.frombuffer(self.data, dtype, count, start)
        if name == "bool" and (flat.view(np.uint8) > 1).any():
            raise FileFormatError("an array of bool holds other values.")
        array = flat.reshape(shape[::-1]).T if order == "F" else flat.reshape(shape)
        return array.astype(name)


def _decoded(node, reader):
    """Return the value that a node of the header stands for; JSON's objects are tuples of pairs."""
    if isinstance(node, list):
        return [_decoded(item, reader) for item in node]
    if not isinstance(node, tuple):
        if isinstance(node, float) and not math.isfinite(node):
            raise FileFormatError("a number is not finite.")
        return node
    if len(node) != 1:
        raise FileFormatError(f"an object has {len(node)} members instead of one.")
    tag, content = node[0]
    if tag == "tuple" and isinstance(content, list):
        return tuple(_decoded(item, reader) for item in content)
    if tag == "dict" and isinstance(content, tuple):
        found = {name: _decoded(value, reader) for name, value in content}
        if len(found) < len(content):
            raise FileFormatError("a dict holds a name twice.")
        return found
    if tag == "array" and isinstance(content, list) and len(content) == 3:
        return reader.next(*content)
    if tag == "scalar":
        return reader.next(content, [], "C")[()]
    if tag == "float" and isinstance(content, str) and content in NOT_FINITE:
        return NOT_FINITE[content]
    raise FileFormatError(f"{tag!r} is not known.")
