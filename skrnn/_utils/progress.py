"""Progress: a bar that counts epochs and shows the losses and the time left."""

import sys
from contextlib import contextmanager
from threading import RLock
from time import perf_counter

WIDTH = 10  # of a plain line: with two losses and the time left it has less than 80 letters
# tqdm gives the bar what room the rest leaves, in a notebook too, and takes the strokes away there.
FORMAT = "Epoch {n_fmt}/{total_fmt} |{bar}|{postfix} ({remaining} left)"


@contextmanager
def progress_bar(epochs, done, *, shown):
    """Show a bar on standard error, or in a notebook, while epochs run.

    It is tqdm's where that is installed, else a plain line.

    Parameters
    ----------
    epochs : int
        How many are asked for; training may stop sooner.
    done : int
        How many of them were run before.
    shown : bool
        False: nothing is shown.

    Yields
    ------
    callable
        To be called after each epoch with its losses by their names.
    """
    if not shown:
        yield lambda losses: None
        return
    bar = _open_bar(epochs, done)
    try:
        yield lambda losses: bar.tell("  ".join(f"{k} {v:.4g}" for k, v in losses.items()))
        bar.stop()
    finally:
        bar.close()


def _open_bar(epochs, done):
    try:
        from tqdm.auto import tqdm  # an extra
    except ImportError:
        return Line(epochs, done)

    class Bar(tqdm):
        monitor_interval = 0  # no thread, and no lock that an interrupt could leave shut for others

        def tell(self, text):
            self.set_postfix_str(text, refresh=False)
            self.update()

        def stop(self):
            if hasattr(self, "container"):  # a notebook's, which paints an unfinished bar red
                self.total = self.n

    Bar.set_lock(RLock())
    # Each epoch is drawn, and nothing before the first.
    return Bar(total=epochs, initial=done, bar_format=FORMAT, mininterval=0, delay=1e-9)


class Line:
    """A line of text that is written anew after each epoch."""

    def __init__(self, epochs, done):
        self.epochs, self.begun, self.done = epochs, done, done
        self.start, self.length = perf_counter(), 0

    def tell(self, text):
        self.done += 1
        an_epoch = (perf_counter() - self.start) / (self.done - self.begun)
        minutes, seconds = divmod(int(an_epoch * (self.epochs - self.done)), 60)
        bar = "=" * (WIDTH * self.done // self.epochs)
        line = f"Epoch {self.done}/{self.epochs} |{bar:<{WIDTH}}|, {text}"
        line += f" ({minutes:02}:{seconds:02} left)"
        # Spaces cover what a longer line has left.
        print(f"\r{line:<{self.length}}", end="", file=sys.stderr, flush=True)
        self.length = len(line)

    def stop(self):
        pass

    def close(self):
        print(file=sys.stderr, flush=True)
