"""The house of skrnn: who may import whom, what is public and typed, what is at the top level."""

import ast
import inspect
import re
import subprocess
import tomllib
from graphlib import TopologicalSorter

import pytest
import typed_program
from processes import ROOT, run

import skrnn
from skrnn import cells, inspection, metrics
from skrnn._preprocessing.window_blocks import WindowBlocks

# Folders, and modules that lie in none. Each imports only from those before it.
LAYERS = [
    "_types",
    "_utils",
    "_preprocessing",
    "_network",
    "cells",
    "_data",
    "_training",
    "_numpy_engine",
    "_native",
    "_keras_engine",
    "_convert",
    "_engines",
    "_estimators",
    "metrics",
    "_forecasting",
    "_attribution",
    "_displays",
    "inspection",
    "_persistence",
    "__init__",
]
# The modules of the Keras engine that do without Keras: they run before it is imported.
WITHOUT_KERAS = {"_keras_engine", "_keras_engine.startup"}
CLASSES = [
    name
    for name in skrnn.__all__
    if name.startswith("RNN") or name.endswith(("Display", "Transformer", "Reshaper", "Vectorizer"))
]
# What may be imported in one module, or by the modules of one folder, only.
HOMES = {
    "keras": "_keras_engine",
    "tensorflow": "_keras_engine",
    "onnx": "_convert.onnx_graph",
    "matplotlib": "_displays.plotting",
    "narwhals": "_utils.frames",
    "private parts of sklearn": "_utils.sklearn_private",
}
TOP_LEVEL = (
    ".ci .gitignore CHANGELOG.md CITATION.cff LICENSE README.md examples pyproject.toml skrnn tests"
)

