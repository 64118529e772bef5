"""Stacking: a Baseline fitted to series, with weights from errors on held-out blocks."""

from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from scipy.optimize import nnls

from skrnn._forecasting.anchors import Layout
from skrnn._forecasting.candidates import (
    choose_origins,
    cut_blocks,
    drop_longest,
    known_seasons,
    list_candidates,
)
from skrnn._forecasting.linear_model import (
    UNITS,
    Baseline,
    History,
    by_series,
    distance_of_mean,
    fill_missing,
    fit_series_scales,
    known_in_units,
    make_history,
    make_inputs,
    season_columns,
)
from skrnn._forecasting.ridges import fit_candidates, moments_of
from skrnn._forecasting.settings import typical_length

LEAST_COMPLETE = 0.25  # least share of the origins without a missing target
SHRINKAGE = 0.005
ADVANTAGE_OF_MEAN = 1.0  # standard errors


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The errors of a Baseline on blocks of origins that were held out."""

    series: np.ndarray  # (n_origins,)
    n_known: np.ndarray  # (n_origins,), rows before the forecast
    block: np.ndarray  # (n_origins,), from 0, in order of time
    residuals: np.ndarray  # (n_origins, outputs), truth minus forecast, of standardized series


@dataclass(frozen=True, eq=False)
class Sample:
    """The origins on which candidates are compared, and the rows after each."""

    series: np.ndarray  # (n_origins,)
    n_known: np.ndarray  # (n_origins,)
    times: np.ndarray  # (n_origins,)
    block: np.ndarray  # (n_origins,)
    history: History  # without missing rows, with standardized known columns
    targets: np.ndarray  # (n_origins, outputs)
    n_fourier: int  # number of known columns of seasons

    @property
    def n_blocks(self):
        return int(self.block.max()) + 1 if len(self.block) else 0

    def left_out(self, block):
        """Return which origins are not trained on: their targets overlap those of the block."""
        times, near = self.times[self.block == block], self.targets.shape[1] - 1
        return (self.times >= times.min() - near) & (self.times <= times.max() + near)

    @property
    def trained_without(self):
        """Whether origins are left for training without each block, (n_blocks,)."""
        left = [not self.left_out(block).all() for block in range(self.n_blocks)]
        return np.array(left, dtype=bool)

    def inputs(self, scales, unit, chosen=slice(None)):
        """Return inputs and last values of chosen origins; see `make_inputs`."""
        history = History(*(part[chosen] for part in vars(self.history).values()))
        return make_inputs(scales, history, self.series[chosen], unit)


def fit_baseline(
    kind,
    values,
    known,
    *,
    outputs,
    seasons,
    window,
    means,
    deviations,
    stride=1,
    positions=None,
    exog=None,
    filled=None,
    carry=None,
    typical=None,
):
    """Fit a Baseline to standardized series, and return it with its HeldOut errors.

    `values` holds the rows of each series, NaN where missing. `known` holds calendar columns, which
    are read at the last row. `exog` holds columns that are read at the rows to forecast. Each is
    (n_rows, n_columns) for each series, or None. `kind` is "last", "seasonal", "drift", "ridge" (on
    `window` rows minus their mean) or "stacked". `means` and `deviations` standardized the series.
    Origins are `stride` rows apart. Blocks are cut in time: `positions` is the time of each first
    row; None: all series end at the same time. `filled` holds rows without gaps, filled up to the
    end of each gap. `carry(recent, series, n_known)` fills gaps that are open at origins, in place.
    None: a gap is filled from the season before. `typical` is the number of rows of a series that
    candidates are for, which are learned from all series; None: of the shortest.
    """
    lengths = np.array([len(rows) for rows in values])
    scales = fit_series_scales(values, np.asarray(means, float), np.asarray(deviations, float))
    with_known = known is not None or exog is not None
    candidates, cycles = _candidates(kind, seasons, window, lengths, typical, with_known)
    candidates = drop_longest(_in_units(scales, candidates), lengths, outputs)
    n_rows = max(candidate.n_rows for candidate in candidates)
    starts = lengths.max() - lengths if positions is None else np.asarray(positions)
    origins = series, n_known = choose_origins(lengths, n_rows, outputs, stride)
    fourier = season_columns(starts[series] + n_known, cycles)
    columns = np.hstack([fourier, known_columns(known, exog, *origins, outputs)])
    centers, spreads = _moments_of_columns(columns)
    columns = known_in_units(columns, centers, spreads)
    history = make_history(values, columns, *origins, n_rows, filled)
    if carry is not None:
        carry(history.recent, *origins)
    season = max((season for season in seasons if season <= n_rows), default=1)
    of_rows = [rows and targets_of(rows, *origins, outputs) for rows in (values, filled)]
    history, targets, kept = _complete(history, *of_rows, season)
    series, n_known = (part[kept] for part in origins)
    times = n_known + starts[series]
    block = cut_blocks(times, max(outputs, max(seasons, default=1) // 2, 2))
    sample = Sample(series, n_known, times, block, history, targets, fourier.shape[1])
    table, maps, shares, residuals = compare(scales, candidates, sample)
    weights = [row["weight"] for row in table]
    min_history = max(part.n_rows for part in compress(candidates, weights))
    baseline = Baseline(
        scales=scales,
        seasons=cycles,
        positions=starts,
        season=season,
        outputs=outputs,
        min_history=min_history,
        candidates=table,
        known_means=centers,
        known_deviations=spreads,
        maps=maps[:, n_rows - min_history :],
        shares=shares,
        reach=_reach_of_mean(scales, candidates, sample),
    )
    return baseline, HeldOut(series, n_known, block, residuals)


def _in_units(scales, candidates):
    """Return the candidates in units that the series have: some have no logarithms."""
    with_logs = len(scales.log_deviations) > 0
    return [candidate for candidate in candidates if with_logs or candidate.unit == "values"]


def _candidates(kind, seasons, window, lengths, typical, with_known):
    """Return the candidates, in both units, and the seasons of possible Fourier terms."""
    n_rows = int(lengths.min()) if typical is None else typical
    learned = n_rows if typical is None else max(typical_length(lengths), n_rows)
    cycles = known_seasons(kind, seasons, learned)
    n_series, has_cycles = len(lengths), len(cycles) > 0
    found = list_candidates(
        kind, seasons, window, n_rows, learned, n_series, with_known, has_cycles
    )
    return found, cycles


def targets_of(values, series, n_known, outputs):
    """Return the rows after each origin, (n_origins, outputs)."""
    targets = np.empty((len(series), outputs))
    for k, origins in by_series(series):
        targets[origins] = values[k][n_known[origins][:, np.newaxis] + np.arange(outputs)]
    return targets


def known_columns(known, exog, series, n_known, outputs):
    """Return the known columns of origins: calendar at the last row, then `exog` to forecast."""
    columns = [np.empty((len(series), 0))]
    for parts, rows in ((known, np.array([-1])), (exog, np.arange(outputs))):
        if parts is None:
            continue
        found = np.empty((len(series), len(rows), parts[0].shape[1]))
        for k, origins in by_series(series):
            found[origins] = parts[k][n_known[origins][:, np.newaxis] + rows]
        columns.append(found.reshape(len(series), -1))
    return np.hstack(columns)


def _moments_of_columns(columns):
    present = np.ma.masked_invalid(columns)
    deviations = present.std(axis=0).filled(0)
    return present.mean(axis=0).filled(0), np.where(deviations > 0, deviations, 1)


def _complete(history, targets, without_gaps, season):
    """Fill missing rows, and leave out origins with a missing target if enough others remain.

    Return the History, the targets and a mask of the origins that remain.
    """
    recent = fill_missing(history.recent, season, history.mean)
    kept = ~np.isnan(targets).any(axis=1)
    if kept.sum() < LEAST_COMPLETE * len(kept):
        both = np.hstack([recent, targets if without_gaps is None else without_gaps])
        targets = fill_missing(both, season, history.mean)[:, recent.shape[1] :]
        kept[:] = True
    history = replace(history, recent=recent)
    return History(*(part[kept] for part in vars(history).values())), targets[kept], kept


def compare(scales, candidates, sample):
    """Fit and weigh candidates.

    Return a table of the candidates, the maps and shares of those with a weight, and the held-out
    errors of their combination, (n_origins, outputs).
    """
    penalties, maps = fit_maps(scales, candidates, sample)
    products = np.empty((sample.n_blocks, len(candidates), len(candidates)))
    for block in range(sample.n_blocks):
        errors = held_out_errors(scales, candidates, maps, sample, block)
        errors = errors.reshape(len(candidates), -1)
        products[block] = errors @ errors.T / errors.shape[1]
    weights = weigh(candidates, products, sample.trained_without)
    chosen = np.flatnonzero(weights)
    combined = np.empty_like(sample.targets)
    for block in range(sample.n_blocks):
        parts = [candidates[i] for i in chosen], maps[chosen]
        errors = held_out_errors(scales, *parts, sample, block)
        combined[sample.block == block] = np.tensordot(weights[chosen], errors, axes=1)
    table = [
        candidate._asdict()
        | {"penalty": float(penalty), "errors": products[:, i, i].tolist(), "weight": float(weight)}
        for i, (candidate, penalty, weight) in enumerate(
            zip(candidates, penalties, weights, strict=True)
        )
    ]
    return table, maps[chosen, -1], weights[chosen, np.newaxis], combined


def _reach_of_mean(scales, candidates, sample):
    """Return the range of distances of the mean of all rows from recent ones, (n_units, 2)."""
    near = max((part.season for part in candidates if part.anchor == "mean"), default=0)
    if not near or not len(sample.series):
        return np.empty((0, 2))
    reach = np.zeros((len(UNITS), 2))
    for k, unit in enumerate(UNITS):
        if any(candidate.unit == unit for candidate in candidates):
            inputs, _ = sample.inputs(scales, unit)
            distance = distance_of_mean(inputs, sample.history.recent.shape[1], near)
            reach[k] = distance.min(), distance.max()
    return reach


def fit_maps(scales, candidates, sample):
    """Return the penalties of candidates, and their maps without each block and with all blocks."""
    history, outputs = sample.history, sample.targets.shape[1]
    layout = Layout(history.recent.shape[1], history.known.shape[1], outputs, sample.n_fourier)
    penalties, maps = [], []
    for unit in UNITS:
        chosen = [candidate for candidate in candidates if candidate.unit == unit]
        if not chosen:
            continue
        inputs, last = sample.inputs(scales, unit)
        targets = scales.to_unit(sample.targets, sample.series, unit) - last
        total, blocks = moments_of(inputs, targets), []
        for block in range(sample.n_blocks):
            left_out, held_out = (
                moments_of(inputs[rows], targets[rows])
                for rows in (sample.left_out(block), sample.block == block)
            )
            blocks.append((total.minus(left_out), held_out))
        found = fit_candidates(layout, chosen, total, blocks)
        penalties.append(found[0])
        maps.append(found[1])
    return np.concatenate(penalties), np.concatenate(maps)


def held_out_errors(scales, candidates, maps, sample, block):
    """Return truth minus forecasts in a block, (n_candidates, n_held_out, outputs)."""
    held_out = sample.block == block
    series, truth = sample.series[held_out], sample.targets[held_out]
    units = np.array([candidate.unit for candidate in candidates])
    errors = np.empty((len(candidates), *truth.shape))
    for unit in UNITS:
        chosen = units == unit
        if chosen.any():
            inputs, last = sample.inputs(scales, unit, held_out)
            changes = np.tensordot(inputs, maps[chosen, block], axes=(1, 1))  # (n, candidates, ...)
            values = scales.from_unit(last + np.moveaxis(changes, 1, 0), series, unit)
            errors[chosen] = truth - values
    return errors


def weigh(candidates, products, trained):
    """Return the weight of each candidate; those on the mean of all rows must earn their place.

    `products` holds the mean products of their errors in each block, (n_blocks, n_candidates,
    n_candidates). A block without which no ridge was `trained` does not count. If all blocks are
    such, only the anchors are weighed. Without a block they have equal weights.
    """
    allowed = np.ones(len(candidates), dtype=bool)
    if trained.any():
        products = products[trained]
    else:
        anchors = np.array([candidate.window == 0 for candidate in candidates])
        allowed = anchors if anchors.any() else ~anchors
    if not len(products):
        return allowed / allowed.sum()
    on_mean = allowed & [candidate.anchor == "mean" for candidate in candidates]
    allowed = allowed & (~on_mean | _earn_their_place(on_mean, allowed & ~on_mean, products))
    weights = np.zeros(len(candidates))
    weights[allowed] = combine(mean_products(products[:, allowed][:, :, allowed]))
    return weights


def _earn_their_place(on_mean, others, products):
    """Whether the best of some candidates clearly beats the best of others."""
    if not on_mean.any():
        return False
    errors = np.diagonal(products, axis1=1, axis2=2) / _block_sizes(products)[:, np.newaxis]
    best = [min(errors[:, part].T, key=lambda each: each.mean()) for part in (on_mean, others)]
    gain = best[1] - best[0]
    return gain.mean() > ADVANTAGE_OF_MEAN * gain.std() / np.sqrt(len(gain))


def mean_products(products):
    """Return the matrix that the weights minimize.

    A block is divided by the root of its median mean squared error, so that a single wild block
    does not decide the weights.
    """
    return (products / _block_sizes(products)[:, np.newaxis, np.newaxis]).mean(axis=0)


def _block_sizes(products):
    sizes = np.median(np.diagonal(products, axis1=1, axis2=2), axis=1)
    return np.sqrt(np.where(sizes > 0, sizes, 1))


def combine(products):
    """Return weights >= 0 with sum 1 that minimize w' E w, with E the matrix of mean products."""
    size = np.diag(products).mean() or 1.0
    factor = np.linalg.cholesky(products / size + SHRINKAGE * np.eye(len(products))).T
    # Any size of the last row gives the same weights, up to a factor.
    rows = np.vstack([factor, np.ones(len(products))])
    weights, _ = nnls(rows, np.append(np.zeros(len(products)), 1.0))
    return weights / weights.sum()
