"""Frozen layers: layers that training does not change."""


def read_frozen_layers(params, architecture):
    """Return the names of the layers that are not trained, in the order of the network.

    Names of layers in a CustomNetwork are checked later, by `in_order`, after Keras has built them.
    """
    given = list(params.frozen_layers)
    if architecture.vocab_size is not None and not params.embedding_trainable:
        given.append(architecture.embedding_name)
    if architecture.network is None:
        return in_order(given, architecture)
    for name in given:
        if not isinstance(name, str):
            raise ValueError(
                f"`frozen_layers` must hold names of layers, got {name!r}. Call `summary` for a "
                "list of layers."
            )
    return tuple(given)


def in_order(given, architecture):
    """Return names of layers that are not trained, in the order of an Architecture.

    ValueError if a name is not that of a layer with weights, or if no layer is left to train.
    """
    names = [layer.name for layer in architecture.layers() if layer.weights]
    for name in given:
        if name not in names:
            raise ValueError(
                f"`frozen_layers` must hold names of layers with weights, here "
                f"{', '.join(map(repr, names))}, got {name!r}. Call `summary` for a list of layers."
            )
    if set(names) == set(given):
        raise ValueError(
            "`frozen_layers` must leave at least one layer to train, got all of them: "
            f"{', '.join(names)}. Leave out one of them."
        )
    return tuple(name for name in names if name in given)
