"""HistoryDisplay: loss and validation loss of each epoch, of one estimator or of several."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._displays.plotting import (
    MARKERS,
    Display,
    draw_legend,
    load_matplotlib,
    open_axes,
    short,
    with_unit,
)
from skrnn._estimators.base import BaseRNN, loss_description

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self

    from sklearn.base import BaseEstimator

    from skrnn._types import Axes

# Attributes in which other estimators hold theirs.
INNER = ("best_estimator_", "regressor_", "estimator_", "estimator")


@dataclass(eq=False, repr=False)
class HistoryDisplay(Display):
    """Plot of learning curves: loss and validation loss of each epoch, with the best one marked.

    Create it with `from_estimator` or `from_estimators`. The best epoch has the lowest validation
    loss, or the lowest loss without a validation set. With `patience` its weights are kept, if
    `min_delta` is 0 and no `warm_start` followed; otherwise those of the last epoch are. To compare
    the scores of a search use `SearchDisplay`.

    Parameters
    ----------
    histories : dict of dict
        The `history_` of each name: "loss" and, with validation, "val_loss".
    loss_name : str, default=None
        Name of the loss, for the label of the vertical axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the loss over epochs.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    SearchDisplay : Scores of a search over hidden size and cell type.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import HistoryDisplay, RNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(80, 5, 1))
    >>> network = RNNRegressor("gru", 4, epochs=5, validation_fraction=0.25, random_state=0)
    >>> display = HistoryDisplay.from_estimator(network.fit(X, X.mean(axis=(1, 2))))
    >>> display.ax_.get_xlabel(), display.ax_.get_ylabel()
    ('Epoch', 'Loss (mean squared error of standardized y)')
    """

    histories: Mapping[Any, Mapping[str, Sequence[float]]]
    _: KW_ONLY
    loss_name: str | None = None

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, name: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Plot the history of an estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted network, or a pipeline, search or forecaster that contains one.
        name : str, default=None
            Prefix of the labels of the lines.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        HistoryDisplay
            The display, with its axes in `ax_`.
        """
        return cls.from_estimators({name: estimator}, ax=ax)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[Any, BaseEstimator] | Sequence[BaseEstimator],
        *,
        ax: Axes | None = None,
    ) -> Self:
        """Plot the histories of several estimators in one figure.

        Parameters
        ----------
        estimators : dict or list of estimators
            Fitted estimators by name. In a list, such as `cross_validate` returns with
            ``return_estimator=True``, they are numbered from 1.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        HistoryDisplay
            The display, with its axes in `ax_`.
        """
        load_matplotlib()
        if not isinstance(estimators, (dict, list, tuple)):
            raise TypeError(
                "`estimators` must be a dict or a list of estimators, got "
                f"{type(estimators).__name__}. Pass a single one to `from_estimator`."
            )
        if not isinstance(estimators, dict):
            estimators = dict(enumerate(estimators, start=1))
        networks = {name: _network_in(estimator) for name, estimator in estimators.items()}
        loss_names = {loss_description(network) for network in networks.values()}
        histories = {name: network.history_ for name, network in networks.items()}
        return cls(histories, loss_name=loss_names.pop() if len(loss_names) == 1 else None).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Plot loss and validation loss over epochs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: those of a new figure. Lines that are there already are kept.

        Returns
        -------
        HistoryDisplay
            The display, with its axes in `ax_`.
        """
        _check_histories(self.histories)
        open_axes(self, ax, (1,), size=(8, 4))
        for position, (name, history) in enumerate(self.histories.items()):
            _draw(self.ax_, name, history, MARKERS[position % len(MARKERS)])
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set_xlabel("Epoch")
        self.ax_.set_ylabel(with_unit("Loss", self.loss_name))
        n_names = len(self.histories)
        draw_legend(self.ax_, 3 if n_names == 1 else min(n_names, 3))
        return self


def _network_in(estimator):
    """Return the fitted network inside a pipeline, search, forecaster or other estimator."""
    check_is_fitted(estimator)
    outer, seen = estimator, []
    while not isinstance(estimator, BaseRNN):
        seen.append(estimator)
        inner = [getattr(estimator, name, None) for name in INNER]
        if isinstance(estimator, Pipeline):
            inner = [estimator[-1]]
        estimator = next((found for found in inner if found is not None), None)
        if estimator is None or isinstance(estimator, str) or estimator in seen:
            raise TypeError(
                "`estimator` must be an RNNRegressor or RNNClassifier, or contain one, got "
                f"{type(outer).__name__}, which has no `history_`."
            )
    check_is_fitted(estimator)
    return estimator


def _check_histories(histories):
    if not histories:
        raise ValueError("`estimators` must hold at least one estimator, got none.")
    for name, history in histories.items():
        if not len(history.get("loss", ())):
            place = "" if name is None else f" of {name!r}"
            raise ValueError(
                f"The history{place} must hold at least one epoch, got none: its weights come from "
                "a Keras model. Call `partial_fit`, or `fit` with `warm_start=True`, to train on."
            )


def _draw(ax, name, history, marker):
    """Draw the lines of one history in one colour, and mark its best epoch."""
    prefix = "" if name is None else f"{name}: "
    losses = np.asarray(history["loss"], dtype=float)
    epochs = np.arange(1, len(losses) + 1)
    style = "--" if "val_loss" in history else "-"
    [line] = ax.plot(epochs, losses, style, linewidth=1, label=f"{prefix}loss")
    judged = losses
    if "val_loss" in history:
        judged = np.asarray(history["val_loss"], dtype=float)
        ax.plot(epochs, judged, color=line.get_color(), label=f"{prefix}validation loss")
    best = int(np.nanargmin(judged))
    look = {"color": line.get_color(), "linestyle": "", "marker": marker, "markersize": 8}
    label = f"{prefix}best epoch {best + 1} ({short(judged[best])})"
    ax.plot(epochs[best], judged[best], **look, label=label)
