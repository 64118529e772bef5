"""Scans: each row of series compared with its forecast, with outliers replaced in later windows."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.isotonic import isotonic_regression

from skrnn._forecasting.error_units import to_unit, unit_sizes
from skrnn._forecasting.linear_model import Baseline
from skrnn._utils.field_types import Array64

AT_ONCE = 16, 4096  # rows of a series that are forecast at once, at first and at most
ORIGINS_OF_GROWTH = 200


@dataclass(frozen=True, eq=False, kw_only=True)
class PinnedBaseline(Baseline):
    """A Baseline in which the mean of all rows, and the first row, are fixed at those of `fit`.

    So its forecasts depend only on the rows of a window and on their times.
    """

    means: Array64  # (n_series,), of standardized series
    firsts: Array64  # (n_series,), of standardized series
    counted: np.ndarray  # (n_series,), rows from the first known value in `fit` to the panel's

    def _mean_of(self, maps, history, series):
        pinned = replace(
            history,
            mean=self.means[series],
            first=self.firsts[series],
            n_known=history.position + self.counted[series],
        )
        return super()._mean_of(maps, pinned, series)


def pinned_model(model, fitted, panel, places, sizes, rows):
    """Return a GlobalModel for rows of a Panel, given the `places` of its series in `fitted`.

    `fitted` is the Panel of `fit`; the rows may be before it or after it. `sizes`, (n_series, 1),
    are the sizes of the errors of each of its series. `rows` is the number of rows of the mean
    seasonal change that is their unit; 0: all rows in `fit`.
    """
    both = fitted.take(places)
    both = replace(both, times=both.times + panel.times, values=both.values + panel.values)
    starts = both.starts
    shifts = starts[len(places) :] - starts[: len(places)]
    plan, residuals, baseline = model.plan, model.residuals, model.baseline
    level = replace(
        plan.level, means=plan.level.means[places], deviations=plan.level.deviations[places]
    )
    if baseline is not None:
        known = [level.transform(fitted.values[k], n) for n, k in enumerate(places)]
        known = [part[level.n_before :] for part in known]
        scales = {
            name: array[places] if len(array) else array
            for name, array in vars(baseline.scales).items()
        }
        baseline = PinnedBaseline(
            **vars(baseline)
            | {
                "scales": replace(baseline.scales, **scales),
                "positions": baseline.positions[places] + shifts,
            },
            means=np.array([np.nanmean(part) for part in known]),
            firsts=np.array([part[~np.isnan(part)][0] for part in known]),
            counted=shifts - level.n_before,
        )
    return replace(
        model,
        plan=replace(plan, level=level, static=plan.static[places]),
        baseline=baseline,
        scales=model.scales[places],
        residuals=replace(
            residuals, rows=rows, sizes=sizes[places], floors=residuals.floors[places]
        ),
        shorter=None,
    )


def row_errors(model, panel, series, n_known, truth, moved=0.0):
    """Return absolute errors of one-step forecasts in their unit, (n_origins,), and the forecasts.

    Forecasts differ by `moved`, (n_origins,), from those of the model.
    """
    forecast = model.forecast(panel, series, n_known, 1)[:, 0] + moved
    both = (part[:, np.newaxis] for part in (truth, forecast))
    return sized_errors(model, panel, series, n_known, *both)[:, 0], forecast


def sized_errors(model, panel, series, n_known, truth, forecast):
    """Return absolute errors, (n_origins, n_steps), in the unit of errors of the first step."""
    below, above = unit_sizes(model, panel, series, n_known)[..., :1]
    truth, forecast = (
        to_unit(model, model.residuals.kind, part, series) for part in (truth, forecast)
    )
    errors = truth - forecast
    return np.abs(errors) / np.abs(np.where(errors * np.sign(above) < 0, below, above))


def fit_growth(model, panel):
    """Return the growth of errors where forecasts are fed back, as multiples of those of one step.

    It covers as many steps as a window has, from some origins in the Panel.
    """
    spare = panel.lengths.max() - model.min_history
    n_steps = int(min(model.plan.timesteps, max(spare // 2, 1)))
    counts = np.maximum(panel.lengths - model.min_history - n_steps + 1, 0)
    ends = np.cumsum(counts)
    if not ends[-1]:
        return np.ones(1)
    some = min(int(ends[-1]), ORIGINS_OF_GROWTH)
    places = np.linspace(0, ends[-1] - 1, some).round().astype(int)
    series = np.searchsorted(ends, places, side="right")
    n_known = panel.lengths[series] - n_steps - (ends[series] - 1 - places)
    truth = np.array(
        [panel.values[k][n : n + n_steps] for k, n in zip(series, n_known, strict=True)]
    )
    forecast = model.forecast(panel, series, n_known, n_steps)
    errors = sized_errors(model, panel, series, n_known, truth, forecast)
    sizes = np.nanmean(errors, axis=0)
    return np.maximum(isotonic_regression(sizes / (sizes[0] or 1.0)), 1.0)


@dataclass(frozen=True, eq=False)
class Scan:
    """Rows of series as they came and as windows hold them, and the error of each."""

    panel: object  # Panel with outliers replaced by their forecasts
    raw: list  # (n_rows,) of each series
    errors: list  # (n_rows,) of each series, absolute, in their unit; NaN where none is forecast


def scan_rows(model, panel, raw, errors, first, growth, limit, moved=None):
    """Return the Scan of rows from `first` on, (n_series,), of each series in a Panel.

    Before `first` the Panel holds the rows as windows read them, `raw` the original rows, and
    `errors` their errors. A row with an error above `limit` is replaced by its forecast in later
    windows. The error of a row after replaced ones is that of a forecast that is fed back, divided
    by its `growth`. When as many consecutive rows as `growth` has are replaced, they get their
    original values back. Forecasts differ by `moved`, (n_rows,) of each series, from those of the
    model.
    """
    values, errors = ([part.copy() for part in parts] for parts in (panel.values, errors))
    panel = replace(panel, values=values)
    at = np.maximum(first, model.min_history)
    sizes = np.full(len(values), AT_ONCE[0])
    replaced = np.array([_last_replaced(*rows) for rows in zip(values, raw, first, strict=True)])
    while (active := np.flatnonzero(at < panel.lengths)).size:
        ends = np.minimum(at + sizes, panel.lengths)
        series = np.repeat(active, (ends - at)[active])
        n_known = np.concatenate([np.arange(at[k], ends[k]) for k in active])
        truth = np.concatenate([raw[k][at[k] : ends[k]] for k in active])
        of_rows = [np.zeros(1)] if moved is None else [moved[k][at[k] : ends[k]] for k in active]
        found, forecast = row_errors(model, panel, series, n_known, truth, np.concatenate(of_rows))
        bounds = np.append(0, np.cumsum((ends - at)[active]))
        for k, start, stop in zip(active, bounds[:-1], bounds[1:], strict=True):
            own = found[start:stop]
            own[0] /= growth[min(replaced[k], len(growth) - 1)]
            outliers = np.flatnonzero(own > limit)
            n_rows = outliers[0] + 1 if len(outliers) else len(own)
            errors[k][at[k] : at[k] + n_rows] = own[:n_rows]
            at[k] += n_rows
            if not len(outliers):
                replaced[k], sizes[k] = 0, min(2 * sizes[k], AT_ONCE[1])
                continue
            replaced[k] = replaced[k] + 1 if n_rows == 1 else 1
            values[k][at[k] - 1], sizes[k] = forecast[start + n_rows - 1], AT_ONCE[0]
            if replaced[k] >= len(growth):
                rows = slice(at[k] - replaced[k], at[k])
                values[k][rows], replaced[k] = raw[k][rows], 0
    return Scan(panel, raw, errors)


def _last_replaced(values, raw, end):
    """Return the number of consecutive rows before `end` that are replaced."""
    same = (values[:end] == raw[:end]) | np.isnan(raw[:end])
    return int(np.argmax(same[::-1])) if same.any() else end
