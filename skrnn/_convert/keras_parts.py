"""The parts of a Keras model as an estimator's parameters, constants and states."""

import sys

import numpy as np

from skrnn._convert.keras_config import (
    CELL_TYPES,
    POOLING_NAMES,
    common_setting,
    kind_of,
    read_activation,
    read_settings_of,
    refusal,
)

SHARED_SETTINGS = "bidirectional", "activation", "dropout", "recurrent_dropout", "stateful"
REGULARIZERS = {"kernel_l2": "kernel_regularizer", "recurrent_l2": "recurrent_regularizer"}
MIN_DEVIATION = 1e-7  # Normalization takes a smaller deviation for this


def read_dtype(layers):
    *hidden, output = dtypes = [layer.dtype_policy.name for layer in layers]
    if output == "float32" and set(hidden) == {"mixed_float16"}:
        return {"dtype": "mixed_float16"}
    for layer, dtype in zip(layers, dtypes, strict=True):
        if dtype not in ("float32", "float64"):
            raise refusal(
                layer,
                "it must compute in float32 or float64, or in mixed_float16 before an output layer "
                f"in float32, got {dtype}.",
            )
    return {"dtype": common_setting(layers, "dtype", dtypes)}


def read_input(layers):
    """Return the parameters of Masking and Embedding."""
    parameters = {}
    for layer in layers["mask"]:
        mask_value = read_settings_of(layer, "mask_value")["mask_value"]
        if np.ndim(mask_value) or np.isnan(mask_value):
            raise refusal(layer, f"`mask_value` must be a number, got {mask_value!r}.")
        parameters["mask_value"] = mask_value
    for layer in layers["embedding"]:
        if layers["mask"] or layers["input_scaling"]:
            raise refusal(layer, "it must come first, for token ids are not scaled.")
        config = read_settings_of(layer, "input_dim", "output_dim", "mask_zero", "trainable")
        parameters["vocab_size"] = config["input_dim"]
        parameters["embedding_dim"] = config["output_dim"]
        parameters["embedding_trainable"] = config["trainable"]
        parameters["mask_value"] = 0 if config["mask_zero"] else None
    return parameters


def read_spatial_dropout(layers):
    """Return the parameters of a SpatialDropout1D layer."""
    rates = [read_settings_of(layer, "rate")["rate"] for layer in layers]
    return {"spatial_dropout": rates[0]} if rates else {}


def read_recurrent(layers):
    """Return the parameters of the recurrent layers."""
    configs = [_read_cell(layer) for layer in layers]
    cells, sizes = (tuple(config[key] for config in configs) for key in ("cell_type", "units"))
    shared = {
        setting: common_setting(layers, setting, [config[setting] for config in configs])
        for setting in (*SHARED_SETTINGS, *REGULARIZERS)
    }
    return {
        "cell_type": cells[0] if len(set(cells)) == 1 else cells,
        "hidden_size": sizes[0] if len(sizes) == 1 else sizes,
        "return_sequences": configs[-1]["return_sequences"],
        **shared,
    }


def _read_cell(layer):
    """Return the settings of a recurrent layer, of one direction or two."""
    if kind_of(layer) != "Bidirectional":
        return _read_direction(layer) | {"bidirectional": False}
    merge_mode = read_settings_of(layer, "layer", "backward_layer", "merge_mode")["merge_mode"]
    if merge_mode != "concat":
        raise refusal(layer, f"`merge_mode` must be 'concat', got {merge_mode!r}.")
    forward, backward = layer.forward_layer, layer.backward_layer
    for inner in (forward, backward):
        if kind_of(inner) not in CELL_TYPES:
            raise refusal(
                layer, f"it must hold one of {', '.join(CELL_TYPES)}, got {type(inner).__name__}."
            )
    config = _read_direction(forward, "zero_output_for_mask")  # Bidirectional sets it
    if _read_direction(backward, "zero_output_for_mask", "go_backwards") != config:
        raise refusal(layer, "its backward layer must be like the forward one.")
    return config | {"bidirectional": True}


def _read_direction(layer, *allowed):
    wanted = "units", "activation", "dropout", "recurrent_dropout", "return_sequences", "stateful"
    config = read_settings_of(layer, *wanted, *REGULARIZERS.values(), *allowed)
    read_activation(layer, config["activation"])
    penalties = {key: _read_l2(layer, setting) for key, setting in REGULARIZERS.items()}
    cell_type = {"cell_type": CELL_TYPES[kind_of(layer)]}
    return {key: config[key] for key in wanted} | penalties | cell_type


