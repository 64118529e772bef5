"""The documentation site's sources: what they name is what there is, their figures are measured."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from processes import ROOT

import skrnn
import skrnn.cells
import skrnn.inspection
from skrnn._forecasting import candidates, networks, ridges, settings, stacking
from skrnn._persistence.estimators import UFUNCS

SITE = ROOT / "examples" / "site"
BENCHMARKS = ROOT / "examples" / "benchmarks"
RESULTS = (  # in the order of the README's tables
    "workloads serve forecast text quality_of_forecasts coverage intervals gaps quantiles alarms "
    "candidates_of_forecasts out_of_box quality_of_labels candidates_of_labels"
).split()


def words(cells):
    """Return the words and figures of table cells, without what only sets them apart."""
    return re.sub(r"[(),/`]", " ", " ".join(cells)).split()


def readme_tables():
    """Return the rows of each table in the benchmarks' README, without its head, as cells."""
    text = (BENCHMARKS / "README.md").read_text("utf-8")
    for table in re.findall(r"^\|-[-|]*\n((?:\|.*\n)+)", text, re.M):
        yield [row.strip("|").split("|") for row in table.splitlines()]


def test_api_reference_lists_every_public_name():
    text = (SITE / "api.rst").read_text("utf-8")
    parts = re.split(r"^\.\. currentmodule:: (\S+)$", text, flags=re.M)
    listed = {
        module: sorted(re.findall(r"^   (\w+)$", text, re.M))
        for module, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    assert listed == {
        "skrnn": sorted(set(skrnn.__all__) - {"__version__", "cells", "metrics"}),
        "skrnn.inspection": sorted(skrnn.inspection.__all__),
        "skrnn.metrics": sorted(skrnn.metrics.__all__),
        "skrnn.cells": sorted(skrnn.cells.__all__),
    }


@pytest.mark.parametrize(("name", "table"), [*zip(RESULTS, readme_tables(), strict=True)])
def test_readme_of_the_benchmarks_says_what_the_results_say(name, table):
    results = pd.read_csv(BENCHMARKS / "results" / f"{name}.csv", dtype=str, keep_default_na=False)
    subject = [column for column in results if column in (results.columns[0], "remark", "task")]
    for (_, row), shifted, cells in zip(
        results.iterrows(), results[subject[0]].shift(), table, strict=True
    ):
        first, *rest = row[subject]
        named = [[first, *rest]] + ([["the same", *rest], rest] if first == shifted else [])
        assert words(cells[:1]) in map(words, named)
        assert words(cells[1:]) == words(row.drop(subject))


README = (ROOT / "README.md").read_text("utf-8")


def measured():
    """Return the peer, the seconds of both, and the ratio of every speed that was measured."""
    for name in ("workloads", "forecast", "text"):
        table = pd.read_csv(BENCHMARKS / "results" / f"{name}.csv")
        for _, row in table.iterrows():
            peer = row.get("peer", "Keras").split()[0]
            other = row.get("peer, s", row.get("Keras, s"))
            yield peer, pytest.approx((row["skrnn, s"], other, row["ratio"]), rel=1e-6), row


def seconds(cell):
    """Return the seconds in a table cell such as "Keras 56.0 ms"."""
    number, unit = cell.split()[-2:]
    return float(number) * {"s": 1, "ms": 0.001}[unit]


README_SPEEDS = re.findall(r"^\| (.+) \| (.+ m?s) \| (.+ m?s) \| (.+)x \| (.*)\|$", README, re.M)


@pytest.mark.parametrize("line", README_SPEEDS, ids=lambda line: line[0])
def test_readme_shows_speeds_that_were_measured(line):
    _, ours, theirs, ratio, accuracy = line
    figures = (seconds(ours), seconds(theirs), float(ratio))
    [row] = [
        row for peer, found, row in measured() if (theirs.split()[0], figures) == (peer, found)
    ]
    shown = [float(each) for each in re.findall(r"\d+\.\d+", accuracy)]
    assert shown == list(row.filter(regex="accuracy|sMAPE"))


def test_readme_says_where_a_simpler_model_is_better():
    labels = pd.read_csv(BENCHMARKS / "results" / "quality_of_labels.csv")
    reviews = labels[labels["script"] == "mr.py FOLDER any"].iloc[0]
    said = re.search(r"TF-IDF scores (\S+), the best network (\S+)\. ", README).groups()
    assert said == (f"{reviews['without a network']:.3f}", f"{reviews['mean']:.3f}")


def test_page_lists_the_functions_of_numpy_that_a_file_may_name():
    page = " ".join((SITE / "save_and_serve.rst").read_text("utf-8").split())
    listed = re.search(r"imports nothing: (.*?)\.", page)[1]
    assert re.findall(r"`(\w+)`", listed) == list(UFUNCS)


def test_readme_is_short_and_its_links_lead_somewhere():
    assert len(README_SPEEDS) == 5
    assert 90 <= README.count("\n") <= 120
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme_and_its_page_compare_alike():
    rows = README[README.index("| [their networks]") :].splitlines()[2:14]
    page, _ = (SITE / "compare.rst").read_text("utf-8").split("\n.. [1]")
    _, _, *compared = page.split("   * - ")  # after the head and the versions
    for row, entry in zip(rows, compared, strict=True):
        short = [cell.strip() for cell in row.strip("|").split("|")][1:]
        full = [re.sub(r" \[\d+\]_$", "", cell) for cell in re.findall(r"^ +- (.*)$", entry, re.M)]
        assert short == [{"conformal": "yes", "several": "yes"}.get(cell, cell) for cell in full]


def test_every_results_file_is_shown_on_the_page_of_benchmarks():
    text = (SITE / "benchmarks.rst").read_text("utf-8")
    shown = re.findall(r":file: \.\./benchmarks/results/(\w+)\.csv", text)
    files = [path.stem for path in (BENCHMARKS / "results").iterdir()]
    assert sorted(shown) == sorted(files) == sorted(RESULTS)


STATED = (  # on the page of the rule, with the constants of the code
    f"`n >= {candidates.ROWS_FOR_MEAN}`",
    f"from {candidates.MANY_SERIES} series on",
    f"{candidates.MOST_ORIGINS:,} with {candidates.MOST_TARGETS:,} targets",
    f"fewer than {candidates.LEAST_LEFT:.0%} of all rows",
    "from {} to {}. For each block".format(*candidates.BLOCKS),
    ["", "by a standard error of the difference"][int(stacking.ADVANTAGE_OF_MEAN)],
    f"{len(ridges.PENALTIES)} values from 1e{np.log10(ridges.PENALTIES[0]):.0f} to "
    f"{ridges.PENALTIES[-1]:g},",
    f"E = E + {stacking.SHRINKAGE} * mean(diag(E)) * I",
    f"{settings.LEAST_WINDOWS} windows or more",
    f"at most {settings.LONGEST_WINDOW} rows",
    f"Windows of {settings.SEGMENTS_FROM} rows or more",
    f"leave {settings.FEWEST_SEGMENTS} to {settings.MOST_SEGMENTS} steps",
    f"GRU of {networks.UNITS} units with a learning rate of {networks.LEARNING_RATE}",
    f"from {networks.SMALLEST_BATCH} to {networks.LARGEST_BATCH}",
    f"`patience` {networks.PATIENCE}, at most {networks.MOST_EPOCHS} epochs",
)


@pytest.mark.parametrize("words", STATED)
def test_page_of_the_rule_of_a_forecast_states_the_constants_of_the_code(words):
    assert words in " ".join((SITE / "forecast_rule.rst").read_text("utf-8").split())


CELL_PAGE = SITE / "adding_a_cell.rst"


def cell_changes():
    """Return the blocks of the page on cell types: the file, its old lines, the new ones."""
    blocks = re.findall(
        r"^\.\. code-block:: (diff|python)\n   :caption: (\S+)\n\n((?:   .*\n|\n)+)",
        CELL_PAGE.read_text("utf-8"),
        re.M,
    )
    for kind, path, block in blocks:
        lines = textwrap.dedent(block).strip("\n").split("\n")
        if kind == "python":
            yield path, None, lines
        else:
            old, new = ([line for line in lines if line[:1] != mark] for mark in "+-")
            yield path, *([line[1:] for line in side] for side in (old, new))


CELL_CHANGES = [*cell_changes()]


def changed(path, old, new, folder=ROOT):
    """Return the text of a file with a change of the page made in it."""
    if old is None:
        assert not (folder / path).exists()
        return "\n".join(new) + "\n"
    text, old, new = (folder / path).read_text("utf-8"), "\n".join(old), "\n".join(new)
    assert text.count(f"\n{old}\n") == 1, f"{path} does not have these lines once:\n{old}"
    return text.replace(f"\n{old}\n", f"\n{new}\n")


@pytest.mark.parametrize("block", range(len(CELL_CHANGES)))
def test_page_on_cell_types_changes_lines_that_are_there(block):
    assert changed(*CELL_CHANGES[block])


def test_page_on_cell_types_counts_its_lines_and_names_files_that_are_there():
    text = CELL_PAGE.read_text("utf-8")
    diff = re.findall(r"^   ([+-])", text, re.M)
    [module] = [new for _, old, new in CELL_CHANGES if old is None]
    n_changed = diff.count("-")
    n_new = diff.count("+") - n_changed + len(module)
    files = {path for path, *_ in CELL_CHANGES}
    assert f"{n_new} new lines and {n_changed} changed line in {len(files)} files" in text
    assert n_new + n_changed <= 80
    for name in re.findall(r"`([\w/]+\.py)`", text):
        assert (ROOT / "skrnn" / name).exists() or (ROOT / "tests" / name).exists()


@pytest.mark.slow
def test_cell_type_added_as_its_page_says_passes_the_tests_of_cell_types(tmp_path):
    for folder in ("skrnn", "tests", "examples/site"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, old, new in CELL_CHANGES:
        (tmp_path / path).write_text(changed(path, old, new, tmp_path), "utf-8")
    wanted = "public_cell_types or ugrnn"
    files = [f"tests/test_{name}.py" for name in ("cells", "gradients", "house", "numpy_engine")]
    done = subprocess.run(
        [sys.executable, *"-m pytest -q -p no:cacheprovider -m".split(), "", "-k", wanted, *files],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 50


READS_DATA = [
    path for path in sorted(SITE.parent.glob("plot_*.py")) if "__file__" in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", READS_DATA, ids=lambda path: path.stem)
def test_example_finds_its_data_next_to_itself_as_a_script_and_as_a_notebook(path):
    [folder] = re.findall(r"^FOLDER = (.*?)  #", path.read_text("utf-8"), re.M)
    assert eval(folder, {"Path": Path, "__file__": "/there/plot.py"}) == Path("/there")
    assert eval(folder, {"Path": Path}) == Path()
    assert path.read_text("utf-8").count("__file__") == folder.count("__file__")
