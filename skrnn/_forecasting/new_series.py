"""Forecasts of series that `fit` has not seen, by the model learned from others."""

import warnings
from dataclasses import replace

import numpy as np

from skrnn._forecasting.error_units import adapt_residuals
from skrnn._forecasting.linear_model import fit_series_scales
from skrnn._forecasting.read_series import read_panel
from skrnn._forecasting.target_transform import check_transformed, standardize_series
from skrnn._preprocessing.time_index import first_few


def read_new_panel(series, known, *, gaps):
    """Read series at the step of a Panel `known`, and return their Panel, without `exog`."""
    panel = read_panel(series, known=known, gaps=gaps)
    if panel.empty:
        warnings.warn(
            f"`series` holds only NaN for {first_few(list(map(repr, panel.empty)))}, which will "
            "have no forecast. Leave it out of `series`, or pass its values.",
            stacklevel=4,
        )
    of_exog = "exog_names", "exog_categories", "past_exog", "own_exog"
    return replace(panel, **{name: getattr(known, name) for name in of_exog})


def adapt_model(model, known, panel, static):
    """Return a GlobalModel with the scales of the series of a Panel, from their known rows.

    `known` is the Panel that the model was fitted to, `static` is (n_series, n_static). Networks
    and ridges stay those of the model.
    """
    level = model.plan.level
    shorter = model.shorter and adapt_model(model.shorter, known, panel, static)
    if shorter is None:
        _check_lengths(model, panel)
    check_transformed(level.transformer, panel.values, panel.times)
    n_series = len(panel)
    standardized = level.means.any() or (level.deviations != 1).any()
    level = replace(level, means=np.zeros(n_series), deviations=np.ones(n_series))
    level = standardize_series(level, panel.values) if standardized else level
    model = replace(
        model,
        plan=replace(model.plan, level=level, static=static),
        shorter=shorter,
        baseline=_adapt_baseline(model.baseline, level, known, panel),
    )
    return adapt_residuals(model, panel)


def _check_lengths(model, panel):
    short = np.flatnonzero(panel.lengths < model.min_history)
    if len(short):
        label, n_rows = panel.labels[short[0]], panel.lengths[short[0]]
        place = "" if label is None else f" {label!r}"
        linear = "`baseline='ridge'` and " if model.min_history > model.plan.min_history else ""
        raise ValueError(
            f"Series{place} must have at least {model.min_history} rows, which a forecast reads, "
            f"got {n_rows}. Pass more rows, or fit with {linear}a "
            "shorter `timesteps`."
        )


def _adapt_baseline(baseline, level, known, panel):
    if baseline is None:
        return None
    rows = [level.transform(values, k)[level.n_before :] for k, values in enumerate(panel.values)]
    scales = fit_series_scales(rows, level.means, level.deviations)
    in_logs = any(candidate.unit == "logarithms" for candidate in baseline.chosen)
    if in_logs and not len(scales.log_deviations) and any(map(len, rows)):
        k = int(np.argmin(scales.least))
        lowest = np.nanmin(rows[k]) * level.deviations[k] + level.means[k]
        raise ValueError(
            "`series` must be positive, because the forecast learned in `fit` reads logarithms, "
            f"got {lowest:g} in series {panel.labels[k]!r}. Fit with such a series, or leave it "
            "out."
        )
    # Seasons are counted from the first row of all series in `fit`.
    first = int(np.argmin(baseline.positions))
    both = known.take([first])
    both = replace(both, times=both.times + panel.times, values=both.values + panel.values)
    positions = both.starts - both.starts[0] + baseline.positions[first]
    return replace(baseline, scales=scales, positions=positions[1:])
