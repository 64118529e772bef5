"""ForecastStep: the forecast of a step as a function of the rows it reads, with its gradient.

Letters in shapes: p points, R rows that a forecast reads, H steps forecast at once, T rows of a
network's window, W rows of those R that remain after differences are taken.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np

from skrnn._attribution.linear_gradient import linear_gradient
from skrnn._forecasting.linear_model import (
    History,
    known_in_units,
    make_history,
    season_columns,
)
from skrnn._forecasting.target_transform import differenced, integrated
from skrnn._forecasting.windows import known_columns, linear_columns, window_columns


class ForecastStep:
    """The forecast of a step of one series, as a function of the rows that it reads.

    `panel` extends H rows beyond the `n_known` known rows of the series `k`. Calendar and static
    features are constants. So are the rows before the R rows, which only count in a mean.
    """

    def __init__(self, model, panel, buffer, k, n_known, step, networks):
        self.model, self.spec, self.buffer = model, model.plan, buffer
        self.panel, self.k, self.n_known = panel, k, n_known
        self.n_rows, self.steps = model.min_history, self.spec.outputs
        level = self.spec.level
        self.mean, self.deviation = level.means[k], level.deviations[k]
        n_before = level.n_before
        ahead = integrated(np.zeros((self.steps, n_before)), np.eye(self.steps), level.lags)
        self.of_outputs = ahead[:, step] * self.deviation  # (H,)
        before = integrated(np.eye(n_before), np.zeros((n_before, self.steps)), level.lags)
        self.of_before = before[:, step]  # (n_before,)
        self.constant = ahead[:, step].sum() * self.mean
        self.to_changes = differenced(np.eye(self.n_rows), level.lags)[:, n_before:]  # (R, W)
        self.networks = networks
        self._read_linear()

    def _read_linear(self):
        """Read the inputs of the linear forecasts from all rows before the origin."""
        baseline, buffer, k, n_known = self.model.baseline, self.buffer, self.k, self.n_known
        if baseline is None:
            return
        first, origin = buffer.bounds[k], np.array([n_known])
        rows = [buffer.values[first : buffer.bounds[k + 1]]]
        self.n_values = np.count_nonzero(~np.isnan(rows[0][:n_known]))  # of the mean
        last = first + n_known - 1
        ahead = last + np.arange(self.steps + 1)[np.newaxis]
        known = linear_columns(buffer, np.array([k]), ahead, np.array([last]))
        self.history = make_history(rows, known, [0], origin, baseline.min_history)

    @cached_property
    def known_rows(self):
        """The value and `exog` of the rows, (R + H, 1 + n_exog), NaN where they are not read."""
        panel, k, n_known = self.panel, self.k, self.n_known
        past = slice(n_known - self.n_rows, n_known)
        rows = np.full((self.n_rows + self.steps, 1 + panel.exog[k].shape[1]), np.nan)
        rows[: self.n_rows, 0] = panel.values[k][past]
        rows[:, 1:] = panel.exog[k][past.start : n_known + self.steps]
        rows[self.n_rows :, 1:][:, panel.is_past] = np.nan
        return rows

    def __call__(self, x, lines):
        """Return forecasts (p,) and their gradients, at rows (p, R + H, 1 + n_exog)."""
        values, gradient = x[:, : self.n_rows, 0], np.zeros_like(x)
        changes = (values @ self.to_changes - self.mean) / self.deviation  # (p, W)
        n_before, of_changes = self.spec.level.n_before, np.zeros_like(changes)
        total = self.constant + values[:, self.n_rows - n_before :] @ self.of_before
        gradient[:, self.n_rows - n_before : self.n_rows, 0] += self.of_before
        if self.model.baseline is not None:
            total = total + self._linear(changes, x, of_changes, gradient)
        if self.networks:
            total = total + self._networks(changes, x, of_changes, gradient)
        gradient[:, : self.n_rows, 0] += of_changes @ self.to_changes.T / self.deviation
        return total, gradient

    def _linear(self, changes, x, of_changes, gradient):
        """Return the part of the linear forecasts, and add its gradients."""
        baseline, n_points = self.model.baseline, len(changes)
        series, n = np.full(n_points, self.k), baseline.min_history
        history = self._history_of(changes, x)
        forecast = baseline.forecast(history, series)
        turns = season_columns(baseline.positions[series] + history.position, baseline.seasons)
        known = np.hstack([turns, history.known])
        known = known_in_units(known, baseline.known_means, baseline.known_deviations)
        in_units = replace(history, known=known)
        rows, mean, first, of_known = linear_gradient(baseline, in_units, series, self.of_outputs)
        of_changes[:, -n:] += rows
        of_changes += (mean / self.n_values)[:, np.newaxis]
        if history.n_known[0] == changes.shape[1]:  # the first row of the series is among them
            of_changes[:, 0] += first
        of_known = (of_known / baseline.known_deviations)[:, turns.shape[1] :]
        self._add_known(of_known, gradient)
        return forecast @ self.of_outputs

    def _history_of(self, changes, x):
        """Return the History at points: rows of the window change, earlier rows are constant."""
        history, n_points = self.history, len(changes)
        n_past, n_exog = self.panel.is_past.sum(), x.shape[2] - 1
        mean = history.mean + (changes - self.known_changes).sum(axis=1) / self.n_values
        within = history.n_known[0] == changes.shape[1]
        known = np.repeat(history.known, n_points, axis=0)
        n_ahead = self.steps * (n_exog - n_past)
        start = known.shape[1] - n_ahead - n_past
        known[:, start : start + n_past] = x[:, self.n_rows - 1, 1:][:, self.panel.is_past]
        ahead = x[:, self.n_rows :, 1:][:, :, ~self.panel.is_past]
        known[:, start + n_past :] = ahead.reshape(n_points, -1)
        return History(
            recent=changes[:, -self.model.baseline.min_history :],
            mean=mean,
            first=changes[:, 0] if within else np.repeat(history.first, n_points),
            n_known=np.repeat(history.n_known, n_points),
            position=np.repeat(history.position, n_points),
            known=known,
        )

    @cached_property
    def known_changes(self):
        rows = self.known_rows[: self.n_rows, 0]
        return (rows @ self.to_changes - self.mean) / self.deviation

    def _add_known(self, of_known, gradient):
        """Add the gradient of known columns (p, n_columns) to that of the rows of `exog`."""
        is_past, n_rows = self.panel.is_past, self.n_rows
        n_past, n_ahead = is_past.sum(), self.steps * (~is_past).sum()
        start = of_known.shape[1] - n_ahead - n_past
        places = 1 + np.flatnonzero(is_past), 1 + np.flatnonzero(~is_past)
        gradient[:, n_rows - 1, places[0]] += of_known[:, start : start + n_past]
        ahead = of_known[:, start + n_past :].reshape(len(of_known), self.steps, -1)
        gradient[:, n_rows:, places[1]] += ahead

    @cached_property
    def window(self):
        """The network's window of the known rows, not yet scaled, (T, F)."""
        spec, buffer, k = replace(self.spec, dtype=np.float64), self.buffer, self.k
        stop = buffer.bounds[k] + self.n_known
        rows = np.arange(stop - spec.timesteps, stop)[np.newaxis]
        known = known_columns(spec, buffer, np.array([[k]]), rows, np.array([[stop - 1]]))
        return window_columns(spec, buffer.filled[rows], known, buffer.ages[rows])[0]

    def _networks(self, changes, x, of_changes, gradient):
        """Return the part of the networks, and add its gradients."""
        T, total = self.spec.timesteps, 0.0
        windows = np.repeat(self.window[np.newaxis], len(x), axis=0)
        windows[:, :, 0] = changes[:, -T:]
        for columns, rows, places in self._exog_of_window():
            windows[:, :, columns] = x[:, rows, places]
        for share, network in zip(self.model.shares, self.networks, strict=True):
            values, of_window = network(windows, share * self.of_outputs)
            total = total + values
            of_changes[:, -T:] += of_window[:, :, 0]
            for columns, rows, places in self._exog_of_window():
                gradient[:, rows, places] += of_window[:, :, columns]
        if self.model.baseline is None and self.spec.scale is not None:  # levels are added
            of_levels = self.of_outputs.sum()
            total = total + of_levels * changes[:, -T:].mean(axis=1)
            of_changes[:, -T:] += of_levels / T
        return total

    def _exog_of_window(self):
        """Yield the columns of `exog` in a window, with their rows and columns in x."""
        is_past, first = self.panel.is_past, self.n_rows - self.spec.timesteps
        start = 1 + self.buffer.calendar.shape[1] + self.spec.static.shape[1]
        future, past = 1 + np.flatnonzero(~is_past), 1 + np.flatnonzero(is_past)
        for shift, places in ((0, future), (0, past), (self.steps, future)):
            columns = slice(start, start + len(places))
            yield columns, slice(first + shift, self.n_rows + shift), places
            start = columns.stop
