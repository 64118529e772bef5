"""Residuals: held-out errors of forecasts, and the quantiles of the next one (split conformal)."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from numbers import Real
from typing import Literal

import numpy as np

from skrnn._forecasting.adaptive import Arrived, Positions, follow, no_arrived
from skrnn._utils.field_types import Count, Probability, Table64

ENOUGH = 100  # windows: of a series for its own quantiles, of all for two asymmetric quantiles

LEAST_AT_FLOOR = 0.1  # least share of the rows of a series that are at its floor
FEWEST_AT_FLOOR = 3  # rows: the lowest of a few rows is not a floor


def check_levels(level):
    """Return `level` as a list of percentages; None is an empty list."""
    if level is None:
        return []
    levels = [level] if isinstance(level, (Real, str)) else list(level)
    for value in levels:
        if not isinstance(value, Real) or isinstance(value, bool) or not 1 <= value < 100:
            raise ValueError(
                f"`level` must hold percentages of at least 1 and below 100, got {value!r}. For "
                "80% write 80."
            )
    return levels


def check_quantiles(quantiles):
    """Return `quantiles` as a list of fractions; None is an empty list."""
    if quantiles is None:
        return []
    quantiles = [quantiles] if isinstance(quantiles, (Real, str)) else list(quantiles)
    for value in quantiles:
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < 1:
            raise ValueError(
                f"`quantiles` must hold fractions above 0 and below 1, got {value!r}. For the "
                "lowest tenth write 0.1."
            )
    return quantiles


def needed_windows(probability):
    """Return the number of held-out windows that `conformal_quantile` needs."""
    return ceil(probability / (1 - probability))


def conformal_quantile(errors, probability):
    """Return the quantile of the next error at each step, given errors (n_windows, n_steps).

    NaN is not an error. The k-th smallest of n, k = ceil((n + 1) * probability), is no less than
    the next one with at least that probability if they are exchangeable (Lei et al. 2018,
    doi:10.1080/01621459.2017.1307116, theorem 2.2). Infinite where n is too small.
    """
    counts = (~np.isnan(errors)).sum(axis=0)
    ranks = np.array([ceil((int(n) + 1) * probability) for n in counts], dtype=int)
    found = np.full(errors.shape[1], np.inf)
    there = np.flatnonzero(ranks <= counts)
    found[there] = np.sort(errors, axis=0)[ranks[there] - 1, there]  # NaN last
    return found


@dataclass(frozen=True, eq=False)
class Residuals:
    """Errors of held-out windows, in the unit in which they are alike.

    The unit of a window has two factors. One is the mean seasonal change of its last `rows` rows,
    or of all training rows of its series if `rows` is 0. The other is the size of the series'
    errors at each step. Unit and errors are both measured in "values", through the transformer
    ("transformed") or in "logarithms". With `ends` the first factor is instead the distance of
    these quantiles of the networks from their median.
    """

    # truth minus forecast, (n_windows, steps); NaN where there is no truth
    errors: Table64
    series: Positions  # (n_windows,)
    kind: Literal["values", "transformed", "logarithms"]
    rows: Count
    sizes: Table64  # (n_series, steps), size of each series' errors, as multiples of that of all
    floors: Table64  # (n_series, 2), see `find_floors`
    arrived: Arrived  # errors that quantiles follow
    ends: tuple[Probability, ...] = ()  # two quantiles of networks, whose distances are the unit
    signed: bool = True  # older files have absolute errors, of unknown series (-1)

    def quantiles(self, probability, series, n_steps):
        """Return the quantiles of the next error of series, (n_series, n_steps)."""
        sign = -1 if probability < Fraction(1, 2) else 1
        upper = max(probability, 1 - probability)
        if not self.signed:
            return sign * self._quantiles(np.abs, 2 * upper - 1, series, n_steps)
        return sign * self._quantiles(lambda errors: sign * errors, upper, series, n_steps)

    def interval(self, level, series, n_steps):
        """Return the ends of an interval around the forecast of series, (n_series, n_steps) each.

        With at least ENOUGH windows they are two quantiles, with as many errors below as above. If
        there are fewer, or these need more windows, it is a quantile of absolute errors.
        """
        held = Fraction(str(level)) / 100
        upper = (1 + held) / 2
        if self.signed and self.n_windows(n_steps) >= max(ENOUGH, needed_windows(upper)):
            ends = [self.quantiles(p, series, n_steps) for p in (1 - upper, upper)]
            return np.minimum(*ends), np.maximum(*ends)  # those that follow errors may cross
        widths = self._quantiles(np.abs, held, series, n_steps)
        return -widths, widths

    def n_windows(self, n_steps):
        """Return the least number of held-out windows over the first `n_steps` steps."""
        return int((~np.isnan(self.errors[:, :n_steps])).sum(axis=0).min())

    def _quantiles(self, measure, probability, series, n_steps):
        """Return quantiles of the `measure` of errors, of each series or else of all."""
        errors = measure(self.errors[:, :n_steps])
        asked, places = np.unique(series, return_inverse=True)
        found = np.tile(conformal_quantile(errors, probability), (len(asked), 1))
        counts = np.bincount(self.series + 1, minlength=1)[1:]
        enough = np.flatnonzero(counts >= max(ENOUGH, needed_windows(probability)))
        for place in np.flatnonzero(np.isin(asked, enough)):
            own = conformal_quantile(errors[self.series == asked[place]], probability)
            found[place] = np.where(np.isinf(own), found[place], own)
        if len(self.arrived.series):
            arrived = measure(self.arrived.of_series(asked)[..., :n_steps])
            found = follow(found, arrived, probability)
        return found[places]


def find_floors(values):
    """Return the lowest value of each series and the next one, or NaN if few rows have the lowest.

    Series of many zeros have such a floor. `values` holds the rows of each series.
    """
    floors = np.full((len(values), 2), np.nan)
    for k, rows in enumerate(values):
        rows = rows[~np.isnan(rows)]
        above = rows[rows > rows.min(initial=np.inf)]
        least = max(LEAST_AT_FLOOR * len(rows), FEWEST_AT_FLOOR)
        if 0 < len(above) <= len(rows) - least:
            floors[k] = rows.min(), above.min()
    return floors


def on_floors(bounds, floors, lower):
    """Return bounds of intervals, (n_origins, n_steps), none below the floor of its series.

    A `lower` bound between the floor and the next value is moved to the floor. Otherwise an
    interval would leave out the most common value by less than the distance to the next.
    """
    floor, above = floors[:, :1], floors[:, 1:]
    return np.where(bounds < above, floor, bounds) if lower else np.fmax(bounds, floor)


def no_residuals(n_steps, n_series):
    """Return the Residuals of a model without held-out windows."""
    none = np.empty((0, n_steps)), np.empty(0, dtype=int)
    sizes, floors = np.ones((n_series, n_steps)), np.full((n_series, 2), np.nan)
    arrived = no_arrived(n_steps)
    return Residuals(*none, kind="values", rows=0, sizes=sizes, floors=floors, arrived=arrived)
