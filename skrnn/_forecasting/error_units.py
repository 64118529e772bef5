"""The unit of forecast errors, chosen by interval scores on held-out rows."""

from dataclasses import replace

import numpy as np

from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.adaptive import no_arrived, with_arrived
from skrnn._forecasting.baselines import interval_score, seasonal_scale
from skrnn._forecasting.conformal import find_floors, no_residuals
from skrnn._forecasting.linear_model import by_series
from skrnn._forecasting.target_transform import transformed, untransformed
from skrnn._network.quantiles import MEDIAN

LEAST_UNIT = 0.1  # of a constant window, as a fraction of the unit of its series
SPANS = 1, 4  # windows over which the seasonal change is averaged, in addition to all rows
LEAST_DISTANCE = 0.01  # of quantiles of networks, in the mean seasonal change of the series
LEVELS = 80, 95  # of the interval scores that units are compared by
N_FOLDS = 5
FEWEST = 50  # windows to choose by
MOST_SCORED = 2000
MOST_KEPT = 5000
PRIOR = 20  # windows: the weight of all series in the size of one
TOLERANCE = 0.005  # of the best score: within it, or its standard error, the fastest unit wins


def to_unit(model, kind, values, series):
    """Return values of series, (n_origins, ...) or one series' rows, in the kind of the errors."""
    if kind == "transformed":
        return transformed(model.plan.level.transformer, values)
    if kind == "values":
        return values
    least = np.maximum(model.baseline.scales.least[series], np.finfo(np.float64).tiny)
    return np.log(np.maximum(values, np.reshape(least, (-1,) + (1,) * (values.ndim - 1))))


def from_unit(model, kind, values):
    """Return values of the series, given what `to_unit` returned."""
    if kind == "transformed":
        return untransformed(model.plan.level.transformer, values)
    return values if kind == "values" else np.exp(values)


def unit_sizes(model, panel, series, n_known):
    """Return the units of errors of forecasts from origins, below and above: (2, n_origins, steps).

    A unit is the mean seasonal change of the last rows, for series that move more at some times
    than at others (locally weighted: Lei et al. 2018, section 5.2). It is negative where the
    transformer is decreasing, so a positive error is always one of a higher value.
    """
    residuals, season = model.residuals, model.season
    units = model.scales[series].copy()
    if residuals.ends:
        return _direction(model, panel) * _distances(model, panel, series, n_known)
    if residuals.rows:
        for k, origins in by_series(np.asarray(series)):
            ends = n_known[origins]
            start = max(ends.min() - residuals.rows, 0)
            rows = panel.values[k][start : ends.max()]
            rows = to_unit(model, residuals.kind, rows[np.newaxis], [k])[0]
            recent = recent_changes(rows, ends - start, residuals.rows, season)
            units[origins] = np.maximum(recent, LEAST_UNIT * units[origins])
    units = (_direction(model, panel) * units)[:, np.newaxis] * residuals.sizes[series]
    return np.stack([units, units])


def network_ends(model):
    """Return the lowest and the highest quantile that the networks forecast, or ()."""
    found = {
        regressor._network.architecture.quantiles if isinstance(regressor, RNNRegressor) else ()
        for regressor in model.regressors
    }
    alike = found.pop() if len(found) == 1 else ()
    direct = model.plan.outputs == model.plan.steps  # no output is fed back
    return (alike[0], alike[-1]) if direct and MEDIAN in alike[1:-1] else ()


def _distances(model, panel, series, n_known):
    """Return the distances of quantiles of the networks from their median, (2, n_origins, steps).

    Conformalized quantile regression (Romano et al. 2019, https://arxiv.org/abs/1905.03222) with
    errors in multiples of these distances (Kivaranovic et al. 2020,
    https://arxiv.org/abs/1905.10634). It also serves levels that the networks do not forecast.
    """
    residuals, steps = model.residuals, model.plan.steps
    lower, median, upper = (
        to_unit(
            model, residuals.kind, model.forecast(panel, series, n_known, steps, quantile), series
        )
        for quantile in (residuals.ends[0], MEDIAN, residuals.ends[1])
    )
    distances = np.abs([median - lower, upper - median])
    least = LEAST_DISTANCE * model.scales[series, np.newaxis]
    return np.maximum(distances, least) * residuals.sizes[series]


