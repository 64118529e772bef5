"""HistoryDisplay: loss and validation loss of each epoch, of one estimator or of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._displays.plotting import (
    MARKERS,
    draw_legend,
    load_matplotlib,
    open_axes,
    short,
    with_unit,
)
from skrnn._estimators.base import BaseRNN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self

    from sklearn.base import BaseEstimator

    from skrnn._types import Axes, Figure

INNER = ("best_estimator_", "regressor_", "estimator_", "estimator")  # of what holds a network


class HistoryDisplay:
    """Picture of training: loss and validation loss of each epoch, with the best epoch marked.

    Make it by `from_estimator` or `from_estimators`. The best epoch is that of the lowest
    validation loss, or of the lowest loss where there is no validation set. Its weights are kept
    with `patience`, if `min_delta` is 0 and no `warm_start` came after; those of the last epoch
    without.

    Parameters
    ----------
    histories : dict of dict
        For each name what `history_` holds: "loss" and, with validation, "val_loss".
    loss_name : str, default=None
        What is measured, for the label of the vertical axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Loss over epochs.
    figure_ : matplotlib Figure
        The figure it stands in.

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

    ax_: Axes
    figure_: Figure

    def __init__(
        self,
        histories: Mapping[Any, Mapping[str, Sequence[float]]],
        *,
        loss_name: str | None = None,
    ) -> None:
        self.histories = histories
        self.loss_name = loss_name

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, name: str | None = None, ax: Axes | None = None
    ) -> Self:
        """Draw the history of an estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted network, or a pipeline, search or forecaster that holds one.
        name : str, default=None
            Stands before the labels of the lines.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        HistoryDisplay
        """
        return cls.from_estimators({name: estimator}, ax=ax)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[Any, BaseEstimator] | Sequence[BaseEstimator],
        *,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the histories of several estimators over one another.

        Parameters
        ----------
        estimators : dict or list of estimators
            Fitted, by their names. Those of a list, such as `cross_validate` returns with
            ``return_estimator=True``, are numbered from 1.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        HistoryDisplay
        """
        load_matplotlib()
        if not isinstance(estimators, (dict, list, tuple)):
            raise TypeError(
                "`estimators` must be a dict or a list of estimators, got "
                f"{type(estimators).__name__}. Pass one alone to `from_estimator`."
            )
        if not isinstance(estimators, dict):
            estimators = dict(enumerate(estimators, start=1))
        networks = {name: _network_in(estimator) for name, estimator in estimators.items()}
        loss_names = {_loss_name(network) for network in networks.values()}
        histories = {name: network.history_ for name, network in networks.items()}
        return cls(histories, loss_name=loss_names.pop() if len(loss_names) == 1 else None).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw loss and validation loss over epochs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None: those of a new figure. Lines that stand there stay.

        Returns
        -------
        HistoryDisplay
        """
        _check_histories(self.histories)
        self.figure_, [self.ax_] = open_axes(ax, (1,), size=(8, 4))
        for position, (name, history) in enumerate(self.histories.items()):
            _draw(self.ax_, name, history, MARKERS[position % len(MARKERS)])
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set_xlabel("Epoch")
        self.ax_.set_ylabel(with_unit("Loss", self.loss_name))
        n_names = len(self.histories)
        draw_legend(self.ax_, 3 if n_names == 1 else min(n_names, 3))
        return self


def _network_in(estimator):
    """Return the fitted network in a pipeline, search, forecaster or any that wraps one."""
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
                "`estimator` must be an RNNRegressor or RNNClassifier, or hold one, got "
                f"{type(outer).__name__}, which has no `history_`."
            )
    check_is_fitted(estimator)
    return estimator


def _loss_name(network):
    """Return what the losses of a network measure."""
    name = network._settings.loss.replace("_", " ")
    return name if network._scaling.y_mean is None else f"{name} of standardized y"


def _check_histories(histories):
    if not histories:
        raise ValueError("`estimators` must hold at least one estimator, got none.")
    for name, history in histories.items():
        if not len(history.get("loss", ())):
            place = "" if name is None else f" of {name!r}"
            raise ValueError(
                f"The history{place} must hold at least one epoch, got none: its weights were "
                "taken over, not trained. Call `partial_fit`, or `fit` with `warm_start=True`."
            )


def _draw(ax, name, history, marker):
    """Draw the lines of one history in one colour, and its best epoch."""
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
    ax.plot(
        epochs[best],
        judged[best],
        color=line.get_color(),
        linestyle="",
        marker=marker,
        markersize=8,
        label=f"{prefix}best epoch {best + 1} ({short(judged[best])})",
    )
