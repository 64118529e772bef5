"""Declaration of constructor parameters, each with its type, default and constraints."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, dataclass_transform

from sklearn.base import BaseEstimator, clone

from skrnn._utils.callback_support import CallbackSupport
from skrnn._utils.pandas_records import PANDAS
from skrnn._utils.records import VALUES, Codec, from_record, keep, to_record
from skrnn._utils.sklearn_private import (
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)

if TYPE_CHECKING:
    from typing import Any, ClassVar, Self

    from skrnn._types import Method


REQUESTS = "_metadata_request"


def parameter(default: Any, *constraints: object) -> Any:
    """Declare a parameter with its default and scikit-learn's constraints on its values."""
    return field(default=default, metadata={"constraints": constraints})


@dataclass_transform()
def declare_parameters(cls: type) -> type:
    """Make the constructor of an estimator, and the checks of `fit`, from its declarations.

    The class must not have a base from scikit-learn, which has no type annotations: mypy would lose
    the signature.
    """
    cls = dataclass(eq=False, repr=False)(cls)
    cls._parameter_constraints = {f.name: list(f.metadata["constraints"]) for f in fields(cls)}
    return cls


def renamed(function: FunctionType, name: str) -> FunctionType:
    """Return a copy of a function with another name in Python's error messages."""
    parts = function.__code__, function.__globals__, function.__name__, function.__defaults__
    copied = FunctionType(*parts, function.__closure__)
    copied.__kwdefaults__, copied.__qualname__ = function.__kwdefaults__, name
    copied.__annotations__ = function.__annotations__
    return copied


def explain_keywords(method: Method) -> Method:
    """Explain where to pass a parameter that was passed to a method by mistake."""
    arguments = [*signature(method).parameters][1:]

    @wraps(method)
    def explaining(self, *args, **kwargs):
        for name in kwargs:
            if name in arguments:
                continue
            kind, settings = type(self).__name__, self.get_params(deep=True)
            known = sorted((key for key in settings if key.split("__")[-1] == name), key=len)
            remedy = f"Its arguments are {', '.join(arguments)}."
            if known:
                remedy = f"Set it first, with `set_params({known[0]}={kwargs[name]!r})`."
                if known[0] == name:
                    remedy = f"Pass it to the constructor, `{kind}({name}={kwargs[name]!r})`."
            raise TypeError(f"`{method.__name__}` of {kind} takes no argument `{name}`. {remedy}")
        return method(self, *args, **kwargs)

    return explaining


def plain_requests(state):
    """Return a state with the requests of `set_fit_request` as dicts, without the estimator."""
    if REQUESTS not in state:
        return state
    methods = vars(state[REQUESTS]).items()
    return state | {REQUESTS: {name: dict(m.requests) for name, m in methods if name != "owner"}}


def restore_requests(estimator, requests):
    """Set the requests from `plain_requests`, as `set_fit_request` and its siblings do."""
    if requests:
        routing = estimator.get_metadata_routing()
        for method, asked in requests.items():
            for name, alias in asked.items():
                getattr(routing, method).add_request(param=name, alias=alias)
        setattr(estimator, REQUESTS, routing)


def _meant(constraints, values):
    """Return in words the option that an invalid string is close to."""
    for name, value in values.items():
        options = {o for c in constraints[name] if isinstance(c, StrOptions) for o in c.options}
        close = get_close_matches(value.lower(), options, 1) if isinstance(value, str) else []
        if close and value not in options:
            return f" Did you mean {close[0]!r}?"
    return ""


def _check_copies(name, value):
    """Refuse a value that `clone` cannot copy; nested estimators check their own parameters."""
    try:
        clone(value, safe=False)
    except Exception as error:
        if hasattr(value, "get_params"):
            raise
        raise TypeError(
            f"`{name}` must be an object that can be copied, because `clone`, pipelines and "
            f"searches copy parameters, got {type(value).__name__}: {error}. Pass a function that "
            "creates or calls it: functions are shared, not copied."
        ) from error


class DeclaredEstimator(CallbackSupport, BaseEstimator):
    """An estimator that reads its parameters as attributes.

    A subclass can therefore have a shorter `__init__`: the parameters that it leaves out are still
    checked and used. In the state, which skops and pickle store, plain values and arrays replace
    the objects that have a Codec. Other estimators in the state are unchanged.
    """

    _codecs: ClassVar[dict[str, Codec]] = PANDAS | VALUES

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__init__" not in vars(cls) and isinstance(cls.__init__, FunctionType):
            cls.__init__ = renamed(cls.__init__, f"{cls.__name__}.__init__")

    def __getstate__(self) -> dict[str, Any]:
        state = plain_requests(super().__getstate__())
        return {name: to_record(value, self._codecs, name, keep) for name, value in state.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        known = {name: from_record(value, self._codecs) for name, value in state.items()}
        requests = known.pop(REQUESTS, {})
        super().__setstate__(known)
        restore_requests(self, requests)

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator, and of estimators in its parameters.

        Parameters
        ----------
        **params : dict
            Values by name. ``name__other=value`` sets the parameter `other` of the estimator in the
            parameter `name`.

        Returns
        -------
        self
            The same estimator.
        """
        for name in params:
            outer, _, inner = name.partition("__")
            value = params.get(outer, getattr(self, outer, None))
            if inner and outer in self._parameter_constraints and not hasattr(value, "set_params"):
                raise ValueError(
                    f"`{name}` must name a parameter of an estimator in `{outer}`, got {value!r} "
                    f"there. Set `{outer}` whole: a grid takes a list of its values, such as "
                    f"[{{{inner!r}: ...}}, ...]."
                )
        return super().set_params(**params)

    def _validate_params(self):
        constraints = self._parameter_constraints
        values = {name: getattr(self, name) for name in constraints}
        try:
            validate_parameter_constraints(constraints, values, caller_name=type(self).__name__)
        except InvalidParameterError as error:
            raise InvalidParameterError(f"{error}{_meant(constraints, values)}") from None

    def __sklearn_clone__(self):
        """Clone as scikit-learn does; errors name the parameter that cannot be copied."""
        try:
            return super().__sklearn_clone__()
        except Exception:
            for name, value in self.get_params(deep=False).items():
                _check_copies(name, value)
            raise


def with_parameters(cls, parameters):
    """Return an estimator with these parameters, and defaults for the others.

    This works for a subclass with a shorter `__init__` too.
    """
    values = {f.name: f.default for f in fields(cls)} | parameters
    estimator = cls.__new__(cls)
    vars(estimator).update(values)
    return estimator
