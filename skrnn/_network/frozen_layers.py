"""Frozen layers: those that training leaves as they are."""


def read_frozen_layers(params, architecture):
    """Return the names of an Architecture's layers that are not to be trained, in their order."""
    names = [layer.name for layer in architecture.layers() if layer.weights]
    given = list(params.frozen_layers)
    for name in given:
        if not isinstance(name, str) or name not in names:
            raise ValueError(
                f"`frozen_layers` must hold names of layers that have weights, here "
                f"{', '.join(map(repr, names))}, got {name!r}. `summary` lists the layers."
            )
    if architecture.vocab_size is not None and not params.embedding_trainable:
        given.append(architecture.embedding_name)
    if architecture.network is None and set(names) == set(given):
        raise ValueError(
            f"`frozen_layers` must leave a layer to train, got all of them: {', '.join(names)}. "
            "Leave out one of them."
        )
    return tuple(name for name in names if name in given)
