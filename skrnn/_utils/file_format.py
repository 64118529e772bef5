"""File format: a tree of plain values and arrays on disk, verified before any of it is used.

All numbers are little-endian.

====================  ========  ===================================================================
part                  bytes     content
====================  ========  ===================================================================
magic                 8         MAGIC
format number         8         FORMAT
header size           8         size of the header with its padding
arrays size           8         size of everything after the header
signature             32        HMAC-SHA256 of all other parts but the digest; zeros without a key
digest                32        SHA-256 of all other parts
header                variable  the tree as JSON in ASCII, spaces up to a multiple of ALIGNMENT
arrays                variable  in the order of the tree, each with zeros up to such a multiple
====================  ========  ===================================================================

In the header null, true, false, strings, finite numbers and lists are written as in JSON. Any other
value is an object with one member: {"float": "nan"}, {"tuple": [...]}, {"dict": {...}}, {"array":
[dtype, shape, "C" or "F"]}, {"scalar": dtype}. The offset of an array follows from the arrays
before it.

Raise FORMAT if a reader of the old number would misread or refuse a new file: for another layout, a
new member or a new dtype. Keep it if only the entries of the tree change, because the module that
writes them defines their meaning. A reader keeps reading every lower number. To raise it:

1. While the old number is still written, save a file of each kind to `tests/data` as
   `format-<number>-<kind>.skrnn`, with its predictions, and have `tests/test_files.py` load it.
2. Raise FORMAT, and change the table above, `write_file` and `read_file`.
3. Convert an older file to the new layout in `read_file`, right after its checksum is compared, so
   that `_parse` stays the only parser.
4. Forge hostile files of both numbers in `tests/test_hostile_files.py`.

Checks must not be weaker for old formats, because whoever forges a file chooses its number. Every
check of the newest reader must apply to every number that it reads.
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

MAGIC = b"\x89skrnn\r\n"  # no text file starts like this, and converted line ends break it
FORMAT = 1
FIXED = struct.Struct("<8sQQQ")
DIGEST_SIZE = 32
PROLOGUE_SIZE = FIXED.size + 2 * DIGEST_SIZE
UNSIGNED = bytes(DIGEST_SIZE)
ALIGNMENT = 64
MAX_DEPTH = 100  # open brackets of the header
DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
}
PLAIN = (type(None), bool, int, str)
ARRAYS = (np.ndarray, np.memmap)  # masked arrays hold more than their numbers
NOT_FINITE = {name: float(name) for name in ("nan", "inf", "-inf")}
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|([\]}])')


class FileFormatError(ValueError):
    """Error that `skrnn.load` raises for a corrupt, foreign, too new or unauthentic file.

    Catch it to handle files that cannot be loaded. Nothing of such a file is used. It is a subclass
    of ValueError.

    See Also
    --------
    load : Load an estimator from a file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skrnn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "network.skrnn")
    ...     _ = path.write_text("not a network")
    ...     try:
    ...         skrnn.load(path)
    ...     except skrnn.FileFormatError as error:
    ...         print("refused:", str(error).partition(": ")[2])
    refused: it is not a skrnn file. Pass one that `skrnn.save` wrote.
    """


def write_file(path, tree, *, key=None):
    """Write a tree to a file; if this fails, the file is unchanged.

    The tree may hold None, bool, int, float, str, list, tuple, dict with str keys, and arrays and
    scalars of the dtypes in DTYPES. `key`, bytes or str, signs the file.
    """
    secret = _secret(key)
    arrays = []
    header = json.dumps(_encode(tree, "the tree", arrays)).encode("ascii")
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
    """Return the tree of a file; raise FileFormatError if it is not exactly as it was written.

    With a `key`, the file must be signed with it. Without one, a signature is ignored.
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
        raise FileFormatError(f"{path} is corrupt: its SHA-256 differs. Use another copy.")
    if secret is not None and not hmac.compare_digest(signature, _signature(secret, fixed, [body])):
        what, remedy = "was signed with another key", "Pass the key that it was saved with."
        if signature == UNSIGNED:
            what = "is not signed"
            remedy = "Save it again with `key=`, or load it without one if you trust its source."
        raise FileFormatError(f"{path} {what}: `key` does not verify it. {remedy}")
    try:
        return _parse(bytes(body[:header_size]), body[header_size:])
    except FileFormatError as error:
        raise FileFormatError(f"{path} is malformed: {error} Use another copy.") from None


def _secret(key):
    if key is None:
        return None
    if not isinstance(key, (bytes, str)):
        raise TypeError(
            f"`key` must be bytes, a str or None, got {type(key).__name__}. Pass the key as bytes "
            "or text."
        )
    if not key:
        raise ValueError("`key` must not be empty. Pass None for a file without a signature.")
    return key.encode() if isinstance(key, str) else key


def _signature(secret, fixed, body):
    if secret is None:
        return UNSIGNED
    return _hashed(hmac.new(secret, fixed, hashlib.sha256), body)


