"""What an estimator needs to notify scikit-learn's callbacks, such as its ProgressBar, in `fit`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING

from sklearn.callback import CallbackSupportMixin

if TYPE_CHECKING:
    from skrnn._types import Method


class CallbackSupport(CallbackSupportMixin):
    """Takes scikit-learn's callbacks in `set_callbacks`, and tells them in `fit`."""

    def _most_tasks(self):
        """Return into how many tasks a fit falls at most."""
        return 0


def notify_callbacks(method: Method) -> Method:
    """Tell callbacks where a fit begins and ends; `fit_context` round it ends their work."""
    parameters = list(signature(method).parameters)[1:]

    @wraps(method)
    def told(self, *args, **kwargs):
        if not (hasattr(self, "_skl_callbacks") or hasattr(self, "_parent_callback_ctx")):
            return method(self, *args, **kwargs)
        given = dict(zip(parameters, args, strict=False)) | kwargs
        data = {"X": given.get(parameters[0]), "y": given.get("y")}
        context = self._init_callback_context(max_subtasks=self._most_tasks())
        context.call_on_fit_task_begin(estimator=self, **data)
        result = method(self, *args, **kwargs)
        context.call_on_fit_task_end(estimator=self, **data)
        return result

    return told


@contextmanager
def propagate_callbacks(estimator, inner, task_name):
    """Hand the callbacks of a fit on to the estimator that it fits inside."""
    context = getattr(estimator, "_callback_fit_ctx", None)
    if context is None:
        yield
        return
    task = context.subcontext(task_name=task_name)
    with task.propagate_callback_context(inner):
        task.call_on_fit_task_begin(estimator=estimator)
        yield
        task.call_on_fit_task_end(estimator=estimator)
