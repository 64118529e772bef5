"""SearchDisplay: scores of a search over one parameter, with a line for each value of another."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skrnn._displays.plotting import (
    BLACK,
    CYCLE,
    MARKERS,
    Display,
    check_named,
    draw_legend,
    load_matplotlib,
    open_axes,
    short,
)
from skrnn._preprocessing.time_index import first_few

if TYPE_CHECKING:
    from typing import Self

    from sklearn.base import BaseEstimator

    from skrnn._types import AxesLike

SPREAD = 0.33  # of the lines side by side, in steps of the horizontal axis
CROWDED = 30  # letters below an axis; with more of them, they are turned upright


@dataclass(eq=False, repr=False)
class SearchDisplay(Display):
    """Plot of a search: test scores over hidden size, a line for each cell type, and fit times.

    Create it with `from_search`. To see the epochs of a single network use `HistoryDisplay`.

    Dots show the score of each fold. If further parameters were searched, each point shows the best
    of their values; in a halving search, the best of those that reached the latest iteration.

    Parameters
    ----------
    candidates : DataFrame
        One row for each point, in the order of the horizontal axis: "over" and "by", texts of
        parameters; "score", the mean over folds; "folds", an array of the scores of the folds;
        "seconds" and "seconds_std", of a fit; "best", true for the best one.
    over : str
        Label of the horizontal axis.
    score_name : str, default="test score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of Axes
        Axes of the scores, and of the fit times.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    HistoryDisplay : Plot of learning curves, the loss of each epoch.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skrnn import RNNRegressor, SearchDisplay
    >>> X = np.random.default_rng(0).normal(size=(60, 5, 1))
    >>> grid = {"cell_type": ["simple_rnn", "gru"], "hidden_size": [2, 4]}
    >>> search = GridSearchCV(RNNRegressor(epochs=2, random_state=0), grid, cv=2)
    >>> display = SearchDisplay.from_search(search.fit(X, X.mean(axis=(1, 2))))
    >>> [ax.get_ylabel() for ax in display.ax_]
    ['Test score', 'Fit time (seconds)']
    """

    candidates: pd.DataFrame
    _: KW_ONLY
    over: str
    score_name: str = "test score"

    @classmethod
    def from_search(
        cls,
        search: BaseEstimator,
        *,
        over: str = "hidden_size",
        by: str | None = None,
        scoring: str | None = None,
        negate_score: bool = False,
        ax: AxesLike = None,
    ) -> Self:
        """Plot the scores of a search.

        Parameters
        ----------
        search : GridSearchCV, or another search of scikit-learn
            A fitted search.
        over : str, default="hidden_size"
            Parameter along the horizontal axis, such as "rnnregressor__hidden_size", or its last
            part if that is unique.
        by : str, default=None
            Parameter with a line for each of its values, named in the same way. None: "cell_type"
            if it was searched, else a single line.
        scoring : str, default=None
            Score to plot, if the search has several. None: the one that `refit` names.
        negate_score : bool, default=False
            Plot the negative score, for scorers with a name that starts with `"neg_"`.
        ax : matplotlib Axes or pair of Axes, default=None
            As in `plot`.

        Returns
        -------
        SearchDisplay
            The display, with its axes in `ax_`.
        """
        load_matplotlib()
        if not hasattr(search, "cv_results_") and not hasattr(search, "refit"):
            raise TypeError(
                f"`search` must be a search such as GridSearchCV, got {type(search).__name__}. "
                "Pass a fitted search."
            )
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        searched = list(dict.fromkeys(name for params in results["params"] for name in params))
        over = _searched("over", over, searched)
        if by is not None or any(name.split("__")[-1] == "cell_type" for name in searched):
            by = _searched("by", "cell_type" if by is None else by, searched)
        metric = _metric(search, scoring)
        table = _candidates(search, over, by, metric)
        rest = [name.split("__")[-1] for name in searched if name not in (over, by)]
        label = over.split("__")[-1] + (f", at the best {' and '.join(rest)}" if rest else "")
        name = metric
        if metric == "score":
            name = search.scoring if isinstance(search.scoring, str) else "test score"
        name = name.replace("_", " ")
        if negate_score:
            table["score"], table["folds"] = -table["score"], [-folds for folds in table["folds"]]
            name = name.removeprefix("neg ")
        return cls(table, over=label, score_name=name).plot(ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Plot scores and fit times.

        Parameters
        ----------
        ax : matplotlib Axes or pair of Axes, default=None
            One Axes shows only the scores. None: a pair in a new figure.

        Returns
        -------
        SearchDisplay
            The display, with its axes in `ax_`.
        """
        axes = open_axes(
            self, ax, (2, 1), size=(8, 3.8), columns=2, gridspec_kw={"width_ratios": [3, 2]}
        )
        ticks = list(dict.fromkeys(self.candidates["over"]))
        groups = list(self.candidates.groupby("by", sort=False))
        for position, (name, rows) in enumerate(groups):
            aside = SPREAD * ((position + 0.5) / len(groups) - 0.5)
            places = np.array([ticks.index(text) for text in rows["over"]]) + aside
            color, shape = CYCLE[position % len(CYCLE)], MARKERS[position % len(MARKERS)]
            look = {"color": color, "marker": shape, "label": name}
            _draw_scores(axes[0], places, rows, look)
            for other in axes[1:]:
                other.errorbar(places, rows["seconds"], rows["seconds_std"], **look)
        upright = sum(map(len, ticks)) > CROWDED
        for each in axes:
            each.set_xticks(range(len(ticks)), ticks, rotation=90 if upright else 0)
            each.set_xlabel(self.over)
        axes[0].set_ylabel(self.score_name[:1].upper() + self.score_name[1:])
        draw_legend(axes[0], 3)
        for other in axes[1:]:
            other.set_ylim(bottom=0)
            other.set_ylabel("Fit time (seconds)")
        return self


