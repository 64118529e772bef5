"""The documentation site's sources: what they name is what there is, their figures are measured."""

import re

import pandas as pd
import pytest
from processes import ROOT

import skrnn
import skrnn.cells
import skrnn.inspection

SITE = ROOT / "examples" / "site"
BENCHMARKS = ROOT / "examples" / "benchmarks"
RESULTS = (  # in the order of the README's tables
    "workloads",
    "serve",
    "forecast",
    "text",
    "quality_of_forecasts",
    "coverage",
    "candidates_of_forecasts",
    "quality_of_labels",
    "candidates_of_labels",
)


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
        "skrnn": sorted(set(skrnn.__all__) - {"__version__", "cells"}),
        "skrnn.inspection": sorted(skrnn.inspection.__all__),
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


def test_every_results_file_is_shown_on_the_page_of_benchmarks():
    text = (SITE / "benchmarks.rst").read_text("utf-8")
    shown = re.findall(r":file: \.\./benchmarks/results/(\w+)\.csv", text)
    files = [path.stem for path in (BENCHMARKS / "results").iterdir()]
    assert sorted(shown) == sorted(files) == sorted(RESULTS)
