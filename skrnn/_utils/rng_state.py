"""The state of a NumPy generator as an array, to save and restore."""

import numpy as np

WORD = 2**64


def get_rng_state(generator):
    """Return the state of a `numpy.random.default_rng` generator as six words of uint64.

    They are the 128-bit state and increment of PCG64 in two words each, then a flag and its
    buffered 32-bit number.
    """
    whole = generator.bit_generator.state
    numbers = divmod(whole["state"]["state"], WORD) + divmod(whole["state"]["inc"], WORD)
    return np.array([*numbers, whole["has_uint32"], whole["uinteger"]], dtype=np.uint64)


def set_rng_state(generator, words):
    """Restore a state that `get_rng_state` returned."""
    high, low, inc_high, inc_low, has_half, half = map(int, words)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high * WORD + low, "inc": inc_high * WORD + inc_low},
        "has_uint32": has_half,
        "uinteger": half,
    }
