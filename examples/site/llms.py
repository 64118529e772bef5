"""Writes `llms.txt` next to the built pages: the title, what skrnn is, and a line for each page."""

import re
from pathlib import Path

from docutils import nodes


def summary(doctree):
    """Return the first sentence of a page that is not in a note."""
    paragraphs = doctree.findall(nodes.paragraph)
    said = (each for each in paragraphs if not isinstance(each.parent, nodes.Admonition))
    paragraph = next(said, None)
    text = "" if paragraph is None else " ".join(paragraph.astext().split())
    return re.split(r"(?<=[.?!:]) (?=[A-Z`])", text)[0]


def lines(app):
    """Yield the lines of the file, with the pages in the order of the contents."""
    env = app.env

    def entry(name):
        link = f"- [{env.titles[name].astext()}]({app.builder.get_target_uri(name)})"
        said = summary(env.get_doctree(name))
        return f"{link}: {said}" if said else link

    root = app.config.root_doc
    yield f"# {env.titles[root].astext()}"
    paragraph = next(iter(env.get_doctree(root).findall(nodes.paragraph)))
    yield "\n> " + " ".join(paragraph.astext().split())
    for name in env.toctree_includes[root]:
        yield f"\n## {env.titles[name].astext()}\n\n{entry(name)}"
        yield from map(entry, dict.fromkeys(env.toctree_includes.get(name, ())))


def write(app, exception):
    """Write the file after a build without errors, as Sphinx's "build-finished" asks."""
    if exception is None and app.builder.format == "html":
        Path(app.outdir, "llms.txt").write_text("\n".join(lines(app)) + "\n", "utf-8")
