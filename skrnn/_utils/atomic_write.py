"""Atomic writes: a file holds either its old content or all of its new content."""

import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path


def read_path(path, suffix=""):
    """Return `path` as a Path with "~" expanded; refuse a path without the suffix."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"`path` must be a str or a pathlib.Path, got {type(path).__name__}. Pass the path of "
            "a file."
        )
    path = Path(os.path.expanduser(path))
    if suffix and path.suffix != suffix:
        raise ValueError(f"`path` must end in {suffix!r}, got {str(path)!r}. Add the ending.")
    return path


@contextmanager
def replacing(path, suffix=".tmp"):
    """Yield a temporary path to write to; at the end it replaces `path` in one step.

    The file is synced to disk first. If writing fails, it is removed, `path` is unchanged, and an
    OSError names `path`. Links are followed, and the permissions of an existing file are kept.
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
    with suppress(OSError):  # some systems do not open folders
        _sync(target.parent, os.O_RDONLY)


def _sync(path, flags):
    descriptors = []
    try:
        # In one step, so that Ctrl-C cannot interrupt between open and storing the descriptor.
        descriptors.extend(map(os.open, [path], [flags]))
        os.fsync(descriptors[0])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
