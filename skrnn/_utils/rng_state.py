"""Streams: where a NumPy generator stands, as an array that can be kept and put back."""

import numpy as np

WORD = 2**64


def get_rng_state(generator):
    """Return where a generator stands, as six words.

    Parameters
    ----------
    generator : numpy.random.Generator
        From `numpy.random.default_rng`.

    Returns
    -------
    ndarray of uint64 of shape (6,)
        Two halves each of the 128-bit state and increment of PCG64, and the half of a number that
        is still to be handed out.
    """
    whole = generator.bit_generator.state
    numbers = divmod(whole["state"]["state"], WORD) + divmod(whole["state"]["inc"], WORD)
    return np.array([*numbers, whole["has_uint32"], whole["uinteger"]], dtype=np.uint64)


def set_rng_state(generator, words):
    """Put a generator where `get_rng_state` found one."""
    high, low, inc_high, inc_low, has_half, half = map(int, words)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high * WORD + low, "inc": inc_high * WORD + inc_low},
        "has_uint32": has_half,
        "uinteger": half,
    }
