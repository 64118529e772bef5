"""Losses and optimizers as given by the user: Keras's names, its objects, or dicts.

Keras is not imported here: a user with such an object has imported it already.
"""

import sys

import numpy as np

from skrnn._network.keras_names import LOSSES, OPTIMIZERS, canonical
from skrnn._utils.sklearn_private import StrOptions


def as_parameter(value):
    """Return a Keras loss or optimizer as a name, or as a dict of "name" and settings.

    The dict of an optimizer always holds its learning rate, even if it is Keras's default. Keras's
    classes and functions of losses are converted too. Anything else, such as an object of a
    subclass, is returned unchanged.
    """
    made = value() if isinstance(value, type) and _known("losses", value) else value
    if _known("losses", type(made)):
        settings = changed_settings(made)
        name = canonical(type(made).__name__)
        return {"name": name, **settings} if settings else name
    if _known("losses", value):
        return canonical(value.__name__)
    if _known("optimizers", type(value)):
        settings = changed_settings(value)
        rate = value.get_config()["learning_rate"]
        if isinstance(rate, float):
            rate = float(str(np.float32(rate)))  # 0.001 rather than 0.0010000000474974513
        return {"name": canonical(type(value).__name__)} | settings | {"learning_rate": rate}
    return value


def name_and_settings(value):
    """Return Keras's full name of a loss or an optimizer, or None, and a dict of its settings."""
    value = as_parameter(value)
    settings = dict(value) if isinstance(value, dict) else {"name": value}
    name = settings.pop("name", None)
    return canonical(name) if isinstance(name, str) else None, settings


def changed_settings(thing):
    """Return the settings of an optimizer or loss that differ from those of a new one."""
    default, config = _config(type(thing)()), _config(thing)
    return {key: config[key] for key in config if key != "name" and config[key] != default.get(key)}


def _config(thing):
    # Keras leaves the `delta` of Huber out of its config, and the `axis` of other losses.
    return thing.get_config() | getattr(thing, "_fn_kwargs", {})


def _known(module, thing):
    """Whether an object is in one of Keras's modules, under a name that skrnn knows."""
    module, name = sys.modules.get(f"keras.{module}"), getattr(thing, "__name__", "")
    return canonical(name) in LOSSES | OPTIMIZERS and getattr(module, name, None) is thing


class KerasNames(StrOptions):
    """Constraint, in scikit-learn's sense, of a parameter that is a loss or an optimizer."""

    def is_satisfied_by(self, value):
        return name_and_settings(value)[0] in self.options

    def __str__(self):
        names = ", ".join(map(repr, sorted(self.options)))
        return f"one of {names}: the name, Keras's object, or a dict of 'name' and settings"
