"""integrated_gradients: how much each value of X adds to an output of a network."""

from __future__ import annotations

import warnings
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrnn._attribution.forecasts import attribute_forecasts
from skrnn._attribution.inputs import Inputs
from skrnn._attribution.outputs import Outputs, directions, read_target
from skrnn._attribution.path_integral import TOLERANCE, path_integrals
from skrnn._attribution.plain_network import points_at_once
from skrnn._engines import differentiating_engine
from skrnn._estimators.base import BaseRNN
from skrnn._forecasting.forecaster import RNNForecaster

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from skrnn._types import AnyFrame, Array, ArrayLike


def integrated_gradients(
    estimator: Any,
    X: ArrayLike | AnyFrame | None = None,
    baseline: ArrayLike | None = None,
    target: Hashable | None = None,
    *,
    exog: AnyFrame | None = None,
) -> Array | Any:
    """Return how much each value of X adds to an output, compared with a baseline.

    These are integrated gradients [1]_: for a prediction f, a sample x and a baseline x', the
    attribution of value i is

    .. math:: (x_i - x'_i) \\int_0^1 \\frac{\\partial f(x' + a (x - x'))}{\\partial x_i} \\, da

    Those of a sample add up to f(x) - f(x') (completeness), and a value that f does not depend on
    has exactly 0 (sensitivity). They explain the network, not the world: for how much the score
    depends on each value over all samples see :func:`timestep_importance`.

    Parameters
    ----------
    estimator : RNNRegressor, RNNClassifier or RNNForecaster
        Fitted, with any engine. Of a pipeline pass the last step, and X as the steps before make
        it.
    X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
        Samples, as `predict` takes them. The cost is that of about twenty training steps on each;
        more where the output changes abruptly. For a forecaster: the rows of series, as the
        `series` of `predict`; None: those in `fit`.
    baseline : array-like like one sample or like X, default=None
        What the samples are compared with. None: the mean of each feature in `fit`, or zeros where
        `standardize` does not standardize X. For token ids None is the mean of all vectors of the
        Embedding but that of `mask_value`, which is never read; a text of neutral words can be a
        better baseline. It must have the timesteps that X has. For a forecaster None is the mean of
        each series, and of its `exog`; others are a DataFrame like the result.
    target : int, label or tuple, default=None
        Which output is explained. Of a regressor with several: the position in y, a tuple for a y
        of two axes. Of a classifier: a label of `classes_`, or a column for multilabel targets;
        None: the predicted one of each sample. After a fit with `return_sequences` the timestep
        comes first, such as ``(-1, "rain")``; negative ones count from the end of each sample. Of a
        forecaster: a step, 1 for the first, which is the default, among those that are forecast at
        once; or a tuple of the step and the name of a series.
    exog : Series or DataFrame, default=None
        Of a forecaster only: as in `predict`.

    Returns
    -------
    ndarray of the shape of X, list of ndarray, or DataFrame
        In the units of y; of a classifier in probability, as in Captum and Alibi on a network with
        a softmax. One number for each token id, the sum over its vector. Timesteps that are absent
        have 0. A missing value (``missing="flag"``) has the part of its flag. A column in
        `static_features` has its attribution in equal parts at the timesteps that are present.
        With ``loss="quantile"`` they explain the median, as `predict` returns it.

        Of a forecaster: a DataFrame of the rows that a forecast reads, and with `exog` of those to
        come, with a column for the values (its name or "value") and one for each of `exog`; NaN
        where there is nothing to read. For several series their name is the first level of the
        index. The whole forecast is explained, anchors and ridges too. Its calendar, static
        features and the rows before those stay as they are.

    Raises
    ------
    TypeError
        If the estimator is none of these.
    ValueError
        If an argument is not as required, the network is stateful, or a forecaster has a
        `transformer`, another regressor than RNNRegressor, or missing values in the rows it reads.

    Warns
    -----
    UserWarning
        If the sum of a sample's attributions differs from f(x) - f(x') by more than 1e-4 of it.

    See Also
    --------
    IntegratedGradientsDisplay : A heat map, or the words of a sentence in colour.
    timestep_importance : How much the score falls without each timestep and feature.

    Notes
    -----
    Gradients are computed in float64 by the backward pass of the NumPy engine, for networks of all
    engines, and by TensorFlow for activations that NumPy lacks and for a `network` of other layers.
    The integral is a sum over seven Gauss-Legendre points in each part of the line; a part is
    divided until the sum is the change of f in it.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
       equation 1. https://arxiv.org/abs/1703.01365

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.inspection import integrated_gradients
    >>> X = np.random.default_rng(0).normal(size=(200, 4, 2))
    >>> y = X[:, 2, 0]  # the last step but one of the first feature
    >>> network = RNNRegressor("gru", 8, epochs=60, random_state=0).fit(X, y)
    >>> baseline = np.zeros((4, 2))
    >>> attributions = integrated_gradients(network, X[:1], baseline)
    >>> [int(i) for i in np.unravel_index(np.abs(attributions[0]).argmax(), (4, 2))]
    [2, 0]
    >>> change = network.predict(X[:1]) - network.predict([baseline])
    >>> bool(np.isclose(attributions.sum(), change[0], rtol=1e-3))
    True
    """
    if isinstance(estimator, RNNForecaster):
        table, gaps = attribute_forecasts(estimator, X, exog, baseline, target)
        warn_of_gaps(gaps)
        return table
    _check_estimator(estimator)
    _check_samples(estimator, X, exog)
    inputs = Inputs.read(estimator, X, baseline)
    output = read_target(estimator, target, inputs.sequences)
    architecture, sequences = inputs.architecture, inputs.sequences
    gradients = differentiating_engine(architecture).output_gradients(architecture, inputs.weights)
    at_once = points_at_once(architecture, sequences.timesteps)
    n_outputs = prod(architecture.output_shape)
    n_outputs *= sequences.timesteps if architecture.return_sequences else 1
    values = np.empty((len(sequences), sequences.timesteps, sequences.features))
    static, gaps = np.empty((len(sequences), sequences.n_static)), []
    for part in inputs.parts():
        outputs = Outputs(*(of_sample[part] for of_sample in output))

        def function(x, lines, outputs=outputs):
            return gradients(x, directions(outputs, lines, n_outputs))

        found = path_integrals(function, *inputs.ends(part), at_once)
        values[part], static[part] = inputs.by_feature(found.parts)
        gaps.append(found.gaps / np.maximum(found.sizes, np.finfo(float).tiny))
    warn_of_gaps(np.concatenate(gaps))
    return inputs.in_form(X, values, static)


