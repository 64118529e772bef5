"""IntegratedGradientsDisplay: heat maps of attributions, or sentences with coloured words."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from sklearn.pipeline import Pipeline

from skrnn._attribution.integrated_gradients import integrated_gradients, last_step
from skrnn._displays.plotting import Display, draw_heat_map, load_matplotlib, open_axes, short
from skrnn._forecasting.forecaster import RNNForecaster
from skrnn._preprocessing.sequence_vectorizer import SequenceVectorizer
from skrnn._preprocessing.vocabulary import PADDING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any, Self

    from skrnn._types import AnyFrame, Array, ArrayLike, AxesLike

MOST_SAMPLES = 12
MOST_TICKS = 24
ABOVE, BELOW = "230,97,1", "94,60,153"  # the two ends of the colours of the heat map


@dataclass(eq=False, repr=False)
class IntegratedGradientsDisplay(Display):
    """Heat map of how much each timestep and feature of a sample adds to its output.

    Create it with `from_estimator`, or from the result of
    :func:`skrnn.inspection.integrated_gradients`. For texts a notebook shows the sentences, with
    each word in the colour of its attribution. To see what matters over all samples use
    `TimestepImportanceDisplay`.

    Parameters
    ----------
    attributions : list of ndarray of shape (timesteps, features) or (timesteps,)
        Attributions of each sample.
    feature_names : list of str, default=None
        Names of the features. None: they are numbered.
    steps : list of sequences of str, default=None
        Names of the timesteps of each sample, such as words. None: they are numbered, up to 0 for
        the last.
    titles : list of str, default=None
        Title of each sample, such as its prediction. None: no titles.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of Axes
        Axes of each sample.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    skrnn.inspection.integrated_gradients : The attributions as numbers.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skrnn import IntegratedGradientsDisplay, RNNClassifier, SequenceVectorizer
    >>> texts = ["good soup", "bad soup", "good wine", "bad wine"]
    >>> network = RNNClassifier("gru", 4, vocab_size="auto", mask_value=0, random_state=0)
    >>> classifier = make_pipeline(SequenceVectorizer(max_length=3), network)
    >>> classifier = classifier.fit(texts, ["like", "dislike", "like", "dislike"])
    >>> display = IntegratedGradientsDisplay.from_estimator(classifier, texts[:1])
    >>> display.steps
    [['good', 'soup']]
    """

    attributions: Sequence[Array]
    _: KW_ONLY
    feature_names: Sequence[Hashable] | None = None
    steps: Sequence[Sequence[Hashable]] | None = None
    titles: Sequence[str] | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | AnyFrame | None = None,
        *,
        baseline: ArrayLike | None = None,
        target: Hashable | None = None,
        exog: AnyFrame | None = None,
        feature_names: Sequence[Hashable] | None = None,
        ax: AxesLike = None,
    ) -> Self:
        """Compute attributions and plot them.

        Parameters
        ----------
        estimator : RNNRegressor, RNNClassifier, RNNForecaster or Pipeline
            As in :func:`skrnn.inspection.integrated_gradients`. If the last step but one of a
            pipeline is a SequenceVectorizer, words are named.
        X : array-like of shape (n_samples, timesteps, features) or (n_samples, timesteps), or list
            At most 12 samples, as the estimator takes them. For a forecaster, the rows of at most
            12 series; None: those in `fit`.
        baseline : array-like, default=None
            As in :func:`skrnn.inspection.integrated_gradients`.
        target : int, label or tuple, default=None
            As in :func:`skrnn.inspection.integrated_gradients`.
        exog : Series or DataFrame, default=None
            As in :func:`skrnn.inspection.integrated_gradients`.
        feature_names : list of str, default=None
            Names of the features. None: they are numbered, or are the columns of a forecaster.
        ax : matplotlib Axes or list of Axes, default=None
            As in `plot`.

        Returns
        -------
        IntegratedGradientsDisplay
            The display, with its axes in `ax_`.
        """
        load_matplotlib()
        if isinstance(estimator, RNNForecaster):
            table = integrated_gradients(estimator, X, baseline, target, exog=exog)
            return cls(**_by_series(table, feature_names)).plot(ax)
        steps_of = estimator.steps if isinstance(estimator, Pipeline) else []
        vectorizer = steps_of[-2][1] if len(steps_of) > 1 else None
        network, X = last_step(estimator, X)
        _check_few(len(X), "samples", "`X[:3]`")
        found = list(integrated_gradients(network, X, baseline, target, exog=exog))
        titles, steps = _titles(network, X), None
        if isinstance(vectorizer, SequenceVectorizer):
            found, steps = zip(
                *map(_without_padding, *(found, _words(vectorizer, X), X)), strict=True
            )
            found, steps = list(found), list(steps)
        display = cls(found, feature_names=feature_names, steps=steps, titles=titles)
        return display.plot(ax)

    def plot(self, ax: AxesLike = None) -> Self:
        """Plot a heat map of each sample: one row for each feature, one column for each timestep.

        Parameters
        ----------
        ax : matplotlib Axes or list of Axes, default=None
            One for each sample. None: those of a new figure.

        Returns
        -------
        IntegratedGradientsDisplay
            The display, with its axes in `ax_`.
        """
        tables = [
            np.asarray(rows, dtype=float).reshape(len(rows), -1).T for rows in self.attributions
        ]
        n_features = len(tables[0])
        names = range(n_features) if self.feature_names is None else list(self.feature_names)
        if len(names) != n_features:
            raise ValueError(
                f"`feature_names` must hold a name for each of the {n_features} features, got "
                f"{len(names)}. Pass one name for each."
            )
        height = (1.6 if self.steps is None else 2.2) + 0.4 * n_features
        axes = open_axes(self, ax, (len(tables),), size=(8, height * len(tables)))
        largest = max(np.nanmax(np.abs(table)) for table in tables)
        for i, (each, table) in enumerate(zip(axes, tables, strict=True)):
            image = draw_heat_map(each, table, names, largest)
            if self.titles is not None:
                each.set_title(self.titles[i], loc="left", fontsize="medium")
            self._name_axes(each, i, n_features)
        self.figure_.colorbar(image, ax=list(axes), label="Part of the output")
        return self

    def _name_axes(self, ax, i, n_features):
        """Label the axes of a sample, with the names of its timesteps if there are any."""
        if n_features == 1 and self.feature_names is None:
            ax.set_yticks([])
        else:
            ax.set_ylabel("Feature")
        if self.steps is None:
            ax.set_xlabel("Timestep (0: the last)")
            return
        names = list(map(str, self.steps[i]))
        every = -(-len(names) // MOST_TICKS)
        places = range(len(names) - 1, -1, -every)
        ax.set_xticks([k + 1 - len(names) for k in places], [names[k] for k in places], rotation=90)

    def _repr_html_(self):
        """Return sentences with words in the colour of their attributions; None without words."""
        if self.steps is None or np.ndim(self.attributions[0]) != 1:
            return None
        largest = max(np.abs(parts).max(initial=0) for parts in self.attributions) or 1.0
        lines = []
        for i, (parts, words) in enumerate(zip(self.attributions, self.steps, strict=True)):
            title = "" if self.titles is None else f"<b>{escape(self.titles[i])}</b> "
            spans = (_span(word, part, largest) for word, part in zip(words, parts, strict=True))
            lines.append(f"<p>{title}{' '.join(spans)}</p>")
        return f'<div class="skrnn-attributions">{"".join(lines)}</div>'


def _check_few(n_samples, what, remedy):
    """Refuse more heat maps than a figure can show."""
    if n_samples > MOST_SAMPLES:
        raise ValueError(
            f"`X` must hold at most {MOST_SAMPLES} {what} to draw, got {n_samples}. Pass some of "
            f"them, such as {remedy}."
        )


def _by_series(table, feature_names):
    """Return the parameters of a display of the attributions of forecasts, one for each series."""
    levels = list(range(table.index.nlevels - 1))
    groups = [(None, table)]
    if levels:
        groups = list(table.groupby(level=levels if len(levels) > 1 else 0, sort=False))
    _check_few(len(groups), "series", "`target=(1, name)`")
    times = [rows.index.get_level_values(-1).astype(str) for _, rows in groups]
    return {
        "attributions": [rows.to_numpy() for _, rows in groups],
        "feature_names": list(table) if feature_names is None else feature_names,
        "steps": [list(names) for names in times],
        "titles": [str(label) for label, _ in groups] if levels else None,
    }


def _titles(network, X):
    """Return the prediction of each sample as text, or None if it is not a single value."""
    predicted = network.predict(X)
    if np.ndim(predicted) != 1 or np.ndim(predicted[0]):
        return None
    numbers = predicted.dtype.kind == "f"
    return [f"Predicted: {short(value) if numbers else value}" for value in predicted]


def _words(vectorizer, X):
    """Return the name of each token id of each sample; the name of padding is empty."""
    names = ["", vectorizer.oov_token or "", *vectorizer.vocabulary_]
    return [[names[i] for i in np.asarray(row)] for row in X]


def _without_padding(parts, words, ids):
    """Return the attributions and words of a sample without padding of attribution 0."""
    kept = np.flatnonzero((np.asarray(ids) != PADDING) | (parts != 0))
    return parts[kept], [words[i] for i in kept]


def _span(word, part, largest):
    """Return a word as HTML, orange if it adds to the output, purple if it lowers it."""
    color = f"rgba({ABOVE if part > 0 else BELOW},{0.85 * abs(part) / largest:.2f})"
    style = f"background:{color};padding:2px"
    return f'<span style="{style}" title="{part:+.3g}">{escape(str(word))}</span>'
