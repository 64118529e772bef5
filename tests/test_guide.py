"""The guide's chapters, each typed in cell by cell as printed, in an empty folder."""

import ast
import re

import pytest
from processes import ROOT, pictures, printed, scores

BASELINES = ("naive", "seasonal_naive", "drift")

pytestmark = pytest.mark.slow


def shown(block):
    """Return a code block of the prose as a cell."""
    return "# %%\n" + re.sub(r"^#(    )?", "", block[1], flags=re.M) + "\n# %%\n"


def as_typed(word, folder):
    """Run the code cells of a chapter in a folder and return what they print.

    A block that the searching chapter only shows is run too.
    """
    [chapter] = (ROOT / "examples" / "guide").glob(f"plot_*{word}*.py")
    text = chapter.read_text("utf-8")
    if word == "searching":
        text = re.sub(
            r"^# \.\. code-block:: python\n#\n((?:#    .*\n|#\n)+)", shown, text, flags=re.M
        )
    prose = ast.get_docstring(ast.parse(text), clean=False)
    cells = re.split(r"^# %%$", text.replace(f'"""{prose}"""', ""), flags=re.M)
    code = [re.sub(r"\A(\n|#.*\n)+", "", cell) for cell in cells]
    return printed("-c", "\n".join(code), cwd=folder)


def test_first_network_predicts_the_tide_better_than_free_forecasts(tmp_path):
    text = as_typed("first_network", tmp_path)
    errors = {name: float(cm) for name, cm in re.findall(r"^(.*?) {2,}(\d+\.\d+) cm$", text, re.M)}
    assert errors["network"] < 0.7 * errors["the same as 25 hours before"]
    assert errors["raw levels"] > 10 * errors["standardized inside"]
    assert all(errors[f"seed {seed}"] < 10 for seed in range(5))
    [share] = re.findall(r"^(\d+)% of the levels lie between the two, ", text, re.M)
    assert 70 <= int(share) <= 90
    refused = re.findall(r"^(a missing value|another length|no such cell): ", text, re.M)
    assert refused == ["a missing value", "another length", "no such cell"]
    assert pictures(tmp_path) == {"first_network", "first_history"}


def test_windows_that_see_their_answer_look_too_good(tmp_path):
    text = as_typed("windows", tmp_path)
    found = scores(text)
    assert (
        found["horizon=0  RMSE"] < 0.2 < found["horizon=1  RMSE"] < found["the hour before  RMSE"]
    )
    assert found["R2 of shuffled folds"] > 0.3 > 0 > found["R2 of folds in order"]
    assert "The time index must ascend" in text
    assert pictures(tmp_path) == {"windows_and_targets", "off_by_one", "gap"}


def test_search_and_halving_find_networks_that_do_well_on_other_samples(tmp_path):
    text = as_typed("searching", tmp_path)
    assert scores(text)["R2 on samples never searched"] > 0.5
    assert float(re.search(r"^R2 (\S+)$", text, re.M)[1]) > 0.4
    assert pictures(tmp_path) == {"search", "search_windows"}


def test_network_reads_remarks_better_than_pairs_of_words_if_padding_is_skipped(tmp_path):
    text = as_typed("text", tmp_path)
    accuracy = scores(text)
    assert accuracy["pairs of words"] < 0.9 < 0.98 < accuracy["recurrent network"]
    assert accuracy["lists"] > 0.98
    masked, unmasked = re.findall(r"^padding='post'.*accuracy (\S+)$", text, re.M)
    assert float(masked) > 0.98
    assert float(unmasked) < 0.8
    assert pictures(tmp_path) == {"word_by_word", "search_text"}


def test_forecaster_with_the_weather_beats_naive_forecasts_and_itself_without(tmp_path):
    text = as_typed("forecasting", tmp_path)
    errors = {  # MAE, after MASE
        name: float(re.search(rf"^{name} +\S+ +(\S+)", text, re.M)[1])
        for name in ("forecast", "without", *BASELINES)
    }
    with_weather, without, *naive = errors.values()
    assert with_weather < 0.75 * min(naive)
    assert with_weather < 0.97 * without
    parts = {name: float(mase) for name, mase in re.findall(r"^(\D+?) +MASE (\S+)$", text, re.M)}
    assert parts.pop("no network") > 1.05 * max(parts.values())
    assert len(parts) == 3
    assert "needs at least 999 held-out windows" in text
    assert "must have a row at every step" in text
    assert pictures(tmp_path) == {"forecast_sales", "backtest_sales"}


def test_a_gap_is_filled_from_the_week_before_and_from_no_later_row(tmp_path):
    text = as_typed("gaps", tmp_path)
    assert "must have a row at every step" in text
    found = {
        name: float(error)
        for name, error in re.findall(r"^(\S.*?) +(?:MASE|MAE) (\S+)$", text, re.M)
    }
    assert found["seasonal"] < 0.8 * found["linear"]
    assert found["interpolated first"] < 0.5 * found["fill='linear'"]
    of_means, with_flags = (scores(text)[f"R2 {way}"] for way in ("of means only", "with flags"))
    assert of_means + 0.02 < with_flags
    assert pictures(tmp_path) == {"forecast_customers"}


def test_saved_and_exported_networks_answer_alike_and_learn_from_new_blocks(tmp_path):
    text = as_typed("serving", tmp_path)
    assert re.findall(r"^same (.*): True$", text, re.M) == ["probabilities", "labels"]
    assert float(re.search(r"^probabilities differ by (\S+)$", text, re.M)[1]) < 1e-5
    assert "its SHA-256 differs" in text
    weeks = [float(score) for score in re.findall(r"^week \d  (\S+) before", text, re.M)]
    assert weeks[0] + 0.1 < min(weeks[1:])
    assert scores(text)["learned from a stream"] > 0.9
    assert pictures(tmp_path) == {"latency"}


def test_uncertainty_is_counted_by_bakery_and_after_a_change(tmp_path):
    text = as_typed("uncertainty", tmp_path)
    [overall] = re.findall(r"^forecast +(\S+) +(\S+)", text, re.M)
    assert abs(float(overall[0]) - 80) < 8
    assert abs(float(overall[1]) - 95) < 5
    widths = {name: float(width) for name, width in re.findall(r"^(\w{4}) +\S+ +(\S+)", text, re.M)}
    assert widths["Anna"] < widths["Cleo"] < widths["Bert"]
    held = {name: int(share) for name, share in re.findall(r"^adaptive=(\w+) +(\d+)%", text, re.M)}
    assert held["False"] < 70
    assert abs(held["True"] - 80) < 6
    alarms = re.findall(r"^(2024-\d\d-\d\d) +0\.0\d+$", text, re.M)
    assert {"2024-07-14", "2024-09-13", "2024-09-17"} < set(alarms)
    assert pictures(tmp_path) == {"alarms", "backtest_bakeries"}
