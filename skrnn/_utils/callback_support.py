"""Support for scikit-learn's callbacks, such as its ProgressBar, in `fit`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING

from sklearn.callback import CallbackSupportMixin

if TYPE_CHECKING:
    from skrnn._types import Method


class CallbackSupport(CallbackSupportMixin):
    """An estimator that accepts scikit-learn's callbacks and notifies them in `fit`."""

    def _most_tasks(self):
        """Return the maximum number of tasks in a fit."""
        return 0


def notify_callbacks(method: Method) -> Method:
    """Notify callbacks when a fit begins and ends; an outer `fit_context` tears them down."""
    parameters = list(signature(method).parameters)[1:]

    @wraps(method)
    def notifying(self, *args, **kwargs):
        if not (hasattr(self, "_skl_callbacks") or hasattr(self, "_parent_callback_ctx")):
            return method(self, *args, **kwargs)
        given = dict(zip(parameters, args, strict=False)) | kwargs
        data = {"X": given.get(parameters[0]), "y": given.get("y")}
        context = self._init_callback_context(max_subtasks=self._most_tasks())
        context.call_on_fit_task_begin(estimator=self, **data)
        result = method(self, *args, **kwargs)
        context.call_on_fit_task_end(estimator=self, **data)
        return result

    return notifying


@contextmanager
def propagate_callbacks(estimator, inner, task_name):
    """Pass the callbacks of a fit to the estimator that is fitted inside it."""
    context = getattr(estimator, "_callback_fit_ctx", None)
    if context is None:
        yield
        return
    task = context.subcontext(task_name=task_name)
    with task.propagate_callback_context(inner):
        task.call_on_fit_task_begin(estimator=estimator)
        yield
        task.call_on_fit_task_end(estimator=estimator)
