"""Checks the prose of README, changelog, guide, examples, site and docstrings.

proselint must find nothing, apart from the checks that pyproject.toml switches off. README and
guide must have a Flesch reading ease of 45 or more. Code, tables and markup are left out.
"""

import ast
import re
import tomllib
from pathlib import Path

import textstat
from proselint.checks import __register__
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

ROOT = Path(__file__).parents[1]
LEAST_EASE = 45


def of_markdown(text):
    """Return the prose of a Markdown file."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    text = re.sub(r"^(\||#|!\[).*$", "", text, flags=re.M)
    return of_lines(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text))


def of_rst(text):
    """Return the prose of a reStructuredText, without directives, tables and headings."""
    text = re.sub(r"^( *)\.\. .*\n((\1 +.*)?\n)*", "\n", text, flags=re.M)
    text = re.sub(r"^.*\n *[=~-]{3,}$", "", text, flags=re.M)
    text = re.sub(r"^ *>>>.*\n(.+\n)*", "", text, flags=re.M)
    return of_lines(text)


def of_lines(text):
    """Return paragraphs without marks, with the word "code" for each piece of code and link."""
    text = re.sub(r"(:\w+:)?``?[^`]+``?_*|\b\w*_\w*\b", "code", text)
    return re.sub(r"\*\*|^ *- ", "", text, flags=re.M)


def of_chapter(text):
    """Return the prose between the code of a chapter or an example."""
    cells = re.findall(r"^# %%\n((?:#.*\n)+)", text, re.M)
    comments = [re.sub(r"^# ?", "", cell, flags=re.M) for cell in cells]
    return "\n\n".join(map(of_rst, [ast.get_docstring(ast.parse(text)), *comments]))


def of_docstrings(text):
    """Return the prose of the docstrings of a module."""
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds))
    prose = "\n\n".join(of_rst(ast.get_docstring(node) or "") for node in nodes)
    return re.sub(r"^ *[\w*, ]+ : .*$", "", prose, flags=re.M)  # names and types


FORMS = {  # what is read, and how
    "README.md": of_markdown,
    "CHANGELOG.md": of_markdown,
    "examples/benchmarks/README.md": of_markdown,
    "examples/guide/plot_*.py": of_chapter,
    "examples/plot_*.py": of_chapter,
    "examples/site/*.rst": of_rst,
    "skrnn/**/*.py": of_docstrings,
}


def main():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["proselint"]
    others = {name: on for name, on in DEFAULT["checks"].items() if name not in settings["checks"]}
    config = DEFAULT | {"checks": settings["checks"] | others}  # the first that fits decides
    CheckRegistry().register_many(__register__)
    found = []
    for pattern, prose_of in FORMS.items():
        paths = sorted(ROOT.glob(pattern))
        prose = {path: prose_of(path.read_text("utf-8")) for path in paths}
        for path, text in prose.items():
            for result, _ in LintFile(str(path), text or " ").lint(config):
                first, last = result.span
                if "code" in text[first:last]:
                    continue
                said = " ".join(text[max(first - 40, 0) : last + 20].split())
                found.append(f"{path.relative_to(ROOT)}: {result.message} ... {said}")
        if pattern.startswith(("README", "examples/guide")):
            ease = textstat.flesch_reading_ease("\n\n".join(prose.values()))
            print(f"{pattern}: Flesch reading ease {ease:.1f}")
            if ease < LEAST_EASE:
                found.append(f"{pattern}: a reading ease of {LEAST_EASE} is required")
    raise SystemExit("\n".join(found) or 0)


main()
