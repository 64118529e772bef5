"""ONNX graphs of fitted networks, built from their arrays without Keras.

Letters in shapes: n samples, T timesteps, F features, D directions, U units, O outputs.
"""

import numpy as np

from skrnn._convert.onnx_graph import as_tensor
from skrnn._network.cells import CELLS
from skrnn._network.custom_network import refuse_custom
from skrnn._network.quantiles import MEDIAN, increments
from skrnn._preprocessing.vocabulary import UNKNOWN

# Operators of ONNX and their attributes, inside a recurrent operator and as nodes after it.
# Inside, ONNX Runtime computes Softplus as log(1 + exp(x)), which overflows for x from 89 on.
RECURRENT_ACTIVATIONS = {
    "elu": ("Elu", {"alpha": 1.0}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "linear": ("Affine", {"alpha": 1.0, "beta": 0.0}),
    **{name: (name.title(), {}) for name in "relu sigmoid softsign tanh".split()},
}
DENSE_ACTIVATIONS = RECURRENT_ACTIVATIONS | {
    **{name: (name.title(), {}) for name in "celu gelu mish selu softplus".split()},
    "exponential": ("Exp", {}),
    "hard_silu": ("HardSwish", {}),
    "hard_swish": ("HardSwish", {}),
    "linear": ("Identity", {}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "softmax": ("Softmax", {"axis": -1}),
}
POOLING_OPERATORS = {"mean": "ReduceMean", "max": "ReduceMax"}


def check_exportable(architecture):
    """Refuse a network that standard operators cannot express."""
    refuse_custom(
        architecture,
        "to_onnx",
        "Write a SavedModel with `model_.export(folder)`, or a Keras file with `to_keras`.",
    )
    if architecture.stateful:
        raise ValueError(
            "`to_onnx` cannot export a network with `stateful=True`, because a graph carries no "
            "states. Fit with `stateful=False`."
        )
    exportable = {name for name, spec in CELLS.items() if spec.onnx is not None}
    used = [("cell_type", cell_type, exportable) for cell_type in architecture.cell_types]
    used.append(("activation", architecture.activation, RECURRENT_ACTIVATIONS))
    if architecture.dense_sizes:
        used.append(("dense_activation", architecture.dense_activation, DENSE_ACTIVATIONS))
    for parameter, value, known in used:
        if value not in known:
            raise ValueError(
                f"`to_onnx` has no safe ONNX operator for `{parameter}={value!r}`. Fit with one of "
                f"{', '.join(sorted(known))}."
            )


def add_network(graph, network, weights):
    """Add a FittedNetwork from its input "X" to its outputs, and return the name of the outputs.

    They have the shape (n, O) or (n, T, O), with quantiles (n, O, Q) or (n, T, O, Q), and the
    architecture's dtype.
    """
    weights, steps = iter(np.asarray(weight, np.float32) for weight in weights), None
    architecture, scaling = network.architecture, network.scaling
    tokens = architecture.vocab_size is not None
    shape = (*_lead(architecture, by_step=True), *(() if tokens else (architecture.features,)))
    graph.take("X", "int64" if tokens else architecture.variable_dtype, shape)
    x = "X"
    if network.maps_unknown_tokens:
        known = graph("Less", x, np.int64(architecture.vocab_size))
        x = graph("Where", known, x, np.int64(UNKNOWN))
    masked = _masked(graph, x, architecture, network.mask_value) if architecture.masked else None
    if tokens:
        x = graph("Gather", next(weights), x if masked is None else graph("Max", x, np.int64(0)))
    else:
        x = _standardized(graph, x, scaling.x_mean, scaling.x_scale)  # (n, T, F)
    if architecture.fills_missing:
        x = _flagged(graph, x, architecture)
    if masked is not None:
        x = graph("Where", graph("Unsqueeze", masked, np.array([2])), np.float32(0), x)
    if architecture.segment > 1:
        x, masked = _segmented(graph, architecture, x, masked)
    if masked is not None:
        steps = _Steps(graph, architecture, masked)
        x = steps.compacted(x)
    x = _add_recurrent(graph, architecture, weights, x, steps)
    if architecture.n_static:
        graph.take("static", architecture.variable_dtype, ("batch", architecture.n_static))
        static = _standardized(graph, "static", scaling.static_mean, scaling.static_scale)
        x = graph("Concat", x, static, axis=-1)
    x = _add_dense(graph, architecture, weights, x)
    shape = (-1,)  # of the constants, one for each output
    if architecture.quantiles:
        x, shape = _ordered(graph, architecture, x), (-1, 1)
    if scaling.y_mean is not None:
        x = graph("Mul", _cast(graph, x, "float64"), scaling.y_scale.reshape(shape))
        x = graph("Add", x, scaling.y_mean.reshape(shape))
    return _cast(graph, x, architecture.variable_dtype)


def _standardized(graph, x, mean, scale):
    if mean is None:
        return _cast(graph, x, "float32")
    x = graph("Sub", _cast(graph, x, "float64"), mean)
    return _cast(graph, graph("Div", x, scale), "float32")


def _flagged(graph, x, architecture):
    """Return standardized values with 0 where X is missing, and the flags of missing values."""
    missing = graph("IsNaN", "X")
    x = graph("Where", missing, np.float32(0), x)
    if not architecture.flagged:
        return x
    flags = graph(
        "Gather", _cast(graph, missing, "float32"), np.array(architecture.flagged), axis=2
    )
    return graph("Concat", x, flags, axis=-1)


def add_prediction(graph, x, architecture, target_shape):
    """Add a regressor's output in the shape of y; with quantiles the median, and all of them."""
    lead = _lead(architecture, by_step=architecture.return_sequences)
    kept = [0] * len(lead)  # 0 keeps a dimension
    shapes, outputs = {"prediction": target_shape}, {"prediction": x}
    if architecture.quantiles:
        n_quantiles, median = len(architecture.quantiles), architecture.quantiles.index(MEDIAN)
        shapes["quantiles"], outputs["quantiles"] = (*target_shape, n_quantiles), x
        outputs["prediction"] = graph("Gather", x, np.int64(median), axis=-1)
    for name, shape in shapes.items():
        x = graph("Reshape", outputs[name], np.array([*kept, *shape], np.int64))
        graph.give(name, x, architecture.variable_dtype, (*lead, *shape))


def add_labels(graph, x, architecture, classes):
    """Add a classifier's outputs: probabilities and labels; indicators if `classes` is None.

    `classes` holds the label of each class, or its one-hot row.
    """
    lead = _lead(architecture, by_step=architecture.return_sequences)
    dtype = architecture.variable_dtype
    if classes is None:
        n_outputs = architecture.outputs[-1]
        label = _cast(graph, graph("Greater", x, np.array(0.5, dtype)), "int64")
        graph.give("probabilities", x, dtype, (*lead, n_outputs))
        graph.give("label", label, "int64", (*lead, n_outputs))
        return
    classes = as_tensor(classes)
    if architecture.outputs[-1] == 1:
        x = graph("Concat", graph("Sub", np.array(1, dtype), x), x, axis=-1)
    label = graph("Gather", classes, graph("ArgMax", x, axis=-1, keepdims=0))
    graph.give("probabilities", x, dtype, (*lead, len(classes)))
    graph.give("label", label, classes.dtype, (*lead, *classes.shape[1:]))


def _masked(graph, x, architecture, mask_value):
    """Return whether each timestep of x is masked, (n, T)."""
    tokens = architecture.vocab_size is not None
    masked = graph("Less", x, np.int64(0)) if tokens else graph("IsNaN", x)
    if mask_value is not None and not np.isnan(mask_value):
        dtype = "int64" if tokens else architecture.variable_dtype
        masked = graph("Or", masked, graph("Equal", x, np.array(mask_value, dtype)))
    return masked if tokens else _all(graph, masked)


def _segmented(graph, architecture, x, masked):
    """Return x (n, T, F) as (n, T / s, s F), and whether each segment is masked, (n, T / s)."""
    x = graph("Reshape", x, np.array([0, -1, architecture.input_width]))
    if masked is not None:
        masked = graph("Reshape", masked, np.array([0, -1, architecture.segment]))
        masked = _all(graph, masked)
    return x, masked


def _all(graph, values):
    """Return whether all values on the third axis are true."""
    values = graph("ReduceMin", _cast(graph, values, "int64"), np.array([2]), keepdims=0)
    return _cast(graph, values, "bool")


class _Steps:
    """The timesteps that are not masked, and their positions.

    A recurrent operator reads the first timesteps of each sample, up to its length. So the present
    timesteps move to the front in order, and the outputs move back.
    """

    def __init__(self, graph, architecture, masked):
        self.graph, self.bidirectional = graph, architecture.bidirectional
        self.n_steps = graph("Shape", masked, start=1, end=2)
        self.masked = _cast(graph, masked, "int64")  # (n, T)
        self.mask = graph("Sub", np.int64(1), self.masked)  # (n, T)
        lengths = graph("ReduceSum", self.mask, np.array([1]), keepdims=0)
        self.lengths = _cast(graph, lengths, "int32")  # (n,)
        last = graph("Squeeze", self.n_steps)
        self.numbers = graph("Range", np.int64(0), last, np.int64(1))  # (T,)

    def compacted(self, x):
        """Return x (n, T, F) with the present timesteps first."""
        graph = self.graph
        key = graph("Add", graph("Mul", self.masked, self.n_steps), self.numbers)
        order = graph("TopK", key, self.n_steps, output=1, axis=1, largest=0)  # (n, T)
        return self._gathered(x, order, like=x)

    def zero_after_the_end(self, x):
        """Return x (n, T, F) with zeros after the present timesteps, because NaN would spread."""
        return self._after(self._n_present(), x, np.float32(0))

    def pooled(self, x, pooling):
        """Return mean or maximum over the present timesteps of x (n, T, F), zeros without any."""
        graph, n_counted = self.graph, self.graph("Max", self._n_present(), np.int64(1))  # (n, 1)
        x = self.zero_after_the_end(x)
        if pooling == "max":
            x = self._after(n_counted, x, np.float32(-np.inf))
            return graph("ReduceMax", x, np.array([1]), keepdims=0)
        total = graph("ReduceSum", x, np.array([1]), keepdims=0)
        return graph("Div", total, _cast(graph, n_counted, "float32"))

    def _n_present(self):
        """Return the number of present timesteps of each sample, (n, 1)."""
        return self.graph("Unsqueeze", _cast(self.graph, self.lengths, "int64"), np.array([1]))

    def _after(self, n_steps, x, value):
        """Return x (n, T, F) with a value after the first `n_steps` timesteps."""
        inside = self.graph("Less", self.numbers, n_steps)  # (n, T)
        return self.graph("Where", self.graph("Unsqueeze", inside, np.array([2])), x, value)

    def put_back(self, x):
        """Return outputs (n, T, D U) at their original timesteps.

        Masked timesteps have the same values as in Keras: the previous output, or zeros at the
        start. With two directions they are always zeros.
        """
        graph = self.graph
        before = graph("Pad", x, np.array([0, 1, 0, 0, 0, 0]))  # a timestep of zeros in front
        position = graph("CumSum", self.mask, np.int64(1))  # (n, T)
        if self.bidirectional:
            position = graph("Mul", position, self.mask)
        return self._gathered(before, position, like=x)

    def _gathered(self, x, positions, like):
        """Return the timesteps of x at these positions (n, T), with all features."""
        graph = self.graph
        positions = graph("Unsqueeze", positions, np.array([2]))
        return graph("GatherElements", x, graph("Expand", positions, graph("Shape", like)), axis=1)


def _add_recurrent(graph, architecture, weights, x, steps):
    """Return the output of the last recurrent layer, pooled: (n, D U) or (n, T, D U)."""
    x = graph("Transpose", x, perm=(1, 0, 2))  # (T, n, F)
    lengths = () if steps is None else (steps.lengths,)
    for i, layer in enumerate(architecture.recurrent_layers()):
        operator, width = CELLS[architecture.cell_types[i]].onnx, layer.output_shape[-1]
        arrays = _layout(operator, [next(weights) for _ in layer.weights])
        attributes = _attributes(operator, architecture, i)
        only_last = not architecture.keeps_steps(i)
        x = graph(operator.name, x, *arrays, *lengths, output=int(only_last), **attributes)
        if only_last:
            x = graph("Transpose", x, perm=(1, 0, 2))  # (n, D, U)
            return graph("Reshape", x, np.array([0, width]))
        x = graph("Transpose", x, perm=(0, 2, 1, 3))  # (T, n, D, U)
        x = graph("Reshape", x, np.array([0, 0, width]))
    x = graph("Transpose", x, perm=(1, 0, 2))
    if architecture.pooling == "last":
        return x if steps is None else steps.put_back(x)
    if steps is not None:
        return steps.pooled(x, architecture.pooling)
    return graph(POOLING_OPERATORS[architecture.pooling], x, np.array([1]), keepdims=0)


def _layout(operator, weights):
    """Return a layer's weights as W (D, gates U, F), R (D, gates U, U) and B (D, 2 gates U)."""
    directions = [weights[start : start + 3] for start in range(0, len(weights), 3)]
    kernels, recurrents, biases = zip(*directions, strict=True)
    if biases[0].ndim == 1:  # ONNX has a recurrent bias too
        biases = [np.stack([bias, np.zeros_like(bias)]) for bias in biases]

    def reordered(arrays):
        stacked = np.stack(arrays)  # (D, rows, gates U)
        gates = np.split(stacked, len(operator.gates), axis=2)
        return np.concatenate([gates[gate] for gate in operator.gates], axis=2)

    W, R = (reordered(arrays).swapaxes(1, 2) for arrays in (kernels, recurrents))
    return W, R, reordered(biases).reshape(len(directions), -1)


def _attributes(operator, architecture, i):
    """Return the attributes of the i-th recurrent operator."""
    n_directions = 2 if architecture.bidirectional else 1
    functions = [
        RECURRENT_ACTIVATIONS[name or architecture.activation] for name in operator.functions
    ] * n_directions
    attributes = {
        "hidden_size": architecture.units[i],
        "direction": "bidirectional" if architecture.bidirectional else "forward",
        "activations": [name for name, _ in functions],
        **operator.attributes,
    }
    for constant in ("alpha", "beta"):  # only for functions that have this constant
        values = [constants[constant] for _, constants in functions if constant in constants]
        if values:
            attributes[f"activation_{constant}"] = values
    return attributes


def _add_dense(graph, architecture, weights, x):
    """Return the output of the Dense layers, on the last axis of x."""
    n_hidden = len(architecture.dense_sizes)
    for name in [architecture.dense_activation] * n_hidden + [architecture.output_activation]:
        x = graph("Add", graph("MatMul", x, next(weights)), next(weights))
        operator, attributes = DENSE_ACTIVATIONS[name]
        x = graph(operator, x, **attributes)
    return x


def _ordered(graph, architecture, x):
    """Return outputs (n, O Q) or (n, T, O Q) as ascending quantiles (n, O, Q) or (n, T, O, Q)."""
    factors, median = increments(architecture.quantiles)
    n_quantiles = len(factors)
    n_lead = 2 if architecture.return_sequences else 1
    x = graph("Reshape", x, np.array([*[0] * n_lead, n_quantiles, -1], np.int64))
    x = graph("Transpose", x, perm=(*range(n_lead), n_lead + 1, n_lead))
    steps = graph("Mul", graph("Softplus", x), factors.astype(np.float32))
    steps = graph("Where", np.arange(n_quantiles) == median, x, steps)
    parts = [graph("Gather", steps, np.array([q]), axis=-1) for q in range(n_quantiles)]
    for q in range(median + 1, n_quantiles):
        parts[q] = graph("Add", parts[q - 1], parts[q])
    for q in range(median - 1, -1, -1):
        parts[q] = graph("Add", parts[q + 1], parts[q])
    return graph("Concat", *parts, axis=-1)


def _lead(architecture, *, by_step):
    """Return the first dimensions of an input or output; a name means any size."""
    return ("batch", architecture.timesteps or "timesteps")[: 2 if by_step else 1]


def _cast(graph, x, dtype):
    return graph("Cast", x, to=dtype)
