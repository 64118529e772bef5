"""What tests of the site's pages share."""

import re

from processes import ROOT


def page(name):
    """Return the source of a page."""
    return (ROOT / "examples" / "site" / f"{name}.rst").read_text("utf-8")


def blocks(text, caption):
    """Return the code blocks of a page with a caption."""
    head = rf"^\.\. code-block:: python\n   :caption: {caption}\n\n"
    found = re.findall(head + r"((?:   .*\n|\n)+)", text, re.M)
    return [re.sub(r"^   ", "", block, flags=re.M) for block in found]


def blocks_and_outputs(text):
    """Return the code blocks of a page without a caption, each with the output that follows it."""
    body = r"((?:   .*\n|\n)+)"
    output = rf"(?:\.\. code-block:: text\n   :class: output\n\n{body})?"
    found = re.findall(rf"^\.\. code-block:: python\n\n{body}{output}", text, re.M)
    return [
        tuple(re.sub(r"^   ", "", part, flags=re.M).strip("\n") for part in pair) for pair in found
    ]


def words_and_numbers(line):
    """Return a line's words, without the space between them, and its decimal fractions."""
    number = r"\d+\.\d+"
    return re.sub(number, "", line).split(), [float(each) for each in re.findall(number, line)]
