"""Paths: where a file is to go, and how it gets there as a whole or not at all."""

import os
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


def read_path(path, suffix):
    """Return `path` as a Path, or refuse one whose name does not end as it must."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"`path` must be a str or a pathlib.Path, got {type(path).__name__}.")
    path = Path(path)
    if path.suffix != suffix:
        raise ValueError(f"`path` must end in {suffix!r}, got {str(path)!r}.")
    return path


@contextmanager
def replacing(path):
    """Give a path beside `path` to write to; what was written takes its place at the end."""
    beside = path.with_name(f".{token_hex(8)}{path.suffix}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
