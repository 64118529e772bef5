"""Records of networks made by a user's function: the name to import it by, and parameters."""

from dataclasses import dataclass
from typing import get_type_hints

from skrnn._engines import keras_engine
from skrnn._network.custom_network import FUNCTIONS, CustomNetwork
from skrnn._utils.records import Codec, check_fields, import_trusted, name_in_module, require

KINDS = {
    name: kind
    for name, kind in get_type_hints(CustomNetwork, include_extras=True).items()
    if name != "network"
}


@dataclass(frozen=True)
class Importable:
    """A value of the parameter `network`, which is stored in a file by its name."""

    network: object


def importable(network):
    """Return a value of the parameter `network` in the form that a file stores."""
    return None if network is None else Importable(network)


def _encode(wrapped):
    network = wrapped.network
    if isinstance(network, FUNCTIONS):
        return name_in_module(network) | {"params": None}
    return name_in_module(type(network)) | {"params": network.get_params(deep=False)}


def importable_codec(trusted=None):
    """Return the Codec of an Importable, which decodes to the network; None trusts every name."""

    def decode(module, name, params):
        made = import_trusted(module, name, trusted, keras_engine)
        if params is None:
            require(isinstance(made, FUNCTIONS), f"the function {module}.{name}")
            return made
        require(isinstance(made, type) and isinstance(params, dict), f"the class {module}.{name}")
        network = made(**params)
        known = callable(network) and hasattr(network, "get_params")
        require(known, f"the class {module}.{name}")
        return network

    return Codec(Importable, _encode, decode)


def _decode_network(network, **fields):
    check_fields(fields, KINDS)
    require(callable(network), "`network`")
    return CustomNetwork(network, **fields)


def _encode_network(custom):
    return custom.to_dict() | {"network": importable(custom.network)}


CUSTOM_NETWORKS = {
    "CustomNetwork": Codec(CustomNetwork, _encode_network, _decode_network),
    "network": importable_codec(),
}
