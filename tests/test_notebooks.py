"""The notebooks: equal to the examples that they are made from, and run from top to bottom."""

import base64
import runpy

import pytest
from processes import PYTHONPATH, ROOT

FOLDER = ROOT / "examples" / "notebooks"

pytestmark = pytest.mark.slow


def read(path):
    import nbformat  # only these tests have it

    return nbformat.read(path, as_version=4)


def test_notebooks_equal_their_converted_examples():
    make = runpy.run_path(str(FOLDER / "make.py"))
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(make["NAMES"])
    for name in make["NAMES"]:
        kept = [(cell.cell_type, cell.source) for cell in read(FOLDER / f"{name}.ipynb").cells]
        made = [
            (cell["cell_type"], "".join(cell["source"])) for cell in make["convert"](name)["cells"]
        ]
        assert kept == made


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook_holds_no_outputs(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)


def test_notebook_runs_to_its_pictures(monkeypatch):
    """One does for all: `test_examples.py` runs the code of each."""
    from nbclient import NotebookClient

    notebook = read(FOLDER / "airline_passengers.ipynb")
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    there = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=there).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.data for output in outputs if "data" in output]
    pictures = [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]
    assert pictures
    assert all(len(picture) > 10_000 for picture in pictures)
    assert not [output for output in outputs if output.get("name") == "stderr"]
