"""Keras's names for activations, losses and optimizers, without importing Keras."""

ACTIVATIONS = frozenset(
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu "
    "linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus "
    "softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink "
    "threshold".split()
)

# glu halves the width of its layer, so it cannot close a layer of `hidden_size` units.
REFUSED_ACTIVATIONS = frozenset({"glu"})

LOSS_ALIASES = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
LOSS_ALIASES |= {alias.upper(): name for alias, name in LOSS_ALIASES.items()}

# Losses of a target that must not be negative: y is not standardized, and the output is a softplus.
POSITIVE_LOSSES = frozenset({"kl_divergence", "mean_squared_logarithmic_error", "poisson"})

# Losses that depend on the target's own zero or scale: y is not standardized.
UNSCALED_LOSSES = POSITIVE_LOSSES | frozenset(
    "cosine_similarity hinge mean_absolute_percentage_error squared_hinge".split()
)

REGRESSION_LOSSES = POSITIVE_LOSSES | frozenset(
    "cosine_similarity hinge huber log_cosh mean_absolute_error mean_absolute_percentage_error "
    "mean_squared_error squared_hinge".split()
)

# The pinball loss of several quantiles, which Keras does not have.
QUANTILE_LOSS = "quantile"

SIGMOID_LOSSES = frozenset(
    "binary_crossentropy binary_focal_crossentropy mean_absolute_error mean_squared_error".split()
)

SPARSE_LOSSES = frozenset({"sparse_categorical_crossentropy"})

SOFTMAX_LOSSES = SPARSE_LOSSES | frozenset(
    "categorical_crossentropy categorical_focal_crossentropy categorical_hinge kl_divergence "
    "mean_absolute_error mean_squared_error".split()
)

# Losses that fit only rows of class probabilities, such as one-hot labels.
ONE_HOT_LOSSES = SOFTMAX_LOSSES - SPARSE_LOSSES - SIGMOID_LOSSES

# They give no value per sample (circle, dice, tversky), or do not fit these targets (ctc).
REFUSED_LOSSES = frozenset({"circle", "ctc", "dice", "tversky"})

OPTIMIZERS = frozenset(
    "adadelta adafactor adagrad adam adamax adamw ftrl lion muon nadam rmsprop "
    "schedulefreeadamw sgd".split()
)

# Wrappers around another optimizer, and the abstract base class.
REFUSED_OPTIMIZERS = frozenset(
    {"lossscaleoptimizer", "multioptimizer", "optimizer", "optimizermap"}
)


LOSSES = REGRESSION_LOSSES | SIGMOID_LOSSES | SOFTMAX_LOSSES | {QUANTILE_LOSS}
_NAMES = {name.replace("_", ""): name for name in LOSSES | OPTIMIZERS} | LOSS_ALIASES


def canonical(name):
    """Return Keras's full name of a loss or an optimizer, in lower case.

    `name` is an alias such as "mse", a class such as "MeanSquaredError" or "Adam", or the name.
    """
    return _NAMES.get(name.replace("_", "").lower(), name)


def with_aliases(losses):
    """Return these losses and all their aliases."""
    return losses | {alias for alias, name in LOSS_ALIASES.items() if name in losses}
