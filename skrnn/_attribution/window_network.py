"""A network of a forecaster and its gradient, with respect to the rows in its windows.

Letters in shapes: p points, T timesteps, F features of a window, H steps, R rows that a forecast
reads.
"""

import numpy as np

from skrnn._attribution.plain_network import plain_network, points_at_once
from skrnn._engines import differentiating_engine
from skrnn._estimators.regressor import RNNRegressor
from skrnn._forecasting.target_transform import LEAST_SPREAD
from skrnn._forecasting.windows import scale_windows
from skrnn._network.quantiles import MEDIAN


class WindowNetwork:
    """A fitted RNNRegressor as a function of windows before scaling."""

    def __init__(self, regressor, spec):
        _check(regressor)
        self.network, self.scale = regressor._network, spec.scale
        architecture, weights, _ = plain_network(regressor)
        self.gradients = differentiating_engine(architecture).output_gradients(
            architecture, weights
        )
        self.at_once = points_at_once(architecture, spec.timesteps)

    def __call__(self, windows, of_outputs):
        """Return a weighted sum of the outputs (p,), and its gradient, for windows (p, T, F).

        `of_outputs` (H,) holds the weights. Levels are not added to the outputs.
        """
        network, X = self.network, windows.copy()
        _, spreads = scale_windows(X, self.scale)
        scaling, quantiles = network.scaling, network.architecture.quantiles
        y_mean, y_scale = (
            otherwise if part is None else np.ravel(part)
            for part, otherwise in ((scaling.y_mean, 0.0), (scaling.y_scale, 1.0))
        )
        n_quantiles = len(quantiles) or 1
        directions = np.zeros((len(of_outputs), n_quantiles))
        directions[:, quantiles.index(MEDIAN) if quantiles else 0] = of_outputs * y_scale
        block = scaling.standardize_x(X)
        flags = np.zeros((*block.shape[:2], len(network.architecture.flagged)))
        values, gradient = self.gradients(
            np.concatenate([block, flags], axis=2),
            np.repeat(directions.reshape(1, -1), len(X), axis=0),
        )
        values = values + (of_outputs * y_mean).sum()
        gradient = gradient[:, :, : X.shape[2]]
        if scaling.x_scale is not None:
            gradient = gradient / scaling.x_scale
        gradient = gradient * spreads[:, :, np.newaxis]
        gradient[:, :, 0] = self._unscaled(X[:, :, 0], spreads, values, gradient[:, :, 0])
        return values * spreads[:, 0], gradient

    def _unscaled(self, x, spreads, values, grad):
        """Return the gradient of values before scaling, (p, T), given the gradient after it."""
        if self.scale is None:
            return grad
        centered = grad - grad.mean(axis=1, keepdims=True)
        if self.scale == "level":
            return centered
        of_spread = np.where(spreads > LEAST_SPREAD, x / x.shape[1], 0)  # d spread / d value
        of_unit = values[:, np.newaxis] - (grad * x).sum(axis=1, keepdims=True) / spreads
        return centered / spreads + of_spread * of_unit


def _check(regressor):
    """Refuse a regressor with an unknown gradient."""
    if not isinstance(regressor, RNNRegressor) or regressor._network.static_columns:
        kind = type(regressor).__name__
        raise ValueError(
            "`estimator` must have an RNNRegressor without `static_features` as its `regressor`, "
            f"got {kind}. Its forecast without the network can be explained: fit with "
            "`network_weight=0`."
        )
