"""Docstrings pass numpydoc's checks but those that scikit-learn's own test leaves out."""

import inspect

import pytest

import skrnn
import skrnn.inspection

MODULES = (skrnn, skrnn.inspection, skrnn.metrics, skrnn.cells)
# Of Python and pandas, which have docstrings of their own.
FOREIGN = ("builtins", "pandas")


def owner(kind, name):
    """Return the class, of all bases of one, that defines a member."""
    return next(base for base in kind.__mro__ if name in vars(base))


def documented():
    """Return (path, class, method) of public objects as scikit-learn's test has them."""
    found = []
    for module in MODULES:
        for name in module.__all__:
            value, path = getattr(module, name), f"{module.__name__}.{name}"
            if inspect.isfunction(value):
                found.append((path, None, "function"))
            if not inspect.isclass(value):
                continue
            found.append((path, value, None))
            for member in filter(lambda member: not member.startswith("_"), dir(value)):
                own = not owner(value, member).__module__.startswith(FOREIGN)
                if own and (callable(each := getattr(value, member)) or isinstance(each, property)):
                    found.append((f"{path}.{member}", value, member))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "kind", "method"), [pytest.param(*row, id=row[0]) for row in documented()]
)
def test_docstring_is_complete_by_the_rules_of_scikit_learn(path, kind, method):
    validate = pytest.importorskip("numpydoc.validate").validate
    from sklearn.tests.test_docstrings import filter_errors

    assert list(filter_errors(validate(path)["errors"], method, kind)) == []
