"""C99 headers of fitted networks: one file, with the weights in it."""

import re
from math import prod
from textwrap import indent

import numpy as np

from skrnn._convert import c_templates as c
from skrnn._convert.c_functions import Functions, step_lines
from skrnn._network.cells import CELLS
from skrnn._network.custom_network import refuse_custom
from skrnn._preprocessing.vocabulary import UNKNOWN

PER_LINE = 6  # numbers of an array
TEST_STEPS = 8  # if the network takes any number of timesteps
TOLERANCE = 1e-5  # of the header's self-test, relative to the largest number in the output's sums
# Attributes of an Architecture that C does not support, by parameter, with the supported value.
REFUSED = {
    "segment": ("segment", 1),
    "static_features": ("n_static", 0),
    "missing": ("fills_missing", False),
    "loss": ("quantiles", ()),
}


def check_c(architecture, name):
    """Refuse networks that C does not support, naming the parameter, and invalid names in C."""
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise ValueError(
            "The name of `path` must be letters, digits and underscores, because it names the "
            f"functions in C, got {name!r}. Use a name such as 'net.h'."
        )
    refuse_custom(architecture, "to_c", "Write the Keras model with `to_keras`.")
    for parameter, (attribute, taken) in REFUSED.items():
        if getattr(architecture, attribute) != taken:
            raise ValueError(
                f"`to_c` does not support `{parameter}` as it was fitted. Fit without it, or use "
                "`to_onnx`."
            )
    known = Functions("float").activations
    used = {"activation": architecture.activation}
    used |= {"dense_activation": architecture.dense_activation} if architecture.dense_sizes else {}
    for parameter, activation in used.items():
        if activation not in known:
            raise ValueError(
                f"`to_c` does not support `{parameter}={activation!r}`. Fit with one of "
                f"{', '.join(sorted(known))}."
            )
    if architecture.dtype == "mixed_float16":
        raise ValueError(
            "`to_c` needs `dtype='float32'` or 'float64', got 'mixed_float16'. Fit with one of "
            "these."
        )
    if architecture.bidirectional and architecture.timesteps is None:
        raise ValueError(
            "`to_c` needs a fixed number of timesteps with `bidirectional=True`, got a network for "
            "sequences of any length. Fit on an array."
        )


def example_rows(architecture, scaling):
    """Return an input (timesteps, features), in the units of X, for the header's self-test."""
    rng = np.random.default_rng(0)
    shape = architecture.timesteps or TEST_STEPS, architecture.features
    if architecture.vocab_size is not None:
        return rng.integers(0, architecture.vocab_size, shape)
    rows = rng.normal(size=shape)
    if scaling.x_mean is not None:
        rows = scaling.x_mean + scaling.x_scale * rows
    return rows.astype(architecture.dtype)


def header_text(network, weights, name, *, rows, expected, classes):
    """Return the header of a FittedNetwork, named after its file; `classes` are a classifier's.

    The self-test compares the output for `rows` with `expected`.
    """
    architecture = network.architecture
    header = Header(architecture, weights, network.scaling, network.mask_value)
    code = [header.read(), *header.recurrent(), header.head(classes is not None)]
    code.append(header.both_directions() if architecture.bidirectional else header.steps())
    code.append(header.test(rows, expected))
    two_classes = classes is not None and architecture.outputs == (1,)
    sizes = {
        "FEATURES": architecture.features,
        "OUTPUTS": 2 if two_classes else prod(architecture.outputs),
    }
    optional = {"TIMESTEPS": architecture.timesteps, "VOCAB_SIZE": architecture.vocab_size}
    sizes |= {key: size for key, size in optional.items() if size is not None}
    answer = "predictions"
    if classes is not None:
        answer = f"probabilities of {', '.join(map(str, classes.tolist()))}"
    layers = (f"{layer.kind} {layer.output_shape[-1]}" for layer in architecture.layers())
    text = c.FILE.substitute(
        layers=", ".join(layers),
        answer=re.sub(r"[*/\\\s]+", " ", answer),  # must not end the comment
        stepping="" if architecture.bidirectional else c.STEPPING,
        sizes="\n".join(f"#define NET_{key} {value}" for key, value in sizes.items()),
        constants="\n".join(header.constants),
        functions=header.functions.text(),
        code="\n".join(code),
    )
    text = re.sub(r"\bREAL\b", header.real, text)
    text = re.sub(r"\bITEM\b", "int" if header.tokens else header.real, text)
    return re.sub(r"\bNET_", f"{name.upper()}_", re.sub(r"\bnet_", f"{name}_", text))


