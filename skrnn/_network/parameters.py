"""Parameters: what each one may be, and what they make together, checked without Keras."""

from dataclasses import fields, replace
from numbers import Integral, Real
from os import PathLike

import numpy as np

from skrnn._network.architecture import CELLS, POOLINGS, Architecture
from skrnn._network.config import Settings
from skrnn._network.keras_names import ACTIVATIONS, OPTIMIZERS
from skrnn._preprocessing.vocabulary import UNKNOWN
from skrnn._utils.sklearn_private import Interval, StrOptions

DEFAULT_LEARNING_RATE = 0.01
FLOAT32 = np.finfo(np.float32)

CONSTRAINTS = {
    "cell_type": [StrOptions(set(CELLS)), tuple, list],
    "hidden_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
    "standardize": ["boolean", StrOptions({"X", "y"})],
    "bidirectional": ["boolean"],
    "activation": [StrOptions(set(ACTIVATIONS))],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "recurrent_dropout": [Interval(Real, 0, 1, closed="left")],
    "spatial_dropout": [Interval(Real, 0, 1, closed="left")],
    "kernel_l2": [Interval(Real, 0, None, closed="left")],
    "recurrent_l2": [Interval(Real, 0, None, closed="left")],
    "dense_sizes": [Interval(Integral, 1, None, closed="left"), tuple, list],
    "dense_activation": [StrOptions(set(ACTIVATIONS))],
    "return_sequences": ["boolean"],
    "pooling": [StrOptions({"last", *POOLINGS})],
    "stateful": ["boolean"],
    "vocab_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
    "embedding_dim": [Interval(Integral, 1, None, closed="left")],
    "embedding_init": ["array-like", None],
    "embedding_trainable": ["boolean"],
    "mask_value": [Real, None],
    "loss": [str],
    "optimizer": [StrOptions(set(OPTIMIZERS)), dict],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
    "epochs": [Interval(Integral, 1, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "patience": [Interval(Integral, 0, None, closed="left"), None],
    "min_delta": [Interval(Real, 0, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "callbacks": [list, tuple, callable, None],
    "engine": [StrOptions({"auto", "keras", "numpy"})],
    "device": [str],
    "dtype": [StrOptions({"float32", "float64", "mixed_float16"})],
    "checkpoint_dir": [str, PathLike, None],
    "checkpoint_every": [Interval(Integral, 1, None, closed="left")],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

# Where an optimizer's settings make sense; most that do not Keras takes in silence.
OPTIMIZER_RANGES = {
    name: interval
    for interval, names in [
        (
            Interval(Real, 0, None, closed="neither"),
            "clip_threshold clipnorm clipvalue global_clipnorm loss_scale_factor",
        ),
        (
            Interval(Real, 0, None, closed="left"),
            "adam_lr_ratio adam_weight_decay beta epsilon epsilon_1 epsilon_2 "
            "initial_accumulator_value l1_regularization_strength l2_regularization_strength "
            "l2_shrinkage_regularization_strength rms_rate weight_decay",
        ),
        (Interval(Real, 0, 1, closed="left"), "adam_beta_1 adam_beta_2 beta_1 beta_2"),
        (Interval(Real, 0, 1, closed="both"), "momentum rho"),
        (Interval(Real, None, 0, closed="right"), "beta_2_decay learning_rate_power"),
        (Interval(Integral, 0, None, closed="left"), "warmup_steps"),
        (Interval(Integral, 1, None, closed="left"), "ns_steps"),
        (Interval(Integral, 2, None, closed="left"), "gradient_accumulation_steps"),
    ]
    for name in names.split()
}

# Averaged weights would have to be put in place after the last epoch, and are not.
REFUSED_OPTIMIZER_SETTINGS = {"use_ema", "ema_momentum", "ema_overwrite_frequency"}


def as_layers(value, length, name):
    """Return a parameter that is a value or one value a layer as a tuple of `length`."""
    if isinstance(value, (tuple, list)):
        if len(value) != length:
            raise ValueError(
                f"`{name}` must be one value or one for each of the {length} recurrent layers, got "
                f"{len(value)} values: {value!r}."
            )
        return tuple(value)
    return (value,) * length


def check_sizes(sizes, name):
    """Return layer sizes as a tuple of ints, each at least 1."""
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ValueError(f"`{name}` must hold whole numbers of at least 1, got {size!r}.")
    return tuple(int(size) for size in sizes)


def check_mask_value(mask_value, vocab_size):
    """Refuse a `mask_value` that X cannot hold: infinity, or with token ids what is none."""
    if mask_value is None:
        return
    if vocab_size is None:
        if np.isinf(mask_value):
            raise ValueError(f"`mask_value` must be a finite number or NaN, got {mask_value!r}.")
    elif not isinstance(mask_value, Integral) or not 0 <= mask_value < vocab_size:
        raise ValueError(
            f"`mask_value` must be a token id in [0, {vocab_size}) when `vocab_size` is set, got "
            f"{mask_value!r}."
        )


def settle_vocab_size(parameters, learned):
    """Return parameters whose `vocab_size` is known: in the place of "auto" what was learned.

    Parameters
    ----------
    parameters : dict
        From `get_params`.
    learned : int or None
        None where no token ids have been seen.

    Returns
    -------
    dict
    """
    if parameters["vocab_size"] != "auto":
        return parameters
    if learned is None or learned <= UNKNOWN:
        raise ValueError(
            "`vocab_size='auto'` stands for no number before a fit from new weights on token ids. "
            "Fit first, or pass a number."
        )
    return parameters | {"vocab_size": learned}


def describe(parameters, *, timesteps, features, masked, batch_size, outputs, output_activation):
    """Return the Architecture that an estimator's parameters and its data ask for.

    Parameters
    ----------
    parameters : dict
        From `get_params`, `vocab_size` settled.
    timesteps, features, masked, outputs, output_activation
        As in Architecture.
    batch_size : int
        Becomes part of the network if it is stateful.

    Returns
    -------
    Architecture
    """
    sizes = parameters["hidden_size"]
    cells = parameters["cell_type"]
    layered = [len(value) for value in (sizes, cells) if isinstance(value, (tuple, list))]
    n_layers = layered[0] if layered else 1
    if n_layers == 0:
        raise ValueError("`hidden_size` and `cell_type` must name at least one layer, got ().")
    cell_types = as_layers(cells, n_layers, "cell_type")
    for cell_type in cell_types:
        if not isinstance(cell_type, str) or cell_type not in CELLS:
            raise ValueError(f"`cell_type` must be among {sorted(CELLS)}, got {cell_type!r}.")
    pooling = parameters["pooling"]
    if pooling != "last" and parameters["return_sequences"]:
        raise ValueError(
            "`pooling` must be 'last' with `return_sequences=True`, which has an output for every "
            f"timestep, got {pooling!r}. Leave out one of them."
        )
    tokens = parameters["vocab_size"] is not None
    return Architecture(
        cell_types=cell_types,
        units=check_sizes(as_layers(sizes, n_layers, "hidden_size"), "hidden_size"),
        bidirectional=bool(parameters["bidirectional"]),
        activation=parameters["activation"],
        dropout=float(parameters["dropout"]),
        recurrent_dropout=float(parameters["recurrent_dropout"]),
        return_sequences=bool(parameters["return_sequences"]),
        dense_sizes=check_sizes(parameters["dense_sizes"], "dense_sizes"),
        dense_activation=parameters["dense_activation"],
        timesteps=timesteps,
        features=features,
        outputs=tuple(outputs),
        output_activation=output_activation,
        vocab_size=int(parameters["vocab_size"]) if tokens else None,
        embedding_dim=int(parameters["embedding_dim"]) if tokens else None,
        masked=masked,
        stateful=bool(parameters["stateful"]),
        batch_size=batch_size if parameters["stateful"] else None,
        dtype=parameters["dtype"],
        pooling=pooling,
        kernel_l2=float(parameters["kernel_l2"]),
        recurrent_l2=float(parameters["recurrent_l2"]),
        spatial_dropout=float(parameters["spatial_dropout"]),
        embedding_trainable=bool(parameters["embedding_trainable"]) or not tokens,
    )


def describe_shape(parameters, input_shape, *, outputs, output_activation):
    """Return the Architecture for an input shape alone, without data.

    Parameters
    ----------
    parameters : dict
        From `get_params`, `vocab_size` settled.
    input_shape : tuple
        (timesteps, features), or (batch, timesteps, features) with a fixed batch; with
        `vocab_size` (timesteps,) too.
    outputs, output_activation
        As in Architecture.

    Returns
    -------
    Architecture
    """
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else ()
    if parameters["vocab_size"] is not None and len(shape) == 1:
        shape = (*shape, 1)
    sizes = [size for size in shape if size is not None]
    if (
        len(shape) not in (2, 3)
        or shape[-1] is None
        or not all(isinstance(size, Integral) and size > 0 for size in sizes)
    ):
        raise ValueError(
            "`input_shape` must be (timesteps, features) or (batch, timesteps, features), whole "
            f"numbers above 0 or None for any number of timesteps, got {input_shape!r}."
        )
    if parameters["vocab_size"] is not None and shape[-1] != 1:
        raise ValueError(
            "`input_shape` must have one feature, the token id, when `vocab_size` is set, got "
            f"{input_shape!r}."
        )
    batch_size = shape[0] if len(shape) == 3 else None
    if parameters["stateful"] and batch_size is None:
        raise ValueError(
            "`input_shape` must be (batch, timesteps, features) with `stateful=True`, got "
            f"{input_shape!r}."
        )
    architecture = describe(
        parameters,
        timesteps=shape[-2],
        features=shape[-1],
        masked=parameters["mask_value"] is not None,
        batch_size=batch_size,
        outputs=outputs,
        output_activation=output_activation,
    )
    return replace(architecture, batch_size=batch_size)


def read_settings(parameters, loss, batch_size):
    """Return the Settings that an estimator's parameters ask for.

    Parameters
    ----------
    parameters : dict
        From `get_params`.
    loss : str
        Keras's full name.
    batch_size : int

    Returns
    -------
    Settings
    """
    optimizer, rate = parameters["optimizer"], parameters["learning_rate"]
    config = dict(optimizer) if isinstance(optimizer, dict) else {"name": optimizer}
    name = config.pop("name", None)
    if not isinstance(name, str) or name not in OPTIMIZERS:
        raise ValueError(
            "`optimizer` must be a Keras optimizer's name, or a dict whose 'name' is one: "
            f"{', '.join(sorted(OPTIMIZERS))}. Got {optimizer!r}."
        )
    if "learning_rate" in config:
        rate = _sole_rate(rate, config.pop("learning_rate"))
    least, most = (float(limit) for limit in (FLOAT32.tiny, FLOAT32.max))
    if rate is not None and not least <= rate <= most:
        raise ValueError(
            f"`learning_rate`, or that of `optimizer`, must be a float32 in [{least:.3g}, "
            f"{most:.3g}], got {rate!r}."
        )
    for key, value in config.items():
        if not isinstance(key, str):
            raise ValueError(f"`optimizer` must have strings as names of settings, got {key!r}.")
        if key in REFUSED_OPTIMIZER_SETTINGS:
            raise ValueError(f"`optimizer` has the setting {key!r}, which skrnn does not support.")
        if not isinstance(value, (Real, type(None))):
            raise ValueError(
                f"`optimizer` must have numbers, booleans or None as settings, got {key}={value!r}."
            )
        if value is not None and key in OPTIMIZER_RANGES:
            _check_range(key, value)
    return Settings(loss, name, tuple(sorted(config.items())), rate, batch_size)


def _sole_rate(rate, in_optimizer):
    """Return the learning rate in `optimizer`, which wins over the default parameter alone."""
    if rate is not None and rate != DEFAULT_LEARNING_RATE:
        raise ValueError(
            f"`learning_rate` is given twice: {rate} as a parameter, and {in_optimizer} in "
            "`optimizer`. Keep one of them."
        )
    real = isinstance(in_optimizer, Real) and not isinstance(in_optimizer, bool)
    if not real or not 0 < in_optimizer < np.inf:
        raise ValueError(
            "`optimizer` must have a `learning_rate` that is a number above 0, got "
            f"{in_optimizer!r}."
        )
    return in_optimizer


def _check_range(key, value):
    interval = OPTIMIZER_RANGES[key]
    if isinstance(value, bool) or not interval.is_satisfied_by(value):
        raise ValueError(f"`optimizer` must have as {key} {interval}, got {key}={value!r}.")


def check_resumed(now, before):
    """Refuse to continue a fitted network as another network, or with another optimizer.

    Parameters
    ----------
    now, before : (Architecture, Settings, mask_value, standardize)
    """
    words = {"cell_types": "cell_type", "units": "hidden_size"}
    changed = [
        words.get(field.name, field.name)
        for field in fields(Architecture)
        if getattr(now[0], field.name) != getattr(before[0], field.name)
    ]
    changed += [
        name for name in ("loss", "optimizer") if getattr(now[1], name) != getattr(before[1], name)
    ]
    if str(now[2]) != str(before[2]):  # NaN is not equal to itself
        changed.append("mask_value")
    if now[3] != before[3]:
        changed.append("standardize")
    if changed:
        raise ValueError(
            f"The fitted network cannot be continued: {', '.join(changed)} changed since. Set "
            "`warm_start=False`, or clone the estimator, to begin anew."
        )
