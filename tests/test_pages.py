"""The code of the site's pages runs, page by page, and prints what the pages show."""

import re

import pytest
from pages import blocks_and_outputs, page, words_and_numbers
from processes import ROOT

SITE = ROOT / "examples" / "site"
NAMES = sorted(path.stem for path in SITE.glob("*.rst") if blocks_and_outputs(page(path.stem)))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_code_of_a_page_prints_what_the_page_shows(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    variables = {"__name__": name}
    for code, shown in blocks_and_outputs(page(name)):
        exec(compile(code, f"{name}.rst", "exec"), variables)
        printed = capsys.readouterr().out.rstrip().splitlines()
        assert len(printed) == len(shown.splitlines())
        for line, expected in zip(printed, shown.splitlines(), strict=True):
            words, numbers = words_and_numbers(line)
            assert words == words_and_numbers(expected)[0]
            assert numbers == pytest.approx(words_and_numbers(expected)[1], rel=0.05, abs=0.11)


def test_every_how_to_page_is_in_the_contents_and_has_a_summary():
    text = page("howto")
    listed = re.findall(r"^   (\w+)$", text, re.M)
    assert listed == re.findall(r"^:doc:`(\w+)`$", text, re.M)
    assert len(set(listed)) == len(listed) > 15
