"""Records of transformed targets: scikit-learn's regressor for them, and its functions."""

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import FunctionTransformer

from skrnn._persistence.estimators import estimator_entry, is_estimator
from skrnn._persistence.networks import is_a, is_size, or_none
from skrnn._persistence.records import Entry

UFUNCS = {
    name: getattr(np, name)
    for name in "log exp log1p expm1 log2 exp2 sqrt square arcsinh sinh".split()
}
FUNCTIONS = dict.fromkeys(("func", "inverse_func"), or_none(is_a(np.ufunc)))
REGRESSORS = {
    "regressor": or_none(is_estimator),
    "transformer": or_none(is_estimator),
    "transformer_": is_estimator,
    "regressor_": is_estimator,
    "_training_dim": is_size,
}


def _take_ufunc_apart(ufunc):
    if UFUNCS.get(ufunc.__name__) is not ufunc:
        raise ValueError(f"{ufunc.__name__} is not among {', '.join(UFUNCS)}.")
    return {"name": ufunc.__name__}


TARGETS = {
    "TransformedTargetRegressor": estimator_entry(
        TransformedTargetRegressor, FUNCTIONS | REGRESSORS
    ),
    # What TransformedTargetRegressor makes of its functions.
    "FunctionTransformer": estimator_entry(FunctionTransformer, FUNCTIONS),
    "ufunc": Entry(np.ufunc, _take_ufunc_apart, lambda name: UFUNCS[name]),
}
