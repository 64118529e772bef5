"""What training starts from: the layers that a CustomNetwork makes, and fresh weights."""

from dataclasses import replace
from functools import lru_cache
from itertools import count

from skrnn._data.scaling import Scaling
from skrnn._keras_engine import memory
from skrnn._keras_engine.custom import no_mask_warnings
from skrnn._keras_engine.network import build_custom, build_network
from skrnn._network.frozen_layers import in_order
from skrnn._network.initializers import initial_weights

# TensorFlow keeps a kernel of each variable of a model, some 0.4 MB: it drops them after so many.
MODELS_KEPT = 16
_models = count(1)


@lru_cache(maxsize=64)
def with_layers(architecture):
    """Return an Architecture that knows the layers of its CustomNetwork, which Keras builds once.

    It refuses a function that makes no network, and names in `frozen_layers` that it does not make;
    Keras warns of layers that drop a mask.
    """
    model, layers = build_custom(architecture)
    width = model.output.shape[-1]
    known = replace(architecture.network, layers=layers, width=width)
    architecture = replace(architecture, network=known)
    frozen = in_order(architecture.frozen_layers, architecture)
    return replace(architecture, frozen_layers=frozen)


def fresh_weights(architecture, rng, embeddings=None):
    """Return the weights from which a fit begins, drawn with a NumPy generator.

    The layers of a CustomNetwork draw theirs as Keras does, from seeds that the generator decides.
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
    """Return an unfitted model of raw values, with the weights from which a fit begins."""
    model = build_network(architecture, Scaling(), mask_value)
    model.set_weights(fresh_weights(architecture, rng, embeddings))
    return model
