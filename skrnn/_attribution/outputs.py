"""The output of a network that is explained, for each sample."""

from math import prod
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import is_classifier

from skrnn._network.quantiles import MEDIAN


class Outputs(NamedTuple):
    """One output of each sample."""

    places: np.ndarray  # (n,), in the network's outputs of a sample, by timestep first
    factors: np.ndarray  # (n,), from the network's output to the estimator's


def read_target(estimator, target, sequences):
    """Return the Outputs that `target` selects, in the units of y or in probability."""
    architecture, n_samples = estimator._network.architecture, len(sequences)
    steps = np.zeros(n_samples, dtype=int)
    if architecture.return_sequences:
        step, target = _split_target(target)
        steps = _timesteps(step, sequences)
    read = _read_class if is_classifier(estimator) else _read_output
    places, factors = read(estimator, target, sequences, steps)
    places = steps * prod(architecture.output_shape) + places
    return Outputs(np.broadcast_to(places, n_samples), np.broadcast_to(factors, n_samples))


def _split_target(target):
    """Return the timestep and the rest of a target, for a network with an output at each step."""
    step, *rest = target if isinstance(target, tuple) else (target,)
    if not isinstance(step, Integral) or isinstance(step, bool):
        raise ValueError(
            "`target` must start with the timestep whose output is explained, after a fit with "
            f"`return_sequences=True`, got {target!r}. Write -1 for the last one, and (-1, 0) for "
            "its first output or its class 0."
        )
    return int(step), None if not rest else rest[0] if len(rest) == 1 else tuple(rest)


def _timesteps(step, sequences):
    """Return the position of a timestep in each sample, (n,); negative ones count from its end."""
    lengths = sequences.lengths
    lengths = np.full(len(sequences), sequences.timesteps) if lengths is None else lengths
    if not -lengths.min() <= step < lengths.min():
        raise ValueError(
            f"`target` must name a timestep that each sample has, from {-lengths.min()} to "
            f"{lengths.min() - 1}, got {step}. Choose one of these."
        )
    return step % lengths


def _read_output(estimator, target, sequences, steps):
    """Return the place of a regressor's output, and its deviation in `fit`."""
    network = estimator._network
    shape = network.target_shape or (1,)
    if target is None and prod(shape) > 1:
        example = 0 if len(shape) == 1 else (0,) * len(shape)
        raise ValueError(
            f"`target` must select one of the {prod(shape)} outputs, got None. Pass its position "
            f"in y, such as target={example}."
        )
    index = (0,) * len(shape) if target is None else target
    index = index if isinstance(index, tuple) else (index,)
    whole = all(isinstance(i, Integral) and not isinstance(i, bool) for i in index)
    inside = whole and len(index) == len(shape)
    if not inside or any(not -n <= i < n for i, n in zip(index, shape, strict=True)):
        raise ValueError(
            f"`target` must be a position among outputs of the shape {shape}, a whole number for "
            f"each axis, got {target!r}. Pass the position in y."
        )
    place = int(np.arange(prod(shape)).reshape(shape)[index])
    scale = network.scaling.y_scale
    factor = 1.0 if scale is None else np.broadcast_to(scale, shape)[index]
    quantiles = network.architecture.quantiles
    if quantiles:
        place = place * len(quantiles) + quantiles.index(MEDIAN)
    return place, factor


def _read_class(estimator, target, sequences, steps):
    """Return the place of a class's probability, and its sign."""
    classes = estimator.classes_
    if target is None and estimator._multilabel:
        raise ValueError(
            f"`target` must select one of the {len(classes)} labels, because a sample may have "
            "several, got None. Pass its column in y, such as target=0."
        )
    if target is None:
        probabilities = estimator._probabilities(estimator._outputs(sequences))
        if estimator._network.architecture.return_sequences:
            probabilities = probabilities[np.arange(len(sequences)), steps]
        found = probabilities.argmax(axis=-1)
    else:
        same = [bool(np.all(label == target)) and np.ndim(target) == 0 for label in classes]
        if sum(same) != 1:
            raise ValueError(
                f"`target` must be one of the classes {classes.tolist()}, got {target!r}. Pass one "
                "of these."
            )
        found = np.full(len(sequences), same.index(True))
    if estimator._network.architecture.output_shape[-1] == 1:
        return 0, np.where(found == 1, 1.0, -1.0)  # of two classes the output is the second
    return found, 1.0


def directions(outputs, lines, n_outputs):
    """Return the weights of a network's outputs for some samples, (p, n_outputs)."""
    found = np.zeros((len(lines), n_outputs))
    found[np.arange(len(lines)), outputs.places[lines]] = outputs.factors[lines]
    return found
