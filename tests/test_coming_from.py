"""The page for those who come from other packages: its names and its code."""

import inspect
import re

import pytest
from pages import blocks, page
from processes import ROOT, printed

import skrnn

PAGE = page("coming_from")


def known_names():
    """Return the public names of skrnn, of its classes' members, and of all their arguments."""
    public = [getattr(skrnn, name) for name in skrnn.__all__]
    classes = [each for each in public if hasattr(each, "fit") or hasattr(each, "plot")]
    members = [getattr(each, name) for each in classes for name in dir(each) if name[0] != "_"]
    functions = [each for each in (*public, *classes, *members) if inspect.isroutine(each)]
    names = {*skrnn.__all__, *(name for each in classes for name in dir(each))}
    for each in (*classes, *functions):
        names |= set(inspect.signature(each).parameters)
    for each in classes:
        names |= set(re.findall(r"^ {4}(\w+_) : ", each.__doc__, re.M))
    return names


def test_names_on_the_side_of_skrnn_are_those_of_skrnn():
    cells = re.findall(r"^     - (.*)$", PAGE, re.M)
    code = [text for cell in cells for text in re.findall(r"``(.+?)``", cell)]
    names = {name for text in code for name in re.findall(r"[a-zA-Z_]\w+(?=[=(,)]|$)", text)}
    assert len(names) > 40
    of_others = {*"model series pickle None True argmax Adam FrozenEstimator hidden inputs".split()}
    assert names - known_names() <= of_others


@pytest.mark.slow
def test_code_on_the_side_of_skrnn_forecasts_and_searches():
    (data,) = blocks(PAGE, "data")
    windows, search, forecaster, quantiles = blocks(PAGE, "skrnn")
    shows = "print(type(forecast).__name__, forecast.shape)"
    code = f"{data}\n{windows}\n{shows}\n{data}\n{search}\nprint(*search.best_params_)\n"
    code += f"{data}\n{forecaster}\n{shows}\nprint(errors['loses_to'].iloc[0] or 'none')"
    code += f"\n{data}\n{quantiles}\n{shows}"
    windows_told, best, *told = printed("-c", code, cwd=ROOT).splitlines()
    assert windows_told == "ndarray (24,)"
    assert {"cell_type", "hidden_size"} <= {name.split("__")[-1] for name in best.split()}
    assert told[:2] == ["DataFrame (12, 3)", "ridge"]  # and to no naive forecast
    assert told[2:] == ["DataFrame (12, 4)"]


@pytest.mark.slow
def test_layers_of_a_function_classify_and_predict():
    (code,) = blocks(PAGE, "skrnn, layers of your own")
    accuracy, r2 = map(float, printed("-c", f"{code}\nprint(accuracy, r2)", cwd=ROOT).split())
    assert accuracy > 0.85
    assert r2 > 0.95


def test_code_of_the_others_can_be_read():
    for caption in ("Keras", "scikeras", "skorch", "skforecast", "Darts"):
        (code,) = blocks(PAGE, caption)
        compile(code, caption, "exec")
