"""A progress bar that shows epochs, losses and the remaining time."""

import sys
from contextlib import contextmanager
from threading import RLock
from time import perf_counter

WIDTH = 10  # of the plain bar: a line with two losses is shorter than 80 characters
# tqdm fits the bar to the rest of the line, and removes the strokes in a notebook.
BAR_FORMAT = "Epoch {n_fmt}/{total_fmt} |{bar}|{postfix} ({remaining} left)"


@contextmanager
def progress_bar(epochs, done, *, shown):
    """Show a bar on standard error, or in a notebook, while epochs run.

    It is tqdm's bar if tqdm is installed, else a plain line. Yield a function to call after each
    epoch with a dict of its losses. `done` epochs were run before; training may stop before
    `epochs`.
    """
    if not shown:
        yield lambda losses: None
        return
    bar = _open_bar(epochs, done)
    try:
        yield lambda losses: bar.advance("  ".join(f"{k} {v:.4g}" for k, v in losses.items()))
        bar.stop()
    finally:
        bar.close()


def _open_bar(epochs, done):
    try:
        from tqdm.auto import tqdm  # an extra
    except ImportError:
        return Line(epochs, done)

    class Bar(tqdm):
        monitor_interval = 0  # no thread, and so no lock that an interrupt could leave locked

        def advance(self, text):
            self.set_postfix_str(text, refresh=False)
            self.update()

        def stop(self):
            if hasattr(self, "container"):  # in a notebook an unfinished bar would turn red
                self.total = self.n

    Bar.set_lock(RLock())
    # Draws after every epoch, but not before the first.
    return Bar(total=epochs, initial=done, bar_format=BAR_FORMAT, mininterval=0, delay=1e-9)


class Line:
    """A line of text that is rewritten after each epoch."""

    def __init__(self, epochs, done):
        self.epochs, self.begun, self.done = epochs, done, done
        self.start, self.length = perf_counter(), 0

    def advance(self, text):
        self.done += 1
        an_epoch = (perf_counter() - self.start) / (self.done - self.begun)
        minutes, seconds = divmod(int(an_epoch * (self.epochs - self.done)), 60)
        bar = "=" * (WIDTH * self.done // self.epochs)
        line = f"Epoch {self.done}/{self.epochs} |{bar:<{WIDTH}}|, {text}"
        line += f" ({minutes:02}:{seconds:02} left)"
        # Spaces overwrite the rest of a longer line.
        print(f"\r{line:<{self.length}}", end="", file=sys.stderr, flush=True)
        self.length = len(line)

    def stop(self):
        pass

    def close(self):
        print(file=sys.stderr, flush=True)
