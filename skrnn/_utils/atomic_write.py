"""Disk: a file that holds its old bytes or its new ones, and never a part of them."""

import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path


def read_path(path, suffix=""):
    """Return `path` as a Path, or refuse one whose name does not end as it must.

    "~" at its beginning is the home folder.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"`path` must be a str or a pathlib.Path, got {type(path).__name__}.")
    path = Path(os.path.expanduser(path))
    if suffix and path.suffix != suffix:
        raise ValueError(f"`path` must end in {suffix!r}, got {str(path)!r}.")
    return path


@contextmanager
def replacing(path, suffix=".tmp"):
    """Give a path to write to; at the end that file takes the place of `path` in one step.

    By then it is safe on the disk. If writing fails it is removed, and `path` is as it was; an
    OSError names `path`.

    Parameters
    ----------
    path : str or path-like
        A link is followed. An existing file's permissions are kept.
    suffix : str
        Of the temporary name.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not target.parent.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
    name = f".skrnn-{target.name[:40]}-{secrets.token_hex(8)}{suffix}"
    temporary = target.with_name(name)
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            number, reason = error.errno or errno.EIO, error.strerror or str(error)
            raise OSError(number, reason, str(path)) from error
        raise
    with suppress(OSError):  # not every system lets a folder be opened
        _sync(target.parent, os.O_RDONLY)


def _sync(path, flags):
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
