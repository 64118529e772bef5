"""The documentation site: `python -m sphinx -W -b html examples/site build/site` builds it."""

import os
import sys
from pathlib import Path

from sklearn.experimental import enable_halving_search_cv  # noqa: F401

SITE = Path(__file__).parent
sys.path[:0] = [str(SITE), str(SITE.parents[1])]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import llms  # noqa: E402
from running import COPIES, EXAMPLES, copy_data, copy_examples  # noqa: E402

import skrnn  # noqa: E402


def skip_scikit_learn(app, what, name, member, skip, options):
    """Leave out methods that scikit-learn documents."""
    return skip or (getattr(member, "__module__", None) or "").startswith("sklearn.")


def setup(app):
    app.connect("autodoc-skip-member", skip_scikit_learn)
    app.connect("build-finished", llms.write)


project = "skrnn"
author = "the skrnn developers"
project_copyright = author
version = release = skrnn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "parameters",
]
templates_path = ["_templates"]
default_role = "code"
smartquotes = False  # defaults are copied from the pages

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings name the types, and say more
numpydoc_show_class_members = False

plot_formats = ["svg"]
plot_html_show_formats = plot_html_show_source_link = False

sphinx_gallery_conf = {
    "examples_dirs": [
        copy_examples(EXAMPLES / "guide", "guide"),
        copy_examples(EXAMPLES, "gallery"),
    ],
    "gallery_dirs": ["guide", "gallery"],
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("matplotlib",),
    "doc_module": ("skrnn",),
    "backreferences_dir": "api/backreferences",
    "capture_repr": ("_repr_html_",),
    "remove_config_comments": True,
    "download_all_examples": False,
    "min_reported_time": 1,
    "show_signature": False,
    "write_computation_times": False,
}

toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = f"skrnn {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = [copy_data(COPIES / "extra")]
linkcheck_ignore = [r"https?://", r"(\.\./)?data/"]  # other sites change; data is no page
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "skrnn"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
}
WITHOUT_SIDEBAR = (
    "index",
    "compare",
    "benchmarks",
    "contributing",
    "design",
    "adding_a_cell",
    "whats_new",
)
html_sidebars = {page: [] for page in WITHOUT_SIDEBAR}
