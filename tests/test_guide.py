"""The guide's chapters, each typed in cell by cell as printed, in an empty folder."""

import ast
import re

import pytest
from processes import ROOT, printed, scores

CHAPTERS = sorted((ROOT / "examples" / "guide").glob("plot_*.py"))

pytestmark = pytest.mark.slow


def as_typed(chapter, folder):
    """Run the code cells of a chapter in a folder and return what they print."""
    text = chapter.read_text("utf-8")
    prose = ast.get_docstring(ast.parse(text), clean=False)
    cells = re.split(r"^# %%$", text.replace(f'"""{prose}"""', ""), flags=re.M)
    code = [re.sub(r"\A(\n|#.*\n)+", "", cell) for cell in cells]
    return printed("-c", "\n".join(code), cwd=folder)


def pictures(folder):
    """Return the names of what was drawn, each large enough to show something."""
    drawn = list(folder.glob("*.png"))
    assert all(picture.stat().st_size > 10_000 for picture in drawn)
    return {picture.stem for picture in drawn}


def chapter(word):
    return next(path for path in CHAPTERS if word in path.stem)


def test_first_network_tells_the_tide_better_than_what_costs_nothing(tmp_path):
    text = as_typed(chapter("first_network"), tmp_path)
    errors = {name: float(cm) for name, cm in re.findall(r"^(.*?) {2,}(\d+\.\d+) cm$", text, re.M)}
    assert errors["network"] < 0.7 * errors["the same as 25 hours before"]
    assert errors["raw levels"] > 10 * errors["standardized inside"]
    assert all(errors[f"seed {seed}"] < 10 for seed in range(5))
    assert re.findall(r"^(a missing value|another length|no such cell): ", text, re.M) == [
        "a missing value",
        "another length",
        "no such cell",
    ]
    assert pictures(tmp_path) == {"first_network", "first_history"}


def test_windows_that_see_their_answer_look_too_good(tmp_path):
    text = as_typed(chapter("windows"), tmp_path)
    found = scores(text)
    assert (
        found["horizon=0  RMSE"] < 0.2 < found["horizon=1  RMSE"] < found["the hour before  RMSE"]
    )
    assert found["R2 of shuffled folds"] > 0.3 > 0 > found["R2 of folds in order"]
    assert "The time index must ascend" in text
    assert pictures(tmp_path) == {"windows_and_targets", "off_by_one", "gap"}


def test_search_and_halving_find_networks_that_do_well_on_other_samples(tmp_path):
    text = as_typed(chapter("searching"), tmp_path)
    assert scores(text)["R2 on samples never searched"] > 0.5
    assert float(re.search(r"^R2 (\S+)$", text, re.M)[1]) > 0.4
    assert pictures(tmp_path) == {"search", "search_windows"}


def test_network_reads_remarks_better_than_pairs_of_words_if_padding_is_skipped(tmp_path):
    text = as_typed(chapter("text"), tmp_path)
    accuracy = scores(text)
    assert accuracy["pairs of words"] < 0.9 < 0.98 < accuracy["recurrent network"]
    assert accuracy["lists"] > 0.98
    masked, unmasked = re.findall(r"^padding='post'.*accuracy (\S+)$", text, re.M)
    assert float(masked) > 0.98
    assert float(unmasked) < 0.8
    assert pictures(tmp_path) == {"word_by_word", "search_text"}
