"""Rolling: forecasts of many steps from many origins at once, block after block."""

import numpy as np

from skrnn._buffer import leveled, masked
from skrnn._level import last_values

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
    rows = buffer.bounds[series] + stops
    # Beyond the last step the columns known in the future stand still.
    last = np.minimum(rows + n_steps, buffer.bounds[series + 1]) - 1
    seen = np.minimum(rows[:, np.newaxis] + np.arange(-T, n_blocks * H), last[:, np.newaxis])
    own, exog = buffer.own[seen], buffer.exog[seen]  # (n_origins, T + n_blocks * H, ...)
    path = np.empty(seen.shape)
    path[:, :T] = buffer.values[seen[:, :T]]
    for start in range(0, n_blocks * H, H):
        now, later = slice(start, start + T), slice(start + H, start + H + T)
        columns = [path[:, now, np.newaxis], own[:, now], exog[:, now], exog[:, later]]
        X = masked(np.concatenate(columns, axis=2).astype(plan.dtype))
        levels, spreads = leveled(X) if plan.by_window else (0.0, 1.0)
        ahead = np.asarray(regressor.predict(X), dtype=np.float64).reshape(len(X), H)
        path[:, start + T : start + T + H] = ahead * spreads + levels
    return path[:, T : T + n_steps]
