"""All imports from private modules of scikit-learn, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.base import _fit_context
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.multiclass import _check_partial_fit_first_call as check_partial_fit_first_call
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

if TYPE_CHECKING:
    from collections.abc import Callable

    from skrnn._types import Method

CURVE_SCORER = "_curve_scorer"  # of a fitted TunedThresholdClassifierCV, made of its `scoring`

__all__ = [
    "CURVE_SCORER",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "RealNotInt",
    "StrOptions",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "fit_context",
    "is_scorer",
    "scorer_parts",
    "set_curve_scorer",
    "validate_parameter_constraints",
]


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """Validate parameters before a method; type checkers keep its signature."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def is_scorer(value):
    """Whether a value is a scorer, as from `make_scorer`."""
    return isinstance(value, _BaseScorer)


def scorer_parts(scorer):
    """Return a scorer's metric function, sign, arguments, and whether it takes probabilities."""
    responses = scorer._response_method
    responses = [responses] if isinstance(responses, str) else responses
    of_probabilities = "predict" not in responses
    return scorer._score_func, scorer._sign, scorer._kwargs, of_probabilities


def set_curve_scorer(tuned):
    """Set the scorer of a fitted TunedThresholdClassifierCV, as its `fit` does."""
    setattr(tuned, CURVE_SCORER, tuned._get_curve_scorer())