def _check_estimator(estimator):
    """Refuse what is no fitted network, or has an output that depends on earlier samples."""
    if not isinstance(estimator, BaseRNN):
        remedy = ""
        if hasattr(estimator, "named_steps"):
            remedy = (
                " Pass its last step, `estimator[-1]`, and X as `estimator[:-1]` transforms it."
            )
        for name in ("best_estimator_", "forecaster_"):  # of searches and detectors
            remedy = f" Pass its `{name}`." if hasattr(estimator, name) else remedy
        raise TypeError(
            "`estimator` must be an RNNRegressor, RNNClassifier or RNNForecaster, got "
            f"{type(estimator).__name__}.{remedy}"
        )
    check_is_fitted(estimator, "weights_")
    if estimator._network.architecture.stateful:
        raise ValueError(
            "`estimator` must not have `stateful=True`: its output depends on the samples before, "
            "which are no part of X. Fit with `stateful=False` on longer windows."
        )


def _check_samples(estimator, X, exog):
    """Refuse what only a forecaster takes."""
    kind = type(estimator).__name__
    if X is None:
        raise ValueError(f"`X` must hold samples for {kind}, got None. Pass what `predict` takes.")
    if exog is not None:
        raise ValueError(
            f"`exog` must be None for {kind}, got {type(exog).__name__}. Make its columns features "
            "of X: only a forecaster reads it."
        )


def warn_of_gaps(gaps):
    """Warn where attributions do not add up, given by how much, as a share of what they should."""
    n_incomplete = int((gaps > TOLERANCE).sum())
    if n_incomplete:
        warnings.warn(
            f"The attributions of {n_incomplete} of {len(gaps)} samples add up to f(x) - f(x') "
            f"only within {gaps.max():.1e} of it, more than {TOLERANCE:g}: the output changes too "
            "abruptly on the way from the baseline. Pass a `baseline` that is nearer to X.",
            UserWarning,
            stacklevel=3,
        )