def _digest(fixed, signature, body):
    return _hashed(hashlib.sha256(fixed + signature), body)


def _hashed(begun, body):
    for part in body:
        begun.update(part)
    return begun.digest()


def _padding(size):
    return -size % ALIGNMENT


def _check_depth(text, error):
    """Refuse a header with so many nested values that parsing might exhaust the stack."""
    depth = 0
    for match in STRING_OR_BRACKET.finditer(text):
        depth += bool(match[1]) - bool(match[2])
        if depth > MAX_DEPTH:
            raise error(f"more than {MAX_DEPTH} values are nested in one another.")


def _encode(value, place, arrays):
    """Return a value in the form of the header; its arrays are appended to `arrays`."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if kind in (list, tuple):
        items = [_encode(item, f"{place}[{i}]", arrays) for i, item in enumerate(value)]
        return items if kind is list else {"tuple": items}
    if kind is dict and all(type(name) is str for name in value):
        return {"dict": {k: _encode(v, f"{place}[{k!r}]", arrays) for k, v in value.items()}}
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
    """Return the size of the header, after checking that the prologue matches the file size."""
    if not prologue.startswith(MAGIC):
        raise FileFormatError(
            f"{path} cannot be read: it is not a skrnn file. Pass one that `skrnn.save` wrote."
        )
    if len(prologue) < PROLOGUE_SIZE:
        raise FileFormatError(
            f"{path} is truncated: it ends within its first {PROLOGUE_SIZE} bytes. Use "
            "another copy."
        )
    _, number, header_size, arrays_size = FIXED.unpack_from(prologue)
    if number > FORMAT:
        raise FileFormatError(
            f"{path} has format {number}, and this version of skrnn reads formats up to {FORMAT}. "
            "Read it with the version that wrote it, or a newer one."
        )
    if number < 1:
        raise FileFormatError(f"{path} is corrupt: there is no format {number}. Use another copy.")
    expected = PROLOGUE_SIZE + header_size + arrays_size
    if size != expected:
        what = "is truncated" if size < expected else "has trailing data after the end"
        raise FileFormatError(
            f"{path} {what}: it has {size} bytes instead of {expected}. Use another copy."
        )
    return header_size


def _parse(header, arrays):
    """Return the tree of a header and the bytes of its arrays."""
    try:
        text = header.decode("ascii")
        _check_depth(text, FileFormatError)
        node = json.loads(text, object_pairs_hook=tuple)
    except ValueError as error:
        raise FileFormatError(f"its header cannot be read: {error}") from None
    reader = _ArrayReader(arrays)
    tree = _decode(node, reader)
    if reader.position != len(arrays):
        raise FileFormatError("it has more bytes of arrays than its header describes.")
    return tree


class _ArrayReader:
    """Reads the arrays of a file, one after another."""

    def __init__(self, data):
        self.data, self.position = data, 0

    def next(self, name, shape, order):
        """Return a copy of the next array, after checking that it lies within the data."""
        known = isinstance(name, str) and name in DTYPES and order in ("C", "F")
        sizes = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
        if not known or not sizes or len(shape) > 64:
            raise FileFormatError("the description of an array is invalid.")
        dtype, count = DTYPES[name], math.prod(shape)
        start, stop = self.position, self.position + count * dtype.itemsize
        self.position = stop + _padding(stop - start)
        too_big = math.prod(n or 1 for n in shape) * dtype.itemsize >= 2**63
        if too_big or self.position > len(self.data):
            raise FileFormatError(f"an array of shape {shape} extends past its end.")
        if any(self.data[stop : self.position]):
            raise FileFormatError("the padding between two arrays is not zero.")
        flat = np.frombuffer(self.data, dtype, count, start)
        if name == "bool" and (flat.view(np.uint8) > 1).any():
            raise FileFormatError("an array of bool has other values.")
        array = flat.reshape(shape[::-1]).T if order == "F" else flat.reshape(shape)
        return array.astype(name)


def _decode(node, reader):
    """Return the value of a node of the header; JSON objects come as tuples of pairs."""
    if isinstance(node, list):
        return [_decode(item, reader) for item in node]
    if not isinstance(node, tuple):
        if isinstance(node, float) and not math.isfinite(node):
            raise FileFormatError("a number is not finite.")
        return node
    if len(node) != 1:
        raise FileFormatError(f"an object has {len(node)} members instead of one.")
    tag, content = node[0]
    if tag == "tuple" and isinstance(content, list):
        return tuple(_decode(item, reader) for item in content)
    if tag == "dict" and isinstance(content, tuple):
        found = {name: _decode(value, reader) for name, value in content}
        if len(found) < len(content):
            raise FileFormatError("a dict has a key twice.")
        return found
    if tag == "array" and isinstance(content, list) and len(content) == 3:
        return reader.next(*content)
    if tag == "scalar":
        return reader.next(content, [], "C")[()]
    if tag == "float" and isinstance(content, str) and content in NOT_FINITE:
        return NOT_FINITE[content]
    raise FileFormatError(f"{tag!r} is unknown.")