def recent_changes(values, ends, n_rows, season):
    """Return `seasonal_scale` of the last `n_rows` rows before each end, or 0 without a change."""
    found = np.zeros(len(ends))
    for lag in (season, 1):
        changes = np.abs(values[lag:] - values[:-lag])
        known = ~np.isnan(changes)
        totals, counts = (
            np.append(0, np.cumsum(part)) for part in (np.where(known, changes, 0), known)
        )
        last = np.maximum(ends - lag, 0)
        first = np.clip(ends - n_rows, 0, last)
        count = counts[last] - counts[first]
        mean = (totals[last] - totals[first]) / np.maximum(count, 1)
        rounding = 10 * np.finfo(np.float64).eps * np.nanmax(np.abs(values), initial=0.0)
        found = np.where((found == 0) & (mean > rounding), mean, found)
    return found


def _direction(model, panel):
    """Return -1 where the transformer is decreasing, else 1."""
    if model.residuals.kind != "transformed":
        return 1
    ends = np.array([f(rows) for rows in panel.values for f in (np.nanmin, np.nanmax)])
    low, high = transformed(model.plan.level.transformer, np.array([ends.min(), ends.max()]))
    return -1 if low > high else 1


def fit_residuals(model, panel, series, n_known, truth, forecast, ends=()):
    """Return a GlobalModel with the Residuals of held-out windows, in the unit that fits best.

    `truth` and `forecast` are (n_windows, steps). Units are compared by the interval score of each
    of some spans of time, with the residuals of the others. With fewer than FEWEST windows it is
    the first unit: the change over a window. With `ends` it is the distance of these quantiles of
    the networks.
    """
    kept = _some(len(series), MOST_KEPT)
    held_out = tuple(part[kept] for part in (series, n_known, truth, forecast))
    candidates = _candidates(model, panel)
    if ends:
        first = candidates[0]
        chosen = replace(first, residuals=replace(first.residuals, rows=0, ends=ends))
        chosen = _with_errors(chosen, panel, *held_out)
        return replace(chosen, residuals=sized_residuals(chosen.residuals))
    if len(kept) < FEWEST:
        return _with_errors(candidates[0], panel, *held_out)
    scored = tuple(part[_some(len(kept), MOST_SCORED)] for part in held_out)
    fold = _folds(panel.starts[scored[0]] + scored[1])
    scores, models = [], []
    for candidate in candidates:
        models.append(_with_errors(candidate, panel, *scored))
        units = unit_sizes(models[-1], panel, *scored[:2])[0]
        scores.append(_score(models[-1], units, fold, model.scales, *scored))
    chosen = _with_errors(models[_fastest(np.array(scores))], panel, *held_out)
    return replace(chosen, residuals=sized_residuals(chosen.residuals))


def _fastest(scores):
    """Return the first candidate that is close to the best; scores are (n_candidates, n)."""
    worse = scores - scores[scores.mean(axis=1).argmin()]
    errors = worse.std(axis=1) / np.sqrt(scores.shape[1])
    limit = np.maximum(errors, TOLERANCE * scores.mean(axis=1).min())
    return int(np.flatnonzero(worse.mean(axis=1) <= limit)[0])


def _some(n_windows, most):
    return np.linspace(0, n_windows - 1, min(n_windows, most)).round().astype(int)


def _candidates(model, panel):
    """Return the GlobalModel in each unit, without errors; the one that adapts fastest is first."""
    plan, n_series = model.plan, len(panel)
    kinds = ["values" if plan.level.transformer is None else "transformed"]
    if model.baseline is not None and kinds == ["values"] and not plan.level.lags:
        kinds += ["logarithms"] * (len(model.baseline.scales.log_deviations) > 0)
    floors, candidates = find_floors(panel.values), []
    for kind in kinds:
        scales = _scales(model, kind, panel)
        spans = [plan.timesteps * span + model.season for span in SPANS]
        for rows in [*spans, 0] if kind != "logarithms" else [0]:
            residuals = no_residuals(plan.steps, n_series)
            residuals = replace(residuals, kind=kind, rows=rows, floors=floors)
            candidates.append(replace(model, scales=scales, residuals=residuals))
    return candidates


def _scales(model, kind, panel):
    """Return the mean seasonal change of each series in a Panel, in the kind of the errors."""
    moved = (to_unit(model, kind, rows[np.newaxis], [k]) for k, rows in enumerate(panel.values))
    return np.array([seasonal_scale(rows[0], model.season) for rows in moved])


