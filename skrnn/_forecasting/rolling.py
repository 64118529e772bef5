"""Rolling forecasts from any origins, as many steps at a time as a model has outputs."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from skrnn._estimators.regressor import unchecked_predict
from skrnn._forecasting.linear_model import make_history
from skrnn._forecasting.networks import predict_windows
from skrnn._forecasting.windows import (
    carry_open_gaps,
    known_columns,
    linear_columns,
    make_buffer,
    scale_windows,
    values_before,
    window_columns,
)

ORIGINS_AT_ONCE = 8192


def rolling_forecasts(model, panel, series, n_known, n_steps, *, parts=False, quantile=None):
    """Return forecasts in the unit of the series, (n_origins, n_steps); outputs are fed back.

    The result is a dict with "forecast"; `parts` adds the cumulative parts that `Chunks` returns.
    `series` and `n_known` are the series of each forecast and its number of known rows. Later rows
    of the panel are not read, except for their `exog` and their times. With `quantile` the networks
    forecast this quantile.
    """
    buffer = make_buffer(model.plan, panel)
    outputs = {}
    for start in range(0, len(series), ORIGINS_AT_ONCE):
        part = slice(start, start + ORIGINS_AT_ONCE)
        chunks = Chunks(model, buffer, series[part], n_known[part], parts, quantile)
        for name, rows in _rolled(chunks, n_steps).items():
            outputs.setdefault(name, np.empty((len(series), n_steps)))[part] = rows
    level = model.plan.level
    before = values_before(model.plan, panel.values, series, n_known)
    return {name: level.inverse_transform(rows, before, series) for name, rows in outputs.items()}


def _rolled(chunks, n_steps):
    """Return transformed forecasts, (n_origins, n_steps), by name."""
    spec, buffer, series = chunks.model.plan, chunks.buffer, chunks.series
    T, H = spec.timesteps, spec.outputs
    n_rows = T + -(-n_steps // H) * H
    # Rows of the buffer, (n_origins, n_rows). After a series' last row `known` stays constant.
    rows = (buffer.bounds[series] + chunks.n_known)[:, np.newaxis] + np.arange(-T, n_rows - T)
    ends = buffer.bounds[np.stack([series, series + 1])][..., np.newaxis]
    rows = np.clip(rows, ends[0], ends[1] - 1)
    path = np.zeros(rows.shape)
    path[:, :T] = buffer.filled[rows[:, :T]]
    carry_open_gaps(spec, buffer, path[:, :T], series, chunks.n_known)
    known = known_columns(spec, buffer, series[:, np.newaxis], rows, chunks.last[:, np.newaxis])
    ages = buffer.ages[rows]
    ages[:, T:] = 0  # forecast rows count as known
    columns = window_columns(spec, path, known, ages)
    missing = np.isnan(columns[:, :, 0])
    found = []
    for start in range(0, n_rows - T, H):
        ahead = slice(start + T, start + T + H)
        found.append(
            chunks.forecast(columns[:, start : start + T], rows[:, ahead.start - 1 : ahead.stop])
        )
        columns[:, ahead, 0] = np.where(missing[:, ahead], np.nan, found[-1]["forecast"])
    return {
        name: np.concatenate([parts[name] for parts in found], axis=1)[:, :n_steps]
        for name in found[0]
    }


class Chunks:
    """Forecasts of `outputs` steps at a time, each from where the one before ends."""

    def __init__(self, model, buffer, series, n_known, parts, quantile=None):
        self.model, self.buffer, self.parts = model, buffer, parts
        self.series, self.n_known = series, n_known
        self.last = buffer.bounds[series] + n_known - 1
        self.predicts = [regressor.predict for regressor in model.regressors]
        if quantile is not None:
            self.predicts = [partial(predict, quantiles=[quantile]) for predict in self.predicts]
        self.history = None
        if model.baseline is not None:
            bounds = buffer.bounds
            values, filled = (
                [rows[slice(*pair)] for pair in pairwise(bounds)]
                for rows in (buffer.values, buffer.filled)
            )
            n_rows = model.baseline.min_history
            self.history = make_history(values, None, series, n_known, n_rows, filled)
            carry_open_gaps(model.plan, buffer, self.history.recent, series, n_known)

    def forecast(self, windows, rows):
        """Return the next forecasts, (n_origins, outputs), by name.

        `windows` hold the rows before them, not yet scaled. `rows` are the positions in the buffer
        of the last of these and of the rows to forecast. With `parts`, "anchor" is the forecast of
        the anchors, and "linear" that of anchors and ridges.
        """
        network = self._networks(windows)
        if self.history is None:
            total = network
            return {"forecast": total}
        known = linear_columns(self.buffer, self.series, rows, self.last)
        history = replace(self.history, known=known)
        baseline, found = self.model.baseline, {}
        linear = baseline.forecast(history, self.series)
        if self.parts:
            found = {"anchor": baseline.parts(history, self.series)["anchor"], "linear": linear}
        total = linear + network
        self.history = _extended(history, total)
        return found | {"forecast": total}

    def _networks(self, windows):
        """Return the sum of the networks' outputs, each times its share."""
        model = self.model
        if not model.regressors:
            return 0.0
        X, scale = windows.copy(), model.plan.scale
        levels, spreads = scale_windows(X, scale)
        outputs = [predict_windows(predict, X, model.plan.outputs) for predict in self.predicts]
        total = sum(share * rows for share, rows in zip(model.shares, outputs, strict=True))
        total = total * spreads + (levels if model.baseline is None else 0.0)
        # Later windows differ only in these values: if they are finite, X needs no check.
        finite = np.isfinite(total).all()
        self.predicts = [
            unchecked_predict(regressor) if finite else regressor.predict
            for regressor in model.regressors
        ]
        return total


def _extended(history, ahead):
    """Return the History of origins after forecast rows `ahead`, (n_origins, n_rows)."""
    n_known = history.n_known + ahead.shape[1]
    return replace(
        history,
        recent=np.hstack([history.recent, ahead])[:, ahead.shape[1] :],
        mean=(history.mean * history.n_known + ahead.sum(axis=1)) / n_known,
        n_known=n_known,
        position=history.position + ahead.shape[1],
    )