class Header:
    """The parts of a header. It collects the constants and functions that they need."""

    def __init__(self, architecture, weights, scaling, mask_value):
        self.architecture, self.scaling, self.mask_value = architecture, scaling, mask_value
        self.real = "double" if architecture.dtype == "float64" else "float"
        self.functions, self.constants = Functions(self.real), []
        self.tokens = architecture.vocab_size is not None
        self.directions = ("", "_back") if architecture.bidirectional else ("",)
        arrays = iter(weights)
        self.arrays = {
            layer.name: [next(arrays) for _ in layer.weights] for layer in architecture.layers()
        }
        self.layers, width = [], architecture.timestep_width
        for i, (cell, units) in enumerate(
            zip(architecture.cell_types, architecture.units, strict=True)
        ):
            self.layers.append((f"{cell}_{i + 1}", CELLS[cell], width, units))
            width = units * len(self.directions)
        self.width = width  # of the head's input

    def put(self, name, array, kind="REAL"):
        """Add a constant array."""
        numbers = [self.number(value, kind) for value in np.ravel(array)]
        lines = (", ".join(numbers[i : i + PER_LINE]) for i in range(0, len(numbers), PER_LINE))
        self.constants.append(
            c.ARRAY.substitute(type=kind, name=name, n=len(numbers), numbers=",\n    ".join(lines))
        )

    def number(self, value, kind="REAL"):
        """Return a number in C, with enough digits to be read back exactly."""
        if kind == "ITEM" and self.tokens:
            return str(int(value))
        single = self.real == "float" and kind != "double"
        text = format(float(value), ".9g" if single else ".17g")
        return (text if re.search("[.e]", text) else f"{text}.0") + ("f" if single else "")

    def read(self):
        """Return the function that standardizes or embeds a row, unless it is masked."""
        known, mask, item = "", "", "id" if self.tokens else "row[k]"
        if self.architecture.masked:
            absent = f"{item} < 0" if self.tokens else f"{item} != {item}"
            if self.mask_value is not None and not np.isnan(self.mask_value):
                absent += f" || {item} == {self.number(self.mask_value, 'ITEM')}"
            mask = (c.MASK_OF_TOKENS if self.tokens else c.MASK).substitute(absent=absent)
        width, value = self.architecture.timestep_width, item
        if self.tokens:
            self.put("embedding", self.arrays["embedding"][0])
            size = self.architecture.vocab_size
            known = f"row[0] < {size}" if mask else f"row[0] >= 0 && row[0] < {size}"
            known = c.KNOWN.substitute(known=known, unknown=min(UNKNOWN, size - 1))
            value = f"net_embedding[id * {width} + k]"
        elif self.scaling.x_mean is not None:
            self.put("x_mean", self.scaling.x_mean, "double")
            self.put("x_scale", self.scaling.x_scale, "double")
            value = "(REAL)((row[k] - net_x_mean[k]) / net_x_scale[k])"
        return c.READ.substitute(known=known, mask=mask, width=width, value=value)

    def recurrent(self):
        """Return the function of one step of each layer and direction."""
        return [
            self.cell(name + direction, spec, self.arrays[name][3 * k : 3 * k + 3], width, units)
            for name, spec, width, units in self.layers
            for k, direction in enumerate(self.directions)
        ]

    def cell(self, name, spec, arrays, width, units):
        for part, array in zip(("kernel", "recurrent", "bias"), arrays, strict=True):
            self.put(f"{name}_{part}", array)
        gates, states = spec.gates * units, state_names(spec)
        entering = [f"gates[{k * units} + u]" for k in range(spec.gates)]
        if spec.bias_rows:
            entering = [(gate, f"of_state{gate.removeprefix('gates')}") for gate in entering]
        activation = self.architecture.activation
        before = [f"{state}[u]" for state in states]
        lines, after = step_lines(spec, self.functions, activation, entering, before)
        lines += [f"{old} = {new};" for old, new in zip(before, after, strict=True)]
        of_state = c.OF_STATE.substitute(name=name, gates=gates) if spec.bias_rows else ""
        return filled(
            c.CELL,
            **{"name": name, "gates": gates, "width": width, "units": units, "of_state": of_state},
            states=", ".join(f"REAL *{state}" for state in states),
            into="of_state" if spec.bias_rows else "gates",
            step="\n".join(lines),
        )

    def head(self, is_classifier):
        """Return the function of the Dense layers, which restores the units of y."""
        architecture, layers, x, width = self.architecture, [], "x", self.width
        n_hidden = len(architecture.dense_sizes)
        for i, size in enumerate([*architecture.dense_sizes, prod(architecture.outputs)]):
            name = f"dense_{i + 1}" if i < n_hidden else "output"
            for part, array in zip(("kernel", "bias"), self.arrays[name], strict=True):
                self.put(f"{name}_{part}", array)
            activation = architecture.dense_activation
            activation = activation if i < n_hidden else architecture.output_activation
            called = self.activated(activation, name, size)
            layers.append(
                c.DENSE.substitute(name=name, size=size, width=width, x=x, activation=called)
            )
            x, width = name, size
        value = "output[j]"
        if self.scaling.y_mean is not None:
            self.put("y_mean", self.scaling.y_mean, "double")
            self.put("y_scale", self.scaling.y_scale, "double")
            value = "(REAL)(output[j] * net_y_scale[j] + net_y_mean[j])"
        two_classes = is_classifier and width == 1
        answer = c.TWO_CLASSES if two_classes else c.ANSWER.substitute(value=value)
        return c.HEAD.substitute(layers="".join(layers), answer=answer)

    def activated(self, activation, name, size):
        if activation == "linear":
            return ""
        if activation == "softmax":
            return f"    {self.functions.softmax()}({name}, {name}, 1, {size});\n"
        value = self.functions.call(activation, f"{name}[j]")
        return c.ACTIVATION.substitute(name=name, size=size, value=value)

    def steps(self):
        """Return the state of a network that reads forward, and the functions that read rows."""
        fields, layers, x = [], [], "x"
        for name, spec, _, units in self.layers:
            states = [f"{state}_{name}" for state in state_names(spec)]
            fields += [f"REAL {state}[{units}];" for state in states]
            layers.append(f"net_{name}({x}, {', '.join(f'state->{s}' for s in states)});")
            x = f"state->{states[0]}"
        pooling, answer, width = self.architecture.pooling, f"net_head({x}, y);", self.width
        if pooling != "last":
            fields += [f"REAL pooled[{width}];", "int n_read;"]
            value = f"{x}[u]"
            pooled = pooled_value(pooling, "state->pooled[u]", value)
            layers.append(c.POOL.substitute(width=width, pooled=pooled, value=value))
            answer = "net_head(state->pooled, y);"
        if pooling == "mean":
            answer = c.MEAN.substitute(width=width)
        by_step = self.architecture.return_sequences
        fixed = self.architecture.timesteps is not None
        return filled(
            c.STEPS,
            **{"fields": "\n".join(fields), "layers": "\n".join(layers), "answer": answer},
            width=self.architecture.timestep_width,
            by_step=", for each of them" if by_step else "",
            count="" if fixed else ", int timesteps",
            timesteps="NET_TIMESTEPS" if fixed else "timesteps",
            each="net_answer(&state, y + t * NET_OUTPUTS);" if by_step else "",
            end="" if by_step else "net_answer(&state, y);",
        )

    def both_directions(self):
        """Return the prediction of a network with layers that read forward and backward."""
        lines, x, architecture = [], "x", self.architecture
        for i, (layer, spec, width, units) in enumerate(self.layers):
            keeps, sizes = architecture.keeps_steps(i), {"units": units, "twice": 2 * units}
            lines += [f"REAL out_{layer}[NET_TIMESTEPS * {2 * units}];"] * keeps
            for k, direction in enumerate(self.directions):
                name = layer + direction
                states = [f"{state}_{name}" for state in state_names(spec)]
                kept = {"layer": layer, "name": name, "first": k * units} | sizes
                lines.append(
                    filled(
                        c.DIRECTION,
                        **{"name": name, "x": x, "width": width, "states": ", ".join(states)},
                        zeros="\n".join(f"REAL {state}[{units}] = {{0}};" for state in states),
                        place="NET_TIMESTEPS - 1 - t" if k else "t",
                        kept=c.KEPT.substitute(kept) if keeps else "",
                    )
                )
            x = f"out_{layer}"
        by_step = architecture.return_sequences
        return filled(
            c.BOTH,
            **{"width": architecture.timestep_width, "layers": "\n".join(lines)},
            by_step=", for each of them" if by_step else "",
            end=self.joined(layer, units),
        )

    def joined(self, layer, units):
        """Return the lines that call the head with the last layer's two directions."""
        sizes, pooling = (
            {"layer": layer, "units": units, "twice": 2 * units},
            self.architecture.pooling,
        )
        if self.architecture.return_sequences:
            return c.EACH.substitute(sizes)
        if pooling == "last":
            return c.JOINED.substitute(sizes)
        value = f"out_{layer}[t * {2 * units} + u]"
        mean = c.MEAN_OF_ALL.substitute(sizes) if pooling == "mean" else ""
        pooled = pooled_value(pooling, "joined[u]", value)
        return filled(c.POOLED, **sizes, value=value, pooled=pooled, mean=mean)

    def test(self, rows, expected):
        """Return the function that compares an output with that of `predict`."""
        self.put("test_rows", rows, "ITEM")
        self.put("test_answer", expected)
        fixed = self.architecture.timesteps is not None
        terms = [expected, self.scaling.y_mean, self.scaling.y_scale]
        size = max(float(np.abs(term).max()) for term in terms if term is not None)
        tolerance = TOLERANCE * max(size, np.finfo(np.float32).tiny)
        return c.TEST.substitute(
            n=np.size(expected),
            count="" if fixed else f", {len(rows)}",
            tolerance=self.number(tolerance),
        )


def state_names(spec):
    """Return the names of a cell's states in C, the output first."""
    return ["h", "c", *(f"s{i}" for i in range(2, spec.states))][: spec.states]


def pooled_value(pooling, before, value):
    """Return the C that pools a value with the values before it."""
    return f"{value} > {before} ? {value} : {before}" if pooling == "max" else f"{before} + {value}"


def filled(template, **parts):
    """Fill a template; a part on its own line keeps its indentation, and is dropped if empty."""
    lines = []
    for line in template.template.splitlines():
        whole = re.fullmatch(r"( *)\$(\w+)", line)
        if whole is None:
            lines.append(line)
        elif parts[whole[2]]:
            lines.append(indent(parts[whole[2]].rstrip("\n"), whole[1]).replace("$", "$$"))
    return type(template)("\n".join(lines) + "\n").substitute(parts).rstrip("\n") + "\n"