def _searched(argument, name, searched):
    """Return the full name of a searched parameter."""
    found = [full for full in searched if name in (full, full.split("__")[-1])]
    if name in found:
        return name
    if len(found) != 1:
        wanted = "only one" if found else "a"
        raise ValueError(
            f"`{argument}` must name {wanted} parameter that was searched, {first_few(searched)}, "
            f"got {name!r}. Choose among these."
        )
    return found[0]


def _metric(search, scoring):
    """Return the name of a score in the results of a search."""
    prefix = "mean_test_"
    known = [name.removeprefix(prefix) for name in search.cv_results_ if name.startswith(prefix)]
    if scoring is None:
        scoring = search.refit if isinstance(search.refit, str) else known[0]
        scoring = scoring if scoring in known else known[0]
    check_named("scoring", scoring, "a score of the search", known)
    return scoring


def _candidates(search, over, by, metric):
    """Return the best candidate of each pair of values, in the order of the horizontal axis."""
    results, defaults = search.cv_results_, search.estimator.get_params()
    folds = [results[f"split{k}_test_{metric}"] for k in range(search.n_splits_)]
    candidates = [defaults | params for params in results["params"]]
    values = [candidate.get(over) for candidate in candidates]
    texts = _texts(values)
    table = pd.DataFrame(
        {
            "over": texts,
            "by": "" if by is None else _texts([candidate.get(by) for candidate in candidates]),
            "score": results[f"mean_test_{metric}"],
            "folds": list(np.transpose(folds)),
            "seconds": results["mean_fit_time"],
            "seconds_std": results["std_fit_time"],
        }
    )
    if table["score"].isna().all():
        raise ValueError(
            "The search must have a score, got NaN for each candidate: all fits failed, or all "
            "scorings. `error_score='raise'` shows why, or the warnings of the search."
        )
    # Scores of a halving search are comparable only within one of its iterations.
    table["iteration"] = results.get("iter", 0)
    ranked = table.dropna(subset="score").sort_values(["iteration", "score"], ascending=False)
    table["best"] = table.index == ranked.index[0]
    ordered = dict.fromkeys(texts[i] for i in _in_order(values))
    place = {text: k for k, text in enumerate(ordered)}
    kept = ranked.drop_duplicates(["over", "by"]).index
    table = table.loc[sorted(kept)].drop(columns="iteration")
    return table.sort_values("over", key=lambda column: column.map(place), kind="stable")


def _in_order(values):
    """Return positions in order: numbers ascending, and tuples of them, shorter ones first."""
    tuples = [tuple(value) if isinstance(value, (list, tuple)) else (value,) for value in values]
    if not all(isinstance(each, Real) for value in tuples for each in value):
        return range(len(values))
    return sorted(range(len(values)), key=lambda i: (len(tuples[i]), tuples[i]))


def _texts(values):
    """Return values as texts, short ones if those are distinct."""
    full, brief = ([_text(value, brief=brief) for value in values] for brief in (False, True))
    return brief if len(set(brief)) == len(set(full)) else full


def _text(value, *, brief):
    """Return a tuple without brackets; if brief, a float in three digits, and an array's shape."""
    if brief and isinstance(value, (float, np.floating)):
        return f"{value:.3g}"
    if brief and isinstance(value, np.ndarray):
        return f"array {value.shape}"
    several = isinstance(value, (list, tuple)) and len(value)
    return ", ".join(map(str, value)) if several else str(value)


def _draw_scores(ax, places, rows, look):
    """Draw means joined by a line, each fold as a dash, and a ring around the best."""
    ax.plot(places, rows["score"], **look)
    folds = np.stack(list(rows["folds"]))  # (n_places, n_folds)
    ax.vlines(places, folds.min(axis=1), folds.max(axis=1), color=look["color"], linewidth=0.8)
    dashes = {"linestyle": "", "marker": "_", "color": look["color"]}
    ax.plot(np.repeat(places, folds.shape[1]), folds.reshape(-1), **dashes, label="each fold")
    best = rows["best"].to_numpy()
    if best.any():
        [score] = rows["score"][best]
        ring = {"linestyle": "", "marker": "o", "markersize": 14, "fillstyle": "none"}
        ax.plot(places[best], [score], **ring, color=BLACK, label=f"best ({short(score)})")
