"""Progress: one line on standard error that counts epochs and shows the losses."""

import sys

WIDTH = 30


class Progress:
    """A bar over epochs, drawn anew after each one.

    Parameters
    ----------
    epochs : int
        How many are asked for; training may stop sooner.
    done : int
        How many of them were run before.
    """

    def __init__(self, epochs, done):
        self.epochs = epochs
        self.done = done

    def __call__(self, losses):
        self.done += 1
        bar = "=" * (WIDTH * self.done // self.epochs)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in losses.items())
        line = f"\rEpoch {self.done}/{self.epochs} [{bar:<{WIDTH}}] {shown}"
        print(line, end="", file=sys.stderr, flush=True)

    def close(self):
        print(file=sys.stderr, flush=True)
