"""How the site runs the examples: on copies of them, which may leave what they write."""

import builtins
import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parents[1]
COPIES = EXAMPLES.parent / "build" / "examples"


def copy_examples(source, name):
    """Copy the examples of a folder, and the text that heads their gallery; return where to."""
    copy = COPIES / name
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for path in [source / "GALLERY_HEADER.rst", *source.glob("plot_*.py")]:
        shutil.copy(path, copy)
    return str(copy)


def set_file(gallery_conf, path):
    """Let an example find its data by `__file__`, which sphinx-gallery leaves out."""
    folder = EXAMPLES / "guide" if Path(path).parent.name == "guide" else EXAMPLES
    builtins.__file__ = str(folder / Path(path).name)
