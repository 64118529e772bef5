"""The start of training: the layers of a CustomNetwork, and initial weights."""

from dataclasses import replace
from functools import lru_cache
from itertools import count

from skrnn._data.scaling import Scaling
from skrnn._keras_engine import memory
from skrnn._keras_engine.custom import no_mask_warnings, warn_of_second_head
from skrnn._keras_engine.network import build_custom, build_network
from skrnn._network.frozen_layers import in_order
from skrnn._network.initializers import initial_weights

# TensorFlow keeps kernels for the variables of a model, about 0.4 MB: dropped after so many models.
MODELS_KEPT = 16
_models = count(1)


@lru_cache(maxsize=64)
def with_layers(architecture):
    """Return an Architecture with the layers of its CustomNetwork, which Keras builds once.

    An invalid function is refused, and so are names in `frozen_layers` that it does not create.
    Keras warns of layers that drop a mask, and skrnn of an output layer inside the function.
    """
    model, layers = build_custom(architecture)
    warn_of_second_head(model, architecture)
    width = model.output.shape[-1]
    known = replace(architecture.network, layers=layers, width=width)
    architecture = replace(architecture, network=known)
    frozen = in_order(architecture.frozen_layers, architecture)
    return replace(architecture, frozen_layers=frozen)


def fresh_weights(architecture, rng, embeddings=None):
    """Return the initial weights of a fit, drawn with a NumPy generator.

    The layers of a CustomNetwork draw their weights as in Keras, from a seed of the generator.
    """
    drawn = []
    if architecture.network is not None:
        with no_mask_warnings():
            model = build_network(architecture, seed=int(rng.integers(2**31)))
        if next(_models) % MODELS_KEPT == 0:
            memory.clear_kernels()
        start = 0 if architecture.vocab_size is None else 1
        n_drawn = sum(len(layer.weights) for layer in architecture.custom_layers())
        drawn = model.get_weights()[start : start + n_drawn]
    return initial_weights(architecture, rng, embeddings, drawn)


def fresh_model(architecture, rng, embeddings=None, mask_value=None):
    """Return an unfitted model of raw values, with the initial weights of a fit."""
    model = build_network(architecture, Scaling(), mask_value)
    model.set_weights(fresh_weights(architecture, rng, embeddings))
    return model
