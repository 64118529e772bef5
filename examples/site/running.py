"""How the site runs the examples: on copies of them, which may leave what they write."""

import re
import shutil
import textwrap
from pathlib import Path

from skrnn._displays.plotting import draw_legend

EXAMPLES = Path(__file__).parents[1]
COPIES = EXAMPLES.parent / "build" / "examples"


def copy_data(folder):
    """Copy the data that examples read into a folder; return the folder."""
    shutil.copytree(EXAMPLES / "data", folder / "data", dirs_exist_ok=True)
    return str(folder)


def copy_examples(source, name):
    """Copy the examples of a folder, and the text that heads their gallery; return where to."""
    copy = COPIES / name
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for path in [source / "GALLERY_HEADER.rst", *source.glob("plot_*.py")]:
        shutil.copy(path, copy)
    return copy_data(copy)


def draw(page):
    """Run the code of a page up to its first picture, and draw it in a size for phones too."""
    text = (Path(__file__).parent / f"{page}.rst").read_text("utf-8")
    variables = {}
    for code in re.findall(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", text, re.M):
        exec(textwrap.dedent(code), variables)
        if "display" in variables:
            break
    variables["display"].figure_.set_size_inches(4.8, 3.2)
    draw_legend(variables["display"].ax_, 3)
