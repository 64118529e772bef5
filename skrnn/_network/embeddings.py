"""Embeddings: the initial vectors of an Embedding, as given by the user."""

import numpy as np

from skrnn._utils.numeric_checks import check_real


def read_embeddings(embedding_init, architecture):
    """Return the given vectors as an array (vocab_size, embedding_dim), None if none are given.

    ValueError if they do not fit the network.
    """
    if embedding_init is None:
        return None
    expected = architecture.vocab_size, architecture.embedding_dim
    if architecture.vocab_size is None:
        raise ValueError(
            "`embedding_init` needs `vocab_size`, the number of its vectors, got None. Set "
            "`vocab_size` if X holds token ids, or leave out `embedding_init`."
        )
    check_real(embedding_init, "`embedding_init`")
    try:
        with np.errstate(over="ignore"):
            table = np.array(embedding_init, dtype=architecture.variable_dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`embedding_init` must be an array of numbers of shape (vocab_size, embedding_dim), "
            f"here {expected}, got a value that is not: {error}"
        ) from error
    if table.shape != expected:
        sizes = zip(("vocab_size", "embedding_dim"), table.shape, strict=False)
        remedy = " and ".join(f"`{name}={size}`" for name, size in sizes)
        raise ValueError(
            "`embedding_init` must have the shape (vocab_size, embedding_dim), here "
            f"{expected}, got {table.shape}."
            + (f" Set {remedy}, or pass other vectors." if table.ndim == 2 else "")
        )
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"`embedding_init` must be finite in {table.dtype}, got infinity or NaN for token id "
            f"{int(finite.argmin())}. Set a finite vector, for example zeros."
        )
    return table
