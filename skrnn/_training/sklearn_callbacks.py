"""EpochTasks: epochs of training as tasks of scikit-learn's callbacks."""

import numpy as np

from skrnn._training.loop import Trained, TrainingCallback


class EpochTasks(TrainingCallback):
    """Reports each epoch as a task, with the network as if `fit` had stopped there.

    `data` holds X, y and metadata as passed to `fit`. `fitted_attributes` maps a Trained to the
    attributes of a fitted estimator.
    """

    def __init__(self, estimator, data, fitted_attributes):
        self.estimator, self.data = estimator, data
        self.fitted_attributes = fitted_attributes
        self.context, self.history = estimator._callback_fit_ctx, {}

    def epoch_begin(self, state, epoch):
        self.task = self.context.subcontext(task_name="epoch")
        self.task.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        return state

    def epoch_end(self, state, epoch, losses):
        for name, loss in losses.items():
            self.history.setdefault(name, []).append(loss)

        def attributes():
            weights, optimizer_state = ([np.array(array) for array in group] for group in state[:2])
            history = {name: list(values) for name, values in self.history.items()}
            return self.fitted_attributes(Trained(weights, optimizer_state, history))

        self.stop_training |= self.task.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )
        return state
