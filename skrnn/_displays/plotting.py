"""Shared parts of the displays: matplotlib, axes, colours, forecasts, and times on an axis."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from skrnn._forecasting.backtest import levels_of
from skrnn._preprocessing.time_index import first_few

if TYPE_CHECKING:
    from skrnn._types import DrawnAxes, Figure

# The palette of Okabe and Ito, distinct for the colour-blind (https://jfly.uni-koeln.de/color/).
BLACK, GREY = "#000000", "#767676"
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"
CYCLE = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK]
MARKERS = "osD^vPX"
MARKED_AT_MOST = 40  # points of a line with a marker each
WRITTEN = 120  # cells of a heat map, at most, that show their numbers
UNITS = ("days", "hours", "minutes", "seconds")  # of durations, the largest first


def load_matplotlib():
    """Return matplotlib with the parts that the displays use."""
    try:
        import matplotlib.dates  # an extra, and slow to import
        import matplotlib.patches
        import matplotlib.pyplot
    except ImportError as error:
        raise ImportError("A display needs matplotlib: pip install 'skrnn[plot]'") from error
    return matplotlib


class Display:
    """A plot. `plot` draws it, and keeps the Axes (one or an array of them) and the figure."""

    ax_: DrawnAxes
    figure_: Figure


def open_axes(display, ax, allowed, *, size, columns=1, **grid):
    """Return an array of Axes, given or new ones, and set `ax_` and `figure_` of a Display.

    `allowed` are the numbers of Axes that may be given. None makes the first of these numbers, in a
    figure of width and height `size` in inches (8 are 800 pixels). `grid` is for `pyplot.subplots`.
    """
    pyplot = load_matplotlib().pyplot
    if ax is None:
        grid = {"figsize": size, "layout": "constrained", "squeeze": False} | grid
        display.figure_, axes = pyplot.subplots(-(-allowed[0] // columns), columns, **grid)
        axes, spare = np.split(axes.ravel(), [allowed[0]])
        for each in spare:
            each.remove()
        for each in axes:
            each.set_prop_cycle(color=CYCLE)
            each.spines[["top", "right"]].set_visible(False)
    else:
        axes = np.array(ax, dtype=object).ravel()
        if not all(isinstance(each, pyplot.Axes) for each in axes):
            raise TypeError(
                f"`ax` must be matplotlib Axes, got {ax!r}. Create them with `plt.subplots()`, or "
                "leave out `ax`."
            )
        if len(axes) not in allowed:
            raise ValueError(
                f"`ax` must be {' or '.join(map(str, allowed))} Axes, one for each panel, got "
                f"{len(axes)}. Pass as many, or leave out `ax`."
            )
        display.figure_ = axes[0].figure
    display.ax_ = axes[0] if len(axes) == 1 else axes
    return axes


def check_named(argument, value, what, known):
    """Refuse a value that is not one of the known ones."""
    if value not in known:
        raise ValueError(
            f"`{argument}` must name {what}, {first_few(known)}, got {value!r}. Choose among these."
        )


def draw_legend(ax, columns, others=()):
    """List each label once, also those of `others`, above the axes, where no lines are."""
    pairs = [each.get_legend_handles_labels() for each in (ax, *others)]
    handles, names = (list(chain.from_iterable(parts)) for parts in zip(*pairs, strict=True))
    first = dict(zip(reversed(names), reversed(handles), strict=True))
    names = list(dict.fromkeys(names))
    ax.legend(
        [first[name] for name in names],
        names,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        columnspacing=1.2,
        fontsize="small",
        frameon=False,
    )


def marker(n_points):
    """Return the marker of a line: a dot if points are few, because a single one shows no line."""
    return "." if n_points <= MARKED_AT_MOST else ""


def with_unit(name, unit):
    return str(name) if unit is None else f"{name} ({unit})"


def short(number):
    """Format a number with three digits, or with all digits before the point."""
    size = 0 if number == 0 or not np.isfinite(number) else int(np.floor(np.log10(abs(number))))
    return f"{number:,.{max(2 - size, 0)}f}"


class TimeAxis:
    """Times as positions on an axis: dates, whole numbers, or durations in their largest unit."""

    def __init__(self, times):
        unnamed = "Row" if times.dtype.kind in "iu" else "Time"
        self.label = unnamed if times.name is None else str(times.name)
        self.timezone = getattr(times, "tz", None)
        self.unit = None
        if isinstance(times, pd.TimedeltaIndex):
            span = times.max() - times.min()
            self.unit = next((u for u in UNITS if span >= pd.Timedelta(2, u)), UNITS[-1])
            self.label = with_unit(self.label, self.unit)
        self.has_dates = isinstance(times, (pd.DatetimeIndex, pd.PeriodIndex))

    def places(self, times):
        """Return times as positions that matplotlib accepts."""
        if isinstance(times, pd.PeriodIndex):
            times = times.to_timestamp()
        if self.unit is not None:
            return np.asarray(times / pd.Timedelta(1, self.unit))
        return times.to_pydatetime() if self.timezone is not None else times.to_numpy()

    def put_on(self, ax):
        """Label the horizontal axis of `ax`, with short dates."""
        ax.set_xlabel(self.label)
        if self.has_dates:
            dates = load_matplotlib().dates
            locator = dates.AutoDateLocator(tz=self.timezone)
            ax.xaxis.set_major_locator(locator)
            ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=self.timezone))


def with_intervals(rows):
    """Return a table in which quantiles with equal tails are bounds of an interval."""
    found = {}
    for name in [name for name in rows if str(name).startswith("q_")]:
        tail = float(name.removeprefix("q_"))
        other, level = f"q_{1 - tail:g}", f"{100 * (1 - 2 * tail):g}"
        if tail < 0.5 and other in rows and f"lower_{level}" not in rows:
            found |= {f"lower_{level}": rows[name], f"upper_{level}": rows[other]}
    return rows.assign(**found)


def count_held(tables, truths):
    """Return for each level how many true values lie in the intervals, as text."""
    found = {}
    for table, truth in zip(tables, truths, strict=True):
        if truth is None:
            continue
        rows = table.reindex(truth.index)
        for level in levels_of(table):
            inside = truth.between(rows[f"lower_{level}"], rows[f"upper_{level}"])
            n_inside, n_truths = found.get(level, (0, 0))
            found[level] = n_inside + inside.sum(), n_truths + len(inside)
    return {level: "{} of {}".format(*counts) for level, counts in found.items()}


def draw_forecast(ax, places, table, n_marked, held=()):
    """Draw the column "forecast", and the intervals "lower_80", "upper_80", ..., widest first.

    `held` may give for each level how many true values lie in the intervals, for the legend.
    """
    for depth, level in enumerate(sorted(levels_of(table), key=float, reverse=True)):
        lower, upper = (table[f"{side}_{level}"].to_numpy() for side in ("lower", "upper"))
        look = {"color": BLUE, "alpha": 0.2 + 0.1 * depth, "linewidth": 0}
        coverage = f": {held[level]}" if level in held else ""
        ax.fill_between(places, lower, upper, **look, label=f"{level}% interval{coverage}")
    values = table["forecast"].to_numpy()
    ax.plot(places, values, color=BLUE, marker=marker(n_marked), label="forecast")


def draw_cutoff(ax, place):
    ax.axvline(place, color=GREY, linewidth=0.8, linestyle=":", label="cutoff")


def draw_heat_map(ax, table, names, largest):
    """Draw numbers (n_names, timesteps), coloured up to `largest`, with the last timestep at 0.

    Return the image.
    """
    largest = largest or 1.0
    n_names, timesteps = table.shape
    image = ax.imshow(
        table,
        cmap="PuOr_r",  # colour-blind safe; white is zero
        vmin=-largest,
        vmax=largest,
        aspect="auto",
        extent=(0.5 - timesteps, 0.5, n_names - 0.5, -0.5),
    )
    if table.size <= WRITTEN:
        _write_numbers(ax, table, largest)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_yticks(range(n_names), names)
    return image


def _write_numbers(ax, table, largest):
    """Write each number into its cell."""
    decimals = max(0, 1 - int(np.floor(np.log10(largest))))  # two digits of the largest
    for (row, column), number in np.ndenumerate(np.round(table, decimals) + 0.0):
        if np.isnan(number):
            continue
        color = "white" if abs(number) > 0.7 * largest else BLACK
        place, text = (column + 1 - table.shape[1], row), f"{number:.{decimals}f}"
        ax.text(*place, text, color=color, ha="center", va="center", fontsize="small")
