"""rollback_on_error: a method that succeeds or leaves its object unchanged."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skrnn._types import Method


def rollback_on_error(method: Method) -> Method:
    """Restore every attribute of the object when `method` raises or is interrupted."""

    @wraps(method)
    def guarded(self, *args, **kwargs):
        before = dict(vars(self))
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return guarded