def adapt_residuals(model, panel):
    """Return a GlobalModel for the series of a Panel, with all known errors pooled."""
    residuals = model.residuals
    return replace(
        model,
        scales=_scales(model, residuals.kind, panel),
        residuals=replace(
            residuals,
            series=np.full(len(residuals.series), -1),
            sizes=np.ones((len(panel), model.plan.steps)),
            floors=find_floors(panel.values),
            arrived=no_arrived(model.plan.steps),
        ),
    )


def add_arrived(model, panel, n_before):
    """Return a GlobalModel with the errors of forecasts whose truth has come with a Panel.

    `n_before` is the number of rows of each series that were known before. Forecasts are made from
    there on, and from earlier origins that still lacked a true value. Each reads the rows up to its
    origin.
    """
    residuals, steps = model.residuals, model.plan.steps
    arrived = residuals.arrived
    pending = arrived.n_known + steps > n_before[arrived.series]
    new = [np.arange(*pair) for pair in zip(n_before, panel.lengths, strict=True)]
    series = np.append(
        arrived.series[pending], np.repeat(np.arange(len(panel)), list(map(len, new)))
    )
    n_known = np.concatenate([arrived.n_known[pending], *new])
    if not len(series):
        return model
    truth = np.full((len(series), steps), np.nan)
    for row, k, n in zip(truth, series, n_known, strict=True):
        known = panel.values[k][n : n + steps]
        row[: len(known)] = known
    forecast = model.forecast(panel, series, n_known, steps)
    errors = _errors(model, panel, series, n_known, truth, forecast)
    arrived = with_arrived(arrived, series, n_known, errors, len(panel))
    shorter = model.shorter and add_arrived(model.shorter, panel, n_before)
    return replace(model, residuals=replace(residuals, arrived=arrived), shorter=shorter)


def _with_errors(model, panel, series, n_known, truth, forecast):
    """Return a GlobalModel, so far without errors, with the errors of held-out windows."""
    errors = _errors(model, panel, series, n_known, truth, forecast)
    return replace(model, residuals=replace(model.residuals, errors=errors, series=series))


def _errors(model, panel, series, n_known, truth, forecast):
    """Return errors of forecasts from origins in their unit, (n_origins, steps)."""
    (below, above), kind = unit_sizes(model, panel, series, n_known), model.residuals.kind
    truth, forecast = (to_unit(model, kind, part, series) for part in (truth, forecast))
    errors = truth - forecast
    return errors / np.where(errors * np.sign(above) < 0, below, above)


def sized_residuals(residuals):
    """Return Residuals divided by the size of each series' errors, shrunk towards that of all."""
    errors, n_series = np.abs(residuals.errors), len(residuals.sizes)
    if n_series == 1:
        return residuals
    known = ~np.isnan(errors)
    counts = np.maximum(known.sum(axis=0), 1)
    total, count = np.zeros((2, n_series, errors.shape[1]))
    np.add.at(total, residuals.series, np.where(known, errors, 0))
    np.add.at(count, residuals.series, known)
    mean = total.sum(axis=0) / counts
    sizes = (total / np.where(mean > 0, mean, 1) + PRIOR) / (count + PRIOR)
    return replace(residuals, errors=residuals.errors / sizes[residuals.series], sizes=sizes)


def _folds(positions):
    """Return the span of time, of N_FOLDS, that each position is in."""
    times = np.unique(positions)
    edges = [times[len(times) * k // N_FOLDS] for k in range(1, N_FOLDS)]
    return np.searchsorted(edges, positions, side="right")


def _score(model, units, fold, scales, series, n_known, truth, forecast):
    """Return the interval score of each held-out window, with the residuals of other folds.

    Scores are in multiples of `scales`, with one for each series.
    """
    residuals, kind = model.residuals, model.residuals.kind
    scores = np.zeros(truth.shape)
    center = to_unit(model, kind, forecast, series)
    for k in np.unique(fold):
        others, own = fold != k, fold == k
        part = replace(residuals, errors=residuals.errors[others], series=residuals.series[others])
        part = sized_residuals(part)
        unit = units[own] * part.sizes[series[own]]
        for level in LEVELS:
            ends = part.interval(level, series[own], truth.shape[1])
            bounds = [from_unit(model, kind, center[own] + unit * end) for end in ends]
            scores[own] += interval_score(truth[own], *bounds, level)
    known = ~np.isnan(scores).all(axis=1)
    return np.nanmean(scores[known] / scales[series[known], np.newaxis], axis=1)
