"""Panel: one or many series as plain arrays, and their conversion back to pandas."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd

from skrnn._forecasting.categories import n_columns
from skrnn._preprocessing.time_grid import index_after, index_until, steps_until


@dataclass(frozen=True, eq=False)
class Panel:
    """One or many series, each with its own first and last time.

    `form` is the form of the data they were read from: "series", "wide", "long" or "long frame".
    """

    form: Literal["series", "wide", "long", "long frame"]
    # of the column of values, or of the columns of a wide frame; a tuple for several levels
    name: Any
    level_names: list  # names of the levels of the index
    labels: list  # names of the series
    times: list  # of each series, regular and without gaps
    values: list  # (n_rows,) in float64 for each series, NaN where missing
    step: pd.tseries.offsets.BaseOffset | pd.Timedelta | int  # from one time to the next
    exog: list = ()  # (n_rows, n_exog) for each series
    exog_names: list = ()
    # of the columns in `exog_names` that hold categories, which have (n_exog,) columns in all
    exog_categories: dict[Any, list] = field(default_factory=dict)
    past_exog: list = ()  # names in `exog_names` that are known until the cutoff only
    own_exog: bool = False  # whether `exog` came with a (series, time) MultiIndex
    empty: list = field(default_factory=list)  # names of series without a value

    def __len__(self):
        return len(self.labels)

    @property
    def lengths(self):
        return np.array([len(values) for values in self.values])

    @property
    def instants(self):
        """Times one step apart, up to the end of the series that ends last."""
        first = min(self.times, key=lambda rows: rows[0])[:1]
        last = max(self.times, key=lambda rows: rows[-1])
        n_steps = steps_until(first, self.step, last[-1], n_rows=self.lengths.sum())
        return index_until(last, self.step, n_steps + 1)

    @property
    def starts(self):
        """Steps from the first time of all series to the first time of each."""
        first = min(self.times, key=lambda rows: rows[0])[:1]
        n_rows = self.lengths.sum()
        return np.array(
            _shared(lambda rows: steps_until(first, self.step, rows[0], n_rows=n_rows), self.times)
        )

    @property
    def cutoffs(self):
        """Time of the last row of each series."""
        return self.by_series([times[-1] for times in self.times])

    @property
    def future_exog(self):
        """Names of the columns of `exog` that are known in advance."""
        return [name for name in self.exog_names if name not in self.past_exog]

    @property
    def exog_sources(self):
        """Name of the source column in `exog` of each numeric column."""
        widths = n_columns(self.exog_names, self.exog_categories)
        return [
            name for name, width in zip(self.exog_names, widths, strict=True) for _ in range(width)
        ]

    @property
    def is_past(self):
        """Which columns of `exog` are known until the cutoff only, (n_exog,)."""
        return np.array([name in self.past_exog for name in self.exog_sources], dtype=bool)

    def by_series(self, values):
        """Return one value for each series as a pandas Series."""
        return pd.Series(values, index=_label_index(self.labels))

    def take(self, positions):
        """Return the series at `positions`."""
        lists = {
            name: [getattr(self, name)[i] for i in positions]
            for name in ("labels", "times", "values", "exog")
            if len(getattr(self, name))
        }
        return replace(self, **lists)

    def head(self, lengths):
        """Return the first `lengths[k]` rows of each series."""
        return self._cut(lambda rows, n: rows[:n], lengths)

    def skip(self, counts):
        """Return all but the first `counts[k]` rows of each series."""
        return self._cut(lambda rows, n: rows[n:], counts)

    def _cut(self, cut, numbers):
        parts = {
            name: [cut(rows, n) for rows, n in zip(getattr(self, name), numbers, strict=True)]
            for name in ("values", "exog")
            if len(getattr(self, name))
        }
        return replace(self, times=_shared(cut, self.times, numbers), **parts)

    def future_times(self, n_steps):
        """Return the `n_steps` times after the last one of each series."""
        return _shared(lambda rows: index_after(rows, self.step, n_steps), self.times)

    def extended(self, times, values, exog):
        """Return the Panel with more rows at the end of each series."""
        return replace(
            self,
            times=_shared(
                lambda rows, more: rows.append(more) if len(more) else rows, self.times, times
            ),
            values=[np.concatenate(pair) for pair in zip(self.values, values, strict=True)],
            exog=[np.concatenate(pair) for pair in zip(self.exog, exog, strict=True)],
        )


def encode_panel(panel):
    """Return the fields of a Panel, with the rows of all series joined and shared times once."""
    distinct = {id(times): times for times in panel.times}
    places = {key: place for place, key in enumerate(distinct)}
    return vars(panel) | {
        "times": list(distinct.values()),
        "times_of": [places[id(times)] for times in panel.times],
        "values": np.concatenate(panel.values),
        "exog": np.concatenate(panel.exog),
    }


def decode_panel(times, times_of, values, exog, **fields):
    """Return the Panel that `encode_panel` was given."""
    of_series = [times[place] for place in times_of]
    bounds = np.cumsum([0, *map(len, of_series)], dtype=object)
    rows = [slice(*pair) for pair in pairwise(bounds)]
    return Panel(
        times=of_series,
        values=[values[part] for part in rows],
        exog=[exog[part] for part in rows],
        **fields,
    )


def _shared(function, *lists):
    """Apply a function to each row of lists; series with shared times share the result."""
    made = {}
    answers = []
    for row in zip(*lists, strict=True):
        key = tuple(id(item) if isinstance(item, pd.Index) else int(item) for item in row)
        if key not in made:
            made[key] = function(*row)
        answers.append(made[key])
    return answers


def to_pandas(panel, times, columns):
    """Return values of a panel's series in the form of the data that the panel was read from.

    `times` and `columns` hold one item for each series. `columns` may be a dict of such lists,
    which gives one column for each name.
    """
    by_name = isinstance(columns, dict)
    tables = [
        np.column_stack([values[k] for values in columns.values()]) if by_name else columns[k]
        for k in range(len(panel))
    ]
    names = list(columns) if by_name else None
    if panel.form == "series":
        if by_name:
            return pd.DataFrame(tables[0], index=times[0], columns=names)
        return pd.Series(tables[0], index=times[0], name=panel.name)
    if panel.form == "wide":
        return _wide(panel, times, tables, names)
    labels = _label_index(panel.labels)
    if len(panel.level_names) > 2:
        labels = pd.MultiIndex.from_tuples(panel.labels)
    of_rows = labels.take(np.repeat(np.arange(len(panel)), [len(rows) for rows in times]))
    index = pd.MultiIndex.from_arrays(
        [
            *(of_rows.get_level_values(level) for level in range(of_rows.nlevels)),
            times[0].append(list(times[1:])),
        ],
        names=panel.level_names,
    )
    values = np.concatenate(tables)
    if by_name:
        return pd.DataFrame(values, index=index, columns=names)
    series = pd.Series(values, index=index, name=panel.name)
    return series if panel.form == "long" else series.to_frame()


def _label_index(labels):
    return pd.Index(labels, tupleize_cols=False)


def all_times(times):
    """Return the union of the times of series."""
    union = times[0]
    for other in times[1:]:
        union = union if other is union else union.union(other)
    return union


def _wide(panel, times, tables, names):
    """Return a wide frame: one column, or block of columns, for each series, on all their times."""
    shared = all_times(times).rename(panel.level_names[0])
    width = 1 if names is None else len(names)
    values = np.full((len(shared), len(panel), width), np.nan)
    for k, (rows, table) in enumerate(zip(times, tables, strict=True)):
        values[shared.get_indexer(rows), k] = table.reshape(len(rows), width)
    values = values.reshape(len(shared), -1)
    return pd.DataFrame(values, index=shared, columns=_wide_columns(panel, names))


def _wide_columns(panel, names):
    """Return the columns of a wide frame, with `names` as their last level."""
    name, labels = panel.name, panel.labels
    if isinstance(name, tuple) and all(isinstance(label, tuple) for label in labels):
        ends = [()] if names is None else [(name,) for name in names]
        keys = [(*label, *end) for label in labels for end in ends]
        return pd.MultiIndex.from_tuples(keys, names=[*name, *([None] if names else [])])
    labels = _label_index(labels).rename(name)
    if names is None:
        return labels
    return pd.MultiIndex.from_product([labels, names], names=[name, None])
