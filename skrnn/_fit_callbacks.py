"""scikit-learn's callbacks, such as its ProgressBar: what a fit tells them, and what it obeys."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING

import numpy as np
from sklearn.callback import CallbackSupportMixin

from skrnn._training import Hook

if TYPE_CHECKING:
    from skrnn._types import Method


class TakesCallbacks(CallbackSupportMixin):
    """Takes scikit-learn's callbacks in `set_callbacks`, and tells them in `fit`."""

    def _most_tasks(self):
        """Return into how many tasks a fit falls at most."""
        return 0


def tells_callbacks(method: Method) -> Method:
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
def handing_on(estimator, inner, task_name):
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


class EpochTasks(Hook):
    """Each epoch is a task, with a network as if `fit` had stopped there.

    Parameters
    ----------
    inner : Hook
        Told first.
    estimator : estimator
        In its `fit`.
    data : dict
        X, y and metadata as `fit` got them.
    learned : callable
        Of weights, slots and history returns the attributes of a fitted estimator.
    """

    def __init__(self, inner, estimator, data, learned):
        self.inner, self.estimator, self.data, self.learned = inner, estimator, data, learned
        self.context = estimator._callback_fit_ctx
        self.history, self.asked = {}, False

    @property
    def stops(self):
        return self.asked or self.inner.stops

    def train_begin(self, state):
        return self.inner.train_begin(state)

    def epoch_begin(self, state, epoch):
        state = self.inner.epoch_begin(state, epoch)
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return state

    def epoch_end(self, state, epoch, losses):
        state = self.inner.epoch_end(state, epoch, losses)
        for name, loss in losses.items():
            self.history.setdefault(name, []).append(loss)

        def attributes():
            weights, slots = ([np.array(array) for array in group] for group in state[:2])
            return self.learned(weights, slots, {k: list(v) for k, v in self.history.items()})

        self.asked |= self.task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )
        return state

    def train_end(self, state):
        return self.inner.train_end(state)
