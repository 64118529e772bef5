"""Rolling: forecasts of many steps from many origins at once, block after block."""

import numpy as np

from skrnn._forecasting.target_transform import last_values
from skrnn._forecasting.windows import leveled, masked

ORIGINS_AT_ONCE = 8192


def forecasts(plan, regressor, buffer, panel, series, stops, n_steps):
    """Return forecasts in the unit of the series.

    What follows an origin in `panel` is not looked at, but for its `exog` and its times.

    Parameters
    ----------
    plan : Plan
    regressor : fitted regressor
    buffer : Buffer
        Of the panel; it holds the rows of `exog` that follow the last origin.
    panel : Panel
    series, stops : ndarray of int of shape (n_origins,)
        The series of each forecast, and how many of its rows are known.
    n_steps : int

    Returns
    -------
    ndarray of shape (n_origins, n_steps)
    """
    outputs = np.empty((len(series), n_steps))
    for start in range(0, len(series), ORIGINS_AT_ONCE):
        part = slice(start, start + ORIGINS_AT_ONCE)
        outputs[part] = _rolled(plan, regressor, buffer, series[part], stops[part], n_steps)
    lag = plan.level.lag
    before = [
        last_values(panel.values[k], stop, lag) for k, stop in zip(series, stops, strict=True)
    ]
    return plan.level.backward(outputs, np.reshape(before, (len(series), lag)), series)


def _rolled(plan, regressor, buffer, series, stops, n_steps):
    """Return what the network forecasts, its outputs fed back until there are `n_steps`."""
    T, H = plan.timesteps, plan.outputs
    n_blocks = -(-n_steps // H)
    path = np.empty((len(series), T + n_blocks * H))
    features, gone = _features(plan, buffer, series, stops, path)
    quick = getattr(regressor, "_predict_alike", regressor.predict)
    predict = regressor.predict
    for start in range(0, n_blocks * H, H):
        X = features[:, start : start + T].copy()
        levels, spreads = leveled(X) if plan.by_window else (0.0, 1.0)
        ahead = np.asarray(predict(X), dtype=np.float64).reshape(len(X), H) * spreads + levels
        part = slice(start + T, start + T + H)
        path[:, part] = ahead
        features[:, part, 0] = np.where(gone[:, part], np.nan, ahead)
        # What comes next differs in a few values: only what is not finite is looked at again.
        predict = quick if np.isfinite(ahead).all() else regressor.predict
    return path[:, T : T + n_steps]


def _features(plan, buffer, series, stops, path):
    """Return what windows hold of every row, and which rows are missing in `exog`.

    The known values go into `path`, (n_origins, n_rows); those to be forecast are zero as yet.
    """
    T, H = plan.timesteps, plan.outputs
    rows = buffer.bounds[series] + stops
    steps = np.arange(-T, path.shape[1] - T)
    # Beyond the last row the columns known in the future stand still.
    last = buffer.bounds[series + 1] - 1
    seen = np.minimum(rows[:, np.newaxis] + steps, last[:, np.newaxis])
    path[:, :T] = buffer.values[seen[:, :T]]
    path[:, T:] = 0.0
    exog = buffer.exog[seen]  # (n_origins, n_rows, n_exog)
    later = exog[:, np.minimum(np.arange(path.shape[1]) + H, path.shape[1] - 1)]
    columns = [path[:, :, np.newaxis], buffer.own[seen], exog, later]
    features = masked(np.concatenate(columns, axis=2).astype(plan.dtype))
    return features, np.isnan(features[:, :, 0])
