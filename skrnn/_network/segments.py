"""Segments: how many timesteps one step of the recurrent layers reads."""

from math import log

# "auto" is 1 for sequences shorter than LONG, and makes about STEPS steps of longer ones.
LONG, STEPS = 48, 22


def settle_segment(segment, timesteps):
    """Return `segment` as an int that divides the timesteps; None: any number of timesteps."""
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
    """Refuse segments if every timestep has an output."""
    if params.segment != 1 and params.return_sequences:
        raise ValueError(
            "`segment` must be 1 with `return_sequences=True`, which gives every timestep an "
            f"output, got {params.segment!r}. Leave out one of them."
        )


def _choose(timesteps):
    """Return the divisor that makes the number of steps nearest to STEPS, as a ratio."""
    if timesteps < LONG:
        return 1
    return min(_divisors(timesteps), key=lambda segment: abs(log(timesteps / segment / STEPS)))


def _divisors(timesteps):
    return [n for n in range(1, timesteps + 1) if timesteps % n == 0]
