"""Comparison of the settings of Keras layers."""

from skrnn._convert.keras_chain import kind_of, refusal

# Settings that are read separately, or only affect how a layer starts or how fast it runs.
NOT_COMPARED = set(
    "axis backward_layer dtype input_dim layer mask_value mask_zero mean name offset rate scale "
    "seed unit_forget_bias unroll use_bias use_cudnn variance".split()
)
NOT_COMPARED_WITHOUT_WEIGHTS = NOT_COMPARED | {"trainable"}


def compare_layers(layer, twin, left_out=NOT_COMPARED):
    """Refuse a layer if its settings differ from those of its twin; name the first difference."""
    given, wanted = (
        {"class": kind_of(one), **one.get_config(), "dtype": one.dtype_policy.name}
        for one in (layer, twin)
    )
    for setting in given | wanted:
        if setting in left_out or setting.endswith("_initializer"):
            continue
        got, has = (_shown(config.get(setting)) for config in (given, wanted))
        if got != has:
            raise refusal(
                layer,
                f"it has `{setting}={got}`, but the estimator would have {has} in all such layers.",
            )


def _shown(value):
    """Return a setting as text, with objects by class; an L2 regularizer of zero is None."""
    if not isinstance(value, dict) or "class_name" not in value:
        return repr(value)
    arguments = ", ".join(f"{name}={argument!r}" for name, argument in value["config"].items())
    return "None" if arguments == "l2=0.0" else f"{value['class_name']}({arguments})"
