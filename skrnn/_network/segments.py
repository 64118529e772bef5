"""Segments: how many timesteps one step of the recurrent layers reads."""

from math import log

# "auto" leaves shorter sequences as they are, and makes about so many steps of longer ones.
LONG, STEPS = 48, 22


def settle_segment(segment, timesteps):
    """Return `segment` as an int that divides the timesteps; "auto" is 1 for any number, None."""
    if segment == "auto":
        return 1 if timesteps is None else _choose(timesteps)
    if timesteps is not None and timesteps % segment:
        divisors = ", ".join(map(str, _divisors(timesteps)))
        raise ValueError(
            f"`segment` must divide the {timesteps} timesteps of X, got {segment}. Use one of "
            f"{divisors}."
        )
    return int(segment)


def check_segment(params):
    """Refuse segments where every timestep has an output."""
    if params.segment != 1 and params.return_sequences:
        raise ValueError(
            "`segment` must be 1 with `return_sequences=True`, which has an output for every "
            f"timestep, got {params.segment!r}. Leave out one of them."
        )


def _choose(timesteps):
    """Return the divisor whose number of steps is nearest to STEPS, as a ratio."""
    if timesteps < LONG:
        return 1
    return min(_divisors(timesteps), key=lambda segment: abs(log(timesteps / segment / STEPS)))


def _divisors(timesteps):
    return [n for n in range(1, timesteps + 1) if timesteps % n == 0]
