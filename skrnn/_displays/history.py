"""HistoryDisplay: the loss or a metric of each epoch, of one or several estimators."""

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
from skrnn._training.metrics import sign_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self

    from sklearn.base import BaseEstimator

    from skrnn._types import Axes

# Attributes in which other estimators hold their inner ones.
INNER = ("best_estimator_", "regressor_", "estimator_", "estimator")


@dataclass(eq=False, repr=False)
class HistoryDisplay(Display):
    """Plot of learning curves: the loss, or a metric, of each epoch, with the best one marked.

    Create it with `from_estimator` or `from_estimators`. To compare the scores of a search use
    `SearchDisplay`.

    The best epoch is that of the validation set, or of training without one. With `patience` the
    weights of the best epoch by `monitor` are kept, if `min_delta` is 0 and no `warm_start`
    followed. Otherwise the weights are those of the last epoch.

    Parameters
    ----------
    histories : dict of dict
        The `history_` of each estimator by name: "loss" and, with validation, "val_loss".
    loss_name : str, default=None
        Name of the loss, for the label of the vertical axis. None: only "Loss".
    metric : str, default="loss"
        Name of the values to draw: "loss", one of the estimators' `metrics`, or "learning_rate" if
        it has a schedule.

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
    metric: str = "loss"

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        name: str | None = None,
        metric: str = "loss",
        ax: Axes | None = None,
    ) -> Self:
        """Plot the history of an estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted network, or a pipeline, search or forecaster that contains one.
        name : str, default=None
            Prefix of the labels of the lines. None: no prefix.
        metric : str, default="loss"
            Values to draw: "loss", or the name of one of the estimator's `metrics`.
        ax : matplotlib Axes, default=None
            As in `plot`.

        Returns
        -------
        HistoryDisplay
            The display, with its axes in `ax_`.
        """
        return cls.from_estimators({name: estimator}, metric=metric, ax=ax)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[Any, BaseEstimator] | Sequence[BaseEstimator],
        *,
        metric: str = "loss",
        ax: Axes | None = None,
    ) -> Self:
        """Plot the histories of several estimators in one figure.

        Parameters
        ----------
        estimators : dict or list of estimators
            Fitted estimators by name. In a list, such as `cross_validate` returns with
            ``return_estimator=True``, they are numbered from 1.
        metric : str, default="loss"
            As in `from_estimator`.
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
        loss_name = loss_names.pop() if len(loss_names) == 1 else None
        return cls(histories, loss_name=loss_name, metric=metric).plot(ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Plot the loss or the metric of training and validation over epochs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; existing lines are kept. None: those of a new figure.

        Returns
        -------
        HistoryDisplay
            The display, with its axes in `ax_`.
        """
        _check_histories(self.histories, self.metric)
        open_axes(self, ax, (1,), size=(8, 4))
        for position, (name, history) in enumerate(self.histories.items()):
            _draw(self.ax_, name, history, self.metric, MARKERS[position % len(MARKERS)])
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set_xlabel("Epoch")
        of_loss = self.metric == "loss"
        self.ax_.set_ylabel(with_unit("Loss", self.loss_name) if of_loss else self.metric)
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
                f"{type(outer).__name__}, which has no `history_`. Pass a fitted network."
            )
    check_is_fitted(estimator)
    return estimator


def _check_histories(histories, metric):
    if not histories:
        raise ValueError(
            "`estimators` must hold at least one estimator, got none. Pass fitted estimators."
        )
    for name, history in histories.items():
        if not len(history.get("loss", ())):
            place = "" if name is None else f" of {name!r}"
            raise ValueError(
                f"The history{place} must hold at least one epoch, got none: its weights come from "
                "a Keras model. Call `partial_fit`, or `fit` with `warm_start=True`, to train on."
            )
        if metric not in history or metric.startswith("val_") or metric == "seconds":
            names = [key for key in history if not key.startswith("val_") and key != "seconds"]
            raise ValueError(
                f"`metric` must be one of {', '.join(map(repr, names))}, got {metric!r}. Set the "
                "parameter `metrics` of the network before `fit`."
            )


def _draw(ax, name, history, metric, marker):
    """Draw the lines of one history in one colour, and mark its best epoch."""
    prefix = "" if name is None else f"{name}: "
    values = np.asarray(history[metric], dtype=float)
    epochs = np.arange(1, len(values) + 1)
    validation = f"val_{metric}"
    style = "--" if validation in history else "-"
    [line] = ax.plot(epochs, values, style, linewidth=1, label=f"{prefix}{metric}")
    judged = values
    if validation in history:
        judged = np.asarray(history[validation], dtype=float)
        ax.plot(epochs, judged, color=line.get_color(), label=f"{prefix}validation {metric}")
    sign = -1 if metric == "loss" else sign_of(metric)
    if not sign or np.isnan(judged).all():
        return
    best = int(np.nanargmax(sign * judged))
    look = {"color": line.get_color(), "linestyle": "", "marker": marker, "markersize": 8}
    label = f"{prefix}best epoch {best + 1} ({short(judged[best])})"
    ax.plot(epochs[best], judged[best], **look, label=label)
