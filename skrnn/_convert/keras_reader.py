"""KerasNetwork: a trained Keras model as the parameters and the learned arrays of an estimator.

Parameters are guessed from the layers, and the network that they describe is built. Then the
settings of the two are compared, and the first difference is refused.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from skrnn._convert.keras_chain import (
    CELL_LAYERS,
    kind_of,
    read_chain,
    refusal,
    wiring_of,
)
from skrnn._convert.keras_training import read_training
from skrnn._convert.layer_settings import NOT_COMPARED, NOT_COMPARED_WITHOUT_WEIGHTS, compare_layers
from skrnn._data.scaling import Scaling
from skrnn._network.architecture import POOLINGS, Architecture
from skrnn._network.cells import CELLS
from skrnn._network.config import Settings, read_settings
from skrnn._network.keras_names import ACTIVATIONS
from skrnn._network.parameters import describe
from skrnn._utils.declared_parameters import with_parameters

POOLING_NAMES = {keras_class: name for name, keras_class in POOLINGS.items()}
CELL_TYPES = {spec.keras_class: name for name, spec in CELLS.items() if spec.keras_class}

# The parts of a model in order: the layers that each may hold, and their maximum number.
PARTS = {
    "mask": (("Masking",), 1),
    "input_scaling": (("Normalization", "Rescaling"), None),
    "embedding": (("Embedding",), 1),
    "spatial_dropout": (("SpatialDropout1D",), 1),
    "segment": (("Reshape",), 2),  # the Reshape of the mask first
    "recurrent": ((*CELL_TYPES, "Bidirectional"), None),
    "pooling": (tuple(POOLING_NAMES), 1),
    "dense": (("Dense",), None),
    "reshape": (("Reshape",), 1),
    "output_scaling": (("Rescaling",), None),
}
REGRESSOR_PARTS = {"reshape", "output_scaling"}
# Layers compared with a new layer of the same class; others are compared with the rebuilt network.
COMPARED_BY_KIND = {"Masking": (), "Normalization": (), "Rescaling": (1,), "SpatialDropout1D": (0,)}
REBUILT_PARTS = "embedding", "recurrent", "pooling", "dense"
SHARED_SETTINGS = "activation", "dropout", "recurrent_dropout", "stateful"
DTYPES = "float32", "float64", "mixed_float16"
MIN_DEVIATION = 1e-7  # Normalization replaces a smaller deviation by this

STANDARDIZE = {(False, False): False, (True, False): "X", (False, True): "y", (True, True): True}


class KerasNetwork(NamedTuple):
    """The parts of an estimator that are read from a Keras model; lists may be empty."""

    estimator: object  # not fitted, with the parameters
    architecture: Architecture
    settings: Settings
    scaling: Scaling
    weights: list
    optimizer_state: list
    states: list


def read_network(estimator, model, losses):
    """Return a Keras model as a KerasNetwork, or refuse it and name the layer.

    `losses` maps each output activation of the estimator to the losses that fit it.
    """
    chain = read_chain(model)
    layers = _layers_by_part(chain.layers, is_regressor="linear" in losses)
    parameters = _input_parameters(layers, chain) | _parameters(layers)
    output = _read_output(layers, losses, parameters)
    timesteps, features = (*model.input_shape[1:], 1)[:2]
    scaling = _read_scaling(layers, features, output["outputs"])
    of_two = output == {"output_activation": "softmax", "outputs": (2,)}
    kept_output = {"output_activation": "sigmoid", "outputs": (1,)} if of_two else output
    activation = kept_output["output_activation"]
    training, loss, optimizer_state = read_training(model, activation, losses[activation])
    scales = scaling.x_mean is not None, scaling.y_mean is not None
    parameters |= training | {"standardize": STANDARDIZE[scales]}
    if parameters["stateful"]:
        parameters["batch_size"] = model.input_shape[0]
    params = with_parameters(estimator, parameters)
    architecture = describe(
        params,
        vocab_size=params.vocab_size,
        timesteps=timesteps,
        features=features,
        masked=timesteps is None or params.mask_value is not None,
        batch_size=params.batch_size,
        **kept_output,
    )
    frozen = _frozen_names(layers, architecture)
    params.frozen_layers = tuple(name for name in frozen if name != "embedding")
    architecture = replace(architecture, frozen_layers=frozen)
    given = replace(architecture, **output)
    states = _compare_with_rebuilt(model, layers, given, chain, scaling)
    weights, complete = _read_weights(layers, given)
    if of_two:  # as the sigmoid of their difference
        weights[-2:] = (weight[..., 1:] - weight[..., :1] for weight in weights[-2:])
    if of_two or scales[1] or not complete:
        optimizer_state = []  # it belongs to other gradients, or to fewer weights
    settings = read_settings(params.optimizer, params.learning_rate, loss, params.batch_size)
    return KerasNetwork(params, architecture, settings, scaling, weights, optimizer_state, states)


def with_outputs_in_order(network, order):
    """Return the KerasNetwork of a classifier with its classes in another order."""
    if (order == np.arange(len(order))).all():
        return network
    kernel, bias = network.weights[-2:]
    if network.architecture.outputs == (1,):
        kernel, bias = -kernel, -bias
    else:
        kernel, bias = kernel[:, order], bias[order]
    weights = [*network.weights[:-2], kernel, bias]
    return network._replace(weights=weights, optimizer_state=[])


def _layers_by_part(layers, *, is_regressor):
    """Return the layers of a chain, by part."""
    left, found = layers, {}
    parts = {name: PARTS[name] for name in PARTS if is_regressor or name not in REGRESSOR_PARTS}
    for part, (kinds, most) in parts.items():
        n_layers = 0
        while left[n_layers:] and kind_of(left[n_layers]) in kinds and n_layers != most:
            n_layers += 1
        found[part], left = left[:n_layers], left[n_layers:]
    has_cells = any(kind_of(layer) in CELL_LAYERS for layer in layers)
    if left and (has_cells or kind_of(left[0]) not in PARTS["dense"][0]):
        order = "; ".join(" or ".join(kinds) for kinds, _ in parts.values())
        raise refusal(
            _too_early(left[0], found, parts),
            f"no estimator has it at this position. The order of layers is: {order}.",
        )
    for part, kinds in (("recurrent", "SimpleRNN, GRU, LSTM or Bidirectional"), ("dense", "Dense")):
        if not found[part]:
            raise ValueError(
                f"`model` must have a layer {kinds} for `from_keras`, got none. Train one with it."
            )
    return found


def _too_early(layer, found, parts):
    """Return the layer that is out of order: one that should follow `layer`, or itself."""
    names = list(parts)
    places = [name for name in names if kind_of(layer) in parts[name][0]]
    if places and names.index(places[-1]) >= names.index("recurrent"):
        later = names[names.index(places[-1]) + 1 :]
        return next((early for name in later for early in found[name]), layer)
    return layer


def _input_parameters(layers, chain):
    """Return the parameters of the layers before the recurrent layers, and of the pooling."""
    parameters = {}
    for layer in layers["mask"]:
        if np.ndim(layer.mask_value) or np.isnan(layer.mask_value):
            raise refusal(layer, f"`mask_value` must be a number, got {layer.mask_value!r}.")
        parameters["mask_value"] = layer.mask_value
    for layer in layers["embedding"]:
        if layers["mask"] or layers["input_scaling"]:
            raise refusal(layer, "it must come first: token ids are not scaled.")
        parameters["vocab_size"] = layer.input_dim
        parameters["embedding_dim"] = layer.output_dim
        parameters["embedding_trainable"] = layer.trainable
        parameters["mask_value"] = 0 if layer.mask_zero else None
    for layer in layers["spatial_dropout"]:
        parameters["spatial_dropout"] = layer.rate
    for layer in layers["segment"][-1:]:
        if chain.wiring is None and parameters.get("mask_value") is not None:
            raise refusal(layer, "it drops the mask, which `segment` keeps.")
        parameters["segment"] = _read_segment(layer)
    for layer in layers["pooling"]:
        parameters["pooling"] = POOLING_NAMES[kind_of(layer)]
        if parameters["pooling"] == "max" and parameters.get("mask_value") is not None:
            raise refusal(layer, "it reads masked timesteps too, which `pooling='max'` skips.")
    if chain.wiring is not None:
        tokens = bool(layers["embedding"]) and chain.mask_value is not None
        parameters["mask_value"] = int(chain.mask_value) if tokens else chain.mask_value
    return parameters


def _read_segment(layer):
    """Return the number of timesteps that a Reshape joins to one."""
    given, shape = layer.input.shape[1:], layer.output.shape[1:]
    if len(given) == len(shape) == 2 and shape[1] % given[1] == 0:
        segment = shape[1] // given[1]
        if given[0] is None or given[0] == shape[0] * segment:
            return segment
    raise refusal(
        layer,
        "it must reshape (timesteps, features) to (timesteps / segment, segment * features), got "
        f"{given} to {shape}.",
    )


def _parameters(layers):
    """Return the parameters of the recurrent and Dense layers, guessed from the first of each."""
    recurrent, dense = layers["recurrent"], layers["dense"]
    cells = [_forward_layer(layer) for layer in recurrent]
    for layer in (*cells, *dense):
        activation = layer.get_config()["activation"]
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            raise refusal(layer, "its `activation` must have a name in Keras.")
    dtype, first = recurrent[0].dtype_policy.name, cells[0].get_config()
    if dtype not in DTYPES:
        raise refusal(recurrent[0], f"it must compute in {' or '.join(DTYPES)}, got {dtype}.")
    cell_types = tuple(CELL_TYPES[kind_of(cell)] for cell in cells)
    sizes = tuple(cell.units for cell in cells)
    parameters = {
        "cell_type": cell_types[0] if len(set(cell_types)) == 1 else cell_types,
        "hidden_size": sizes[0] if len(sizes) == 1 else sizes,
        "bidirectional": cells[0] is not recurrent[0],
        "kernel_l2": float(getattr(cells[0].kernel_regularizer, "l2", 0.0)),
        "recurrent_l2": float(getattr(cells[0].recurrent_regularizer, "l2", 0.0)),
        "return_sequences": cells[-1].return_sequences and not layers["pooling"],
        "dense_sizes": tuple(layer.units for layer in dense[:-1]),
        "dtype": dtype,
    }
    if len(dense) > 1:
        parameters["dense_activation"] = dense[0].get_config()["activation"]
    return parameters | {setting: first[setting] for setting in SHARED_SETTINGS}


def _forward_layer(layer):
    """Return a recurrent layer; for a Bidirectional its forward layer."""
    forward = layer.forward_layer if kind_of(layer) == "Bidirectional" else layer
    if kind_of(forward) not in CELL_TYPES:
        kinds = " or ".join(CELL_TYPES)
        raise refusal(layer, f"it must hold a {kinds}, got {type(forward).__name__}.")
    return forward


def _frozen_names(layers, architecture):
    """Return the names, in the architecture, of the layers that are not trained."""
    names = [layer.name for layer in architecture.layers() if layer.weights]
    given = [layer for part in REBUILT_PARTS for layer in layers[part] if layer.weights]
    frozen = [name for name, layer in zip(names, given, strict=True) if not layer.trainable]
    if frozen == names:
        raise ValueError(
            "`model` must have a trainable layer, got `trainable=False` for all of them. Set "
            "`model.trainable = True`; this does not change predictions."
        )
    return tuple(frozen)


def _read_output(layers, losses, parameters):
    """Return activation and shape of the output, under the names of Architecture."""
    layer = layers["dense"][-1]
    activation = layer.get_config()["activation"]
    if activation not in losses:
        wanted = " or ".join(losses)
        raise refusal(layer, f"the output must be {wanted}, got `activation={activation!r}`.")
    outputs = (layer.units,)
    for layer in layers.get("reshape", ()):
        outputs = tuple(layer.output.shape[1:])
        if parameters["return_sequences"] or len(outputs) != 2:
            raise refusal(layer, f"it must reshape one output to (steps, outputs), got {outputs}.")
    return {"output_activation": activation, "outputs": outputs}


def _read_scaling(layers, features, outputs):
    """Return the combined Scaling of the layers before and after the network."""
    mean, scale = np.zeros(features), np.ones(features)
    for layer in layers["input_scaling"]:
        m, s = _input_constants(layer)
        if m.size not in (1, features) or s.size not in (1, features) or not (s > 0).all():
            raise refusal(layer, "it must have one positive scale for each feature.")
        mean, scale = mean + m.ravel() * scale, scale * s.ravel()
    x_constants = (mean, scale) if layers["input_scaling"] else (None, None)
    if not layers.get("output_scaling"):
        return Scaling(*x_constants)
    mean, scale = np.zeros(outputs), np.ones(outputs)
    for layer in layers["output_scaling"]:
        s, m = _rescaling(layer)
        if max(s.ndim, m.ndim) > len(outputs):
            raise refusal(layer, "it must have one scale for each output.")
        mean, scale = mean * s + m, scale * s
    return Scaling(*x_constants, mean, scale)


def _input_constants(layer):
    """Return the mean and deviation of a layer that scales the input."""
    if kind_of(layer) == "Rescaling":
        scale, offset = _rescaling(layer)
        return -offset / scale, 1 / scale
    if layer.axis not in ((-1,), (2,)):
        raise refusal(layer, f"`axis` must be -1, the features, got {layer.axis}.")
    config = layer.get_config()
    mean, variance = config["mean"], config["variance"]
    if mean is None:
        mean, variance = layer.mean, layer.variance  # learned by `adapt`
    deviation = np.sqrt(np.asarray(variance, np.float64))
    return np.asarray(mean, np.float64), np.maximum(deviation, MIN_DEVIATION)


def _rescaling(layer):
    return (np.asarray(value, np.float64) for value in (layer.scale, layer.offset))


def _read_weights(layers, architecture):
    """Return the weights, with zeros for missing biases, and whether no bias is missing."""
    arrays = []
    for layer in (layer for part in REBUILT_PARTS for layer in layers[part]):
        two_ways = kind_of(layer) == "Bidirectional"
        for one in (layer.forward_layer, layer.backward_layer) if two_ways else (layer,):
            arrays += map(np.array, one.get_weights())
            arrays += [] if getattr(one, "use_bias", True) else [None]  # the bias is the last
    shapes = [weight.shape for weight in architecture.weights()]
    dtype = architecture.variable_dtype
    weights = [
        np.zeros(shape, dtype) if array is None else array
        for shape, array in zip(shapes, arrays, strict=True)
    ]
    return weights, all(array is not None for array in arrays)


def _compare_with_rebuilt(model, layers, architecture, chain, scaling):
    """Refuse layers that differ from those of an architecture; return the recurrent states."""
    from skrnn._keras_engine import network  # imports Keras, which the user has imported already

    for layer in model.layers:
        if kind_of(layer) in COMPARED_BY_KIND:
            fresh = type(layer)(*COMPARED_BY_KIND[kind_of(layer)])
            compare_layers(layer, fresh, NOT_COMPARED_WITHOUT_WEIGHTS)
    if architecture.vocab_size is not None:
        architecture = replace(architecture, vocab_size=1)  # a small Embedding is enough
    kinds = {kind for part in REBUILT_PARTS for kind in PARTS[part][0]}
    own = () if chain.wiring is None else (scaling, chain.mask_value)
    twin_model = network.build_network(architecture, *own)
    if own and wiring_of(twin_model) != chain.wiring:
        raise refusal(
            layers["recurrent"][0],
            "timesteps must be masked by a Masking layer or `mask_zero`, or as in a `model_` "
            "without `missing`.",
        )
    rebuilt = [x for x in twin_model.layers if kind_of(x) in kinds]
    given = [layer for part in REBUILT_PARTS for layer in layers[part]]
    for layer, twin in zip(given, rebuilt, strict=True):
        left_out = NOT_COMPARED - {"dtype"} if layer.weights else NOT_COMPARED_WITHOUT_WEIGHTS
        compare_layers(layer, twin, left_out)
        if kind_of(layer) == "Bidirectional":
            compare_layers(layer.forward_layer, twin.forward_layer)
            compare_layers(layer.backward_layer, twin.backward_layer)
    return [state.numpy() for state in network.state_variables(model)]
