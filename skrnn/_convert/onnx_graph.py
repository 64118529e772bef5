"""Graph: the nodes and constants of an ONNX model, written to a file."""

import numpy as np

from skrnn._utils.atomic_write import replacing

OPSET, IR_VERSION = 20, 9  # of ONNX 1.15, the first version with Gelu


class Graph:
    """Nodes and constants as plain data.

    Call it with an operator and its inputs to add a node. Arrays as inputs become constants.
    """

    def __init__(self):
        self.nodes, self.constants = [], {}
        self.inputs, self.outputs = [], []

    def __call__(self, operator, *inputs, output=0, **attributes):
        """Add a node, and return the name of the output with number `output`."""
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        name = f"{operator}_{len(self.nodes)}"
        before = [f"{name}_{k}" for k in range(output)]
        self.nodes.append((operator, names, [*before, name], attributes))
        return name

    def take(self, name, dtype, shape):
        """Declare an input of the graph; a str in the shape means any size."""
        self.inputs.append((name, dtype, shape))

    def give(self, name, value, dtype, shape):
        """Declare a value as an output of the graph, and name it."""
        self.nodes.append(("Identity", [value], [name], {}))
        self.outputs.append((name, dtype, shape))

    def write(self, path):
        """Check the graph and write it to a file."""
        model = _as_model(self)
        with replacing(path) as temporary:
            temporary.write_bytes(model.SerializeToString())

    def _constant(self, array):
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name


def _as_model(graph):
    """Return a Graph as an ONNX model, checked with onnx's own checker."""
    try:
        import onnx  # optional: only needed to export
    except ImportError as error:
        raise ImportError(
            "`to_onnx` needs the package onnx. Install it with: pip install 'skrnn[onnx]'"
        ) from error

    def declared(values):
        return [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape
            )
            for name, dtype, shape in values
        ]

    def node(operator, inputs, outputs, attributes):
        if "to" in attributes:
            kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(attributes["to"]))
            attributes = attributes | {"to": kind}
        return onnx.helper.make_node(operator, inputs, outputs, name=outputs[-1], **attributes)

    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node(*parts) for parts in graph.nodes],
            "skrnn",
            declared(graph.inputs),
            declared(graph.outputs),
            [onnx.numpy_helper.from_array(a, name) for name, a in graph.constants.items()],
        ),
        producer_name="skrnn",
        ir_version=IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def as_tensor(classes):
    """Return labels in a type that an ONNX graph supports."""
    if classes.dtype.kind in "biu":
        return classes
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)
    if all(isinstance(label, str) for label in classes):
        return classes.astype(object)
    kinds = sorted({type(label).__name__ for label in classes.tolist()})
    raise ValueError(
        "`to_onnx` needs labels that are numbers, booleans or str, got labels of type "
        f"{', '.join(kinds)}. Encode y, with LabelEncoder for example, before `fit`."
    )
