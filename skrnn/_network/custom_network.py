"""CustomNetwork: a user's function of Keras tensors, in place of the recurrent layers."""

import hashlib
import inspect
from copy import deepcopy
from dataclasses import dataclass, field, fields
from types import BuiltinFunctionType, FunctionType

import numpy as np
from sklearn.base import clone

from skrnn._utils.field_types import Count, Size

LayerRecord = tuple[str, str, tuple[Size | None, ...], tuple[tuple[tuple[Size, ...], bool], ...]]
FUNCTIONS = FunctionType, BuiltinFunctionType
# The parameters of the recurrent layers, which a CustomNetwork replaces.
STACK = (
    "cell_type hidden_size bidirectional activation dropout recurrent_dropout spatial_dropout "
    "kernel_l2 recurrent_l2 pooling segment stateful"
).split()
MASK = "mask"  # the function's argument that receives the mask as a tensor


@dataclass(frozen=True, eq=False, repr=False)
class CustomNetwork:
    """A function with its parameters, or an object that has its own, and the layers it creates.

    Two are equal if the function is the same object (for objects: the class), and parameters and
    layers are equal. The layers, and the width of the returned tensor, are known once Keras has
    built the network. A layer is its name, kind, output shape, and for each weight its shape and
    `trainable`.
    """

    network: object
    params: dict = field(default_factory=dict)
    layers: tuple[LayerRecord, ...] = ()
    width: Count = 0

    def __post_init__(self):
        key = _frozen(self.network, "network"), _frozen(self.params, "network_params")
        object.__setattr__(self, "key", key)

    def __call__(self, inputs, mask):
        """Call the function with Keras's tensors; `mask` is None if there is no mask."""
        made = clone(self.network) if hasattr(self.network, "get_params") else self.network
        masks = {MASK: mask} if self.takes_mask else {}
        return made(inputs, **masks, **deepcopy(self.params))

    def __eq__(self, other):
        return isinstance(other, CustomNetwork) and self._compared == other._compared

    def __hash__(self):
        return hash(self._compared)

    @property
    def _compared(self):
        return self.key, self.layers, self.width

    def to_dict(self):
        """Return the fields by their names."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def takes_mask(self):
        """Whether the function has an argument for the mask."""
        return MASK in _arguments(self.network) and MASK not in self.params

    @property
    def made_by(self):
        """The function, or the class of an object."""
        return self.network if isinstance(self.network, FUNCTIONS) else type(self.network)

    def __repr__(self):
        """Return a text that is the same for equal networks in other processes."""
        try:
            source = inspect.getsource(self.made_by)
        except (OSError, TypeError):  # a function of a closed notebook, or in C
            source = ""
        name = f"{self.made_by.__module__}.{self.made_by.__qualname__}"
        params = self.params or getattr(self.network, "get_params", dict)()
        digest = hashlib.sha256(source.encode()).hexdigest()
        return f"CustomNetwork({name}, {params}, {self.layers}, {digest})"


def read_network(params):
    """Return the CustomNetwork of an estimator's parameters; None without `network`."""
    network, settings = params.network, params.network_params
    if network is None:
        if settings is not None:
            raise ValueError(
                "`network_params` must be None without `network`, because they are its arguments, "
                f"got {settings!r}. Set `network` too."
            )
        return None
    _check_kind(network, settings)
    defaults = {f.name: f.default for f in fields(params)}
    changed = [name for name in STACK if getattr(params, name) != defaults[name]]
    if changed:
        got = ", ".join(f"{name}={getattr(params, name)!r}" for name in changed)
        raise ValueError(
            f"{', '.join(f'`{name}`' for name in changed)} must be at the default with `network`, "
            f"which replaces the recurrent layers, got {got}. Leave out `network`, or build this "
            "inside it."
        )
    if hasattr(network, "get_params"):
        network = clone(network)  # its parameters may be set again
    return CustomNetwork(network, deepcopy(settings or {}))


def _check_kind(network, settings):
    """Refuse anything but a function or an object with its own parameters."""
    if isinstance(network, type):
        raise TypeError(
            f"`network` must be a function or an object, got the class {network.__name__}. Pass an "
            f"instance, `{network.__name__}()`."
        )
    if not isinstance(network, FUNCTIONS) and not (
        callable(network) and hasattr(network, "get_params")
    ):
        raise TypeError(
            "`network` must be a function of Keras's inputs, or an object with `get_params` and "
            f"`__call__`, got an object of type {type(network).__name__}. Write a function that "
            "creates the layers and returns the tensor of the last one, and put its settings into "
            "`network_params`."
        )
    if settings is None:
        return
    if hasattr(network, "get_params"):
        raise ValueError(
            "`network_params` must be None with a `network` that has its own parameters, got "
            f"{settings!r}. Set them on the object, as in `network__units=8`."
        )
    for name in settings:
        if not isinstance(name, str):
            raise ValueError(
                f"`network_params` must have names of arguments as keys, got {name!r}. Use strings."
            )


def check_hidden(architecture, return_sequences, return_state):
    """Refuse hidden states that a CustomNetwork does not return."""
    if architecture.network is None:
        return
    if return_state:
        raise ValueError(
            "`return_state` must be False with `network`, because its layers do not expose their "
            "states, got True. Return the states from `network` itself."
        )
    if return_sequences != architecture.return_sequences:
        raise ValueError(
            f"`return_sequences` must be {architecture.return_sequences} here, as fitted: "
            f"`network` returns {output_words(architecture)}. Call "
            f"`hidden_states(X, return_sequences={architecture.return_sequences})`."
        )


def output_words(architecture):
    """Return in words the shape of the tensor that a CustomNetwork must return."""
    steps = "timesteps, " if architecture.return_sequences else ""
    return f"a tensor of shape (batch, {steps}units)"


def refuse_custom(architecture, method, remedy):
    """Refuse a CustomNetwork in a method that supports skrnn's own layers only."""
    if architecture.network is not None:
        raise ValueError(
            f"`{method}` must have a network of skrnn's own layers, got one with `network="
            f"{architecture.network.made_by.__qualname__}`, which only Keras can run. {remedy}"
        )


def _arguments(made):
    try:
        return inspect.signature(made).parameters
    except (TypeError, ValueError):  # of C
        return {}


def _frozen(value, place):
    """Return a hashable key that is equal for equal values of equal types."""
    if isinstance(value, (*FUNCTIONS, type)):
        return value
    if isinstance(value, dict):
        items = ((key, _frozen(item, f"{place}[{key!r}]")) for key, item in value.items())
        return dict, frozenset(items)
    if isinstance(value, (list, tuple)):
        return type(value), tuple(_frozen(item, f"{place}[{i}]") for i, item in enumerate(value))
    if isinstance(value, np.ndarray) and value.dtype != object:
        return np.ndarray, value.shape, value.dtype.str, value.tobytes()
    for own in ("get_params", "get_config"):  # of scikit-learn, of Keras
        if hasattr(value, own):
            settings = value.get_params(deep=False) if own == "get_params" else value.get_config()
            return type(value), _frozen(settings, place)
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"`{place}` must be a number, a string, a list, tuple, dict or array of these, a "
            f"function, or another value that can be hashed, got an object of type "
            f"{type(value).__name__}. Create it inside `network`."
        ) from None
    return type(value), value
