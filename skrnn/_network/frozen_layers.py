"""Frozen layers: those that training leaves as they are."""


def read_frozen_layers(params, architecture):
    """Return the names of an Architecture's layers that are not to be trained, in their order.

    Names of layers in a CustomNetwork are checked later, by `in_order`, once Keras has built them.
    """
    given = list(params.frozen_layers)
    if architecture.vocab_size is not None and not params.embedding_trainable:
        given.append(architecture.embedding_name)
    if architecture.network is None:
        return in_order(given, architecture)
    for name in given:
        if not isinstance(name, str):
            raise ValueError(
                f"`frozen_layers` must hold names of layers, got {name!r}. `summary` lists the "
                "layers."
            )
    return tuple(given)


def in_order(given, architecture):
    """Return names of layers that are not to be trained in the order of an Architecture's layers.

    ValueError if a name is not that of a layer with weights, or if none is left to train.
    """
    names = [layer.name for layer in architecture.layers() if layer.weights]
    for name in given:
        if name not in names:
            raise ValueError(
                f"`frozen_layers` must hold names of layers that have weights, here "
                f"{', '.join(map(repr, names))}, got {name!r}. `summary` lists the layers."
            )
    if set(names) == set(given):
        raise ValueError(
            f"`frozen_layers` must leave a layer to train, got all of them: {', '.join(names)}. "
            "Leave out one of them."
        )
    return tuple(name for name in names if name in given)
