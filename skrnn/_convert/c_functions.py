"""C code of equations that skrnn defines elsewhere: the kernels' activations, the cells' steps.

Activations are copied from skrnn/_native/functions.h under other names. A cell's `step` uses only
operators, so it is run on terms that record each operation as a line of C.
"""

import re

from skrnn._native.build import FOLDER

# Replacements of the kernels' macros and types, in float and in double.
CONSTANTS = {
    "float": {"REAL": "float", "FABS": "fabsf", "COPYSIGN": "copysignf"},
    "double": {"REAL": "double", "FABS": "fabs", "COPYSIGN": "copysign"},
}
# An optional comment before a function, its name, and its body.
DEFINITION = re.compile(
    r"(?:^/\*(?:[^*]|\*(?!/))*\*/\n)?^(?:INLINE|static) \w+ (\w+)\([^)]*\)"
    r"(?: \{[^\n]*\}\n|\n\{\n.*?^\}\n)",
    re.M | re.S,
)


class Functions:
    """The functions of functions.h that a network calls, named net_..."""

    def __init__(self, real):
        self.real = real
        text = _chosen((FOLDER / "functions.h").read_text("utf-8"), real)
        self.macros = dict(re.findall(r"^#define (\w+) (.+?)(?: /\*.*)?$", text, re.M))
        self.texts = _definitions(text)
        [self.bits] = re.findall(r"^typedef (\w+) Bits;", text, re.M)
        cases = re.findall(r"^    case (\w+): return (.+);$", self.texts["value_of"], re.M)
        self.activations = {"linear": "x"} | {name.lower(): value for name, value in cases}
        self.used = {}

    def call(self, activation, term):
        """Return the C of an activation of a term; the functions it needs are added to `text`."""
        if activation == "linear":
            return term
        body = self.activations[activation]
        if plain := re.fullmatch(r"(\w+)\(x\)", body):
            return f"{self._function(plain[1])}({term})"
        name = f"net_{activation}"
        if name not in self.used:
            body = self._translated(body)
            self.used[name] = (
                f"static inline {self.real} {name}({self.real} x)\n{{\n    return {body};\n}}\n"
            )
        return f"{name}({term})"

    def softmax(self):
        """Return the name of the softmax, (x, y, n, width)."""
        return self._function("softmax")

    def text(self):
        """Return the definitions of all called functions, each before its callers."""
        return "\n".join(self.used.values())

    def _function(self, name):
        own = f"net_{name}"
        if own not in self.used:
            text = self._translated(self.texts[name], but=name)
            text = re.sub(rf"\b{name}\(", f"{own}(", text)
            self.used[own] = re.sub(r"^static void", "static inline void", text, flags=re.M)
        return own

    def _translated(self, text, but=None):
        """Return C without macros and types of the kernels; functions it calls are added first."""
        for name in self.texts:
            if name != but and re.search(rf"\b{name}\(", text):
                text = re.sub(rf"\b{name}\(", f"{self._function(name)}(", text)
        words = self.macros | CONSTANTS[self.real] | {"Int": "int", "Bits": self.bits}
        words["INLINE"] = "static inline"
        before = None
        while before != text:  # macros in macros
            before = text
            text = re.sub(r"\b[A-Z]\w*\b", lambda match: words.get(match[0], match[0]), text)
        return re.sub(r"\bR\(", f"({self.real})(", text)


def _chosen(text, real):
    """Return the lines that the preprocessor keeps for a type."""
    lines, keeps = [], [True]
    for line in text.splitlines():
        if line.startswith("#if"):
            keeps.append(line == "#ifdef SINGLE" and real == "float")
        elif line.startswith("#else"):
            keeps[-1] = not keeps[-1]
        elif line.startswith("#endif"):
            keeps.pop()
        elif all(keeps):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _definitions(text):
    """Return the text of each function by its name, with the comment before it."""
    return {match[1]: match[0] for match in DEFINITION.finditer(text)}


def _operator(sign):
    """Return the methods of an operator with a Term on the left, and with a Term on the right."""

    def on_the_left(self, other):
        return self._named(f"{self.text} {sign} {self._of(other)}")

    def on_the_right(self, other):
        return self._named(f"{self._of(other)} {sign} {self.text}")

    return on_the_left, on_the_right


class Term:
    """A number in C; each operator appends a line that names its result."""

    def __init__(self, lines, real, text):
        self.lines, self.real, self.text = lines, real, text

    def _named(self, text):
        name = f"t{len(self.lines)}"
        self.lines.append(f"const {self.real} {name} = {text};")
        return Term(self.lines, self.real, name)

    def _of(self, other):
        if isinstance(other, Term):
            return other.text
        return f"{float(other)!r}{'f' if self.real == 'float' else ''}"

    def called(self, functions, activation):
        return self._named(functions.call(activation, self.text))

    __add__, __radd__ = _operator("+")
    __sub__, __rsub__ = _operator("-")
    __mul__, __rmul__ = _operator("*")
    __truediv__, __rtruediv__ = _operator("/")

    def __neg__(self):
        return self._named(f"-{self.text}")


def step_lines(spec, functions, activation, gates, states):
    """Return the lines of one unit's step, and the names of the next states.

    `gates` holds the C of each gate's input, or pairs of the parts from the input and the state.
    """
    lines, real = [], functions.real

    def term(text):
        return Term(lines, real, text)

    if spec.bias_rows:
        entering = [[term(part[k]) for part in gates] for k in (0, 1)]
    else:
        entering = [term(gate) for gate in gates]
    found = spec.step(
        lambda x: x.called(functions, "sigmoid"),
        lambda x: x.called(functions, activation),
        entering,
        [term(state) for state in states],
    )
    return lines, [each.text for each in found]
