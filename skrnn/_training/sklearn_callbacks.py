"""EpochTasks: an epoch of training as a task of scikit-learn's callbacks."""

import numpy as np

from skrnn._training.loop import TrainingCallback


class EpochTasks(TrainingCallback):
    """Each epoch is a task, with a network as if `fit` had stopped there.

    Parameters
    ----------
    inner : TrainingCallback
        Told first.
    estimator : estimator
        In its `fit`.
    data : dict
        X, y and metadata as `fit` got them.
    learned : callable
        Of weights, optimizer_state and history returns the attributes of a fitted estimator.
    """

    def __init__(self, inner, estimator, data, learned):
        self.inner, self.estimator, self.data, self.learned = inner, estimator, data, learned
        self.context = estimator._callback_fit_ctx
        self.history, self.asked = {}, False

    @property
    def stop_training(self):
        return self.asked or self.inner.stop_training

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
            weights, optimizer_state = ([np.array(array) for array in group] for group in state[:2])
            return self.learned(
                weights, optimizer_state, {k: list(v) for k, v in self.history.items()}
            )

        self.asked |= self.task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )
        return state

    def train_end(self, state):
        return self.inner.train_end(state)