def _read_l2(layer, setting):
    regularizer = getattr(layer, setting)
    if regularizer is None:
        return 0.0
    if type(regularizer) is not sys.modules["keras"].regularizers.L2:
        kind = type(regularizer).__name__
        raise refusal(layer, f"`{setting}` must be an L2 regularizer or None, got {kind}.")
    return float(regularizer.l2)


def read_pooling(layers, *, masked):
    """Return the parameters of a pooling layer: it leaves no timesteps."""
    if not layers:
        return {}
    (layer,) = layers
    axes = read_settings_of(layer, "data_format")["data_format"]
    if axes != "channels_last":
        raise refusal(layer, f"`data_format` must be 'channels_last', got {axes!r}.")
    pooling = POOLING_NAMES[kind_of(layer)]
    if masked and pooling == "max":
        raise refusal(layer, "it reads masked timesteps too, and `pooling='max'` leaves them out.")
    return {"pooling": pooling, "return_sequences": False}


def read_hidden(layers):
    """Return the parameters of the Dense layers before the output layer."""
    configs = [read_settings_of(layer, "units", "activation") for layer in layers]
    activations = [
        read_activation(layer, config["activation"])
        for layer, config in zip(layers, configs, strict=True)
    ]
    parameters = {"dense_sizes": tuple(config["units"] for config in configs)}
    if layers:
        parameters["dense_activation"] = common_setting(layers, "activation", activations)
    return parameters


def read_output(layer, losses):
    """Return activation and shape of the output layer."""
    config = read_settings_of(layer, "units", "activation")
    activation = read_activation(layer, config["activation"])
    if activation not in losses:
        raise refusal(
            layer, f"the output must be {' or '.join(losses)}, got `activation={activation!r}`."
        )
    return activation, (config["units"],)


def read_shape(layer, parameters):
    shape = tuple(layer.output.shape[1:])
    if parameters["return_sequences"] or len(shape) != 2:
        raise refusal(layer, f"it must turn one output into (steps, outputs), got {shape}.")
    return shape


def read_input_scaling(layers, features):
    """Return mean and deviation of Normalization and Rescaling layers, one after another."""
    if not layers:
        return None, None
    mean, scale = np.zeros(features), np.ones(features)
    for layer in layers:
        m, s = (_read_normalization if kind_of(layer) == "Normalization" else _read_units)(layer)
        if m.size not in (1, features) or s.size not in (1, features) or not (s > 0).all():
            raise refusal(layer, "it must have one positive scale for each feature.")
        mean, scale = mean + m.ravel() * scale, scale * s.ravel()
    return mean, scale


def _read_normalization(layer):
    config = read_settings_of(layer, "axis", "mean", "variance")
    if layer.axis not in ((-1,), (2,)):
        raise refusal(layer, f"`axis` must be -1, that of the features, got {layer.axis}.")
    mean, variance = config["mean"], config["variance"]
    if mean is None:
        mean, variance = layer.mean, layer.variance  # as learned by `adapt`
    deviation = np.sqrt(np.asarray(variance, np.float64))
    return np.asarray(mean, np.float64), np.maximum(deviation, MIN_DEVIATION)


def _read_units(layer):
    """Return mean and deviation of a Rescaling layer: x * scale + offset = (x - m) / s."""
    scale, offset = _read_rescaling(layer)
    return -offset / scale, 1 / scale


def _read_rescaling(layer):
    read_settings_of(layer, "scale", "offset")
    return (np.asarray(value, np.float64) for value in (layer.scale, layer.offset))


def read_output_scaling(layers, outputs):
    """Return mean and deviation of the Rescaling layers behind the output."""
    if not layers:
        return None, None
    mean, deviation = np.zeros(outputs), np.ones(outputs)
    for layer in layers:
        scale, offset = _read_rescaling(layer)
        if max(scale.ndim, offset.ndim) > len(outputs):
            raise refusal(layer, "it must have one scale for each output.")
        mean, deviation = mean * scale + offset, deviation * scale
    return mean, deviation


def read_states(layers):
    """Return the carried states of stateful layers, the forward direction first."""
    inner = [
        direction
        for layer in layers
        for direction in (
            (layer.forward_layer, layer.backward_layer)
            if kind_of(layer) == "Bidirectional"
            else (layer,)
        )
    ]
    return [state.numpy() for layer in inner for state in layer.states]
