"""Alarms: the calibration of a detector, and the last rows, which later scores read."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from skrnn._forecasting.alarm_scores import (
    RUN,
    Calibration,
    ascending,
    error_limit,
    fit_calibration,
    rows_unchanged,
    run_means,
    unlikeness,
)
from skrnn._forecasting.conformal import needed_windows
from skrnn._forecasting.error_units import sized_residuals
from skrnn._forecasting.exog import read_exog
from skrnn._forecasting.global_model import exact
from skrnn._forecasting.linear_model import by_series
from skrnn._forecasting.panel import Panel, all_times
from skrnn._forecasting.read_series import read_later_rows, rows_ahead
from skrnn._forecasting.scans import fit_growth, pinned_model, scan_rows, sized_errors
from skrnn._forecasting.target_transform import check_transformed
from skrnn._preprocessing.time_grid import index_after
from skrnn._preprocessing.time_index import first_few, in_kind, plain_index, time_index_of

ADVANTAGE_OF_RECENT = 0.005  # in `unlikeness`: a unit of recent rows also grows with outliers
FORMS = {
    "series": "one series",
    "wide": "a column for each series",
    "long": "a (series, time) MultiIndex",
    "long frame": "a (series, time) MultiIndex",
}


@dataclass(frozen=True, eq=False)
class Alarms:
    """The Calibration of a detector, with the last rows of each series in `fit` or `update`."""

    calibration: Calibration
    panel: Panel  # outliers are replaced by their forecasts
    raw: list  # the rows as they came, (n_rows,) of each series
    errors: list  # of their forecasts, (n_rows,) of each series; NaN where there is none

    def encode(self):
        """Return the fields, with the rows of all series joined."""
        joined = {"raw": np.concatenate(self.raw), "errors": np.concatenate(self.errors)}
        return vars(self) | joined

    @classmethod
    def decode(cls, calibration, panel, raw, errors):
        """Return the Alarms that `encode` was given."""
        rows = [slice(*pair) for pair in pairwise(np.append(0, np.cumsum(panel.lengths)))]
        parts = ([joined[part] for part in rows] for joined in (raw, errors))
        return cls(calibration, panel, *parts)

    def scores(self, forecaster, series, exog):
        """Return the scores of rows as a frame on their index, (n_rows, n_columns)."""
        data, later, places = self._read(forecaster, series)
        gaps = self._rows_between(later, places, forecaster._takes_gaps)
        found = [np.empty(0)] * len(later)
        for joins in (True, False):
            chosen = np.flatnonzero((gaps >= 0) == joins)
            if not len(chosen):
                continue
            parts = forecaster, later.take(chosen), places[chosen], exog
            scan = self._scan_joined(*parts, gaps[chosen]) if joins else self._scan_apart(*parts)
            most = rows_kept(forecaster._model, self.calibration.rows) - 1
            for n, raw, errors in zip(chosen, scan.raw, scan.errors, strict=True):
                scores = self.calibration.scores_of(errors, rows_unchanged(raw, most))
                found[n] = scores[-len(later.values[n]) :]
        if all(np.isnan(scores).all() for scores in found):
            _refuse_short(forecaster, self.panel, later)
        return _on_index(data, later, found)

    def updated(self, forecaster, series, exog):
        """Return the Alarms after rows that continue the known ones."""
        _, later, _ = self._read(forecaster, series)
        ahead = rows_ahead(self.panel, later, gaps=forecaster._takes_gaps)
        scan = self._scan_after(forecaster, np.arange(len(self.panel)), *ahead, exog)
        return _latest(self.calibration, scan, rows_kept(forecaster._model, self.calibration.rows))

    def _read(self, forecaster, series):
        """Return rows of the series in `fit`, as pandas and as a Panel, and their positions."""
        data = forecaster._with_times(series, "series")
        later = read_later_rows(data, self.panel, gaps=forecaster._takes_gaps)
        _check_columns(self.panel, later)
        check_transformed(forecaster._model.plan.level.transformer, later.values, later.times)
        places = {label: k for k, label in enumerate(self.panel.labels)}
        return data, later, np.array([places[label] for label in later.labels])

    def _rows_between(self, later, places, takes_gaps):
        """Return the number of missing rows before later ones, (n_series,); -1: too many."""
        found = np.empty(len(places), dtype=int)
        for n, k in enumerate(places):
            known = self.panel.times[k]
            ahead = index_after(known, self.panel.step, len(known) if takes_gaps else 1)
            found[n] = ahead.get_indexer(later.times[n][:1])[0]
        return found

    def _scan_joined(self, forecaster, later, places, exog, gaps):
        """Return the Scan of rows that continue the known ones."""
        values = [
            np.append(np.full(gap, np.nan), rows)
            for gap, rows in zip(gaps, later.values, strict=True)
        ]
        times = self.panel.take(places).future_times(max(map(len, values)))
        times = [rows[: len(part)] for rows, part in zip(times, values, strict=True)]
        return self._scan_after(forecaster, places, times, values, exog)

    def _scan_apart(self, forecaster, later, places, exog):
        """Return the Scan of rows that do not continue the known ones."""
        panel = replace(later, exog=_read_exog(forecaster, later, later.times, exog))
        return _scan_apart(forecaster, panel, places, self.calibration)

    def _scan_after(self, forecaster, places, times, values, exog):
        """Return the Scan of the known rows of some series, and of those after them."""
        known = self.panel.take(places)
        panel = known.extended(times, values, _read_exog(forecaster, known, times, exog))
        raw = [np.append(self.raw[k], rows) for k, rows in zip(places, values, strict=True)]
        errors = [
            np.append(self.errors[k], np.full(len(rows), np.nan))
            for k, rows in zip(places, values, strict=True)
        ]
        usual = self.calibration
        model = pinned_model(forecaster._model, forecaster._panel, panel, places, *usual.unit)
        return scan_rows(model, panel, raw, errors, known.lengths, usual.growth, usual.limit)


def fit_alarms(forecaster, series, exog, contamination):
    """Fit a forecaster, and return the Alarms learned from its held-out errors."""
    forecaster._validate_params()
    if forecaster.steps != 1:
        raise ValueError(
            f"`forecaster` must have `steps` of 1, got {forecaster.steps}. Each row is compared "
            "with its forecast from the row before: set `forecaster__steps=1`."
        )
    held_out = []
    forecaster._fit(series, exog, held_out)
    model, panel = forecaster._model, forecaster._panel
    pinned, errors = _with_sizes(model, panel, held_out)
    table = _rows_of_table(panel) if panel.form == "wide" else None
    _check_enough(errors, table, contamination)
    limits = fit_growth(pinned, panel), error_limit(ascending(errors))
    scan = _scan_held_out(pinned, panel, held_out, *limits)
    most = rows_kept(model, pinned.residuals.rows)
    stays = [rows_unchanged(rows, most - 1) for rows in panel.values]
    of_model = limits[0], pinned.residuals.sizes, pinned.residuals.rows
    calibration = fit_calibration(_usual(errors, scan.errors), stays, table, *of_model)
    return _latest(calibration, scan, most)


def rows_kept(model, rows_of_unit):
    """Return the number of last rows of a series that the score of the next one reads, at most."""
    of_fill = 0 if model.plan.fill is None else 2 * model.plan.fill_season
    return max(model.min_history, model.plan.timesteps, rows_of_unit, RUN) + of_fill


def _with_sizes(model, panel, held_out):
    """Return the pinned model of the rows in `fit`, and held-out errors of these, (n_rows,) each.

    Their unit is that of all rows, or the forecaster's if errors are more alike in it, times the
    size of errors of their series. NaN where there is none.
    """
    every, sizes = np.arange(len(panel)), np.ones((len(panel), 1))
    errors = [np.full(n_rows, np.nan) for n_rows in panel.lengths]
    pinned = pinned_model(model, panel, panel, every, sizes, 0)
    if not held_out:
        return pinned, errors
    whole = held_out[1] >= model.min_history
    series, n_known, truth, forecast = (part[whole] for part in held_out)
    parts = panel, series, n_known, truth, forecast
    found = sized_errors(pinned, *parts)
    if model.residuals.rows:
        recent = pinned_model(model, panel, panel, every, sizes, model.residuals.rows)
        of_recent = sized_errors(recent, *parts)
        if unlikeness(of_recent) < unlikeness(found) - ADVANTAGE_OF_RECENT:
            pinned, found = recent, of_recent
    residuals = replace(pinned.residuals, errors=found, series=series)
    residuals = sized_residuals(residuals)
    for k, origins in by_series(series):
        errors[k][n_known[origins]] = residuals.errors[origins, 0]
    return replace(pinned, residuals=residuals), errors


def _rows_of_table(panel):
    """Return the rows of a wide frame that each series has."""
    union = all_times(panel.times)
    return [union.get_indexer(times) for times in panel.times]


def _check_enough(errors, table, contamination):
    """Refuse a contamination that is less than one held-out row."""
    needed = needed_windows(1 - exact(contamination))
    rows = [np.flatnonzero(~np.isnan(part)) for part in errors]
    got = sum(map(len, rows))
    if table is not None:
        pairs = zip(table, rows, strict=True)
        got = len(np.unique(np.concatenate([places[part] for places, part in pairs])))
    if got < needed:
        raise ValueError(
            f"`contamination={contamination:g}` needs at least {needed} held-out rows, got {got}. "
            "Pass more rows, raise it, or set the `calibration` of the forecaster to a number of "
            "windows: some settings hold out no rows without it."
        )


def _scan_held_out(model, panel, held_out, growth, limit):
    """Return the Scan of the rows in `fit`, with held-out forecasts where they exist.

    Outliers are replaced as in later rows. The held-out forecasts after them move by as much as
    those of the model.
    """
    moved = [np.zeros(n_rows) for n_rows in panel.lengths]
    whole = held_out[1] >= model.min_history
    series, n_known, _, forecast = (part[whole] for part in held_out)
    shift = forecast[:, 0] - model.forecast(panel, series, n_known, 1)[:, 0]
    for k, origins in by_series(series):
        moved[k][n_known[origins]] = shift[origins]
    errors = [np.full(n_rows, np.nan) for n_rows in panel.lengths]
    first = np.zeros(len(panel), dtype=int)
    return scan_rows(model, panel, panel.values, errors, first, growth, limit, moved)


def _usual(held_out, scanned):
    """Return the scanned errors of held-out rows, or of all rows if held-out ones leave no runs."""
    n_rows = sum((~np.isnan(rows)).sum() for rows in held_out)
    n_runs = sum((~np.isnan(run_means(rows, np.inf))).sum() for rows in held_out)
    if n_runs < n_rows / 2:
        return scanned
    pairs = zip(held_out, scanned, strict=True)
    return [np.where(np.isnan(rows), np.nan, errors) for rows, errors in pairs]


def _scan_apart(forecaster, panel, places, usual):
    """Return the Scan of a Panel that continues no known rows, given a Calibration."""
    model = pinned_model(forecaster._model, forecaster._panel, panel, places, *usual.unit)
    errors = [np.full(n_rows, np.nan) for n_rows in panel.lengths]
    first = np.zeros(len(panel), dtype=int)
    return scan_rows(model, panel, panel.values, errors, first, usual.growth, usual.limit)


def _latest(calibration, scan, n_rows):
    """Return the Alarms of the last rows of a Scan."""
    first = np.maximum(scan.panel.lengths - n_rows, 0)
    raw, errors = (
        [rows[start:] for rows, start in zip(parts, first, strict=True)]
        for parts in (scan.raw, scan.errors)
    )
    return Alarms(calibration, scan.panel.skip(first), raw, errors)


def _read_exog(forecaster, panel, times, exog):
    """Return the rows of `exog` at times of each series in a Panel."""
    exog = forecaster._with_times(exog, "exog")
    of_fit = forecaster._panel
    return read_exog(
        exog,
        of_fit.exog_names,
        panel.labels,
        times,
        categories=of_fit.exog_categories,
        gaps=forecaster._takes_gaps,
    )


def _check_columns(panel, later):
    """Refuse rows in another form, or without a column that is scored together with the others."""
    if (later.form == "wide") != (panel.form == "wide"):
        raise ValueError(
            f"`series` must be in the form that `fit` saw, {FORMS[panel.form]}, got "
            f"{FORMS[later.form]}. Reshape it, or fit again."
        )
    there = {*later.labels, *later.empty}
    missing = [label for label in panel.labels if label not in there]
    if panel.form == "wide" and missing:
        raise ValueError(
            f"`series` must have the columns that `fit` saw, got none of {first_few(missing)}. "
            "Add them: the score of a row reads all columns."
        )


def _refuse_short(forecaster, panel, later):
    least, last = forecaster._model.min_history, panel.times[0][-1]
    raise ValueError(
        f"`series` must hold a row with {least} rows before it, or continue the known ones, which "
        f"end at {last}, got {later.lengths.max()} from {later.times[0][0]} on. Pass the rows "
        "before them too, or call `update` with these first."
    )


def _on_index(data, later, scores):
    """Return the scores of the series of a Panel as a frame on the index of `data`."""
    index = time_index_of(plain_index(data.index, "series"))
    times = in_kind(index, later.times[0].dtype).times
    if later.form == "wide":
        columns = {label: k for k, label in enumerate(data.columns)}
        table = np.full((len(data), len(columns)), np.nan)
        for label, rows, found in zip(later.labels, later.times, scores, strict=True):
            _place(table[:, columns[label]], times, rows, found)
        return pd.DataFrame(table, index=data.index, columns=data.columns)
    table = np.full(len(data), np.nan)
    places = {label: k for k, label in enumerate(later.labels)}
    for label, (start, stop) in zip(index.labels, pairwise(index.bounds), strict=True):
        k = 0 if later.form == "series" else places.get(label)
        if k is not None:
            _place(table[start:stop], times[start:stop], later.times[k], scores[k])
    name = data.name if data.ndim == 1 else data.columns[0]
    return pd.DataFrame(table, index=data.index, columns=[name])


def _place(column, times, rows, scores):
    """Write scores at the times `rows` into a column, in place; other rows keep theirs."""
    positions = rows.get_indexer(times)
    there = positions >= 0
    column[there] = scores[positions[there]]