PACKAGE = ROOT / "skrnn"
SOURCES = {  # dotted names below skrnn, a folder's by the folder
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
# "_types" is read by type checkers only, and may name whatever they know.
every_module = pytest.mark.parametrize("module", [name for name in SOURCES if name != "_types"])


def imported_names(module):
    """Return the dotted names that a module of skrnn imports, inside functions too.

    `from a import b` counts as "a.b", whether b is a module or a name in one.
    """
    names = set()
    for node in ast.walk(ast.parse(SOURCES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def imported_modules(module):
    """Return the modules of skrnn that a module of skrnn imports."""
    found = set()
    for name in imported_names(module):
        first, *parts = name.split(".")
        if first == "skrnn":
            names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
            found.add(next((name for name in names if name in SOURCES), "__init__"))
    return found


def layer(module):
    return LAYERS.index(module.split(".")[0])


def parameter_entries(estimator):
    """Return the entries of a docstring's Parameters section: name -> type line and text."""
    docstring = inspect.getdoc(estimator)
    section = re.search(r"^Parameters\n-+\n(.*?)(?=\n\n\S[^\n]*\n-+\n|\Z)", docstring, re.S | re.M)
    entries = re.split(r"\n(?=\S)", section[1])
    return {
        name: entry
        for entry in entries
        for name in entry.split("\n")[0].split(" : ")[0].split(", ")
    }


def public_functions():
    """Return each public function, method and property of skrnn's own by its name."""
    functions = {}
    for module in (skrnn, cells, inspection, metrics):
        public = [getattr(module, name) for name in module.__all__]
        functions |= {value.__name__: value for value in public if inspect.isfunction(value)}
        for kind in [*filter(inspect.isclass, public), WindowBlocks]:
            for name in dir(kind):
                member = inspect.getattr_static(kind, name)
                for wrapper in ("fget", "fn", "__func__"):  # property, available_if, classmethod
                    member = getattr(member, wrapper, member)
                own = (getattr(member, "__module__", None) or "").startswith("skrnn.")
                if own and callable(member) and (name == "__init__" or not name.startswith("_")):
                    functions[f"{kind.__name__}.{name}"] = member
    return functions


PUBLIC_FUNCTIONS = public_functions()


def test_every_folder_and_module_has_a_layer():
    assert {name.split(".")[0] for name in SOURCES} == set(LAYERS)


@every_module
def test_imports_point_downward(module):
    assert all(layer(imported) <= layer(module) for imported in imported_modules(module))


def test_no_imports_go_round_in_a_circle():
    graph = {name: imported_modules(name) for name in SOURCES}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


@every_module
def test_heavy_packages_and_private_parts_of_sklearn_are_imported_in_one_place(module):
    for name in imported_names(module):
        root, *parts = name.split(".")
        private = root == "sklearn" and any(part[0] == "_" for part in parts)
        home = HOMES.get("private parts of sklearn" if private else root, "")
        assert module.startswith(home)
        assert home != "_keras_engine" or module not in WITHOUT_KERAS


def test_importing_skrnn_loads_neither_heavy_packages_nor_types():
    loaded = set(run("import sys, skrnn, skrnn.inspection; print(*sys.modules)").split())
    assert "skrnn" in loaded
    assert not {"keras", "matplotlib", "onnx", "tensorflow", "skrnn._types"} & loaded


def test_public_names_are_there_in_order_and_alone():
    """The page of the API has the same names: tests/test_site.py."""
    assert skrnn.__all__ == sorted(skrnn.__all__)
    visible = {name for name in dir(skrnn) if not name.startswith("_")}
    assert visible == {*skrnn.__all__, "inspection"} - {"__version__"}
    assert skrnn.__version__


@pytest.mark.parametrize("name", PUBLIC_FUNCTIONS)
def test_every_public_function_is_typed_and_documented(name):
    function = PUBLIC_FUNCTIONS[name]
    signature = inspect.signature(function)
    named = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    assert [p.name for p in named if p.annotation is p.empty] == []
    assert signature.return_annotation is not signature.empty
    assert inspect.getdoc(function) or name.endswith(".__init__")


def test_package_is_typed_and_the_program_that_type_checkers_read_runs(capsys):
    assert (PACKAGE / "py.typed").exists()
    typed_program.main()
    assert "val_loss" in capsys.readouterr().out


@pytest.mark.parametrize(
    "parameters_of",
    [lambda estimator: inspect.signature(estimator).parameters, parameter_entries],
    ids=["constructors", "documentation"],
)
def test_estimators_share_their_parameters_word_for_word(parameters_of):
    classifier = dict(parameters_of(skrnn.RNNClassifier))
    regressor = dict(parameters_of(skrnn.RNNRegressor))
    del classifier["class_weight"], regressor["quantiles"]
    assert list(regressor.items()) == list(classifier.items())


@pytest.mark.parametrize("name", CLASSES)
def test_every_constructor_parameter_is_documented_in_order(name):
    estimator = getattr(skrnn, name)
    assert list(parameter_entries(estimator)) == list(inspect.signature(estimator).parameters)


@pytest.mark.parametrize(("package", "extra"), [("matplotlib", "plot"), ("onnxruntime", "onnx")])
def test_guide_says_how_to_install_a_package_before_it_is_imported(package, extra):
    chapters = sorted((ROOT / "examples" / "guide").glob("plot_*.py"))
    guide = "".join(chapter.read_text("utf-8") for chapter in chapters)
    assert f'"skrnn[{extra}]"' in guide[: guide.index(f"\nimport {package}")]


def test_top_level_is_the_agreed_one():
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    assert sorted({line.split("/")[0] for line in listing.stdout.splitlines()}) == TOP_LEVEL.split()


def test_page_for_contributors_lists_the_folders_in_their_order():
    text = (ROOT / "examples" / "site" / "contributing.rst").read_text("utf-8")
    listed = re.findall(r"`(\w+)`", "".join(re.findall(r"^- (`.*?):", text, re.M)))
    assert listed == sorted(listed, key=LAYERS.index)
    assert len(listed) > 10


def test_citation_names_the_version_that_is_here():
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    entries = dict(re.findall(r"^([a-z-]+): (.+)$", citation, re.M))
    assert entries["version"] == skrnn.__version__
    assert (entries["cff-version"], entries["title"]) == ("1.2.0", "skrnn")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert entries["license"] == project["license"]
    assert entries["repository-code"].strip('"') == project["urls"]["Source"]
