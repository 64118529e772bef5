"""unchanged_on_failure: a method that succeeds as a whole or leaves its object as it was."""

from functools import wraps


def unchanged_on_failure(method):
    """Put every attribute of the object back when `method` raises or is interrupted."""

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
