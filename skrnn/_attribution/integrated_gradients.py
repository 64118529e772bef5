"""integrated_gradients: how much each value of X adds to an output of a network."""

from __future__ import annotations

import warnings
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from sklearn.pipeline import Pipeline
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

    The attributions of a sample add up to f(x) - f(x') (completeness). A value that f does not
    depend on has exactly 0 (sensitivity). They explain the network, not the world. To see how much
    the score depends on each value over all samples, use :func:`timestep_importance`.

    Parameters
    ----------
    estimator : RNNRegressor, RNNClassifier, RNNForecaster or Pipeline
        A fitted estimator, with any engine, or a pipeline with such a network as its last step. The
        network reads X as the steps before transform it, such as windows or token ids:
        attributions have that form, and `baseline` too.
    X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
        Samples, as `predict` takes them. The cost is that of about twenty training steps on each,
        and more where the output changes abruptly. For a forecaster: the rows of series, as the
        `series` of `predict`; None: those in `fit`.
    baseline : array-like like one sample or like X, default=None
        Values that the samples are compared with; all timesteps that X has must be present. Change
        it to explain the difference from another input. None: the mean of each feature in `fit`, or
        zeros where `standardize` does not standardize X. For token ids None is the mean of all
        vectors of the Embedding, except that of `mask_value`, which is never read. A text of
        neutral words can be a better baseline. For a forecaster None is the mean of each series,
        and of its `exog`; any other baseline is a DataFrame in the form of the result.
    target : int, label or tuple, default=None
        The output to explain. For a regressor with several outputs: the position in y, a tuple for
        a y of two axes. For a classifier: a label of `classes_`, or a column for multilabel
        targets; None: the predicted class of each sample. After a fit with `return_sequences` the
        timestep comes first, such as ``(-1, "rain")``; negative ones count from the end of each
        sample. For a forecaster: a step among those that are forecast at once, or a tuple of the
        step and the name of a series; None: step 1, the first.
    exog : Series or DataFrame, default=None
        Only for a forecaster: as in `predict`.

    Returns
    -------
    ndarray of the shape of X, list of ndarray, or DataFrame
        Attributions in the units of y. For a classifier they are in probability, as in Captum and
        Alibi on a network with a softmax. A token id has one number, the sum over its vector.
        Absent timesteps have 0. The attribution of a missing value (``missing="flag"``) is that of
        its flag. The attribution of a column in `static_features` is split equally over the
        timesteps that are present. With ``loss="quantile"`` the median is explained, as `predict`
        returns it.

        For a forecaster: a DataFrame of the rows that a forecast reads, and with `exog` also of the
        rows to come. It has a column for the values (with the name of the series, or "value") and
        one for each column of `exog`, and NaN where nothing is read. For several series their name
        is the first level of the index. The whole forecast is explained, including anchors and
        ridges. Its calendar, static features and earlier rows are constants.

    Raises
    ------
    TypeError
        If the estimator is none of these.
    ValueError
        If an argument is not as required, the network is stateful, or a forecaster has a
        `transformer`, a regressor other than RNNRegressor, or missing values in the rows it reads.

    Warns
    -----
    UserWarning
        If the sum of a sample's attributions differs from f(x) - f(x') by more than 1e-4 of it.

    See Also
    --------
    IntegratedGradientsDisplay : A heat map, or a sentence with coloured words.
    timestep_importance : How much the score falls without each timestep and feature.

    Notes
    -----
    Gradients are computed in float64 by the backward pass of the NumPy engine, for networks of all
    engines. TensorFlow computes them for activations that NumPy lacks and for a `network` of other
    layers. The integral is a sum over seven Gauss-Legendre points in each part of the line. A part
    is divided until the sum is the change of f in it.

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
    estimator, X = last_step(estimator, X)
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


def last_step(estimator, X):
    """Return the last step of a Pipeline, and X as the steps before transform it."""
    if not isinstance(estimator, Pipeline):
        return estimator, X
    reads_own = X is None or len(estimator) == 1
    return estimator[-1], X if reads_own else estimator[:-1].transform(X)


def _check_estimator(estimator):
    """Refuse unfitted networks, and outputs that depend on earlier samples."""
    if not isinstance(estimator, BaseRNN):
        remedy = ""
        for name in ("best_estimator_", "forecaster_"):  # of searches and detectors
            remedy = f" Pass its `{name}`." if hasattr(estimator, name) else remedy
        raise TypeError(
            "`estimator` must be an RNNRegressor, RNNClassifier or RNNForecaster, got "
            f"{type(estimator).__name__}.{remedy}"
        )
    check_is_fitted(estimator, "weights_")
    if estimator._network.architecture.stateful:
        raise ValueError(
            "`estimator` must not have `stateful=True`, because its output depends on earlier "
            "samples that are not in X. Fit with `stateful=False` on longer windows."
        )


def _check_samples(estimator, X, exog):
    """Refuse arguments that only a forecaster takes."""
    kind = type(estimator).__name__
    if X is None:
        raise ValueError(f"`X` must hold samples for {kind}, got None. Pass what `predict` takes.")
    if exog is not None:
        raise ValueError(
            f"`exog` must be None for {kind}, got {type(exog).__name__}. Only a forecaster reads "
            "it: make its columns features of X."
        )


def warn_of_gaps(gaps):
    """Warn if attributions do not add up, given the gaps as shares of the sums they should have."""
    n_incomplete = int((gaps > TOLERANCE).sum())
    if n_incomplete:
        warnings.warn(
            f"The attributions of {n_incomplete} of {len(gaps)} samples add up to f(x) - f(x') "
            f"only within {gaps.max():.1e} of it, more than {TOLERANCE:g}: the output changes too "
            "abruptly between the baseline and X. Pass a `baseline` that is nearer to X.",
            UserWarning,
            stacklevel=3,
        )
