"""Make the notebooks of this folder from their examples: run this file after an example changes."""

import re
from pathlib import Path

from sphinx_gallery.gen_gallery import DEFAULT_GALLERY_CONF
from sphinx_gallery.notebook import jupyter_notebook, save_notebook
from sphinx_gallery.py_source_parser import remove_config_comments, split_code_and_text_blocks

NAMES = ("airline_passengers", "sentiment", "sensors")
HERE = Path(__file__).parent


def as_shown(content):
    """Return a cell that finds its data from here, and shows its figure instead of saving it."""
    content = re.sub(r"\n*If you downloaded this example.*\n.*", "", content)
    content = re.sub("^FOLDER = .*", 'FOLDER = Path("..")', content, flags=re.M)
    content = remove_config_comments(content)
    return re.sub(r"^\w+\.(figure_\.)?savefig\(.*\)\n?", "", content, flags=re.M)


def convert(name):
    """Return an example as a notebook without outputs."""
    _, blocks = split_code_and_text_blocks(HERE.parent / f"plot_{name}.py")
    cells = [(kind, as_shown(content), line) for kind, content, line in blocks]
    return jupyter_notebook(cells, DEFAULT_GALLERY_CONF, HERE)


if __name__ == "__main__":
    for name in NAMES:
        save_notebook(convert(name), HERE / f"{name}.ipynb")
