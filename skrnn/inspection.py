"""Importance of timesteps and features for the predictions of a fitted network."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.metrics import check_scoring
from sklearn.utils.validation import check_is_fitted

from skrnn._attribution.integrated_gradients import integrated_gradients
from skrnn._data.shuffled_samples import ShuffledSamples
from skrnn._displays.plotting import Display, draw_heat_map, load_matplotlib, open_axes
from skrnn._estimators.base import BaseRNN

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any, Literal, Self

    from sklearn.base import BaseEstimator
    from sklearn.utils import Bunch

    from skrnn._types import ArrayLike, Axes, RandomState, Scoring

__all__ = ["TimestepImportanceDisplay", "integrated_gradients", "timestep_importance"]

ALONG = "both", "feature", "timestep"


def timestep_importance(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    along: Literal["both", "feature", "timestep"] = "both",
    scoring: Scoring = None,
    n_repeats: int = 5,
    n_jobs: int | None = None,
    random_state: RandomState = None,
    sample_weight: ArrayLike | None = None,
) -> Bunch:
    """Permutation importance of each timestep and feature: how much the score falls without it.

    This is scikit-learn's permutation importance [1]_ for windows and sequences. Use it to see
    which inputs a network relies on over a whole data set; use :func:`integrated_gradients` for
    single samples.

    Values are shuffled among the samples in which the timestep is present. So timesteps that are
    absent, by `mask_value` or at the end of a sequence, stay absent. Neighbouring timesteps often
    carry the same information, and each then seems to matter little. In that case measure whole
    timesteps or features with `along`.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator that accepts X. If a pipeline makes windows, or if its steps change the
        values that `mask_value` marks, pass its last step.
    X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
        Samples, preferably not used in training; 2-D for token ids or one feature. In a list of
        sequences, timesteps count from the first of each, up to the longest sequence.
    y : array-like of shape (n_samples,) or (n_samples, ...)
        Targets of the samples.
    along : {"both", "timestep", "feature"}, default="both"
        Values to shuffle together: one feature at one timestep, all features at one timestep, or
        one feature at all timesteps.
    scoring : str or callable, default=None
        A single score, as in :func:`sklearn.inspection.permutation_importance`. None: the
        estimator's `score`.
    n_repeats : int, default=5
        Number of times that each group of values is shuffled. More repeats give a steadier mean.
    n_jobs : int, default=None
        Number of jobs to run in parallel, as in
        :func:`sklearn.inspection.permutation_importance`.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations. Pass an int for reproducible results.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples in the score. None: all samples have the same weight.

    Returns
    -------
    sklearn.utils.Bunch
        `importances_mean` and `importances_std` are the mean and standard deviation of the fall of
        the score over the repeats. They have the shape (timesteps, features), (timesteps, 1) or
        (1, features). `importances` holds each repeat, on a last axis of length n_repeats.

    Raises
    ------
    ValueError
        If an argument is invalid.

    See Also
    --------
    TimestepImportanceDisplay : Heat map of the importances.
    integrated_gradients : Contributions of each timestep and feature to single predictions.

    References
    ----------
    .. [1] L. Breiman, "Random Forests", Machine Learning 45, 2001, section 10.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.inspection import timestep_importance
    >>> X = np.random.default_rng(0).normal(size=(200, 4, 2))
    >>> y = X[:, 2, 0]  # the last step but one of the first feature
    >>> network = RNNRegressor("gru", 8, epochs=60, random_state=0).fit(X, y)
    >>> importance = timestep_importance(network, X, y, random_state=0)
    >>> [int(i) for i in np.unravel_index(importance.importances_mean.argmax(), (4, 2))]
    [2, 0]
    """
    check_is_fitted(estimator)
    if along not in ALONG:
        raise ValueError(
            f"`along` must be one of {list(ALONG)}, got {along!r}. Use one of these names."
        )
    if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        raise ValueError(
            f"`scoring` must be a single score, a str or a callable, got {scoring!r}. Call "
            "`timestep_importance` once for each score."
        )
    samples = ShuffledSamples.read(X, _mask_values(estimator))
    scorer = check_scoring(estimator, scoring)
    # One column for each group of values, which holds the sample that each row takes them from.
    n_samples, timesteps, n_features = samples.values.shape
    steps, features = np.indices((timesteps, n_features))
    groups, sizes = {
        "both": (steps * n_features + features, (timesteps, n_features)),
        "feature": (features, (1, n_features)),
        "timestep": (steps, (timesteps, 1)),
    }[along]
    rows = np.repeat(np.arange(n_samples)[:, np.newaxis], groups.max() + 1, axis=1)

    def score(estimator, rows, y, **weights):
        return scorer(estimator, samples.shuffled(rows, groups), y, **weights)

    result = permutation_importance(
        estimator,
        rows,
        y,
        scoring=score,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=random_state,
        sample_weight=sample_weight,
    )
    for name, values in result.items():
        result[name] = values.reshape(*sizes, *values.shape[1:])
    return result


@dataclass(eq=False, repr=False)
class TimestepImportanceDisplay(Display):
    """Heat map of the permutation importance of each timestep and feature.

    It shows how much the score of a network falls without them. Create it with `from_estimator`, or
    from the result of :func:`timestep_importance` if you need the numbers too.

    Parameters
    ----------
    importances : ndarray of shape (timesteps, features)
        Falls of the score, such as `importances_mean`. The shape is (timesteps, 1) for whole
        timesteps, and (1, features) for whole features.
    feature_names : list of str, default=None
        Names of the features, for the axis. None: the features are numbered.
    score_name : str, default=None
        Name of the score, for the label of the colour bar. None: "the score".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of features over timesteps. The last timestep is 0.
    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    timestep_importance : Computes the importances.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.inspection import TimestepImportanceDisplay
    >>> X = np.random.default_rng(0).normal(size=(80, 4, 2))
    >>> network = RNNRegressor("gru", 4, epochs=5, random_state=0).fit(X, X[:, 2, 0])
    >>> display = TimestepImportanceDisplay.from_estimator(network, X, X[:, 2, 0], random_state=0)
    >>> display.importances.shape
    (4, 2)
    """

    importances: ArrayLike
    _: KW_ONLY
    feature_names: Sequence[Hashable] | None = None
    score_name: str | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        feature_names: Sequence[Hashable] | None = None,
        scoring: Scoring = None,
        ax: Axes | None = None,
        **settings: Any,
    ) -> Self:
        """Compute the importances of a fitted estimator and plot them.

        Parameters
        ----------
        estimator : estimator
            As in :func:`timestep_importance`.
        X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
            As in :func:`timestep_importance`.
        y : array-like of shape (n_samples,) or (n_samples, ...)
            As in :func:`timestep_importance`.
        feature_names : list of str, default=None
            Names of the features, for the axis. None: the features are numbered.
        scoring : str or callable, default=None
            As in :func:`timestep_importance`.
        ax : matplotlib Axes, default=None
            Axes to plot into. None: those of a new figure.
        **settings : dict
            Other arguments of :func:`timestep_importance`.

        Returns
        -------
        TimestepImportanceDisplay
            The display, with its axes in `ax_`.
        """
        load_matplotlib()
        result = timestep_importance(estimator, X, y, scoring=scoring, **settings)
        name = scoring if isinstance(scoring, str) else None
        return cls(result.importances_mean, feature_names=feature_names, score_name=name).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Plot a heat map: one row for each feature, one column for each timestep.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot into. None: those of a new figure.

        Returns
        -------
        TimestepImportanceDisplay
            The display, with its axes in `ax_`.
        """
        table = np.asarray(self.importances, dtype=float).T
        n_features, timesteps = table.shape
        names = range(n_features) if self.feature_names is None else list(self.feature_names)
        if len(names) != n_features:
            raise ValueError(
                f"`feature_names` must hold a name for each of the {n_features} features, got "
                f"{len(names)}. Pass one name for each."
            )
        [ax] = open_axes(self, ax, (1,), size=(8, 1.8 + 0.4 * n_features))
        image = draw_heat_map(ax, table, names, np.abs(table).max())
        ax.set_xlabel("Timestep (0: the last)")
        ax.set_ylabel("Feature")
        if timesteps == 1:
            ax.set_xticks([0], ["whole window"])
            ax.set_xlabel("Timesteps")
        if n_features == 1 and self.feature_names is None:
            ax.set_yticks([0], ["all"])
        label = "Fall of the score" if self.score_name is None else f"Fall of {self.score_name}"
        self.figure_.colorbar(image, ax=ax, label=label)
        return self


def _mask_values(estimator):
    """Return the values that mark absent timesteps for an estimator, or for networks in it."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if isinstance(estimator, BaseRNN):
        found = [estimator._network.mask_value]  # as fitted
    else:
        parameters = estimator.get_params() if hasattr(estimator, "get_params") else {}
        found = [parameters[name] for name in parameters if name.split("__")[-1] == "mask_value"]
    return [value for value in found if value is not None]
