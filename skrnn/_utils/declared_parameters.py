"""Constructor parameters of estimators, each declared once: its type, default and constraints."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, dataclass_transform

from sklearn.base import BaseEstimator

from skrnn._utils.callback_support import CallbackSupport
from skrnn._utils.sklearn_private import validate_parameter_constraints

if TYPE_CHECKING:
    from typing import Any


def parameter(default: Any, *constraints: object) -> Any:
    """Declare a parameter: its default, and scikit-learn's constraints on its values."""
    return field(default=default, metadata={"constraints": constraints})


@dataclass_transform()
def declare_parameters(cls: type) -> type:
    """Make the constructor of an estimator, and the checks of `fit`, from its declarations.

    The class has no base of scikit-learn's, which has no types: mypy would lose the signature.
    """
    cls = dataclass(eq=False, repr=False)(cls)
    cls._parameter_constraints = {f.name: list(f.metadata["constraints"]) for f in fields(cls)}
    return cls


class DeclaredEstimator(CallbackSupport, BaseEstimator):
    """An estimator that reads its parameters as attributes.

    So a subclass can have a shorter `__init__`: the parameters it leaves out are checked and used
    all the same.
    """

    def _validate_params(self):
        constraints = self._parameter_constraints
        values = {name: getattr(self, name) for name in constraints}
        validate_parameter_constraints(constraints, values, caller_name=type(self).__name__)


def with_parameters(cls, parameters):
    """Return an estimator with these parameters and the defaults of others.

    Of a subclass with a shorter `__init__` too.
    """
    values = {f.name: f.default for f in fields(cls)} | parameters
    estimator = cls.__new__(cls)
    vars(estimator).update(values)
    return estimator
