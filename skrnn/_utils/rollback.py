"""rollback_on_error: a decorator for methods that succeed or leave their object unchanged."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skrnn._types import Method


def rollback_on_error(method: Method) -> Method:
    """Restore every attribute of the object if `method` raises or is interrupted."""

    @wraps(method)
    def guarded(self, *args, **kwargs):
        before = dict(vars(self))
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            self.__dict__ = before  # at once: other threads may be reading
            raise

    return guarded
