"""What stands on the axes of a display; no window opens, and no figure outlives its test."""

import matplotlib

matplotlib.use("agg")


def lines(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def line(ax, label):
    [found] = lines(ax, label)
    return found


def beginning(ax, words):
    """Return the one line whose label begins with these words."""
    [found] = [line for line in ax.lines if line.get_label().startswith(words)]
    return found


def ticks(ax):
    return [tick.get_text() for tick in ax.get_xticklabels()]


def bands(ax):
    """Return the corners of each interval by its label."""
    return {band.get_label(): band.get_paths()[0].vertices for band in ax.collections}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]
