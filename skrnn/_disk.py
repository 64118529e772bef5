"""Disk: a file that holds its old bytes or its new ones, and never a part of them."""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path


def replace_file(path, parts):
    """Put a new file in the place of `path` in one step, once it is safe on the disk.

    Parameters
    ----------
    path : str or path-like
        A link is followed. An existing file's permissions are kept.
    parts : iterable of bytes
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".skrnn-{target.name[:40]}-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # not every system lets a folder be opened
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
