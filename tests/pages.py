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
