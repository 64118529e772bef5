"""EpochMetrics: metrics on training and validation samples after each epoch."""

from dataclasses import dataclass

import numpy as np

from skrnn._training.loop import TrainingCallback
from skrnn._training.metrics import read_metrics


@dataclass
class EpochMetrics(TrainingCallback):
    """Adds metrics to the losses of an epoch, for the callbacks and the history after it.

    `parts` maps "" and "val_" to functions that return an iterable of Datasets.
    """

    estimator: object
    metrics: list
    parts: dict

    def epoch_end(self, state, epoch, losses):
        weights = [np.asarray(weight) for weight in state.weights]
        for prefix, datasets in self.parts.items():
            truth, outputs = _measured(self.estimator, weights, datasets())
            responses = self.estimator._responses(outputs)
            classes = getattr(self.estimator, "classes_", None)
            for metric in self.metrics:
                losses[prefix + metric.name] = metric.value(truth, *responses, classes)
        return state


def epoch_metrics(estimator, datasets, validation):
    """Return a list with the TrainingCallback of an estimator's `metrics`; empty without any.

    `datasets` returns the Datasets for training; `validation` is a Dataset or None.
    """
    metrics = metrics_of(estimator)
    parts = {"": datasets}
    if validation is not None:
        parts["val_"] = lambda: [validation]
    return [EpochMetrics(estimator, metrics, parts)] if metrics else []


def metrics_of(estimator):
    """Return the Metrics of an estimator; refuse those of a kind it cannot have."""
    metrics = read_metrics(estimator.metrics)
    for metric in metrics:
        if metric.of_probabilities and not hasattr(estimator, "predict_proba"):
            why = "needs probabilities"
        elif metric.named and metric.kind in estimator._other_metrics:
            why = f"is a metric of {metric.kind}. Pass the function itself to use it anyway"
        else:
            continue
        raise ValueError(
            f"`metrics` must hold metrics for {type(estimator).__name__}, got {metric.name!r}, "
            f"which {why}."
        )
    return metrics


def _measured(estimator, weights, datasets):
    """Return true targets and network outputs of all weights above zero, flattened."""
    network, states, truths, found = estimator._network, None, [], []
    for data in datasets:
        for sequences, index in data.pieces(network.architecture.batch_size or 1):
            outputs, states = network.run(weights, sequences, estimator.device, states or None)
            valid = data.weights[index] > 0
            truths.append(estimator._truths(data.targets, index)[valid])
            found.append(network.restore_y(outputs[0])[valid])
    return np.concatenate(truths), np.concatenate(found)
